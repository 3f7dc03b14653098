"""Where worlds are simulated: on the processor, or with MuJoCo Warp on a GPU.

Commands offer the choice before anything is loaded that is needed for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from musclehand.core.errors import InvalidValue

if TYPE_CHECKING:
    import mujoco

    from musclehand.sim.backend import Backend

BackendName = Literal["cpu", "warp"]
"""`cpu`: MuJoCo on the processor. `warp`: MuJoCo Warp on a GPU; without one on the processor,
slowly."""

BackendChoice = Literal["auto", "cpu", "warp"]
"""`auto`: Warp where it is installed and finds a GPU, else the processor."""


def resolve_backend(choice: BackendChoice) -> BackendName:
    """What a choice comes to on this machine.

    Raises:
        MissingWarp: Warp was asked for and is not installed.
    """
    if choice == "cpu":
        return "cpu"
    from musclehand.sim.warp import gpu_at_hand, load_warp

    if choice == "auto":
        return "warp" if gpu_at_hand() else "cpu"
    load_warp()
    return choice


def tell_backend(backend: BackendName) -> dict[str, str | None]:
    """What a run knows of it: one that was begun in single precision does not go on in double, nor
    one on a GPU without one. Nothing is told of the processor, which all runs were on that say
    nothing.

    Raises:
        MissingWarp: it is Warp, which is not installed.
    """
    if backend == "cpu":
        return {"backend": None}
    from musclehand.sim.warp import gpu_at_hand

    return {"backend": "warp, on a GPU" if gpu_at_hand() else "warp, without a GPU"}


def make_worlds(
    backend: BackendName, model: mujoco.MjModel, num_worlds: int, *, num_threads: int = 1
) -> Backend:
    """Worlds of a model; `num_threads`: of the processor.

    Raises:
        InvalidValue: no backend of that name, or a number that cannot be.
        MissingWarp: Warp was asked for and is not installed.
    """
    if backend == "cpu":
        from musclehand.sim.cpu import CpuBackend

        return CpuBackend(model, num_worlds, num_threads=num_threads)
    if backend != "warp":
        raise InvalidValue("backend", backend, "cpu or warp")
    from musclehand.sim.warp import WarpBackend

    return WarpBackend(model, num_worlds)
