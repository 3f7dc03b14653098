"""Moves of the forearm: what is encoded is done."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from musclehand.envs.piano.body import ForearmState
from musclehand.envs.piano.forearm import (
    ACCELERATION,
    RETURN_TIME,
    decode_move,
    encode_move,
    return_to_plan,
    state_at,
)

NUMBER = st.floats(-1.0, 1.0)


def somewhere(seed):
    rng = np.random.default_rng(seed)
    return ForearmState(rng.normal(size=(4, 3)), rng.normal(size=(4, 3)), np.zeros((4, 3)))


@given(st.integers(0, 1000), st.floats(0.008, 0.1), st.lists(NUMBER, min_size=6, max_size=6))
def test_places_and_speeds_in_reach_are_told_and_reached(seed, duration, shares):
    start = somewhere(seed)
    most = ACCELERATION * duration
    place = (
        start.position + duration * start.velocity + 0.5 * most * duration * np.array(shares[:3])
    )
    speed = start.velocity + most * np.array(shares[3:])
    action = encode_move(start, place, speed, duration)
    assert ((action >= 0.0) & (action <= 1.0)).all()
    end = state_at(decode_move(action, start, duration), duration)
    np.testing.assert_allclose(end.position, place, atol=1e-9)
    np.testing.assert_allclose(end.velocity, speed, atol=1e-9)


@given(st.integers(0, 1000), st.lists(st.floats(0.0, 1.0), min_size=6, max_size=6))
def test_paths_begin_where_forearms_are_and_speeds_are_their_slopes(seed, numbers):
    start = somewhere(seed)
    duration = 0.032
    step = 1e-6
    move = decode_move(np.tile(numbers, (4, 1)), start, duration)
    begin = state_at(move, 0.0)
    np.testing.assert_allclose(begin.position, start.position)
    np.testing.assert_allclose(begin.velocity, start.velocity, atol=1e-12)
    for time in (0.004, 0.02, 0.03):
        before, now, after = (state_at(move, time + sign * step) for sign in (-1, 0, 1))
        np.testing.assert_allclose(
            (after.position - before.position) / (2 * step), now.velocity, atol=1e-6
        )
        np.testing.assert_allclose(
            (after.velocity - before.velocity) / (2 * step), now.acceleration, atol=1e-4
        )


def test_what_is_out_of_reach_is_told_as_far_as_it_goes():
    start = somewhere(0)
    action = encode_move(start, start.position + 10.0, start.velocity - 100.0, 0.032)
    np.testing.assert_array_equal(action, np.tile([1.0, 1.0, 1.0, 0.0, 0.0, 0.0], (4, 1)))


def test_forearms_come_back_to_a_plan_as_a_damped_spring_does():
    rng = np.random.default_rng(0)
    plan, later_plan, start = (ForearmState(*rng.normal(size=(3, 2, 3))) for _ in range(3))
    place, speed = return_to_plan(start, plan, later_plan, 0.05)

    def slope(_, state):
        offset, drift = np.split(state, 2)
        return np.concatenate([drift, -2.0 * drift / RETURN_TIME - offset / RETURN_TIME**2])

    start = np.concatenate(
        [(start.position - plan.position).ravel(), (start.velocity - plan.velocity).ravel()]
    )
    expected = solve_ivp(slope, (0.0, 0.05), start, rtol=1e-9, atol=1e-12).y[:, -1]
    place_and_speed = np.concatenate(
        [(place - later_plan.position).ravel(), (speed - later_plan.velocity).ravel()]
    )
    np.testing.assert_allclose(place_and_speed, expected, atol=1e-6)


def test_who_is_on_the_plan_stays_there():
    rng = np.random.default_rng(1)
    plan, later_plan = (ForearmState(*rng.normal(size=(3, 2, 3))) for _ in range(2))
    place, speed = return_to_plan(plan, plan, later_plan, 0.016)
    np.testing.assert_array_equal(place, later_plan.position)
    np.testing.assert_array_equal(speed, later_plan.velocity)
