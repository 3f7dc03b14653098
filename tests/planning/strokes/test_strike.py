"""The descent on a key: closed forms of the swing, and speeds that are met with much time and with
little."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musclehand.planning.strokes.strike import (
    STEEPEST,
    Levels,
    StrokeConfig,
    plan_descent,
    plan_strike,
    swing,
)

CONFIG = StrokeConfig()
LEVELS = Levels(surface=0.006, sound=-0.002, silent=-0.001, low=-0.0065, ground=0.005)


@given(st.floats(0.0, STEEPEST))
def test_a_swing_goes_from_rest_to_its_speed_without_a_jerk(steepness):
    """From 0 to 1; speed 0 and `steepness`, no acceleration at either end, by finite
    differences."""
    share = np.linspace(0, 1, 2001)
    distance = swing(share, steepness)
    speed = np.gradient(distance, share, edge_order=2)
    assert distance[[0, -1]] == pytest.approx([0, 1], abs=1e-12)
    assert speed[[0, -1]] == pytest.approx([0, steepness], abs=1e-3)
    assert np.gradient(speed, share, edge_order=2)[[1, -2]] == pytest.approx(0, abs=0.1)


def test_a_swing_that_keeps_no_speed_is_a_minimum_jerk_movement_and_twice_the_mean_never_brakes():
    share = np.linspace(0, 1, 501)
    assert swing(share, 0.0) == pytest.approx(10 * share**3 - 15 * share**4 + 6 * share**5)
    assert np.diff(swing(share, 2.0), 2).min() > -1e-12
    assert swing(share, 9.0) == pytest.approx(swing(share, STEEPEST))


def test_softer_notes_begin_closer_to_their_keys_and_last_longer_and_loud_ones_higher():
    strikes = [
        plan_strike(LEVELS, speed, 1.0, CONFIG, repeated=False) for speed in (0.1, 0.2, 0.5, 1.0)
    ]
    assert [high for high, _ in strikes] == sorted(high for high, _ in strikes)
    assert [time for _, time in strikes] == sorted((time for _, time in strikes), reverse=True)
    assert strikes[0][0] >= LEVELS.surface + CONFIG.least_hover
    assert strikes[-1][0] > LEVELS.surface + CONFIG.hover


@given(st.floats(0.09, 1.0), st.floats(0.03, 0.4), st.booleans())
def test_a_stroke_takes_no_more_time_than_there_is_and_sounds_with_its_speed(speed, time, repeated):
    """Speed where the key sounds by finite difference; heights in order and in one direction
    unless time is short."""
    high, taken = plan_strike(LEVELS, speed, time, CONFIG, repeated=repeated)
    assert taken <= min(time, CONFIG.press_times[1]) + 1e-12
    assert (
        high
        >= (LEVELS.silent + CONFIG.least_rise if repeated else LEVELS.ground + CONFIG.clearance)
        - 1e-12
    )
    descent = plan_descent(
        LEVELS,
        speed,
        high,
        start=1.0 - taken,
        onset=1.0,
        bottom=1.0 + (LEVELS.sound - LEVELS.low) / speed,
    )
    dt = 1e-5
    before, now, after = descent.height(np.array([1.0 - dt, 1.0, 1.0 + dt]))
    assert now == pytest.approx(LEVELS.sound, abs=1e-9)
    assert (now - after) / dt == pytest.approx(speed, rel=1e-6)
    steep = speed * taken / (high - LEVELS.sound)
    if steep <= STEEPEST:
        assert (before - now) / dt == pytest.approx(speed, rel=0.02)
    heights = descent.height(np.linspace(1.0 - taken, 1.2, 500))
    assert heights[0] == pytest.approx(high)
    assert heights[-1] == pytest.approx(LEVELS.low, abs=1e-9) or descent.bottom > 1.2
    assert heights.min() >= LEVELS.low - 1e-12


@pytest.mark.parametrize("speed", [0.15, 0.2, 0.4])
def test_a_fingertip_with_time_meets_its_key_slower_than_it_sounds_and_gathers_speed(speed):
    """Speed at the key's surface by finite difference; it grows all the way, and takes the time
    of half the speed on average."""
    high, taken = plan_strike(LEVELS, speed, 1.0, CONFIG, repeated=False)
    assert taken == pytest.approx(2.0 * (high - LEVELS.sound) / speed)
    descent = plan_descent(LEVELS, speed, high, start=1.0 - taken, onset=1.0, bottom=1.1)
    times = np.linspace(1.0 - taken, 1.0, 2001)
    heights = descent.height(times)
    speeds = -np.gradient(heights, times)
    assert np.diff(speeds[1:-1]).min() > -1e-6
    assert speeds[np.argmax(heights <= LEVELS.surface)] < 0.85 * speed
