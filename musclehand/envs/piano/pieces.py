"""What planners learn from and act with, as their environment sees it: planned pieces, and a
skill."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from musclehand.envs.piano.goals import HandNotes
from musclehand.envs.reference import ReferenceSet
from musclehand.envs.tracking.env import TrackingConfig


class PlannedPieces(NamedTuple):
    """Pieces, one after the other.

    `hands`: for each of `piano_body.SIDES` the references of all pieces, which lie at the same
    frames; `notes`: likewise, for each piece, from its first frame on.
    """

    hands: tuple[ReferenceSet, ...]
    notes: tuple[tuple[HandNotes, ...], ...]


class LatentController(Protocol):
    """Turns intentions, `latent` numbers between `reach` and its negative held for `hold` steps,
    into excitations."""

    latent: int
    hold: int
    reach: float

    def act(self, observation: np.ndarray, z: np.ndarray, held: np.ndarray | int) -> np.ndarray:
        """Excitations, (n, m), by what hands see, (n, observations), what they intend, (n,
        latent), and since when."""

    def encode_mean(self, observation: np.ndarray) -> np.ndarray:
        """What is intended by who sees a reference. Shape (n, latent)."""


class LatentSpaceLike(Protocol):
    """Who intends, and the environment it has learnt in."""

    @property
    def policy(self) -> LatentController:
        """Encoder and decoder."""

    @property
    def config(self) -> TrackingConfig:
        """Of its observation and rate."""
