"""Tendon transfer: the tendon of a donor muscle is cut and sewn onto that of a recipient.

The donor keeps its own path into the hand and then follows the recipient's path, with the
recipient's moment arms at every later joint. The group of the donor decides where it changes over:

    a muscle of fingers or thumb (EIP, FDS4)  beyond the wrist, which it crosses on its own path
    a wrist muscle (FCU, PL)                  before the wrist, which it crosses on the recipient's
                                              path; it is cut at its insertion
    a muscle of the forearm (PT)              at its last point before the insertion, then like a
                                              wrist muscle
    a muscle of the hand itself (ADM)         at its origin

The recipient's muscle is cut off and gets no drive. Its passive force stays, which is small near
rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from musclehand.body.build.table_rows import HandTables, PathRow
from musclehand.core.errors import InvalidValue, UnknownName

POINTS = ("base_site", "site", "joint_site")
"""Kinds of rows at which the tendon is fixed to a bone."""


class Transfer(NamedTuple):
    """A pair of muscles, by name."""

    donor: str
    """Muscle whose tendon is cut and moved."""

    recipient: str
    """Muscle onto whose tendon it is sewn."""


def transfer_tendon(tables: HandTables, transfer: Transfer) -> HandTables:
    """Gives the donor its new path, in its place among the paths, and the recipient drive 0.

    Raises:
        UnknownName: no such muscle.
        InvalidValue: the recipient ends in the forearm, or donor and recipient are the same.
    """
    for muscle in transfer:
        if muscle not in tables.muscle_names:
            raise UnknownName("muscle", muscle, tables.muscle_names)
    donor, recipient = (
        tuple(row for row in tables.paths if row.muscle == name) for name in transfer
    )
    text = f"{transfer.donor}>{transfer.recipient}"
    if transfer.donor == transfer.recipient:
        raise InvalidValue("transfer", text, "from one muscle to another")
    if _ends_in_forearm(tables, transfer.recipient):
        raise InvalidValue("transfer", text, "to a muscle that ends in the hand")
    beginning, crosses_wrist = _donor_part(tables, transfer.donor, donor)
    ending = _recipient_part(recipient, from_wrist=not crosses_wrist)
    path = (*beginning, *(replace(row, muscle=transfer.donor) for row in ending))
    muscles = tuple(
        replace(row, drive=0.0) if row.muscle == transfer.recipient else row
        for row in tables.muscles
    )
    return replace(tables, muscles=muscles, paths=_with_path(tables.paths, transfer.donor, path))


def _wrist_rows(path: Sequence[PathRow]) -> tuple[int, int] | None:
    """Positions of the first and last row at the wrist, None for a path without any."""
    rows = [i for i, row in enumerate(path) if row.kind == "joint_site" and row.body == "wrist"]
    return (rows[0], rows[-1]) if rows else None


def _group(tables: HandTables, muscle: str) -> str:
    return next(row.group for row in tables.muscles if row.muscle == muscle)


def _ends_in_forearm(tables: HandTables, muscle: str) -> bool:
    return _group(tables, muscle) == "forearm"


def _donor_part(
    tables: HandTables, muscle: str, path: Sequence[PathRow]
) -> tuple[Sequence[PathRow], bool]:
    """Rows of the donor's path that stay, and whether they cross the wrist or begin beyond it."""
    wrist = _wrist_rows(path)
    if wrist is not None:
        if _group(tables, muscle) == "wrist":
            return _up_to_point(path[: wrist[0]]), False
        return path[: wrist[1] + 1], True
    if _ends_in_forearm(tables, muscle):
        return _up_to_point(path[:-1]), False
    return path[:1], True


def _recipient_part(path: Sequence[PathRow], *, from_wrist: bool) -> Sequence[PathRow]:
    """Rows of the recipient's path that the donor follows, always without its origin."""
    wrist = _wrist_rows(path)
    if wrist is None:
        return path[1:]
    return path[wrist[0] :] if from_wrist else path[wrist[1] + 1 :]


def _up_to_point(path: Sequence[PathRow]) -> Sequence[PathRow]:
    """The path without wrapping surfaces at its end, which need a point beyond them."""
    end = max(i for i, row in enumerate(path) if row.kind in POINTS)
    return path[: end + 1]


def _with_path(
    paths: Sequence[PathRow], muscle: str, path: Sequence[PathRow]
) -> tuple[PathRow, ...]:
    """All paths, with the path of one muscle replaced in its place."""
    first = next(i for i, row in enumerate(paths) if row.muscle == muscle)
    before = [row for row in paths[:first] if row.muscle != muscle]
    after = [row for row in paths[first:] if row.muscle != muscle]
    return (*before, *path, *after)
