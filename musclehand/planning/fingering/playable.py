"""Limits of playability: the notes of a score that no pair of hands can play.

`impossible_notes` uses as much as the score has: keys alone, or hands, or fingers as well. It names
a note only when no way of playing the score could reach it. So it names fewer notes than a
fingering leaves out (`planning.fingering.assign` remarks on those), and its answer does not depend
on weights.

Remarks (`report_impossible`) are on what is written. Hands and fingers that planning has chosen are
one way of playing of many; a note that is too fast for them may be easy for others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from musclehand.core.errors import InvalidValue
from musclehand.music.formats.score_file import format_count
from musclehand.music.metrics import WIDE_TOLERANCE, match_notes
from musclehand.music.pitch import pitch_name
from musclehand.music.score import Hand, Note, Score
from musclehand.planning.fingering.cost import FINGER_REACH
from musclehand.planning.fingering.keyboard_map import (
    WHITE_KEY_PITCH,
    chord_slices,
    half_keys,
    outward,
)

_BUNDLED_SPAN = 8.0
"""[white keys] span of the bundled hand, for which `FINGER_REACH` holds."""

_LISTED = 60
"""Notes named in one remark; of more, the number is given."""


@dataclass(frozen=True)
class PlayableLimits:
    """Limits of hands and keys, generous: a note beyond them is out of the question.

    Raises:
        InvalidValue: a limit is not above 0.
    """

    hand_span: float = _BUNDLED_SPAN
    """[white keys] largest distance from thumb to little finger: eight keys are the 188 mm that the
    bundled hand reaches; that of another hand goes with its size (`FingeringConfig.widest`).
    Pianists span 201 mm (women) and 226 mm (men) from tip to tip (Boyle, Boyle and Booker 2015)."""

    fingers: int = 5
    """Fingers of one hand."""

    chord_window: float = 0.03
    """[s] notes that begin within this time are one chord; an assumption."""

    tap_interval: float = 1 / 10
    """[s] least mean time between strokes of one finger, at 10 Hz: people tap at 5 to 7 Hz, the
    winner of a contest at 10 Hz (Fujii, Kudo, Ohtsuki and Oda 2009)."""

    key_interval: float = 1 / 15
    """[s] least mean time between strokes of one key, by any fingers; the action of a grand piano
    repeats up to 14 times a second, as makers state."""

    strokes: int = 4
    """Strokes in a row that have to be too fast on average: the rates above are those of a series,
    a mordent or a double stroke is faster. Chosen."""

    travel_speed: float = 2.5
    """[m/s] of a hand along the keyboard, mean over a leap; an estimate: half a metre at this speed
    takes an acceleration of 72 m/s^2 (minimum jerk), seven times that of gravity."""

    def __post_init__(self) -> None:
        for name in ("hand_span", "fingers", "tap_interval", "key_interval", "travel_speed"):
            if not getattr(self, name) > 0:
                raise InvalidValue(name, getattr(self, name), "above 0")
        if self.strokes < 2:
            raise InvalidValue("strokes", self.strokes, "2 or more")


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

    - Without hands: inner notes of chords that two hands cannot grip, and keys struck faster than a
      key repeats.
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


BEYOND = "beyond what hands can do, "
"""What all these remarks have in common."""


def report_impossible(
    score: Score, *, written: Score | None = None, limits: PlayableLimits | None = None
) -> Score:
    """Adds a remark to a score for each reason why notes cannot be played; it lists the notes.

    Args:
        score: with or without hands and fingers.
        written: hands and fingers count only where these notes have them as well; None: all count.
        limits: of hands and keys.
    """
    judged = score if written is None else _as_written(score, written)
    remarks = _remarks(impossible_notes(judged, limits=limits))
    return replace(score, remarks=score.remarks + remarks) if remarks else score


def correct_remarks(
    score: Score, written: Score, played: Score, *, limits: PlayableLimits | None = None
) -> tuple[str, ...]:
    """Remarks of a score after its performance: what was hit is not beyond what hands can do.

    Args:
        score: that was played, with its remarks (`report_impossible`).
        written: as for `report_impossible`.
        played: the notes that sounded.
        limits: of hands and keys.
    """
    judged = _as_written(score, written)
    hit = {match.reference for match in match_notes(judged, played, tolerance=WIDE_TOLERANCE)}
    missed = {id(note) for i, note in enumerate(judged.notes) if i not in hit}
    beyond = [item for item in impossible_notes(judged, limits=limits) if id(item.note) in missed]
    kept = tuple(remark for remark in score.remarks if BEYOND not in remark)
    return (*kept, *_remarks(beyond))


def _as_written(score: Score, written: Score) -> Score:
    """The notes of a score, with a hand and a finger only where the written note has the same."""
    asked = {(note.onset, note.pitch): note for note in written.notes}
    notes = []
    for note in score.notes:
        before = asked.get((note.onset, note.pitch))
        same_hand = before is not None and before.hand == note.hand
        same_finger = same_hand and before is not None and before.finger == note.finger
        notes.append(
            replace(
                note,
                hand=note.hand if same_hand else None,
                finger=note.finger if same_finger else None,
            )
        )
    return score.with_notes(notes)


def _remarks(impossible: Sequence[ImpossibleNote]) -> tuple[str, ...]:
    """A remark for each reason."""
    by_reason: dict[str, list[Note]] = {}
    for note, reason in impossible:
        by_reason.setdefault(reason, []).append(note)
    return tuple(
        f"{format_count(len(notes), 'note')} {BEYOND}{reason}: {list_notes(notes)}"
        for reason, notes in by_reason.items()
    )


def list_notes(notes: Sequence[Note], details: Sequence[str] = ()) -> str:
    """Notes as text for a remark: 'C4 at 1.250 s, E4 at 1.250 s and 3 more'.

    Args:
        notes: to list.
        details: of each note, to follow its time; none by default.
    """
    ends = [f" {detail}" for detail in details] or [""] * len(notes)
    shown = ", ".join(
        f"{pitch_name(note.pitch)} at {note.onset:.3f} s{end}"
        for note, end in zip(notes[:_LISTED], ends, strict=False)
    )
    return shown + (f" and {len(notes) - _LISTED} more" if len(notes) > _LISTED else "")


def _place(note: Note) -> float:
    """Place of the note's key, from D4 [white keys]."""
    return 0.5 * half_keys(note.pitch)


def _grips(slices: Sequence[Sequence[Note]], limits: PlayableLimits) -> Iterator[tuple[Note, str]]:
    """Notes beyond the grip of the hand that they have, or beyond the grip of two hands."""
    span = f"a span of {1e3 * WHITE_KEY_PITCH * limits.hand_span:.0f} mm"
    for chord in slices:
        for hand in Hand:
            notes = [note for note in chord if note.hand == hand]
            for note in _beyond(notes, 1, limits):
                yield note, f"the chord is more than one hand with {span} can grip"
        for note in _beyond(chord, 2, limits):
            yield note, f"the chord is more than two hands with {span} can grip"


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
    """Notes whose keys are struck again and again too soon."""
    strokes: dict[int, list[Note]] = {}
    for note in score.notes:
        strokes.setdefault(note.pitch, []).append(note)
    reason = f"the key is struck more than {1 / limits.key_interval:.0f} times a second"
    for notes in strokes.values():
        yield from ((note, reason) for note in _too_fast(notes, limits.key_interval, limits))


def _taps(score: Score, limits: PlayableLimits) -> Iterator[tuple[Note, str]]:
    """Notes whose fingers strike again and again too soon."""
    strokes: dict[tuple[Hand, int], list[Note]] = {}
    for note in score.notes:
        if note.hand is not None and note.finger is not None:
            strokes.setdefault((note.hand, int(note.finger)), []).append(note)
    reason = f"its finger strikes more than {1 / limits.tap_interval:.0f} times a second"
    for notes in strokes.values():
        yield from ((note, reason) for note in _too_fast(notes, limits.tap_interval, limits))


def _too_fast(notes: Sequence[Note], interval: float, limits: PlayableLimits) -> list[Note]:
    """Notes of a series of strokes that are too fast on average, all but the first of each series.

    Args:
        notes: of one key or finger, in order of onset; those within a chord are one stroke.
        interval: least mean time between two strokes [s].
        limits: length of a series and of a chord.
    """
    strokes: list[list[Note]] = []
    for note in notes:
        if strokes and note.onset - strokes[-1][0].onset <= limits.chord_window:
            strokes[-1].append(note)
        else:
            strokes.append([note])
    least = (limits.strokes - 1) * interval - 1e-9
    fast: set[int] = set()
    for last in range(limits.strokes - 1, len(strokes)):
        first = last - limits.strokes + 1
        if strokes[last][0].onset - strokes[first][0].onset < least:
            fast.update(range(first + 1, last + 1))
    return [note for k in sorted(fast) for note in strokes[k]]


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
                yield from ((note, "its hand cannot be there in time") for note in notes)
        before = notes[0].onset, low, high


class CentreRange(NamedTuple):
    """Places of a hand's centre that are possible, mirrored for a left hand."""

    low: float
    """[white keys] lowest place, from D4."""

    high: float
    """[white keys] highest place, from D4."""


def centre_range(
    chord: Sequence[Note], hand: Hand, *, hand_span: float = _BUNDLED_SPAN
) -> CentreRange:
    """Range of the hand's centre while it strikes a chord.

    Each note limits it by the reach of its finger, or by half of the hand's span if it has none.
    Reaches go with the span of the hand.

    Args:
        chord: notes of the hand.
        hand: left or right.
        hand_span: largest distance from thumb to little finger [white keys].

    Returns:
        The range; where no place is in reach of all notes, its ends are the same, in the middle.
    """
    half = 0.5 * hand_span
    reach = FINGER_REACH[1:] * (hand_span / _BUNDLED_SPAN)
    lows = []
    highs = []
    for note in chord:
        place = outward(hand) * _place(note)
        near, far = (-half, half) if note.finger is None else reach[int(note.finger) - 1]
        lows.append(place - far)
        highs.append(place - near)
    low = max(lows)
    high = min(highs)
    if low > high:
        low = high = 0.5 * (low + high)
    return CentreRange(low, high)
