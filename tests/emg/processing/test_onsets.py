"""Activity against known states, sklearn's kappa, and bursts whose errors are planted."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import cohen_kappa_score

from musclehand.core.errors import InvalidValue
from musclehand.emg.processing.onsets import (
    ActivityConfig,
    find_activity,
    fraction_activity,
    kappa,
    keep_long,
    match_onsets,
)

RATE = 100.0


def bursts(*spans, count=2000):
    active = np.zeros(count, dtype=bool)
    for first, last in spans:
        active[round(first * RATE) : round(last * RATE)] = True
    return active


def noisy_envelope(active, rng, ratio=8.0):
    return np.where(active, ratio, 1.0) * np.exp(0.3 * rng.standard_normal(len(active)))


def test_bursts_are_found_whatever_the_unit():
    truth = bursts((2, 4), (7, 8.5), (12, 17))
    envelope = noisy_envelope(truth, np.random.default_rng(1))
    for scale in (1.0, 1e-5):
        activity = find_activity(scale * envelope, RATE)
        assert activity.usable
        assert np.mean(activity.active == truth) > 0.99
        assert scale < activity.threshold < 8 * scale
    assert np.mean(fraction_activity(envelope, RATE, 0.2) == truth) > 0.9


def test_one_heap_is_not_two_states():
    rng = np.random.default_rng(2)
    assert not find_activity(np.exp(0.2 * rng.standard_normal(2000)), RATE).usable
    assert not find_activity(np.full(100, 0.3), RATE).usable
    assert not find_activity(np.zeros(100), RATE).usable


@pytest.mark.parametrize("wrong", [np.ones(5), np.ones((20, 2)), np.full(20, np.nan)])
def test_what_is_not_a_curve_is_refused(wrong):
    with pytest.raises(InvalidValue, match="envelope"):
        find_activity(wrong, RATE)
    with pytest.raises(InvalidValue, match="shortest"):
        ActivityConfig(shortest=0)


def test_short_gaps_and_bursts_go():
    active = bursts((1, 2), (2.02, 3), (5, 5.02))
    np.testing.assert_array_equal(keep_long(active, 5), bursts((1, 3)))


@given(arrays(bool, 60), st.integers(1, 8))
def test_no_run_inside_is_too_short(active, samples):
    edges = np.flatnonzero(np.diff(keep_long(active, samples).astype(int)))
    kept = keep_long(active, samples)
    # Gaps are closed first, so that taking bursts out cannot leave a short one between two long
    # gaps.
    lengths = [b - a for a, b in itertools.pairwise(edges) if kept[a + 1]]
    assert all(length >= samples for length in lengths)


@given(arrays(bool, 50), arrays(bool, 50))
def test_kappa_is_that_of_sklearn(a, e):
    ours = kappa(a, e)[0]
    if len(set(a.tolist())) == 1 or len(set(e.tolist())) == 1:
        assert np.isnan(ours)
    else:
        assert ours == pytest.approx(cohen_kappa_score(a, e), abs=1e-12)


def test_planted_onset_and_offset_errors_are_found():
    recorded = bursts((2, 4), (7, 8), (12, 13), (15, 16))
    simulated = bursts((2.05, 3.9), (7.05, 7.9), (12.05, 12.9), (18, 19))
    errors = match_onsets(simulated, recorded, RATE)
    assert (errors.matched, errors.missed, errors.extra) == (3, 1, 1)
    assert (errors.onset, errors.offset) == (pytest.approx(0.05), pytest.approx(-0.1))
    assert errors.onset_spread == pytest.approx(0.05)


def test_nothing_matches_nothing():
    silent = bursts()
    once = bursts((1, 2))
    errors = match_onsets(silent, once, RATE)
    assert (errors.matched, errors.missed, errors.extra) == (0, 1, 0)
    assert np.isnan(errors.onset)
    assert match_onsets(silent, silent, RATE).matched == 0
