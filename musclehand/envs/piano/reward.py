"""Reward of piano playing: terms that are 0 at best and negative otherwise, and their weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from musclehand.body.anatomy import DIGITS, INDEPENDENT_JOINTS, digit_joints

STYLE_DISTANCE = 0.010
"""[m] Distance from a person at which a part counts 1/e: twice the error of motion lifted from a
film. Chosen."""

STYLE_ANGLE = np.deg2rad(10.0)
"""[rad] Difference of joint angles likewise."""

_JOINTS_OF_DIGITS = np.array(
    [[float(joint in digit_joints(digit)) for joint in INDEPENDENT_JOINTS] for digit in DIGITS]
)
"""1 for the joints of each digit, else 0. Shape (5, 19)."""


@dataclass(frozen=True)
class PianoWeights:
    """Weight of each term of the reward, in a step of the high-level policy. Chosen."""

    press: float = 1.0
    """Weight of `missing_keys`: of the share of target keys, to be struck or held, that are not
    down."""

    wrong: float = 0.5
    """Weight of each key that is down and should not be."""

    velocity: float = 2.0
    """Weight of the difference in velocity of keys that are struck."""

    reach: float = 0.5
    """[1/cm] Weight of the distance of fingertips from the keys that they should hold."""

    plan: float = 0.5
    """[1/cm] Weight of the distance of fingertips from the plan."""

    effort: float = 2.0
    """Weight of the squared activation."""

    change: float = 1.0
    """Weight of the squared change of the action from one step to the next."""

    failure: float = 30.0
    """Weight of an episode's end by failure."""

    style: float = 0.0
    """Weight of the distance from a person's motion, where the environment has one."""


def missing_keys(target: np.ndarray, pressed: np.ndarray) -> np.ndarray:
    """Minus the share of target keys that are not down. Shape (worlds,).

    Args:
        target: keys that should be down. Shape (worlds, 88), bool.
        pressed: keys that are. Shape (worlds, 88), bool.
    """
    missing = (target & ~pressed).sum(axis=1)
    return np.asarray(-missing / np.maximum(target.sum(axis=1), 1))


def wrong(target: np.ndarray, pressed: np.ndarray) -> np.ndarray:
    """Minus the number of keys that are down and should not be. Shape (worlds,).

    Args:
        target: keys that should be down. Shape (worlds, 88), bool.
        pressed: keys that are. Shape (worlds, 88), bool.
    """
    return -np.asarray((pressed & ~target).sum(axis=1), dtype=float)


def velocity(target: np.ndarray, struck: np.ndarray) -> np.ndarray:
    """Minus the mean difference of MIDI velocities, as a share of 127, over keys that are struck
    and should be. Shape (worlds,).

    Args:
        target: velocities of keys that should be struck, 0 of others. Shape (worlds, 88).
        struck: velocities of keys that are. Shape (worlds, 88).
    """
    matching = (target > 0) & (struck > 0)
    difference = np.abs(target - struck) * matching / 127.0
    return np.asarray(-difference.sum(axis=1) / np.maximum(matching.sum(axis=1), 1))


def reach(tips: np.ndarray, points: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Minus the mean distance along the keyboard of fingertips from keys they should hold [cm].
    Shape (n,).

    Args:
        tips: fingertips [m]. Shape (n, 5, 3).
        points: where keys are to be pressed [m]. Shape (n, 5, 3).
        held: fingers that should hold a key. Shape (n, 5), bool.
    """
    distance = 100.0 * np.abs(tips[:, :, 0] - points[:, :, 0]) * held
    return np.asarray(-distance.sum(axis=1) / np.maximum(held.sum(axis=1), 1))


def plan(tip_error: np.ndarray) -> np.ndarray:
    """Minus the distance of fingertips from the plan [cm]. Shape (n,).

    Args:
        tip_error: [m]. Shape (n,).
    """
    return np.asarray(-100.0 * tip_error)


def style(
    *,
    wrist: np.ndarray,
    tips: np.ndarray,
    joints: np.ndarray,
    waiting: np.ndarray,
    seen: np.ndarray,
) -> np.ndarray:
    """How unlike a person's motion is: the mean of exp(-(d/s)^2) - 1 over the wrist, and over the
    fingertips and joints of fingers that wait, times the share to which the person was seen.
    Shape (n,), from -1 to 0.

    Args:
        wrist: distance of the wrist from the person's, as seen from above [m]. Shape (n,).
        tips: that of the fingertips [m]. Shape (n, 5).
        joints: differences of the independent joint angles [rad]. Shape (n, 19).
        waiting: fingers that wait. Shape (n, 5), bool.
        seen: 0 where the person was not seen to 1. Shape (n,).
    """
    idle = waiting @ _JOINTS_OF_DIGITS
    like = np.exp(-np.square(wrist / STYLE_DISTANCE))
    like = like + (np.exp(-np.square(tips / STYLE_DISTANCE)) * waiting).sum(axis=1)
    like = like + (np.exp(-np.square(joints / STYLE_ANGLE)) * idle).sum(axis=1)
    parts = 1 + waiting.sum(axis=1) + idle.sum(axis=1)
    return np.asarray(seen * (like / parts - 1.0))


def change(action: np.ndarray, previous: np.ndarray) -> np.ndarray:
    """Minus the mean squared change of the action. Shape (n,).

    Args:
        action: of this step. Shape (n, num_actions).
        previous: of the step before. Shape (n, num_actions).
    """
    return np.asarray(-np.mean(np.square(action - previous), axis=1))


def weigh(terms: Mapping[str, np.ndarray], weights: PianoWeights) -> np.ndarray:
    """Reward: the weighted sum of the terms. Shape (n,).

    Args:
        terms: at least one for each weight, by its name. Shapes (n,).
        weights: of the terms.
    """
    return np.asarray(sum(weight * terms[name] for name, weight in vars(weights).items()))
