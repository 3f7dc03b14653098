"""Independence of fingers: against virtual work in plain MuJoCo, closed forms, and people."""

from dataclasses import replace

import mujoco
import numpy as np
import pytest

from musclehand.body.analysis.behaviour import rest_angles
from musclehand.body.analysis.independence import (
    FINGERS,
    enslaving_matrix,
    force_deficit,
    individuation,
    movement_slopes,
    pad_forces,
    passive_slopes,
    pressing,
    traction,
)
from musclehand.body.analysis.strength import feasible_forces, muscle_limits
from musclehand.body.anatomy import DIGITS, Side, digit_joints
from musclehand.body.build.hand import load_hand
from musclehand.body.conditions.condition import apply_condition, find_condition
from musclehand.body.hand_index import HandIndex
from musclehand.core.errors import ModelError

PEOPLE = {"index": 0.982, "middle": 0.937, "ring": 0.907, "little": 0.943}
"""Individuation index of active fingers (Häger-Ross & Schieber 2000, quoted); that of fingers moved
from outside is about the same (Lang & Schieber 2004, abstract)."""


@pytest.fixture(scope="module")
def enslaved(tables):
    changed = apply_condition(tables, find_condition("enslaving"))
    model = load_hand(Side.RIGHT, tables=changed)
    return model, HandIndex.from_model(model, Side.RIGHT), changed.drives


@pytest.fixture(scope="module")
def pressed(right_hand):
    model, hand = right_hand
    return pressing(model, hand, rest_angles(model, hand))


def pinned_force(model, hand, posture, digit, torque):
    """Force that holds a fingertip against joint torques, by central differences of its place."""
    data = mujoco.MjData(model)
    own = [i for i, at in enumerate(hand.independent) if hand.joints[at] in digit_joints(digit)]
    tip = hand.tips[DIGITS.index(digit)]
    columns = []
    for joint in own:
        ends = []
        for step in (1e-5, -1e-5):
            hand.pose(data, posture + step * hand.expand[:, joint])
            mujoco.mj_kinematics(model, data)
            ends.append(data.site_xpos[tip].copy())
        columns.append((ends[0] - ends[1]) / 2e-5)
    # Virtual work: the force times the tip's velocity is the power of the joints.
    return np.linalg.lstsq(np.array(columns), torque[own], rcond=None)[0]


def test_pad_forces_do_the_virtual_work_of_the_flexors(right_hand, pressed):
    model, hand = right_hand
    posture = rest_angles(model, hand)
    data = mujoco.MjData(model)
    commands = np.array([0.3, 0.9, 0.0, 0.5])
    forces = pad_forces(pressed, (), commands)
    lengths = []
    for i in range(len(hand.independent)):
        ends = []
        for step in (1e-5, -1e-5):
            hand.pose(data, posture + step * hand.expand[:, i])
            mujoco.mj_kinematics(model, data)
            mujoco.mj_comPos(model, data)
            mujoco.mj_tendon(model, data)
            ends.append(data.ten_length[hand.tendons].copy())
        lengths.append((ends[0] - ends[1]) / 2e-5)
    hand.pose(data, posture)
    mujoco.mj_forward(model, data)
    active = muscle_limits(model, hand, data.ten_length[hand.tendons][None]).active[0]
    tension = np.zeros(len(hand.muscles))
    for finger, command in zip((2, 3, 4, 5), commands, strict=True):
        for belly in ("FDP", "FDS"):
            place = hand.muscle_names.index(f"{belly}{finger}")
            tension[place] = command * active[place]
    torque = -np.array(lengths) @ tension
    for digit, force in zip(FINGERS, forces, strict=True):
        normal = feasible_forces(model, hand, digit, posture).normal
        held = normal @ pinned_force(model, hand, posture, digit, torque)
        assert force == pytest.approx(held, rel=1e-3, abs=1e-3)


def test_a_single_finger_presses_about_as_hard_as_the_linear_programme_allows(right_hand, pressed):
    model, hand = right_hand
    posture = rest_angles(model, hand)
    for i, digit in enumerate(FINGERS):
        most = feasible_forces(model, hand, digit, posture).force
        assert pad_forces(pressed, (), np.eye(4)[i])[i] == pytest.approx(most, rel=0.15)


def test_independent_fingers_have_no_slaves_and_no_deficit(pressed):
    assert enslaving_matrix(pressed, ()) == pytest.approx(np.eye(4))
    assert force_deficit(pressed, ()) == pytest.approx(np.zeros(3))


def test_enslaved_fingers_press_within_the_published_shares(enslaved):
    model, hand, drives = enslaved
    shares = enslaving_matrix(pressing(model, hand, rest_angles(model, hand)), drives)
    slaves = shares[~np.eye(4, dtype=bool)]
    assert slaves.min() >= 0.109
    assert slaves.max() <= 0.547
    assert np.abs(shares - shares.T).max() <= 0.06
    away = np.abs(np.subtract.outer(np.arange(4), np.arange(4)))
    for row, distance in zip(shares, away, strict=True):
        assert row[distance == 1].min() > row[distance > 1].max()


def test_enslaving_leaves_single_maxima_and_lowers_sums(enslaved, pressed):
    model, hand, drives = enslaved
    together = pressing(model, hand, rest_angles(model, hand))
    for i in range(4):
        alone = np.eye(4)[i]
        assert pad_forces(together, drives, alone)[i] == pytest.approx(
            pad_forces(pressed, (), alone)[i], rel=1e-6
        )
    deficits = force_deficit(together, drives)
    assert (np.diff(deficits) > 0.0).all()
    assert deficits[0] > 0.1
    assert 0.3 <= deficits[2] <= 0.6


def test_indices_are_means_over_the_others():
    slopes = np.array([[1.0, 0.2, -0.1], [0.4, 1.0, 0.0], [0.0, -0.6, 1.0]])
    indices = individuation(slopes)
    assert indices.individuation == pytest.approx([0.8, 0.6, 0.95])
    assert indices.stationarity == pytest.approx([0.85, 0.8, 0.7])


def test_slopes_are_those_of_lines_through_summed_flexion(right_hand):
    _, hand = right_hand
    time = np.linspace(0.0, 2.0 * np.pi, 50)
    angles = np.zeros((50, len(hand.joints)))
    angles[:, hand.joints.index("mcp2_flexion")] = 0.2 + 0.3 * np.sin(time)
    angles[:, hand.joints.index("pm2_flexion")] = 0.1 * np.sin(time)
    angles[:, hand.joints.index("mcp3_flexion")] = -0.1 * np.sin(time)
    angles[:, hand.joints.index("mcp3_abduction")] = np.sin(time)
    angles[:, hand.joints.index("mcp5_flexion")] = np.cos(time)
    assert movement_slopes(hand, angles, "index") == pytest.approx([0, 1, -0.25, 0, 0.0], abs=1e-9)
    assert movement_slopes(hand, angles, "ring") == pytest.approx([0, 0, 0, 1, 0])


def test_relaxed_fingers_of_the_bundled_hand_are_independent(right_hand):
    assert passive_slopes(*right_hand) == pytest.approx(np.eye(5), abs=1e-3)


def test_relaxed_fingers_with_bands_take_others_along_about_as_in_people(enslaved):
    model, hand, _ = enslaved
    indices = individuation(passive_slopes(model, hand))
    for digit, value in PEOPLE.items():
        assert indices.individuation[DIGITS.index(digit)] == pytest.approx(value, abs=0.08)
    assert indices.stationarity[0] == pytest.approx(1.0, abs=1e-3)


def test_a_pull_at_the_index_extends_the_middle_finger_as_in_cadavers(enslaved, right_hand):
    def passed(model, hand):
        joint = hand.joints.index("mcp3_flexion")
        by_index, by_middle = (traction(model, hand, name)[joint] for name in ("EDC2", "EDC3"))
        assert by_middle < -0.3
        return by_index / by_middle

    # 0.32 with all tissues, 0.22 without juncturae (von Schroeder & Botte 1993, abstract).
    assert 0.2 <= passed(*enslaved[:2]) <= 0.42
    assert abs(passed(*right_hand)) < 0.05


def test_hands_without_slips_are_refused(right_hand):
    model, hand = right_hand
    names = tuple("flexor" if name == "FDP4" else name for name in hand.muscle_names)
    posture = rest_angles(model, hand)
    with pytest.raises(ModelError, match="has no FDP4, with which single fingers press"):
        pressing(model, replace(hand, muscle_names=names), posture)
    with pytest.raises(ModelError, match="has no muscle EDC9"):
        traction(model, hand, "EDC9")
