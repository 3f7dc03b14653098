"""Proportions of force: made-up hands, MyoHand, and our hand."""

import pytest

from musclehand.validation.check import Verdict
from musclehand.validation.checks.proportions import CHECKS, check_proportions
from support.wrist_and_finger import wrist_and_finger


def hand(fds, fdp=100.0, **interossei):
    """An index finger with these peak forces [N]."""
    forces = {"FDS2": fds, "FDP2": fdp, **interossei}
    return wrist_and_finger({name: (force, 0.01, 0.01) for name, force in forces.items()})


@pytest.mark.parametrize(
    ("fds", "verdict"),
    [(80, "pass"), (120, "pass"), (60, "pass"), (130, "warn"), (50, "warn"), (150, "fail")],
)
def test_the_ratio_of_an_index_finger_is_that_of_its_forces(fds, verdict):
    """Published for the index finger: 0.74 to 0.97; 25 % more pass, half as much again fails."""
    finding = check_proportions(hand(fds))
    assert finding.verdict.value == verdict
    assert f"FDS to FDP of index {fds / 100:.2f}; people 0.74 to 0.97" in finding.summary


@pytest.mark.parametrize(
    ("force", "verdict"), [(60, "pass"), (80, "pass"), (95, "warn"), (125, "fail")]
)
def test_the_tension_of_an_interosseus_is_force_over_cross_section(force, verdict):
    """DI1 has 1.50 cm2; models of people have 30 to 50.8 N/cm2."""
    finding = check_proportions(hand(80, DI1=force))
    assert finding.verdict.value == verdict
    if verdict != "pass":
        assert finding.offenders[0].startswith(
            f"DI1: {force} N of 1.50 cm2 are {force / 1.5:.0f} N/cm2"
        )


def test_myohand_has_people_s_flexors_and_too_strong_interossei(myohand):
    finding = check_proportions(myohand)
    assert finding.verdict is Verdict.FAIL
    assert "FDS to FDP of four fingers 0.81" in finding.summary
    assert finding.offenders[0].startswith("PI2")


def test_a_model_without_these_muscles_is_skipped():
    finding = check_proportions(wrist_and_finger({"FCR": (10.0, 0.01, 0.0)}))
    assert finding.verdict is Verdict.SKIP
    assert finding.summary.startswith("not applicable: ")


def test_each_check_says_what_it_is():
    assert [check.code for check in CHECKS] == ["V33"]
    assert all(check.asks.endswith("?") and check.threshold and check.source for check in CHECKS)
