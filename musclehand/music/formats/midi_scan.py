"""Standard MIDI File bytes to key, pedal and tempo events, in one pass that no file can stall.

Format: The Complete MIDI 1.0 Detailed Specification, part "Standard MIDI Files 1.0" (MMA 1996).
Every length in the file is checked against the bytes present before it is used. A variable-length
number may have the four bytes that the specification allows. Events are counted as they are read,
so time and memory are linear in the size of the file and stop at the limits below. General
parsers keep none of these bounds (mido 1.3.3 reads 300 kB of continuation bytes for 8.5 s;
pretty_midi 0.2.11 takes 212 MB for one note at tick 9,999,990). They also refuse files over details
that a keyboard does not need, such as a bad key signature. This scanner walks every event and keeps
the few kinds that a keyboard needs; no second parser reads the file.

A header longer than six bytes is honoured, as the specification asks of readers. Accepted beyond
the letter: chunks of unknown type (skipped, as the specification asks), running
status after meta and system-exclusive events, bytes after a track's end marker, a missing end
marker, bytes after the last track.
"""

from __future__ import annotations

from os import PathLike
from typing import NamedTuple

from musclehand.core.errors import ScoreError
from musclehand.music.formats.score_file import MAX_NOTES

MAX_TRACKS = 256
"""Most tracks in a MIDI file."""

MAX_EVENTS = 500_000
"""Most events of any kind in a MIDI file."""

NOTE_OFF = 0x80
"""Status of a note-off message on channel 0."""

NOTE_ON = 0x90
"""Status of a note-on message on channel 0."""

CONTROL_CHANGE = 0xB0
"""Status of a control change on channel 0."""

PROGRAM_CHANGE = 0xC0
"""Status of a program change on channel 0."""

NOTES_OFF = 0x100
"""Kind of a message that ends all notes of its channel; no status of MIDI."""

SUSTAIN_PEDAL = 64
"""Controller number of the sustain pedal."""

_RESET = 121
"""Controller number of Reset All Controllers, which releases the pedal."""

_NOTES_OFF = frozenset((120, 123, 124, 125, 126, 127))
"""Controllers that end all notes: All Sound Off, All Notes Off, and the mode messages."""

_META_TEXT = 0x01
_META_NAME = 0x03
_META_END = 0x2F
_META_TEMPO = 0x51

_MAX_TEXT = 200
"""Characters of a track name or text that are kept."""

_DATA_BYTES = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}


class MidiMessage(NamedTuple):
    """A message that a keyboard needs."""

    tick: int
    """[ticks] Time from the beginning of the track."""

    kind: int
    """`NOTE_ON`, `NOTE_OFF` (also for a note-on of velocity 0), `CONTROL_CHANGE` (of the sustain
    pedal), `PROGRAM_CHANGE` or `NOTES_OFF`."""

    channel: int
    """MIDI channel, 0 to 15."""

    number: int
    """Pitch of a note, number of a controller, or program from 0."""

    value: int
    """Velocity of a note, or value of a controller."""

    order: int = 0
    """Place of the message among the events of its track."""


class MidiTrack(NamedTuple):
    """The messages of one track that a keyboard needs."""

    name: str
    """Name of the track; empty where it has none."""

    text: str
    """First text of the track; empty where it has none."""

    messages: list[MidiMessage]
    """Messages in order of time."""

    tempos: list[tuple[int, int]]
    """Tempo marks: tick, and microseconds per quarter note."""

    end_tick: int
    """[ticks] End of the track."""

    num_events: int
    """Events of any kind."""

    num_notes: int
    """Notes begun."""


class MidiContent(NamedTuple):
    """The content of a MIDI file."""

    kind: int
    """MIDI format: 0, 1 or 2."""

    division: int
    """[ticks per quarter note] Resolution."""

    tracks: list[MidiTrack]
    """All tracks in order."""


class _Fault(Exception):
    """A defect at a byte of the file; becomes a ScoreError where the name of the file is known."""

    def __init__(self, position: int, problem: str) -> None:
        self.position = position
        self.problem = problem


def scan_midi(data: bytes, path: str | PathLike[str]) -> MidiContent:
    """Scan the bytes of a MIDI file for notes, pedal and tempos.

    Args:
        data: the bytes of the file.
        path: name of the file, for the error message.

    Raises:
        ScoreError: not a MIDI file, truncated, damaged, timed in SMPTE frames, or above a limit;
            names the byte.
    """
    try:
        kind, num_tracks, division = _scan_header(data)
        behind = 8 + int.from_bytes(data[4:8], "big")
        return MidiContent(kind, division, _scan_chunks(data, behind, num_tracks))
    except _Fault as fault:
        raise ScoreError(path, fault.problem, where=f"byte {fault.position}") from None


def _scan_header(data: bytes) -> tuple[int, int, int]:
    """Format, number of tracks, ticks per quarter."""
    if data[:4] != b"MThd":
        raise _Fault(0, "is not a MIDI file (it does not begin with MThd)")
    if len(data) < 14:
        raise _Fault(len(data), "the MIDI header is cut off: the file is truncated")
    length = int.from_bytes(data[4:8], "big")
    if not 6 <= length <= len(data) - 8:
        raise _Fault(
            4,
            f"the MIDI header says it is {length:,} bytes long; it must be 6 or more, and the file "
            f"has {len(data) - 8:,}: the file is damaged",
        )
    kind, num_tracks, division = (int.from_bytes(data[i : i + 2], "big") for i in (8, 10, 12))
    if kind > 2:
        raise _Fault(8, f"MIDI format {kind} does not exist; it must be 0, 1 or 2")
    if not 1 <= num_tracks <= MAX_TRACKS:
        raise _Fault(10, f"has {num_tracks} tracks; it must be 1..{MAX_TRACKS}")
    if division == 0:
        raise _Fault(12, "has 0 ticks per quarter note; it must be 1..32767")
    if division & 0x8000:
        raise _Fault(
            12, "is timed in SMPTE frames, which have no beat; save it with ticks per quarter note"
        )
    return kind, num_tracks, division


def _scan_chunks(data: bytes, position: int, num_tracks: int) -> list[MidiTrack]:
    """The `num_tracks` track chunks behind the header, which ends at byte `position`."""
    tracks: list[MidiTrack] = []
    while len(tracks) < num_tracks:
        label = f"track {len(tracks) + 1} of {num_tracks}"
        if len(data) - position < 8:
            raise _Fault(len(data), f"{label} is missing: the file is truncated")
        kind = data[position : position + 4]
        length = int.from_bytes(data[position + 4 : position + 8], "big")
        start = position + 8
        available = len(data) - start
        if length > available:
            problem = f"{label} should have {length:,} bytes and has {available:,}"
            raise _Fault(start, f"{problem}: the file is truncated")
        position = start + length
        if kind == b"MTrk":
            events_left = MAX_EVENTS - sum(t.num_events for t in tracks)
            notes_left = MAX_NOTES - sum(t.num_notes for t in tracks)
            tracks.append(_scan_track(data[start:position], start, events_left, notes_left))
    return tracks


def _scan_track(body: bytes, start: int, events_left: int, notes_left: int) -> MidiTrack:
    """One track; `start` is the byte of the file at which its body begins."""
    messages: list[MidiMessage] = []
    tempos: list[tuple[int, int]] = []
    texts: dict[int, str] = {}
    position = tick = running = num_events = num_notes = 0
    end = len(body)
    try:
        while position < end:
            delta, position = _scan_number(body, position, start)
            tick += delta
            num_events += 1
            if num_events > events_left:
                raise _Fault(
                    start + position, f"has more than {MAX_EVENTS:,} MIDI events, the limit"
                )
            status = body[position]
            if status < 0x80:
                status = running
            else:
                position += 1
            if status < 0xF0:
                running = status
                message, position = _scan_message(body, position, status, tick, start)
                if message is not None:
                    messages.append(message._replace(order=num_events))
                    num_notes += message.kind == NOTE_ON
                    if num_notes > notes_left:
                        raise _Fault(
                            start + position, f"has more than {MAX_NOTES:,} notes, the limit"
                        )
                continue
            meta, position = _scan_meta_kind(body, position, status, start)
            length, position = _scan_number(body, position, start)
            if length > end - position:
                raise IndexError
            if meta == _META_END:
                break
            content = body[position : position + length]
            if meta == _META_TEMPO:
                tempos.append((tick, _scan_tempo(content, start + position)))
            elif meta in (_META_NAME, _META_TEXT):
                texts.setdefault(meta, _decode_text(content))
            position += length
    except IndexError:
        raise _Fault(
            start + end, "an event runs past the end of its track: the file is damaged"
        ) from None
    name = texts.get(_META_NAME, "")
    text = texts.get(_META_TEXT, "")
    return MidiTrack(
        name=name,
        text=text,
        messages=messages,
        tempos=tempos,
        end_tick=tick,
        num_events=num_events,
        num_notes=num_notes,
    )


def _scan_message(
    body: bytes, position: int, status: int, tick: int, start: int
) -> tuple[MidiMessage | None, int]:
    """A channel message, None for a kind that a keyboard does not need, and the position behind."""
    kind = status & 0xF0
    if kind not in _DATA_BYTES:
        raise _Fault(
            start + position, "a data byte stands where an event must begin: the file is damaged"
        )
    number = body[position]
    value = body[position + 1] if _DATA_BYTES[kind] == 2 else 0
    position += _DATA_BYTES[kind]
    if (number | value) & 0x80:
        raise _Fault(start + position, "an event has a data byte above 127: the file is damaged")
    if kind == NOTE_ON and not value:
        kind = NOTE_OFF
    if kind == CONTROL_CHANGE:
        if number in _NOTES_OFF:
            kind = NOTES_OFF
        elif number == _RESET:
            number, value = SUSTAIN_PEDAL, 0
    if kind in (NOTE_ON, NOTE_OFF, PROGRAM_CHANGE, NOTES_OFF) or (
        kind == CONTROL_CHANGE and number == SUSTAIN_PEDAL
    ):
        return MidiMessage(tick, kind, status & 0x0F, number, value), position
    return None, position


def _scan_number(body: bytes, position: int, start: int) -> tuple[int, int]:
    """A variable-length number and the position behind it."""
    byte = body[position]
    if byte < 0x80:
        return byte, position + 1
    number = byte & 0x7F
    for after in range(position + 1, position + 4):
        byte = body[after]
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            return number, after + 1
    raise _Fault(
        start + position, "a variable-length number has more than 4 bytes: the file is damaged"
    )


def _scan_meta_kind(body: bytes, position: int, status: int, start: int) -> tuple[int | None, int]:
    """The kind of a meta event (None for a system-exclusive event), and where its length begins."""
    if status == 0xFF:
        return body[position], position + 1
    if status in (0xF0, 0xF7):
        return None, position
    raise _Fault(
        start + position - 1,
        f"status byte 0x{status:02X} may not stand in a file: the file is damaged",
    )


def _scan_tempo(content: bytes, place: int) -> int:
    """A tempo [us per quarter note]; `place` is the byte of the file at which it stands."""
    tempo = int.from_bytes(content, "big")
    if len(content) != 3 or tempo == 0:
        raise _Fault(
            place, f"a tempo of {tempo} microseconds per quarter note; it must be 1..16777215"
        )
    return tempo


def _decode_text(content: bytes) -> str:
    """A name or text, cut to a sane length, without control characters."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return "".join(c if c.isprintable() else " " for c in text[:_MAX_TEXT]).strip()
