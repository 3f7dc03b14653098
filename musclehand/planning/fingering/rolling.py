"""Chords wider than a hand, rolled: struck one key after the other from the bottom, as pianists
with small hands do.

The roll lies about the beat, half of it before, so that no note is further from its written time
than it has to be. Each key is written to be held as before; which are let go on the way,
`planning.fingering.assign` says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from musclehand.music.formats.score_file import format_count
from musclehand.music.score import Hand, Note, Score
from musclehand.planning.fingering.keyboard_map import chord_slices, half_keys
from musclehand.planning.fingering.playable import list_notes

STAGGER = {2: 0.055, 3: 0.045}
"""Time between two notes of a roll by their number [s]; of more notes, `FAST_STAGGER`."""

FAST_STAGGER = 0.04

_WIDEST = 4.0
"""Chords wider than the hand by more than this are leaps, not rolls [white keys]."""

_FREE = 0.25
"""The other hand is free to help when it has nothing to do for this long before and after [s]."""

_ROOM = 0.06
"""A roll begins at least this long after the hand's last stroke, and a key has been up for a
third of it [s]."""


def rolled_onsets(score: Score, *, hand_span: float, chord_window: float) -> np.ndarray:
    """Onsets of the notes with too wide chords rolled [s]. Shape (num_notes,).

    A chord of two to five keys of one hand is rolled when it spans more than `hand_span` [white
    keys] but not by far, when nobody has put it on fingers, and when the other hand is busy (it
    would take a note otherwise).
    """
    onset = score.intervals[:, 0].copy()
    for hand in Hand:
        mine = np.array([i for i, note in enumerate(score.notes) if note.hand == hand], dtype=int)
        others = score.intervals[
            [i for i, note in enumerate(score.notes) if note.hand not in (None, hand)]
        ]
        latest_end = np.maximum.accumulate(others[:, 1]) if len(others) else others[:, 1]
        last_stroke = -np.inf
        key_up: dict[int, float] = {}
        for slice_ in chord_slices(onset[mine], chord_window):
            chord = mine[slice_]
            at = float(score.notes[chord[0]].onset)
            if _is_wide([score.notes[i] for i in chord], hand_span) and _busy(
                others[:, 0], latest_end, at
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
    """The same score with these onsets [s], and a remark that lists the notes moved."""
    moved = [note for note, onset in zip(score.notes, onsets, strict=True) if onset != note.onset]
    if not moved:
        return score
    told = f"{format_count(len(moved), 'note')} rolled, the chord is wider than the hand: {list_notes(moved)}"
    notes = tuple(_at(note, float(onset)) for note, onset in zip(score.notes, onsets, strict=True))
    return replace(score, notes=notes, remarks=(*score.remarks, told))


def _at(note: Note, onset: float) -> Note:
    return (
        note
        if onset == note.onset
        else replace(note, onset=onset, offset=max(note.offset, onset + 0.02))
    )


def _is_wide(chord: Sequence[Note], hand_span: float) -> bool:
    places = [0.5 * half_keys(note.pitch) for note in chord]
    fits = 2 <= len(set(places)) == len(places) <= 5 and all(note.finger is None for note in chord)
    return fits and hand_span < max(places) - min(places) <= hand_span + _WIDEST


def _busy(onsets: np.ndarray, latest_end: np.ndarray, at: float) -> bool:
    """Whether the other hand, with these onsets and latest ends so far [s], strikes or holds a
    key about a time."""
    until = int(np.searchsorted(onsets, at + _FREE, side="right"))
    return until > 0 and bool(latest_end[until - 1] > at - _FREE)
