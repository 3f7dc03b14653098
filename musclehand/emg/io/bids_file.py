"""EMG from EDF and BDF files, read by pyedflib (extra `emg`), with EMG-BIDS sidecars beside them.

Beside `sub-01_task-scales_emg.edf` these names of BIDS 1.11 are read: `..._channels.tsv` (name,
type, units, target_muscle, placement_description; channels that are no EMG become the series
"other"), `..._events.tsv` (onset, duration, trial_type) and `..._emg.json` (licence and other
entries of plain text). A sidecar that exists must be valid.
"""

from __future__ import annotations

import csv
import io
import json
import math
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from musclehand.body.anatomy import Side
from musclehand.core.errors import InvalidValue
from musclehand.emg.io.c3d_file import unique_names
from musclehand.emg.io.text_file import read_bytes, read_text, shown
from musclehand.emg.io.units import is_emg_unit, to_volts
from musclehand.emg.recording import (
    MAX_VALUES,
    Channel,
    EmgFileError,
    EmgRecording,
    Event,
    TimeSeries,
)

MAX_BYTES = 2_000_000_000
"""Largest file that is read [bytes]."""

MAX_SIGNALS = 4096
"""Most signals of a file."""

MAX_SIDECAR_BYTES = 20_000_000
"""Largest sidecar that is read [bytes]."""

MAX_PADDING = 2.0
"""[s] longest padding of the last record, which is less than its length of usually 1 s."""

_DAMAGE = (
    OSError,
    RuntimeError,
    ValueError,
    LookupError,
    TypeError,
    MemoryError,
    OverflowError,
    AssertionError,
)
_NAMED_SIDES = {"left": Side.LEFT, "l": Side.LEFT, "right": Side.RIGHT, "r": Side.RIGHT}


def read_edf(path: str | PathLike[str]) -> EmgRecording:
    """Reads an EDF or BDF file and its sidecars.

    Signals at the most frequent rate of EMG channels become channels, in volts where the file has
    volts or parts of it; all others become series with their own times. A signal without a type in
    channels.tsv is EMG if its unit is one of EMG. Annotations and events.tsv become events.

    Raises:
        EmgFileError: no such file, not EDF or BDF, cut short or damaged, an invalid sidecar; or
            pyedflib is not installed.
    """
    _check_size(path)
    try:
        import pyedflib
    except ImportError as error:
        raise EmgFileError(
            path, "EDF and BDF files need pyedflib: pip install 'musclehand[emg]'"
        ) from error
    try:
        with pyedflib.EdfReader(
            str(path), pyedflib.READ_ALL_ANNOTATIONS, pyedflib.CHECK_FILE_SIZE
        ) as file:
            signals = [_Signal(file, i) for i in range(file.signals_in_file)]
            onsets, durations, texts = file.readAnnotations()
    except _DAMAGE as error:
        problem = str(error).removeprefix(f"{path}: ") or repr(error)
        raise EmgFileError(path, f"not a whole EDF or BDF file: {problem[:200]}") from error
    try:
        events = [
            Event(float(onset), max(float(length), 0.0), _printable(text) or "annotation")
            for onset, length, text in zip(onsets, durations, texts, strict=True)
        ]
        return _with_sidecars(path, signals, events)
    except InvalidValue as error:
        raise EmgFileError(path, str(error)) from error


class _Signal:
    """One signal of a file."""

    def __init__(self, file: Any, place: int) -> None:
        self.name = str(file.getLabel(place))
        self.unit = str(file.getPhysicalDimension(place)).strip() or "unknown"
        self.fs_hz = float(file.getSampleFrequency(place))
        self.values = np.asarray(file.readSignal(place), dtype=float)
        self.is_emg = self.unit == "unknown" or is_emg_unit(self.unit)
        self.described = False
        self.muscle: str | None = None
        self.site: str | None = None
        self.side: Side | None = None

    def describe(self, row: dict[str, str]) -> None:
        """Takes type, muscle, placement and side from a row of channels.tsv."""
        cells = {
            key: "" if value.strip().lower() == "n/a" else value.strip()
            for key, value in row.items()
        }
        self.described = True
        self.is_emg = cells.get("type", "EMG").upper() in ("EMG", "")
        self.muscle = cells.get("target_muscle") or None
        sites = (cells.get(word) for word in ("placement_description", "placement", "description"))
        self.site = next(filter(None, sites), None)
        self.side = _NAMED_SIDES.get(cells.get("side", "").lower())


def _with_sidecars(
    path: str | PathLike[str], signals: list[_Signal], events: list[Event]
) -> EmgRecording:
    """The recording of a file's signals and annotations, with the facts of its sidecars."""
    names = unique_names([signal.name for signal in signals])
    for signal, name in zip(signals, names, strict=True):
        signal.name = name
    stem = Path(path).name.rsplit(".", 1)[0].removesuffix("_emg")
    folder = Path(path).parent
    _describe_signals(folder / f"{stem}_channels.tsv", signals)
    events = events + _read_events(folder / f"{stem}_events.tsv")
    sidecar = _read_json(folder / f"{stem}_emg.json")
    if not any(signal.is_emg or signal.described for signal in signals):
        for signal in signals:
            signal.is_emg = True
    _drop_padding(signals, sidecar.get("RecordingDuration"))
    emg = [signal for signal in signals if signal.is_emg]
    if not emg:
        raise EmgFileError(path, "no EMG channels in it")
    rates = [signal.fs_hz for signal in emg]
    fs_hz = max(set(rates), key=lambda rate: (rates.count(rate), rate))
    main = [signal for signal in emg if signal.fs_hz == fs_hz]
    metadata = _plain_entries(sidecar)
    entities = dict(part.split("-", 1) for part in stem.split("_") if "-" in part)
    return EmgRecording(
        samples=np.stack([signal.values * to_volts(signal.unit)[0] for signal in main], axis=1),
        fs_hz=fs_hz,
        channels=tuple(_channel(signal) for signal in main),
        events=tuple(events),
        extra={
            f"other {signal.name}".replace("/", "-"): _series(signal)
            for signal in signals
            if signal not in main
        },
        subject=entities.get("sub", ""),
        session=entities.get("ses", ""),
        provenance={**metadata, "file": Path(path).name, "reader": "EDF (pyedflib)"},
        licence=metadata.get("License", ""),
    )


def _describe_signals(path: Path, signals: list[_Signal]) -> None:
    """Adds the rows of channels.tsv to the signals, by name."""
    by_name = {signal.name.lower(): signal for signal in signals}
    for row in _read_tsv(path, ("name",)):
        key = row["name"].strip().lower()
        if key not in by_name:
            raise EmgFileError(path, f"channel {shown(row['name'])} is not in the file")
        by_name[key].describe(row)


def _plain_entries(sidecar: dict[str, Any]) -> dict[str, str]:
    """Entries that are short printable texts or numbers."""
    texts = {
        key: str(value) for key, value in sidecar.items() if isinstance(value, str | int | float)
    }
    return {key: text for key, text in texts.items() if text.isprintable() and len(text) < 500}


def _drop_padding(signals: list[_Signal], seconds: Any) -> None:
    """Cuts the padding of the last record, where the sidecar states the duration."""
    if not isinstance(seconds, int | float) or not 0 < seconds < math.inf:
        return
    for signal in signals:
        count = round(seconds * signal.fs_hz)
        if (
            0 < count < len(signal.values)
            and len(signal.values) - count < MAX_PADDING * signal.fs_hz
        ):
            signal.values = signal.values[:count]


def _channel(signal: _Signal) -> Channel:
    unit = to_volts(signal.unit)[1]
    return Channel(
        signal.name, signal.muscle, signal.site, signal.side, _printable(unit) or "unknown"
    )


def _series(signal: _Signal) -> TimeSeries:
    time = np.arange(len(signal.values)) / signal.fs_hz
    return TimeSeries(
        time, signal.values[:, None], (signal.name,), (_printable(signal.unit) or "unknown",)
    )


class _Heading(NamedTuple):
    """Sizes that the heading of a file states."""

    records: int
    """Number of data records."""

    seconds: float
    """[s] length of a record."""

    samples: list[int]
    """Samples of each signal in a record."""

    width: int
    """Bytes of a sample."""


def _check_size(path: str | PathLike[str]) -> None:
    """Checks the sizes that the heading states, before any memory is allocated."""
    size = Path(path).stat().st_size if Path(path).is_file() else 0
    if size > MAX_BYTES:
        raise EmgFileError(path, f"{size} bytes; at most {MAX_BYTES}")
    if not Path(path).is_file():
        read_bytes(path, MAX_BYTES)  # raises the error
    try:
        heading = _read_sizes(path)
    except OSError as error:
        raise EmgFileError(path, error.strerror or str(error)) from error
    except ValueError as error:
        raise EmgFileError(path, f"damaged heading ({str(error)[:100]})") from error
    # The rate is the number of samples over the length of a record, which may be very short.
    if min(heading.samples) < 1 or not 0 < heading.seconds < math.inf:
        raise EmgFileError(path, "damaged heading: a record without samples or without length")
    count = heading.records * sum(heading.samples)
    expected = 256 * (len(heading.samples) + 1) + count * heading.width
    if expected > size:
        raise EmgFileError(
            path, f"{expected} bytes expected, {size} in the file: cut short or damaged"
        )
    if count > MAX_VALUES:
        raise EmgFileError(path, f"{count} samples; at most {MAX_VALUES}")


def _read_sizes(path: str | PathLike[str]) -> _Heading:
    with open(path, "rb") as file:
        heading = file.read(256)
        width = {b"0       ": 2, b"\xffBIOSEMI": 3}.get(heading[:8])
        if width is None:
            raise EmgFileError(path, "not an EDF or BDF file")
        count = int(heading[252:256])
        records = int(heading[236:244])
        if not 0 < count <= MAX_SIGNALS or records < 0:
            raise EmgFileError(
                path, f"{count} signals in {records} records: damaged, or still being written"
            )
        fields = file.read(256 * count)
    samples = [int(fields[216 * count + 8 * i : 216 * count + 8 * i + 8]) for i in range(count)]
    return _Heading(records, float(heading[244:252]), samples, width)


def _read_events(path: Path) -> list[Event]:
    events = []
    for line, row in enumerate(_read_tsv(path, ("onset", "duration")), start=2):
        words = next(
            (
                row[key]
                for key in ("trial_type", "event_name", "value")
                if row.get(key, "n/a") != "n/a"
            ),
            "event",
        )
        length = "0" if row["duration"].strip().lower() == "n/a" else row["duration"]
        try:
            events.append(Event(float(row["onset"]), float(length), _printable(words) or "event"))
        except (ValueError, InvalidValue) as error:
            raise EmgFileError(path, str(error), where=f"line {line}") from error
    return events


def _read_tsv(path: Path, needed: tuple[str, ...]) -> list[dict[str, str]]:
    """The rows of a sidecar; none where the file does not exist."""
    if not path.is_file():
        return []
    reader = csv.reader(
        io.StringIO(read_text(path, MAX_SIDECAR_BYTES)), delimiter="\t", quoting=csv.QUOTE_NONE
    )
    rows: list[dict[str, str]] = []
    try:
        heading = [cell.strip() for cell in next(reader, [])]
        absent = [column for column in needed if column not in heading]
        if absent:
            raise EmgFileError(path, f"no column {', '.join(absent)}", where="line 1")
        for cells in reader:
            if len(cells) != len(heading):
                problem = f"{len(cells)} fields; there must be {len(heading)}"
                raise EmgFileError(path, problem, where=f"line {reader.line_num}")
            rows.append(dict(zip(heading, cells, strict=True)))
    except csv.Error as error:
        raise EmgFileError(path, str(error), where=f"line {reader.line_num}") from error
    return rows


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        content = json.loads(read_text(path, MAX_SIDECAR_BYTES))
    except (ValueError, RecursionError) as error:
        raise EmgFileError(path, f"not JSON ({type(error).__name__})") from error
    if not isinstance(content, dict):
        raise EmgFileError(path, "not a JSON object")
    return {_printable(str(key)) or "key": value for key, value in content.items()}


def _printable(text: str) -> str:
    return "".join(mark for mark in str(text) if mark.isprintable()).strip()[:500]
