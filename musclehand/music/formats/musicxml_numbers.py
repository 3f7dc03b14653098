"""Numbers as MusicXML writes them, checked where they are read; an error tells the legal range.

Format: MusicXML 4.0 (W3C, 2021).
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from xml.etree.ElementTree import Element

from musclehand.music.pitch import SEMITONES

MAX_TICKS_PER_QUARTER = 1_000_000_000
"""[ticks per quarter note] Finest common division; sane files need some thousands."""

MAX_OCTAVE = 9
"""Highest octave of MusicXML, which begins with C9."""

_NUMBER = re.compile(r"\s*(\d{1,9})(\.\d{1,9})?\s*", re.ASCII)
_SIGNED = re.compile(r"\s*[-+]?\d{1,9}(\.\d{1,9})?\s*", re.ASCII)
_ALTER = re.compile(r"\s*[-+]?\d{1,3}(\.\d{1,9})?\s*", re.ASCII)
_STEPS = "CDEFGAB"
_SHARPS = "FCGDAEB"
"""Steps in the order in which key signatures raise them."""


def number(label: str, text: str | None) -> Fraction:
    """A number from 0 below 1e9.

    Raises:
        ValueError: it is none.
    """
    match = _NUMBER.fullmatch(text or "")
    if match is None:
        raise ValueError(f"{label} is {(text or '')[:20]!r}; it must be a number from 0 below 1e9")
    return Fraction(match[0].strip()) if match[2] else Fraction(int(match[1]))


def whole_number(label: str, text: str | None, low: int, high: int) -> int:
    """A whole number of a range.

    Args:
        label: what the number is, for the error.
        text: as the file has it.
        low: smallest legal value, 0 or more.
        high: largest legal value.

    Raises:
        ValueError: it is none, or out of the range.
    """
    match = _NUMBER.fullmatch(text or "")
    value = Fraction(match[0].strip()) if match else Fraction(-1)
    if value.denominator != 1 or not low <= value <= high:
        raise ValueError(
            f"{label} is {(text or '')[:20]!r}; it must be a whole number, {low}..{high:,}"
        )
    return int(value)


def signed_number(label: str, text: str | None) -> Fraction:
    """A number of either sign, below 1e9 in size.

    Raises:
        ValueError: it is none.
    """
    if _SIGNED.fullmatch(text or "") is None:
        raise ValueError(
            f"{label} is {(text or '')[:20]!r}; it must be a number between -1e9 and 1e9"
        )
    return Fraction((text or "").strip())


def pitch_of(element: Element) -> int:
    """MIDI pitch of a `<pitch>` as written; quarter tones are rounded to the nearer key, upwards
    from the middle.

    Raises:
        ValueError: step, alter or octave is illegal.
    """
    step, octave = _step_and_octave(element)
    alter = element.findtext("alter", "0")
    if not _ALTER.fullmatch(alter):
        raise ValueError(f"pitch alter is {alter[:20]!r}; it must be a number of semitones")
    return math.floor(SEMITONES[step] + float(alter) + 0.5) + 12 * (octave + 1)


def read_meter(element: Element) -> Fraction:
    """Length of a bar of a `<time>` in quarter notes; 0 where it has no numbers that tell it.

    Beats may be added, as in 3+2, and so may pairs of beats and beat types.
    """
    length = Fraction(0)
    pairs = zip(element.iterfind("beats"), element.iterfind("beat-type"), strict=False)
    for beats, unit in pairs:
        texts = re.findall(r"\d{1,3}", beats.text or "")
        if not re.fullmatch(r"\s*[1-9]\d{0,3}\s*", unit.text or ""):
            return Fraction(0)
        length += Fraction(4 * sum(int(text) for text in texts), int(unit.text or "1"))
    return length


def neighbour_of(element: Element, steps: int, fifths: int, alter: int | None = None) -> int:
    """MIDI pitch of a neighbour of a `<pitch>` in the scale of the key.

    Args:
        element: the pitch.
        steps: 1 for the upper neighbour, -1 for the lower one.
        fifths: sharps of the key signature, -7 to 7; flats are negative.
        alter: [semitones] accidental of the neighbour, in place of the key signature's.
    """
    step, octave = _step_and_octave(element)
    place = _STEPS.index(step) + steps
    letter = _STEPS[place % 7]
    if alter is None:
        sharp = letter in _SHARPS[: max(0, fifths)]
        flat = letter in _SHARPS[7 + min(0, fifths) :] if fifths < 0 else False
        alter = int(sharp) - int(flat)
    return SEMITONES[letter] + alter + 12 * (octave + place // 7 + 1)


def _step_and_octave(element: Element) -> tuple[str, int]:
    step = element.findtext("step", "").strip()
    if step not in SEMITONES:
        raise ValueError(f"pitch step is {step[:20]!r}; it must be a letter A..G")
    return step, whole_number("octave", element.findtext("octave"), 0, MAX_OCTAVE)
