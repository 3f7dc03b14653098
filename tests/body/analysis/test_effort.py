"""Effort of holding a posture against closed forms, and against MuJoCo's own torques."""

import mujoco
import numpy as np
import pytest

from musclehand.body.analysis.behaviour import rest_angles
from musclehand.body.analysis.effort import NEGLIGIBLE_TORQUE, holding_effort
from support.wrist_and_finger import wrist_and_finger

FLEXOR = {"FCR": (10.0, 0.010, 0.0)}
EXTENSOR = {"ECRB": (10.0, -0.010, 0.0)}


def effort(muscles, angle, **options):
    specimen = wrist_and_finger(muscles, wrist_spring=0.1, **options)
    return holding_effort(specimen.model, specimen.hand, np.array([angle, 0.6]))


def test_activation_is_the_torque_of_the_spring_over_that_of_the_muscle():
    result = effort(FLEXOR | EXTENSOR, 0.5)
    assert result.torque == pytest.approx([-0.05, 0.0], abs=1e-9)
    assert result.largest == pytest.approx((0.05 - NEGLIGIBLE_TORQUE) / 0.1, rel=1e-4)
    assert result.activations == pytest.approx([result.largest, 0.0], abs=1e-5)


def test_two_muscles_share_the_torque():
    pair = {"FCR": (10.0, 0.010, 0.0), "FCU": (30.0, 0.010, 0.0)}
    result = effort(pair, 0.5)
    assert result.largest == pytest.approx((0.05 - NEGLIGIBLE_TORQUE) / 0.4, rel=1e-4)
    assert result.activations == pytest.approx([result.largest] * 2, rel=1e-3)


def test_a_hand_at_the_rest_of_its_springs_needs_nothing():
    result = effort(FLEXOR, 0.0, knuckle_spring=0.04)
    assert result.largest == 0.0
    assert result.activations == pytest.approx([0.0], abs=1e-9)


def test_a_torque_that_no_muscle_balances_is_endless():
    assert effort(FLEXOR, -0.5).largest == np.inf
    assert np.isnan(effort(FLEXOR, -0.5).activations).all()
    weak = effort({"FCR": (1.0, 0.010, 0.0)}, 0.5)
    assert weak.largest == np.inf, "10 mN m do not hold 50"


def test_with_its_activations_mujoco_s_torques_are_in_balance(ours):
    hand = ours.hand
    posture = rest_angles(ours.model, hand)
    result = holding_effort(ours.model, hand, posture)
    assert result.activations.max() <= result.largest + 1e-5
    data = mujoco.MjData(ours.model)
    data.qpos[hand.qpos] = hand.signs * posture
    data.act[hand.act] = result.activations
    mujoco.mj_forward(ours.model, data)
    torque = hand.expand.T @ (hand.signs * (data.qfrc_actuator + data.qfrc_spring)[hand.dofs])
    assert np.abs(torque).max() <= NEGLIGIBLE_TORQUE + 1e-6
