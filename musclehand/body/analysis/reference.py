"""Published measurements of the human hand, as far as models are compared with them:
`models/reference`.

Every row has its source and a status: `published` was read in the source itself, `quoted` in
another work that quotes it, `recalled` is from memory and counts for less. Files are in
millimetres, degrees and cm^2 as published; everything is SI once it is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from musclehand.body.anatomy import DIGITS, HAND_JOINTS, directions
from musclehand.body.build.table_file import Fields, read_rows
from musclehand.core.errors import ModelError

PACKAGE = "musclehand.models.reference"

STATUSES = ("published", "quoted", "recalled")


@dataclass(frozen=True)
class MomentArmRow:
    """A muscle turns a joint in `direction` (a word of `anatomy.directions`) with `arm` [m],
    None where only the direction is known; `sd` [m] between specimens or None. `posture` in
    words. Rows not `used` are no yardstick."""

    muscle: str
    joint: str
    direction: str
    arm: float | None
    sd: float | None
    posture: str
    source: str
    status: str
    used: bool


@dataclass(frozen=True)
class ArchitectureRow:
    """A muscle's `pcsa` [m^2], peak force `f0` [N], optimal fibre length `l0` and tendon slack
    length `lts` [m], pennation [rad]; None where not known."""

    muscle: str
    pcsa: float | None
    f0: float | None
    l0: float | None
    lts: float | None
    pennation: float | None
    source: str
    status: str


@dataclass(frozen=True)
class RangeRow:
    """A joint's range of motion, anatomical angles [rad]; None for a side that is not known."""

    joint: str
    lower: float | None
    upper: float | None
    source: str
    status: str


@dataclass(frozen=True)
class FingertipForceRow:
    """Force [N] that `n` people reach with one digit (`anatomy.DIGITS`) in a task; `sd` between
    people [N]."""

    digit: str
    task: str
    force: float
    sd: float | None
    n: int | None
    source: str
    status: str


@dataclass(frozen=True)
class PerformanceRow:
    """Anything else that people do, such as a tapping rate; `value` and `sd` in `unit`."""

    quantity: str
    value: float
    sd: float | None
    unit: str
    source: str
    status: str


@dataclass(frozen=True)
class Reference:
    """All published values, in file order."""

    moment_arms: tuple[MomentArmRow, ...]
    architecture: tuple[ArchitectureRow, ...]
    ranges: tuple[RangeRow, ...]
    fingertip_forces: tuple[FingertipForceRow, ...]
    performance: tuple[PerformanceRow, ...]


def load_reference(folder: Path | None = None) -> Reference:
    """Reads the five tables of a folder, by default those that come with the package (read once).

    Raises:
        ModelError: a file or column is missing, or an entry is not what the column holds.
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
