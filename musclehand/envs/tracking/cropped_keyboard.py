"""Reference motion on a keyboard of four octaves, by shifts of whole octaves.

Keys repeat with every octave, and the keyboard is its own mirror image about each D. So a motion of
either hand fits the keys under a right hand wherever it was made, once it is shifted by octaves
and, for the other hand, mirrored about a D. A clip that reaches further than the cropped keyboard
is cut into parts. A clip without key masses was not planned for keys and is done in the air above.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from musclehand.body.anatomy import Side
from musclehand.core.errors import InvalidValue
from musclehand.envs.reference import FEWEST_FRAMES, ReferenceSet, cut
from musclehand.piano.geometry import keyboard_geometry, load_piano_parameters

CROPPED_KEYS = slice(27, 75)
"""Keys of the cropped keyboard, of 88: C3 to B6."""

EDGE_MARGIN = 0.03
"""[m] Least distance of fingertips from the keyboard's ends: more than a white key's width."""

AIR_HEIGHT = 0.15
"""[m] Height that is added to motion without keys."""

_MIRROR_KEY = 41
"""D4, about which keys are mirrored."""

_OCTAVE = 12
"""Keys in an octave."""


def fit_to_cropped_keyboard(references: ReferenceSet, side: Side) -> ReferenceSet:
    """Shifts clips onto the cropped keyboard, and cuts them where they have to be.

    Args:
        references: clips anywhere on the keyboard, mirrored to right hands.
        side: of the hand that is simulated.

    Raises:
        InvalidValue: no clip fits.
    """
    left_end, right_end, octave, mirror_x = _places()
    # References are mirrored to right hands, so for a left hand the whole keyboard is.
    middle = side.mirror * 0.5 * (left_end + right_end)
    # After a shift by octaves, a motion's middle is at most half an octave off.
    room = right_end - left_end - octave - 2 * EDGE_MARGIN
    spans = []
    shifts = []
    for clip, clip_side in enumerate(references.sides):
        first = int(references.first[clip])
        last = int(references.last[clip])
        if not references.key_mass[first : last + 1].any():
            spans.append((first, last))
            shifts.append((0.0, AIR_HEIGHT))
            continue
        mirror_shift = 0.0 if clip_side is side else 2.0 * side.mirror * mirror_x
        x = references.tips[first : last + 1, :, 0]
        for start, count, center in _parts_within(x, room):
            octaves = round((middle - center - mirror_shift) / octave)
            shifts.append((mirror_shift + octave * octaves, 0.0))
            spans.append((first + start, first + start + count - 1))
    if not spans:
        raise InvalidValue("clips", list(references.names), "some that fit four octaves of keys")
    result = cut(references, spans, np.array(shifts))
    counts = [last + 1 - first for first, last in spans]
    result.key_force[np.repeat([height > 0.0 for _, height in shifts], counts)] = 0.0
    return result


def without_key_forces(references: ReferenceSet) -> ReferenceSet:
    """The same references with no forces on keys, for simulations without a keyboard."""
    return replace(references, key_force=np.zeros_like(references.key_force))


def _parts_within(x: np.ndarray, room: float) -> list[tuple[int, int, float]]:
    """Longest consecutive parts of a motion that are no wider than `room`.

    Args:
        x: of the fingertips along the keyboard [m]. Shape (frames, 5).
        room: largest extent [m].

    Returns:
        First frame, number of frames and middle [m] of each part of at least `FEWEST_FRAMES`.
    """
    low = x.min(axis=1)
    high = x.max(axis=1)
    parts = []
    start = 0
    while start < len(x):
        lows = np.minimum.accumulate(low[start:])
        highs = np.maximum.accumulate(high[start:])
        count = int(np.searchsorted(highs - lows, room, side="right"))
        if count >= FEWEST_FRAMES:
            parts.append((start, count, 0.5 * (lows[count - 1] + highs[count - 1])))
        start += max(count, 1)
    return parts


@lru_cache(maxsize=1)
def _places() -> tuple[float, float, float, float]:
    """Left and right end of the cropped keyboard, width of an octave, and x of the mirror key
    [m]."""
    geometry = keyboard_geometry(load_piano_parameters())
    x = geometry.x[CROPPED_KEYS]
    width = geometry.width[CROPPED_KEYS]
    first = CROPPED_KEYS.start
    octave = float(geometry.x[first + _OCTAVE] - geometry.x[first])
    return (
        float(x[0] - 0.5 * width[0]),
        float(x[-1] + 0.5 * width[-1]),
        octave,
        float(geometry.x[_MIRROR_KEY]),
    )
