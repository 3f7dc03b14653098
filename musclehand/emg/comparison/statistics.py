"""How alike two sets of curves are, and how sure of that one can be.

All functions take columns: a simulated and a recorded array of shape (T, K), one column a muscle,
and return one number a column. Recorded activity comes before the activation it goes with, so a lag
above 0 compares the activation at t with the recording at t - lag. A column that does not vary has
no correlation: nan, never 0 or 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import stats

from musclehand.core.errors import InvalidValue

SEARCHED = (0.0, 0.150)
"""Physiological lags [s]: electromechanical delays of forearm muscles in the literature are up
to about 0.14 s."""

MIN_BLOCKS = 8
"""Fewer blocks than these say nothing about the spread."""

_FLAT = 1e-9
"""A column whose deviations are this small beside its values is constant but for rounding."""


class LagCurve(NamedTuple):
    """Correlation against lag. `lags` (L,) [s]; `r` (L, K); `at_zero`, `best` (K,) correlations at
    no lag and at the best one searched; `lag` (K,) [s] of the best, between samples by a parabola;
    `at_edge` (K,) whether the best lies on the edge of the lags searched with better ones beyond
    it: then it is not a delay that was found.
    """

    lags: np.ndarray
    r: np.ndarray
    at_zero: np.ndarray
    best: np.ndarray
    lag: np.ndarray
    at_edge: np.ndarray


class Interval(NamedTuple):
    """Bounds that contain the true value with `level` probability, each (K,)."""

    low: np.ndarray
    high: np.ndarray
    level: float


def check_pair(
    simulated: np.ndarray, recorded: np.ndarray, least: int = 3
) -> tuple[np.ndarray, np.ndarray]:
    """Both as float64 of shape (T, K).

    Raises:
        InvalidValue: shapes differ, too few samples, or values that are not finite.
    """
    a, e = (np.asarray(part, dtype=np.float64) for part in (simulated, recorded))
    a, e = (part[:, None] if part.ndim == 1 else part for part in (a, e))
    if a.shape != e.shape or a.ndim != 2 or len(a) < least:
        raise InvalidValue(
            "pair of curves",
            (a.shape, e.shape),
            f"two arrays of one shape (T, K), T at least {least}",
        )
    if not (np.isfinite(a).all() and np.isfinite(e).all()):
        raise InvalidValue("pair of curves", "nan or inf", "finite: cut gaps out first")
    return a, e


def correlation(simulated: np.ndarray, recorded: np.ndarray) -> np.ndarray:
    """Pearson's r. Shape (K,), nan where a column does not vary."""
    a, e = (centred(part) for part in check_pair(simulated, recorded))
    return _ratio((a * e).sum(axis=0), np.sqrt(np.square(a).sum(axis=0) * np.square(e).sum(axis=0)))


def uncentred_correlation(simulated: np.ndarray, recorded: np.ndarray) -> np.ndarray:
    """The cosine between curves, "xcorr coeff" at lag 0. Shape (K,).

    Near 0.9 for two different muscles of the same task; given only to be compared with publications
    that use it.
    """
    a, e = check_pair(simulated, recorded)
    return _ratio((a * e).sum(axis=0), np.sqrt(np.square(a).sum(axis=0) * np.square(e).sum(axis=0)))


def concordance(simulated: np.ndarray, recorded: np.ndarray) -> np.ndarray:
    """Lin's concordance coefficient: correlation, lowered by differences in mean and scale. Shape
    (K,).

    2 cov / (var_a + var_e + (mean_a - mean_e)^2), with variances over n: Lin 1989, Biometrics
    45:255 (recalled).
    """
    a, e = check_pair(simulated, recorded)
    covariance = (centred(a) * centred(e)).mean(axis=0)
    return _ratio(
        2 * covariance, a.var(axis=0) + e.var(axis=0) + np.square(a.mean(axis=0) - e.mean(axis=0))
    )


def relative_error(simulated: np.ndarray, recorded: np.ndarray) -> np.ndarray:
    """Root mean square error over that of the best constant, the recording's mean. Shape (K,).

    1: no better than a constant; 0: the same. Its square is 1 - R^2 without refitting.
    """
    a, e = check_pair(simulated, recorded)
    return _ratio(
        np.sqrt(np.square(a - e).mean(axis=0)), np.sqrt(np.square(centred(e)).mean(axis=0))
    )


def cocontraction(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """How much two muscles work at once: 2 sum min(a, b) / sum(a + b), 0 in turns, 1 alike. Shape
    (K,).

    The ratio of common to total area, the amplitude-and-time kind of index (Falconer and Winter
    1985, recalled).
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
    searched: tuple[float, float] = SEARCHED,
    shown: float = 0.3,
) -> LagCurve:
    """Pearson's r over the samples that overlap, at every lag within `shown` [s], the best within
    `searched` [s].

    Args:
        simulated: activations. Shape (T, K).
        recorded: envelopes, which lead. Shape (T, K).
        fs_hz: of both.
        searched: lags among which the best is looked for, the recording leading [s].
        shown: the curve goes from minus to plus this [s].

    Raises:
        InvalidValue: lags beyond those shown, or a recording too short for them.
    """
    a, e = check_pair(simulated, recorded)
    reach = round(shown * fs_hz)
    low, high = (round(limit * fs_hz) for limit in searched)
    if not -reach <= low <= high <= reach or len(a) < 2 * reach + 3:
        legal = f"within the {shown:g} s shown, in curves longer than {2 * shown:g} s"
        raise InvalidValue("searched lags", searched, legal)
    steps = np.arange(-reach, reach + 1)
    r = np.stack([_shifted_correlation(a, e, int(step)) for step in steps])
    inside = np.where(np.isnan(r), -np.inf, r)[low + reach : high + reach + 1]
    top = inside.argmax(axis=0) + low + reach
    best = np.take_along_axis(r, top[None], axis=0)[0]
    beyond_low = np.take_along_axis(r, np.maximum(top - 1, 0)[None], axis=0)[0]
    beyond_high = np.take_along_axis(r, np.minimum(top + 1, len(r) - 1)[None], axis=0)[0]
    at_low = (top == low + reach) & (top > 0)
    at_high = (top == high + reach) & (top < len(r) - 1)
    at_edge = (at_low & (beyond_low > best)) | (at_high & (beyond_high > best))
    bend = beyond_low - 2 * best + beyond_high
    peak = (
        (bend < 0) & (best >= beyond_low) & (best >= beyond_high) & (top > 0) & (top < len(r) - 1)
    )
    offset = np.where(peak, 0.5 * (beyond_low - beyond_high) / np.where(peak, bend, 1.0), 0.0)
    lag = np.where(np.isnan(best), np.nan, (top - reach + offset) / fs_hz)
    return LagCurve(steps / fs_hz, r, r[reach], best, lag, at_edge)


def _shifted_correlation(a: np.ndarray, e: np.ndarray, step: int) -> np.ndarray:
    n = len(a) - abs(step)
    first = max(step, 0)
    second = max(-step, 0)
    return correlation(a[first : first + n], e[second : second + n])


def effective_size(simulated: np.ndarray, recorded: np.ndarray) -> np.ndarray:
    """Independent samples with the same information about a correlation as these dependent ones.
    Shape (K,), 2 to T.

    1/n_eff = 1/n + 2/n sum_j (n - j)/n rho_a(j) rho_e(j), over lags up to n/5: Pyper and Peterman
    1998, Can. J. Fish. Aquat. Sci. 55:2127 (recalled).
    """
    a, e = check_pair(simulated, recorded)
    n = len(a)
    far = max(n // 5, 1)
    product = autocorrelation(a, far)[1:] * autocorrelation(e, far)[1:]
    weights = (n - np.arange(1, far + 1)) / n
    inverse = 1 / n + 2 / n * (weights[:, None] * product).sum(axis=0)
    return np.clip(1 / np.maximum(inverse, 1 / n), 2.0, n)


def autocorrelation(values: np.ndarray, far: int) -> np.ndarray:
    """Of each column at lags 0 to `far` samples; 0 where a column does not vary. Shape (far + 1,
    K)."""
    away = centred(values)
    spectrum = np.fft.rfft(away, 2 * len(values), axis=0)
    product = np.fft.irfft(np.square(np.abs(spectrum)), axis=0)[: far + 1]
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
    """p-values for testing all at once, by Holm's steps: Holm 1979, Scand. J. Stat. 6:65
    (recalled). nan stays nan."""
    given = np.asarray(p, dtype=float)
    adjusted = np.full(given.shape, np.nan)
    known = np.flatnonzero(~np.isnan(given))
    order = known[np.argsort(given[known], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(given[order] * factors), 1.0)
    return adjusted


def bootstrap_interval(
    simulated: np.ndarray,
    recorded: np.ndarray,
    rng: np.random.Generator,
    *,
    draws: int = 2000,
    level: float = 0.95,
) -> Interval:
    """Of Pearson's r, from blocks drawn again and again, so that neighbouring samples stay
    together.

    Circular block bootstrap (Politis and Romano 1992, recalled). A block is four times as long as
    the curves' samples are dependent (n / n_eff), but there are at least `MIN_BLOCKS`. Percentiles
    are of Fisher's z, moved away from the median as Student's t for so many blocks asks. Each
    column by itself. Of 95 % intervals with n_eff near 80, 90 % contain the true value: as with all
    such bootstraps they are a little short.
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
        moments = np.stack([x, y, x * x, y * y, x * y], axis=1)
        total = np.concatenate(
            [np.zeros((1, 5)), np.cumsum(np.concatenate([moments, moments[:length]]), axis=0)]
        )
        blocks = total[length : length + n] - total[:n]
        picked = blocks[rng.integers(n, size=(draws, int(np.ceil(n / length))))].sum(axis=1)
        count = length * np.ceil(n / length)
        mx, my, xx, yy, xy = (picked / count).T
        r = np.nan_to_num(
            _ratio(xy - mx * my, np.sqrt(np.maximum((xx - mx * mx) * (yy - my * my), 0.0)))
        )
        z = np.arctanh(np.clip(r, -1 + 1e-12, 1 - 1e-12))
        few = stats.t.ppf(0.5 + level / 2, max(n / length - 1, 1)) / stats.norm.ppf(0.5 + level / 2)
        middle = np.median(z)
        low[column], high[column] = np.tanh(middle + few * (np.percentile(z, tails) - middle))
    return Interval(low, high, level)


def proportion_interval(hits: int, trials: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's interval of a share of independent trials; (0, 1) of none."""
    if trials < 1:
        return 0.0, 1.0
    interval = stats.binomtest(hits, trials).proportion_ci(level, method="wilson")
    return float(interval.low), float(interval.high)


def centred(values: np.ndarray) -> np.ndarray:
    """Without the mean; exactly 0 in columns that are constant but for rounding."""
    away = values - values.mean(axis=0)
    flat = np.abs(away).max(axis=0) <= _FLAT * np.abs(values).max(axis=0)
    return np.asarray(np.where(flat, 0.0, away))


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """nan where there is nothing to divide by."""
    return np.asarray(
        np.divide(
            above, below, out=np.full(np.broadcast(above, below).shape, np.nan), where=below > 0
        )
    )
