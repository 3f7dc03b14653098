"""Postures of a hand to examine it in: random ones over the range of motion, and named ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import mujoco
import numpy as np

from musclehand.body.hand_index import HandIndex

SPREAD_AT_RIGHT_ANGLE = 0.3
"""Share of a finger's sideways range that is left at 90 degrees of flexion: its collateral
ligaments tighten."""

REST_DEG = {
    "flexion": -15,
    "mp_flexion": -15,
    "ip_flexion": -15,
    **{f"mcp{finger}_flexion": 35 for finger in range(2, 6)},
    **{f"pm{finger}_flexion": 40 for finger in range(2, 6)},
    **{f"md{finger}_flexion": 27 for finger in range(2, 6)},
}
"""The hand at ease, wrist slightly extended and fingers half open [deg]; joints not named are at
0."""


PLAYING_POSTURE_DEG = {
    "pro_sup": 5,
    "deviation": -4,
    "flexion": -14,
    "cmc_flexion": 22,
    "cmc_abduction": -5,
    "mp_flexion": -18,
    "ip_flexion": -38,
    "mcp2_flexion": 33,
    "mcp2_abduction": 14,
    "pm2_flexion": 36,
    "mcp3_flexion": 30,
    "mcp3_abduction": 5,
    "pm3_flexion": 39,
    "mcp4_flexion": 25,
    "mcp4_abduction": -9,
    "pm4_flexion": 40,
    "mcp5_flexion": 6,
    "mcp5_abduction": -18,
    "pm5_flexion": 41,
    "md2_flexion": 24,
    "md3_flexion": 26,
    "md4_flexion": 27,
    "md5_flexion": 27,
}
"""Five fingers on five neighbouring white keys, knuckles up and fingers curved: what
`motion.inverse_kinematics` finds for `planning.strokes.placement.NOMINAL_TIPS`, searched over
wrist height and depth for the most central joint angles [deg]; joints not named are at 0."""


def named_posture(hand: HandIndex, degrees: Mapping[str, float], limits: np.ndarray) -> np.ndarray:
    """Anatomical joint angles [rad] from degrees by joint, 0 where not named, within the limits
    (n, 2). Shape (n,)."""
    angles = np.deg2rad([degrees.get(joint, 0.0) for joint in hand.joints])
    return np.clip(angles, limits[:, 0], limits[:, 1])


def sample_postures(
    hand: HandIndex, limits: np.ndarray, count: int, rng: np.random.Generator
) -> np.ndarray:
    """Random postures, uniform within the limits, that a hand can take.

    Coupled joints follow their drivers, and spreading of a bent finger narrows towards
    `SPREAD_AT_RIGHT_ANGLE` of its range.

    Args:
        hand: which joints there are.
        limits: lower and upper angle of each [rad]. Shape (n, 2).
        count: how many.
        rng: where chance comes from.

    Returns:
        Anatomical angles [rad]. Shape (count, n).
    """
    postures = limits[:, 0] + rng.random((count, len(hand.joints))) * (limits[:, 1] - limits[:, 0])
    narrow_spread(hand.joints, postures)
    return couple(hand, postures)


def narrow_spread(joints: Sequence[str], postures: np.ndarray) -> None:
    """Takes from bent fingers, in place, the sideways motion that they do not have. `postures`
    [rad], (count, n)."""
    for column, joint in enumerate(joints):
        if joint.startswith("mcp") and joint.endswith("abduction"):
            bend = postures[:, joints.index(joint.replace("abduction", "flexion"))]
            postures[:, column] *= 1.0 - (1.0 - SPREAD_AT_RIGHT_ANGLE) * np.clip(
                bend / (np.pi / 2), 0.0, 1.0
            )


def couple(hand: HandIndex, postures: np.ndarray) -> np.ndarray:
    """The same postures with coupled joints where their drivers put them. Shape (..., n)."""
    return postures[..., hand.independent] @ hand.expand.T


def place(model: mujoco.MjModel, data: mujoco.MjData, hand: HandIndex, angles: np.ndarray) -> None:
    """Puts the hand into a posture (n,) and computes positions, tendon lengths and moment arms."""
    hand.pose(data, angles)
    mujoco.mj_kinematics(model, data)
    mujoco.mj_comPos(model, data)
    mujoco.mj_tendon(model, data)
    mujoco.mj_transmission(model, data)
