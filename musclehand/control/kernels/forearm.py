"""What carries the hands follows its path, compiled (see `compiled`)."""

from __future__ import annotations

import numpy as np

from musclehand.control.kernels.jit import compiled


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
    """Set points of position servos that follow a path, weight and inertia fed forward; written,
    (s, h, c).

    Args:
        inertia: of the c carrier joints of h hands. Shape (h, c, c).
        load: torque or force that gravity, motion and springs ask for [N, N m]. Shape (h, c).
        acceleration: wanted [m/s^2, rad/s^2]. Shape (h, c).
        kp, kd: stiffness [N/m, N m/rad] and damping of the servos. Shapes (h, c).
        place, speed: wanted of the first p joints in each of s simulation steps [m, m/s]. Shapes
            (h, s, p).
        out: written.
    """
    hands, joints = load.shape
    for hand in range(hands):
        for joint in range(joints):
            force = load[hand, joint]
            for other in range(joints):
                force += inertia[hand, joint, other] * acceleration[hand, other]
            for step in range(out.shape[0]):
                goal = force
                if joint < place.shape[2]:
                    goal += (
                        kp[hand, joint] * place[hand, step, joint]
                        + kd[hand, joint] * speed[hand, step, joint]
                    )
                out[step, hand, joint] = goal / kp[hand, joint]
