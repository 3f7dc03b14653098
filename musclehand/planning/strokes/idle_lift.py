"""Idle fingers that practice has taught to keep out of the way: their height over time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from musclehand.planning.strokes.corrections import IdleLift
from musclehand.planning.strokes.press import min_jerk

RAISE_TIME = 0.06
"""[s] in which an idle finger is raised, and lowered again; chosen, about the time of a strike's
way down (`strike.StrokeConfig.press_times`)."""


def idle_height(
    times: np.ndarray,
    lifts: Sequence[IdleLift],
    busy: np.ndarray,
) -> np.ndarray:
    """Height by which lifts raise one finger [m]. Shape (n,).

    A finger rises and comes back in `RAISE_TIME` each, with least jerk, and is not raised while it
    is busy. Of two lifts at a time the higher one counts.

    Args:
        times: at which to ask [s]. Shape (n,).
        lifts: of this finger.
        busy: times at which the finger begins and ends to play, in order [s]. Shape (m, 2).
    """
    height = np.zeros(len(times))
    if not lifts:
        return height
    edges = np.concatenate([[[-np.inf, -np.inf]], busy.reshape(-1, 2), [[np.inf, np.inf]]])
    following = np.searchsorted(edges[:, 0], times, side="right")
    free = np.minimum(times - edges[following - 1, 1], edges[following, 0] - times)
    for lift in lifts:
        inside = np.minimum(times - lift.start, lift.end - times)
        share = np.minimum(inside, free) / RAISE_TIME
        height = np.maximum(height, lift.height * min_jerk(share))
    return height
