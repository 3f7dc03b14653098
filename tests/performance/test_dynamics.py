"""What touch asks of the hands: repeated notes, runs, trills, legato, staccato and loudness,
played with muscles."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from musclehand.music.generate.exercises import scale
from musclehand.music.score import Finger, Hand, Note, Score
from musclehand.performance.perform import perform
from musclehand.performance.settings import PlayerSettings

FIVE = (60, 62, 64, 65, 67)


def line(pitches, rate, *, held=0.9, velocities=80, fingers=None):
    """Notes of the right hand, evenly spaced; `held` as a share of the time between them."""
    period = 1.0 / rate
    loud = np.broadcast_to(velocities, len(pitches))
    notes = [
        Note(
            i * period,
            pitch,
            (i + held) * period,
            int(loud[i]),
            Hand.RIGHT,
            Finger(fingers[i]) if fingers else None,
        )
        for i, pitch in enumerate(pitches)
    ]
    return Score(tuple(notes))


SCORES = {
    "repeated": lambda: line([67] * 18, 6.0, held=0.6),
    "repeated by one finger": lambda: line([67] * 18, 6.0, held=0.6, fingers=[2] * 18),
    "run": lambda: line([*FIVE, *FIVE[3:0:-1]] * 3, 8.0, fingers=[1, 2, 3, 4, 5, 4, 3, 2] * 3),
    "trill": lambda: line([72, 74] * 12, 8.0, fingers=[2, 3] * 12),
    "legato": lambda: line(
        [*FIVE, *FIVE[3::-1]], 3.0, held=1.15, fingers=[1, 2, 3, 4, 5, 4, 3, 2, 1]
    ),
    "staccato": lambda: line(
        [*FIVE, *FIVE[3::-1]], 3.0, held=0.35, fingers=[1, 2, 3, 4, 5, 4, 3, 2, 1]
    ),
}


def crescendo():
    notes = scale("C4", octaves=2, notes_per_second=4.0).notes
    loud = np.linspace(55, 100, len(notes)).round().astype(int)
    return Score(tuple(replace(note, velocity=int(v)) for note, v in zip(notes, loud, strict=True)))


@cache
def played(name):
    return perform(SCORES[name](), "muscle")


def lengths(score):
    return np.array([note.duration for note in score.notes])


@pytest.mark.parametrize("name", ["repeated by one finger", "run"])
def test_fast_notes_are_all_played(name):
    metrics = played(name).metrics
    assert (metrics.missed, metrics.extra) == (0, 0)
    assert metrics.onset_recall_50ms == 1.0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["repeated", "trill"])
def test_more_fast_notes_are_all_played(name):
    metrics = played(name).metrics
    assert (metrics.missed, metrics.extra) == (0, 0)
    assert metrics.onset_recall_50ms == 1.0


@pytest.mark.slow
def test_legato_notes_overlap_as_written():
    result = played("legato")
    assert (result.metrics.missed, result.metrics.extra) == (0, 0)
    overlap = result.played.intervals[:-1, 1] - result.played.intervals[1:, 0]
    assert (overlap > 0).all()
    assert np.abs(lengths(result.played) - lengths(result.score)).max() < 0.03


@pytest.mark.slow
def test_staccato_notes_are_as_short_as_written():
    result = played("staccato")
    assert (result.metrics.missed, result.metrics.extra) == (0, 0)
    assert np.abs(lengths(result.played) - lengths(result.score)).max() < 0.03


@pytest.mark.slow
def test_a_crescendo_is_heard_once_it_has_been_rehearsed():
    result = perform(crescendo(), PlayerSettings(rehearsals=1))
    assert (result.metrics.missed, result.metrics.extra) == (0, 0)
    assert result.metrics.velocity_correlation >= 0.8
    assert result.rehearsals[0].missed == 0
