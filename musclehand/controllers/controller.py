"""The interface of controllers: what `performance.perform` calls, whatever moves the keys."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import mujoco
import numpy as np

from musclehand.body.anatomy import Side
from musclehand.music.score import Pedal, Score
from musclehand.sim.scene import Scene

if TYPE_CHECKING:
    from musclehand.planning.plan import PerformancePlan


class HandReference(NamedTuple):
    """Where one hand should be at the time of a control step."""

    qpos: np.ndarray
    """[rad] all joints. Shape (25,)."""

    tips: np.ndarray
    """[m] fingertips in the world, thumb first. Shape (5, 3)."""

    pressing: np.ndarray
    """1 for fingertips that press a key, else 0. Shape (5,)."""


class Controller(ABC):
    """Plays one score in one scene.

    For each run `perform` calls `reset` once, then `control` for every control step, with positions
    and velocities computed, and `drive` before each of the `sim_steps` simulation steps in it.

    Attributes:
        scene: that is played in.
        score: that is played, with its pedal.
        sim_steps: simulation steps in a control step.
        lead_in: simulation time at which the score begins [s].
        plan: that is followed; None for a controller without one.
        commands_only: it acts by `data.ctrl` alone, and reads nothing but the state of hands and
            forearms: it can play in another world than its own model.
    """

    scene: Scene
    score: Score
    sim_steps: int
    lead_in: float
    plan: PerformancePlan | None = None
    commands_only: bool = False
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
        """Sets what changes with every simulation step.

        Args:
            data: of the simulation.
            step: control step, counted from 0.
            substep: simulation step in it, counted from 0.
        """

    @abstractmethod
    def reference(self) -> dict[Side, HandReference]:
        """Where the hands should be at the time of the last `control`; empty without a
        reference."""

    def close(self) -> None:
        """Called at the end of a run, however it ended, perhaps more than once: releases what was
        needed for that run alone."""
        return

    def planned(self) -> Score:
        """The score with the releases that the controller intends."""
        return self.score

    def pedal(self, time: float) -> float:
        """The sustain pedal at a simulation time [s], 0 for up and 1 for down, as in the score."""
        if self._pedals is not self.score.pedals:
            self._pedals, self._edges = self.score.pedals, pedal_edges(self.score.pedals)
        return float(bisect_right(self._edges, time - self.lead_in) % 2)


def selection(addresses: np.ndarray) -> np.ndarray | slice:
    """Addresses as a slice where they are consecutive, so that indexing gives a view."""
    first = int(addresses[0]) if len(addresses) else 0
    if np.array_equal(addresses, np.arange(first, first + len(addresses))):
        return slice(first, first + len(addresses))
    return addresses


def pedal_edges(pedals: Sequence[Pedal]) -> list[float]:
    """Times at which the pedal goes down and up in turn [s]; spans that overlap or touch count as
    one."""
    edges: list[float] = []
    for pedal in sorted(pedals):
        if edges and pedal.start <= edges[-1]:
            edges[-1] = max(edges[-1], pedal.end)
        else:
            edges += [pedal.start, pedal.end]
    return edges
