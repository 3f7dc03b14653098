"""Compiled forward kinematics of a hand at all knots of a window.

Positions are in the frame of a right hand's keyboard: that of the world, mirrored in x for a left
hand. The k independent joint angles come first among the unknowns of a knot, then x, y, z of the
wrist, then the yaw of the forearm.
"""

from __future__ import annotations

import numpy as np

from musclehand.core.jit import compiled
from musclehand.planning.trajectory.chain import Chain
from musclehand.planning.trajectory.problem import Poses


@compiled
def pose_hand(chain: Chain, u: np.ndarray, poses: Poses) -> None:
    """Joints, fingertips and bones of a hand at all knots.

    Args:
        chain: `Chain` of the hand.
        u: unknowns [rad, m]. Shape (t, k + 4).
        poses: `Poses`, written.
    """
    angles = u.shape[1] - 4
    place = np.empty((len(chain.parent), 3))
    turn = np.empty((len(chain.parent), 3, 3))
    for t in range(len(u)):
        wrist = u[t, angles : angles + 3]
        yaw = u[t, angles + 3]
        place_bodies(chain, u[t, :angles], wrist, yaw, place, turn, poses.anchor[t], poses.axis[t])
        for f in range(len(chain.tip_body)):
            body = chain.tip_body[f]
            for i in range(3):
                poses.tips[t, f, i] = place[body, i]
                for k in range(3):
                    poses.tips[t, f, i] += turn[body, i, k] * chain.tip_place[f, k]
        for b in range(len(chain.bone_body)):
            body = chain.bone_body[b]
            for end in range(2):
                for i in range(3):
                    poses.ends[t, b, end, i] = place[body, i]
                    for k in range(3):
                        poses.ends[t, b, end, i] += turn[body, i, k] * chain.bone_ends[b, end, k]


@compiled
def place_bodies(
    chain: Chain,
    q: np.ndarray,
    wrist: np.ndarray,
    yaw: float,
    place: np.ndarray,
    turn: np.ndarray,
    anchor: np.ndarray,
    axis: np.ndarray,
) -> None:
    """Forward kinematics of one knot, as `mj_kinematics` computes them.

    Args:
        chain: `Chain` of the hand.
        q: independent joint angles [rad]. Shape (k,).
        wrist: place of the wrist [m]. Shape (3,).
        yaw: of the forearm about the vertical [rad].
        place: of the bodies, written [m]. Shape (b, 3).
        turn: their rotation matrices, written. Shape (b, 3, 3).
        anchor: of the joints, written [m]. Shape (j, 3).
        axis: their axes, written. Shape (j, 3).
    """
    cosine = np.cos(yaw)
    sine = np.sin(yaw)
    # Turned about z by the yaw, after half a turn about z: palm down.
    turn[0] = 0.0
    turn[0, 0, 0] = -cosine
    turn[0, 0, 1] = sine
    turn[0, 1, 0] = -sine
    turn[0, 1, 1] = -cosine
    turn[0, 2, 2] = 1.0
    for i in range(3):
        place[0, i] = wrist[i]
        for k in range(3):
            place[0, i] -= turn[0, i, k] * chain.wrist[k]
    rotation = np.empty((3, 3))
    product = np.empty((3, 3))
    for body in range(1, len(chain.parent)):
        parent = chain.parent[body]
        for i in range(3):
            place[body, i] = place[parent, i]
            for k in range(3):
                place[body, i] += turn[parent, i, k] * chain.body_place[body, k]
                turn[body, i, k] = 0.0
                for m in range(3):
                    turn[body, i, k] += turn[parent, i, m] * chain.body_turn[body, m, k]
        for joint in range(chain.first_joint[body], chain.first_joint[body + 1]):
            for i in range(3):
                anchor[joint, i] = place[body, i]
                axis[joint, i] = 0.0
                for k in range(3):
                    anchor[joint, i] += turn[body, i, k] * chain.joint_place[joint, k]
                    axis[joint, i] += turn[body, i, k] * chain.joint_axis[joint, k]
            angle = chain.ratio[joint] * q[chain.column[joint]]
            _rotation(chain.joint_axis[joint], angle, rotation)
            for i in range(3):
                for k in range(3):
                    product[i, k] = 0.0
                    for m in range(3):
                        product[i, k] += turn[body, i, m] * rotation[m, k]
            for i in range(3):
                place[body, i] = anchor[joint, i]
                for k in range(3):
                    turn[body, i, k] = product[i, k]
            for i in range(3):
                for k in range(3):
                    place[body, i] -= turn[body, i, k] * chain.joint_place[joint, k]


@compiled
def _rotation(axis: np.ndarray, angle: float, out: np.ndarray) -> None:
    """Rotation matrix about a unit vector (Rodrigues' formula)."""
    c = np.cos(angle)
    s = np.sin(angle)
    d = 1.0 - c
    x = axis[0]
    y = axis[1]
    z = axis[2]
    out[0, 0] = c + x * x * d
    out[0, 1] = x * y * d - z * s
    out[0, 2] = x * z * d + y * s
    out[1, 0] = x * y * d + z * s
    out[1, 1] = c + y * y * d
    out[1, 2] = y * z * d - x * s
    out[2, 0] = x * z * d - y * s
    out[2, 1] = y * z * d + x * s
    out[2, 2] = c + z * z * d
