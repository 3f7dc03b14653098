"""The network of a hand's 21 points, and the region in which the next picture is searched.

A square of the picture is turned so that the fingers point up, and the network predicts the points
in it, whether there is a hand, and whether it is a left or a right one. The definitions are those
of MediaPipe Hands (Zhang et al. 2020, arXiv:2006.10214, and the graph `hand_landmark_tracking_cpu`
of the package). Depth is predicted as well, and not used: seen from above it is wrong by 30 mm.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from musclehand.watch.landmarks import NUM_POINTS
from musclehand.watch.networks import Network
from musclehand.watch.palm import Region, turn

SIDE = 224
"""[pixels] Side of the network's picture."""

PRESENCE = 0.5
"""Least confidence that there is a hand; MediaPipe's."""

_STEADY = (0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18)
"""Points that bound the next region: all but the far ends of fingers; MediaPipe's."""

_GROWTH = 2.0
"""Side of the next region over that of the steady points' box; MediaPipe's."""

_SHIFT = 0.1
"""[box sides] of the next region towards the fingers; MediaPipe's."""

_WRIST, _INDEX, _MIDDLE, _RING = 0, 5, 9, 13
"""The wrist and knuckles, which give the direction of the hand."""

_VALUES = 3 * NUM_POINTS
"""Numbers of the points: x, y and depth of each."""


class HandPoints(NamedTuple):
    """A hand in a picture."""

    points: np.ndarray
    """[pixels] Shape (21, 2)."""

    presence: float
    """Confidence that there is a hand, 0 to 1."""

    right: float
    """Confidence that it is a right hand, 0 to 1."""


class LandmarkNetwork:
    """The network with its crop."""

    def __init__(self, path: Path) -> None:
        """Loads the network.

        Args:
            path: its file.

        Raises:
            MusclehandError: it cannot be loaded (`networks.Network`).
        """
        shapes = ((1, _VALUES), (1, 1), (1, 1), (1, _VALUES))
        self._network = Network(path, (1, SIDE, SIDE, 3), shapes)

    def detect(self, picture: Image.Image, region: Region) -> HandPoints:
        """The points of the hand in a region; without confidence where there is none.

        Args:
            picture: RGB.
            region: square about the hand.
        """
        to_picture = affine(region)
        crop = picture.transform(
            (SIDE, SIDE),
            Image.Transform.AFFINE,
            tuple(to_picture.ravel()),
            resample=Image.Resampling.BILINEAR,
        )
        colours = np.asarray(crop, dtype=np.float32) / np.float32(255)
        values, presence, right, _ = self._network.run(colours)
        flat = values.reshape(NUM_POINTS, 3)[:, :2].astype(float)
        points = flat @ to_picture[:, :2].T + to_picture[:, 2]
        sure = float(presence[0]) if np.isfinite(points).all() else 0.0
        return HandPoints(points, float(np.clip(sure, 0, 1)), float(np.clip(right[0], 0, 1)))


def affine(region: Region) -> np.ndarray:
    """Map from pixels of the crop to pixels of the picture. Shape (2, 3)."""
    scale = region.side / SIDE
    cosine, sine = scale * math.cos(region.angle), scale * math.sin(region.angle)
    turned = np.array([[cosine, -sine], [sine, cosine]])
    shift = np.array([region.x, region.y]) - turned @ np.full(2, SIDE / 2)
    return np.column_stack([turned, shift])


def next_region(points: np.ndarray) -> Region:
    """The region of a hand in the next picture, from its points in this picture.

    Args:
        points: of the hand [pixels]. Shape (21, 2).
    """
    knuckles = (points[_INDEX] + points[_RING]) / 4 + points[_MIDDLE] / 2
    angle = turn(points[_WRIST], knuckles)
    cosine, sine = math.cos(angle), math.sin(angle)
    axes = np.array([[cosine, sine], [-sine, cosine]])
    steady = points[list(_STEADY)] @ axes.T
    low, high = steady.min(axis=0), steady.max(axis=0)
    side = float((high - low).max())
    centre = (low + high) / 2 - np.array([0.0, _SHIFT * side])
    x, y = axes.T @ centre
    return Region(float(x), float(y), _GROWTH * side, angle)
