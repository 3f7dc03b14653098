"""Landmarks of two hands in a film: 21 points a hand in the picture, in every frame.

The points are those of MediaPipe Hands (Zhang et al. 2020, arXiv:2006.10214): the wrist, then the
base joint, the two further joints and the tip of thumb, index, middle, ring and little finger.
Landmarks of other detectors and of motion capture enter by the same file format.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from musclehand.core.errors import InvalidValue

NUM_POINTS = 21
"""Points of a hand."""

WRIST = 0
"""Index of the wrist among the points."""

TIPS = (4, 8, 12, 16, 20)
"""Indices of the fingertips among the points, thumb first."""

SIDES = 2
"""Hands of a film: the pianist's left hand is 0, the right hand 1 (`music.score.Hand`)."""


@dataclass(frozen=True, eq=False)
class HandLandmarks:
    """Points of both hands in the picture over time.

    Raises:
        InvalidValue: a shape is not legal, times do not ascend, or a number is infinite.
    """

    time: np.ndarray = field(repr=False)
    """[s] Times of the frames, ascending. Shape (T,)."""

    points: np.ndarray = field(repr=False)
    """[pixels] Points, x to the right and y down from the picture's upper left corner; NaN where a
    hand was not detected. Shape (T, 2, 21, 2)."""

    presence: np.ndarray = field(repr=False)
    """Confidence that the hand is in the picture, 0 to 1; 0 where it was not detected.
    Shape (T, 2)."""

    bridged: np.ndarray = field(repr=False)
    """The points were interpolated over a short gap. Shape (T, 2), bool."""

    size: tuple[int, int]
    """[pixels] Width and height of the picture."""

    source: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Film, its hash, and the detector."""

    def __post_init__(self) -> None:
        frames = len(self.time)
        shapes = {
            "time": (frames,),
            "points": (frames, SIDES, NUM_POINTS, 2),
            "presence": (frames, SIDES),
            "bridged": (frames, SIDES),
        }
        for name, shape in shapes.items():
            if np.shape(getattr(self, name)) != shape:
                raise InvalidValue(
                    f"shape of landmarks {name}", np.shape(getattr(self, name)), str(shape)
                )
        if frames < 2 or not np.isfinite(self.time).all() or (np.diff(self.time) <= 0).any():
            raise InvalidValue("times of landmarks", f"{frames} frames", "2 or more that ascend")
        if np.isinf(self.points).any():
            raise InvalidValue("landmarks", "an infinite number", "pixels, or NaN where unseen")

    @property
    def detected(self) -> np.ndarray:
        """Hands that have points in a frame, bridged ones included. Shape (T, 2), bool."""
        return np.asarray(np.isfinite(self.points).all(axis=(2, 3)))


def landmarks_at(landmarks: HandLandmarks, frames: np.ndarray) -> HandLandmarks:
    """Landmarks of some frames only.

    Args:
        landmarks: of a film.
        frames: a mask or indices of frames.
    """
    return replace(
        landmarks,
        time=landmarks.time[frames],
        points=landmarks.points[frames],
        presence=landmarks.presence[frames],
        bridged=landmarks.bridged[frames],
    )
