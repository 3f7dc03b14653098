"""What a first run through a piece teaches the second: note by note, too late, too soft, held too
long.

Iterative learning control (Arimoto, Kawamura & Miyazaki 1984, J Robotic Systems 1:123) with notes
in place of time steps: a stroke of the next run begins earlier by what this one came late. It
learns from the same piano that will be played, so it also makes up for what no plan knows: how late
a stretched little finger answers, how soft it comes out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from musclehand.music.score import Note, Score

HEARD_WITHIN = 0.15
"""A key struck within this of a note's onset is taken for it [s]."""

GAIN = 0.8
VELOCITY_GAIN = 0.6
"""Share of an error that is made up for in the next run."""

MOST_TIME = 0.04
MOST_VELOCITY = 40.0
"""Bounds of what adds up over the runs [s], [MIDI]."""

UNHEARD_TIME = 0.01
UNHEARD_VELOCITY = 15.0
"""A note that did not sound is struck earlier and harder by this [s], [MIDI]."""


class Correction(NamedTuple):
    """Of one note: stroke and release begin earlier by `strike` and `release` [s]; `velocity`
    [MIDI] is added."""

    strike: float = 0.0
    release: float = 0.0
    velocity: float = 0.0


Corrections = Mapping[tuple[float, int], Correction]
"""By a note's onset [s] and pitch."""


def rehearse(
    planned: Score, played: Score, before: Corrections
) -> dict[tuple[float, int], Correction]:
    """The corrections for the next run.

    Args:
        planned: the notes as the hands were to play them, with the ends of the plan.
        played: what sounded.
        before: the corrections of the run just played.
    """
    strikes: dict[int, list[Note]] = {}
    for note in played.notes:
        strikes.setdefault(note.pitch, []).append(note)
    onsets = {pitch: np.array([note.onset for note in notes]) for pitch, notes in strikes.items()}
    corrections = {}
    for note in planned.notes:
        key = (note.onset, note.pitch)
        old = before.get(key, Correction())
        heard = _nearest(note, strikes.get(note.pitch, []), onsets.get(note.pitch))
        if heard is None:
            late = UNHEARD_TIME / GAIN
            long = 0.0
            soft = UNHEARD_VELOCITY / VELOCITY_GAIN
        else:
            late = heard.onset - note.onset
            long = heard.offset - note.offset
            soft = float(note.velocity - heard.velocity)
        corrections[key] = Correction(
            _bounded(old.strike + GAIN * late, MOST_TIME),
            _bounded(old.release + GAIN * _bounded(long, MOST_TIME), MOST_TIME),
            _bounded(old.velocity + VELOCITY_GAIN * soft, MOST_VELOCITY),
        )
    return corrections


def _nearest(note: Note, strikes: list[Note], onsets: np.ndarray | None) -> Note | None:
    """The strike closest to a note's onset, if one is near."""
    if onsets is None:
        return None
    nearest = int(np.argmin(np.abs(onsets - note.onset)))
    return strikes[nearest] if abs(onsets[nearest] - note.onset) <= HEARD_WITHIN else None


def _bounded(value: float, most: float) -> float:
    return min(max(value, -most), most)
