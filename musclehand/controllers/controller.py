"""What `perform` asks of a controller, whatever moves the keys in the end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.anatomy import Side
from musclehand.music.score import Pedal, Score
from musclehand.sim.scene import Scene


class HandReference(NamedTuple):
    """Where one hand should be now: joints [rad], shape (23,), fingertips in the world [m], (5,
    3), and which of them press a key, (5,)."""

    qpos: np.ndarray
    tips: np.ndarray
    pressing: np.ndarray


class Controller(ABC):
    """Plays one score in one scene. Simulation time `lead_in` [s] is the score's time 0.

    `perform` calls `reset` once, then for every control step `control` with positions and
    velocities of the present known, and `drive` before each of the `sim_steps` simulation steps in
    it.
    """

    scene: Scene
    score: Score
    sim_steps: int
    lead_in: float
    _pedals: tuple[Pedal, ...] | None = None
    _edges: Sequence[float] = ()

    @abstractmethod
    def reset(self, data: mujoco.MjData) -> None:
        """Puts the scene where the piece begins."""

    @abstractmethod
    def control(self, data: mujoco.MjData, step: int) -> None:
        """Decides on the excitations of control step `step`."""

    @abstractmethod
    def drive(self, data: mujoco.MjData, step: int, substep: int) -> None:
        """Sets what changes with every simulation step."""

    @abstractmethod
    def reference(self) -> dict[Side, HandReference]:
        """What the hands should have reached at the time of the last `control`; empty without
        hands."""

    def close(self) -> None:
        """Called when a run is over, however it ended: lets go of what was only needed for it."""
        return

    def planned(self) -> Score:
        """The score with keys let go when the controller means to."""
        return self.score

    def pedal(self, time: float) -> float:
        """The sustain pedal at a simulation time [s], 0 up to 1 down: as the score has it."""
        if self._pedals is not self.score.pedals:
            self._pedals, self._edges = self.score.pedals, pedal_edges(self.score.pedals)
        return float(bisect_right(self._edges, time - self.lead_in) % 2)


def selection(addresses: np.ndarray) -> np.ndarray | slice:
    """The same addresses as a slice where each is one more than the last: what it selects is a
    view, not a copy."""
    first = int(addresses[0]) if len(addresses) else 0
    if np.array_equal(addresses, np.arange(first, first + len(addresses))):
        return slice(first, first + len(addresses))
    return addresses


def pedal_edges(pedals: Sequence[Pedal]) -> list[float]:
    """When the pedal goes down and up by turns [s], where spans overlap or touch as one; an even
    number of times."""
    edges: list[float] = []
    for pedal in sorted(pedals):
        if edges and pedal.start <= edges[-1]:
            edges[-1] = max(edges[-1], pedal.end)
        else:
            edges += [pedal.start, pedal.end]
    return edges
