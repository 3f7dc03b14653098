"""The tables are read as they stand, and whatever is wrong in one is named with file, line and
column."""

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

from musclehand.body.anatomy import HAND_JOINTS, Side, coupled_joint
from musclehand.body.build.tables import load_tables
from musclehand.core.errors import ModelError

NAMES = ("muscles.csv", "paths.csv", "joints.csv", "segments.csv", "wraps.csv")
TEXTS = {
    name: files("musclehand.models.hand").joinpath(name).read_text("utf-8")
    for name in (*NAMES, "added_joints.csv")
}
NUMBERS = {
    "muscles.csv": ("f0_N", "l0_mm", "pennation_deg"),
    "joints.csv": ("lower_deg", "upper_deg", "damping", "stiffness", "rest_deg"),
    "segments.csv": ("x0_mm", "y1_mm", "radius_mm", "mass_kg"),
    "wraps.csv": ("radius_mm", "half_length_mm"),
}


def write(folder, **changed):
    for name, text in TEXTS.items():
        (folder / name).write_text(changed.get(name.removesuffix(".csv"), text), encoding="utf-8")
    return folder


def with_entry(name, row, column, value):
    """A table with one entry changed; returns the text and the line the entry stands in."""
    reader = csv.DictReader(io.StringIO(TEXTS[name]))
    rows = list(reader)
    rows[row][column] = value
    out = io.StringIO()
    writer = csv.DictWriter(out, reader.fieldnames, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue(), row + 2


def test_units_are_converted_to_si(tables):
    for row, line in zip(
        tables.muscles, csv.DictReader(io.StringIO(TEXTS["muscles.csv"])), strict=True
    ):
        assert row.muscle == line["muscle"]
        assert row.f0 == float(line["f0_N"])
        assert row.l0 == pytest.approx(float(line["l0_mm"]) / 1000)
        assert row.pennation == pytest.approx(math.radians(float(line["pennation_deg"])))
    for row, line in zip(
        tables.joints, csv.DictReader(io.StringIO(TEXTS["joints.csv"])), strict=True
    ):
        assert row.lower == pytest.approx(math.radians(float(line["lower_deg"])))
        assert row.damping == float(line["damping"])
    for row, line in zip(
        tables.segments, csv.DictReader(io.StringIO(TEXTS["segments.csv"])), strict=True
    ):
        assert row.end == pytest.approx([float(line[f"{axis}1_mm"]) / 1000 for axis in "xyz"])


def test_the_tables_agree_with_each_other_and_with_anatomy(tables):
    assert tuple(row.joint for row in tables.joints) == HAND_JOINTS
    assert len(set(tables.muscle_names)) == len(tables.muscle_names)
    for row in tables.joints:
        assert row.lower < row.rest < row.upper or row.lower <= row.rest <= row.upper
    bodies = {row.body for row in tables.segments}
    wraps = {row.name: row for row in tables.wraps}
    assert len(bodies) == len(tables.segments)
    for row in tables.wraps:
        assert row.joint in HAND_JOINTS
    for row in tables.paths:
        assert (row.kind in ("site", "joint_site", "side")) == (row.pos is not None)
        assert row.kind != "wrap" or row.name in wraps
        assert row.kind != "pulley" or float(row.name) > 1
    for muscle in tables.muscle_names:
        path = [row for row in tables.paths if row.muscle == muscle]
        assert path[0].kind.endswith("site")
        assert path[-1].kind.endswith("site")


def test_own_path_points_have_one_place_each(tables):
    places = {}
    for row in tables.paths:
        if row.kind == "site":
            assert places.setdefault(row.name, (row.body, row.pos)) == (row.body, row.pos)


def test_a_folder_of_ones_own_is_read_like_the_packaged_one(tmp_path, tables):
    assert load_tables(write(tmp_path)) == tables


def test_names_and_mirror_of_a_side():
    assert Side.LEFT.name_of("FDP2") == "FDP2_l"
    assert (Side.RIGHT.mirror, Side.LEFT.mirror) == (1.0, -1.0)
    assert coupled_joint("md3_flexion") == "pm3_flexion"
    assert coupled_joint("pm3_flexion") is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.data(),
    name=st.sampled_from(sorted(NUMBERS)),
    value=st.one_of(
        st.sampled_from(["", "nan", "inf", "-inf", "1e999", "12 mm", "1,5"]),
        st.text(string.printable),
    ),
)
def test_what_is_not_a_number_names_file_line_and_column(tmp_path, data, name, value):
    assume("\r" not in value and "\n" not in value)
    with contextlib.suppress(ValueError):
        assume(not math.isfinite(float(value)))
    num_rows = len(TEXTS[name].strip().splitlines()) - 1
    row = data.draw(st.integers(0, num_rows - 1))
    column = data.draw(st.sampled_from(NUMBERS[name]))
    text, line = with_entry(name, row, column, value)
    with pytest.raises(ModelError) as error:
        load_tables(write(tmp_path, **{name.removesuffix(".csv"): text}))
    message = str(error.value)
    assert message.startswith(f"{name}: line {line}, {column} is ")
    assert "it must be" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("name", "column", "value"),
    [
        ("muscles.csv", "f0_N", "0"),
        ("muscles.csv", "f0_N", "-3"),
        ("muscles.csv", "l0_mm", "0"),
        ("joints.csv", "stiffness", "-0.1"),
        ("segments.csv", "mass_kg", "0"),
        ("segments.csv", "radius_mm", "-1"),
        ("segments.csv", "layer", "skin"),
        ("paths.csv", "kind", "via"),
        ("wraps.csv", "radius_mm", "0"),
    ],
)
def test_values_out_of_range_are_named(tmp_path, name, column, value):
    text, line = with_entry(name, 1, column, value)
    with pytest.raises(
        ModelError, match=re.escape(f"{name}: line {line}, {column} is {value!r}; it must be")
    ):
        load_tables(write(tmp_path, **{name.removesuffix(".csv"): text}))


@pytest.mark.parametrize("name", NAMES)
def test_missing_file_missing_column_and_short_row(tmp_path, name):
    stem = name.removesuffix(".csv")
    lines = TEXTS[name].splitlines()
    header = lines[0].split(",")
    without_last_used = {"muscles": "source", "joints": "rest_deg", "paths": "side_site"}.get(
        stem, header[-1]
    )
    renamed = "\n".join([lines[0].replace(without_last_used, "other"), *lines[1:]])
    with pytest.raises(ModelError, match=f"{name}: column '{without_last_used}' is missing"):
        load_tables(write(tmp_path, **{stem: renamed}))
    short = "\n".join([*lines[:3], lines[3].rsplit(",", 1)[0], *lines[4:]])
    with pytest.raises(ModelError, match=f"{name}: line 4 does not have {len(header)} columns"):
        load_tables(write(tmp_path, **{stem: short}))
    (write(tmp_path) / name).unlink()
    with pytest.raises(ModelError, match=f"{name}: cannot be read"):
        load_tables(tmp_path)


def test_muscles_without_a_path_and_paths_without_a_muscle(tmp_path):
    lines = TEXTS["muscles.csv"].splitlines()
    with pytest.raises(ModelError, match=r"paths\.csv.*ECRL"):
        load_tables(write(tmp_path, muscles="\n".join([lines[0], *lines[2:]])))
    extra = "\n".join([*lines, "EPX,extra,wrist,10,50,0,none"])
    with pytest.raises(ModelError, match=r"paths\.csv.*EPX"):
        load_tables(write(tmp_path, muscles=extra))


def test_bytes_that_are_not_text(tmp_path):
    (write(tmp_path) / "joints.csv").write_bytes(b"joint\xff\xfe\x00")
    with pytest.raises(ModelError, match=r"joints\.csv: cannot be read"):
        load_tables(tmp_path)
