"""BrainVision recordings: a header (.vhdr) that names a file of samples and one of markers.

The layout is that of the BrainVision Core Data Format 1.0. Both named files must lie in the folder
of the header. A channel without a unit has microvolts, as the format says.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np

from musclehand.core.errors import InvalidValue
from musclehand.emg.io.paired_table import Signal, assemble_signals
from musclehand.emg.io.text_file import read_bytes, read_text, shown
from musclehand.emg.io.units import Heading
from musclehand.emg.recording import MAX_VALUES, EmgFileError, EmgRecording, Event

MAX_BYTES = 1_600_000_000
"""Largest file of samples that is read [bytes]."""

MAX_HEADER_BYTES = 20_000_000
"""Largest header or file of markers that is read [bytes]."""

MAX_NAME = 200
"""Most characters of the name of a file beside the header: chosen, below the 255 of systems."""

MAX_CHANNELS = 4096
"""Most channels of a recording."""

_MAGIC = re.compile(r"Brain\s?Vision Data Exchange Header File", re.I)
_KINDS = {"INT_16": "i2", "UINT_16": "u2", "INT_32": "i4", "IEEE_FLOAT_32": "f4"}
_MICROVOLTS = "µV"

_Sections = Mapping[str, Mapping[str, str]]


class _Channel(NamedTuple):
    """A channel, as the header describes it."""

    name: str
    """Of the channel."""

    resolution: float
    """Unit of its samples in its unit."""

    unit: str
    """Such as µV."""


def read_brainvision(path: str | PathLike[str], *, unit: str | None = None) -> EmgRecording:
    """Reads a recording by its header.

    Channels in volts or parts of them become channels, others series. Markers become events.

    Args:
        path: the header (.vhdr), or the samples (.eeg) or markers (.vmrk) beside it.
        unit: of the samples; None: as the header says.

    Raises:
        EmgFileError: no such file, no header of BrainVision, a file outside of its folder, or
            damaged.
    """
    header = Path(path)
    if header.suffix.lower() in (".eeg", ".vmrk"):
        header = header.with_suffix(".vhdr")
        if not header.is_file():
            raise EmgFileError(path, f"its header {shown(header.name)} is not beside it")
    try:
        return _read(header, unit)
    except EmgFileError as error:
        if error.path == str(path):
            raise
        problem = f"{Path(error.path).name}: {error.problem}"
        raise EmgFileError(path, problem, where=error.where) from error


def _read(header: Path, unit: str | None) -> EmgRecording:
    """Reads a recording whose header is known."""
    sections = _sections(header)
    common = sections.get("common infos", {})
    channels = _channels(header, sections)
    interval = _number(header, common, "samplinginterval")
    fs_hz = 1e6 / interval if interval > 0 else math.nan
    if not 0 < fs_hz <= 1e6:
        raise EmgFileError(header, f"SamplingInterval is {interval:g}; it must be above 0 µs")
    data = _beside(header, common, "datafile")
    if common.get("dataformat", "BINARY").upper() == "ASCII":
        values = _read_ascii(data, sections.get("ascii infos", {}), len(channels), common)
    else:
        values = _read_binary(data, sections.get("binary infos", {}), len(channels), common)
    signals = []
    for i, channel in enumerate(channels):
        signal = Signal(Heading(channel.name, channel.unit), i, None, fs_hz)
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = values[:, i].astype(float) * channel.resolution
        signal.values = np.where(np.isfinite(scaled), scaled, np.nan)
        signals.append(signal)
    return assemble_signals(
        header,
        signals,
        unit=unit,
        provenance={"reader": "BrainVision"},
        events=_events(header, common, fs_hz),
    )


def _sections(path: Path) -> _Sections:
    """The sections of a header or file of markers, with keys in small letters."""
    lines = read_text(path, MAX_HEADER_BYTES).split("\n")
    sections: dict[str, dict[str, str]] = {}
    entries: dict[str, str] = {}
    for line in lines[1:]:
        if line.startswith("[") and line.rstrip().endswith("]"):
            entries = sections.setdefault(line.strip()[1:-1].lower(), {})
        elif "=" in line and not line.startswith(";"):
            key, _, value = line.partition("=")
            entries[key.strip().lower()] = value.strip()
    if path.suffix.lower() != ".vmrk" and not _MAGIC.search(lines[0]):
        raise EmgFileError(path, "no header of BrainVision", where="line 1")
    return sections


def _channels(path: Path, sections: _Sections) -> list[_Channel]:
    count = _number(path, sections.get("common infos", {}), "numberofchannels")
    if not 1 <= count <= MAX_CHANNELS:
        problem = f"NumberOfChannels is {count:g}; there must be 1 to {MAX_CHANNELS}"
        raise EmgFileError(path, problem)
    entries = sections.get("channel infos", {})
    channels = []
    for i in range(1, int(count) + 1):
        fields = [
            field.replace(r"\1", ",").strip() for field in entries.get(f"ch{i}", "").split(",")
        ]
        fields += [""] * (4 - len(fields))
        try:
            resolution = float(fields[2].replace(",", ".")) if fields[2] else 1.0
        except ValueError:
            resolution = math.nan
        if not math.isfinite(resolution):
            problem = f"resolution is {shown(fields[2])}; it must be a number"
            raise EmgFileError(path, problem, where=f"Ch{i}")
        name = "".join(mark for mark in fields[0] if mark.isprintable())[:200]
        channels.append(_Channel(name or f"channel {i}", resolution, fields[3] or _MICROVOLTS))
    return channels


def _beside(header: Path, common: Mapping[str, str], key: str) -> Path:
    """A file that the header names, in its own folder."""
    name = common.get(key, "").replace("$b", header.stem)
    if not name or "/" in name or "\\" in name or name in (".", "..") or "\0" in name:
        raise EmgFileError(header, f"{key} is {shown(name)}; it must be a file beside the header")
    if len(name) > MAX_NAME:
        raise EmgFileError(header, f"{key} is {shown(name)}; at most {MAX_NAME} characters")
    path = header.with_name(name)
    if path.is_file():
        return path
    # After a recording was renamed, its header still has the old names.
    renamed = header.with_suffix(Path(name).suffix or ".eeg")
    return renamed if renamed.is_file() and renamed != header else path


def _read_binary(
    path: Path, infos: Mapping[str, str], width: int, common: Mapping[str, str]
) -> np.ndarray:
    """Samples of a binary file. Shape (T, width)."""
    kind = _KINDS.get(infos.get("binaryformat", "INT_16").upper())
    if kind is None:
        problem = f"BinaryFormat {shown(infos['binaryformat'])}; known are {', '.join(_KINDS)}"
        raise EmgFileError(path, problem)
    order = ">" if infos.get("usebigendianorder", "NO").upper() == "YES" else "<"
    data = read_bytes(path, MAX_BYTES)
    size = int(kind[1])
    count = len(data) // (width * size)
    if count < 2 or len(data) != count * width * size:
        problem = f"{len(data)} bytes are no samples of {width} channels of {size} bytes"
        raise EmgFileError(path, problem)
    if count * width > MAX_VALUES:
        raise EmgFileError(path, f"more than {MAX_VALUES} samples")
    values = np.frombuffer(data, order + kind)
    vectors = common.get("dataorientation", "MULTIPLEXED").upper() == "VECTORIZED"
    return values.reshape(width, count).T if vectors else values.reshape(count, width)


def _read_ascii(
    path: Path, infos: Mapping[str, str], width: int, common: Mapping[str, str]
) -> np.ndarray:
    """Samples of a text file. Shape (T, width)."""
    skip = int(_number(path, infos, "skiplines", 0.0))
    columns = int(_number(path, infos, "skipcolumns", 0.0))
    lines = read_text(path).rstrip("\n").split("\n")[skip:]
    if infos.get("decimalsymbol", ".") == ",":
        lines = [line.replace(",", ".") for line in lines]
    rows = [line.split()[columns:] for line in lines if line.strip()]
    vectors = common.get("dataorientation", "MULTIPLEXED").upper() == "VECTORIZED"
    length = len(rows[0]) if rows else 0
    if len({len(row) for row in rows}) > 1 or (len(rows) if vectors else length) != width:
        raise EmgFileError(path, f"not {width} channels of text in lines of equal length")
    try:
        values = np.array(rows, dtype=float)
    except ValueError as error:
        raise EmgFileError(path, str(error)[:100]) from error
    return values.T if vectors else values


def _events(header: Path, common: Mapping[str, str], fs_hz: float) -> Sequence[Event]:
    """Markers as events; a file of markers that is named must be there."""
    if not common.get("markerfile"):
        return []
    path = _beside(header, common, "markerfile")
    events = []
    for key, entry in _sections(path).get("marker infos", {}).items():
        fields = [field.replace(r"\1", ",").strip() for field in entry.split(",")]
        if not key.startswith("mk") or fields[0].lower() == "new segment":
            continue
        try:
            onset = (int(fields[2]) - 1) / fs_hz
            length = int(fields[3]) / fs_hz if int(fields[3]) > 1 else 0.0
            label = "".join(mark for mark in fields[1] or fields[0] if mark.isprintable())
            events.append(Event(onset, length, label[:500] or "marker"))
        except (ValueError, IndexError, OverflowError, InvalidValue) as error:
            raise EmgFileError(path, f"no marker: {shown(entry)}", where=key) from error
    return events


def _number(
    path: Path, entries: Mapping[str, str], key: str, default: float | None = None
) -> float:
    """An entry that is a number of at least 0."""
    text = entries.get(key, "" if default is None else str(default))
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < 1e9:
        raise EmgFileError(path, f"{key} is {shown(text)}; it must be a number of at least 0")
    return value
