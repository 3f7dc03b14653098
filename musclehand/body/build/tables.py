"""The tables of `models/hand`, which a biomechanist edits, read and checked row by row.

Files have millimetres and degrees, as sources publish them; all values are SI once they are read.
The error about an illegal entry names file, line, column and legal values.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from musclehand.body.anatomy import HAND_JOINTS, PALM_JOINTS
from musclehand.body.build.table_file import Fields, read_rows
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


@dataclass(frozen=True)
class MuscleRow:
    """One muscle of `muscles.csv`."""

    muscle: str
    """Name in the model, without side suffix."""

    name: str
    """Anatomical name."""

    group: str
    """Anatomical group, for pictures and tendon transfers."""

    f0: float
    """[N] Peak isometric force of the fibres at their optimal length."""

    l0: float
    """[m] Optimal fibre length."""

    pennation: float
    """[rad] Pennation angle at the optimal fibre length."""

    source: str
    """Source of the numbers."""

    drive: float = 1.0
    """Share of the excitation that reaches the muscle, and its highest excitation; 0 (paralysed) to
    1. It is no column of the file (see `body.conditions.condition`)."""


@dataclass(frozen=True)
class PathRow:
    """One station of a muscle's path, a row of `paths.csv`."""

    muscle: str
    """Name of the muscle."""

    kind: str
    """Kind of the station:

    - `base_site`, `base_wrap`: a site or wrapping geom of MyoSim, by name;
    - `site`: a point of the table on a bone;
    - `joint_site`: a point of the table in the frame of a joint (see `body.build.joint_site`);
    - `wrap`: a cylinder of `wraps.csv`;
    - `side`: a point off the path that selects the side of the wrap in the next row;
    - `pulley`: start of a new branch, which shares the force.
    """

    name: str
    """Name of the site or geom; of a pulley the number by which the force is divided."""

    body: str
    """Bone of a `site` or `side`, joint of a `joint_site`, else empty."""

    pos: tuple[float, float, float] | None
    """[m] Position in the frame of the bone or joint, None for other kinds."""

    side_site: str
    """Site that selects the side on which the path passes a wrapping geom, or empty."""


@dataclass(frozen=True)
class JointRow:
    """One joint of `joints.csv`.

    The passive torque of its tissues at x [rad] from rest is -(stiffness x + stiffening x^3) [N m].
    """

    joint: str
    """Anatomical name."""

    lower: float
    """[rad] Lower limit."""

    upper: float
    """[rad] Upper limit."""

    damping: float
    """[N m s/rad] Viscous damping."""

    armature: float
    """[kg m^2] Inertia added to that of the bones beyond, for stability at steps of 2 ms."""

    stiffness: float
    """[N m/rad] Linear stiffness."""

    stiffening: float
    """[N m/rad^3] Cubic stiffness."""

    rest: float
    """[rad] Angle without passive torque."""


@dataclass(frozen=True)
class AddedJointRow:
    """A joint that MyoSim's geometry does not have, a row of `added_joints.csv`."""

    joint: str
    """Anatomical name; its limits are in `joints.csv`."""

    body: str
    """Bone that it moves against the bone before it."""

    pos: tuple[float, float, float]
    """[m] A point on its axis, in the frame of the bone."""

    axis: tuple[float, float, float]
    """Direction of its axis in the frame of the bone; of any length."""


@dataclass(frozen=True)
class SegmentRow:
    """The soft-tissue outline of one bone, a capsule with mass; a row of `segments.csv`."""

    body: str
    """Name of the bone."""

    layer: str
    """Contacts: `digit` with keys and other digits, `palm` with keys only, `arm` with nothing."""

    start: tuple[float, float, float]
    """[m] One end of the capsule's axis in the frame of the bone."""

    end: tuple[float, float, float]
    """[m] Other end of the axis."""

    radius: float
    """[m] Radius of the capsule."""

    mass: float
    """[kg] Mass of the segment."""


@dataclass(frozen=True)
class WrapRow:
    """A wrapping cylinder about the axis of a joint, a row of `wraps.csv`."""

    name: str
    """Name, without side suffix."""

    body: str
    """Bone that carries it."""

    joint: str
    """Joint on whose axis it lies."""

    radius: float
    """[m] Radius."""

    half_length: float
    """[m] Half of its length."""


class SharedDrive(NamedTuple):
    """Muscles, such as the slips of one belly, whose excitations are not independent.

    With commands u from 0 to 1, the excitations are `mixing @ u`, and the commands together are
    bounded: their `exponent`-norm is at most 1.
    """

    name: str
    """Name of the belly."""

    muscles: tuple[str, ...]
    """Names of the n muscles, without side."""

    mixing: tuple[tuple[float, ...], ...]
    """Share of the command to one muscle (column) that reaches another one (row); 1 on the
    diagonal, so that a single muscle can be driven fully. n rows of n."""

    exponent: float
    """Exponent of the norm of the commands, at least 1; infinite without a common bound."""


class TendonLink(NamedTuple):
    """A band between the tendons of two muscles, slack until one slides against the other."""

    name: str
    """Name of the band, without side."""

    muscles: tuple[str, str]
    """Names of the two muscles, without side."""

    slack: float
    """[m] Sliding from the rest posture, either way, up to which the band is slack."""

    stiffness: float
    """[N/m] Stiffness beyond that."""


@dataclass(frozen=True)
class HandTables:
    """All tables of a hand, in file order."""

    muscles: tuple[MuscleRow, ...]
    """Rows of `muscles.csv`, in the order of the model's muscles."""

    paths: tuple[PathRow, ...]
    """Rows of `paths.csv`, each muscle's from origin to insertion."""

    joints: tuple[JointRow, ...]
    """Rows of `joints.csv`."""

    segments: tuple[SegmentRow, ...]
    """Rows of `segments.csv`."""

    wraps: tuple[WrapRow, ...]
    """Rows of `wraps.csv`."""

    added_joints: tuple[AddedJointRow, ...] = ()
    """Rows of `added_joints.csv`."""

    stretch: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Factors on MyoSim's local x, y and z (see `body.build.scaling`)."""

    drives: tuple[SharedDrive, ...] = ()
    """Muscles that share their drive; controllers of muscles reckon with them. None in a file (see
    `body.conditions.enslaving`)."""

    links: tuple[TendonLink, ...] = ()
    """Bands between tendons. None in a file, as above."""

    @property
    def muscle_names(self) -> tuple[str, ...]:
        """Names of the muscles in model order, without side suffix."""
        return tuple(row.muscle for row in self.muscles)


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
