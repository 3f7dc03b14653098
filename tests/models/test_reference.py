"""The reference tables parse, name what the model names, hold sane numbers and say how sure each
one is."""

import csv
import io
import math
import re
from collections import Counter
from importlib.resources import files

import pytest

from musclehand.body.anatomy import DIGITS, HAND_JOINTS, PALM_JOINTS, directions
from musclehand.body.build.tables import load_tables

HEADERS = {
    "moment_arms": "muscle,joint,direction,arm_mm,sd_mm,posture,source,status,used",
    "architecture": "muscle,pcsa_cm2,f0_N,l0_mm,lts_mm,pennation_deg,source,status",
    "range_of_motion": "joint,lower_deg,upper_deg,source,status",
    "fingertip_force": "digit,task,force_N,sd_N,n,source,status",
    "performance": "quantity,value,sd,unit,source,status",
    "anthropometry": "sex,percentile,hand_length_mm,hand_breadth_mm,source,status",
    "segment_ratios": "segment,ratio_of_hand_length,source,status",
    "passive_torque": "joint,angle_deg,torque_Nm,source,status",
}
KEYS = {
    "moment_arms": ("muscle", "joint", "source"),
    "architecture": ("muscle", "source"),
    "range_of_motion": ("joint", "source"),
    "fingertip_force": ("digit", "task", "source"),
    "performance": ("quantity", "source"),
    "anthropometry": ("sex", "percentile", "source"),
    "segment_ratios": ("segment", "source"),
    "passive_torque": ("joint", "angle_deg", "source"),
}
RANGES = {
    "arm_mm": (0.2, 40.0),
    "sd_mm": (0.0, 10.0),
    "pcsa_cm2": (0.02, 12.0),
    "f0_N": (1.0, 700.0),
    "l0_mm": (10.0, 140.0),
    "lts_mm": (1.0, 450.0),
    "pennation_deg": (0.0, 30.0),
    "lower_deg": (-90.0, 30.0),
    "upper_deg": (0.0, 120.0),
    "force_N": (5.0, 150.0),
    "sd_N": (0.0, 60.0),
    "n": (1, 5000),
    "value": (1e-8, 200.0),
    "sd": (0.0, 50.0),
    "percentile": (1, 99),
    "hand_length_mm": (140.0, 230.0),
    "hand_breadth_mm": (55.0, 105.0),
    "ratio_of_hand_length": (0.05, 0.5),
    "angle_deg": (-120.0, 120.0),
    "torque_Nm": (-3.0, 3.0),
}
MAY_BE_EMPTY = {
    "arm_mm",
    "sd_mm",
    "posture",
    "pcsa_cm2",
    "f0_N",
    "l0_mm",
    "lts_mm",
    "pennation_deg",
    "sd_N",
    "n",
    "sd",
    "lower_deg",
    "hand_length_mm",
}
FOLDER = files("musclehand.models.reference")
MUSCLES = [row.muscle for row in load_tables().muscles]


def rows_of(name: str) -> list[dict[str, str]]:
    return list(
        csv.DictReader(io.StringIO(FOLDER.joinpath(f"{name}.csv").read_text("utf-8")), strict=True)
    )


@pytest.mark.parametrize("name", HEADERS)
def test_every_table_parses_and_every_number_is_sane(name):
    text = FOLDER.joinpath(f"{name}.csv").read_text("utf-8")
    assert text.splitlines()[0] == HEADERS[name]
    rows = rows_of(name)
    assert len(rows) >= 10
    for line, row in enumerate(rows, 2):
        assert None not in row, f"{name}.csv line {line}: too many columns"
        assert None not in row.values(), f"{name}.csv line {line}: too few columns"
        for column, entry in row.items():
            assert entry == entry.strip(), f"{name}.csv line {line}: {column}"
            assert entry or column in MAY_BE_EMPTY, f"{name}.csv line {line}: {column} is empty"
            if column in RANGES and entry:
                low, high = RANGES[column]
                number = float(entry)
                assert math.isfinite(number), f"{name}.csv line {line}: {column}"
                assert low <= number <= high, f"{name}.csv line {line}: {column} = {entry}"


@pytest.mark.parametrize("name", HEADERS)
def test_statuses_are_legal_and_no_row_comes_twice(name):
    rows = rows_of(name)
    assert {row["status"] for row in rows} <= {"published", "quoted", "recalled"}
    counts = Counter(tuple(row[key] for key in KEYS[name]) for row in rows)
    assert [key for key, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("name", HEADERS)
def test_every_source_is_explained(name):
    text = FOLDER.joinpath("SOURCES.md").read_text("utf-8")
    short_names = {row["source"].split()[0] for row in rows_of(name)} - {"anatomy"}
    assert [
        short
        for short in short_names
        if not re.search(rf"\|[^|\n]*\b{re.escape(short)}\b[^|\n]*\|", text)
    ] == []
    assert f"`{name}.csv`" in text


def test_names_are_those_of_the_model():
    for name in ("moment_arms", "architecture"):
        assert {row["muscle"] for row in rows_of(name)} == set(MUSCLES)
    for name in ("moment_arms", "range_of_motion", "passive_torque"):
        assert {row["joint"] for row in rows_of(name)} <= set(HAND_JOINTS)
    assert {row["joint"] for row in rows_of("range_of_motion")} == set(HAND_JOINTS)
    assert {row["digit"] for row in rows_of("fingertip_force")} == set(DIGITS)
    assert {row["sex"] for row in rows_of("anthropometry")} == {"female", "male"}
    assert {row["segment"].split()[0] for row in rows_of("segment_ratios")} == set(DIGITS)


def test_the_sign_table_is_complete_and_says_one_thing_a_pair():
    pairs: dict[tuple[str, str], set[str]] = {}
    for row in rows_of("moment_arms"):
        assert row["direction"] in directions(row["joint"]), row
        assert row["arm_mm"] or row["source"] == "anatomy", row
        pairs.setdefault((row["muscle"], row["joint"]), set()).add(row["direction"])
    assert len(pairs) >= 104
    assert all(len(stated) == 1 for stated in pairs.values())
    for number in "2345":
        lumbrical = f"LU{int(number) - 1}"
        assert pairs[lumbrical, f"mcp{number}_flexion"] == {"flexion"}
        assert (
            pairs[lumbrical, f"pm{number}_flexion"]
            == pairs[lumbrical, f"md{number}_flexion"]
            == {"extension"}
        )
        assert pairs[f"FDP{number}", f"md{number}_flexion"] == {"flexion"}
        assert (f"FDS{number}", f"md{number}_flexion") not in pairs
    # The metacarpals follow their knuckles; no source says what pulls them.
    for joint in set(HAND_JOINTS) - set(PALM_JOINTS):
        pulled = {
            direction
            for (_, name), stated in pairs.items()
            for direction in stated
            if name == joint
        }
        assert pulled == set(directions(joint)), f"{joint} is pulled one way only"


def test_ranges_and_percentiles_are_in_order():
    for row in rows_of("range_of_motion"):
        assert not row["lower_deg"] or float(row["lower_deg"]) < float(row["upper_deg"]), row
    for sex in ("female", "male"):
        for source in ("ANSUR2", "British", "HongKong"):
            rows = [
                row
                for row in rows_of("anthropometry")
                if (row["sex"], row["source"]) == (sex, source)
            ]
            breadths = [
                float(row["hand_breadth_mm"])
                for row in sorted(rows, key=lambda row: int(row["percentile"]))
            ]
            assert breadths == sorted(set(breadths))
            assert len(breadths) == 3


def test_the_segments_of_the_middle_finger_make_up_the_hand():
    ratios = [
        float(row["ratio_of_hand_length"])
        for row in rows_of("segment_ratios")
        if "middle " in row["segment"][:7]
    ]
    assert sum(ratios) == pytest.approx(1.0, abs=0.02)


def test_relaxed_tissue_pulls_back_from_both_ends():
    rows = [row for row in rows_of("passive_torque") if row["joint"] == "flexion"]
    assert all(float(row["torque_Nm"]) * float(row["angle_deg"]) <= 0 for row in rows)
