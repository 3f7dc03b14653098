"""The tables of `models/hand`: what a biomechanist edits, read and checked row by row.

Lengths in the files are millimetres and angles degrees because that is how they are published;
everything is SI once it is read. A wrong entry names the file, the line, the column and what is
expected.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from musclehand.body.build.table_file import Fields, read_rows
from musclehand.core.errors import ModelError

PACKAGE = "musclehand.models.hand"


@dataclass(frozen=True)
class MuscleRow:
    """One muscle: peak force `f0` [N], optimal fibre length `l0` [m], pennation at `l0` [rad],
    group and source.

    `drive`, no column of the file: share of the excitation that reaches the muscle, 0 (paralysed)
    to 1; its excitation goes no higher (see `body.conditions.condition`).
    """

    muscle: str
    name: str
    group: str
    f0: float
    l0: float
    pennation: float
    source: str
    drive: float = 1.0


@dataclass(frozen=True)
class PathRow:
    """One station of a muscle's path.

    `kind` is `base_site` or `base_wrap` (a site or wrapping geom of MyoSim, by name), `site` (a
    point of ours in `body` at `pos` [m]), `joint_site` (a point of ours in the frame of the joint
    `body`, see `body.build.joint_site`), `wrap` (a cylinder of `wraps.csv`), `side` (a point that
    the path does not touch, for the wrap of the row after it), or `pulley` (what follows is a
    branch that shares the force; `name` is the number it is divided by, and the branch begins
    anew). `side_site` is the site that says on which side of a wrapping geom the path runs.
    """

    muscle: str
    kind: str
    name: str
    body: str
    pos: tuple[float, float, float] | None
    side_site: str


@dataclass(frozen=True)
class JointRow:
    """One joint: limits and rest angle [rad], damping [N m s/rad], and the torque of its tissues.

    At x rad from rest that torque is -(stiffness x + stiffening x^3) [N m].
    """

    joint: str
    lower: float
    upper: float
    damping: float
    stiffness: float
    stiffening: float
    rest: float


@dataclass(frozen=True)
class SegmentRow:
    """The soft outline of one bone as a capsule from `start` to `end` [m] of `radius` [m] that
    carries `mass` [kg].

    `layer` says what it may touch: `digit` keys and other digits, `palm` keys only, `arm` nothing.
    """

    body: str
    layer: str
    start: tuple[float, float, float]
    end: tuple[float, float, float]
    radius: float
    mass: float


@dataclass(frozen=True)
class WrapRow:
    """A cylinder of `radius` [m] about the axis of `joint`, fixed to `body`."""

    name: str
    body: str
    joint: str
    radius: float
    half_length: float


@dataclass(frozen=True)
class HandTables:
    """All tables of the overlay, in file order; `stretch` is what MyoSim's bones are multiplied
    with, x, y, z."""

    muscles: tuple[MuscleRow, ...]
    paths: tuple[PathRow, ...]
    joints: tuple[JointRow, ...]
    segments: tuple[SegmentRow, ...]
    wraps: tuple[WrapRow, ...]
    stretch: tuple[float, float, float] = (1.0, 1.0, 1.0)

    @property
    def muscle_names(self) -> tuple[str, ...]:
        """Muscles in model order, without side suffix."""
        return tuple(row.muscle for row in self.muscles)


def load_tables(folder: Path | None = None) -> HandTables:
    """Reads the five tables of a folder, by default those that come with the package.

    Raises:
        ModelError: a file is missing, a column is missing, an entry is not what the column holds,
            or a path names a muscle that `muscles.csv` does not have.
    """
    tables = HandTables(
        muscles=read_rows(folder, PACKAGE, "muscles.csv", _muscle),
        paths=read_rows(folder, PACKAGE, "paths.csv", _path),
        joints=read_rows(folder, PACKAGE, "joints.csv", _joint),
        segments=read_rows(folder, PACKAGE, "segments.csv", _segment),
        wraps=read_rows(folder, PACKAGE, "wraps.csv", _wrap),
    )
    known = set(tables.muscle_names)
    used = {row.muscle for row in tables.paths}
    if known != used:
        raise ModelError("paths.csv", f"muscles without a path or without a row: {sorted(known ^ used)}")
    return tables


def _muscle(row: Fields) -> MuscleRow:
    return MuscleRow(
        muscle=row.text("muscle"),
        name=row.text("name"),
        group=row.text("group"),
        f0=row.number("f0_N", low=0.1),
        l0=row.number("l0_mm", low=1.0, scale=1e-3),
        pennation=row.number("pennation_deg", low=0.0, scale=np.pi / 180),
        source=row.text("source"),
    )


def _path(row: Fields) -> PathRow:
    kind = row.text("kind", choices=("base_site", "base_wrap", "site", "joint_site", "wrap", "side", "pulley"))
    return PathRow(
        muscle=row.text("muscle"),
        kind=kind,
        name=row.text("name"),
        body=row.text("body"),
        pos=row.point() if kind in ("site", "joint_site", "side") else None,
        side_site=row.text("side_site"),
    )


def _joint(row: Fields) -> JointRow:
    return JointRow(
        joint=row.text("joint"),
        lower=row.number("lower_deg", scale=np.pi / 180),
        upper=row.number("upper_deg", scale=np.pi / 180),
        damping=row.number("damping", low=0.0),
        stiffness=row.number("stiffness", low=0.0),
        stiffening=row.number("stiffening", low=0.0),
        rest=row.number("rest_deg", scale=np.pi / 180),
    )


def _segment(row: Fields) -> SegmentRow:
    return SegmentRow(
        body=row.text("body"),
        layer=row.text("layer", choices=("digit", "palm", "arm")),
        start=row.point("0"),
        end=row.point("1"),
        radius=row.number("radius_mm", low=0.1, scale=1e-3),
        mass=row.number("mass_kg", low=1e-6),
    )


def _wrap(row: Fields) -> WrapRow:
    return WrapRow(
        name=row.text("name"),
        body=row.text("body"),
        joint=row.text("joint"),
        radius=row.number("radius_mm", low=0.1, scale=1e-3),
        half_length=row.number("half_length_mm", low=0.1, scale=1e-3),
    )
