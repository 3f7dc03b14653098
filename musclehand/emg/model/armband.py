"""Armband placement: rotation between wearers, and a mixing matrix from muscles to electrodes.

An armband's channel numbers are places, and wearers turn it differently: in the
myo-readings-dataset by 2 or 6 of 8 electrodes in spite of a written protocol. Both models here are
fitted on calibration movements and must be tested on others. `cross_validate_rotation` and
`cross_validate_mixing` do so by leaving one movement out at a time.

    first = movement_ensembles(read_armband_session("right/12345-1"), EnvelopeConfig())
    second = movement_ensembles(read_armband_session("right/45612-1"), EnvelopeConfig())
    find_rotation(first.values, second.values).shift
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
"""[s] of a held movement that are averaged before its onset."""

AFTER = 7.0
"""[s] of a held movement that are averaged after its onset: 5 s hold and 2 s of return."""

RIDGE = 1e-3
"""Ridge penalty of a mixing matrix toward its prior, over the mean square of the activities; a
working value of this project."""


class Ensembles(NamedTuple):
    """Ensemble averages: the mean course of each of M movements."""

    values: np.ndarray
    """Mean envelopes, without NaN. Shape (M, T, K)."""

    time: np.ndarray
    """[s] from the onset. Shape (T,)."""

    movements: tuple[str, ...]
    """Names of the movements, M of them."""

    names: tuple[str, ...]
    """Of the channels, K of them."""

    counts: tuple[int, ...]
    """Repetitions of each movement, M of them."""

    fs_hz: float
    """[Hz] rate of the courses."""


class Rotation(NamedTuple):
    """Rotation of the second wearer's armband against the first wearer's.

    Channel i of the first wearer sits where channel (i + `shift`) mod K of the second one does; if
    `mirrored`, where (`shift` - i) mod K does.
    """

    shift: int
    """[electrodes]"""

    mirrored: bool
    """Whether the second armband is worn the other way round."""

    r: float
    """Correlation after this rotation."""

    scores: np.ndarray
    """Correlations of all shifts of the same sense. Shape (K,)."""


class MovementTest(NamedTuple):
    """Correlations of held-out movements between two wearers, or a wearer and a model."""

    right: np.ndarray
    """With the same movement. Shape (M,)."""

    wrong: np.ndarray
    """With all other movements: the null. Shape (M, M - 1)."""

    shifts: np.ndarray
    """Rotation fitted without each movement [electrodes]; 0 where none was fitted. Shape (M,)."""


class Mixing(NamedTuple):
    """Linear model of electrodes from muscles."""

    matrix: np.ndarray
    """Non-negative weights. Shape (K, m)."""

    def predict(self, activity: np.ndarray) -> np.ndarray:
        """Expected signals of the electrodes from activity (..., m). Shape (..., K)."""
        return np.asarray(activity @ self.matrix.T)


def movement_ensembles(
    recordings: Mapping[str, EmgRecording],
    config: EnvelopeConfig,
    *,
    before: float = BEFORE,
    after: float = AFTER,
) -> Ensembles:
    """Ensemble averages of envelopes about onsets, all scaled by one value a channel.

    Args:
        recordings: one for each movement, with events of that label; a movement without any is left
            out.
        config: of the envelopes.
        before: start of the average before the onset [s].
        after: end of the average after the onset [s]. Incomplete repetitions are left out.

    Raises:
        InvalidValue: no movement has an event, or the recordings have different channels.
    """
    labelled = {
        movement: recording
        for movement, recording in recordings.items()
        if any(event.label == movement for event in recording.events)
    }
    if not labelled:
        raise InvalidValue(
            "recordings", sorted(recordings), "with events of the movement that they are named by"
        )
    scale = find_scale(labelled.values(), config)
    means = []
    counts = []
    kept = []
    rows = np.arange(-round(before * config.fs_out_hz), round(after * config.fs_out_hz))
    for movement, recording in labelled.items():
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
    return Ensembles(
        values=np.stack(means),
        time=rows / config.fs_out_hz,
        movements=tuple(kept),
        names=next(iter(labelled.values())).names,
        counts=tuple(counts),
        fs_hz=config.fs_out_hz,
    )


def pooled_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's r over all entries of two arrays of one shape, channels and times alike.

    Entries that are NaN in either array do not count. NaN where one array is constant.
    """
    valid = np.isfinite(a) & np.isfinite(b)
    if not valid.any():
        return float("nan")
    x = a[valid] - a[valid].mean()
    y = b[valid] - b[valid].mean()
    size = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / size if size > 0 else float("nan")


def find_rotation(reference: np.ndarray, rotated: np.ndarray, *, mirror: bool = False) -> Rotation:
    """Rotation of the second wearer's armband against the first wearer's, in whole electrodes.

    Args:
        reference: of the same movements at the same times, any shape that ends in K channels. NaN
            in unknown channels, such as electrodes over muscles that a model lacks.
        rotated: of the second wearer, the same shape.
        mirror: search armbands worn the other way round as well (a left arm beside a right one).

    Raises:
        InvalidValue: different shapes, fewer than 2 channels, or curves that are all constant.
    """
    if reference.shape != rotated.shape or reference.shape[-1] < 2:
        raise InvalidValue(
            "shapes of two wearers",
            (reference.shape, rotated.shape),
            "the same, of at least 2 channels",
        )
    best: Rotation | None = None
    for mirrored in (False, True) if mirror else (False,):
        scores = np.array(
            [
                pooled_correlation(reference, rotate_channels(rotated, shift, mirrored=mirrored))
                for shift in range(reference.shape[-1])
            ]
        )
        if np.isnan(scores).all():
            raise InvalidValue("envelopes of two wearers", "constant", "varying")
        shift = int(np.nanargmax(scores))
        if best is None or scores[shift] > best.r:
            best = Rotation(shift, mirrored, float(scores[shift]), scores)
    assert best is not None  # at least one sense of rotation was searched
    return best


def rotate_channels(values: np.ndarray, shift: int, *, mirrored: bool = False) -> np.ndarray:
    """The second wearer's channels in the places of the first one's.

    Args:
        values: of the second wearer. Shape (..., K).
        shift: of `Rotation` [electrodes].
        mirrored: of `Rotation`.

    Returns:
        Shape (..., K).
    """
    channels = np.arange(values.shape[-1])
    source = shift - channels if mirrored else channels + shift
    return np.asarray(values[..., source % values.shape[-1]])


def cross_validate_rotation(
    reference: np.ndarray, rotated: np.ndarray, *, align: bool = True, mirror: bool = False
) -> MovementTest:
    """Leave-one-movement-out test of the rotation between two wearers.

    Args:
        reference: of M movements. Shape (M, T, K).
        rotated: the same movements of another wearer. Shape (M, T, K).
        align: False leaves the armband as it is, to measure the benefit of the rotation.
        mirror: search mirrored armbands as well.

    Raises:
        InvalidValue: fewer than 3 movements, or shapes that `find_rotation` refuses.
    """
    _check_movements(reference)
    shifts = np.zeros(len(reference), dtype=int)
    aligned = []
    for i in range(len(reference)):
        mirrored = False
        if align:
            rotation = find_rotation(
                np.delete(reference, i, axis=0), np.delete(rotated, i, axis=0), mirror=mirror
            )
            shifts[i] = rotation.shift
            mirrored = rotation.mirrored
        aligned.append(rotate_channels(rotated, int(shifts[i]), mirrored=mirrored))
    return _test(reference, aligned, shifts)


def fit_mixing(
    activity: np.ndarray,
    envelopes: np.ndarray,
    *,
    prior: np.ndarray | None = None,
    ridge: float = RIDGE,
) -> Mixing:
    """Non-negative least squares from activity to envelopes, with a ridge penalty to a prior.

    Args:
        activity: of muscles, or of another wearer's electrodes. Shape (n, m).
        envelopes: of the electrodes. Shape (n, K).
        prior: weights where the activity does not decide; by default 0. Shape (K, m).
        ridge: strength of the penalty, over the mean square of the activities.

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
    # By QR the problem has as many rows as there are muscles, however long the recording is.
    stacked = np.concatenate([activity, weight * np.eye(width)])
    q, r = np.linalg.qr(stacked)
    rows = []
    for column, prior_weights in zip(envelopes.T, start, strict=True):
        target = q.T @ np.concatenate([column, weight * prior_weights])
        rows.append(optimize.nnls(r, target)[0])
    return Mixing(np.stack(rows))


def cross_validate_mixing(
    activity: np.ndarray, envelopes: np.ndarray, *, ridge: float = RIDGE
) -> MovementTest:
    """Leave-one-movement-out test of a mixing matrix.

    Args:
        activity: of M movements: muscles, or another wearer's electrodes. Shape (M, T, m).
        envelopes: of the same movements. Shape (M, T, K).
        ridge: penalty of `fit_mixing`.

    Raises:
        InvalidValue: fewer than 3 movements, or shapes that `fit_mixing` refuses.
    """
    _check_movements(activity)
    predicted = []
    for i in range(len(activity)):
        mixing = fit_mixing(
            np.delete(activity, i, axis=0).reshape(-1, activity.shape[-1]),
            np.delete(envelopes, i, axis=0).reshape(-1, envelopes.shape[-1]),
            ridge=ridge,
        )
        predicted.append(mixing.predict(activity[i]))
    shifts = np.zeros(len(activity), dtype=int)
    return _test(np.stack(predicted), [envelopes] * len(activity), shifts)


def _test(reference: np.ndarray, aligned: list[np.ndarray], shifts: np.ndarray) -> MovementTest:
    count = len(reference)
    table = np.array(
        [
            [pooled_correlation(reference[i], aligned[i][j]) for j in range(count)]
            for i in range(count)
        ]
    )
    wrong = table[~np.eye(count, dtype=bool)].reshape(count, count - 1)
    return MovementTest(np.diag(table), wrong, shifts)


def _check_movements(values: np.ndarray) -> None:
    if values.ndim != 3 or len(values) < 3:
        raise InvalidValue("movements", values.shape, "at least 3, of shape (M, T, K)")
