"""Notes as a high-level policy observes them: for each finger the held note and the next ones.

A note is encoded by the times until it begins and ends, its velocity, and the position of its key
relative to fingertip and wrist, all mirrored to a right hand. The times are also encoded by hat
functions (piecewise linear interpolation weights) at knots that are dense near 0. What a finger
does 20 ms before it strikes has little to do with what it does 60 ms before; a network can learn
such a step from the weights, but not from a time in seconds. No part of the encoding is a movement.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from musclehand.body.anatomy import DIGITS, Side
from musclehand.core.errors import InvalidValue
from musclehand.envs.observation import Block
from musclehand.envs.reference import mirrors
from musclehand.music.pitch import pitch_to_key
from musclehand.music.score import Note
from musclehand.piano.geometry import KeyboardGeometry

NUM_NEXT = 2
"""Next notes of each finger that are observed, beside the one it holds."""

HORIZON = 2.0
"""[s] Times are clipped to this and its negative."""

TIME_KNOTS = np.array([0.0, 0.016, 0.032, 0.05, 0.07, 0.1, 0.14, 0.19, 0.25, 0.33, 0.45, 0.65, 1.0])
"""[s] Knots of the hat functions for the beginnings and ends of notes. Chosen."""

APPROACH_KNOTS = np.array([0.0, 0.05, 0.12, 0.25, 0.5])
"""[s] Knots of the hat functions by which the key of the next note is weighted. Chosen."""

POINT_UNIT = 0.03
"""[m] Distance to a key that is encoded as 1."""

_KEY_SIZE = 5
"""Numbers of a key's position: x, y, z from the fingertip, x and y from the wrist."""

_NOTE_SIZE = 4 + _KEY_SIZE + 2 * len(TIME_KNOTS)
"""Numbers of a note."""


def goal_blocks() -> list[Block]:
    """Blocks of the observation that `Goals.encode` fills."""
    names = ["held", *(f"next_{number}" for number in range(1, NUM_NEXT + 1))]
    meaning = (
        "of each finger: 1 if there is a note, time to its begin and end, velocity, key from the "
        "fingertip (x, y, z) and from the wrist (x, y), hat functions of both times"
    )
    notes = [Block(name, _NOTE_SIZE * len(DIGITS), "", 1.0, meaning) for name in names]
    approach_size = len(APPROACH_KNOTS) * _KEY_SIZE * len(DIGITS)
    approach_meaning = "of each finger: key of the next note, times hat functions of its begin"
    return [*notes, Block("approach", approach_size, "", 1.0, approach_meaning)]


def hat_functions(time: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Weights by which linear interpolation would mix values at the knots; times beyond the ends
    are taken to be at the ends. Shape (..., k), summing up to 1.

    Args:
        time: any shape (...).
        knots: rising. Shape (k,).
    """
    inside = np.clip(time, knots[0], knots[-1])[..., None]
    before = np.diff(knots, prepend=-np.inf)
    after = np.diff(knots, append=np.inf)
    rising = 1.0 + (inside - knots) / before
    falling = 1.0 - (inside - knots) / after
    return np.asarray(np.clip(np.minimum(rising, falling), 0.0, 1.0))


@dataclass(frozen=True, eq=False)
class HandNotes:
    """Notes of one hand in their order, mirrored to a right hand."""

    onset: np.ndarray
    """[s] Times at which notes begin. Shape (notes,)."""

    offset: np.ndarray
    """[s] Times at which notes end. Shape (notes,)."""

    finger: np.ndarray
    """Finger of each note, 0 (thumb) to 4. Shape (notes,)."""

    velocity: np.ndarray
    """MIDI velocity of each note, 1 to 127. Shape (notes,)."""

    key: np.ndarray
    """Key of each note, 0 to 87. Shape (notes,)."""

    point: np.ndarray
    """[m] Where each key is to be pressed. Shape (notes, 3)."""


def hand_notes(notes: Sequence[Note], side: Side, geometry: KeyboardGeometry) -> HandNotes:
    """Notes of a hand as arrays.

    Args:
        notes: of one hand, with fingers.
        side: of the hand.
        geometry: of the keyboard.

    Raises:
        InvalidValue: a note without a finger.
    """
    notes = sorted(notes)
    for note in notes:
        if note.finger is None:
            raise InvalidValue("finger", note, "a note that has one")
    key = np.array([pitch_to_key(note.pitch) for note in notes], dtype=int)
    point = np.column_stack(
        [geometry.x[key], geometry.press_y[key].mean(axis=1), geometry.top_z[key]]
    )
    return HandNotes(
        onset=np.array([note.onset for note in notes], dtype=float),
        offset=np.array([note.offset for note in notes], dtype=float),
        finger=np.array([int(note.finger or 0) - 1 for note in notes], dtype=int),
        velocity=np.array([note.velocity for note in notes], dtype=float),
        key=key,
        point=point.reshape(-1, 3) * mirrors(side)[1],
    )


class Goals:
    """Notes of several hands, encoded at any time."""

    hands: tuple[HandNotes, ...]
    """Notes of each hand."""

    def __init__(self, hands: Sequence[HandNotes]) -> None:
        self.hands = tuple(hands)
        # Rows of a table: for each finger of each hand its notes and, after them, placeholders that
        # never begin, so that every finger always has a next note.
        places = list[tuple[int, int]]()
        rows = list[np.ndarray]()
        for hand in hands:
            for finger in range(len(DIGITS)):
                own = np.flatnonzero(hand.finger == finger)
                places.append((sum(len(row) for row in rows), len(own)))
                notes = np.column_stack([hand.onset, hand.offset, hand.velocity, hand.point])[own]
                never = np.full((NUM_NEXT + 1, 6), np.inf)
                never[:, 2:] = 0.0
                rows.append(np.concatenate([notes, never]))
        table = np.concatenate(rows) if rows else np.zeros((0, 6))
        self._onset, self._offset, self._velocity = table[:, :3].T.copy()
        self._point = table[:, 3:]
        self._first, self._count = (
            np.array(places).reshape(len(self.hands), len(DIGITS), 2).transpose(2, 0, 1)
        )
        # Onsets of all fingers, each finger's shifted by another multiple of `_lane`, so that they
        # rise and one binary search finds the places of all.
        longest = max((float(hand.offset.max(initial=0.0)) for hand in hands), default=0.0)
        self._lane = HORIZON + longest
        lanes = np.repeat(np.arange(len(rows)), [len(part) for part in rows])
        onsets = np.where(np.isfinite(self._onset), self._onset, self._lane * 0.999)
        self._rising = onsets + lanes * self._lane

    def encode(
        self, hand: np.ndarray, time: np.ndarray, tips: np.ndarray, wrist: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Values of the blocks of `goal_blocks`.

        Args:
            hand: number of each row's notes in `hands`. Shape (n,).
            time: current time [s]. Shape (n,).
            tips: fingertips, mirrored to right hands [m]. Shape (n, 5, 3).
            wrist: forearm's base, mirrored to right hands [m]. Shape (n, 3).

        Returns:
            By name. Shape (n, size of the block) each.
        """
        coming, remaining, held = self._places(hand, time)
        notes = {"held": self._encode_notes(coming - held, held, time, tips, wrist)}
        for number in range(NUM_NEXT):
            notes[f"next_{number + 1}"] = self._encode_notes(
                coming + number, remaining > number, time, tips, wrist
            )
        blocks = {name: numbers.reshape(len(time), -1) for name, numbers in notes.items()}
        next_note = notes["next_1"]
        exists = next_note[:, :, 0]
        begins = next_note[:, :, 1]
        key = next_note[:, :, 4 : 4 + _KEY_SIZE]
        weights = hat_functions(begins, APPROACH_KNOTS) * exists[..., None]
        approach = weights[..., None] * key[:, :, None]
        return {**blocks, "approach": approach.reshape(len(time), -1)}

    def held_keys(self, hand: np.ndarray, time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Notes that fingers should hold.

        Args:
            hand: number of each row's notes in `hands`. Shape (n,).
            time: current time [s]. Shape (n,).

        Returns:
            Whether each finger holds one, (n, 5), and where its key is [m], (n, 5, 3).
        """
        coming, _, held = self._places(hand, time)
        return held, self._point[coming - held]

    def _places(
        self, hand: np.ndarray, time: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of each finger: row of its next note, number of notes to come, and whether it holds the
        note before. Shapes (n, 5)."""
        first = self._first[hand]
        count = self._count[hand]
        lanes = hand[:, None] * len(DIGITS) + np.arange(len(DIGITS))
        shifted = np.clip(time, 0.0, self._lane * 0.99)[:, None] + lanes * self._lane
        begun = np.clip(np.searchsorted(self._rising, shifted, side="right") - first, 0, count)
        coming = first + begun
        held = (begun > 0) & (self._offset[np.maximum(coming - 1, 0)] > time[:, None])
        return coming, count - begun, held

    def _encode_notes(
        self,
        rows: np.ndarray,
        exists: np.ndarray,
        time: np.ndarray,
        tips: np.ndarray,
        wrist: np.ndarray,
    ) -> np.ndarray:
        """Numbers of one note for each finger, 0 where there is none. Shape (n, 5, numbers).

        Args:
            rows: of the notes. Shape (n, 5).
            exists: whether there is a note. Shape (n, 5), bool.
            time: current time [s]. Shape (n,).
            tips: fingertips [m]. Shape (n, 5, 3).
            wrist: forearm's base [m]. Shape (n, 3).
        """
        begins, ends = (
            np.clip(moment[rows] - time[:, None], -HORIZON, HORIZON)
            for moment in (self._onset, self._offset)
        )
        point = self._point[rows]
        from_tip = (point - tips) / POINT_UNIT
        from_wrist = (point - wrist[:, None])[:, :, :2] / POINT_UNIT
        plain = np.stack([np.ones_like(begins), begins, ends, self._velocity[rows] / 127.0], axis=2)
        numbers = [
            plain,
            from_tip,
            from_wrist,
            hat_functions(begins, TIME_KNOTS),
            hat_functions(ends, TIME_KNOTS),
        ]
        return np.where(exists[..., None], np.concatenate(numbers, axis=2), 0.0)


GoalsMaker = Callable[[Sequence[HandNotes]], Goals]
"""Makes the encoding of the notes of several hands: `Goals`, or a variant of it."""
