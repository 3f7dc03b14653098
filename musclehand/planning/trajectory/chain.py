"""The kinematic chain of a hand and the boxes of the keys, as arrays for the compiled kernels."""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.hand_index import HandIndex
from musclehand.piano.geometry import KeyboardGeometry

_BIN = 0.002
"""[m] width of the bins along the keyboard by which the nearest keys are looked up."""

_CANDIDATES = 6
"""Keys that are considered for each point: those nearest sideways."""

_EDGE = 0.05
"""[m] distance by which the bins go beyond the keyboard."""

POINTS_PER_BONE = 4
"""Points along a bone that are compared with keys; an assumption."""


class Chain(NamedTuple):
    """Bodies, joints, fingertips and bones of a hand; b bodies, j joints, c bones."""

    parent: np.ndarray
    """Index of each body's parent; body 0 is the world. Shape (b,)."""

    body_place: np.ndarray
    """[m] of each body in its parent. Shape (b, 3)."""

    body_turn: np.ndarray
    """Rotation of each body in its parent. Shape (b, 3, 3)."""

    first_joint: np.ndarray
    """Index of the first joint of each body, and the number of joints. Shape (b + 1,)."""

    joint_place: np.ndarray
    """[m] of each joint in its body. Shape (j, 3)."""

    joint_axis: np.ndarray
    """Axis of each joint in its body. Shape (j, 3)."""

    column: np.ndarray
    """Independent joint that each joint follows. Shape (j,)."""

    ratio: np.ndarray
    """Ratio of its angle to that of the independent joint. Shape (j,)."""

    first_ancestor: np.ndarray
    """Index into `ancestor` at which the joints that move each body begin. Shape (b + 1,)."""

    ancestor: np.ndarray
    """Joints that move each body, body after body."""

    wrist: np.ndarray
    """[m] centre of the wrist in the frame of the world body. Shape (3,)."""

    tip_body: np.ndarray
    """Body of each fingertip. Shape (5,)."""

    tip_place: np.ndarray
    """[m] of the fingertip in it. Shape (5, 3)."""

    bone_body: np.ndarray
    """Body of each bone. Shape (c,)."""

    bone_ends: np.ndarray
    """[m] ends of the axis of its capsule in the body. Shape (c, 2, 3)."""

    bone_radius: np.ndarray
    """[m] Shape (c,)."""

    bone_length: np.ndarray
    """[m] half the length of the axis. Shape (c,)."""

    bone_digit: np.ndarray
    """Digit of the bone, 0 (thumb) to 4. Shape (c,)."""

    pairs: np.ndarray
    """Pairs of bones of different digits that may touch. Shape (p, 2)."""

    neighbours: np.ndarray
    """Pairs of bones of neighbouring fingers at the same place in them, the one nearer to the thumb
    first. Shape (r, 2)."""

    points: int
    """Points along a bone that are compared with keys."""


class KeyBoxes(NamedTuple):
    """Boxes of n keys at rest, in the frame of a right hand's keyboard."""

    low: np.ndarray
    """[m] least x. Shape (n,)."""

    high: np.ndarray
    """[m] largest x. Shape (n,)."""

    top: np.ndarray
    """[m] height of the top. Shape (n,)."""

    front: np.ndarray
    """[m] y of the front. Shape (n,)."""

    highest: float
    """[m] of all tops."""

    first: float
    """[m] x at which the bins begin."""

    width: float
    """[m] of a bin."""

    nearest: np.ndarray
    """Nearest keys of each bin. Shape (bins, 6)."""


def chain_of(model: mujoco.MjModel, hand: HandIndex, wrist: np.ndarray) -> Chain:
    """The chain of a right hand.

    Joints that the hand does not have stay at their reference.

    Args:
        model: of the hand.
        hand: in the model.
        wrist: centre of the wrist, world frame [m]. Shape (3,).
    """
    joint_ids = model.dof_jntid[hand.dofs]
    row = {int(joint): i for i, joint in enumerate(joint_ids)}
    order = [j for j in range(model.njnt) if j in row]
    first_joint = np.searchsorted(model.jnt_bodyid[order], np.arange(model.nbody + 1))
    expand = hand.expand[[row[j] for j in order]]
    column = np.abs(expand).argmax(axis=1)
    turn = np.zeros((model.nbody, 9))
    for body in range(model.nbody):
        mujoco.mju_quat2Mat(turn[body], model.body_quat[body])
    moving: list[list[int]] = [[] for _ in range(model.nbody)]
    for body in range(1, model.nbody):
        own = range(first_joint[body], first_joint[body + 1])
        moving[body] = moving[model.body_parentid[body]] + list(own)
    return Chain(
        parent=model.body_parentid.astype(np.int64),
        body_place=model.body_pos.copy(),
        body_turn=turn.reshape(-1, 3, 3),
        first_joint=first_joint.astype(np.int64),
        joint_place=model.jnt_pos[order].copy(),
        joint_axis=model.jnt_axis[order].copy(),
        column=column.astype(np.int64),
        ratio=expand[np.arange(len(order)), column].copy(),
        first_ancestor=np.cumsum([0, *(len(joints) for joints in moving)]),
        ancestor=np.array([joint for joints in moving for joint in joints], dtype=np.int64),
        wrist=np.array(wrist, dtype=float),
        tip_body=model.site_bodyid[hand.tips].astype(np.int64),
        tip_place=model.site_pos[hand.tips].copy(),
        **_bones(model, hand),
        points=POINTS_PER_BONE,
    )


def _bones(model: mujoco.MjModel, hand: HandIndex) -> dict[str, np.ndarray]:
    """The capsules of all digits that collide, and the pairs of them that may touch."""
    digit = np.full(model.nbody, -1)
    for finger, tip in enumerate(hand.tips):
        body = int(model.site_bodyid[tip])
        while body and digit[body] == -1 and model.body_dofnum[body]:
            digit[body] = finger
            body = int(model.body_parentid[body])
    geoms = [
        geom
        for geom in range(model.ngeom)
        if model.geom_type[geom] == mujoco.mjtGeom.mjGEOM_CAPSULE
        and digit[model.geom_bodyid[geom]] >= 0
        and model.geom_contype[geom]
    ]
    ends = np.zeros((len(geoms), 2, 3))
    for i, geom in enumerate(geoms):
        axis = np.zeros(3)
        half = np.array([0.0, 0.0, model.geom_size[geom, 1]])
        mujoco.mju_rotVecQuat(axis, half, model.geom_quat[geom])
        ends[i] = model.geom_pos[geom] + np.array([[-1.0], [1.0]]) * axis
    bodies = model.geom_bodyid[geoms]
    excluded = {tuple(sorted((int(s) >> 16, int(s) & 0xFFFF))) for s in model.exclude_signature}
    pairs = [
        (a, b)
        for a in range(len(geoms))
        for b in range(a)
        if digit[bodies[a]] != digit[bodies[b]]
        and tuple(sorted((int(bodies[a]), int(bodies[b])))) not in excluded
    ]
    by_digit = [
        sorted(
            (i for i in range(len(geoms)) if digit[bodies[i]] == d),
            key=lambda i: len(_ancestors(model, int(bodies[i]))),
        )
        for d in range(5)
    ]
    neighbours = [
        (a, b)
        for d in (1, 2, 3)
        for a, b in zip(by_digit[d][1:], by_digit[d + 1][1:], strict=False)
    ]
    # The far end of each bone comes last.
    for i in range(len(geoms)):
        if np.linalg.norm(ends[i, 0]) > np.linalg.norm(ends[i, 1]):
            ends[i] = ends[i, ::-1]
    return {
        "neighbours": np.array(neighbours, dtype=np.int64).reshape(-1, 2),
        "bone_body": bodies.astype(np.int64),
        "bone_ends": ends,
        "bone_radius": model.geom_size[geoms, 0].copy(),
        "bone_length": model.geom_size[geoms, 1].copy(),
        "bone_digit": digit[bodies].astype(np.int64),
        "pairs": np.array(pairs, dtype=np.int64).reshape(-1, 2),
    }


def _ancestors(model: mujoco.MjModel, body: int) -> list[int]:
    """The bodies from one to the root."""
    line = []
    while body:
        line.append(body)
        body = int(model.body_parentid[body])
    return line


def key_boxes(geometry: KeyboardGeometry, mirror: float) -> KeyBoxes:
    """The keys for a hand.

    Args:
        geometry: of the keyboard.
        mirror: +1 for a right hand, -1 for a left hand, as `Side.mirror`.
    """
    x = mirror * geometry.x
    low = x - 0.5 * geometry.width
    high = x + 0.5 * geometry.width
    first = float(low.min()) - _EDGE
    centres = np.arange(first, float(high.max()) + _EDGE, _BIN) + 0.5 * _BIN
    nearest = np.argsort(np.abs(x - centres[:, None]), axis=1, kind="stable")[:, :_CANDIDATES]
    return KeyBoxes(
        low=low,
        high=high,
        top=np.array(geometry.top_z, dtype=float),
        front=np.array(geometry.front_y, dtype=float),
        highest=float(geometry.top_z.max()),
        first=first,
        width=_BIN,
        nearest=np.ascontiguousarray(nearest),
    )
