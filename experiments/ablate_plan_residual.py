"""The model-based plan in place of the high-level policy, through the latent space.

The teacher of high-level policies (`envs.piano.teacher`) acts: the encoder gets the plan for a
reference. A residual policy (`ablate_ppo_residual`), which observes what a high-level policy would,
may be added.
"""

from __future__ import annotations

import mujoco
import numpy as np
from typing_extensions import override

from ablate_ppo_residual import add_residual
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
    """Plays a piece as its plan says, by latent actions, with or without a residual policy."""

    def __init__(
        self,
        score: Score,
        policy: HighLevelPolicy,
        pieces: PlannedPieces,
        residual: Policy | None,
    ) -> None:
        """
        Args:
            score: to play.
            policy: whose latent space is used.
            pieces: the score's plan.
            residual: the residual policy; None adds nothing.
        """
        super().__init__(score, policy, lead_in=LEAD_KEPT)
        hand = self.scene.hands[Side.RIGHT]
        model = self.scene.model
        self._references = join(pieces.hands)
        self._residual = residual
        self._teacher = PlanTeacher(
            self._references, policy.latent_space, self._own, hand, hand.limits(model)
        )
        self._jacobian = FingertipJacobian(self.scene)
        self._data = mujoco.MjData(model)

    @override
    def control(self, data: mujoco.MjData, step: int) -> None:
        self._data = data
        super().control(data, step)

    @override
    def _act(
        self, observation: np.ndarray, proprioception: Proprioception, time: float
    ) -> np.ndarray:
        frame = self._references.ahead(self._references.first, round(time / self._references.dt))
        encoder_observation = self._teacher.encoder_observation(
            frame, proprioception, self._jacobian.of(self._data), self._forearm_state, self._history
        )
        action = self._teacher.action(frame, self._forearm_state, encoder_observation)
        if self._residual is None:
            return action
        return add_residual(action, self._residual.act(observation))
