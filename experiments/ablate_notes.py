"""Notes told as a field: from places round the hand, how far it is to the nearest key that is
wanted, now and soon.

Nothing is said of single notes or of fingers. The field has a distance, with its sign, for each
place and moment; a linear autoencoder makes `CODES` numbers of it, those directions in which the
fields of the pieces differ most.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from musclehand.envs.piano.goals import Goals, HandNotes

CODES = 16
"""Numbers that a field is told by."""

PLACES = np.linspace(-0.165, 0.165, 25)
"""From the wrist, along the keyboard: an octave each way [m]."""

SOON = np.array([0.0, 0.05, 0.1, 0.2, 0.4, 0.8])
"""Moments from now on [s]."""

OCTAVE = 0.165
"""A 1 of a distance, and the largest, also where no key is wanted [m]."""


class KeyCode(NamedTuple):
    """A field's code is `matrix` (CODES or fewer, size) times what it has beyond `mean` (size,)."""

    mean: np.ndarray
    matrix: np.ndarray


def field(notes: HandNotes, time: float, wrist: float) -> np.ndarray:
    """Distances to the nearest wanted key, in octaves, from -1 to 1. Shape (moments * places,).

    Args:
        notes: of one hand.
        time: of now [s].
        wrist: where it is along the keyboard, as a right hand's [m].
    """
    then = time + SOON[:, None]
    wanted = (notes.onset <= then) & (then < notes.offset)
    away = (notes.point[:, 0] - wrist - PLACES[:, None])[None] / OCTAVE
    away = np.where(wanted[:, None], away, np.inf)
    if not len(notes.onset):
        return np.ones(len(SOON) * len(PLACES))
    nearest = np.take_along_axis(away, np.abs(away).argmin(axis=2)[..., None], axis=2)
    return np.clip(nearest, -1.0, 1.0).ravel()


def learn_code(hands: Sequence[HandNotes], *, every: float = 0.04, seed: int = 0) -> KeyCode:
    """The autoencoder that loses least of the fields of these notes, wherever hands may be
    meanwhile.

    Args:
        hands: one after the other.
        every: time between the fields looked at [s].
        seed: of where hands are, some centimetres from their next notes.
    """
    rng = np.random.default_rng(seed)
    fields = []
    for notes in hands:
        for time in np.arange(0.0, notes.offset.max(initial=0.0), every):
            near = min(np.searchsorted(notes.onset, time), len(notes.onset) - 1)
            fields.append(
                field(notes, float(time), notes.point[near, 0] + 0.04 * rng.standard_normal())
            )
    rows = np.array(fields)
    _, size, directions = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    # Codes of what was looked at differ by 1, but for directions in which next to nothing does.
    spread = np.maximum(size[:CODES], 1e-3 * size[0]) / np.sqrt(len(rows))
    return KeyCode(rows.mean(axis=0), directions[:CODES] / spread[:, None])


class NearestKeys(Goals):
    """Tells the code of the field in the first numbers of the first block, and nothing else."""

    def __init__(self, hands: Sequence[HandNotes], code: KeyCode) -> None:
        super().__init__(hands)
        self._code = code

    def at(
        self, hand: np.ndarray, time: np.ndarray, tips: np.ndarray, wrist: np.ndarray
    ) -> dict[str, np.ndarray]:
        """As `Goals`."""
        told = {
            name: np.zeros_like(values)
            for name, values in super().at(hand, time, tips, wrist).items()
        }
        rows = np.array(
            [field(self.hands[h], t, w) for h, t, w in zip(hand, time, wrist[:, 0], strict=True)]
        )
        told["held"][:, : len(self._code.matrix)] = (rows - self._code.mean) @ self._code.matrix.T
        return told
