"""What an action was worth: the slopes of rewards along what happened, passed back from step to step.

The adjoint of `envs.slopes`: how later rewards change with a hand's angles, speeds and activations is carried back
through each step to the excitation that was chosen there (analytic policy gradients: Wiedemann et al. 2023, ICRA; with
a short horizon, Xu et al. 2022, ICLR). A reward's slope says more than its size, which is all that PPO sees: 46 numbers
a step in place of one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from musclehand.core.errors import InvalidValue
from musclehand.envs import reward
from musclehand.envs.reward import RewardWeights
from musclehand.envs.slopes import StepSlopes


class StepWorth(NamedTuple):
    """How a step's reward changes with the state it led to, and with the excitation.

    `tips` (n, 5, 3), `angles` and `speeds` (n, k) of the independent joints, `excitation` and `last` (n, m), the one of
    the step before. `goes_on` (n,): 0 where the episode ended.
    """

    tips: np.ndarray
    angles: np.ndarray
    speeds: np.ndarray
    excitation: np.ndarray
    last: np.ndarray
    goes_on: np.ndarray


def worth(
    weights: RewardWeights,
    expand: np.ndarray,
    *,
    tips: np.ndarray,
    angles: np.ndarray,
    speeds: np.ndarray,
    excitation: np.ndarray,
    last: np.ndarray,
    goes_on: np.ndarray,
) -> StepWorth:
    """The slopes of the reward of n hands.

    Args:
        weights: of the reward.
        expand: from independent joints to all. Shape (j, k).
        tips: errors of fingertips [m]. Shape (n, 5, 3).
        angles: errors of all joints [rad]. Shape (n, j).
        speeds: of their speeds [rad/s]. Shape (n, j).
        excitation: of this step. Shape (n, m).
        last: of the one before. Shape (n, m).
        goes_on: whether the episode does. Shape (n,).
    """
    turned = weights.change * reward.change_slope(excitation, last)
    return StepWorth(
        tips=weights.tip * reward.tip_slope(tips),
        angles=weights.angle * reward.angle_slope(angles) @ expand,
        speeds=weights.speed * reward.speed_slope(speeds) @ expand,
        excitation=turned,
        last=-turned,
        goes_on=np.asarray(goes_on, dtype=float),
    )


class Path:
    """Steps that were watched, in their order."""

    def __init__(self, weights: RewardWeights) -> None:
        self._effort = weights.effort
        self._slopes, self._worth = list[StepSlopes](), list[StepWorth]()

    def add(self, slopes: StepSlopes, worth: StepWorth) -> None:
        """One step more."""
        self._slopes.append(slopes)
        self._worth.append(worth)

    def gradient(self, tips: np.ndarray, activation: np.ndarray, fading: float) -> np.ndarray:
        """How the sum of rewards changes with each excitation. Shape (steps, n, m).

        Args:
            tips: how fingertips move with joints after the last step. Shape (n, 15, k).
            activation: after the last step. Shape (n, m).
            fading: share of what an error costs later that its step has to answer for.

        Raises:
            InvalidValue: no step was added, or fading is not from 0 to 1.
        """
        if not (self._worth and 0.0 <= fading <= 1.0):
            raise InvalidValue("steps, fading", (len(self._worth), fading), "steps, and 0 to 1")
        gradient = []
        by_angle, by_speed = np.zeros((2, *self._worth[0].angles.shape))
        by_activation, by_last = np.zeros((2, *activation.shape))
        for slopes, worth in zip(self._slopes[::-1], self._worth[::-1], strict=True):
            goes_on = worth.goes_on[:, None]
            moved = np.einsum("nri,nr->ni", tips, worth.tips.reshape(len(tips), -1))
            by_angle = goes_on * (fading * by_angle + moved + worth.angles)
            by_speed = goes_on * (fading * by_speed + worth.speeds)
            tired = self._effort * reward.effort_slope(activation)
            by_activation = goes_on * (fading * by_activation + tired)
            pulled = _back(slopes.speed_by_mean, by_speed) + _back(slopes.angle_by_mean, by_angle)
            gradient.append(
                pulled * slopes.mean_by_excitation
                + by_activation * slopes.end_by_excitation
                + worth.excitation
                + goes_on * by_last
            )
            by_last = worth.last
            by_activation = pulled * slopes.mean_by_activation + by_activation * slopes.end_by_activation
            by_angle, by_speed = (
                by_angle + _back(slopes.speed_by_angle, by_speed),
                _back(slopes.angle_by_speed, by_angle) + _back(slopes.speed_by_speed, by_speed),
            )
            tips, activation = slopes.tips, slopes.activation
        return np.array(gradient[::-1])


def _back(slopes: np.ndarray, worth: np.ndarray) -> np.ndarray:
    """What is worth so much, seen from what it follows from. Shapes (n, i, j) and (n, i); gives (n, j)."""
    return np.asarray(np.einsum("nij,ni->nj", slopes, worth))
