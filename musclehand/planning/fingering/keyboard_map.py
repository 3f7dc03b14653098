"""Where keys lie along the keyboard and where each finger of a hand at rest lies over them.

One axis, x, along the keyboard from low to high, zero at D4: the keyboard is its own mirror image
about D, so mirroring a score is a change of sign. All white keys have the same pitch and a black
key is taken to lie half-way between its two neighbours, where those of `musclehand.piano.geometry`
lie to 3.4 mm: pianists' fingerings, which the costs are fitted to, are the same on every piano.
"""

from __future__ import annotations

import numpy as np

from musclehand.core.errors import InvalidValue
from musclehand.motion.fingertip_track import OUR_KEY_PITCH
from musclehand.music.pitch import is_on_keyboard
from musclehand.music.score import Finger, Hand

WHITE_KEY_PITCH = OUR_KEY_PITCH
"""Distance between neighbouring white keys [m] (RoboPianist's keyboard: 22.5 mm keys, 1 mm
gaps)."""

MIRROR_PITCH = 62
"""D4, the centre of symmetry; the mirror image of pitch p is `2 * MIRROR_PITCH - p`."""

_HALF_KEYS_IN_OCTAVE = (0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12)
_NATURAL_OFFSET_KEYS = {
    Finger.THUMB: -2.0,
    Finger.INDEX: -1.0,
    Finger.MIDDLE: 0.0,
    Finger.RING: 1.0,
    Finger.LITTLE: 2.0,
}


def half_keys(pitch: int) -> int:
    """Position of a key in half white-key widths from D4: even on white keys, odd on black ones.

    Raises:
        InvalidValue: the pitch is not on the keyboard.
    """
    if not is_on_keyboard(pitch):
        raise InvalidValue("pitch", pitch, "21..108")
    octave, step = divmod(pitch, 12)
    return 14 * (octave - 5) + _HALF_KEYS_IN_OCTAVE[step] - 2


def outward(hand: Hand) -> int:
    """Direction from thumb to little finger along x: +1 for the right hand, -1 for the left."""
    return 1 if hand == Hand.RIGHT else -1


def finger_offset(hand: Hand, finger: Finger) -> float:
    """Natural place of a finger from the hand's centre along x [m].

    The five-finger position: one finger to a white key, the middle finger on the centre. The left
    hand is the right hand's mirror image.
    """
    return outward(hand) * _NATURAL_OFFSET_KEYS[Finger(finger)] * WHITE_KEY_PITCH


def hand_centre(x: float, hand: Hand, finger: Finger) -> float:
    """Where the hand's centre is along the keyboard [m] when `finger` rests at `x` [m] in its
    natural place."""
    return x - finger_offset(hand, finger)


def chord_slices(onsets: np.ndarray, window: float) -> list[np.ndarray]:
    """Indices of notes that begin together: a slice opens at a note and takes all that follow
    within `window` [s].

    `onsets` [s] ascend. Shape (num_notes,).
    """
    slices = []
    first = 0
    while first < len(onsets):
        last = int(np.searchsorted(onsets, onsets[first] + window, side="right"))
        slices.append(np.arange(first, last))
        first = last
    return slices
