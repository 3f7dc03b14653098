"""Standard MIDI Files to and from `Score`.

Reading: all tracks sound together under the tempo marks of all tracks. A key may be pressed again
before it is released (recordings and voices on one channel do so); a note-off then ends every note
begun on that key earlier, as in pretty_midi and on a real key. Left out with a remark: the drum
channel, notes that a piano has no key for, notes without length. A note that is never released
ends with its track, with a remark. The sustain pedal is controller 64, down from value 64 on (MIDI
1.0); pedals of several channels are one pedal.

The hand of a note is taken from the track name. If no track name speaks of a hand and there are
exactly two lines, it is taken from their pitches.
"""

from __future__ import annotations

import io
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np

from musclehand.core.atomic import write_file
from musclehand.core.errors import ScoreError
from musclehand.music.formats.midi_scan import (
    NOTE_OFF,
    NOTE_ON,
    SUSTAIN_PEDAL,
    MidiContent,
    MidiMessage,
    scan_midi,
)
from musclehand.music.formats.score_file import check_limits, format_count, read_bytes
from musclehand.music.pitch import is_on_keyboard
from musclehand.music.score import Hand, Note, Pedal, Score

DRUM_CHANNEL = 9
"""Channel of the percussion, counted from 0 (General MIDI)."""

DEFAULT_TEMPO = 500_000
"""[us per quarter note] Tempo of a file that states none: 120 quarters a minute (MIDI 1.0)."""

CLEARLY_HIGHER = 7.0
"""[semitones] Distance between the mean pitches of two unnamed lines from which the higher one is
the right hand: a fifth."""

_RESOLUTIONS = (2000, 1000, 500, 250)
"""[ticks per quarter note] Resolutions of written files; the first that fits is used."""

_LAST_TICK = 9_000_000
"""Longest file that is written; pretty_midi refuses to read 10,000,000 ticks or more."""

_TRACK_NAMES = {Hand.RIGHT: "right hand", Hand.LEFT: "left hand", None: "either hand"}
_HAND_WORDS = {
    Hand.RIGHT: re.compile(
        r"\b(right|r\.?h|rechts|rechte|droite|destra|derecha|upper)\b", re.IGNORECASE
    ),
    Hand.LEFT: re.compile(
        r"\b(left|l\.?h|links|linke|gauche|sinistra|izquierda|lower)\b", re.IGNORECASE
    ),
    None: re.compile(r"\beither hand\b", re.IGNORECASE),
}


class _Span(NamedTuple):
    """A note in ticks."""

    start: int
    """[ticks] Press."""

    end: int
    """[ticks] Release."""

    pitch: int
    """MIDI pitch, 0 to 127."""

    velocity: int
    """MIDI velocity, 1 to 127."""


class _Line(NamedTuple):
    """The notes of one channel of one track."""

    name: str
    """Name of the track."""

    channel: int
    """MIDI channel, 0 to 15."""

    spans: list[_Span]
    """The notes that last."""

    unclosed: int
    """Notes without a note-off, which end with the track."""

    empty: int
    """Notes without length, which are left out."""


def read_midi(path: str | PathLike[str]) -> Score:
    """Read a MIDI file.

    Raises:
        ScoreError: not a MIDI file, truncated or damaged (with the byte), above a limit of
            `music.formats.score_file` or `music.formats.midi_scan`, or without a note that a piano
            can play.
    """
    content = scan_midi(read_bytes(path), path)
    lines = [line for track in range(len(content.tracks)) for line in _lines_of(content, track)]
    pitched = [line for line in lines if line.channel != DRUM_CHANNEL]
    playable = [
        line._replace(spans=[s for s in line.spans if is_on_keyboard(s.pitch)]) for line in pitched
    ]
    playable = [line for line in playable if line.spans]
    if not playable:
        raise ScoreError(path, _why_nothing_is_left(lines, pitched))
    clock = _clock(content)
    notes: list[Note] = []
    for line, hand in zip(playable, _hands(playable), strict=True):
        onsets = clock.seconds([span.start for span in line.spans])
        offsets = clock.seconds([span.end for span in line.spans])
        notes += [
            Note(onset=onset, pitch=span.pitch, offset=offset, velocity=span.velocity, hand=hand)
            for span, onset, offset in zip(line.spans, onsets, offsets, strict=True)
            if offset > onset
        ]
    score = Score(
        notes=tuple(notes),
        pedals=_pedals(content, clock),
        title=_title(content) or Path(path).stem,
        remarks=_remarks(content, lines, pitched),
    )
    return check_limits(score, path)


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


def _lines_of(content: MidiContent, index: int) -> list[_Line]:
    """The channels of one track that have notes."""
    track = content.tracks[index]
    channels: dict[int, list[MidiMessage]] = defaultdict(list)
    for message in track.messages:
        channels[message.channel].append(message)
    lines = [
        _pair(track.name, channel, messages, track.end_tick)
        for channel, messages in channels.items()
    ]
    return [line for line in lines if line.spans or line.empty]


def _pair(name: str, channel: int, messages: Iterable[MidiMessage], end_tick: int) -> _Line:
    """Join note-ons with the note-offs that end them."""
    spans: list[_Span] = []
    held: dict[int, list[MidiMessage]] = defaultdict(list)
    empty = unclosed = 0

    def close(begun: Iterable[MidiMessage], tick: int) -> None:
        spans.extend(_Span(on.tick, tick, on.number, on.value) for on in begun)

    for message in messages:
        if message.kind == NOTE_ON:
            held[message.number].append(message)
        elif message.kind == NOTE_OFF and message.number in held:
            ons = held.pop(message.number)
            earlier = [on for on in ons if on.tick < message.tick]
            close(earlier, message.tick)
            if not earlier:
                empty += len(ons)
            elif len(earlier) < len(ons):
                # A note struck again on the tick of the note-off is not ended by it.
                held[message.number] = ons[len(earlier) :]
    for ons in held.values():
        earlier = [on for on in ons if on.tick < end_tick]
        close(earlier, end_tick)
        unclosed += len(earlier)
        empty += len(ons) - len(earlier)
    return _Line(name, channel, spans, unclosed, empty)


def named_hands(name: str) -> set[Hand | None]:
    """The hands that the name of a track or part mentions; `{None}` for "either hand"."""
    return {hand for hand, words in _HAND_WORDS.items() if words.search(name)}


def _hands(lines: Sequence[_Line]) -> list[Hand | None]:
    """The hand of each line, from track names or else from the pitches of two lines."""
    named = [named_hands(line.name) for line in lines]
    if any(named):
        return [next(iter(hands)) if len(hands) == 1 else None for hands in named]
    if len(lines) == 2:
        first, second = (float(np.mean([span.pitch for span in line.spans])) for line in lines)
        if first - second >= CLEARLY_HIGHER:
            return [Hand.RIGHT, Hand.LEFT]
        if second - first >= CLEARLY_HIGHER:
            return [Hand.LEFT, Hand.RIGHT]
    return [None] * len(lines)


def _pedals(content: MidiContent, clock: TickClock) -> tuple[Pedal, ...]:
    """Spans in which the sustain pedal of any channel is down; a pedal that is never released
    stays down to the end."""
    spans: list[tuple[int, int]] = []
    last = max(track.end_tick for track in content.tracks)
    for track in content.tracks:
        down: dict[int, int] = {}
        for message in track.messages:
            if message.kind in (NOTE_ON, NOTE_OFF) or message.channel == DRUM_CHANNEL:
                continue
            if message.value >= 64:
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


def _why_nothing_is_left(lines: Sequence[_Line], pitched: Sequence[_Line]) -> str:
    if not lines:
        return "has no notes"
    if not pitched:
        return (
            f"has notes only on the drum channel ({sum(len(line.spans) for line in lines)} of them)"
        )
    beyond = sum(len(line.spans) for line in pitched)
    if beyond:
        return f"has no note on the 88 keys (A0..C8); {format_count(beyond, 'note')} beyond them"
    return "has no notes that last: each ends where it begins"


def _remarks(
    content: MidiContent, lines: Sequence[_Line], pitched: Sequence[_Line]
) -> tuple[str, ...]:
    """Sentences about notes that were left out or changed."""
    drums = sum(len(line.spans) for line in lines if line.channel == DRUM_CHANNEL)
    beyond = sum(not is_on_keyboard(span.pitch) for line in pitched for span in line.spans)
    empty = sum(line.empty for line in pitched)
    unclosed = sum(line.unclosed for line in pitched)
    counts = [
        (drums, "on the drum channel left out"),
        (beyond, "off the 88 keys left out"),
        (empty, "without length left out"),
        (unclosed, "never released; ended with the track"),
    ]
    remarks = [f"{format_count(number, 'note')} {phrase}" for number, phrase in counts if number]
    if content.kind == 2 and len(content.tracks) > 1:
        remarks.append("the tracks are independent patterns (MIDI format 2); played together")
    return tuple(remarks)


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


def _voices(notes: Iterable[Note], tick: float) -> list[list[_Span]]:
    """The notes in ticks, in as few lists as possible so that no list holds a key twice at once."""
    voices: list[list[_Span]] = []
    free_from: list[dict[int, int]] = []
    for note in notes:
        start = round(note.onset / tick)
        span = _Span(start, max(start + 1, round(note.offset / tick)), note.pitch, note.velocity)
        index = next(
            (i for i, free in enumerate(free_from) if free.get(span.pitch, 0) <= start), len(voices)
        )
        if index == len(voices):
            voices.append([])
            free_from.append({})
        voices[index].append(span)
        free_from[index][span.pitch] = span.end
    return voices
