"""Compiled forward kinematics against MuJoCo."""

import mujoco
import numpy as np
import pytest

from musclehand.body.anatomy import Side
from musclehand.body.build.scaling import HAND_BREADTH, HAND_LENGTH, scale_tables
from musclehand.motion.inverse_kinematics import HandIk
from musclehand.planning.trajectory.chain import chain_of
from support.trajectory_problem import CHAIN, IK, JOINTS, hands_at, poses_of


def in_mujoco(ik, chain, q):
    """Tips and ends of bones relative to the wrist, palm down [m]."""
    ik.reset(q)
    tips = ik.tips()
    ends = [
        ik.points(np.full(2, body), places)
        for body, places in zip(chain.bone_body, chain.bone_ends, strict=True)
    ]
    return tips, np.array(ends)


@pytest.mark.parametrize("length", [0.93, 1.0, 1.1])
def test_tips_and_bones_are_where_mujoco_has_them(tables, length):
    size = {"hand_length": length * HAND_LENGTH, "hand_breadth": HAND_BREADTH}
    ik = HandIk(design=scale_tables(tables, **size))
    chain = chain_of(ik.model, ik.index, ik.wrist)
    u = hands_at(20, spread=0.4)
    u[:, JOINTS:] = 0.0
    poses = poses_of(u, chain)
    for t, row in enumerate(u):
        tips, ends = in_mujoco(ik, chain, row[:JOINTS])
        np.testing.assert_allclose(poses.tips[t], tips, atol=1e-12)
        np.testing.assert_allclose(poses.ends[t], ends, atol=1e-12)


def test_the_wrist_moves_the_hand_and_yaw_turns_it_about_the_wrist():
    u = hands_at(3, spread=0.3)
    u[:, JOINTS:] = 0.0
    rest = poses_of(u)
    place, yaw = np.array([0.1, -0.2, 0.05]), 0.3
    turn = np.array(
        [[np.cos(yaw), -np.sin(yaw), 0.0], [np.sin(yaw), np.cos(yaw), 0.0], [0.0, 0.0, 1.0]]
    )
    u[:, JOINTS:] = [*place, yaw]
    moved = poses_of(u)
    np.testing.assert_allclose(moved.tips, rest.tips @ turn.T + place, atol=1e-12)
    np.testing.assert_allclose(moved.ends, rest.ends @ turn.T + place, atol=1e-12)
    np.testing.assert_allclose(moved.axis, rest.axis @ turn.T, atol=1e-12)


@pytest.mark.parametrize("side", [Side.RIGHT, Side.LEFT])
def test_on_their_bases_in_the_scene_both_hands_have_their_tips_there(scene, side):
    """The left hand is the right one mirrored in x, with its yaw turned over."""
    hand, forearm = scene.hands[side], scene.forearms[side]
    data = mujoco.MjData(scene.model)
    u = hands_at(10, spread=0.3)
    u[:, -1] = np.linspace(-0.4, 0.4, len(u))
    mirror = np.array([side.mirror, 1.0, 1.0, side.mirror])
    poses = poses_of(u)
    for t, row in enumerate(u):
        data.qpos[hand.qpos] = IK.index.expand @ row[:JOINTS]
        data.qpos[forearm.qpos[:4]] = row[JOINTS:] * mirror
        mujoco.mj_kinematics(scene.model, data)
        np.testing.assert_allclose(data.site_xpos[hand.tips], poses.tips[t] * mirror[:3], atol=1e-9)


def test_pairs_are_those_that_collide_and_neighbours_are_in_order():
    model = IK.model
    excluded = {(int(s) >> 16, int(s) & 0xFFFF) for s in model.exclude_signature}
    for a, b in CHAIN.pairs:
        bodies = sorted((int(CHAIN.bone_body[a]), int(CHAIN.bone_body[b])))
        assert tuple(bodies) not in excluded
        assert CHAIN.bone_digit[a] != CHAIN.bone_digit[b]
    first, second = CHAIN.bone_digit[CHAIN.neighbours.T]
    assert sorted(set(first.tolist())) == [1, 2, 3]
    np.testing.assert_array_equal(second, first + 1)


def test_the_far_end_of_a_bone_comes_last():
    length = np.linalg.norm(CHAIN.bone_ends, axis=2)
    assert (length[:, 0] <= length[:, 1]).all()
