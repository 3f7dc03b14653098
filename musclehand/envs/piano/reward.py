"""What playing well is worth: terms that are 0 at best and below 0 otherwise, and their weights
apart from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class PianoWeights:
    """What each term counts, a step of the planner. Chosen.

    `press`: share of wanted keys that are not down, when they should be struck or held; `wrong`:
    keys that are down and should not be, or no longer; `velocity`: how far keys are struck from as
    hard as they should be; `reach`: how far fingertips are from the keys they should hold [cm];
    `plan`: how far they are from where the model-based player has them [cm]; `effort`: activation
    squared; `change` of the action, squared; `failure`: the price of an episode's end.
    """

    press: float = 1.0
    wrong: float = 0.5
    velocity: float = 2.0
    reach: float = 0.5
    plan: float = 0.5
    effort: float = 2.0
    change: float = 1.0
    failure: float = 30.0


def press(wanted: np.ndarray, pressed: np.ndarray) -> np.ndarray:
    """Minus the share of wanted keys that are not down. Shape (worlds,).

    Args:
        wanted: shape (worlds, 88), bool.
        pressed: likewise.
    """
    missing = (wanted & ~pressed).sum(axis=1)
    return np.asarray(-missing / np.maximum(wanted.sum(axis=1), 1))


def wrong(wanted: np.ndarray, pressed: np.ndarray) -> np.ndarray:
    """Minus the number of keys that are down and should not be. Shape (worlds,); arguments as
    for `press`."""
    return -np.asarray((pressed & ~wanted).sum(axis=1), dtype=float)


def velocity(wanted: np.ndarray, struck: np.ndarray) -> np.ndarray:
    """Minus the mean difference of MIDI velocities, in shares of 127, over keys that are struck and
    should be. Shape (worlds,).

    Args:
        wanted: of the keys that should be struck, 0 of others. Shape (worlds, 88).
        struck: likewise, of those that are.
    """
    both = (wanted > 0) & (struck > 0)
    off = np.abs(wanted - struck) * both / 127.0
    return np.asarray(-off.sum(axis=1) / np.maximum(both.sum(axis=1), 1))


def reach(tips: np.ndarray, points: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Minus the mean distance along the keyboard of fingers from the keys they should hold [cm].
    Shape (n,).

    Args:
        tips: fingertips [m]. Shape (n, 5, 3).
        points: where keys are to be pressed [m]. Shape (n, 5, 3).
        held: which fingers hold one. Shape (n, 5), bool.
    """
    apart = 100.0 * np.abs(tips[:, :, 0] - points[:, :, 0]) * held
    return np.asarray(-apart.sum(axis=1) / np.maximum(held.sum(axis=1), 1))


def plan(tip_error: np.ndarray) -> np.ndarray:
    """Minus the distance of fingertips from the plan [cm]. Shape (n,).

    Args:
        tip_error: [m]. Shape (n,).
    """
    return np.asarray(-100.0 * tip_error)


def change(action: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Minus the mean squared change of action. Shape (n,).

    Args:
        action: of this step. Shape (n, numbers).
        last: of the one before.
    """
    return np.asarray(-np.mean(np.square(action - last), axis=1))


def weigh(terms: Mapping[str, np.ndarray], weights: PianoWeights) -> np.ndarray:
    """The reward: the terms' weighted sum, one term for each weight. Shape (n,)."""
    return np.asarray(sum(weight * terms[name] for name, weight in vars(weights).items()))
