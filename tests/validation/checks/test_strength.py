"""Checks of strength on levers whose answers are known, on MyoHand, whose faults are known, and
on our hand."""

import re
from dataclasses import replace
from types import SimpleNamespace

import mujoco
import numpy as np
import pytest
from scipy.optimize import linprog

from musclehand.body.analysis.reference import FingertipForceRow
from musclehand.body.analysis.strength import GROUPS, anatomical_coupling, feasible_forces
from musclehand.body.anatomy import DIGITS, Side, digit_joints
from musclehand.body.hand_index import NO_TIP, HandIndex
from musclehand.body.naming import own_naming
from musclehand.body.posture import couple, named_posture
from musclehand.core.errors import ModelError
from musclehand.validation.check import Specimen, Verdict
from musclehand.validation.checks import strength
from musclehand.validation.checks.strength import (
    CHECKS,
    check_closure,
    check_joint_torques,
    check_pad_force,
    pad_forces,
)

STRONGEST = 60.0


@pytest.fixture(autouse=True)
def people(monkeypatch):
    """Published forces that do not change with the tables: 40 +- 10 N for every digit."""
    rows = tuple(
        FingertipForceRow(digit, "press", 40.0, 10.0, 20, "Somebody 2000", "published")
        for digit in DIGITS
    )
    monkeypatch.setattr(strength, "load_reference", lambda: SimpleNamespace(fingertip_forces=rows))


def lever(muscles, force=500.0, length=0.03):
    """A hinge with straight muscles above (extensor) and below (flexor) its axis, 8 mm away; the
    tip `length` out."""
    tips = "".join(f'<site name="tip_{digit}_r" pos="{length} 0 0"/>' for digit in DIGITS)
    height = {"flexor": -0.008, "extensor": 0.008}
    proximal = "".join(f'<site name="{name}_0" pos="-.02 {height[name]} 0"/>' for name in muscles)
    distal = "".join(f'<site name="{name}_1" pos=".02 {height[name]} 0"/>' for name in muscles)
    paths = "".join(
        f'<spatial name="{name}"><site site="{name}_0"/><site site="{name}_1"/></spatial>'
        for name in muscles
    )
    actuators = "".join(
        f'<muscle name="{name}_r" tendon="{name}" lengthrange=".03 .05" range=".8 1.2" '
        f'force="{force}"/>'
        for name in muscles
    )
    model = mujoco.MjModel.from_xml_string(
        f"""<mujoco><worldbody>{proximal}<body>
        <joint name="md2_flexion_r" axis="0 0 -1" limited="true" range="-20 20"/>
        <geom size=".005"/>{distal}{tips}</body></worldbody>
        <tendon>{paths}</tendon><actuator>{actuators}</actuator></mujoco>"""
    )
    return Specimen("lever", model, HandIndex.from_model(model, Side.RIGHT), own_naming())


def test_two_muscles_on_either_side_of_a_joint_pass_everything():
    specimen = lever(("flexor", "extensor"))
    assert check_closure(specimen).verdict is Verdict.PASS
    assert check_closure(specimen).value == 100.0
    assert check_joint_torques(specimen).verdict is Verdict.PASS


def test_a_joint_without_extensor_is_found_and_the_missing_way_named():
    specimen = lever(("flexor",))
    closure = check_closure(specimen)
    torque = check_joint_torques(specimen)
    assert closure.verdict is torque.verdict is Verdict.FAIL
    assert closure.value == torque.value == 0.0
    assert "extension" in torque.offenders[0]
    assert "flexion 100" not in torque.offenders[0], "what is there is not listed"
    antagonists = lever(("flexor", "extensor"), force=1.0)
    assert check_closure(antagonists).verdict is Verdict.PASS, "closure does not ask how strong"
    assert check_joint_torques(antagonists).verdict is Verdict.FAIL, (
        "8 mm times 1 N are less than 20 mN m"
    )


def test_a_digit_without_muscles_is_an_answer_too(myohand):
    gone = [name not in ("FPL", "EPL", "EPB", "APL", "OP") for name in myohand.hand.muscle_names]
    hand = myohand.hand
    fewer = replace(
        hand,
        muscles=hand.muscles[gone],
        act=hand.act[gone],
        tendons=hand.tendons[gone],
        muscle_names=tuple(
            name for name, kept in zip(hand.muscle_names, gone, strict=True) if kept
        ),
    )
    specimen = replace(myohand, hand=fewer)
    assert check_closure(specimen).offenders[0].startswith("thumb: closure in 0.0%")
    assert check_joint_torques(specimen).value == 0.0
    assert pad_forces(specimen, ["thumb"]) == pytest.approx(np.zeros((3, 1)))


def test_pad_force_is_torque_over_length_and_compared_with_people():
    """8 mm of arm, a tip 30 mm out: a quarter or so of the muscle's force."""
    finding = check_pad_force(lever(("flexor", "extensor"), force=150.0))
    assert finding.verdict is Verdict.PASS
    assert finding.value == pytest.approx(150.0 * 0.008 / 0.03, rel=0.02)
    weak = check_pad_force(lever(("flexor", "extensor"), force=30.0))
    assert weak.verdict is Verdict.FAIL
    assert weak.offenders[0].startswith("index")
    strong = check_pad_force(lever(("flexor", "extensor"), force=400.0))
    assert strong.verdict is Verdict.WARN
    assert f"people up to {STRONGEST:.0f} N" in strong.offenders[0]


def test_figures_have_the_numbers_and_the_people():
    finding = check_pad_force(lever(("flexor", "extensor")))
    panel = finding.panels[0]
    assert panel.ticks == ("index",)
    assert [series.label for series in panel.series[:3]] == ["straight", "bent", "curled"]
    assert panel.series[3].y.tolist() == [40.0]
    assert panel.series[3].error.tolist() == [20.0], "two standard deviations"
    assert panel.limit == 10.0


def test_forces_of_other_parts_than_the_pad_do_not_count(monkeypatch):
    rows = (
        FingertipForceRow("index", "pad press", 20.0, None, None, "Somebody 2000", "published"),
        FingertipForceRow(
            "index", "pull; not the pad", 200.0, 10.0, None, "Somebody 2000", "published"
        ),
    )
    monkeypatch.setattr(strength, "load_reference", lambda: SimpleNamespace(fingertip_forces=rows))
    finding = check_pad_force(lever(("flexor", "extensor"), force=150.0))
    assert finding.verdict is Verdict.WARN
    assert "people up to 32 N" in finding.offenders[0], "30 % where the spread is not given"


def test_myohand_lacks_closure_as_published(myohand):
    """Measured before, with other random postures: thumb 4-6, index 72, middle 74-77, ring
    48-52, little 68-72 %."""
    finding = check_closure(myohand)
    assert finding.verdict is Verdict.FAIL
    shares = dict(zip(finding.panels[0].ticks, finding.panels[0].series[0].y, strict=True))
    expected = {"thumb": 5, "index": 72, "middle": 76, "ring": 50, "little": 70, "wrist": 80}
    assert shares == pytest.approx(expected, abs=5.0)
    assert finding.offenders[0].startswith("thumb")


def test_myohand_s_joints_turn_but_not_alone(myohand):
    """Independence is reported and no merit: the thumb's joints have it in 1 to 3 % of postures."""
    finding = check_joint_torques(myohand)
    assert finding.verdict is Verdict.PASS
    assert finding.value == 100.0
    alone = re.search(r"each alone, .* in ([\d.]+)% \(the (\w+);", finding.summary)
    assert float(alone[1]) == pytest.approx(2.0, abs=2.0)
    assert alone[2] == "thumb"


def test_torque_together_and_alone_are_those_of_plain_mujoco(myohand):
    """In one posture: arms from actuator lengths, and a linear programme for torque alone."""
    specimen = replace(myohand)
    hand = anatomical_coupling(myohand.hand)
    limits = hand.limits(myohand.model)
    posture = np.clip(couple(hand, myohand.postures[:1]), limits[:, 0], limits[:, 1])[0]
    specimen.__dict__["postures"] = posture[None]
    together, alone = np.split(
        np.stack([s.y for s in check_joint_torques(specimen).panels[0].series]), 2
    )
    data = mujoco.MjData(myohand.model)

    def lengths(angles):
        data.qpos[hand.qpos] = hand.signs * angles
        mujoco.mj_forward(myohand.model, data)
        return data.actuator_length[hand.muscles].copy()

    lengths(posture)
    passive = data.actuator_force[hand.muscles].copy()
    data.act[hand.act] = 1.0
    lengths(posture)
    force = passive - data.actuator_force[hand.muscles]
    data.act[hand.act] = 0.0
    names = [hand.joints[i] for i in hand.independent]
    torques = np.array(
        [
            (lengths(posture - 1e-5 * step) - lengths(posture + 1e-5 * step)) / 2e-5 * force
            for step in hand.expand.T
        ]
    )
    for place, joint in enumerate(check_joint_torques(specimen).panels[0].ticks):
        (digit,) = (name for name in GROUPS if joint in digit_joints(name))
        others = [
            names.index(name) for name in names if name in digit_joints(digit) and name != joint
        ]
        about = torques[names.index(joint)]
        for row, sign in enumerate((1, -1)):
            assert together[row, place] == pytest.approx(
                np.clip(sign * about, 0, None).sum(), abs=2e-3
            )
            solution = linprog(
                -sign * about,
                A_eq=torques[others],
                b_eq=np.zeros(len(others)),
                bounds=(0, 1),
            )
            assert alone[row, place] == pytest.approx(-solution.fun, abs=2e-3)


def test_myohand_cannot_press_with_thumb_and_curled_middle_finger(myohand):
    finding = check_pad_force(myohand)
    assert finding.verdict is Verdict.FAIL
    forces = pad_forces(myohand, list(DIGITS))
    assert forces[:, 0] == pytest.approx(np.zeros(3), abs=1e-6)
    assert forces[1:, 2] == pytest.approx(np.zeros(2), abs=1e-6)
    assert {line.split(",")[0] for line in finding.offenders} == {"thumb", "middle", "ring"}


def test_myohand_presses_as_measured_before(myohand):
    """MCP/PIP/DIP at 30/30/15 and friction 0.5: index 52.8, middle 0, ring 8.8, little 12.4,
    thumb 0 N."""
    model = myohand.model
    hand = myohand.hand
    degrees = {
        f"{part}{n}_flexion": value
        for part, value in (("mcp", 30), ("pm", 30), ("md", 15))
        for n in range(2, 6)
    }
    posture = named_posture(hand, degrees, hand.limits(model))
    forces = [feasible_forces(model, hand, digit, posture).force for digit in DIGITS]
    assert forces == pytest.approx([0.0, 52.8, 0.0, 8.8, 12.4], abs=1.0)
    point = feasible_forces(model, hand, "index", posture, 0.0).force
    assert point == pytest.approx(50.1, abs=0.5)


def test_a_digit_without_a_tip_is_not_asked_to_press(myohand):
    tips = myohand.hand.tips.copy()
    tips[2:] = NO_TIP
    specimen = replace(myohand, hand=replace(myohand.hand, tips=tips))
    finding = check_pad_force(specimen)
    assert finding.panels[0].ticks == ("thumb", "index")
    with pytest.raises(ModelError, match="no site at the tip of its ring"):
        feasible_forces(myohand.model, specimen.hand, "ring", myohand.postures[0])


def test_our_hand_has_closure_torque_and_force(ours):
    for check in (check_closure, check_joint_torques):
        finding = check(ours)
        assert finding.verdict is Verdict.PASS, finding.offenders
    assert check_pad_force(ours).value >= 10.0


def test_a_model_without_digits_is_skipped(monkeypatch):
    specimen = lever(("flexor",))
    monkeypatch.setattr(strength, "GROUPS", ("thumb",))
    hand = replace(specimen.hand, tips=np.full(5, NO_TIP))
    findings = [check.run(replace(specimen, hand=hand)) for check in CHECKS]
    assert {finding.verdict for finding in findings} == {Verdict.SKIP}
    assert all(finding.summary.startswith("not applicable: ") for finding in findings)


def test_each_check_says_what_it_is():
    assert [check.code for check in CHECKS] == ["V12", "V13", "V14"]
    assert all(check.asks.endswith("?") and check.threshold and check.source for check in CHECKS)
