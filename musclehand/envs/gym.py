"""One tracking hand as a standard Gymnasium environment, for learners that know those.

from stable_baselines3 import PPO
import gymnasium
from musclehand.envs.gym import register_envs
register_envs()
env = gymnasium.make("musclehand/TrackHand-v0", corpus="corpus")
PPO("MlpPolicy", env).learn(100_000)
"""

from __future__ import annotations

from os import PathLike
from typing import Any

import gymnasium
import numpy as np

from musclehand.core.errors import InvalidValue
from musclehand.core.vec_env import StepResult
from musclehand.envs.observation import LARGEST
from musclehand.envs.reference import ReferenceSet
from musclehand.envs.tracking.env import TrackingConfig, TrackingEnv
from musclehand.motion.dataset import open_corpus

ENV_ID = "musclehand/TrackHand-v0"


class TrackHand(gymnasium.Env):
    """A hand that follows clips. `tracking`: the batched environment beneath, of one."""

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012
    render_mode = None

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
            corpus: folder of a corpus to follow the clips of; or
            clips: the clips themselves, or a `ReferenceSet`.
            split: of the corpus.
            config: of the environment; the number of environments is always one.

        Raises:
            InvalidValue: neither a corpus nor clips, or both, or a config of several environments.
        """
        config = config or TrackingConfig(num_envs=1)
        if config.num_envs != 1:
            raise InvalidValue("num_envs", config.num_envs, "1 in a Gymnasium environment")
        if (corpus is None) == (clips is None):
            raise InvalidValue("corpus, clips", (corpus, clips), "one of both")
        if corpus is not None:
            clips = open_corpus(corpus).clips(split)
        self.tracking = TrackingEnv(
            clips if isinstance(clips, ReferenceSet) else list(clips), config
        )
        size = self.tracking.num_observations
        count = self.tracking.num_actions
        self.observation_space = gymnasium.spaces.Box(-LARGEST, LARGEST, (size,), np.float32)
        # Centred on 0 and of unit size, as learners that start with a normal distribution expect;
        # -1 is no excitation.
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (count,), np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """A new episode, as Gymnasium has it."""
        super().reset(seed=seed)
        return self.tracking.reset(seed=seed)[0], {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """A step, as Gymnasium has it; `info` has the reward's terms."""
        excitation = 0.5 * (np.asarray(action, dtype=float) + 1.0)
        result: StepResult = self.tracking.step(excitation[None])
        info = {name: float(values[0]) for name, values in result.terms.items()}
        ended = bool(result.terminated[0]), bool(result.truncated[0])
        return result.final_observation[0], float(result.reward[0]), *ended, info


def register_envs() -> None:
    """Makes `ENV_ID` known to `gymnasium.make`; may be called again."""
    if ENV_ID not in gymnasium.registry:
        gymnasium.register(ENV_ID, entry_point="musclehand.envs.gym:TrackHand")
