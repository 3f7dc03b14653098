"""Servo control of the forearm bases: set points that follow a path, with weight and inertia fed
forward."""

from __future__ import annotations

import numpy as np

from musclehand.control.arrays import HandState


class ForearmControl:
    """Servos of the c degrees of freedom of h forearm bases."""

    def __init__(self, kp: np.ndarray, kd: np.ndarray) -> None:
        """
        Args:
            kp: stiffness of the servos [N/m, N m/rad]. Shape (h, c).
            kd: damping of the servos [N s/m, N m s/rad]. Shape (h, c).
        """
        # Loads the compiler, which only control needs.
        from musclehand.control.kernels import forearm as forearm_kernels

        self._kernels = forearm_kernels
        self._kp = kp
        self._kd = kd

    def set_points(
        self, state: HandState, acceleration: np.ndarray, place: np.ndarray, speed: np.ndarray
    ) -> np.ndarray:
        """Set points of the servos in each of s simulation steps [m, rad]. Shape (s, h, c).

        Args:
            state: of the hands.
            acceleration: to reach [m/s^2, rad/s^2]. Shape (h, c).
            place: goal of the first p dofs in each step [m]. Shape (h, s, p).
            speed: goal of their velocities [m/s]. Shape (h, s, p).
        """
        out = np.empty((place.shape[1], *self._kp.shape))
        self._kernels.set_points(
            state.forearm_inertia,
            state.forearm_load,
            acceleration,
            self._kp,
            self._kd,
            place,
            speed,
            out,
        )
        return out
