"""Which of two tracked hands is the left one, decided over the whole film.

Each picture's networks say how much a hand looks like a right one, which is wrong where fingers are
hidden. Hands that are followed from picture to picture keep their side, also where they cross. So
the most probable sequence of "the first is left" and "the second is left" is found (Viterbi 1967).
"""

from __future__ import annotations

import numpy as np

from musclehand.watch.hand_tracker import palm_length

WEIGHT = 0.2
"""Weight of one picture's handedness; chosen: about five pictures in a row repeat an error."""

FLOOR = 0.02
"""Least probability of either side, whatever a network says; chosen."""

CONTINUED = 12.0
"""[nats] Cost of changing sides while a hand is followed; chosen: wins over half a second of errors
of both hands."""

INTERRUPTED = 1.0
"""[nats] Cost of changing sides where no hand is followed; chosen."""

PLACE = 0.02
"""[nats] Cost of a picture with the left hand on the right; chosen: it decides only where
handedness does not."""

JUMP = 0.5
"""[palm lengths] Farthest that a hand moves between pictures, or over a short gap; chosen: 48 mm, a
hand at 1.4 m/s at 30 Hz."""

MEMORY = 0.5
"""[s] Longest gap over which a hand at the same place is taken for the same; chosen."""


def assign_sides(points: np.ndarray, right: np.ndarray, rate: float) -> np.ndarray:
    """Whether the two places are exchanged: the first holds the right hand.

    Args:
        points: in the two places, NaN where no hand is [pixels]. Shape (T, 2, 21, 2).
        right: confidence that a hand is a right one. Shape (T, 2).
        rate: pictures per second [Hz].

    Returns:
        Shape (T,), bool.
    """
    seen = np.isfinite(points[:, :, 0, 0])
    sure = np.clip(right.astype(float), FLOOR, 1 - FLOOR)
    odds = np.where(seen, WEIGHT * np.log(sure / (1 - sure)), 0.0)
    # Costs of a picture where the first hand is left, and where it is right, as a difference.
    cost = odds[:, 0] - odds[:, 1]
    middle = points[:, :, :, 0].mean(axis=2)
    both = seen.all(axis=1)
    cost = cost + PLACE * np.where(both, np.sign(np.nan_to_num(middle[:, 0] - middle[:, 1])), 0)
    change = np.where(_is_continued(points, seen, rate), CONTINUED, INTERRUPTED)
    return _cheapest(cost, change)


def _is_continued(points: np.ndarray, seen: np.ndarray, rate: float) -> np.ndarray:
    """A hand of the picture is at its place of a short time before. Shape (T,)."""
    frames = len(points)
    continued = np.zeros(frames, dtype=bool)
    index = np.arange(frames)
    for place in range(seen.shape[1]):
        latest = np.maximum.accumulate(np.where(seen[:, place], index, -1))
        before = np.concatenate([[-1], latest[:-1]])
        use = seen[:, place] & (before >= 0) & (index - before <= max(1.0, MEMORY * rate))
        hand = points[:, place]
        moved = np.linalg.norm((hand[use] - hand[before[use]]).mean(axis=1), axis=1)
        continued[use] |= moved < JUMP * palm_length(hand[before[use]])
    return continued


def _cheapest(cost: np.ndarray, change: np.ndarray) -> np.ndarray:
    """The cheapest sequence of two states, where the first costs more by `cost`."""
    frames = len(cost)
    came = np.zeros((frames, 2), dtype=bool)
    plain, swapped = 0.0, 0.0
    for t, (difference, switch) in enumerate(zip(cost.tolist(), change.tolist(), strict=True)):
        came[t] = (swapped + switch < plain, plain + switch < swapped)
        plain, swapped = min(plain, swapped + switch), min(swapped, plain + switch)
        plain += difference / 2
        swapped -= difference / 2
    states = np.empty(frames, dtype=bool)
    state = swapped < plain
    for t in range(frames - 1, -1, -1):
        states[t] = state
        if came[t, int(state)]:
            state = not state
    return states
