"""Postures of a hand for analyses: random over the range of motion, or named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import mujoco
import numpy as np

from musclehand.body.hand_index import HandIndex

SPREAD_AT_RIGHT_ANGLE = 0.3
"""Share of a finger's abduction range that remains at 90 degrees of MCP flexion, because its
collateral ligaments tighten; chosen."""

REST_DEG = {
    "flexion": -15,
    "cmc_flexion": 8,
    "mp_flexion": -15,
    "ip_flexion": -20,
    "mcp2_abduction": 6,
    "mcp3_abduction": 1,
    "mcp4_abduction": -4,
    "mcp5_abduction": -10,
    **{f"mcp{finger}_flexion": 35 for finger in range(2, 6)},
    **{f"pm{finger}_flexion": 40 for finger in range(2, 6)},
    **{f"md{finger}_flexion": 27 for finger in range(2, 6)},
    "cmc4_flexion": 3.25,
    "cmc5_flexion": 7.56,
}
"""[deg] The relaxed hand, wrist slightly extended and fingers half open; other joints are at 0. The
same as `rest_deg` in `models/hand/joints.csv`."""

PLAYING_POSTURE_DEG = {
    "pro_sup": 4,
    "deviation": -4,
    "flexion": -13,
    "cmc_flexion": 18,
    "cmc_abduction": -5,
    "mp_flexion": -18,
    "ip_flexion": -27,
    "mcp2_flexion": 37,
    "mcp2_abduction": 11,
    "pm2_flexion": 24,
    "md2_flexion": 16,
    "mcp3_flexion": 31,
    "mcp3_abduction": 3,
    "pm3_flexion": 35,
    "md3_flexion": 23,
    "mcp4_flexion": 23,
    "mcp4_abduction": -10,
    "pm4_flexion": 30,
    "md4_flexion": 20,
    "mcp5_flexion": 8,
    "mcp5_abduction": -18,
    "pm5_flexion": 28,
    "md5_flexion": 19,
    "cmc4_flexion": 2,
    "cmc5_flexion": 2,
}
"""[deg] Five fingers on five neighbouring white keys, knuckles up and fingers curved; other joints
are at 0. The bundled hand's, as `motion.inverse_kinematics.HandIk` solves it for every hand and
`experiments/fit_playing_posture.py` prints it; a test holds both equal."""


def named_posture(hand: HandIndex, degrees: Mapping[str, float], limits: np.ndarray) -> np.ndarray:
    """Joint angles of a posture given by name, clipped to the limits.

    Args:
        hand: the hand.
        degrees: anatomical angles [deg] by joint; other joints are at 0.
        limits: lower and upper angle of each joint [rad]. Shape (n, 2).

    Returns:
        Anatomical angles [rad]. Shape (n,).
    """
    angles = np.deg2rad([degrees.get(joint, 0.0) for joint in hand.joints])
    return np.clip(angles, limits[:, 0], limits[:, 1])


def sample_postures(
    hand: HandIndex, limits: np.ndarray, count: int, rng: np.random.Generator
) -> np.ndarray:
    """Samples postures uniformly within the joint limits.

    Coupled joints follow their drivers, and the abduction of a bent finger narrows towards
    `SPREAD_AT_RIGHT_ANGLE` of its range.

    Args:
        hand: the hand.
        limits: lower and upper angle of each joint [rad]. Shape (n, 2).
        count: number of postures.
        rng: random generator.

    Returns:
        Anatomical angles [rad]. Shape (count, n).
    """
    postures = limits[:, 0] + rng.random((count, len(hand.joints))) * (limits[:, 1] - limits[:, 0])
    narrow_spread(hand.joints, postures)
    return couple(hand, postures)


def narrow_spread(joints: Sequence[str], postures: np.ndarray) -> None:
    """Narrows the abduction of bent fingers to what their ligaments allow, in place.

    Args:
        joints: n anatomical names.
        postures: anatomical angles [rad]. Shape (count, n).
    """
    for column, joint in enumerate(joints):
        if joint.startswith("mcp") and joint.endswith("abduction"):
            bend = postures[:, joints.index(joint.replace("abduction", "flexion"))]
            postures[:, column] *= 1.0 - (1.0 - SPREAD_AT_RIGHT_ANGLE) * np.clip(
                bend / (np.pi / 2), 0.0, 1.0
            )


def couple(hand: HandIndex, postures: np.ndarray) -> np.ndarray:
    """Sets coupled joints to the angles that follow from their drivers. Shape (..., n)."""
    return postures[..., hand.independent] @ hand.expand.T


def place(model: mujoco.MjModel, data: mujoco.MjData, hand: HandIndex, angles: np.ndarray) -> None:
    """Poses the hand and computes positions, tendon lengths and moment arms.

    Args:
        model: the model.
        data: its state; changed in place.
        hand: the hand in the model.
        angles: anatomical joint angles [rad]. Shape (n,).
    """
    hand.pose(data, angles)
    mujoco.mj_kinematics(model, data)
    mujoco.mj_comPos(model, data)
    mujoco.mj_tendon(model, data)
    mujoco.mj_transmission(model, data)
