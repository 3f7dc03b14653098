"""Fingertip tracks: positions of five fingertips over time, relative to our keyboard.

Every reader of published motion turns its file into tracks of one hand each. Data sets place the
keyboard differently in their coordinates; a `KeyboardFrame` maps them to ours (`piano.geometry`: x
along the keyboard to the treble, 0 at its centre, y into the piano from the fronts of the white
keys, z up from their tops).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np

from musclehand.body.anatomy import DIGITS, Side
from musclehand.core.errors import FileError, InvalidValue

OUR_KEY_PITCH = 0.0235
"""[m] Distance between neighbouring white keys on our keyboard (width and gap of
`models/piano/keyboard.json`)."""

MAX_FRAMES = 2_000_000
"""Most frames of a track: nine hours at 60 Hz."""

MAX_DISTANCE = 3.0
"""[m] Coordinates beyond this distance from the middle of the keyboard are not in metres."""


class MotionFileError(FileError):
    """A published motion file that cannot be used."""


@dataclass(frozen=True, eq=False)
class FingertipTrack:
    """Fingertips of one hand over time, in the frame of our keyboard.

    Raises:
        InvalidValue: a shape, the number of frames or the time between them is not legal.
    """

    name: str
    """Name of the track."""

    side: Side
    """Side of the hand."""

    dt: float
    """[s] Time between frames, 0.0001 to 1."""

    fingertips: np.ndarray = field(repr=False)
    """[m] Thumb to little finger; NaN where a fingertip was not tracked. Shape (T, 5, 3)."""

    wrist: np.ndarray = field(repr=False)
    """[m] Centre of the wrist; NaN where it was not tracked. Shape (T, 3)."""

    source: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Format, file and part of it, and how certain the layout of the data is."""

    def __post_init__(self) -> None:
        if not (np.isfinite(self.dt) and 1e-4 <= self.dt <= 1.0):
            raise InvalidValue(f"time between frames of {self.name}", self.dt, "0.0001 to 1 s")
        frames = len(self.fingertips)
        if self.fingertips.shape != (frames, len(DIGITS), 3) or self.wrist.shape != (frames, 3):
            shapes = f"fingertips {self.fingertips.shape}, wrist {self.wrist.shape}"
            raise InvalidValue(f"shapes of {self.name}", shapes, "(T, 5, 3) and (T, 3)")
        if not 2 <= frames <= MAX_FRAMES:
            raise InvalidValue(f"number of frames of {self.name}", frames, f"2 to {MAX_FRAMES}")

    @property
    def tracked(self) -> np.ndarray:
        """Fingertips that were tracked in each frame. Shape (T, 5), bool."""
        return np.asarray(np.isfinite(self.fingertips).all(axis=2))

    @property
    def duration(self) -> float:
        """Time from the first to the last frame [s]."""
        return (len(self.fingertips) - 1) * self.dt


@dataclass(frozen=True, eq=False)
class KeyboardFrame:
    """Pose of the keyboard in the coordinates of a data set."""

    rotation: np.ndarray
    """Rotation from the axes of the data set to ours. Shape (3, 3)."""

    origin: np.ndarray
    """[m] Middle of the keyboard, at the fronts and tops of the white keys. Shape (3,)."""

    key_pitch: float = OUR_KEY_PITCH
    """[m] Distance between neighbouring white keys."""

    def to_world(self, points: np.ndarray) -> np.ndarray:
        """Points in our frame [m]; x is scaled by the ratio of key widths, so that points stay on
        their keys. Shape (..., 3)."""
        world = (np.asarray(points, dtype=float) - self.origin) @ self.rotation.T
        world[..., 0] *= OUR_KEY_PITCH / self.key_pitch
        return np.asarray(world)

    def from_world(self, points: np.ndarray) -> np.ndarray:
        """The inverse of `to_world`. Shape (..., 3)."""
        world = np.array(points, dtype=float)
        world[..., 0] *= self.key_pitch / OUR_KEY_PITCH
        return np.asarray(world @ self.rotation + self.origin)


def make_track(
    path: Path,
    name: str,
    side: Side,
    *,
    rate: float,
    tips: np.ndarray,
    wrist: np.ndarray | None,
    source: dict[str, str],
) -> FingertipTrack:
    """Check points in our frame, and make a track of them.

    Args:
        path: the file, for error messages.
        name: name of the track; characters that a clip's name cannot have are replaced.
        side: side of the hand.
        rate: frames per second, 1 to 10,000.
        tips: fingertips [m], NaN or infinite where they were not tracked. Shape (T, 5, 3).
        wrist: centre of the wrist [m], or None. Shape (T, 3).
        source: see `FingertipTrack.source`.

    Raises:
        MotionFileError: there are too few or too many frames, no fingertip in any frame, or
            coordinates that are not in metres.
    """
    name = "".join(sign if sign.isprintable() and sign != "/" else "_" for sign in name)[:150]
    tips = np.where(np.isfinite(tips).all(axis=2, keepdims=True), tips, np.nan)
    wrist = (
        np.full((len(tips), 3), np.nan)
        if wrist is None
        else np.where(np.isfinite(wrist), wrist, np.nan)
    )
    if not 2 <= len(tips) <= MAX_FRAMES:
        raise MotionFileError(
            path, f"{len(tips)} frames; 2 to {MAX_FRAMES} can be used", where=name
        )
    if not np.isfinite(tips).any():
        raise MotionFileError(path, "no frame has a fingertip in finite numbers", where=name)
    farthest = float(np.nanmax(np.abs(tips)))
    if farthest > MAX_DISTANCE:
        problem = (
            f"a fingertip is {farthest:.4g} m from the keyboard's middle; "
            f"{MAX_DISTANCE} m is the most: is it in metres?"
        )
        raise MotionFileError(path, problem, where=name)
    if not (np.isfinite(rate) and 1.0 <= rate <= 10_000.0):
        raise MotionFileError(
            path, f"{rate!r} frames per second; it must be 1 to 10000", where=name
        )
    return FingertipTrack(
        name=name,
        side=side,
        dt=1.0 / rate,
        fingertips=tips,
        wrist=wrist,
        source=MappingProxyType(dict(source)),
    )


def side_in_name(path: Path) -> Side | None:
    """The side that the name of a file, or else of its folder, mentions; None if neither does."""
    for part in (path.name.lower(), path.parent.name.lower()):
        left = "left" in part
        right = "right" in part
        if left != right:
            return Side.LEFT if left else Side.RIGHT
    return None


def require_side(path: Path, side: Side | None) -> Side:
    """Return `side`, or else the side that the file's name mentions.

    Raises:
        MotionFileError: neither names a side.
    """
    side = side or side_in_name(path)
    if side is None:
        raise MotionFileError(
            path, "left or right hand? Neither the name nor its folder says so; give the side"
        )
    return side
