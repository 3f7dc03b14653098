"""Tables in which every signal has times of its own, side by side: the text exports of Delsys.

Signals of different rates stand in the same lines, and slower ones end earlier: their cells are
empty further down.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

import numpy as np

from musclehand.body.anatomy import Side
from musclehand.core.errors import InvalidValue
from musclehand.emg.io.c3d_file import unique_names
from musclehand.emg.io.table_layout import Layout, split_cells
from musclehand.emg.io.text_file import shown
from musclehand.emg.io.timing import find_rate
from musclehand.emg.io.units import Heading, emg_columns, time_factor, to_volts, unit_facts
from musclehand.emg.recording import (
    MAX_VALUES,
    Channel,
    EmgFileError,
    EmgRecording,
    Event,
    TimeSeries,
)

_BATCH_LINES = 20_000
"""Lines that are split at once, to bound memory: chosen."""


@dataclass
class Signal:
    """One signal of a table."""

    heading: Heading
    """Name and unit."""

    column: int
    """Of its values, from 0."""

    time_column: int | None = None
    """Of its times, from 0; None where it has none."""

    fs_hz: float | None = None
    """[Hz] rate that the file states."""

    site: str | None = None
    """Sensor, as the file names it."""

    time_factor: float = 1.0
    """Seconds in a unit of its times."""

    muscle: str | None = None
    """Target muscle; None where it is not known."""

    side: Side | None = None
    """Of the body."""

    is_emg: bool | None = None
    """Whether it is EMG; None: by name and unit."""

    start: float = field(default=0.0, init=False)
    """[s] time of its first sample, in the file."""

    values: np.ndarray = field(default_factory=lambda: np.empty(0), init=False)
    """Without the empty cells at the end. Shape (n,)."""


def read_paired(
    path: str | PathLike[str],
    lines: Sequence[str],
    layout: Layout,
    *,
    unit: str | None = None,
    reader: str = "csv",
) -> EmgRecording:
    """Reads a table with several columns of times; each holds for the columns behind it.

    Args:
        path: the file, for messages.
        lines: of the file.
        layout: of the table.
        unit: of the EMG; None: as the headings say, else V.
        reader: name for the provenance.

    Raises:
        EmgFileError: a cell that is no number, or times that are not evenly spaced.
    """
    signals: list[Signal] = []
    clock: tuple[int, float] | None = None
    for i, heading in enumerate(layout.headings):
        factor = time_factor(heading)
        if factor is not None:
            clock = (i, factor)
        elif heading.name and clock is not None:
            signals.append(Signal(heading, i, clock[0], time_factor=clock[1]))
    fill_signals(path, lines[layout.first :], signals, layout.delimiter, layout.first + 1)
    return assemble_signals(path, signals, unit=unit, provenance={"reader": reader})


def fill_signals(
    path: str | PathLike[str],
    lines: Sequence[str],
    signals: Sequence[Signal],
    mark: str | None,
    first_line: int,
) -> None:
    """Reads values, start and rate of all signals from the lines of numbers.

    Args:
        path: the file, for messages.
        lines: of numbers.
        signals: that are filled.
        mark: delimiter of the lines.
        first_line: number of the first of them in the file.

    Raises:
        EmgFileError: a cell that is no number, no rate, or times that are not evenly spaced.
    """
    places = sorted(
        {place for s in signals for place in (s.column, s.time_column) if place is not None}
    )
    columns = _columns(path, lines, places, mark, first_line)
    for signal in signals:
        values = columns[signal.column]
        if signal.time_column is not None:
            time = columns[signal.time_column] * signal.time_factor
            count = min(_filled(time), len(values))
            time, values = time[:count], values[: max(min(_filled(values), count), 0)]
            if len(time) > 1:
                signal.start = float(time[0])
                signal.fs_hz = find_rate(path, time, first_line, signal.fs_hz)
        else:
            values = values[: _filled(values)]
        signal.values = values


def assemble_signals(
    path: str | PathLike[str],
    signals: Sequence[Signal],
    *,
    unit: str | None = None,
    provenance: Mapping[str, str] | None = None,
    events: Sequence[Event] = (),
) -> EmgRecording:
    """The recording of signals: EMG of the most frequent rate are channels, others are series.

    Args:
        path: the file, for messages.
        signals: with their values.
        unit: of the EMG; None: as the headings say, else V.
        provenance: of the recording.
        events: with times from the first sample of the file.

    Raises:
        EmgFileError: no EMG, or a rate that is not known.
    """
    filled = [signal for signal in signals if len(signal.values) > 1]
    if not filled:
        raise EmgFileError(path, "no signal of at least 2 samples")
    for signal, name in zip(filled, unique_names([s.heading.name for s in filled]), strict=True):
        signal.heading = Heading(name, signal.heading.unit)
    unclear = next((s.heading.name for s in filled if s.fs_hz is None), None)
    if unclear is not None:
        raise EmgFileError(path, f"no sampling rate of {shown(unclear)}; give the rate (--rate)")
    emg = _emg_signals(filled)
    if not emg:
        raise EmgFileError(path, "no EMG in it, only other signals")
    rates = Counter(signal.fs_hz for signal in emg)
    fs_hz = max(rates, key=lambda rate: (rates[rate], rate or 0.0)) or 0.0
    start = min(s.start for s in emg if s.fs_hz == fs_hz)
    main = [s for s in emg if s.fs_hz == fs_hz and abs(s.start - start) * fs_hz < 1]
    length = max(len(signal.values) for signal in main)
    if length * len(main) > MAX_VALUES:
        raise EmgFileError(path, f"more than {MAX_VALUES} samples")
    samples = np.full((length, len(main)), np.nan)
    stated = [signal.heading.unit for signal in main]
    told = [unit or own or "V" for own in stated]
    channels = []
    try:
        for i, (signal, words) in enumerate(zip(main, told, strict=True)):
            factor, name = to_volts(words)
            samples[: len(signal.values), i] = signal.values * factor
            channels.append(
                Channel(signal.heading.name, signal.muscle, signal.site, signal.side, name)
            )
        facts = {"unit as told": unit} if unit else {}
        facts |= unit_facts([s.heading.name for s in main], stated, unit or "V")
        return EmgRecording(
            samples=samples,
            fs_hz=fs_hz,
            channels=tuple(channels),
            events=tuple(events),
            extra={
                signal.heading.name.replace("/", "-"): _series(signal, start)
                for signal in filled
                if signal not in main
            },
            provenance={"file": Path(path).name, **(provenance or {}), **facts},
        )
    except InvalidValue as error:
        raise EmgFileError(path, str(error)) from error


def _emg_signals(signals: Sequence[Signal]) -> list[Signal]:
    """The signals that are EMG: as their reader says, else by name and unit."""
    if all(signal.is_emg is None for signal in signals):
        chosen = emg_columns([signal.heading for signal in signals])
        return [signal for signal, is_emg in zip(signals, chosen, strict=True) if is_emg]
    return [signal for signal in signals if signal.is_emg]


def _series(signal: Signal, start: float) -> TimeSeries:
    fs_hz = signal.fs_hz or 1.0
    time = signal.start - start + np.arange(len(signal.values)) / fs_hz
    return TimeSeries(
        time, signal.values[:, None], (signal.heading.name,), (signal.heading.unit or "unknown",)
    )


def _filled(values: np.ndarray) -> int:
    """Number of values without the missing ones at the end."""
    places = np.flatnonzero(np.isfinite(values))
    return int(places[-1]) + 1 if len(places) else 0


def _columns(
    path: str | PathLike[str],
    lines: Sequence[str],
    places: Sequence[int],
    mark: str | None,
    first_line: int,
) -> dict[int, np.ndarray]:
    """Some columns of lines of numbers; empty cells and missing ones are NaN."""
    comma = mark != "," and any("," in line for line in lines)
    parts: dict[int, list[np.ndarray]] = {place: [np.empty(0)] for place in places}
    for begin in range(0, len(lines), _BATCH_LINES):
        batch = lines[begin : begin + _BATCH_LINES]
        quoted = any('"' in line for line in batch[:3])
        rows = [split_cells(line, mark) if quoted else line.split(mark) for line in batch]
        for place in places:
            cells = [row[place] if place < len(row) else "" for row in rows]
            while cells and not cells[-1].strip():
                cells.pop()
            column = np.full(len(batch), np.nan)
            column[: len(cells)] = _numbers(path, cells, comma, first_line + begin)
            parts[place].append(column)
    return {place: np.concatenate(part) for place, part in parts.items()}


def _numbers(
    path: str | PathLike[str], cells: list[str], comma: bool, first_line: int
) -> np.ndarray:
    if comma:
        cells = [cell.replace(",", ".") for cell in cells]
    try:
        values = np.array([float(cell) for cell in cells])
    except ValueError:
        values = np.empty(0)
    if len(values) == len(cells) and not np.isinf(values).any():
        return values
    values = np.full(len(cells), np.nan)
    for i, cell in enumerate(cells):
        word = cell.strip()
        try:
            values[i] = float(word.replace("_", "?")) if word else np.nan
        except ValueError:
            values[i] = np.inf
        if np.isinf(values[i]):
            where = f"line {first_line + i}"
            raise EmgFileError(path, f"{shown(word)} is not a number", where=where)
    return values
