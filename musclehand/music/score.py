"""The score: what is to be played, and in the same form what was played. Immutable, in seconds.

Every reader makes a `Score`, every player is given one and returns one, and piano rolls are derived
from it. Hand and finger of a note are `None` where nobody has said; a planner fills them in and a
person's choice is kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property

import numpy as np

from musclehand.core.errors import InvalidValue
from musclehand.music.pitch import HIGHEST_PITCH, LOWEST_PITCH, NUM_KEYS, is_on_keyboard


class Hand(IntEnum):
    """Which hand plays."""

    LEFT = 0
    RIGHT = 1


class Finger(IntEnum):
    """Pianists' finger numbers."""

    THUMB = 1
    INDEX = 2
    MIDDLE = 3
    RING = 4
    LITTLE = 5


@dataclass(frozen=True, order=True)
class Note:
    """One key pressed at `onset` [s] and let go at `offset` [s]; sorts by onset, then pitch.

    `pitch` is the MIDI number 21..108, `velocity` 1..127.
    """

    onset: float
    pitch: int
    offset: float
    velocity: int = 80
    hand: Hand | None = None
    finger: Finger | None = None

    def __post_init__(self) -> None:
        if not (
            math.isfinite(self.onset)
            and math.isfinite(self.offset)
            and 0 <= self.onset < self.offset
        ):
            raise InvalidValue(
                "note time", (self.onset, self.offset), "finite seconds with 0 <= onset < offset"
            )
        if not is_on_keyboard(self.pitch):
            raise InvalidValue("pitch", self.pitch, f"{LOWEST_PITCH}..{HIGHEST_PITCH}")
        if not 1 <= self.velocity <= 127:
            raise InvalidValue("velocity", self.velocity, "1..127")

    @property
    def key(self) -> int:
        """Key index 0..87."""
        return self.pitch - LOWEST_PITCH

    @property
    def duration(self) -> float:
        """Time the key is held [s]."""
        return self.offset - self.onset


@dataclass(frozen=True, order=True)
class Pedal:
    """The sustain pedal held down from `start` to `end` [s]."""

    start: float
    end: float

    def __post_init__(self) -> None:
        if not (
            math.isfinite(self.start) and math.isfinite(self.end) and 0 <= self.start < self.end
        ):
            raise InvalidValue(
                "pedal time", (self.start, self.end), "finite seconds with 0 <= start < end"
            )


@dataclass(frozen=True)
class Score:
    """Notes in order of onset, sustain-pedal spans, a title, and what the reader had to leave out.

    `remarks` are sentences for the user (notes off the keyboard, fingers that no hand has, ...).
    """

    notes: tuple[Note, ...]
    pedals: tuple[Pedal, ...] = ()
    title: str = ""
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "notes", tuple(sorted(self.notes, key=lambda n: (n.onset, n.pitch, n.offset)))
        )
        object.__setattr__(self, "pedals", tuple(sorted(self.pedals)))

    def __len__(self) -> int:
        return len(self.notes)

    @cached_property
    def duration(self) -> float:
        """End of the last note [s]; 0 for an empty score."""
        return max((note.offset for note in self.notes), default=0.0)

    @cached_property
    def intervals(self) -> np.ndarray:
        """Onset and offset of every note [s]. Shape (num_notes, 2)."""
        return np.array([(note.onset, note.offset) for note in self.notes], dtype=float).reshape(
            -1, 2
        )

    @cached_property
    def pitches(self) -> np.ndarray:
        """MIDI pitches. Shape (num_notes,)."""
        return np.array([note.pitch for note in self.notes], dtype=int)

    @cached_property
    def velocities(self) -> np.ndarray:
        """MIDI velocities. Shape (num_notes,)."""
        return np.array([note.velocity for note in self.notes], dtype=int)

    def with_notes(self, notes: Iterable[Note]) -> Score:
        """The same score with other notes."""
        return replace(self, notes=tuple(notes))

    def clip(self, start: float, end: float) -> Score:
        """The part between `start` and `end` [s], moved to begin at 0. Notes begun before `start`
        are left out.

        Raises:
            InvalidValue: `start` is not below `end`, or is negative.
        """
        if not 0 <= start < end:
            raise InvalidValue("clip", (start, end), "two times in seconds with 0 <= start < end")
        notes = [
            replace(n, onset=n.onset - start, offset=min(n.offset, end) - start)
            for n in self.notes
            if start <= n.onset < end
        ]
        pedals = [
            Pedal(max(p.start, start) - start, min(p.end, end) - start)
            for p in self.pedals
            if p.start < end and p.end > start
        ]
        return replace(self, notes=tuple(notes), pedals=tuple(pedals))

    def transpose(self, semitones: int) -> Score:
        """Moved up by `semitones`; notes that leave the keyboard are left out and remarked on.
        Fingers are dropped."""
        moved = [(n, n.pitch + semitones) for n in self.notes]
        kept = [replace(n, pitch=p, finger=None) for n, p in moved if is_on_keyboard(p)]
        lost = len(moved) - len(kept)
        remark = (
            (f"{lost} notes left the keyboard when transposed by {semitones} semitones",)
            if lost
            else ()
        )
        return replace(self, notes=tuple(kept), remarks=self.remarks + remark)

    def stretch(self, factor: float) -> Score:
        """All times multiplied by `factor` (2 is half as fast).

        Raises:
            InvalidValue: the factor is not a positive finite number.
        """
        if not (math.isfinite(factor) and factor > 0):
            raise InvalidValue("stretch factor", factor, "a finite number above 0")
        notes = [replace(n, onset=n.onset * factor, offset=n.offset * factor) for n in self.notes]
        pedals = [Pedal(p.start * factor, p.end * factor) for p in self.pedals]
        return replace(self, notes=tuple(notes), pedals=tuple(pedals))


_TIE = 1e-6
"""Share of a step by which times may miss a step's middle and still count as on it: far below
what anyone plays, far above rounding."""


def piano_roll(score: Score, *, step: float, num_steps: int | None = None) -> np.ndarray:
    """Which keys are down at the middle of each step of `step` seconds. Shape (num_steps, 88),
    bool.

    A step k covers [k*step, (k+1)*step); a key counts when it is down at (k+0.5)*step, with the
    note's interval closed at the onset and open at the offset.
    """
    if num_steps is None:
        num_steps = math.ceil(score.duration / step - 1e-9)
    roll = np.zeros((num_steps, NUM_KEYS), dtype=bool)
    for note in score.notes:
        first = max(0, math.ceil(note.onset / step - 0.5 - _TIE))
        last = math.ceil(note.offset / step - 0.5 - _TIE)
        roll[first:last, note.key] = True
    return roll


def keyboard_score(score: Score, *, gap: float = 0.04) -> Score:
    """What one keyboard can be asked to play: each key pressed once at a time, with time to come
    back up.

    Recordings and scores of several voices press a key that is already down. Two presses of one key
    less than `gap` [s] apart become one note (the longer end, the louder velocity); otherwise the
    earlier one is cut so that the key is up for `gap` before it sounds again, or for half the
    distance of the two onsets where they are closer than twice the gap. This is the score that a
    performance is judged against.
    """
    by_key: dict[int, list[Note]] = {}
    for note in score.notes:
        line = by_key.setdefault(note.pitch, [])
        if line and note.onset - line[-1].onset < gap:
            before = line[-1]
            line[-1] = replace(
                before,
                offset=max(before.offset, note.offset),
                velocity=max(before.velocity, note.velocity),
            )
            continue
        if line:
            before = line[-1]
            room = min(gap, 0.5 * (note.onset - before.onset))
            line[-1] = replace(before, offset=min(before.offset, note.onset - room))
        line.append(note)
    return score.with_notes(note for line in by_key.values() for note in line)
