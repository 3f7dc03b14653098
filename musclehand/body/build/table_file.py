"""Tables as CSV files, read row by row; a wrong entry names the file, the line, the column and
what is expected."""

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
    """One line of a table with typed access that knows where it stands."""

    def __init__(self, source: str, line: int, values: dict[str, str]) -> None:
        self._source = source
        self._line = line
        self._values = values

    def text(self, column: str, choices: tuple[str, ...] = (), *, required: bool = False) -> str:
        """The words of a column, one of `choices` if there are any; not empty if `required`.

        Raises:
            ModelError: something else stands there.
        """
        value = self._values[column].strip()
        if choices and value not in choices:
            raise self.error(column, value, f"one of {', '.join(choices)}")
        if required and not value:
            raise self.error(column, value, "something")
        return value

    def number(self, column: str, *, low: float = -math.inf, scale: float = 1.0) -> float:
        """A finite number of at least `low`, times `scale`.

        Raises:
            ModelError: something else stands there.
        """
        value = self._values[column]
        try:
            number = float(value)
        except ValueError:
            raise self.error(column, value, "a number") from None
        if not math.isfinite(number) or number < low:
            raise self.error(column, value, f"a finite number of at least {low:g}")
        return number * scale

    def number_or_none(self, column: str, *, low: float = -math.inf, scale: float = 1.0) -> float | None:
        """The same where a number stands, None where the column is empty."""
        return self.number(column, low=low, scale=scale) if self._values[column].strip() else None

    def point(self, prefix: str = "") -> tuple[float, float, float]:
        """Columns x, y, z in millimetres, as [m]."""
        x, y, z = (self.number(f"{axis}{prefix}_mm", scale=1e-3) for axis in "xyz")
        return x, y, z

    def error(self, column: str, value: str, legal: str) -> ModelError:
        """What is wrong with an entry, ready to be raised."""
        return ModelError(self._source, f"line {self._line}, {column} is {value!r}; it must be {legal}")


def read_rows(folder: Path | None, package: str, name: str, parse: Callable[[Fields], Row]) -> tuple[Row, ...]:
    """The rows of the table `name` in `folder`, or in a data package of ours where no folder is
    given.

    Raises:
        ModelError: the file is not there, not text, a column is missing, a line is too short or too
            long, or `parse` found an entry that is not what its column holds.
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
            raise ModelError(name, f"line {reader.line_num} does not have {len(reader.fieldnames or ())} columns")
        try:
            rows.append(parse(Fields(name, reader.line_num, values)))
        except KeyError as error:
            raise ModelError(name, f"column {error} is missing; it has {', '.join(reader.fieldnames or ())}") from error
    return tuple(rows)
