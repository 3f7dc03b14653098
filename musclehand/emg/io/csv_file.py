"""EMG in text tables: one line a sample, one column a channel, separated by commas, semicolons,
tabs or spaces.

The roles of columns are never guessed from their numbers. A `ColumnMap` states them: the channels,
the time or the rate, the unit, and the column of labels. Without a map every column is a channel
named by the heading, except for a column called time, which is the time in seconds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path

import numpy as np

from musclehand.body.anatomy import Side
from musclehand.core.errors import InvalidValue
from musclehand.emg.io.text_file import parse_numbers, read_bytes, read_text, shown
from musclehand.emg.recording import (
    Channel,
    EmgFileError,
    EmgRecording,
    Event,
    check_rate,
    check_text,
)

DELIMITERS: Mapping[str, str | None] = {"comma": ",", "semicolon": ";", "tab": "\t", "space": None}
"""Names of delimiters in a column map; None is any white space."""

UNITS = {"V": 1.0, "mV": 1e-3, "uV": 1e-6, "µV": 1e-6, "μV": 1e-6}
"""Units that become volts, and their factors."""

MAX_COLUMNS = 4096
"""Most columns of a table."""

MAX_JITTER = 0.6
"""Largest deviation of times from the even grid, in steps: rounding in the file, but no missing
sample."""

_TIMES = ("time", "time_s", "t", "time (s)", "time [s]")
_KEYS = ("fs_hz", "time", "label", "unit", "delimiter", "labels", "channels", "ignore")


@dataclass(frozen=True)
class ColumnMap:
    """Roles of the columns of a table. A column is its name in the heading, or its number from
    1."""

    channels: Mapping[str, Channel] = field(default_factory=dict)
    """Channel of each column; empty: all columns without another role."""

    fs_hz: float | None = None
    """[Hz] sampling rate; with a time column as well, the times must agree with it."""

    time: str | None = None
    """Column of the time in seconds."""

    label: str | None = None
    """Column of labels: runs of the same number or word become events."""

    labels: Mapping[str, str] = field(default_factory=dict)
    """Names of events by label; "" for no event."""

    unit: str = "V"
    """Of the samples: V, mV and uV become volts, others stay."""

    delimiter: str | None = None
    """One of `DELIMITERS`; None: found in the first line."""

    ignore: tuple[str, ...] = ()
    """Columns without a role."""


def read_column_map(path: str | PathLike[str]) -> ColumnMap:
    """Reads a column map from a JSON file with the fields of `ColumnMap`.

    A channel is an object with name, muscle, site and side ("right", "left"); only the name is
    needed.

    Raises:
        EmgFileError: no such file, or not a column map. Names the problem.
    """
    try:
        content = json.loads(read_bytes(path, 1_000_000))
        if not isinstance(content, dict) or set(content) - set(_KEYS):
            raise EmgFileError(path, f"a column map is a JSON object with {', '.join(_KEYS)}")
        channels = {
            key: _channel(entry) for key, entry in dict(content.pop("channels", {})).items()
        }
        labels = {str(key): str(value) for key, value in dict(content.pop("labels", {})).items()}
        ignore = tuple(str(column) for column in content.pop("ignore", []))
        for key in ("time", "label", "unit", "delimiter"):
            if not isinstance(content.get(key, ""), str | None):
                raise EmgFileError(path, f"must be text, not {shown(str(content[key]))}", where=key)
        return _checked(ColumnMap(channels=channels, labels=labels, ignore=ignore, **content))
    except InvalidValue as error:
        raise EmgFileError(path, str(error)) from error
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise EmgFileError(
            path, f"not a column map ({type(error).__name__}: {str(error)[:100]})"
        ) from error


def read_csv(path: str | PathLike[str], columns: ColumnMap | None = None) -> EmgRecording:
    """Reads a text table.

    Raises:
        EmgFileError: no such file, a line that does not fit, no such column, or no rate. Names
            file and line.
    """
    columns = _checked(columns or ColumnMap())
    lines = read_text(path).rstrip("\n").split("\n")
    first = next((i for i, line in enumerate(lines) if line.strip()), None)
    if first is None:
        raise EmgFileError(path, "empty")
    delimiter = DELIMITERS[columns.delimiter] if columns.delimiter else find_delimiter(lines[first])
    names = [cell.strip().strip('"').strip() for cell in lines[first].split(delimiter)]
    heading = not all(_is_number(name) for name in names)
    if len(names) > MAX_COLUMNS:
        raise EmgFileError(
            path, f"{len(names)} columns; at most {MAX_COLUMNS}", where=f"line {first + 1}"
        )
    names = names if heading else [str(i + 1) for i in range(len(names))]
    roles = _Roles(path, names, columns, f"line {first + 1}")
    start = first + int(heading)
    body, words = _numbers_only(path, lines[start:], roles, delimiter, start + 1)
    values = parse_numbers(path, body, len(names), delimiter=delimiter, first_line=start + 1)
    if len(values) < 2:
        raise EmgFileError(path, f"{len(values)} samples; a recording has at least 2")
    return _assemble(path, values, words, roles, columns)


def find_rate(
    path: str | PathLike[str], time: np.ndarray, first_line: int, fs_hz: float | None = None
) -> float:
    """Rate of evenly spaced times [Hz].

    Args:
        path: the file, for messages.
        time: times of all samples [s]. Shape (T,).
        first_line: line of the first sample in the file.
        fs_hz: rate that the times must agree with [Hz], and that is returned then.

    Raises:
        EmgFileError: a time is missing or off the grid by more than rounding. Names the line.
    """
    if not np.isfinite(time).all():
        raise EmgFileError(
            path, "no time", where=f"line {first_line + int(np.argmin(np.isfinite(time)))}"
        )
    if time[-1] <= time[0]:
        raise EmgFileError(path, "times do not increase", where=f"line {first_line + 1}")
    rate = (len(time) - 1) / float(time[-1] - time[0])
    deviation = np.abs((time - time[0]) * rate - np.arange(len(time)))
    if deviation.max() > MAX_JITTER:
        # The jump is where neighbours are farthest apart, not where the accumulated error is
        # largest.
        jump = int(np.argmax(np.abs(np.diff(time) - np.median(np.diff(time))))) + 1
        problem = (
            f"{time[jump] - time[jump - 1]:g} s after the line before; times must be evenly spaced"
        )
        raise EmgFileError(path, problem, where=f"line {first_line + jump}")
    if fs_hz is not None and abs(rate / fs_hz - 1) > 0.01:
        raise EmgFileError(path, f"the times say {rate:.6g} Hz, the column map {fs_hz:g} Hz")
    return rate if fs_hz is None else fs_hz


def label_events(
    words: Sequence[str], fs_hz: float, labels: Mapping[str, str]
) -> tuple[Event, ...]:
    """One event for each run of the same label.

    Args:
        words: label of each sample.
        fs_hz: sampling rate [Hz].
        labels: names of events by label; others keep their label, and "" is no event.
    """
    changes = [i for i in range(len(words)) if i == 0 or words[i] != words[i - 1]]
    events = []
    for begin, end in zip(changes, [*changes[1:], len(words)], strict=True):
        label = labels.get(words[begin], words[begin])
        if label:
            events.append(Event(begin / fs_hz, (end - begin) / fs_hz, label))
    return tuple(events)


def find_delimiter(line: str) -> str | None:
    """Delimiter of a line: a tab, semicolon or comma if it has one; None for white space."""
    return next((mark for mark in "\t;," if mark in line), None)


class _Roles:
    """Role of each column, as places from 0."""

    def __init__(
        self, path: str | PathLike[str], names: list[str], columns: ColumnMap, where: str
    ) -> None:
        self.names = names
        place = {name: i for i, name in reversed(list(enumerate(names)))}
        place |= {str(i + 1): i for i in range(len(names)) if str(i + 1) not in place}

        def find(column: str) -> int:
            if column not in place:
                available = ", ".join(names[:12])
                raise EmgFileError(
                    path, f"no column {shown(column)}; there are {available}"[:300], where=where
                )
            return place[column]

        guess = next((name for name in names if name.lower() in _TIMES), None)
        time = columns.time or guess
        self.time = None if time is None else find(time)
        self.label = None if columns.label is None else find(columns.label)
        taken = {self.time, self.label, *(find(column) for column in columns.ignore)}
        if columns.channels:
            self.channels = {find(column): channel for column, channel in columns.channels.items()}
        else:
            free = [i for i in range(len(names)) if i not in taken]
            try:
                self.channels = {i: Channel(names[i], unit=columns.unit) for i in free}
            except InvalidValue as error:
                raise EmgFileError(path, str(error), where=where) from error
        if not self.channels:
            raise EmgFileError(path, "no channels", where=where)
        self.first_line = int(where.removeprefix("line "))


def _assemble(
    path: str | PathLike[str],
    values: np.ndarray,
    words: list[str] | None,
    roles: _Roles,
    columns: ColumnMap,
) -> EmgRecording:
    fs_hz = columns.fs_hz
    if roles.time is not None:
        fs_hz = find_rate(path, values[:, roles.time], roles.first_line + 1, fs_hz)
    if fs_hz is None:
        raise EmgFileError(
            path,
            "no column time and no sampling rate; give the rate (fs_hz in the column map, or "
            "--rate)",
        )
    factor, unit = (UNITS[columns.unit], "V") if columns.unit in UNITS else (1.0, columns.unit)
    channels = [replace(channel, unit=unit) for channel in roles.channels.values()]
    try:
        events = () if words is None else label_events(words, fs_hz, columns.labels)
        return EmgRecording(
            samples=values[:, list(roles.channels)] * factor,
            fs_hz=fs_hz,
            channels=tuple(channels),
            events=events,
            provenance={"file": Path(path).name, "reader": "csv", "unit in the file": columns.unit},
        )
    except InvalidValue as error:
        raise EmgFileError(path, str(error)) from error


def _numbers_only(
    path: str | PathLike[str],
    lines: list[str],
    roles: _Roles,
    delimiter: str | None,
    first_line: int,
) -> tuple[list[str], list[str] | None]:
    """The lines with 0 in unused columns, which may hold words; and the labels."""
    width = len(roles.names)
    unused = [i for i in range(width) if i != roles.time and i not in roles.channels]
    if not unused:
        return lines, None
    words = []
    numbers = []
    for i, line in enumerate(lines):
        fields = line.split(delimiter)
        if len(fields) != width:
            problem = f"{len(fields)} fields; there must be {width}"
            raise EmgFileError(path, problem, where=f"line {first_line + i}")
        if roles.label is not None:
            words.append(fields[roles.label].strip().strip('"'))
        for place in unused:
            fields[place] = "0"
        numbers.append((delimiter or " ").join(fields))
    return numbers, None if roles.label is None else words


def _checked(columns: ColumnMap) -> ColumnMap:
    """The same map, after checks.

    Raises:
        InvalidValue: a rate, delimiter or unit that is not legal.
    """
    if columns.fs_hz is not None:
        check_rate("fs_hz", columns.fs_hz)
    if columns.delimiter is not None and columns.delimiter not in DELIMITERS:
        raise InvalidValue("delimiter", columns.delimiter, f"one of {', '.join(DELIMITERS)}")
    check_text("unit", columns.unit)
    return columns


def _channel(entry: object) -> Channel:
    if isinstance(entry, str):
        return Channel(entry)
    fields = dict(entry)  # type: ignore[call-overload]
    sides = {"right": Side.RIGHT, "left": Side.LEFT, None: None}
    if set(fields) - {"name", "muscle", "site", "side"} or fields.get("side") not in sides:
        raise InvalidValue(
            "channel", str(fields)[:80], "a name, or name, muscle, site and side (right or left)"
        )
    return Channel(
        name=fields["name"],
        muscle=fields.get("muscle"),
        site=fields.get("site"),
        side=sides[fields.get("side")],
    )


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return not word
    return True
