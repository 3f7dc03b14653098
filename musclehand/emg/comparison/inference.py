"""Tests of whole curves: where two sets of curves differ, with one error rate for the whole curve.

A t-test at every sample of a smooth curve finds a difference where there is none in over a third of
cases. The cluster-based permutation test compares runs of samples with large t with the largest
such run after random exchanges (Maris and Oostenveld 2007, J. Neurosci. Methods 164:177, recalled).
Where spm1d is installed, statistical parametric mapping (random field theory) is the alternative.
Both show that curves differ, never that they agree. Both need several curves a side: seeds, trials
or people.
"""

from __future__ import annotations

import importlib
from typing import NamedTuple

import numpy as np
from scipy import ndimage, stats

from musclehand.core.errors import InvalidValue, MusclehandError

MIN_PAIRS = 6
"""Of the 2^n ways to exchange fewer pairs, more than one in twenty are as extreme as the observed
pairs or their mirror."""


class Cluster(NamedTuple):
    """A run of samples where curves differ."""

    first: int
    """Its first sample."""

    last: int
    """The sample after its last one."""

    mass: float
    """Sum of |t|."""

    p: float
    """Probability of a cluster this large where curves do not differ."""


class CurveTest(NamedTuple):
    """Result of a paired test of whole curves."""

    t: np.ndarray
    """t statistic of the differences. Shape (T,)."""

    threshold: float
    """|t| from which a cluster begins."""

    clusters: tuple[Cluster, ...]
    """All clusters, in order of time."""

    @property
    def p(self) -> float:
        """Probability of such curves if they differ nowhere: that of the largest cluster; 1
        without a cluster."""
        return min((cluster.p for cluster in self.clusters), default=1.0)


def compare_curves(
    first: np.ndarray,
    second: np.ndarray,
    rng: np.random.Generator,
    *,
    level: float = 0.05,
    draws: int = 1000,
) -> CurveTest:
    """Cluster-based permutation test of paired curves: the two of a pair are exchanged at random.

    Args:
        first: one curve a row. Shape (n, T).
        second: the curves that they are paired with. Shape (n, T).
        rng: draws the pairs to exchange.
        level: of the t-test that begins a cluster.
        draws: random exchanges.

    Raises:
        InvalidValue: shapes that differ, fewer than 6 pairs, or values that are not finite.
    """
    difference = _difference(first, second)
    n = len(difference)
    threshold = float(stats.t.isf(level / 2, n - 1))
    t = _t(difference[None])[0]
    largest = np.empty(draws)
    for begin in range(0, draws, 100):
        signs = rng.choice((-1.0, 1.0), size=(min(100, draws - begin), n, 1))
        largest[begin : begin + len(signs)] = _largest_mass(_t(signs * difference[None]), threshold)
    clusters = []
    for begin, end, mass in _clusters(t, threshold):
        p = float((np.sum(largest >= mass - 1e-9) + 1) / (draws + 1))
        clusters.append(Cluster(begin, end, mass, p))
    return CurveTest(t, threshold, tuple(clusters))


def compare_curves_spm(first: np.ndarray, second: np.ndarray, *, level: float = 0.05) -> CurveTest:
    """Paired t-test by statistical parametric mapping, as spm1d computes it.

    Args:
        first: one curve a row. Shape (n, T).
        second: the curves that they are paired with. Shape (n, T).
        level: error rate of the whole curve.

    Raises:
        MusclehandError: spm1d is not installed.
        InvalidValue: shapes or values as in `compare_curves`, or samples at which all differences
            are the same.
    """
    difference = _difference(first, second)
    still = int((difference.std(axis=0) == 0).sum())
    if still:
        raise InvalidValue(
            "pairs of curves", f"{still} samples", "with differences that vary, at every sample"
        )
    try:
        spm1d = importlib.import_module("spm1d")
    except ImportError as error:
        raise MusclehandError(
            "statistical parametric mapping needs spm1d: pip install spm1d (GPL-3)"
        ) from error
    result = spm1d.stats.ttest(difference).inference(level, two_tailed=True)
    clusters = []
    for cluster in result.clusters:
        begin, end = (round(float(edge)) for edge in cluster.endpoints)
        mass = float(np.abs(result.z[begin : end + 1]).sum())
        clusters.append(Cluster(begin, end + 1, mass, float(cluster.P)))
    return CurveTest(np.asarray(result.z), float(result.zstar), tuple(clusters))


def _difference(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    a, b = (np.asarray(curves, dtype=float) for curves in (first, second))
    if a.ndim != 2 or a.shape != b.shape or len(a) < MIN_PAIRS or not np.isfinite(a - b).all():
        raise InvalidValue(
            "pairs of curves",
            (a.shape, b.shape),
            f"two finite arrays (n, T), n at least {MIN_PAIRS}",
        )
    return np.asarray(a - b)


def _t(differences: np.ndarray) -> np.ndarray:
    """t of D sets of differences (D, n, T); 0 where they do not vary. Shape (D, T)."""
    spread = differences.std(axis=1, ddof=1)
    mean = differences.mean(axis=1) * np.sqrt(differences.shape[1])
    return np.asarray(np.divide(mean, spread, out=np.zeros_like(mean), where=spread > 0))


def _largest_mass(t: np.ndarray, threshold: float) -> np.ndarray:
    """Mass of the largest cluster in each of D curves (D, T), 0 without one. Shape (D,)."""
    largest = np.zeros(len(t))
    for sign in (1.0, -1.0):
        above = sign * t > threshold
        mass = np.cumsum(np.where(above, np.abs(t), 0.0), axis=1)
        before = np.maximum.accumulate(np.where(above, 0.0, mass), axis=1)
        largest = np.maximum(largest, np.where(above, mass - before, 0.0).max(axis=1))
    return largest


def _clusters(t: np.ndarray, threshold: float) -> list[tuple[int, int, float]]:
    """First sample, the sample after the last, and mass of every run of large |t| of one sign."""
    runs = []
    for sign in (1.0, -1.0):
        labels, _ = ndimage.label(sign * t > threshold)
        for (run,) in ndimage.find_objects(labels):
            runs.append((run.start, run.stop, float(np.abs(t[run]).sum())))
    return sorted(runs)
