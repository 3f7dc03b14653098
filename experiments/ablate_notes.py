"""Ablation of notes in the observation of the high-level policy: a field of distances to keys.

The policy observes no single notes and no fingers. For places along the keyboard and for moments
from now on, it gets the signed distance to the nearest key that is wanted then, in `CODES` numbers
of a linear autoencoder (principal components of the fields of the pieces).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from typing_extensions import override

from musclehand.envs.piano.goals import Goals, HandNotes

CODES = 16
"""Numbers of the code of a field."""

OCTAVE = 0.165
"""[m] Width of an octave: the unit of distances, and the largest one, also without a wanted
key."""

PLACES = np.linspace(-OCTAVE, OCTAVE, 25)
"""[m] From the wrist along the keyboard, an octave each way."""

MOMENTS = np.array([0.0, 0.05, 0.1, 0.2, 0.4, 0.8])
"""[s] From now on."""

SWAY = 0.04
"""[m] Standard deviation of the wrist about the next note's key, for the autoencoder."""


class KeyCode(NamedTuple):
    """A linear autoencoder of fields: the code is `matrix @ (field - mean)`."""

    mean: np.ndarray
    """Mean field. Shape (size,)."""

    matrix: np.ndarray
    """Scaled principal directions, `CODES` or fewer. Shape (codes, size)."""


def field(notes: HandNotes, time: float, wrist: float) -> np.ndarray:
    """Signed distances to the nearest wanted key, in octaves, from -1 to 1. Shape (moments *
    places,).

    Args:
        notes: of one hand.
        time: current time [s].
        wrist: place along the keyboard, as a right hand's [m].
    """
    if not len(notes.onset):
        return np.ones(len(MOMENTS) * len(PLACES))
    moments = time + MOMENTS[:, None]
    sounding = (notes.onset <= moments) & (moments < notes.offset)
    distance = (notes.point[:, 0] - wrist - PLACES[:, None])[None] / OCTAVE
    distance = np.where(sounding[:, None], distance, np.inf)
    rows = np.abs(distance).argmin(axis=2)[..., None]
    nearest = np.take_along_axis(distance, rows, axis=2)
    return np.clip(nearest, -1.0, 1.0).ravel()


def learn_code(hands: Sequence[HandNotes], *, interval: float = 0.04, seed: int = 0) -> KeyCode:
    """The linear autoencoder with the smallest squared error on the fields of some notes.

    Args:
        hands: notes of one hand after the other.
        interval: time between fields [s].
        seed: of the wrist's places, some centimetres from the next notes.
    """
    rng = np.random.default_rng(seed)
    fields = []
    for notes in hands:
        for time in np.arange(0.0, notes.offset.max(initial=0.0), interval):
            near = min(np.searchsorted(notes.onset, time), len(notes.onset) - 1)
            wrist = notes.point[near, 0] + SWAY * rng.standard_normal()
            fields.append(field(notes, float(time), wrist))
    rows = np.array(fields)
    _, size, directions = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    # Codes of these fields have variance 1, but for directions of almost none.
    std = np.maximum(size[:CODES], 1e-3 * size[0]) / np.sqrt(len(rows))
    return KeyCode(rows.mean(axis=0), directions[:CODES] / std[:, None])


class NearestKeys(Goals):
    """Goals with the code of the field in the first numbers of the first block, and zeros else."""

    def __init__(self, hands: Sequence[HandNotes], code: KeyCode) -> None:
        """
        Args:
            hands: notes of one hand after the other.
            code: of the fields.
        """
        super().__init__(hands)
        self._code = code

    @override
    def encode(
        self, hand: np.ndarray, time: np.ndarray, tips: np.ndarray, wrist: np.ndarray
    ) -> dict[str, np.ndarray]:
        blocks = {
            name: np.zeros_like(values)
            for name, values in super().encode(hand, time, tips, wrist).items()
        }
        rows = np.array(
            [field(self.hands[h], t, w) for h, t, w in zip(hand, time, wrist[:, 0], strict=True)]
        )
        codes = (rows - self._code.mean) @ self._code.matrix.T
        blocks["held"][:, : len(self._code.matrix)] = codes
        return blocks
