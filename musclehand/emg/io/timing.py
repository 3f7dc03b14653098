"""Times of samples and labels: the rate of an even grid, and events from labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike

import numpy as np

from musclehand.emg.recording import EmgFileError, Event

MAX_JITTER = 0.6
"""Largest deviation of times from the even grid, in steps: rounding in the file, but no missing
sample."""


def find_rate(
    path: str | PathLike[str], time: np.ndarray, first_line: int, fs_hz: float | None = None
) -> float:
    """Rate of evenly spaced times [Hz].

    Args:
        path: the file, for messages.
        time: times of all samples [s]. Shape (T,).
        first_line: line of the first sample in the file.
        fs_hz: rate that the times must agree with [Hz], and that is returned then.

    Raises:
        EmgFileError: a time is missing or off the grid by more than rounding. Names the line.
    """
    if not np.isfinite(time).all():
        raise EmgFileError(
            path, "no time", where=f"line {first_line + int(np.argmin(np.isfinite(time)))}"
        )
    if time[-1] <= time[0]:
        raise EmgFileError(path, "times do not increase", where=f"line {first_line + 1}")
    rate = (len(time) - 1) / float(time[-1] - time[0])
    with np.errstate(over="ignore", invalid="ignore"):
        deviation = np.abs((time - time[0]) * rate - np.arange(len(time)))
    if not deviation.max() <= MAX_JITTER:
        # The jump is where neighbours are farthest apart, not where the accumulated error is
        # largest.
        jump = int(np.argmax(np.abs(np.diff(time) - np.median(np.diff(time))))) + 1
        problem = (
            f"{time[jump] - time[jump - 1]:g} s after the line before; times must be evenly spaced"
        )
        raise EmgFileError(path, problem, where=f"line {first_line + jump}")
    if fs_hz is not None and abs(rate / fs_hz - 1) > 0.01:
        raise EmgFileError(path, f"the times say {rate:.6g} Hz, the column map {fs_hz:g} Hz")
    return rate if fs_hz is None else fs_hz


def label_events(
    words: Sequence[str], fs_hz: float, labels: Mapping[str, str]
) -> tuple[Event, ...]:
    """One event for each run of the same label.

    Args:
        words: label of each sample.
        fs_hz: sampling rate [Hz].
        labels: names of events by label; others keep their label, and "" is no event.
    """
    changes = [i for i in range(len(words)) if i == 0 or words[i] != words[i - 1]]
    events = []
    for begin, end in zip(changes, [*changes[1:], len(words)], strict=True):
        label = labels.get(words[begin], words[begin])
        if label:
            events.append(Event(begin / fs_hz, (end - begin) / fs_hz, label))
    return tuple(events)
