"""Published measurements of the human hand (`models/reference`), with which models are compared.

Every row has its source and a status: `published` was read in the source itself, `quoted` in a work
that quotes it, and `recalled` is from memory and less certain. Files have millimetres, degrees and
cm^2, as published; all values are SI once they are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from musclehand.body.anatomy import DIGITS, HAND_JOINTS, WRIST_JOINTS, directions
from musclehand.body.build.table_file import Fields, read_rows
from musclehand.core.errors import ModelError

PACKAGE = "musclehand.models.reference"

STATUSES = ("published", "quoted", "recalled")
"""Certainty of a value, from high to low."""

TRENDS = ("rises", "falls", "constant")
"""Courses of a moment arm over the angle of its joint."""


@dataclass(frozen=True)
class MomentArmRow:
    """Moment arm of a muscle about a joint."""

    muscle: str
    """Name of the muscle."""

    joint: str
    """One of `anatomy.HAND_JOINTS`."""

    direction: str
    """Direction of the torque, a term of `anatomy.directions`."""

    arm: float | None
    """[m] Moment arm; None if only its direction is known."""

    sd: float | None
    """[m] Standard deviation between specimens, if known."""

    posture: str
    """Posture in words."""

    source: str
    """Key of the source in `models/reference/SOURCES.md`."""

    status: str
    """One of `STATUSES`."""

    used: bool
    """Whether models are compared with the row."""


@dataclass(frozen=True)
class ArchitectureRow:
    """Architecture of a muscle; unknown values are None."""

    muscle: str
    """Name of the muscle."""

    pcsa: float | None
    """[m^2] Physiological cross-sectional area."""

    f0: float | None
    """[N] Peak isometric force."""

    l0: float | None
    """[m] Optimal fibre length."""

    lts: float | None
    """[m] Tendon slack length."""

    pennation: float | None
    """[rad] Pennation angle."""

    source: str
    """Key of the source in `models/reference/SOURCES.md`."""

    status: str
    """One of `STATUSES`."""


@dataclass(frozen=True)
class RangeRow:
    """Range of motion of a joint in anatomical angles."""

    joint: str
    """One of `anatomy.HAND_JOINTS`."""

    lower: float | None
    """[rad] Lower end, if known."""

    upper: float | None
    """[rad] Upper end, if known."""

    source: str
    """Key of the source in `models/reference/SOURCES.md`."""

    status: str
    """One of `STATUSES`."""


@dataclass(frozen=True)
class FingertipForceRow:
    """Maximum force of one digit in a task."""

    digit: str
    """One of `anatomy.DIGITS`."""

    task: str
    """Task in words."""

    force: float
    """[N] Mean over people."""

    sd: float | None
    """[N] Standard deviation between people, if known."""

    n: int | None
    """Number of people, if known."""

    source: str
    """Key of the source in `models/reference/SOURCES.md`."""

    status: str
    """One of `STATUSES`."""


@dataclass(frozen=True)
class PerformanceRow:
    """Any other measure of performance, such as a tapping rate."""

    quantity: str
    """Name of the measure."""

    value: float
    """Mean over people, in `unit`."""

    sd: float | None
    """Standard deviation between people, in `unit`, if known."""

    unit: str
    """Unit as text."""

    source: str
    """Key of the source in `models/reference/SOURCES.md`."""

    status: str
    """One of `STATUSES`."""


@dataclass(frozen=True)
class WristTorqueRow:
    """Largest isometric torque about an axis of wrist or forearm, over its angle."""

    joint: str
    """One of `anatomy.WRIST_JOINTS`."""

    direction: str
    """Direction of the torque, a term of `anatomy.directions`."""

    mean: float
    """[N m] Mean over people."""

    sd: float | None
    """[N m] Standard deviation between people, if known."""

    low: float | None
    """[N m] Weakest person, if known."""

    high: float | None
    """[N m] Strongest person, if known."""

    n: int | None
    """Number of people, if known."""

    people: str
    """People in words, such as "men"."""

    peak: float | None
    """[rad] Angle of the largest torque, if known."""

    source: str
    """Key of the source in `models/reference/SOURCES.md`."""

    status: str
    """One of `STATUSES`."""


@dataclass(frozen=True)
class PassiveTorqueRow:
    """Torque of the relaxed tissue about a joint at one angle."""

    joint: str
    """One of `anatomy.HAND_JOINTS`."""

    angle: float
    """[rad] Angle of the joint."""

    torque: float
    """[N m] Torque, positive towards positive angles."""

    source: str
    """Key of the source in `models/reference/SOURCES.md`."""

    status: str
    """One of `STATUSES`."""


@dataclass(frozen=True)
class ArmTrendRow:
    """Course of a moment arm between two angles of its joint."""

    muscle: str
    """Name of the muscle."""

    joint: str
    """One of `anatomy.HAND_JOINTS`."""

    start: float
    """[rad] First angle."""

    end: float
    """[rad] Last angle, above the first."""

    trend: str
    """One of `TRENDS`: what the size of the arm does from the first angle to the last."""

    source: str
    """Key of the source in `models/reference/SOURCES.md`."""

    status: str
    """One of `STATUSES`."""


@dataclass(frozen=True)
class Reference:
    """All published values, in file order."""

    moment_arms: tuple[MomentArmRow, ...]
    """Rows of `moment_arms.csv`."""

    architecture: tuple[ArchitectureRow, ...]
    """Rows of `architecture.csv`."""

    ranges: tuple[RangeRow, ...]
    """Rows of `range_of_motion.csv`."""

    fingertip_forces: tuple[FingertipForceRow, ...]
    """Rows of `fingertip_force.csv`."""

    performance: tuple[PerformanceRow, ...]
    """Rows of `performance.csv`."""

    wrist_torques: tuple[WristTorqueRow, ...]
    """Rows of `wrist_torque.csv`."""

    passive_torques: tuple[PassiveTorqueRow, ...]
    """Rows of `passive_torque.csv`."""

    arm_trends: tuple[ArmTrendRow, ...]
    """Rows of `arm_trends.csv`."""


def load_reference(folder: Path | None = None) -> Reference:
    """Reads the eight tables of a folder, by default the bundled ones (read once).

    Raises:
        ModelError: a file or column is missing, or an entry is not legal in its column.
    """
    return _packaged() if folder is None else _load(folder)


@lru_cache(maxsize=1)
def _packaged() -> Reference:
    return _load(None)


def _load(folder: Path | None) -> Reference:
    return Reference(
        moment_arms=read_rows(folder, PACKAGE, "moment_arms.csv", _moment_arm),
        architecture=read_rows(folder, PACKAGE, "architecture.csv", _architecture),
        ranges=read_rows(folder, PACKAGE, "range_of_motion.csv", _range),
        fingertip_forces=read_rows(folder, PACKAGE, "fingertip_force.csv", _fingertip_force),
        performance=read_rows(folder, PACKAGE, "performance.csv", _performance),
        wrist_torques=read_rows(folder, PACKAGE, "wrist_torque.csv", _wrist_torque),
        passive_torques=read_rows(folder, PACKAGE, "passive_torque.csv", _passive_torque),
        arm_trends=read_rows(folder, PACKAGE, "arm_trends.csv", _arm_trend),
    )


def _moment_arm(row: Fields) -> MomentArmRow:
    joint = row.text("joint", choices=HAND_JOINTS)
    return MomentArmRow(
        muscle=row.text("muscle", required=True),
        joint=joint,
        direction=row.text("direction", choices=directions(joint)),
        arm=row.number_or_none("arm_mm", low=0.0, scale=1e-3),
        sd=row.number_or_none("sd_mm", low=0.0, scale=1e-3),
        posture=row.text("posture"),
        source=row.text("source", required=True),
        status=row.text("status", choices=STATUSES),
        used=row.text("used", choices=("yes", "no")) == "yes",
    )


def _architecture(row: Fields) -> ArchitectureRow:
    return ArchitectureRow(
        muscle=row.text("muscle", required=True),
        pcsa=row.number_or_none("pcsa_cm2", low=0.001, scale=1e-4),
        f0=row.number_or_none("f0_N", low=0.1),
        l0=row.number_or_none("l0_mm", low=1.0, scale=1e-3),
        lts=row.number_or_none("lts_mm", low=0.0, scale=1e-3),
        pennation=row.number_or_none("pennation_deg", low=0.0, scale=np.pi / 180),
        source=row.text("source", required=True),
        status=row.text("status", choices=STATUSES),
    )


def _range(row: Fields) -> RangeRow:
    lower = row.number_or_none("lower_deg", scale=np.pi / 180)
    upper = row.number_or_none("upper_deg", scale=np.pi / 180)
    joint = row.text("joint", choices=HAND_JOINTS)
    if lower is not None and upper is not None and lower >= upper:
        raise ModelError(
            "range_of_motion.csv",
            f"{joint}: its lower end {lower:.3f} is not below {upper:.3f} rad",
        )
    return RangeRow(
        joint, lower, upper, row.text("source", required=True), row.text("status", choices=STATUSES)
    )


def _fingertip_force(row: Fields) -> FingertipForceRow:
    people = row.number_or_none("n", low=1.0)
    return FingertipForceRow(
        digit=row.text("digit", choices=DIGITS),
        task=row.text("task", required=True),
        force=row.number("force_N", low=0.0),
        sd=row.number_or_none("sd_N", low=0.0),
        n=None if people is None else int(people),
        source=row.text("source", required=True),
        status=row.text("status", choices=STATUSES),
    )


def _performance(row: Fields) -> PerformanceRow:
    return PerformanceRow(
        quantity=row.text("quantity", required=True),
        value=row.number("value"),
        sd=row.number_or_none("sd", low=0.0),
        unit=row.text("unit"),
        source=row.text("source", required=True),
        status=row.text("status", choices=STATUSES),
    )


def _wrist_torque(row: Fields) -> WristTorqueRow:
    joint = row.text("joint", choices=WRIST_JOINTS)
    people = row.number_or_none("n", low=1.0)
    return WristTorqueRow(
        joint=joint,
        direction=row.text("direction", choices=directions(joint)),
        mean=row.number("mean_Nm", low=0.0),
        sd=row.number_or_none("sd_Nm", low=0.0),
        low=row.number_or_none("low_Nm", low=0.0),
        high=row.number_or_none("high_Nm", low=0.0),
        n=None if people is None else int(people),
        people=row.text("people", required=True),
        peak=row.number_or_none("peak_deg", scale=np.pi / 180),
        source=row.text("source", required=True),
        status=row.text("status", choices=STATUSES),
    )


def _passive_torque(row: Fields) -> PassiveTorqueRow:
    return PassiveTorqueRow(
        joint=row.text("joint", choices=HAND_JOINTS),
        angle=row.number("angle_deg", scale=np.pi / 180),
        torque=row.number("torque_Nm"),
        source=row.text("source", required=True),
        status=row.text("status", choices=STATUSES),
    )


def _arm_trend(row: Fields) -> ArmTrendRow:
    joint = row.text("joint", choices=HAND_JOINTS)
    start, end = (row.number(column, scale=np.pi / 180) for column in ("from_deg", "to_deg"))
    if not start < end:
        problem = f"{joint}: its first angle {start:.3f} is not below the last, {end:.3f} rad"
        raise ModelError("arm_trends.csv", problem)
    return ArmTrendRow(
        muscle=row.text("muscle", required=True),
        joint=joint,
        start=start,
        end=end,
        trend=row.text("trend", choices=TRENDS),
        source=row.text("source", required=True),
        status=row.text("status", choices=STATUSES),
    )
