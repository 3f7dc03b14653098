"""Agreement of two sets of curves, and its uncertainty: correlation, lag, error, intervals.

All functions take columns: a simulated and a recorded array of shape (T, K), one column a muscle,
and return one number a column. Recorded activity leads the activation that it belongs to. A lag
above 0 therefore compares the activation at t with the recording at t - lag. A column that does not
vary has no correlation: NaN, never 0 or 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import stats

from musclehand.core.errors import InvalidValue

LAG_RANGE = (0.0, 0.150)
"""Physiological lags [s]: electromechanical delays of forearm muscles in the literature are up
to about 0.14 s."""

MIN_BLOCKS = 8
"""Blocks that a bootstrap needs at least: fewer say nothing about the spread."""

_FLAT = 1e-9
"""A column whose deviations are this small beside its values is constant but for rounding."""


class LagCurve(NamedTuple):
    """Correlation against lag, and the best of the lags searched."""

    lags: np.ndarray
    """[s] the recording leads by. Shape (L,)."""

    r: np.ndarray
    """Correlation at every lag. Shape (L, K)."""

    at_zero: np.ndarray
    """Correlation without lag. Shape (K,)."""

    best: np.ndarray
    """Correlation at the best lag searched. Shape (K,)."""

    lag: np.ndarray
    """[s] the best lag, between samples by a parabola. Shape (K,)."""

    at_edge: np.ndarray
    """Whether the best lag is the edge of those searched, with better ones beyond it. Such a lag
    is no delay. Shape (K,)."""


class Interval(NamedTuple):
    """Bounds that contain the true value with a stated probability."""

    low: np.ndarray
    """Lower bounds. Shape (K,)."""

    high: np.ndarray
    """Upper bounds. Shape (K,)."""

    level: float
    """The probability, 0 to 1."""


def check_pair(
    simulated: np.ndarray, recorded: np.ndarray, min_samples: int = 3
) -> tuple[np.ndarray, np.ndarray]:
    """The two curves as float64 of shape (T, K).

    Args:
        simulated: a curve or several. Shape (T,) or (T, K).
        recorded: the same shape.
        min_samples: smallest T.

    Raises:
        InvalidValue: shapes differ, too few samples, or values that are not finite.
    """
    a, e = (np.asarray(part, dtype=np.float64) for part in (simulated, recorded))
    a, e = (part[:, None] if part.ndim == 1 else part for part in (a, e))
    if a.shape != e.shape or a.ndim != 2 or len(a) < min_samples:
        raise InvalidValue(
            "pair of curves",
            (a.shape, e.shape),
            f"two arrays of one shape (T, K), T at least {min_samples}",
        )
    if not (np.isfinite(a).all() and np.isfinite(e).all()):
        raise InvalidValue("pair of curves", "nan or inf", "finite: cut gaps out first")
    return a, e


def correlation(simulated: np.ndarray, recorded: np.ndarray) -> np.ndarray:
    """Pearson's r of each column. Shape (K,); NaN where a column does not vary."""
    a, e = (centred(part) for part in check_pair(simulated, recorded))
    return _ratio((a * e).sum(axis=0), np.sqrt(np.square(a).sum(axis=0) * np.square(e).sum(axis=0)))


def uncentred_correlation(simulated: np.ndarray, recorded: np.ndarray) -> np.ndarray:
    """Cosine similarity of curves: the "xcorr coeff" of publications, at lag 0. Shape (K,).

    It is near 0.9 for two different muscles of the same task. It is reported only to be compared
    with publications that use it.
    """
    a, e = check_pair(simulated, recorded)
    return _ratio((a * e).sum(axis=0), np.sqrt(np.square(a).sum(axis=0) * np.square(e).sum(axis=0)))


def concordance(simulated: np.ndarray, recorded: np.ndarray) -> np.ndarray:
    """Lin's concordance coefficient: correlation, lowered by differences in mean and scale.

    2 cov / (var_a + var_e + (mean_a - mean_e)^2), with variances over n: Lin 1989, Biometrics
    45:255 (recalled).

    Returns:
        Shape (K,).
    """
    a, e = check_pair(simulated, recorded)
    covariance = (centred(a) * centred(e)).mean(axis=0)
    return _ratio(
        2 * covariance, a.var(axis=0) + e.var(axis=0) + np.square(a.mean(axis=0) - e.mean(axis=0))
    )


def relative_error(simulated: np.ndarray, recorded: np.ndarray) -> np.ndarray:
    """Root mean square error over that of the best constant, the recording's mean. Shape (K,).

    1: no better than a constant; 0: the same curve. Its square is 1 - R^2 without refitting.
    """
    a, e = check_pair(simulated, recorded)
    return _ratio(
        np.sqrt(np.square(a - e).mean(axis=0)), np.sqrt(np.square(centred(e)).mean(axis=0))
    )


def cocontraction(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Co-contraction index of two muscles: 2 sum min(a, b) / sum(a + b).

    0: they work in turns; 1: alike. The ratio of common to total area, an amplitude-and-time index
    (Falconer and Winter 1985, recalled).

    Returns:
        Shape (K,).
    """
    a, b = check_pair(first, second)
    if (a < 0).any() or (b < 0).any():
        raise InvalidValue("activation", float(min(a.min(), b.min())), "0 or more")
    return _ratio(2 * np.minimum(a, b).sum(axis=0), (a + b).sum(axis=0))


def lagged_correlation(
    simulated: np.ndarray,
    recorded: np.ndarray,
    fs_hz: float,
    *,
    lag_range: tuple[float, float] = LAG_RANGE,
    max_lag: float = 0.3,
) -> LagCurve:
    """Cross-correlation: Pearson's r over the samples that overlap, at every lag.

    Args:
        simulated: activations. Shape (T, K).
        recorded: envelopes, which lead. Shape (T, K).
        fs_hz: rate of both [Hz].
        lag_range: lags among which the best is searched, the recording leading [s].
        max_lag: the curve reaches from minus to plus this lag [s].

    Raises:
        InvalidValue: a range beyond `max_lag`, or curves too short for it.
    """
    a, e = check_pair(simulated, recorded)
    reach = round(max_lag * fs_hz)
    low, high = (round(limit * fs_hz) for limit in lag_range)
    if not -reach <= low <= high <= reach or len(a) < 2 * reach + 3:
        legal = (
            f"within the {max_lag:g} s of the curve, which must be longer than {2 * max_lag:g} s"
        )
        raise InvalidValue("lag range", lag_range, legal)
    steps = np.arange(-reach, reach + 1)
    r = np.stack([_shifted_correlation(a, e, int(step)) for step in steps])
    inside = np.where(np.isnan(r), -np.inf, r)[low + reach : high + reach + 1]
    top = inside.argmax(axis=0) + low + reach
    best = np.take_along_axis(r, top[None], axis=0)[0]
    r_below = np.take_along_axis(r, np.maximum(top - 1, 0)[None], axis=0)[0]
    r_above = np.take_along_axis(r, np.minimum(top + 1, len(r) - 1)[None], axis=0)[0]
    at_low = (top == low + reach) & (top > 0)
    at_high = (top == high + reach) & (top < len(r) - 1)
    at_edge = (at_low & (r_below > best)) | (at_high & (r_above > best))
    bend = r_below - 2 * best + r_above
    peak = (bend < 0) & (best >= r_below) & (best >= r_above) & (top > 0) & (top < len(r) - 1)
    offset = np.where(peak, 0.5 * (r_below - r_above) / np.where(peak, bend, 1.0), 0.0)
    lag = np.where(np.isnan(best), np.nan, (top - reach + offset) / fs_hz)
    return LagCurve(lags=steps / fs_hz, r=r, at_zero=r[reach], best=best, lag=lag, at_edge=at_edge)


def _shifted_correlation(a: np.ndarray, e: np.ndarray, step: int) -> np.ndarray:
    n = len(a) - abs(step)
    first = max(step, 0)
    second = max(-step, 0)
    return correlation(a[first : first + n], e[second : second + n])


def effective_size(simulated: np.ndarray, recorded: np.ndarray) -> np.ndarray:
    """Effective sample size of a correlation between autocorrelated series.

    1/n_eff = 1/n + 2/n sum_j (n - j)/n rho_a(j) rho_e(j), over lags up to n/5: Pyper and Peterman
    1998, Can. J. Fish. Aquat. Sci. 55:2127 (recalled).

    Returns:
        Independent samples with the same information, 2 to T. Shape (K,).
    """
    a, e = check_pair(simulated, recorded)
    n = len(a)
    max_lag = max(n // 5, 1)
    product = autocorrelation(a, max_lag)[1:] * autocorrelation(e, max_lag)[1:]
    weights = (n - np.arange(1, max_lag + 1)) / n
    inverse = 1 / n + 2 / n * (weights[:, None] * product).sum(axis=0)
    return np.clip(1 / np.maximum(inverse, 1 / n), 2.0, n)


def autocorrelation(values: np.ndarray, max_lag: int) -> np.ndarray:
    """Autocorrelation of each column at lags of 0 to `max_lag` samples.

    Returns:
        0 where a column does not vary. Shape (max_lag + 1, K).
    """
    deviations = centred(values)
    spectrum = np.fft.rfft(deviations, 2 * len(values), axis=0)
    product = np.fft.irfft(np.square(np.abs(spectrum)), axis=0)[: max_lag + 1]
    return np.nan_to_num(_ratio(product, product[0]))


def correlation_p(r: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Two-sided p of no correlation among `size` independent samples, by Student's t. Shape
    (K,)."""
    freedom = np.maximum(np.asarray(size, dtype=float) - 2, 0.5)
    bounded = np.clip(r, -1 + 1e-15, 1 - 1e-15)
    return np.asarray(
        2 * stats.t.sf(np.abs(bounded) * np.sqrt(freedom / (1 - np.square(bounded))), freedom)
    )


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's step-down adjustment of p-values for testing all of them at once.

    Holm 1979, Scand. J. Stat. 6:65 (recalled). NaN stays NaN.
    """
    raw = np.asarray(p, dtype=float)
    adjusted = np.full(raw.shape, np.nan)
    valid = np.flatnonzero(~np.isnan(raw))
    order = valid[np.argsort(raw[valid], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(raw[order] * factors), 1.0)
    return adjusted


def bootstrap_interval(
    simulated: np.ndarray,
    recorded: np.ndarray,
    rng: np.random.Generator,
    *,
    draws: int = 2000,
    level: float = 0.95,
) -> Interval:
    """Confidence interval of Pearson's r by the circular block bootstrap.

    Blocks keep neighbouring samples together (Politis and Romano 1992, recalled). A block is four
    times as long as the curves' samples are dependent (n / n_eff), but there are at least
    `MIN_BLOCKS`. Percentiles are of Fisher's z, widened from the median by Student's t for this
    number of blocks. Each column is resampled by itself. Of 95 % intervals with n_eff near 80, 90 %
    contain the true value: as with all such bootstraps they are a little short.

    Args:
        simulated: activations. Shape (T, K).
        recorded: envelopes. Shape (T, K).
        rng: draws the blocks.
        draws: resamples.
        level: probability that the interval contains the true value.
    """
    a, e = check_pair(simulated, recorded)
    n = len(a)
    lengths = np.clip(np.ceil(4 * n / effective_size(a, e)), 2, max(n // MIN_BLOCKS, 2)).astype(int)
    low = np.full(a.shape[1], np.nan)
    high = np.full(a.shape[1], np.nan)
    tails = 50 * (1 - level), 50 * (1 + level)
    for column, length in enumerate(lengths):
        x, y = (centred(part[:, column : column + 1])[:, 0] for part in (a, e))
        if not (x.any() and y.any()):
            continue
        z = np.arctanh(np.clip(_resampled_r(x, y, length, draws, rng), -1 + 1e-12, 1 - 1e-12))
        widening = stats.t.ppf(0.5 + level / 2, max(n / length - 1, 1)) / stats.norm.ppf(
            0.5 + level / 2
        )
        median = np.median(z)
        low[column], high[column] = np.tanh(median + widening * (np.percentile(z, tails) - median))
    return Interval(low, high, level)


def _resampled_r(
    x: np.ndarray, y: np.ndarray, length: int, draws: int, rng: np.random.Generator
) -> np.ndarray:
    """r of curves put together from random blocks, by sums of moments over blocks. Shape
    (draws,)."""
    n = len(x)
    moments = np.stack([x, y, x * x, y * y, x * y], axis=1)
    total = np.concatenate(
        [np.zeros((1, 5)), np.cumsum(np.concatenate([moments, moments[:length]]), axis=0)]
    )
    blocks = total[length : length + n] - total[:n]
    picked = blocks[rng.integers(n, size=(draws, int(np.ceil(n / length))))].sum(axis=1)
    count = length * np.ceil(n / length)
    mx, my, xx, yy, xy = (picked / count).T
    return np.nan_to_num(
        _ratio(xy - mx * my, np.sqrt(np.maximum((xx - mx * mx) * (yy - my * my), 0.0)))
    )


def proportion_interval(hits: int, trials: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a proportion.

    Args:
        hits: successes among the trials.
        trials: independent trials; (0, 1) is returned for none.
        level: probability that the interval contains the true proportion.
    """
    if trials < 1:
        return 0.0, 1.0
    interval = stats.binomtest(hits, trials).proportion_ci(level, method="wilson")
    return float(interval.low), float(interval.high)


def centred(values: np.ndarray) -> np.ndarray:
    """Deviations from the mean; exactly 0 in columns that are constant but for rounding."""
    deviations = values - values.mean(axis=0)
    flat = np.abs(deviations).max(axis=0) <= _FLAT * np.abs(values).max(axis=0)
    return np.asarray(np.where(flat, 0.0, deviations))


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """The quotient; NaN where the divisor is not above 0."""
    return np.asarray(
        np.divide(
            above, below, out=np.full(np.broadcast(above, below).shape, np.nan), where=below > 0
        )
    )
