"""Reward of tracking: terms that are 0 at best and negative otherwise, and their weights.

Terms of errors come with their gradients, for analytic policy gradients.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

TIP_UNIT = 1e-3
"""[m] Fingertip error that costs about 1."""

TIP_SOFTNESS = 5e-4
"""[m] Fingertip errors well below this are nearly free: the error is sqrt(e^2 + softness^2)."""

ANGLE_UNIT = 0.05
"""[rad] Error of all joint angles that costs 1: 3 degrees."""

SPEED_UNIT = 3.0
"""[rad/s] Error of all joint velocities that costs 1."""


@dataclass(frozen=True)
class RewardWeights:
    """Weight of each term of the reward, in a step. Chosen."""

    tip: float = 1.0
    """Weight of the fingertip error, in units of about 1 mm."""

    angle: float = 0.4
    """Weight of the squared error of joint angles, in units of 3 degrees."""

    speed: float = 0.05
    """Weight of the squared error of joint velocities, in units of 3 rad/s."""

    effort: float = 10.0
    """Weight of the squared activation."""

    change: float = 20.0
    """Weight of the squared change of excitation from one step to the next."""

    failure: float = 100.0
    """Weight of an episode's end by failure: more than some steps with large errors cost."""


def tip(tip_error: np.ndarray) -> np.ndarray:
    """About minus the mean distance of fingertips from the reference in mm. Shape (n,).

    Args:
        tip_error: fingertips minus reference [m]. Shape (n, 5, 3).
    """
    return np.asarray(-np.mean(_softened(tip_error) - TIP_SOFTNESS, axis=1) / TIP_UNIT)


def tip_gradient(tip_error: np.ndarray) -> np.ndarray:
    """Gradient of `tip` with respect to the fingertips [1/m]. Shape (n, 5, 3).

    Args:
        tip_error: fingertips minus reference [m]. Shape (n, 5, 3).
    """
    return np.asarray(
        -tip_error / (_softened(tip_error)[:, :, None] * tip_error.shape[1] * TIP_UNIT)
    )


def _softened(tip_error: np.ndarray) -> np.ndarray:
    """Distances, smooth at 0 [m]. Shape (n, 5)."""
    return np.asarray(np.sqrt(np.square(tip_error).sum(axis=2) + TIP_SOFTNESS**2))


def angle(angle_error: np.ndarray) -> np.ndarray:
    """Minus the mean squared error of joint angles. Shape (n,).

    Args:
        angle_error: angles minus reference [rad]. Shape (n, k).
    """
    return np.asarray(-np.mean(np.square(angle_error), axis=1) / ANGLE_UNIT**2)


def angle_gradient(angle_error: np.ndarray) -> np.ndarray:
    """Gradient of `angle` with respect to the joint angles [1/rad]. Shape (n, k).

    Args:
        angle_error: angles minus reference [rad]. Shape (n, k).
    """
    return np.asarray(-2.0 * angle_error / (angle_error.shape[1] * ANGLE_UNIT**2))


def speed(speed_error: np.ndarray) -> np.ndarray:
    """Minus the mean squared error of joint velocities. Shape (n,).

    Args:
        speed_error: velocities minus reference [rad/s]. Shape (n, k).
    """
    return np.asarray(-np.mean(np.square(speed_error), axis=1) / SPEED_UNIT**2)


def speed_gradient(speed_error: np.ndarray) -> np.ndarray:
    """Gradient of `speed` with respect to the joint velocities [s/rad]. Shape (n, k).

    Args:
        speed_error: velocities minus reference [rad/s]. Shape (n, k).
    """
    return np.asarray(-2.0 * speed_error / (speed_error.shape[1] * SPEED_UNIT**2))


def effort(activation: np.ndarray) -> np.ndarray:
    """Minus the mean squared activation: -1 with all muscles fully active. Shape (n,).

    Args:
        activation: 0 to 1. Shape (n, m).
    """
    return np.asarray(-np.mean(np.square(activation), axis=1))


def effort_gradient(activation: np.ndarray) -> np.ndarray:
    """Gradient of `effort` with respect to the activations. Shape (n, m).

    Args:
        activation: 0 to 1. Shape (n, m).
    """
    return np.asarray(-2.0 * activation / activation.shape[1])


def change(excitation: np.ndarray, previous: np.ndarray) -> np.ndarray:
    """Minus the mean squared change of excitation. Shape (n,).

    Args:
        excitation: of this step, 0 to 1. Shape (n, m).
        previous: of the step before. Shape (n, m).
    """
    return np.asarray(-np.mean(np.square(excitation - previous), axis=1))


def change_gradient(excitation: np.ndarray, previous: np.ndarray) -> np.ndarray:
    """Gradient of `change` with respect to the excitations of this step, which is minus that with
    respect to the previous ones. Shape (n, m).

    Args:
        excitation: of this step, 0 to 1. Shape (n, m).
        previous: of the step before. Shape (n, m).
    """
    return np.asarray(-2.0 * (excitation - previous) / excitation.shape[1])


def failure(terminated: np.ndarray) -> np.ndarray:
    """-1 where an episode ended by failure, else 0. Shape (n,).

    Args:
        terminated: shape (n,), bool.
    """
    return -np.asarray(terminated, dtype=float)


def weigh(terms: Mapping[str, np.ndarray], weights: RewardWeights) -> np.ndarray:
    """Reward: the weighted sum of the terms. Shape (n,).

    Args:
        terms: at least one for each weight, by its name. Shapes (n,).
        weights: of the terms.
    """
    return np.asarray(sum(weight * terms[name] for name, weight in vars(weights).items()))
