"""Iterative learning control over runs through a piece: corrections of time and loudness by note.

After Arimoto, Kawamura & Miyazaki (1984, J Robotic Systems 1:123), with notes in place of time
steps. A stroke that came late begins earlier in the next run, by a share of its error. The same
goes for releases and for loudness. The corrections come from the piano that will be played. So they
also cover errors that no plan knows, such as the delay and softness of a stretched little finger.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from musclehand.music.score import Note, Score

HEARD_WITHIN = 0.15
"""[s] a stroke of a key within this time of a note's onset is taken for that note; an
assumption."""

GAIN = 0.8
"""[share] of an error in time that the next run corrects; chosen by
`experiments/bench_repertoire.py`, option `--rehearsals`."""

VELOCITY_GAIN = 0.6
"""[share] of an error in loudness that the next run corrects; chosen likewise."""

MOST_TIME = 0.04
"""[s] largest correction of a time, summed over the runs; an assumption."""

MOST_VELOCITY = 40.0
"""[MIDI velocity] largest correction of loudness, summed over the runs; an assumption."""

UNHEARD_TIME = 0.01
"""[s] a note that did not sound is struck earlier by this; an assumption."""

UNHEARD_VELOCITY = 15.0
"""[MIDI velocity] a note that did not sound is struck harder by this; an assumption."""


class Correction(NamedTuple):
    """Changes to the press of one note."""

    strike: float = 0.0
    """[s] by which the strike begins earlier."""

    release: float = 0.0
    """[s] by which the release begins earlier."""

    velocity: float = 0.0
    """[MIDI velocity] that is added."""


Corrections = Mapping[tuple[float, int], Correction]
"""Corrections by a note's onset [s] and pitch."""


def rehearse(
    planned: Score, played: Score, before: Corrections
) -> dict[tuple[float, int], Correction]:
    """Learns the corrections for the next run from the last one.

    Args:
        planned: notes of the plan, with their ends in it.
        played: notes that sounded.
        before: corrections of the run just played.
    """
    strikes: dict[int, list[Note]] = {}
    for note in played.notes:
        strikes.setdefault(note.pitch, []).append(note)
    onsets = {pitch: np.array([note.onset for note in notes]) for pitch, notes in strikes.items()}
    corrections = {}
    for note in planned.notes:
        key = (note.onset, note.pitch)
        correction = before.get(key, Correction())
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
            strike=_bounded(correction.strike + GAIN * late, MOST_TIME),
            release=_bounded(correction.release + GAIN * _bounded(long, MOST_TIME), MOST_TIME),
            velocity=_bounded(correction.velocity + VELOCITY_GAIN * soft, MOST_VELOCITY),
        )
    return corrections


def _nearest(note: Note, strikes: list[Note], onsets: np.ndarray | None) -> Note | None:
    """The stroke of a key that is taken for a note; None if none is near.

    Args:
        note: of the plan.
        strikes: notes that sounded on its key.
        onsets: of these [s]; None if there are none.
    """
    if onsets is None:
        return None
    nearest = int(np.argmin(np.abs(onsets - note.onset)))
    return strikes[nearest] if abs(onsets[nearest] - note.onset) <= HEARD_WITHIN else None


def _bounded(value: float, most: float) -> float:
    """The value cut to -most..most."""
    return min(max(value, -most), most)
