"""Rest and passive torque against springs written down by hand."""

import numpy as np
import pytest

from musclehand.body.analysis.behaviour import data_at, rest_angles
from musclehand.body.analysis.passive import (
    drift_from_springs,
    independent_torque,
    passive_curve,
    passive_stiffness,
    passive_torque,
    release_hand,
    rest_posture,
    settled_posture,
)
from musclehand.core.errors import UnknownName
from support.one_joint_model import one_joint
from support.wrist_and_finger import wrist_and_finger


def test_a_damped_spring_settles_at_its_reference_from_anywhere():
    model, hand = one_joint(
        damping=0.03, stiffness=0.04, springref=0.6, limits='range="-0.5 1.5"', dt=0.002
    )
    result = rest_posture(model, hand)
    assert result.angles[0] == pytest.approx(0.6, abs=1e-3)
    assert np.allclose(result.random_starts, 0.6, atol=1e-3)
    assert result.spread[0] < 1e-3
    assert result.drift[0] < 1e-3
    assert drift_from_springs(model, hand)[0] < 1e-9


def test_letting_go_follows_the_exponential_of_spring_and_damper():
    """Overdamped: angle = ref + (start - ref) exp(-k t / b), inertia being negligible."""
    model, hand = one_joint(damping=0.03, stiffness=0.04, springref=0.6, armature=1e-6, dt=0.002)
    model.opt.gravity[:] = 0
    run = release_hand(model, hand, np.array([-0.4]), 2.0)[:, 0]
    time = np.arange(1, len(run) + 1) * 0.002
    assert np.allclose(run, 0.6 - 1.0 * np.exp(-0.04 / 0.03 * time), atol=3e-3)


def test_without_springs_a_joint_stays_where_it_is_put():
    model, hand = one_joint(damping=0.05, limits='range="-0.5 1.5"')
    result = rest_posture(model, hand, starts=2)
    assert result.spread[0] > 0.1
    assert result.drift[0] < 1e-6
    assert drift_from_springs(model, hand)[0] == 0.0


def test_passive_torque_splits_into_muscles_and_springs():
    model, hand = one_joint(stiffness=0.04, springref=0.5)
    torque = passive_torque(model, hand, np.array([1.0]))
    assert torque.springs[0] == pytest.approx(-0.04 * 0.5)
    assert torque.muscles[0] == pytest.approx(0.0, abs=1e-9)
    assert torque.total[0] == pytest.approx(-0.02)
    assert passive_stiffness(model, hand, np.array([1.0])).springs[0] == pytest.approx(0.04)


def test_stretched_muscles_pull_back(right_hand):
    """Torque is what lost energy says: central difference of the muscles' work along the joint,
    and their stiffness."""
    model, hand = right_hand
    posture = rest_angles(model, hand)
    curve = passive_curve(model, hand, "mcp3_flexion", posture, points=9)
    assert curve.angles[[0, -1]] == pytest.approx(hand.limits(model)[11])
    data = data_at(model, hand, posture)
    column = [hand.joints[i] for i in hand.independent].index("mcp3_flexion")
    torque = passive_torque(
        model, hand, posture + (curve.angles[0] - posture[11]) * hand.expand[:, column]
    )
    assert hand.joints[11] == "mcp3_flexion"
    assert independent_torque(hand, torque.muscles)[column] == pytest.approx(curve.muscles[0])
    assert independent_torque(hand, torque.springs)[column] == pytest.approx(curve.springs[0])
    # virtual work: force of every muscle times the change of its length
    lengths = []
    for step in (-1e-4, 1e-4):
        lengths.append(
            data_at(model, hand, posture + step * hand.expand[:, column]).actuator_length[
                hand.muscles
            ]
        )
    work = data.actuator_force[hand.muscles] @ (lengths[1] - lengths[0]) / 2e-4
    assert independent_torque(hand, passive_torque(model, hand, posture).muscles)[
        column
    ] == pytest.approx(work, abs=1e-6)


def test_a_coupled_joint_has_no_curve_of_its_own(right_hand):
    model, hand = right_hand
    with pytest.raises(UnknownName, match="md2_flexion"):
        passive_curve(model, hand, "md2_flexion", rest_angles(model, hand))


def test_the_hand_comes_to_rest(right_hand):
    result = rest_posture(*right_hand, starts=1)
    mcp = [
        i
        for i, joint in enumerate(right_hand[1].joints)
        if joint.startswith("mcp") and joint.endswith("flexion")
    ]
    assert np.rad2deg(result.angles[mcp]).min() > 30
    assert np.rad2deg(result.angles[mcp]).max() < 60
    assert np.rad2deg(result.drift).max() < 1
    assert result.traces.shape == (len(result.time), len(right_hand[1].joints))


STILL_MUSCLE = {"FCR": (1.0, 0.010, 0.0)}
LINK = 2000.0
"""Stiffness of a tendon spring with arms of 10 mm at the wrist and 5 mm at the knuckle [N/m]."""


def test_a_relaxed_finger_follows_the_wrist_until_its_limit_stops_it():
    """Knuckle: k (0.6 - f) = L b (a w + b f); below -0.5 rad its limit holds it."""
    specimen = wrist_and_finger(STILL_MUSCLE, knuckle_spring=0.04, link=LINK)
    stiff = 0.04 + LINK * 0.005**2
    for wrist, finger in (
        (0.3, (0.04 * 0.6 - LINK * 0.01 * 0.005 * 0.3) / stiff),
        (-0.2, (0.04 * 0.6 + LINK * 0.01 * 0.005 * 0.2) / stiff),
        (1.2, -0.5),
    ):
        start = np.array([wrist, 0.0])
        settled = settled_posture(specimen.model, specimen.hand, start, {"flexion"})
        assert settled == pytest.approx([wrist, finger], abs=1e-3)
    held = settled_posture(specimen.model, specimen.hand, start, {"flexion", "mcp2_flexion"})
    assert held.tolist() == start.tolist()


def test_relaxed_fingers_take_torque_off_the_wrist():
    specimen = wrist_and_finger(STILL_MUSCLE, wrist_spring=0.1, knuckle_spring=0.04, link=LINK)
    angles = np.array([0.1, 0.2])
    held = passive_curve(specimen.model, specimen.hand, "flexion", np.zeros(2), angles=angles)
    expected = -0.1 * angles - LINK * 0.01 * 0.01 * angles
    assert held.total == pytest.approx(expected, abs=1e-6)
    settled = passive_curve(
        specimen.model, specimen.hand, "flexion", np.zeros(2), angles=angles, settled=True
    )
    finger = (0.04 * 0.6 - LINK * 0.01 * 0.005 * angles) / (0.04 + LINK * 0.005**2)
    expected = -0.1 * angles - LINK * 0.01 * (0.01 * angles + 0.005 * finger)
    assert settled.total == pytest.approx(expected, abs=1e-4)


def test_a_settled_hand_has_no_torque_about_joints_off_their_limits(right_hand):
    model, hand = right_hand
    settled = settled_posture(model, hand, rest_angles(model, hand), {"flexion"})
    torque = independent_torque(hand, passive_torque(model, hand, settled).total)
    limits = hand.limits(model)[hand.independent]
    angles = settled[hand.independent]
    inside = (angles > limits[:, 0]) & (angles < limits[:, 1])
    inside[[hand.joints[i] for i in hand.independent].index("flexion")] = False
    assert np.abs(torque[inside]).max() < 1e-4
