"""Muscle synergies by non-negative matrix factorisation, and whether two sets of them are alike.

A cosine of 0.8 is chance for 8 muscles, because all patterns are positive. Each number therefore
has a null distribution: variance accounted for (VAF) of muscles circularly shifted against each
other in time; cosines and angles of patterns whose muscles are permuted.
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
from scipy import linalg, optimize

from musclehand.core.errors import InvalidValue

_ITERATIONS = 400


class Synergies(NamedTuple):
    """k synergies of K muscles over T samples."""

    weights: np.ndarray
    """Pattern of each synergy, of length 1. Shape (k, K)."""

    activity: np.ndarray
    """Of each synergy over time. Shape (T, k)."""

    vaf: float
    """Variance accounted for: 1 - SSE / sum of squares."""

    vaf_muscles: np.ndarray
    """The same of each muscle. Shape (K,)."""


class VafCurve(NamedTuple):
    """Variance accounted for against the number of synergies."""

    counts: np.ndarray
    """Numbers of synergies. Shape (n,)."""

    vaf: np.ndarray
    """Variance accounted for. Shape (n,)."""

    null: np.ndarray
    """The same of muscles shifted against each other in time. Shape (D, n)."""


class SynergyMatch(NamedTuple):
    """Two sets of k synergies paired up."""

    pairs: np.ndarray
    """Which of the second set belongs to each of the first. Shape (k,)."""

    cosines: np.ndarray
    """Of the pairs. Shape (k,)."""

    cosine: float
    """Mean of the cosines."""

    angle: float
    """[rad] largest principal angle between the spaces that the sets span."""

    null_cosines: np.ndarray
    """Mean cosines with the muscles of the second set permuted. Shape (D,)."""

    null_angles: np.ndarray
    """[rad] largest angles with the muscles of the second set permuted. Shape (D,)."""

    p_cosine: float
    """Share of the null with at least this mean cosine."""

    p_angle: float
    """Share of the null with at most this angle."""


def find_synergies(envelopes: np.ndarray, count: int) -> Synergies:
    """Non-negative matrix factorisation, started from singular vectors (NNDSVDa).

    The start is not random, so the result is always the same.

    Args:
        envelopes: at least 0; scale muscles alike beforehand, or the largest decides. Shape (T, K).
        count: number of synergies, at most K.

    Raises:
        InvalidValue: a count out of range, or envelopes that are not finite or below 0.
    """
    from sklearn.decomposition import NMF
    from sklearn.exceptions import ConvergenceWarning

    values = _checked(envelopes)
    if not 1 <= count <= min(values.shape):
        raise InvalidValue("number of synergies", count, f"1 to {min(values.shape)}")
    model = NMF(count, init="nndsvda", max_iter=_ITERATIONS, tol=1e-4, random_state=0)
    with warnings.catch_warnings():
        # A fit that still creeps after this many steps has the same patterns to two digits.
        warnings.simplefilter("ignore", ConvergenceWarning)
        activity = model.fit_transform(values)
    length = np.linalg.norm(model.components_, axis=1)
    weights = model.components_ / np.where(length > 0, length, 1.0)[:, None]
    error = np.square(values - activity @ model.components_)
    power = np.square(values)
    muscles = 1 - error.sum(axis=0) / np.where(power.sum(axis=0) > 0, power.sum(axis=0), np.nan)
    return Synergies(
        weights=weights,
        activity=activity * length,
        vaf=float(1 - error.sum() / power.sum()),
        vaf_muscles=muscles,
    )


def vaf_curve(
    envelopes: np.ndarray, rng: np.random.Generator, *, max_count: int = 6, draws: int = 10
) -> VafCurve:
    """Variance accounted for by 1 to `max_count` synergies, and its circular-shift null.

    Args:
        envelopes: at least 0. Shape (T, K).
        rng: draws the shift of each muscle.
        max_count: largest number of synergies.
        draws: of the null.
    """
    values = _checked(envelopes)
    counts = np.arange(1, min(max_count, *values.shape) + 1)
    vaf = np.array([find_synergies(values, int(count)).vaf for count in counts])
    null = np.empty((draws, len(counts)))
    for row in null:
        shifted = np.stack(
            [np.roll(column, int(rng.integers(len(values)))) for column in values.T], axis=1
        )
        row[:] = [find_synergies(shifted, int(count)).vaf for count in counts]
    return VafCurve(counts, vaf, null)


def match_synergies(
    first: np.ndarray, second: np.ndarray, rng: np.random.Generator, draws: int = 1000
) -> SynergyMatch:
    """Pairs up two sets of synergies so that the sum of cosines is largest.

    Args:
        first: weights. Shape (k, K).
        second: weights of the same muscles. Shape (k, K).
        rng: draws the permutations of muscles for the null.
        draws: of the null.

    Raises:
        InvalidValue: shapes that differ.
    """
    a, b = (np.asarray(weights, dtype=float) for weights in (first, second))
    if a.ndim != 2 or a.shape != b.shape or not len(a):
        raise InvalidValue("synergies", (a.shape, b.shape), "two sets of one shape (k, K)")
    pairs, cosines = _paired(a, b)
    angle = _angle(a, b)
    permuted = [b[:, rng.permutation(b.shape[1])] for _ in range(draws)]
    null_cosines = np.array([_paired(a, weights)[1].mean() for weights in permuted])
    null_angles = np.array([_angle(a, weights) for weights in permuted])
    p_cosine = (np.sum(null_cosines >= cosines.mean() - 1e-12) + 1) / (draws + 1)
    p_angle = (np.sum(null_angles <= angle + 1e-12) + 1) / (draws + 1)
    return SynergyMatch(
        pairs=pairs,
        cosines=cosines,
        cosine=float(cosines.mean()),
        angle=angle,
        null_cosines=null_cosines,
        null_angles=null_angles,
        p_cosine=float(p_cosine),
        p_angle=float(p_angle),
    )


def _paired(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    lengths = np.linalg.norm(a, axis=1)[:, None] * np.linalg.norm(b, axis=1)[None]
    cosines = a @ b.T / np.where(lengths > 0, lengths, 1.0)
    rows, columns = optimize.linear_sum_assignment(cosines, maximize=True)
    return columns, cosines[rows, columns]


def _angle(a: np.ndarray, b: np.ndarray) -> float:
    return float(linalg.subspace_angles(a.T, b.T).max())


def _checked(envelopes: np.ndarray) -> np.ndarray:
    values = np.asarray(envelopes, dtype=np.float64)
    if (
        values.ndim != 2
        or min(values.shape) < 1
        or not np.isfinite(values).all()
        or values.min() < 0
    ):
        raise InvalidValue("envelopes", values.shape, "finite, at least 0, of shape (T, K)")
    if not values.any():
        raise InvalidValue("envelopes", "all 0", "not all 0")
    return values
