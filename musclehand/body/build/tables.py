"""The tables of `models/hand`, which a biomechanist edits, read and checked row by row.

Files have millimetres and degrees, as sources publish them; all values are SI once they are read.
The error about an illegal entry names file, line, column and legal values.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from musclehand.body.anatomy import HAND_JOINTS, PALM_JOINTS
from musclehand.body.build.table_file import Fields, read_rows
from musclehand.body.build.table_rows import (
    AddedJointRow,
    HandTables,
    JointRow,
    MuscleRow,
    PathRow,
    SegmentRow,
    WrapRow,
)
from musclehand.body.build.table_rules import check_tables

PACKAGE = "musclehand.models.hand"

ADDED_JOINTS = "added_joints.csv"
"""Name of the table that a folder may lack."""

JOINT_FRAMES = tuple(
    dict.fromkeys(
        "wrist" if joint == "flexion" else joint.removesuffix("_flexion")
        for joint in HAND_JOINTS
        if joint.endswith("flexion") and joint not in PALM_JOINTS
    )
)
"""Joints, without the motion, that points of a path may be relative to."""

MOST_DEG = 180.0
MOST_PENNATION = 80.0
"""Largest legal angles of a joint and of a pennation [deg]; chosen, muscles of the forearm and hand
have up to 20."""

FEWEST_BRANCHES = 2
"""Fewest branches of a tendon that splits."""


def load_tables(folder: Path | None = None) -> HandTables:
    """Reads the tables of a folder, by default the bundled ones.

    A folder without `added_joints.csv` describes a hand with MyoSim's joints alone.

    Raises:
        ModelError: a file or column is missing, an entry is not legal in its column or occurs
            twice, or the tables do not fit each other (see `body.build.table_rules`).
    """
    muscles = read_rows(folder, PACKAGE, "muscles.csv", _muscle, unique="muscle")
    wraps = read_rows(folder, PACKAGE, "wraps.csv", _wrap, unique="name")
    path = partial(
        _path,
        muscles=tuple(row.muscle for row in muscles),
        wraps=tuple(row.name for row in wraps),
    )
    tables = HandTables(
        muscles=muscles,
        paths=read_rows(folder, PACKAGE, "paths.csv", path),
        joints=read_rows(folder, PACKAGE, "joints.csv", _joint, unique="joint"),
        segments=read_rows(folder, PACKAGE, "segments.csv", _segment, unique="body"),
        wraps=wraps,
        added_joints=_added_joints(folder),
    )
    check_tables(tables)
    return tables


def _muscle(row: Fields) -> MuscleRow:
    return MuscleRow(
        muscle=row.text("muscle", required=True),
        name=row.text("name"),
        group=row.text("group"),
        f0=row.number("f0_N", low=0.1),
        l0=row.number("l0_mm", low=1.0, scale=1e-3),
        pennation=row.number("pennation_deg", low=0.0, high=MOST_PENNATION, scale=np.pi / 180),
        source=row.text("source"),
    )


def _path(row: Fields, *, muscles: tuple[str, ...], wraps: tuple[str, ...]) -> PathRow:
    kind = row.text(
        "kind", choices=("base_site", "base_wrap", "site", "joint_site", "wrap", "side", "pulley")
    )
    name = row.text("name", required=True)
    if kind == "wrap":
        name = row.name("name", "wrap", wraps)
    if kind == "pulley" and not (name.isdecimal() and int(name) >= FEWEST_BRANCHES):
        legal = f"the number of branches, a whole number of at least {FEWEST_BRANCHES}"
        raise row.error("name", name, legal)
    body = row.text("body", required=kind in ("site", "side"))
    if kind == "joint_site":
        body = row.name("body", "joint", JOINT_FRAMES)
    return PathRow(
        muscle=row.name("muscle", "muscle", muscles),
        kind=kind,
        name=name,
        body=body,
        pos=row.point() if kind in ("site", "joint_site", "side") else None,
        side_site=row.text("side_site"),
    )


def _joint(row: Fields) -> JointRow:
    degrees = partial(row.number, low=-MOST_DEG, high=MOST_DEG, scale=np.pi / 180)
    lower = degrees("lower_deg")
    upper = degrees("upper_deg")
    if upper <= lower:
        legal = f"above lower_deg, which is {row.text('lower_deg')}"
        raise row.error("upper_deg", row.text("upper_deg"), legal)
    return JointRow(
        joint=row.name("joint", "joint", HAND_JOINTS),
        lower=lower,
        upper=upper,
        damping=row.number("damping", low=0.0),
        armature=row.number("armature", low=0.0),
        stiffness=row.number("stiffness", low=0.0),
        stiffening=row.number("stiffening", low=0.0),
        rest=degrees("rest_deg"),
    )


def _added_joints(folder: Path | None) -> tuple[AddedJointRow, ...]:
    if folder is not None and not folder.joinpath(ADDED_JOINTS).exists():
        return ()
    return read_rows(folder, PACKAGE, ADDED_JOINTS, _added_joint, unique="joint")


def _added_joint(row: Fields) -> AddedJointRow:
    x, y, z = (row.number(f"axis_{axis}") for axis in "xyz")
    if x == y == z == 0:
        raise row.error("axis_x", "0", "a direction; axis_y and axis_z are 0 as well")
    return AddedJointRow(
        joint=row.name("joint", "joint", HAND_JOINTS),
        body=row.text("body", required=True),
        pos=row.point(),
        axis=(x, y, z),
    )


def _segment(row: Fields) -> SegmentRow:
    return SegmentRow(
        body=row.text("body", required=True),
        layer=row.text("layer", choices=("digit", "palm", "arm")),
        start=row.point("0"),
        end=row.point("1"),
        radius=row.number("radius_mm", low=0.1, scale=1e-3),
        mass=row.number("mass_kg", low=1e-6),
    )


def _wrap(row: Fields) -> WrapRow:
    return WrapRow(
        name=row.text("name", required=True),
        body=row.text("body", required=True),
        joint=row.name("joint", "joint", HAND_JOINTS),
        radius=row.number("radius_mm", low=0.1, scale=1e-3),
        half_length=row.number("half_length_mm", low=0.1, scale=1e-3),
    )
