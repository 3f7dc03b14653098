"""Marker files (.trc) of Motion Analysis, as OpenSim reads and writes them.

Five lines of heading, an optional blank line, then a row for each frame: its number, its time, and
x, y, z of every marker, separated by tabs. Empty fields are hidden markers.
"""

from __future__ import annotations

from dataclasses import replace
from os import PathLike

import numpy as np

from musclehand.core.errors import InvalidValue
from musclehand.emg.io.opensim_file import write_lines
from musclehand.emg.io.text_file import parse_numbers, read_text, shown
from musclehand.emg.recording import EmgFileError, TimeSeries

UNITS = {"mm": 1e-3, "cm": 1e-2, "m": 1.0}
"""Units of length that a file may have, in metres."""

AXES = ("x", "y", "z")
"""Endings of the columns of a marker."""

MAX_MARKERS = 10_000
"""Most markers of a file."""

_FIELDS = ("DataRate", "CameraRate", "NumFrames", "NumMarkers", "Units")


def read_markers(path: str | PathLike[str]) -> TimeSeries:
    """Reads a .trc file.

    Returns:
        Columns such as "WRIST.x", in the file's own unit, which `units` names.

    Raises:
        EmgFileError: no such file, or not a marker file. Names the line and the problem.
    """
    lines = read_text(path).rstrip("\n").split("\n")
    if not lines[0].startswith("PathFileType\t"):
        problem = (
            "separated by commas"
            if lines[0].startswith("PathFileType,")
            else "does not begin with PathFileType"
        )
        raise EmgFileError(path, f"{problem}; a .trc file is separated by tabs", where="line 1")
    if len(lines) < 5:
        raise EmgFileError(path, "cut short in its heading", where=f"line {len(lines)}")
    frames, count, unit = _read_counts(path, lines[1], lines[2])
    names = _read_names(path, lines[3], count)
    first = 5
    while first < len(lines) and not lines[first].strip():
        first += 1
    width = 2 + 3 * count
    rows = [_padded(line.rstrip("\n ").removesuffix("\t"), width) for line in lines[first:]]
    values = parse_numbers(path, rows, width, delimiter="\t", first_line=first + 1)
    if len(values) != frames:
        raise EmgFileError(
            path, f"the heading says {frames} frames; there are {len(values)}: cut short or damaged"
        )
    if np.isnan(values[:, 1]).any():
        raise EmgFileError(
            path,
            "frames without a time",
            where=f"line {first + 1 + int(np.isnan(values[:, 1]).argmax())}",
        )
    try:
        columns = tuple(f"{name}.{axis}" for name in names for axis in AXES)
        return TimeSeries(values[:, 1], values[:, 2:], columns, (unit,) * len(columns))
    except InvalidValue as error:
        raise EmgFileError(path, str(error)) from error


def _padded(row: str, width: int) -> str:
    """The row with all of its tabs.

    Hidden markers at the end of a row leave tabs; some programs write one more, and some none.
    """
    missing = width - 1 - row.count("\t")
    return row + "\t" * missing if missing in (1, 2, 3) else row


def in_metres(markers: TimeSeries) -> TimeSeries:
    """The same markers with all columns in metres.

    Raises:
        InvalidValue: a column that is no length.
    """
    unknown = sorted(set(markers.units) - set(UNITS))
    if unknown or not markers.units:
        raise InvalidValue("units of markers", unknown or "not known", ", ".join(UNITS))
    factors = np.array([UNITS[unit] for unit in markers.units])
    return replace(markers, values=markers.values * factors, units=("m",) * len(markers.units))


def write_markers(path: str | PathLike[str], markers: TimeSeries) -> None:
    """Writes markers as a .trc file, in their own unit.

    Args:
        path: of the file.
        markers: columns such as "WRIST.x", "WRIST.y", "WRIST.z", three of each marker.

    Raises:
        InvalidValue: other columns, or different or unknown units.
        OutputError: it cannot be written.
    """
    names = [name.removesuffix(".x") for name in markers.names[::3]]
    if tuple(f"{name}.{axis}" for name in names for axis in AXES) != markers.names:
        raise InvalidValue(
            "columns of markers", markers.names[:6], "NAME.x, NAME.y, NAME.z of each marker"
        )
    if (
        any("\t" in name for name in names)
        or len(set(markers.units)) != 1
        or markers.units[0] not in UNITS
    ):
        raise InvalidValue(
            "units of markers", markers.units[:3], f"one of {', '.join(UNITS)}, the same for all"
        )
    rate = f"{round(markers.fs_hz, 6):.12g}" if np.isfinite(markers.fs_hz) else "0"
    count = len(markers.time)
    unit = markers.units[0]
    lines = [
        "\t".join(("PathFileType", "4", "(X/Y/Z)", str(path).replace("\t", " ").replace("\n", " ")))
    ]
    lines.append("\t".join((*_FIELDS, "OrigDataRate", "OrigDataStartFrame", "OrigNumFrames")))
    lines.append("\t".join((rate, rate, str(count), str(len(names)), unit, rate, "0", str(count))))
    lines.append("\t".join(("Frame#", "Time", *(f"{name}\t\t" for name in names))) + "\t")
    lines.append(
        "\t\t"
        + "\t".join(f"{axis.upper()}{i + 1}" for i in range(len(names)) for axis in AXES)
        + "\t"
    )
    lines.append("")
    for i, (time, row) in enumerate(
        zip(markers.time.tolist(), markers.values.tolist(), strict=True)
    ):
        cells = ["" if np.isnan(value) else f"{value:.16g}" for value in row]
        lines.append("\t".join((str(i + 1), f"{time:.16g}", *cells)) + "\t")
    write_lines(path, lines)


def _read_counts(path: str | PathLike[str], fields: str, values: str) -> tuple[int, int, str]:
    """Frames, markers and unit, from the second and third line."""
    entries = dict(zip(fields.split("\t"), values.split("\t"), strict=False))
    absent = [field for field in _FIELDS if not entries.get(field, "").strip()]
    if absent:
        raise EmgFileError(path, f"no value for {', '.join(absent)}", where="line 3")
    counts = []
    for field in ("NumFrames", "NumMarkers"):
        word = entries[field].strip()
        if not (word.isascii() and word.isdigit() and len(word) <= 9 and int(word) > 0):
            raise EmgFileError(
                path, f"{field} is {shown(word)}; it must be a whole number above 0", where="line 3"
            )
        counts.append(int(word))
    unit = entries["Units"].strip()
    if unit not in UNITS:
        raise EmgFileError(
            path, f"Units is {shown(unit)}; it must be {', '.join(UNITS)}", where="line 3"
        )
    if counts[1] > MAX_MARKERS:
        raise EmgFileError(path, f"{counts[1]} markers; at most {MAX_MARKERS}", where="line 3")
    return counts[0], counts[1], unit


def _read_names(path: str | PathLike[str], line: str, count: int) -> list[str]:
    cells = [cell.strip() for cell in line.split("\t")]
    names = [cell for cell in cells[2:] if cell]
    if cells[:2] != ["Frame#", "Time"]:
        raise EmgFileError(
            path, f"{shown(line)}: Frame#, Time and the markers are expected", where="line 4"
        )
    if len(names) != count:
        raise EmgFileError(path, f"{len(names)} markers; the heading says {count}", where="line 4")
    return names
