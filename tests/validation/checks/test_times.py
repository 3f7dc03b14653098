"""Time constants: a fast and a slow muscle, units by mistake, and the models that are bundled."""

import pytest

from musclehand.validation.checks.times import CHECKS, FALL_MS, RISE_MS, check_time_constants
from support.wrist_and_finger import wrist_and_finger


def hand(rise_ms, fall_ms):
    """An index finger, one of whose muscles has other time constants."""
    specimen = wrist_and_finger({"FDS2": (80, 0.01, 0.01), "FDP2": (100, 0.01, 0.01)})
    number = specimen.hand.muscles[specimen.hand.muscle_names.index("FDP2")]
    for other in specimen.hand.muscles:
        specimen.model.actuator_dynprm[other, :2] = 0.01, 0.04
    specimen.model.actuator_dynprm[number, :2] = 1e-3 * rise_ms, 1e-3 * fall_ms
    return specimen


@pytest.mark.parametrize(
    ("rise_ms", "fall_ms", "verdict"),
    [
        (10, 40, "pass"),
        (*[limit[0] for limit in (RISE_MS, FALL_MS)], "pass"),
        (*[limit[1] for limit in (RISE_MS, FALL_MS)], "pass"),
        (1.01 * RISE_MS[1], 100, "fail"),
        (0.99 * RISE_MS[0], 100, "fail"),
        (10, 1.01 * FALL_MS[1], "fail"),
        (0, 0, "fail"),
        (10_000, 40_000, "fail"),
    ],
)
def test_limits_are_those_of_people(rise_ms, fall_ms, verdict):
    finding = check_time_constants(hand(rise_ms, fall_ms))
    assert finding.verdict.value == verdict


def test_the_muscle_and_its_times_are_named():
    finding = check_time_constants(hand(10_000, 20_000))
    assert finding.offenders == (
        "FDP2: activation 10000 ms, deactivation 20000 ms; people 5 to 50 and 5 to 200 ms",
    )


def test_the_worst_muscle_comes_first():
    specimen = hand(60, 100)
    specimen.model.actuator_dynprm[specimen.hand.muscles[0], :2] = 0.2, 0.1
    finding = check_time_constants(specimen)
    first = specimen.hand.muscle_names[0]
    assert [line.split(":")[0] for line in finding.offenders] == [first, "FDP2"]


def test_our_hand_and_myohand_pass(ours, myohand):
    (check,) = CHECKS
    assert [check.run(hand).verdict.value for hand in (ours, myohand)] == ["pass", "pass"]
