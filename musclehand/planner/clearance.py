"""Keys that a finger must not touch: how far its bones would be in them, and which way out.

A fingertip on its own key says nothing about the rest of the finger: a thumb lies slanted over the next white key, a
finger between black keys has a millimetre on either side. Points along the last two bones of every digit are
compared with the boxes of the keys at rest, all but the one that the digit plays. What overlaps becomes a wish for the
inverse kinematics: to move that point out, sideways or up, whichever is nearer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from musclehand.motion.retarget import HandIk, PointWishes
from musclehand.piano.geometry import KeyboardGeometry

POINTS_PER_BONE = 4

_BIN = 0.002
_CANDIDATES = 6
"""Keys looked at for each point: those nearest sideways."""


_WAYS = np.array([[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])

_HANDS_MEET = 0.4
"""Hands further apart than this cannot touch [m]."""


@dataclass(frozen=True)
class ClearanceConfig:
    """`margin` [m] kept between skin and keys: the pulp's 1.2 mm at which contact begins, and for error of tracking;
    `weight` of a point's wish against a fingertip's."""

    margin: float = 0.002
    weight: float = 0.15


class Skin(NamedTuple):
    """Spheres that fill the fingers of a hand: centres in the world, (n, 3), and radii, (n,) [m]."""

    place: np.ndarray
    radius: np.ndarray


class Clearance:
    """Wishes of one hand's bones to stay clear of a keyboard."""

    def __init__(self, ik: HandIk, geometry: KeyboardGeometry, mirror: float, config: ClearanceConfig) -> None:
        """`mirror`: +1 for a right hand, -1 for a left one, as `Side.mirror`."""
        self._config, self._flip = config, np.array([mirror, 1.0, 1.0])
        self.skin: Skin | None = None
        self._points = ik.bone_points(POINTS_PER_BONE)
        half = 0.5 * geometry.width
        self._x = np.column_stack([geometry.x - half, geometry.x + half])
        self._front, self._top = geometry.front_y, geometry.top_z
        self._bins_from = float(self._x.min()) - 0.05
        centres = np.arange(self._bins_from, float(self._x.max()) + 0.05, _BIN) + 0.5 * _BIN
        self._nearest = np.argsort(np.abs(geometry.x - centres[:, None]), axis=1)[:, :_CANDIDATES]

    def wishes(self, ik: HandIk, wrist: np.ndarray, playing: np.ndarray, other: Skin | None = None) -> PointWishes:
        """What has to move out of where it is now.

        Args:
            ik: at the present angles.
            wrist: of this hand, world [m]. Shape (3,).
            playing: the key of each digit, -1 for none. Shape (5,).
            other: the other hand, if it may be in the way.
        """
        points = self._points
        place = ik.points(points.body, points.local)
        world = wrist + place * self._flip
        self.skin = Skin(world, points.radius)
        point, direction, depth = self._out_of_keys(world, playing)
        if other is not None and np.abs(other.place[0] - world[0]).max() < _HANDS_MEET:
            found = self._off_hand(world, other)
            point, direction, depth = (
                np.concatenate(pair) for pair in zip((point, direction, depth), found, strict=True)
            )
        if not len(point):
            return PointWishes.none()
        weight = np.full(len(point), self._config.weight)
        return PointWishes(points.body[point], place[point], direction * self._flip, depth, weight)

    def _out_of_keys(self, world: np.ndarray, playing: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Which points are in keys, the way out in the world, and how far it is [m]. Shapes (n,), (n, 3), (n,)."""
        x, y, z = world.T
        keys = self._nearest[np.clip(((x - self._bins_from) / _BIN).astype(int), 0, len(self._nearest) - 1)]
        radius = (self._points.radius + self._config.margin)[:, None]
        sideways_low = x[:, None] + radius - self._x[keys, 0]  # how far beyond the key's left edge
        sideways_high = self._x[keys, 1] - x[:, None] + radius
        upwards = self._top[keys] - z[:, None] + radius
        inside = y[:, None] - self._front[keys] + radius
        deep = np.minimum(np.minimum(sideways_low, sideways_high), np.minimum(upwards, inside))
        deep[keys == playing[self._points.digit][:, None]] = 0.0
        point, column = np.nonzero(deep > 0.0)
        ways = np.stack([sideways_low, sideways_high, upwards])[:, point, column]
        # No further than out of the front, or a finger there would be thrown up.
        return point, _WAYS[np.argmin(ways, axis=0)], deep[point, column]

    def _off_hand(self, world: np.ndarray, other: Skin) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Which points touch the other hand, the way off it, and how far it is, as for keys."""
        apart = world[:, None] - other.place
        distance = np.linalg.norm(apart, axis=2)
        deep = self._points.radius[:, None] + other.radius + self._config.margin - distance
        nearest = deep.argmax(axis=1)
        rows = np.arange(len(world))
        point = np.flatnonzero(deep[rows, nearest] > 0.0)
        pair = point, nearest[point]
        return point, apart[pair] / distance[pair][:, None], deep[pair]
