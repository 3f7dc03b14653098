"""Keys that a finger must not touch: how far its bones would be in them, and which way out.

A fingertip on its own key says nothing about the rest of the finger: a thumb lies slanted over the next white key, a
finger between black keys has a millimetre on either side. Points along the last two bones of every digit are
compared with the boxes of the keys at rest, all but the one that the digit plays. What overlaps becomes a wish for the
inverse kinematics: to move that point out, sideways or up, whichever is nearer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from musclehand.motion.retarget import HandIk, PointWishes
from musclehand.piano.geometry import KeyboardGeometry

POINTS_PER_BONE = 4

_BIN = 0.002
_CANDIDATES = 6
"""Keys looked at for each point: those nearest sideways."""


@dataclass(frozen=True)
class ClearanceConfig:
    """`margin` [m] kept between skin and keys: the pulp's 1.2 mm at which contact begins, and for error of tracking;
    `weight` of a point's wish against a fingertip's."""

    margin: float = 0.002
    weight: float = 0.15


class Clearance:
    """Wishes of one hand's bones to stay clear of a keyboard."""

    def __init__(self, ik: HandIk, geometry: KeyboardGeometry, mirror: float, config: ClearanceConfig) -> None:
        """`mirror`: +1 for a right hand, -1 for a left one, as `Side.mirror`."""
        self._config, self._mirror = config, mirror
        self._points = ik.bone_points(POINTS_PER_BONE)
        half = 0.5 * geometry.width
        self._x = np.column_stack([geometry.x - half, geometry.x + half])
        self._front, self._top = geometry.front_y, geometry.top_z
        self._bins_from = float(self._x.min()) - 0.05
        centres = np.arange(self._bins_from, float(self._x.max()) + 0.05, _BIN) + 0.5 * _BIN
        self._nearest = np.argsort(np.abs(geometry.x - centres[:, None]), axis=1)[:, :_CANDIDATES]

    def wishes(self, ik: HandIk, wrist: np.ndarray, playing: np.ndarray) -> PointWishes:
        """What has to move out of where it is now.

        Args:
            ik: at the present angles.
            wrist: of this hand, world [m]. Shape (3,).
            playing: the key of each digit, -1 for none. Shape (5,).
        """
        points = self._points
        place = ik.points(points.body, points.local)
        x = wrist[0] + self._mirror * place[:, 0]
        y, z = wrist[1] + place[:, 1], wrist[2] + place[:, 2]
        keys = self._nearest[np.clip(((x - self._bins_from) / _BIN).astype(int), 0, len(self._nearest) - 1)]
        radius = (points.radius + self._config.margin)[:, None]
        sideways_low = x[:, None] + radius - self._x[keys, 0]  # how far beyond the key's left edge
        sideways_high = self._x[keys, 1] - x[:, None] + radius
        upwards = self._top[keys] - z[:, None] + radius
        inside = y[:, None] - self._front[keys] + radius
        deep = np.minimum(np.minimum(sideways_low, sideways_high), np.minimum(upwards, inside))
        deep[keys == playing[points.digit][:, None]] = 0.0
        point, column = np.nonzero(deep > 0.0)
        if not len(point):
            return PointWishes.none()
        ways = np.stack([sideways_low, sideways_high, upwards])[:, point, column]
        way = np.argmin(ways, axis=0)
        depth = deep[point, column]  # no further than out of the front, or a finger there would be thrown up
        direction = np.array([[-self._mirror, 0.0, 0.0], [self._mirror, 0.0, 0.0], [0.0, 0.0, 1.0]])[way]
        return PointWishes(points.body[point], place[point], direction, depth, np.full(len(point), self._config.weight))
