"""MusicXML (`.musicxml`, `.xml`, compressed `.mxl`) to `Score`.

Read are pitches and durations, ties (merged), chords, voices, repeats and endings (played out),
tempo, staves, fingering, dynamics (to velocity) and pedal marks. The tempo is that of
`<sound tempo>`, else of `<metronome>`, and 120 quarter notes a minute until the first mark. Of a
part on two staves, the upper is the right hand. Parts for transposing instruments sound as they
should, with a remark. Grace notes are struck `GRACE_SECONDS` apart just before the beat; one that
is tied to its main note is a single stroke with it. What is written and never played is remarked.

Signs are played out by conventions that stand with each of them: repeats and jumps in `repeats` and
`musicxml_signs`, loudness in `musicxml_loudness`, ornaments and articulations in `playing_out`. A
fermata makes its note or rest last `FERMATA` times as long for all parts. Not played out, but
counted in a remark: signs without a convention (`musicxml_note.UNPLAYED`), swing, and words that
change tempo or loudness. Cue notes are silent; unpitched percussion is left out with a remark.

partitura 1.9.0 is the oracle of the tests, but is not used here. On 2 cores its import takes 2.1 s
and 160 MB, and a file of 16,000 notes another 8 s. It knows at most 52 sections between repeat
signs, loses a tempo mark that stands where no note begins, and refuses quarter-tone accidentals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from musclehand.core.errors import InvalidValue, ScoreError
from musclehand.music.formats.midi import TickClock, merge_spans
from musclehand.music.formats.midi_lines import named_hands
from musclehand.music.formats.musicxml_part import (
    Measure,
    Part,
    WrittenNote,
    read_part,
    ticks_per_quarter,
)
from musclehand.music.formats.musicxml_remarks import Played, musicxml_remarks
from musclehand.music.formats.musicxml_scan import scan_musicxml
from musclehand.music.formats.musicxml_signs import Passage, cut_at_signs
from musclehand.music.formats.playing_out import Stroke, TimedNote, play_out
from musclehand.music.formats.repeats import Unfolding, unfold
from musclehand.music.formats.score_file import MAX_NOTES, check_limits, format_count, read_bytes
from musclehand.music.pitch import is_on_keyboard
from musclehand.music.score import Hand, Note, Pedal, Score

GRACE_SECONDS = 0.08
"""[s] Length of a grace note: long enough for a stroke of its own, short enough to sound as an
ornament."""

FERMATA = 2.0
"""Factor on the time of a note or rest under a fermata: MuseScore's, from memory."""

DEFAULT_TEMPO = 120.0
"""[quarter notes a minute] Tempo until the first tempo mark."""

MAX_QUARTERS = 1_000_000
"""[quarter notes] Longest score: a bound on arithmetic, far beyond the limit in seconds."""


class WrittenTime(NamedTuple):
    """A note as written, in quarter notes from the beginning of the piece."""

    onset: float
    """[quarter notes] Press; of a grace note, its beat."""

    offset: float
    """[quarter notes] Release; of a grace note, its beat."""

    pitch: int
    """MIDI pitch that sounds."""


class _Sounding(NamedTuple):
    """A note in ticks, with its ties merged."""

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


class _Visit(NamedTuple):
    """A passage as it is played once."""

    passage: int
    """Index of the passage."""

    start: int
    """[ticks] Time at which it begins."""

    jumped: bool
    """It does not follow the passage before it in the written order."""

    turn: int
    """Which time its section is played, from 1."""


class _Piece(NamedTuple):
    """A file as it is written, cut into passages, and the order in which they are played."""

    parts: list[Part]
    """Parts; their measures are the passages."""

    passages: list[Passage]
    """Where each passage stands in its written bar."""

    unfolding: Unfolding
    """Order of the passages."""

    visits: list[_Visit]
    """The passages in the order in which they are played."""

    end: int
    """[ticks] End of the last one."""

    ticks: int
    """Ticks per quarter note."""

    title: str
    """Title of the piece."""

    def length(self, visit: _Visit) -> int:
        """Length of a passage [ticks]."""
        passage = self.passages[visit.passage]
        return passage.stop - passage.start


def read_musicxml(path: str | PathLike[str]) -> Score:
    """Read a MusicXML file, plain or compressed.

    Raises:
        ScoreError: not MusicXML, malformed (with line or measure), unsafe, above a limit of
            `music.formats.score_file`, `music.formats.musicxml_scan` or this module, or without a
            note that a piano can play.
    """
    piece = _read_piece(path)
    clock = _clock(piece)
    sounding = _all_sounding(piece, path)
    timed, lead = _timed(sounding, clock)
    unplayed = sum((part.unplayed for part in piece.parts), Counter[str]())
    strokes = play_out(timed, piece.ticks, unplayed)
    if len(strokes) > MAX_NOTES:
        raise ScoreError(
            path, f"has more than {MAX_NOTES:,} strokes with its ornaments played out, the limit"
        )
    notes = tuple(note for note in (_note(stroke) for stroke in strokes) if note is not None)
    if not notes:
        raise ScoreError(path, _why_nothing_is_left(piece.parts, timed))
    played = Played(
        beyond=sum(not is_on_keyboard(note.written.pitch) for note in timed),
        empty=len(sounding) - len(timed),
        unplayed=unplayed,
        default_tempo=DEFAULT_TEMPO,
    )
    return check_limits(
        Score(
            notes=notes,
            pedals=_pedals(piece, clock, lead),
            title=piece.title,
            remarks=musicxml_remarks(piece.parts, piece.passages, piece.unfolding, played),
        ),
        path,
    )


def written_notes(path: str | PathLike[str]) -> list[WrittenTime]:
    """The notes of a MusicXML file in quarter notes, in order of time, on the keyboard or not.

    Repeats are taken and ties merged; ornaments, articulations, fermatas and tempo are not applied.
    Other readers of MusicXML give the same, so that they can be compared.

    Raises:
        ScoreError: as `read_musicxml`.
    """
    piece = _read_piece(path)
    return sorted(
        WrittenTime(note.onset / piece.ticks, note.offset / piece.ticks, note.written.pitch)
        for note in _all_sounding(piece, path)
    )


def _read_piece(path: str | PathLike[str]) -> _Piece:
    """Read and unfold a file."""
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
    passages = cut_at_signs(
        [_bar_length([part.measures[i] for part in parts]) for i in range(length)],
        [set().union(*(part.measures[i].signs for part in parts)) for i in range(length)],
    )
    if len(passages) > length:
        parts = [
            replace(p, measures=tuple(_cut(p.measures[c.measure], c) for c in passages))
            for p in parts
        ]
    try:
        unfolding = unfold([passage.marks for passage in passages])
    except InvalidValue as error:
        raise ScoreError(path, str(error)) from None
    visits, end = _visits(passages, unfolding)
    if end > MAX_QUARTERS * ticks:
        raise ScoreError(
            path, f"lasts {end / ticks:.3g} quarter notes; the limit is {MAX_QUARTERS:,}"
        )
    return _Piece(parts, passages, unfolding, visits, end, ticks, title)


def _bar_length(measures: Sequence[Measure]) -> int:
    """Length of a bar [ticks]: that of its longest part, but where parts differ and one has the
    length of the time signature, it is that: a part with too many notes delays no other."""
    lengths = {measure.length for measure in measures}
    nominal = max(measure.nominal for measure in measures)
    return nominal if len(lengths) > 1 and nominal in lengths else max(lengths)


def _cut(measure: Measure, passage: Passage) -> Measure:
    """The part of a measure that lies in a passage."""
    start, stop = passage.start, passage.stop

    def is_in(position: int) -> bool:
        return start <= position and (position < stop or passage.is_last)

    return replace(
        measure,
        length=max(0, min(measure.length, stop) - start),
        notes=tuple(
            n._replace(position=n.position - start) for n in measure.notes if is_in(n.position)
        ),
        tempos=tuple((p - start, tempo) for p, tempo in measure.tempos if is_in(p)),
        pedals=tuple((p - start, down) for p, down in measure.pedals if is_in(p)),
        holds=tuple((a - start, b - start) for a, b in measure.holds if is_in(a)),
    )


def _visits(passages: Sequence[Passage], unfolding: Unfolding) -> tuple[list[_Visit], int]:
    """The passages in the order in which they are played, and the end of the last one [ticks]."""
    visits: list[_Visit] = []
    start = 0
    order = unfolding.order
    for before, index, turn in zip([-1, *order], order, unfolding.turns, strict=False):
        visits.append(_Visit(index, start, index != before + 1, turn))
        start += passages[index].stop - passages[index].start
    return visits, start


def _all_sounding(piece: _Piece, path: str | PathLike[str]) -> list[_Sounding]:
    """The notes of all parts as they are played: with repeats taken and ties merged."""
    return [
        note
        for index, part in enumerate(piece.parts)
        for note in _sounding(part, index, piece, path)
    ]


def _sounding(part: Part, index: int, piece: _Piece, path: str | PathLike[str]) -> list[_Sounding]:
    """The notes of a part as they are played: with repeats taken and ties merged."""
    notes: list[_Sounding] = []
    tied: dict[tuple[int, int], dict[str, list[int]]] = {}
    named = named_hands(part.name)
    for visit in piece.visits:
        measure = part.measures[visit.passage]
        if len(notes) + len(measure.notes) > MAX_NOTES:
            raise ScoreError(path, f"has more than {MAX_NOTES:,} notes, the limit")
        for written in measure.notes:
            if written.passes and visit.turn not in written.passes:
                continue
            onset = visit.start + written.position
            offset = onset + written.duration
            waiting = tied.get((written.pitch, onset)) if written.tie_stop else None
            if waiting:
                number = _take(waiting, written.voice)
                notes[number] = notes[number]._replace(offset=offset)
            else:
                number = len(notes)
                hand = _hand(part, written.staff, named)
                notes.append(_Sounding(onset, offset, written, index, hand))
            if written.tie_start and (offset > onset or written.grace):
                # A bar that is shorter than in other parts is tied over the gap.
                is_cut = written.position + written.duration >= measure.length > 0
                end = visit.start + piece.length(visit) if is_cut else offset
                voices = tied.setdefault((written.pitch, end), {})
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


def _clock(piece: _Piece) -> TickClock:
    """The tempo marks of all parts together; after a jump, the tempo of its target holds."""
    measures = [
        sorted(
            (mark for part in piece.parts for mark in part.measures[i].tempos),
            key=lambda mark: mark[0],
        )
        for i in range(len(piece.passages))
    ]
    entering = [DEFAULT_TEMPO]
    for marks in measures:
        entering.append(marks[-1][1] if marks else entering[-1])
    tempos = {0: DEFAULT_TEMPO}
    for visit in piece.visits:
        if visit.jumped:
            tempos[visit.start] = entering[visit.passage]
        tempos.update(
            (visit.start + position, tempo) for position, tempo in measures[visit.passage]
        )
    tempos = _held(tempos, merge_spans(_holds(piece)))
    return TickClock({tick: 60.0 / (tempo * piece.ticks) for tick, tempo in tempos.items()})


def _holds(piece: _Piece) -> Iterator[tuple[int, int]]:
    """Spans that fermatas lengthen [ticks]. Of fermatas that end together, the latest counts: the
    others are of longer notes in other voices."""
    for visit in piece.visits:
        latest: dict[int, int] = {}
        for part in piece.parts:
            for start, stop in part.measures[visit.passage].holds:
                latest[stop] = max(start, latest.get(stop, 0))
        yield from ((visit.start + start, visit.start + stop) for stop, start in latest.items())


def _held(tempos: dict[int, float], holds: Sequence[tuple[int, int]]) -> dict[int, float]:
    """Tempo marks with the time under fermatas stretched."""
    if not holds:
        return tempos
    starts = {start for start, _ in holds}
    stops = {stop for _, stop in holds}
    held: dict[int, float] = {}
    tempo = DEFAULT_TEMPO
    factor = 1.0
    for tick in sorted({*tempos, *starts, *stops}):
        tempo = tempos.get(tick, tempo)
        if tick in starts:
            factor = FERMATA
        elif tick in stops:
            factor = 1.0
        held[tick] = tempo / factor
    return held


def _timed(sounding: Sequence[_Sounding], clock: TickClock) -> tuple[list[TimedNote], float]:
    """The notes that last, in seconds, and the time that grace notes take before the first beat."""
    onsets = clock.seconds([note.onset for note in sounding])
    offsets = clock.seconds([note.offset for note in sounding])
    leads = [
        GRACE_SECONDS * note.written.grace - onset
        for note, onset in zip(sounding, onsets, strict=True)
    ]
    lead = max(0.0, max(leads, default=0))
    timed: list[TimedNote] = []
    for note, onset, offset in zip(sounding, onsets, offsets, strict=True):
        grace = note.written.grace
        start = max(0.0, onset + lead - GRACE_SECONDS * grace)
        is_short = grace and note.offset == note.onset
        stop = start + GRACE_SECONDS if is_short else offset + lead
        if start < stop:
            timed.append(TimedNote(start, stop, *note))
    return timed, lead


def _note(stroke: Stroke) -> Note | None:
    """The note, if the keyboard has a key for it."""
    if not is_on_keyboard(stroke.pitch):
        return None
    written = stroke.note.written
    return Note(
        onset=stroke.start,
        pitch=stroke.pitch,
        offset=stroke.stop,
        velocity=written.velocity,
        hand=stroke.note.hand,
        finger=written.finger if stroke.pitch == written.pitch else None,
    )


def _why_nothing_is_left(parts: Sequence[Part], timed: Sequence[TimedNote]) -> str:
    unpitched = sum(part.num_unpitched for part in parts)
    if timed:
        return (
            f"has no note on the 88 keys (A0..C8); {format_count(len(timed), 'note')} beyond them"
        )
    if unpitched:
        return f"has only unpitched percussion ({format_count(unpitched, 'note')})"
    return "has no notes"


def _pedals(piece: _Piece, clock: TickClock, lead: float) -> tuple[Pedal, ...]:
    """Spans of the pedal in seconds."""
    spans = merge_spans(span for part in piece.parts for span in _pedal_spans(part, piece))
    downs = clock.seconds([start for start, _ in spans])
    ups = clock.seconds([end for _, end in spans])
    return tuple(
        Pedal(down + lead, up + lead)
        for down, up in zip(downs, ups, strict=True)
        if down + lead < up + lead
    )


def _pedal_spans(part: Part, piece: _Piece) -> Iterator[tuple[int, int]]:
    """Spans in which the pedal is down [ticks]; without a release, it stays down to the end."""
    down: int | None = None
    for visit in piece.visits:
        for position, goes_down in part.measures[visit.passage].pedals:
            tick = visit.start + position
            if goes_down and down is None:
                down = tick
            elif not goes_down and down is not None:
                if down < tick:
                    yield down, tick
                down = None
    if down is not None and down < piece.end:
        yield down, piece.end
