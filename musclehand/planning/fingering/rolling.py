"""Rolled chords: a chord wider than the hand is struck from the bottom, one key after the other.

Pianists with small hands do the same. Half of the roll lies before the beat, so that no note is
further from its written time than it has to be. The ends of the notes stay; the keys that have to
be released during the roll are chosen by `planning.fingering.assign`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from musclehand.music.formats.score_file import format_count
from musclehand.music.score import Hand, Note, Score
from musclehand.planning.fingering.keyboard_map import chord_slices, half_keys
from musclehand.planning.fingering.playable import list_notes
from musclehand.planning.fingering.reach_table import beyond_hand

STAGGER = {2: 0.055, 3: 0.045}
"""[s] between two notes of a roll, by the number of its notes; an assumption. Above the chord
window, so that the notes are not one chord any more."""

FAST_STAGGER = 0.04
"""[s] the same for rolls of more notes."""

_WIDEST = 4.0
"""[white keys] chords wider than the hand by more than this are leaps, not rolls; an assumption."""

_FREE = 0.25
"""[s] the other hand is free to help if it plays nothing for this long before and after; an
assumption."""

_ROOM = 0.06
"""[s] a roll begins at least this long after the hand's last stroke, and a key has been up for a
third of this time; an assumption."""

_LEAST_DURATION = 0.02
"""[s] a note that is moved lasts at least this long."""


def rolled_onsets(
    score: Score, *, hand_span: float, chord_window: float, hand_size: float = 1.0
) -> np.ndarray:
    """Onsets of the notes, with chords that are too wide rolled [s]. Shape (num_notes,).

    A chord of one hand is rolled if it has two to five keys, no fingers yet, and somewhat more than
    the hand's span. The other hand must be busy; a free one takes a note of the chord instead.

    Args:
        score: with hands.
        hand_span: largest distance from thumb to little finger [white keys].
        chord_window: notes that begin within this time are one chord [s].
        hand_size: span of the hand against the bundled one, for what two fingers reach
            (`fingering.reach_table`).
    """
    onset = score.intervals[:, 0].copy()
    for hand in Hand:
        indices = np.array(
            [i for i, note in enumerate(score.notes) if note.hand == hand], dtype=int
        )
        other_hand = score.intervals[
            [i for i, note in enumerate(score.notes) if note.hand not in (None, hand)]
        ]
        ends = other_hand[:, 1]
        latest_end = np.maximum.accumulate(ends) if len(ends) else ends
        last_stroke = -np.inf
        key_up: dict[int, float] = {}
        for slice_ in chord_slices(onset[indices], chord_window):
            chord = indices[slice_]
            at = float(score.notes[chord[0]].onset)
            if _is_wide([score.notes[i] for i in chord], hand, hand_span, hand_size) and _busy(
                other_hand[:, 0], latest_end, at
            ):
                order = sorted(chord.tolist(), key=lambda i: score.notes[i].pitch)
                step = STAGGER.get(len(order), FAST_STAGGER)
                begin = max(at - 0.5 * step * (len(order) - 1), last_stroke + _ROOM, 0.0)
                for k, i in enumerate(order):
                    up = key_up.get(score.notes[i].pitch, -np.inf) + _ROOM / 3
                    onset[i] = max(begin + k * step, min(up, at))
            for i in chord:
                key_up[score.notes[i].pitch] = score.notes[i].offset
            last_stroke = float(onset[chord].max())
    return onset


def roll_chords(score: Score, onsets: np.ndarray) -> Score:
    """The score with other onsets, and a remark that lists the notes moved.

    Args:
        score: to change.
        onsets: of its notes [s]. Shape (num_notes,).
    """
    moved = [note for note, onset in zip(score.notes, onsets, strict=True) if onset != note.onset]
    if not moved:
        return score
    count = format_count(len(moved), "note")
    remark = f"{count} rolled, the chord is wider than the hand: {list_notes(moved)}"
    notes = tuple(_at(note, float(onset)) for note, onset in zip(score.notes, onsets, strict=True))
    return replace(score, notes=notes, remarks=(*score.remarks, remark))


def rolled_order(score: Score, onsets: np.ndarray) -> np.ndarray:
    """Places in the score of the notes of `roll_chords`, in their order. Shape (num_notes,).

    Args:
        score: to change.
        onsets: of its notes [s]. Shape (num_notes,).
    """
    moved = [_at(note, float(onset)) for note, onset in zip(score.notes, onsets, strict=True)]
    keys = [(note.onset, note.pitch, note.offset) for note in moved]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=int)


def _at(note: Note, onset: float) -> Note:
    """The note with another onset [s], and at least `_LEAST_DURATION` long."""
    if onset == note.onset:
        return note
    return replace(note, onset=onset, offset=max(note.offset, onset + _LEAST_DURATION))


def _is_wide(chord: Sequence[Note], hand: Hand, hand_span: float, hand_size: float) -> bool:
    """Whether a chord without fingers is wider than the hand, but not by far.

    Args:
        chord: notes of the hand.
        hand: left or right.
        hand_span: largest distance from thumb to little finger [white keys].
        hand_size: span of the hand against the bundled one.
    """
    places = [half_keys(note.pitch) for note in chord]
    fits = 2 <= len(set(places)) == len(places) <= 5 and all(note.finger is None for note in chord)
    low, high = np.array(min(places)), np.array(max(places))
    span = 0.5 * float(high - low)
    beyond = beyond_hand(low, high, thumb_low=hand == Hand.RIGHT, size=hand_size)
    return fits and (span > hand_span or bool(beyond)) and span <= hand_span + _WIDEST


def _busy(onsets: np.ndarray, latest_end: np.ndarray, at: float) -> bool:
    """Whether the other hand strikes or holds a key about a time.

    Args:
        onsets: of its notes, ascending [s].
        latest_end: latest end of a note up to each of them [s].
        at: the time [s].
    """
    until = int(np.searchsorted(onsets, at + _FREE, side="right"))
    return until > 0 and bool(latest_end[until - 1] > at - _FREE)
