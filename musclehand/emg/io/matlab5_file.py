"""MATLAB files of version 5: arrays of numbers and texts by name, read within the file's bounds.

The layout is that of MathWorks' MAT-File Format (R2023b), chapter "MAT-File Level 5". This is a
reader of its own, compared with scipy in the tests: damaged bytes can crash scipy's. Objects,
functions, sparse and complex arrays are passed over.
"""

from __future__ import annotations

import math
import struct
import zlib
from os import PathLike
from typing import NamedTuple

import numpy as np

from musclehand.emg.recording import MAX_VALUES, EmgFileError

MAX_RATIO = 200
"""Largest size of compressed variables over that of the file: noise does not compress better."""

_HEADING = 128
_SMALL = 10_000_000
_MAX_DEPTH = 30
_MAX_FIELDS = 4096
_MATRIX, _COMPRESSED = 14, 15
_CELL, _STRUCT, _CHARACTERS = 1, 2, 4
_NUMBERS = range(6, 16)
_COMPLEX = 0x0800
_KINDS = {
    **{1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4"},
    **{9: "f8", 12: "i8", 13: "u8", 16: "u1", 17: "u2", 18: "u4"},
}


class _Element(NamedTuple):
    """A piece of a file with a tag."""

    kind: int
    """As the format numbers them."""

    begin: int
    """First byte of its content."""

    end: int
    """Byte behind its content."""

    next: int
    """First byte of the next element."""


class _Matrix(NamedTuple):
    """Heading of an array."""

    kind: int
    """Class of the array."""

    shape: tuple[int, ...]
    """Its dimensions."""

    name: str
    """Empty inside structures and cells."""

    begin: int
    """First byte behind the heading."""

    is_complex: bool
    """Whether it has an imaginary part."""


class _Reader:
    """Arrays and texts of a file by name, gathered while its elements are walked through."""

    def __init__(self, order: str) -> None:
        self.order = order
        self.arrays: dict[str, np.ndarray] = {}
        self.texts: dict[str, list[str]] = {}

    def take(self, data: bytes, element: _Element, name: str, depth: int) -> None:
        """Reads an array and those inside it.

        Raises:
            ValueError: more entries than bytes, or too deep.
            struct.error: cut short.
        """
        if element.kind != _MATRIX or element.end == element.begin:
            return
        matrix = self._heading(data, element)
        name = name or matrix.name
        if depth > _MAX_DEPTH:
            raise ValueError(f"over {_MAX_DEPTH} levels of structures")
        room = element.end - element.begin
        entries = math.prod(matrix.shape)
        if matrix.kind in (_CELL, _STRUCT) and entries > room:
            raise ValueError(f"{entries} entries in {room} bytes")
        if matrix.kind in _NUMBERS and not matrix.is_complex:
            self.arrays[name] = self._values(data, matrix)
        elif matrix.kind == _CHARACTERS:
            self.texts[name] = self._rows(data, matrix)
        elif matrix.kind == _CELL:
            self.texts[name] = self._cells(data, matrix, element.end)
        elif matrix.kind == _STRUCT and entries == 1:
            self._fields(data, matrix, element.end, name, depth)

    def _heading(self, data: bytes, element: _Element) -> _Matrix:
        flags = self.element(data, element.begin)
        word = struct.unpack_from(self.order + "I", data, flags.begin)[0]
        sizes = self.element(data, flags.next)
        count = min((sizes.end - sizes.begin) // 4, 64)
        shape = struct.unpack_from(f"{self.order}{count}i", data, sizes.begin)
        label = self.element(data, sizes.next)
        if min(shape, default=-1) < 0 or math.prod(shape) > MAX_VALUES or label.next > element.end:
            raise ValueError(f"an array of {' x '.join(map(str, shape))[:60]}")
        name = data[label.begin : label.end].decode("utf-8", "replace")
        printable = "".join(mark for mark in name if mark.isprintable())[:200]
        return _Matrix(word & 0xFF, shape, printable, label.next, bool(word & _COMPLEX))

    def _values(self, data: bytes, matrix: _Matrix) -> np.ndarray:
        """The numbers of an array, which may be stored in a smaller type than its own."""
        element = self.element(data, matrix.begin)
        kind = _KINDS.get(element.kind)
        if kind is None:
            raise ValueError(f"numbers of type {element.kind}")
        size = int(kind[1])
        count = math.prod(matrix.shape)
        if (element.end - element.begin) != count * size:
            raise ValueError(f"{count} numbers in {element.end - element.begin} bytes")
        values = np.frombuffer(data[element.begin : element.end], self.order + kind)
        return values.reshape(matrix.shape, order="F")

    def _rows(self, data: bytes, matrix: _Matrix) -> list[str]:
        """Rows of a matrix of characters, without spaces behind them."""
        if not math.prod(matrix.shape):
            return []
        if len(matrix.shape) != 2 or matrix.shape[0] > _MAX_FIELDS:
            return []
        element = self.element(data, matrix.begin)
        if element.kind == 16:
            raw = data[element.begin : element.end].decode("utf-8", "replace")
            codes = np.array([ord(mark) for mark in raw], dtype=np.uint32)
            if len(codes) != math.prod(matrix.shape):
                return []
            codes = codes.reshape(matrix.shape, order="F")
        else:
            codes = self._values(data, matrix)
        rows = ["".join(chr(int(code) & 0xFFFF) for code in row[:200]) for row in codes]
        return ["".join(mark for mark in row if mark.isprintable()).strip() for row in rows]

    def _cells(self, data: bytes, matrix: _Matrix, end: int) -> list[str]:
        """The texts of a cell array; none where it has anything else."""
        texts: list[str] = []
        at = matrix.begin
        while at + 8 <= end and len(texts) < _MAX_FIELDS:
            element = self.element(data, at)
            at = element.next
            if element.kind != _MATRIX or element.end == element.begin:
                return []
            inside = self._heading(data, element)
            if inside.kind != _CHARACTERS:
                return []
            texts.append((self._rows(data, inside) or [""])[0])
        return texts

    def _fields(self, data: bytes, matrix: _Matrix, end: int, name: str, depth: int) -> None:
        """The fields of a structure, under names with points."""
        length = self.element(data, matrix.begin)
        width = struct.unpack_from(self.order + "i", data, length.begin)[0]
        names = self.element(data, length.next)
        if not 0 < width <= 200 or names.end - names.begin > width * _MAX_FIELDS:
            raise ValueError(f"names of fields of {width} bytes")
        at = names.next
        for begin in range(names.begin, names.end - width + 1, width):
            raw = data[begin : begin + width].split(b"\0")[0].decode("utf-8", "replace")
            field = "".join(mark for mark in raw if mark.isprintable())
            element = self.element(data, at)
            if element.next > end + 8:
                raise ValueError("a field that reaches beyond its structure")
            self.take(data, element, f"{name}.{field}", depth + 1)
            at = element.next

    def element(self, data: bytes, at: int) -> _Element:
        """The element at a place; small ones have their content in the tag.

        Raises:
            ValueError: it reaches beyond the data.
            struct.error: cut short.
        """
        kind, size = struct.unpack_from(self.order + "2I", data, at)
        if kind >> 16:
            return _Element(kind & 0xFFFF, at + 4, at + 4 + min(kind >> 16, 4), at + 8)
        end = at + 8 + size
        if end > len(data):
            raise ValueError("a variable that reaches beyond the file")
        padding = 0 if kind == _COMPRESSED else -size % 8
        return _Element(kind, at + 8, end, end + padding)


def load_matlab5(
    path: str | PathLike[str], data: bytes
) -> tuple[dict[str, np.ndarray], dict[str, list[str]]]:
    """Arrays of numbers and lists of texts by name; fields of structures have names with points.

    Args:
        path: the file, for messages.
        data: its bytes.

    Raises:
        EmgFileError: damaged, or far larger when unpacked than the file.
    """
    reader = _Reader("<" if data[126:128] == b"IM" else ">")
    limit = max(min(8 * MAX_VALUES, MAX_RATIO * len(data)), _SMALL)
    at = _HEADING
    try:
        while at + 8 <= len(data):
            element = reader.element(data, at)
            at = element.next
            if element.kind == _COMPRESSED:
                unpacked = _unpack(path, data[element.begin : element.end], limit)
                limit -= len(unpacked)
                reader.take(unpacked, reader.element(unpacked, 0), "", 0)
            else:
                reader.take(data, element, "", 0)
    except (struct.error, ValueError) as error:
        problem = f"damaged ({str(error)[:80]})"
        raise EmgFileError(path, problem, where=f"before byte {min(at, len(data))}") from error
    return reader.arrays, reader.texts


def _unpack(path: str | PathLike[str], packed: bytes, limit: int) -> bytes:
    """The bytes of a compressed element, up to a limit."""
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(packed, max(limit, 0) + 1)
    except zlib.error as error:
        raise EmgFileError(path, f"damaged ({error})") from error
    if len(data) > limit:
        raise EmgFileError(path, f"over {limit} bytes when unpacked; damaged, or refused")
    if not unpacker.eof:
        raise EmgFileError(path, "damaged (a compressed variable that is cut short)")
    return data
