"""Curves round events: identification of movements, and tests of where the two sides differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from musclehand.emg.comparison.identify import average_events, identify, movement_matrix
from musclehand.emg.comparison.inference import MIN_PAIRS, compare_curves, compare_curves_spm
from musclehand.emg.comparison.result import (
    AlignedCurves,
    CompareConfig,
    CurveDifferences,
    MovementIdentification,
)
from musclehand.emg.comparison.statistics import holm
from musclehand.emg.processing.envelope import EnvelopeConfig, Envelopes
from musclehand.emg.recording import Event

_PLAIN = EnvelopeConfig(normalise="none")
_EXCHANGES = 1000


class _Window(NamedTuple):
    """A window round an event."""

    first: int
    """Its first sample, from the event's onset."""

    last: int
    """The sample after its last one."""


def identify_movements(
    curves: AlignedCurves,
    events: Sequence[Event],
    config: CompareConfig,
    rng: np.random.Generator,
) -> MovementIdentification | None:
    """Identification of the recorded movement among all simulated ones.

    Args:
        curves: of both sides.
        events: with the labels of the movements.
        config: the window round an event.
        rng: draws random assignments for the p-value.

    Returns:
        None with fewer than two labels.
    """
    complete = [event for event, _ in _complete_events(curves, events, config)]
    if len({event.label for event in complete}) < 2:
        return None
    ones = np.ones(len(curves.names))
    simulated, recorded = (
        average_events(
            Envelopes(
                values=values,
                fs_hz=curves.fs_hz,
                names=curves.names,
                config=_PLAIN,
                scale=ones,
                start=curves.time[0],
            ),
            complete,
            config.window,
        )
        for values in (curves.simulated, curves.recorded)
    )
    matrix = movement_matrix(simulated, recorded)
    labels = simulated.movements
    return MovementIdentification(labels, matrix, identify(matrix, labels, rng))


def find_differences(
    curves: AlignedCurves,
    events: Sequence[Event],
    config: CompareConfig,
    rng: np.random.Generator,
) -> CurveDifferences | None:
    """Where curves round events differ: a test of the whole curve for each muscle.

    Args:
        curves: of both sides.
        events: one pair of curves each.
        config: the window round an event, and the test.
        rng: draws the exchanges of the cluster test.

    Returns:
        None with fewer than `MIN_PAIRS` events, or where the difference of a muscle never varies.
    """
    begins = [begin for _, begin in _complete_events(curves, events, config)]
    if len(begins) < MIN_PAIRS:
        return None
    window = _window(curves, config)
    rows = np.array(begins)[:, None] + np.arange(window.first, window.last)
    tests = []
    for a, e in zip(curves.simulated.T, curves.recorded.T, strict=True):
        if not (a[rows] - e[rows]).std(axis=0).all():
            return None
        if config.inference == "spm":
            tests.append(compare_curves_spm(a[rows], e[rows]))
        else:
            tests.append(compare_curves(a[rows], e[rows], rng, draws=_EXCHANGES))
    return CurveDifferences(
        time=np.arange(window.first, window.last) / curves.fs_hz,
        events=len(begins),
        tests=tuple(tests),
        p=holm(np.array([test.p for test in tests])),
    )


def _window(curves: AlignedCurves, config: CompareConfig) -> _Window:
    return _Window(*(round(edge * curves.fs_hz) for edge in config.window))


def _complete_events(
    curves: AlignedCurves, events: Sequence[Event], config: CompareConfig
) -> list[tuple[Event, int]]:
    """Events whose window lies within the curves, and the samples that they begin at."""
    window = _window(curves, config)
    begins = [round((event.onset - curves.time[0]) * curves.fs_hz) for event in events]
    return [
        (event, begin)
        for event, begin in zip(events, begins, strict=True)
        if begin + window.first >= 0 and begin + window.last <= len(curves.time)
    ]
