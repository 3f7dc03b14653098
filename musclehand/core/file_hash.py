"""Hashes of files, by which it is told whether they are the same."""

from __future__ import annotations

import hashlib
from os import PathLike
from pathlib import Path

_BLOCK = 1 << 20
"""[bytes] Read at a time."""


def file_sha256(path: str | PathLike[str]) -> str:
    """SHA-256 of a file, read in blocks, in hexadecimal digits.

    Raises:
        OSError: the file cannot be read.
    """
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
