"""Ranges of motion against published ones, and hands against their mirror images."""

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
    widest_range,
)
from musclehand.validation.specimen import open_specimens
from support.changed_specimens import changed

ANGLES = st.floats(-2.0, 2.0)


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


def test_joints_without_bounds_are_named(ours):
    def open_wide(model):
        model.jnt_range[:] = -np.pi, np.pi

    finding = check_ranges(changed(ours, open_wide))
    assert finding.verdict is Verdict.FAIL
    assert {line.split(":")[0] for line in finding.offenders} == {*ours.hand.joints}

    def free(model):
        model.jnt_limited[:] = 0

    lines = check_ranges(changed(ours, free)).offenders
    assert "pm2_flexion: has no limits, published 0 to 105 deg" in lines
    assert len(lines) == len(ours.hand.joints)


def bounded(ours, joint, low, high):
    """Our hand with other limits of a joint [rad]."""
    number = ours.hand.joint_ids(ours.model)[ours.hand.joints.index(joint)]

    def bound(model):
        model.jnt_range[number] = low, high

    return changed(ours, bound)


@pytest.mark.parametrize(
    ("joint", "low", "high", "is_long"),
    [
        ("pm2_flexion", 0, 136, False),
        ("pm2_flexion", 0, 137, True),
        ("pm2_flexion", -31, 100, False),
        ("pm2_flexion", -32, 100, True),
        ("mcp2_abduction", -40, 40, False),
        ("mcp2_abduction", -41, 40, True),
        ("cmc4_flexion", -2, 37, False),
        ("cmc4_flexion", -2, 39, True),
    ],
)
def test_a_joint_may_go_beyond_the_published_ends_by_so_much(ours, joint, low, high, is_long):
    """30 % of 0 to 105 degrees, and at least 20 degrees; joints of the palm as a whole."""
    finding = check_ranges(bounded(ours, joint, np.deg2rad(low), np.deg2rad(high)))
    lines = [line for line in finding.offenders if line.startswith(f"{joint}:")]
    assert bool(lines) == is_long
    assert all("published at most" in line for line in lines)


def test_degrees_and_radians_are_told_apart(ours):
    line = check_ranges(bounded(ours, "mcp2_flexion", -35.0, 90.0)).offenders[0]
    assert line == (
        "mcp2_flexion: flexion 5157 deg, published at most 100 (Eaton, Hume1990); it looks like "
        "degrees in a file whose compiler says radian (-35 to 90 deg would do)"
    )
    low, high = np.deg2rad([-35.0, 90.0])
    lines = check_ranges(bounded(ours, "mcp2_flexion", np.deg2rad(low), np.deg2rad(high))).offenders
    assert lines[0] == (
        "mcp2_flexion: flexion 2 deg, published 90 (Eaton); it looks like radians in a file "
        "whose compiler says degree (-35 to 90 deg would do)"
    )
    (line,) = check_ranges(bounded(ours, "pm2_flexion", 0.0, 2.5)).offenders
    assert "it looks like" not in line


def test_the_published_ranges_pass(ours):
    rows = load_reference().ranges

    def publish(model):
        for joint, number in zip(ours.hand.joints, ours.hand.joint_ids(model), strict=True):
            row = published_range(joint, rows)
            model.jnt_range[number] = row.lower or 0.0, row.upper

    finding = check_ranges(changed(ours, publish))
    assert finding.verdict is Verdict.PASS
    assert finding.value == 0.0


def test_the_widest_range_has_the_outermost_ends_of_all_sources():
    rows = (
        RangeRow("flexion", -1.0, None, "a", "quoted"),
        RangeRow("flexion", -0.5, 1.2, "b", "published"),
        RangeRow("deviation", -3.0, 3.0, "c", "published"),
    )
    row = widest_range("flexion", rows)
    assert (row.lower, row.upper, row.source) == (-1.0, 1.2, "a, b")
    assert widest_range("flexion", rows[:1]).upper is None


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
