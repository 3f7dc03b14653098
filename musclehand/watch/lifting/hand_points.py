"""The 21 points of a detected hand on our hand.

    point             on our hand
    0                 centre of the wrist: the axis of its flexion
    1, 2, 3           axes of flexion of the thumb's carpometacarpal, metacarpophalangeal and
                      interphalangeal joint
    5, 9, 13, 17      axes of flexion of the metacarpophalangeal joints of index to little finger
    6, 10, 14, 18     those of the proximal interphalangeal joints
    7, 11, 15, 19     those of the distal interphalangeal joints
    4, 8, 12, 16, 20  sites at the fingertips

The order is that of MediaPipe Hands (Zhang et al. 2020, arXiv:2006.10214). What a detector means by
a point differs from ours by a constant displacement, which `watch.lifting.calibration` finds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from musclehand.motion.inverse_kinematics import HandIk
from musclehand.planning.trajectory.chain import Chain, chain_of
from musclehand.planning.trajectory.problem import Poses
from musclehand.watch.landmarks import NUM_POINTS, TIPS

POINT_JOINTS = (
    *("flexion", "cmc_flexion", "mp_flexion", "ip_flexion", ""),
    *("mcp2_flexion", "pm2_flexion", "md2_flexion", ""),
    *("mcp3_flexion", "pm3_flexion", "md3_flexion", ""),
    *("mcp4_flexion", "pm4_flexion", "md4_flexion", ""),
    *("mcp5_flexion", "pm5_flexion", "md5_flexion", ""),
)
"""Joint at each of the 21 points; empty for fingertips."""


class HandPoints(NamedTuple):
    """The points on the chain of a hand."""

    joint: np.ndarray
    """Joint of the chain at each point, -1 for fingertips. Shape (21,)."""

    body: np.ndarray
    """Body that carries each point. Shape (21,)."""

    tip: np.ndarray
    """Index of each point among the fingertips, -1 for joints. Shape (21,)."""


def points_of(ik: HandIk) -> tuple[Chain, HandPoints]:
    """The chain of a hand, and the points on it.

    Args:
        ik: of the hand.
    """
    chain = chain_of(ik.model, ik.index, ik.wrist)
    ids = ik.index.joint_ids(ik.model)
    rank = {name: int((ids < ids[i]).sum()) for i, name in enumerate(ik.index.joints)}
    joint = np.array([rank[name] if name else -1 for name in POINT_JOINTS], dtype=np.int64)
    tip = np.full(NUM_POINTS, -1, dtype=np.int64)
    tip[list(TIPS)] = np.arange(len(TIPS))
    carrier = np.searchsorted(chain.first_joint, np.arange(len(chain.column)), side="right") - 1
    body = np.where(joint >= 0, carrier[joint], chain.tip_body[tip]).astype(np.int64)
    return chain, HandPoints(joint, body, tip)


def scaled(chain: Chain, size: float) -> Chain:
    """The chain with all lengths times a factor.

    Args:
        chain: of a hand.
        size: the factor.
    """
    return chain._replace(
        body_place=chain.body_place * size,
        joint_place=chain.joint_place * size,
        wrist=chain.wrist * size,
        tip_place=chain.tip_place * size,
        bone_ends=chain.bone_ends * size,
        bone_radius=chain.bone_radius * size,
        bone_length=chain.bone_length * size,
    )


def place_points(chain: Chain, points: HandPoints, u: np.ndarray) -> np.ndarray:
    """The 21 points of a right hand in its world [m]. Shape (t, 21, 3).

    Args:
        chain: of the hand.
        points: on it.
        u: unknowns [rad, m]. Shape (t, n).
    """
    from musclehand.planning.trajectory import kinematics

    poses = Poses.empty(chain, len(u))
    kinematics.pose_hand(chain, np.ascontiguousarray(u), poses)
    places = poses.anchor[:, points.joint]
    places[:, list(TIPS)] = poses.tips
    return places
