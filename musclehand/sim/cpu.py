"""The CPU backend: MuJoCo's own batch on a thread pool, bit-identical for any number of threads.

Every world keeps an `MjData` of its own, about 1 MB for a hand. Derived quantities of the new state
are therefore free: the next step needs them anyway. Without that, a control step of four simulation
steps would cost a fifth more.
"""

from __future__ import annotations

from contextlib import suppress

import mujoco
import numpy as np
from mujoco.batch import DATA_FIELDS, MODEL_FIELDS, Batch, SimulationError
from typing_extensions import override

from musclehand.core.errors import InvalidValue
from musclehand.core.mujoco_warnings import silence_mujoco
from musclehand.sim.backend import STATE, Backend, check_rows, check_worlds

VELOCITY = int(mujoco.mjtStage.mjSTAGE_VEL)
"""All stages of MuJoCo's pipeline that depend on positions and velocities, not on controls."""

MAX_THREADS = 1024
"""Largest number of threads that is taken for meant."""


class CpuBackend(Backend):
    """Worlds of a model on a thread pool.

    The first `read` of an array costs a `forward`. Rows of `state` are MuJoCo's
    `mjSTATE_INTEGRATION`. `set_field` also updates the constants that MuJoCo derives from a field
    (`mj_setConst`).
    """

    def __init__(self, model: mujoco.MjModel, num_worlds: int, *, num_threads: int = 1) -> None:
        """Allocates the worlds and computes their derived quantities.

        Args:
            model: the model of every world.
            num_worlds: number of copies, 1 to a million.
            num_threads: threads, 1 to `MAX_THREADS`; 0 for one on each CPU.

        Raises:
            InvalidValue: not a number of worlds or threads.
        """
        check_worlds(num_worlds)
        if not 0 <= num_threads <= MAX_THREADS:
            legal = f"1 to {MAX_THREADS}, or 0 for one each CPU"
            raise InvalidValue("number of threads", num_threads, legal)
        self.model = model
        self.num_worlds = num_worlds
        self.num_threads = num_threads
        self._batch = Batch(model, num_worlds, num_threads, persistent=True)
        # Model fields with a value for each world.
        self._fields: dict[str, np.ndarray] = {}
        self._arrays: dict[str, np.ndarray] = {}
        self.forward()

    @override
    def read(self, name: str) -> np.ndarray:
        if name not in self._arrays:
            if name not in DATA_FIELDS:
                raise InvalidValue("array of MjData", name, "one of mujoco.batch.DATA_FIELDS")
            self._arrays[name] = self._batch.bind(name)
            if name not in STATE:
                self.forward()
        return self._arrays[name]

    @override
    def write(self, name: str, values: np.ndarray, worlds: np.ndarray | None = None) -> None:
        if name not in STATE:
            raise InvalidValue("array of the state", name, f"one of {', '.join(STATE)}")
        self.read(name)[slice(None) if worlds is None else worlds] = values

    @override
    def step(self, num_steps: int = 1, *, forward: bool = True) -> None:
        with silence_mujoco():
            self._step(num_steps, forward)

    @override
    def follow(self, controls: np.ndarray, steps_each: int) -> None:
        ctrl = self.read("ctrl")
        # MuJoCo is silenced once for all parts.
        with silence_mujoco():
            for number, part in enumerate(controls, start=1):
                ctrl[:] = part
                self._step(steps_each, number == len(controls))

    def _step(self, num_steps: int, forward: bool) -> None:
        # A world in which MuJoCo raises an error keeps its state and its time; `sim.health` detects
        # it by the time.
        with suppress(SimulationError):
            self._batch.step(nstep=num_steps, stage=VELOCITY if forward else 0)

    @override
    def forward(self, worlds: np.ndarray | None = None) -> None:
        with silence_mujoco():
            self._batch.forward(worlds, stage=VELOCITY)

    @override
    def reset(self, worlds: np.ndarray | None = None, *, forward: bool = True) -> None:
        with silence_mujoco():
            self._batch.reset(worlds, stage=VELOCITY if forward else 0)

    @override
    def state(self) -> np.ndarray:
        return np.array(self._batch.state)

    @override
    def restore(self, rows: np.ndarray, worlds: np.ndarray | None = None) -> None:
        count = self.num_worlds if worlds is None else len(worlds)
        check_rows("state", rows, (count, self._batch.nstate))
        self._batch.state[slice(None) if worlds is None else worlds] = rows
        self.forward(worlds)

    @override
    def field(self, name: str) -> np.ndarray:
        if name in self._fields:
            return self._fields[name].copy()
        self._check_field(name)
        values = np.array(getattr(self.model, name))
        return np.repeat(values[None], self.num_worlds, axis=0)

    @override
    def set_field(self, name: str, values: np.ndarray, worlds: np.ndarray | None = None) -> None:
        self._check_field(name)
        chosen = np.arange(self.num_worlds) if worlds is None else np.asarray(worlds)
        check_rows(name, values, (len(chosen), *np.shape(getattr(self.model, name))))
        if name not in self._fields:
            self._fields[name] = self._batch.expand(name)
        self._fields[name][chosen] = values
        if name in mujoco.MjModel._setconst_inputs and len(chosen):
            self._batch.set_const(chosen)

    def data_of(self, world: int) -> mujoco.MjData:
        """A copy of one world as an `MjData`, to draw it or to hand it to any MuJoCo function."""
        return self._batch.get_data(world)

    def model_of(self, world: int) -> mujoco.MjModel:
        """The model of one world, with its own values of the fields set for it."""
        return self._batch.get_model(world)

    @staticmethod
    def _check_field(name: str) -> None:
        if name not in MODEL_FIELDS or name.startswith("opt."):
            raise InvalidValue("array of MjModel", name, "one of mujoco.batch.MODEL_FIELDS")
