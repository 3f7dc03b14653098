"""Iterative learning control: errors of time and loudness are corrected note by note."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musclehand.core.errors import InvalidValue
from musclehand.music.repertoire import load_piece
from musclehand.music.score import Note, Score
from musclehand.performance.perform import perform
from musclehand.performance.settings import PlayerSettings
from musclehand.planning.strokes.rehearsal import (
    GAIN,
    MOST_TIME,
    MOST_VELOCITY,
    UNHEARD_TIME,
    UNHEARD_VELOCITY,
    VELOCITY_GAIN,
    Correction,
    rehearse,
)

NOTE = Note(1.0, 60, 1.5, 80)


def learnt(played, before=None):
    return rehearse(Score((NOTE,)), Score(played), before or {})[1.0, 60]


def test_what_was_right_is_left_alone():
    assert learnt((NOTE,)) == Correction()
    before = Correction(0.01, -0.02, 5.0)
    assert learnt((NOTE,), {(1.0, 60): before}) == before


@given(st.floats(-0.03, 0.03), st.floats(-0.03, 0.03), st.integers(60, 100))
def test_errors_are_made_up_for_by_a_share(late, longer, velocity):
    correction = learnt((Note(1.0 + late, 60, 1.5 + longer, velocity),))
    assert correction.strike == pytest.approx(GAIN * late)
    assert correction.release == pytest.approx(GAIN * longer)
    assert correction.velocity == pytest.approx(VELOCITY_GAIN * (80 - velocity))


def test_repeated_runs_of_a_player_with_fixed_errors_converge_geometrically():
    """A player 20 ms late, 30 ms long and 20 too soft that does as corrected: the error left
    shrinks by 1 - gain."""
    corrections = {}
    for run in range(1, 6):
        correction = corrections.get((1.0, 60), Correction())
        played = Note(
            onset=1.02 - correction.strike,
            pitch=60,
            offset=1.53 - correction.release,
            velocity=80 - round(20 - correction.velocity),
        )
        corrections = rehearse(Score((NOTE,)), Score((played,)), corrections)
        assert 0.02 - corrections[1.0, 60].strike == pytest.approx(0.02 * (1 - GAIN) ** run)
    assert abs(20 - corrections[1.0, 60].velocity) < 2


def test_a_note_that_did_not_sound_is_struck_earlier_and_harder():
    elsewhere = Note(1.0, 61, 1.5, 80), Note(2.0, 60, 2.5, 80)
    assert learnt(elsewhere) == pytest.approx(Correction(UNHEARD_TIME, 0.0, UNHEARD_VELOCITY))


def test_corrections_are_bounded():
    correction = learnt((Note(1.14, 60, 5.0, 1),), {(1.0, 60): Correction(0.039, 0.039, 39.0)})
    assert correction == Correction(MOST_TIME, MOST_TIME, MOST_VELOCITY)


def test_a_rehearsed_performance_is_in_time():
    done = []
    score = load_piece("clementi_sonatina").clip(0, 3)
    settings = PlayerSettings(rehearsals=1)
    result = perform(score, settings, progress=lambda now, end: done.append(now / end))
    (first,) = result.rehearsals
    assert first.onset_error_ms_median is not None
    assert result.metrics.onset_error_ms_median < 0.7 * first.onset_error_ms_median
    assert result.metrics.onset_f1_50ms >= first.onset_f1_50ms
    assert done == sorted(done)
    assert done[-1] == 1.0


def test_the_keyboard_does_not_learn():
    with pytest.raises(InvalidValue, match="rehearsals"):
        PlayerSettings("keyboard", rehearsals=1)
