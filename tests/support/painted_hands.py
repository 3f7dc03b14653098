"""Two painted squares that stand for hands, and networks that see them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from musclehand.watch.landmark_net import HandPoints, next_region
from musclehand.watch.palm import Palm

SIZE = (320, 160)
"""[pixels] Width and height of a picture."""

COLOURS = ((255, 0, 0), (0, 0, 255))
"""RGB of the left and of the right hand."""

_HALF = 4
"""[pixels] Half the side of a square."""


def hand_shape(side: int, middle: Sequence[float] = (0.0, 0.0)) -> np.ndarray:
    """Points of a hand whose palm is 30 pixels long. Shape (21, 2).

    Args:
        side: 0 left, 1 right.
        middle: of the hand [pixels].
    """
    points = [(0.0, 22.0)]
    for finger, x in enumerate((-24.0, -9.0, 0.0, 8.0, 15.0)):
        tall = 8.0 if finger == 0 else 30.0
        points += [(x, -8.0 + (14.0 if finger == 0 else 0.0) - tall * k / 3) for k in range(4)]
    shape = np.array(points)
    return shape * (1 if side else -1, 1) + np.asarray(middle)


def paint(middles: Sequence[tuple[float, float] | None]) -> np.ndarray:
    """A picture with squares at the middles of hands; None for a hand that is not there."""
    picture = np.full((SIZE[1], SIZE[0], 3), 90, dtype=np.uint8)
    for middle, colour in zip(middles, COLOURS, strict=True):
        if middle is not None:
            x, y = (round(v) for v in middle)
            picture[y - _HALF : y + _HALF, x - _HALF : x + _HALF] = colour
    return picture


def middle_of(picture: Image.Image, side: int) -> np.ndarray | None:
    """The middle of a hand [pixels]; None where it is not in the picture."""
    colours = np.asarray(picture).astype(int)
    strong, weak = (0, 2) if side == 0 else (2, 0)
    rows, columns = np.nonzero(colours[..., strong] - colours[..., weak] > 120)
    return None if len(rows) < 8 else np.array([columns.mean() + 0.5, rows.mean() + 0.5])


class PaintedPalms:
    """Takes the place of `palm.PalmDetector`."""

    def __init__(self, path: Path | None = None) -> None:
        self.count = 0

    def detect(self, picture: Image.Image, window: tuple[float, float, float]) -> list[Palm]:
        self.count += 1
        x, y, side = window
        palms = []
        for hand in range(2):
            middle = middle_of(picture, hand)
            if middle is not None and x <= middle[0] < x + side and y <= middle[1] < y + side:
                palms.append(Palm(0.9 - 0.1 * hand, next_region(hand_shape(hand) + middle)))
        return palms


class PaintedLandmarks:
    """Takes the place of `landmark_net.LandmarkNetwork`."""

    def __init__(self, path: Path | None = None) -> None:
        self.count = 0

    def detect(self, picture: Image.Image, region: object) -> HandPoints:
        self.count += 1
        x, y, side, _ = region  # type: ignore[misc]
        inside = []
        for hand in range(2):
            middle = middle_of(picture, hand)
            if middle is not None:
                points = hand_shape(hand) + middle
                there = next_region(points)
                apart = float(np.hypot(there.x - x, there.y - y))
                inside.append((apart, hand, points))
        if not inside or min(inside)[0] > side / 2:
            return HandPoints(np.zeros((21, 2)), 0.1, 0.5)
        _, hand, points = min(inside, key=lambda row: row[0])
        return HandPoints(points, 0.97, 0.9 if hand else 0.1)
