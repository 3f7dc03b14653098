"""Ranges of motion against published ones, and hands against their mirror images."""

import copy
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musclehand.body.analysis.reference import RangeRow, load_reference
from musclehand.body.anatomy import Side
from musclehand.body.hand_index import HandIndex
from musclehand.body.naming import own_naming
from musclehand.validation.check import Specimen, Verdict
from musclehand.validation.checks.ranges import (
    check_mirror,
    check_ranges,
    compare_sides,
    is_reversed,
    published_range,
    shortfall,
)
from musclehand.validation.specimen import open_specimens

ANGLES = st.floats(-2.0, 2.0)


def changed(specimen, change):
    model = copy.copy(specimen.model)
    change(model)
    return replace(specimen, model=model)


def test_myohand_deviates_to_the_wrong_side():
    (myohand,) = open_specimens("myohand")
    finding = check_ranges(myohand)
    assert finding.verdict is Verdict.FAIL
    assert finding.offenders[0].startswith(
        "deviation: -10 to 25 deg has its longer end on the wrong side"
    )
    assert any(line.startswith("deviation: ulnar 10 deg") for line in finding.offenders)
    assert {line.split(":")[0] for line in finding.offenders} >= {
        "deviation",
        "flexion",
        "mcp2_flexion",
    }
    assert check_mirror(myohand).verdict is Verdict.SKIP


def test_a_joint_that_is_held_back_is_named(ours):
    joint = ours.hand.joint_ids(ours.model)[ours.hand.joints.index("pm3_flexion")]

    def stiffen(model):
        model.jnt_range[joint, 1] = np.deg2rad(60.0)

    finding = check_ranges(changed(ours, stiffen))
    assert any(
        line.startswith("pm3_flexion: flexion 60 deg, published 100") for line in finding.offenders
    )
    assert not any("pm3_flexion" in line for line in check_ranges(ours).offenders)


def test_every_range_wide_open_passes(ours):
    def open_wide(model):
        model.jnt_range[:] = -np.pi, np.pi

    assert check_ranges(changed(ours, open_wide)).verdict is Verdict.PASS


def test_the_published_ranges_pass(ours):
    rows = load_reference().ranges

    def publish(model):
        for joint, number in zip(ours.hand.joints, ours.hand.joint_ids(model), strict=True):
            row = published_range(joint, rows)
            model.jnt_range[number] = row.lower, row.upper

    finding = check_ranges(changed(ours, publish))
    assert finding.verdict is Verdict.PASS
    assert finding.value == 0.0


@given(low=ANGLES, high=ANGLES, lower=ANGLES, upper=ANGLES)
def test_reversal_is_symmetric_and_gone_when_turned_round(low, high, lower, upper):
    row = RangeRow("deviation", lower, upper, "x", "quoted")
    turned = RangeRow("deviation", -upper, -lower, "x", "quoted")
    assert is_reversed(low, high, row) == is_reversed(-high, -low, turned)
    if is_reversed(low, high, row):
        assert not is_reversed(-high, -low, row)
    gap = shortfall(low, high, row)
    assert shortfall(-high, -low, turned) == pytest.approx((gap.upper, gap.lower))


def test_rows_read_in_their_source_come_first_and_unknown_ends_ask_nothing():
    rows = (
        RangeRow("flexion", -1, 1, "a", "quoted"),
        RangeRow("flexion", None, 1.2, "b", "published"),
    )
    row = published_range("flexion", rows)
    assert row.source == "b"
    assert shortfall(-0.1, 1.2, row).lower == -np.inf
    assert not is_reversed(-1.0, 0.1, row)
    assert published_range("deviation", rows) is None


def test_our_hands_are_mirror_images(ours, other_side):
    for specimen, partner in ((ours, other_side), (other_side, ours)):
        finding = compare_sides(specimen, partner)
        assert finding.verdict is Verdict.PASS, finding.offenders
        assert finding.value < 1e-9


def test_two_hands_in_one_model(scene):
    specimen = Specimen(
        "scene", scene.model, HandIndex.from_model(scene.model, Side.RIGHT), own_naming()
    )
    assert check_mirror(specimen).verdict is Verdict.PASS


def test_differences_between_the_sides_are_named(ours, other_side):
    muscle = other_side.hand.muscles[other_side.hand.muscle_names.index("EPL")]
    joint = other_side.hand.joint_ids(other_side.model)[other_side.hand.joints.index("flexion")]

    def change(model):
        model.actuator_gainprm[muscle, 2] *= 1.1
        model.jnt_range[joint, 0] -= 0.1
        model.site_pos[model.site("tip_index_l").id] += 0.01
        model.site_pos[model.wrap_objid[model.tendon_adr[model.actuator_trnid[muscle, 0]]]] += 0.002

    finding = compare_sides(ours, changed(other_side, change))
    assert finding.verdict is Verdict.FAIL
    text = "\n".join(finding.offenders)
    assert "EPL: F0" in text
    assert "EPL: length differs by" in text
    assert "flexion: ranges" in text


def test_a_muscle_on_one_side_only_is_named(ours, other_side):
    names = ("FDP9", *other_side.hand.muscle_names[1:])
    finding = compare_sides(
        ours, replace(other_side, hand=replace(other_side.hand, muscle_names=names))
    )
    assert finding.verdict is Verdict.FAIL
    assert "FDP9: one side only" in finding.offenders
