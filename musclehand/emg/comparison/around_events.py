"""Simulated and recorded curves round events: which movement was it, and where do the two
differ?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from musclehand.emg.comparison.identify import average_events, identify, movement_matrix
from musclehand.emg.comparison.inference import MIN_PAIRS, compare_curves, compare_curves_spm
from musclehand.emg.comparison.result import CompareConfig, Compared, Differences, Movements
from musclehand.emg.comparison.statistics import holm
from musclehand.emg.processing.envelope import EnvelopeConfig, Envelopes
from musclehand.emg.recording import Event

_PLAIN = EnvelopeConfig(normalise="none")
_EXCHANGES = 1000


class _Window(NamedTuple):
    """Samples from an event's onset."""

    first: int
    last: int


def identify_movements(
    compared: Compared, events: Sequence[Event], config: CompareConfig, rng: np.random.Generator
) -> Movements | None:
    """Which movement was it? None with fewer than two labels."""
    whole = [event for event, _ in _whole(compared, events, config)]
    labels = {event.label for event in whole}
    if len(labels) < 2:
        return None
    ones = np.ones(len(compared.names))
    sides = [
        average_events(
            Envelopes(values, compared.fs_hz, compared.names, _PLAIN, ones, compared.time[0]),
            whole,
            config.window,
        )
        for values in (compared.simulated, compared.recorded)
    ]
    matrix = movement_matrix(*sides)
    return Movements(sides[0].movements, matrix, identify(matrix, sides[0].movements, rng))


def find_differences(
    compared: Compared, events: Sequence[Event], config: CompareConfig, rng: np.random.Generator
) -> Differences | None:
    """Where round events simulated and recorded curves differ, a test of the whole curve for each
    muscle.

    None with fewer than `MIN_PAIRS` events, or a muscle that never differs by another amount.
    """
    begins = [begin for _, begin in _whole(compared, events, config)]
    if len(begins) < MIN_PAIRS:
        return None
    window = _window(compared, config)
    rows = np.array(begins)[:, None] + np.arange(window.first, window.last)
    tests = []
    for a, e in zip(compared.simulated.T, compared.recorded.T, strict=True):
        if not (a[rows] - e[rows]).std(axis=0).all():
            return None
        if config.inference == "spm":
            tests.append(compare_curves_spm(a[rows], e[rows]))
        else:
            tests.append(compare_curves(a[rows], e[rows], rng, draws=_EXCHANGES))
    p = holm(np.array([test.p for test in tests]))
    return Differences(
        np.arange(window.first, window.last) / compared.fs_hz, len(begins), tuple(tests), p
    )


def _window(compared: Compared, config: CompareConfig) -> _Window:
    return _Window(*(round(edge * compared.fs_hz) for edge in config.window))


def _whole(
    compared: Compared, events: Sequence[Event], config: CompareConfig
) -> list[tuple[Event, int]]:
    """Events whose window lies wholly in what was compared, and the samples that they begin at."""
    window = _window(compared, config)
    begins = [round((event.onset - compared.time[0]) * compared.fs_hz) for event in events]
    return [
        (event, begin)
        for event, begin in zip(events, begins, strict=True)
        if begin + window.first >= 0 and begin + window.last <= len(compared.time)
    ]
