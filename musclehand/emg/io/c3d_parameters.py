"""The parameter section of a C3D file: names, numbers and texts, read with the file's bounds in
mind.

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
_KEY = 0x50
_INTEL = 84
_DEC = 85
_MIPS = 86
_TYPES = {-1: "S1", 1: "i1", 2: "i2", 4: "f4"}
_MAX_RECORDS = 20_000


class C3dHeading(NamedTuple):
    """All that stands before the data: `parameters` by name ("POINT:RATE"), numbers as arrays and
    texts as tuples; `first` and `last` frame, `points` and `per_frame` samples of all channels in a
    frame, `start` block of the data, as the header has them; `order` of the bytes, and whether
    floats are those of a `dec`.
    """

    parameters: Mapping[str, np.ndarray | tuple[str, ...]]
    first: int
    last: int
    points: int
    per_frame: int
    start: int
    order: str
    dec: bool

    def number(self, name: str, default: float = 0.0) -> float:
        """The first number of a parameter; `default` where there is none."""
        values = self.parameters.get(name)
        return float(values[0]) if isinstance(values, np.ndarray) and len(values) else default

    def count(self, name: str) -> int:
        """The same as a whole number of at least 0; 2-byte numbers count on below zero beyond
        32767."""
        value = self.number(name)
        return (int(value) % 65536 if value < 0 else int(value)) if math.isfinite(value) else 0

    def numbers(self, name: str, count: int, default: float) -> np.ndarray:
        """The first numbers of a parameter, filled up to `count`. Shape (count,)."""
        values = self.parameters.get(name)
        found = values[:count].astype(float) if isinstance(values, np.ndarray) else np.empty(0)
        return np.concatenate([found, np.full(count - len(found), default)])

    def texts(self, name: str, count: int) -> list[str]:
        """The first texts of a parameter and of those that go on after 255 (LABELS2 ...), filled
        up to `count`."""
        found: list[str] = []
        part = 1
        while isinstance(
            texts := self.parameters.get(name if part == 1 else f"{name}{part}"), tuple
        ):
            found.extend(texts)
            part += 1
        return (found + [""] * count)[:count]


def read_heading(path: str | PathLike[str], data: bytes) -> C3dHeading:
    """Header and parameters of a C3D file.

    Raises:
        EmgFileError: it is no C3D file, or a parameter is not wholly in it.
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
        order = ">" if processor == _MIPS else "<"
        points, per_frame, first, last, _, _, _, start = struct.unpack_from(order + "8H", data, 2)
        parameters = _read_parameters(path, data, begin + 4, order, processor == _DEC)
        return C3dHeading(
            parameters, first, last, points, per_frame, start, order, processor == _DEC
        )
    except (IndexError, struct.error) as error:
        raise EmgFileError(path, "not a C3D file, cut short or damaged") from error


def floats_of(data: bytes, order: str, dec: bool) -> np.ndarray:
    """Four-byte floats of any of the three processors."""
    if not dec:
        return np.frombuffer(data, order + "f4")
    # A DEC float has its halves the other way round and an exponent that is larger by two.
    return np.frombuffer(data, "<u2").reshape(-1, 2)[:, ::-1].copy().view("<f4")[:, 0] / np.float32(
        4
    )


def _read_parameters(
    path: str | PathLike[str], data: bytes, at: int, order: str, dec: bool
) -> dict[str, np.ndarray | tuple[str, ...]]:
    groups: dict[int, str] = {}
    found: list[tuple[int, str, np.ndarray | tuple[str, ...]]] = []
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
            found.append((number, name, _values(path, data, behind + 2, order, dec)))
        if offset == 0:
            break
        at = behind + offset
    return {f"{groups.get(number, '')}:{name}": values for number, name, values in found}


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
