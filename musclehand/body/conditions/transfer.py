"""Tendon transfer: the tendon of one muscle is cut and sewn onto that of another.

The donor keeps its own course as far as the hand is entered and then follows the stations of the
recipient, with the recipient's moment arms at every joint from there on. How far, by what the donor
is:

    a muscle of fingers or thumb (EIP, FDS4)        to the far side of the wrist, which it crosses on its own course
    a wrist muscle (FCU, PL), cut at its insertion  to the near side of the wrist, which it crosses on the recipient's
    a muscle of the forearm (PT)                    to its last point before the insertion, then as a wrist muscle
    a muscle of the hand itself (ADM)               its origin only

The muscle that had the tendon before is cut off: it gets no drive. Its passive force stays, which
is little near rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from musclehand.body.build.tables import HandTables, PathRow
from musclehand.core.errors import InvalidValue, UnknownName

POINTS = ("base_site", "site", "joint_site")
"""Kinds of rows that the tendon goes through."""


class Transfer(NamedTuple):
    """The tendon of `donor` is sewn onto that of `recipient`; both muscles by name."""

    donor: str
    recipient: str


def transfer_tendon(tables: HandTables, transfer: Transfer) -> HandTables:
    """The tables with the donor's new path, in the donor's place; the recipient's drive is 0.

    Raises:
        UnknownName: no such muscle.
        InvalidValue: the recipient ends in the forearm, or both are the same muscle.
    """
    for muscle in transfer:
        if muscle not in tables.muscle_names:
            raise UnknownName("muscle", muscle, tables.muscle_names)
    donor, recipient = (
        tuple(row for row in tables.paths if row.muscle == name) for name in transfer
    )
    words = f"{transfer.donor}>{transfer.recipient}"
    if transfer.donor == transfer.recipient:
        raise InvalidValue("transfer", words, "from one muscle to another")
    if _ends_in_forearm(tables, transfer.recipient):
        raise InvalidValue("transfer", words, "to a muscle that ends in the hand")
    kept, crossed = _kept(tables, transfer.donor, donor)
    followed = _followed(recipient, from_wrist=not crossed)
    path = (*kept, *(replace(row, muscle=transfer.donor) for row in followed))
    muscles = tuple(
        replace(row, drive=0.0) if row.muscle == transfer.recipient else row
        for row in tables.muscles
    )
    return replace(tables, muscles=muscles, paths=_with_path(tables.paths, transfer.donor, path))


def _wrist_rows(path: Sequence[PathRow]) -> tuple[int, int] | None:
    """First and last row at the wrist, or None for a path that has none."""
    rows = [i for i, row in enumerate(path) if row.kind == "joint_site" and row.body == "wrist"]
    return (rows[0], rows[-1]) if rows else None


def _group(tables: HandTables, muscle: str) -> str:
    return next(row.group for row in tables.muscles if row.muscle == muscle)


def _ends_in_forearm(tables: HandTables, muscle: str) -> bool:
    return _group(tables, muscle) == "forearm"


def _kept(
    tables: HandTables, muscle: str, path: Sequence[PathRow]
) -> tuple[Sequence[PathRow], bool]:
    """The rows of the donor's path that stay, and whether they cross the wrist or begin beyond
    it."""
    wrist = _wrist_rows(path)
    if wrist is not None:
        if _group(tables, muscle) == "wrist":
            return _up_to_point(path[: wrist[0]]), False
        return path[: wrist[1] + 1], True
    if _ends_in_forearm(tables, muscle):
        return _up_to_point(path[:-1]), False
    return path[:1], True


def _followed(path: Sequence[PathRow], *, from_wrist: bool) -> Sequence[PathRow]:
    """The rows of the recipient's path that the donor follows; without the recipient's origin in
    any case."""
    wrist = _wrist_rows(path)
    if wrist is None:
        return path[1:]
    return path[wrist[0] :] if from_wrist else path[wrist[1] + 1 :]


def _up_to_point(path: Sequence[PathRow]) -> Sequence[PathRow]:
    """The path without surfaces at its end, which need a point beyond them."""
    end = max(i for i, row in enumerate(path) if row.kind in POINTS)
    return path[: end + 1]


def _with_path(
    paths: Sequence[PathRow], muscle: str, path: Sequence[PathRow]
) -> tuple[PathRow, ...]:
    """All paths, with that of one muscle changed in place."""
    first = next(i for i, row in enumerate(paths) if row.muscle == muscle)
    before = [row for row in paths[:first] if row.muscle != muscle]
    after = [row for row in paths[first:] if row.muscle != muscle]
    return (*before, *path, *after)
