"""OpenSim's .sto and .mot: a table of numbers over time below a heading, separated by tabs.

Readable are the headings of OpenSim 4 (version 3) and of older versions: a name, nRows, nColumns,
or datarows and datacolumns as SIMM writes them. Tabs and spaces may be mixed, with any line ends,
and with or without a last newline. Files are written as OpenSim 4.6 does, to the last digit.
Values stay as they are in the file. `in_degrees` states that angles are degrees; only a model knows
which columns are angles.

Files separated by commas are refused, as in OpenSim, and so are values of more than one number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

import numpy as np

from musclehand.core.errors import InvalidValue, OutputError
from musclehand.emg.io.text_file import parse_numbers, read_text, shown
from musclehand.emg.recording import EmgFileError, TimeSeries

MAX_HEADING_LINES = 500
"""Longest heading that is read [lines]."""

_COUNTS = {"nrows": "rows", "datarows": "rows", "ncolumns": "columns", "datacolumns": "columns"}


@dataclass(frozen=True, eq=False)
class StorageFile:
    """A table over time."""

    series: TimeSeries
    """The columns, with the values of the file."""

    in_degrees: bool = False
    """Whether angles are degrees."""

    heading: Mapping[str, str] = field(default_factory=dict)
    """All entries of the heading."""

    first_line: int = 1
    """Line of the first row in the file."""


def read_storage(path: str | PathLike[str]) -> StorageFile:
    """Reads a .sto or .mot file.

    Raises:
        EmgFileError: no such file, or not one of OpenSim's. Names the line and the problem.
    """
    lines = read_text(path).rstrip("\n").split("\n")
    heading, end = _read_heading(path, lines)
    first = next((i for i in range(end + 1, len(lines)) if lines[i].strip()), len(lines))
    if first == len(lines):
        raise EmgFileError(path, "nothing below the heading", where=f"line {end + 1}")
    separator = "\t" if "\t" in lines[first] else None
    names = [name.strip() for name in lines[first].rstrip("\t ").split(separator)]
    where = f"line {first + 1}"
    if names[0].lower() != "time" or len(names) < 2:
        raise EmgFileError(
            path, f"{shown(lines[first])}: the columns' names are expected, time first", where=where
        )
    values = parse_numbers(
        path, _trimmed(lines[first + 1 :]), len(names), delimiter=None, first_line=first + 2
    )
    _check_counts(path, heading, values.shape)
    if len(values) == 0 or np.isnan(values[:, 0]).any():
        raise EmgFileError(path, "no rows, or rows without a time", where=f"line {first + 2}")
    in_degrees = heading.get("inDegrees", "no").lower()
    if in_degrees not in ("yes", "no", "y", "n", "true", "false"):
        raise EmgFileError(path, f"inDegrees is {shown(in_degrees)}; it must be yes or no")
    try:
        series = TimeSeries(values[:, 0], values[:, 1:], tuple(names[1:]))
    except InvalidValue as error:
        raise EmgFileError(path, str(error)) from error
    return StorageFile(series, in_degrees in ("yes", "y", "true"), heading, first + 2)


def write_storage(path: str | PathLike[str], storage: StorageFile) -> None:
    """Writes a .sto or .mot file as OpenSim 4 does.

    Raises:
        InvalidValue: a column's name with a tab, comma or equals sign.
        OutputError: it cannot be written.
    """
    series = storage.series
    for name in series.names:
        if any(mark in name for mark in "\t=,"):
            raise InvalidValue("name of a column", name, "without tab, comma and equals sign")
    entries = {
        "inDegrees": "yes" if storage.in_degrees else "no",
        "DataType": "double",
        "version": "3",
    }
    kept = {
        key: value
        for key, value in storage.heading.items()
        if key not in entries and key.lower() not in _COUNTS
    }
    lines = [f"{key}={value}" for key, value in {**entries, **kept}.items() if key != "name"]
    lines += ["endheader", "\t".join(("time", *series.names))]
    table = np.column_stack([series.time, series.values])
    lines += ["\t".join(f"{value:.16g}" for value in row) for row in table.tolist()]
    write_lines(path, lines)


def write_lines(path: str | PathLike[str], lines: list[str]) -> None:
    """Writes lines of text.

    Raises:
        OutputError: they cannot be written.
    """
    try:
        Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    except OSError as error:
        raise OutputError(path, error.strerror or str(error)) from error


def _read_heading(path: str | PathLike[str], lines: list[str]) -> tuple[dict[str, str], int]:
    """The entries of the heading, and the index of its last line."""
    heading: dict[str, str] = {}
    for i, line in enumerate(lines[:MAX_HEADING_LINES]):
        word = line.strip()
        if word.lower() == "endheader":
            return heading, i
        if line.rstrip().endswith(",,") or word.lower().startswith("endheader,"):
            raise EmgFileError(
                path,
                "separated by commas; OpenSim's files are separated by tabs",
                where=f"line {i + 1}",
            )
        entry = line if "=" in line else word.replace(" ", "=", 1)
        key, _, value = (part.strip() for part in entry.partition("="))
        if key and value and ("=" in line or key.lower() in _COUNTS):
            heading[key] = value
        elif i == 0 and word:
            heading["name"] = word
        if heading.get("DataType", "double").lower() != "double":
            kind = heading["DataType"]
            raise EmgFileError(
                path, f"DataType is {shown(kind)}; only double is read", where=f"line {i + 1}"
            )
    raise EmgFileError(
        path,
        f"no endheader within {min(len(lines), MAX_HEADING_LINES)} lines: not a file of OpenSim",
    )


def _check_counts(
    path: str | PathLike[str], heading: Mapping[str, str], shape: tuple[int, ...]
) -> None:
    for key, value in heading.items():
        kind = _COUNTS.get(key.lower())
        count = shape[0] if kind == "rows" else shape[1]
        if kind is not None and value != str(count):
            raise EmgFileError(
                path,
                f"the heading says {shown(value)} {kind}; there are {count}: cut short or damaged",
            )


def _trimmed(lines: list[str]) -> list[str]:
    """The lines without blank ones at the end; blank lines in between stay, as errors."""
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    return lines[:end]
