"""PIG fingering files to and from `Score`.

PIG is the text format of the PIano finGering data set (Nakamura, Saito & Yoshii, "Statistical
learning and estimation of piano fingering", Information Sciences 517, 2020). Later work uses it for
note lists too. Behind `//Version:` and other `//` comment lines, each line is a note, tab
separated:

    NoteID  Onset [s]  Offset [s]  Pitch  OnsetVelocity  OffsetVelocity  Channel  Fingering

Pitch is a name (C4, F#5, Bb2) or a MIDI number; channel 0 is the right hand and 1 the left; fingers
are 1..5 of the right hand and -1..-5 of the left. A finger changed while the key is down is written
`1_3`; the first is taken, with a remark. Channel and fingering may be blank. Where the sign of the
finger and the channel disagree, the finger says which hand plays (a note of the lower staff taken
with the right hand).

The sustain pedal has no place in the format. Here it is a comment, which every reader of the format
skips: `//Pedal: ` and the times [s] at which it goes down and up.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np

from musclehand.core.atomic import write_file
from musclehand.core.errors import InvalidValue, ScoreError
from musclehand.music.formats.score_file import (
    MAX_DURATION,
    MAX_NOTES,
    check_limits,
    format_count,
    read_bytes,
)
from musclehand.music.pitch import is_on_keyboard, parse_pitch, pitch_name
from musclehand.music.score import Finger, Hand, Note, Pedal, Score

_VERSION_LINE = "//Version: PianoFingering_v170101"
_NUMBER = re.compile(r"\d{1,12}(\.\d{0,400})?([eE][-+]?\d{1,3})?", re.ASCII)
_INTEGER = re.compile(r"\d{1,9}", re.ASCII)
_FINGERING = re.compile(r"(-?[1-5])((?:_-?[1-5])*)_?", re.ASCII)
_PEDAL = re.compile(rf"//Pedal: ({_NUMBER.pattern}) ({_NUMBER.pattern})", re.ASCII)
_HANDS = {"0": Hand.RIGHT, "1": Hand.LEFT, "": None}
_DEFAULT_VELOCITY = 80
"""MIDI velocity of notes whose velocity is 0: mezzo-forte."""

_SHOWN = 40
"""Characters of a wrong value that an error message shows."""


class _Row(NamedTuple):
    """The note of one line."""

    onset: float
    """[s] Press."""

    offset: float
    """[s] Release."""

    pitch: int
    """MIDI pitch, 0 to 127."""

    velocity: int
    """MIDI velocity, 1 to 127."""

    hand: Hand | None
    """Hand, where the line names it."""

    finger: Finger | None
    """Finger, where the line names it."""

    substituted: bool
    """The finger changes while the key is down."""


def read_pig(path: str | PathLike[str]) -> Score:
    """Read a PIG fingering file.

    Raises:
        ScoreError: not a text file, a malformed line (with its number), above a limit of
            `music.formats.score_file`, or without a note that a piano can play.
    """
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ScoreError(path, "is not a text file in UTF-8", where=f"byte {error.start}") from None
    rows: list[_Row] = []
    pedals: list[Pedal] = []
    for number, line in enumerate(text.split("\n"), start=1):
        content = line.strip("\r")
        pedals += _pedal(content) if len(pedals) < MAX_NOTES else []
        if not content.strip() or content.lstrip().startswith("//"):
            continue
        if len(rows) == MAX_NOTES:
            raise ScoreError(
                path, f"has more than {MAX_NOTES:,} notes, the limit", where=f"line {number}"
            )
        try:
            rows.append(_parse_line(content))
        except ValueError as error:
            raise ScoreError(path, str(error), where=f"line {number}") from None
    score = _to_score(rows, path)
    return check_limits(replace(score, pedals=tuple(pedals)), path)


def _pedal(line: str) -> list[Pedal]:
    """The pedal of a comment; none for any other line, or where it does not go up later."""
    match = _PEDAL.fullmatch(line.strip())
    if match is None:
        return []
    start = float(match[1])
    end = float(match[4])
    return [Pedal(start, end)] if start < end <= MAX_DURATION else []


def _to_score(rows: Sequence[_Row], path: str | PathLike[str]) -> Score:
    """Turn rows into notes, and count in `remarks` those that are left out."""
    lasting = [row for row in rows if row.offset > row.onset]
    playable = [row for row in lasting if is_on_keyboard(row.pitch)]
    if lasting and not playable:
        beyond = format_count(len(lasting), "note")
        raise ScoreError(path, f"has no note on the 88 keys (A0..C8); {beyond} beyond them")
    counts = [
        (len(lasting) - len(playable), "off the 88 keys left out"),
        (len(rows) - len(lasting), "without length left out"),
        (
            sum(row.substituted for row in playable),
            "with a change of finger on the key; the first finger taken",
        ),
    ]
    notes = tuple(
        Note(
            row.onset,
            row.pitch,
            row.offset,
            velocity=row.velocity,
            hand=row.hand,
            finger=row.finger,
        )
        for row in playable
    )
    remarks = tuple(
        f"{format_count(number, 'note')} {phrase}" for number, phrase in counts if number
    )
    return Score(notes=notes, title=Path(path).stem, remarks=remarks)


def _parse_line(line: str) -> _Row:
    """One note line.

    Raises:
        ValueError: the line is malformed; the message says how.
    """
    fields = [field.strip() for field in (line.split("\t") if "\t" in line else line.split())]
    while len(fields) > 8 and not fields[-1]:
        fields.pop()
    if not 6 <= len(fields) <= 8:
        raise ValueError(
            f"{format_count(len(fields), 'field')} in {_show(line)}; it must be 8, tab separated: "
            "note number, onset, offset, pitch, onset velocity, offset velocity, channel, fingering"
        )
    _, onset_text, offset_text, pitch_text, press_text, release_text = fields[:6]
    channel, fingering = [*fields[6:], "", ""][:2]
    onset = _seconds("onset", onset_text)
    offset = _seconds("offset", offset_text)
    if offset < onset:
        raise ValueError(f"offset {offset_text} is before onset {onset_text}")
    velocity = _velocity("onset velocity", press_text)
    _velocity("offset velocity", release_text)
    if channel not in _HANDS:
        raise ValueError(
            f"channel is {_show(channel)}; it must be 0 (right hand), 1 (left hand) or blank"
        )
    hand, finger, substituted = _fingering(fingering, _HANDS[channel])
    return _Row(
        onset=onset,
        offset=offset,
        pitch=_pitch(pitch_text),
        velocity=velocity or _DEFAULT_VELOCITY,
        hand=hand,
        finger=finger,
        substituted=substituted,
    )


def _seconds(label: str, text: str) -> float:
    if not _NUMBER.fullmatch(text) or float(text) > MAX_DURATION:
        raise ValueError(
            f"{label} is {_show(text)}; it must be a number of seconds, 0..{MAX_DURATION:.0f}"
        )
    return float(text)


def _velocity(label: str, text: str) -> int:
    if not _INTEGER.fullmatch(text) or int(text) > 127:
        raise ValueError(f"{label} is {_show(text)}; it must be 0..127")
    return int(text)


def _pitch(text: str) -> int:
    if _INTEGER.fullmatch(text) and int(text) <= 127:
        return int(text)
    try:
        return parse_pitch(text)
    except InvalidValue:
        raise ValueError(
            f"pitch is {_show(text)}; it must be a name such as C4, F#5, Bb2, or 0..127"
        ) from None


def _fingering(text: str, hand: Hand | None) -> tuple[Hand | None, Finger | None, bool]:
    """Hand, finger, and whether fingers change on the key."""
    if not text:
        return hand, None, False
    match = _FINGERING.fullmatch(text)
    if match is None:
        raise ValueError(
            f"fingering is {_show(text)}; it must be 1..5 (right), -1..-5 (left), "
            "such as 1_3, or blank"
        )
    number = int(match[1])
    return (Hand.RIGHT if number > 0 else Hand.LEFT), Finger(abs(number)), bool(match[2])


def _show(text: str) -> str:
    """A value for a message, cut to a readable length."""
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")


def write_pig(score: Score, path: str | PathLike[str]) -> None:
    """Write a PIG fingering file; reading it gives back every note and pedal exactly.

    Times have six decimals, or as many as the number needs. Title and remarks have no place in the
    format; nor has a finger without a hand, which is left blank.

    Raises:
        OutputError: the file cannot be written; nothing is left behind.
    """
    lines = [_VERSION_LINE]
    lines += [f"//Pedal: {_time(pedal.start)} {_time(pedal.end)}" for pedal in score.pedals]
    for number, note in enumerate(score.notes):
        channel = "" if note.hand is None else str(int(note.hand is Hand.LEFT))
        finger = "" if note.hand is None or note.finger is None else str(int(note.finger))
        sign = "-" if finger and note.hand is Hand.LEFT else ""
        velocity = str(note.velocity)
        row = [
            str(number),
            _time(note.onset),
            _time(note.offset),
            pitch_name(note.pitch),
            velocity,
            velocity,
            channel,
            sign + finger,
        ]
        lines.append("\t".join(row))
    write_file(path, ("\n".join(lines) + "\n").encode())


def _time(seconds: float) -> str:
    """A time with six decimals, or as many as it needs to be read back exactly."""
    return np.format_float_positional(seconds, unique=True, min_digits=6)
