"""Landmarks of two hands in a film, as a file: `landmarks.h5`, format `musclehand-landmarks` 1.

`watch` writes it, and landmarks of other detectors and of motion capture enter by it. It is an HDF5
file with two attributes and these datasets, T being the number of frames:

    /            attributes `format`: musclehand-landmarks, `version`: 1
    /time        (T,) [s] from the film's first frame, ascending; 4- or 8-byte floats
    /points      (T, 2, 21, 2) [pixels] x to the right and y down from the picture's upper left
                 corner, NaN where a hand is not seen; 4- or 8-byte floats. A third column may
                 follow, which is ignored
    /size        (2,) [pixels] width and height of the picture; integers
    /presence    (T, 2) confidence, 0 to 1; floats. May be left out: 1 where a hand has points
    /bridged     (T, 2) points were interpolated over a gap; bytes or bool. May be left out
    /header      JSON as bytes: texts about the origin by name. May be left out

Hand 0 is the pianist's left hand, 1 the right. The 21 points are those of MediaPipe Hands: the
wrist, then four of the thumb and of each finger from its base to its tip. A file of one's own:

    import h5py

    with h5py.File("landmarks.h5", "w") as file:
        file.attrs["format"], file.attrs["version"] = "musclehand-landmarks", 1
        file["time"] = time  # (T,) seconds
        file["points"] = points  # (T, 2, 21, 2) pixels
        file["size"] = (1920, 1080)

Motion capture enters as the picture of any camera above the keyboard. Files are not trusted on
reading: only datasets of these shapes and types are loaded, if they are stored in the file itself,
are not compressed and are no larger than their bytes on disk. `watch` adds checksums.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from os import PathLike
from types import MappingProxyType
from typing import Any

import h5py
import numpy as np

from musclehand.core.atomic import temporary_path
from musclehand.core.errors import FileError, InvalidValue
from musclehand.core.hdf5 import DAMAGE, LIBVER, first_line, load_dataset, open_hdf5
from musclehand.watch.landmarks import NUM_POINTS, SIDES, HandLandmarks

FORMAT = "musclehand-landmarks"
"""Name of the file format, in the attributes of a file."""

VERSION = 1
"""Version of the file format."""

LARGEST_FRAMES = 700_000
"""Most frames of a film or file: more than six hours at 30 Hz."""

LARGEST_SIZE = 100_000
"""[pixels] Largest width or height of the picture."""

LARGEST_POINT = 1e6
"""[pixels] Farthest point from the picture's corner; points may lie outside the picture."""

_HEADER_BYTES = 100_000
"""[bytes] Longest header that is read."""

_CHUNK = 1024
"""[frames] in a chunk, each of which has a checksum."""

_FLOATS = (np.dtype("<f8"), np.dtype("<f4"))

_INTEGERS = tuple(np.dtype(name) for name in ("<i8", "<i4", "<u2", "<u4", "<u8", "<i2"))

_FLAGS = (np.dtype("bool"), np.dtype("u1"))


class LandmarksError(FileError):
    """A file that holds no landmarks of hands, or damaged ones."""


def write_landmarks(path: str | PathLike[str], landmarks: HandLandmarks) -> None:
    """Writes landmarks, complete or not at all; an existing file is replaced.

    The bytes of the file depend on the landmarks alone. Points are kept as 4-byte floats.

    Raises:
        OutputError: the file cannot be written.
    """
    header = json.dumps(dict(sorted(landmarks.source.items()))).encode()
    arrays = {
        "time": np.asarray(landmarks.time, dtype="<f8"),
        "points": np.asarray(landmarks.points, dtype="<f4"),
        "presence": np.asarray(landmarks.presence, dtype="<f4"),
        "bridged": np.asarray(landmarks.bridged, dtype="u1"),
        "size": np.asarray(landmarks.size, dtype="<i4"),
        "header": np.frombuffer(header, dtype="u1"),
    }
    with temporary_path(path) as part, h5py.File(part, "w", libver=LIBVER) as file:
        file.attrs["format"] = np.bytes_(FORMAT)
        file.attrs["version"] = VERSION
        for name, values in arrays.items():
            rows = len(values) if name == "header" else min(len(values), _CHUNK)
            chunks = (rows, *values.shape[1:])
            file.create_dataset(
                name, data=values, chunks=chunks, fletcher32=True, track_times=False
            )


def read_landmarks(path: str | PathLike[str]) -> HandLandmarks:
    """Reads landmarks.

    Raises:
        LandmarksError: the file cannot be read, or holds no legal landmarks; names the dataset and
            what is wrong with it.
    """
    with open_hdf5(path, LandmarksError) as file:
        try:
            _check_format(file, path)
            time = _load(file, "time", path, _FLOATS, 8 * LARGEST_FRAMES).astype(float)
            frames = len(time) if time.ndim == 1 else -1
            points = _points(file, path, frames)
            seen = np.isfinite(points).all(axis=(2, 3))
            points[~seen] = np.nan
            presence = _optional(file, "presence", path, _FLOATS, seen.shape)
            bridged = _optional(file, "bridged", path, _FLAGS, seen.shape)
            sure = seen.astype(float) if presence is None else presence.astype(float)
            if not ((sure >= 0) & (sure <= 1)).all():
                raise LandmarksError(path, "a confidence outside 0 to 1", where="presence")
            return HandLandmarks(
                time=time,
                points=points,
                presence=np.where(seen, sure, 0.0),
                bridged=np.zeros(seen.shape, bool) if bridged is None else bridged.astype(bool),
                size=_size(file, path),
                source=_source(file, path),
            )
        except (*DAMAGE, InvalidValue) as error:
            raise LandmarksError(path, f"damaged ({first_line(error)})") from error


def _check_format(file: h5py.File, path: str | PathLike[str]) -> None:
    try:
        text = file.attrs["format"]
        name = text if isinstance(text, str) else bytes(text).decode()
        version = int(file.attrs["version"])
    except DAMAGE as error:
        raise LandmarksError(path, f"an HDF5 file, but its format is not {FORMAT}") from error
    if name != FORMAT or version != VERSION:
        legal = f"this release reads {FORMAT} {VERSION}"
        raise LandmarksError(path, f"{name[:100]!r} of version {version}; {legal}")


def _load(
    file: h5py.File,
    name: str,
    path: str | PathLike[str],
    dtypes: tuple[np.dtype[Any], ...],
    max_bytes: int,
) -> np.ndarray:
    return load_dataset(
        file, name, path=path, dtypes=dtypes, error=LandmarksError, max_bytes=max_bytes
    )


def _points(file: h5py.File, path: str | PathLike[str], frames: int) -> np.ndarray:
    """Points with two columns. Shape (T, 2, 21, 2)."""
    legal = f"(T, {SIDES}, {NUM_POINTS}, 2 or 3), T as in time, 2 to {LARGEST_FRAMES}"
    data = file.get("points")
    shape = data.shape if isinstance(data, h5py.Dataset) else None
    if shape is not None and (
        len(shape) != 4
        or shape[:3] != (frames, SIDES, NUM_POINTS)
        or shape[3] not in (2, 3)
        or not 2 <= frames <= LARGEST_FRAMES
    ):
        raise LandmarksError(path, f"shape {shape}; it must be {legal}", where="points")
    limit = LARGEST_FRAMES * SIDES * NUM_POINTS * 3 * 4
    points = _load(file, "points", path, _FLOATS, limit)[..., :2]
    with np.errstate(invalid="ignore", over="ignore"):
        if (np.abs(points) > LARGEST_POINT).any():
            problem = f"a point farther than {LARGEST_POINT:.0f} pixels from the picture's corner"
            raise LandmarksError(path, problem, where="points")
    return np.array(points)


def _optional(
    file: h5py.File,
    name: str,
    path: str | PathLike[str],
    dtypes: tuple[np.dtype[Any], ...],
    shape: tuple[int, ...],
) -> np.ndarray | None:
    """A dataset that may be left out."""
    if name not in file:
        return None
    values = _load(file, name, path, dtypes, 8 * LARGEST_FRAMES * SIDES)
    if values.shape != shape:
        raise LandmarksError(path, f"shape {values.shape}; it must be {shape}", where=name)
    return values


def _size(file: h5py.File, path: str | PathLike[str]) -> tuple[int, int]:
    values = _load(file, "size", path, _INTEGERS, 64)
    if values.shape != (2,) or not all(1 <= int(side) <= LARGEST_SIZE for side in values):
        legal = f"width and height, 1 to {LARGEST_SIZE} pixels"
        raise LandmarksError(path, f"{values.tolist()}; it must be {legal}", where="size")
    return (int(values[0]), int(values[1]))


def _source(file: h5py.File, path: str | PathLike[str]) -> Mapping[str, str]:
    if "header" not in file:
        return MappingProxyType({})
    content = _load(file, "header", path, (np.dtype("u1"),), _HEADER_BYTES)
    header = json.loads(content.tobytes().decode())
    if not isinstance(header, dict) or not all(isinstance(v, str) for v in header.values()):
        raise LandmarksError(path, "needs a JSON object of texts", where="header")
    return MappingProxyType(header)
