"""What nerves carry: senses to a player and commands from it, both late, and senses noisy."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

import mujoco
import numpy as np

from musclehand.core.errors import InvalidValue
from musclehand.sim.scene import Scene
from musclehand.world.names import LONGEST_DELAY as LONGEST_DELAY
from musclehand.world.names import check_delay

ItemT = TypeVar("ItemT")


class Senses(NamedTuple):
    """What a player feels of its body: joints of hands and forearms, and its muscles."""

    angles: np.ndarray
    """[rad, m] joints of the hands, then of the forearm bases. Shape (n,)."""

    speeds: np.ndarray
    """[rad/s, m/s] their velocities. Shape (n,)."""

    activation: np.ndarray
    """Activations of the muscles, 0 to 1. Shape (m,)."""


@dataclass(frozen=True)
class Delays:
    """Delays of nerves.

    Raises:
        InvalidValue: a delay is negative, or longer than `LONGEST_DELAY`.
    """

    sensory: float = 0.0
    """[s] from a state of the body to the player's knowledge of it."""

    command: float = 0.0
    """[s] from the player's decision to the change of an excitation."""

    def __post_init__(self) -> None:
        for name in ("sensory", "command"):
            check_delay(f"{name} delay", getattr(self, name))


@dataclass(frozen=True)
class SenseNoise:
    """Standard deviations of independent errors of every sensed value, in every control step.

    Raises:
        InvalidValue: a standard deviation is negative or not finite.
    """

    angle: float = 0.0
    """[rad] of the angles of joints."""

    speed: float = 0.0
    """[rad/s] of their velocities."""

    place: float = 0.0
    """[m] of the places of forearm bases."""

    velocity: float = 0.0
    """[m/s] of the velocities of forearm bases."""

    activation: float = 0.0
    """Of activations."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0.0 <= value < np.inf:
                raise InvalidValue(f"noise of {name}", value, "0 or more")


class BodyIndex:
    """Where the senses and commands of a body lie in a model.

    Attributes:
        qpos: entries of `qpos` of all joints of hands and forearms. Shape (n,).
        dofs: their degrees of freedom. Shape (n,).
        act: entries of the muscles in `act`. Shape (m,).
        actuators: muscles, then servos of the forearms. Shape (a,).
        slides: which of the joints are slides. Shape (n,), bool.
    """

    def __init__(self, scene: Scene) -> None:
        """
        Args:
            scene: with hands.

        Raises:
            InvalidValue: the scene has no hands.
        """
        hands, forearms = list(scene.hands.values()), list(scene.forearms.values())
        if not hands:
            raise InvalidValue("scene", "one without hands", "one with hands, which can be felt")
        self.qpos = np.concatenate([*(h.qpos for h in hands), *(f.qpos for f in forearms)])
        self.dofs = np.concatenate([*(h.dofs for h in hands), *(f.dofs for f in forearms)])
        self.act = np.concatenate([hand.act for hand in hands])
        self.actuators = np.concatenate(
            [*(hand.muscles for hand in hands), *(forearm.actuators for forearm in forearms)]
        )
        kinds = scene.model.jnt_type[scene.model.dof_jntid[self.dofs]]
        self.slides = kinds == mujoco.mjtJoint.mjJNT_SLIDE

    def read(self, data: mujoco.MjData) -> Senses:
        """The present state of the body."""
        return Senses(data.qpos[self.qpos], data.qvel[self.dofs], data.act[self.act])

    def write(self, data: mujoco.MjData, senses: Senses) -> None:
        """Puts a body into a state."""
        data.qpos[self.qpos] = senses.angles
        data.qvel[self.dofs] = senses.speeds
        data.act[self.act] = senses.activation

    def noise(self, noise: SenseNoise) -> Senses:
        """Standard deviations of every sensed value."""
        return Senses(
            np.where(self.slides, noise.place, noise.angle),
            np.where(self.slides, noise.velocity, noise.speed),
            np.full(len(self.act), noise.activation),
        )


class DelayLine(Generic[ItemT]):
    """Gives items back a number of steps after they were put in; before that, the first one."""

    def __init__(self, steps: int) -> None:
        """
        Args:
            steps: of the delay, 0 or more.
        """
        self._items = deque[ItemT](maxlen=steps + 1)

    def put(self, item: ItemT) -> ItemT:
        """Puts an item in, and gives the one of some steps ago."""
        self._items.append(item)
        return self._items[0]


def steps_of(delay: float, dt: float) -> int:
    """The whole number of steps that is nearest to a delay.

    Args:
        delay: [s].
        dt: step [s].
    """
    return round(delay / dt)
