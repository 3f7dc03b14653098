"""Identification: the rank of the true channel among all channels, of the true movement among all.

A correlation of 0.8 says little where the wrong muscle has 0.7. Rank 1 of eight is chance in one of
eight cases, which needs no explanation. Movements are compared as ensemble averages: curves round
all events with one label, averaged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import optimize

from musclehand.core.errors import InvalidValue
from musclehand.emg.comparison.statistics import correlation, proportion_interval
from musclehand.emg.model.armband import Ensembles
from musclehand.emg.processing.envelope import Envelopes
from musclehand.emg.recording import Event

_DRAWS = 5000

MAX_WITHOUT_MIXTURE = 3
"""Up to this many muscles are too few to be compared with a mixture of all of them."""


class Identification(NamedTuple):
    """How often the true candidate is identified among C candidates."""

    names: tuple[str, ...]
    """Of the rows: muscles, channels or movements. N of them."""

    ranks: np.ndarray
    """Rank of the true candidate: 1 is identified, ties are in the middle, NaN has no score. Shape
    (N,)."""

    first: float
    """Share of rank 1."""

    low: float
    """Lower bound of that share: Wilson's 95 % interval."""

    high: float
    """Upper bound of that share."""

    chance: float
    """Share of rank 1 by chance: 1/C."""

    p: float
    """Probability of ranks this low by chance, from random assignments of candidates."""


def identify(matrix: np.ndarray, names: Sequence[str], rng: np.random.Generator) -> Identification:
    """Ranks of the true candidates, those on the diagonal, by score.

    Args:
        matrix: scores, higher is better; candidate i is the true one of row i. Shape (N, C), C at
            least N.
        names: of the rows.
        rng: draws the random assignments.

    Raises:
        InvalidValue: not such a matrix.
    """
    scores = np.asarray(matrix, dtype=float)
    if scores.ndim != 2 or not 1 <= scores.shape[0] <= scores.shape[1] or len(names) != len(scores):
        raise InvalidValue(
            "matrix of scores", scores.shape, f"({len(names)}, C), C at least the number of rows"
        )
    filled = np.where(np.isnan(scores), -np.inf, scores)
    all_ranks = 1 + (filled[:, None, :] > filled[:, :, None]).sum(axis=2)
    ties = (filled[:, None, :] == filled[:, :, None]).sum(axis=2)
    all_ranks = all_ranks + 0.5 * (ties - 1)
    scored = ~np.isnan(scores).all(axis=1)
    diagonal = np.arange(len(scores))
    ranks = np.where(scored, all_ranks[diagonal, diagonal], np.nan)
    hits = int((ranks[scored] == 1).sum())
    count = int(scored.sum())
    candidates = scores.shape[1]
    low, high = proportion_interval(hits, count)
    first = p = np.nan
    if count:
        orders = rng.permuted(np.tile(np.arange(candidates), (_DRAWS, 1)), axis=1)
        chance = all_ranks[diagonal, orders[:, : len(scores)]][:, scored].mean(axis=1)
        p = (np.sum(chance <= ranks[scored].mean() + 1e-12) + 1) / (_DRAWS + 1)
        first = hits / count
    return Identification(
        names=tuple(names),
        ranks=ranks,
        first=first,
        low=low,
        high=high,
        chance=1 / candidates,
        p=float(p),
    )


def explained_shares(matrix: np.ndarray, shifted_mixture: np.ndarray) -> np.ndarray:
    """Share of each muscle in the correlation that all simulated muscles together explain.

    A noisy channel has low correlations with all muscles. A clean neighbour has higher ones even
    with muscles that are not its own. Shares remove that difference. A mixture explains some of any
    noise by chance, so the divisor is at least the 95th percentile of circular shifts.
    With up to `MAX_WITHOUT_MIXTURE` muscles the correlations stay as they are.

    Args:
        matrix: r of each muscle with each channel, at its best lag. Shape (K, C).
        shifted_mixture: r of the best mixture of all muscles with each channel, after circular
            shifts of the recording (`nulls.shifted_mixture_r`). Shape (T, C).

    Returns:
        Shape (K, C).
    """
    if len(matrix) <= MAX_WITHOUT_MIXTURE:
        return np.array(matrix)
    return np.asarray(
        matrix / np.maximum(shifted_mixture[0], np.percentile(shifted_mixture, 95, axis=0))
    )


def match_channels(matrix: np.ndarray) -> np.ndarray:
    """Channel of each muscle by optimal assignment: the largest sum of scores. Shape (N,).

    Args:
        matrix: score of muscle i in channel j. Shape (N, C), C at least N.
    """
    rows, columns = optimize.linear_sum_assignment(
        np.nan_to_num(np.asarray(matrix, dtype=float), nan=-1.0), maximize=True
    )
    return np.asarray(columns[np.argsort(rows)])


def average_events(
    envelopes: Envelopes,
    events: Sequence[Event],
    window: tuple[float, float],
    labels: Sequence[str] | None = None,
) -> Ensembles:
    """Ensemble averages round the events of each label; incomplete windows are left out.

    Args:
        envelopes: or smoothed activations.
        events: with onsets in the envelopes' time.
        window: of each event, from its onset [s].
        labels: to average; by default all that have a complete window, sorted.

    Raises:
        InvalidValue: a window that ends before it begins, or a label without a complete one.
    """
    values = envelopes.values
    fs_hz = envelopes.fs_hz
    first = round(window[0] * fs_hz)
    last = round(window[1] * fs_hz)
    if last <= first:
        raise InvalidValue("window", window, "two times [s], the first below the second")
    legal = f"at least one wholly recorded from {window[0]:g} to {window[1]:g} s"
    means = []
    counts = []
    kept = []
    for label in sorted({event.label for event in events}) if labels is None else labels:
        begins = [
            round((event.onset - envelopes.start) * fs_hz)
            for event in events
            if event.label == label
        ]
        pieces = [
            values[begin + first : begin + last]
            for begin in begins
            if begin + first >= 0 and begin + last <= len(values)
        ]
        pieces = [piece for piece in pieces if np.isfinite(piece).all()]
        if pieces:
            means.append(np.mean(pieces, axis=0))
            counts.append(len(pieces))
            kept.append(label)
        elif labels is not None:
            raise InvalidValue("events", label, legal)
    if not means:
        raise InvalidValue("events", len(events), legal)
    return Ensembles(
        values=np.stack(means),
        time=np.arange(first, last) / fs_hz,
        movements=tuple(kept),
        names=envelopes.names,
        counts=tuple(counts),
        fs_hz=fs_hz,
    )


def select_movements(ensembles: Ensembles, movements: Sequence[str]) -> Ensembles:
    """Only these movements, in this order.

    Raises:
        InvalidValue: a movement that the ensembles do not have.
    """
    if not set(movements) <= set(ensembles.movements):
        raise InvalidValue(
            "movements", list(movements), f"some of {', '.join(ensembles.movements)}"
        )
    places = [ensembles.movements.index(movement) for movement in movements]
    counts = tuple(ensembles.counts[place] for place in places)
    return ensembles._replace(
        values=ensembles.values[places], movements=tuple(movements), counts=counts
    )


def movement_matrix(simulated: Ensembles, recorded: Ensembles) -> np.ndarray:
    """Correlation over channels and time of every recorded with every simulated movement.

    Returns:
        Row i is the recorded movement i, column j the simulated movement j: a row asks which
        movement was recorded. Shape (L, L').
    """
    if simulated.values.shape[1:] != recorded.values.shape[1:]:
        legal = f"as long and wide as the recorded, {recorded.values.shape}"
        raise InvalidValue("shape of ensembles", simulated.values.shape, legal)
    simulated_columns, recorded_columns = (
        side.values.reshape(len(side.values), -1).T for side in (simulated, recorded)
    )
    count = recorded_columns.shape[1]
    columns = [
        correlation(np.repeat(simulated_columns[:, [j]], count, axis=1), recorded_columns)
        for j in range(simulated_columns.shape[1])
    ]
    return np.stack(columns, axis=1)


class NoiseCeiling(NamedTuple):
    """Agreement of two recordings of the same movements: the most that a simulation can reach.

    Of ensemble averages with the same label, and as the null of those with different labels.
    """

    channels: np.ndarray
    """Correlation over time of each channel, same movement. Shape (L, K)."""

    pooled: np.ndarray
    """Correlation over channels and time, same movement. Shape (L,)."""

    wrong_channels: np.ndarray
    """Correlation over time of each channel, different movements. Shape (L (L-1), K)."""

    wrong_pooled: np.ndarray
    """Correlation over channels and time, different movements. Shape (L (L-1),)."""


def noise_ceiling(first: Ensembles, second: Ensembles) -> NoiseCeiling:
    """Noise ceiling from two recordings of the same movements with the same channels.

    Raises:
        InvalidValue: no common movement, or ensembles of different shapes.
    """
    common = [movement for movement in first.movements if movement in second.movements]
    if not common:
        raise InvalidValue(
            "movements", list(second.movements), f"at least one of {', '.join(first.movements)}"
        )
    a = select_movements(first, common)
    b = select_movements(second, common)
    pooled = movement_matrix(a, b)
    right = np.eye(len(common), dtype=bool)
    channels = np.array([[correlation(x, y) for y in b.values] for x in a.values])
    return NoiseCeiling(
        channels=channels[right],
        pooled=pooled[right],
        wrong_channels=channels[~right],
        wrong_pooled=pooled[~right],
    )
