"""Pitches and keys of the piano: names, MIDI numbers, colours.

`pitch` is the MIDI number (A0 = 21 .. C8 = 108, middle C = C4 = 60), `key` counts the 88 keys from
0.
"""

from __future__ import annotations

import re

from musclehand.core.errors import InvalidValue

LOWEST_PITCH = 21
"""MIDI number of A0, the lowest key."""

HIGHEST_PITCH = 108
"""MIDI number of C8, the highest key."""

NUM_KEYS = 88
"""Keys of a piano."""

SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
"""Semitones of the natural notes above C."""

_SHARP_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_NAME = re.compile(r"([A-Ga-g])(#{1,2}|b{1,2}|)(-?\d{1,2})")


def is_on_keyboard(pitch: int) -> bool:
    """True for the 88 pitches a piano has."""
    return LOWEST_PITCH <= pitch <= HIGHEST_PITCH


def is_black(pitch: int) -> bool:
    """True for the black keys."""
    return pitch % 12 in (1, 3, 6, 8, 10)


def pitch_to_key(pitch: int) -> int:
    """Key index 0..87 of a pitch.

    Raises:
        InvalidValue: the pitch is not on the keyboard.
    """
    if not is_on_keyboard(pitch):
        raise InvalidValue("pitch", pitch, f"{LOWEST_PITCH}..{HIGHEST_PITCH} (A0..C8)")
    return pitch - LOWEST_PITCH


def key_to_pitch(key: int) -> int:
    """MIDI pitch of key 0..87.

    Raises:
        InvalidValue: there is no such key.
    """
    if not 0 <= key < NUM_KEYS:
        raise InvalidValue("key", key, f"0..{NUM_KEYS - 1}")
    return key + LOWEST_PITCH


def pitch_name(pitch: int) -> str:
    """Scientific name with sharps: 60 -> 'C4', 61 -> 'C#4'."""
    return f"{_SHARP_NAMES[pitch % 12]}{pitch // 12 - 1}"


def parse_pitch(name: str) -> int:
    """MIDI pitch of a scientific name ('C4', 'F#5', 'Bb2', 'Cb4'); the inverse of `pitch_name`.

    Raises:
        InvalidValue: not a pitch name. The result may lie off the keyboard.
    """
    match = _NAME.fullmatch(name.strip())
    if match is None:
        raise InvalidValue(
            "pitch name", name, "a letter A-G, optional # or b, and an octave, such as F#4"
        )
    letter, accidental, octave = match.groups()
    alter = accidental.count("#") - accidental.count("b")
    return SEMITONES[letter.upper()] + alter + 12 * (int(octave) + 1)
