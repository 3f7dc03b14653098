"""Many worlds on a GPU with MuJoCo Warp, or on its CPU device, where it is slow but the same code.

In single precision. MuJoCo Warp does not start a world over that blows up: it stays NaN, which
`sim.health` finds just the same. Sums are done in one order, so the same device gives the same bits
again. Needs the extra `gpu`.
"""

from __future__ import annotations

import copy
from importlib import metadata
from typing import Any

import mujoco
import numpy as np

from musclehand.core.errors import InvalidValue, MusclehandError
from musclehand.sim.backend import STATE, Backend, check_rows, check_worlds

NEEDED = {"mujoco-warp": (4, 0), "warp-lang": (1, 19)}
"""Packages and the least versions of them, as in the extra `gpu`."""

KEPT = ("qpos", "qvel", "act", "ctrl", "xfrc_applied", "qfrc_applied", "qacc_warmstart", "time")
"""What a row of `state` is made of."""

INERTIAL = ("body_mass", "body_inertia", "dof_armature")
"""Fields that worlds can have values of their own of though constants follow from them."""

FOLLOWING = (
    "body_subtreemass",
    "body_invweight0",
    "dof_invweight0",
    "tendon_invweight0",
    "actuator_acc0",
)
"""Those constants."""

CONTACT_ROWS = 4
"""Constraint rows of a contact with friction, a pyramid."""


class MissingWarp(MusclehandError):
    """MuJoCo Warp is not installed."""


class WarpBackend(Backend):
    """Worlds of `model` on a device of Warp."""

    def __init__(
        self,
        model: mujoco.MjModel,
        num_worlds: int,
        *,
        device: str | None = None,
        contacts_each: int = 128,
    ) -> None:
        """
        Args:
            model: of every world.
            num_worlds: how many.
            device: such as "cuda:0" or "cpu"; by default a GPU where there is one.
            contacts_each: room for contacts of a world; there is room for them, for equalities and
                for the ends of all joints among the constraints.

        Raises:
            MissingWarp: it is not installed.
            InvalidValue: not a number of worlds.
        """
        check_worlds(num_worlds)
        self._wp, self._mjw = load_warp()
        self.model = model
        self.num_worlds = num_worlds
        self._device = self._wp.get_device(device)
        rows = CONTACT_ROWS * contacts_each + 2 * int(model.jnt_limited.sum()) + model.neq
        # Whether matrices are sparse is a question of speed, and Warp's answer is another than the
        # CPU's.
        own = copy.copy(model)
        own.opt.jacobian = mujoco.mjtJacobian.mjJAC_AUTO
        data = mujoco.MjData(own)
        with self._wp.ScopedDevice(self._device):
            self._model = self._mjw.put_model(own)
            self._model.opt.deterministic = self._mjw.DeterminismType.ALL
            self._data = self._mjw.put_data(
                own, data, nworld=num_worlds, nconmax=contacts_each, njmax=rows
            )
        self._fields: dict[str, np.ndarray] = {}
        # Worlds of which constants are to be worked out, and what that is done with.
        self._stale = set[int]()
        self._pattern = own, data
        self.forward()
        self._first = self.state()

    def read(self, name: str) -> np.ndarray:
        """As `Backend`; a copy, as 8-byte floats."""
        source = getattr(self._data, name, None)
        if not isinstance(source, self._wp.array):
            raise InvalidValue("array of mujoco_warp's Data", name, "one that it has")
        values = source.numpy().astype(float)
        return np.asarray(values[: self.num_worlds])

    def write(self, name: str, values: np.ndarray, worlds: np.ndarray | None = None) -> None:
        """As `Backend`."""
        if name not in STATE:
            raise InvalidValue("array of the state", name, f"one of {', '.join(STATE)}")
        self._assign(getattr(self._data, name), values, worlds)

    def step(self, num_steps: int = 1, *, forward: bool = True) -> None:
        """As `Backend`."""
        self._follow_fields()
        with self._wp.ScopedDevice(self._device):
            for _ in range(num_steps):
                self._mjw.step(self._model, self._data)
        if forward:
            self.forward()

    def forward(self, worlds: np.ndarray | None = None) -> None:
        """As `Backend`; always of all worlds."""
        self._follow_fields()
        with self._wp.ScopedDevice(self._device):
            self._mjw.fwd_position(self._model, self._data)
            self._mjw.fwd_velocity(self._model, self._data)

    def reset(self, worlds: np.ndarray | None = None, *, forward: bool = True) -> None:
        """As `Backend`; always computes what follows."""
        chosen = np.arange(self.num_worlds) if worlds is None else np.asarray(worlds)
        self.restore(self._first[chosen], chosen)

    def state(self) -> np.ndarray:
        """As `Backend`."""
        return np.concatenate(
            [self.read(name).reshape(self.num_worlds, -1) for name in KEPT], axis=1
        )

    def restore(self, rows: np.ndarray, worlds: np.ndarray | None = None) -> None:
        """As `Backend`."""
        sizes = [int(np.prod(self.read(name).shape[1:], dtype=int)) for name in KEPT]
        count = self.num_worlds if worlds is None else len(worlds)
        check_rows("state", rows, (count, sum(sizes)))
        ends = np.cumsum(sizes)
        for name, end, size in zip(KEPT, ends, sizes, strict=True):
            target = getattr(self._data, name)
            shape = (count, *target.numpy().shape[1:])
            self._assign(target, rows[:, end - size : end].reshape(shape), worlds)
        self.forward()

    def field(self, name: str) -> np.ndarray:
        """As `Backend`."""
        self._follow_fields()
        return self._rows(name).copy()

    def set_field(self, name: str, values: np.ndarray, worlds: np.ndarray | None = None) -> None:
        """As `Backend`; fields that nothing else follows from, such as strengths and damping, and
        those of inertia.

        Raises:
            InvalidValue: no field of Warp's that worlds can have values of their own of, or other
                constants follow.
        """
        source = getattr(self._model, name, None)
        constant = name in mujoco.MjModel._setconst_inputs
        if not isinstance(source, self._wp.array) or (constant and name not in INERTIAL):
            raise InvalidValue(
                "field of a world", name, "one of inertia, or one that no constants follow from"
            )
        chosen = np.arange(self.num_worlds) if worlds is None else np.asarray(worlds)
        check_rows(name, values, (len(chosen), *np.shape(getattr(self.model, name))))
        rows = self._fields[name] = self._rows(name)
        rows[chosen] = values
        self._give(name, rows)
        if constant:
            self._stale.update(chosen.tolist())

    def _follow_fields(self) -> None:
        """What follows from inertia, once for all fields that were set, by MuJoCo itself."""
        if not self._stale:
            return
        one, data = self._pattern
        given = {name: self._rows(name) for name in INERTIAL}
        for name in FOLLOWING:
            self._fields[name] = self._rows(name)
        for world in sorted(self._stale):
            for name, rows in given.items():
                getattr(one, name)[:] = rows[world]
            mujoco.mj_setConst(one, data)
            for name in FOLLOWING:
                self._fields[name][world] = getattr(one, name)
        for name in FOLLOWING:
            self._give(name, self._fields[name])
        self._stale.clear()

    def _rows(self, name: str) -> np.ndarray:
        """A field of all worlds, which have the model's unless they were given others."""
        if name in self._fields:
            return self._fields[name]
        return np.repeat(
            np.array(getattr(self.model, name), dtype=float)[None], self.num_worlds, axis=0
        )

    def _give(self, name: str, rows: np.ndarray) -> None:
        with self._wp.ScopedDevice(self._device):
            kind = getattr(self._model, name).dtype
            setattr(self._model, name, self._wp.array(rows.astype(np.float32), dtype=kind))

    def _assign(self, target: Any, values: np.ndarray, worlds: np.ndarray | None) -> None:
        rows = target.numpy()
        rows[slice(None) if worlds is None else worlds] = np.reshape(values, (-1, *rows.shape[1:]))
        target.assign(rows)


def gpu_at_hand() -> bool:
    """Whether Warp is installed and finds a GPU."""
    try:
        wp, _ = load_warp()
    except MissingWarp:
        return False
    return bool(wp.is_cuda_available())


def load_warp() -> tuple[Any, Any]:
    """Warp, and MuJoCo Warp.

    Raises:
        MissingWarp: they are not installed, too old, or do not load.
    """
    for package, least in NEEDED.items():
        found = _version_of(package)
        if found < least:
            needs, told = (".".join(map(str, one)) or "not there" for one in (least, found))
            raise MissingWarp(
                f"the GPU backend needs {package} {needs}, here {told}: pip install 'musclehand[gpu]'"
            )
    try:
        import warp

        # Before anything of it is used. What it compiles takes a minute, once, but is nobody's
        # news.
        warp.config.log_level = warp.LOG_ERROR
        import mujoco_warp
    except ImportError as error:
        raise MissingWarp(f"MuJoCo Warp is installed but does not load: {error}") from error
    return warp, mujoco_warp


def _version_of(package: str) -> tuple[int, ...]:
    """Its first two numbers; none if it is not there."""
    try:
        return tuple(int(part) for part in metadata.version(package).split(".")[:2])
    except metadata.PackageNotFoundError:
        return ()
