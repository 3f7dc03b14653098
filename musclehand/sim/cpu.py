"""Many worlds on the CPU: MuJoCo's own batch on a pool of threads, with the same bits at any number
of them.

Every world keeps an `MjData` of its own, some 1 MB for a hand. That makes what follows from the
state reached free, as the next step goes on from there; without it a control step of four would
cost a fifth more.
"""

from __future__ import annotations

from contextlib import suppress

import mujoco
import numpy as np
from mujoco.batch import DATA_FIELDS, MODEL_FIELDS, Batch, SimulationError

from musclehand.core.errors import InvalidValue
from musclehand.core.mujoco_warnings import silence_mujoco
from musclehand.sim.backend import STATE, Backend, check_rows, check_worlds

VELOCITY = int(mujoco.mjtStage.mjSTAGE_VEL)
"""All stages that depend on positions and velocities, not on controls."""


class CpuBackend(Backend):
    """Worlds of `model` on `num_threads` threads (0: one for each CPU)."""

    def __init__(self, model: mujoco.MjModel, num_worlds: int, *, num_threads: int = 1) -> None:
        """
        Raises:
            InvalidValue: not a number of worlds or threads.
        """
        check_worlds(num_worlds)
        if not 0 <= num_threads <= 1024:
            raise InvalidValue("number of threads", num_threads, "1 to 1024, or 0 for one each CPU")
        self.model = model
        self.num_worlds = num_worlds
        self.num_threads = num_threads
        self._batch = Batch(model, num_worlds, num_threads, persistent=True)
        # Model fields that worlds have values of their own of.
        self._fields: dict[str, np.ndarray] = {}
        self._arrays: dict[str, np.ndarray] = {}
        self.forward()

    def read(self, name: str) -> np.ndarray:
        """As `Backend`. An array that is read for the first time costs a `forward`."""
        if name not in self._arrays:
            if name not in DATA_FIELDS:
                raise InvalidValue("array of MjData", name, "one of mujoco.batch.DATA_FIELDS")
            self._arrays[name] = self._batch.bind(name)
            if name not in STATE:
                self.forward()
        return self._arrays[name]

    def write(self, name: str, values: np.ndarray, worlds: np.ndarray | None = None) -> None:
        """As `Backend`."""
        if name not in STATE:
            raise InvalidValue("array of the state", name, f"one of {', '.join(STATE)}")
        self.read(name)[slice(None) if worlds is None else worlds] = values

    def step(self, num_steps: int = 1, *, forward: bool = True) -> None:
        """As `Backend`."""
        with silence_mujoco():
            self._step(num_steps, forward)

    def follow(self, controls: np.ndarray, steps_each: int) -> None:
        """As `Backend`, MuJoCo silenced once for all parts."""
        ctrl = self.read("ctrl")
        with silence_mujoco():
            for number, part in enumerate(controls, start=1):
                ctrl[:] = part
                self._step(steps_each, number == len(controls))

    def _step(self, num_steps: int, forward: bool) -> None:
        # A world in which MuJoCo raises an error stays where it is, its time too, by which it is
        # found.
        with suppress(SimulationError):
            self._batch.step(nstep=num_steps, stage=VELOCITY if forward else 0)

    def forward(self, worlds: np.ndarray | None = None) -> None:
        """As `Backend`."""
        with silence_mujoco():
            self._batch.forward(worlds, stage=VELOCITY)

    def reset(self, worlds: np.ndarray | None = None, *, forward: bool = True) -> None:
        """As `Backend`."""
        with silence_mujoco():
            self._batch.reset(worlds, stage=VELOCITY if forward else 0)

    def state(self) -> np.ndarray:
        """As `Backend`: rows of mjSTATE_INTEGRATION."""
        return np.array(self._batch.state)

    def restore(self, rows: np.ndarray, worlds: np.ndarray | None = None) -> None:
        """As `Backend`."""
        count = self.num_worlds if worlds is None else len(worlds)
        check_rows("state", rows, (count, self._batch.nstate))
        self._batch.state[slice(None) if worlds is None else worlds] = rows
        self.forward(worlds)

    def field(self, name: str) -> np.ndarray:
        """As `Backend`."""
        if name in self._fields:
            return self._fields[name].copy()
        self._check_field(name)
        own = np.array(getattr(self.model, name))
        return np.repeat(own[None], self.num_worlds, axis=0)

    def set_field(self, name: str, values: np.ndarray, worlds: np.ndarray | None = None) -> None:
        """As `Backend`. Constants that follow from the field, such as the mass of subtrees,
        follow it."""
        self._check_field(name)
        chosen = np.arange(self.num_worlds) if worlds is None else np.asarray(worlds)
        check_rows(name, values, (len(chosen), *np.shape(getattr(self.model, name))))
        if name not in self._fields:
            self._fields[name] = self._batch.expand(name)
        self._fields[name][chosen] = values
        if name in mujoco.MjModel._setconst_inputs and len(chosen):
            self._batch.set_const(chosen)

    def data_of(self, world: int) -> mujoco.MjData:
        """One world as an `MjData` of its own, to draw it or to hand it to any function of
        MuJoCo."""
        return self._batch.get_data(world)

    def model_of(self, world: int) -> mujoco.MjModel:
        """One world's model, with the fields that were set for it."""
        return self._batch.get_model(world)

    @staticmethod
    def _check_field(name: str) -> None:
        if name not in MODEL_FIELDS or name.startswith("opt."):
            raise InvalidValue("array of MjModel", name, "one of mujoco.batch.MODEL_FIELDS")
