"""MusicXML (`.musicxml`, `.xml`, compressed `.mxl`) to `Score`.

Read are pitches and durations, ties (merged), chords, voices, repeats and endings (played out),
tempo, staves, fingering, dynamics (to velocity) and pedal marks. The tempo is that of
`<sound tempo>`, else of `<metronome>`, and 120 quarter notes a minute until the first mark. Of a
part on two staves, the upper is the right hand. Grace notes are struck `GRACE_SECONDS` apart just
before the beat. Not read are ornament signs, articulations, hairpins, tempo words without a number,
and the transposition of other instruments. Cue notes are silent; unpitched percussion is left out
with a remark.

partitura 1.9.0 is the oracle of the tests, but is not used here. On 2 cores its import takes 2.1 s
and 160 MB, and a file of 16,000 notes another 8 s. It knows at most 52 sections between repeat
signs, loses a tempo mark that stands where no note begins, and refuses quarter-tone accidentals.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from musclehand.core.errors import InvalidValue, ScoreError
from musclehand.music.formats.midi import TickClock, merge_spans, named_hands
from musclehand.music.formats.musicxml_part import (
    Measure,
    Part,
    WrittenNote,
    read_part,
    ticks_per_quarter,
)
from musclehand.music.formats.musicxml_scan import scan_musicxml
from musclehand.music.formats.repeats import UNMARKED, MeasureMarks, playing_order
from musclehand.music.formats.score_file import MAX_NOTES, check_limits, format_count, read_bytes
from musclehand.music.pitch import is_on_keyboard
from musclehand.music.score import Hand, Note, Pedal, Score

GRACE_SECONDS = 0.08
"""[s] Length of a grace note: long enough for a stroke of its own, short enough to sound as an
ornament."""

DEFAULT_TEMPO = 120.0
"""[quarter notes a minute] Tempo until the first tempo mark."""

DEFAULT_VELOCITY = 80
"""MIDI velocity until the first dynamic mark: mezzo-forte."""

MAX_QUARTERS = 1_000_000
"""[quarter notes] Longest score: a bound on arithmetic, far beyond the limit in seconds."""


class _Sounding(NamedTuple):
    """A note in ticks, with its ties merged."""

    onset: int
    """[ticks] Press, from the beginning of the piece."""

    offset: int
    """[ticks] Release, from the beginning of the piece."""

    written: WrittenNote
    """The first written note of it."""

    velocity: int
    """MIDI velocity."""

    hand: Hand | None
    """Hand, where the file names it."""


class _Timed(NamedTuple):
    """A note in seconds."""

    start: float
    """[s] Press."""

    stop: float
    """[s] Release."""

    sounding: _Sounding
    """The same note in ticks."""


class _Visit(NamedTuple):
    """A written measure as it is played once."""

    measure: int
    """Index of the written measure."""

    start: int
    """[ticks] Time at which it begins."""

    jumped: bool
    """It does not follow the measure before it in the written order."""


def read_musicxml(path: str | PathLike[str]) -> Score:
    """Read a MusicXML file, plain or compressed.

    Raises:
        ScoreError: not MusicXML, malformed (with line or measure), unsafe, above a limit of
            `music.formats.score_file`, `music.formats.musicxml_scan` or this module, or without a
            note that a piano can play.
    """
    root = scan_musicxml(read_bytes(path), path)
    names = {
        part.get("id", ""): part.findtext("part-name", "")
        for part in root.iterfind("part-list/score-part")
    }
    ticks = ticks_per_quarter(root, path)
    parts = [
        read_part(part, names.get(part.get("id", ""), ""), ticks, path)
        for part in root.iterfind("part")
    ]
    titles = (root.findtext("work/work-title"), root.findtext("movement-title"), Path(path).stem)
    title = next(" ".join(t.split())[:200] for t in titles if t is not None and t.strip())
    if not any(part.measures for part in parts):
        raise ScoreError(path, "has no notes")
    length = max(len(part.measures) for part in parts)
    parts = [
        replace(p, measures=p.measures + (Measure(),) * (length - len(p.measures))) for p in parts
    ]
    visits, end = _visits(parts, ticks, path)
    clock = _clock(parts, visits, ticks)
    sounding = [note for part in parts for note in _sounding(part, visits, path)]
    timed, lead = _timed(sounding, clock)
    notes = tuple(note for note in (_note(item) for item in timed) if note is not None)
    if not notes:
        raise ScoreError(path, _why_nothing_is_left(parts, timed))
    spans = merge_spans(span for part in parts for span in _pedal_spans(part, visits, end))
    downs = clock.seconds([start for start, _ in spans])
    ups = clock.seconds([end for _, end in spans])
    pedals = tuple(
        Pedal(down + lead, up + lead)
        for down, up in zip(downs, ups, strict=True)
        if down + lead < up + lead
    )
    remarks = _remarks(parts, sounding, timed)
    return check_limits(Score(notes=notes, pedals=pedals, title=title, remarks=remarks), path)


def _visits(
    parts: Sequence[Part], ticks: int, path: str | PathLike[str]
) -> tuple[list[_Visit], int]:
    """The measures in the order in which they are played, and the end of the last one [ticks]."""
    length = len(parts[0].measures)
    try:
        order = playing_order(
            [_joined(part.measures[i].marks for part in parts) for i in range(length)]
        )
    except InvalidValue as error:
        raise ScoreError(path, str(error)) from None
    lengths = [max(part.measures[i].length for part in parts) for i in range(length)]
    visits: list[_Visit] = []
    start = 0
    for before, index in zip([-1, *order], order, strict=False):
        visits.append(_Visit(index, start, index != before + 1))
        start += lengths[index]
    if start > MAX_QUARTERS * ticks:
        raise ScoreError(
            path, f"lasts {start / ticks:.3g} quarter notes; the limit is {MAX_QUARTERS:,}"
        )
    return visits, start


def _joined(marks: Iterable[MeasureMarks]) -> MeasureMarks:
    """The signs of one measure in all parts: some programs write them in the first part only."""
    joined = UNMARKED
    for mark in marks:
        if mark != UNMARKED:
            joined = MeasureMarks(
                begins_repeat=joined.begins_repeat or mark.begins_repeat,
                times=max(joined.times, mark.times),
                endings=joined.endings | mark.endings,
                segno=joined.segno or mark.segno,
                coda=joined.coda or mark.coda,
                da_capo=joined.da_capo or mark.da_capo,
                dal_segno=joined.dal_segno or mark.dal_segno,
                to_coda=joined.to_coda or mark.to_coda,
                fine=joined.fine or mark.fine,
            )
    return joined


def _sounding(part: Part, visits: Sequence[_Visit], path: str | PathLike[str]) -> list[_Sounding]:
    """The notes of a part as they are played: with repeats taken and ties merged."""
    notes: list[_Sounding] = []
    tied: dict[tuple[int, int], dict[str, list[int]]] = {}
    named = named_hands(part.name)
    velocity_at = _in_force([measure.velocities for measure in part.measures], DEFAULT_VELOCITY)
    for visit in visits:
        measure = part.measures[visit.measure]
        changes = [(-1, velocity_at[visit.measure]), *measure.velocities]
        if len(notes) + len(measure.notes) > MAX_NOTES:
            raise ScoreError(path, f"has more than {MAX_NOTES:,} notes, the limit")
        next_change = 0
        velocity = DEFAULT_VELOCITY
        for written in measure.notes:
            while next_change < len(changes) and changes[next_change][0] <= written.position:
                velocity = changes[next_change][1]
                next_change += 1
            onset = visit.start + written.position
            offset = onset + written.duration
            waiting = tied.get((written.pitch, onset)) if written.tie_stop else None
            if waiting:
                number = _take(waiting, written.voice)
                notes[number] = notes[number]._replace(offset=offset)
            else:
                number = len(notes)
                notes.append(
                    _Sounding(onset, offset, written, velocity, _hand(part, written.staff, named))
                )
            if written.tie_start and offset > onset:
                voices = tied.setdefault((written.pitch, offset), {})
                voices.setdefault(written.voice, []).append(number)
    return notes


def _take(waiting: dict[str, list[int]], voice: str) -> int:
    """Remove a note that waits for its tie: one of this voice, else one of the first voice."""
    chosen = voice if voice in waiting else next(iter(waiting))
    number = waiting[chosen].pop()
    if not waiting[chosen]:
        del waiting[chosen]
    return number


def _hand(part: Part, staff: int, named: set[Hand | None]) -> Hand | None:
    """The hand by the staff of a part on two staves, else by the name of the part."""
    if part.staves == 2:
        return Hand.RIGHT if staff == 1 else Hand.LEFT
    return next(iter(named)) if len(named) == 1 else None


def _in_force(changes: Sequence[Sequence[tuple[int, int]]], default: int) -> list[int]:
    """The value in force at the beginning of each written measure."""
    values = [default]
    for measure in changes:
        values.append(measure[-1][1] if measure else values[-1])
    return values


def _clock(parts: Sequence[Part], visits: Sequence[_Visit], ticks: int) -> TickClock:
    """The tempo marks of all parts together; after a jump, the tempo of its target holds."""
    measures = [
        sorted(
            (mark for part in parts for mark in part.measures[i].tempos), key=lambda mark: mark[0]
        )
        for i in range(len(parts[0].measures))
    ]
    entering = [DEFAULT_TEMPO]
    for marks in measures:
        entering.append(marks[-1][1] if marks else entering[-1])
    tempos = {0: DEFAULT_TEMPO}
    for visit in visits:
        if visit.jumped:
            tempos[visit.start] = entering[visit.measure]
        tempos.update(
            (visit.start + position, tempo) for position, tempo in measures[visit.measure]
        )
    return TickClock({tick: 60.0 / (tempo * ticks) for tick, tempo in tempos.items()})


def _timed(sounding: Sequence[_Sounding], clock: TickClock) -> tuple[list[_Timed], float]:
    """The notes that last, in seconds, and the time that grace notes take before the first beat."""
    onsets = clock.seconds([note.onset for note in sounding])
    offsets = clock.seconds([note.offset for note in sounding])
    leads = [
        GRACE_SECONDS * note.written.grace - onset
        for note, onset in zip(sounding, onsets, strict=True)
    ]
    lead = max(0.0, max(leads, default=0))
    timed: list[_Timed] = []
    for note, onset, offset in zip(sounding, onsets, offsets, strict=True):
        grace = note.written.grace
        start = onset + lead - GRACE_SECONDS * grace
        stop = start + GRACE_SECONDS if grace else offset + lead
        if start < stop:
            timed.append(_Timed(max(0.0, start), stop, note))
    return timed, lead


def _note(timed: _Timed) -> Note | None:
    """The note, if the keyboard has a key for it."""
    written = timed.sounding.written
    if not is_on_keyboard(written.pitch):
        return None
    return Note(
        onset=timed.start,
        pitch=written.pitch,
        offset=timed.stop,
        velocity=timed.sounding.velocity,
        hand=timed.sounding.hand,
        finger=written.finger,
    )


def _why_nothing_is_left(parts: Sequence[Part], timed: Sequence[_Timed]) -> str:
    unpitched = sum(part.num_unpitched for part in parts)
    if timed:
        return (
            f"has no note on the 88 keys (A0..C8); {format_count(len(timed), 'note')} beyond them"
        )
    if unpitched:
        return f"has only unpitched percussion ({format_count(unpitched, 'note')})"
    return "has no notes"


def _remarks(
    parts: Sequence[Part], sounding: Sequence[_Sounding], timed: Sequence[_Timed]
) -> tuple[str, ...]:
    """Sentences about notes that were left out or changed, and about a missing tempo."""
    beyond = sum(not is_on_keyboard(item.sounding.written.pitch) for item in timed)
    counts = [
        (sum(part.num_unpitched for part in parts), "of unpitched percussion left out"),
        (beyond, "off the 88 keys left out"),
        (len(sounding) - len(timed), "without length left out"),
        (
            sum(part.num_substitutions for part in parts),
            "with a change of finger on the key; the first finger taken",
        ),
    ]
    remarks = [f"{format_count(number, 'note')} {phrase}" for number, phrase in counts if number]
    if not any(measure.tempos for part in parts for measure in part.measures):
        remarks.append(f"no tempo is marked; played at {DEFAULT_TEMPO:.0f} quarter notes a minute")
    return tuple(remarks)


def _pedal_spans(part: Part, visits: Sequence[_Visit], end: int) -> Iterator[tuple[int, int]]:
    """Spans in which the pedal is down [ticks]; without a release, it stays down to the end."""
    down: int | None = None
    for visit in visits:
        for position, goes_down in part.measures[visit.measure].pedals:
            tick = visit.start + position
            if goes_down and down is None:
                down = tick
            elif not goes_down and down is not None:
                if down < tick:
                    yield down, tick
                down = None
    if down is not None and down < end:
        yield down, end
