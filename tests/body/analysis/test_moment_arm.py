"""Moment arms against finite differences of lengths, closed forms, and the joint torques MuJoCo
makes of them."""

from copy import copy

import mujoco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.body.analysis.moment_arm import (
    find_discontinuities,
    independent_arms,
    mirror_error,
    moment_arms,
    muscle_geometry,
    sweep,
    tendon_lengths,
)
from musclehand.body.anatomy import DIGITS, Side
from musclehand.body.hand_index import HandIndex
from musclehand.body.posture import couple, named_posture, place, sample_postures
from musclehand.core.errors import InvalidValue, ModelError, UnknownName

RADIUS = 0.008
BEFORE = 0.020
BEYOND = 0.015
HEIGHT = 0.006
TIPS = "".join(f'<site name="tip_{digit}_r" pos=".04 0 0"/>' for digit in DIGITS)
HINGE = f"""
<mujoco>
  <compiler angle="radian"/>
  <worldbody>
    <site name="over_start" pos="{-BEFORE} {HEIGHT} 0"/>
    <site name="around_start" pos="{-BEFORE} -.004 0"/>
    <site name="flip_start" pos="{-BEFORE} 0 0"/>
    <site name="side" pos="0 -.02 0"/>
    <geom name="pulley" type="cylinder" size="{RADIUS} .01" contype="0" conaffinity="0"/>
    <body>
      <joint name="mcp2_flexion_r" axis="0 0 -1" limited="true" range="-.5 1.2"/>
      <geom type="sphere" size=".005" pos="{BEYOND} 0 0"/>
      <site name="over_end" pos="{BEYOND} {HEIGHT} 0"/>
      <site name="around_end" pos="{BEYOND} -.004 0"/>
      <site name="flip_end" pos="{BEYOND} 0 0"/>
      {TIPS}
    </body>
  </worldbody>
  <tendon>
    <spatial name="over"><site site="over_start"/><site site="over_end"/></spatial>
    <spatial name="around">
      <site site="around_start"/><geom geom="pulley" sidesite="side"/><site site="around_end"/>
    </spatial>
    <spatial name="flip"><site site="flip_start"/><geom geom="pulley"/><site site="flip_end"/>
    </spatial>
  </tendon>
  <actuator>
    <muscle name="over_r" tendon="over" lengthrange=".02 .05"/>
    <muscle name="around_r" tendon="around" lengthrange=".02 .05"/>
    <muscle name="flip_r" tendon="flip" lengthrange=".02 .05"/>
  </actuator>
</mujoco>"""


@pytest.fixture(scope="module")
def hinge():
    model = mujoco.MjModel.from_xml_string(HINGE)
    return model, HandIndex.from_model(model, Side.RIGHT)


def random_postures(model, hand, count, seed=1):
    return sample_postures(hand, hand.limits(model), count, np.random.default_rng(seed))


@settings(max_examples=50)
@given(angle=st.floats(-0.5, 1.2))
def test_a_straight_path_over_a_hinge_has_the_arm_of_the_triangle(hinge, angle):
    """Two points at radii a and b that enclose phi at the hinge: L by the law of cosines, r = a
    b sin(phi) / L."""
    a = np.hypot(BEFORE, HEIGHT)
    b = np.hypot(BEYOND, HEIGHT)
    enclosed = np.pi - np.arctan2(HEIGHT, BEFORE) - np.arctan2(HEIGHT, BEYOND) + angle
    length = np.sqrt(a * a + b * b - 2 * a * b * np.cos(enclosed))
    arm = -a * b * np.sin(enclosed) / length
    lengths, arms = muscle_geometry(*hinge, np.array([[angle]]))
    assert lengths[0, 0] == pytest.approx(length, rel=1e-9)
    assert arms[0, 0, 0] == pytest.approx(arm, rel=1e-9), "dorsal of the axis, so against flexion"


@settings(max_examples=20)
@given(angle=st.floats(-0.45, 0.3))
def test_a_path_around_a_cylinder_about_the_axis_has_its_radius_as_arm(hinge, angle):
    arms = moment_arms(*hinge, np.array([[angle]]))
    assert arms[0, 1, 0] == pytest.approx(RADIUS, rel=1e-6)


def test_arms_are_the_slope_of_lengths_in_both_hands(right_hand, left_hand):
    for model, hand in (right_hand, left_hand):
        postures = random_postures(model, hand, 10)
        arms = moment_arms(model, hand, postures)
        step = 1e-6
        for joint in range(len(hand.joints)):
            shift = step * np.eye(len(hand.joints))[joint]
            rise = tendon_lengths(model, hand, postures + shift) - tendon_lengths(
                model, hand, postures - shift
            )
            assert arms[:, :, joint] == pytest.approx(-rise / (2 * step), abs=1e-7)


def test_tension_times_arm_is_the_torque_that_mujoco_applies(right_hand):
    model, hand = right_hand
    posture = random_postures(model, hand, 1)[0]
    data = mujoco.MjData(model)
    place(model, data, hand, posture)
    data.act[hand.act] = np.random.default_rng(2).random(len(hand.act))
    mujoco.mj_forward(model, data)
    tension = -data.actuator_force[hand.muscles]
    torque = tension @ moment_arms(model, hand, posture[None])[0]
    assert torque == pytest.approx(data.qfrc_actuator[hand.dofs] * hand.signs, rel=1e-9, abs=1e-12)


def test_arms_about_independent_joints_include_their_followers(right_hand):
    model, hand = right_hand
    postures = random_postures(model, hand, 5)
    arms = independent_arms(hand, moment_arms(model, hand, postures))
    step = 1e-6
    for column in range(len(hand.independent)):
        shift = step * hand.expand[:, column]
        rise = tendon_lengths(model, hand, postures + shift) - tendon_lengths(
            model, hand, postures - shift
        )
        assert arms[..., column] == pytest.approx(-rise / (2 * step), abs=1e-7)


def test_a_sweep_goes_from_limit_to_limit_and_takes_followers_along(right_hand):
    model, hand = right_hand
    limits = hand.limits(model)
    neutral = named_posture(hand, {}, limits)
    for joint in ("mcp2_flexion", "pm3_flexion", "md3_flexion"):
        angles, arms = sweep(model, hand, joint, neutral, 7)
        column = hand.joints.index(joint)
        assert limits[column, 0] - 1e-9 <= angles[0] < angles[-1] <= limits[column, 1] + 1e-9
        assert np.ptp(angles) > 0.9 * np.ptp(limits[column])
        driver = int(np.argmax(np.abs(hand.expand[column])))
        posture = neutral.copy()
        posture[hand.independent[driver]] = angles[-1] / hand.expand[column, driver]
        posture = couple(hand, posture)
        assert posture[column] == pytest.approx(angles[-1])
        assert arms[-1] == pytest.approx(moment_arms(model, hand, posture[None])[0, :, column])


def test_a_sweep_over_given_angles_is_part_of_the_whole_one(right_hand):
    model, hand = right_hand
    posture = np.zeros(len(hand.joints))
    for joint in ("mcp2_flexion", "md2_flexion"):
        curve = sweep(model, hand, joint, posture, 5)
        part = sweep(model, hand, joint, posture, angles=curve.angles[[1, 3]])
        assert part.angles.tolist() == curve.angles[[1, 3]].tolist()
        assert part.arms == pytest.approx(curve.arms[[1, 3]], abs=1e-9)


def test_a_path_that_changes_sides_jumps_and_others_do_not(hinge):
    """The third path wraps whichever way is shorter: its arm turns from one radius to the other,
    its length does not jump."""
    result = find_discontinuities(*hinge, np.array([[-0.4]]), np.array([[0.9]]))
    assert result.arm[2] == pytest.approx(2 * RADIUS, rel=0.01)
    assert result.length[2] < 1e-4
    assert result.segments.tolist() == [0.0, 0.0, 1.0]
    assert result.length[:2].max() < 1e-5
    assert result.arm[:2].max() < 3e-4


def test_finer_steps_find_less_change_in_smooth_arms(hinge):
    coarse, fine = (
        find_discontinuities(*hinge, np.array([[-0.4]]), np.array([[0.9]]), step)
        for step in (0.02, 0.005)
    )
    assert fine.arm[0] == pytest.approx(coarse.arm[0] / 4, rel=0.1)
    assert fine.arm[2] == pytest.approx(coarse.arm[2], rel=0.05), "a jump stays as large as it is"


def test_the_left_hand_is_the_mirror_image_of_the_right_one(right_hand, left_hand):
    error = mirror_error(*right_hand, *left_hand, random_postures(*right_hand, 20))
    assert error.lengths.shape == (len(right_hand[1].muscles),)
    assert error.lengths.max() < 1e-6
    assert error.arms.max() < 2e-5


def test_mirroring_notices_a_moved_site(right_hand, left_hand):
    model, hand = left_hand
    bent = copy(model)
    first = model.tendon_adr[hand.tendons[hand.muscle_names.index("FDP2")]]
    site = model.wrap_objid[first]
    assert model.wrap_type[first] == mujoco.mjtWrap.mjWRAP_SITE
    bent.site_pos[site, 0] += 0.002
    error = mirror_error(*right_hand, bent, hand, random_postures(*right_hand, 5))
    worst = right_hand[1].muscle_names[int(np.argmax(error.lengths))]
    assert worst == "FDP2"


def test_hands_with_other_muscles_cannot_be_compared(right_hand, hinge):
    with pytest.raises(ModelError, match="muscles"):
        mirror_error(*right_hand, *hinge, np.zeros((1, 25)))


def test_what_does_not_fit_is_named(hinge):
    with pytest.raises(UnknownName, match="elbow"):
        sweep(*hinge, "elbow", np.zeros(1))
    with pytest.raises(InvalidValue, match="postures"):
        moment_arms(*hinge, np.zeros(1))
    with pytest.raises(InvalidValue, match="step"):
        find_discontinuities(*hinge, np.zeros((1, 1)), np.ones((1, 1)), 0.0)
