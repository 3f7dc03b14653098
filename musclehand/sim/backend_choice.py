"""The choice of a simulation backend: MuJoCo on the CPU, or MuJoCo Warp on a GPU.

Commands offer the choice before any library that a backend needs is loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from musclehand.core.errors import InvalidValue

if TYPE_CHECKING:
    import mujoco

    from musclehand.sim.backend import Backend

BackendName = Literal["cpu", "warp"]
"""`cpu`: MuJoCo on the CPU. `warp`: MuJoCo Warp on a GPU; without a GPU it runs slowly on the
CPU."""

BackendChoice = Literal["auto", "cpu", "warp"]
"""`auto`: Warp where it is installed and finds a GPU, else the CPU."""


def resolve_backend(choice: BackendChoice) -> BackendName:
    """The backend of this machine for a choice.

    Raises:
        MissingWarp: Warp is the choice and is not installed.
    """
    if choice == "cpu":
        return "cpu"
    from musclehand.sim.warp import gpu_available, load_warp

    if choice == "auto":
        return "warp" if gpu_available() else "cpu"
    load_warp()
    return choice


def describe_backend(backend: BackendName) -> dict[str, str | None]:
    """The checkpoint entry for a backend, which must agree when a training run resumes.

    A run that began in single precision must not resume in double precision, nor a run on a GPU
    without a GPU. The entry of the CPU is None: checkpoints without the entry are of the CPU.

    Raises:
        MissingWarp: the backend is Warp, which is not installed.
    """
    if backend == "cpu":
        return {"backend": None}
    from musclehand.sim.warp import gpu_available

    return {"backend": "warp, on a GPU" if gpu_available() else "warp, without a GPU"}


def make_worlds(
    backend: BackendName, model: mujoco.MjModel, num_worlds: int, *, num_threads: int = 1
) -> Backend:
    """Creates the worlds of a model on a backend.

    Args:
        backend: "cpu" or "warp".
        model: the model of every world.
        num_worlds: number of copies, 1 to a million.
        num_threads: threads of the CPU backend; 0 for one on each CPU.

    Raises:
        InvalidValue: no backend of that name, or an impossible number.
        MissingWarp: Warp is the backend and is not installed.
    """
    if backend == "cpu":
        from musclehand.sim.cpu import CpuBackend

        return CpuBackend(model, num_worlds, num_threads=num_threads)
    if backend != "warp":
        raise InvalidValue("backend", backend, "cpu or warp")
    from musclehand.sim.warp import WarpBackend

    return WarpBackend(model, num_worlds)
