"""Many worlds on a GPU with MuJoCo Warp, or on its CPU device, where it is slow but the same code.

In single precision. MuJoCo Warp does not start a world over that blows up: it stays NaN, which `sim.health` finds
just the same. Needs the extra `gpu`.
"""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np

from musclehand.core.errors import InvalidValue, MusclehandError
from musclehand.sim.backend import STATE, Backend, check_rows, check_worlds

KEPT = ("qpos", "qvel", "act", "ctrl", "xfrc_applied", "qfrc_applied", "qacc_warmstart", "time")
"""What a row of `state` is made of."""


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
        contacts_each: int = 32,
        constraints_each: int = 128,
    ) -> None:
        """
        Args:
            model: of every world.
            num_worlds: how many.
            device: such as "cuda:0" or "cpu"; by default a GPU where there is one.
            contacts_each, constraints_each: room for contacts and constraint rows of a world.

        Raises:
            MissingWarp: it is not installed.
            InvalidValue: not a number of worlds.
        """
        check_worlds(num_worlds)
        self._wp, self._mjw = _load_warp()
        self.model, self.num_worlds = model, num_worlds
        self._device = self._wp.get_device(device)
        with self._wp.ScopedDevice(self._device):
            self._model = self._mjw.put_model(model)
            self._data = self._mjw.put_data(
                model, mujoco.MjData(model), nworld=num_worlds, nconmax=contacts_each, njmax=constraints_each
            )
        self._fields: dict[str, np.ndarray] = {}
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
        with self._wp.ScopedDevice(self._device):
            for _ in range(num_steps):
                self._mjw.step(self._model, self._data)
        if forward:
            self.forward()

    def forward(self, worlds: np.ndarray | None = None) -> None:
        """As `Backend`; always of all worlds."""
        with self._wp.ScopedDevice(self._device):
            self._mjw.fwd_position(self._model, self._data)
            self._mjw.fwd_velocity(self._model, self._data)

    def reset(self, worlds: np.ndarray | None = None, *, forward: bool = True) -> None:
        """As `Backend`; always computes what follows."""
        chosen = np.arange(self.num_worlds) if worlds is None else np.asarray(worlds)
        self.restore(self._first[chosen], chosen)

    def state(self) -> np.ndarray:
        """As `Backend`."""
        return np.concatenate([self.read(name).reshape(self.num_worlds, -1) for name in KEPT], axis=1)

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
        if name in self._fields:
            return self._fields[name].copy()
        own = np.array(getattr(self.model, name), dtype=float)
        return np.repeat(own[None], self.num_worlds, axis=0)

    def set_field(self, name: str, values: np.ndarray, worlds: np.ndarray | None = None) -> None:
        """As `Backend`; only fields that nothing else follows from, such as strengths and damping.

        Raises:
            InvalidValue: no field of Warp's that worlds can have values of their own of, or other constants follow.
        """
        source = getattr(self._model, name, None)
        if not isinstance(source, self._wp.array) or name in mujoco.MjModel._setconst_inputs:
            raise InvalidValue("field of a world", name, "one that no other constants follow from")
        chosen = np.arange(self.num_worlds) if worlds is None else np.asarray(worlds)
        check_rows(name, values, (len(chosen), *np.shape(getattr(self.model, name))))
        rows = self._fields.setdefault(name, self.field(name))
        rows[chosen] = values
        with self._wp.ScopedDevice(self._device):
            setattr(self._model, name, self._wp.array(rows.astype(np.float32), dtype=source.dtype))

    def _assign(self, target: Any, values: np.ndarray, worlds: np.ndarray | None) -> None:
        rows = target.numpy()
        rows[slice(None) if worlds is None else worlds] = np.reshape(values, (-1, *rows.shape[1:]))
        target.assign(rows)


def _load_warp() -> tuple[Any, Any]:
    try:
        import mujoco_warp
        import warp
    except ImportError as error:
        raise MissingWarp(f"the GPU backend needs `pip install 'musclehand[gpu]'` ({error})") from error
    warp.config.quiet = True
    return warp, mujoco_warp
