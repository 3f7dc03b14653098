"""The GPU backend: MuJoCo Warp, in single precision.

It also runs on Warp's CPU device, slowly, with the same code. MuJoCo Warp does not reset a world
that blows up: its state stays NaN, which `sim.health` detects all the same. Sums are deterministic,
so one device gives the same bits again. Needs the extra `gpu`.
"""

from __future__ import annotations

import copy
from importlib import metadata
from typing import Any

import mujoco
import numpy as np
from typing_extensions import override

from musclehand.core.errors import InvalidValue, MusclehandError
from musclehand.sim.backend import STATE, Backend, check_rows, check_worlds

NEEDED = {"mujoco-warp": (4, 0), "warp-lang": (1, 19)}
"""Packages and their least versions, as in the extra `gpu`."""

KEPT = ("qpos", "qvel", "act", "ctrl", "xfrc_applied", "qfrc_applied", "qacc_warmstart", "time")
"""The arrays that a row of `state` concatenates."""

INERTIAL = ("body_mass", "body_inertia", "dof_armature")
"""Fields that worlds can have their own values of although constants derive from them."""

FOLLOWING = (
    "body_subtreemass",
    "body_invweight0",
    "dof_invweight0",
    "tendon_invweight0",
    "actuator_acc0",
)
"""The constants that derive from `INERTIAL`."""

CONTACT_ROWS = 4
"""Constraint rows of a contact with a pyramidal friction cone."""


class MissingWarp(MusclehandError):
    """MuJoCo Warp is not installed."""


class WarpBackend(Backend):
    """Worlds of a model on a device of Warp.

    `read` copies, as 8-byte floats. `forward` and `reset` compute derived quantities of all worlds.
    `set_field` takes fields from which no constants derive (strengths, damping) and `INERTIAL`.
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        num_worlds: int,
        *,
        device: str | None = None,
        contacts_each: int = 128,
    ) -> None:
        """Allocates the worlds on the device and computes their derived quantities.

        Args:
            model: the model of every world.
            num_worlds: number of copies, 1 to a million.
            device: such as "cuda:0" or "cpu"; by default a GPU where there is one.
            contacts_each: contacts for which a world has room; constraints have room for these, for
                equalities and for the limits of all joints.

        Raises:
            MissingWarp: Warp is not installed.
            InvalidValue: not a number of worlds.
        """
        check_worlds(num_worlds)
        self._wp, self._mjw = load_warp()
        self.model = model
        self.num_worlds = num_worlds
        self._device = self._wp.get_device(device)
        rows = CONTACT_ROWS * contacts_each + 2 * int(model.jnt_limited.sum()) + model.neq
        # Sparse or dense matrices are a question of speed, with other answers on a GPU than on a
        # CPU.
        copied = copy.copy(model)
        copied.opt.jacobian = mujoco.mjtJacobian.mjJAC_AUTO
        data = mujoco.MjData(copied)
        with self._wp.ScopedDevice(self._device):
            self._model = self._mjw.put_model(copied)
            self._model.opt.deterministic = self._mjw.DeterminismType.ALL
            self._data = self._mjw.put_data(
                copied, data, nworld=num_worlds, nconmax=contacts_each, njmax=rows
            )
        self._fields: dict[str, np.ndarray] = {}
        # Worlds whose derived constants are out of date, and the model that computes them.
        self._stale = set[int]()
        self._pattern = copied, data
        self.forward()
        self._initial = self.state()

    @override
    def read(self, name: str) -> np.ndarray:
        source = getattr(self._data, name, None)
        if not isinstance(source, self._wp.array):
            raise InvalidValue("array of mujoco_warp's Data", name, "one that it has")
        values = source.numpy().astype(float)
        return np.asarray(values[: self.num_worlds])

    @override
    def write(self, name: str, values: np.ndarray, worlds: np.ndarray | None = None) -> None:
        if name not in STATE:
            raise InvalidValue("array of the state", name, f"one of {', '.join(STATE)}")
        self._assign(getattr(self._data, name), values, worlds)

    @override
    def step(self, num_steps: int = 1, *, forward: bool = True) -> None:
        self._derive_constants()
        with self._wp.ScopedDevice(self._device):
            for _ in range(num_steps):
                self._mjw.step(self._model, self._data)
        if forward:
            self.forward()

    @override
    def forward(self, worlds: np.ndarray | None = None) -> None:
        self._derive_constants()
        with self._wp.ScopedDevice(self._device):
            self._mjw.fwd_position(self._model, self._data)
            self._mjw.fwd_velocity(self._model, self._data)

    @override
    def reset(self, worlds: np.ndarray | None = None, *, forward: bool = True) -> None:
        chosen = np.arange(self.num_worlds) if worlds is None else np.asarray(worlds)
        self.restore(self._initial[chosen], chosen)

    @override
    def state(self) -> np.ndarray:
        return np.concatenate(
            [self.read(name).reshape(self.num_worlds, -1) for name in KEPT], axis=1
        )

    @override
    def restore(self, rows: np.ndarray, worlds: np.ndarray | None = None) -> None:
        sizes = [int(np.prod(self.read(name).shape[1:], dtype=int)) for name in KEPT]
        count = self.num_worlds if worlds is None else len(worlds)
        check_rows("state", rows, (count, sum(sizes)))
        ends = np.cumsum(sizes)
        for name, end, size in zip(KEPT, ends, sizes, strict=True):
            target = getattr(self._data, name)
            shape = (count, *target.numpy().shape[1:])
            self._assign(target, rows[:, end - size : end].reshape(shape), worlds)
        self.forward()

    @override
    def field(self, name: str) -> np.ndarray:
        self._derive_constants()
        return self._rows(name).copy()

    @override
    def set_field(self, name: str, values: np.ndarray, worlds: np.ndarray | None = None) -> None:
        source = getattr(self._model, name, None)
        constant = name in mujoco.MjModel._setconst_inputs
        if not isinstance(source, self._wp.array) or (constant and name not in INERTIAL):
            raise InvalidValue(
                "field of a world", name, "one of inertia, or one that no constants follow from"
            )
        chosen = np.arange(self.num_worlds) if worlds is None else np.asarray(worlds)
        check_rows(name, values, (len(chosen), *np.shape(getattr(self.model, name))))
        rows = self._rows(name)
        self._fields[name] = rows
        rows[chosen] = values
        self._upload(name, rows)
        if constant:
            self._stale.update(chosen.tolist())

    def _derive_constants(self) -> None:
        """Lets MuJoCo compute the constants of all worlds whose inertia has changed."""
        if not self._stale:
            return
        model, data = self._pattern
        inertial = {name: self._rows(name) for name in INERTIAL}
        for name in FOLLOWING:
            self._fields[name] = self._rows(name)
        for world in sorted(self._stale):
            for name, rows in inertial.items():
                getattr(model, name)[:] = rows[world]
            mujoco.mj_setConst(model, data)
            for name in FOLLOWING:
                self._fields[name][world] = getattr(model, name)
        for name in FOLLOWING:
            self._upload(name, self._fields[name])
        self._stale.clear()

    def _rows(self, name: str) -> np.ndarray:
        """A field of all worlds: their own values, or else the model's."""
        if name in self._fields:
            return self._fields[name]
        return np.repeat(
            np.array(getattr(self.model, name), dtype=float)[None], self.num_worlds, axis=0
        )

    def _upload(self, name: str, rows: np.ndarray) -> None:
        with self._wp.ScopedDevice(self._device):
            kind = getattr(self._model, name).dtype
            setattr(self._model, name, self._wp.array(rows.astype(np.float32), dtype=kind))

    def _assign(self, target: Any, values: np.ndarray, worlds: np.ndarray | None) -> None:
        rows = target.numpy()
        rows[slice(None) if worlds is None else worlds] = np.reshape(values, (-1, *rows.shape[1:]))
        target.assign(rows)


def gpu_available() -> bool:
    """Whether Warp is installed and finds a GPU."""
    try:
        wp, _ = load_warp()
    except MissingWarp:
        return False
    return bool(wp.is_cuda_available())


def load_warp() -> tuple[Any, Any]:
    """Imports Warp and MuJoCo Warp.

    Returns:
        The modules `warp` and `mujoco_warp`.

    Raises:
        MissingWarp: they are not installed, too old, or do not load.
    """
    for package, least in NEEDED.items():
        installed = _version_of(package)
        if installed < least:
            needed = ".".join(map(str, least))
            present = ".".join(map(str, installed)) or "not there"
            raise MissingWarp(
                f"the GPU backend needs {package} {needed}, here {present}: "
                "pip install 'musclehand[gpu]'"
            )
    try:
        import warp

        # Set before Warp is used: its messages about compiling kernels (a minute, once) are noise.
        warp.config.log_level = warp.LOG_ERROR
        import mujoco_warp
    except ImportError as error:
        raise MissingWarp(f"MuJoCo Warp is installed but does not load: {error}") from error
    return warp, mujoco_warp


def _version_of(package: str) -> tuple[int, ...]:
    """The first two numbers of a package's version; none if it is not installed."""
    try:
        return tuple(int(part) for part in metadata.version(package).split(".")[:2])
    except metadata.PackageNotFoundError:
        return ()
