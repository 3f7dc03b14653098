"""Hands of all sizes at five keys: what is measured, the posture, and what a keyboard decides."""

import mujoco
import numpy as np
import pytest
from scipy.optimize import least_squares

from musclehand.body.anatomy import DISTAL_BODIES
from musclehand.body.build.hand_file import HandFile
from musclehand.body.build.scaling import (
    HAND_BREADTH,
    HAND_LENGTH,
    LENGTH_RANGE,
    scale_tables,
)
from musclehand.body.posture import PLAYING_POSTURE_DEG, REST_DEG, named_posture
from musclehand.motion.inverse_kinematics import HandIk
from musclehand.motion.playing_hand import (
    PRESS_Y,
    REST_HOVER,
    TIP_RADIUS,
    TIP_X,
    PlayingHand,
    measure_hand,
)
from musclehand.piano.geometry import keyboard_geometry, load_piano_parameters
from musclehand.planning.strokes.strike import StrokeConfig
from musclehand.validation.specimen import open_specimens

GEOMETRY = keyboard_geometry(load_piano_parameters())
SIZES = (LENGTH_RANGE[0] / HAND_LENGTH, 0.91, 1.0, 1.086, 1.17, LENGTH_RANGE[1] / HAND_LENGTH)


@pytest.fixture(scope="module")
def hands(tables):
    return {
        size: HandIk(
            design=scale_tables(
                tables, hand_length=size * HAND_LENGTH, hand_breadth=size * HAND_BREADTH
            )
        )
        for size in SIZES
    }


def test_the_bundled_hand_is_the_measure(tables):
    hand = HandIk(design=tables).playing
    assert hand.size == (1.0, 1.0)
    assert hand.size.span == 1.0
    radii = {row.body: row.radius for row in tables.segments}
    assert pytest.approx([radii[body] for body in DISTAL_BODIES]) == TIP_RADIUS
    assert hand.tip_radius == pytest.approx(TIP_RADIUS)
    assert hand.press_y == pytest.approx(PRESS_Y)


def test_length_and_breadth_are_measured_apart(tables):
    long = HandIk(design=scale_tables(tables, hand_length=1.1 * HAND_LENGTH)).playing
    assert long.size == pytest.approx((1.1, 1.0), abs=0.004)
    assert long.tip_radius == pytest.approx(TIP_RADIUS)
    broad = HandIk(design=scale_tables(tables, hand_breadth=1.1 * HAND_BREADTH)).playing
    assert broad.size == pytest.approx((1.0, 1.1), abs=0.004)
    assert broad.tip_radius == pytest.approx(1.1 * TIP_RADIUS)
    assert broad.size.span == pytest.approx(1.05, abs=0.004)


def test_other_hands_are_measured_with_the_skin_that_they_have():
    """MyoHand has capsules of 6.5, 7, 7, 6.8 and 6 mm at its fingertips, on the bones of ours; a
    fingertip without a capsule has the radius of ours in the hand's breadth."""
    (specimen,) = open_specimens("myohand", side="right")
    spec = specimen.spec.copy()
    hand = HandIk(design=HandFile("MyoHand", spec, specimen.naming)).playing
    assert hand.size == pytest.approx((1.018, 1.0), abs=0.003)
    assert hand.tip_radius == pytest.approx([0.0065, 0.007, 0.007, 0.0068, 0.006])
    for geom in spec.geoms:
        if geom.type == mujoco.mjtGeom.mjGEOM_CAPSULE:
            geom.type = mujoco.mjtGeom.mjGEOM_ELLIPSOID
            geom.size = [geom.size[0], geom.size[0], geom.size[1]]
    bare = HandIk(design=HandFile("MyoHand", spec, specimen.naming)).playing
    assert bare.tip_radius == pytest.approx(TIP_RADIUS * bare.size.breadth)


def test_the_length_does_not_depend_on_the_angles_of_the_fingers(right_hand):
    model, hand = right_hand
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    straight = measure_hand(model, data, hand)
    for finger in range(2, 6):
        data.qpos[hand.qpos[hand.joints.index(f"mcp{finger}_flexion")]] = 0.8
        data.qpos[hand.qpos[hand.joints.index(f"pm{finger}_flexion")]] = 0.5
    mujoco.mj_kinematics(model, data)
    assert measure_hand(model, data, hand).size.length == straight.size.length


@pytest.mark.parametrize("size", SIZES)
def test_fingertips_of_any_hand_are_over_five_neighbouring_white_keys(hands, size):
    ik = hands[size]
    hand = ik.playing
    assert np.diff(TIP_X) == pytest.approx(np.diff(GEOMETRY.x[[39, 41, 43, 44, 46]]))
    error = ik.tips()[:, :2] - hand.nominal_tips
    assert np.linalg.norm(error, axis=1).max() < 0.001
    heights = ik.tips()[:, 2] + hand.wrist_height - hand.tip_radius
    assert heights == pytest.approx(REST_HOVER, abs=0.001)
    assert hand.wrist_height >= hand.lowest_wrist - 1e-9
    assert (ik.posture >= ik.lower - 1e-9).all()
    assert (ik.posture <= ik.upper + 1e-9).all()


@pytest.mark.parametrize("size", SIZES)
def test_fingertips_of_any_hand_press_white_keys_in_front_of_the_black_ones(hands, size):
    hand = hands[size].playing
    front = GEOMETRY.front_y[GEOMETRY.black].min()
    assert (hand.press_y + hand.tip_radius < front).all()
    assert (hand.press_y > hand.tip_radius).all()


@pytest.mark.parametrize("size", [0.91, 1.0, 1.17])
def test_the_playing_posture_is_the_one_nearest_to_the_relaxed_hand(hands, size):
    """Bounded least squares of scipy on the same problem, from the relaxed hand, finds no lower sum
    of the weighted distances from it and of the tips from their places, and the same posture."""
    ik = hands[size]
    hand = ik.playing
    index = ik.index
    relaxed = named_posture(index, REST_DEG, index.limits(ik.model))[index.independent]
    weight = np.full(len(relaxed), ik.weights.posture)
    weight[:3] = ik.weights.wrist
    places = np.column_stack([TIP_X, hand.press_y, hand.tip_radius + REST_HOVER])

    def residuals(x):
        ik.reset(x[:-2])
        error = ik.tips() + np.array([0.0, *x[-2:]]) - places
        pulls = np.sqrt(weight) * (x[:-2] - relaxed)
        return np.concatenate([pulls, np.sqrt(ik.weights.tip) * error.ravel()])

    own = np.array([*ik.posture, hand.wrist_depth, hand.wrist_height])
    lower = np.array([*ik.lower, -0.3, hand.lowest_wrist])
    upper = np.array([*ik.upper, 0.0, 0.2])
    start = np.clip([*relaxed, *own[-2:]], lower + 1e-6, upper - 1e-6)
    best = least_squares(residuals, start, bounds=(lower, upper), xtol=1e-12, ftol=1e-12)
    cost = 0.5 * (residuals(own) ** 2).sum()
    ik.reset()
    assert cost == pytest.approx(best.cost, rel=1e-3)
    assert own == pytest.approx(best.x, abs=np.deg2rad(1.0))


def test_the_stored_posture_and_wrist_are_the_solved_ones(tables):
    """After a change of the hand, `experiments/fit_playing_posture.py` prints them anew."""
    ik = HandIk(design=tables)
    angles = np.rad2deg(ik.index.expand @ ik.posture)
    stored = [PLAYING_POSTURE_DEG.get(joint, 0.0) for joint in ik.index.joints]
    assert stored == pytest.approx(angles, abs=0.6)
    default = PlayingHand()
    assert default.wrist_depth == pytest.approx(ik.playing.wrist_depth, abs=0.0006)
    assert default.wrist_height == pytest.approx(ik.playing.wrist_height, abs=0.0006)


def test_joints_that_follow_others_do_so_in_the_playing_posture(right_hand):
    model, hand = right_hand
    ik = HandIk()
    angles = ik.index.expand @ ik.posture
    for number in range(model.neq):
        joints = hand.joint_ids(model).tolist()
        follower, driver = (int(ids[number]) for ids in (model.eq_obj1id, model.eq_obj2id))
        if model.eq_type[number] == mujoco.mjtEq.mjEQ_JOINT and follower in joints:
            follows, drives = joints.index(follower), joints.index(driver)
            ratio = float(model.eq_data[number, 1])
            assert angles[follows] == pytest.approx(ratio * angles[drives])


def test_a_waiting_finger_has_the_height_that_planning_gives_it():
    assert StrokeConfig().rest_hover == REST_HOVER
