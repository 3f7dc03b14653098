"""CSV tables, read row by row, with errors that name file, line, column and legal values."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

from musclehand.core.errors import ModelError, UnknownName

Row = TypeVar("Row")

DECIMAL_COMMA = re.compile(r"\s*[+-]?\d+,\d+\s*")
"""A number with a decimal comma, as spreadsheets of many countries write it."""


class Fields:
    """One line of a table, with typed access to its columns."""

    def __init__(self, source: str, line: int, values: dict[str, str]) -> None:
        """Wraps a line.

        Args:
            source: name of the file, for messages.
            line: number of the line, for messages.
            values: entries by column.
        """
        self._source = source
        self._line = line
        self._values = values

    def text(self, column: str, choices: tuple[str, ...] = (), *, required: bool = False) -> str:
        """The text in a column, without surrounding blanks.

        Args:
            column: name of the column.
            choices: legal texts; empty for any.
            required: whether the text must not be empty.

        Raises:
            ModelError: the text is not legal.
        """
        value = self._values[column].strip()
        if choices and value not in choices:
            raise self.error(column, value, f"one of {', '.join(choices)}")
        if required and not value:
            raise self.error(column, value, "something")
        return value

    def name(self, column: str, kind: str, legal: Iterable[str]) -> str:
        """The name in a column, one of many legal ones.

        Args:
            column: name of the column.
            kind: what it is the name of, such as "joint".
            legal: all legal names.

        Raises:
            ModelError: the name is none of them; the message has similar ones.
        """
        value = self._values[column].strip()
        names = tuple(legal)
        if value not in names:
            problem = UnknownName(kind, value, names)
            raise ModelError(self._source, f"line {self._line}, {column}: {problem}")
        return value

    def number(
        self, column: str, *, low: float = -math.inf, high: float = math.inf, scale: float = 1.0
    ) -> float:
        """The number in a column, times a factor.

        Args:
            column: name of the column.
            low: smallest legal number.
            high: largest legal number.
            scale: factor that converts it to SI.

        Raises:
            ModelError: the entry is no finite number, below `low`, or above `high`.
        """
        value = self._values[column]
        try:
            # Python reads 1_000 as a number; in a table it is a slip.
            number = float("" if "_" in value else value)
        except ValueError:
            hint = "a number"
            if DECIMAL_COMMA.fullmatch(value):
                hint = "a number with a decimal point, not a comma"
            elif re.match(r"\s*[+-]?[\d.]+\s*[a-zA-Z%°/]", value):
                hint = "a number alone, without its unit"
            raise self.error(column, value, hint) from None
        if not (math.isfinite(number) and low <= number <= high):
            legal = [f"of at least {low:g}"] if math.isfinite(low) else []
            legal += [f"of at most {high:g}"] if math.isfinite(high) else []
            raise self.error(column, value, f"a finite number {' and '.join(legal)}".rstrip())
        return number * scale

    def number_or_none(
        self, column: str, *, low: float = -math.inf, scale: float = 1.0
    ) -> float | None:
        """The number in a column, times a factor, or None if the column is empty.

        Args:
            column: name of the column.
            low: smallest legal number.
            scale: factor that converts it to SI.

        Raises:
            ModelError: the entry is no finite number, or below `low`.
        """
        return self.number(column, low=low, scale=scale) if self._values[column].strip() else None

    def point(self, prefix: str = "") -> tuple[float, float, float]:
        """The point [m] in the columns x, y, z, which are in millimetres.

        Args:
            prefix: text between axis and unit in the columns' names: "x0_mm" for "0".
        """
        x, y, z = (self.number(f"{axis}{prefix}_mm", scale=1e-3) for axis in "xyz")
        return x, y, z

    def error(self, column: str, value: str, legal: str) -> ModelError:
        """The error about an entry.

        Args:
            column: name of the column.
            value: the entry.
            legal: legal values, in words.
        """
        return ModelError(
            self._source, f"line {self._line}, {column} is {value!r}; it must be {legal}"
        )


def read_rows(
    folder: Path | None,
    package: str,
    name: str,
    parse: Callable[[Fields], Row],
    *,
    unique: str | None = None,
) -> tuple[Row, ...]:
    """Reads a table.

    Lines without any entry are left out, as are blanks around the names of columns and a byte
    order mark, which spreadsheets write.

    Args:
        folder: folder of the file, or None for a bundled table.
        package: package of the bundled table.
        name: name of the file.
        parse: converts a line to a row.
        unique: column whose entry each line has for itself, None without one.

    Raises:
        ModelError: the file cannot be read or is not UTF-8, it has no lines, a column is missing
            or there twice, a line is too short or too long or repeats an entry of `unique`, or
            `parse` raised an error about an entry.
    """
    root = files(package) if folder is None else folder
    try:
        text = root.joinpath(name).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ModelError(name, f"cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        problem = f"cannot be read: byte {error.start + 1} is not UTF-8; save it as CSV in UTF-8"
        raise ModelError(name, problem) from error
    reader = csv.reader(io.StringIO(text))
    try:
        lines = [(reader.line_num, entries) for entries in reader if any(map(str.strip, entries))]
    except csv.Error as error:
        raise ModelError(name, f"line {reader.line_num} is not CSV: {error}") from error
    header = _header(name, lines)
    rows = []
    lines_of: dict[str, int] = {}
    for line, entries in lines[1:]:
        _check_length(name, line, entries, header)
        values = dict(zip(header, entries, strict=True))
        try:
            if unique is not None:
                _check_unique(name, line, unique, values[unique].strip(), lines_of)
            rows.append(parse(Fields(name, line, values)))
        except KeyError as error:
            raise ModelError(
                name, f"column {error} is missing; it has {', '.join(header)}"
            ) from error
    return tuple(rows)


def _header(name: str, lines: Sequence[tuple[int, list[str]]]) -> list[str]:
    """Names of the columns.

    Raises:
        ModelError: there are no lines, the columns are not separated by commas, or two have one
            name.
    """
    if len(lines) < 2:
        raise ModelError(name, "has no lines below the names of its columns")
    header = [column.strip() for column in lines[0][1]]
    if len(header) == 1:
        for mark, words in ((";", "semicolons"), ("\t", "tabs")):
            if mark in header[0]:
                problem = f"its columns are separated by {words}; save it with commas"
                raise ModelError(name, problem)
    for column in header:
        if header.count(column) > 1:
            raise ModelError(name, f"column {column!r} is there twice")
    return header


def _check_length(name: str, line: int, entries: Sequence[str], header: Sequence[str]) -> None:
    """Checks that a line has an entry for each column, and does not repeat their names."""
    if [entry.strip() for entry in entries] == list(header):
        raise ModelError(name, f"line {line} repeats the names of the columns")
    if len(entries) == len(header):
        return
    problem = f"line {line} does not have {len(header)} columns but {len(entries)}"
    if len(entries) > len(header):
        problem += "; a decimal comma, or a text with a comma that is not in quotes?"
    raise ModelError(name, problem)


def _check_unique(name: str, line: int, column: str, value: str, lines_of: dict[str, int]) -> None:
    """Checks that an entry does not occur in an earlier line, and notes its line."""
    if value in lines_of:
        problem = f"line {line}, {column} is {value!r}, as in line {lines_of[value]}"
        raise ModelError(name, f"{problem}; each may come once")
    lines_of[value] = line
