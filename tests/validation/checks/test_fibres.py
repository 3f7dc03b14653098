"""Checks of fibres against MuJoCo's own muscle, against changes made on purpose, and on
MyoHand's known faults."""

import copy
import re
from dataclasses import replace

import mujoco
import numpy as np
import pytest

from musclehand.body.analysis.moment_arm import tendon_lengths
from musclehand.body.analysis.reference import load_reference
from musclehand.body.analysis.size import relative_size
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
from support.changed_specimens import changed


def muscles_in(finding):
    """The models' own names of the muscles a finding names."""
    labels = [line.split(":")[0] for line in finding.offenders]
    return {re.sub(r".*\((.*)\)", r"\1", label) for label in labels}


def test_our_hand_has_its_fibres_where_they_pull(ours):
    for check in (check_length_ranges, check_force):
        finding = check(ours)
        assert finding.verdict is Verdict.PASS, finding.offenders
    assert check_fibre_lengths(ours).verdict is not Verdict.FAIL


def test_myohand_has_seventeen_stale_length_ranges(myohand):
    """Twelve leave them in random postures, five more in corners of the range of motion."""
    finding = check_length_ranges(myohand)
    assert finding.verdict is Verdict.FAIL
    sampled = {
        *("FDS3", "FDS4", "FDP5", "APL", "ECRL", "RI2", "RI5"),
        *("LU_RB2", "LU_RB4", "LU_RB5", "UI_UB4", "UI_UB5"),
    }
    assert muscles_in(finding) == sampled | {"FDS2", "FDP2", "FDP3", "FPL", "OP"}
    assert finding.offenders[0].startswith("PI3 (RI5)")
    assert finding.value == pytest.approx(4.10, abs=0.02)


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
    ratio = 4.59 / relative_size(myohand.model, myohand.hand)
    line = f"EPL: l0 247.8 mm, {ratio:.2f} times"
    assert any(words.startswith(line) for words in finding.offenders)


def test_myohand_has_an_extensor_copied_wrongly(myohand):
    finding = check_peak_forces(myohand)
    assert finding.verdict is Verdict.FAIL
    (line,) = [line for line in finding.offenders if line.startswith("EDC5")]
    factor = float(re.search(r"strength (\S+)", finding.summary)[1])
    percent = 100 * (139.4 / 39.4 / factor - 1)  # MoBL-ARMS has 39.4 N
    assert float(re.search(r"139.4 N, \+(\d+) %", line)[1]) == pytest.approx(percent, abs=3)
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


def with_ranges_of_paths(specimen):
    """The hand with length ranges that are just those of the paths."""

    def fit(model):
        model.actuator_lengthrange[specimen.hand.muscles] = specimen.extremes.lengths

    return changed(specimen, fit)


def test_a_shifted_length_range_is_named(ours):
    exact = with_ranges_of_paths(ours)
    assert check_length_ranges(exact).value == pytest.approx(0.0, abs=1e-9)
    number = ours.hand.muscle_names.index("FDP3")

    def shift(model):
        low, high = model.actuator_lengthrange[ours.hand.muscles[number]]
        model.actuator_lengthrange[ours.hand.muscles[number]] += 0.5 * (high - low)

    finding = check_length_ranges(changed(exact, shift))
    assert muscles_in(finding) == {"FDP3"}
    assert finding.value == pytest.approx(0.5, abs=1e-6)


def test_swapped_length_ranges_are_named(ours):
    exact = with_ranges_of_paths(ours)
    pair = [ours.hand.muscles[ours.hand.muscle_names.index(name)] for name in ("FDS2", "FDP3")]

    def swap(model):
        model.actuator_lengthrange[pair] = model.actuator_lengthrange[pair[::-1]]

    assert muscles_in(check_length_ranges(changed(exact, swap))) == {"FDS2", "FDP3"}


def test_a_range_that_only_corners_leave_is_named(ours):
    """Narrowed to just what random postures need: what a sample passes, a search does not."""
    exact = with_ranges_of_paths(ours)
    number = ours.hand.muscle_names.index("FPL")
    lengths = tendon_lengths(ours.model, ours.hand, ours.postures)[:, number]

    def narrow(model):
        model.actuator_lengthrange[ours.hand.muscles[number]] = lengths.min(), lengths.max()

    (line,) = check_length_ranges(changed(exact, narrow)).offenders
    assert line.startswith("FPL: range")
    assert line.endswith("(0% in 300 random postures)")
    low, high = ours.extremes.lengths[number]
    share = max(lengths.min() - low, high - lengths.max()) / np.ptp(lengths)
    assert f"{share:.0%} of the width out" in line


def with_fibre(specimen, name, shortest, longest):
    """The hand with a length range such that a fibre goes over these lengths [l0]."""
    number = specimen.hand.muscle_names.index(name)
    muscle = specimen.hand.muscles[number]
    low, high = specimen.extremes.lengths[number]

    def fit(model):
        model.actuator_lengthrange[muscle] = low, high
        for params in (model.actuator_gainprm, model.actuator_biasprm):
            params[muscle, :2] = shortest, longest

    return changed(specimen, fit)


@pytest.mark.parametrize(
    ("shortest", "longest", "verdict"),
    [
        (0.55, 1.45, Verdict.PASS),
        (0.45, 1.4, Verdict.WARN),
        (0.6, 1.55, Verdict.WARN),
        (0.25, 1.3, Verdict.FAIL),
    ],
)
def test_fibres_are_judged_by_their_extremes(ours, shortest, longest, verdict):
    """Usable from 0.5 to 1.5 l0; our muscles have no active force outside 0.28 to 1.7 l0."""
    lines = check_fibre_lengths(with_fibre(ours, "FDS2", shortest, longest)).offenders
    line = next((line for line in lines if line.startswith("FDS2:")), "")
    if verdict is Verdict.PASS:
        assert not line
    else:
        assert line.startswith(f"FDS2: {shortest:.2f} to {longest:.2f} l0 over the range of motion")
        assert ("no active force outside 0.28 to 1.7 l0" in line) == (verdict is Verdict.FAIL)


def test_a_fibre_that_is_unusable_in_many_postures_fails(ours):
    finding = check_fibre_lengths(with_fibre(ours, "ECRB", 0.9, 1.65))
    assert finding.verdict is Verdict.FAIL
    line = next(line for line in finding.offenders if line.startswith("ECRB:"))
    number = ours.hand.muscle_names.index("ECRB")
    lengths = tendon_lengths(ours.model, ours.hand, ours.postures)[:, number]
    low, high = ours.extremes.lengths[number]
    fibre = 0.9 + (lengths - low) / (high - low) * 0.75
    share = np.mean(fibre > 1.505)
    assert share > 0.05
    assert f"{share:.0%} of random postures unusable" in line


@pytest.mark.parametrize("factor", [0.3, 1.7, 5.0])
def test_strength_is_free_but_proportions_are_not(ours, factor):
    usual = check_peak_forces(ours)
    strength = float(re.search(r"strength (\S+)", usual.summary)[1])

    def stronger(model):
        model.actuator_gainprm[:, 2] *= factor

    scaled = check_peak_forces(changed(ours, stronger))
    assert {line.split(":")[0] for line in scaled.offenders} == {
        line.split(":")[0] for line in usual.offenders
    }
    assert scaled.value == pytest.approx(usual.value)
    again = float(re.search(r"strength (\S+)", scaled.summary)[1])
    assert again == pytest.approx(factor * strength, abs=0.02)

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
    ratio = 2 * published[0] / max(published) / relative_size(ours.model, ours.hand)
    assert any(
        line.startswith(f"{name}: l0") and f"{ratio:.2f} times" in line
        for line in finding.offenders
    )


@pytest.mark.parametrize("factor", [0.8, 1.2])
def test_fibres_of_large_hands_are_longer(ours, factor):
    """A hand, its paths and fibres, all larger by one factor has the same ratios."""

    def stretch(model):
        for part in (model.body_pos, model.jnt_pos, model.site_pos, model.actuator_lengthrange):
            part *= factor

    usual = check_implied_lengths(ours).panels[0].series[0].y
    assert check_implied_lengths(changed(ours, stretch)).panels[0].series[0].y == pytest.approx(
        usual
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
