"""Iterative learning control: errors of time and loudness are corrected note by note, and what was
followed by more errors is taken back."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musclehand.body.anatomy import Side
from musclehand.core.errors import InvalidValue
from musclehand.music.metrics import score_performance
from musclehand.music.repertoire import load_piece
from musclehand.music.score import Finger, Hand, Note, Score
from musclehand.performance.perform import perform
from musclehand.performance.settings import PlayerSettings
from musclehand.piano.geometry import keyboard_geometry, load_piano_parameters
from musclehand.planning.strokes.contacts import KeyTouch, RunContacts
from musclehand.planning.strokes.corrections import Correction, Corrections
from musclehand.planning.strokes.place import BRUSH_STEP, LIFT
from musclehand.planning.strokes.rehearsal import (
    GAIN,
    LEAST_TIMES,
    LEAST_VELOCITY,
    MOST_TIME,
    MOST_VELOCITY,
    UNHEARD_TIME,
    UNHEARD_VELOCITY,
    VELOCITY_GAINS,
    Rehearsal,
    RunOutcome,
    beyond,
    rehearse,
)

PIANO = load_piano_parameters()
GEOMETRY = keyboard_geometry(PIANO)
NOTE = Note(1.0, 60, 1.5, 80, Hand.RIGHT, Finger.INDEX)
KEY = (NOTE.onset, NOTE.pitch)
EXTRA = Note(1.0, 62, 1.1, 40)
UP = (0.0, 0.0, 1.0)
NOTHING = Correction()


def outcome(played, corrections=None, *, planned=(NOTE,), contacts=None):
    """A run in which these notes sounded."""
    planned, played = Score(tuple(planned)), Score(tuple(played))
    return RunOutcome(
        planned=planned,
        played=played,
        corrections=corrections or Corrections(),
        metrics=score_performance(planned, played),
        contacts=contacts or RunContacts(),
    )


def brushed(finger=2):
    """The second key of `EXTRA` was touched by a finger of the right hand."""
    touch = KeyTouch((Side.RIGHT, finger), EXTRA.key, 0.99, 1.05, (0.0, 0.03, 0.0), UP)
    return RunContacts(keys=(touch,))


def learnt(played, before=NOTHING):
    """The correction of the only note after a run."""
    return rehearse(outcome(played, Corrections({KEY: before})), GEOMETRY).notes[KEY]


def test_what_was_right_is_left_alone():
    assert learnt((NOTE,)) == Correction()
    before = Correction(0.01, -0.02, 5.0, 0.002, -0.001, 0.001)
    assert learnt((NOTE,), before) == before


@given(st.floats(-0.03, 0.03), st.floats(-0.03, 0.03), st.integers(60, 100))
def test_errors_are_made_up_for_by_a_share(late, longer, velocity):
    played = Note(1.0 + late, 60, 1.5 + longer, velocity)
    correction = learnt((played,))
    late, longer, soft = played.onset - 1.0, played.offset - 1.5, 80 - velocity
    assert correction.strike == pytest.approx(GAIN * beyond(late, LEAST_TIMES[0]))
    assert correction.release == pytest.approx(GAIN * beyond(longer, LEAST_TIMES[1]))
    assert correction.velocity == pytest.approx(VELOCITY_GAINS[0] * beyond(soft, LEAST_VELOCITY))


def test_small_errors_are_left_alone():
    assert learnt((Note(1.001, 60, 1.506, 82),)) == Correction()


def test_repeated_runs_of_a_player_with_fixed_errors_converge_geometrically():
    """A player 20 ms late, 30 ms long and 20 too soft that does as corrected: the error left
    shrinks by 1 - gain in every run, until it is too small to count."""
    rehearsal = Rehearsal(PIANO)
    corrections = Corrections()
    left = np.array([0.02, 0.03, 20.0])
    for run in range(1, 6):
        correction = corrections.notes.get(KEY, Correction())
        played = Note(
            onset=1.02 - correction.strike,
            pitch=60,
            offset=1.53 - correction.release,
            velocity=80 - round(20 - correction.velocity),
        )
        rehearsal.add(outcome((played,), corrections))
        corrections = rehearsal.next_corrections()
        gain = np.array([GAIN, GAIN, VELOCITY_GAINS[min(run, len(VELOCITY_GAINS)) - 1]])
        left *= np.where(left > [*LEAST_TIMES, LEAST_VELOCITY + 0.5], 1 - gain, 1.0)
        learned = corrections.notes[KEY]
        assert 0.02 - learned.strike == pytest.approx(left[0])
        assert 0.03 - learned.release == pytest.approx(left[1])
        assert 20 - learned.velocity == pytest.approx(left[2], abs=1.0)
    assert left[0] <= LEAST_TIMES[0]


def test_a_note_that_did_not_sound_is_struck_earlier_and_harder():
    elsewhere = Note(1.0, 61, 1.5, 80), Note(2.0, 60, 2.5, 80)
    assert learnt(elsewhere) == pytest.approx(Correction(UNHEARD_TIME, 0.0, UNHEARD_VELOCITY))


def test_a_stroke_is_taken_for_one_note_alone():
    """Of two notes on one key, the one that is nearer was heard."""
    again = Note(1.1, 60, 1.2, 80, Hand.RIGHT, Finger.INDEX)
    first = Note(1.0, 60, 1.05, 80, Hand.RIGHT, Finger.INDEX)
    run = outcome((Note(1.01, 60, 1.05, 80),), planned=(first, again))
    notes = rehearse(run, GEOMETRY).notes
    assert notes[1.0, 60].strike == pytest.approx(GAIN * 0.01)
    assert notes[1.1, 60].velocity == UNHEARD_VELOCITY


def test_corrections_are_bounded():
    correction = learnt((Note(1.14, 60, 5.0, 1),), Correction(0.039, 0.039, 39.0))
    assert correction[:3] == (MOST_TIME, MOST_TIME, MOST_VELOCITY)


def test_a_correction_that_was_followed_by_more_errors_is_taken_back():
    rehearsal = Rehearsal(PIANO)
    late = Note(1.02, 60, 1.5, 80)
    rehearsal.add(outcome((late, EXTRA), contacts=brushed()))
    tried = rehearsal.next_corrections()
    assert tried.notes[KEY].sideways == pytest.approx(-BRUSH_STEP)
    assert tried.notes[KEY].strike == pytest.approx(GAIN * 0.02)
    rehearsal.add(outcome((NOTE, EXTRA, Note(1.1, 64, 1.2)), tried))
    taken_back = rehearsal.next_corrections()
    assert taken_back.notes[KEY] == Correction()
    rehearsal.add(outcome((NOTE,), taken_back))
    assert rehearsal.next_corrections() == taken_back


def test_errors_elsewhere_take_nothing_back():
    rehearsal = Rehearsal(PIANO)
    rehearsal.add(outcome((NOTE, EXTRA), contacts=brushed()))
    tried = rehearsal.next_corrections()
    rehearsal.add(outcome((NOTE, Note(1.4, 64, 1.5), Note(0.6, 64, 0.65)), tried))
    assert rehearsal.next_corrections().notes == tried.notes


def test_a_lift_is_kept_while_errors_do_not_grow():
    rehearsal = Rehearsal(PIANO)
    rehearsal.add(outcome((NOTE, EXTRA), contacts=brushed(finger=3)))
    tried = rehearsal.next_corrections()
    (lift,) = tried.lifts
    assert (lift.side, lift.finger, lift.height) == (Side.RIGHT, Finger.MIDDLE, LIFT)
    assert lift.start < EXTRA.onset < lift.end
    rehearsal.add(outcome((NOTE, EXTRA), tried))
    assert rehearsal.next_corrections().lifts == (lift,)
    rehearsal.add(outcome((NOTE, EXTRA, Note(1.02, 67, 1.1)), tried))
    assert rehearsal.next_corrections().lifts == ()


def test_the_best_run_has_the_fewest_errors():
    """However late and soft its notes are."""
    rehearsal = Rehearsal(PIANO)
    for played in ((NOTE, EXTRA), (Note(1.09, 60, 1.3, 20),), (NOTE, EXTRA), ()):
        rehearsal.add(outcome(played))
    assert rehearsal.best == 1


def test_of_runs_with_as_few_errors_the_best_is_the_most_exact():
    """In onsets, ends and loudness; the last of equal ones, which is not played again."""
    late = Note(1.08, 60, 1.5, 80)
    short = Note(1.0, 60, 1.2, 80)
    soft = Note(1.0, 60, 1.5, 60)
    for worse in (late, short, soft):
        rehearsal = Rehearsal(PIANO)
        for note in (worse, NOTE, NOTE, worse):
            rehearsal.add(outcome((note,)))
        assert rehearsal.best == 2


@pytest.mark.parametrize(("errors", "best"), [(0, 1), (1, 1), (2, 1), (3, 0)])
def test_errors_of_one_note_in_a_hundred_are_a_tie(errors, best):
    """A run at first sight with all notes soft, and one with all as loud as written."""
    planned = [Note(0.5 * k, 60, 0.5 * k + 0.4, 80) for k in range(200)]
    soft = [replace(note, velocity=50) for note in planned]
    rehearsal = Rehearsal(PIANO)
    rehearsal.add(outcome(soft, planned=planned))
    rehearsal.add(outcome(planned[errors:], planned=planned))
    assert rehearsal.best == best


def test_a_rehearsed_performance_is_in_time_and_as_loud_as_written():
    done = []
    score = load_piece("clementi_sonatina").clip(0, 3)
    settings = PlayerSettings(rehearsals=1)
    result = perform(score, settings, progress=lambda now, end: done.append(now / end))
    first, second = result.rehearsals
    assert first.onset_error_ms_median is not None
    assert second.onset_error_ms_median < min(first.onset_error_ms_median, 1.0)
    assert second.velocity_error < 0.7 * first.velocity_error
    assert result.metrics == result.rehearsals[result.kept_run]
    assert result.metrics.onset_f1_50ms >= first.onset_f1_50ms
    assert done == sorted(done)
    assert done[-1] == 1.0


def test_the_keyboard_does_not_learn():
    with pytest.raises(InvalidValue, match="rehearsals"):
        PlayerSettings("keyboard", rehearsals=1)
