"""Conditions of the hand: weakness, nerve palsies, tendon transfer, stiff joints, fatigue.

    design = apply_condition(load_tables(), find_condition("ulnar-palsy+stiff:mcp2_flexion=0.2"))

A condition changes the tables, so it holds for everything that is built from them. Fatigue is what
changes while a hand plays: it travels beside the tables, as `Condition.fatigue`, to whoever
controls the muscles.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from musclehand.body.build.table_file import Fields, read_rows
from musclehand.body.build.tables import PACKAGE, HandTables, JointRow, MuscleRow
from musclehand.body.conditions.fatigue import FatigueParameters
from musclehand.body.conditions.transfer import Transfer, transfer_tendon
from musclehand.core.errors import InvalidValue, UnknownName

NERVES = ("median", "ulnar", "radial", "musculocutaneous")

MAX_STIFFNESS = 10.0
"""Stiffness that may be added to a joint [N m/rad]: a finger does not move against more."""

MIN_STRENGTH = 0.01
"""A muscle keeps some force, as MuJoCo's muscles need; to silence one, take its drive away."""


class Innervation(NamedTuple):
    """The nerve of a muscle; `level`: "low" if lost by a lesion at the wrist, "high" if only by
    one above the elbow."""

    muscle: str
    nerve: str
    level: str


@dataclass(frozen=True)
class Condition:
    """What is different in a hand.

    `drive`: share of the excitation that still reaches a muscle, by name, 0 (paralysed) to 1.
    `strength`: factor on its peak force (atrophy), `MIN_STRENGTH` to 10. `transfers`: tendons sewn
    onto others. `stiffness`: added to a joint [N m/rad], about its rest angle. `fatigue`: how
    muscles tire, or None if they do not.
    """

    name: str
    description: str
    drive: Mapping[str, float] = field(default_factory=dict)
    strength: Mapping[str, float] = field(default_factory=dict)
    transfers: tuple[Transfer, ...] = ()
    stiffness: Mapping[str, float] = field(default_factory=dict)
    fatigue: FatigueParameters | None = None


class Palsy(NamedTuple):
    """Loss of a nerve: at the wrist, or above the elbow if `high`."""

    nerve: str
    high: bool
    description: str


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
"""The conditions that have a name of their own."""

FORMS = (
    "weak:MUSCLE=SHARE",
    "atrophy:MUSCLE=FACTOR",
    "stiff:JOINT=N m/rad",
    "transfer:DONOR>RECIPIENT",
    "fatigue",
)
"""What else `find_condition` understands; `fatigue=SHARE` begins with muscles already tired."""


def load_innervation(folder: Path | None = None) -> tuple[Innervation, ...]:
    """Which nerve each muscle has, from `innervation.csv` of a folder or of the package.

    Raises:
        ModelError: the file cannot be read, or an entry is not what its column holds.
    """
    return read_rows(folder, PACKAGE, "innervation.csv", _innervation)


def palsy_condition(name: str) -> Condition:
    """The condition of a nerve palsy in `PALSIES`: its muscles get no drive.

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
    """The condition that a text names, as `--condition` takes it; several are joined by `+`.

    A name of `PALSIES`, or one of `FORMS`: `weak:FDP2=0.5,FDP3=0.5` (drive), `atrophy:FDP2=0.5`
    (peak force), `stiff:mcp2_flexion=0.2`, `transfer:EIP>EPL`, `fatigue`, `fatigue=0.3`.

    Raises:
        UnknownName: no such condition.
        InvalidValue: a number that is none or out of range.
    """
    return combine(*(_parse(part.strip()) for part in text.split("+")))


def combine(*conditions: Condition) -> Condition:
    """All conditions in one: shares and factors multiply, stiffness adds up, the last fatigue
    counts."""
    drive: dict[str, float] = {}
    strength: dict[str, float] = {}
    stiffness: dict[str, float] = {}
    for condition in conditions:
        for muscle, share in condition.drive.items():
            drive[muscle] = drive.get(muscle, 1.0) * share
        for muscle, factor in condition.strength.items():
            strength[muscle] = strength.get(muscle, 1.0) * factor
        for joint, added in condition.stiffness.items():
            stiffness[joint] = stiffness.get(joint, 0.0) + added
    return Condition(
        name="+".join(condition.name for condition in conditions),
        description="; ".join(condition.description for condition in conditions),
        drive=drive,
        strength=strength,
        transfers=tuple(transfer for condition in conditions for transfer in condition.transfers),
        stiffness=stiffness,
        fatigue=next((c.fatigue for c in reversed(conditions) if c.fatigue is not None), None),
    )


def apply_condition(tables: HandTables, condition: Condition) -> HandTables:
    """The tables of a hand in that condition (without its fatigue, which is no property of a
    table).

    Transfers come last, so a paralysed donor moves nothing; the recipient's own muscle gets no
    drive.

    Raises:
        UnknownName: a muscle or joint that the tables do not have.
        InvalidValue: a number out of range, or a transfer that cannot be made.
    """
    joints = [row.joint for row in tables.joints]
    _check("muscle", tables.muscle_names, condition.drive, "drive", 0.0, 1.0)
    _check("muscle", tables.muscle_names, condition.strength, "strength", MIN_STRENGTH, 10.0)
    _check("joint", joints, condition.stiffness, "added stiffness", 0.0, MAX_STIFFNESS)
    changed = replace(
        tables,
        muscles=tuple(_muscle(row, condition) for row in tables.muscles),
        joints=tuple(_joint(row, condition) for row in tables.joints),
    )
    donors = [transfer.donor for transfer in condition.transfers]
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
    kind: str, names: Sequence[str], values: Mapping[str, float], what: str, low: float, high: float
) -> None:
    for name, value in values.items():
        if name not in names:
            raise UnknownName(kind, name, names)
        if not low <= value <= high:
            raise InvalidValue(f"{what} of {name}", value, f"a number from {low:g} to {high:g}")


def _innervation(row: Fields) -> Innervation:
    return Innervation(
        muscle=row.text("muscle", required=True),
        nerve=row.text("nerve", choices=NERVES),
        level=row.text("level", choices=("low", "high")),
    )


def _parse(text: str) -> Condition:
    """One condition of those joined by `+`."""
    kind, colon, rest = text.partition(":")
    if text == "fatigue" or text.startswith("fatigue="):
        share = _number(text, text[len("fatigue=") :], 0.0, 1.0) if "=" in text else 0.0
        return Condition(text, "muscles tire", fatigue=FatigueParameters(initial=share))
    if not colon or kind not in ("weak", "atrophy", "stiff", "transfer"):
        return palsy_condition(text)
    if kind == "transfer":
        transfers = tuple(_transfer(text, pair) for pair in rest.split(","))
        return Condition(
            text,
            ", ".join(f"{t.donor} sewn onto {t.recipient}" for t in transfers),
            transfers=transfers,
        )
    low, high = {"weak": (0.0, 1.0), "atrophy": (MIN_STRENGTH, 1.0), "stiff": (0.0, MAX_STIFFNESS)}[
        kind
    ]
    values: dict[str, float] = {}
    for pair in rest.split(","):
        name, _, number = (word.strip() for word in pair.partition("="))
        if not name or name in values:
            raise InvalidValue(
                "condition", text, f"of the form {kind}:NAME=NUMBER,NAME=NUMBER, each name once"
            )
        values[name] = _number(text, number, low, high)
    words = {"weak": "weak", "atrophy": "wasted", "stiff": "stiff"}[kind] + ": " + ", ".join(values)
    if kind == "weak":
        return Condition(text, words, drive=values)
    return (
        Condition(text, words, strength=values)
        if kind == "atrophy"
        else Condition(text, words, stiffness=values)
    )


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
