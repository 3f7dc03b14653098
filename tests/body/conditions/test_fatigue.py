"""Fatigue against the closed forms of its equations, and what must hold for any load."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musclehand.body.conditions.fatigue import (
    ADDUCTOR_POLLICIS,
    FIRST_DORSAL_INTEROSSEUS,
    GENERAL,
    Compartments,
    Fatigue,
    FatigueParameters,
    FatigueRates,
    fatigue_step,
    fresh,
)
from musclehand.core.errors import InvalidValue

ALL_RATES = (GENERAL, FIRST_DORSAL_INTEROSSEUS, ADDUCTOR_POLLICIS)
SHARE = st.floats(0.0, 1.0)


def hold(load, rates, seconds, *, dt=0.02, state=None):
    """State after a load has been held, and the time when the active share first fell below it
    (inf: never)."""
    state = state or fresh(1)
    failed = math.inf
    for step in range(round(seconds / dt)):
        state = fatigue_step(state, np.array([load]), rates, dt)
        if step * dt > 2.0 and state.active[0] < load - 5e-3:
            failed = min(failed, step * dt)
    return state, failed


@pytest.mark.parametrize("rates", ALL_RATES)
def test_a_load_that_is_met_follows_the_linear_solution(rates):
    """While the active share is the load, MF' = F load - R MF."""
    load = 0.3
    seconds = 60.0
    state, _ = hold(load, rates, seconds)
    expected = rates.fatigue * load / rates.recovery * -math.expm1(-rates.recovery * seconds)
    assert state.fatigued[0] == pytest.approx(expected, rel=0.01)
    assert state.active[0] == pytest.approx(load, abs=2e-3)


@pytest.mark.parametrize("rates", ALL_RATES[:2])
def test_endurance_of_a_contraction_at_half_strength(rates):
    """It ends when MF = 1 - load; the linear solution reaches that at -ln(1 - R (1 - load) / (F
    load)) / R."""
    load = 0.5
    expected = -math.log1p(-rates.recovery * (1 - load) / (rates.fatigue * load)) / rates.recovery
    _, failed = hold(load, rates, 2 * expected)
    assert failed == pytest.approx(expected, rel=0.03)


def test_endurance_in_general_is_that_of_the_literature_in_order_of_magnitude():
    """Half of the strength can be held for one to three minutes (the general rates give 108 s)."""
    _, failed = hold(0.5, GENERAL, 200.0)
    assert 60.0 < failed < 180.0


def test_full_effort_ends_at_the_balance_of_fatigue_and_recovery():
    """With nothing left to rest, MA' = R MF - F MA: two compartments that settle at R / (F + R)."""
    rates = FIRST_DORSAL_INTEROSSEUS
    total = rates.fatigue + rates.recovery
    seconds = 40.0
    state, _ = hold(1.0, rates, seconds)
    balance = rates.recovery / total
    assert state.active[0] == pytest.approx(
        balance + (1 - balance) * math.exp(-total * seconds), abs=5e-3
    )
    state, _ = hold(1.0, rates, 400.0)
    assert state.active[0] == pytest.approx(balance, abs=5e-3)


def test_rest_recovers_with_the_multiplied_rate():
    state, _ = hold(0.0, GENERAL, 50.0, state=fresh(1, fatigued=0.6))
    assert state.fatigued[0] == pytest.approx(
        0.6 * math.exp(-GENERAL.rest * GENERAL.recovery * 50.0), rel=1e-6
    )
    assert state.active[0] == 0.0


def test_steps_can_be_of_any_length():
    """A coarse step gives nearly what fine ones give; the error is of first order."""
    fine, _ = hold(0.6, GENERAL, 30.0, dt=0.002)
    errors = []
    for dt in (0.04, 0.02):
        coarse, _ = hold(0.6, GENERAL, 30.0, dt=dt)
        errors.append(abs(coarse.fatigued[0] - fine.fatigued[0]))
    assert errors[1] < 0.6 * errors[0] < 1e-3


@given(
    loads=st.lists(SHARE, min_size=1, max_size=30),
    dt=st.floats(1e-4, 1e3),
    start=st.tuples(SHARE, SHARE),
    rates=st.tuples(st.floats(0.0, 10.0), st.floats(0.0, 10.0), st.floats(1.0, 50.0)),
)
def test_fractions_stay_fractions_and_add_up(loads, dt, start, rates):
    fatigued, share = start
    active = (1.0 - fatigued) * share
    state = Compartments(
        *(np.array([part]) for part in (1.0 - fatigued - active, active, fatigued))
    )
    for load in loads:
        state = fatigue_step(state, np.array([load]), FatigueRates(*rates), dt)
        assert sum(part[0] for part in state) == pytest.approx(1.0, abs=1e-9)
        for part in state:
            assert -1e-9 <= part[0] <= 1.0 + 1e-9
        assert state.active[0] <= max(load, active) + 1e-9
        active = state.active[0]


@given(low=SHARE, high=SHARE)
def test_more_load_tires_more(low, high):
    smaller, larger = (
        hold(load, GENERAL, 20.0, dt=0.1)[0].fatigued[0] for load in sorted((low, high))
    )
    assert smaller <= larger + 1e-12


def test_muscles_have_their_own_rates():
    parameters = FatigueParameters()
    rates = parameters.of_muscles(("FDP2", "DI1", "ADPt"))
    for i, expected in enumerate((GENERAL, FIRST_DORSAL_INTEROSSEUS, ADDUCTOR_POLLICIS)):
        assert (rates.fatigue[i], rates.recovery[i], rates.rest[i]) == tuple(expected)


def test_the_state_advances_and_starts_over():
    fatigue = Fatigue(("FDP2", "DI1"), FatigueParameters(initial=0.25), 0.008)
    assert fatigue.capacity == pytest.approx([0.75, 0.75])
    for _ in range(1000):
        fatigue.advance(np.array([0.6, 0.6]))
    assert fatigue.capacity[1] < fatigue.capacity[0] < 0.75
    fatigue.reset()
    assert fatigue.capacity == pytest.approx([0.75, 0.75])


@pytest.mark.parametrize("share", [-0.1, 1.1, math.nan])
def test_initial_fatigue_is_a_share(share):
    with pytest.raises(InvalidValue, match="initial fatigue"):
        fresh(2, fatigued=share)
