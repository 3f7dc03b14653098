"""Undoes the packing of a page's arrays, written apart from the library."""

import zlib
from base64 import b64decode

import numpy as np


def unpack(packed):
    """The array, as the page's script makes it."""
    planes = np.frombuffer(zlib.decompress(b64decode(packed["data"])), dtype=np.uint8)
    low, high = planes.astype(np.uint16).reshape(2, packed["columns"], packed["rows"])
    whole = np.cumsum(low | (high << 8), axis=1, dtype=np.uint16).astype(np.int16).T
    return np.where(whole == -32768, np.nan, whole * packed["unit"])
