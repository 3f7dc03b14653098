"""Boxes of the keys at rest, as arrays for the compiled kernels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from musclehand.piano.geometry import KeyboardGeometry

_BIN = 0.002
"""[m] width of the bins along the keyboard by which the nearest keys are looked up."""

_CANDIDATES = 6
"""Keys that are considered for each point: those nearest sideways."""

_EDGE = 0.05
"""[m] distance by which the bins go beyond the keyboard."""


class KeyBoxes(NamedTuple):
    """Boxes of n keys at rest, in the frame of a right hand's keyboard."""

    low: np.ndarray
    """[m] least x. Shape (n,)."""

    high: np.ndarray
    """[m] largest x. Shape (n,)."""

    top: np.ndarray
    """[m] height of the top. Shape (n,)."""

    front: np.ndarray
    """[m] y of the front. Shape (n,)."""

    highest: float
    """[m] of all tops."""

    first: float
    """[m] x at which the bins begin."""

    width: float
    """[m] of a bin."""

    nearest: np.ndarray
    """Nearest keys of each bin. Shape (bins, 6)."""


def key_boxes(geometry: KeyboardGeometry, mirror: float) -> KeyBoxes:
    """The keys for a hand.

    Args:
        geometry: of the keyboard.
        mirror: +1 for a right hand, -1 for a left hand, as `Side.mirror`.
    """
    x = mirror * geometry.x
    low = x - 0.5 * geometry.width
    high = x + 0.5 * geometry.width
    first = float(low.min()) - _EDGE
    centres = np.arange(first, float(high.max()) + _EDGE, _BIN) + 0.5 * _BIN
    nearest = np.argsort(np.abs(x - centres[:, None]), axis=1, kind="stable")[:, :_CANDIDATES]
    return KeyBoxes(
        low=low,
        high=high,
        top=np.array(geometry.top_z, dtype=float),
        front=np.array(geometry.front_y, dtype=float),
        highest=float(geometry.top_z.max()),
        first=first,
        width=_BIN,
        nearest=np.ascontiguousarray(nearest),
    )
