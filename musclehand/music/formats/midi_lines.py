"""The notes of a MIDI file by track and channel, their hands and instruments.

Conventions:

- A note-off ends the earliest note of its key that is held, so that overlapping strokes of one key
  keep their length. Where a key has fewer note-offs than note-ons, it ends all notes begun on the
  key earlier, as on a real key (and in pretty_midi): a lost note-off then ends nothing else late.
- Controllers 120 and 123 to 127 end all notes of their channel (MIDI 1.0: All Sound Off, All Notes
  Off, and the mode messages that imply it).
- A note without length is a grace note of a score: notes of one tick are struck one after the other
  before it, in the order of the file. One that only repeats a longer note of its tick is left out.
- Where the names of tracks speak of both hands, tracks with other names, or of other instruments,
  are accompaniment and left out.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from musclehand.music.formats.midi_scan import (
    NOTE_OFF,
    NOTE_ON,
    NOTES_OFF,
    PROGRAM_CHANGE,
    MidiContent,
    MidiMessage,
)
from musclehand.music.score import Hand

DRUM_CHANNEL = 9
"""Channel of the percussion, counted from 0 (General MIDI)."""

CLEARLY_HIGHER = 7.0
"""[semitones] Distance between the mean pitches of two unnamed lines from which the higher one is
the right hand: a fifth."""

PIANO_FAMILY = "piano"

_FAMILIES = (
    f"{PIANO_FAMILY},chromatic percussion,organ,guitar,bass,strings,ensemble,brass,reed,pipe,"
    "synth lead,synth pad,synth effects,ethnic,percussive,sound effects"
).split(",")
"""Families of eight programs each (General MIDI 1)."""

_HAND_WORDS = {
    Hand.RIGHT: re.compile(
        r"\b(right|r\.?h|rechts|rechte|droite|destra|derecha|upper)\b", re.IGNORECASE
    ),
    Hand.LEFT: re.compile(
        r"\b(left|l\.?h|links|linke|gauche|sinistra|izquierda|lower)\b", re.IGNORECASE
    ),
    None: re.compile(r"\beither hand\b", re.IGNORECASE),
}


class Span(NamedTuple):
    """A note in ticks."""

    start: int
    """[ticks] Press."""

    end: int
    """[ticks] Release; of a grace note, its beat."""

    pitch: int
    """MIDI pitch, 0 to 127."""

    velocity: int
    """MIDI velocity, 1 to 127."""

    grace: int = 0
    """0 for a note with a length; 1 for the grace note just before the beat, 2 for the one before,
    ..."""


class Line(NamedTuple):
    """The notes of one channel of one track."""

    name: str
    """Name of the track."""

    channel: int
    """MIDI channel, 0 to 15."""

    family: str
    """Family of its instrument in General MIDI."""

    spans: list[Span]
    """Notes, grace notes last."""

    unclosed: int
    """Notes without a note-off, which end with the track."""

    doubled: int
    """Notes without length that repeat a longer one, which are left out."""


class Cast(NamedTuple):
    """Who plays what."""

    lines: list[Line]
    """Lines that the hands play."""

    hands: list[Hand | None]
    """Hand of each line, where it is known."""

    accompaniment: list[Line]
    """Lines that are left out."""


def read_lines(content: MidiContent) -> list[Line]:
    """The channels of all tracks that have notes."""
    programs: dict[int, int] = {}
    for track in content.tracks:
        for message in track.messages:
            if message.kind == PROGRAM_CHANGE:
                programs.setdefault(message.channel, message.number)
    return [
        line for track in range(len(content.tracks)) for line in _lines_of(content, track, programs)
    ]


def _lines_of(content: MidiContent, index: int, programs: Mapping[int, int]) -> list[Line]:
    """The channels of one track that have notes."""
    track = content.tracks[index]
    channels: dict[int, list[MidiMessage]] = defaultdict(list)
    for message in track.messages:
        channels[message.channel].append(message)
    lines = []
    for channel, messages in channels.items():
        own = (message.number for message in messages if message.kind == PROGRAM_CHANGE)
        program = next(own, programs.get(channel, 0))
        spans, unclosed, doubled = _pair(messages, track.end_tick)
        if spans:
            family = _FAMILIES[program // 8]
            lines.append(Line(track.name, channel, family, spans, unclosed, doubled))
    return lines


def _pair(messages: Iterable[MidiMessage], end_tick: int) -> tuple[list[Span], int, int]:
    """Notes of a channel, those never released, and those left out."""
    keys: dict[int, list[MidiMessage]] = {}
    for message in messages:
        if message.kind == NOTE_ON:
            keys.setdefault(message.number, []).append(message)
        elif message.kind == NOTE_OFF and message.number in keys:
            keys[message.number].append(message)
        elif message.kind == NOTES_OFF:
            for events in keys.values():
                events.append(message)
    pairs: list[tuple[MidiMessage, int]] = []
    unclosed = 0
    for events in keys.values():
        ended, held = _pair_key(events)
        pairs += ended
        pairs += [(on, end_tick) for on in held]
        unclosed += sum(on.tick < end_tick for on in held)
    spans = [Span(on.tick, tick, on.number, on.value) for on, tick in pairs if tick > on.tick]
    empty = [on for on, tick in pairs if tick == on.tick]
    if not empty:
        return spans, unclosed, 0
    graces, doubled = _graces(empty, spans)
    return spans + graces, unclosed, doubled


def _pair_key(
    events: Sequence[MidiMessage],
) -> tuple[list[tuple[MidiMessage, int]], list[MidiMessage]]:
    """Notes of one key with the ticks of their ends, and those never released."""
    ended: list[tuple[MidiMessage, int]] = []
    held: list[MidiMessage] = []
    settled = 0
    begun = 0
    for position, event in enumerate(events):
        if event.kind == NOTE_ON:
            held.append(event)
        elif event.kind == NOTES_OFF:
            ended += [(on, event.tick) for on in held]
            held = []
        elif held:
            ended.append((held.pop(0), event.tick))
        if not held:
            settled = len(ended)
            begun = position + 1
    if not held:
        return ended, []
    late, held = _pair_as_on_a_key(events[begun:])
    return ended[:settled] + late, held


def _pair_as_on_a_key(
    events: Iterable[MidiMessage],
) -> tuple[list[tuple[MidiMessage, int]], list[MidiMessage]]:
    """The same, where every note-off ends all earlier notes; those struck on its tick go on."""
    ended: list[tuple[MidiMessage, int]] = []
    held: list[MidiMessage] = []
    for event in events:
        if event.kind == NOTE_ON:
            held.append(event)
            continue
        earlier = [on for on in held if on.tick < event.tick] or held
        ended += [(on, event.tick) for on in earlier]
        held = held[len(earlier) :]
    return ended, held


def _graces(empty: Iterable[MidiMessage], spans: Iterable[Span]) -> tuple[list[Span], int]:
    """Grace notes in the order of the file, and the number of notes that repeat a longer one."""
    lasting = {(span.start, span.pitch) for span in spans}
    beats: dict[int, list[MidiMessage]] = defaultdict(list)
    doubled = 0
    for on in sorted(empty, key=lambda on: on.order):
        taken = {grace.number for grace in beats[on.tick]}
        if (on.tick, on.number) in lasting or on.number in taken:
            doubled += 1
        else:
            beats[on.tick].append(on)
    graces = [
        Span(on.tick, on.tick, on.number, on.value, rank)
        for struck in beats.values()
        for rank, on in enumerate(reversed(struck), start=1)
    ]
    return graces, doubled


def named_hands(name: str) -> set[Hand | None]:
    """The hands that the name of a track or part mentions; `{None}` for "either hand"."""
    return {hand for hand, words in _HAND_WORDS.items() if words.search(name)}


def cast_hands(lines: Sequence[Line]) -> Cast:
    """The hand of each line, from track names or else from the pitches of two lines."""
    named = [named_hands(line.name) for line in lines]
    if {Hand.LEFT, Hand.RIGHT} <= set().union(*named):
        kept = [
            bool(hands) or not (line.name or line.family != PIANO_FAMILY)
            for line, hands in zip(lines, named, strict=True)
        ]
        return Cast(
            [line for line, keep in zip(lines, kept, strict=True) if keep],
            [_only(hands) for hands, keep in zip(named, kept, strict=True) if keep],
            [line for line, keep in zip(lines, kept, strict=True) if not keep],
        )
    if any(named):
        return Cast(list(lines), [_only(hands) for hands in named], [])
    if len(lines) == 2:
        first, second = (float(np.mean([span.pitch for span in line.spans])) for line in lines)
        if first - second >= CLEARLY_HIGHER:
            return Cast(list(lines), [Hand.RIGHT, Hand.LEFT], [])
        if second - first >= CLEARLY_HIGHER:
            return Cast(list(lines), [Hand.LEFT, Hand.RIGHT], [])
    return Cast(list(lines), [None] * len(lines), [])


def _only(hands: set[Hand | None]) -> Hand | None:
    return next(iter(hands)) if len(hands) == 1 else None
