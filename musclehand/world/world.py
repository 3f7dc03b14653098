"""The interface of a world: what stands between a player's belief and the keys.

A player keeps its belief, a `Scene` of its own that it plans and computes with. A `World` takes the
player's commands, gives back what nerves carry, late and noisy, and in the end the notes that were
heard. It may be a simulation in this process or in another one, or a bridge to hardware.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import mujoco
import numpy as np

from musclehand.core.errors import MusclehandError
from musclehand.music.score import Score
from musclehand.world.senses import Senses


class WorldError(MusclehandError):
    """A world cannot go on: its simulation became unstable, or its process has ended."""


class Start(NamedTuple):
    """How a run begins."""

    angles: np.ndarray
    """[rad, m] joints of the hands, then of the forearm bases. Shape (n,)."""

    lead_in: float
    """[s] time of the player's clock at which the score begins."""

    sim_steps: int
    """Commands in a control step."""

    sim_dt: float
    """[s] time that each command lasts."""

    command_lead: float = 0.0
    """[s] by which the player is early, because it believes that its commands take so long."""


class World(Protocol):
    """A body at a piano.

    A run is `begin`, then `sense` and `advance` for every control step, then `heard`. The body
    rests as it begins until the first command arrives.
    """

    def begin(self, start: Start) -> None:
        """Puts the body where the piece begins."""

    def sense(self) -> Senses:
        """What the player knows of its body at the beginning of this control step."""

    def advance(self, commands: np.ndarray, pedal: np.ndarray) -> Senses:
        """Lives through one control step.

        Args:
            commands: excitations of the muscles and set points of the forearm servos, in the order
                of `BodyIndex.actuators`. Shape (sim_steps, a).
            pedal: position of the sustain pedal, 0 to 1, at the end of each. Shape (sim_steps,).

        Returns:
            The state at its end, as instruments log it, which the player does not see.

        Raises:
            WorldError: the world cannot go on.
        """

    def heard(self) -> Score:
        """The notes and pedals that sounded, on the score's clock."""

    def inside(self) -> mujoco.MjData | None:
        """The simulation of a world that may be looked into, for recordings; None for others."""

    def close(self) -> None:
        """Ends the world; further calls do nothing."""
