"""Four octaves of a keyboard are enough for one hand, if what it plays is moved there by whole
octaves.

Keys repeat with every octave and are their own mirror image about each D, so a motion of either
hand fits the keys under a right one wherever it was played. Where a clip goes further than the
strip reaches, it is cut in parts. One that does not tell what keys weigh was not planned for keys,
and is done in the air above them.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from musclehand.body.anatomy import Side
from musclehand.core.errors import InvalidValue
from musclehand.envs.reference import FEWEST_FRAMES, ReferenceSet, cut
from musclehand.piano.geometry import keyboard_geometry, load_piano_parameters

STRIP = slice(27, 75)
"""The keys that there are, of 88: C3 to B6."""

_MIRROR_KEY = 41
"""D4, about which keys are mirrored."""

EDGE = 0.03
"""Fingertips stay so far within the strip's ends [m]."""

LIFT = 0.15
"""So much higher is done what is done without keys [m]."""

_OCTAVE = 12


def on_strip(references: ReferenceSet, side: Side) -> ReferenceSet:
    """Clips, told as of a right hand, moved to the strip under a hand of a side, and cut where they
    have to be.

    Raises:
        InvalidValue: nothing fits.
    """
    left_end, right_end, octave, mirror = _places()
    # Told as of a right hand, the left one's keyboard is mirrored as a whole.
    middle = side.mirror * 0.5 * (left_end + right_end)
    # Moved by whole octaves, nothing is further than half of one from the middle.
    room = right_end - left_end - octave - 2 * EDGE
    spans = []
    shifts = []
    for clip, own in enumerate(references.sides):
        first = int(references.first[clip])
        last = int(references.last[clip])
        if not references.key_mass[first : last + 1].any():
            spans.append((first, last))
            shifts.append((0.0, LIFT))
            continue
        x = references.tips[first : last + 1, :, 0]
        low = x.min(axis=1)
        high = x.max(axis=1)
        start = 0
        while start < len(x):
            lows = np.minimum.accumulate(low[start:])
            highs = np.maximum.accumulate(high[start:])
            count = int(np.searchsorted(highs - lows, room, side="right"))
            if count >= FEWEST_FRAMES:
                place = 0.5 * (lows[count - 1] + highs[count - 1])
                offset = 0.0 if own is side else 2.0 * side.mirror * mirror
                shifts.append((offset + octave * round((middle - place - offset) / octave), 0.0))
                spans.append((first + start, first + start + count - 1))
            start += max(count, 1)
    if not spans:
        raise InvalidValue("clips", list(references.names), "some that fit four octaves of keys")
    moved = cut(references, spans, np.array(shifts))
    counts = [last + 1 - first for first, last in spans]
    moved.press[np.repeat([lift > 0.0 for _, lift in shifts], counts)] = 0.0
    return moved


def nothing_owed(references: ReferenceSet) -> ReferenceSet:
    """The same references where there are no keys to be pressed."""
    return replace(references, press=np.zeros_like(references.press))


@lru_cache(maxsize=1)
def _places() -> tuple[float, float, float, float]:
    """Ends of the strip, width of an octave, and place of the mirror key [m]."""
    geometry = keyboard_geometry(load_piano_parameters())
    x = geometry.x[STRIP]
    width = geometry.width[STRIP]
    octave = float(geometry.x[STRIP.start + _OCTAVE] - geometry.x[STRIP.start])
    return (
        float(x[0] - 0.5 * width[0]),
        float(x[-1] + 0.5 * width[-1]),
        octave,
        float(geometry.x[_MIRROR_KEY]),
    )
