"""Torques on keys that no spring or damper gives: friction, and the let-off of a grand's action."""

from __future__ import annotations

import numpy as np

SLIDING = 0.1
"""[rad/s] Speed at which friction has reached three quarters of its full size: slow beside a
stroke of 1 rad/s and more, and so fast that a step of 2 ms stays stable; chosen."""

LET_OFF_BEFORE = 0.006
"""[rad] The let-off's middle lies this much above the angle at which a key sounds: 0.9 mm at the
front of a white key; chosen."""

LET_OFF_WIDTH = 0.003
"""[rad] Standard deviation of the let-off's bump; chosen."""


class KeyTorques:
    """Friction of all keys, and the let-off's resistance on their way down."""

    def __init__(self, friction: float, let_off: float, on_angle: np.ndarray) -> None:
        """
        Args:
            friction: Coulomb friction [N m].
            let_off: peak of the let-off's resistance [N m].
            on_angle: angles at which keys sound [rad]. Shape (88,).
        """
        self._friction = friction
        self._let_off = let_off
        self._middle = on_angle - LET_OFF_BEFORE

    def __call__(self, angles: np.ndarray, speeds: np.ndarray) -> np.ndarray:
        """Torques [N m], positive down. Shape (88,).

        Args:
            angles: of the keys, positive down [rad]. Shape (88,).
            speeds: of the keys [rad/s]. Shape (88,).
        """
        sliding = np.tanh(speeds / SLIDING)
        torque = -self._friction * sliding
        if self._let_off:
            bump = np.exp(-0.5 * ((angles - self._middle) / LET_OFF_WIDTH) ** 2)
            torque -= self._let_off * bump * np.maximum(sliding, 0.0)
        return torque
