"""Conditions: weakness, nerve palsies, tendon transfer, stiff joints, fatigue, enslaving.

    design = apply_condition(load_tables(), find_condition("ulnar-palsy+stiff:mcp2_flexion=0.2"))

A condition changes the tables, and so every model that is built from them. Fatigue changes during a
performance instead: controllers of muscles take it from `Condition.fatigue`. Enslaving is no
disorder but what every hand has and the bundled one has not (`body.conditions.enslaving`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from musclehand.body.build.table_file import Fields, read_rows
from musclehand.body.build.table_rows import (
    HandTables,
    JointRow,
    MuscleRow,
    SharedDrive,
    TendonLink,
)
from musclehand.body.build.tables import PACKAGE
from musclehand.body.conditions.enslaving import LEAST_SHARE, shared_drives, tendon_links
from musclehand.body.conditions.fatigue import FatigueParameters
from musclehand.body.conditions.transfer import Transfer, transfer_tendon
from musclehand.core.errors import InvalidValue, ModelError, UnknownName

NERVES = ("median", "ulnar", "radial", "musculocutaneous")
"""Nerves of the muscles in `innervation.csv`."""

MAX_STIFFNESS = 10.0
"""[N m/rad] Largest stiffness that may be added to a joint; chosen, no finger moves against it."""

MIN_STRENGTH = 0.01
"""Smallest factor on a peak force, because MuJoCo's muscles need some force; chosen. A paralysed
muscle has drive 0 instead."""

MAX_STRENGTH = 10.0
"""Largest factor on a peak force; chosen."""


class Innervation(NamedTuple):
    """The nerve of a muscle."""

    muscle: str
    """Name of the muscle."""

    nerve: str
    """One of `NERVES`."""

    level: str
    """"low" if a lesion at the wrist cuts it off, "high" if only one above the elbow does."""


@dataclass(frozen=True)
class Condition:
    """Differences from a healthy hand."""

    name: str
    """Name, as `find_condition` takes it."""

    description: str
    """Description for reports."""

    drive: Mapping[str, float] = field(default_factory=dict)
    """Share of the excitation that reaches a muscle, by its name; 0 (paralysed) to 1."""

    strength: Mapping[str, float] = field(default_factory=dict)
    """Factor on the peak force of a muscle (atrophy), `MIN_STRENGTH` to `MAX_STRENGTH`."""

    transfers: tuple[Transfer, ...] = ()
    """Tendon transfers, made in order."""

    stiffness: Mapping[str, float] = field(default_factory=dict)
    """[N m/rad] Stiffness added to a joint about its rest angle."""

    fatigue: FatigueParameters | None = None
    """Parameters of muscle fatigue, None without fatigue."""

    drives: tuple[SharedDrive, ...] = ()
    """Muscles that share their drive, none where all are independent."""

    links: tuple[TendonLink, ...] = ()
    """Bands between tendons."""


class Palsy(NamedTuple):
    """Loss of a nerve."""

    nerve: str
    """One of `NERVES`."""

    high: bool
    """Whether the lesion is above the elbow, and not at the wrist."""

    description: str
    """Description for reports."""


PALSIES: Mapping[str, Palsy] = {
    "ulnar-palsy": Palsy(
        "ulnar", False, "ulnar nerve cut at the wrist: interossei, adductor, claw hand"
    ),
    "ulnar-palsy-high": Palsy(
        "ulnar", True, "ulnar nerve cut above the elbow: flexors of ring and little finger too"
    ),
    "median-palsy": Palsy(
        "median", False, "median nerve cut at the wrist: thenar muscles, two lumbricals"
    ),
    "median-palsy-high": Palsy(
        "median", True, "median nerve cut above the elbow: most flexors and pronators too"
    ),
    "radial-palsy": Palsy(
        "radial", True, "radial nerve cut above the elbow: no extensors, wrist drop"
    ),
}
"""Nerve palsies by name."""

FORMS = (
    "weak:MUSCLE=SHARE",
    "atrophy:MUSCLE=FACTOR",
    "stiff:JOINT=N m/rad",
    "transfer:DONOR>RECIPIENT",
    "fatigue",
    "enslaving",
)
"""Other forms that `find_condition` takes; `fatigue=SHARE` starts with fatigued muscles, and
`enslaving=SHARE` has a part of the published enslaving."""


def load_innervation(folder: Path | None = None) -> tuple[Innervation, ...]:
    """Reads the nerve of each muscle from `innervation.csv` of a folder or of the package.

    Raises:
        ModelError: the file cannot be read, or an entry is not legal in its column.
    """
    return read_rows(folder, PACKAGE, "innervation.csv", _innervation)


def palsy_condition(name: str) -> Condition:
    """A nerve palsy of `PALSIES` as a condition: the muscles of the nerve get no drive.

    Raises:
        UnknownName: no such palsy.
    """
    if name not in PALSIES:
        raise UnknownName("condition", name, [*PALSIES, *FORMS])
    palsy = PALSIES[name]
    silent = [
        row.muscle
        for row in load_innervation()
        if row.nerve == palsy.nerve and (palsy.high or row.level == "low")
    ]
    return Condition(name, palsy.description, drive=dict.fromkeys(silent, 0.0))


def find_condition(text: str) -> Condition:
    """Parses a condition as `--condition` takes it; `+` joins several.

    A name of `PALSIES`, or one of `FORMS`: `weak:FDP2=0.5,FDP3=0.5` (drive), `atrophy:FDP2=0.5`
    (peak force), `stiff:mcp2_flexion=0.2`, `transfer:EIP>EPL`, `fatigue`, `fatigue=0.3`,
    `enslaving`, `enslaving=0.5`.

    Raises:
        UnknownName: no such condition.
        InvalidValue: a malformed number, or one out of range.
    """
    return combine(*(_parse(part.strip()) for part in text.split("+")))


def combine(*conditions: Condition) -> Condition:
    """Combines conditions into one.

    Shares and factors multiply, stiffness adds up, and the last fatigue and the last enslaving
    count.
    """
    drive: dict[str, float] = {}
    strength: dict[str, float] = {}
    stiffness: dict[str, float] = {}
    for condition in conditions:
        for muscle, share in condition.drive.items():
            drive[muscle] = drive.get(muscle, 1.0) * share
        for muscle, factor in condition.strength.items():
            strength[muscle] = strength.get(muscle, 1.0) * factor
        for joint, increase in condition.stiffness.items():
            stiffness[joint] = stiffness.get(joint, 0.0) + increase
    return Condition(
        name="+".join(condition.name for condition in conditions),
        description="; ".join(condition.description for condition in conditions),
        drive=drive,
        strength=strength,
        transfers=tuple(transfer for condition in conditions for transfer in condition.transfers),
        stiffness=stiffness,
        fatigue=next((c.fatigue for c in reversed(conditions) if c.fatigue is not None), None),
        drives=next((c.drives for c in reversed(conditions) if c.drives), ()),
        links=next((c.links for c in reversed(conditions) if c.links), ()),
    )


def apply_condition(tables: HandTables, condition: Condition) -> HandTables:
    """Applies a condition, without its fatigue, to the tables of a hand.

    Transfers come last, so that a paralysed donor moves nothing. The recipient's muscle gets no
    drive. A donor's tendon loses its bands to other tendons.

    Raises:
        UnknownName: a muscle or joint that the tables do not have.
        InvalidValue: a number out of range, or an impossible transfer.
        ModelError: the tables lack a slip of a muscle whose slips share drive or are linked.
    """
    joints = [row.joint for row in tables.joints]
    muscles = tables.muscle_names
    _check("muscle", muscles, condition.drive, "drive", low=0.0, high=1.0)
    _check("muscle", muscles, condition.strength, "strength", low=MIN_STRENGTH, high=MAX_STRENGTH)
    _check("joint", joints, condition.stiffness, "added stiffness", low=0.0, high=MAX_STIFFNESS)
    _check_slips(condition, muscles)
    donors = [transfer.donor for transfer in condition.transfers]
    links = condition.links or tables.links
    changed = replace(
        tables,
        drives=condition.drives or tables.drives,
        links=tuple(link for link in links if not set(link.muscles) & set(donors)),
        muscles=tuple(_muscle(row, condition) for row in tables.muscles),
        joints=tuple(_joint(row, condition) for row in tables.joints),
    )
    for transfer in condition.transfers:
        if donors.count(transfer.donor) > 1:
            raise InvalidValue(
                "donor of transfers", transfer.donor, "named once: its tendon goes to one place"
            )
        changed = transfer_tendon(changed, transfer)
    return changed


def _muscle(row: MuscleRow, condition: Condition) -> MuscleRow:
    drive = condition.drive.get(row.muscle, 1.0)
    strength = condition.strength.get(row.muscle, 1.0)
    return replace(row, drive=row.drive * drive, f0=row.f0 * strength)


def _joint(row: JointRow, condition: Condition) -> JointRow:
    return replace(row, stiffness=row.stiffness + condition.stiffness.get(row.joint, 0.0))


def _check(
    kind: str,
    names: Sequence[str],
    values: Mapping[str, float],
    quantity: str,
    low: float,
    high: float,
) -> None:
    """Raises if a value is not of one of the names, or out of range."""
    for name, value in values.items():
        if name not in names:
            raise UnknownName(kind, name, names)
        if not low <= value <= high:
            raise InvalidValue(f"{quantity} of {name}", value, f"a number from {low:g} to {high:g}")


def _check_slips(condition: Condition, muscles: Sequence[str]) -> None:
    """Raises if a muscle that shares drive or is linked is not there."""
    tied = [muscle for drive in condition.drives for muscle in drive.muscles]
    tied += [muscle for link in condition.links for muscle in link.muscles]
    missing = [muscle for muscle in dict.fromkeys(tied) if muscle not in muscles]
    if missing:
        raise ModelError(
            "hand", f"has no {', '.join(missing)}; {condition.name} needs a slip for every finger"
        )


def _innervation(row: Fields) -> Innervation:
    return Innervation(
        muscle=row.text("muscle", required=True),
        nerve=row.text("nerve", choices=NERVES),
        level=row.text("level", choices=("low", "high")),
    )


def _parse(text: str) -> Condition:
    """Parses one of the conditions that `+` joins."""
    kind, colon, arguments = text.partition(":")
    if text == "fatigue" or text.startswith("fatigue="):
        share = _number(text, text[len("fatigue=") :], 0.0, 1.0) if "=" in text else 0.0
        return Condition(text, "muscles tire", fatigue=FatigueParameters(initial=share))
    if text == "enslaving" or text.startswith("enslaving="):
        share = _number(text, text[len("enslaving=") :], LEAST_SHARE, 1.0) if "=" in text else 1.0
        return Condition(
            text,
            "fingers share drive and tendons are linked",
            drives=shared_drives(share),
            links=tendon_links(share),
        )
    if not colon or kind not in ("weak", "atrophy", "stiff", "transfer"):
        return palsy_condition(text)
    if kind == "transfer":
        transfers = tuple(_transfer(text, pair) for pair in arguments.split(","))
        return Condition(
            text,
            ", ".join(f"{t.donor} sewn onto {t.recipient}" for t in transfers),
            transfers=transfers,
        )
    ranges = {"weak": (0.0, 1.0), "atrophy": (MIN_STRENGTH, 1.0), "stiff": (0.0, MAX_STIFFNESS)}
    low, high = ranges[kind]
    values: dict[str, float] = {}
    for pair in arguments.split(","):
        name, _, number = (word.strip() for word in pair.partition("="))
        if not name or name in values:
            raise InvalidValue(
                "condition", text, f"of the form {kind}:NAME=NUMBER,NAME=NUMBER, each name once"
            )
        values[name] = _number(text, number, low, high)
    adjective = {"weak": "weak", "atrophy": "wasted", "stiff": "stiff"}[kind]
    description = f"{adjective}: {', '.join(values)}"
    if kind == "weak":
        return Condition(text, description, drive=values)
    if kind == "atrophy":
        return Condition(text, description, strength=values)
    return Condition(text, description, stiffness=values)


def _transfer(text: str, pair: str) -> Transfer:
    donor, arrow, recipient = (word.strip() for word in pair.partition(">"))
    if not (donor and arrow and recipient):
        raise InvalidValue(
            "condition", text, "of the form transfer:DONOR>RECIPIENT, such as transfer:EIP>EPL"
        )
    return Transfer(donor, recipient)


def _number(text: str, word: str, low: float, high: float) -> float:
    try:
        number = float(word)
    except ValueError:
        number = math.nan
    if not low <= number <= high:
        raise InvalidValue(
            "condition", text, f"given numbers from {low:g} to {high:g}, not {word!r}"
        )
    return number
