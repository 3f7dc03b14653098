"""Does the score find the right one? The rank of the true channel among all channels, of the true
movement among all.

A correlation of 0.8 says little where the wrong muscle has 0.7; being first of eight is chance in
one of eight cases, which needs no explanation. Movements are compared as ensembles: curves round
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

FEW = 3
"""Muscles of which no mixture is made."""


class Identification(NamedTuple):
    """How often the right one is found among C candidates.

    `names` (N,) of what was looked for; `ranks` (N,), 1 for found, ties in the middle, nan without
    a score; `first` share of rank 1 with its Wilson interval `low`, `high`; `chance` 1/C; `p` that
    ranks are this low by chance, from random assignments of candidates.
    """

    names: tuple[str, ...]
    ranks: np.ndarray
    first: float
    low: float
    high: float
    chance: float
    p: float


def identify(matrix: np.ndarray, names: Sequence[str], rng: np.random.Generator) -> Identification:
    """Ranks of the true candidates, those on the diagonal, by score.

    Args:
        matrix: scores, higher is better; candidate i is the true one of row i. Shape (N, C), C at
            least N.
        names: of the rows.
        rng: for the random assignments.

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
    known = ~np.isnan(scores).all(axis=1)
    own = np.arange(len(scores))
    ranks = np.where(known, all_ranks[own, own], np.nan)
    hits = int((ranks[known] == 1).sum())
    count = int(known.sum())
    candidates = scores.shape[1]
    low, high = proportion_interval(hits, count)
    if not count:
        return Identification(tuple(names), ranks, np.nan, low, high, 1 / candidates, np.nan)
    orders = rng.permuted(np.tile(np.arange(candidates), (_DRAWS, 1)), axis=1)[:, : len(scores)]
    chance = all_ranks[own, orders][:, known].mean(axis=1)
    p = (np.sum(chance <= ranks[known].mean() + 1e-12) + 1) / (_DRAWS + 1)
    return Identification(tuple(names), ranks, hits / count, low, high, 1 / candidates, float(p))


def shares_of_explained(matrix: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """How much of what all simulated muscles together have to do with a channel each of them has
    alone.

    A noisy channel has low correlations with all muscles, a clean neighbour higher ones even with
    muscles that are not its own; shares do without that difference. By chance a mixture explains
    something of noise as well, so nothing counts as explained less than 95 % of moves in time
    explain. Where there are too few muscles to make a mixture of (`FEW`), the correlations are left
    as they are: a single one has all there is.

    Args:
        matrix: r of each muscle with each channel, at its best lag. Shape (K, C).
        moved: r of their best mixture with each channel, the recording moved by so many samples
            (`nulls.moved_mixture`). Shape (T, C).

    Returns:
        Shape (K, C).
    """
    if len(matrix) <= FEW:
        return np.array(matrix)
    return np.asarray(matrix / np.maximum(moved[0], np.percentile(moved, 95, axis=0)))


def match_channels(matrix: np.ndarray) -> np.ndarray:
    """Which channel each muscle is in, if each is in one: the assignment with the largest sum of
    scores. Shape (N,).

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
    """Curves round the events of each label, averaged; windows that are not wholly recorded are
    left out.

    Args:
        envelopes: or smoothed activations.
        events: what happened when.
        window: of each, from its onset [s].
        labels: which; by default all that have a whole window, sorted.

    Raises:
        InvalidValue: a window that ends before it begins, or a label without a whole one.
    """
    values = envelopes.values
    fs_hz = envelopes.fs_hz
    first = round(window[0] * fs_hz)
    last = round(window[1] * fs_hz)
    if last <= first:
        raise InvalidValue("window", window, "two times [s], the first below the second")
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
            values[b + first : b + last]
            for b in begins
            if b + first >= 0 and b + last <= len(values)
        ]
        pieces = [piece for piece in pieces if np.isfinite(piece).all()]
        if pieces:
            means.append(np.mean(pieces, axis=0))
            counts.append(len(pieces))
            kept.append(label)
        elif labels is not None:
            raise InvalidValue(
                "events",
                label,
                f"at least one wholly recorded from {window[0]:g} to {window[1]:g} s",
            )
    if not means:
        raise InvalidValue(
            "events",
            len(events),
            f"at least one wholly recorded from {window[0]:g} to {window[1]:g} s",
        )
    time = np.arange(first, last) / fs_hz
    return Ensembles(np.stack(means), time, tuple(kept), envelopes.names, tuple(counts), fs_hz)


def select_movements(ensembles: Ensembles, movements: Sequence[str]) -> Ensembles:
    """Only these movements, in this order.

    Raises:
        InvalidValue: one that is not there.
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
    """Correlation over channels and time at once of every recorded with every simulated movement.
    Shape (L, L').

    Row i is the recorded movement i, column j the simulated movement j: the row asks which movement
    was recorded.
    """
    if simulated.values.shape[1:] != recorded.values.shape[1:]:
        legal = f"as long and wide as the recorded, {recorded.values.shape}"
        raise InvalidValue("shape of ensembles", simulated.values.shape, legal)
    ours, theirs = (each.values.reshape(len(each.values), -1).T for each in (simulated, recorded))
    columns = [
        correlation(np.repeat(ours[:, [j]], theirs.shape[1], axis=1), theirs)
        for j in range(ours.shape[1])
    ]
    return np.stack(columns, axis=1)


class Ceiling(NamedTuple):
    """How alike recordings of two sessions or people are, the most that a simulation can hope for.

    Of ensembles with the same label: `channels` (L, K) correlation over time of each channel,
    `pooled` (L,) over channels and time. `wrong_channels` (L (L-1), K), `wrong_pooled`: the same
    for different labels, which is the null.
    """

    channels: np.ndarray
    pooled: np.ndarray
    wrong_channels: np.ndarray
    wrong_pooled: np.ndarray


def ceiling(first: Ensembles, second: Ensembles) -> Ceiling:
    """Of two recordings of the same movements with the same channels.

    Raises:
        InvalidValue: no common movement, or ensembles of different shapes.
    """
    common = [movement for movement in first.movements if movement in second.movements]
    if not common:
        raise InvalidValue(
            "movements", list(second.movements), f"at least one of {', '.join(first.movements)}"
        )
    one = select_movements(first, common)
    two = select_movements(second, common)
    pooled = movement_matrix(one, two)
    right = np.eye(len(common), dtype=bool)
    channels = np.array([[correlation(a, b) for b in two.values] for a in one.values])
    return Ceiling(channels[right], pooled[right], channels[~right], pooled[~right])
