"""What following well is worth: small terms between 0 and 1 or below 0, and their weights apart from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np


@dataclass(frozen=True)
class RewardWeights:
    """What each term counts, a step. Chosen; exponentials of squared errors after DeepMimic (Peng et al. 2018).

    `tip_near`, `tip_far`: fingertips within some 3 mm and 20 mm; `angle`: joints within some 3 degrees; `speed`: joints
    within some 3 rad/s. `effort`: activation squared. `change`: excitation's change from one step to the next squared.
    `failure`: the price of an episode's end by failure.
    """

    tip_near: float = 0.4
    tip_far: float = 0.2
    angle: float = 0.3
    speed: float = 0.1
    effort: float = 0.5
    change: float = 0.02
    failure: float = 2.0


def tip_near(tip_error: np.ndarray) -> np.ndarray:
    """1 with all fingertips in place. Shape (n,).

    Args:
        tip_error: distance of the fingertips from where they should be [m]. Shape (n, 5).
    """
    return np.asarray(np.exp(-np.mean(np.square(tip_error), axis=1) / 0.003**2))


def tip_far(tip_error: np.ndarray) -> np.ndarray:
    """As `tip_near`, but told from 0 further away. Shape (n,)."""
    return np.asarray(np.exp(-np.mean(np.square(tip_error), axis=1) / 0.02**2))


def angle(angle_error: np.ndarray) -> np.ndarray:
    """1 with all joints in place. Shape (n,).

    Args:
        angle_error: of the joints [rad]. Shape (n, k).
    """
    return np.asarray(np.exp(-np.mean(np.square(angle_error), axis=1) / 0.05**2))


def speed(speed_error: np.ndarray) -> np.ndarray:
    """1 with all joints at the right speed. Shape (n,).

    Args:
        speed_error: of the joints [rad/s]. Shape (n, k).
    """
    return np.asarray(np.exp(-np.mean(np.square(speed_error), axis=1) / 3.0**2))


def effort(activation: np.ndarray) -> np.ndarray:
    """0 with all muscles at rest, -1 with all fully active. Shape (n,).

    Args:
        activation: 0 to 1. Shape (n, m).
    """
    return np.asarray(-np.mean(np.square(activation), axis=1))


def change(excitation: np.ndarray, last: np.ndarray) -> np.ndarray:
    """0 where excitation stays what it was, -1 where all muscles go from none to full. Shape (n,).

    Args:
        excitation: of this step, 0 to 1. Shape (n, m).
        last: of the step before. Shape (n, m).
    """
    return np.asarray(-np.mean(np.square(excitation - last), axis=1))


def failure(terminated: np.ndarray) -> np.ndarray:
    """-1 where an episode ended by failure. Shape (n,).

    Args:
        terminated: shape (n,), bool.
    """
    return -np.asarray(terminated, dtype=float)


def weigh(terms: Mapping[str, np.ndarray], weights: RewardWeights) -> np.ndarray:
    """The reward: the terms' weighted sum, one term for each weight. Shape (n,)."""
    return np.asarray(sum(weight * terms[name] for name, weight in asdict(weights).items()))
