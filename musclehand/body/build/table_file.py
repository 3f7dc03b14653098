"""CSV tables, read row by row, with errors that name file, line, column and legal values."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

from musclehand.core.errors import ModelError

Row = TypeVar("Row")


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

    def number(self, column: str, *, low: float = -math.inf, scale: float = 1.0) -> float:
        """The number in a column, times a factor.

        Args:
            column: name of the column.
            low: smallest legal number.
            scale: factor that converts it to SI.

        Raises:
            ModelError: the entry is no finite number, or below `low`.
        """
        value = self._values[column]
        try:
            number = float(value)
        except ValueError:
            raise self.error(column, value, "a number") from None
        if not math.isfinite(number) or number < low:
            raise self.error(column, value, f"a finite number of at least {low:g}")
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
    folder: Path | None, package: str, name: str, parse: Callable[[Fields], Row]
) -> tuple[Row, ...]:
    """Reads a table.

    Args:
        folder: folder of the file, or None for a bundled table.
        package: package of the bundled table.
        name: name of the file.
        parse: converts a line to a row.

    Raises:
        ModelError: the file cannot be read or is not UTF-8, a column is missing, a line is too
            short or too long, or `parse` raised an error about an entry.
    """
    root = files(package) if folder is None else folder
    try:
        text = root.joinpath(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(name, f"cannot be read: {error}") from error
    reader = csv.DictReader(io.StringIO(text))
    rows = []
    for values in reader:
        if None in values or None in values.values():
            raise ModelError(
                name, f"line {reader.line_num} does not have {len(reader.fieldnames or ())} columns"
            )
        try:
            rows.append(parse(Fields(name, reader.line_num, values)))
        except KeyError as error:
            raise ModelError(
                name, f"column {error} is missing; it has {', '.join(reader.fieldnames or ())}"
            ) from error
    return tuple(rows)
