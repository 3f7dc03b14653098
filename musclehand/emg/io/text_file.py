"""Text files of numbers: checks of size and encoding, and errors that name the wrong line.

Numbers of a whole file are parsed at once, by C code. Only if that fails are the lines parsed one
by one, to name the wrong one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import numpy as np

from musclehand.emg.recording import EmgFileError

MAX_TEXT_BYTES = 150_000_000
"""Largest text file that is read [bytes]: an hour of 16 channels at 250 Hz, or seven minutes at 2
kHz."""

_SHOWN = 60
_HEAD_BYTES = 100_000
"""Bytes in which a heading of another encoding is looked for: chosen, larger than any heading."""


def read_bytes(path: str | PathLike[str], max_bytes: int) -> bytes:
    """The bytes of a file, after a check of its kind and size.

    Raises:
        EmgFileError: no such file, a folder or device, or one of more than `max_bytes` bytes.
    """
    try:
        if not Path(path).is_file():
            raise EmgFileError(path, "is not a file" if Path(path).exists() else "no such file")
        size = Path(path).stat().st_size
        if size > max_bytes:
            raise EmgFileError(path, f"{size} bytes; at most {max_bytes} are read")
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        problem = (
            os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        )
        raise EmgFileError(path, problem) from error


def read_text(path: str | PathLike[str], max_bytes: int = MAX_TEXT_BYTES) -> str:
    """The text of a file; all line ends become newlines.

    The encoding is UTF-8, or UTF-16 with a byte order mark. A byte that is not UTF-8 is taken for
    Windows-1252, such as the micro sign of a heading, if words surround it in the first lines.

    Raises:
        EmgFileError: it cannot be read, is too large, or is not text. Names the line of the first
            wrong byte.
    """
    data = read_bytes(path, max_bytes)
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        if data[:2] in (b"\xff\xfe", b"\xfe\xff") or not _is_windows_text(data):
            raise EmgFileError(path, "not text in UTF-8", where=f"line {line}") from error
        text = data.decode("cp1252", errors="replace")
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
        width: numbers in a line.
        delimiter: between them; None: any white space.
        first_line: number of the first line in the file.

    Raises:
        EmgFileError: a line with another number of fields, or with a field that is no finite
            number. Names the line.
    """
    if not lines:
        return np.empty((0, width))
    fast = _parse_fast(lines, width, delimiter)
    if fast is not None:
        return fast
    # No array of the stated size is allocated before all lines have that many fields.
    rows = []
    for i, line in enumerate(lines):
        where = f"line {first_line + i}"
        fields = line.split(delimiter)
        if len(fields) != width:
            raise EmgFileError(path, f"{len(fields)} fields; there must be {width}", where=where)
        rows.append(np.array([_number(path, field, where) for field in fields]))
    return np.stack(rows)


def shown(text: str) -> str:
    """A piece of a file for a message, short and printable."""
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")


def _is_windows_text(data: bytes) -> bool:
    """Whether all bytes beyond ASCII stand in early lines that have letters."""
    head = data[:_HEAD_BYTES]
    wrong = [line for line in head.splitlines() if not line.isascii()]
    return data[_HEAD_BYTES:].isascii() and all(re.search(rb"[A-Za-z]", line) for line in wrong)


def _parse_fast(lines: Sequence[str], width: int, delimiter: str | None) -> np.ndarray | None:
    """The array for lines that are all valid; None where a line may not be."""
    if not lines[0].strip():
        return None
    try:
        values = np.loadtxt(lines, delimiter=delimiter, ndmin=2, comments=None, dtype=np.float64)
    except (ValueError, OverflowError):
        return None
    valid = values.shape == (len(lines), width) and not np.isinf(values).any()
    return values if valid else None


def _number(path: str | PathLike[str], field: str, where: str) -> float:
    word = field.strip()
    if word.lower() in ("", "nan"):
        return np.nan
    try:
        # Python allows underscores between digits; a file of numbers does not.
        value = float(word.replace("_", "?"))
    except ValueError:
        raise EmgFileError(path, f"{shown(word)} is not a number", where=where) from None
    if np.isinf(value):
        raise EmgFileError(path, f"{shown(word)} is not a finite number", where=where)
    return value
