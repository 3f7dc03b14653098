"""Onset detection: a two-state mixture model of the log envelope, and agreement of two results.

The logarithm of an envelope has two clusters, rest and activity. A mixture of two normal
distributions is fitted to it, and the threshold is where both are as likely. On recordings with
known labels this agrees better than mean + 3 or 5 SD of a baseline, and it needs no baseline. Where
the clusters are not separate (Ashman's D below 2: Ashman, Bird and Zepf 1994, Astron. J. 108:2348,
recalled), on and off do not exist and results are NaN.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import optimize

from musclehand.core.errors import InvalidValue
from musclehand.emg.comparison.statistics import check_pair

FLOOR = 1e-3
"""Share of the 99th percentile that smaller values of an envelope are raised to, so that no
logarithm of 0 is taken."""

MIN_SEPARATION = 2.0
"""Ashman's D from which two clusters are separate, chosen on a labelled armband session. Median
kappa with the labels was 0.89 in channels with D above 3, and 0.78 from 2 to 3 (44 of 56 channels
together). Below 2 it was 0.30 to 0.56."""

_MAX_FITTED = 3000


@dataclass(frozen=True)
class ActivityConfig:
    """When a muscle counts as on.

    Raises:
        InvalidValue: a time that is not above 0.
    """

    shortest: float = 0.05
    """[s] bursts and gaps shorter than this do not count."""

    tolerance: float = 0.3
    """[s] two onsets at most this far apart are the same."""

    def __post_init__(self) -> None:
        for name in ("shortest", "tolerance"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise InvalidValue(name, getattr(self, name), "a number of seconds above 0")


class Activity(NamedTuple):
    """On and off of one muscle."""

    active: np.ndarray
    """Whether the muscle is on. Shape (T,)."""

    threshold: float
    """In the envelope's units."""

    separation: float
    """Ashman's D of the two clusters."""

    @property
    def usable(self) -> bool:
        """Whether there are two states at all."""
        return bool(
            self.separation >= MIN_SEPARATION and self.active.any() and not self.active.all()
        )


class OnsetErrors(NamedTuple):
    """Agreement of the bursts of a simulated and a recorded muscle; NaN without a match."""

    matched: int
    """Bursts of both."""

    missed: int
    """Bursts that were recorded but not simulated."""

    extra: int
    """Bursts that were simulated but not recorded."""

    onset: float
    """[s] median error of matched onsets, simulated minus recorded."""

    onset_spread: float
    """[s] median absolute error of matched onsets."""

    offset: float
    """[s] median error of matched offsets, simulated minus recorded."""

    offset_spread: float
    """[s] median absolute error of matched offsets."""


def find_activity(
    envelope: np.ndarray, fs_hz: float, config: ActivityConfig | None = None
) -> Activity:
    """On and off by a mixture of two normal distributions, fitted to the log envelope.

    Args:
        envelope: at least 0. Shape (T,).
        fs_hz: rate of the envelope [Hz].
        config: shortest burst and gap.

    Raises:
        InvalidValue: not one finite curve of at least 10 samples.
    """
    from sklearn.mixture import GaussianMixture

    values = np.asarray(envelope, dtype=np.float64)
    if values.ndim != 1 or len(values) < 10 or not np.isfinite(values).all():
        raise InvalidValue("envelope", values.shape, "one finite curve of at least 10 samples")
    top = float(np.percentile(values, 99))
    if top <= 0 or values.max() - values.min() <= 1e-9 * top:
        return Activity(np.zeros(len(values), dtype=bool), math.nan, 0.0)
    logs = np.log(np.maximum(values, FLOOR * top))
    fitted = logs[:: max(len(logs) // _MAX_FITTED, 1), None]
    start = np.percentile(fitted, [20, 90])[:, None]
    spread = max(float(fitted.std()), 1e-6)
    mixture = GaussianMixture(
        2,
        means_init=start,
        precisions_init=np.full((2, 1, 1), 4 / spread**2),
        weights_init=[0.5, 0.5],
        init_params="random_from_data",  # not used, and k-means would take most of the time
        reg_covar=(0.05 * spread) ** 2,
        random_state=0,
        max_iter=200,
    )
    mixture.fit(fitted)
    order = np.argsort(mixture.means_[:, 0])
    means = mixture.means_[order, 0]
    variances = mixture.covariances_[order, 0, 0]
    separation = float(math.sqrt(2) * (means[1] - means[0]) / math.sqrt(variances.sum()))
    threshold = _equally_likely(means, np.sqrt(variances), mixture.weights_[order])
    active = keep_long(
        logs > threshold, max(round((config or ActivityConfig()).shortest * fs_hz), 1)
    )
    return Activity(active, math.exp(threshold), separation)


def fraction_activity(
    envelope: np.ndarray, fs_hz: float, fraction: float = 0.2, shortest: float = 0.05
) -> np.ndarray:
    """On and off by a fixed fraction of the 99th percentile; the plain alternative.

    Args:
        envelope: at least 0. Shape (T,).
        fs_hz: rate of the envelope [Hz].
        fraction: of the 99th percentile, above which a muscle is on.
        shortest: bursts and gaps shorter than this do not count [s].

    Returns:
        Shape (T,).
    """
    values = np.asarray(envelope, dtype=np.float64)
    return keep_long(values > fraction * np.percentile(values, 99), max(round(shortest * fs_hz), 1))


def keep_long(active: np.ndarray, samples: int) -> np.ndarray:
    """Fills gaps, then removes bursts, that are shorter than `samples`.

    The first and the last run of the curve stay as they are: their true length is not known.
    """
    kept = np.array(active, dtype=bool)
    for state in (False, True):
        starts, ends = _runs(kept == state)
        for first, last in zip(starts, ends, strict=True):
            if last - first < samples and first > 0 and last < len(kept):
                kept[first:last] = not state
    return kept


def kappa(simulated: np.ndarray, recorded: np.ndarray) -> np.ndarray:
    """Cohen's kappa of on and off: agreement beyond chance.

    Args:
        simulated: on or off. Shape (T, K).
        recorded: the same of the recording. Shape (T, K).

    Returns:
        NaN where a side never changes. Shape (K,).
    """
    a, e = check_pair(simulated, recorded)
    on_a = a.mean(axis=0)
    on_e = e.mean(axis=0)
    observed = (a == e).mean(axis=0)
    chance = on_a * on_e + (1 - on_a) * (1 - on_e)
    changes = (on_a > 0) & (on_a < 1) & (on_e > 0) & (on_e < 1)
    return np.where(changes, (observed - chance) / np.where(changes, 1 - chance, 1.0), np.nan)


def match_onsets(
    simulated: np.ndarray, recorded: np.ndarray, fs_hz: float, tolerance: float = 0.3
) -> OnsetErrors:
    """Pairs up the bursts of two sides by their onsets.

    As many as possible, then as near as possible, begin within the tolerance of each other
    (optimal assignment).

    Args:
        simulated: on or off. Shape (T,).
        recorded: the same of the recording. Shape (T,).
        fs_hz: rate of both [Hz].
        tolerance: largest distance of two onsets [s].
    """
    simulated_onsets, simulated_offsets = _runs(np.asarray(simulated, dtype=bool))
    recorded_onsets, recorded_offsets = _runs(np.asarray(recorded, dtype=bool))
    distance = np.abs(simulated_onsets[:, None] - recorded_onsets[None]) / fs_hz
    rows, columns = optimize.linear_sum_assignment(
        np.where(distance <= tolerance, distance - 1e3, 0.0)
    )
    near = distance[rows, columns] <= tolerance
    rows = rows[near]
    columns = columns[near]
    onset = (simulated_onsets[rows] - recorded_onsets[columns]) / fs_hz
    offset = (simulated_offsets[rows] - recorded_offsets[columns]) / fs_hz
    return OnsetErrors(
        matched=len(rows),
        missed=len(recorded_onsets) - len(rows),
        extra=len(simulated_onsets) - len(rows),
        onset=_median(onset),
        onset_spread=_median(abs(onset)),
        offset=_median(offset),
        offset_spread=_median(abs(offset)),
    )


def _median(values: np.ndarray) -> float:
    return float(np.median(values)) if len(values) else math.nan


def _runs(active: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First samples of all runs that are on, and the samples after their last ones."""
    edges = np.diff(np.concatenate([[0], active.astype(int), [0]]))
    return np.flatnonzero(edges > 0), np.flatnonzero(edges < 0)


def _equally_likely(means: np.ndarray, deviations: np.ndarray, weights: np.ndarray) -> float:
    """The place between the means where both distributions have the same density."""

    def difference(x: float) -> float:
        densities = np.log(weights / deviations) - 0.5 * np.square((x - means) / deviations)
        return float(densities[1] - densities[0])

    if difference(means[0]) >= 0 or difference(means[1]) <= 0:
        return float(means.mean())
    return float(optimize.brentq(difference, means[0], means[1]))
