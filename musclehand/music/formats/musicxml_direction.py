"""Reading `<direction>` and `<sound>` of MusicXML: tempo, loudness, hairpins, pedal.

A direction takes effect where it stands, moved by its `<offset>` if that has `sound="yes"`. Format:
MusicXML 4.0 (W3C, 2021).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from xml.etree.ElementTree import Element

from musclehand.music.formats.musicxml_loudness import LoudMark, Wedge
from musclehand.music.formats.musicxml_note import percent_velocity
from musclehand.music.formats.musicxml_numbers import number, signed_number, whole_number

HALF_PEDAL = 50
"""[percent] Position from which `<sound damper-pedal>` counts as down: the middle."""

_FIRST_NUMBER = re.compile(r"\d{1,6}(\.\d{1,9})?", re.ASCII)
_QUARTERS = {
    "breve": 8.0,
    "whole": 4.0,
    "half": 2.0,
    "quarter": 1.0,
    "eighth": 0.5,
    "16th": 0.25,
    "32nd": 0.125,
}
# MuseScore's velocities (MuseScore 4 handbook, "Dynamics").
_VELOCITY = {"pppppp": 1, "ppppp": 5, "pppp": 10, "ppp": 16, "pp": 33, "p": 49, "mp": 64, "mf": 80}
_VELOCITY |= {"f": 96, "ff": 112, "fff": 126, "ffff": 127, "fffff": 127, "ffffff": 127}
# Velocity of the notes under the mark, and of what follows (None: as before). Velocities of
# MuseScore's list of dynamics, from memory; the level behind is that of its last letters.
_LOUD_SOFT: dict[str, tuple[int, int | None]] = {
    "fp": (96, 49),
    "sfp": (112, 49),
    "sfpp": (112, 33),
    "pf": (49, 96),
    "sf": (112, None),
    "sfz": (112, None),
    "fz": (112, None),
    "rf": (112, None),
    "rfz": (112, None),
    "sffz": (126, None),
    "sfzp": (112, 49),
}
_TEMPO_WORDS = re.compile(
    r"\b(rit|ritard|ritardando|rall|rallentando|accel|accelerando|stringendo)\b", re.IGNORECASE
)
_LOUDNESS_WORDS = re.compile(
    r"\b(cresc|crescendo|dim|diminuendo|decresc|decrescendo|smorz|smorzando|morendo)\b",
    re.IGNORECASE,
)


def sound_attribute(element: Element, name: str) -> str | None:
    """An attribute of a `<sound>`, or of the `<sound>` in a `<direction>`."""
    return next((s.get(name) for s in _sounds(element) if s.get(name) is not None), None)


def _sounds(element: Element) -> Iterable[Element]:
    return [element] if element.tag == "sound" else element.iterfind("sound")


def read_offset(element: Element, scale: Fraction) -> int:
    """How far the sound of a direction is moved [ticks]; `scale`: ticks per division.

    Raises:
        ValueError: the offset is no number.
    """
    for offset in element.iterfind("offset"):
        # The offset of a <sound> itself always is one of sound.
        if offset.get("sound") == "yes" or element.tag == "sound":
            return round(signed_number("offset", offset.text) * scale)
    return 0


def read_tempo(element: Element) -> float | None:
    """Tempo [quarter notes a minute], if the direction has one.

    Raises:
        ValueError: it is not a number above 0.
    """
    text = sound_attribute(element, "tempo")
    tempo = float(number("tempo", text)) if text is not None else _metronome(element)
    if tempo is not None and tempo <= 0:
        raise ValueError(f"tempo is {tempo:g}; it must be above 0 quarter notes a minute")
    return tempo


def _metronome(element: Element) -> float | None:
    """Quarter notes a minute of a metronome mark with a number, such as "half note = ca. 60"."""
    mark = element.find("direction-type/metronome")
    if mark is None:
        return None
    digits = _FIRST_NUMBER.search(mark.findtext("per-minute", ""))
    unit = _QUARTERS.get(mark.findtext("beat-unit", "").strip())
    if digits is None or unit is None:
        return None
    dots = min(4, len(mark.findall("beat-unit-dot")))
    return float(digits[0]) * unit * (2 - 0.5**dots)


def read_loudness(element: Element, time: int, unplayed: Counter[str]) -> list[LoudMark]:
    """Dynamic marks of a direction or `<sound>`; the number of a `<sound>` wins over the sign.

    Args:
        element: the direction or sound.
        time: at which it takes effect [ticks].
        unplayed: counts marks that are not known, by name.

    Raises:
        ValueError: a number is illegal.
    """
    percent = sound_attribute(element, "dynamics")
    signs = [s.tag for signs in element.iterfind("direction-type/dynamics") for s in signs]
    sign = signs[0] if signs else ""
    exact = None if percent is None else percent_velocity("dynamics", percent)
    staff, is_between = _staff(element)
    if sign in _LOUD_SOFT:
        velocity, after = _LOUD_SOFT[sign]
        return [
            LoudMark(time, staff, is_between, velocity if exact is None else exact, after, True)
        ]
    velocity = _VELOCITY.get(sign, 0) if exact is None else exact
    if velocity:
        return [LoudMark(time, staff, is_between, velocity, velocity, False)]
    if sign:
        unplayed["other-dynamics"] += 1
    return []


def read_note_loudness(element: Element, time: int, unplayed: Counter[str]) -> list[LoudMark]:
    """Dynamic marks in the `<notations>` of a note, which are of its staff."""
    marks: list[LoudMark] = []
    staff = whole_number("staff", element.findtext("staff", "1"), 1, 99)
    for sign in (s.tag for signs in element.iterfind("notations/dynamics") for s in signs):
        if sign in _LOUD_SOFT:
            velocity, after = _LOUD_SOFT[sign]
            marks.append(LoudMark(time, staff, False, velocity, after, True))
        elif sign in _VELOCITY:
            marks.append(LoudMark(time, staff, False, _VELOCITY[sign], _VELOCITY[sign], False))
        else:
            unplayed["other-dynamics"] += 1
    return marks


def read_wedges(element: Element, time: int) -> list[Wedge]:
    """Beginnings and ends of hairpins at `time` [ticks]."""
    staff, is_between = _staff(element)
    steps = {"crescendo": 1, "diminuendo": -1, "stop": 0}
    return [
        Wedge(time, staff, is_between, steps[kind], wedge.get("number", "1"))
        for wedge in element.iterfind("direction-type/wedge")
        if (kind := wedge.get("type", "")) in steps
    ]


def _staff(element: Element) -> tuple[int, bool]:
    """Staff of a direction, 0 for all, and whether it stands between two staves."""
    text = element.findtext("staff")
    if text is None:
        return 0, False
    staff = whole_number("staff", text, 1, 99)
    return staff, (staff, element.get("placement")) in ((1, "below"), (2, "above"))


def read_pedal(element: Element) -> tuple[list[bool], bool]:
    """What the sustain pedal does, down (True) and up, and whether it is pressed halfway.

    Raises:
        ValueError: a position of the pedal is illegal.
    """
    downs = {"start": [True], "resume": [True], "change": [False, True]}
    downs |= {"stop": [False], "discontinue": [False]}
    moves = [
        down
        for pedal in element.iterfind("direction-type/pedal")
        for down in downs.get(pedal.get("type", ""), [])
    ]
    position = sound_attribute(element, "damper-pedal")
    if moves or position is None:
        return moves, False
    if position in ("yes", "no"):
        return [position == "yes"], False
    percent = number("damper-pedal", position)
    return [percent >= HALF_PEDAL], 0 < percent < 100


def count_words(element: Element, unplayed: Counter[str]) -> None:
    """Count words and swing that change tempo or loudness and are not played out."""
    text = " ".join(words.text or "" for words in element.iterfind("direction-type/words"))
    unplayed["tempo words"] += bool(_TEMPO_WORDS.search(text))
    unplayed["loudness words"] += bool(_LOUDNESS_WORDS.search(text))
    for sound in _sounds(element):
        swing = sound.find("swing")
        unplayed["swing"] += swing is not None and swing.find("straight") is None
