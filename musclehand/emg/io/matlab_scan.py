"""Sizes inside MATLAB files of version 5, checked before any array is made.

A few damaged bytes can state arrays of structures or cells with billions of entries. Here every
array, also within structures and cells, must have no more entries than its bytes can hold.
"""

from __future__ import annotations

import math
import struct
import zlib
from os import PathLike
from typing import NamedTuple

from musclehand.emg.recording import MAX_VALUES, EmgFileError

MAX_RATIO = 200
"""Largest size of compressed variables over that of the file: noise does not compress better."""

_HEADING = 128
_SMALL = 10_000_000
_MAX_DEPTH = 30
_MATRIX, _COMPRESSED = 14, 15
_CELL, _STRUCT, _OBJECT, _SPARSE = 1, 2, 3, 5
_NUMBERS = range(6, 16)
_CHARACTERS = 4


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


def check_matlab(path: str | PathLike[str], data: bytes) -> None:
    """Checks the sizes of all variables.

    Args:
        path: the file, for messages.
        data: its bytes.

    Raises:
        EmgFileError: damaged, or far larger when unpacked than the file.
    """
    order = "<" if data[126:128] == b"IM" else ">"
    limit = max(min(8 * MAX_VALUES, MAX_RATIO * len(data)), _SMALL)
    at = _HEADING
    try:
        while at + 8 <= len(data):
            element = _element(data, at, order)
            at = element.next
            if element.kind == _COMPRESSED:
                unpacked = _unpack(path, data[element.begin : element.end], limit)
                limit -= len(unpacked)
                inside = _element(unpacked, 0, order)
                _check(unpacked, inside, order, 0)
                at = element.end
            elif element.kind == _MATRIX:
                _check(data, element, order, 0)
    except (struct.error, ValueError) as error:
        problem = f"damaged ({str(error)[:80]})"
        raise EmgFileError(path, problem, where=f"variable that ends at byte {at}") from error


def _element(data: bytes, at: int, order: str) -> _Element:
    """The element at a place; small ones have their content in the tag."""
    kind, size = struct.unpack_from(order + "2I", data, at)
    if kind >> 16:
        return _Element(kind & 0xFFFF, at + 4, at + 4 + min(kind >> 16, 4), at + 8)
    end = at + 8 + size
    if end > len(data):
        raise ValueError("a variable that reaches beyond the file")
    padding = 0 if kind == _COMPRESSED else -size % 8
    return _Element(kind, at + 8, end, end + padding)


def _check(data: bytes, matrix: _Element, order: str, depth: int) -> None:
    """Checks a matrix and those inside it.

    Raises:
        ValueError: more entries than bytes, or too deep.
        struct.error: cut short.
    """
    if matrix.kind != _MATRIX or matrix.end == matrix.begin:
        return
    if depth > _MAX_DEPTH:
        raise ValueError(f"over {_MAX_DEPTH} levels of structures")
    flags = _element(data, matrix.begin, order)
    kind = struct.unpack_from(order + "I", data, flags.begin)[0] & 0xFF
    sizes = _element(data, flags.next, order)
    count = (sizes.end - sizes.begin) // 4
    shape = struct.unpack_from(f"{order}{min(count, 64)}i", data, sizes.begin)
    entries = math.prod(max(size, 0) for size in shape)
    if min(shape, default=0) < 0 or entries > MAX_VALUES:
        raise ValueError(f"an array of {entries} entries")
    at = _element(data, sizes.next, order).next
    if kind == _OBJECT:
        at = _element(data, at, order).next
    fields = 1
    if kind in (_STRUCT, _OBJECT):
        length = _element(data, at, order)
        width = max(struct.unpack_from(order + "i", data, length.begin)[0], 1)
        names = _element(data, length.next, order)
        fields = (names.end - names.begin) // width
        at = names.next
    room = matrix.end - matrix.begin
    needed = entries * fields * 8 if kind in (_CELL, _STRUCT, _OBJECT) else entries
    if kind in (_CELL, _STRUCT, _OBJECT, _CHARACTERS, *_NUMBERS) and max(needed, entries) > room:
        raise ValueError(f"{entries} entries in {room} bytes")
    if kind in (_CELL, _STRUCT, _OBJECT):
        while at + 8 <= matrix.end:
            inside = _element(data, at, order)
            _check(data, inside, order, depth + 1)
            at = inside.next


def _unpack(path: str | PathLike[str], packed: bytes, limit: int) -> bytes:
    """The bytes of a compressed element, up to a limit."""
    unpacked = zlib.decompressobj()
    try:
        data = unpacked.decompress(packed, max(limit, 0) + 1)
    except zlib.error as error:
        raise EmgFileError(path, f"damaged ({error})") from error
    if len(data) > limit:
        raise EmgFileError(path, f"over {limit} bytes when unpacked; damaged, or refused")
    return data
