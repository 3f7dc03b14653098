"""Clearance: tasks that move the bones of a hand out of keys, of each other, and of the other hand.

A fingertip on its own key says nothing about the rest of the finger: a thumb lies slanted over the
next white key, and a finger between black keys has a millimetre on either side. Points along the
last two bones of every digit are compared with the boxes of the keys at rest. The key that the
digit plays is left out. For each overlap the inverse kinematics gets a task to move that point out,
sideways or up, whichever is nearer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from musclehand.motion.inverse_kinematics import HandIk, PointTasks
from musclehand.piano.geometry import KeyboardGeometry

POINTS_PER_BONE = 4
"""Points along the capsule of each bone; an assumption."""

_BIN = 0.002
"""[m] width of the bins along the keyboard by which the nearest keys are looked up."""

_CANDIDATES = 6
"""Keys that are considered for each point: those nearest sideways."""

_EDGE = 0.05
"""[m] distance by which the bins go beyond the keyboard."""

_DIRECTIONS = np.array([[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
"""Directions out of a key: left, right, up."""

_REACHING = np.array([[1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0], [0.0, 0.0, -1.0, 0.0]])
"""Matrix from a point to its distance beyond a key's left and right edge, its top and its front."""


@dataclass(frozen=True)
class ClearanceConfig:
    """Distances that are kept from keys and other fingers."""

    margin: float = 0.002
    """[m] between skin and keys: the 1.2 mm of pulp at which contact begins, and 0.8 mm for errors
    of tracking."""

    finger_margin: float = 0.001
    """[m] between fingers of one hand; an assumption."""

    weight: float = 0.25
    """[share] weight of a point's task against that of a fingertip; chosen by
    `experiments/bench_repertoire.py`."""


class Skin(NamedTuple):
    """Outline of a hand's fingers: n spheres that fill them."""

    place: np.ndarray
    """[m] centres in the world. Shape (n, 3)."""

    radius: np.ndarray
    """[m] Shape (n,)."""


class _Overlaps(NamedTuple):
    """Points that are where they should not be."""

    point: np.ndarray
    """Indices of the points. Shape (n,)."""

    direction: np.ndarray
    """Unit vectors of the way out, in the world. Shape (n, 3)."""

    depth: np.ndarray
    """[m] distance to move by. Shape (n,)."""


_NO_OVERLAPS = _Overlaps(np.zeros(0, dtype=int), np.zeros((0, 3)), np.zeros(0))


class Clearance:
    """Makes the tasks of one hand to stay clear of keys, of itself, and of the other hand.

    Attributes:
        skin: outline of the hand when tasks were made last; None before that.
    """

    def __init__(
        self, ik: HandIk, geometry: KeyboardGeometry, mirror: float, config: ClearanceConfig
    ) -> None:
        """
        Args:
            ik: of a hand of the same design.
            geometry: places of the keys.
            mirror: +1 for a right hand, -1 for a left hand, as `Side.mirror`.
            config: distances to keep.
        """
        self._config = config
        self._flip = np.array([mirror, 1.0, 1.0])
        self.skin: Skin | None = None
        self._points = ik.bone_points(POINTS_PER_BONE)
        half = 0.5 * geometry.width
        low = geometry.x - half
        high = geometry.x + half
        self._bins_from = float(low.min()) - _EDGE
        centres = np.arange(self._bins_from, float(high.max()) + _EDGE, _BIN) + 0.5 * _BIN
        self._nearest = np.argsort(np.abs(geometry.x - centres[:, None]), axis=1)[:, :_CANDIDATES]
        # For each bin the distances by which its keys reach left, right, up and to the front.
        reach = np.stack([-low, high, geometry.top_z, -geometry.front_y])
        self._reach = np.ascontiguousarray(reach[:, self._nearest].transpose(1, 0, 2))
        self._radius = self._points.radius + config.margin
        self._digit = self._points.digit
        # Points of one finger do not count: they are as close as they are.
        touch = self._points.radius[:, None] + (self._points.radius + config.finger_margin)
        self._own_touch = np.where(self._digit[:, None] == self._digit, 0.0, touch)
        self._highest = float(geometry.top_z.max())
        self._touching = 2.0 * float(self._points.radius.max()) + config.margin

    def tasks(
        self, ik: HandIk, wrist: np.ndarray, playing: np.ndarray, other_skin: Skin | None = None
    ) -> PointTasks:
        """Tasks for all points that have to move out of something.

        Args:
            ik: at the present angles.
            wrist: of this hand in the world [m]. Shape (3,).
            playing: index of the key that each digit plays, -1 for none. Shape (5,).
            other_skin: outline of the other hand, if there is one.
        """
        points = self._points
        place = ik.points(points.body, points.local)
        world = wrist + place * self._flip
        self.skin = Skin(world, points.radius)
        candidates = [
            self._out_of_keys(world, playing),
            self._out_of_points(world, world, self._own_touch),
        ]
        if other_skin is not None and self._near(world, other_skin.place):
            touch = points.radius[:, None] + (other_skin.radius + self._config.margin)
            candidates.append(self._out_of_points(world, other_skin.place, touch))
        overlaps = [overlap for overlap in candidates if overlap.point.size]
        if not overlaps:
            return PointTasks.none()
        point, direction, depth = (np.concatenate(column) for column in zip(*overlaps, strict=True))
        return PointTasks(
            body=points.body[point],
            place=place[point],
            direction=direction * self._flip,
            distance=depth,
            weight=np.full(len(point), self._config.weight),
        )

    def _near(self, world: np.ndarray, other_world: np.ndarray) -> bool:
        """Whether points of two hands may touch, by their extents along the keyboard.

        Args:
            world: points of this hand [m]. Shape (n, 3).
            other_world: points of the other hand [m]. Shape (m, 3).
        """
        x = world[:, 0]
        other_x = other_world[:, 0]
        touching = self._touching
        return bool(x.min() < other_x.max() + touching and other_x.min() < x.max() + touching)

    def _out_of_keys(self, world: np.ndarray, playing: np.ndarray) -> _Overlaps:
        """Overlaps of points with keys that their digits do not play.

        Args:
            world: the points [m]. Shape (n, 3).
            playing: index of the key that each digit plays, -1 for none. Shape (5,).
        """
        low = (world[:, 2] < self._highest + self._radius).nonzero()[0]
        if not low.size:
            return _NO_OVERLAPS
        low_world = world.take(low, axis=0)
        along = (low_world[:, 0] - self._bins_from) * (1.0 / _BIN)
        bins = np.minimum(np.maximum(along, 0.0), len(self._nearest) - 1.0).astype(int)
        # Distances beyond the key's left and right edges, below its top, and behind its front.
        beyond = self._reach.take(bins, axis=0)
        beyond += (low_world @ _REACHING + self._radius.take(low)[:, None])[:, :, None]
        depth = beyond.min(axis=1)
        depth[self._nearest.take(bins, axis=0) == playing[self._digit[low]][:, None]] = 0.0
        point, column = (depth > 0.0).nonzero()
        if not point.size:
            return _NO_OVERLAPS
        # No further than out of the front, or a finger there would be thrown up.
        direction = _DIRECTIONS[np.argmin(beyond[point, :3, column], axis=1)]
        return _Overlaps(low[point], direction, depth[point, column])

    def _out_of_points(
        self, world: np.ndarray, other_world: np.ndarray, touch: np.ndarray
    ) -> _Overlaps:
        """Overlaps of points with those of other fingers, with the deepest one for each point.

        Args:
            world: the points [m]. Shape (n, 3).
            other_world: points to stay clear of [m]. Shape (m, 3).
            touch: distance below which a pair overlaps [m]; 0 for points of one finger. Shape
                (n, m).
        """
        square = np.einsum("ij,ij->i", world, world)
        other_square = np.einsum("ij,ij->i", other_world, other_world)
        apart_squared = world @ (-2.0 * other_world.T)
        apart_squared += square[:, None]
        apart_squared += other_square
        close = (apart_squared < np.square(touch)).any(axis=1).nonzero()[0]
        if not close.size:
            return _NO_OVERLAPS
        apart = world[close][:, None] - other_world
        distance = np.sqrt(np.einsum("nmi,nmi->nm", apart, apart))
        depth = touch[close] - distance
        nearest = depth.argmax(axis=1)
        point = (depth[np.arange(len(close)), nearest] > 0.0).nonzero()[0]
        pair = point, nearest[point]
        return _Overlaps(close[point], apart[pair] / distance[pair][:, None], depth[pair])
