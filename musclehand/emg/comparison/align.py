"""Two sets of envelopes brought to the same channels and the same time, gaps and edges cut off."""

from __future__ import annotations

import numpy as np

from musclehand.core.errors import InvalidValue
from musclehand.emg.comparison.result import CompareConfig, Compared
from musclehand.emg.processing.envelope import Envelopes
from musclehand.emg.processing.onsets import find_activity


def align_curves(
    simulated: Envelopes, recorded: Envelopes, config: CompareConfig
) -> tuple[Compared, list[str]]:
    """The longest stretch that both have without gaps, edges cut off; and remarks on what was lost.

    Raises:
        InvalidValue: rates that differ, no channel or too little time in common.
    """
    if simulated.fs_hz != recorded.fs_hz:
        raise InvalidValue(
            "rate of the simulated side", simulated.fs_hz, f"the recording's, {recorded.fs_hz:g} Hz"
        )
    fs_hz = recorded.fs_hz
    remarks = []
    dead = {
        name
        for each in (simulated, recorded)
        for name in each.names
        if np.isnan(each.column(name)).all()
    }
    names = tuple(name for name in simulated.names if name in recorded.names and name not in dead)
    if dead:
        remarks.append(f"never active or not recorded, so left out: {', '.join(sorted(dead))}")
    if not names:
        legal = f"some of the recorded channels {', '.join(recorded.names)}, and active"
        raise InvalidValue("simulated channels", simulated.names, legal)
    rest = tuple(
        name for name in recorded.names if name not in simulated.names and name not in dead
    )
    ahead = round((recorded.start - simulated.start) * fs_hz)
    a = simulated.select(names).values
    e = recorded.select(names).values
    c = recorded.select(rest).values
    a = a[max(ahead, 0) :]
    e = e[max(-ahead, 0) :]
    c = c[max(-ahead, 0) :]
    count = min(len(a), len(e))
    a = a[:count]
    e = e[:count]
    c = c[:count]
    edge = round(config.edge_s * fs_hz)
    begin, end = _longest(np.isfinite(np.concatenate([a, e, c], axis=1)).all(axis=1))
    if end - begin < count:
        remarks.append(
            f"gaps: {(end - begin) / fs_hz:.1f} of {count / fs_hz:.1f} s compared, the longest piece without one"
        )
    begin = begin + edge
    end = end - edge
    if end - begin < 3 * fs_hz:
        raise InvalidValue(
            "time in common",
            f"{max(end - begin, 0) / fs_hz:.2f} s",
            "at least 3 s without gaps and edges",
        )
    a = a[begin:end]
    e = e[begin:end]
    c = c[begin:end]
    a_on, e_on = (
        np.stack([_on(column, fs_hz, config) for column in side.T], axis=1) for side in (a, e)
    )
    start = max(simulated.start, recorded.start) + begin / fs_hz
    return Compared(
        start + np.arange(len(a)) / fs_hz, a, e, a_on, e_on, names, c, rest, fs_hz
    ), remarks


def _on(column: np.ndarray, fs_hz: float, config: CompareConfig) -> np.ndarray:
    """When it is on; never, where on and off cannot be told apart."""
    activity = find_activity(column, fs_hz, config.activity)
    return activity.active if activity.usable else np.zeros(len(column), dtype=bool)


def _longest(good: np.ndarray) -> tuple[int, int]:
    edges = np.diff(np.concatenate([[0], good.astype(int), [0]]))
    starts = np.flatnonzero(edges > 0)
    ends = np.flatnonzero(edges < 0)
    if not len(starts):
        return 0, 0
    longest = int(np.argmax(ends - starts))
    return int(starts[longest]), int(ends[longest])


def all_channels(compared: Compared, config: CompareConfig) -> tuple[np.ndarray, np.ndarray]:
    """All recorded channels, controls last, and when they are on. Both of shape (T, K + C)."""
    on = [_on(column, compared.fs_hz, config)[:, None] for column in compared.controls.T]
    values = np.concatenate([compared.recorded, compared.controls], axis=1)
    return values, np.concatenate([compared.recorded_on, *on], axis=1)
