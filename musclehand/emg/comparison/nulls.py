"""Null distributions of every score: circular-shift surrogates and permutation nulls.

- surrogate: circular shifts. The two curves are shifted against each other in time by
  `MIN_SHIFT` and more, the end joined to the start. Smoothness and size are kept. The ends of the
  curves must be cut off first: filters have transients there, in all curves at once, and with them
  15 % instead of 5 % of p-values were below 0.05 for unrelated curves. This null says nothing where
  a task is metronomic, because a shift by whole periods restores the alignment (`periodicity`).
- wrong muscle: a permutation null over channels. The simulated muscle is compared with the other
  electrodes of the same recording. The timing of the task is kept.
- wrong movement: a permutation null over labels. Windows round events are exchanged for those of
  events with another label. Timing and electrode are kept.

All circular shifts come from one Fourier transform: correlation, concordance and error are
functions of the covariance, kappa of the time that two binary curves are on together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy import linalg

from musclehand.core.errors import InvalidValue
from musclehand.emg.comparison.statistics import (
    LAG_RANGE,
    centred,
    check_pair,
    concordance,
    correlation,
    relative_error,
)
from musclehand.emg.processing.onsets import kappa

SCORES = ("r", "r_best", "ccc", "nrmse", "kappa")
"""Names of all scores: Pearson's r without lag and at the best lag, Lin's concordance, error over
that of a constant, Cohen's kappa of on and off."""

LOWER_IS_BETTER = frozenset({"nrmse"})
"""Scores of which a smaller value is the better one."""

MIN_SHIFT = 0.05
"""Smallest circular shift [s], chosen by `analysis/emg_oracle.py`. A larger one makes p too small,
because a chance alignment is left out with its surroundings. Of noise against played activations
of 20 s, 5.4 % of p-values were below 0.05 with all shifts. Without shifts below 0.05 s it was 5.6 %
(3000 draws), and without those below 0.3 s it was 7.3 % (1500 draws)."""

MIN_LENGTH = 2.0
"""Curves shorter than this [s] have no shift that is far from all others."""

MIN_PERIOD = 1.0
"""Autocorrelation at shifts of at least this [s] is called periodicity."""


class NullBand(NamedTuple):
    """Null distribution of one score, a column a muscle."""

    low: np.ndarray
    """5th percentile of the draws. Shape (K,)."""

    median: np.ndarray
    """50th percentile. Shape (K,)."""

    high: np.ndarray
    """95th percentile. Shape (K,)."""

    p: np.ndarray
    """Share of draws at least as good as the observed score, which counts as one of them. Shape
    (K,)."""

    observed: np.ndarray
    """The score itself. Shape (K,)."""

    draws: np.ndarray
    """Scores under the null. Shape (D, K)."""


class Curves(NamedTuple):
    """Matched columns from which scores are computed."""

    simulated: np.ndarray
    """Activations. Shape (T, K)."""

    recorded: np.ndarray
    """Envelopes. Shape (T, K)."""

    simulated_on: np.ndarray
    """When each activation counts as on. Shape (T, K)."""

    recorded_on: np.ndarray
    """When each envelope counts as on. Shape (T, K)."""

    fs_hz: float
    """[Hz] rate of all of them."""


def compute_scores(
    curves: Curves, lag_range: tuple[float, float] = LAG_RANGE
) -> dict[str, np.ndarray]:
    """All scores of each column, by name in `SCORES`. Each (K,).

    All are at lag 0 but `r_best`, which is at the best lag of the range. Lags shift the recording
    circularly, as the nulls do, so that the two can be compared.
    """
    a, e = check_pair(curves.simulated, curves.recorded)
    return {
        "r": correlation(a, e),
        "r_best": shifted_scores(curves, lag_range)["r_best"][0],
        "ccc": concordance(a, e),
        "nrmse": relative_error(a, e),
        "kappa": kappa(curves.simulated_on, curves.recorded_on),
    }


def shifted_scores(
    curves: Curves, lag_range: tuple[float, float] = LAG_RANGE
) -> dict[str, np.ndarray]:
    """All scores after circular shifts of the recording by 0, 1, ... T - 1 samples. Each (T, K).

    Raises:
        InvalidValue: curves that do not fit together.
    """
    a, e = check_pair(curves.simulated, curves.recorded)
    n = len(a)
    covariance = _shifted_product(a - a.mean(axis=0), e - e.mean(axis=0)) / n
    va = a.var(axis=0)
    ve = e.var(axis=0)
    gap = np.square(a.mean(axis=0) - e.mean(axis=0))
    with np.errstate(invalid="ignore", divide="ignore"):
        r = np.where((va > 0) & (ve > 0), covariance / np.sqrt(va * ve), np.nan)
        ccc = 2 * covariance / (va + ve + gap)
        nrmse = np.sqrt(np.maximum(va + ve - 2 * covariance + gap, 0) / ve)
    best = _best_within(r, curves.fs_hz, lag_range)
    on_a, on_e = (
        np.asarray(part, dtype=float) for part in (curves.simulated_on, curves.recorded_on)
    )
    share_a = on_a.mean(axis=0)
    share_e = on_e.mean(axis=0)
    chance = share_a * share_e + (1 - share_a) * (1 - share_e)
    observed = 1 - share_a - share_e + 2 * _shifted_product(on_a, on_e) / n
    changes = (share_a > 0) & (share_a < 1) & (share_e > 0) & (share_e < 1)
    agreement = np.where(changes, (observed - chance) / np.where(changes, 1 - chance, 1.0), np.nan)
    return {"r": r, "r_best": best, "ccc": ccc, "nrmse": nrmse, "kappa": agreement}


def shifted_mixture_r(
    simulated: np.ndarray,
    recorded: np.ndarray,
    fs_hz: float,
    lag_range: tuple[float, float] = LAG_RANGE,
) -> np.ndarray:
    """Multiple correlation of all simulated muscles with each channel, after circular shifts.

    The recording is shifted by 0, 1, ... T - 1 samples; of the lags searched from there the best
    counts. Noise of the channel, and muscles that were not simulated, keep it below 1. The r of any
    single muscle is at most that.

    Args:
        simulated: activations. Shape (T, K).
        recorded: envelopes, which lead. Shape (T, C).
        fs_hz: rate of both [Hz].
        lag_range: lags searched, the recording leading [s].

    Returns:
        NaN for a channel that is constant. Shape (T, C).

    Raises:
        InvalidValue: different lengths, or numbers that are not finite.
    """
    if len(simulated) != len(recorded) or not (
        np.isfinite(simulated).all() and np.isfinite(recorded).all()
    ):
        raise InvalidValue(
            "curves", (np.shape(simulated), np.shape(recorded)), "finite, equally many samples"
        )
    e = centred(recorded)
    explained = np.zeros_like(e)
    for direction in linalg.orth(centred(simulated)).T:
        explained += np.square(_shifted_product(direction[:, None], e))
    size = np.square(e).sum(axis=0)
    share = explained / np.where(size > 0, size, np.nan)
    return np.asarray(np.sqrt(np.minimum(_best_within(share, fs_hz, lag_range), 1.0)))


def surrogate_null(
    curves: Curves, lag_range: tuple[float, float] = LAG_RANGE
) -> dict[str, NullBand]:
    """Null bands and p-values of every score from all circular shifts of at least `MIN_SHIFT`.

    Raises:
        InvalidValue: a recording too short to be shifted.
    """
    seconds = len(curves.recorded) / curves.fs_hz
    if seconds < MIN_LENGTH:
        raise InvalidValue(
            "length of the recording", f"{seconds:.2f} s", f"at least {MIN_LENGTH:g} s"
        )
    step = max(round(MIN_SHIFT * curves.fs_hz), 1)
    return {
        name: null_band(name, values[0], values[step : len(values) - step + 1])
        for name, values in shifted_scores(curves, lag_range).items()
    }


def wrong_muscle_null(matrices: Mapping[str, np.ndarray]) -> dict[str, NullBand]:
    """Permutation null over channels: each simulated muscle against all channels but its own.

    Args:
        matrices: of `score_matrix`, with at least two channels. Each (K, C).
    """
    result = {}
    for name, matrix in matrices.items():
        wrong = np.stack([np.delete(row, index) for index, row in enumerate(matrix)], axis=1)
        result[name] = null_band(name, np.diagonal(matrix), wrong)
    return result


def score_matrix(
    curves: Curves,
    channels: np.ndarray,
    channels_on: np.ndarray,
    lag_range: tuple[float, float] = LAG_RANGE,
) -> dict[str, np.ndarray]:
    """Every score of every simulated muscle against every recorded channel. Each (K, C).

    Args:
        curves: of which only the simulated ones count.
        channels: all recorded channels, the matched ones first and in the same order. Shape (T,
            C).
        channels_on: when they are on. Shape (T, C).
        lag_range: lags searched [s].
    """
    count = curves.simulated.shape[1]
    rows: dict[str, list[np.ndarray]] = {name: [] for name in SCORES}
    for channel in range(channels.shape[1]):
        pair = curves._replace(
            recorded=np.repeat(channels[:, channel : channel + 1], count, axis=1),
            recorded_on=np.repeat(channels_on[:, channel : channel + 1], count, axis=1),
        )
        for name, values in compute_scores(pair, lag_range).items():
            rows[name].append(values)
    return {name: np.stack(values, axis=1) for name, values in rows.items()}


def wrong_movement_null(
    curves: Curves,
    onsets: Sequence[float],
    labels: Sequence[str],
    window: tuple[float, float],
    rng: np.random.Generator,
    draws: int = 200,
) -> dict[str, NullBand] | None:
    """Permutation null over labels: each event gets the recording of one with another label.

    Scores are computed over the windows of all events. `r_best` is that of r: windows have no lag
    of their own.

    Args:
        curves: matched columns.
        onsets: of events [s], from the first sample on.
        labels: of the events.
        window: of each event, from its onset [s].
        rng: draws the exchanges.
        draws: number of exchanges.

    Returns:
        None where there are fewer than four whole windows or only one label.
    """
    first, last = (round(edge * curves.fs_hz) for edge in window)
    begins = np.round(np.asarray(onsets, dtype=float) * curves.fs_hz).astype(int)
    inside = (begins + first >= 0) & (begins + last <= len(curves.recorded))
    begins = begins[inside]
    kept = np.asarray(labels, dtype=object)[inside]
    if len(begins) < 4 or len(set(kept)) < 2 or last <= first:
        return None
    rows = begins[:, None] + np.arange(first, last)
    simulated = curves.simulated[rows.ravel()]
    simulated_on = curves.simulated_on[rows.ravel()]
    scores: dict[str, list[np.ndarray]] = {name: [] for name in SCORES}
    for order in [np.arange(len(begins)), *(_exchange_labels(kept, rng) for _ in range(draws))]:
        mixed = rows[order].ravel()
        recorded = curves.recorded[mixed]
        r = correlation(simulated, recorded)
        scores["r"].append(r)
        scores["r_best"].append(r)
        scores["ccc"].append(concordance(simulated, recorded))
        scores["nrmse"].append(relative_error(simulated, recorded))
        scores["kappa"].append(kappa(simulated_on, curves.recorded_on[mixed]))
    return {
        name: null_band(name, values[0], np.stack(values[1:])) for name, values in scores.items()
    }


def periodicity(values: np.ndarray, fs_hz: float, min_period: float = MIN_PERIOD) -> np.ndarray:
    """Largest circular autocorrelation beyond a shift; near 1 for a metronomic task.

    Args:
        values: curves. Shape (T, K).
        fs_hz: rate of the curves [Hz].
        min_period: smallest shift that counts [s].

    Returns:
        Shape (K,).
    """
    a, _ = check_pair(values, values)
    deviations = a - a.mean(axis=0)
    product = _shifted_product(deviations, deviations)
    step = min(max(round(min_period * fs_hz), 1), len(a) // 2)
    power = np.where(product[0] > 0, product[0], 1.0)
    return np.asarray(product[step : len(a) - step + 1].max(axis=0) / power)


def null_band(name: str, observed: np.ndarray, draws: np.ndarray) -> NullBand:
    """Percentiles of the draws, and the share of them at least as good as the observed score.

    Args:
        name: of the score, in `SCORES`.
        observed: the score. Shape (K,).
        draws: scores under the null; NaN where there is none. Shape (D, K).
    """
    valid = ~np.isnan(draws)
    filled = np.where(valid.any(axis=0), draws, 0.0)
    low, median, high = np.nanpercentile(filled, [5, 50, 95], axis=0)
    sign = -1.0 if name in LOWER_IS_BETTER else 1.0
    better = (sign * draws >= sign * np.asarray(observed) - 1e-12) & valid
    p = (better.sum(axis=0) + 1) / (valid.sum(axis=0) + 1)
    absent = ~valid.any(axis=0) | np.isnan(observed)
    low, median, high, p = (np.where(absent, np.nan, part) for part in (low, median, high, p))
    return NullBand(
        low=low, median=median, high=high, p=p, observed=np.asarray(observed), draws=draws
    )


def _best_within(shifted: np.ndarray, fs_hz: float, lag_range: tuple[float, float]) -> np.ndarray:
    """For every shift, the largest value at the lags searched from it [s]. Shape (T, K)."""
    low, high = (round(limit * fs_hz) for limit in lag_range)
    return np.asarray(
        np.max([np.roll(shifted, -step, axis=0) for step in range(low, high + 1)], axis=0)
    )


def _shifted_product(a: np.ndarray, e: np.ndarray) -> np.ndarray:
    """Circular cross-covariance: the sum over t of a[t] e[t - s] for s = 0 ... T - 1.

    Shapes (T, K), `a` also (T, 1); gives (T, K).
    """
    n = len(a)
    return np.asarray(
        np.fft.irfft(np.fft.rfft(a, axis=0) * np.conj(np.fft.rfft(e, axis=0)), n, axis=0)
    )


def _exchange_labels(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """For each event a random event with another label."""
    return np.array([rng.choice(np.flatnonzero(labels != label)) for label in labels])
