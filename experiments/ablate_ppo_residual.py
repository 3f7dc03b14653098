"""A planner that goes on learning by reward: PPO finds out what is to be added to what it does.

Actions, the intention and the moves of the forearm, are those of the planner and a correction,
which begins with 0. All else of PPO is as a tracking policy has it (`learning.ppo`), on the reward
of `envs.piano.reward`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from musclehand.core.vec_env import StepResult, VecEnv
from musclehand.learning.high_level import HighLevelNetwork
from musclehand.learning.policy import Policy
from musclehand.learning.ppo import PpoConfig, PpoTraining
from musclehand.policies.high_level import HighLevelPolicy

MOST = 0.25
"""By so much a correction changes an action, which is from 0 to 1, at most."""


def corrected(action: np.ndarray, correction: np.ndarray) -> np.ndarray:
    """Actions with corrections from 0 to 1, of which 0.5 changes nothing. Shapes (n, actions)."""
    return np.clip(action + 2.0 * MOST * (correction - 0.5), 0.0, 1.0)


class Corrected(VecEnv):
    """An environment in which `act`, told what is seen, acts and is corrected."""

    def __init__(self, env: VecEnv, act: Callable[[np.ndarray], np.ndarray]) -> None:
        self._env = env
        self._act = act
        self.num_envs = env.num_envs
        self.num_observations = env.num_observations
        self.num_actions = env.num_actions
        self.step_dt = env.step_dt
        self._seen = env.reset()

    def reset(self, *, seed: int | None = None) -> np.ndarray:
        """As `VecEnv`."""
        self._seen = self._env.reset(seed=seed)
        return self._seen

    def step(self, action: np.ndarray) -> StepResult:
        """As `VecEnv`: corrections."""
        result = self._env.step(corrected(self._act(self._seen), action))
        self._seen = result.observation
        return result

    def state(self) -> dict[str, np.ndarray]:
        """As `VecEnv`."""
        return self._env.state()

    def restore(self, state: Mapping[str, np.ndarray]) -> np.ndarray:
        """As `VecEnv`."""
        self._seen = self._env.restore(state)
        return self._seen


class CorrectedPlanner:
    """Acts as a planner that is corrected by a policy."""

    def __init__(self, planner: HighLevelNetwork, policy: Policy) -> None:
        self._planner = planner
        self._policy = policy

    def act(self, observation: np.ndarray) -> np.ndarray:
        """As `HighLevelNetwork`."""
        return corrected(self._planner.act(observation), self._policy.act(observation))


def corrected_planner(planner: HighLevelPolicy, corrections: Policy) -> HighLevelPolicy:
    """The planner with corrections that were found for it."""
    return planner._replace(
        policy=cast(HighLevelNetwork, CorrectedPlanner(planner.policy, corrections))
    )


def learn_corrections(
    piano: VecEnv,
    act: Callable[[np.ndarray], np.ndarray],
    planner: HighLevelPolicy,
    folder: Path,
    config: PpoConfig,
    known: dict[str, Any],
) -> Policy:
    """What PPO finds is to be added to what `act` does; `planner` tells what is normal to see."""
    env = Corrected(piano, act)
    policy = Policy(env.num_observations, env.num_actions, seed=config.seed)
    policy.mean.copy_(planner.policy.mean)
    policy.spread.copy_(planner.policy.spread)
    with torch.no_grad():
        last = policy.layers[-1]
        assert isinstance(last, torch.nn.Linear)
        last.weight.zero_()
        last.bias.zero_()
    run = PpoTraining(env, policy, config, folder, known=known)
    run.run()
    return run.policy
