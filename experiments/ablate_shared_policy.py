"""Ablation of the reference predictor: latent actions as direct outputs, by one network or another.

Either one network acts for either hand, which observes the other hand's forearm, or one network
acts for both hands at once. Both are trained from scratch by DAgger (`learning.dagger`) to output
the teacher's latent actions and moves of the forearm, with as many steps, and as many hands in an
update.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from typing_extensions import override

from musclehand.core.vec_env import StepResult, TeacherEnv
from musclehand.envs.piano.env import PianoEnv
from musclehand.learning.dagger import DaggerConfig, DaggerTraining
from musclehand.learning.high_level import HighLevelNetwork
from musclehand.learning.high_level_distill import HighLevelConfig
from musclehand.learning.policy import Policy
from musclehand.policies.high_level import HighLevelPolicy
from musclehand.policies.latent import LatentSpace

SHARED_FIELDS = (
    "iterations",
    "steps",
    "updates",
    "noise",
    "decay",
    "buffer_iterations",
    "seed",
)
"""Fields of `HighLevelConfig` that DAgger takes over; the others keep their defaults."""


def join_pairs(rows: np.ndarray) -> np.ndarray:
    """Numbers of the left hand, then of the right one, of each pair. Shape (2 n, k) to (n, 2 k)."""
    return np.hstack(np.split(rows, 2))


def split_pairs(rows: np.ndarray) -> np.ndarray:
    """Inverse of `join_pairs`, left hands first. Shape (n, 2 k) to (2 n, k)."""
    return np.vstack(np.split(rows, 2, axis=1))


class PairEnv(TeacherEnv):
    """Hands of a `PianoEnv` as pairs with one observation and one action."""

    def __init__(self, env: PianoEnv) -> None:
        self._env = env
        self.num_envs = env.num_envs // 2
        self.step_dt = env.step_dt
        self.num_observations = 2 * env.num_observations
        self.num_actions = 2 * env.num_actions

    @override
    def reset(self, *, seed: int | None = None) -> np.ndarray:
        return join_pairs(self._env.reset(seed=seed))

    @override
    def step(self, action: np.ndarray) -> StepResult:
        result = self._env.step(split_pairs(action))
        left, _ = np.split(np.arange(self._env.num_envs), 2)
        # Rewards and terms are means of both hands.
        return StepResult(
            observation=join_pairs(result.observation),
            reward=result.reward.reshape(2, -1).mean(axis=0),
            terminated=result.terminated[left],
            truncated=result.truncated[left],
            final_observation=join_pairs(result.final_observation),
            terms={
                name: values.reshape(2, -1).mean(axis=0) for name, values in result.terms.items()
            },
        )

    @override
    def teacher_action(self) -> np.ndarray:
        return join_pairs(self._env.teacher_action())

    @override
    def state(self) -> dict[str, np.ndarray]:
        return self._env.state()

    @override
    def restore(self, state: Mapping[str, np.ndarray]) -> np.ndarray:
        return join_pairs(self._env.restore(state))


class PairActor:
    """Acts for a left and a right hand at once, with the interface of a `HighLevelNetwork`."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def act(self, observation: np.ndarray) -> np.ndarray:
        """Actions of all hands, left ones first. Shape (2 n, num_actions).

        Args:
            observation: shape (2 n, num_observations).
        """
        return split_pairs(self._policy.act(join_pairs(observation)))


def learn_directly(
    env: PianoEnv,
    folder: Path,
    config: HighLevelConfig,
    identity: dict[str, Any],
    *,
    both_hands: bool = False,
) -> HighLevelPolicy:
    """Trains a network that outputs latent actions.

    Args:
        env: to play in.
        folder: for checkpoints; a run that is there is resumed.
        config: with the number of steps and updates.
        identity: what checkpoints have to agree with.
        both_hands: one network for both hands at once.
    """
    shared = {name: getattr(config, name) for name in SHARED_FIELDS}
    batch = config.batch // 2 if both_hands else config.batch
    training = DaggerTraining(
        PairEnv(env) if both_hands else env,
        DaggerConfig(**shared, batch=batch),
        folder,
        identity=identity,
    )
    training.run()
    policy = PairActor(training.policy) if both_hands else training.policy
    # A controller only lets it act, as it does a `HighLevelNetwork`.
    network = cast(HighLevelNetwork, policy)
    return HighLevelPolicy(network, cast(LatentSpace, env.latent_space), {})
