"""Agreement against closed forms, scipy and known truth; intervals and p-values against how
often they are right."""

import numpy as np
import pytest
from scipy import signal, stats

from musclehand.core.errors import InvalidValue
from musclehand.emg.comparison import statistics as ours

RATE = 100.0


def smooth_noise(rng, count=2000, columns=1, cutoff=2.0):
    white = rng.standard_normal((count + 400, columns))
    sos = signal.butter(2, cutoff, fs=RATE, output="sos")
    return signal.sosfiltfilt(sos, white, axis=0)[200:-200]


def shifted(values, samples):
    """The recording of these activations, leading by so many samples."""
    return values[:-samples], values[samples:]


def test_correlation_and_p_are_those_of_scipy():
    rng = np.random.default_rng(1)
    a, e = rng.standard_normal((2, 50, 3))
    expected = [stats.pearsonr(a[:, k], e[:, k]) for k in range(3)]
    np.testing.assert_allclose(
        ours.correlation(a, e), [each.statistic for each in expected], atol=1e-12
    )
    np.testing.assert_allclose(
        ours.correlation_p(ours.correlation(a, e), np.full(3, 50)), [x.pvalue for x in expected]
    )


def test_identical_curves_agree_in_everything():
    a = smooth_noise(np.random.default_rng(2), columns=2)
    curve = ours.lagged_correlation(a, a, RATE)
    for value in (
        ours.correlation(a, a),
        ours.uncentred_correlation(a, a),
        ours.concordance(a, a),
        curve.at_zero,
    ):
        np.testing.assert_allclose(value, 1.0)
    np.testing.assert_allclose(ours.relative_error(a, a), 0.0, atol=1e-12)
    np.testing.assert_allclose(ours.cocontraction(abs(a), abs(a)), 1.0)
    np.testing.assert_allclose(curve.lag, 0.0, atol=1e-9)
    assert not curve.at_edge.any()


def test_concordance_of_a_scaled_and_moved_copy_has_a_closed_form():
    a = np.random.default_rng(3).standard_normal((500, 1))
    v = a.var()
    gain = 2.5
    offset = 0.7
    e = gain * a + offset
    moved = (a.mean() - e.mean()) ** 2
    np.testing.assert_allclose(ours.concordance(a, e), 2 * gain * v / (v + gain**2 * v + moved))
    assert ours.correlation(a, e)[0] == pytest.approx(1.0)


def test_a_constant_prediction_has_error_one_and_no_correlation():
    e = np.random.default_rng(4).uniform(size=(300, 1))
    constant = np.full_like(e, e.mean())
    np.testing.assert_allclose(ours.relative_error(constant, e), 1.0)
    assert np.isnan(ours.correlation(constant, e)).all()
    assert np.isnan(ours.lagged_correlation(constant, e, RATE).lag).all()
    assert np.isnan(ours.bootstrap_interval(constant, e, np.random.default_rng(0)).low).all()


def test_cocontraction_of_muscles_in_turns_is_zero_and_needs_activations():
    a = np.array([[1.0, 0.0, 1.0, 0.0]]).T
    assert ours.cocontraction(a, 1 - a)[0] == 0
    with pytest.raises(InvalidValue, match="activation"):
        ours.cocontraction(-a, a)


@pytest.mark.parametrize("samples", [1, 4, 7, 12])
def test_a_planted_lag_is_found(samples):
    emg_leads = shifted(smooth_noise(np.random.default_rng(samples), cutoff=6.0), samples)
    _ = None
    activation, recorded = emg_leads
    curve = ours.lagged_correlation(activation, recorded, RATE)
    np.testing.assert_allclose(curve.lag, samples / RATE, atol=1e-3)
    np.testing.assert_allclose(curve.best, 1.0, atol=1e-6)
    assert not curve.at_edge.any()
    assert (curve.at_zero < curve.best).all()


def test_lags_between_samples_are_found_by_the_parabola():
    time = np.arange(0, 20, 1 / RATE)
    bells = sum(np.exp(-0.5 * ((time[:, None] - c) / 0.08) ** 2) for c in (3, 7.3, 8.1, 15))
    led = sum(np.exp(-0.5 * ((time[:, None] + 0.044 - c) / 0.08) ** 2) for c in (3, 7.3, 8.1, 15))
    assert ours.lagged_correlation(bells, led, RATE).lag[0] == pytest.approx(0.044, abs=5e-4)


@pytest.mark.parametrize("lag", [-0.05, 0.22])
def test_lags_outside_of_those_searched_are_flagged(lag):
    values = smooth_noise(np.random.default_rng(5), cutoff=6.0)
    late, early = shifted(values, round(abs(lag) * RATE))
    a, e = (late, early) if lag > 0 else (early, late)
    assert ours.lagged_correlation(a, e, RATE).at_edge.all()


def test_pairs_that_do_not_fit_are_refused():
    with pytest.raises(InvalidValue, match="one shape"):
        ours.correlation(np.zeros((5, 2)), np.zeros((5, 3)))
    with pytest.raises(InvalidValue, match="finite"):
        ours.correlation(np.full(5, np.nan), np.zeros(5))
    with pytest.raises(InvalidValue, match="lag range"):
        ours.lagged_correlation(np.ones(20), np.ones(20), RATE)


def test_white_noise_is_all_effective_and_smooth_noise_is_what_theory_says():
    rng = np.random.default_rng(6)
    white = rng.standard_normal((2, 3000, 8))
    assert np.median(ours.effective_size(*white)) > 2300
    rho = 0.9
    n = 4000
    a, e = (signal.lfilter([1], [1, -rho], rng.standard_normal((n, 24)), axis=0) for _ in range(2))
    theory = n * (1 - rho**2) / (1 + rho**2)
    assert np.median(ours.effective_size(a, e)) == pytest.approx(theory, rel=0.35)


def test_p_with_effective_size_is_uniform_for_independent_curves():
    rng = np.random.default_rng(7)
    a = smooth_noise(rng, columns=800)
    e = smooth_noise(rng, columns=800)
    p = ours.correlation_p(ours.correlation(a, e), ours.effective_size(a, e))
    naive = ours.correlation_p(ours.correlation(a, e), np.full(800, len(a)))
    assert 0.03 < np.mean(p < 0.05) < 0.09
    assert np.mean(naive < 0.05) > 0.5


def test_intervals_contain_the_true_correlation():
    rng = np.random.default_rng(8)
    common = smooth_noise(rng, columns=200)
    own = smooth_noise(rng, columns=200)
    scale = common.std() / own.std()
    e = 0.6 * common + 0.8 * scale * own
    interval = ours.bootstrap_interval(common, e, rng, draws=400)
    covered = np.mean((interval.low < 0.6) & (interval.high > 0.6))
    assert 0.86 <= covered <= 0.99
    assert (interval.low < interval.high).all()


def test_holm_is_the_textbook_example():
    np.testing.assert_allclose(
        ours.holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02]
    )
    adjusted = ours.holm(np.array([0.2, np.nan, 0.9]))
    assert np.isnan(adjusted[1])
    np.testing.assert_allclose(adjusted[[0, 2]], [0.4, 0.9])


def test_proportions_have_wilson_intervals():
    low, high = ours.proportion_interval(8, 10)
    assert (low, high) == (pytest.approx(0.4902, abs=1e-3), pytest.approx(0.9433, abs=1e-3))
    assert ours.proportion_interval(0, 0) == (0.0, 1.0)
