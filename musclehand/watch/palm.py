"""The palm detector: where hands are in a picture, and which way they point.

The network looks at a square picture and predicts, for each of 2,016 anchors, a box about a palm
and seven of its points. Boxes about the same palm are averaged, weighed by their confidence. The
definitions are those of MediaPipe Hands (Zhang et al. 2020, arXiv:2006.10214, and the graph
`palm_detection_cpu` of the package).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from musclehand.watch.networks import Network

SIDE = 192
"""[pixels] Side of the network's picture."""

CONFIDENCE = 0.5
"""Least confidence of a palm; MediaPipe's."""

_OVERLAP = 0.3
"""Intersection over union from which two boxes are about the same palm; MediaPipe's."""

_GRIDS = ((24, 2), (12, 6))
"""Cells along a side, and anchors in each cell: strides of 8 and 16 pixels."""

_VALUES = 18
"""Numbers of an anchor: centre and size of the box, then seven points."""

_WRIST, _MIDDLE = 0, 2
"""Points of a palm: the wrist, and the knuckle of the middle finger."""

_SHIFT = 0.5
"""[box sides] from the palm's centre to the hand's, towards the fingers; MediaPipe's."""

_GROWTH = 2.6
"""Side of the hand's region over the side of the palm's box; MediaPipe's."""

_LARGEST_LOGIT = 80.0
"""Largest number whose exponential is taken; 4-byte floats end at 88."""


class Region(NamedTuple):
    """A square of the picture that holds a hand."""

    x: float
    """[pixels] Centre, to the right."""

    y: float
    """[pixels] Centre, down."""

    side: float
    """[pixels] Length of a side."""

    angle: float
    """[rad] By which the hand is turned: 0 for fingers that point up, clockwise above 0."""


class Palm(NamedTuple):
    """A detected palm."""

    confidence: float
    """0 to 1."""

    region: Region
    """Square about the whole hand."""


class PalmDetector:
    """The network with its anchors."""

    def __init__(self, path: Path) -> None:
        """Loads the network.

        Args:
            path: its file.

        Raises:
            MusclehandError: it cannot be loaded (`networks.Network`).
        """
        self._anchors = anchors()
        count = len(self._anchors)
        self._network = Network(path, (1, SIDE, SIDE, 3), ((1, count, _VALUES), (1, count, 1)))

    def detect(self, picture: Image.Image, window: tuple[float, float, float]) -> list[Palm]:
        """Palms in a square window of a picture, the most confident first.

        Args:
            picture: RGB.
            window: x and y of its upper left corner, and its side [pixels]. What is outside the
                picture is black.
        """
        x, y, side = window
        corners = tuple(round(v) for v in (x, y, x + side, y + side))
        small = picture.crop(corners).resize(
            (SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0
        )
        values, scores = self._network.run(np.asarray(small, dtype=np.float32) / np.float32(255))
        boxes, points, confidence = decode(values, scores, self._anchors)
        palms = []
        for box, marks, sure in merge(boxes, points, confidence):
            palms.append(Palm(sure, _region(box * side, marks * side, np.array([x, y]))))
        return palms


def anchors() -> np.ndarray:
    """Centres of the anchors as shares of the picture. Shape (2016, 2)."""
    parts = []
    for cells, repeats in _GRIDS:
        centre = (np.arange(cells) + 0.5) / cells
        grid = np.stack(np.meshgrid(centre, centre), axis=-1).reshape(-1, 2)
        parts.append(np.repeat(grid, repeats, axis=0))
    return np.concatenate(parts)


def decode(
    values: np.ndarray, scores: np.ndarray, centres: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes and points from the network's numbers, for anchors that are confident.

    Args:
        values: box and points relative to the anchor [pixels]. Shape (n, 18).
        scores: logits of the confidence. Shape (n, 1).
        centres: of the anchors, as shares of the picture. Shape (n, 2).

    Returns:
        Boxes (left, top, right, bottom), shape (m, 4), points, shape (m, 7, 2), both as shares of
        the picture, and confidence, shape (m,); the most confident first.
    """
    logits = np.clip(scores[:, 0].astype(float), -_LARGEST_LOGIT, _LARGEST_LOGIT)
    confidence = 1 / (1 + np.exp(-logits))
    order = np.argsort(-confidence, kind="stable")
    finite = np.isfinite(values).all(axis=1) & np.isfinite(confidence)
    order = order[(confidence >= CONFIDENCE)[order] & finite[order]]
    raw = values[order].astype(float).reshape(len(order), 9, 2) / SIDE
    middle = raw[:, 0] + centres[order]
    half = raw[:, 1] / 2
    boxes = np.concatenate([middle - half, middle + half], axis=1)
    return boxes, raw[:, 2:] + centres[order][:, None], confidence[order]


def merge(
    boxes: np.ndarray, points: np.ndarray, confidence: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray, float]]:
    """Averages boxes about the same palm, weighed by confidence (weighted suppression).

    Args:
        boxes: left, top, right, bottom; the most confident first. Shape (m, 4).
        points: of the palms. Shape (m, 7, 2).
        confidence: 0 to 1. Shape (m,).

    Returns:
        Box, points and highest confidence of each palm, the most confident first.
    """
    left = np.arange(len(boxes))
    palms = []
    while len(left):
        same = overlap(boxes[left[0]], boxes[left]) > _OVERLAP
        same[0] = True
        group = left[same]
        weight = confidence[group] / confidence[group].sum()
        palms.append(
            (
                np.einsum("i,ij->j", weight, boxes[group]),
                np.einsum("i,ijk->jk", weight, points[group]),
                float(confidence[group[0]]),
            )
        )
        left = left[~same]
    return palms


def overlap(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Intersection over union of a box with others.

    Args:
        box: left, top, right, bottom. Shape (4,).
        boxes: the same of others. Shape (m, 4).

    Returns:
        0 to 1. Shape (m,).
    """
    low = np.maximum(box[:2], boxes[:, :2])
    high = np.minimum(box[2:], boxes[:, 2:])
    common = np.prod(np.maximum(high - low, 0), axis=1)
    area = np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1)
    own = np.prod(np.maximum(box[2:] - box[:2], 0))
    return np.asarray(common / np.maximum(area + own - common, 1e-12))


def turn(start: np.ndarray, end: np.ndarray) -> float:
    """Angle [rad] of the direction from one point to the next, from up, clockwise above 0."""
    x, y = end - start
    return math.atan2(x, -y)


def _region(box: np.ndarray, points: np.ndarray, corner: np.ndarray) -> Region:
    """The hand's region from a palm in pixels of the window."""
    angle = turn(points[_WRIST], points[_MIDDLE])
    side = float(max(box[2] - box[0], box[3] - box[1]))
    centre = (box[:2] + box[2:]) / 2 + corner
    centre = centre + _SHIFT * side * np.array([math.sin(angle), -math.cos(angle)])
    return Region(float(centre[0]), float(centre[1]), _GROWTH * side, angle)
