"""The keyboard as a pattern of dark and light places, for finding it in pictures.

Keys are numbered as in `piano.geometry`, from 0 at A0. The pattern of an octave goes on beyond both
ends of a piano, so that numbers below 0 and above 87 are legal here: how many octaves lie below the
picture is decided last.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np

from musclehand.music.pitch import NUM_KEYS
from musclehand.piano.geometry import keyboard_geometry, load_piano_parameters

OCTAVE = 12
"""Keys."""

BEYOND = 3 * OCTAVE
"""Keys of the pattern beyond each end of a piano."""


@dataclass(frozen=True, eq=False)
class KeyPattern:
    """All keys of the extended pattern, in order; row i is key `first + i`."""

    first: int
    """Number of the first key."""

    black: np.ndarray
    """The key is black. Shape (n,), bool."""

    x: np.ndarray
    """[m] Centre along the keyboard. Shape (n,)."""

    back_x: np.ndarray
    """[m] Left and right edge where black keys are. Shape (n, 2)."""

    front_x: np.ndarray
    """[m] Left and right edge in front of black keys; of black keys as `back_x`. Shape (n, 2)."""

    octave: float
    """[m] Width of an octave."""

    black_front: float
    """[m] y of the fronts of black keys."""

    back: float
    """[m] y of the fallboard."""

    rise: float
    """[m] Height of black keys."""

    def rows(self, first: int, last: int) -> slice:
        """Rows of the keys from `first` to `last`, both included."""
        return slice(first - self.first, last + 1 - self.first)


@cache
def key_pattern() -> KeyPattern:
    """The pattern of the bundled piano, whose measures are those of most pianos."""
    piano = load_piano_parameters()
    keys = keyboard_geometry(piano)
    octave = float(keys.x[2 * OCTAVE] - keys.x[OCTAVE])
    numbers = np.arange(-BEYOND, NUM_KEYS + BEYOND)
    # Keys 12 to 23 have all their neighbours.
    inside = OCTAVE + numbers % OCTAVE
    shift = octave * (numbers // OCTAVE - 1)
    half = np.stack([keys.x - keys.width / 2, keys.x + keys.width / 2], axis=1)
    return KeyPattern(
        first=-BEYOND,
        black=keys.black[inside],
        x=keys.x[inside] + shift,
        back_x=keys.back_x[inside] + shift[:, None],
        front_x=half[inside] + shift[:, None],
        octave=octave,
        black_front=piano.white_length - piano.black_length,
        back=piano.white_length,
        rise=piano.black_rise,
    )


class Samples(NamedTuple):
    """Points on the tops of keys, and how light they are."""

    points: np.ndarray
    """[m] In the world. Shape (n, 3)."""

    light: np.ndarray
    """1 on white keys, 0 on black ones. Shape (n,)."""

    key: np.ndarray
    """Number of the key. Shape (n,)."""

    front: np.ndarray
    """In front of the black keys. Shape (n,), bool."""


_BACK_SHARES = np.linspace(0.12, 0.88, 6)
"""Where samples lie along the black keys, from front to back."""

_FRONT_SHARES = np.array([0.15, 0.4, 0.65, 0.85])
"""Where samples lie along the fronts of white keys."""


@cache
def key_samples(first: int, last: int) -> Samples:
    """Points on the keys from `first` to `last`, both included."""
    pattern = key_pattern()
    back_y = pattern.black_front + _BACK_SHARES * (pattern.back - pattern.black_front)
    front_y = _FRONT_SHARES * pattern.black_front
    parts = []
    for number in range(first, last + 1):
        row = number - pattern.first
        black = bool(pattern.black[row])
        parts.append(_grid(pattern.back_x[row], back_y, pattern.rise * black, number, black))
        if not black:
            parts.append(_grid(pattern.front_x[row], front_y, 0.0, number, black, front=True))
    return Samples(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _grid(
    edges: np.ndarray,
    y: np.ndarray,
    height: float,
    number: int,
    black: bool,
    *,
    front: bool = False,
) -> Samples:
    x = edges[0] + np.array([0.25, 0.5, 0.75]) * (edges[1] - edges[0])
    points = np.array([(a, b, height) for b in y for a in x])
    count = len(points)
    return Samples(
        points, np.full(count, float(not black)), np.full(count, number), np.full(count, front)
    )
