"""What no pair of hands can play, said before anything is played.

`impossible_notes` looks at what is known of a score: keys alone, or hands, or fingers, too. It
names a note only when no way of playing what is known could reach it, so it says less than a
fingering that had to leave a note out (`planning.fingering.assign` remarks on those), and what it
says does not depend on weights.
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
    """What hands and keys can do at most; generous, so that what they rule out is out of the
    question.

    Attributes:
        hand_span: largest distance thumb to little finger [white keys]; the model hand reaches 188
            mm, eight keys.
        fingers: of one hand.
        chord_window: notes that begin within this time are one chord [s].
        tap_interval: between two strokes of one finger [s]. People tap at 5 to 7 Hz, the model's
            fingers at 7 to 9.
        key_interval: between two strokes of one key, by whatever fingers [s]; an estimate of a
            grand piano's action.
        travel_speed: of a hand along the keyboard, mean over a leap [m/s]; an estimate.
    """

    hand_span: float = 8.0
    fingers: int = 5
    chord_window: float = 0.03
    tap_interval: float = 1 / 8
    key_interval: float = 1 / 15
    travel_speed: float = 2.5

    def __post_init__(self) -> None:
        for name in ("hand_span", "fingers", "travel_speed"):
            if not getattr(self, name) > 0:
                raise InvalidValue(name, getattr(self, name), "above 0")


class ImpossibleNote(NamedTuple):
    """A note and why it cannot be played, as a piece of a sentence."""

    note: Note
    reason: str


def impossible_notes(
    score: Score, *, limits: PlayableLimits | None = None
) -> tuple[ImpossibleNote, ...]:
    """The notes that cannot be played, in order of onset; a note is named once, for the first
    reason found.

    Without hands: chords that two hands cannot grip (inner notes are named), and keys struck again
    faster than a key repeats. Where a note's hand is known: more keys in a chord than fingers,
    spans beyond the hand, leaps faster than a hand travels. Where its finger is known: two strokes
    of the finger faster than it taps, leaps between the two fingers' places.
    """
    limits = limits or PlayableLimits()
    slices = [
        [score.notes[i] for i in slice_]
        for slice_ in chord_slices(score.intervals[:, 0], limits.chord_window)
    ]
    found: dict[int, ImpossibleNote] = {}
    for note, reason in (
        *_grips(slices, limits),
        *_repetitions(score, limits),
        *_taps(score, limits),
    ):
        found.setdefault(id(note), ImpossibleNote(note, reason))
    for hand in Hand:
        for note, reason in _leaps(slices, hand, limits):
            found.setdefault(id(note), ImpossibleNote(note, reason))
    return tuple(sorted(found.values(), key=lambda item: item.note))


def report_impossible(score: Score, *, limits: PlayableLimits | None = None) -> Score:
    """The same score with a remark for each reason why notes cannot be played, listing them."""
    by_reason: dict[str, list[Note]] = {}
    for note, reason in impossible_notes(score, limits=limits):
        by_reason.setdefault(reason, []).append(note)
    told = tuple(
        f"{format_count(len(notes), 'note')} beyond what hands can do, {reason}: {list_notes(notes)}"
        for reason, notes in by_reason.items()
    )
    return replace(score, remarks=score.remarks + told) if told else score


def list_notes(notes: Sequence[Note]) -> str:
    """For a remark: 'C4 at 1.250 s, E4 at 1.250 s and 3 more'."""
    shown = ", ".join(f"{pitch_name(note.pitch)} at {note.onset:.3f} s" for note in notes[:_LISTED])
    return shown + (f" and {len(notes) - _LISTED} more" if len(notes) > _LISTED else "")


def _place(note: Note) -> float:
    """Where the note's key is [white keys]."""
    return 0.5 * half_keys(note.pitch)


def _grips(slices: Sequence[Sequence[Note]], limits: PlayableLimits) -> Iterator[tuple[Note, str]]:
    """Chords beyond one hand, where it is known, or beyond two."""
    for chord in slices:
        for hand in Hand:
            mine = [note for note in chord if note.hand == hand]
            yield from ((note, _GRIP[1]) for note in _beyond(mine, 1, limits))
        yield from ((note, _GRIP[2]) for note in _beyond(chord, 2, limits))


_GRIP = {
    1: "the chord is more than one hand can grip",
    2: "the chord is more than two hands can grip",
}


def _beyond(chord: Sequence[Note], hands: int, limits: PlayableLimits) -> list[Note]:
    """Notes of a chord that are left when as many as possible are gripped by one or two hands.

    Two hands grip from the lowest key upwards and from the highest downwards, one from its
    outermost notes in whichever direction holds more; keys struck by two notes count once.
    """
    order = sorted({note.pitch for note in chord})
    place = {note.pitch: _place(note) for note in chord}
    low = [p for p in order if place[p] - place[order[0]] <= limits.hand_span][: limits.fingers]
    high = [p for p in order if place[order[-1]] - place[p] <= limits.hand_span][-limits.fingers :]
    gripped = set(low) | set(high) if hands == 2 else set(low if len(low) > len(high) else high)
    return [note for note in chord if note.pitch not in gripped]


def _repetitions(score: Score, limits: PlayableLimits) -> Iterator[tuple[Note, str]]:
    """Keys struck again too soon; strokes within a chord are one."""
    last: dict[int, float] = {}
    for note in score.notes:
        ago = note.onset - last.get(note.pitch, -np.inf)
        if limits.chord_window < ago < limits.key_interval - 1e-9:
            yield note, f"the key is struck again within {1e3 * limits.key_interval:.0f} ms"
        if ago > limits.chord_window:
            last[note.pitch] = note.onset


def _taps(score: Score, limits: PlayableLimits) -> Iterator[tuple[Note, str]]:
    """Fingers that strike twice too soon."""
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
    """Chords of a hand that it cannot reach in time from its last one."""
    before: tuple[float, float, float] | None = None
    for chord in slices:
        mine = [note for note in chord if note.hand == hand]
        if not mine:
            continue
        low, high = centre_range(mine, hand, hand_span=limits.hand_span)
        if before is not None:
            time, old_low, old_high = before
            away = max(low - old_high, old_low - high, 0.0) * WHITE_KEY_PITCH
            if away > limits.travel_speed * (mine[0].onset - time):
                yield from ((note, "the hand cannot be there in time") for note in mine)
        before = mine[0].onset, low, high


class CentreRange(NamedTuple):
    """Lowest and highest place of a hand's centre [white keys, mirrored for a left hand]."""

    low: float
    high: float


def centre_range(chord: Sequence[Note], hand: Hand, *, hand_span: float = 8.0) -> CentreRange:
    """Where the hand's centre can be while it strikes a chord: by its fingers, or its span if
    unknown."""
    room = []
    for note in chord:
        place = outward(hand) * _place(note)
        half = 0.5 * hand_span
        near, far = (-half, half) if note.finger is None else FINGER_REACH[int(note.finger)]
        room.append((place - far, place - near))
    low = max(r[0] for r in room)
    high = min(r[1] for r in room)
    return (
        CentreRange(low, high) if low <= high else CentreRange(0.5 * (low + high), 0.5 * (low + high))
    )
