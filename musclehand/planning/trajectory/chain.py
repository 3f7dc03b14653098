"""The kinematic chain of a hand, as arrays for the compiled kernels."""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.contact_geometry import excluded_bodies, half_axis
from musclehand.body.hand_index import HandIndex


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
    """[m] ends of the axis of its capsule in the body, the far one last. Shape (c, 2, 3)."""

    bone_radius: np.ndarray
    """[m] of its capsule. Shape (c,)."""

    bone_length: np.ndarray
    """[m] half the length of the axis. Shape (c,)."""

    bone_digit: np.ndarray
    """Digit of the bone, 0 (thumb) to 4. Shape (c,)."""

    pairs: np.ndarray
    """Pairs of bones of different digits that collide in the simulation. Shape (p, 2)."""

    neighbours: np.ndarray
    """Pairs of bones at the same place in neighbouring fingers, the one nearer to the thumb first.
    The first bones of the fingers are left out. Shape (r, 2)."""


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
    )


def _bones(model: mujoco.MjModel, hand: HandIndex) -> dict[str, np.ndarray]:
    """The fields of `Chain` on bones: the capsules of all digits that collide."""
    digit = _digits(model, hand)
    geoms = [
        geom
        for geom in range(model.ngeom)
        if model.geom_type[geom] == mujoco.mjtGeom.mjGEOM_CAPSULE
        and digit[model.geom_bodyid[geom]] >= 0
        and model.geom_contype[geom]
    ]
    ends = np.zeros((len(geoms), 2, 3))
    for i, geom in enumerate(geoms):
        ends[i] = model.geom_pos[geom] + np.array([[-1.0], [1.0]]) * half_axis(model, geom)
        if np.linalg.norm(ends[i, 0]) > np.linalg.norm(ends[i, 1]):
            ends[i] = ends[i, ::-1]
    bodies = model.geom_bodyid[geoms]
    return {
        "bone_body": bodies.astype(np.int64),
        "bone_ends": ends,
        "bone_radius": model.geom_size[geoms, 0].copy(),
        "bone_length": model.geom_size[geoms, 1].copy(),
        "bone_digit": digit[bodies].astype(np.int64),
        "pairs": _pairs(model, bodies, digit),
        "neighbours": _neighbours(model, bodies, digit),
    }


def _digits(model: mujoco.MjModel, hand: HandIndex) -> np.ndarray:
    """Digit of each body, 0 (thumb) to 4, -1 for bodies of no digit. Shape (b,)."""
    digit = np.full(model.nbody, -1)
    for finger, tip in enumerate(hand.tips):
        body = int(model.site_bodyid[tip])
        while body and digit[body] == -1 and model.body_dofnum[body]:
            digit[body] = finger
            body = int(model.body_parentid[body])
    return digit


def _pairs(model: mujoco.MjModel, bodies: np.ndarray, digit: np.ndarray) -> np.ndarray:
    """Pairs of bones of different digits that collide in the simulation. Shape (p, 2).

    Args:
        model: of the hand.
        bodies: of the bones. Shape (c,).
        digit: of all bodies. Shape (b,).
    """
    excluded = excluded_bodies(model)
    pairs = [
        (a, b)
        for a in range(len(bodies))
        for b in range(a)
        if digit[bodies[a]] != digit[bodies[b]]
        and tuple(sorted((int(bodies[a]), int(bodies[b])))) not in excluded
    ]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _neighbours(model: mujoco.MjModel, bodies: np.ndarray, digit: np.ndarray) -> np.ndarray:
    """Pairs of bones at the same place in neighbouring fingers, all but the first ones.

    Args:
        model: of the hand.
        bodies: of the bones. Shape (c,).
        digit: of all bodies. Shape (b,).

    Returns:
        The bone nearer to the thumb first. Shape (r, 2).
    """

    def depth(bone: int) -> int:
        body, steps = int(bodies[bone]), 0
        while body:
            body, steps = int(model.body_parentid[body]), steps + 1
        return steps

    by_digit = [
        sorted(np.flatnonzero(digit[bodies] == finger).tolist(), key=depth) for finger in range(5)
    ]
    neighbours = [
        pair
        for finger in (1, 2, 3)
        for pair in zip(by_digit[finger][1:], by_digit[finger + 1][1:], strict=False)
    ]
    return np.array(neighbours, dtype=np.int64).reshape(-1, 2)
