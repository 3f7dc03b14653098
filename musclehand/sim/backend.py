"""What simulates many copies of one model at a time: the same calls whether a CPU or a GPU does the
work.

A world is one copy. Everything that differs between worlds is a row of an array whose first axis is
the world. `sim.cpu` is the reference; `sim.warp` gives the same results within single precision.
Neither judges a state: MuJoCo starts over by itself and silently when one blows up, which
`sim.health` finds.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import mujoco
import numpy as np

from musclehand.core.errors import InvalidValue

STATE = ("qpos", "qvel", "act", "ctrl", "xfrc_applied", "time")
"""What can be written, in `MjData`'s names; `time` has shape (num_worlds,)."""


class Backend(ABC):
    """Many worlds of one model.

    `model` is what every world started from, not changed; `num_worlds` how many there are.
    """

    model: mujoco.MjModel
    num_worlds: int

    @abstractmethod
    def read(self, name: str) -> np.ndarray:
        """An array of `MjData` by its name, of all worlds. Shape (num_worlds, ...).

        State is that of now; what follows from positions and velocities is up to date after `step`,
        `forward` and `reset`. The array may be the simulation's own: it is not to be written to,
        and is good until the next call.

        Raises:
            InvalidValue: there is no such array to be read.
        """

    @abstractmethod
    def write(self, name: str, values: np.ndarray, worlds: np.ndarray | None = None) -> None:
        """Sets an array of `STATE`; what follows from it is not computed before the next `step` or
        `forward`.

        Args:
            name: of `STATE`.
            values: one row a world. Shape (len(worlds), ...).
            worlds: numbers of the worlds; None for all.

        Raises:
            InvalidValue: there is no such array to be written.
        """

    @abstractmethod
    def step(self, num_steps: int = 1, *, forward: bool = True) -> None:
        """Advances every world by some steps of the simulation.

        Args:
            num_steps: how many.
            forward: compute what follows from the positions and velocities reached.
        """

    def follow(self, controls: np.ndarray, steps_each: int) -> None:
        """Advances every world with one control after the other, then computes what follows from
        where it got to.

        Args:
            controls: shape (parts, num_worlds, nu).
            steps_each: steps of the simulation with each of them.
        """
        for number, ctrl in enumerate(controls, start=1):
            self.write("ctrl", ctrl)
            self.step(steps_each, forward=number == len(controls))

    @abstractmethod
    def forward(self, worlds: np.ndarray | None = None) -> None:
        """Computes what follows from positions and velocities, in some worlds or all; nothing
        moves."""

    @abstractmethod
    def reset(self, worlds: np.ndarray | None = None, *, forward: bool = True) -> None:
        """Puts some worlds or all back to the model's first state, time 0; their model fields stay.

        Args:
            worlds: numbers of the worlds; None for all.
            forward: compute what follows from the state; not worth it where another state is
                written at once.
        """

    @abstractmethod
    def state(self) -> np.ndarray:
        """A copy of everything that the worlds' future depends on but their model fields. Shape
        (num_worlds, size)."""

    @abstractmethod
    def restore(self, rows: np.ndarray, worlds: np.ndarray | None = None) -> None:
        """Puts back rows of `state`, those of the same backend and model.

        Raises:
            InvalidValue: rows of another shape.
        """

    @abstractmethod
    def field(self, name: str) -> np.ndarray:
        """A copy of an array of `MjModel` as the worlds have it. Shape (num_worlds, ...)."""

    @abstractmethod
    def set_field(self, name: str, values: np.ndarray, worlds: np.ndarray | None = None) -> None:
        """Gives worlds values of their own of an array of `MjModel`, such as strengths, masses or
        damping.

        Args:
            name: such as "actuator_gainprm".
            values: one row a world. Shape (len(worlds), ...).
            worlds: numbers of the worlds; None for all.

        Raises:
            InvalidValue: no such array, or rows of another shape.
        """


def check_worlds(num_worlds: int) -> None:
    """Raises:
    InvalidValue: not a number of worlds.
    """
    if not 1 <= num_worlds <= 1_000_000:
        raise InvalidValue("number of worlds", num_worlds, "1 to 1000000")


def check_rows(thing: str, values: np.ndarray, shape: tuple[int, ...]) -> None:
    """Raises:
    InvalidValue: the values have another shape.
    """
    if np.shape(values) != shape:
        raise InvalidValue(f"shape of {thing}", np.shape(values), f"{shape}")
