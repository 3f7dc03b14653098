"""Batched simulation: many copies of one model, stepped together on a CPU or a GPU.

A world is one copy of the model. Everything that differs between worlds is a row of an array whose
first axis is the world. `sim.cpu` is the reference implementation; `sim.warp` gives the same
results within single precision. A backend does not judge states: when a simulation blows up, MuJoCo
resets it silently; `sim.health` detects that.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import mujoco
import numpy as np

from musclehand.core.errors import InvalidValue

STATE = ("qpos", "qvel", "act", "ctrl", "xfrc_applied", "time")
"""Arrays that can be written, by their names in `MjData`; `time` has shape (num_worlds,)."""


class Backend(ABC):
    """Many worlds of one model."""

    model: mujoco.MjModel
    """The model that every world started from; it is not changed."""

    num_worlds: int
    """Number of copies of the model."""

    @abstractmethod
    def read(self, name: str) -> np.ndarray:
        """An array of `MjData` by its name, of all worlds. Shape (num_worlds, ...).

        The state is always current; quantities derived from positions and velocities are current
        after `step`, `forward` and `reset`. The array may be the simulation's own: do not write to
        it, and copy it to keep it beyond the next call.

        Raises:
            InvalidValue: no array of that name can be read.
        """

    @abstractmethod
    def write(self, name: str, values: np.ndarray, worlds: np.ndarray | None = None) -> None:
        """Sets an array of `STATE`; derived quantities are stale until the next `step` or
        `forward`.

        Args:
            name: of `STATE`.
            values: a row for each of the worlds. Shape (len(worlds), ...).
            worlds: indices of the worlds; None for all.

        Raises:
            InvalidValue: no array of that name can be written.
        """

    @abstractmethod
    def step(self, num_steps: int = 1, *, forward: bool = True) -> None:
        """Advances every world by a number of simulation steps.

        Args:
            num_steps: number of simulation steps.
            forward: compute the quantities derived from the new positions and velocities.
        """

    def follow(self, controls: np.ndarray, steps_each: int) -> None:
        """Advances every world with a sequence of controls, then computes derived quantities.

        Args:
            controls: shape (parts, num_worlds, nu).
            steps_each: simulation steps with each of the controls.
        """
        for number, ctrl in enumerate(controls, start=1):
            self.write("ctrl", ctrl)
            self.step(steps_each, forward=number == len(controls))

    @abstractmethod
    def forward(self, worlds: np.ndarray | None = None) -> None:
        """Computes quantities derived from positions and velocities, without advancing time.

        Args:
            worlds: indices of the worlds; None for all.
        """

    @abstractmethod
    def reset(self, worlds: np.ndarray | None = None, *, forward: bool = True) -> None:
        """Resets worlds to the model's initial state and time 0; their model fields stay.

        Args:
            worlds: indices of the worlds; None for all.
            forward: compute derived quantities; not worth it where another state is written next.
        """

    @abstractmethod
    def state(self) -> np.ndarray:
        """A copy of the full integration state, without model fields. Shape (num_worlds, size)."""

    @abstractmethod
    def restore(self, rows: np.ndarray, worlds: np.ndarray | None = None) -> None:
        """Restores rows of `state`, from the same kind of backend and the same model.

        Args:
            rows: shape (len(worlds), size).
            worlds: indices of the worlds; None for all.

        Raises:
            InvalidValue: rows of another shape.
        """

    @abstractmethod
    def field(self, name: str) -> np.ndarray:
        """A copy of an array of `MjModel` in every world. Shape (num_worlds, ...)."""

    @abstractmethod
    def set_field(self, name: str, values: np.ndarray, worlds: np.ndarray | None = None) -> None:
        """Gives worlds their own values of an array of `MjModel`: strengths, masses, damping.

        Args:
            name: such as "actuator_gainprm".
            values: a row for each of the worlds. Shape (len(worlds), ...).
            worlds: indices of the worlds; None for all.

        Raises:
            InvalidValue: no such array, or rows of another shape.
        """


def check_worlds(num_worlds: int) -> None:
    """Checks a number of worlds.

    Raises:
        InvalidValue: it is not from 1 to a million.
    """
    if not 1 <= num_worlds <= 1_000_000:
        raise InvalidValue("number of worlds", num_worlds, "1 to 1000000")


def check_rows(thing: str, values: np.ndarray, shape: tuple[int, ...]) -> None:
    """Checks the shape of values.

    Args:
        thing: the array's name, for the error.
        values: any array.
        shape: the shape that it must have.

    Raises:
        InvalidValue: the values have another shape.
    """
    if np.shape(values) != shape:
        raise InvalidValue(f"shape of {thing}", np.shape(values), f"{shape}")
