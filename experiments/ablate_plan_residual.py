"""The model-based player's plan, played through intentions: nothing learnt, or with corrections
that PPO finds.

The teacher of planners (`envs.piano.teacher`) acts; what it does is corrected as a planner is
(`by_reward`), by a policy that sees what a planner sees.
"""

from __future__ import annotations

import mujoco
import numpy as np
from by_reward import corrected

from musclehand.body.anatomy import Side
from musclehand.controllers.high_level import HighLevelController
from musclehand.envs.piano.body import FingertipJacobian
from musclehand.envs.piano.pieces import PlannedPieces
from musclehand.envs.piano.teacher import PlanTeacher
from musclehand.envs.reference import join
from musclehand.envs.tracking.body import Proprioception
from musclehand.learning.policy import Policy
from musclehand.motion.clip import LEAD_KEPT
from musclehand.music.score import Score
from musclehand.policies.high_level import HighLevelPolicy


class PlanController(HighLevelController):
    """Plays a piece as its plan says, through intentions, with corrections."""

    def __init__(
        self,
        score: Score,
        planner: HighLevelPolicy,
        pieces: PlannedPieces,
        corrections: Policy | None,
    ) -> None:
        """`planner`: of which the latent space is taken; `pieces`: the score's plan."""
        super().__init__(score, planner=planner, lead_in=LEAD_KEPT)
        hand = self.scene.hands[Side.RIGHT]
        self._references = join(pieces.hands)
        self._corrections = corrections
        self._teacher = PlanTeacher(
            self._references, planner.skill, self._own, hand, hand.limits(self.scene.model)
        )
        self._slopes, self._data = FingertipJacobian(self.scene), mujoco.MjData(self.scene.model)

    def control(self, data: mujoco.MjData, step: int) -> None:
        """As the planner."""
        self._data = data
        super().control(data, step)

    def _act(self, seen: np.ndarray, senses: Proprioception, time: float) -> np.ndarray:
        frame = self._references.ahead(self._references.first, round(time / self._references.dt))
        view = self._teacher.view(
            frame, senses, self._slopes.of(self._data), self._path, self._past
        )
        action = self._teacher.action(frame, self._path, view)
        return (
            action if self._corrections is None else corrected(action, self._corrections.act(seen))
        )
