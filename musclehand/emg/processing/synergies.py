"""Muscle synergies: a few patterns that many muscles follow, and whether two sets of them are alike
beyond chance.

A cosine of 0.8 is chance for 8 muscles, because all patterns are positive. So each number has its
null beside it: variance accounted for of muscles moved against each other in time, cosines and
angles of patterns whose muscles are exchanged.
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
from scipy import linalg, optimize

from musclehand.core.errors import InvalidValue

_ITERATIONS = 400


class Synergies(NamedTuple):
    """`weights` (k, K), each of length 1, `activity` (T, k), `vaf` 1 - SSE / sum of squares,
    `vaf_muscles` (K,)."""

    weights: np.ndarray
    activity: np.ndarray
    vaf: float
    vaf_muscles: np.ndarray


class VafCurve(NamedTuple):
    """`counts` (n,) numbers of synergies, `vaf` (n,), and `null` (D, n) of muscles moved against
    each other in time."""

    counts: np.ndarray
    vaf: np.ndarray
    null: np.ndarray


class SynergyMatch(NamedTuple):
    """Two sets of synergies paired up. `pairs` (k,): which of the second set belongs to each of the
    first.

    `cosines` (k,) of the pairs and their mean `cosine`; `angle` [rad], the largest between the
    spaces that they span; `null_cosines`, `null_angles` (D,) with the muscles of the second set
    exchanged; `p_cosine`, `p_angle`.
    """

    pairs: np.ndarray
    cosines: np.ndarray
    cosine: float
    angle: float
    null_cosines: np.ndarray
    null_angles: np.ndarray
    p_cosine: float
    p_angle: float


def find_synergies(envelopes: np.ndarray, count: int) -> Synergies:
    """Non-negative matrix factorisation, started from the singular vectors (NNDSVDa), so always the
    same.

    Args:
        envelopes: at least 0; scale muscles alike beforehand, or the largest decides. Shape (T, K).
        count: of synergies, at most K.

    Raises:
        InvalidValue: a count or envelopes that cannot be.
    """
    from sklearn.decomposition import NMF
    from sklearn.exceptions import ConvergenceWarning

    values = _checked(envelopes)
    if not 1 <= count <= min(values.shape):
        raise InvalidValue("number of synergies", count, f"1 to {min(values.shape)}")
    model = NMF(count, init="nndsvda", max_iter=_ITERATIONS, tol=1e-4, random_state=0)
    with warnings.catch_warnings():
        # A fit that still creeps after so many steps has the same patterns to two digits.
        warnings.simplefilter("ignore", ConvergenceWarning)
        activity = model.fit_transform(values)
    length = np.linalg.norm(model.components_, axis=1)
    weights = model.components_ / np.where(length > 0, length, 1.0)[:, None]
    error = np.square(values - activity @ model.components_)
    power = np.square(values)
    muscles = 1 - error.sum(axis=0) / np.where(power.sum(axis=0) > 0, power.sum(axis=0), np.nan)
    return Synergies(weights, activity * length, float(1 - error.sum() / power.sum()), muscles)


def vaf_curve(
    envelopes: np.ndarray, rng: np.random.Generator, *, most: int = 6, draws: int = 10
) -> VafCurve:
    """Variance accounted for by 1 to `most` synergies, and by as many of muscles that have nothing
    in common in time.

    Args:
        envelopes: at least 0. Shape (T, K).
        rng: how far muscles are moved.
        most: largest number of synergies.
        draws: of the null.
    """
    values = _checked(envelopes)
    counts = np.arange(1, min(most, *values.shape) + 1)
    seen = np.array([find_synergies(values, int(count)).vaf for count in counts])
    null = np.empty((draws, len(counts)))
    for row in null:
        moved = np.stack(
            [np.roll(column, int(rng.integers(len(values)))) for column in values.T], axis=1
        )
        row[:] = [find_synergies(moved, int(count)).vaf for count in counts]
    return VafCurve(counts, seen, null)


def match_synergies(
    first: np.ndarray, second: np.ndarray, rng: np.random.Generator, draws: int = 1000
) -> SynergyMatch:
    """Pairs up two sets of synergies so that the sum of cosines is largest.

    Args:
        first: weights. Shape (k, K).
        second: weights of the same muscles. Shape (k, K).
        rng: how muscles are exchanged for the null.
        draws: of the null.

    Raises:
        InvalidValue: shapes that differ.
    """
    one, two = (np.asarray(each, dtype=float) for each in (first, second))
    if one.ndim != 2 or one.shape != two.shape or not len(one):
        raise InvalidValue("synergies", (one.shape, two.shape), "two sets of one shape (k, K)")
    pairs, cosines = _paired(one, two)
    angle = _angle(one, two)
    mixed = [two[:, rng.permutation(two.shape[1])] for _ in range(draws)]
    null_cosines = np.array([_paired(one, each)[1].mean() for each in mixed])
    null_angles = np.array([_angle(one, each) for each in mixed])
    p_cosine = (np.sum(null_cosines >= cosines.mean() - 1e-12) + 1) / (draws + 1)
    p_angle = (np.sum(null_angles <= angle + 1e-12) + 1) / (draws + 1)
    mean = float(cosines.mean())
    return SynergyMatch(
        pairs, cosines, mean, angle, null_cosines, null_angles, float(p_cosine), float(p_angle)
    )


def _paired(one: np.ndarray, two: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    lengths = np.linalg.norm(one, axis=1)[:, None] * np.linalg.norm(two, axis=1)[None]
    cosines = one @ two.T / np.where(lengths > 0, lengths, 1.0)
    rows, columns = optimize.linear_sum_assignment(cosines, maximize=True)
    return columns, cosines[rows, columns]


def _angle(one: np.ndarray, two: np.ndarray) -> float:
    return float(linalg.subspace_angles(one.T, two.T).max())


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
