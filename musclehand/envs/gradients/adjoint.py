"""What an action was worth: the slopes of rewards along what happened, passed back from step to
step.

The adjoint of `envs.gradients.step_jacobian`: how later rewards change with a hand's angles, speeds
and activations is carried back through each step to the excitation that was chosen there (analytic
policy gradients: Wiedemann et al. 2023, ICRA; with a short horizon, Xu et al. 2022, ICLR). A
reward's slope says more than its size, which is all that PPO sees: 46 numbers a step in place of
one. What later actions would have made of another state comes in as what they are told of it,
`ObservationGradient`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from musclehand.core.errors import InvalidValue
from musclehand.envs.gradients.step_jacobian import SensoryJacobian, StepJacobian
from musclehand.envs.tracking import reward
from musclehand.envs.tracking.body import Proprioception
from musclehand.envs.tracking.reward import RewardWeights


class RewardGradient(NamedTuple):
    """How a step's reward changes with what is felt after it, `senses`, and with its
    `excitation` and the `last` one before it (n, m). `not_done` (n,): 0 where the episode ended."""

    senses: Proprioception
    excitation: np.ndarray
    last: np.ndarray
    not_done: np.ndarray


def reward_gradient(
    weights: RewardWeights,
    senses: Proprioception,
    *,
    tips: np.ndarray,
    angles: np.ndarray,
    speeds: np.ndarray,
    excitation: np.ndarray,
    last: np.ndarray,
    not_done: np.ndarray,
) -> RewardGradient:
    """The slopes of the reward of n hands.

    Args:
        weights: of the reward.
        senses: after the step.
        tips: errors of fingertips [m]. Shape (n, 5, 3).
        angles: errors of all joints [rad]. Shape (n, j).
        speeds: of their speeds [rad/s]. Shape (n, j).
        excitation: of this step. Shape (n, m).
        last: of the one before. Shape (n, m).
        goes_on: whether the episode does. Shape (n,).
    """
    turned = weights.change * reward.change_slope(excitation, last)
    by_senses = _nothing(senses)._replace(
        tips=weights.tip * reward.tip_slope(tips),
        angles=weights.angle * reward.angle_slope(angles),
        speeds=weights.speed * reward.speed_slope(speeds),
        activation=weights.effort * reward.effort_slope(senses.activation),
    )
    return RewardGradient(by_senses, turned, -turned, np.asarray(not_done, dtype=float))


class ObservationGradient(NamedTuple):
    """How the sum of rewards changes with what was known before a step: each of the `senses`, as
    they were `delay` (n,) steps earlier, and the `past` excitations, the very last one first (k,
    n, m)."""

    senses: Proprioception
    past: np.ndarray
    delay: np.ndarray


class AdjointPass:
    """Goes through steps from the last to the first, with what the sum of rewards owes to the
    state it has come to."""

    def __init__(
        self,
        slopes: Sequence[StepJacobian],
        worth: Sequence[RewardGradient],
        senses: SensoryJacobian,
        discount: float,
    ) -> None:
        """
        Args:
            slopes: of all steps, in their order.
            worth: likewise.
            senses: after the last step.
            fading: share of what an error costs later that its step has to answer for.

        Raises:
            InvalidValue: there are no steps, or fading is not from 0 to 1.
        """
        if not (worth and 0.0 <= discount <= 1.0):
            raise InvalidValue("steps, fading", (len(worth), discount), "steps, and 0 to 1")
        self._left = list(zip(slopes, worth, strict=True))
        self._senses = senses
        self._fading = discount
        hands, muscles = worth[0].excitation.shape
        self._by_angle, self._by_speed = np.zeros((2, hands, senses.expand.shape[1]))
        self._by_activation = np.zeros((hands, muscles))
        # What is owed to states and excitations that are still to come, the nearest first.
        self._by_senses = list[Proprioception]()
        self._by_past = [np.zeros((hands, muscles))]

    def step(self, felt: ObservationGradient | None) -> np.ndarray:
        """How the sum of rewards changes with the excitations of the step before. Shape (n, m).

        Args:
            felt: what was known in the state that this has come to; None if nothing was done by it.

        Raises:
            InvalidValue: the first step was reached.
        """
        if not self._left:
            raise InvalidValue("steps to go back", 0, "1 or more")
        slopes, worth = self._left.pop()
        if felt is not None:
            self._owe(felt)
        not_done = worth.not_done[:, None]
        self._by_senses = [_rows(worth.not_done, one) for one in self._by_senses]
        self._by_past = [not_done * one for one in self._by_past]
        by_senses = worth.senses
        if self._by_senses:
            by_senses = _sum(
                by_senses, _rows(np.full(len(not_done), self._fading), self._by_senses.pop(0))
            )
        here = self._senses.back(_rows(worth.not_done, by_senses))
        later = (self._by_angle, self._by_speed, self._by_activation)
        by_angle, by_speed, by_activation = (
            self._fading * not_done * one + two for one, two in zip(later, here, strict=True)
        )
        pulled = _back(slopes.speed_by_mean, by_speed) + _back(slopes.angle_by_mean, by_angle)
        gradient = pulled * slopes.mean_by_excitation + by_activation * slopes.end_by_excitation
        gradient += worth.excitation + self._by_past.pop(0)
        self._by_past = self._by_past or [np.zeros_like(gradient)]
        self._by_past[0] = self._by_past[0] + worth.last
        self._by_activation = (
            pulled * slopes.mean_by_activation + by_activation * slopes.end_by_activation
        )
        self._by_angle = _back(slopes.angle_by_angle, by_angle) + _back(
            slopes.speed_by_angle, by_speed
        )
        self._by_speed = _back(slopes.angle_by_speed, by_angle) + _back(
            slopes.speed_by_speed, by_speed
        )
        self._senses = slopes.senses
        return np.asarray(gradient)

    def _owe(self, felt: ObservationGradient) -> None:
        """What is felt late is owed to earlier states."""
        for delay in np.unique(felt.delay):
            while len(self._by_senses) <= delay:
                self._by_senses.append(_nothing(felt.senses))
            some = _rows((felt.delay == delay).astype(float), felt.senses)
            self._by_senses[delay] = _sum(self._by_senses[delay], some)
        while len(self._by_past) < len(felt.past):
            self._by_past.append(np.zeros_like(self._by_activation))
        for ago, by_excitation in enumerate(felt.past):
            self._by_past[ago] = self._by_past[ago] + self._fading * by_excitation


def _nothing(senses: Proprioception) -> Proprioception:
    return Proprioception(*map(np.zeros_like, senses))


def _sum(one: Proprioception, two: Proprioception) -> Proprioception:
    return Proprioception(*(a + b for a, b in zip(one, two, strict=True)))


def _rows(factor: np.ndarray, senses: Proprioception) -> Proprioception:
    """Those of each hand, so many times. `factor`: shape (n,)."""
    return Proprioception(*(factor.reshape(-1, *[1] * (part.ndim - 1)) * part for part in senses))


def _back(slopes: np.ndarray, worth: np.ndarray) -> np.ndarray:
    """What is worth so much, seen from what it follows from. Shapes (n, i, j) and (n, i); gives
    (n, j)."""
    return np.asarray(np.einsum("nij,ni->nj", slopes, worth))
