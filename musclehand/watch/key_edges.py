"""Edges of keys that a camera shows, and where they are in a picture.

The side of a black key that is turned to the camera is dark like its top. So its outline is the
edge of the top on the far side, and the foot of the side, at the height of white keys, on the near
side.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.ndimage import map_coordinates

from musclehand.watch.key_pattern import key_pattern
from musclehand.watch.view import KeyboardView

STEP = 0.5
"""[pixels] Between the places along a normal that are compared."""

LEAST_CONTRAST = 0.15
"""Least step of brightness over an edge, by the contrast of white and black keys; chosen between
the noise of compressed films and the weakest edges in shade."""

BLACK, GAP, FRONT = 0, 1, 2
"""Kinds of edges: outlines of black keys, dark lines between white keys, fronts of white keys."""

SHADE = 1.5
"""How much an outline of a black key counts less for the brightness of its dark side, so that the
edge of its shadow is not taken for it; chosen: shade is half as bright as light."""

LEAST_GAP = 0.02
"""The same of the line between two white keys."""

SIDE_SHARES = np.linspace(0.08, 0.85, 6)
"""Where the sides of black keys are looked for, from front to back."""

FRONT_SHARES = np.array([0.2, 0.4, 0.6, 0.8])
"""Where the gaps between white keys are looked for."""


@dataclass(frozen=True, eq=False)
class KeyEdges:
    """Points on edges of keys."""

    view: KeyboardView
    """The camera."""

    points: np.ndarray
    """[m] In the world. Shape (n, 3)."""

    normals: np.ndarray
    """[pixels] Direction in the picture across the edge, from dark to light. Shape (n, 2)."""

    outwards: np.ndarray
    """How a point moves if black keys are wider. Shape (n, 3)."""

    weights: np.ndarray
    """Of the points. Shape (n,)."""

    kind: np.ndarray
    """`BLACK`, `GAP` or `FRONT`. Shape (n,), int."""

    def locate(
        self, picture: np.ndarray, reach: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Finds the edges in a picture.

        Args:
            picture: brightness. Shape (height, width).
            reach: how far from the points [pixels].

        Returns:
            Places [pixels] (n, 2), normals (n, 2), and whether an edge is there (n,).
        """
        centres = self.view.to_pixels(self.points)
        count = int(np.ceil(reach / STEP)) + 2
        offsets = STEP * np.arange(-count, count + 1)
        along = centres[:, None] + offsets[None, :, None] * self.normals[:, None]
        values = map_coordinates(
            picture, [along[..., 1] - 0.5, along[..., 0] - 0.5], order=1, mode="nearest"
        )
        contrast = max(float(np.ptp(np.quantile(values, [0.05, 0.95]))), 1e-6)
        # Steps over 2 pixels, and the depth of lines against places 2 pixels away.
        wide = round(1 / STEP)
        steps = np.zeros_like(values)
        steps[:, wide:-wide] = values[:, 2 * wide :] - values[:, : -2 * wide]
        lines = np.zeros_like(values)
        far = 2 * wide
        lines[:, far:-far] = (
            np.minimum(values[:, 2 * far :], values[:, : -2 * far]) - values[:, far:-far]
        )
        strength = np.where((self.kind == GAP)[:, None], lines, steps) / contrast
        # The dark side is a pixel and a half away.
        inner = np.roll(values, 3, axis=1)
        shade = (inner - np.quantile(values, 0.05)) / contrast
        outline = (self.kind == BLACK)[:, None]
        strength = strength - np.where(outline, SHADE * np.clip(shade - 0.1, 0.0, 1.0), 0.0)
        # The nearest of several edges is the likeliest.
        nearness = 1.0 - 0.5 * np.abs(offsets) / max(reach, STEP)
        legal = np.abs(offsets) <= reach
        rated = np.where(legal, strength * nearness, -np.inf)
        best = np.clip(np.argmax(rated, axis=1), 1, len(offsets) - 2)
        rows = np.arange(len(best))
        before, middle, after = (strength[rows, best + shift] for shift in (-1, 0, 1))
        bend = before - 2 * middle + after
        fine = np.where(bend < -1e-9, 0.5 * (before - after) / np.where(bend < -1e-9, bend, -1), 0)
        offset = offsets[best] + STEP * np.clip(fine, -1, 1)
        size = np.array(self.view.size)
        inside = ((centres > reach) & (centres < size - reach)).all(axis=1)
        least = np.where(self.kind == GAP, LEAST_GAP, LEAST_CONTRAST)
        found = inside & (middle > least) & (np.abs(offset) <= reach)
        return centres + offset[:, None] * self.normals, self.normals, found


def key_edges(
    view: KeyboardView, keys: tuple[int, int], spread: float, *, fronts: bool = True
) -> KeyEdges:
    """Edges of keys in a camera's picture.

    Args:
        view: the camera.
        keys: numbers of the first and the last key.
        spread: half of what black keys are wider than the bundled piano's [m].
        fronts: with the front edges of white keys, which are easily taken for the foot of their
            front faces.
    """
    pattern = key_pattern()
    rows = pattern.rows(*keys)
    black = pattern.black[rows]
    back, front = pattern.back_x[rows], pattern.front_x[rows]
    parts = [
        *(_black_sides(view, edges, spread) for edges in back[black]),
        *(_black_front(view, edges, spread) for edges in back[black]),
    ]
    white = front[~black]
    parts += [_gap(0.5 * (a[1] + b[0])) for a, b in pairwise(white)]
    if fronts:
        parts += [_white_front(edges) for edges in white]
    points, across, outwards, weights, kind = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    return KeyEdges(
        view, points, _normals(view, points, across), outwards, weights, kind.astype(int)
    )


def front_contrast(view: KeyboardView, picture: np.ndarray, keys: tuple[int, int]) -> float:
    """Mean step of brightness over the fronts of black keys, less for bright keys.

    Args:
        view: the camera.
        picture: brightness, a little blurred. Shape (height, width).
        keys: numbers of the first and the last key.
    """
    pattern = key_pattern()
    rows = pattern.rows(*keys)
    parts = _joined([_black_front(view, e, 0.0) for e in pattern.back_x[rows][pattern.black[rows]]])
    normals = _normals(view, parts[0], parts[1])
    centres = view.to_pixels(parts[0])
    values = [
        map_coordinates(picture, [place[:, 1] - 0.5, place[:, 0] - 0.5], order=1, mode="nearest")
        for place in (centres + 2 * normals, centres - 2 * normals)
    ]
    return float(np.mean(values[0] - (1.0 + SHADE) * values[1]))


Part = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def _part(points: list[list[float]], across: list[float], spread: float, weight: float) -> Part:
    """Points, their directions from dark to light in the world, and so on."""
    count = len(points)
    direction = np.tile(np.array(across), (count, 1))
    return (
        np.array(points),
        direction,
        direction * spread,
        np.full(count, weight),
        np.full(count, BLACK),
    )


def _black_sides(view: KeyboardView, edges: np.ndarray, spread: float) -> Part:
    pattern = key_pattern()
    y = pattern.black_front + SIDE_SHARES * (pattern.back - pattern.black_front)
    parts = []
    for x, sign in ((edges[0] - spread, -1.0), (edges[1] + spread, 1.0)):
        shows = sign * (view.position[0] - x) > 0
        height = 0.0 if shows else pattern.rise
        parts.append(_part([[x, b, height] for b in y], [sign, 0.0, 0.0], 1.0, 1.0))
    return _joined(parts)


def _black_front(view: KeyboardView, edges: np.ndarray, spread: float) -> Part:
    pattern = key_pattern()
    height = 0.0 if view.position[1] < pattern.black_front else pattern.rise
    x = edges[0] + np.array([0.25, 0.5, 0.75]) * (edges[1] - edges[0])
    points = [[a, pattern.black_front - spread, height] for a in x]
    return _part(points, [0.0, -1.0, 0.0], 1.0, 0.7)


def _gap(x: float) -> Part:
    points = [[x, y, 0.0] for y in FRONT_SHARES * key_pattern().black_front]
    part = _part(points, [1.0, 0.0, 0.0], 0.0, 0.5)
    return (*part[:4], np.full(len(points), GAP))


def _white_front(edges: np.ndarray) -> Part:
    x = edges[0] + np.array([0.3, 0.7]) * (edges[1] - edges[0])
    part = _part([[a, 0.0, 0.0] for a in x], [0.0, 1.0, 0.0], 0.0, 0.3)
    return (*part[:4], np.full(len(x), FRONT))


def _joined(parts: list[Part]) -> Part:
    points, across, outwards, weights, kind = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    return points, across, outwards, weights, kind


def _normals(view: KeyboardView, points: np.ndarray, across: np.ndarray) -> np.ndarray:
    """Unit normals of the edges in the picture, from dark to light. Shape (n, 2)."""
    # The edge runs along the keys' tops, at a right angle to the direction across.
    along = np.cross(across, [0.0, 0.0, 1.0])
    line = view.to_pixels(points + 1e-3 * along) - view.to_pixels(points - 1e-3 * along)
    normal = np.stack([-line[:, 1], line[:, 0]], axis=1)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    towards = view.to_pixels(points + 1e-3 * across) - view.to_pixels(points)
    return np.asarray(normal * np.sign((normal * towards).sum(axis=1))[:, None])
