"""The score: notes with times in seconds, either to be played or as played. Immutable.

Every reader makes a `Score`, every player takes one and returns one, and piano rolls are derived
from it. Hand and finger of a note are `None` where the source does not name them; the fingering
search fills them in and keeps those that a person has chosen.
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
    """One press and release of a key; notes sort by onset, then pitch.

    Raises:
        InvalidValue: a time, the pitch or the velocity is out of its range.
    """

    onset: float
    """[s] Time of the press, 0 or later."""

    pitch: int
    """MIDI number of the key, 21 (A0) to 108 (C8)."""

    offset: float
    """[s] Time of the release, later than the onset."""

    velocity: int = 80
    """MIDI velocity of the press, 1 to 127."""

    hand: Hand | None = None
    """Hand that plays the note, where it has been decided."""

    finger: Finger | None = None
    """Finger that plays the note, where it has been decided."""

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
    """A span in which the sustain pedal is held down.

    Raises:
        InvalidValue: a time is negative or not finite, or the span is empty.
    """

    start: float
    """[s] Time at which the pedal goes down."""

    end: float
    """[s] Time at which the pedal comes up."""

    def __post_init__(self) -> None:
        if not (
            math.isfinite(self.start) and math.isfinite(self.end) and 0 <= self.start < self.end
        ):
            raise InvalidValue(
                "pedal time", (self.start, self.end), "finite seconds with 0 <= start < end"
            )


@dataclass(frozen=True)
class Score:
    """Notes with their sustain pedal and title; the constructor sorts notes and pedal spans."""

    notes: tuple[Note, ...]
    """Notes in order of onset, then pitch, then offset."""

    pedals: tuple[Pedal, ...] = ()
    """Spans of the sustain pedal in order of time."""

    title: str = ""
    """Title of the piece; empty where the source has none."""

    remarks: tuple[str, ...] = ()
    """Sentences for the user about details that the reader had to leave out or change."""

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
        """Transposed up by `semitones`, without fingers; notes that leave the keyboard are dropped
        and counted in `remarks`."""
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
"""Share of a step by which a time may miss the middle of the step and still count as on it.

Far below the precision of playing, far above rounding."""


def piano_roll(score: Score, *, step: float, num_steps: int | None = None) -> np.ndarray:
    """Sample a score into a piano roll: which keys are down at the middle of each step.

    Step k covers [k*step, (k+1)*step). A key counts if it is down at (k+0.5)*step, where the
    interval of a note is closed at its onset and open at its offset.

    Args:
        score: the notes; hands, fingers and pedals do not matter.
        step: length of a step [s], above 0.
        num_steps: number of steps; by default as many as cover the score.

    Returns:
        Keys that are down. Shape (num_steps, 88), bool.
    """
    if num_steps is None:
        num_steps = math.ceil(score.duration / step - 1e-9)
    roll = np.zeros((num_steps, NUM_KEYS), dtype=bool)
    for note in score.notes:
        first = first_step(note.onset, step=step)
        roll[first : first_step(note.offset, step=step), note.key] = True
    return roll


def first_step(time: float, *, step: float) -> int:
    """First step of a piano roll whose middle is not before a time.

    Args:
        time: to look for, 0 or more [s].
        step: length of a step [s], above 0.
    """
    return max(0, math.ceil(time / step - 0.5 - _TIE))


def keyboard_score(score: Score, *, gap: float = 0.04) -> Score:
    """Make a score playable on a single keyboard: no key is pressed while it is down.

    Recordings and scores of several voices press a key that is already down. Two presses of one key
    less than `gap` apart become one note with the later end and the louder velocity. Otherwise the
    earlier note is cut: the key is up for `gap` before it sounds again, or for half the distance
    of the two onsets where they are closer than twice the gap. Performances are judged against
    this score.

    Args:
        score: any score.
        gap: time that a key needs to come up before it is pressed again [s].
    """
    lines: dict[int, list[Note]] = {}
    for note in score.notes:
        line = lines.setdefault(note.pitch, [])
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
    return score.with_notes(note for line in lines.values() for note in line)
