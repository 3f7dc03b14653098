"""What hands are to play, as a planner sees it: for each finger the note it holds and those that
come next.

A note is told by how soon it begins and ends, how hard it is struck, and where its key is from the
fingertip, all as of a right hand. Times are told once more as shares of moments that lie close
together nearby and far apart further off: what a finger does 20 ms before it strikes has little to
do with what it does 60 ms before, and a network learns a step from such shares that it does not
learn from a number of seconds. Nothing is told of how to get there.
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

COMING = 2
"""Notes of each finger that are shown, beside the one it holds."""

FAR = 2.0
"""Times further off are all alike [s]."""

MOMENTS = np.array([0.0, 0.016, 0.032, 0.05, 0.07, 0.1, 0.14, 0.19, 0.25, 0.33, 0.45, 0.65, 1.0])
"""Between which times from now are shared out [s]."""

STAGES = np.array([0.0, 0.05, 0.12, 0.25, 0.5])
"""The same of the next note's beginning, for each of which it is told where the key is [s]."""

_PLACE = 5
"""Numbers that tell where a key is."""

_NUMBERS = 4 + _PLACE + 2 * len(MOMENTS)
"""That tell of a note."""


def goal_blocks() -> list[Block]:
    """What a planner sees of the notes, as blocks of an observation: see `Goals.at`."""
    names = ["held", *(f"next_{number}" for number in range(1, COMING + 1))]
    told = "there is one, begins in, ends in, velocity, the key from the fingertip, x, y, z, and from the wrist, x, y, "
    told += "and shares of the moments in which it begins, and ends; of each finger"
    blocks = [Block(name, _NUMBERS * len(DIGITS), "", 1.0, told) for name in names]
    size = len(STAGES) * _PLACE * len(DIGITS)
    return [
        *blocks,
        Block(
            "approach",
            size,
            "",
            1.0,
            "where the key of the next note is, by when it begins; of each",
        ),
    ]


def shares(time: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """Times as shares of the two moments that they lie between; those beyond the ends are at the
    ends.

    Args:
        time: any shape (...).
        moments: rising. Shape (k,).

    Returns:
        Shares, which sum up to 1. Shape (..., k).
    """
    inside = np.clip(time, moments[0], moments[-1])[..., None]
    before = np.diff(moments, prepend=-np.inf)
    after = np.diff(moments, append=np.inf)
    rising = 1.0 + (inside - moments) / before
    falling = 1.0 - (inside - moments) / after
    return np.asarray(np.clip(np.minimum(rising, falling), 0.0, 1.0))


@dataclass(frozen=True, eq=False)
class HandNotes:
    """The notes of one hand in their order, as a right hand's.

    `onset`, `offset` [s]; `finger` 0 to 4, `velocity` 1 to 127, `key` 0 to 87; `point` where the
    key is to be pressed [m], shape (notes, 3).
    """

    onset: np.ndarray
    offset: np.ndarray
    finger: np.ndarray
    velocity: np.ndarray
    key: np.ndarray
    point: np.ndarray


def hand_notes(notes: Sequence[Note], side: Side, geometry: KeyboardGeometry) -> HandNotes:
    """The notes of a hand as arrays.

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
    """The notes of several hands, to be looked at from any time."""

    def __init__(self, hands: Sequence[HandNotes]) -> None:
        """`hands`: one after the other."""
        self.hands = tuple(hands)
        # After all notes of a hand's finger stands one that never comes, so that there always is a
        # next one.
        places = list[tuple[int, int]]()
        rows = list[np.ndarray]()
        for hand in hands:
            for finger in range(len(DIGITS)):
                own = np.flatnonzero(hand.finger == finger)
                places.append((sum(len(row) for row in rows), len(own)))
                ends = np.column_stack([hand.onset, hand.offset, hand.velocity, hand.point])[own]
                never = np.full((COMING + 1, 6), np.inf)
                never[:, 2:] = 0.0
                rows.append(np.concatenate([ends, never]))
        table = np.concatenate(rows) if rows else np.zeros((0, 6))
        self._onset, self._offset, self._velocity = table[:, :3].T.copy()
        self._point = table[:, 3:]
        self._first, self._count = (
            np.array(places).reshape(len(self.hands), len(DIGITS), 2).transpose(2, 0, 1)
        )
        # Onsets of all fingers in one rising row, so that one search finds the places of all.
        self._step = FAR + max((float(hand.offset.max(initial=0.0)) for hand in hands), default=0.0)
        lane = np.repeat(np.arange(len(rows)), [len(part) for part in rows])
        self._rising = (
            np.where(np.isfinite(self._onset), self._onset, self._step * 0.999) + lane * self._step
        )

    def at(
        self, hand: np.ndarray, time: np.ndarray, tips: np.ndarray, wrist: np.ndarray
    ) -> dict[str, np.ndarray]:
        """The blocks of `goal_blocks` of some hands.

        Args:
            hand: which. Shape (n,).
            time: of now [s]. Shape (n,).
            tips: fingertips, as right hands' [m]. Shape (n, 5, 3).
            wrist: likewise. Shape (n, 3).

        Returns:
            By name. Shape (n, numbers of the block) each.
        """
        coming, left, held = self._places(hand, time)
        notes = {"held": self._tell(coming - held, held, time, tips, wrist)}
        for number in range(COMING):
            notes[f"next_{number + 1}"] = self._tell(
                coming + number, left > number, time, tips, wrist
            )
        told = {name: numbers.reshape(len(time), -1) for name, numbers in notes.items()}
        coming_next = notes["next_1"]
        there = coming_next[:, :, 0]
        begins = coming_next[:, :, 1]
        place = coming_next[:, :, 4 : 4 + _PLACE]
        stages = (shares(begins, STAGES) * there[..., None])[..., None] * place[:, :, None]
        return {**told, "approach": stages.reshape(len(time), -1)}

    def wanted(self, hand: np.ndarray, time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What fingers hold now: whether they do, (n, 5), and where, (n, 5, 3) [m]."""
        coming, _, held = self._places(hand, time)
        return held, self._point[coming - held]

    def _places(
        self, hand: np.ndarray, time: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of each finger: the row of its next note, how many are still to come, and whether it
        holds the one before. Shapes (n, 5)."""
        first = self._first[hand]
        count = self._count[hand]
        lane = hand[:, None] * len(DIGITS) + np.arange(len(DIGITS))
        now = np.clip(time, 0.0, self._step * 0.99)[:, None] + lane * self._step
        begun = np.clip(np.searchsorted(self._rising, now, side="right") - first, 0, count)
        coming = first + begun
        held = (begun > 0) & (self._offset[np.maximum(coming - 1, 0)] > time[:, None])
        return coming, count - begun, held

    def _tell(
        self,
        which: np.ndarray,
        there: np.ndarray,
        time: np.ndarray,
        tips: np.ndarray,
        wrist: np.ndarray,
    ) -> np.ndarray:
        """Numbers of one note for each finger, 0 where there is none. Shape (n, 5, numbers)."""
        begins, ends = (
            np.clip(moment[which] - time[:, None], -FAR, FAR)
            for moment in (self._onset, self._offset)
        )
        point = self._point[which]
        away = (point - tips) / POINT_UNIT
        aside = (point - wrist[:, None])[:, :, :2] / POINT_UNIT
        plain = np.stack(
            [np.ones_like(begins), begins, ends, self._velocity[which] / 127.0], axis=2
        )
        numbers = [plain, away, aside, shares(begins, MOMENTS), shares(ends, MOMENTS)]
        return np.where(there[..., None], np.concatenate(numbers, axis=2), 0.0)


GoalsMaker = Callable[[Sequence[HandNotes]], Goals]
"""Tells of the notes of several hands, as `Goals` does or in another way."""


POINT_UNIT = 0.03
"""A 1 of what tells where a key is [m]."""
