"""What a piano environment is made of: planned pieces, and a latent action space (protocols)."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from musclehand.envs.piano.goals import HandNotes
from musclehand.envs.reference import ReferenceSet
from musclehand.envs.tracking.env import TrackingConfig


class PlannedPieces(NamedTuple):
    """Pieces with the motion that the model-based player plans for them."""

    hands: tuple[ReferenceSet, ...]
    """For each side of `envs.piano.body.SIDES` the motion of all pieces, which are at the same
    frames in both."""

    notes: tuple[tuple[HandNotes, ...], ...]
    """For each side the notes of each piece, with times from the piece's first frame on."""


class LatentCodec(Protocol):
    """Encoder and decoder of a latent action space; `learning.vae.LatentPolicy` is one."""

    latent_size: int
    """Dimension of a latent action."""

    action_repeat: int
    """Steps of the muscles for which a latent action is held."""

    latent_bound: float
    """Numbers of a latent action lie between this and its negative."""

    def act(
        self, observation: np.ndarray, z: np.ndarray, repeat_index: np.ndarray | int
    ) -> np.ndarray:
        """Decodes latent actions to excitations. Shape (n, m).

        Args:
            observation: of which only the decoder's part is used. Shape (n, num_observations).
            z: latent actions. Shape (n, latent_size).
            repeat_index: steps for which they have been held.
        """

    def encode_mean(self, observation: np.ndarray) -> np.ndarray:
        """Encodes observations with a reference to latent actions. Shape (n, latent_size).

        Args:
            observation: shape (n, num_observations).
        """


class LatentSpaceLike(Protocol):
    """A latent action space and the environment it was trained in; `policies.latent.LatentSpace`
    is one."""

    @property
    def policy(self) -> LatentCodec:
        """Encoder and decoder."""

    @property
    def config(self) -> TrackingConfig:
        """Environment that it was trained in: its observation and rate."""
