"""Key coordinates for fingering: places of keys along the keyboard, and of fingers in the hand.

The only axis is x, along the keyboard from low to high, with its zero at D4. The keyboard is its
own mirror image about D, so mirroring a score is a change of sign. All white keys are equally wide,
and a black key lies half-way between its two neighbours. The black keys of
`musclehand.piano.geometry` lie within 3.4 mm of that. Fingering needs no more: the costs are fitted
to pianists' fingerings, which are the same on every piano.
"""

from __future__ import annotations

import numpy as np

from musclehand.core.errors import InvalidValue
from musclehand.motion.fingertip_track import OUR_KEY_PITCH
from musclehand.music.pitch import is_on_keyboard
from musclehand.music.score import Finger, Hand

WHITE_KEY_PITCH = OUR_KEY_PITCH
"""[m] distance between neighbouring white keys (RoboPianist's keyboard: 22.5 mm keys, 1 mm
gaps)."""

MAX_STEPS = 104
"""[half white keys] from one end of the keyboard to the other, rounded up."""

MIRROR_PITCH = 62
"""[MIDI] D4, the centre of symmetry; the mirror image of pitch p is `2 * MIRROR_PITCH - p`."""

_HALF_KEYS_IN_OCTAVE = (0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12)
"""[half white keys] from C, by semitone."""

_NATURAL_OFFSET_KEYS = {
    Finger.THUMB: -2.0,
    Finger.INDEX: -1.0,
    Finger.MIDDLE: 0.0,
    Finger.RING: 1.0,
    Finger.LITTLE: 2.0,
}
"""[white keys] from the hand's centre, towards the little finger."""


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
    """Distance of a finger's natural place from the hand's centre along x [m].

    In the five-finger position each finger has a white key, and the middle finger is at the centre.
    The left hand is the right hand's mirror image.
    """
    return outward(hand) * _NATURAL_OFFSET_KEYS[Finger(finger)] * WHITE_KEY_PITCH


def hand_centre(x: float, hand: Hand, finger: Finger) -> float:
    """Place of the hand's centre along the keyboard [m] for a finger in its natural place.

    Args:
        x: place of the finger [m].
        hand: to which it belongs.
        finger: at `x`.
    """
    return x - finger_offset(hand, finger)


def chord_slices(onsets: np.ndarray, window: float) -> list[np.ndarray]:
    """Groups notes that begin together, as arrays of indices.

    A group opens at a note and takes all notes that follow within the window.

    Args:
        onsets: ascending [s]. Shape (num_notes,).
        window: longest time from the first to the last onset of a group [s].
    """
    slices = []
    first = 0
    while first < len(onsets):
        last = int(np.searchsorted(onsets, onsets[first] + window, side="right"))
        slices.append(np.arange(first, last))
        first = last
    return slices
