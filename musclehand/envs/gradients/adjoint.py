"""Adjoint pass through recorded steps: gradient of the return with respect to excitations.

Backpropagation through time: the gradient of later rewards with respect to a hand's joint angles,
velocities and activations is propagated back through the Jacobian of each step
(`envs.gradients.step_jacobian`) to the excitations of that step. Sources: analytic policy
gradients, Wiedemann et al. 2023 (ICRA); short horizon, SHAC, Xu et al. 2022 (ICLR). How later
actions respond to a changed state comes in as an `ObservationGradient`, from the policy.
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
    """Gradient of the reward of one step of n hands."""

    proprioception: Proprioception
    """With respect to proprioception after the step."""

    excitation: np.ndarray
    """With respect to the excitations of the step. Shape (n, m)."""

    previous: np.ndarray
    """With respect to the excitations of the step before. Shape (n, m)."""

    not_done: np.ndarray
    """1 where the episode continues after the step, 0 where it ended. Shape (n,)."""


def reward_gradient(
    weights: RewardWeights,
    proprioception: Proprioception,
    *,
    tip_error: np.ndarray,
    angle_error: np.ndarray,
    speed_error: np.ndarray,
    excitation: np.ndarray,
    previous: np.ndarray,
    not_done: np.ndarray,
) -> RewardGradient:
    """Gradient of the reward of a step.

    Args:
        weights: of the reward's terms.
        proprioception: after the step.
        tip_error: fingertips minus reference [m]. Shape (n, 5, 3).
        angle_error: joint angles minus reference [rad]. Shape (n, j).
        speed_error: joint velocities minus reference [rad/s]. Shape (n, j).
        excitation: of this step. Shape (n, m).
        previous: of the step before. Shape (n, m).
        not_done: whether the episode continues. Shape (n,), bool.
    """
    change = weights.change * reward.change_gradient(excitation, previous)
    by_proprioception = _zeros_like(proprioception)._replace(
        tips=weights.tip * reward.tip_gradient(tip_error),
        angles=weights.angle * reward.angle_gradient(angle_error),
        speeds=weights.speed * reward.speed_gradient(speed_error),
        activation=weights.effort * reward.effort_gradient(proprioception.activation),
    )
    return RewardGradient(by_proprioception, change, -change, np.asarray(not_done, dtype=float))


class ObservationGradient(NamedTuple):
    """Gradient of the return with respect to what a policy observed before a step."""

    proprioception: Proprioception
    """With respect to the proprioception that was sensed, `delay` steps old."""

    history: np.ndarray
    """With respect to the last excitations, the latest first. Shape (action_history, n, m)."""

    delay: np.ndarray
    """[steps] Sensory delay of each hand. Shape (n,)."""


class AdjointPass:
    """Goes through recorded steps from the last to the first, with the gradient of the return with
    respect to the state that it has come to."""

    def __init__(
        self,
        jacobians: Sequence[StepJacobian],
        reward_gradients: Sequence[RewardGradient],
        sensory: SensoryJacobian,
        discount: float,
    ) -> None:
        """
        Args:
            jacobians: of all steps, in their order.
            reward_gradients: of all steps, in their order.
            sensory: Jacobian of proprioception after the last step.
            discount: factor on later rewards, a step.

        Raises:
            InvalidValue: there are no steps, or the discount is not from 0 to 1.
        """
        if not (reward_gradients and 0.0 <= discount <= 1.0):
            values = (len(reward_gradients), discount)
            raise InvalidValue("steps, discount", values, "steps, and 0 to 1")
        self._steps = list(zip(jacobians, reward_gradients, strict=True))
        self._sensory = sensory
        self._discount = discount
        hands, muscles = reward_gradients[0].excitation.shape
        self._angle, self._speed = np.zeros((2, hands, sensory.expand.shape[1]))
        self._activation = np.zeros((hands, muscles))
        # Gradients with respect to earlier proprioception and excitations, the latest first: those
        # of delayed observations and of the action history.
        self._earlier_proprioception = list[Proprioception]()
        self._earlier_excitation = [np.zeros((hands, muscles))]

    def step(self, observed: ObservationGradient | None) -> np.ndarray:
        """Goes back by one step.

        Args:
            observed: gradient with respect to what the policy observed in the state that the pass
                has come to; None if later actions are held fixed.

        Returns:
            Gradient of the return with respect to the excitations of the step. Shape (n, m).

        Raises:
            InvalidValue: the first step was passed.
        """
        if not self._steps:
            raise InvalidValue("steps to go back", 0, "1 or more")
        jacobian, rewards = self._steps.pop()
        if observed is not None:
            self._add_observed(observed)
        self._cut_ended(rewards.not_done)
        angle, speed, activation = self._state_gradient(rewards)
        mean_activation = _vjp(jacobian.speed_by_mean, speed) + _vjp(jacobian.angle_by_mean, angle)
        gradient = (
            mean_activation * jacobian.mean_by_excitation + activation * jacobian.end_by_excitation
        )
        gradient += rewards.excitation + self._earlier_excitation.pop(0)
        self._earlier_excitation = self._earlier_excitation or [np.zeros_like(gradient)]
        self._earlier_excitation[0] = self._earlier_excitation[0] + rewards.previous
        self._activation = (
            mean_activation * jacobian.mean_by_activation + activation * jacobian.end_by_activation
        )
        self._angle = _vjp(jacobian.angle_by_angle, angle) + _vjp(jacobian.speed_by_angle, speed)
        self._speed = _vjp(jacobian.angle_by_speed, angle) + _vjp(jacobian.speed_by_speed, speed)
        self._sensory = jacobian.sensory
        return np.asarray(gradient)

    def _cut_ended(self, not_done: np.ndarray) -> None:
        """Drops the gradients of steps that belong to the next episode."""
        self._earlier_proprioception = [
            _scaled(not_done, gradient) for gradient in self._earlier_proprioception
        ]
        self._earlier_excitation = [
            not_done[:, None] * gradient for gradient in self._earlier_excitation
        ]

    def _state_gradient(self, rewards: RewardGradient) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Gradient with respect to angles, velocities and activations at the end of the step: of
        its reward, and of everything later."""
        not_done = rewards.not_done
        by_proprioception = rewards.proprioception
        if self._earlier_proprioception:
            discount = np.full(len(not_done), self._discount)
            delayed = _scaled(discount, self._earlier_proprioception.pop(0))
            by_proprioception = _sum(by_proprioception, delayed)
        current = self._sensory.vjp(_scaled(not_done, by_proprioception))
        later = (self._angle, self._speed, self._activation)
        factor = self._discount * not_done[:, None]
        angle, speed, activation = (
            factor * by_later + by_current
            for by_later, by_current in zip(later, current, strict=True)
        )
        return angle, speed, activation

    def _add_observed(self, observed: ObservationGradient) -> None:
        """Adds gradients of an observation to those of the earlier states that were sensed, and of
        the earlier excitations."""
        earlier = self._earlier_proprioception
        for delay in np.unique(observed.delay):
            while len(earlier) <= delay:
                earlier.append(_zeros_like(observed.proprioception))
            chosen = _scaled((observed.delay == delay).astype(float), observed.proprioception)
            earlier[delay] = _sum(earlier[delay], chosen)
        excitations = self._earlier_excitation
        while len(excitations) < len(observed.history):
            excitations.append(np.zeros_like(self._activation))
        for ago, gradient in enumerate(observed.history):
            excitations[ago] = excitations[ago] + self._discount * gradient


def _zeros_like(proprioception: Proprioception) -> Proprioception:
    return Proprioception(*map(np.zeros_like, proprioception))


def _sum(left: Proprioception, right: Proprioception) -> Proprioception:
    return Proprioception(*(a + b for a, b in zip(left, right, strict=True)))


def _scaled(factor: np.ndarray, proprioception: Proprioception) -> Proprioception:
    """Proprioception of each hand times a factor, shape (n,)."""
    return Proprioception(
        *(factor.reshape(-1, *[1] * (part.ndim - 1)) * part for part in proprioception)
    )


def _vjp(jacobian: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Vector-Jacobian product of each hand. Shape (n, j).

    Args:
        jacobian: shape (n, i, j).
        gradient: with respect to its outputs. Shape (n, i).
    """
    return np.asarray(np.einsum("nij,ni->nj", jacobian, gradient))
