"""A small text format for pieces typed in by hand, read strictly.

A file is a header of `name: value` lines, then voices; `#` after white space begins a comment.

    title: Lightly Row
    composer: traditional
    source: German folk song, 18th century (public domain)
    level: 1
    tempo_bpm: 100, 80 @ 5     quarter notes a minute; here 100, and 80 from bar 5 on
    time: 4/4
    pickup: 1                  quarter notes of an incomplete first bar, if there is one

    right:
      mf G4/5:1 E4/3 E4:2 | F4/4:1 D4/2 D4:2 |
    left:
      [C3/5 G3/1]:4       | %
    pedal:
      P:4                 | P:2 R:2

Voices are `right`, `left` and `pedal`; a hand may have several (`left 2`), all beginning with the
first bar. A voice named again continues where it stopped, so that a long piece can be written in
systems. Bars end with `|` (the last one need not). Every bar must be as long as the time signature
says, except a pickup, and the last bar may be shorter by the pickup; all voices must have equally
many bars. That catches most typing errors.

    C4  F#5  Bb3   a pitch; middle C is C4
    /3             the finger: 1 is the thumb, 5 the little finger
    '              staccato: held for half its length (at most a quarter of a second)
    ~              tied to the same pitch in the voice's next token
    :1.5  :1/3     the length in quarter notes; without it, the length of the token before
    [C4 E4/3 G4]:2 a chord; finger, staccato and tie go with its notes
    R:1            a rest
    P:4            in `pedal`: the pedal down (R: up; P~ continues in the next token)
    %              alone in a bar: the previous bar again
    ppp .. fff     dynamics, for the notes that follow in the voice; `mf` at the start

Notes last until the next one (legato); `keyboard_score` releases keys in time to be struck again.
The pedal goes down a moment after the beginning of `P` and up at its end, as pianists change it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from musclehand.core.errors import InvalidValue, ScoreError
from musclehand.music.pitch import is_on_keyboard, parse_pitch
from musclehand.music.score import Finger, Hand, Note, Pedal, Score, keyboard_score

VELOCITY = {"ppp": 25, "pp": 36, "p": 50, "mp": 64, "mf": 78, "f": 92, "ff": 106, "fff": 118}
"""MIDI velocity of each dynamic mark, in even steps around mezzo-forte; chosen by ear."""

STACCATO_AT_MOST = 0.25
"""[s] Longest staccato note."""

PEDAL_DELAY = 0.08
"""[s] Time by which the pedal follows the fingers in legato pedalling; chosen by ear."""

_REQUIRED = ("title", "composer", "source", "level", "tempo_bpm", "time")
_NAMES = (*_REQUIRED, "pickup")
_VOICE = re.compile(r"(right|left)( [2-4])?|pedal")
_TOKEN = re.compile(r"\[[^\[\]|]*\]\S*|[^\s|]+|\|")
_LENGTH = re.compile(r"\d{1,3}(?:\.\d{1,6})?|\d{1,3}/[1-9]\d{0,2}")
_PITCH = re.compile(
    r"(?P<pitch>[A-G](?:##?|bb?)?\d)(?:/(?P<finger>[1-5]))?(?P<staccato>')?(?P<tie>~)?"
)


class Header(NamedTuple):
    """The header of a file."""

    title: str
    """Title of the piece."""

    composer: str
    """Composer, or "traditional"."""

    source: str
    """Where the music is from, and its copyright status."""

    level: int
    """Difficulty, 1 (easy) to 10."""

    tempi: tuple[tuple[int, float], ...]
    """Tempo marks in order: first bar, counted from 1, and quarter notes a minute."""

    bar: Fraction
    """[quarter notes] Length of a full bar."""

    pickup: Fraction | None
    """[quarter notes] Length of an incomplete first bar, if there is one."""


class _Place(NamedTuple):
    """A token and its place in the file."""

    text: str
    """The token."""

    line: int
    """Line number, from 1."""


class _Key(NamedTuple):
    """One pitch of a token."""

    pitch: int
    """MIDI pitch; 0 for the pedal."""

    finger: Finger | None
    """Finger, where the file names it."""

    staccato: bool
    """The note is shortened."""

    tied: bool
    """The note continues in the next token."""


@dataclass(frozen=True)
class _Event:
    """Keys struck together."""

    keys: tuple[_Key, ...]
    """The keys; none for a rest."""

    start: Fraction
    """[quarter notes] Time from the beginning of the piece."""

    length: Fraction
    """[quarter notes] Length."""

    velocity: int
    """MIDI velocity."""

    place: _Place
    """The token, for error messages."""


@dataclass
class _Voice:
    """One voice while it is read."""

    events: list[_Event] = field(default_factory=list)
    """Events in order of time."""

    bars: list[Fraction] = field(default_factory=list)
    """[quarter notes] Length of each bar."""

    length: Fraction | None = None
    """[quarter notes] Length of the last token, which the next one inherits."""

    velocity: int = VELOCITY["mf"]
    """MIDI velocity of the last dynamic mark."""


def parse_notation(text: str, source: str) -> Score:
    """Parse a piece in the format of the module docstring.

    Args:
        text: the contents of the file.
        source: the file's name, for errors.

    Raises:
        ScoreError: the format does not allow the text; names the line.
    """
    header = parse_header(text, source)
    voices = {
        name: _read_voice(name, tokens, header, source)
        for name, tokens in _split_voices(text, source).items()
    }
    _check_bars(voices, header, source)
    clock = _Clock(header)
    notes: list[Note] = []
    pedals: list[Pedal] = []
    for name, voice in voices.items():
        if name == "pedal":
            pedals.extend(_pedals(voice, clock, source))
        else:
            notes.extend(_notes(voice, Hand[name.split()[0].upper()], clock, source))
    if not notes:
        raise ScoreError(source, "there are no notes")
    return keyboard_score(Score(tuple(notes), tuple(pedals), header.title))


def parse_header(text: str, source: str) -> Header:
    """Parse only the header of a piece.

    Args:
        text: the contents of the file.
        source: the file's name, for errors.

    Raises:
        ScoreError: a header line is missing, unknown, repeated or malformed.
    """
    values: dict[str, str] = {}
    lines: dict[str, int] = {}
    for number, line in _lines(text):
        name, colon, value = (part.strip() for part in line.partition(":"))
        if _VOICE.fullmatch(name) and not value:
            break
        if not colon or name not in _NAMES:
            raise _error(
                source, number, f"{line!r} is neither a voice nor one of {', '.join(_NAMES)}"
            )
        if name in values:
            raise _error(source, number, f"{name!r} is given twice")
        if not value:
            raise _error(source, number, f"{name!r} is empty")
        values[name] = value
        lines[name] = number
    for name in _REQUIRED:
        if name not in values:
            raise ScoreError(source, f"the header has no {name!r}")
    signature = re.fullmatch(r"([1-9]\d?)/(1|2|4|8|16)", values["time"])
    if signature is None:
        raise _error(
            source, lines["time"], f"time {values['time']!r} is not a time signature such as 3/4"
        )
    if not re.fullmatch(r"[1-9]|10", values["level"]):
        raise _error(source, lines["level"], f"level {values['level']!r} is not 1..10")
    bar = Fraction(4 * int(signature[1]), int(signature[2]))
    pickup = _length(values["pickup"], source, lines["pickup"]) if "pickup" in values else None
    if pickup and pickup >= bar:
        raise _error(
            source,
            lines["pickup"],
            f"the pickup is {pickup} quarters, no shorter than a bar ({bar})",
        )
    tempi = tuple(_tempi(values["tempo_bpm"], source, lines["tempo_bpm"]))
    return Header(
        title=values["title"],
        composer=values["composer"],
        source=values["source"],
        level=int(values["level"]),
        tempi=tempi,
        bar=bar,
        pickup=pickup,
    )


class _Clock:
    """Converts quarter notes to seconds."""

    def __init__(self, header: Header) -> None:
        first_bar = header.bar if header.pickup is None else header.pickup
        self._starts = [Fraction(0)]
        self._seconds = [0.0]
        self._quarter = [60 / header.tempi[0][1]]
        for bar, tempo in header.tempi[1:]:
            start = first_bar + (bar - 2) * header.bar
            self._seconds.append(self.seconds(start))
            self._starts.append(start)
            self._quarter.append(60 / tempo)

    def seconds(self, quarters: Fraction) -> float:
        """Time of a place in the music [s]."""
        index = bisect_right(self._starts, quarters) - 1
        return self._seconds[index] + float(quarters - self._starts[index]) * self._quarter[index]


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Numbered lines without comments; empty lines are skipped."""
    for number, line in enumerate(text.splitlines(), start=1):
        content = re.sub(r"(^|\s)#.*", "", line).strip()
        if content:
            yield number, content


def _split_voices(text: str, source: str) -> dict[str, list[_Place]]:
    """The tokens of each voice in order."""
    voices: dict[str, list[_Place]] = {}
    current: list[_Place] | None = None
    for number, line in _lines(text):
        if line.endswith(":") and _VOICE.fullmatch(line[:-1]):
            current = voices.setdefault(line[:-1], [])
            if current and current[-1].text != "|":
                current.append(_Place("|", number))
        elif current is not None:
            current.extend(_Place(token, number) for token in _TOKEN.findall(line))
    if not voices:
        raise ScoreError(source, "there is no voice ('right:' or 'left:')")
    return voices


def _read_voice(name: str, tokens: list[_Place], header: Header, source: str) -> _Voice:
    """Turn the tokens of a voice into events, checking the length of each bar."""
    voice = _Voice()
    bar: list[_Place] = []
    previous: list[_Place] = []
    closed = tokens
    if not tokens or tokens[-1].text != "|":
        closed = [*tokens, _Place("|", tokens[-1].line if tokens else 0)]
    for place in closed:
        if place.text != "|":
            bar.append(place)
            continue
        if [token.text for token in bar] == ["%"]:
            if not previous:
                raise _error(source, place.line, "'%' repeats the bar before, and there is none")
            bar = [_Place(token.text, bar[0].line) for token in previous]
        _read_bar(name, bar, voice, source)
        _check_bar(name, voice, header, place, source, last=place is closed[-1])
        previous = bar
        bar = []
    return voice


def _read_bar(name: str, bar: list[_Place], voice: _Voice, source: str) -> None:
    begin = sum(voice.bars, Fraction(0))
    start = begin
    for place in bar:
        if place.text in VELOCITY:
            voice.velocity = VELOCITY[place.text]
            continue
        body, colon, length = place.text.partition(":")
        if colon:
            voice.length = _length(length, source, place.line)
        if voice.length is None:
            raise _error(
                source,
                place.line,
                f"the first token {place.text!r} has no length, such as {body}:1",
            )
        keys = _read_keys(name, body, place, source)
        voice.events.append(_Event(keys, start, voice.length, voice.velocity, place))
        start += voice.length
    voice.bars.append(start - begin)


def _read_keys(name: str, body: str, place: _Place, source: str) -> tuple[_Key, ...]:
    """The pitches of a token; a pressed pedal counts as one key of pitch 0."""
    if body == "R":
        return ()
    if name == "pedal":
        if body not in ("P", "P~"):
            raise _error(
                source, place.line, f"{place.text!r} is neither P nor R in the pedal voice"
            )
        return (_Key(0, None, staccato=False, tied=body == "P~"),)
    members = body[1:-1].split() if body.startswith("[") and body.endswith("]") else [body]
    keys = tuple(_read_key(member, place, source) for member in members)
    if not keys or len({key.pitch for key in keys}) < len(keys):
        raise _error(source, place.line, f"the chord {body!r} is empty or repeats a pitch")
    return keys


def _read_key(text: str, place: _Place, source: str) -> _Key:
    match = _PITCH.fullmatch(text)
    if match is None:
        raise _error(source, place.line, f"{text!r} is not a note such as C4, F#3/2 or Bb5~")
    try:
        pitch = parse_pitch(match["pitch"])
    except InvalidValue as error:
        raise _error(source, place.line, str(error)) from error
    if not is_on_keyboard(pitch):
        raise _error(source, place.line, f"{match['pitch']} is not on the keyboard")
    finger = Finger(int(match["finger"])) if match["finger"] else None
    return _Key(pitch, finger, bool(match["staccato"]), bool(match["tie"]))


def _check_bar(
    name: str, voice: _Voice, header: Header, place: _Place, source: str, *, last: bool
) -> None:
    number = len(voice.bars)
    length = voice.bars[-1]
    expected = header.pickup if number == 1 and header.pickup is not None else header.bar
    shortened = header.bar - (header.pickup or 0)
    if length != expected and not (last and number > 1 and length == shortened):
        raise _error(
            source, place.line, f"bar {number} of {name!r} has {length} quarters, not {expected}"
        )


def _check_bars(voices: dict[str, _Voice], header: Header, source: str) -> None:
    first_name, first = next(iter(voices.items()))
    for name, voice in voices.items():
        if voice.bars != first.bars:
            sizes = [f"{len(v.bars)} bars ({sum(v.bars)} quarters)" for v in (voice, first)]
            raise ScoreError(source, f"{name!r} has {sizes[0]} but {first_name!r} has {sizes[1]}")
    if header.tempi[-1][0] > len(first.bars):
        raise ScoreError(
            source, f"the tempo changes at bar {header.tempi[-1][0]} of {len(first.bars)}"
        )


def _held(voice: _Voice, source: str) -> Iterator[tuple[_Event, _Key, Fraction]]:
    """Join tied events: yields the first event, its key, and the end in quarter notes."""
    begun: dict[int, tuple[_Event, _Key]] = {}
    for event, follower in zip(voice.events, [*voice.events[1:], None], strict=True):
        next_pitches = {key.pitch for key in follower.keys} if follower else set()
        for key in event.keys:
            first, first_key = begun.pop(key.pitch, (event, key))
            if not key.tied:
                yield first, first_key, event.start + event.length
            elif key.pitch in next_pitches:
                begun[key.pitch] = (first, first_key)
            else:
                raise _error(
                    source,
                    event.place.line,
                    f"{event.place.text!r} is tied, but the next token lacks it",
                )


def _notes(voice: _Voice, hand: Hand, clock: _Clock, source: str) -> Iterator[Note]:
    for event, key, end in _held(voice, source):
        onset = clock.seconds(event.start)
        offset = clock.seconds(end)
        if key.staccato:
            offset = onset + min((offset - onset) / 2, STACCATO_AT_MOST)
        yield Note(
            onset=onset,
            pitch=key.pitch,
            offset=offset,
            velocity=event.velocity,
            hand=hand,
            finger=key.finger,
        )


def _pedals(voice: _Voice, clock: _Clock, source: str) -> Iterator[Pedal]:
    for event, _, end in _held(voice, source):
        start = clock.seconds(event.start)
        stop = clock.seconds(end)
        yield Pedal(start + min(PEDAL_DELAY, (stop - start) / 2), stop)


def _tempi(text: str, source: str, line: int) -> Iterator[tuple[int, float]]:
    previous = 0
    for part in text.split(","):
        match = re.fullmatch(r"(\d{1,3}(?:\.\d{1,3})?)(?:\s*@\s*(\d{1,4}))?", part.strip())
        bar = int(match[2]) if match and match[2] else 1
        if match is None or float(match[1]) <= 0 or (previous > 0) != (bar > 1) or bar <= previous:
            raise _error(
                source, line, f"tempo_bpm {text!r} is not a tempo above 0, or like '100, 80 @ 5'"
            )
        previous = bar
        yield bar, float(match[1])


def _length(text: str, source: str, line: int) -> Fraction:
    if not _LENGTH.fullmatch(text) or Fraction(text) == 0:
        raise _error(
            source,
            line,
            f"length {text!r} is not a number of quarter notes above 0, such as 1.5 or 1/3",
        )
    return Fraction(text)


def _error(source: str, line: int, problem: str) -> ScoreError:
    return ScoreError(source, problem, where=f"line {line}")
