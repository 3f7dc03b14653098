"""Nulls against moves made one by one, and p-values against how often they are small without a
relation."""

import numpy as np
import pytest
from scipy import signal

from musclehand.core.errors import InvalidValue
from musclehand.emg.comparison import nulls
from musclehand.emg.comparison.nulls import (
    Curves,
    compute_scores,
    score_matrix,
    shifted_scores,
    surrogate_null,
)
from musclehand.emg.comparison.statistics import concordance, correlation, relative_error
from musclehand.emg.processing.onsets import kappa

RATE = 50.0


def envelopes(rng, count=1000, columns=3):
    """What a low-pass at 6 Hz leaves of independent, slowly changing noise."""
    slow, fast = (signal.butter(2, cutoff, fs=RATE, output="sos") for cutoff in (1.5, 6.0))
    margin = 100  # filters do strange things at ends, in all curves alike
    white = rng.standard_normal((2, count + 2 * margin, columns))
    envelope = signal.sosfiltfilt(
        fast, np.exp(3 * signal.sosfiltfilt(slow, white[0], axis=0)) * abs(white[1]), axis=0
    )
    return np.maximum(envelope[margin:-margin], 0)


def curves_of(a, e):
    return Curves(a, e, a > np.median(a, axis=0), e > np.median(e, axis=0), RATE)


def test_what_a_mixture_explains_is_the_multiple_correlation_of_another_library():
    linear_model = pytest.importorskip("sklearn.linear_model")
    rng = np.random.default_rng(3)
    a = envelopes(rng, 301, 4)
    e = a @ rng.uniform(size=(4, 3)) + envelopes(rng, 301) * [0.0, 1.0, 5.0]
    # A muscle that is silent and one that is another's double add nothing.
    whole = np.column_stack([a, np.zeros(301), 2.0 * a[:, 0]])
    mixture = nulls.shifted_mixture_r(whole, e, RATE, (0.0, 0.0))
    for step in (0, 5, 150):
        moved = np.roll(e, step, axis=0)
        expected = [
            linear_model.LinearRegression().fit(a, column).score(a, column) for column in moved.T
        ]
        np.testing.assert_allclose(mixture[step], np.sqrt(expected), atol=1e-6)
    late = nulls.shifted_mixture_r(a, np.roll(e, -4, axis=0), RATE, (0.0, 0.1))
    assert late[0, 0] == pytest.approx(1.0)
    best = score_matrix(curves_of(a, a), np.roll(e, -4, axis=0), e > 0, (0.0, 0.1))["r_best"]
    assert (late[0] >= np.abs(best).max(axis=0) - 1e-9).all()
    assert np.isnan(nulls.shifted_mixture_r(a, np.ones((301, 1)), RATE)).all()
    with pytest.raises(InvalidValue, match="curves"):
        nulls.shifted_mixture_r(a, np.full((301, 1), np.nan), RATE)


def test_moves_by_fourier_transform_are_those_made_one_by_one():
    rng = np.random.default_rng(1)
    curves = curves_of(envelopes(rng, 201), envelopes(rng, 201))
    moved = shifted_scores(curves, (0.0, 0.1))
    for step in (0, 1, 17, 100, 200):
        e = np.roll(curves.recorded, step, axis=0)
        on = np.roll(curves.recorded_on, step, axis=0)
        np.testing.assert_allclose(moved["r"][step], correlation(curves.simulated, e), atol=1e-10)
        np.testing.assert_allclose(moved["ccc"][step], concordance(curves.simulated, e), atol=1e-10)
        np.testing.assert_allclose(
            moved["nrmse"][step], relative_error(curves.simulated, e), atol=1e-8
        )
        np.testing.assert_allclose(moved["kappa"][step], kappa(curves.simulated_on, on), atol=1e-10)
        lags = [correlation(curves.simulated, np.roll(e, lag, axis=0)) for lag in range(6)]
        np.testing.assert_allclose(moved["r_best"][step], np.max(lags, axis=0), atol=1e-10)
    for name, value in compute_scores(curves, (0.0, 0.1)).items():
        np.testing.assert_allclose(value, moved[name][0], atol=1e-8)


def test_where_nothing_is_to_be_found_five_percent_are_significant_and_bands_hold():
    rng = np.random.default_rng(2)
    curves = curves_of(envelopes(rng, columns=1000), envelopes(rng, columns=1000))
    observed = compute_scores(curves)
    for name, null in surrogate_null(curves).items():
        assert 0.03 <= np.mean(null.p < 0.05) <= 0.07, name
        inside = (observed[name] >= null.low) & (observed[name] <= null.high)
        assert 0.86 <= inside.mean() <= 0.94, name
        assert np.mean(null.p) == pytest.approx(0.5, abs=0.04), name


def test_related_curves_are_significant_in_every_score():
    rng = np.random.default_rng(3)
    a = envelopes(rng)
    null = surrogate_null(curves_of(a, a * np.exp(0.2 * rng.standard_normal(a.shape))))
    for name in nulls.SCORES:
        assert (null[name].p < 0.01).all(), name


def test_a_flat_column_has_no_scores():
    a = envelopes(np.random.default_rng(4))
    flat = np.zeros_like(a)
    null = surrogate_null(Curves(flat, a, flat > 1, a > np.median(a), RATE))
    assert np.isnan(null["r"].p).all()
    assert np.isnan(null["r"].high).all()


def test_the_wrong_muscles_are_all_others():
    rng = np.random.default_rng(5)
    a = envelopes(rng, columns=3)
    extra = envelopes(rng, columns=2)
    curves = curves_of(a, a)
    controls = np.concatenate([a, extra], axis=1)
    matrices = score_matrix(curves, controls, controls > 1)
    matrix = matrices["r"]
    assert matrix.shape == (3, 5)
    np.testing.assert_allclose(np.diagonal(matrix), 1.0)
    assert matrix[1, 4] == pytest.approx(correlation(a[:, 1], extra[:, 1])[0])
    null = nulls.wrong_muscle_null(matrices)["r"]
    assert null.draws.shape == (4, 3)
    np.testing.assert_allclose(null.p, 1 / 5)


def movement_curves(rng, specific):
    """Windows of 1 s, each label with a curve of its own in the recording where `specific`, else
    the same for all."""
    labels = [str(index % 4) for index in range(24)]
    shapes = {label: envelopes(rng, 50, 2) for label in sorted(set(labels))}
    a = np.concatenate([shapes[label] for label in labels])
    e = a if specific else np.concatenate([shapes["0"] for _ in labels])
    e = e + 0.3 * np.abs(rng.standard_normal(e.shape))
    return curves_of(a, e), [float(index) for index in range(24)], labels


@pytest.mark.parametrize("specific", [True, False])
def test_the_wrong_movement_is_told_apart_where_movements_differ(specific):
    rng = np.random.default_rng(6)
    curves, onsets, labels = movement_curves(rng, specific)
    null = nulls.wrong_movement_null(curves, onsets, labels, (0.0, 1.0), rng, draws=99)
    assert null is not None
    if specific:
        assert (null["r"].p <= 0.02).all()
        assert (null["nrmse"].p <= 0.02).all()
    else:
        assert (null["r"].p > 0.02).all()


def test_one_label_has_no_wrong_movement():
    rng = np.random.default_rng(7)
    curves, onsets, labels = movement_curves(rng, True)
    assert nulls.wrong_movement_null(curves, onsets, ["a"] * 24, (0.0, 1.0), rng) is None
    assert nulls.wrong_movement_null(curves, onsets[:3], labels[:3], (0.0, 1.0), rng) is None


def test_metronomic_tasks_are_seen():
    time = np.arange(1000) / RATE
    rng = np.random.default_rng(8)
    assert nulls.periodicity(1 + np.sin(2 * np.pi * time / 2), RATE)[0] > 0.99
    assert nulls.periodicity(envelopes(rng), RATE).max() < 0.6


def test_short_recordings_cannot_be_moved():
    a = envelopes(np.random.default_rng(9), 80)
    with pytest.raises(InvalidValue, match="length"):
        surrogate_null(curves_of(a, a))
