"""Measures of raw signals for quality checks: spectra, mains hum, clipping, stillness, duplicates
and reaction lag."""

from __future__ import annotations

import numpy as np
from scipy import signal

from musclehand.emg.recording import EmgRecording

MAX_LAG = 2.0
"""Activity is searched up to this long before and after an event [s]."""

_BLOCK = 0.02
_REST_SHARE = 0.2
_MIN_CORRELATION = 0.3


def power_spectrum(values: np.ndarray, fs_hz: float) -> tuple[np.ndarray, np.ndarray]:
    """Welch's power spectrum in windows of 2 s, or of the whole of a shorter signal.

    Args:
        values: samples. Shape (T, K).
        fs_hz: sampling rate [Hz].

    Returns:
        Frequencies [Hz], shape (F,), and power, shape (K, F).
    """
    length = min(len(values), max(8, round(2 * fs_hz)))
    frequencies, power = signal.welch(values, fs_hz, nperseg=length, axis=0, detrend="constant")
    return np.asarray(frequencies), np.asarray(power.T)


def mains_share(
    frequencies: np.ndarray, power: np.ndarray, mains_hz: float, harmonics: int = 5
) -> np.ndarray:
    """Share of the power from 20 Hz on that is mains hum.

    That is the power within 1 Hz of mains and its harmonics, above the median power beside them.

    Args:
        frequencies: of the spectrum [Hz]. Shape (F,).
        power: Shape (K, F).
        mains_hz: 50 or 60 [Hz].
        harmonics: multiples of mains that count, itself the first.

    Returns:
        Shape (K,).
    """
    total = power[:, frequencies >= 20].sum(axis=1)
    excess = np.zeros(len(power))
    for multiple in range(1, harmonics + 1):
        distance = np.abs(frequencies - multiple * mains_hz)
        line = distance <= 1.0
        beside = (distance > 2.0) & (distance <= 6.0)
        if multiple * mains_hz < frequencies[-1] - 1 and line.any() and beside.any():
            floor = np.median(power[:, beside], axis=1, keepdims=True)
            excess += np.maximum(power[:, line] - floor, 0).sum(axis=1)
    return np.divide(excess, total, out=np.zeros_like(excess), where=total > 0)


def clipped_share(samples: np.ndarray) -> np.ndarray:
    """Share of samples at the rails of a converter, if samples pile up there. Shape (K,).

    An unclipped signal has ever fewer samples toward its extremes, however coarse its steps are; a
    clipped one has all of its tail at one value. A value therefore counts as a rail if it occurs
    more often than the value next to it.
    """
    shares = np.zeros(samples.shape[1])
    for k, column in enumerate(samples.T):
        valid = column[~np.isnan(column)]
        # Only the outer values matter; to sort a long recording for them would take seconds.
        for values in (valid, -valid) if len(valid) else ():
            top = values.max()
            count = int((values == top).sum())
            below = values[values < top]
            if count > 2 and len(below):
                shares[k] += (
                    count / len(column) if count > 1.5 * (below == below.max()).sum() else 0.0
                )
    return shares


def constant_share(values: np.ndarray, shortest: int) -> np.ndarray:
    """Share of samples in runs of at least `shortest` equal samples. Shape (K,)."""
    shares = np.zeros(values.shape[1])
    for k, column in enumerate(values.T):
        begins = np.flatnonzero(np.concatenate([[True], np.diff(column) != 0, [True]]))
        lengths = np.diff(begins)
        shares[k] = lengths[lengths >= shortest].sum() / len(column)
    return shares


def channel_correlations(values: np.ndarray) -> np.ndarray:
    """Pearson's r of all pairs of channels, 0 where a channel is constant. Shape (K, K)."""
    centred = values - values.mean(axis=0)
    size = np.sqrt((centred**2).sum(axis=0))
    size = np.where(size > 1e-9 * np.abs(values).max(axis=0), size, np.inf)
    return np.asarray((centred / size).T @ (centred / size))


def reaction_lag(recording: EmgRecording) -> float | None:
    """Lag of the loudness of all channels behind the events [s], by cross-correlation.

    Loudness is compared with a course that is 1 during events and 0 between them. Of several
    labels, the quietest one is rest and counts as between, if it takes a fifth of the time.

    Returns:
        None where there are no events, too few samples, or no clear correlation.
    """
    step = max(1, round(_BLOCK * recording.fs_hz))
    count = len(recording.samples) // step
    if not recording.events or count < 4 * MAX_LAG / _BLOCK:
        return None
    loudness = _loudness(recording, step, count)
    course = _course_of_events(recording, loudness, step)
    if course.std() == 0 or loudness.std() == 0:
        return None
    lags = np.arange(-round(MAX_LAG / _BLOCK), round(MAX_LAG / _BLOCK) + 1)
    scores = [float(np.corrcoef(np.roll(course, lag), loudness)[0, 1]) for lag in lags]
    best = int(np.argmax(scores))
    if not scores[best] > _MIN_CORRELATION:
        return None
    return float(lags[best] * step / recording.fs_hz)


def _loudness(recording: EmgRecording, step: int, count: int) -> np.ndarray:
    """rms over all channels in blocks of `step` samples. Shape (count,)."""
    values = np.nan_to_num(
        recording.samples - np.nanmean(np.where(recording.gaps, 0.0, recording.samples), axis=0)
    )
    return np.asarray(
        np.sqrt((values[: count * step].reshape(count, step, -1) ** 2).mean(axis=(1, 2)))
    )


def _course_of_events(recording: EmgRecording, loudness: np.ndarray, step: int) -> np.ndarray:
    """1 during events, 0 between them and during rest. Shape (count,)."""
    count = len(loudness)
    time = (np.arange(count) + 0.5) * step / recording.fs_hz
    courses: dict[str, np.ndarray] = {}
    for event in recording.events:
        during = courses.setdefault(event.label, np.zeros(count, dtype=bool))
        during[(time >= event.onset) & (time < event.offset)] = True
    courses = {label: course for label, course in courses.items() if course.any()}
    quietest = min(courses, key=lambda label: float(loudness[courses[label]].mean()), default="")
    if len(courses) > 1 and courses[quietest].mean() > _REST_SHARE:
        del courses[quietest]
    return np.any(list(courses.values()), axis=0).astype(float) if courses else np.zeros(count)
