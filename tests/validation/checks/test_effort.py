"""Effort of an idle hand: springs that a muscle holds, MyoHand, and our hand by another
programme."""

import numpy as np
import pytest
from scipy.optimize import lsq_linear

from musclehand.body.analysis.behaviour import rest_angles
from musclehand.body.analysis.effort import NEGLIGIBLE_TORQUE
from musclehand.body.analysis.moment_arm import muscle_geometry
from musclehand.body.analysis.passive import passive_torque
from musclehand.body.analysis.strength import muscle_limits
from musclehand.validation.check import Verdict
from musclehand.validation.checks.effort import CHECKS, check_idle_effort
from support.wrist_and_finger import wrist_and_finger

REST = np.deg2rad(15)
"""Extension of the wrist at rest [rad]."""


def sprung(activation, force=100.0):
    """A wrist whose spring needs this activation of an extensor or flexor of 1 N m at rest."""
    torque = activation * force * 0.01 + NEGLIGIBLE_TORQUE
    muscles = {"FCR": (force, 0.01, 0.0), "ECRB": (force, -0.01, 0.0)}
    return wrist_and_finger(muscles, wrist_spring=torque / REST)


@pytest.mark.parametrize(
    ("activation", "verdict"), [(0.01, "pass"), (0.03, "warn"), (0.08, "fail")]
)
def test_the_activation_of_a_hand_at_rest_is_what_its_spring_takes(activation, verdict):
    finding = check_idle_effort(sprung(activation))
    assert finding.verdict.value == verdict
    assert finding.value == pytest.approx(activation, rel=1e-3)
    if verdict != "pass":
        assert finding.offenders == (f"at rest: ECRB {activation:.2f}",)
        assert finding.panels[0].ticks == ("FCR", "ECRB")


def test_a_hand_that_cannot_be_held_fails():
    specimen = wrist_and_finger({"FCR": (10.0, 0.01, 0.0)}, wrist_spring=0.5)
    finding = check_idle_effort(specimen)
    assert finding.verdict is Verdict.FAIL
    assert finding.value == 1.0
    assert "no activations" in finding.summary
    assert finding.offenders[0] == "at rest: muscles cannot balance the passive torques"


def test_myohand_has_nothing_to_hold_at_rest(myohand):
    """It has no springs, and no fibre is stretched there."""
    finding = check_idle_effort(myohand)
    assert finding.value == pytest.approx(0.0, abs=1e-3)
    assert not any(line.startswith("at rest") for line in finding.offenders)


def test_no_other_activations_hold_our_hand_with_less(ours):
    """Least squares with a ceiling on activations: balance within the negligible torque is found
    at the reported largest activation, and not below it."""
    value = check_idle_effort(ours).value
    hand = ours.hand
    posture = rest_angles(ours.model, hand)
    geometry = muscle_geometry(ours.model, hand, posture[None])
    active = muscle_limits(ours.model, hand, geometry.lengths).active[0]
    turns = hand.expand.T @ (geometry.arms[0] * active[:, None]).T
    torque = hand.expand.T @ passive_torque(ours.model, hand, posture).total
    joints = len(torque)
    # Slacks take up to the negligible torque of every joint.
    rows = np.hstack([turns, NEGLIGIBLE_TORQUE * np.eye(joints)])

    def residual(ceiling):
        most = np.append(np.full(turns.shape[1], ceiling), np.ones(joints))
        least = np.append(np.full(turns.shape[1], -1e-12), -np.ones(joints))
        return np.sqrt(2 * lsq_linear(rows, -torque, (least, most), tol=1e-14).cost)

    assert residual(value + 1e-4) < 1e-5
    if value > 1e-3:
        assert residual(0.8 * value) > 1e-5


def test_each_check_says_what_it_is():
    assert [check.code for check in CHECKS] == ["V34"]
    assert all(check.asks.endswith("?") and check.threshold and check.source for check in CHECKS)
