"""How an armband sits: by how many electrodes it is turned, and what each electrode hears of each
muscle.

An armband's channel numbers are places, and wearers turn it differently: in the
myo-readings-dataset by 2 or 6 of 8 electrodes in spite of a written protocol. Both models here are
fitted on calibration movements and must be tested on others, which `cross_validate_rotation` and
`cross_validate_mixing` do, leaving one movement out at a time.

    session = movement_ensembles(read_armband_session("right/12345-1"), EnvelopeConfig())
    other = movement_ensembles(read_armband_session("right/45612-1"), EnvelopeConfig())
    find_rotation(session.values, other.values).shift
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from scipy import optimize

from musclehand.core.errors import InvalidValue
from musclehand.emg.processing.envelope import EnvelopeConfig, envelope, find_scale
from musclehand.emg.recording import EmgRecording

BEFORE = 1.0
AFTER = 7.0
"""The part of a held movement that is averaged: from this long before its onset to this long
after it [s]."""

RIDGE = 1e-3
"""How much a mixing model is drawn to its prior, as a share of what the activities weigh."""


class Ensembles(NamedTuple):
    """The mean course of each of M movements: `values` (M, T, K), NaN in no place; `time` (T,) [s]
    from the onset; `movements` (M,), `names` (K,) of the channels; `counts` (M,) of repetitions;
    `fs_hz`.
    """

    values: np.ndarray
    time: np.ndarray
    movements: tuple[str, ...]
    names: tuple[str, ...]
    counts: tuple[int, ...]
    fs_hz: float


class Rotation(NamedTuple):
    """Channel i of the first wearer sits where channel (i + `shift`) mod K of the second one does;
    if `mirrored`, where (`shift` - i) mod K does. `r` the correlation so turned; `scores` (K,) of
    all shifts, the mirrored ones not among them unless it is mirrored.
    """

    shift: int
    mirrored: bool
    r: float
    scores: np.ndarray


class MovementTest(NamedTuple):
    """Correlations of M movements that a model did not see with those of someone else. `right`
    (M,): the same movement; `wrong` (M, M - 1): all others; `shifts` (M,) fitted without it (0
    where no rotation was fitted).
    """

    right: np.ndarray
    wrong: np.ndarray
    shifts: np.ndarray


class Mixing(NamedTuple):
    """Electrodes from muscles: `matrix` (K, m), nothing in it below 0."""

    matrix: np.ndarray

    def predict(self, activity: np.ndarray) -> np.ndarray:
        """What the electrodes should show of activity (..., m). Shape (..., K)."""
        return np.asarray(activity @ self.matrix.T)


def movement_ensembles(
    recordings: Mapping[str, EmgRecording],
    config: EnvelopeConfig,
    *,
    before: float = BEFORE,
    after: float = AFTER,
) -> Ensembles:
    """The mean envelope of each movement about its onsets, all scaled by one value a channel.

    Args:
        recordings: one for each movement, with events of that label; a movement without any is left
            out.
        config: of the envelopes.
        before: and
        after: of the onset [s]. Repetitions that do not lie wholly in the recording are left out.

    Raises:
        InvalidValue: no movement has an event, or the recordings have different channels.
    """
    whole = {
        movement: each
        for movement, each in recordings.items()
        if any(e.label == movement for e in each.events)
    }
    if not whole:
        raise InvalidValue(
            "recordings", sorted(recordings), "with events of the movement that they are named by"
        )
    scale = find_scale(whole.values(), config)
    means = []
    counts = []
    kept = []
    rows = np.arange(-round(before * config.fs_out_hz), round(after * config.fs_out_hz))
    for movement, recording in whole.items():
        values = envelope(recording, config, scale).values
        starts = [
            round(event.onset * config.fs_out_hz)
            for event in recording.events
            if event.label == movement
        ]
        parts = [
            values[start + rows]
            for start in starts
            if start + rows[0] >= 0 and start + rows[-1] < len(values)
        ]
        parts = [part for part in parts if np.isfinite(part).all()]
        if parts:
            means.append(np.mean(parts, axis=0))
            counts.append(len(parts))
            kept.append(movement)
    if not means:
        raise InvalidValue(
            "recordings",
            sorted(recordings),
            f"with events that have {before:g} s before, {after:g} s after",
        )
    names = next(iter(whole.values())).names
    return Ensembles(
        np.stack(means),
        rows / config.fs_out_hz,
        tuple(kept),
        names,
        tuple(counts),
        config.fs_out_hz,
    )


def pooled_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's r over all entries of two arrays of one shape, channels and times alike.

    Entries that one of them has not (NaN) do not count. NaN where one is constant.
    """
    there = np.isfinite(a) & np.isfinite(b)
    if not there.any():
        return float("nan")
    x = a[there] - a[there].mean()
    y = b[there] - b[there].mean()
    size = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / size if size > 0 else float("nan")


def find_rotation(reference: np.ndarray, other: np.ndarray, *, mirror: bool = False) -> Rotation:
    """By how many electrodes the second wearer's armband is turned against the first one's.

    Args:
        reference: of the same movements at the same times, any shape that ends in K channels; NaN
            in channels that it does not know, such as electrodes over muscles that a model has not.
        other: of the same shape.
        mirror: look at armbands worn the other way round as well (a left arm beside a right one).

    Raises:
        InvalidValue: different shapes, fewer than 2 channels, or nothing that varies.
    """
    if reference.shape != other.shape or reference.shape[-1] < 2:
        raise InvalidValue(
            "shapes of two wearers",
            (reference.shape, other.shape),
            "the same, of at least 2 channels",
        )
    best: Rotation | None = None
    for mirrored in (False, True) if mirror else (False,):
        turned = [
            turn(other, Rotation(k, mirrored, 0.0, np.empty(0))) for k in range(reference.shape[-1])
        ]
        scores = np.array([pooled_correlation(reference, each) for each in turned])
        if np.isnan(scores).all():
            raise InvalidValue("envelopes of two wearers", "constant", "varying")
        shift = int(np.nanargmax(scores))
        if best is None or scores[shift] > best.r:
            best = Rotation(shift, mirrored, float(scores[shift]), scores)
    assert best is not None  # one sense of turning at least has been looked at
    return best


def turn(values: np.ndarray, rotation: Rotation) -> np.ndarray:
    """The second wearer's channels in the places of the first one's. Shape (..., K)."""
    channels = np.arange(values.shape[-1])
    source = rotation.shift - channels if rotation.mirrored else channels + rotation.shift
    return np.asarray(values[..., source % values.shape[-1]])


def cross_validate_rotation(
    reference: np.ndarray, other: np.ndarray, *, align: bool = True, mirror: bool = False
) -> MovementTest:
    """How well each movement agrees with the other wearer's after a rotation that the other
    movements gave.

    Args:
        reference: of M movements. Shape (M, T, K).
        other: the same movements of another wearer. Shape (M, T, K).
        align: False leaves the armband as it is, to see what the rotation brings.
        mirror: as in `find_rotation`.

    Raises:
        InvalidValue: fewer than 3 movements, or what `find_rotation` refuses.
    """
    _check_movements(reference)
    shifts = np.zeros(len(reference), dtype=int)
    turned = []
    for i in range(len(reference)):
        rotation = Rotation(0, False, 0.0, np.empty(0))
        if align:
            rotation = find_rotation(
                np.delete(reference, i, axis=0), np.delete(other, i, axis=0), mirror=mirror
            )
        shifts[i] = rotation.shift
        turned.append(turn(other, rotation))
    return _test(reference, turned, shifts)


def fit_mixing(
    activity: np.ndarray,
    envelopes: np.ndarray,
    *,
    prior: np.ndarray | None = None,
    ridge: float = RIDGE,
) -> Mixing:
    """The non-negative mixing that makes envelopes out of activity with the least squares.

    Args:
        activity: of muscles, or of another wearer's electrodes. Shape (n, m).
        envelopes: Shape (n, K).
        prior: what it is drawn to where the activity does not tell; by default 0. Shape (K, m).
        ridge: how much, as a share of the mean square of the activities.

    Raises:
        InvalidValue: shapes that do not belong together, numbers that are not finite, or a ridge
            below 0.
    """
    if (
        activity.ndim != 2
        or envelopes.ndim != 2
        or len(activity) != len(envelopes)
        or not len(activity)
    ):
        raise InvalidValue(
            "shapes of activity and envelopes",
            (activity.shape, envelopes.shape),
            "(n, m) and (n, K)",
        )
    if not (np.isfinite(activity).all() and np.isfinite(envelopes).all() and 0 <= ridge < np.inf):
        raise InvalidValue("activity, envelopes or ridge", ridge, "finite, the ridge at least 0")
    count = envelopes.shape[1]
    width = activity.shape[1]
    start = np.zeros((count, width)) if prior is None else np.asarray(prior, dtype=float)
    if start.shape != (count, width):
        raise InvalidValue("shape of the prior", start.shape, f"({count}, {width})")
    weight = np.sqrt(ridge * len(activity) * float(np.mean(activity**2)))
    # The normal equations' root is as small as the muscles are many, however long the recording is.
    stacked = np.concatenate([activity, weight * np.eye(width)])
    q, r = np.linalg.qr(stacked)
    rows = []
    for envelope_of_one, wanted in zip(envelopes.T, start, strict=True):
        target = q.T @ np.concatenate([envelope_of_one, weight * wanted])
        rows.append(optimize.nnls(r, target)[0])
    return Mixing(np.stack(rows))


def cross_validate_mixing(
    activity: np.ndarray, other: np.ndarray, *, ridge: float = RIDGE
) -> MovementTest:
    """How well each movement's envelopes agree with those that a mixing fitted to the other
    movements predicts.

    Args:
        activity: of M movements: muscles, or another wearer's electrodes. Shape (M, T, m).
        other: envelopes of the same movements. Shape (M, T, K).
        ridge: as in `fit_mixing`.

    Raises:
        InvalidValue: fewer than 3 movements, or what `fit_mixing` refuses.
    """
    _check_movements(activity)
    predicted = []
    for i in range(len(activity)):
        seen = np.delete(activity, i, axis=0).reshape(-1, activity.shape[-1])
        mixing = fit_mixing(
            seen, np.delete(other, i, axis=0).reshape(-1, other.shape[-1]), ridge=ridge
        )
        predicted.append(mixing.predict(activity[i]))
    return _test(np.stack(predicted), [other] * len(activity), np.zeros(len(activity), dtype=int))


def _test(reference: np.ndarray, turned: list[np.ndarray], shifts: np.ndarray) -> MovementTest:
    count = len(reference)
    table = np.array(
        [
            [pooled_correlation(reference[i], turned[i][j]) for j in range(count)]
            for i in range(count)
        ]
    )
    wrong = table[~np.eye(count, dtype=bool)].reshape(count, count - 1)
    return MovementTest(np.diag(table), wrong, shifts)


def _check_movements(values: np.ndarray) -> None:
    if values.ndim != 3 or len(values) < 3:
        raise InvalidValue("movements", values.shape, "at least 3, of shape (M, T, K)")
