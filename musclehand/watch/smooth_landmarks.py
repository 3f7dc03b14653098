"""Gaps, outliers and jitter of landmarks: one filter over the whole film, without delay."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.signal import butter, sosfiltfilt

from musclehand.watch.hand_tracker import palm_length

LONGEST_GAP = 0.2
"""[s] Longest gap that is bridged, as in `motion.retarget`."""

SHORTEST_RUN = 0.1
"""[s] Hands that are seen for less, with longer gaps about them, are errors; chosen: less than a
hand needs to come into the picture, strike a key and leave."""

CUT_OFF = 7.0
"""[Hz] Of the low-pass filter; chosen: of 2.5 to 11 Hz it leaves the least error in rendered films
of 30 Hz (`experiments/bench_watch_hands.py`). Jitter of the networks is spread over all
frequencies, while fingertips move along and across keys below 5 Hz; strikes are faster, but along
the view of a camera from above."""

ORDER = 2
"""Order of the Butterworth filter; it is applied forwards and backwards, which doubles it."""

OUTLIER = 4.0
"""[standard deviations] from the middle of its neighbours in time that make a point an outlier;
chosen."""

OUTLIER_LEAST = 0.1
"""[palm lengths] Least distance of an outlier from the middle of its neighbours; chosen: 10 mm,
which a fingertip passes back and forth in two pictures at 30 Hz only at 0.3 m/s."""

FASTEST_HAND = 500.0
"""[palm lengths/s^2] Acceleration beyond which a hand that jumps away and back is a wrong
detection; chosen: 48 m/s^2, several times what people's hands reach in leaps."""

_TO_DEVIATION = 1.4826
"""Standard deviation over the median absolute deviation, for normally distributed errors."""


class Smoothed(NamedTuple):
    """Landmarks after the filter."""

    points: np.ndarray
    """[pixels] NaN where no hand is. Shape (T, 2, 21, 2), float32."""

    bridged: np.ndarray
    """Points were interpolated over a short gap or a wrong detection. Shape (T, 2), bool."""


def smooth(points: np.ndarray, rate: float, *, cut_off: float = CUT_OFF) -> Smoothed:
    """Bridges short gaps, replaces outliers, and takes out jitter.

    Args:
        points: of both hands, NaN where no hand is [pixels]. Shape (T, 2, 21, 2).
        rate: pictures per second [Hz].
        cut_off: of the low-pass filter [Hz]; none is applied from 0.45 of the rate on.
    """
    result = np.full(points.shape, np.nan, dtype=np.float32)
    bridged = np.zeros(points.shape[:2], dtype=bool)
    sections = butter(ORDER, cut_off, fs=rate, output="sos") if cut_off < 0.45 * rate else None
    for hand in range(points.shape[1]):
        seen = np.isfinite(points[:, hand]).all(axis=(1, 2))
        seen &= ~_leaps(points[:, hand], rate)
        for start, stop in runs(seen, round(LONGEST_GAP * rate)):
            if np.count_nonzero(seen[start:stop]) < SHORTEST_RUN * rate:
                continue
            part = _bridge(points[start:stop, hand].astype(float), seen[start:stop])
            bridged[start:stop, hand] = ~seen[start:stop]
            part = _without_outliers(part)
            if sections is not None and len(part) > 1:
                pad = min(len(part) - 1, round(rate))
                part = sosfiltfilt(sections, part, axis=0, padlen=pad)
            result[start:stop, hand] = part
    return Smoothed(result, bridged)


def runs(seen: np.ndarray, gap: int) -> list[tuple[int, int]]:
    """First and one-past-last pictures of runs in which gaps are at most `gap` pictures long.

    Args:
        seen: shape (T,), bool.
        gap: longest gap within a run [pictures].
    """
    where = np.flatnonzero(seen)
    if not len(where):
        return []
    breaks = np.flatnonzero(np.diff(where) > gap + 1)
    starts = where[np.concatenate([[0], breaks + 1])]
    stops = where[np.concatenate([breaks, [len(where) - 1]])] + 1
    return list(zip(starts.tolist(), stops.tolist(), strict=True))


def _leaps(points: np.ndarray, rate: float) -> np.ndarray:
    """Pictures in which a whole hand jumps away and back. Shape (T,), bool.

    Args:
        points: of a hand, NaN where it is not seen [pixels]. Shape (T, 21, 2).
        rate: pictures per second [Hz].
    """
    leaps = np.zeros(len(points), dtype=bool)
    hand = np.median(points, axis=1)
    away = np.linalg.norm(hand[1:-1] - (hand[:-2] + hand[2:]) / 2, axis=1)
    apart = np.linalg.norm(hand[2:] - hand[:-2], axis=1)
    size = palm_length(points)[:-2]
    least = size * max(OUTLIER_LEAST, FASTEST_HAND / (2 * rate**2))
    leaps[1:-1] = (away > least) & (apart < away)
    return leaps


def _bridge(points: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Straight lines over pictures without points."""
    if seen.all():
        return points
    index = np.arange(len(points))
    columns = points.reshape(len(points), -1)
    lines = [np.interp(index, index[seen], column[seen]) for column in columns.T]
    return np.stack(lines, axis=1).reshape(points.shape)


def _without_outliers(points: np.ndarray) -> np.ndarray:
    """Points that jump away for one picture and back are put between their neighbours in time.

    The motion of the whole hand is left out of it.
    """
    if len(points) < 3:
        return points
    hand = np.median(points, axis=1, keepdims=True)
    rest = points - hand
    before, after = rest[:-2], rest[2:]
    between = (before + after) / 2
    away = np.linalg.norm(rest[1:-1] - between, axis=2)
    agree = np.linalg.norm(after - before, axis=2) < away
    spread = _TO_DEVIATION * np.median(away, axis=0)
    least = OUTLIER_LEAST * float(np.median(palm_length(points)))
    outlier = agree & (away > np.maximum(OUTLIER * spread, least))
    rest[1:-1] = np.where(outlier[:, :, None], between, rest[1:-1])
    return rest + hand
