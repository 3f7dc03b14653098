"""Layout of a text table of numbers: lines before the heading, delimiter, decimal mark, heading and
units.

Exports begin with lines of facts, and the heading is the last line before the numbers. A comma is
the decimal mark where semicolons, tabs or spaces separate. Below the heading may stand a line of
units.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from musclehand.emg.io.lab_headings import names_above
from musclehand.emg.io.units import (
    Heading,
    is_auxiliary,
    is_unit,
    seconds_per,
    split_heading,
    volts_per,
)

MAX_PREAMBLE = 500
"""Most lines before the numbers: chosen, ten times the longest heading of any vendor read here."""

MARKS = ("\t", ";", ",", None)
"""Delimiters that are tried, in this order; None is white space."""

_MAX_LINE = 2000
_MAX_TABLE_LINE = 200_000
_NEAR = 15
"""Characters before a rate in which a word such as "low-pass" makes it that of a filter."""

_NUMBER = re.compile(r"[+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][+-]?\d+)?|[nN][aA][nN]")
# Repetitions are bounded, so that no long line takes quadratic time.
_VALUE = r"([-+]?\d[\d.,]{0,20}(?:[eE][-+]?\d{1,3})?)"
_GAP = r"\s{0,5}"
_SAMPLING = r"sampl\w{0,20}|acquisition|scan|abtast\w{0,20}"
_QUANTITY = re.compile(rf"{_VALUE}{_GAP}(k?hz|s|ms|msec|sec|us|µs|μs)?", re.I)
_RATE = re.compile(
    rf"({_SAMPLING})?[\s_-]{{0,5}}(?:rate|freq\w{{0,20}}|\bfs|frequenz)\b[^\d\n]{{0,30}}?"
    rf"{_VALUE}{_GAP}(k?hz)?",
    re.I,
)
_INTERVAL = re.compile(
    rf"\b(?:interval|period)\b[^\d\n]{{0,20}}?{_VALUE}{_GAP}(us|µs|μs|ms|msec|s|sec)?\b", re.I
)
_PER_SAMPLE = re.compile(rf"{_VALUE}{_GAP}(us|usec|ms|msec|s|sec){_GAP}/{_GAP}sample", re.I)
_SAMPLED = (
    re.compile(rf"sampl\w{{0,20}}[^\d\n]{{0,30}}?{_VALUE}{_GAP}(k?)hz\b", re.I),
    re.compile(
        rf"samples?{_GAP}(?:per|/){_GAP}s(?:ec\w{{0,9}})?\b[^\d\n]{{0,10}}?{_VALUE}()", re.I
    ),
    re.compile(rf"{_VALUE}(){_GAP}samples?{_GAP}(?:per|/){_GAP}s", re.I),
)
_FILTER = re.compile(r"filter|pass|cut-?off|notch|mains|band", re.I)
_RATE_NAME = re.compile(r".*(?:rate|freq\w*|\bfs)\b.*", re.I)
_UNIT = re.compile(
    r"\b(?:units?|einheit(?:en)?|unit[ée]s?|unidad(?:es)?|unità)\b\s*[:=,;\t ]\s*\"?([^\s,;\"]+)",
    re.I,
)
_COMMENT = re.compile(r"^(?:#+|%+|//+)\s*")
_WORDS = re.compile(r"activit\w*|markers?|events?|labels?|comments?|annotations?|notes?", re.I)


class Layout(NamedTuple):
    """Where the numbers of a table begin, and what stands above them."""

    delimiter: str | None
    """Between cells; None: white space."""

    cells: list[str]
    """Of the heading, without quotes; empty where there is none."""

    units: list[str]
    """Of the line of units below the heading; empty where there is none."""

    preamble: list[str]
    """Lines before the heading."""

    heading: int
    """Line of the heading, from 0; that of the first numbers where there is none."""

    first: int
    """First line of numbers, from 0."""

    @property
    def headings(self) -> list[Heading]:
        """Names and units of the columns."""
        headings = [split_heading(cell) for cell in self.cells]
        for i, unit in enumerate(self.units[: len(headings)]):
            if unit and headings[i].unit is None:
                headings[i] = Heading(headings[i].name, unit.strip("()[]{}<>"))
        return headings


def find_layout(lines: Sequence[str], marks: Sequence[str | None] = MARKS) -> Layout | None:
    """Layout of a table; None where no line of numbers is found.

    Args:
        lines: of the file, without line ends.
        marks: delimiters that are tried.
    """
    filled = [i for i in range(min(len(lines), MAX_PREAMBLE)) if lines[i].strip()]
    for k, place in enumerate(filled):
        if len(lines[place]) > _MAX_TABLE_LINE:
            return None
        for mark in marks:
            cells = split_cells(lines[place], mark)
            if (mark is not None and len(cells) < 2) or not is_number(cells[0]):
                continue
            goes_on = _goes_on(lines, filled[k + 1 : k + 3], cells, mark)
            heading = _heading_place(lines, filled[:k], mark, len(cells))
            if heading is not None and (len(cells) > 1 or goes_on):
                names = split_cells(lines[heading], mark, len(cells))
                if _fits(cells, names):
                    return heading_layout(lines, mark, heading, place)
            if _all_numbers(cells) and goes_on:
                return heading_layout(lines, mark, None, place)
    return None


def heading_layout(
    lines: Sequence[str], mark: str | None, heading: int | None, first: int
) -> Layout:
    """The layout of a table whose lines are found.

    Args:
        lines: of the file.
        mark: delimiter.
        heading: line of the heading; None where there is none.
        first: first line of numbers.
    """
    if heading is None:
        return Layout(mark, [], [], list(lines[:first]), first, first)
    width = len(_trimmed(split_cells(lines[first], mark))) if first < len(lines) else 0
    cells = split_cells(lines[heading], mark, width)
    cells = cells[: max(len(_trimmed(cells)), width)]
    below = next((line for line in lines[heading + 1 : first] if line.strip()), "")
    units = split_cells(below, mark)
    if not all(not unit or is_unit(unit) for unit in units):
        units = []
    cells, units = names_above(lines[: heading + 1], cells, mark) or (cells, units)
    return Layout(
        delimiter=mark,
        cells=cells,
        units=units,
        preamble=list(lines[:heading]),
        heading=heading,
        first=first,
    )


def split_cells(line: str, mark: str | None, width: int = 0) -> list[str]:
    """The cells of a line, without spaces and quotes around them; at least one.

    Args:
        line: of the file.
        mark: delimiter; None: white space, and a unit in brackets stays with its name.
        width: number of cells that is expected; 0: not known.
    """
    line = _COMMENT.sub("", line) if line[:1] in "#%/" else line
    if mark is None:
        wide = re.split(r"\s{2,}", line.strip())
        cells = wide if len(wide) == width else re.split(r"\s+(?![(\[{<])", line.strip())
        return [cell.strip('"') for cell in cells]
    if '"' in line:
        return _quoted_cells(line, mark)
    return [cell.strip().strip('"').strip() for cell in line.split(mark)]


def _quoted_cells(line: str, mark: str) -> list[str]:
    """The cells of a line with quotes, which may hold delimiters; at least one."""
    try:
        cells = next(csv.reader([line], delimiter=mark), [])
    except csv.Error:
        cells = line.replace('"', "").split(mark)
    return [cell.strip() for cell in cells] or [""]


def plain_lines(lines: Sequence[str], mark: str | None) -> tuple[list[str], str | None]:
    """Lines of numbers without quotes and with points as decimal marks, and their delimiter.

    Args:
        lines: of numbers.
        mark: their delimiter.
    """
    body = list(lines)
    if mark is not None and any('"' in line for line in body[:3]):
        body = ["\t".join(split_cells(line, mark)) for line in body]
        mark = "\t"
    if mark != "," and any("," in line for line in body):
        body = [line.replace(",", ".") for line in body]
    return body, mark


def is_number(cell: str) -> bool:
    """Whether a cell is a number, with a point or a comma as its decimal mark."""
    return _NUMBER.fullmatch(cell) is not None


def is_word_column(heading: Heading) -> bool:
    """Whether a column may hold words by its name: activities, markers, comments."""
    return heading.unit is None and _WORDS.fullmatch(heading.name) is not None


def rate_in(lines: Sequence[str]) -> float | None:
    """Sampling rate that lines of facts state [Hz]; None where they do not, or state several."""
    sampling: list[float] = []
    general: list[float] = _rates_below(lines) + _device_rate(lines)
    steps: list[float] = []
    for line in lines[:MAX_PREAMBLE]:
        for match in _matches(line, _RATE):
            factor = 1e3 if (match.group(3) or "").lower() == "khz" else 1.0
            (sampling if match.group(1) else general).append(number_of(match.group(2)) * factor)
        for match in _matches(line, *_SAMPLED):
            sampling.append(number_of(match.group(1)) * (1e3 if match.group(2) else 1.0))
        for match in _matches(line, _INTERVAL, _PER_SAMPLE):
            steps.append(number_of(match.group(1)) * (seconds_per(match.group(2) or "s") or 1.0))
    for rates in (sampling, general, [1.0 / step for step in steps if step > 0]):
        legal = {round(rate, 6) for rate in rates if 0 < rate < 1e6}
        if legal:
            return legal.pop() if len(legal) == 1 else None
    return None


def _matches(line: str, *forms: re.Pattern[str]) -> Iterator[re.Match[str]]:
    """Matches in a line that do not speak of a filter."""
    for form in forms:
        for match in form.finditer(line[:_MAX_LINE]):
            if not _FILTER.search(line[max(match.start() - _NEAR, 0) : match.end()]):
                yield match


def unit_in(lines: Sequence[str]) -> str | None:
    """Unit of volts that lines of facts state for all channels; None where they do not."""
    for line in lines[:MAX_PREAMBLE]:
        match = _UNIT.search(line[:_MAX_LINE])
        if match and volts_per(match.group(1)) is not None:
            return match.group(1).strip("()[]")
    return None


def quantity(cell: str) -> tuple[float, str] | None:
    """Number and unit of a cell such as "2000.0 Hz" or "0.0005 s"; None for any other text."""
    match = _QUANTITY.fullmatch(cell.strip())
    return None if match is None else (number_of(match.group(1)), (match.group(2) or "").lower())


def number_of(text: str) -> float:
    """A number with either decimal mark; NaN where it is none."""
    try:
        return float(text.replace(",", ".") if "." not in text else text)
    except ValueError:
        return float("nan")


def _rates_below(lines: Sequence[str]) -> list[float]:
    """Rates that stand below their names: a line of names, then a line of values."""
    rates: list[float] = []
    for above, below in pairwise(lines[:MAX_PREAMBLE]):
        for mark in ("\t", ";", ","):
            names = split_cells(above[:_MAX_LINE], mark)
            values = split_cells(below[:_MAX_LINE], mark)
            if len(names) == len(values) > 2:
                pairs = zip(names, values, strict=True)
                stated = [quantity(value) for name, value in pairs if _RATE_NAME.fullmatch(name)]
                rates += [value[0] for value in stated if value and value[1] in ("", "hz")]
    return rates


def _device_rate(lines: Sequence[str]) -> list[float]:
    """The rate of Vicon's export: a number alone in the line below "Devices"."""
    if len(lines) < 2 or lines[0].strip(" \t,;").lower() != "devices":
        return []
    return [number_of(lines[1].strip(" \t,;"))]


def _all_numbers(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell]
    return bool(filled) and all(map(is_number, filled))


def _heading_place(
    lines: Sequence[str], above: Sequence[int], mark: str | None, width: int
) -> int | None:
    """Line of the heading above a line of numbers: the last one that is not of units or counts."""
    for place in reversed(above[-2:]):
        cells = split_cells(lines[place], mark, width)
        filled = [cell for cell in cells if cell]
        counts = not cells[0] and len(cells) > 1 and all(map(str.isdecimal, filled))
        if place == above[0] or not filled or not (counts or all(map(is_unit, filled))):
            return place
    return None


def _fits(cells: Sequence[str], names: Sequence[str]) -> bool:
    """Whether cells are the numbers below a heading, with words only where its names allow them."""
    widths = {len(_trimmed(cells)), len(cells)} & {len(_trimmed(names)), len(names)}
    if not widths or is_number(names[0]):
        return False
    for cell, name in zip(cells, names, strict=False):
        heading = split_heading(name)
        if cell and not is_number(cell) and not (is_word_column(heading) or is_auxiliary(name)):
            return False
    return True


def _goes_on(
    lines: Sequence[str], places: Sequence[int], cells: Sequence[str], mark: str | None
) -> bool:
    """Whether the next lines are numbers as well, as many."""
    below = [split_cells(lines[place], mark) for place in places]
    return bool(below) and all(len(row) == len(cells) and _all_numbers(row) for row in below)


def _trimmed(cells: Sequence[str]) -> list[str]:
    """The cells without empty ones at the end."""
    count = len(cells)
    while count and not cells[count - 1]:
        count -= 1
    return list(cells[:count])
