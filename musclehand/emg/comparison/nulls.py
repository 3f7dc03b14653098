"""What scores come to where there is nothing to find: the three nulls that stand beside every
score.

- surrogate: the same two curves moved against each other in time by `NEAREST` and more, the end
  joined to the start. Keeps their smoothness and size. Ends must not look alike: filters are
  strange there, in all curves at once, and without cutting that off 15 % instead of 5 % of p-values
  were below 0.05 where there was nothing to find. Says nothing where a task is metronomic, because
  a move by whole periods restores the alignment (`periodicity`).
- wrong muscle: the simulated muscle against the other electrodes of the same recording. Keeps the
  timing of the task.
- wrong movement: windows round events, exchanged for those of events with other labels. Keeps
  timing and electrode.

All moves in time come out of one Fourier transform: correlation, concordance and error are
functions of the covariance, kappa of how often two binary curves are on together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy import linalg

from musclehand.core.errors import InvalidValue
from musclehand.emg.comparison.statistics import (
    SEARCHED,
    centred,
    check_pair,
    concordance,
    correlation,
    relative_error,
)
from musclehand.emg.processing.onsets import kappa

SCORES = ("r", "r_best", "ccc", "nrmse", "kappa")
LOWER_IS_BETTER = frozenset({"nrmse"})

NEAREST = 0.05
"""Curves are moved by at least this [s]. To leave more out makes p too small, because a chance
alignment is left out with its surroundings: of noise against played activations of 20 s, 5.4 % of
p-values were below 0.05 with all moves, 5.6 % without those below 0.05 s (3000 draws), 7.3 %
without those below 0.3 s (1500 draws).
"""

SHORTEST = 2.0
"""Curves shorter than this [s] cannot be moved to anywhere else."""

BEYOND = 1.0
"""Autocorrelation at moves of at least this [s] is called periodicity."""

Scores = Mapping[str, np.ndarray]


class NullBand(NamedTuple):
    """What one score is without a relation, a column a muscle: `low`, `middle`, `high` (5th, 50th,
    95th percentile).

    `p`: share of draws at least as good as what was `seen` (K,), which itself counts as one.
    `draws` (D, K).
    """

    low: np.ndarray
    middle: np.ndarray
    high: np.ndarray
    p: np.ndarray
    seen: np.ndarray
    draws: np.ndarray


class Curves(NamedTuple):
    """What scores are computed from, all of shape (T, K): simulated and recorded curves, and
    when both are on."""

    simulated: np.ndarray
    recorded: np.ndarray
    simulated_on: np.ndarray
    recorded_on: np.ndarray
    fs_hz: float


def score(curves: Curves, searched: tuple[float, float] = SEARCHED) -> dict[str, np.ndarray]:
    """All scores of each column, by name in `SCORES`: at lag 0, `r_best` at the best of the lags
    searched. Each (K,).

    Lags move the recording in a circle, as the nulls do, so that the two can be compared.
    """
    a, e = check_pair(curves.simulated, curves.recorded)
    return {
        "r": correlation(a, e),
        "r_best": moved_scores(curves, searched)["r_best"][0],
        "ccc": concordance(a, e),
        "nrmse": relative_error(a, e),
        "kappa": kappa(curves.simulated_on, curves.recorded_on),
    }


def moved_scores(curves: Curves, searched: tuple[float, float] = SEARCHED) -> dict[str, np.ndarray]:
    """All scores after moving the recording by 0, 1, ... T - 1 samples in a circle. Each (T, K).

    Raises:
        InvalidValue: curves that do not fit together.
    """
    a, e = check_pair(curves.simulated, curves.recorded)
    n = len(a)
    covariance = _moved_product(a - a.mean(axis=0), e - e.mean(axis=0)) / n
    va = a.var(axis=0)
    ve = e.var(axis=0)
    gap = np.square(a.mean(axis=0) - e.mean(axis=0))
    with np.errstate(invalid="ignore", divide="ignore"):
        r = np.where((va > 0) & (ve > 0), covariance / np.sqrt(va * ve), np.nan)
        ccc = 2 * covariance / (va + ve + gap)
        nrmse = np.sqrt(np.maximum(va + ve - 2 * covariance + gap, 0) / ve)
    best = _best_from_there(r, curves.fs_hz, searched)
    on_a, on_e = (
        np.asarray(part, dtype=float) for part in (curves.simulated_on, curves.recorded_on)
    )
    share_a = on_a.mean(axis=0)
    share_e = on_e.mean(axis=0)
    chance = share_a * share_e + (1 - share_a) * (1 - share_e)
    seen = 1 - share_a - share_e + 2 * _moved_product(on_a, on_e) / n
    changes = (share_a > 0) & (share_a < 1) & (share_e > 0) & (share_e < 1)
    agreement = np.where(changes, (seen - chance) / np.where(changes, 1 - chance, 1.0), np.nan)
    return {"r": r, "r_best": best, "ccc": ccc, "nrmse": nrmse, "kappa": agreement}


def moved_mixture(
    simulated: np.ndarray,
    recorded: np.ndarray,
    fs_hz: float,
    searched: tuple[float, float] = SEARCHED,
) -> np.ndarray:
    """The highest r that a mixture of all simulated muscles has with each channel, after moving the
    recording by 0, 1, ... T - 1 samples in a circle and at the best of the lags searched from
    there.

    The multiple correlation coefficient: what the noise of a channel, and muscles that were not
    simulated, leave. The r of any one muscle is at most that.

    Args:
        simulated: activations. Shape (T, K).
        recorded: envelopes, which lead. Shape (T, C).
        fs_hz: of both.
        searched: the recording leading by so much [s].

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
        explained += np.square(_moved_product(direction[:, None], e))
    size = np.square(e).sum(axis=0)
    share = explained / np.where(size > 0, size, np.nan)
    return np.asarray(np.sqrt(np.minimum(_best_from_there(share, fs_hz, searched), 1.0)))


def surrogate_null(curves: Curves, searched: tuple[float, float] = SEARCHED) -> dict[str, NullBand]:
    """Bands and p-values of every score from all moves in time of at least `NEAREST`.

    Raises:
        InvalidValue: a recording too short to be moved.
    """
    seconds = len(curves.recorded) / curves.fs_hz
    if seconds < SHORTEST:
        raise InvalidValue(
            "length of the recording", f"{seconds:.2f} s", f"at least {SHORTEST:g} s"
        )
    step = max(round(NEAREST * curves.fs_hz), 1)
    moved = moved_scores(curves, searched)
    return {
        name: band(name, values[0], values[step : len(values) - step + 1])
        for name, values in moved.items()
    }


def wrong_muscle_null(matrices: Mapping[str, np.ndarray]) -> dict[str, NullBand]:
    """Bands of every score of each simulated muscle against all recorded channels but its own.

    Args:
        matrices: of `score_matrix`, at least two channels. Each (K, C).
    """
    result = {}
    for name, matrix in matrices.items():
        wrong = np.stack([np.delete(row, index) for index, row in enumerate(matrix)], axis=1)
        result[name] = band(name, np.diagonal(matrix), wrong)
    return result


def score_matrix(
    curves: Curves,
    others: np.ndarray,
    others_on: np.ndarray,
    searched: tuple[float, float] = SEARCHED,
) -> dict[str, np.ndarray]:
    """Every score of every simulated muscle against every recorded channel. Each (K, C).

    Args:
        curves: of which the simulated ones count.
        others: all recorded channels, the matched ones first and in the same order. Shape (T, C).
        others_on: when they are on. Shape (T, C).
        searched: lags [s].
    """
    count = curves.simulated.shape[1]
    rows: dict[str, list[np.ndarray]] = {name: [] for name in SCORES}
    for channel in range(others.shape[1]):
        pair = curves._replace(
            recorded=np.repeat(others[:, channel : channel + 1], count, axis=1),
            recorded_on=np.repeat(others_on[:, channel : channel + 1], count, axis=1),
        )
        for name, values in score(pair, searched).items():
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
    """Bands of every score over windows round events, where each gets the recording of one with
    another label.

    `r_best` is that of r: windows have no lag of their own.

    Args:
        curves: matched columns.
        onsets: of events [s], from the first sample on.
        labels: of the events.
        window: of each, from its onset [s].
        rng: which are exchanged.
        draws: how often.

    Returns:
        None where there are fewer than four whole windows or only one label.
    """
    first, last = (round(edge * curves.fs_hz) for edge in window)
    begins = np.round(np.asarray(onsets, dtype=float) * curves.fs_hz).astype(int)
    whole = (begins + first >= 0) & (begins + last <= len(curves.recorded))
    begins = begins[whole]
    kept = np.asarray(labels, dtype=object)[whole]
    if len(begins) < 4 or len(set(kept)) < 2 or last <= first:
        return None
    rows = begins[:, None] + np.arange(first, last)
    simulated = curves.simulated[rows.ravel()]
    simulated_on = curves.simulated_on[rows.ravel()]
    found: dict[str, list[np.ndarray]] = {name: [] for name in SCORES}
    for order in [np.arange(len(begins)), *(_other_labels(kept, rng) for _ in range(draws))]:
        mixed = rows[order].ravel()
        recorded = curves.recorded[mixed]
        on = curves.recorded_on[mixed]
        r = correlation(simulated, recorded)
        scores = {"r": r, "r_best": r, "ccc": concordance(simulated, recorded)}
        scores |= {"nrmse": relative_error(simulated, recorded), "kappa": kappa(simulated_on, on)}
        for name, values in scores.items():
            found[name].append(values)
    return {name: band(name, values[0], np.stack(values[1:])) for name, values in found.items()}


def periodicity(values: np.ndarray, fs_hz: float, nearest: float = BEYOND) -> np.ndarray:
    """Largest autocorrelation, in a circle, at moves of `nearest` [s] and more. Near 1:
    metronomic. Shape (K,)."""
    a, _ = check_pair(values, values)
    centred = a - a.mean(axis=0)
    product = _moved_product(centred, centred)
    step = min(max(round(nearest * fs_hz), 1), len(a) // 2)
    power = np.where(product[0] > 0, product[0], 1.0)
    return np.asarray(product[step : len(a) - step + 1].max(axis=0) / power)


def band(name: str, seen: np.ndarray, draws: np.ndarray) -> NullBand:
    """Percentiles of draws (D, K) and the share of them at least as good as what was seen (K,);
    nan where none is."""
    known = ~np.isnan(draws)
    filled = np.where(known.any(axis=0), draws, 0.0)
    low, middle, high = np.nanpercentile(filled, [5, 50, 95], axis=0)
    sign = -1.0 if name in LOWER_IS_BETTER else 1.0
    better = (sign * draws >= sign * np.asarray(seen) - 1e-12) & known
    p = (better.sum(axis=0) + 1) / (known.sum(axis=0) + 1)
    unknown = ~known.any(axis=0) | np.isnan(seen)
    low, middle, high, p = (np.where(unknown, np.nan, part) for part in (low, middle, high, p))
    return NullBand(low, middle, high, p, np.asarray(seen), draws)


def _best_from_there(moved: np.ndarray, fs_hz: float, searched: tuple[float, float]) -> np.ndarray:
    """Of every move, the largest at the lags searched from it [s]. Shape (T, K)."""
    low, high = (round(limit * fs_hz) for limit in searched)
    return np.asarray(
        np.max([np.roll(moved, -step, axis=0) for step in range(low, high + 1)], axis=0)
    )


def _moved_product(a: np.ndarray, e: np.ndarray) -> np.ndarray:
    """Sum over t of a[t] e[t - s], in a circle, for s = 0 ... T - 1. Shapes (T, K), `a` also (T,
    1); gives (T, K)."""
    n = len(a)
    return np.asarray(
        np.fft.irfft(np.fft.rfft(a, axis=0) * np.conj(np.fft.rfft(e, axis=0)), n, axis=0)
    )


def _other_labels(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """For each event one with another label, at random."""
    return np.array([rng.choice(np.flatnonzero(labels != label)) for label in labels])
