"""What touches in a compiled model: axes of capsules, and pairs of bodies without contacts."""

from __future__ import annotations

import mujoco
import numpy as np


def half_axis(model: mujoco.MjModel, geom: int) -> np.ndarray:
    """From the middle of a capsule to one end of its axis, frame of its body [m]. Shape (3,).

    Args:
        model: of the hand.
        geom: id of the capsule.
    """
    axis = np.zeros(3)
    half = np.array([0.0, 0.0, model.geom_size[geom, 1]])
    mujoco.mju_rotVecQuat(axis, half, model.geom_quat[geom])
    return axis


def excluded_bodies(model: mujoco.MjModel) -> set[tuple[int, int]]:
    """Ids of the pairs of bodies whose contacts the model excludes, the smaller id first."""
    decoded = ((int(pair) >> 16, int(pair) & 0xFFFF) for pair in model.exclude_signature)
    return {(min(pair), max(pair)) for pair in decoded}
