"""Text exports of Delsys: EMGworks and Trigno Discover.

EMGworks writes a line of facts for each signal ("Label: ... Sampling frequency: ... Unit: ..."),
then a table in which every signal has times of its own. Trigno Discover writes the application, the
sensors, and below the heading the rates; a table of markers may stand on the right.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from os import PathLike
from typing import NamedTuple

from musclehand.core.errors import InvalidValue
from musclehand.emg.io.csv_file import find_delimiter
from musclehand.emg.io.paired_table import Signal, assemble_signals, fill_signals
from musclehand.emg.io.table_layout import find_layout, number_of, quantity, split_cells
from musclehand.emg.io.text_file import read_text
from musclehand.emg.io.units import Heading, split_heading, time_factor, volts_per
from musclehand.emg.recording import EmgFileError, EmgRecording, Event

_LABEL = re.compile(
    r"Label:\s*(?P<name>.*?)\s*Sampling frequency:\s*(?P<rate>\S+)\s*"
    r"(?:Number of points:\s*(?P<count>\d+)\s*)?(?:start:\s*\S+\s*)?Unit:\s*(?P<unit>.*?)\s*"
    r"(?:Domain Unit:.*)?$",
    re.I,
)
_APPLICATION = re.compile(r"trigno discover|delsys|emgworks", re.I)
_HEAD_LINES = 200
_MAX_LABEL = 1000
_MAX_EVENTS = 10_000


class _Label(NamedTuple):
    """Facts of a signal in an export of EMGworks."""

    name: str
    """Of the signal."""

    fs_hz: float | None
    """[Hz] rate; None where it is no number."""

    unit: str | None
    """Of its values; None where there is none."""

    points: int
    """Number of samples; 0 where it is not stated."""


def is_delsys(head: str) -> bool:
    """Whether the first lines of a text are those of an export of Delsys."""
    lines = head.split("\n")[:_HEAD_LINES]
    labels = any("Sampling frequency:" in line and "Label:" in line for line in lines[:3])
    return labels or _APPLICATION.search(" ".join(lines[:2])) is not None


def read_delsys(
    path: str | PathLike[str], *, fs_hz: float | None = None, unit: str | None = None
) -> EmgRecording:
    """Reads an export: EMG become channels, accelerations and others series of their own rate.

    Args:
        path: the file.
        fs_hz: rate of signals whose rate the file does not state [Hz].
        unit: of the EMG; None: as the file says, else V.

    Raises:
        EmgFileError: no such file, no heading, or a line that does not fit.
    """
    lines = read_text(path).rstrip("\n").split("\n")
    facts = [line for line in lines[:_HEAD_LINES] if line.count("Label:") == 1]
    labels = [label for label in map(_label, facts) if label is not None]
    heading = _discover_heading(lines)
    if heading is None or any("Label:" in line for line in lines[:_HEAD_LINES]):
        return _read_emgworks(path, lines, labels, fs_hz, unit)
    return _read_discover(path, lines, heading, fs_hz, unit)


def _label(text: str) -> _Label | None:
    match = _LABEL.match(text[:_MAX_LABEL].strip(' ",;'))
    if match is None:
        return None
    rate = number_of(match.group("rate"))
    count = match.group("count") or "0"
    return _Label(
        name=match.group("name"),
        fs_hz=rate if 0 < rate < 1e6 else None,
        unit=match.group("unit") or None,
        points=int(count) if len(count) < 12 else 0,
    )


def _read_emgworks(
    path: str | PathLike[str],
    lines: Sequence[str],
    labels: Sequence[_Label],
    fs_hz: float | None,
    unit: str | None,
) -> EmgRecording:
    layout = find_layout(lines)
    if layout is None or not layout.cells:
        raise EmgFileError(path, "no heading with numbers below it: not an export of EMGworks")
    by_name = {label.name: label for label in labels}
    signals: list[Signal] = []
    counts: dict[str, int] = {}
    clock: tuple[int, float] | None = None
    for i, cell in enumerate(layout.cells):
        factor = time_factor(split_heading(cell))
        if factor is not None:
            clock = (i, factor)
            continue
        own = _label(cell) or by_name.get(cell)
        own = own or (labels[len(signals)] if len(signals) < len(labels) else None)
        heading = layout.headings[i] if own is None else Heading(own.name, own.unit)
        rate = fs_hz if own is None else own.fs_hz
        near = clock is not None and (
            clock[0] == i - 1 or not signals or signals[-1].fs_hz in (rate, None)
        )
        if heading.name:
            signals.append(Signal(heading, i, clock[0] if clock and near else None, rate))
            signals[-1].time_factor = clock[1] if clock else 1.0
            counts[heading.name] = 0 if own is None else own.points
    fill_signals(path, lines[layout.first :], signals, layout.delimiter, layout.first + 1)
    short = [s for s in signals if 0 < len(s.values) < counts.get(s.heading.name, 0)]
    facts = {"reader": "Delsys EMGworks"}
    if short:
        listed = f"{len(short[0].values)} of {counts[short[0].heading.name]} samples"
        facts["shorter than stated"] = f"{listed} of {short[0].heading.name} are in the file"
    return assemble_signals(path, signals, unit=unit, provenance=facts)


def _discover_heading(lines: Sequence[str]) -> int | None:
    """Line of the heading: the first one in which columns have units of volts or of time series."""
    for i, line in enumerate(lines[:_HEAD_LINES]):
        mark = find_delimiter(line)
        if mark is None:
            continue
        headings = [split_heading(cell) for cell in split_cells(line, mark)]
        if any("time series" in heading.name.lower() for heading in headings):
            return i
        if sum(volts_per(heading.unit or "") is not None for heading in headings) > 0:
            return i
    return None


def _read_discover(
    path: str | PathLike[str],
    lines: Sequence[str],
    place: int,
    fs_hz: float | None,
    unit: str | None,
) -> EmgRecording:
    mark = find_delimiter(lines[place])
    headings = [split_heading(cell) for cell in split_cells(lines[place], mark)]
    width = max(i for i, heading in enumerate(headings) if heading.name) + 1
    first, rates = _rates(lines, place + 1, mark, width)
    sensors = _sensors(lines[:place], mark, width)
    signals: list[Signal] = []
    clock: tuple[int, float] | None = None
    for i, heading in enumerate(headings[:width]):
        factor = time_factor(heading)
        if factor is not None:
            clock = (i, factor)
        elif heading.name:
            timed = clock is not None and clock[0] == i - 1
            rate = rates.get(i) or (rates.get(i - 1) if timed else None) or fs_hz
            signals.append(Signal(heading, i, i - 1 if timed else None, rate, sensors[i] or None))
            signals[-1].time_factor = clock[1] if clock else 1.0
    repeated = Counter(signal.heading.name for signal in signals)
    for signal in signals:
        if repeated[signal.heading.name] > 1 and signal.site:
            sensor = re.sub(r"\s*\(\w+\)$", "", signal.site)
            signal.heading = Heading(f"{sensor}: {signal.heading.name}", signal.heading.unit)
    fill_signals(path, lines[first:], signals, mark, first + 1)
    events = _markers(path, lines[place + 1 :], mark, width)
    return assemble_signals(
        path, signals, unit=unit, provenance={"reader": "Delsys Trigno Discover"}, events=events
    )


def _rates(
    lines: Sequence[str], begin: int, mark: str | None, width: int
) -> tuple[int, dict[int, float]]:
    """First line of numbers, and the rate of each column by the lines before it [Hz]."""
    rates: dict[int, float] = {}
    for place in range(begin, min(begin + 10, len(lines))):
        cells = split_cells(lines[place], mark)[:width]
        values = {i: quantity(cell) for i, cell in enumerate(cells) if cell}
        if values and all(value is not None and not value[1] for value in values.values()):
            return place, rates
        for i, value in values.items():
            if value is not None and value[0] > 0 and math.isfinite(value[0]):
                if value[1] in ("hz", "khz"):
                    rates[i] = value[0] * (1e3 if value[1] == "khz" else 1.0)
                elif value[1] == "s":
                    rates.setdefault(i, 1.0 / value[0])
    return min(begin, len(lines)), rates


def _sensors(lines: Sequence[str], mark: str | None, width: int) -> list[str]:
    """The sensor above each column: the names in the first line behind the facts, spread right."""
    place = next(
        (i + 1 for i, line in enumerate(lines) if line.lower().startswith("collection length")),
        max(len(lines) - 1, 0),
    )
    cells = split_cells(lines[place], mark) if place < len(lines) else []
    sensors: list[str] = []
    for i in range(width):
        cell = cells[i] if i < len(cells) else ""
        sensors.append(cell or (sensors[-1] if sensors else ""))
    return sensors


def _markers(
    path: str | PathLike[str], lines: Sequence[str], mark: str | None, width: int
) -> list[Event]:
    """Events of the table of markers to the right of the signals."""
    names: dict[str, int] = {}
    events: list[Event] = []
    for line in lines[: _MAX_EVENTS + 10]:
        if mark is None or line.count(mark) <= width:
            continue
        cells = split_cells(line, mark)
        if not names:
            places = {
                cell.split("(")[0].strip().lower(): i for i, cell in enumerate(cells) if i >= width
            }
            names = places if {"type", "time"} <= set(places) else {}
            continue
        onset = number_of(cells[names["time"]]) if names["time"] < len(cells) else math.nan
        words = [
            cells[names[key]] for key in ("name", "type") if names.get(key, len(cells)) < len(cells)
        ]
        label = next((word for word in words if word and word.isprintable()), "marker")
        if math.isfinite(onset):
            try:
                events.append(Event(onset, 0.0, label))
            except InvalidValue as error:
                raise EmgFileError(path, str(error)) from error
    return events
