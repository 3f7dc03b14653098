"""Arrays as text for a page: whole numbers, differences, deflated, in base64.

Neighbouring rows of a motion differ little, so the differences of rows are kept (the first row as
it is), modulo 2^16. They are written column by column, all low bytes before all high bytes, and
deflated (zlib, RFC 1950), which browsers undo with `DecompressionStream("deflate")`.
"""

from __future__ import annotations

import math
import zlib
from base64 import b64encode
from typing import TypedDict

import numpy as np

from musclehand.core.errors import InvalidValue

LARGEST = 32767
"""Largest whole number of a packed array; the smallest is its negative."""

NOTHING = -32768
"""Stands for a value that is not there (NaN)."""


class Packed(TypedDict):
    """An array as text."""

    rows: int
    """Number of rows."""

    columns: int
    """Numbers in a row."""

    unit: float
    """What a whole number is multiplied with."""

    data: str
    """Differences of the rows, deflated, in base64."""


def pack(values: np.ndarray, unit: float) -> Packed:
    """Packs an array.

    Args:
        values: NaN where there is none. Shape (rows, ...); the rest of the shape becomes columns.
        unit: resolution; an error of half of it remains.

    Raises:
        InvalidValue: a value lies beyond 32767 units.
    """
    rows = len(values)
    flat = np.asarray(values, dtype=float).reshape(rows, math.prod(values.shape[1:])) / unit
    whole = np.where(np.isnan(flat), NOTHING, np.rint(flat))
    if not (np.isnan(flat) | (np.abs(whole) <= LARGEST)).all():
        largest = float(np.nanmax(np.abs(flat))) * unit
        raise InvalidValue("value to be packed", largest, f"at most {LARGEST * unit:g}")
    numbers = whole.astype(np.int64)
    steps = np.diff(numbers, axis=0, prepend=0).astype(np.uint16).T.ravel()
    planes = np.concatenate([steps & 0xFF, steps >> 8]).astype(np.uint8)
    text = b64encode(zlib.compress(planes.tobytes(), 7)).decode("ascii")
    return Packed(rows=rows, columns=flat.shape[1], unit=unit, data=text)
