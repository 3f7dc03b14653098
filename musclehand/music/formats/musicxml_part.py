"""Reading one part of a MusicXML tree into written measures: notes, tempo, loudness, pedal and
repeat signs.

Times are whole ticks of a division common to the whole file, so that arithmetic is exact. Every
number is checked where it is read, and an error names the measure. Notes have their sounding pitch:
`<transpose>` is applied. A bar with a `<measure-repeat>` and no notes of its own has those of the
bar that it repeats. Format: MusicXML 4.0 (W3C, 2021).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from os import PathLike
from typing import Generic, TypeVar
from xml.etree.ElementTree import Element

from musclehand.core.errors import ScoreError
from musclehand.music.formats.musicxml_direction import (
    count_words,
    read_loudness,
    read_note_loudness,
    read_offset,
    read_pedal,
    read_tempo,
    read_wedges,
)
from musclehand.music.formats.musicxml_loudness import LoudMark, Wedge, set_velocities
from musclehand.music.formats.musicxml_note import (
    Surroundings,
    WrittenNote,
    changes_finger,
    read_note,
    share_signs,
)
from musclehand.music.formats.musicxml_numbers import (
    MAX_TICKS_PER_QUARTER,
    number,
    read_meter,
    signed_number,
    whole_number,
)
from musclehand.music.formats.musicxml_signs import Sign, read_barline, read_jumps

_ValueT = TypeVar("_ValueT")

MAX_TRANSPOSITION = 60
"""[semitones] Largest transposition: instruments transpose by up to three octaves."""


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

    pedals: tuple[tuple[int, bool], ...] = ()
    """Time, and whether the pedal goes down (True) or up at it."""

    holds: tuple[tuple[int, int], ...] = ()
    """[ticks] Beginning and end of notes and rests under a fermata."""

    signs: frozenset[Sign] = frozenset()
    """Repeat signs, endings and jumps."""

    label: str = ""
    """Number of the measure in the file."""

    nominal: int = 0
    """[ticks] Length that the time signature asks for; 0 without one."""


@dataclass(frozen=True)
class _Mark(Generic[_ValueT]):
    """Something that holds from a time on."""

    time: int
    """[ticks] Time, from the beginning of the part as written."""

    measure: int
    """Index of the measure that it stands in."""

    value: _ValueT
    """What holds."""


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

    transpositions: tuple[int, ...]
    """[semitones] Sounding less written pitch, where it is not 0."""

    num_half_pedals: int
    """Times that the pedal is pressed halfway."""

    unplayed: Counter[str] = field(default_factory=Counter)
    """Signs that are not played out, by name."""


def ticks_per_quarter(root: Element, path: str | PathLike[str]) -> int:
    """The least common multiple of all divisions of the quarter note in a file.

    Raises:
        ScoreError: a division is not a whole number from 1, or they have no common multiple of a
            sane size.
    """
    common = 1
    for text in {element.text for element in root.iter("divisions")}:
        try:
            common = math.lcm(common, whole_number("divisions", text, 1, MAX_TICKS_PER_QUARTER))
        except ValueError as error:
            raise ScoreError(path, str(error)) from None
        if common > MAX_TICKS_PER_QUARTER:
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
        label = f"{measure.get('number', count)!s:.20}"
        try:
            reader.read(measure, label)
        except ValueError as error:
            place = f"part {(name or '?')[:40]!r}, measure {label}"
            raise ScoreError(path, str(error), where=place) from None
    return reader.part(name)


class _PartReader:
    """Walks the measures of a part; attributes last from one to the next."""

    def __init__(self, ticks: int) -> None:
        self._ticks = ticks
        self._scale = Fraction(ticks)
        self._measures: list[Measure] = []
        self._starts: list[int] = []
        self._staves = 1
        self._fifths = self._nominal = 0
        self._transpositions: dict[int, int] = {}
        self._transposed: dict[int, None] = {}
        self._bars_repeated: dict[int, int] = {}
        self._num_unpitched = self._num_substitutions = self._num_half_pedals = 0
        self._unplayed: Counter[str] = Counter()
        self._loud_marks: list[LoudMark] = []
        self._wedges: list[Wedge] = []
        self._tempos: list[_Mark[float]] = []
        self._pedals: list[_Mark[bool]] = []
        self._begin()

    def _begin(self) -> None:
        """Clear all state that belongs to a single measure."""
        before = self._measures[-1].length if self._measures else 0
        self._start = self._starts[-1] + before if self._starts else 0
        self._position = self._struck = self._length = 0
        self._after_note = False
        self._graces: list[list[WrittenNote]] = []
        self._chord: list[WrittenNote] = []
        self._notes: list[WrittenNote] = []
        self._holds: list[tuple[int, int]] = []
        self._signs: set[Sign] = set()

    def part(self, name: str) -> Part:
        """The measures read so far."""
        notes, unended = set_velocities(
            [(s, m.notes) for s, m in zip(self._starts, self._measures, strict=True)],
            self._loud_marks,
            self._wedges,
            self._ticks,
        )
        self._unplayed["hairpin without an end"] += unended
        tempos = self._by_measure(self._tempos)
        pedals = self._by_measure(self._pedals)
        measures = tuple(
            replace(measure, notes=notes[i], tempos=tuple(tempos[i]), pedals=tuple(pedals[i]))
            for i, measure in enumerate(self._measures)
        )
        return Part(
            name=name,
            measures=measures,
            staves=self._staves,
            num_unpitched=self._num_unpitched,
            num_substitutions=self._num_substitutions,
            transpositions=tuple(self._transposed),
            num_half_pedals=self._num_half_pedals,
            unplayed=self._unplayed,
        )

    def _by_measure(self, marks: Sequence[_Mark[_ValueT]]) -> list[list[tuple[int, _ValueT]]]:
        """Marks given to the measures in which they take effect: an offset may leave its own."""
        placed: list[list[tuple[int, _ValueT]]] = [[] for _ in self._measures]
        for mark in sorted(marks, key=lambda mark: mark.time):
            index = mark.measure
            end = self._starts[index] + self._measures[index].length
            if not self._starts[index] <= mark.time <= end:
                index = max(0, bisect_right(self._starts, mark.time) - 1)
            placed[index].append((max(0, mark.time - self._starts[index]), mark.value))
        return placed

    def read(self, element: Element, label: str) -> None:
        """Add one measure, with its number in the file."""
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
            elif child.tag == "barline":
                self._signs.update(read_barline(child, self._position))
                self._unplayed["fermata on a bar line"] += child.find("fermata") is not None
        self._flush_graces()
        self._flush_chord()
        self._repeat_bar()
        self._starts.append(self._start)
        self._measures.append(
            Measure(
                length=self._length,
                notes=tuple(sorted(self._notes, key=lambda note: note.position)),
                holds=tuple(self._holds),
                signs=frozenset(self._signs),
                label=label,
                nominal=self._nominal,
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
        return round(number("duration", text) * self._scale)

    def _attributes(self, element: Element) -> None:
        divisions = element.findtext("divisions")
        if divisions is not None:
            self._scale = Fraction(
                self._ticks, whole_number("divisions", divisions, 1, MAX_TICKS_PER_QUARTER)
            )
        staves = element.findtext("staves")
        if staves is not None:
            self._staves = max(self._staves, whole_number("staves", staves, 1, 99))
        time = element.find("time")
        if time is not None:
            self._nominal = round(read_meter(time) * self._ticks)
        fifths = element.findtext("key/fifths")
        if fifths is not None:
            self._fifths = max(-7, min(7, int(signed_number("fifths", fifths))))
        for transpose in element.iterfind("transpose"):
            self._transpose(transpose)
        for style in element.iterfind("measure-style"):
            staff = whole_number("staff of a measure-style", style.get("number", "0"), 0, 99)
            repeat = style.find("measure-repeat")
            if repeat is not None and repeat.get("type") == "start":
                bars = whole_number("measure-repeat", repeat.text or "1", 1, 99)
                self._bars_repeated[staff] = bars
            elif repeat is not None:
                self._bars_repeated.pop(staff, None)
            self._unplayed["beat repeat"] += style.find("beat-repeat[@type='start']") is not None

    def _transpose(self, element: Element) -> None:
        """Set the transposition of a staff, or of all staves."""
        staff = whole_number("staff of a transposition", element.get("number", "0"), 0, 99)
        semitones = signed_number("chromatic", element.findtext("chromatic", "0"))
        octaves = signed_number("octave-change", element.findtext("octave-change", "0"))
        shift = round(semitones + 12 * octaves)
        if abs(shift) > MAX_TRANSPOSITION:
            raise ValueError(
                f"transposition is {shift}; it must be {-MAX_TRANSPOSITION}.."
                f"{MAX_TRANSPOSITION} semitones"
            )
        if staff == 0:
            self._transpositions.clear()
        self._transpositions[staff] = shift
        self._unplayed["doubling at the octave"] += element.find("double") is not None

    def _note(self, element: Element) -> None:
        """Add a note and advance; a rest or cue only advances."""
        grace = element.find("grace") is not None
        chord = element.find("chord") is not None and self._after_note
        pitch = element.find("pitch")
        duration = 0 if grace else self._duration(element)
        if not grace:
            self._flush_graces()
        if not chord:
            self._flush_chord()
        if not chord and not grace:
            self._struck = self._position
            self._move(duration)
        if element.find("notations/fermata") is not None and duration:
            self._holds.append((self._struck, self._struck + duration))
        self._after_note = pitch is not None
        if element.find("unpitched") is not None:
            self._num_unpitched += 1
        if pitch is None or element.find("cue") is not None:
            return
        position = self._position if grace else self._struck
        written = self._written(element, (position, duration))
        if not grace:
            self._chord.append(written)
        elif chord and self._graces:
            self._graces[-1].append(written)
        else:
            self._graces.append([written])

    def _written(self, element: Element, place: tuple[int, int]) -> WrittenNote:
        staff = whole_number("staff", element.findtext("staff", "1"), 1, 99)
        shift = self._transpositions.get(staff, self._transpositions.get(0, 0))
        if shift:
            self._transposed[shift] = None
        self._staves = max(self._staves, staff)
        self._num_substitutions += changes_finger(element)
        self._loud_marks += read_note_loudness(element, self._start + place[0], self._unplayed)
        return read_note(element, place, Surroundings(self._fifths, shift), self._unplayed)

    def _flush_chord(self) -> None:
        """Add the notes of a chord that is complete."""
        self._notes += share_signs(self._chord) if len(self._chord) > 1 else self._chord
        self._chord = []

    def _flush_graces(self) -> None:
        """Number the waiting grace notes backwards from the beat that they precede."""
        if self._graces:
            self._flush_chord()
        for before_beat, struck in enumerate(reversed(self._graces), start=1):
            self._notes += [written._replace(grace=before_beat) for written in struck]
        self._graces = []

    def _repeat_bar(self) -> None:
        """Fill a bar that only has the sign of repeated bars."""
        for staff, bars in self._bars_repeated.items():
            has_notes = any(staff in (0, note.staff) for note in self._notes)
            if has_notes or bars > len(self._measures):
                continue
            source = self._measures[-bars]
            self._notes += [note for note in source.notes if staff in (0, note.staff)]
            self._length = max(self._length, source.length)

    def _direction(self, element: Element) -> None:
        """Tempo, loudness, pedal and jumps of a `<direction>` or `<sound>`."""
        place = self._position + read_offset(element, self._scale)
        time = max(0, self._start + place)
        tempo = read_tempo(element)
        if tempo is not None:
            self._tempos.append(_Mark(time, len(self._measures), tempo))
        self._loud_marks += read_loudness(element, time, self._unplayed)
        self._wedges += read_wedges(element, time)
        moves, halfway = read_pedal(element)
        self._pedals += [_Mark(time, len(self._measures), down) for down in moves]
        self._num_half_pedals += halfway
        self._signs.update(read_jumps(element, max(0, place)))
        count_words(element, self._unplayed)
