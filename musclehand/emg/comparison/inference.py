"""Tests of whole curves: where do two sets of curves differ, with one error rate for the whole
curve?

A t-test at every sample of a smooth curve finds a difference where there is none in over a third of
cases. Clusters of neighbouring samples whose t is large are compared with the largest such cluster
after random exchanges instead (Maris and Oostenveld 2007, J. Neurosci. Methods 164:177, recalled);
or the random field theory of spm1d, where that is installed. Both say that curves differ, never
that they agree, and need several of each: seeds, trials, people.
"""

from __future__ import annotations

import importlib
from typing import NamedTuple

import numpy as np
from scipy import ndimage, stats

from musclehand.core.errors import InvalidValue, MusclehandError

MIN_PAIRS = 6
"""Of the 2^n ways to exchange fewer pairs, more than one in twenty are as extreme as what was
seen, or its mirror."""


class Cluster(NamedTuple):
    """Samples `first` to before `last` where curves differ, the sum of their |t| `mass`, and its
    `p`."""

    first: int
    last: int
    mass: float
    p: float


class CurveTest(NamedTuple):
    """`t` (T,) of the differences, `threshold` of |t| that begins a cluster, `clusters` in order
    of time."""

    t: np.ndarray
    threshold: float
    clusters: tuple[Cluster, ...]

    @property
    def p(self) -> float:
        """That curves differ nowhere: of the largest cluster; 1 without one."""
        return min((cluster.p for cluster in self.clusters), default=1.0)


def compare_curves(
    first: np.ndarray,
    second: np.ndarray,
    rng: np.random.Generator,
    *,
    level: float = 0.05,
    draws: int = 1000,
) -> CurveTest:
    """Paired curves against each other, by exchanging the two of a pair at random.

    Args:
        first: one curve a row. Shape (n, T).
        second: those that belong to them. Shape (n, T).
        rng: which are exchanged.
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
    found = []
    for begin, end, mass in _clusters(t, threshold):
        found.append(
            Cluster(begin, end, mass, float((np.sum(largest >= mass - 1e-9) + 1) / (draws + 1)))
        )
    return CurveTest(t, threshold, tuple(found))


def compare_curves_spm(first: np.ndarray, second: np.ndarray, *, level: float = 0.05) -> CurveTest:
    """The same by statistical parametric mapping: spm1d's paired t-test.

    Raises:
        MusclehandError: spm1d is not installed.
        InvalidValue: as `compare_curves`, or samples at which all differences are the same.
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
    for each in result.clusters:
        begin, end = (round(float(edge)) for edge in each.endpoints)
        mass = float(np.abs(result.z[begin : end + 1]).sum())
        clusters.append(Cluster(begin, end + 1, mass, float(each.P)))
    return CurveTest(np.asarray(result.z), float(result.zstar), tuple(clusters))


def _difference(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    one, two = (np.asarray(each, dtype=float) for each in (first, second))
    if (
        one.ndim != 2
        or one.shape != two.shape
        or len(one) < MIN_PAIRS
        or not np.isfinite(one - two).all()
    ):
        raise InvalidValue(
            "pairs of curves",
            (one.shape, two.shape),
            f"two finite arrays (n, T), n at least {MIN_PAIRS}",
        )
    return np.asarray(one - two)


def _t(differences: np.ndarray) -> np.ndarray:
    """Of many sets of differences (D, n, T); 0 where they do not vary. Shape (D, T)."""
    spread = differences.std(axis=1, ddof=1)
    mean = differences.mean(axis=1) * np.sqrt(differences.shape[1])
    return np.asarray(np.divide(mean, spread, out=np.zeros_like(mean), where=spread > 0))


def _largest_mass(t: np.ndarray, threshold: float) -> np.ndarray:
    """Mass of the largest cluster in each of many curves (D, T), 0 without one. Shape (D,)."""
    largest = np.zeros(len(t))
    for sign in (1.0, -1.0):
        above = sign * t > threshold
        mass = np.cumsum(np.where(above, np.abs(t), 0.0), axis=1)
        before = np.maximum.accumulate(np.where(above, 0.0, mass), axis=1)
        largest = np.maximum(largest, np.where(above, mass - before, 0.0).max(axis=1))
    return largest


def _clusters(t: np.ndarray, threshold: float) -> list[tuple[int, int, float]]:
    """First sample, the one after the last, and mass of every run of large |t| with one sign."""
    found = []
    for sign in (1.0, -1.0):
        labels, _ = ndimage.label(sign * t > threshold)
        for (place,) in ndimage.find_objects(labels):
            found.append((place.start, place.stop, float(np.abs(t[place]).sum())))
    return sorted(found)
