"""Finished pieces of the tracking of a film, kept in a folder so that it can be resumed.

A piece holds the hands of a minute of film and the tracker's state after it. It is bound by a hash
to everything that it depends on: the film, the networks, the settings, and its place in the film.
A piece that is damaged or belongs to another tracking is computed again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from musclehand.core.atomic import write_file
from musclehand.watch.landmarks import NUM_POINTS, SIDES

_PATTERN = "hands_*.piece"

_LINE = 1000
"""[bytes] Longest first line of a file, which holds the hashes."""


class Piece(NamedTuple):
    """Hands of consecutive pictures, in two anonymous places."""

    points: np.ndarray
    """[pixels] NaN where no hand is. Shape (n, 2, 21, 2), float32."""

    presence: np.ndarray
    """0 to 1. Shape (n, 2), float32."""

    right: np.ndarray
    """Confidence that a hand is a right one. Shape (n, 2), float32."""

    state: np.ndarray
    """Of the tracker after the last picture. Shape (2, 8), float64."""


def empty_piece(frames: int) -> Piece:
    """A piece without hands.

    Args:
        frames: number of pictures.
    """
    return Piece(
        np.full((frames, SIDES, NUM_POINTS, 2), np.nan, dtype="<f4"),
        np.zeros((frames, SIDES), dtype="<f4"),
        np.full((frames, SIDES), 0.5, dtype="<f4"),
        np.zeros((SIDES, 8), dtype="<f8"),
    )


class TrackStore:
    """The pieces of one tracking in a folder."""

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        """Takes a folder into use.

        Args:
            folder: an existing folder.
            settings: all that the pieces depend on; JSON values.
        """
        self._folder = folder
        self._settings = json.dumps(dict(settings), sort_keys=True)

    def load(self, index: int, frames: int) -> Piece | None:
        """A finished piece, None where there is none that is whole and of this tracking.

        Args:
            index: number of the piece.
            frames: number of its pictures.
        """
        piece = empty_piece(frames)
        size = sum(part.nbytes for part in piece)
        try:
            with self._path(index).open("rb") as file:
                line = file.readline(_LINE)
                content = file.read(size + 1)
        except OSError:
            return None
        if len(content) != size or line != self._line(index, content):
            return None
        parts = []
        place = 0
        for part in piece:
            parts.append(np.frombuffer(content, part.dtype, part.size, place).reshape(part.shape))
            place += part.nbytes
        return Piece(*parts)

    def save(self, index: int, piece: Piece) -> None:
        """Keeps a finished piece.

        Args:
            index: number of the piece.
            piece: its content.

        Raises:
            OutputError: it cannot be written.
        """
        content = b"".join(np.ascontiguousarray(part).tobytes() for part in piece)
        write_file(self._path(index), self._line(index, content) + content)

    def _path(self, index: int) -> Path:
        return self._folder / _PATTERN.replace("*", f"{index:05d}")

    def _line(self, index: int, content: bytes) -> bytes:
        """The first line of a file: what the piece belongs to, and its hash."""
        key = hashlib.sha256(f"{index} {self._settings}".encode()).hexdigest()
        return f"{key} {hashlib.sha256(content).hexdigest()}\n".encode()


def clear_pieces(folder: Path) -> None:
    """Removes the pieces of any tracking from a folder, when its result is kept elsewhere."""
    for path in folder.glob(_PATTERN):
        path.unlink(missing_ok=True)
