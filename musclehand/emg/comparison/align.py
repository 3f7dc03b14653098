"""Alignment of simulated and recorded envelopes: the same channels, the same time, no gaps."""

from __future__ import annotations

import numpy as np

from musclehand.core.errors import InvalidValue
from musclehand.emg.comparison.result import AlignedCurves, CompareConfig
from musclehand.emg.processing.envelope import Envelopes
from musclehand.emg.processing.onsets import find_activity

MIN_SECONDS = 3
"""Shortest stretch that is compared [s]."""


def align_curves(
    simulated: Envelopes, recorded: Envelopes, config: CompareConfig
) -> tuple[AlignedCurves, list[str]]:
    """The longest stretch without gaps on either side, without its edges.

    Args:
        simulated: projected on channels and smoothed.
        recorded: envelopes at the same rate.
        config: how much is cut off at the edges, and when a muscle counts as on.

    Returns:
        The curves, and remarks on data that were left out.

    Raises:
        InvalidValue: rates that differ, no channel or too little time in common.
    """
    if simulated.fs_hz != recorded.fs_hz:
        raise InvalidValue(
            "rate of the simulated side", simulated.fs_hz, f"the recording's, {recorded.fs_hz:g} Hz"
        )
    fs_hz = recorded.fs_hz
    names, controls, remarks = _match_names(simulated, recorded)
    ahead = round((recorded.start - simulated.start) * fs_hz)
    a = simulated.select(names).values[max(ahead, 0) :]
    e = recorded.select(names).values[max(-ahead, 0) :]
    c = recorded.select(controls).values[max(-ahead, 0) :]
    count = min(len(a), len(e))
    complete = np.isfinite(np.concatenate([a[:count], e[:count], c[:count]], axis=1)).all(axis=1)
    begin, end = _longest_run(complete)
    if end - begin < count:
        remarks.append(
            f"gaps: {(end - begin) / fs_hz:.1f} of {count / fs_hz:.1f} s compared, the longest "
            "piece without one"
        )
    edge = round(config.edge_s * fs_hz)
    begin = begin + edge
    end = end - edge
    if end - begin < MIN_SECONDS * fs_hz:
        raise InvalidValue(
            "time in common",
            f"{max(end - begin, 0) / fs_hz:.2f} s",
            f"at least {MIN_SECONDS} s without gaps and edges",
        )
    a = a[begin:end]
    e = e[begin:end]
    start = max(simulated.start, recorded.start) + begin / fs_hz
    aligned = AlignedCurves(
        time=start + np.arange(len(a)) / fs_hz,
        simulated=a,
        recorded=e,
        simulated_on=_columns_on(a, fs_hz, config),
        recorded_on=_columns_on(e, fs_hz, config),
        names=names,
        controls=c[begin:end],
        control_names=controls,
        fs_hz=fs_hz,
    )
    return aligned, remarks


def _match_names(
    simulated: Envelopes, recorded: Envelopes
) -> tuple[tuple[str, ...], tuple[str, ...], list[str]]:
    """Channels of both sides, recorded channels without a muscle, and remarks on silent ones."""
    silent = {
        name
        for side in (simulated, recorded)
        for name in side.names
        if np.isnan(side.column(name)).all()
    }
    remarks = []
    if silent:
        remarks.append(f"never active or not recorded, so left out: {', '.join(sorted(silent))}")
    names = tuple(name for name in simulated.names if name in recorded.names and name not in silent)
    if not names:
        legal = f"some of the recorded channels {', '.join(recorded.names)}, and active"
        raise InvalidValue("simulated channels", simulated.names, legal)
    controls = tuple(
        name for name in recorded.names if name not in simulated.names and name not in silent
    )
    return names, controls, remarks


def _columns_on(curves: np.ndarray, fs_hz: float, config: CompareConfig) -> np.ndarray:
    return np.stack([_on(column, fs_hz, config) for column in curves.T], axis=1)


def _on(column: np.ndarray, fs_hz: float, config: CompareConfig) -> np.ndarray:
    """When a muscle is on; never, where on and off cannot be distinguished."""
    activity = find_activity(column, fs_hz, config.activity)
    return activity.active if activity.usable else np.zeros(len(column), dtype=bool)


def _longest_run(complete: np.ndarray) -> tuple[int, int]:
    edges = np.diff(np.concatenate([[0], complete.astype(int), [0]]))
    starts = np.flatnonzero(edges > 0)
    ends = np.flatnonzero(edges < 0)
    if not len(starts):
        return 0, 0
    longest = int(np.argmax(ends - starts))
    return int(starts[longest]), int(ends[longest])


def all_channels(curves: AlignedCurves, config: CompareConfig) -> tuple[np.ndarray, np.ndarray]:
    """All recorded channels, controls last, and when they are on. Each of shape (T, K + C)."""
    on = [_on(column, curves.fs_hz, config)[:, None] for column in curves.controls.T]
    values = np.concatenate([curves.recorded, curves.controls], axis=1)
    return values, np.concatenate([curves.recorded_on, *on], axis=1)
