"""Inverse kinematics: targets that can be reached are reached, limits are never left."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from musclehand.body.anatomy import DIGITS, DIP_PER_PIP, HAND_JOINTS
from musclehand.motion.inverse_kinematics import HandIk
from musclehand.motion.playing_hand import WRIST_HEIGHT

IK = HandIk()
HEIGHTS = np.full((5, 1), 0.012 - WRIST_HEIGHT)
"""Fingertips just over the white keys, relative to the wrist."""


def nominal_targets():
    return np.hstack([IK.playing.nominal_tips, HEIGHTS])


def assert_within_limits(qpos):
    limits = IK.model.jnt_range[IK.model.dof_jntid[IK.index.dofs]][IK.index.independent]
    assert (qpos[IK.index.independent] >= limits[:, 0]).all()
    assert (qpos[IK.index.independent] <= limits[:, 1]).all()


def test_five_fingers_reach_five_neighbouring_keys():
    IK.reset()
    result = IK.step(nominal_targets(), np.ones(5), iterations=30)
    assert result.error.max() < 1e-3
    assert_within_limits(result.qpos)


def test_from_a_posture_and_back():
    """Targets taken from a posture in the middle of the range are reached again from the playing
    posture."""
    rng = np.random.default_rng(2)
    for _ in range(10):
        IK.reset(IK.posture + rng.uniform(-0.12, 0.12, IK.posture.size))
        targets = IK.tips()
        IK.reset()
        result = IK.step(targets, np.ones(5), iterations=40)
        assert result.error.max() < 1e-3


@settings(max_examples=60)
@given(
    arrays(float, (5, 3), elements=st.floats(-0.3, 0.3)),
    arrays(float, 5, elements=st.floats(0, 1)),
    st.integers(1, 8),
)
def test_limits_are_kept_whatever_is_asked(targets, weights, iterations):
    IK.reset()
    result = IK.step(targets, weights, iterations=iterations)
    assert np.isfinite(result.qpos).all()
    assert_within_limits(result.qpos)
    tips = IK.tips()
    assert result.error == pytest.approx(np.linalg.norm(targets - tips, axis=1))


def test_the_last_joints_follow_the_middle_ones():
    IK.reset()
    qpos = IK.step(nominal_targets(), np.ones(5), iterations=5).qpos
    for finger in range(2, 6):
        middle, last = (qpos[HAND_JOINTS.index(f"{part}{finger}_flexion")] for part in ("pm", "md"))
        assert last == pytest.approx(DIP_PER_PIP * middle)


def test_a_finger_that_matters_is_served_before_one_that_does_not():
    targets = nominal_targets()
    targets[1:, 2] -= 0.06  # deeper than four fingers can go at once without the thumb
    errors = []
    for weights in ([1, 1, 0.01, 0.01, 0.01], [1, 0.01, 0.01, 0.01, 1]):
        IK.reset()
        errors.append(IK.step(targets, np.array(weights), iterations=30).error)
    assert errors[0][1] < errors[1][1]
    assert errors[1][4] < errors[0][4]


def test_directions_are_those_of_the_keyboard():
    """Palm down: fingertips in front of the wrist, the right thumb to the left of the little
    finger."""
    IK.reset()
    tips = IK.tips()
    assert (tips[:, 1] > 0.05).all()
    assert np.all(np.diff(tips[:, 0]) > 0), dict(zip(DIGITS, tips[:, 0], strict=True))
    assert (tips[:, 2] < 0).all()


def test_the_mirror_image_is_the_left_hand(left_hand):
    """A left hand with the same joint values has its tips at the targets mirrored in x."""
    import mujoco

    model, hand = left_hand
    IK.reset()
    qpos = IK.step(nominal_targets(), np.ones(5), iterations=30).qpos
    data = mujoco.MjData(model)
    data.qpos[hand.qpos] = qpos
    mujoco.mj_kinematics(model, data)
    wrist = mujoco.MjData(model)
    mujoco.mj_kinematics(model, wrist)
    relative = data.site_xpos[hand.tips] - wrist.xpos[model.body("lunate_l").id]
    # The left root frame is turned palm down by the rotation that keeps -y forwards: x stays, z
    # turns over.
    world = relative * [1, -1, -1]
    assert world == pytest.approx(IK.tips() * [-1, 1, 1], abs=1e-9)


def test_a_small_motion_is_followed_step_by_step():
    """A target that moves smoothly is followed with one iteration a step, and joints move
    smoothly too."""
    IK.reset()
    targets = nominal_targets()
    IK.step(targets, np.ones(5), iterations=30)
    weights = np.array([0.08, 1, 0.08, 0.08, 0.08])
    before = IK.qr.copy()
    largest = 0.0
    for k in range(100):
        moved = targets.copy()
        moved[1, 2] -= 0.01 * 0.5 * (1 - np.cos(2 * np.pi * k / 50))
        result = IK.step(moved, weights)
        assert result.error[1] < 1.5e-3
        largest = max(largest, np.abs(IK.qr - before).max())
        before = IK.qr.copy()
    assert largest < np.deg2rad(3)
