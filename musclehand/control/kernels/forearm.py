"""Set points of the servos that move the forearm bases, compiled (see `core.jit`)."""

from __future__ import annotations

import numpy as np

from musclehand.core.jit import compiled


@compiled
def set_points(
    inertia: np.ndarray,
    load: np.ndarray,
    acceleration: np.ndarray,
    kp: np.ndarray,
    kd: np.ndarray,
    place: np.ndarray,
    speed: np.ndarray,
    out: np.ndarray,
) -> None:
    """Set points of position servos that follow a path, weight and inertia fed forward.

    Args:
        inertia: of the forearm bases. Shape (h, c, c).
        load: that gravity, motion and springs ask for [N, N m]. Shape (h, c).
        acceleration: to reach [m/s^2, rad/s^2]. Shape (h, c).
        kp: stiffness of the servos [N/m, N m/rad]. Shape (h, c).
        kd: damping of the servos [N s/m, N m s/rad]. Shape (h, c).
        place: goal of the first p dofs in each of s simulation steps [m]. Shape (h, s, p).
        speed: goal of their velocities [m/s]. Shape (h, s, p).
        out: written. Shape (s, h, c).
    """
    hands, joints = load.shape
    for hand in range(hands):
        for joint in range(joints):
            force = load[hand, joint]
            for k in range(joints):
                force += inertia[hand, joint, k] * acceleration[hand, k]
            for step in range(out.shape[0]):
                goal = force
                if joint < place.shape[2]:
                    goal += (
                        kp[hand, joint] * place[hand, step, joint]
                        + kd[hand, joint] * speed[hand, step, joint]
                    )
                out[step, hand, joint] = goal / kp[hand, joint]
