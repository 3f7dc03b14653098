"""The clock between film and notes: known offsets and drifts, and pairs that do not belong."""

import numpy as np
import pytest

from musclehand.music.score import Note, Score
from musclehand.watch.clock import Clock, ClockError, find_clock
from support.leaping_finger import VIEW, film, melody


@pytest.mark.parametrize("offset", [-3.217, 0.013, 41.58])
def test_an_offset_is_recovered_wherever_the_notes_begin(offset: float) -> None:
    notes = melody(30.0)
    landmarks = film(Clock(offset).to_film(notes), seconds=80.0, error=0.003)
    clock = find_clock(landmarks, VIEW, notes)
    assert clock.offset == pytest.approx(offset, abs=0.03)
    assert clock.drift == 0.0
    assert clock.share > 0.95


def test_a_drift_of_film_frames_is_recovered() -> None:
    notes = melody(300.0)
    true = Clock(5.3, 0.001)
    landmarks = film(true.to_film(notes), seconds=310.0, error=0.003)
    clock = find_clock(landmarks, VIEW, notes)
    assert clock.drift == pytest.approx(0.001, abs=1e-4)
    ends = np.array([0.0, 300.0])
    error = clock.offset - true.offset + (clock.drift - true.drift) * ends
    assert np.abs(error).max() < 0.03


def test_notes_of_another_piece_are_refused() -> None:
    landmarks = film(melody(60.0), seconds=62.0)
    with pytest.raises(ClockError, match="do not belong together"):
        find_clock(landmarks, VIEW, melody(60.0, seed=9))


def test_another_octave_is_told() -> None:
    notes = melody(40.0)
    landmarks = film(notes.transpose(12), seconds=42.0)
    with pytest.raises(ClockError, match="1 octave higher"):
        find_clock(landmarks, VIEW, notes)


def test_a_mirrored_picture_is_told() -> None:
    notes = melody(40.0)
    mirrored = notes.with_notes(Note(n.onset, 124 - n.pitch, n.offset) for n in notes.notes)
    landmarks = film(mirrored, seconds=42.0)
    with pytest.raises(ClockError, match="mirrored"):
        find_clock(landmarks, VIEW, notes)


def test_notes_that_fit_at_two_offsets_are_refused_unless_the_search_is_bounded() -> None:
    once = melody(20.0)
    again = [Note(n.onset + 25.0, n.pitch, n.offset + 25.0) for n in once.notes]
    landmarks = film(once.with_notes((*once.notes, *again)), seconds=50.0)
    with pytest.raises(ClockError, match="alike"):
        find_clock(landmarks, VIEW, once)
    clock = find_clock(landmarks, VIEW, once, search=(20.0, 30.0))
    assert clock.offset == pytest.approx(25.0, abs=0.03)


def test_a_score_without_notes_is_refused() -> None:
    with pytest.raises(ClockError, match="no notes"):
        find_clock(film(melody(5.0), seconds=5.0), VIEW, Score(()))


def test_times_of_the_film_are_those_of_the_line() -> None:
    notes = (Note(0.1, 60, 0.2), Note(0.62, 61, 1.0), Note(2.0, 62, 4.0))
    moved = Clock(-1.0, 0.5).to_film(Score(notes))
    assert [(n.onset, n.offset, n.pitch) for n in moved.notes] == [(0.0, 0.5, 61), (2.0, 5.0, 62)]
