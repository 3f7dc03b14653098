"""Checks of the wrist on models whose strength and springs are known, on MyoHand and on our hand."""

import re
from types import SimpleNamespace

import mujoco
import numpy as np
import pytest

from musclehand.body.analysis.behaviour import rest_angles
from musclehand.body.analysis.reference import WristTorqueRow
from musclehand.body.anatomy import DIP_PER_PIP, WRIST_JOINTS
from musclehand.validation.check import Verdict
from musclehand.validation.checks import wrist
from musclehand.validation.checks.wrist import (
    CHECKS,
    KNUCKLE_DEG,
    KNUCKLE_POINTS,
    check_passive_curves,
    check_wrist_strength,
    published_stiffness,
    published_strength,
)
from support.one_joint_model import one_joint
from support.wrist_and_finger import wrist_and_finger


def movers(flexion, extension=0.5):
    """A flexor and an extensor of the wrist with these torques [N m]."""
    return {"FCR": (100 * flexion, 0.01, 0.0), "ECRB": (100 * extension, -0.01, 0.0)}


@pytest.fixture
def people(monkeypatch):
    """Published strength that does not change with the tables: 5 to 15 N m of flexion, and 4 +- 1
    of extension, of women and men."""
    rest = (None, "published")
    rows = (
        WristTorqueRow(
            "flexion", "flexion", 10.0, 3.0, 5.0, 15.0, 10, "all", *rest[:1], "A", rest[1]
        ),
        WristTorqueRow(
            "flexion", "extension", 4.0, 1.0, None, None, 9, "all", *rest[:1], "B", rest[1]
        ),
    )
    monkeypatch.setattr(wrist, "load_reference", lambda: SimpleNamespace(wrist_torques=rows))


@pytest.mark.parametrize(
    ("flexion", "extension", "verdict"),
    [(10, 4, "pass"), (14.9, 4.9, "pass"), (15.5, 4, "fail"), (10, 5.5, "fail")],
)
def test_strength_is_human_or_too_great(people, flexion, extension, verdict):
    finding = check_wrist_strength(wrist_and_finger(movers(flexion, extension)))
    assert finding.verdict.value == verdict
    assert finding.value == pytest.approx(max(flexion / 15, extension / 5), rel=1e-3)


def test_a_hand_that_is_human_in_one_way_of_measuring_only_is_warned_about(people):
    """Held 12 + 6 N m, free 12, because nothing balances the finger flexor; 12 more are too much."""
    finding = check_wrist_strength(
        wrist_and_finger(movers(12, 4) | {"FDP2": (600.0, 0.010, 0.008)})
    )
    assert finding.verdict is Verdict.WARN
    assert (
        "12.0 N m with free fingers, 18.0 with held ones; people 5.0 to 15.0"
        in (finding.offenders[0])
    )


def test_only_a_hand_with_all_digits_can_be_too_weak(people, monkeypatch):
    specimen = wrist_and_finger(movers(1, 4))
    assert check_wrist_strength(specimen).verdict is Verdict.PASS, "its muscles are not all there"
    monkeypatch.setattr(wrist, "DIGITS", ("index",))
    finding = check_wrist_strength(specimen)
    assert finding.verdict is Verdict.FAIL
    assert finding.value == pytest.approx(5.0, rel=1e-3)
    assert finding.offenders[0].startswith("flexion: 1.0 N m")


def test_ranges_hold_all_sources_and_a_standard_deviation_without_extremes():
    """Men's weakest are scaled to women by 0.64."""
    assert published_strength("flexion", "flexion") == pytest.approx((0.64 * 5.2, 12.2, 18.7))
    low, mean, high = published_strength("flexion", "extension")
    assert (low, mean) == pytest.approx((0.64 * 3.4, 7.1))
    assert high == pytest.approx(10.2 + 4.6), "Holzbaur 2007"
    assert published_strength("flexion", "radial") is None
    assert published_stiffness() == pytest.approx((0.0328 - 0.0183, 0.0466 + 0.0057))


@pytest.mark.parametrize(("spring", "verdict"), [(0.3, "pass"), (0.55, "warn"), (1.2, "fail")])
def test_the_torque_of_a_relaxed_wrist_is_that_of_its_spring(spring, verdict):
    """At 60 degrees people have nearly none; at 90, 0.5 and 1.2 N m, of which twice pass."""
    specimen = wrist_and_finger(movers(10), wrist_spring=spring, knuckle_spring=0.04)
    finding = check_passive_curves(specimen)
    assert finding.verdict.value == verdict
    ends = {60: 1.0, 90: 2 * 0.5}
    excess = max(spring * np.deg2rad(angle) / most for angle, most in ends.items())
    assert finding.value == pytest.approx(max(excess, _knuckle_excess(0.04)), rel=1e-3)


def _knuckle_excess(spring):
    low, high = published_stiffness()
    return max(spring / high, low / spring) / wrist.STIFFNESS_FACTOR


@pytest.mark.parametrize(
    ("spring", "finger", "verdict"),
    [
        (0.04, 2, "pass"),
        (0.08, 2, "warn"),
        (0.2, 2, "fail"),
        (0.004, 2, "fail"),
        (0.2, 3, "warn"),
    ],
)
def test_the_stiffness_of_a_knuckle_is_that_of_its_spring(spring, finger, verdict):
    specimen = wrist_and_finger(movers(10), knuckle_spring=spring, finger=finger)
    finding = check_passive_curves(specimen)
    assert finding.verdict.value == verdict
    assert finding.value == pytest.approx(_knuckle_excess(spring), rel=1e-3)
    if verdict != "pass":
        assert f"{spring:.3f} N m/rad" in finding.offenders[0]


def test_plain_mujoco_finds_the_stiffness_of_our_index_knuckle(ours):
    """By lengths alone: arms by central differences, times the force of the silent muscles, and
    the springs' own torque."""
    model = ours.model
    hand = ours.hand
    posture = rest_angles(model, hand)
    posture[[hand.joints.index(name) for name in WRIST_JOINTS]] = 0.0
    mcp = hand.joints.index("mcp2_flexion")
    column = [hand.joints[i] for i in hand.independent].index("mcp2_flexion")
    direction = hand.expand[:, column]
    data = mujoco.MjData(model)

    def at(angles):
        data.qpos[hand.qpos] = hand.signs * angles
        mujoco.mj_forward(model, data)
        springs = direction @ (hand.signs * data.qfrc_spring[hand.dofs])
        return (
            data.actuator_length[hand.muscles].copy(),
            data.actuator_force[hand.muscles].copy(),
            springs,
        )

    angles = np.deg2rad(np.linspace(*KNUCKLE_DEG, KNUCKLE_POINTS))
    torques = []
    for angle in angles:
        posture_there = posture + (angle - posture[mcp]) * direction
        after, before = (at(posture_there + step * direction)[0] for step in (1e-5, -1e-5))
        _, force, springs = at(posture_there)
        torques.append(force @ (after - before) / 2e-5 + springs)
    stiffness = -np.polyfit(angles, torques, 1)[0]
    low, high = published_stiffness()
    finding = check_passive_curves(ours)
    lines = [line for line in finding.offenders if line.startswith("index MCP flexion")]
    if low <= stiffness <= high:
        assert not lines
    else:
        assert f"{stiffness:.3f} N m/rad" in lines[0]
        too_far = max(stiffness / high, low / stiffness) > wrist.STIFFNESS_FACTOR
        assert (finding.verdict is Verdict.FAIL) or not too_far
    assert DIP_PER_PIP  # the DIP joint follows in `direction` only where PIP moves


def test_myohand_is_too_strong_and_its_knuckles_have_no_stiffness(myohand):
    finding = check_wrist_strength(myohand)
    assert finding.verdict is Verdict.FAIL
    held = {
        line.split(":")[0]: float(re.search(r"([\d.]+) with held ones", line)[1])
        for line in finding.offenders
    }
    assert held == pytest.approx(
        {"flexion": 38.2, "radial": 33.1, "extension": 17.8, "ulnar": 13.9}, abs=0.3
    ), "twice the torque of the strongest people"
    curves = check_passive_curves(myohand)
    assert curves.verdict is Verdict.FAIL
    assert curves.offenders[0].startswith("index MCP flexion: ")


def test_figures_have_the_torques_and_the_people(people):
    finding = check_wrist_strength(wrist_and_finger(movers(10, 4)))
    bars, course = finding.panels
    assert bars.ticks == ("flexion", "extension")
    assert [series.label for series in bars.series] == ["free fingers", "held fingers", "people"]
    assert bars.series[2].y.tolist() == [10.0, 4.0]
    assert bars.series[2].error.tolist() == [5.0, 1.0]
    assert [series.y.max() for series in course.series] == pytest.approx([10, 10, 4, 4], rel=1e-3)


def test_a_model_without_wrist_is_asked_about_its_knuckles_only():
    specimen = wrist_and_finger(movers(10), knuckle_spring=0.04)
    model, hand = one_joint(stiffness=0.04)
    single = type(specimen)("finger", model, hand, specimen.naming)
    finding = check_wrist_strength(single)
    assert finding.verdict is Verdict.SKIP
    assert finding.summary.startswith("not applicable: ")
    assert check_passive_curves(single).verdict is Verdict.PASS


def test_each_check_says_what_it_is():
    assert [check.code for check in CHECKS] == ["V30", "V31"]
    assert all(check.asks.endswith("?") and check.threshold and check.source for check in CHECKS)
