"""EMG in text tables: one line a sample, one column a channel, separated by commas, semicolons,
tabs or spaces.

The roles of columns are never guessed from their numbers. A `ColumnMap` states them. Without a map
every column is a channel named by the heading, except for times, and for columns whose unit or name
is not that of EMG (force, acceleration, trigger, frame): those become the series "other". Columns
of markers and activities become events. Units and rates are read from the heading and from the
lines above it, as in the exports of Noraxon and Vicon.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path

import numpy as np

from musclehand.core.errors import InvalidValue
from musclehand.emg.io.column_map import DELIMITERS, ColumnMap, check_columns
from musclehand.emg.io.paired_table import read_paired
from musclehand.emg.io.table_layout import (
    MARKS,
    Layout,
    find_layout,
    heading_layout,
    is_number,
    is_word_column,
    plain_lines,
    rate_in,
    split_cells,
    unit_in,
)
from musclehand.emg.io.text_file import parse_numbers, read_text, shown
from musclehand.emg.io.timing import find_rate, label_events
from musclehand.emg.io.units import emg_columns, time_factor, to_volts, unit_facts
from musclehand.emg.recording import Channel, EmgFileError, EmgRecording, TimeSeries

MAX_COLUMNS = 4096
"""Most columns of a table."""

OTHER = "other"
"""Name of the series of columns that are no EMG."""

_COUNTER = re.compile(
    r"(?:sub\s*)?frames?|samples?(?:\s*(?:no|nr|number|index))?|index|nseq|#", re.I
)


def read_csv(path: str | PathLike[str], columns: ColumnMap | None = None) -> EmgRecording:
    """Reads a text table.

    Raises:
        EmgFileError: no such file, a line that does not fit, no such column, or no rate. Names
            file and line.
    """
    return read_table(path, read_text(path).rstrip("\n").split("\n"), columns)


def read_table(
    path: str | PathLike[str],
    lines: Sequence[str],
    columns: ColumnMap | None = None,
    *,
    reader: str = "csv",
) -> EmgRecording:
    """Reads the lines of a table.

    Args:
        path: the file, for messages.
        lines: without line ends.
        columns: roles of the columns.
        reader: name for the provenance.

    Raises:
        EmgFileError: a line that does not fit, no such column, or no rate. Names file and line.
    """
    columns = check_columns(columns or ColumnMap())
    lines = list(lines)
    while len(lines) > 1 and not lines[-1].strip(" \t,;"):
        lines.pop()
    layout = _layout(path, lines, columns)
    headings = layout.headings
    clocks = sum(time_factor(heading) is not None for heading in headings)
    if clocks > 1 and not columns.channels and not columns.time:
        return read_paired(path, lines, layout, unit=columns.unit, reader=reader)
    roles = _Roles(path, layout, columns)
    body, mark = plain_lines(lines[layout.first :], layout.delimiter)
    numbers, words = _numbers_only(path, body, roles, mark, layout.first + 1)
    values = parse_numbers(
        path, numbers, len(roles.names), delimiter=mark, first_line=layout.first + 1
    )
    if len(values) < 2:
        raise EmgFileError(path, f"{len(values)} samples; a recording has at least 2")
    return _assemble(path, values, words, roles, columns, reader)


def find_delimiter(line: str) -> str | None:
    """Delimiter of a line: a tab, semicolon or comma if it has one; None for white space."""
    return next((mark for mark in "\t;," if mark in line), None)


def _layout(path: str | PathLike[str], lines: Sequence[str], columns: ColumnMap) -> Layout:
    """The layout of a table; where no numbers are found, that of a heading in the first line."""
    first = next((i for i, line in enumerate(lines) if line.strip()), None)
    if first is None:
        raise EmgFileError(path, "empty")
    marks = (DELIMITERS[columns.delimiter],) if columns.delimiter else MARKS
    layout = None if columns.label or columns.ignore else find_layout(lines, marks)
    if layout is None:
        mark = marks[0] if columns.delimiter else find_delimiter(lines[first])
        cells = split_cells(lines[first], mark)
        heading = None if all(not cell or is_number(cell) for cell in cells) else first
        layout = heading_layout(lines, mark, heading, first + int(heading is not None))
    width = len(layout.cells or split_cells(lines[layout.first], layout.delimiter))
    if width > MAX_COLUMNS:
        raise EmgFileError(
            path, f"{width} columns; at most {MAX_COLUMNS}", where=f"line {layout.heading + 1}"
        )
    if layout.cells:
        return layout
    while width > 1 and not split_cells(lines[layout.first], layout.delimiter)[width - 1]:
        width -= 1
    return layout._replace(cells=[str(i + 1) for i in range(width)])


class _Roles:
    """Role of each column, as places from 0."""

    def __init__(self, path: str | PathLike[str], layout: Layout, columns: ColumnMap) -> None:
        self.path = path
        self.names = layout.cells
        self.headings = layout.headings
        self.preamble = layout.preamble
        self.first_line = layout.first + 1
        self.where = f"line {layout.heading + 1}"
        self.series: list[int] = []
        self.counters: list[int] = []
        guess = next((i for i, entry in enumerate(self.headings) if time_factor(entry)), None)
        self.time = guess if columns.time is None else self._find(columns.time)
        self.label = None if columns.label is None else self._find(columns.label)
        ignored = {self._find(column) for column in columns.ignore}
        self.words = [
            i
            for i, heading in enumerate(self.headings)
            if is_word_column(heading) and i not in {self.time, self.label, *ignored}
        ]
        if columns.channels:
            self.words = []
            self.channels = {
                self._find(column): channel for column, channel in columns.channels.items()
            }
        else:
            taken = {self.time, self.label, *ignored, *self.words}
            if not self.names[0] and len(self.names) > 1:
                taken.add(0)  # row numbers without a heading
            self._divide([i for i in range(len(self.names)) if i not in taken])
        if not self.channels:
            raise EmgFileError(path, "no channels", where=self.where)

    def unit(self, place: int) -> str | None:
        """Unit of a column, by its heading."""
        return self.headings[place].unit

    def _find(self, column: str) -> int:
        place = {heading.name: i for i, heading in reversed(list(enumerate(self.headings)))}
        place |= {name: i for i, name in reversed(list(enumerate(self.names)))}
        place |= {str(i + 1): i for i in range(len(self.names)) if str(i + 1) not in place}
        if column not in place:
            available = ", ".join(self.names[:12])
            raise EmgFileError(
                self.path,
                f"no column {shown(column)}; there are {available}"[:300],
                where=self.where,
            )
        return place[column]

    def _divide(self, free: list[int]) -> None:
        """Divides the columns without a role into EMG and series."""
        chosen = emg_columns([self.headings[i] for i in free])
        short = [self.headings[i].name for i, is_emg in zip(free, chosen, strict=True) if is_emg]
        try:
            self.channels = {
                i: Channel(
                    self.headings[i].name if len(set(short)) == len(short) else self.names[i]
                )
                for i, is_emg in zip(free, chosen, strict=True)
                if is_emg
            }
        except InvalidValue as error:
            raise EmgFileError(self.path, str(error), where=self.where) from error
        for i, is_emg in zip(free, chosen, strict=True):
            if not is_emg:
                counts = _COUNTER.fullmatch(self.headings[i].name) is not None
                (self.counters if counts else self.series).append(i)


def _assemble(
    path: str | PathLike[str],
    values: np.ndarray,
    words: Mapping[int, list[str]],
    roles: _Roles,
    columns: ColumnMap,
    reader: str,
) -> EmgRecording:
    fs_hz = _rate(path, values, roles, columns)
    channels, factors, facts = _units(roles, columns)
    facts = {"file": Path(path).name, "reader": reader} | facts
    if roles.time is not None and values[0, roles.time]:
        heading = roles.headings[roles.time]
        facts["first time"] = f"{values[0, roles.time]:.10g} {heading.unit or 's'}"
    try:
        events = [
            event
            for place, labels in words.items()
            for event in label_events(
                labels, fs_hz, columns.labels if place == roles.label else {"": "", "0": ""}
            )
        ]
        extra = {}
        if roles.series:
            names = [roles.headings[i].name for i in roles.series]
            extra[OTHER] = TimeSeries(
                np.arange(len(values)) / fs_hz,
                values[:, roles.series],
                tuple(names if len(set(names)) == len(names) else numbered(names)),
                tuple(roles.unit(i) or "unknown" for i in roles.series),
            )
        return EmgRecording(
            samples=values[:, list(roles.channels)] * factors,
            fs_hz=fs_hz,
            channels=tuple(channels),
            events=tuple(events),
            extra=extra,
            provenance=facts,
        )
    except InvalidValue as error:
        raise EmgFileError(path, str(error)) from error


def numbered(names: Sequence[str]) -> list[str]:
    """The names, each with the number of its place."""
    return [f"{name} ({i + 1})" for i, name in enumerate(names)]


def _rate(
    path: str | PathLike[str], values: np.ndarray, roles: _Roles, columns: ColumnMap
) -> float:
    """Sampling rate: of the column map, the times or the lines above the heading."""
    stated = rate_in(roles.preamble)
    if roles.time is None:
        if columns.fs_hz is None and stated is None:
            raise EmgFileError(
                path,
                "no column time and no sampling rate; give the rate (fs_hz in the column map, or "
                "--rate)",
            )
        return columns.fs_hz or stated or 0.0
    heading = roles.headings[roles.time]
    time = values[:, roles.time] * (time_factor(heading) or 1.0)
    rate = find_rate(path, time, roles.first_line, columns.fs_hz)
    if columns.fs_hz is None and stated is not None:
        if abs(rate / stated - 1) < 0.01:
            return stated
        if heading.unit is None and abs(1e3 * rate / stated - 1) < 0.01:
            return stated  # times without a unit are milliseconds by the stated rate
    return rate


def _units(roles: _Roles, columns: ColumnMap) -> tuple[list[Channel], np.ndarray, dict[str, str]]:
    """Channels with their units, factors to volts, and what to say about the units."""
    places = list(roles.channels)
    common = unit_in(roles.preamble)
    stated = [roles.unit(i) or common for i in places]
    names = [channel.name for channel in roles.channels.values()]
    if columns.unit is not None:
        told = [columns.unit] * len(places)
        facts = {"unit as told": columns.unit}
        if any(stated):
            facts |= unit_facts(names, stated, columns.unit)
    else:
        near = {unit for unit in stated if unit is not None}
        assumed = near.pop() if len(near) == 1 else "V"
        told = [unit or assumed for unit in stated]
        facts = unit_facts(names, stated, assumed)
    changed = [to_volts(unit) for unit in told]
    channels = [
        replace(channel, unit=unit)
        for channel, (_, unit) in zip(roles.channels.values(), changed, strict=True)
    ]
    return channels, np.array([factor for factor, _ in changed]), facts


def _numbers_only(
    path: str | PathLike[str],
    lines: list[str],
    roles: _Roles,
    delimiter: str | None,
    first_line: int,
) -> tuple[list[str], dict[int, list[str]]]:
    """The lines with 0 in columns that may hold words; and the labels of these columns."""
    width = len(roles.names)
    used = {roles.time, *roles.channels, *roles.series, *roles.counters}
    unused = [i for i in range(width) if i not in used]
    spare = len(lines[0].split(delimiter)) - width if lines else 0
    if not unused and spare <= 0:
        return lines, {}
    words: dict[int, list[str]] = {i: [] for i in roles.words}
    if roles.label is not None:
        words[roles.label] = []
    numbers = []
    for i, line in enumerate(lines):
        fields = line.split(delimiter)
        if len(fields) > width and not any(map(str.strip, fields[width:])):
            fields = fields[:width]
        if len(fields) != width:
            problem = f"{len(fields)} fields; there must be {width}"
            raise EmgFileError(path, problem, where=f"line {first_line + i}")
        for place, labels in words.items():
            label = fields[place].strip().strip('"')
            labels.append("".join(mark for mark in label if mark.isprintable())[:500])
        for place in unused:
            fields[place] = "0"
        numbers.append((delimiter or " ").join(fields))
    return numbers, words
