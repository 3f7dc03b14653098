"""Checks of fibres against MuJoCo's own muscle, against changes made on purpose, and on
MyoHand's known faults."""

import copy
import re
from dataclasses import replace

import mujoco
import numpy as np
import pytest

from musclehand.body.analysis.reference import load_reference
from musclehand.body.posture import place
from musclehand.validation.check import Verdict
from musclehand.validation.checks.fibres import (
    CHECKS,
    check_fibre_lengths,
    check_force,
    check_implied_lengths,
    check_length_ranges,
    check_peak_forces,
)


def changed(specimen, change):
    model = copy.copy(specimen.model)
    change(model)
    return replace(specimen, model=model)


def muscles_in(finding):
    """The models' own names of the muscles a finding names."""
    labels = [line.split(":")[0] for line in finding.offenders]
    return {re.sub(r".*\((.*)\)", r"\1", label) for label in labels}


def test_our_hand_has_its_fibres_where_they_pull(ours):
    for check in (check_length_ranges, check_force, check_fibre_lengths):
        finding = check(ours)
        assert finding.verdict is Verdict.PASS, finding.offenders


def test_myohand_has_twelve_stale_length_ranges(myohand):
    finding = check_length_ranges(myohand)
    assert finding.verdict is Verdict.FAIL
    assert muscles_in(finding) == {
        *("FDS3", "FDS4", "FDP5", "APL", "ECRL", "RI2", "RI5"),
        *("LU_RB2", "LU_RB4", "LU_RB5", "UI_UB4", "UI_UB5"),
    }
    assert finding.offenders[0].startswith("PI3 (RI5)")


def test_myohand_has_six_weak_muscles(myohand):
    finding = check_force(myohand)
    assert finding.verdict is Verdict.FAIL
    assert muscles_in(finding) == {"FDS4", "FDP5", "APL", "LU_RB4", "UI_UB4", "RI5"}
    assert finding.value == pytest.approx(0.01, abs=0.005)


def test_myohand_has_three_slack_tendons_and_long_fibres(myohand):
    finding = check_implied_lengths(myohand)
    assert finding.verdict is Verdict.FAIL
    assert muscles_in(replace(finding, offenders=finding.offenders[:3])) == {"PQ", "OP", "RI3"}
    assert all("tendon slack length -" in line for line in finding.offenders[:3])
    assert not any("tendon slack" in line for line in finding.offenders[3:])
    assert any(line.startswith("EPL: l0 247.8 mm, 4.59 times") for line in finding.offenders)


def test_myohand_has_an_extensor_copied_wrongly(myohand):
    finding = check_peak_forces(myohand)
    assert finding.verdict is Verdict.FAIL
    (line,) = [line for line in finding.offenders if line.startswith("EDC5")]
    assert "139.4 N, +25" in line
    assert not muscles_in(finding) & {"FDS2", "FDP2", "FCU", "EDC4", "EPL"}


def test_myohand_leaves_the_force_length_curve(myohand):
    finding = check_fibre_lengths(myohand)
    assert finding.verdict is Verdict.FAIL
    assert "RI5" in muscles_in(finding)


def test_force_is_what_mujoco_computes(ours):
    model = ours.model
    hand = ours.hand
    data = mujoco.MjData(model)
    force = []
    for angles in ours.postures[:20]:
        place(model, data, hand, angles)
        row = []
        for muscle in hand.muscles:
            state = (
                data.actuator_length[muscle],
                model.actuator_lengthrange[muscle],
                model.actuator_acc0[muscle],
            )
            gain = mujoco.mju_muscleGain(
                state[0], 0.0, state[1], state[2], model.actuator_gainprm[muscle, :9]
            )
            bias = mujoco.mju_muscleBias(
                state[0], state[1], state[2], model.actuator_biasprm[muscle, :9]
            )
            row.append(-(gain + bias) / model.actuator_gainprm[muscle, 2])
        force.append(row)
    few = copy.copy(ours)
    few.__dict__["postures"] = ours.postures[:20]
    (panel,) = check_force(few).panels
    assert panel.series[0].y == pytest.approx(np.mean(force, axis=0), abs=1e-9)


def test_a_shifted_length_range_is_named(ours):
    number = ours.hand.muscle_names.index("FDP3")

    def shift(model):
        low, high = model.actuator_lengthrange[ours.hand.muscles[number]]
        model.actuator_lengthrange[ours.hand.muscles[number]] += 0.5 * (high - low)

    finding = check_length_ranges(changed(ours, shift))
    assert muscles_in(finding) == {"FDP3"}
    assert finding.value == pytest.approx(0.5, abs=0.1)


def test_strength_is_free_but_proportions_are_not(ours):
    usual = check_peak_forces(ours)

    def stronger(model):
        model.actuator_gainprm[:, 2] *= 1.7

    scaled = check_peak_forces(changed(ours, stronger))
    assert {line.split(":")[0] for line in scaled.offenders} == {
        line.split(":")[0] for line in usual.offenders
    }
    assert scaled.value == pytest.approx(usual.value)
    assert "strength 1.7" in scaled.summary

    def one(model):
        model.actuator_gainprm[ours.hand.muscles[ours.hand.muscle_names.index("PT")], 2] *= 1.5

    finding = check_peak_forces(changed(ours, one))
    assert any(line.startswith("PT: ") and "+50 %" in line for line in finding.offenders)


@pytest.mark.parametrize(
    ("share", "ratio"), [(0.0, 1.0), (0.5, 1.0), (1.0, 1.0), (1.5, None), (-1.0, None)]
)
def test_any_force_between_two_published_ones_is_as_good(ours, share, ratio):
    """`share` of the way from the smallest published force to the largest, all muscles at
    strength 1."""
    forces = {}
    for row in load_reference().architecture:
        if row.f0 is not None:
            forces.setdefault(row.muscle, []).append(row.f0 * np.cos(row.pennation or 0.0))
    name = max(sorted(forces), key=lambda muscle: max(forces[muscle]) / min(forces[muscle]))
    low = min(forces[name])
    high = max(forces[name])
    assert high > 1.3 * low
    force = low * (high / low) ** share

    def set_forces(model):
        for muscle, own in zip(ours.hand.muscles, ours.hand.muscle_names, strict=True):
            if own in forces:
                model.actuator_gainprm[muscle, 2] = min(forces[own])
        model.actuator_gainprm[ours.hand.muscles[ours.hand.muscle_names.index(name)], 2] = force

    finding = check_peak_forces(changed(ours, set_forces))
    assert "strength 1.00" in finding.summary
    (panel,) = finding.panels
    expected = ratio or (force / high if share > 1 else force / low)
    assert panel.series[0].y[panel.ticks.index(name)] == pytest.approx(expected, rel=1e-9)
    assert any(line.startswith(f"{name}: ") for line in finding.offenders) == (ratio is None)


def test_implied_lengths_are_compared_with_the_nearest_source(ours):
    name = "FPL"
    published = [
        row.l0 for row in load_reference().architecture if row.muscle == name and row.l0 is not None
    ]
    muscle = ours.hand.muscles[ours.hand.muscle_names.index(name)]

    def stretch(model):
        low, high = model.actuator_gainprm[muscle, :2]
        model.actuator_lengthrange[muscle, 1] = model.actuator_lengthrange[
            muscle, 0
        ] + 2 * published[0] * (high - low)

    finding = check_implied_lengths(changed(ours, stretch))
    ratio = 2 * published[0] / max(published)
    assert any(
        line.startswith(f"{name}: l0") and f"{ratio:.2f} times" in line
        for line in finding.offenders
    )


def test_forces_left_to_mujoco_are_its_scale_over_acceleration(ours):
    def automatic(model):
        for muscle in ours.hand.muscles:
            force = model.actuator_gainprm[muscle, 2]
            model.actuator_gainprm[muscle, 2:4] = -1.0, force * model.actuator_acc0[muscle]

    assert check_peak_forces(changed(ours, automatic)).value == pytest.approx(
        check_peak_forces(ours).value
    )


def test_a_model_without_known_muscles_is_skipped(ours):
    hand = replace(ours.hand, muscle_names=tuple(f"X{i}" for i in range(len(ours.hand.muscles))))
    assert check_peak_forces(replace(ours, hand=hand)).verdict is Verdict.SKIP


def test_every_check_draws_finite_numbers(ours, myohand):
    for specimen in (ours, myohand):
        for check in CHECKS:
            for panel in check.run(specimen).panels:
                for series in panel.series:
                    assert len(series.x) == len(series.y) == len(panel.ticks)
                    assert np.isfinite(series.y).all()
