"""States near a plan, drawn anew in each step: labels for high-level policies without physics.

Computing what a plan shows to a hand that is a little off it takes a tenth of the time of a step
with physics, so far more states can be learnt from.
"""

from __future__ import annotations

import numpy as np
from typing_extensions import override

from musclehand.core.vec_env import StepResult
from musclehand.envs.piano.env import PianoConfig, PianoEnv
from musclehand.envs.piano.goals import Goals, GoalsMaker
from musclehand.envs.piano.initial_states import draw_near_plan
from musclehand.envs.piano.pieces import LatentSpaceLike, PlannedPieces


class StaticPianoEnv(PianoEnv):
    """A `PianoEnv` whose steps do not simulate: whatever the action, each step draws new states
    near the plan."""

    def __init__(
        self,
        pieces: PlannedPieces,
        latent_space: LatentSpaceLike,
        config: PianoConfig | None = None,
        *,
        seed: int = 0,
        goals: GoalsMaker = Goals,
    ) -> None:
        """
        Args:
            pieces: to play, with their plans.
            latent_space: latent action space.
            config: what the environment is like.
            seed: of all random numbers, until `reset` sets another.
            goals: encoding of the notes.

        Raises:
            InvalidValue: pieces were planned for another rate than that of the latent space.
        """
        super().__init__(
            pieces,
            latent_space,
            config,
            seed=seed,
            goals=goals,
            initial_states=draw_near_plan,
        )

    @override
    def step(self, action: np.ndarray) -> StepResult:
        """Draws new states. The result has no reward and no terms, and every episode is truncated.

        Args:
            action: not used.
        """
        self._start_episodes(np.arange(self.config.num_worlds))
        observation = self._observe(self.body.proprioception())
        zero = np.zeros(self.num_envs)
        return StepResult(
            observation=observation,
            reward=zero,
            terminated=zero > 0.0,
            truncated=zero == 0.0,
            final_observation=observation,
            terms={},
        )
