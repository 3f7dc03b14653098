"""Zero-phase Butterworth filters of envelopes, and bridges over gaps.

Filters are second-order sections, run forward and backward. A corner frequency is where both passes
together have lost 3 dB; the single pass is designed for that exactly (Winter, Biomechanics and
Motor Control of Human Movement, gives the correction for one order; recalled).
"""

from __future__ import annotations

import math

import numpy as np
from scipy import interpolate, signal

MAX_GAP = 0.02
"""Longest gap that is bridged [s]; a working limit of this project. In longer gaps the envelope is
missing too."""


def lowpass_sections(corner_hz: float, order: int, fs_hz: float) -> np.ndarray:
    """Butterworth low-pass that has lost 3 dB at its corner after two passes.

    Args:
        corner_hz: corner frequency [Hz].
        order: poles of one pass.
        fs_hz: sampling rate [Hz].

    Returns:
        Second-order sections. Shape (sections, 6).
    """
    return _sections(corner_hz, order, fs_hz, "lowpass")


def highpass_sections(corner_hz: float, order: int, fs_hz: float) -> np.ndarray:
    """Butterworth high-pass that has lost 3 dB at its corner after two passes.

    Args:
        corner_hz: corner frequency [Hz].
        order: poles of one pass.
        fs_hz: sampling rate [Hz].

    Returns:
        Second-order sections. Shape (sections, 6).
    """
    return _sections(corner_hz, order, fs_hz, "highpass")


def _sections(corner_hz: float, order: int, fs_hz: float, kind: str) -> np.ndarray:
    # Both passes have 1 / (1 + x^2n)^2 of the power, x = tan(pi f / fs) / tan(pi fc / fs): a half
    # where x = (sqrt 2 - 1)^(1 / 2n). The tangent is the bilinear transform's, so the corner is
    # exact at any rate.
    half = (math.sqrt(2.0) - 1.0) ** (1.0 / (2 * order))
    warped = math.tan(math.pi * corner_hz / fs_hz) * (1.0 / half if kind == "lowpass" else half)
    return np.asarray(
        signal.butter(order, math.atan(warped) * fs_hz / math.pi, kind, fs=fs_hz, output="sos")
    )


def filter_zero_phase(
    sections: np.ndarray, values: np.ndarray, period: float, ends: str
) -> np.ndarray:
    """Filters forward and backward, with two periods mirrored at both ends.

    Args:
        sections: of `lowpass_sections` or `highpass_sections`.
        values: samples in columns. Shape (T, K).
        period: of the slowest corner [samples].
        ends: "odd" mirrors about the end sample, "even" in time alone.
    """
    length = min(len(values) - 1, math.ceil(2 * period))
    return np.asarray(signal.sosfiltfilt(sections, values, axis=0, padtype=ends, padlen=length))


def bridge_gaps(samples: np.ndarray, fs_hz: float) -> tuple[np.ndarray, np.ndarray]:
    """Linear interpolation over all gaps, and where samples miss for longer than `MAX_GAP`.

    Returns:
        Samples without NaN, and which of them are in long gaps. Shapes (T, K).
    """
    values = np.array(samples)
    missing = np.isnan(samples)
    for k in np.flatnonzero(missing.any(axis=0)):
        valid = np.flatnonzero(~missing[:, k])
        if not len(valid):
            values[:, k] = 0.0
            continue
        values[:, k] = np.interp(np.arange(len(values)), valid, values[valid, k])
        edges = np.flatnonzero(
            np.diff(np.concatenate([[False], missing[:, k], [False]]).astype(np.int8))
        )
        for first, last in edges.reshape(-1, 2):
            missing[first:last, k] = last - first > MAX_GAP * fs_hz
    return values, missing


def resample(values: np.ndarray, missing: np.ndarray, fs_hz: float, fs_out_hz: float) -> np.ndarray:
    """Smooth columns at another rate, by decimation where it divides, else by cubic splines.

    Args:
        values: smooth curves. Shape (T, K).
        missing: which samples are NaN in the result. Shape (T, K).
        fs_hz: their rate [Hz].
        fs_out_hz: rate of the result [Hz].

    Returns:
        Shape (T', K).
    """
    step = fs_hz / fs_out_hz
    count = math.floor((len(values) - 1) / step + 1e-9) + 1
    places = np.arange(count) * step
    nearest = np.minimum(np.round(places).astype(int), len(values) - 1)
    if step != round(step) and len(values) > 3:
        resampled = np.asarray(interpolate.CubicSpline(np.arange(len(values)), values)(places))
    else:
        resampled = values[nearest]
    resampled[missing[nearest]] = np.nan
    return resampled
