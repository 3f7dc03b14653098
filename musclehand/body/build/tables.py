"""The tables of `models/hand`, which a biomechanist edits, read and checked row by row.

Files have millimetres and degrees, as sources publish them; all values are SI once they are read.
The error about an illegal entry names file, line, column and legal values.
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

    stiffness: float
    """[N m/rad] Linear stiffness."""

    stiffening: float
    """[N m/rad^3] Cubic stiffness."""

    rest: float
    """[rad] Angle without passive torque."""


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

    stretch: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Factors on MyoSim's local x, y and z (see `body.build.scaling`)."""

    @property
    def muscle_names(self) -> tuple[str, ...]:
        """Names of the muscles in model order, without side suffix."""
        return tuple(row.muscle for row in self.muscles)


def load_tables(folder: Path | None = None) -> HandTables:
    """Reads the five tables of a folder, by default the bundled ones.

    Raises:
        ModelError: a file or column is missing, an entry is not legal in its column, or
            `muscles.csv` and `paths.csv` have different muscles.
    """
    tables = HandTables(
        muscles=read_rows(folder, PACKAGE, "muscles.csv", _muscle),
        paths=read_rows(folder, PACKAGE, "paths.csv", _path),
        joints=read_rows(folder, PACKAGE, "joints.csv", _joint),
        segments=read_rows(folder, PACKAGE, "segments.csv", _segment),
        wraps=read_rows(folder, PACKAGE, "wraps.csv", _wrap),
    )
    defined = set(tables.muscle_names)
    used = {row.muscle for row in tables.paths}
    if defined != used:
        raise ModelError(
            "paths.csv", f"muscles without a path or without a row: {sorted(defined ^ used)}"
        )
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
    kind = row.text(
        "kind", choices=("base_site", "base_wrap", "site", "joint_site", "wrap", "side", "pulley")
    )
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
