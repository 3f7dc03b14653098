"""Keys that a finger must not touch: how far its bones would be in them, and which way out.

A fingertip on its own key says nothing about the rest of the finger: a thumb lies slanted over the
next white key, a finger between black keys has a millimetre on either side. Points along the last
two bones of every digit are compared with the boxes of the keys at rest, all but the one that the
digit plays. What overlaps becomes a wish for the inverse kinematics: to move that point out,
sideways or up, whichever is nearer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from musclehand.motion.inverse_kinematics import HandIk, PointTasks
from musclehand.piano.geometry import KeyboardGeometry

POINTS_PER_BONE = 4

_BIN = 0.002
_CANDIDATES = 6
"""Keys looked at for each point: those nearest sideways."""


_WAYS = np.array([[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


_REACHING = np.array([[1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0], [0.0, 0.0, -1.0, 0.0]])
"""From a point to how far it reaches into a key from the left, right, top and front."""

_NOTHING = np.zeros(0, dtype=int), np.zeros((0, 3)), np.zeros(0)


@dataclass(frozen=True)
class ClearanceConfig:
    """`margin` [m] kept between skin and keys: the pulp's 1.2 mm at which contact begins, and
    for error of tracking; `finger_margin` between fingers of one hand; `weight` of a point's
    wish against a fingertip's."""

    margin: float = 0.002
    finger_margin: float = 0.001
    weight: float = 0.25


class Skin(NamedTuple):
    """Spheres that fill the fingers of a hand: centres in the world, (n, 3), and radii, (n,)
    [m]."""

    place: np.ndarray
    radius: np.ndarray


class Clearance:
    """Wishes of one hand's bones to stay clear of a keyboard."""

    def __init__(
        self, ik: HandIk, geometry: KeyboardGeometry, mirror: float, config: ClearanceConfig
    ) -> None:
        """`mirror`: +1 for a right hand, -1 for a left one, as `Side.mirror`."""
        self._config = config
        self._flip = np.array([mirror, 1.0, 1.0])
        self.skin: Skin | None = None
        self._points = ik.bone_points(POINTS_PER_BONE)
        half = 0.5 * geometry.width
        low = geometry.x - half
        high = geometry.x + half
        self._bins_from = float(low.min()) - 0.05
        centres = np.arange(self._bins_from, float(high.max()) + 0.05, _BIN) + 0.5 * _BIN
        self._nearest = np.argsort(np.abs(geometry.x - centres[:, None]), axis=1)[:, :_CANDIDATES]
        # For each bin how far its keys reach left, right, up and to the front.
        reach = np.stack([-low, high, geometry.top_z, -geometry.front_y])
        self._reach = np.ascontiguousarray(reach[:, self._nearest].transpose(1, 0, 2))
        self._radius = self._points.radius + config.margin
        self._digit = self._points.digit
        # Points of one finger are as close as they are.
        touch = self._points.radius[:, None] + (self._points.radius + config.finger_margin)
        self._own_touch = np.where(self._digit[:, None] == self._digit, 0.0, touch)
        self._highest = float(geometry.top_z.max())
        self._touching = 2.0 * float(self._points.radius.max()) + config.margin

    def tasks(
        self, ik: HandIk, wrist: np.ndarray, playing: np.ndarray, other: Skin | None = None
    ) -> PointTasks:
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
        found = [self._out_of_keys(world, playing), self._off(world, world, self._own_touch)]
        if other is not None and self._near(world, other.place):
            touch = points.radius[:, None] + (other.radius + self._config.margin)
            found.append(self._off(world, other.place, touch))
        found = [some for some in found if some[0].size]
        if not found:
            return PointTasks.none()
        point, direction, depth = (np.concatenate(column) for column in zip(*found, strict=True))
        weight = np.full(len(point), self._config.weight)
        return PointTasks(points.body[point], place[point], direction * self._flip, depth, weight)

    def _near(self, world: np.ndarray, other: np.ndarray) -> bool:
        """Whether points of two hands may touch: not if there is room between them along the
        keyboard."""
        one = world[:, 0]
        two = other[:, 0]
        return bool(
            one.min() < two.max() + self._touching and two.min() < one.max() + self._touching
        )

    def _out_of_keys(
        self, world: np.ndarray, playing: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Which points are in keys, the way out in the world, and how far it is [m]. Shapes
        (n,), (n, 3), (n,)."""
        low = (world[:, 2] < self._highest + self._radius).nonzero()[0]
        if not low.size:
            return _NOTHING
        some = world.take(low, axis=0)
        along = (some[:, 0] - self._bins_from) * (1.0 / _BIN)
        bins = np.minimum(np.maximum(along, 0.0), len(self._nearest) - 1.0).astype(int)
        # How far beyond the key's left and right edges, below its top, and behind its front.
        beyond = self._reach.take(bins, axis=0)
        beyond += (some @ _REACHING + self._radius.take(low)[:, None])[:, :, None]
        deep = beyond.min(axis=1)
        deep[self._nearest.take(bins, axis=0) == playing[self._digit[low]][:, None]] = 0.0
        point, column = (deep > 0.0).nonzero()
        if not point.size:
            return _NOTHING
        # No further than out of the front, or a finger there would be thrown up.
        return low[point], _WAYS[np.argmin(beyond[point, :3, column], axis=1)], deep[point, column]

    def _off(
        self, world: np.ndarray, other: np.ndarray, touch: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Which points touch another finger's at `other`, the way off it, and how far it is, as for
        keys.

        `touch` [m]: the distance below which a pair does, 0 for points of one finger. Shape (n, m).
        """
        square = np.einsum("ij,ij->i", world, world)
        others = np.einsum("ij,ij->i", other, other)
        apart_squared = world @ (-2.0 * other.T)
        apart_squared += square[:, None]
        apart_squared += others
        mine = (apart_squared < np.square(touch)).any(axis=1).nonzero()[0]
        if not mine.size:
            return _NOTHING
        apart = world[mine][:, None] - other
        distance = np.sqrt(np.einsum("nmi,nmi->nm", apart, apart))
        deep = touch[mine] - distance
        nearest = deep.argmax(axis=1)
        point = (deep[np.arange(len(mine)), nearest] > 0.0).nonzero()[0]
        pair = point, nearest[point]
        return mine[point], apart[pair] / distance[pair][:, None], deep[pair]
