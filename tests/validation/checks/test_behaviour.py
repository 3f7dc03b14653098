"""Checks of behaviour: MyoHand fails those that it is known to fail, and what a made-up joint
gets."""

import numpy as np
import pytest

from musclehand.body.analysis.tapping import Tapping
from musclehand.body.hand_index import HandIndex
from musclehand.body.naming import own_naming
from musclehand.validation.check import Specimen, Verdict
from musclehand.validation.checks import behaviour
from musclehand.validation.checks.behaviour import CHECKS, check_soak
from support.one_joint_model import one_joint

BY_CODE = {check.code: check for check in CHECKS}


def joint(**options):
    return Specimen("one joint", *one_joint(**options), own_naming())


@pytest.mark.parametrize(
    ("code", "low", "high", "named"),
    [
        ("V15", 8, 14, "flexion"),
        ("V16", 1.0, 6.0, "euler 4 ms"),
        ("V17", 7.8, 8.1, "mcp2_abduction"),
        ("V22", 2, 4, "middle: "),
        ("V27", -1, 5, "mcp3_flexion"),
    ],
)
def test_myohand_fails_as_measured_before(myohand, code, low, high, named):
    finding = BY_CODE[code].run(myohand)
    assert finding.verdict is Verdict.FAIL
    assert low <= finding.value <= high
    assert any(named in line for line in finding.offenders)


@pytest.mark.parametrize("code", ["V16", "V23", "V26", "V27"])
def test_our_hand_passes(ours, code):
    finding = BY_CODE[code].run(ours)
    assert finding.verdict in (Verdict.PASS, Verdict.WARN)
    assert finding.summary


@pytest.mark.parametrize(
    ("rates", "verdict"),
    [
        ((6.5, 6.3, 5.3, 5.4), "pass"),
        ((5.0, 5.0, 4.0, 4.0), "pass"),
        ((8.0, 8.0, 8.0, 8.0), "pass"),
        ((4.5, 6.0, 5.0, 5.0), "fail"),
        ((6.0, 6.0, 3.5, 5.0), "fail"),
        ((8.5, 6.0, 5.0, 5.0), "warn"),
        ((12.0, 6.0, 3.5, 5.0), "fail"),
    ],
)
def test_people_s_tapping_rates_pass_slower_ones_fail_and_faster_ones_are_reported(
    ours, monkeypatch, rates, verdict
):
    by_finger = dict(zip(("index", "middle", "ring", "little"), rates, strict=True))
    monkeypatch.setattr(
        behaviour,
        "tapping_rate",
        lambda model, hand, finger: Tapping(by_finger[finger], 0.4, 1.0, ("FDS",), ("EDC",)),
    )
    finding = BY_CODE["V22"].run(ours)
    assert finding.verdict.value == verdict
    assert finding.value == min(rates)
    for finger, (low, high) in behaviour.HUMAN_TAPPING_HZ.items():
        line = f"{finger}: {by_finger[finger]:g} Hz; people {low:g} to {high:g}"
        assert (line in finding.offenders) == (not low <= by_finger[finger] <= high)


def test_our_fingers_tap_as_fast_as_people_s(ours):
    finding = BY_CODE["V22"].run(ours)
    assert finding.verdict in (Verdict.PASS, Verdict.WARN)
    assert finding.value >= 5
    (panel,) = finding.panels
    assert panel.ticks == ("index", "middle", "ring", "little")
    assert [len(series.y) for series in panel.series] == [4, 4, 4]
    assert panel.series[0].y.min() == finding.value


def test_a_short_soak_goes_through(ours):
    assert check_soak(ours, seconds=2.0).verdict is Verdict.PASS


def test_an_exploding_model_fails_the_soak(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    specimen = joint(stiffness=300.0)
    finding = check_soak(specimen, seconds=1.0)
    assert finding.verdict is Verdict.FAIL
    assert finding.value > 0
    assert any("silent resets" in line for line in finding.offenders)


def test_a_soft_limit_fails_and_a_stiff_one_passes():
    limits = 'range="-0.7 0.7" solreflimit="{} 1"'
    assert (
        BY_CODE["V15"].run(joint(damping=0.05, limits=limits.format(0.1))).verdict is Verdict.FAIL
    )
    finding = BY_CODE["V15"].run(joint(damping=0.05, limits=limits.format(0.01)))
    assert finding.verdict is Verdict.PASS
    assert finding.offenders == ()
    assert finding.panels[0].ticks == ("mcp2_flexion",)


def test_a_joint_at_a_spring_stays_and_rests(monkeypatch):
    specimen = joint(
        damping=0.03, stiffness=0.04, springref=0.7, limits='range="-0.5 1.5"', dt=0.002
    )
    assert BY_CODE["V17"].run(specimen).verdict is Verdict.PASS
    finding = BY_CODE["V27"].run(specimen)
    assert finding.verdict is Verdict.PASS
    assert finding.value == pytest.approx(np.rad2deg(0.7), abs=0.1)
    straight = joint(damping=0.03, stiffness=0.04, limits='range="-0.5 1.5"', dt=0.002)
    assert BY_CODE["V27"].run(straight).verdict is Verdict.FAIL


def test_a_model_without_fingers_is_not_asked_about_them():
    model, hand = one_joint(damping=0.05)
    thumb = HandIndex(**{**hand.__dict__, "joints": ("mp_flexion",)})
    specimen = Specimen("thumb", model, thumb, own_naming())
    assert BY_CODE["V22"].run(specimen).verdict is Verdict.SKIP
    assert BY_CODE["V27"].run(specimen).verdict is Verdict.SKIP
    assert BY_CODE["V26"].run(specimen).verdict is Verdict.PASS


def test_a_model_without_digits_is_not_asked_about_their_passive_torque():
    model, hand = one_joint(damping=0.05)
    wrist = HandIndex(**{**hand.__dict__, "joints": ("flexion",)})
    finding = BY_CODE["V26"].run(Specimen("wrist", model, wrist, own_naming()))
    assert finding.verdict is Verdict.SKIP
    assert finding.summary.startswith("not applicable: ")


def test_a_finger_without_an_extensor_does_not_tap():
    specimen = joint(damping=0.05)
    specimen.model.wrap_prm[:] = np.abs(specimen.model.wrap_prm)
    finding = BY_CODE["V22"].run(specimen)
    assert finding.verdict is Verdict.FAIL
    assert "no muscle" in finding.offenders[0]


def test_checks_leave_the_model_alone(ours):
    before = (ours.model.opt.timestep, ours.model.opt.integrator, ours.model.dof_armature.copy())
    for code in ("V17", "V22"):
        BY_CODE[code].run(ours)
    assert before[:2] == (ours.model.opt.timestep, ours.model.opt.integrator)
    assert (before[2] == ours.model.dof_armature).all()
