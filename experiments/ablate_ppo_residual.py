"""Reinforcement in place of imitation: PPO learns a residual policy for a high-level policy.

Actions, the latent action and the moves of the forearm, are those of the high-level policy plus a
residual, which begins with 0. PPO is as for tracking policies (`learning.ppo`), on the reward of
`envs.piano.reward`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from typing_extensions import override

from musclehand.core.vec_env import StepResult, VecEnv
from musclehand.learning.high_level import HighLevelNetwork
from musclehand.learning.policy import Policy
from musclehand.learning.ppo import PpoConfig, PpoTraining
from musclehand.policies.high_level import HighLevelPolicy

MAX_RESIDUAL = 0.25
"""Largest residual of an action, which is from 0 to 1."""


def add_residual(action: np.ndarray, output: np.ndarray) -> np.ndarray:
    """Actions with a residual. Shape (n, num_actions).

    Args:
        action: from 0 to 1. Shape (n, num_actions).
        output: of the residual policy, from 0 to 1; 0.5 is no residual. Shape (n, num_actions).
    """
    return np.clip(action + 2.0 * MAX_RESIDUAL * (output - 0.5), 0.0, 1.0)


class ResidualEnv(VecEnv):
    """An environment whose actions are residuals of another actor's."""

    def __init__(self, env: VecEnv, act: Callable[[np.ndarray], np.ndarray]) -> None:
        """
        Args:
            env: the environment.
            act: the other actor, from observations to actions.
        """
        self._env = env
        self._act = act
        self.num_envs = env.num_envs
        self.num_observations = env.num_observations
        self.num_actions = env.num_actions
        self.step_dt = env.step_dt
        self._observation = env.reset()

    @override
    def reset(self, *, seed: int | None = None) -> np.ndarray:
        self._observation = self._env.reset(seed=seed)
        return self._observation

    @override
    def step(self, action: np.ndarray) -> StepResult:
        result = self._env.step(add_residual(self._act(self._observation), action))
        self._observation = result.observation
        return result

    @override
    def state(self) -> dict[str, np.ndarray]:
        return self._env.state()

    @override
    def restore(self, state: Mapping[str, np.ndarray]) -> np.ndarray:
        self._observation = self._env.restore(state)
        return self._observation


class ResidualNetwork:
    """A high-level network plus a residual policy, with the interface of the former."""

    def __init__(self, network: HighLevelNetwork, residual: Policy) -> None:
        """
        Args:
            network: the high-level network.
            residual: the residual policy.
        """
        self._network = network
        self._residual = residual

    def act(self, observation: np.ndarray) -> np.ndarray:
        """Actions with the residual. Shape (n, num_actions).

        Args:
            observation: shape (n, num_observations).
        """
        return add_residual(self._network.act(observation), self._residual.act(observation))


def with_residual(policy: HighLevelPolicy, residual: Policy) -> HighLevelPolicy:
    """A high-level policy plus a residual policy."""
    network = ResidualNetwork(policy.policy, residual)
    return policy._replace(policy=cast(HighLevelNetwork, network))


def learn_residual(
    piano: VecEnv,
    act: Callable[[np.ndarray], np.ndarray],
    policy: HighLevelPolicy,
    folder: Path,
    config: PpoConfig,
    *,
    identity: dict[str, Any],
) -> Policy:
    """Trains a residual policy by PPO.

    Args:
        piano: the environment.
        act: what the residual is added to, from observations to actions.
        policy: whose normalisation of observations is used.
        folder: for checkpoints; a run that is there is resumed.
        config: of PPO.
        identity: what checkpoints have to agree with.
    """
    env = ResidualEnv(piano, act)
    residual = Policy(env.num_observations, env.num_actions, seed=config.seed)
    residual.mean.copy_(policy.policy.mean)
    residual.std.copy_(policy.policy.std)
    with torch.no_grad():
        last = residual.layers[-1]
        assert isinstance(last, torch.nn.Linear)
        last.weight.zero_()
        last.bias.zero_()
    training = PpoTraining(env, residual, config, folder, identity=identity)
    training.run()
    return training.policy
