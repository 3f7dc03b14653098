"""Repeat signs, endings and jumps of MusicXML, and the passages that they cut a piece into.

A sign may stand inside a bar: the bar is then cut there, and each passage has marks of its own.
Where a sign takes effect (MusicXML 4.0, W3C 2021, element `sound`; where it is silent, chosen):

- `<sound fine>` "follows the final note": the piece ends where it stands.
- Any other jump in a `<sound>` of its own takes effect where it stands.
- A jump in a `<direction>` is printed with a note and belongs to a bar line: a da capo, dal segno
  or to-coda to the next one, a segno or coda to the one before.
- A jump at the beginning of a bar belongs to its end.
- Words ("D.C. al Fine", "D.S.", "To Coda", "Fine") and the signs of segno and coda count where no
  `<sound>` of the bar says the same. A coda sign up to the last da capo or dal segno leads to the
  coda; behind it, it is the coda.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple
from xml.etree.ElementTree import Element

from musclehand.music.formats.musicxml_numbers import whole_number
from musclehand.music.formats.repeats import UNMARKED, UNNUMBERED, MeasureMarks

MAX_PLAYS = 99
"""Most times that a section is played; a larger number in a file is lowered to it."""

BEGIN_REPEAT = "begin repeat"
END_REPEAT = "end repeat"
ENDING = "ending"
ENDING_STOP = "ending stop"
SEGNO = "segno"
CODA = "coda"
DA_CAPO = "da capo"
DAL_SEGNO = "dal segno"
TO_CODA = "to coda"
FINE = "fine"
CODA_SIGN = "coda sign"
BAR_LINE = "bar line"

_STARTS = frozenset((BEGIN_REPEAT, ENDING, SEGNO, CODA))
"""Signs that belong to what begins at them; all others belong to what ends at them."""

_SOUNDS = {
    "segno": SEGNO,
    "coda": CODA,
    "dacapo": DA_CAPO,
    "dalsegno": DAL_SEGNO,
    "tocoda": TO_CODA,
    "fine": FINE,
    "forward-repeat": BEGIN_REPEAT,
}
_WORDS = (
    (DA_CAPO, re.compile(r"\bd\.?\s*c\.|\bda\s+capo\b|^\W*dc\b", re.IGNORECASE)),
    (DAL_SEGNO, re.compile(r"\bd\.?\s*s\.|\bdal\s+segno\b|^\W*ds\b", re.IGNORECASE)),
    (TO_CODA, re.compile(r"^\W*(to|alla|al)\s+coda\W*$", re.IGNORECASE)),
    (CODA, re.compile(r"^\W*coda\W*$", re.IGNORECASE)),
    (FINE, re.compile(r"^\W*fine\W*$", re.IGNORECASE)),
)
_RANGE = re.compile(r"(\d{1,2})(?:\s*-\s*(\d{1,2}))?", re.ASCII)


class Sign(NamedTuple):
    """A sign in a bar."""

    kind: str
    """One of the kinds of this module."""

    position: int | None
    """[ticks] Place from the beginning of the bar; None for its end."""

    name: str = ""
    """Name of a segno or coda, or of the one that a jump leads to."""

    numbers: frozenset[int] = frozenset()
    """Numbers of an ending."""

    times: int = 0
    """Times that a repeated section is played."""

    after_jump: bool = False
    """The repeat is taken after a jump too."""

    loose: bool = False
    """The sign belongs to a bar line near it."""

    spoken: bool = False
    """The sign is a word or drawing, not a `<sound>`."""


class Passage(NamedTuple):
    """A bar, or a part of one that a sign cuts it into."""

    measure: int
    """Index of the written bar."""

    start: int
    """[ticks] Beginning, from the beginning of the bar."""

    stop: int
    """[ticks] End, from the beginning of the bar."""

    is_last: bool
    """It reaches to the end of the bar."""

    marks: MeasureMarks
    """Its signs."""


def read_barline(element: Element, position: int) -> list[Sign]:
    """Repeat signs and endings of a `<barline>` that stands at `position` [ticks]."""
    places = {"left": 0, "middle": position}
    place = places.get(element.get("location", "right"))
    signs = [Sign(BAR_LINE, place)] if element.get("location") == "middle" else []
    for repeat in element.iterfind("repeat"):
        if repeat.get("direction") == "forward":
            signs.append(Sign(BEGIN_REPEAT, place))
        elif repeat.get("direction") == "backward":
            times = whole_number("repeat times", repeat.get("times", "2"), 0, 999)
            again = repeat.get("after-jump") == "yes"
            signs.append(Sign(END_REPEAT, place, times=min(MAX_PLAYS, times), after_jump=again))
    for ending in element.iterfind("ending"):
        if ending.get("type") == "start":
            signs.append(Sign(ENDING, place, numbers=_ending_numbers(ending.get("number", ""))))
        else:
            signs.append(Sign(ENDING_STOP, place))
    return signs


def _ending_numbers(text: str) -> frozenset[int]:
    """Numbers such as "1", "1, 2" or "1-3"; `UNNUMBERED` if there is none."""
    numbers: set[int] = set()
    for match in _RANGE.finditer(text):
        first = int(match[1])
        numbers |= set(range(first, max(first, int(match[2] or first)) + 1))
    return frozenset(numbers - {0} or {UNNUMBERED})


def read_jumps(element: Element, position: int) -> list[Sign]:
    """Jumps and their targets in a `<direction>` or `<sound>` that stands at `position` [ticks]."""
    is_direction = element.tag == "direction"
    sounds = element.iterfind("sound") if is_direction else [element]
    signs = [
        Sign(kind, position, name=sound.get(name, ""), loose=is_direction and kind != FINE)
        for sound in sounds
        for name, kind in _SOUNDS.items()
        if sound.get(name, "no") != "no"
    ]
    if is_direction:
        said = {sign.kind for sign in signs}
        signs += [
            Sign(kind, position, loose=True, spoken=True)
            for kind in _spoken(element)
            if kind not in said and not (kind == CODA_SIGN and said & {CODA, TO_CODA})
        ]
    return signs


def _spoken(element: Element) -> list[str]:
    """Kinds of the jumps that a direction has in words or drawings."""
    words = " ".join(w.text or "" for w in element.iterfind("direction-type/words")).strip()
    kinds = [kind for kind, pattern in _WORDS if words and pattern.search(words)][:1]
    if element.find("direction-type/segno") is not None and DAL_SEGNO not in kinds:
        kinds.append(SEGNO)
    if element.find("direction-type/coda") is not None and not kinds:
        kinds.append(CODA_SIGN)
    return kinds


def cut_at_signs(lengths: Sequence[int], signs: Sequence[set[Sign]]) -> list[Passage]:
    """The passages of a piece in their written order.

    Args:
        lengths: length of each bar [ticks].
        signs: signs of each bar, of all parts together.
    """
    placed = _carry_over(lengths, _resolve_codas([_without_echoes(bar) for bar in signs]))
    passages: list[Passage] = []
    ending: Sign | None = None
    closed = False
    for measure, (length, bar) in enumerate(zip(lengths, placed, strict=True)):
        bounds = sorted({0, length, *(sign.position or 0 for sign in bar)})
        spans = list(pairwise(bounds)) or [(0, 0)]
        for start, stop in spans:
            starts = [s for s in bar if s.kind in _STARTS and s.position == start]
            stops = [s for s in bar if s.kind not in _STARTS and s.position == stop]
            opened = next((s for s in starts if s.kind == ENDING), None)
            if opened is not None:
                ending = opened
                closed = _is_closed(placed[measure:], start)
            marks = _marks([*starts, *stops])
            if ending is not None:
                marks = replace(marks, endings=ending.numbers, begins_ending=opened is not None)
            if any(s.kind == ENDING_STOP or (s.kind == END_REPEAT and not closed) for s in stops):
                ending = None
            passages.append(Passage(measure, start, stop, stop == length, marks))
    return passages


def _is_closed(bars: Sequence[Sequence[Sign]], start: int) -> bool:
    """Whether the bracket that opens in the first bar at `start` [ticks] has an end of its own."""
    for count, bar in enumerate(bars):
        signs = sorted(
            (s for s in bar if s.kind in (ENDING, ENDING_STOP)),
            key=lambda s: (s.position or 0, s.kind == ENDING),
        )
        for sign in signs:
            if count > 0 or (sign.position or 0) > start:
                return sign.kind == ENDING_STOP
    return False


def _without_echoes(bar: Iterable[Sign]) -> list[Sign]:
    """The signs of a bar in a fixed order, without words that repeat what a `<sound>` says."""
    ordered = sorted(bar, key=lambda s: (s.position is None, s.position or 0, s.kind, s.name))
    said = {sign.kind for sign in ordered if not sign.spoken}
    if TO_CODA in said or CODA in said:
        said |= {CODA_SIGN}
    return [sign for sign in ordered if not (sign.spoken and sign.kind in said)]


def _resolve_codas(bars: list[list[Sign]]) -> list[list[Sign]]:
    """Coda signs as ways to the coda, or as the coda itself."""
    jumps = [i for i, bar in enumerate(bars) if any(s.kind in (DA_CAPO, DAL_SEGNO) for s in bar)]
    last = max(jumps, default=-1)
    return [
        [s._replace(kind=TO_CODA if i <= last else CODA) if s.kind == CODA_SIGN else s for s in bar]
        for i, bar in enumerate(bars)
    ]


def _carry_over(lengths: Sequence[int], bars: Sequence[Sequence[Sign]]) -> list[list[Sign]]:
    """Give every sign its exact place; what begins at the end of a bar begins the next one."""
    placed: list[list[Sign]] = [[] for _ in bars]
    for measure, (length, bar) in enumerate(zip(lengths, bars, strict=True)):
        lines = [0, *(s.position or 0 for s in bar if s.kind == BAR_LINE), length]
        for sign in bar:
            place = length if sign.position is None else min(sign.position, length)
            begins = sign.kind in _STARTS
            if sign.loose and begins:
                place = max((line for line in lines if line <= place), default=0)
                place = 0 if place == length else place
            elif sign.loose:
                place = min(line for line in lines if line >= max(1, place) or line == length)
            if not begins and place == 0:
                place = length
            if begins and place == length and length > 0:
                if measure + 1 < len(bars):
                    placed[measure + 1].append(sign._replace(position=0))
            elif sign.kind != BAR_LINE:
                placed[measure].append(sign._replace(position=place))
    return placed


_MARKS: dict[str, Callable[[MeasureMarks, Sign], MeasureMarks]] = {
    BEGIN_REPEAT: lambda marks, sign: replace(marks, begins_repeat=True),
    END_REPEAT: lambda marks, sign: replace(
        marks,
        times=max(marks.times, sign.times),
        after_jump=marks.after_jump or sign.after_jump,
    ),
    SEGNO: lambda marks, sign: replace(marks, segno=sign.name),
    CODA: lambda marks, sign: replace(marks, coda=sign.name),
    DA_CAPO: lambda marks, sign: replace(marks, da_capo=True),
    DAL_SEGNO: lambda marks, sign: replace(marks, dal_segno=sign.name),
    TO_CODA: lambda marks, sign: replace(marks, to_coda=sign.name),
    FINE: lambda marks, sign: replace(marks, fine=True),
}
"""What a sign adds to the marks of its passage, but for endings."""


def _marks(signs: Iterable[Sign]) -> MeasureMarks:
    """The signs of one passage, but for its ending."""
    marks = UNMARKED
    for sign in signs:
        if sign.kind in _MARKS:
            marks = _MARKS[sign.kind](marks, sign)
    return marks
