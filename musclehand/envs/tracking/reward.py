"""What following well is worth: terms that are 0 at best and below 0 otherwise, and their weights
apart from them.

Terms of errors come with their slopes, which tell what a change of the hand's state would have been
worth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

TIP_UNIT = 1e-3
TIP_SOFT = 5e-4
"""A fingertip that is 1 mm off costs about 1; errors well below 0.5 mm are as good as none."""

ANGLE_UNIT = 0.05
SPEED_UNIT = 3.0
"""Joints that are off by that [rad, rad/s] cost 1."""


@dataclass(frozen=True)
class RewardWeights:
    """What each term counts, a step. Chosen.

    `tip`: distance of the fingertips [mm]; `angle`: error of joints, squared, by 3 degrees;
    `speed`: the same by 3 rad/s. `effort`: activation squared. `change`: excitation's change from
    one step to the next, squared. `failure`: the price of an episode's end by failure, above what a
    few steps far off cost.
    """

    tip: float = 1.0
    angle: float = 0.4
    speed: float = 0.05
    effort: float = 10.0
    change: float = 20.0
    failure: float = 100.0


def tip(tip_error: np.ndarray) -> np.ndarray:
    """About minus the mean distance of fingertips in mm. Shape (n,).

    Args:
        tip_error: from where fingertips should be to where they are [m]. Shape (n, 5, 3).
    """
    return np.asarray(-np.mean(_softened(tip_error) - TIP_SOFT, axis=1) / TIP_UNIT)


def tip_slope(tip_error: np.ndarray) -> np.ndarray:
    """How `tip` changes with each fingertip's place [1/m]. Shape (n, 5, 3)."""
    return np.asarray(
        -tip_error / (_softened(tip_error)[:, :, None] * tip_error.shape[1] * TIP_UNIT)
    )


def _softened(tip_error: np.ndarray) -> np.ndarray:
    return np.asarray(np.sqrt(np.square(tip_error).sum(axis=2) + TIP_SOFT**2))


def angle(angle_error: np.ndarray) -> np.ndarray:
    """0 with all joints in place. Shape (n,).

    Args:
        angle_error: of the joints [rad]. Shape (n, k).
    """
    return np.asarray(-np.mean(np.square(angle_error), axis=1) / ANGLE_UNIT**2)


def angle_slope(angle_error: np.ndarray) -> np.ndarray:
    """How `angle` changes with each joint [1/rad]. Shape (n, k)."""
    return np.asarray(-2.0 * angle_error / (angle_error.shape[1] * ANGLE_UNIT**2))


def speed(speed_error: np.ndarray) -> np.ndarray:
    """0 with all joints at the right speed. Shape (n,).

    Args:
        speed_error: of the joints [rad/s]. Shape (n, k).
    """
    return np.asarray(-np.mean(np.square(speed_error), axis=1) / SPEED_UNIT**2)


def speed_slope(speed_error: np.ndarray) -> np.ndarray:
    """How `speed` changes with each joint's speed [s/rad]. Shape (n, k)."""
    return np.asarray(-2.0 * speed_error / (speed_error.shape[1] * SPEED_UNIT**2))


def effort(activation: np.ndarray) -> np.ndarray:
    """0 with all muscles at rest, -1 with all fully active. Shape (n,).

    Args:
        activation: 0 to 1. Shape (n, m).
    """
    return np.asarray(-np.mean(np.square(activation), axis=1))


def effort_slope(activation: np.ndarray) -> np.ndarray:
    """How `effort` changes with each activation. Shape (n, m)."""
    return np.asarray(-2.0 * activation / activation.shape[1])


def change(excitation: np.ndarray, last: np.ndarray) -> np.ndarray:
    """0 where excitation stays what it was, -1 where all muscles go from none to full. Shape (n,).

    Args:
        excitation: of this step, 0 to 1. Shape (n, m).
        last: of the step before. Shape (n, m).
    """
    return np.asarray(-np.mean(np.square(excitation - last), axis=1))


def change_slope(excitation: np.ndarray, last: np.ndarray) -> np.ndarray:
    """How `change` changes with each excitation; with those of the step before, as much the
    other way. Shape (n, m)."""
    return np.asarray(-2.0 * (excitation - last) / excitation.shape[1])


def failure(terminated: np.ndarray) -> np.ndarray:
    """-1 where an episode ended by failure. Shape (n,).

    Args:
        terminated: shape (n,), bool.
    """
    return -np.asarray(terminated, dtype=float)


def weigh(terms: Mapping[str, np.ndarray], weights: RewardWeights) -> np.ndarray:
    """The reward: the terms' weighted sum, one term for each weight. Shape (n,)."""
    return np.asarray(sum(weight * terms[name] for name, weight in vars(weights).items()))
