"""One network for both hands, beside one that plays either hand and is told of the other's forearm.

Both learn from nothing what the teacher intends and how it moves forearms (`learning.dagger`), in
as many steps, and from as many hands in an update.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from musclehand.core.vec_env import StepResult, TeacherEnv
from musclehand.envs.piano.env import PianoEnv
from musclehand.learning.dagger import DaggerConfig, DaggerTraining
from musclehand.learning.high_level import HighLevelNetwork
from musclehand.learning.high_level_distill import HighLevelConfig
from musclehand.learning.policy import Policy
from musclehand.policies.high_level import HighLevelPolicy
from musclehand.policies.latent import LatentSpace


def together(rows: np.ndarray) -> np.ndarray:
    """Left hands' numbers, then right ones', of each pair. Shape (2 n, k) to (n, 2 k)."""
    return np.hstack(np.split(rows, 2))


def apart(rows: np.ndarray) -> np.ndarray:
    """Back from `together`: left hands first. Shape (n, 2 k) to (2 n, k)."""
    return np.vstack(np.split(rows, 2, axis=1))


class Pairs(TeacherEnv):
    """Hands of a `PianoEnv` as pairs that see and act together."""

    def __init__(self, env: PianoEnv) -> None:
        self._env = env
        self.num_envs = env.num_envs // 2
        self.step_dt = env.step_dt
        self.num_observations = 2 * env.num_observations
        self.num_actions = 2 * env.num_actions

    def reset(self, *, seed: int | None = None) -> np.ndarray:
        """As `VecEnv`."""
        return together(self._env.reset(seed=seed))

    def step(self, action: np.ndarray) -> StepResult:
        """As `VecEnv`; rewards and terms are means of both hands."""
        result = self._env.step(apart(action))
        left, _ = np.split(np.arange(self._env.num_envs), 2)
        return StepResult(
            together(result.observation),
            result.reward.reshape(2, -1).mean(axis=0),
            result.terminated[left],
            result.truncated[left],
            together(result.final_observation),
            {name: values.reshape(2, -1).mean(axis=0) for name, values in result.terms.items()},
        )

    def teacher_action(self) -> np.ndarray:
        """As `TeacherEnv`."""
        return together(self._env.teacher_action())

    def state(self) -> dict[str, np.ndarray]:
        """As `VecEnv`."""
        return self._env.state()

    def restore(self, state: Mapping[str, np.ndarray]) -> np.ndarray:
        """As `VecEnv`."""
        return together(self._env.restore(state))


class OneActor:
    """Acts for a left and a right hand at once."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def act(self, observation: np.ndarray) -> np.ndarray:
        """As `HighLevelNetwork`."""
        return apart(self._policy.act(together(observation)))


def learn_directly(
    env: PianoEnv,
    folder: Path,
    config: HighLevelConfig,
    known: dict[str, Any],
    *,
    one_actor: bool = False,
) -> HighLevelPolicy:
    """Who says what is done, from nothing, for both hands at once or for either, in as many
    steps and updates as `config` has."""
    names = ("iterations", "steps", "updates", "noise", "decay", "memory", "seed")
    same = {name: getattr(config, name) for name in names}
    batch = config.batch // 2 if one_actor else config.batch
    run = DaggerTraining(
        Pairs(env) if one_actor else env, DaggerConfig(**same, batch=batch), folder, known=known
    )
    run.run()
    # It is played by what it does, which is the same as of a planner.
    policy = OneActor(run.policy) if one_actor else run.policy
    return HighLevelPolicy(cast(HighLevelNetwork, policy), cast(LatentSpace, env.skill), {})
