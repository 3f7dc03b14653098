"""One tracking hand as a Gymnasium environment, for learners such as Stable-Baselines3.

    import gymnasium
    from stable_baselines3 import PPO

    env = gymnasium.make("musclehand:TrackHand-v0", corpus="corpus")
    PPO("MlpPolicy", env).learn(100_000)

Observations are vectors of scaled numbers from -10 to 10; `print(env.unwrapped.tracking.table)`
lists them. Actions are 46 numbers from -1, no excitation, to 1, full excitation of a
muscle: centred on 0, as learners expect that start with a normal distribution. The reward is that
of `envs.tracking.reward`; `info` has its terms before weighting.
"""

from __future__ import annotations

from functools import lru_cache
from os import PathLike
from typing import Any

import gymnasium
import numpy as np
from typing_extensions import override

from musclehand.core.errors import InvalidValue
from musclehand.core.vec_env import StepResult
from musclehand.envs.observation import CLIP
from musclehand.envs.reference import ReferenceSet
from musclehand.envs.tracking.env import TrackingConfig, TrackingEnv
from musclehand.motion.dataset import open_corpus

DEFAULT_PIECE = "five_finger_right"
"""Piece of the repertoire whose plan is followed if there are no clips: a five-finger exercise."""

DEFAULT_SECONDS = 8.0
"""[s] How much of it is planned."""


class TrackHand(gymnasium.Env[np.ndarray, np.ndarray]):
    """A hand that follows reference motion by muscle excitations."""

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012
    render_mode = None

    tracking: TrackingEnv
    """The environment beneath, with `num_envs` 1."""

    def __init__(
        self,
        corpus: str | PathLike[str] | None = None,
        *,
        clips: Any = None,
        split: str = "train",
        config: TrackingConfig | None = None,
    ) -> None:
        """
        Args:
            corpus: folder of a corpus (`musclehand corpus`), whose clips are followed.
            clips: clips to follow in place of a corpus, or a `ReferenceSet`. Without either, the
                plan of a five-finger exercise is followed.
            split: of the corpus, "train", "validation" or "test".
            config: of the environment; the number of environments has to be 1.

        Raises:
            CorpusError: there is no usable corpus.
            InvalidValue: a corpus and clips, or a configuration of several environments.
        """
        config = config or TrackingConfig(num_envs=1)
        if config.num_envs != 1:
            raise InvalidValue("num_envs", config.num_envs, "1 in a Gymnasium environment")
        if corpus is not None and clips is not None:
            raise InvalidValue("corpus, clips", (corpus, clips), "at most one of both")
        if corpus is not None:
            clips = open_corpus(corpus).clips(split)
        elif clips is None:
            clips = _exercise(config.sim_steps)
        self.tracking = TrackingEnv(
            clips if isinstance(clips, ReferenceSet) else list(clips), config
        )
        observations = (self.tracking.num_observations,)
        self.observation_space = gymnasium.spaces.Box(-CLIP, CLIP, observations, np.float32)
        actions = (self.tracking.num_actions,)
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, actions, np.float32)

    @override
    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Starts an episode at a random frame of the reference.

        Args:
            seed: of all random numbers from here on.
            options: not used.

        Returns:
            Observation and an empty `info`.
        """
        super().reset(seed=seed)
        return self.tracking.reset(seed=seed)[0], {}

    @override
    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Makes one step.

        Args:
            action: -1 to 1. Shape (46,).

        Returns:
            Observation, reward, terminated (by failure), truncated (by time, or with the clip), and
            `info` with the reward's terms and the tracking errors.
        """
        excitation = 0.5 * (np.asarray(action, dtype=float) + 1.0)
        result: StepResult = self.tracking.step(excitation[None])
        info = {name: float(values[0]) for name, values in result.terms.items()}
        return (
            result.final_observation[0],
            float(result.reward[0]),
            bool(result.terminated[0]),
            bool(result.truncated[0]),
            info,
        )


@lru_cache(maxsize=4)
def _exercise(sim_steps: int) -> ReferenceSet:
    """Plan of the default piece, at the rate of a policy; made once in a process."""
    from dataclasses import replace

    from musclehand.envs.demonstrations.planned_motion import plan_references, policy_plan_config
    from musclehand.music.generate.patterns import PatternScore
    from musclehand.music.repertoire import load_piece

    score = load_piece(DEFAULT_PIECE)
    score = score.clip(0.0, min(DEFAULT_SECONDS, score.duration))
    config = replace(policy_plan_config(), sim_steps=sim_steps)
    return plan_references([PatternScore(DEFAULT_PIECE, "piece", score)], config=config)
