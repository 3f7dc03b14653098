"""Limits of playability: the notes of a score that no pair of hands can play.

`impossible_notes` uses as much as the score has: keys alone, or hands, or fingers as well. It names
a note only when no way of playing the score could reach it. So it names fewer notes than a
fingering leaves out (`planning.fingering.assign` remarks on those), and its answer does not depend
on weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from musclehand.core.errors import InvalidValue
from musclehand.music.formats.score_file import format_count
from musclehand.music.pitch import pitch_name
from musclehand.music.score import Hand, Note, Score
from musclehand.planning.fingering.cost import FINGER_REACH
from musclehand.planning.fingering.keyboard_map import (
    WHITE_KEY_PITCH,
    chord_slices,
    half_keys,
    outward,
)

_LISTED = 60
"""Notes named in one remark; of more, the number is given."""


@dataclass(frozen=True)
class PlayableLimits:
    """Limits of hands and keys, generous: a note beyond them is out of the question.

    Raises:
        InvalidValue: a limit is not above 0.
    """

    hand_span: float = 8.0
    """[white keys] largest distance from thumb to little finger; the model hand reaches 188 mm,
    which are eight keys."""

    fingers: int = 5
    """Fingers of one hand."""

    chord_window: float = 0.03
    """[s] notes that begin within this time are one chord; an assumption."""

    tap_interval: float = 1 / 8
    """[s] least time between two strokes of one finger, at 8 Hz; people tap at 5 to 7 Hz (source
    of check V22)."""

    key_interval: float = 1 / 15
    """[s] least time between two strokes of one key, by any fingers; an estimate of a grand piano's
    action."""

    travel_speed: float = 2.5
    """[m/s] of a hand along the keyboard, mean over a leap; an estimate."""

    def __post_init__(self) -> None:
        for name in ("hand_span", "fingers", "travel_speed"):
            if not getattr(self, name) > 0:
                raise InvalidValue(name, getattr(self, name), "above 0")


class ImpossibleNote(NamedTuple):
    """A note that cannot be played."""

    note: Note
    """Of the score."""

    reason: str
    """The limit that it exceeds, as a clause in plain English."""


def impossible_notes(
    score: Score, *, limits: PlayableLimits | None = None
) -> tuple[ImpossibleNote, ...]:
    """Finds the notes that cannot be played, in order of onset.

    - Without hands: inner notes of chords that two hands cannot grip, and keys struck again faster
      than a key repeats.
    - With hands also: notes of chords with more keys than the hand has fingers, chords wider than
      the hand, and leaps faster than a hand travels.
    - With fingers also: strokes of a finger faster than it taps. Leaps then are those between the
      fingers' places.

    Args:
        score: with or without hands and fingers.
        limits: of hands and keys.

    Returns:
        Each note once, with the first reason.
    """
    limits = limits or PlayableLimits()
    slices = [
        [score.notes[i] for i in slice_]
        for slice_ in chord_slices(score.intervals[:, 0], limits.chord_window)
    ]
    impossible: dict[int, ImpossibleNote] = {}
    for note, reason in (
        *_grips(slices, limits),
        *_repetitions(score, limits),
        *_taps(score, limits),
    ):
        impossible.setdefault(id(note), ImpossibleNote(note, reason))
    for hand in Hand:
        for note, reason in _leaps(slices, hand, limits):
            impossible.setdefault(id(note), ImpossibleNote(note, reason))
    return tuple(sorted(impossible.values(), key=lambda item: item.note))


def report_impossible(score: Score, *, limits: PlayableLimits | None = None) -> Score:
    """Adds a remark to a score for each reason why notes cannot be played; it lists the notes.

    Args:
        score: with or without hands and fingers.
        limits: of hands and keys.
    """
    by_reason: dict[str, list[Note]] = {}
    for note, reason in impossible_notes(score, limits=limits):
        by_reason.setdefault(reason, []).append(note)
    remarks = tuple(
        f"{format_count(len(notes), 'note')} beyond what hands can do, {reason}: "
        f"{list_notes(notes)}"
        for reason, notes in by_reason.items()
    )
    return replace(score, remarks=score.remarks + remarks) if remarks else score


def list_notes(notes: Sequence[Note]) -> str:
    """Notes as text for a remark: 'C4 at 1.250 s, E4 at 1.250 s and 3 more'."""
    shown = ", ".join(f"{pitch_name(note.pitch)} at {note.onset:.3f} s" for note in notes[:_LISTED])
    return shown + (f" and {len(notes) - _LISTED} more" if len(notes) > _LISTED else "")


def _place(note: Note) -> float:
    """Place of the note's key, from D4 [white keys]."""
    return 0.5 * half_keys(note.pitch)


def _grips(slices: Sequence[Sequence[Note]], limits: PlayableLimits) -> Iterator[tuple[Note, str]]:
    """Notes beyond the grip of the hand that they have, or beyond the grip of two hands."""
    for chord in slices:
        for hand in Hand:
            notes = [note for note in chord if note.hand == hand]
            yield from ((note, _GRIP[1]) for note in _beyond(notes, 1, limits))
        yield from ((note, _GRIP[2]) for note in _beyond(chord, 2, limits))


_GRIP = {
    1: "the chord is more than one hand can grip",
    2: "the chord is more than two hands can grip",
}
"""Reasons by number of hands."""


def _beyond(chord: Sequence[Note], hands: int, limits: PlayableLimits) -> list[Note]:
    """Notes of a chord that remain when one or two hands grip as many as they can.

    Two hands grip from the lowest key upwards and from the highest key downwards. One hand grips
    in the direction in which it holds more keys, or as many keys and more notes. Keys struck by two
    notes count once.

    Args:
        chord: its notes.
        hands: 1 or 2.
        limits: of the hands.
    """
    order = sorted({note.pitch for note in chord})
    place = {note.pitch: _place(note) for note in chord}
    low = [p for p in order if place[p] - place[order[0]] <= limits.hand_span][: limits.fingers]
    high = [p for p in order if place[order[-1]] - place[p] <= limits.hand_span][-limits.fingers :]
    if hands == 2:
        gripped = {*low, *high}
    else:
        from_low = len(low), _count(chord, low)
        from_high = len(high), _count(chord, high)
        gripped = set(low if from_low > from_high else high)
    return [note for note in chord if note.pitch not in gripped]


def _count(chord: Sequence[Note], keys: Sequence[int]) -> int:
    """Number of notes of a chord on some keys, which are given as pitches."""
    return sum(note.pitch in keys for note in chord)


def _repetitions(score: Score, limits: PlayableLimits) -> Iterator[tuple[Note, str]]:
    """Notes whose keys are struck again too soon; strokes within a chord count as one stroke."""
    last: dict[int, float] = {}
    for note in score.notes:
        ago = note.onset - last.get(note.pitch, -np.inf)
        if limits.chord_window < ago < limits.key_interval - 1e-9:
            yield note, f"the key is struck again within {1e3 * limits.key_interval:.0f} ms"
        if ago > limits.chord_window:
            last[note.pitch] = note.onset


def _taps(score: Score, limits: PlayableLimits) -> Iterator[tuple[Note, str]]:
    """Notes whose fingers strike again too soon."""
    last: dict[tuple[Hand, int], float] = {}
    for note in score.notes:
        if note.hand is None or note.finger is None:
            continue
        finger = (note.hand, int(note.finger))
        ago = note.onset - last.get(finger, -np.inf)
        if limits.chord_window < ago < limits.tap_interval - 1e-9:
            yield note, f"its finger strikes twice within {1e3 * limits.tap_interval:.0f} ms"
        if ago > limits.chord_window:
            last[finger] = note.onset


def _leaps(
    slices: Sequence[Sequence[Note]], hand: Hand, limits: PlayableLimits
) -> Iterator[tuple[Note, str]]:
    """Notes of chords that the hand cannot reach in time from its last chord.

    Args:
        slices: notes of both hands by chord.
        hand: to look at.
        limits: of the hand.
    """
    before: tuple[float, float, float] | None = None
    for chord in slices:
        notes = [note for note in chord if note.hand == hand]
        if not notes:
            continue
        low, high = centre_range(notes, hand, hand_span=limits.hand_span)
        if before is not None:
            time, low_before, high_before = before
            distance = max(low - high_before, low_before - high, 0.0) * WHITE_KEY_PITCH
            if distance > limits.travel_speed * (notes[0].onset - time):
                yield from ((note, "the hand cannot be there in time") for note in notes)
        before = notes[0].onset, low, high


class CentreRange(NamedTuple):
    """Places of a hand's centre that are possible, mirrored for a left hand."""

    low: float
    """[white keys] lowest place, from D4."""

    high: float
    """[white keys] highest place, from D4."""


def centre_range(chord: Sequence[Note], hand: Hand, *, hand_span: float = 8.0) -> CentreRange:
    """Range of the hand's centre while it strikes a chord.

    Each note limits it by the reach of its finger, or by half of the hand's span if it has none.

    Args:
        chord: notes of the hand.
        hand: left or right.
        hand_span: largest distance from thumb to little finger [white keys].

    Returns:
        The range; where no place is in reach of all notes, its ends are the same, in the middle.
    """
    half = 0.5 * hand_span
    lows = []
    highs = []
    for note in chord:
        place = outward(hand) * _place(note)
        near, far = (-half, half) if note.finger is None else FINGER_REACH[int(note.finger)]
        lows.append(place - far)
        highs.append(place - near)
    low = max(lows)
    high = min(highs)
    if low > high:
        low = high = 0.5 * (low + high)
    return CentreRange(low, high)
