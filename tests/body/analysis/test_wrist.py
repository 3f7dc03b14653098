"""Strength of the wrist against closed forms, and against a linear programme from plain MuJoCo."""

import mujoco
import numpy as np
import pytest
from scipy.optimize import linprog

from musclehand.body.analysis.wrist import MEASURED_DEG, wrist_strength
from musclehand.body.anatomy import DIP_PER_PIP, WRIST_JOINTS
from musclehand.core.errors import UnknownName
from support.wrist_and_finger import wrist_and_finger

PRIME_MOVER = {"FCR": (100.0, 0.010, 0.0)}
FINGER_FLEXOR = {"FDP2": (50.0, 0.012, 0.008)}
FINGER_EXTENSOR = {"EDC2": (20.0, -0.006, -0.008)}


def strength(muscles, **options):
    specimen = wrist_and_finger(muscles)
    return wrist_strength(specimen.model, specimen.hand, "flexion", **options)


def test_force_times_arm_is_the_strength():
    result = strength(PRIME_MOVER)
    assert result.peak_held == pytest.approx([1.0, 0.0], abs=1e-6)
    assert result.peak_free == pytest.approx([1.0, 0.0], abs=1e-6)
    assert np.rad2deg(result.angles[[0, -1]]) == pytest.approx(MEASURED_DEG["flexion"])


def test_a_finger_flexor_helps_a_wrist_only_where_something_holds_the_finger():
    result = strength(PRIME_MOVER | FINGER_FLEXOR)
    assert result.peak_held[0] == pytest.approx(1.0 + 50 * 0.012)
    assert result.peak_free[0] == pytest.approx(1.0), "nothing balances the finger"


def test_an_extensor_lets_free_fingers_help_as_far_as_it_can_hold_them():
    """The finger is in balance where 50 * 8 mm a = 20 * 8 mm b; b = 1 gives a = 0.4, and the
    extensor's torque at the wrist is lost."""
    result = strength(PRIME_MOVER | FINGER_FLEXOR | FINGER_EXTENSOR)
    assert result.peak_held == pytest.approx([1.6, 0.12])
    assert result.peak_free[0] == pytest.approx(1.0 + 0.4 * 50 * 0.012 - 20 * 0.006)
    assert result.peak_free[1] == pytest.approx(0.0, abs=1e-9)


def test_given_angles_are_used_and_neutral_is_among_the_usual_ones():
    angles = np.array([0.1, 0.3])
    assert strength(PRIME_MOVER, angles=angles).angles.tolist() == [0.1, 0.3]
    assert 0.0 in strength(PRIME_MOVER).angles


def test_free_fingers_are_never_stronger_and_both_are_positive(ours, myohand):
    for specimen in (ours, myohand):
        for joint in WRIST_JOINTS:
            result = wrist_strength(specimen.model, specimen.hand, joint)
            assert (result.free <= result.held + 1e-6).all()
            assert (result.free > 0.5).all()


@pytest.mark.parametrize("joint", ["flexion", "deviation"])
def test_a_linear_programme_from_plain_mujoco_finds_the_same(ours, joint):
    """Arms by central differences of actuator lengths, forces as MuJoCo applies them, and the
    last finger joints moved along by hand."""
    model = ours.model
    hand = ours.hand
    posture = np.zeros(len(hand.joints))
    result = wrist_strength(model, hand, joint, angles=np.array([0.2]), posture=posture)
    posture[hand.joints.index(joint)] = 0.2
    data = mujoco.MjData(model)

    def lengths(angles):
        data.qpos[hand.qpos] = hand.signs * angles
        mujoco.mj_forward(model, data)
        return data.actuator_length[hand.muscles].copy()

    lengths(posture)
    resting = data.actuator_force[hand.muscles].copy()
    data.act[hand.act] = 1.0
    lengths(posture)
    force = resting - data.actuator_force[hand.muscles]
    data.act[hand.act] = 0.0
    torques = []
    moved_joints = [hand.joints[i] for i in hand.independent]
    for column, name in enumerate(moved_joints):
        step = 1e-5 * hand.expand[:, column]
        if name.startswith("pm"):
            assert step[hand.joints.index(name.replace("pm", "md"))] == pytest.approx(
                1e-5 * DIP_PER_PIP
            )
        arm = (lengths(posture - step) - lengths(posture + step)) / 2e-5
        torques.append(arm * force)
    torques = np.array(torques)
    about = torques[moved_joints.index(joint)]
    digits = [
        row for row, name in zip(torques, moved_joints, strict=True) if name not in WRIST_JOINTS
    ]
    for column, sign in enumerate((1, -1)):
        solution = linprog(
            -sign * about,
            A_eq=np.array(digits),
            b_eq=np.zeros(len(digits)),
            bounds=(0, 1),
            method="highs-ipm",
        )
        assert result.free[0, column] == pytest.approx(-solution.fun, rel=1e-3)
        assert result.held[0, column] == pytest.approx(
            np.clip(sign * about, 0, None).sum(), rel=1e-4
        )


def test_a_joint_that_is_none_of_the_wrist_is_named(ours):
    with pytest.raises(UnknownName, match="mcp2_flexion"):
        wrist_strength(ours.model, ours.hand, "mcp2_flexion")
    specimen = wrist_and_finger(PRIME_MOVER)
    with pytest.raises(UnknownName, match="deviation"):
        wrist_strength(specimen.model, specimen.hand, "deviation")
