"""The 21 points on our hand against MuJoCo."""

import mujoco
import numpy as np
import pytest

from musclehand.body.build.scaling import HAND_BREADTH, HAND_LENGTH, scale_tables
from musclehand.motion.inverse_kinematics import HandIk
from musclehand.watch.landmarks import TIPS
from musclehand.watch.lifting.hand_points import POINT_JOINTS, place_points, points_of, scaled
from support.lifted_hands import CHAIN, IK, JOINTS, POINTS, moving_hand


def in_mujoco(ik, q):
    """The points relative to the wrist, palm down [m]. Shape (21, 3)."""
    ik.data.qpos[ik.index.qpos] = ik.index.expand @ q
    mujoco.mj_kinematics(ik.model, ik.data)
    ids = dict(zip(ik.index.joints, ik.index.joint_ids(ik.model), strict=True))
    places = np.array(
        [ik.data.xanchor[ids[name]] if name else np.zeros(3) for name in POINT_JOINTS]
    )
    places[list(TIPS)] = ik.data.site_xpos[ik.index.tips]
    return (places - ik.wrist) * [-1.0, -1.0, 1.0]


@pytest.mark.parametrize("length", [0.93, 1.1])
def test_points_are_where_mujoco_has_the_joints_and_fingertips(tables, length):
    size = {"hand_length": length * HAND_LENGTH, "hand_breadth": HAND_BREADTH}
    ik = HandIk(design=scale_tables(tables, **size))
    chain, points = points_of(ik)
    u = moving_hand(20, seed=1, x=0.0)
    u[:, JOINTS:] = 0.0
    for row, places in zip(u, place_points(chain, points, u), strict=True):
        np.testing.assert_allclose(places, in_mujoco(ik, row[:JOINTS]), atol=1e-12)


def test_a_hand_of_another_size_is_the_same_one_enlarged_about_its_wrist():
    u = moving_hand(5, seed=2, x=0.1)
    wrist = u[:, None, JOINTS : JOINTS + 3]
    large = place_points(scaled(CHAIN, 1.2), POINTS, u) - wrist
    np.testing.assert_allclose(large, 1.2 * (place_points(CHAIN, POINTS, u) - wrist), atol=1e-12)


def test_the_wrist_is_the_first_point_and_stays_while_the_hand_bends():
    u = moving_hand(5, seed=3, x=0.0)
    u[:, :JOINTS] = IK.posture
    u[:, 0] = u[0, 0]
    u[:, 2] += np.linspace(-0.1, 0.1, 5)
    u[:, JOINTS:] = u[0, JOINTS:]
    places = place_points(CHAIN, POINTS, u)
    np.testing.assert_allclose(places[:, 0], places[[0] * 5, 0], atol=1e-12)
    assert np.ptp(places[:, 9, 2]) > 0.01
