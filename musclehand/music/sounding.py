"""What is heard of a score: with the sustain pedal, notes end where their dampers fall.

A damper falls when its key is up and the pedal is up. So a note whose key comes up while the pedal
is down sounds until the pedal comes up, or until its key is struck again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from musclehand.music.score import Pedal, Score


def sounding_score(score: Score) -> Score:
    """The notes as they sound with the pedal, without pedals."""
    spans = pedal_spans(score.pedals)
    again: dict[int, float] = {}
    notes = []
    for note in reversed(score.notes):
        k = int(np.searchsorted(spans[:, 0], note.offset, side="right")) - 1
        end = note.offset
        if k >= 0 and spans[k, 1] > note.offset:
            end = max(end, min(float(spans[k, 1]), again.get(note.pitch, np.inf)))
        again[note.pitch] = note.onset
        notes.append(replace(note, offset=end))
    return replace(score, notes=tuple(notes), pedals=())


def pedal_spans(pedals: Sequence[Pedal]) -> np.ndarray:
    """Spans of the pedal, overlapping ones joined [s]. Shape (num_spans, 2).

    Spans that only touch stay apart: between them the pedal comes up.
    """
    spans: list[list[float]] = []
    for pedal in pedals:
        if spans and pedal.start < spans[-1][1]:
            spans[-1][1] = max(spans[-1][1], pedal.end)
        else:
            spans.append([pedal.start, pedal.end])
    return np.array(spans, dtype=float).reshape(-1, 2)


def is_pedal_down(spans: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Whether the pedal is down at each time. Shape (num_times,), bool.

    Args:
        spans: ascending, and closed at the start [s]. Shape (num_spans, 2).
        times: to ask about [s]. Shape (num_times,).
    """
    if not len(spans):
        return np.zeros(len(times), dtype=bool)
    k = np.searchsorted(spans[:, 0], times, side="right") - 1
    return (k >= 0) & (spans[k, 1] > times)
