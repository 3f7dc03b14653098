"""Bones kept out of keys: detected as MuJoCo detects them, and moved out by the inverse
kinematics."""

import numpy as np
import pytest

from musclehand.motion.inverse_kinematics import HandIk
from musclehand.motion.playing_hand import WRIST_DEPTH, WRIST_HEIGHT, PlayingHand
from musclehand.piano.geometry import keyboard_geometry, load_piano_parameters
from musclehand.planning.strokes.clearance import Clearance, ClearanceConfig

GEOMETRY = keyboard_geometry(load_piano_parameters())
NONE = np.full(5, -1)
MIDDLE = 62 - 21


NOMINAL_TIPS = PlayingHand().nominal_tips


@pytest.fixture(scope="module")
def ik():
    return HandIk()


def settle(ik, targets, wrist, clearance=None, playing=NONE):
    """The hand with its tips at `targets` (world), the wishes heeded."""
    ik.reset()
    for _ in range(60):
        ik.tips()
        tasks = clearance and clearance.tasks(ik, wrist, playing)
        ik.step(targets - wrist, np.ones(5), tasks=tasks or None)
    ik.tips()


def over_keys(height, wrist):
    return np.column_stack([NOMINAL_TIPS + wrist[:2], np.full(5, height)])


def test_a_hand_above_the_keys_has_no_wishes(ik):
    wrist = np.array([0.0, WRIST_DEPTH, WRIST_HEIGHT + 0.03])
    settle(ik, over_keys(0.045, wrist), wrist)
    assert not len(Clearance(ik, GEOMETRY, 1.0, ClearanceConfig()).tasks(ik, wrist, NONE).body)


def test_depth_is_the_distance_to_get_out_by(ik):
    """Every point moved by its wish along its direction is out of all white keys, as far as the
    margin."""
    config = ClearanceConfig(margin=0.001)
    clearance = Clearance(ik, GEOMETRY, 1.0, config)
    wrist = np.array([GEOMETRY.x[MIDDLE], WRIST_DEPTH, WRIST_HEIGHT])
    settle(ik, over_keys(0.002, wrist), wrist)
    tasks = clearance.tasks(ik, wrist, NONE)
    assert len(tasks.body) >= 5
    up = tasks.direction[:, 2] == 1.0
    lowest = tasks.place[up, 2] + wrist[2] + tasks.distance[up]
    assert (lowest <= 0.0125 + 0.0085 + config.margin).all()
    tips = np.isin(tasks.body, ik.model.site_bodyid[ik.index.tips]) & up
    assert tasks.distance[tips].max() < 0.008


def test_a_finger_may_be_in_the_key_that_it_plays(ik):
    wrist = np.array([GEOMETRY.x[MIDDLE] - NOMINAL_TIPS[2, 0], WRIST_DEPTH, WRIST_HEIGHT])
    targets = over_keys(0.02, wrist)
    targets[2, 2] = 0.0
    settle(ik, targets, wrist)
    clearance = Clearance(ik, GEOMETRY, 1.0, ClearanceConfig(margin=0.0005))
    playing = NONE.copy()
    assert len(clearance.tasks(ik, wrist, playing).body)
    playing[2] = MIDDLE
    assert not len(clearance.tasks(ik, wrist, playing).body)


def test_wishes_bring_a_thumb_out_of_the_key_beside_its_own(ik):
    """The thumb lies slanted; heeding the wishes lessens what is in the next key and keeps the
    tip on its own."""
    key = 60 - 21
    wrist = np.array([GEOMETRY.x[key] - NOMINAL_TIPS[0, 0], WRIST_DEPTH, WRIST_HEIGHT])
    targets = over_keys(0.02, wrist)
    targets[0] = GEOMETRY.x[key], 0.012, -0.006
    playing = NONE.copy()
    playing[0] = key
    clearance = Clearance(ik, GEOMETRY, 1.0, ClearanceConfig(weight=0.5))
    settle(ik, targets, wrist)
    before = clearance.tasks(ik, wrist, playing).distance.sum()
    settle(ik, targets, wrist, clearance, playing)
    after = clearance.tasks(ik, wrist, playing).distance.sum()
    assert after < 0.5 * before or before == 0.0
    assert np.linalg.norm(ik.tips()[0] + wrist - targets[0]) < 0.003


def test_mirrored_hands_have_mirrored_wishes(ik):
    """About D4, the keyboard's axis of symmetry."""
    middle = GEOMETRY.x[MIDDLE]
    right = np.array([middle + 0.1, WRIST_DEPTH, WRIST_HEIGHT])
    left = np.array([middle - 0.1, WRIST_DEPTH, WRIST_HEIGHT])
    settle(ik, over_keys(0.001, right), right)
    right_tasks = Clearance(ik, GEOMETRY, 1.0, ClearanceConfig()).tasks(ik, right, NONE)
    left_tasks = Clearance(ik, GEOMETRY, -1.0, ClearanceConfig()).tasks(ik, left, NONE)
    assert np.sort(right_tasks.distance) == pytest.approx(np.sort(left_tasks.distance), abs=1e-9)
    assert right_tasks.direction.sum(axis=0) == pytest.approx(left_tasks.direction.sum(axis=0))


def test_two_hands_in_one_place_give_way_to_each_other():
    """Thumbs overlap where wrists are 60 mm apart; each hand heeds the other in turn until they
    are clear."""
    margin = ClearanceConfig().margin
    hands = [HandIk(), HandIk()]
    wrists = np.array([[0.03, WRIST_DEPTH, 0.06], [-0.03, WRIST_DEPTH, 0.06]])
    clearances = [
        Clearance(ik, GEOMETRY, mirror, ClearanceConfig())
        for ik, mirror in zip(hands, (1, -1), strict=True)
    ]

    def overlap():
        right, left = (clearance.skin for clearance in clearances)
        distance = np.linalg.norm(right.place[:, None] - left.place, axis=2)
        return float((right.radius[:, None] + left.radius - distance).max())

    tips = np.column_stack([NOMINAL_TIPS, np.full(5, -0.02)])
    overlaps = []
    for turn in range(90):
        for i, (ik, clearance) in enumerate(zip(hands, clearances, strict=True)):
            ik.tips()
            tasks = clearance.tasks(
                ik, wrists[i], NONE, clearances[1 - i].skin if turn >= 30 else None
            )
            ik.step(tips, np.full(5, 0.08), tasks=tasks)
        overlaps.append(overlap())
    assert overlaps[29] > 0.005
    assert overlaps[-1] < margin


def test_fingers_asked_into_one_place_give_way_to_each_other(ik):
    """The ring finger's target lies 6 mm beside the middle finger's; heeding the wishes, bones
    overlap far less."""
    config = ClearanceConfig(weight=0.5)
    wrist = np.array([GEOMETRY.x[MIDDLE], WRIST_DEPTH, 0.06])
    targets = over_keys(0.06, wrist)
    targets[3, :2] = targets[2, :2] + [0.006, 0.0]
    clearance = Clearance(ik, GEOMETRY, 1.0, config)

    def overlap():
        digit = ik.bone_points(4).digit
        distance = np.linalg.norm(clearance.skin.place[:, None] - clearance.skin.place, axis=2)
        deep = clearance.skin.radius[:, None] + clearance.skin.radius - distance
        return float(deep[digit[:, None] != digit].max())

    settle(ik, targets, wrist)
    clearance.tasks(ik, wrist, NONE)
    before = overlap()
    settle(ik, targets, wrist, clearance)
    clearance.tasks(ik, wrist, NONE)
    assert before > 0.003
    assert overlap() < 0.5 * before
