"""Postures in which hands at the piano start: on a plan, or near it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from musclehand.envs.reference import ReferenceSet

ANGLE_STD = (0.0, 0.01, 0.02, 0.04)
"""[rad] Standard deviations of joint angles near a plan, of which one is drawn for each hand.
Chosen, as those below, to cover the errors of trained policies."""

SPEED_PER_ANGLE = 5.0
"""[1/s] Standard deviation of joint velocities for each of angles."""

PLACE_STD = (0.0, 0.001, 0.003, 0.008)
"""[m] Standard deviations of the forearm's position, of which one is drawn for each hand."""

FOREARM_SPEED_STD = (0.0, 0.01, 0.05)
"""[m/s] Standard deviations of the forearm's velocity, of which one is drawn for each hand."""


class InitialState(NamedTuple):
    """Postures of n hands, mirrored to right hands."""

    angles: np.ndarray
    """[rad] Joint angles. Shape (n, 25)."""

    speeds: np.ndarray
    """[rad/s] Joint velocities. Shape (n, 25)."""

    place: np.ndarray
    """[m] Positions of the forearms' bases. Shape (n, 3)."""

    forearm_speed: np.ndarray
    """[m/s] Velocities of the forearms' bases. Shape (n, 3)."""


InitialStates = Callable[[ReferenceSet, np.ndarray, np.ndarray, np.random.Generator], InitialState]
"""Draws postures for given frames of a plan. Arguments: the plan; frames, shape (n,); limits of the
joints [rad], shape (23, 2); random numbers."""


def draw_off_plan(
    references: ReferenceSet,
    frame: np.ndarray,
    limits: np.ndarray,
    rng: np.random.Generator,
    *,
    off_plan: float,
) -> InitialState:
    """The plan's own postures, with forearms that are off the plan in half of the cases.

    Args:
        references: the plan.
        frame: for each hand. Shape (n,).
        limits: not used.
        rng: random numbers.
        off_plan: largest offset of the forearms in each direction [m].
    """
    offset = rng.uniform(-1.0, 1.0, size=(len(frame), 3)) * off_plan
    offset[rng.random(len(frame)) < 0.5] = 0.0
    return InitialState(
        angles=references.angles[frame],
        speeds=references.speeds[frame],
        place=references.forearm[frame, :3] + offset,
        forearm_speed=references.forearm_speed[frame, :3],
    )


def draw_near_plan(
    references: ReferenceSet, frame: np.ndarray, limits: np.ndarray, rng: np.random.Generator
) -> InitialState:
    """Postures that are off the plan by normally distributed amounts.

    Args:
        references: the plan.
        frame: for each hand. Shape (n,).
        limits: of the joints [rad], to which angles are clipped. Shape (23, 2).
        rng: random numbers.
    """
    count = len(frame)
    angles = references.angles[frame]
    speeds = references.speeds[frame]
    angle_std = rng.choice(ANGLE_STD, size=(count, 1))
    angles = np.clip(angles + angle_std * rng.standard_normal(angles.shape), *limits.T)
    speeds = speeds + SPEED_PER_ANGLE * angle_std * rng.standard_normal(speeds.shape)
    place_std = rng.choice(PLACE_STD, size=(count, 1))
    place = references.forearm[frame, :3] + place_std * rng.standard_normal((count, 3))
    speed_std = rng.choice(FOREARM_SPEED_STD, size=(count, 1))
    speed_offset = speed_std * rng.standard_normal((count, 3))
    return InitialState(
        angles=angles,
        speeds=speeds,
        place=place,
        forearm_speed=references.forearm_speed[frame, :3] + speed_offset,
    )
