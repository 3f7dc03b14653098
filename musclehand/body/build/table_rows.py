"""The rows of the tables of `models/hand` (`body.build.tables` reads them); all values are SI."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


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
