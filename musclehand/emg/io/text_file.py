"""Text files of numbers, read with care: how large, in which code, and which line does not belong.

Numbers of a whole file are parsed at once, by C code; only when that fails are the lines looked at
one by one to name the one that is wrong.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import numpy as np

from musclehand.emg.recording import EmgFileError

MAX_TEXT_BYTES = 150_000_000
"""The largest text file that is read: an hour of 16 channels at 250 Hz, or seven minutes at 2
kHz."""

_SHOWN = 60


def read_bytes(path: str | PathLike[str], most: int) -> bytes:
    """The bytes of a file, after looking at what it is and how large.

    Raises:
        EmgFileError: no such file, a folder or device, or one of more than `most` bytes.
    """
    try:
        if not Path(path).is_file():
            raise EmgFileError(path, "is not a file" if Path(path).exists() else "no such file")
        size = Path(path).stat().st_size
        if size > most:
            raise EmgFileError(path, f"{size} bytes; at most {most} are read")
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        problem = (
            os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        )
        raise EmgFileError(path, problem) from error


def read_text(path: str | PathLike[str], most: int = MAX_TEXT_BYTES) -> str:
    """The text of a file in UTF-8, with or without byte order mark; all line ends become newlines.

    Raises:
        EmgFileError: it cannot be read, is too large, or is not text: names the line of the first
            wrong byte.
    """
    data = read_bytes(path, most)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise EmgFileError(path, "not text in UTF-8", where=f"line {line}") from error
    if "\0" in text:
        raise EmgFileError(
            path,
            "not text: a zero byte",
            where=f"line {text.count(chr(10), 0, text.index(chr(0))) + 1}",
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")


def parse_numbers(
    path: str | PathLike[str],
    lines: Sequence[str],
    width: int,
    *,
    delimiter: str | None,
    first_line: int,
) -> np.ndarray:
    """Lines of `width` numbers each as an array; empty fields and "nan" are missing. Shape (n,
    width).

    Args:
        path: the file, for messages.
        lines: without line ends; lines that are empty or blank are not allowed.
        width: how many numbers each has.
        delimiter: between them; None: any white space.
        first_line: number of the first line in the file.

    Raises:
        EmgFileError: names the line that has another number of fields, or one that is no finite
            number.
    """
    if not lines:
        return np.empty((0, width))
    fast = _parse_fast(lines, width, delimiter)
    if fast is not None:
        return fast
    # not one array of the size that a heading promises: a line that breaks the promise comes first
    rows = []
    for i, line in enumerate(lines):
        where = f"line {first_line + i}"
        fields = line.split(delimiter)
        if len(fields) != width:
            raise EmgFileError(path, f"{len(fields)} fields; there must be {width}", where=where)
        rows.append(np.array([_number(path, field, where) for field in fields]))
    return np.stack(rows)


def shown(text: str) -> str:
    """A piece of a file for a message: short, and printable."""
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")


def _parse_fast(lines: Sequence[str], width: int, delimiter: str | None) -> np.ndarray | None:
    """The same for lines that are all in order; None where one may not be."""
    try:
        values = np.loadtxt(lines, delimiter=delimiter, ndmin=2, comments=None, dtype=np.float64)
    except (ValueError, OverflowError):
        return None
    good = values.shape == (len(lines), width) and not np.isinf(values).any()
    return values if good else None


def _number(path: str | PathLike[str], field: str, where: str) -> float:
    word = field.strip()
    if word.lower() in ("", "nan"):
        return np.nan
    try:
        value = float(
            word.replace("_", "?")
        )  # what Python allows between digits is no number in a file
    except ValueError:
        raise EmgFileError(path, f"{shown(word)} is not a number", where=where) from None
    if np.isinf(value):
        raise EmgFileError(path, f"{shown(word)} is not a finite number", where=where)
    return value
