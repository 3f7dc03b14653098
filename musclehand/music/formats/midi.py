"""Standard MIDI Files to and from `Score`.

Reading: all tracks sound together under the tempo marks of all tracks. Notes, hands and instruments
are those of `midi_lines`. Left out with a remark: the drum channel, notes that a piano has no key
for, and the accompaniment of named hands. A note without length, as scores have for grace notes, is
struck for `GRACE_SECONDS` just before its time. A note that is never released ends with its track,
with a remark. The sustain pedal is controller 64, down from value 64 on (MIDI 1.0), so that half
pedals are read as down or up, with a remark; pedals of several channels are one pedal.

The hand of a note is taken from the track name. If no track name speaks of a hand and there are
exactly two lines, it is taken from their pitches.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path

import numpy as np

from musclehand.core.atomic import write_file
from musclehand.core.errors import ScoreError
from musclehand.music.formats.midi_lines import (
    DRUM_CHANNEL,
    PIANO_FAMILY,
    Cast,
    Line,
    Span,
    cast_hands,
    read_lines,
)
from musclehand.music.formats.midi_scan import (
    CONTROL_CHANGE,
    SUSTAIN_PEDAL,
    MidiContent,
    scan_midi,
)
from musclehand.music.formats.score_file import check_limits, format_count, read_bytes
from musclehand.music.pitch import is_on_keyboard
from musclehand.music.score import Hand, Note, Pedal, Score

DEFAULT_TEMPO = 500_000
"""[us per quarter note] Tempo of a file that states none: 120 quarters a minute (MIDI 1.0)."""

GRACE_SECONDS = 0.04
"""[s] Length of a note that has none: the least time that a key takes to come up again
(`keyboard_score`)."""

PEDAL_DOWN = 64
"""Value of the pedal's controller from which it is down (MIDI 1.0)."""

_LEAST_HALF, _MOST_HALF = 16, 111
"""Values of the pedal's controller that are a half pedal; chosen: pedals that are only ever up or
down rest within an eighth of the ends."""

_RESOLUTIONS = (2000, 1000, 500, 250)
"""[ticks per quarter note] Resolutions of written files; the first that fits is used."""

_LAST_TICK = 9_000_000
"""Longest file that is written; pretty_midi refuses to read 10,000,000 ticks or more."""

_SHOWN = 6
"""Lines that a remark names; further ones are counted."""

_TRACK_NAMES = {Hand.RIGHT: "right hand", Hand.LEFT: "left hand", None: "either hand"}


def read_midi(path: str | PathLike[str]) -> Score:
    """Read a MIDI file.

    Raises:
        ScoreError: not a MIDI file, truncated or damaged (with the byte), above a limit of
            `music.formats.score_file` or `music.formats.midi_scan`, or without a note that a piano
            can play.
    """
    content = scan_midi(read_bytes(path), path)
    lines = read_lines(content)
    pitched = [line for line in lines if line.channel != DRUM_CHANNEL]
    playable = [
        line._replace(spans=[s for s in line.spans if is_on_keyboard(s.pitch)]) for line in pitched
    ]
    cast = cast_hands([line for line in playable if line.spans])
    if not cast.lines:
        raise ScoreError(path, _why_nothing_is_left(lines, pitched))
    clock = _clock(content)
    score = Score(
        notes=tuple(
            note
            for line, hand in zip(cast.lines, cast.hands, strict=True)
            for note in _notes(line, hand, clock)
        ),
        pedals=_pedals(content, clock),
        title=_title(content) or Path(path).stem,
        remarks=_remarks(content, lines, cast),
    )
    return check_limits(score, path)


def _notes(line: Line, hand: Hand | None, clock: TickClock) -> Iterator[Note]:
    """The notes of a line in seconds; a grace note at the beginning of the file is on its beat."""
    onsets = clock.seconds([span.start for span in line.spans])
    offsets = clock.seconds([span.end for span in line.spans])
    for span, beat, end in zip(line.spans, onsets, offsets, strict=True):
        onset = max(0.0, beat - GRACE_SECONDS * span.grace)
        offset = onset + GRACE_SECONDS if span.grace else end
        if offset > onset:
            yield Note(
                onset=onset, pitch=span.pitch, offset=offset, velocity=span.velocity, hand=hand
            )


class TickClock:
    """Converts ticks to seconds under a piecewise constant tempo."""

    def __init__(self, rates: Mapping[int, float]) -> None:
        """Seconds per tick from each tick in `rates` on; tick 0 must be among them."""
        self._ticks = np.array(sorted(rates), dtype=np.int64)
        self._rates = np.array([rates[tick] for tick in sorted(rates)])
        self._starts = np.concatenate([[0.0], np.cumsum(np.diff(self._ticks) * self._rates[:-1])])

    def seconds(self, ticks: Sequence[int]) -> list[float]:
        """The time of each tick [s]."""
        moments = np.asarray(ticks, dtype=np.int64)
        mark = np.searchsorted(self._ticks, moments, side="right") - 1
        seconds: list[float] = (
            self._starts[mark] + (moments - self._ticks[mark]) * self._rates[mark]
        ).tolist()
        return seconds


def _clock(content: MidiContent) -> TickClock:
    """The tempo marks of all tracks together; of two on one tick, the later track's is in force."""
    written = [mark for track in content.tracks for mark in track.tempos]
    marks = {0: DEFAULT_TEMPO}
    marks.update(sorted(written, key=lambda mark: mark[0]))
    return TickClock({tick: tempo * 1e-6 / content.division for tick, tempo in marks.items()})


def _pedals(content: MidiContent, clock: TickClock) -> tuple[Pedal, ...]:
    """Spans in which the sustain pedal of any channel is down; a pedal that is never released
    stays down to the end."""
    spans: list[tuple[int, int]] = []
    last = max(track.end_tick for track in content.tracks)
    for track in content.tracks:
        down: dict[int, int] = {}
        for message in track.messages:
            if message.kind != CONTROL_CHANGE or message.channel == DRUM_CHANNEL:
                continue
            if message.value >= PEDAL_DOWN:
                down.setdefault(message.channel, message.tick)
            elif message.channel in down:
                spans.append((down.pop(message.channel), message.tick))
        spans += [(tick, last) for tick in down.values()]
    merged = merge_spans(span for span in spans if span[0] < span[1])
    starts = clock.seconds([s for s, _ in merged])
    ends = clock.seconds([e for _, e in merged])
    return tuple(Pedal(start, end) for start, end in zip(starts, ends, strict=True) if start < end)


def merge_spans(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join overlapping spans; spans that only touch stay apart, as the pedal came up between."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def _title(content: MidiContent) -> str:
    """The name of a first track without notes, which is the name of the piece, or else its first
    text."""
    first = content.tracks[0]
    return (first.name or first.text) if content.kind == 1 and not first.num_notes else ""


def _why_nothing_is_left(lines: Sequence[Line], pitched: Sequence[Line]) -> str:
    if not lines:
        return "has no notes"
    if not pitched:
        return (
            f"has notes only on the drum channel ({sum(len(line.spans) for line in lines)} of them)"
        )
    beyond = sum(len(line.spans) for line in pitched)
    return f"has no note on the 88 keys (A0..C8); {format_count(beyond, 'note')} beyond them"


def _remarks(content: MidiContent, lines: Sequence[Line], cast: Cast) -> tuple[str, ...]:
    """Sentences about notes that were left out or changed, instruments, and half pedals."""
    drums = sum(len(line.spans) for line in lines if line.channel == DRUM_CHANNEL)
    pitched = [line for line in lines if line.channel != DRUM_CHANNEL]
    spans = [span for line in pitched for span in line.spans]
    counts = [
        (drums, "on the drum channel left out"),
        (sum(not is_on_keyboard(span.pitch) for span in spans), "off the 88 keys left out"),
        (
            sum(span.grace > 0 for line in cast.lines for span in line.spans),
            f"without length struck for {1000 * GRACE_SECONDS:.0f} ms before the beat",
        ),
        (sum(line.doubled for line in pitched), "without length on a longer one left out"),
        (sum(line.unclosed for line in pitched), "never released; ended with the track"),
    ]
    remarks = [f"{format_count(number, 'note')} {phrase}" for number, phrase in counts if number]
    if cast.accompaniment:
        count = sum(len(line.spans) for line in cast.accompaniment)
        remarks.append(
            f"{format_count(count, 'note')} of accompaniment left out, as tracks name the hands: "
            f"{_names(cast.accompaniment)}"
        )
    foreign = [line for line in cast.lines if line.family != PIANO_FAMILY]
    if foreign:
        count = sum(len(line.spans) for line in foreign)
        remarks.append(
            f"{format_count(count, 'note')} of instruments that are not a piano played as well: "
            f"{_names(foreign)}"
        )
    if content.kind == 2 and len(content.tracks) > 1:
        remarks.append("the tracks are independent patterns (MIDI format 2); played together")
    if any(_LEAST_HALF <= value <= _MOST_HALF for value in _pedal_values(content)):
        remarks.append(f"half pedals are read as down from {PEDAL_DOWN} of 127 on, else as up")
    return tuple(remarks)


def _names(lines: Sequence[Line]) -> str:
    """Names and instruments of lines, the first few."""
    names: dict[str, None] = {}
    for line in lines:
        family = "" if line.family == PIANO_FAMILY else f" ({line.family})"
        names[f"{(line.name or '?')[:40]!r}{family}"] = None
    shown = list(names)[:_SHOWN]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _pedal_values(content: MidiContent) -> Iterator[int]:
    for track in content.tracks:
        for message in track.messages:
            if message.kind == CONTROL_CHANGE and message.channel != DRUM_CHANNEL:
                yield message.value


def write_midi(score: Score, path: str | PathLike[str]) -> None:
    """Write a MIDI file at 120 quarters a minute: a track for each hand, each with the pedal.

    A tick is 0.25 ms for scores up to 37 minutes and coarser beyond, so that every reader takes the
    file. Times are rounded to ticks, and a note lasts at least one. Two notes on one key at a time
    go to a second track of the same name, so that reading gives back every note. Fingers and
    remarks are not kept: MIDI has no place for them.

    Raises:
        OutputError: the file cannot be written; nothing is left behind.
    """
    import pretty_midi

    end = max([score.duration, *(pedal.end for pedal in score.pedals)])
    fits = [resolution for resolution in _RESOLUTIONS if end * 2 * resolution <= _LAST_TICK]
    resolution = fits[0] if fits else _RESOLUTIONS[-1]
    tick = 1.0 / (2 * resolution)  # 120 quarters a minute are two a second
    midi = pretty_midi.PrettyMIDI(resolution=resolution, initial_tempo=120.0, charset="utf-8")
    if score.title:
        midi.text_events.append(
            pretty_midi.Text(score.title.encode("utf-8", "replace").decode("utf-8"), 0.0)
        )
    downs = [round(pedal.start / tick) for pedal in score.pedals]
    ups = [round(pedal.end / tick) for pedal in score.pedals]
    pedals = merge_spans((down, max(down + 1, up)) for down, up in zip(downs, ups, strict=True))
    for hand, name in _TRACK_NAMES.items():
        for voice in _voices([note for note in score.notes if note.hand is hand], tick):
            instrument = pretty_midi.Instrument(program=0, name=name)
            instrument.notes = [
                pretty_midi.Note(s.velocity, s.pitch, s.start * tick, s.end * tick) for s in voice
            ]
            for index, value in ((0, 127), (1, 0)):  # down, then up
                instrument.control_changes += [
                    pretty_midi.ControlChange(SUSTAIN_PEDAL, value, span[index] * tick)
                    for span in pedals
                ]
            midi.instruments.append(instrument)
    written = io.BytesIO()
    midi.write(written)
    write_file(path, written.getvalue())


def _voices(notes: Iterable[Note], tick: float) -> list[list[Span]]:
    """The notes in ticks, in as few lists as possible so that no list holds a key twice at once."""
    voices: list[list[Span]] = []
    free_from: list[dict[int, int]] = []
    for note in notes:
        start = round(note.onset / tick)
        span = Span(start, max(start + 1, round(note.offset / tick)), note.pitch, note.velocity)
        index = next(
            (i for i, free in enumerate(free_from) if free.get(span.pitch, 0) <= start), len(voices)
        )
        if index == len(voices):
            voices.append([])
            free_from.append({})
        voices[index].append(span)
        free_from[index][span.pitch] = span.end
    return voices
