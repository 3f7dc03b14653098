"""Ablation of the latent space: excitations of all muscles as the actions of the high-level policy.

An excitation is held for as long as a latent action would be. The teacher's excitations are those
with which the latent space begins its action for the plan.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from musclehand.envs.tracking.env import TrackingConfig
from musclehand.learning.vae import LatentPolicy
from musclehand.policies.latent import LatentSpace


class ExcitationController:
    """A `LatentCodec` whose latent action is the excitation of each muscle, less a half."""

    latent_bound = 0.5
    """Numbers of an action lie between this and its negative."""

    def __init__(self, teacher: LatentPolicy) -> None:
        """`teacher`: whose excitations are learnt."""
        self._teacher = teacher
        self.latent_size = teacher.num_actions
        self.action_repeat = teacher.action_repeat

    def act(
        self, observation: np.ndarray, z: np.ndarray, repeat_index: np.ndarray | int
    ) -> np.ndarray:
        """Excitations, whatever the state. Shape (n, m).

        Args:
            observation: not used.
            z: excitations less a half. Shape (n, m).
            repeat_index: not used.
        """
        return np.asarray(np.clip(z + self.latent_bound, 0.0, 1.0))

    def encode_mean(self, observation: np.ndarray) -> np.ndarray:
        """The teacher's excitations less a half. Shape (n, m).

        Args:
            observation: with a reference. Shape (n, num_observations).
        """
        z = self._teacher.encode_mean(observation)
        return self._teacher.act(observation, z, 0) - self.latent_bound


class ExcitationSpace(NamedTuple):
    """A `LatentSpaceLike` without a latent space."""

    policy: ExcitationController
    """Acts."""

    config: TrackingConfig
    """Of the environment."""


def excitation_space(space: LatentSpace) -> ExcitationSpace:
    """Excitations in place of the latent actions of a space."""
    return ExcitationSpace(ExcitationController(space.policy), space.config)
