"""Analytic policy gradients (APG): backpropagation through time through the simulated hand.

The environment (`core.vec_env.DifferentiableEnv`) differentiates its own steps: for each step of a
short rollout it gives the gradient of the sum of rewards with respect to the actions. That gradient
is passed on through the logistic function to the network's logits, and the weights follow it by
Adam. Sources: analytic policy gradients, Wiedemann et al. 2023 (ICRA); short-horizon actor-critic
(SHAC), Xu et al. 2022 (ICLR), here without a critic: rewards beyond the rollout count nothing.

Gradients also pass through the policy (`through_policy`): an action changes what is observed later,
and later actions respond to that. With later actions held fixed, each action tries to correct what
later ones would correct as well; the feedback gain grows and the hand trembles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from typing_extensions import override

from musclehand.core.vec_env import DifferentiableEnv
from musclehand.learning.policy import Policy
from musclehand.learning.training import (
    RngStream,
    Training,
    check_counts,
    check_value,
    decay_learning_rate,
)

GRADIENT_CLIP = 5.0
"""Components of the gradient are clipped to this, in units of the typical size in a rollout: a hand
that has lost the motion does not outweigh the others."""


@dataclass(frozen=True)
class ApgConfig:
    """How to learn by analytic policy gradients."""

    iterations: int = 500
    """Iterations in all; each rolls out `steps` and learns from them once."""

    steps: int = 32
    """Horizon: steps in every environment in an iteration."""

    minibatches: int = 4
    """Gradient steps in an iteration, each with its share of the rollout."""

    learning_rate: float = 2e-4
    """Learning rate of Adam at first."""

    decay: int = 500
    """Iterations in which the learning rate falls to a tenth, exponentially."""

    discount: float = 0.95
    """Discount factor of rewards, a step, 0 to 1."""

    through_policy: bool = True
    """Pass gradients back through the policy's responses to later observations too."""

    seed: int = 0
    """Seed of environments and minibatches."""

    def __post_init__(self) -> None:
        check_counts(self, ("iterations", "steps", "minibatches", "decay"))
        check_value(self, "learning_rate", self.learning_rate > 0, "above 0")
        check_value(self, "discount", 0 <= self.discount <= 1, "0 to 1")


class ApgProgress(NamedTuple):
    """One iteration of analytic policy gradients."""

    iteration: int
    """Number of the iteration, from 0."""

    steps: int
    """Steps of all environments in all iterations so far."""

    reward: float
    """Mean reward of a step."""

    failures: float
    """Share of steps that ended an episode by failure."""

    terms: dict[str, float]
    """Means of the environment's `terms`."""

    gradient: float
    """Typical size of the derivative of the return with respect to a logit: root of the median,
    over steps and hands, of the mean square."""


class ApgTraining(Training[DifferentiableEnv, ApgConfig, ApgProgress]):
    """Analytic policy gradients in a folder."""

    def __init__(
        self,
        env: DifferentiableEnv,
        policy: Policy,
        config: ApgConfig,
        folder: Path,
        *,
        identity: Mapping[str, Any],
    ) -> None:
        """Begins a training, or resumes that of the folder.

        Args:
            env: environments that differentiate their rewards.
            policy: network to begin with; it is trained itself, not a copy.
            config: how to learn.
            folder: of the checkpoints.
            identity: what a resumed run has to agree with.

        Raises:
            CheckpointError: the folder holds another run, or a damaged one.
        """
        super().__init__("analytic", env, config, folder, identity)
        self.policy = policy
        self._adam = torch.optim.Adam(policy.parameters(), lr=config.learning_rate)
        self._begin()

    @override
    def _iterate(self) -> ApgProgress:
        config = self.config
        observation, reward, failures, terms = self._collect()
        gradient = self._backpropagate(observation)
        size = float(np.sqrt(np.median(np.mean(np.square(gradient), axis=2))))
        gradient = np.clip(gradient / max(size, 1e-12), -GRADIENT_CLIP, GRADIENT_CLIP)
        self._learn(
            observation.reshape(-1, observation.shape[2]), gradient.reshape(-1, gradient.shape[2])
        )
        steps = (self.iterations_done + 1) * config.steps * self.env.num_envs
        return ApgProgress(self.iterations_done, steps, reward, failures, terms, size)

    def _collect(self) -> tuple[np.ndarray, float, float, dict[str, float]]:
        """Rolls the policy out. Returns observations, shape (steps, num_envs, num_observations),
        and means of rewards, failures and terms."""
        env = self.env
        config = self.config
        observation = np.empty((config.steps, env.num_envs, env.num_observations), dtype=np.float32)
        begun = np.ones(env.num_envs, dtype=bool)
        sums: dict[str, float] = {}
        reward = failures = 0.0
        env.start_recording()
        for step in range(config.steps):
            observation[step] = self._observation
            result = env.step(self._act(step, self._observation, begun))
            self._observation = result.observation
            begun = result.terminated | result.truncated
            reward += float(result.reward.mean()) / config.steps
            failures += float(result.terminated.mean()) / config.steps
            for name, values in result.terms.items():
                sums[name] = sums.get(name, 0.0) + float(values.mean()) / config.steps
        return observation, reward, failures, sums

    def _backpropagate(self, observation: np.ndarray) -> np.ndarray:
        """Gradient of the return with respect to all logits. Shape (steps, num_envs, num_actions).

        Args:
            observation: of the rollout. Shape (steps, num_envs, num_observations).
        """
        gradient = np.empty((*observation.shape[:2], self.env.num_actions), dtype=np.float32)
        observation_gradient = None
        for step in reversed(range(self.env.begin_backward(self.config.discount))):
            action_gradient = self.env.backward_step(observation_gradient).astype(np.float32)
            gradient[step], response = self._backward_policy(
                step, observation[step], action_gradient
            )
            observation_gradient = response if self.config.through_policy else None
        return gradient

    def _learn(self, observation: np.ndarray, gradient: np.ndarray) -> None:
        """Follows the gradient, in minibatches.

        Args:
            observation: of all steps. Shape (rows, num_observations).
            gradient: with respect to their logits. Shape (rows, num_actions).
        """
        config = self.config
        decay_learning_rate(self._adam, config.learning_rate, self.iterations_done, config.decay)
        seed = [config.seed, self.iterations_done, RngStream.APG]
        order = np.random.default_rng(seed).permutation(len(gradient))
        for rows in np.array_split(order, config.minibatches):
            logits, penalty = self._logits(observation, rows)
            loss = penalty - (torch.from_numpy(gradient[rows]) * logits).sum() / len(rows)
            self._adam.zero_grad()
            loss.backward()
            self._adam.step()

    def _act(self, step: int, observation: np.ndarray, begun: np.ndarray) -> np.ndarray:
        """Actions in a step of the rollout.

        Args:
            step: number of the step in the rollout.
            observation: shape (num_envs, num_observations).
            begun: environments whose episode begins with it. Shape (num_envs,), bool.
        """
        return self.policy.act(observation)

    def _backward_policy(
        self, step: int, observation: np.ndarray, action_gradient: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Backward pass through the policy in a step; steps come from the last to the first.

        Args:
            step: number of the step in the rollout.
            observation: shape (num_envs, num_observations).
            action_gradient: of the return with respect to the actions. Shape (num_envs,
                num_actions).

        Returns:
            Gradients with respect to logits, (num_envs, num_actions), and to the observation,
            (num_envs, num_observations).
        """
        inputs = torch.from_numpy(observation).requires_grad_()
        logits = self.policy(inputs)
        action = torch.sigmoid(logits).detach().numpy()
        logit_gradient = action_gradient * action * (1.0 - action)
        (input_gradient,) = torch.autograd.grad(logits, inputs, torch.from_numpy(logit_gradient))
        return logit_gradient, input_gradient.numpy()

    def _logits(
        self, observation: np.ndarray, rows: np.ndarray
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits of some rows, to be differentiated by the weights, and a penalty on the loss.

        Args:
            observation: of all steps. Shape (all rows, num_observations).
            rows: which of them. Shape (n,).
        """
        return self.policy(torch.from_numpy(observation[rows])), torch.zeros(())

    @override
    def _modules(self) -> dict[str, torch.nn.Module]:
        return {"policy": self.policy}

    @override
    def _optimizer(self) -> torch.optim.Optimizer:
        return self._adam
