"""Published values are read in SI units, and whatever is wrong in a table is named with file,
line and column."""

import contextlib
import csv
import io
import math
import re
import string
from importlib.resources import files

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from musclehand.body.analysis.reference import STATUSES, load_reference
from musclehand.body.anatomy import DIGITS, HAND_JOINTS, directions
from musclehand.core.errors import ModelError

TABLES = {
    "moment_arms": "muscle,joint,direction,arm_mm,sd_mm,posture,source,status,used\n"
    "FDP2,md2_flexion,flexion,6.5,1.5,neutral,Ketchum1978,quoted,yes\n"
    "EDC2,md2_flexion,extension,,,any,anatomy,recalled,no\n",
    "architecture": "muscle,pcsa_cm2,f0_N,l0_mm,lts_mm,pennation_deg,source,status\n"
    "FDP2,1.77,53.1,74.9,322.0,7.0,Gonzalez1997,published\n"
    "DI2,1.34,,25.0,,,Jacobson1992,recalled\n",
    "range_of_motion": "joint,lower_deg,upper_deg,source,status\n"
    "deviation,-35,20,Eaton,published\n"
    "flexion,-70,,Eaton,published\n",
    "fingertip_force": "digit,task,force_N,sd_N,n,source,status\n"
    "index,press,45.5,12,20,somebody,published\n"
    "thumb,pinch,69.6,,,somebody,quoted\n",
    "performance": "quantity,value,sd,unit,source,status\n"
    "tapping rate,6.5,0.4,Hz,Aoki2003,recalled\n"
    "angle,-12,,deg,somebody,published\n",
    "wrist_torque": "joint,direction,mean_Nm,sd_Nm,low_Nm,high_Nm,n,people,peak_deg,source,status\n"
    "flexion,flexion,12.2,3.7,5.2,18.7,10,men,40,Delp1996,published\n"
    "deviation,ulnar,9.5,,,,,men,,somebody,quoted\n",
    "passive_torque": "joint,angle_deg,torque_Nm,source,status\n"
    "flexion,-90,1.2,Delp1996,published\n",
    "arm_trends": "muscle,joint,from_deg,to_deg,trend,source,status\n"
    "FDS2,mcp2_flexion,0,90,rises,Martin2012,published\n",
}
NUMBERS = {
    "moment_arms": ("arm_mm", "sd_mm"),
    "architecture": ("pcsa_cm2", "f0_N", "l0_mm", "lts_mm", "pennation_deg"),
    "range_of_motion": ("lower_deg", "upper_deg"),
    "fingertip_force": ("force_N", "sd_N", "n"),
    "performance": ("value", "sd"),
    "wrist_torque": ("mean_Nm", "sd_Nm", "low_Nm", "high_Nm", "n", "peak_deg"),
    "passive_torque": ("angle_deg", "torque_Nm"),
    "arm_trends": ("from_deg", "to_deg"),
}


def write(folder, **changed):
    for name, text in TABLES.items():
        (folder / f"{name}.csv").write_text(changed.get(name, text), encoding="utf-8")
    return folder


def with_entry(name, column, value):
    """The table with one entry of its first row changed."""
    reader = csv.DictReader(io.StringIO(TABLES[name]))
    rows = list(reader)
    rows[0][column] = value
    out = io.StringIO()
    writer = csv.DictWriter(out, reader.fieldnames, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def test_units_are_si_and_empty_means_unknown(tmp_path):
    reference = load_reference(write(tmp_path))
    arm, unknown = reference.moment_arms
    assert (arm.arm, arm.sd) == pytest.approx((0.0065, 0.0015))
    assert (unknown.arm, unknown.sd) == (None, None)
    assert (arm.used, unknown.used) == (True, False)
    muscle, intrinsic = reference.architecture
    assert (muscle.pcsa, muscle.f0, muscle.l0, muscle.lts) == pytest.approx(
        (1.77e-4, 53.1, 0.0749, 0.322)
    )
    assert muscle.pennation == pytest.approx(math.radians(7))
    assert (intrinsic.f0, intrinsic.lts, intrinsic.pennation) == (None, None, None)
    assert reference.ranges[0].lower == pytest.approx(math.radians(-35))
    assert reference.ranges[1].upper is None
    assert (reference.fingertip_forces[0].n, reference.fingertip_forces[1].n) == (20, None)
    assert reference.performance[1].value == -12
    strong, weak = reference.wrist_torques
    assert (strong.mean, strong.low, strong.high) == (12.2, 5.2, 18.7)
    assert (strong.n, weak.n, weak.high) == (10, None, None)
    assert strong.peak == pytest.approx(math.radians(40))
    assert reference.passive_torques[0].angle == pytest.approx(math.radians(-90))
    assert reference.arm_trends[0].end == pytest.approx(math.radians(90))


def test_the_packaged_tables_are_read_once_and_are_anatomical():
    reference = load_reference()
    assert reference is load_reference()
    for rows in (
        reference.moment_arms,
        reference.architecture,
        reference.ranges,
        reference.performance,
    ):
        assert len(rows) > 20
        assert all(row.source and row.status in STATUSES for row in rows)
    for row in reference.moment_arms:
        assert row.direction in directions(row.joint)
        assert row.arm is None or row.arm < 0.06
    assert {row.joint for row in reference.ranges} == set(HAND_JOINTS)
    assert {row.digit for row in reference.fingertip_forces} == set(DIGITS)


def test_each_packaged_line_is_a_row():
    reference = load_reference()
    for name, rows in (
        ("moment_arms", reference.moment_arms),
        ("architecture", reference.architecture),
    ):
        text = files("musclehand.models.reference").joinpath(f"{name}.csv").read_text("utf-8")
        lines = list(csv.DictReader(io.StringIO(text)))
        assert [row.muscle for row in rows] == [line["muscle"] for line in lines]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.data(),
    name=st.sampled_from(sorted(NUMBERS)),
    value=st.one_of(
        st.sampled_from(["nan", "inf", "-inf", "1e999", "12 mm", "1,5"]), st.text(string.printable)
    ),
)
def test_what_is_not_a_number_names_file_line_and_column(tmp_path, data, name, value):
    assume("\r" not in value and "\n" not in value and value.strip())
    with contextlib.suppress(ValueError):
        assume(not math.isfinite(float(value)))
    column = data.draw(st.sampled_from(NUMBERS[name]))
    with pytest.raises(ModelError) as error:
        load_reference(write(tmp_path, **{name: with_entry(name, column, value)}))
    message = str(error.value)
    assert message.startswith(f"{name}.csv: line 2, {column} is ")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("name", "column", "value", "said"),
    [
        ("moment_arms", "joint", "mcp9_flexion", "one of pro_sup"),
        ("moment_arms", "direction", "radial", "one of flexion, extension"),
        ("moment_arms", "arm_mm", "-3", "at least 0"),
        ("moment_arms", "status", "sure", "one of published, quoted, recalled"),
        ("moment_arms", "source", " ", "something"),
        ("architecture", "muscle", "", "something"),
        ("architecture", "l0_mm", "0", "at least 1"),
        ("range_of_motion", "joint", "elbow", "one of pro_sup"),
        ("fingertip_force", "digit", "toe", "one of thumb"),
        ("fingertip_force", "force_N", "-1", "at least 0"),
        ("performance", "quantity", "", "something"),
    ],
)
def test_entries_that_their_column_does_not_hold(tmp_path, name, column, value, said):
    expected = re.escape(f"{name}.csv: line 2, {column} is ") + ".*" + re.escape(said)
    with pytest.raises(ModelError, match=expected):
        load_reference(write(tmp_path, **{name: with_entry(name, column, value)}))


def test_a_range_upside_down_a_missing_column_and_a_missing_file(tmp_path):
    with pytest.raises(ModelError, match=r"range_of_motion\.csv: deviation: its lower end"):
        load_reference(
            write(tmp_path, range_of_motion=with_entry("range_of_motion", "upper_deg", "-40"))
        )
    with pytest.raises(ModelError, match=r"performance\.csv: column 'unit' is missing"):
        load_reference(write(tmp_path, performance=TABLES["performance"].replace("unit", "units")))
    (write(tmp_path) / "architecture.csv").unlink()
    with pytest.raises(ModelError, match=r"architecture\.csv: cannot be read"):
        load_reference(tmp_path)
