"""Parameter section of a C3D file: names, numbers and texts, read within the file's bounds.

The layout is that of The C3D File Format user guide (c3d.org; recalled, and checked against files
that ezc3d and a Vicon system wrote): blocks of 512 bytes, records of groups (negative number) and
parameters (positive), each with its name, the distance to the next one, a type, dimensions and
values, the first dimension running fastest.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from os import PathLike
from typing import NamedTuple

import numpy as np

from musclehand.emg.recording import EmgFileError

BLOCK = 512
"""Size of a block [bytes]."""

_KEY = 0x50
_INTEL = 84
_DEC = 85
_MIPS = 86
_TYPES = {-1: "S1", 1: "i1", 2: "i2", 4: "f4"}
_MAX_RECORDS = 20_000


class C3dHeading(NamedTuple):
    """Header and parameters of a C3D file."""

    parameters: Mapping[str, np.ndarray | tuple[str, ...]]
    """By name ("POINT:RATE"): numbers as arrays, texts as tuples."""

    first: int
    """First frame, by the header."""

    last: int
    """Last frame, by the header."""

    points: int
    """Markers, by the header."""

    per_frame: int
    """Samples of all channels in a frame, by the header."""

    start: int
    """Block at which the data begin, by the header."""

    order: str
    """Byte order: "<" or ">"."""

    dec: bool
    """Whether floats are those of a DEC processor."""

    def number(self, name: str, default: float = 0.0) -> float:
        """First number of a parameter; `default` where it is missing."""
        values = self.parameters.get(name)
        return float(values[0]) if isinstance(values, np.ndarray) and len(values) else default

    def count(self, name: str) -> int:
        """First number of a parameter as a whole number of at least 0.

        Two-byte numbers beyond 32767 are stored as negative ones.
        """
        value = self.number(name)
        return (int(value) % 65536 if value < 0 else int(value)) if math.isfinite(value) else 0

    def numbers(self, name: str, count: int, default: float) -> np.ndarray:
        """First numbers of a parameter, padded with a default.

        Args:
            name: of the parameter.
            count: length of the result.
            default: value of missing numbers.

        Returns:
            Shape (count,).
        """
        values = self.parameters.get(name)
        stored = values[:count].astype(float) if isinstance(values, np.ndarray) else np.empty(0)
        return np.concatenate([stored, np.full(count - len(stored), default)])

    def texts(self, name: str, count: int) -> list[str]:
        """First texts of a parameter, padded with empty ones up to `count`.

        A parameter with more than 255 texts continues in further ones (LABELS2 ...).
        """
        stored: list[str] = []
        part = 1
        while isinstance(
            texts := self.parameters.get(name if part == 1 else f"{name}{part}"), tuple
        ):
            stored.extend(texts)
            part += 1
        return (stored + [""] * count)[:count]


def read_heading(
    path: str | PathLike[str], data: bytes, *, other_order: bool = False
) -> C3dHeading:
    """Header and parameters of a C3D file.

    Some converters leave the header or the distances between parameters in the order of another
    processor than the one they state. Those that make no sense are read in the other order.

    Args:
        path: the file, for messages.
        data: its bytes.
        other_order: whether all numbers are read in the order that the file does not state.

    Raises:
        EmgFileError: not a C3D file, or a parameter reaches beyond its end.
    """
    try:
        if len(data) < 2 * BLOCK or data[1] != _KEY or not data[0]:
            raise EmgFileError(path, "not a C3D file")
        begin = (data[0] - 1) * BLOCK
        processor = data[begin + 3]
        if processor not in (_INTEL, _DEC, _MIPS):
            raise EmgFileError(
                path, f"unknown processor type {processor}: not a C3D file, or damaged"
            )
        order = ">" if (processor == _MIPS) != other_order else "<"
        points, per_frame, first, last, start = _header_words(data, order)
        parameters = _read_parameters(path, data, begin + 4, order, processor == _DEC)
        return C3dHeading(
            parameters=parameters,
            first=first,
            last=last,
            points=points,
            per_frame=per_frame,
            start=start,
            order=order,
            dec=processor == _DEC,
        )
    except (IndexError, struct.error) as error:
        raise EmgFileError(path, "not a C3D file, cut short or damaged") from error


def _header_words(data: bytes, order: str) -> tuple[int, int, int, int, int]:
    """Markers, samples in a frame, first and last frame, and block of the data, by the header."""
    words = struct.unpack_from(order + "8H", data, 2)
    swapped = struct.unpack_from((">" if order == "<" else "<") + "8H", data, 2)
    if not _is_sensible(words, len(data)) and _is_sensible(swapped, len(data)):
        words = swapped
    points, per_frame, first, last, _, _, _, start = words
    return points, per_frame, first, last, start


def _is_sensible(words: tuple[int, ...], size: int) -> bool:
    """Whether words of a header fit a file of this many bytes."""
    return words[2] <= words[3] and 2 <= words[7] <= size // BLOCK + 1


def floats_of(data: bytes, order: str, dec: bool) -> np.ndarray:
    """Four-byte floats of any of the three processors.

    Args:
        data: bytes.
        order: byte order.
        dec: whether the processor was a DEC.
    """
    if not dec:
        return np.frombuffer(data, order + "f4")
    # A DEC float has its halves in reverse order and an exponent that is larger by two.
    halves = np.frombuffer(data, "<u2").reshape(-1, 2)[:, ::-1].copy()
    return halves.view("<f4")[:, 0] / np.float32(4)


def _read_parameters(
    path: str | PathLike[str], data: bytes, at: int, order: str, dec: bool
) -> dict[str, np.ndarray | tuple[str, ...]]:
    groups: dict[int, str] = {}
    parameters: list[tuple[int, str, np.ndarray | tuple[str, ...]]] = []
    swapped = ">" if order == "<" else "<"
    end = at - 4 + data[at - 2] * BLOCK
    for _ in range(_MAX_RECORDS):
        length, number = struct.unpack_from("2b", data, at)
        if length == 0 or number == 0:
            break
        behind = at + 2 + abs(length)
        name = _text(data[at + 2 : behind]).upper()
        (offset,) = struct.unpack_from(order + "H", data, behind)
        if number < 0:
            groups[-number] = name
        else:
            parameters.append((number, name, _values(path, data, behind + 2, order, dec)))
        if offset == 0:
            break
        if behind + offset >= max(end, at):
            (reverse,) = struct.unpack_from(swapped + "H", data, behind)
            offset = min(offset, reverse)
        at = behind + offset
    return {f"{groups.get(number, '')}:{name}": values for number, name, values in parameters}


def _values(
    path: str | PathLike[str], data: bytes, at: int, order: str, dec: bool
) -> np.ndarray | tuple[str, ...]:
    kind, dimensions = struct.unpack_from("bB", data, at)
    if kind not in _TYPES or dimensions > 7:
        raise EmgFileError(path, "a parameter of no known type: not a C3D file, or damaged")
    sizes = data[at + 2 : at + 2 + dimensions]
    begin = at + 2 + dimensions
    size = abs(kind) * math.prod(sizes)
    raw = data[begin : begin + size]
    if len(raw) < size or len(sizes) < dimensions:
        raise EmgFileError(path, "a parameter larger than the file: cut short or damaged")
    if kind == -1:
        width = sizes[0] if sizes else 1
        return tuple(_text(raw[i : i + width]) for i in range(0, size, width)) if size else ()
    return floats_of(raw, order, dec) if kind == 4 else np.frombuffer(raw, order + _TYPES[kind])


def _text(raw: bytes) -> str:
    return "".join(
        mark for mark in raw.decode("utf-8", errors="replace") if mark.isprintable()
    ).strip()
