"""Signs of a score played out: ornaments, tremolos, arpeggios, and the length of short notes.

Conventions, chosen where no source is named:

- Staccato halves a note, staccatissimo and spiccato leave a third, portato (staccato with tenuto,
  or detached legato) two thirds: MuseScore's list of instruments. A tied note is never shortened.
- A trill alternates with the upper neighbour in the key, begins and ends on its note, and has
  `TRILL_SECONDS` a stroke: pianists trill with 8 to 14 strokes a second (from memory, Moore 1992,
  Music Perception 9:351). A shake is a mordent of five strokes.
- Mordents and turns are struck on the beat with `ORNAMENT_SECONDS` a stroke, or less where the note
  is short; the last stroke has the rest. The mordent (the sign with a line) goes down, the inverted
  one up (MusicXML 4.0). A delayed turn comes before the end of its note.
- A tremolo has the strokes that its beams ask for, but none shorter than `STROKE_SECONDS` on one
  key, or `TRILL_SECONDS` between two.
- Notes of an arpeggio follow each other by `ARPEGGIO_SECONDS`, the first on the beat, over half the
  length of the shortest note at most. All end as written.
- An ornament that would need strokes shorter than `LEAST_SECONDS` is not played.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from musclehand.music.formats.musicxml_note import MORDENTS, ORNAMENTS, TREMOLOS, WrittenNote
from musclehand.music.formats.score_file import MAX_NOTES
from musclehand.music.score import Hand

TRILL_SECONDS = 0.1
"""[s] A stroke of a trill."""

ORNAMENT_SECONDS = 0.08
"""[s] A short stroke of a mordent or turn, as long as a grace note."""

STROKE_SECONDS = 0.125
"""[s] Shortest stroke of a tremolo on one key: 8 a second, as fast as repeated notes are played."""

ARPEGGIO_SECONDS = 0.05
"""[s] From one note of an arpeggio to the next."""

LEAST_SECONDS = 0.04
"""[s] Shortest stroke of an ornament: the time that a key needs to come up (`keyboard_score`)."""

GATES = {"staccato": 0.5, "staccatissimo": 0.33, "spiccato": 0.33, "detached-legato": 0.67}
"""Share of the written length that is held."""

PORTATO = 0.67
"""Share of the written length of a note with staccato and tenuto."""

_PATTERNS = {
    "mordent": "MLM",
    "inverted-mordent": "MUM",
    "shake": "MUMUM",
    "turn": "UMLM",
    "inverted-turn": "LMUM",
    "delayed-turn": "MUMLM",
    "delayed-inverted-turn": "MLMUM",
}
"""Strokes of an ornament: M the note, U its upper and L its lower neighbour."""

_DELAYED = frozenset(("delayed-turn", "delayed-inverted-turn"))


class TimedNote(NamedTuple):
    """A note with its ties merged, in seconds."""

    start: float
    """[s] Press."""

    stop: float
    """[s] Release."""

    onset: int
    """[ticks] Press, from the beginning of the piece."""

    offset: int
    """[ticks] Release, from the beginning of the piece."""

    written: WrittenNote
    """The first written note of it."""

    part: int
    """Index of the part."""

    hand: Hand | None
    """Hand, where the file names it."""


class Stroke(NamedTuple):
    """A key press."""

    start: float
    """[s] Press."""

    stop: float
    """[s] Release."""

    pitch: int
    """MIDI pitch."""

    note: TimedNote
    """The note that it is of."""


def play_out(notes: Sequence[TimedNote], ticks: int, unplayed: Counter[str]) -> list[Stroke]:
    """The strokes of the notes of a piece; it ends early above `MAX_NOTES`.

    Args:
        notes: all notes.
        ticks: ticks per quarter note.
        unplayed: counts signs that there is no time for, by name.
    """
    starts = _spread_arpeggios(notes)
    pairs = _tremolo_pairs(notes)
    strokes: list[Stroke] = []
    for index, (note, start) in enumerate(zip(notes, starts, strict=True)):
        if len(strokes) > MAX_NOTES:
            break
        signs = note.written.signs
        if not signs or note.written.grace:
            strokes.append(Stroke(start, note.stop, note.written.pitch, note))
        elif signs & TREMOLOS:
            strokes += _tremolo(note, pairs.get(index), ticks, unplayed)
        elif signs & ORNAMENTS:
            strokes += _ornament(note, start, unplayed)
        else:
            strokes.append(Stroke(start, _gated(note, start), note.written.pitch, note))
    return strokes


def _gated(note: TimedNote, start: float) -> float:
    """End of a note by its articulation."""
    signs = note.written.signs
    if note.written.tie_start:
        return note.stop
    gate = min((GATES[sign] for sign in signs & GATES.keys()), default=1.0)
    if {"staccato", "tenuto"} <= signs:
        gate = PORTATO
    least = min(note.stop, start + LEAST_SECONDS)
    return max(least, note.start + gate * (note.stop - note.start))


def _spread_arpeggios(notes: Sequence[TimedNote]) -> list[float]:
    """Beginning of every note [s], with arpeggios spread."""
    starts = [note.start for note in notes]
    chords: dict[tuple[int, int, str], list[int]] = defaultdict(list)
    for index, note in enumerate(notes):
        if note.written.arpeggio and not note.written.grace:
            chords[(note.part, note.onset, note.written.arpeggio)].append(index)
    for (_, _, name), members in chords.items():
        members.sort(key=lambda i: notes[i].written.pitch, reverse=name.startswith("down"))
        shortest = min(notes[i].stop - notes[i].start for i in members)
        step = min(ARPEGGIO_SECONDS, 0.5 * shortest / max(1, len(members) - 1))
        for rank, index in enumerate(members):
            starts[index] += rank * step
    return starts


def _ornament(note: TimedNote, start: float, unplayed: Counter[str]) -> Iterator[Stroke]:
    """A trill, mordent or turn."""
    written = note.written
    name = next(sign for sign in sorted(ORNAMENTS) if sign in written.signs)
    length = note.stop - start
    pitches = {"M": written.pitch, "U": written.upper, "L": written.lower}
    if name == "trill-mark":
        number = min(MAX_NOTES, int(length / TRILL_SECONDS))
        number -= 1 - number % 2
        pattern = "MU" * (number // 2) + "M"
        lengths = [length / len(pattern)] * len(pattern)
    else:
        pattern = _PATTERNS[name]
        short = min(ORNAMENT_SECONDS, length / (len(pattern) + (name in MORDENTS)))
        lengths = [short] * len(pattern)
        lengths[0 if name in _DELAYED else -1] = length - short * (len(pattern) - 1)
    if len(pattern) < 3 or min(lengths) < LEAST_SECONDS:
        unplayed["ornament on a note too short for it"] += 1
        yield Stroke(start, note.stop, written.pitch, note)
        return
    for letter, duration in zip(pattern, lengths, strict=True):
        yield Stroke(start, start + duration, pitches[letter], note)
        start += duration


def _tremolo_pairs(notes: Sequence[TimedNote]) -> dict[int, tuple[TimedNote, TimedNote]]:
    """For each note of a tremolo between two notes, the first and the second."""
    firsts: dict[tuple[int, str, int], list[int]] = defaultdict(list)
    pairs: dict[int, tuple[TimedNote, TimedNote]] = {}
    for index, note in enumerate(notes):
        if "tremolo start" in note.written.signs:
            firsts[(note.part, note.written.voice, note.offset)].append(index)
    for index, note in enumerate(notes):
        if "tremolo stop" in note.written.signs:
            for first in firsts.get((note.part, note.written.voice, note.onset), []):
                pairs[first] = pairs[index] = (notes[first], note)
    return pairs


def _tremolo(
    note: TimedNote,
    pair: tuple[TimedNote, TimedNote] | None,
    ticks: int,
    unplayed: Counter[str],
) -> Iterator[Stroke]:
    """A tremolo on one key, or the strokes of one of its two notes."""
    is_single = "tremolo single" in note.written.signs
    first, second = (note, note) if is_single or pair is None else pair
    beams = note.written.beams if is_single or pair is not None else 0
    written = round((second.offset - first.onset) * 2**beams / ticks)
    least = STROKE_SECONDS if is_single else TRILL_SECONDS
    number = min(MAX_NOTES, written, int((second.stop - first.start) / least + 1e-9))
    if not is_single and (pair is None or number < 2):
        unplayed["tremolo without its second note or time for it"] += 1
        yield Stroke(note.start, note.stop, note.written.pitch, note)
        return
    number = max(1, number)
    step = (second.stop - first.start) / number
    begin = int("tremolo stop" in note.written.signs)
    for count in range(begin, number, 1 if is_single else 2):
        start = first.start + count * step
        yield Stroke(start, start + step, note.written.pitch, note)
