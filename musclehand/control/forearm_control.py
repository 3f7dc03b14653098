"""The servos of the forearms: set points that follow a path, with weight and inertia fed
forward."""

from __future__ import annotations

import numpy as np

from musclehand.control.hand_state import HandState


class ForearmControl:
    """Of the c carrier joints of h hands."""

    def __init__(self, kp: np.ndarray, kd: np.ndarray) -> None:
        """`kp` [N/m, N m/rad] and `kd`: stiffness and damping of the servos. Shapes (h, c)."""
        # Loads the compiler, which nobody else needs.
        from musclehand.control.kernels import forearm as compiled_carrier

        self._kernels = compiled_carrier
        self._kp = kp
        self._kd = kd

    def set_points(
        self, state: HandState, acceleration: np.ndarray, place: np.ndarray, speed: np.ndarray
    ) -> np.ndarray:
        """What the servos are told in each of s simulation steps [m, rad]. Shape (s, h, c).

        Args:
            state: now.
            acceleration: wanted [m/s^2, rad/s^2]. Shape (h, c).
            place: wanted of the first p joints in each step [m]. Shape (h, s, p).
            speed: likewise [m/s]. Shape (h, s, p).
        """
        out = np.empty((place.shape[1], *self._kp.shape))
        now = state.forearm_inertia, state.carrier_load
        self._kernels.set_points(*now, acceleration, self._kp, self._kd, place, speed, out)
        return out
