"""Cameras as files: `view.json`, by which a film at the same place needs no search."""

from __future__ import annotations

import json
import math
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from musclehand.core.atomic import write_file
from musclehand.core.errors import FileError, InvalidValue
from musclehand.music.pitch import is_on_keyboard
from musclehand.watch.view import KeyboardView

FORMAT = "musclehand-view"
"""Name of the file format."""

VERSION = 1
"""Version of the file format."""

LARGEST_FILE = 100_000
"""[bytes] Longest file that is read."""

LARGEST_SIDE = 8192
"""[pixels] Largest width and height of a picture."""

FARTHEST = 100.0
"""[m] Farthest camera from the keyboard."""

_UNITARY = 1e-3
"""How far a rotation may be from an orthogonal matrix."""


class ViewError(FileError):
    """A file that holds no camera, or a damaged one."""


def write_view(path: str | PathLike[str], view: KeyboardView) -> None:
    """Writes a camera, whole or not at all.

    Args:
        path: of the file.
        view: the camera.

    Raises:
        OutputError: it cannot be written.
    """
    content = {
        "format": FORMAT,
        "version": VERSION,
        "size_pixels": list(view.size),
        "focal_pixels": view.focal,
        "rotation": view.rotation.tolist(),
        "position_m": view.position.tolist(),
        "lowest_pitch": view.lowest,
        "highest_pitch": view.highest,
        "residual_mm": 1e3 * view.residual,
    }
    write_file(path, json.dumps(content, indent=1) + "\n")


def read_view(path: str | PathLike[str]) -> KeyboardView:
    """Reads a camera.

    Raises:
        ViewError: there is no such file, or it is not a camera's.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
        if len(data) > LARGEST_FILE:
            raise ViewError(path, f"is longer than {LARGEST_FILE:,} bytes, no camera is")
        content = json.loads(data)
    except OSError as error:
        raise ViewError(path, error.strerror or "cannot be read") from None
    except (ValueError, RecursionError):
        raise ViewError(path, "is not JSON") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ViewError(path, f"is not a camera's file (format {FORMAT})")
    if content.get("version") != VERSION:
        raise ViewError(path, f"has version {content.get('version')!r}; {VERSION} can be read")
    try:
        return _view(content)
    except (KeyError, TypeError, ValueError, OverflowError, InvalidValue) as error:
        problem = f"lacks {error}" if isinstance(error, KeyError) else str(error)
        raise ViewError(path, problem) from None


def _view(content: dict[str, Any]) -> KeyboardView:
    """The camera of a file.

    Raises:
        KeyError, TypeError, ValueError, OverflowError, InvalidValue: it is not one.
    """
    width, height = (_whole(value) for value in content["size_pixels"])
    if not (0 < width <= LARGEST_SIDE and 0 < height <= LARGEST_SIDE):
        raise InvalidValue("size_pixels", content["size_pixels"], f"1 to {LARGEST_SIDE}")
    rotation = np.array(content["rotation"], dtype=float)
    position = np.array(content["position_m"], dtype=float)
    view = KeyboardView(
        (width, height),
        float(content["focal_pixels"]),
        rotation,
        position,
        _whole(content["lowest_pitch"]),
        _whole(content["highest_pitch"]),
        1e-3 * float(content["residual_mm"]),
    )
    if not np.allclose(rotation @ rotation.T, np.eye(3), atol=_UNITARY):
        raise InvalidValue("rotation", rotation.tolist(), "an orthogonal matrix")
    if np.linalg.norm(position) > FARTHEST:
        raise InvalidValue("position_m", position.tolist(), f"within {FARTHEST} m")
    keys = (view.lowest, view.highest)
    if not (all(map(is_on_keyboard, keys)) and view.lowest < view.highest):
        raise InvalidValue("lowest_pitch and highest_pitch", keys, "two pitches of a piano, rising")
    if not (math.isfinite(view.residual) and view.residual >= 0):
        raise InvalidValue("residual_mm", content["residual_mm"], "a finite number, 0 or above")
    return view


def _whole(value: object) -> int:
    """A whole number of a file.

    Raises:
        TypeError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r} is not a whole number")
    return value
