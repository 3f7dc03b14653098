"""What a published motion file comes down to: where five fingertips are over time, in the world of
our keyboard.

Every reader turns its file into tracks of one hand each. Data sets put the keyboard differently
into the world; a `KeyboardFrame` says how, and maps their coordinates to ours (`piano.geometry`: x
along the keyboard to the treble, 0 at its centre, y into the piano from the white fronts, z up from
the white tops).
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
"""From one white key to the next on our keyboard [m] (`models/piano/keyboard.json`: width and
gap)."""

MAX_FRAMES = 2_000_000
"""No clip has more frames: nine hours at 60 Hz."""

MAX_PLACE = 3.0
"""A point farther than this from the middle of the keyboard [m] was not written in metres."""


class MotionFileError(FileError):
    """A published motion file that cannot be used."""


@dataclass(frozen=True, eq=False)
class FingertipTrack:
    """Fingertips of one hand, sampled every `dt` [s], in the world of our keyboard.

    `fingertips` [m], thumb to little finger; a fingertip that was not seen is NaN. Shape (T, 5, 3).
    `wrist` [m], NaN where not known. Shape (T, 3).
    `source` says which format, file and part of it, and what is sure about the layout.
    """

    name: str
    side: Side
    dt: float
    fingertips: np.ndarray = field(repr=False)
    wrist: np.ndarray = field(repr=False)
    source: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

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
    def known(self) -> np.ndarray:
        """Which fingertips were seen in which frame. Shape (T, 5)."""
        return np.asarray(np.isfinite(self.fingertips).all(axis=2))

    @property
    def duration(self) -> float:
        """From the first to the last frame [s]."""
        return (len(self.fingertips) - 1) * self.dt


@dataclass(frozen=True, eq=False)
class KeyboardFrame:
    """Where a data set has its keyboard.

    `rotation` from their axes to ours, shape (3, 3); `origin` the middle of the keyboard at the
    white fronts and tops, in their coordinates [m], shape (3,); `key_pitch` from one white key to
    the next [m].
    """

    rotation: np.ndarray
    origin: np.ndarray
    key_pitch: float = OUR_KEY_PITCH

    def to_world(self, points: np.ndarray) -> np.ndarray:
        """Points in our world [m]; x is stretched by the ratio of the key widths, so that keys
        meet. Shape (..., 3)."""
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
    rate: float,
    tips: np.ndarray,
    wrist: np.ndarray | None,
    source: dict[str, str],
) -> FingertipTrack:
    """A track from points in our world, checked.

    Args:
        path: the file, for messages.
        name: of the track; signs that a clip's name cannot have are replaced.
        side: of the hand.
        rate: frames per second.
        tips: fingertips [m], NaN or infinite where not seen. Shape (T, 5, 3).
        wrist: [m], or None. Shape (T, 3).
        source: as in `FingertipTrack`.

    Raises:
        MotionFileError: fewer than two frames or too many, no fingertip in any frame, or points
            that are not metres.
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
    if farthest > MAX_PLACE:
        problem = f"a fingertip is {farthest:.4g} m from the keyboard's middle; {MAX_PLACE} m is the most: metres?"
        raise MotionFileError(path, problem, where=name)
    if not (np.isfinite(rate) and 1.0 <= rate <= 10_000.0):
        raise MotionFileError(
            path, f"{rate!r} frames per second; it must be 1 to 10000", where=name
        )
    return FingertipTrack(name, side, 1.0 / rate, tips, wrist, MappingProxyType(dict(source)))


def side_in_name(path: Path) -> Side | None:
    """The side that the name of a file, or of the folder it lies in, speaks of; None if neither
    or both."""
    for part in (path.name.lower(), path.parent.name.lower()):
        left = "left" in part
        right = "right" in part
        if left != right:
            return Side.LEFT if left else Side.RIGHT
    return None


def require_side(path: Path, side: Side | None) -> Side:
    """The side asked for, else the one in the file's name.

    Raises:
        MotionFileError: neither says it.
    """
    found = side or side_in_name(path)
    if found is None:
        raise MotionFileError(
            path, "left or right hand? Neither the name nor its folder says so; give the side"
        )
    return found
