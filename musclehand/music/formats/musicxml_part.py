"""Reading one part of a MusicXML tree into written measures: notes, tempo, dynamics, pedal and
repeat signs.

Times are whole ticks of a division common to the whole file, so that arithmetic is exact. Every
number is checked where it is read, and an error names the measure. Format: MusicXML 4.0 (W3C,
2021).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from os import PathLike
from typing import NamedTuple
from xml.etree.ElementTree import Element

from musclehand.core.errors import ScoreError
from musclehand.music.formats.repeats import UNMARKED, MeasureMarks
from musclehand.music.pitch import SEMITONES
from musclehand.music.score import Finger

_MAX_TICKS_PER_QUARTER = 1_000_000_000
"""Finest common division; sane files need some thousands."""

_MAX_PLAYS = 99
"""Most times that a section is played; a larger number in a file is lowered to it."""

_NUMBER = re.compile(r"\s*(\d{1,9})(\.\d{1,9})?\s*", re.ASCII)
_SIGNED = re.compile(r"\s*[-+]?\d{1,3}(\.\d{1,9})?\s*", re.ASCII)
_FIRST_NUMBER = re.compile(r"\d{1,6}(\.\d{1,9})?", re.ASCII)
_FINGER = re.compile(r"\s*([1-5])(?!\d)", re.ASCII)
_QUARTERS = {
    "breve": 8.0,
    "whole": 4.0,
    "half": 2.0,
    "quarter": 1.0,
    "eighth": 0.5,
    "16th": 0.25,
    "32nd": 0.125,
}
# MuseScore's velocities (MuseScore 4 handbook, "Dynamics"); the number in <sound dynamics> is a
# percentage of 90.
_VELOCITY = {"pppppp": 1, "ppppp": 5, "pppp": 10, "ppp": 16, "pp": 33, "p": 49, "mp": 64, "mf": 80}
_VELOCITY |= {"f": 96, "ff": 112, "fff": 126, "ffff": 127, "fffff": 127, "ffffff": 127}
_FORTE = 0.9
"""MIDI velocity per percent of <sound dynamics>."""


class WrittenNote(NamedTuple):
    """A note as it stands in a measure."""

    position: int
    """[ticks] Onset, from the beginning of the measure."""

    duration: int
    """[ticks] Length; 0 for a grace note."""

    pitch: int
    """MIDI pitch."""

    staff: int
    """Number of the staff, from 1 (the upper)."""

    voice: str
    """Name of the voice."""

    finger: Finger | None
    """Finger, where the file names it."""

    grace: int
    """0 for a note on the beat; 1 for the grace note just before it, 2 for the one before, ..."""

    tie_start: bool
    """A tie leads to the next note of this pitch."""

    tie_stop: bool
    """A tie leads from an earlier note of this pitch."""


@dataclass(frozen=True)
class Measure:
    """The content of one measure in one part.

    All lists are in order of time, which is in ticks from the beginning of the measure.
    """

    length: int = 0
    """[ticks] Length."""

    notes: tuple[WrittenNote, ...] = ()
    """Notes."""

    tempos: tuple[tuple[int, float], ...] = ()
    """Time, and tempo [quarter notes a minute] from it on."""

    velocities: tuple[tuple[int, int], ...] = ()
    """Time, and MIDI velocity from it on, 1 to 127."""

    pedals: tuple[tuple[int, bool], ...] = ()
    """Time, and whether the pedal goes down (True) or up at it."""

    marks: MeasureMarks = UNMARKED
    """Repeat signs, endings and jumps."""


@dataclass(frozen=True)
class Part:
    """The measures of one instrument."""

    name: str
    """Name of the part, such as "Piano"; may be empty."""

    measures: tuple[Measure, ...]
    """Measures in their written order."""

    staves: int
    """Staves that the part is written on."""

    num_unpitched: int
    """Notes of unpitched percussion, which are left out."""

    num_substitutions: int
    """Notes whose finger changes on the key; the first finger is kept."""


def ticks_per_quarter(root: Element, path: str | PathLike[str]) -> int:
    """The least common multiple of all divisions of the quarter note in a file.

    Raises:
        ScoreError: a division is not a whole number from 1, or they have no common multiple of a
            sane size.
    """
    common = 1
    for text in {element.text for element in root.iter("divisions")}:
        try:
            common = math.lcm(common, _whole_number("divisions", text, 1, _MAX_TICKS_PER_QUARTER))
        except ValueError as error:
            raise ScoreError(path, str(error)) from None
        if common > _MAX_TICKS_PER_QUARTER:
            raise ScoreError(
                path,
                "divides the quarter note in ways that have no common multiple: is it damaged?",
            )
    return common


def read_part(part: Element, name: str, ticks: int, path: str | PathLike[str]) -> Part:
    """Read the measures of a `<part>`.

    Args:
        part: the element.
        name: name of the part, from the part list of the file.
        ticks: ticks per quarter note (`ticks_per_quarter`).
        path: name of the file, for the error message.

    Raises:
        ScoreError: a malformed number; names the measure.
    """
    reader = _PartReader(ticks)
    for count, measure in enumerate(part.iterfind("measure"), start=1):
        try:
            reader.read(measure)
        except ValueError as error:
            place = f"part {(name or '?')[:40]!r}, measure {measure.get('number', count)!s:.20}"
            raise ScoreError(path, str(error), where=place) from None
    return reader.part(name)


class _PartReader:
    """Walks the measures of a part; division and open bracket last from one to the next."""

    def __init__(self, ticks: int) -> None:
        self._ticks = ticks
        self._scale = Fraction(ticks)
        self._endings: frozenset[int] = frozenset()
        self._measures: list[Measure] = []
        self._staves = 1
        self._num_unpitched = self._num_substitutions = 0
        self._begin()

    def _begin(self) -> None:
        """Clear all state that belongs to a single measure."""
        self._position = self._struck = self._length = 0
        self._after_note = False
        self._graces: list[list[WrittenNote]] = []
        self._notes: list[WrittenNote] = []
        self._tempos: list[tuple[int, float]] = []
        self._velocities: list[tuple[int, int]] = []
        self._pedals: list[tuple[int, bool]] = []

    def part(self, name: str) -> Part:
        """The measures read so far."""
        return Part(
            name=name,
            measures=tuple(self._measures),
            staves=self._staves,
            num_unpitched=self._num_unpitched,
            num_substitutions=self._num_substitutions,
        )

    def read(self, element: Element) -> None:
        """Add one measure."""
        self._begin()
        for child in element:
            if child.tag == "note":
                self._note(child)
            elif child.tag in ("backup", "forward"):
                self._flush_graces()
                duration = self._duration(child)
                self._move(-duration if child.tag == "backup" else duration)
            elif child.tag == "attributes":
                self._attributes(child)
            elif child.tag in ("direction", "sound"):
                self._direction(child)
        self._flush_graces()
        self._measures.append(
            Measure(
                length=self._length,
                notes=tuple(sorted(self._notes, key=lambda note: note.position)),
                tempos=tuple(sorted(self._tempos, key=lambda mark: mark[0])),
                velocities=tuple(sorted(self._velocities, key=lambda mark: mark[0])),
                pedals=tuple(sorted(self._pedals, key=lambda mark: mark[0])),
                marks=self._marks(element),
            )
        )

    def _move(self, duration: int) -> None:
        """Advance by `duration`, which may be negative; not before the beginning of the measure."""
        self._position = max(0, self._position + duration)
        self._length = max(self._length, self._position)

    def _duration(self, element: Element) -> int:
        text = element.findtext("duration")
        if text is None:
            return 0
        return round(_number("duration", text) * self._scale)

    def _attributes(self, element: Element) -> None:
        divisions = element.findtext("divisions")
        if divisions is not None:
            self._scale = Fraction(
                self._ticks, _whole_number("divisions", divisions, 1, _MAX_TICKS_PER_QUARTER)
            )
        staves = element.findtext("staves")
        if staves is not None:
            self._staves = max(self._staves, _whole_number("staves", staves, 1, 99))

    def _note(self, element: Element) -> None:
        """Add a note and advance; a rest or cue only advances."""
        grace = element.find("grace") is not None
        chord = element.find("chord") is not None and self._after_note
        pitch = element.find("pitch")
        duration = 0 if grace else self._duration(element)
        if not grace:
            self._flush_graces()
        if not chord and not grace:
            self._struck = self._position
            self._move(duration)
        self._after_note = pitch is not None
        if element.find("unpitched") is not None:
            self._num_unpitched += 1
        if pitch is None or element.find("cue") is not None:
            return
        position = self._position if grace else self._struck
        written = self._written(element, _pitch(pitch), position, duration, is_grace=grace)
        if not grace:
            self._notes.append(written)
        elif chord and self._graces:
            self._graces[-1].append(written)
        else:
            self._graces.append([written])

    def _written(
        self, element: Element, pitch: int, position: int, duration: int, *, is_grace: bool
    ) -> WrittenNote:
        ties = set() if is_grace else {tie.get("type") for tie in element.iterfind("tie")}
        texts = [f.text for f in element.iterfind("notations/technical/fingering")]
        fingerings = [text for text in texts if text]
        match = _FINGER.match(fingerings[0]) if fingerings else None
        if match and (len(fingerings) > 1 or fingerings[0].strip() != match[1]):
            self._num_substitutions += 1
        staff = _whole_number("staff", element.findtext("staff", "1"), 1, 99)
        self._staves = max(self._staves, staff)
        return WrittenNote(
            position=position,
            duration=duration,
            pitch=pitch,
            staff=staff,
            voice=element.findtext("voice", ""),
            finger=Finger(int(match[1])) if match else None,
            grace=0,
            tie_start="start" in ties,
            tie_stop="stop" in ties,
        )

    def _flush_graces(self) -> None:
        """Number the waiting grace notes backwards from the beat that they precede."""
        for before_beat, struck in enumerate(reversed(self._graces), start=1):
            self._notes += [written._replace(grace=before_beat) for written in struck]
        self._graces = []

    def _direction(self, element: Element) -> None:
        """Tempo, dynamics and pedal of a `<direction>` or `<sound>`."""
        tempo = _sound_attribute(element, "tempo")
        percent = _sound_attribute(element, "dynamics")
        quarters_a_minute = (
            float(_number("tempo", tempo)) if tempo is not None else _metronome(element)
        )
        if quarters_a_minute is not None:
            if quarters_a_minute <= 0:
                raise ValueError(
                    f"tempo is {quarters_a_minute:g}; it must be above 0 quarter notes a minute"
                )
            self._tempos.append((self._position, quarters_a_minute))
        signs = [
            sign.tag for signs in element.iterfind("direction-type/dynamics") for sign in signs
        ]
        if percent is not None:
            velocity = round(float(_number("dynamics", percent)) * _FORTE)
            self._velocities.append((self._position, min(127, max(1, velocity))))
        elif signs and signs[0] in _VELOCITY:
            self._velocities.append((self._position, _VELOCITY[signs[0]]))
        for pedal in element.iterfind("direction-type/pedal"):
            downs = {"start": [True], "resume": [True], "stop": [False], "change": [False, True]}
            self._pedals += [
                (self._position, down) for down in downs.get(pedal.get("type", ""), [])
            ]

    def _marks(self, element: Element) -> MeasureMarks:
        """Repeat signs, endings and jumps of a measure."""
        marks = UNMARKED
        closes = False
        for barline in element.iterfind("barline"):
            for repeat in barline.iterfind("repeat"):
                if repeat.get("direction") == "forward":
                    marks = replace(marks, begins_repeat=True)
                elif repeat.get("direction") == "backward":
                    times = _whole_number("repeat times", repeat.get("times", "2"), 0, 999)
                    marks = replace(marks, times=min(_MAX_PLAYS, times))
            for ending in barline.iterfind("ending"):
                if ending.get("type") == "start":
                    digits = re.findall(r"(?a:\d{1,2})", ending.get("number", ""))
                    self._endings = frozenset(int(text) for text in digits if int(text))
                else:
                    closes = True
        marks = replace(marks, endings=self._endings)
        if closes or marks.times:
            self._endings = frozenset()
        jumps = {
            name
            for sound in element.iter("sound")
            for name, value in sound.attrib.items()
            if value != "no"
        }
        return replace(
            marks,
            segno="segno" in jumps,
            coda="coda" in jumps,
            da_capo="dacapo" in jumps,
            dal_segno="dalsegno" in jumps,
            to_coda="tocoda" in jumps,
            fine="fine" in jumps,
        )


def _sound_attribute(element: Element, name: str) -> str | None:
    """An attribute of a `<sound>`, or of the `<sound>` in a `<direction>`."""
    sounds: Iterable[Element] = [element] if element.tag == "sound" else element.iterfind("sound")
    return next((sound.get(name) for sound in sounds if sound.get(name) is not None), None)


def _metronome(element: Element) -> float | None:
    """Quarter notes a minute of a metronome mark with a number, such as "half note = ca. 60"."""
    mark = element.find("direction-type/metronome")
    if mark is None:
        return None
    number = _FIRST_NUMBER.search(mark.findtext("per-minute", ""))
    unit = _QUARTERS.get(mark.findtext("beat-unit", "").strip())
    if number is None or unit is None:
        return None
    dots = min(4, len(mark.findall("beat-unit-dot")))
    return float(number[0]) * unit * (2 - 0.5**dots)


def _pitch(element: Element) -> int:
    """MIDI pitch of a `<pitch>`; quarter tones are rounded to the nearer key, upwards from the
    middle."""
    step = element.findtext("step", "").strip()
    alter = element.findtext("alter", "0")
    if step not in SEMITONES:
        raise ValueError(f"pitch step is {step[:20]!r}; it must be a letter A..G")
    if not _SIGNED.fullmatch(alter):
        raise ValueError(f"pitch alter is {alter[:20]!r}; it must be a number of semitones")
    octave = _whole_number("octave", element.findtext("octave"), 0, 9)
    return math.floor(SEMITONES[step] + float(alter) + 0.5) + 12 * (octave + 1)


def _number(label: str, text: str | None) -> Fraction:
    """A number from 0 as MusicXML writes it."""
    match = _NUMBER.fullmatch(text or "")
    if match is None:
        raise ValueError(f"{label} is {(text or '')[:20]!r}; it must be a number from 0 below 1e9")
    return Fraction(match[0].strip()) if match[2] else Fraction(int(match[1]))


def _whole_number(label: str, text: str | None, low: int, high: int) -> int:
    number = _number(label, text)
    if number.denominator != 1 or not low <= number <= high:
        raise ValueError(
            f"{label} is {(text or '')[:20]!r}; it must be a whole number, {low}..{high:,}"
        )
    return int(number)
