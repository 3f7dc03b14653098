"""Checks of moment arms on hinges whose arms are known, on MyoHand, whose faults are known, and
on our hand."""

from types import SimpleNamespace

import mujoco
import numpy as np
import pytest

from musclehand.body.analysis.reference import MomentArmRow
from musclehand.body.anatomy import DIGITS, Side
from musclehand.body.build.hand import load_hand
from musclehand.body.build.scaling import HAND_BREADTH, HAND_LENGTH
from musclehand.body.hand_index import HandIndex
from musclehand.body.naming import own_naming
from musclehand.validation.check import Specimen, Verdict
from musclehand.validation.checks import arms
from musclehand.validation.checks.arms import (
    CHECKS,
    check_continuity,
    check_folds,
    check_missing,
    check_published,
    check_signs,
    path_turns,
)

RADIUS = 0.008
TIPS = "".join(f'<site name="tip_{digit}_r" pos=".04 0 0"/>' for digit in DIGITS)
HINGE = """
<mujoco>
  <worldbody>
    <site name="p" pos="-.02 -.004 0"/><site name="side" pos="0 -.02 0"/>
    <geom name="pulley" type="cylinder" size="{radius} .01" contype="0" conaffinity="0"/>
    <site name="axis_0" pos="-.02 0 0"/><site name="near" pos="{near} -.010 0"/>
    <body>
      <joint name="mcp2_flexion_r" axis="0 0 -1" limited="true" range="{low} {high}"/>
      <geom size=".005" pos=".02 0 0"/><site name="d" pos=".02 -.004 0"/>
      <site name="axis_1" pos="0 0 0"/><site name="axis_2" pos=".02 0 0"/>
      <site name="far" pos="{far} -.010 0"/><site name="end" pos=".03 -.010 0"/>
      {tips}
    </body>
    <site name="start" pos="-.04 -.010 0"/>
  </worldbody>
  <tendon>
    <spatial name="round"><site site="p"/><geom geom="pulley" {side}/><site site="d"/></spatial>
    <spatial name="centre"><site site="axis_0"/><site site="axis_1"/><site site="axis_2"/></spatial>
    <spatial name="via">
      <site site="start"/><site site="near"/><site site="far"/><site site="end"/>
    </spatial>
  </tendon>
  <actuator>
    <muscle name="FDP2_r" tendon="round" lengthrange=".02 .06"/>
    <muscle name="LU1_r" tendon="centre" lengthrange=".02 .06"/>
    <muscle name="FDS2_r" tendon="via" lengthrange=".02 .09"/>
  </actuator>
</mujoco>"""


def hinge(low=-20, high=10, near=-0.012, far=0.02, side='sidesite="side"'):
    """FDP2 around a cylinder (arm `RADIUS`), LU1 through the axis (no arm), FDS2 by two via
    points about the joint."""
    xml = HINGE.format(radius=RADIUS, low=low, high=high, near=near, far=far, side=side, tips=TIPS)
    model = mujoco.MjModel.from_xml_string(xml)
    return Specimen("hinge", model, HandIndex.from_model(model, Side.RIGHT), own_naming())


def row(
    muscle,
    direction="flexion",
    arm=None,
    sd=None,
    joint="mcp2_flexion",
    status="published",
    used=True,
):
    return MomentArmRow(muscle, joint, direction, arm, sd, "", "Somebody 2000", status, used)


@pytest.fixture
def table(monkeypatch):
    """Puts rows in place of the published ones."""

    def fill(*rows):
        monkeypatch.setattr(arms, "load_reference", lambda: SimpleNamespace(moment_arms=rows))

    return fill


def test_a_muscle_on_the_wrong_side_is_named_with_its_arm(table):
    table(row("FDP2"), row("FDS2"))
    assert check_signs(hinge()).verdict is Verdict.PASS
    table(row("FDP2", "extension"), row("FDS2"))
    finding = check_signs(hinge())
    assert finding.verdict is Verdict.FAIL
    assert finding.value == 1.0
    assert finding.offenders[0].startswith("FDP2 at mcp2_flexion (extension): wrong in 100.0%")
    assert "8.0 mm" in finding.offenders[0]


def test_directions_that_nobody_is_sure_of_are_not_asked(table):
    disputed = row("FDP2", "extension"), row("FDP2", "flexion")
    table(
        *disputed,
        row("FDS2", "extension", arm=0.001, sd=0.002),
        row("LU1", "extension", arm=0.0003),
    )
    assert check_signs(hinge()).verdict is Verdict.SKIP


def test_a_path_through_the_axis_has_no_arm(table):
    table(row("FDP2"), row("LU1"))
    finding = check_missing(hinge())
    assert finding.verdict is Verdict.FAIL
    assert finding.offenders == ("LU1 at mcp2_flexion (flexion): no arm in any posture",)
    table(row("FDP2"), row("EDC2", "extension"))
    absent = check_missing(hinge())
    assert absent.verdict is Verdict.WARN
    assert "EDC2" in absent.offenders[0]


def test_a_wrap_that_changes_sides_is_a_jump():
    """Without a side the path takes the shorter way, so that it flips in extension."""
    assert check_continuity(hinge()).verdict is Verdict.PASS
    finding = check_continuity(hinge(low=-60, side=""))
    assert finding.verdict is Verdict.FAIL
    assert finding.offenders[0].startswith("FDP2")


@pytest.mark.parametrize(
    ("published", "sd", "verdict"),
    [
        (RADIUS, None, Verdict.PASS),
        (0.0049, None, Verdict.FAIL),
        (0.0049, 0.002, Verdict.PASS),
        (0.012, 0.001, Verdict.FAIL),
    ],
)
def test_arms_are_compared_over_the_range_within_3_mm_or_2_sd(table, published, sd, verdict):
    table(row("FDP2", arm=published, sd=sd))
    finding = check_published(hinge())
    assert finding.verdict is verdict
    panel = finding.panels[0]
    assert panel.series[0].y == pytest.approx(1e3 * RADIUS)
    assert panel.series[1].y.tolist() == [1e3 * published]
    assert panel.series[1].error.tolist() == [1e3 * (sd or 0.0)]


def test_recalled_arms_warn_and_unused_ones_are_only_drawn(table):
    table(row("FDP2", arm=0.0085), row("FDP2", arm=0.014, status="recalled"))
    finding = check_published(hinge())
    assert finding.verdict is Verdict.WARN
    assert "6.0 mm off 14.0 mm (Somebody 2000, recalled)" in finding.offenders[0]
    table(row("FDP2", arm=0.0085), row("FDP2", arm=0.014, used=False))
    finding = check_published(hinge())
    assert finding.verdict is Verdict.PASS
    assert finding.panels[0].series[1].y.tolist() == pytest.approx([8.5, 14.0])
    table(row("FDP2"))
    assert check_published(hinge()).verdict is Verdict.SKIP


def test_arms_of_a_thick_hand_are_brought_to_size():
    """All lengths of a hand 1.2 times as large are 1.2 times as long, and so are its arms: the
    same verdict."""
    length = 1.2 * HAND_LENGTH
    breadth = 1.2 * HAND_BREADTH
    large, usual = (
        Specimen("hand", model, HandIndex.from_model(model, Side.RIGHT), own_naming())
        for model in (load_hand(hand_length=length, hand_breadth=breadth), load_hand())
    )
    assert large.thickness == pytest.approx(1.2 * usual.thickness)
    assert usual.thickness == pytest.approx(1.0, abs=1e-3)
    for one, other in zip(
        check_published(large).panels, check_published(usual).panels, strict=True
    ):
        assert one.series[0].y == pytest.approx(other.series[0].y, abs=1e-3)


def test_via_points_that_pass_each_other_are_a_fold(table):
    """a b > h^2 at 90 degrees of flexion keeps the points in order: 12 x 20 > 10^2 does, 6 x 6
    does not."""
    table(row("FDS2"))
    wide = hinge(high=90)
    narrow = hinge(high=90, near=-0.006, far=0.006)
    assert check_folds(wide).verdict is Verdict.PASS
    finding = check_folds(narrow)
    assert finding.verdict is Verdict.FAIL
    assert finding.offenders[0].startswith("FDS2: bends by")
    assert "at near" in finding.offenders[0] or "at far" in finding.offenders[0]


def test_the_bend_of_a_path_is_the_angle_of_its_joint():
    """The path through the axis bends there by what the joint does; a round one has no bends."""
    specimen = hinge(low=-40, high=10)
    turns, where = path_turns(specimen)
    assert np.rad2deg(turns[1]) == pytest.approx(
        np.rad2deg(np.abs(specimen.postures).max()), abs=1e-6
    )
    assert where[1] == "axis_1"
    assert turns[0] == 0.0


@pytest.mark.parametrize(("low", "folds"), [(-119, False), (-130, True)])
def test_a_bend_by_more_than_120_degrees_is_a_fold(low, folds):
    """The path through the axis bends by the joint's angle; random postures come within a degree
    of the limit."""
    specimen = hinge(low=low, high=10)
    specimen.postures[0] = np.deg2rad(low + 1)
    bends = [
        line
        for line in check_folds(specimen).offenders
        if "bends by" in line and "at axis_1" in line
    ]
    assert len(bends) == int(folds)


def test_a_bend_behind_a_pulley_has_the_right_name():
    """Where a path divides there is no bend, however the branches lie; sites are counted past
    it."""
    spec = mujoco.MjSpec.from_string(
        HINGE.format(radius=RADIUS, low=-20, high=10, near=-0.012, far=0.02, side="", tips=TIPS)
    )
    spec.worldbody.add_site(name="corner", pos=[-0.04, 0.02, 0])
    tendon = spec.tendon("via")
    tendon.wrap_pulley(2.0)
    for site in ("start", "corner", "axis_1"):
        tendon.wrap_site(site)
    model = spec.compile()
    specimen = Specimen("pulley", model, HandIndex.from_model(model, Side.RIGHT), own_naming())
    turns, where = path_turns(specimen)
    assert where[2] == "corner"
    assert np.rad2deg(turns[2]) == pytest.approx(90 + np.rad2deg(np.arctan2(0.02, 0.04)), abs=1e-6)


def test_an_arm_that_turns_over_is_a_fold(table):
    table(row("FDP2"))
    finding = check_folds(hinge(low=-60, high=60, side=""))
    assert any("turns over" in line for line in finding.offenders)


def test_myohand_has_the_known_faults(table, myohand):
    """Known: DI1 (RI2) extends the MCP in 12 % of postures and jumps by 10 mm, PT supinates in
    14 %; DI4 7 %."""
    table(
        row("DI1"),
        row("DI4", joint="mcp4_flexion"),
        row("PT", "pronation", joint="pro_sup"),
        row("FDP2"),
        row("LU1", "extension", joint="md2_flexion"),
        row("FDP3", arm=0.007, joint="md3_flexion"),
        row("FDS3", arm=0.014, joint="mcp3_flexion"),
    )
    wrong = check_signs(myohand).offenders
    assert [line.split()[0] for line in wrong] == ["PT", "DI1", "DI4"]
    shares = [float(line.split("wrong in ")[1].split("%")[0]) for line in wrong]
    assert shares == pytest.approx([14, 12, 7], abs=2)
    assert check_missing(myohand).offenders == (
        "LU1 at md2_flexion (extension): no arm in any posture",
    )
    published = check_published(myohand)
    assert published.verdict is Verdict.FAIL
    assert [line.split()[0] for line in published.offenders] == ["FDP3"]
    jumps = check_continuity(myohand)
    assert jumps.verdict is Verdict.FAIL
    assert [line.split(":")[0] for line in jumps.offenders] == ["DI1"]
    assert jumps.value == pytest.approx(10.0, abs=1.0)


def test_our_fingers_pull_the_right_way(ours, table):
    rows = [
        row(f"{kind}{n}", way, joint=f"{joint}{n}_flexion")
        for n in range(2, 6)
        for kind, way, joint in (
            ("FDP", "flexion", "mcp"),
            ("FDP", "flexion", "md"),
            ("FDS", "flexion", "pm"),
            ("EDC", "extension", "md"),
        )
    ]
    table(*rows, *(row(f"LU{n}", "extension", joint=f"md{n + 1}_flexion") for n in range(1, 5)))
    assert check_signs(ours).verdict is Verdict.PASS
    assert check_missing(ours).verdict is Verdict.PASS


def test_without_a_common_muscle_there_is_nothing_to_ask(table):
    table(row("FDP2", joint="pm2_flexion"))
    assert {check(hinge()).verdict for check in (check_signs, check_missing, check_published)} == {
        Verdict.SKIP
    }


def test_each_check_says_what_it_is():
    assert [check.code for check in CHECKS] == ["V08", "V09", "V10", "V11", "V25"]
    assert all(check.asks.endswith("?") and check.threshold and check.source for check in CHECKS)
