"""Idle fingers that are raised for a while."""

import numpy as np
import pytest

from musclehand.body.anatomy import Side
from musclehand.music.score import Finger
from musclehand.planning.strokes.corrections import Correction, Corrections, IdleLift
from musclehand.planning.strokes.idle_lift import RAISE_TIME, idle_height
from musclehand.planning.strokes.press import min_jerk

LIFT = IdleLift(Side.RIGHT, Finger.RING, 1.0, 1.4, 0.008)
TIMES = np.linspace(0.5, 2.0, 3001)
NEVER = np.zeros((0, 2))


def test_a_finger_rises_stays_and_comes_back_with_least_jerk():
    height = idle_height(TIMES, [LIFT], NEVER)
    rising = LIFT.height * min_jerk((TIMES - 1.0) / RAISE_TIME)
    falling = LIFT.height * min_jerk((1.4 - TIMES) / RAISE_TIME)
    np.testing.assert_allclose(height, np.minimum(rising, falling), atol=1e-15)
    assert height.max() == pytest.approx(0.008)
    assert np.abs(np.diff(height)).max() < 2 * 0.008 * (TIMES[1] - TIMES[0]) / RAISE_TIME


def test_a_finger_is_not_raised_while_it_plays():
    busy = np.array([[0.0, 1.05], [1.3, 1.35], [1.9, 1.95]])
    height = idle_height(TIMES, [LIFT], busy)
    for start, end in busy:
        assert (height[(start <= TIMES) & (end >= TIMES)] == 0).all()
    assert height[(TIMES > 1.05) & (TIMES < 1.3)].max() == pytest.approx(0.008)
    assert np.abs(np.diff(height)).max() < 2 * 0.008 * (TIMES[1] - TIMES[0]) / RAISE_TIME


def test_of_two_lifts_the_higher_one_counts():
    higher = LIFT._replace(start=1.2, end=1.6, height=0.012)
    height = idle_height(TIMES, [LIFT, higher], NEVER)
    alone = [idle_height(TIMES, [lift], NEVER) for lift in (LIFT, higher)]
    np.testing.assert_array_equal(height, np.maximum(*alone))


def test_no_lift_no_height():
    assert not idle_height(TIMES, [], NEVER).any()


def test_corrections_on_a_later_clock():
    corrections = Corrections({(0.5, 60): Correction(velocity=3.0)}, (LIFT,))
    later = corrections.later(1.0)
    assert later.notes == {(1.5, 60): Correction(velocity=3.0)}
    assert later.lifts == (LIFT._replace(start=2.0, end=2.4),)
    assert later.later(-1.0).notes == corrections.notes


def test_corrections_are_a_value_of_their_own():
    notes = {(0.5, 60): Correction(velocity=3.0)}
    corrections = Corrections(notes)
    assert corrections == Corrections(dict(notes))
    notes.clear()
    assert corrections.notes
    assert corrections
    assert not Corrections()
