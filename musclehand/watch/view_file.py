"""The camera of a film in a file, view.json.

{"format": "musclehand-view", "version": 1, "size": [1280, 720], "focal_px": 1550.3,
 "rotation": [[...], [...], [...]], "position_m": [0.0, -0.03, 1.6],
 "lowest": 21, "highest": 108, "residual_m": 0.0002}
"""

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

VERSION = 1

MAX_BYTES = 100_000
"""[bytes] Longest file that is read; a view takes a thousand."""

MAX_SIDE = 16_384
"""[pixels] Largest width and height of a picture."""

ROUNDING = 1e-6
"""Largest deviation of a rotation's axes from unit length and right angles."""

_FIELDS = {
    "size": 2,
    "focal_px": None,
    "rotation": 3,
    "position_m": 3,
    "lowest": None,
    "highest": None,
    "residual_m": None,
}
"""Fields and lengths of lists."""


class ViewError(FileError):
    """A file that holds no camera, or a damaged one."""


def write_view(path: str | PathLike[str], view: KeyboardView) -> None:
    """Writes a camera, complete or not at all; reading it gives the same numbers.

    Args:
        path: of the file.
        view: the camera.

    Raises:
        OutputError: the file cannot be written.
    """
    content = {
        "format": FORMAT,
        "version": VERSION,
        "size": [int(side) for side in view.size],
        "focal_px": float(view.focal),
        "rotation": np.asarray(view.rotation, dtype=float).tolist(),
        "position_m": np.asarray(view.position, dtype=float).tolist(),
        "lowest": int(view.lowest),
        "highest": int(view.highest),
        "residual_m": float(view.residual),
    }
    write_file(Path(path), json.dumps(content, indent=1, allow_nan=False) + "\n")


def read_view(path: str | PathLike[str]) -> KeyboardView:
    """Reads a camera.

    Args:
        path: of a file that `write_view` wrote.

    Raises:
        ViewError: the file is missing, of another kind or damaged, or a number is not legal.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ViewError(path, error.strerror or str(error)) from error
    if len(data) > MAX_BYTES:
        raise ViewError(path, f"longer than {MAX_BYTES} bytes; it is no camera's")
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ViewError(path, f"not JSON ({error})") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ViewError(path, f"not of the format {FORMAT}")
    if content.get("version") != VERSION:
        version = content.get("version")
        raise ViewError(path, f"of version {version!r}; this release reads {VERSION}")
    missing = sorted(_FIELDS.keys() - content.keys())
    if missing:
        raise ViewError(path, f"lacks {', '.join(missing)}")
    try:
        return _view(path, content)
    except (InvalidValue, OverflowError) as error:
        raise ViewError(path, str(error)) from error


def _view(path: str | PathLike[str], content: dict[str, Any]) -> KeyboardView:
    def numbers(field: str, values: object) -> list[float]:
        count = _FIELDS[field]
        if not (isinstance(values, list) and len(values) == count):
            raise ViewError(path, f"needs a list of {count}", where=field)
        return [number(field, value) for value in values]

    def number(field: str, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ViewError(path, f"{value!r:.40} is no number", where=field)
        real = float(value)
        if not math.isfinite(real) or abs(real) > 1e9:
            raise ViewError(path, f"{real!r} is out of range", where=field)
        return real

    def whole(field: str, value: object, low: int, high: int) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ViewError(path, f"{value!r:.40}; it must be {low}..{high}", where=field)
        return value

    size = [whole("size", side, 1, MAX_SIDE) for side in _sides(content["size"], path)]
    rows = content["rotation"]
    if not (isinstance(rows, list) and len(rows) == 3):
        raise ViewError(path, "needs three axes", where="rotation")
    rotation = np.array([numbers("rotation", row) for row in rows])
    if np.abs(rotation @ rotation.T - np.eye(3)).max() > ROUNDING or np.linalg.det(rotation) < 0:
        raise ViewError(path, "is no rotation", where="rotation")
    lowest, highest = (whole(field, content[field], 0, 127) for field in ("lowest", "highest"))
    if not (is_on_keyboard(lowest) and is_on_keyboard(highest) and lowest <= highest):
        raise ViewError(path, f"keys {lowest} to {highest}; they must be of a piano, in order")
    residual = number("residual_m", content["residual_m"])
    if residual < 0:
        raise ViewError(path, f"{residual!r}; it must be 0 or above", where="residual_m")
    return KeyboardView(
        size=(size[0], size[1]),
        focal=number("focal_px", content["focal_px"]),
        rotation=rotation,
        position=np.array(numbers("position_m", content["position_m"])),
        lowest=lowest,
        highest=highest,
        residual=residual,
    )


def _sides(values: object, path: str | PathLike[str]) -> list[object]:
    """Width and height, not yet checked."""
    if not (isinstance(values, list) and len(values) == 2):
        raise ViewError(path, "needs width and height", where="size")
    return values
