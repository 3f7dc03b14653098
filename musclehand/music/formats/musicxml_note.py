"""Reading one `<note>` of MusicXML: pitch, ties, finger, and the signs that are played out.

A note is tied by `<tie>`; where it has none, by `<tied>`, which some programs write alone. Format:
MusicXML 4.0 (W3C, 2021).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple
from xml.etree.ElementTree import Element

from musclehand.music.formats.musicxml_numbers import (
    neighbour_of,
    pitch_of,
    signed_number,
    whole_number,
)
from musclehand.music.score import Finger

FORTE = 0.9
"""MIDI velocity per percent of the `dynamics` of a note or `<sound>`, which count 90 as forte."""

TRILLS = frozenset(("trill-mark", "shake"))
TURNS = frozenset(("turn", "inverted-turn", "delayed-turn", "delayed-inverted-turn"))
MORDENTS = frozenset(("mordent", "inverted-mordent"))
ORNAMENTS = TRILLS | TURNS | MORDENTS
"""Ornaments that are played out; of a chord, its highest note has them."""

TREMOLOS = frozenset(("tremolo single", "tremolo start", "tremolo stop"))

ACCENTS = frozenset(("accent", "strong-accent", "soft-accent", "stress", "unstress"))

LENGTHS = frozenset(("staccato", "staccatissimo", "spiccato", "tenuto", "detached-legato"))

UNPLAYED: dict[str, str] = {
    "breath-mark": "breath mark",
    "caesura": "caesura",
    "scoop": "scoop",
    "plop": "plop",
    "doit": "doit",
    "falloff": "falloff",
    "glissando": "glissando",
    "slide": "slide",
    "schleifer": "schleifer",
    "haydn": "haydn ornament",
    "vertical-turn": "vertical turn",
    "inverted-vertical-turn": "inverted vertical turn",
    "other-ornament": "ornament without a name",
    "let-ring": "note left to ring",
}
"""Signs of single notes that are counted, not played out, and their names for the user."""

_FINGER = re.compile(r"\s*([1-5])(?!\d)", re.ASCII)
_FLAGS = {"eighth": 1, "16th": 2, "32nd": 3, "64th": 4, "128th": 5}
_ACCIDENTALS = {
    "sharp": 1,
    "flat": -1,
    "natural": 0,
    "double-sharp": 2,
    "sharp-sharp": 2,
    "flat-flat": -2,
}
_MAX_BEAMS = 8
"""Most strokes of a tremolo; MusicXML allows 8."""


class WrittenNote(NamedTuple):
    """A note as it stands in a measure."""

    position: int
    """[ticks] Onset, from the beginning of the measure."""

    duration: int
    """[ticks] Length; 0 for a grace note."""

    pitch: int
    """MIDI pitch that sounds."""

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

    velocity: int = 0
    """MIDI velocity, 1 to 127; 0 as long as it is not decided."""

    signs: frozenset[str] = frozenset()
    """Names of the signs that are played out, as in MusicXML."""

    upper: int = 0
    """MIDI pitch of the upper neighbour in the key, of a note in a chord or with an ornament."""

    lower: int = 0
    """MIDI pitch of the lower neighbour in the key, of a note in a chord or with an ornament."""

    beams: int = 0
    """Strokes of a tremolo, with the flags of the note: 3 divides a quarter into 32nds."""

    arpeggio: str = ""
    """Direction and number of an arpeggio, such as "up 1"; empty where there is none."""

    passes: frozenset[int] = frozenset()
    """Turns of a repeat in which the note is played; empty for all."""


class Surroundings(NamedTuple):
    """What a note takes from the attributes of its measure."""

    fifths: int
    """Sharps of the key signature; flats are negative."""

    transposition: int
    """[semitones] Sounding less written pitch."""


def read_note(
    element: Element, place: tuple[int, int], surroundings: Surroundings, unplayed: Counter[str]
) -> WrittenNote:
    """Read a pitched note.

    Args:
        element: the `<note>`.
        place: its position and duration [ticks].
        surroundings: key signature and transposition.
        unplayed: counts signs that are not played out, by name.

    Raises:
        ValueError: a number is illegal.
    """
    pitch = element.find("pitch")
    assert pitch is not None
    ties = _ties(element, unplayed)
    loudness = element.get("dynamics")
    note = WrittenNote(
        position=place[0],
        duration=place[1],
        pitch=pitch_of(pitch) + surroundings.transposition,
        staff=whole_number("staff", element.findtext("staff", "1"), 1, 99),
        voice=element.findtext("voice", ""),
        finger=_finger(element),
        grace=0,
        tie_start="start" in ties,
        tie_stop="stop" in ties,
        velocity=0 if loudness is None else percent_velocity("dynamics of a note", loudness) or 0,
        passes=frozenset(int(t) for t in re.findall(r"\d{1,2}", element.get("time-only", ""))),
    )
    if element.find("chord") is not None:
        note = _with_neighbours(note, pitch, surroundings, {})
    if element.find("notations") is None:
        return note
    return _with_signs(note, element, pitch, surroundings, unplayed)


def percent_velocity(label: str, text: str) -> int | None:
    """MIDI velocity of a percentage of forte, as `<sound dynamics>` and notes have it.

    None for one below 0, which some programs write for "as marked" (MusicXML allows none).

    Raises:
        ValueError: it is no number.
    """
    percent = float(signed_number(label, text))
    return None if percent < 0 else min(127, max(1, round(percent * FORTE)))


def changes_finger(element: Element) -> bool:
    """Whether the finger of a note changes on the key."""
    texts = [f.text for f in element.iterfind("notations/technical/fingering") if f.text]
    match = _FINGER.match(texts[0]) if texts else None
    return match is not None and (len(texts) > 1 or texts[0].strip() != match[1])


def _finger(element: Element) -> Finger | None:
    text = next((f.text for f in element.iterfind("notations/technical/fingering") if f.text), None)
    match = _FINGER.match(text) if text else None
    return Finger(int(match[1])) if match else None


def _ties(element: Element, unplayed: Counter[str]) -> set[str]:
    """Which ties a note has: "start", "stop"."""
    ties = {tie.get("type", "") for tie in element.iterfind("tie")}
    tied = {tie.get("type", "") for tie in element.iterfind("notations/tied")}
    ties = ties or tied
    if "let-ring" in ties | tied:
        unplayed["let-ring"] += 1
    return ties | {"start", "stop"} if "continue" in ties else ties


def _with_signs(
    note: WrittenNote,
    element: Element,
    pitch: Element,
    surroundings: Surroundings,
    unplayed: Counter[str],
) -> WrittenNote:
    """The note with the signs of its `<notations>`."""
    names: set[str] = set()
    beams = 0
    arpeggio = ""
    accidentals: dict[str, int] = {}
    for sign in _sign_elements(element):
        if sign.tag == "tremolo":
            beams, kind = _tremolo(sign, element)
            names.add(kind)
        elif sign.tag == "arpeggiate":
            arpeggio = f"{sign.get('direction', 'up')} {sign.get('number', '1')}"
        elif sign.tag == "accidental-mark":
            if (sign.text or "").strip() in _ACCIDENTALS:
                place = sign.get("placement", "above")
                accidentals[place] = _ACCIDENTALS[(sign.text or "").strip()]
        elif sign.tag == "wavy-line":
            names |= {"trill-mark"} if sign.get("type") == "start" else set()
        elif sign.tag in UNPLAYED:
            unplayed[sign.tag] += sign.get("type") != "stop"
        elif sign.tag in ORNAMENTS | ACCENTS | LENGTHS | {"fermata"}:
            names.add(sign.tag)
    names.discard("")
    if names & ORNAMENTS:
        note = _with_neighbours(note, pitch, surroundings, accidentals)
    return note._replace(signs=frozenset(names), beams=beams, arpeggio=arpeggio)


def _with_neighbours(
    note: WrittenNote, pitch: Element, surroundings: Surroundings, accidentals: dict[str, int]
) -> WrittenNote:
    """The note with its neighbours; accidentals [semitones] stand "above" and "below"."""
    key, shift = surroundings
    return note._replace(
        upper=neighbour_of(pitch, 1, key, accidentals.get("above")) + shift,
        lower=neighbour_of(pitch, -1, key, accidentals.get("below")) + shift,
    )


def _sign_elements(element: Element) -> Iterable[Element]:
    """All signs in the `<notations>` of a note."""
    for notations in element.iterfind("notations"):
        for child in notations:
            if child.tag in ("articulations", "ornaments"):
                yield from child
            else:
                yield child


def _tremolo(sign: Element, note: Element) -> tuple[int, str]:
    """Beams of a tremolo with the flags of its note, and its kind; unmeasured ones have 3."""
    kind = sign.get("type", "single")
    if kind == "unmeasured":
        return 3, "tremolo single"
    beams = whole_number("tremolo", sign.text or "3", 0, _MAX_BEAMS)
    if kind == "single":
        beams += _FLAGS.get(note.findtext("type", "").strip(), 0) if beams else 0
    name = f"tremolo {kind}" if beams else ""
    return min(beams, _MAX_BEAMS), name if name in TREMOLOS else ""


def share_signs(chord: list[WrittenNote]) -> list[WrittenNote]:
    """The notes of a chord with the signs of all of them: programs write them at one note only.

    Articulations and tremolos are of the whole chord, ornaments of its highest note whose
    neighbours are known: any but the first of the file, if that has no ornament itself.
    """
    signs = frozenset().union(*(note.signs for note in chord))
    if len(chord) == 1 or not signs:
        return chord
    beams = max(note.beams for note in chord)
    ornaments = signs & ORNAMENTS
    bearer = max((note for note in chord if note.upper), key=lambda note: note.pitch, default=None)
    return [
        note._replace(
            signs=signs - ornaments | (ornaments if note is bearer else frozenset()), beams=beams
        )
        for note in chord
    ]
