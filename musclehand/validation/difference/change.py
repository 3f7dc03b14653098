"""Changes between two hands, and the pairs of hands that are compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from musclehand.body.anatomy import Side
from musclehand.validation.check import Specimen

WHOLE_PART = 1000.0
"""Weight of a muscle or joint that was added or removed."""


class Change(NamedTuple):
    """One change from one hand to another."""

    group: str
    """Heading, such as "peak force" or "paths"."""

    part: str
    """The muscle, joint or bone that changed, in words."""

    words: str
    """The change in words."""

    weight: float
    """Importance across all kinds: 1 is worth a look (10 % of a force, 3 mm of a path, 2 mm of an
    arm); a whole muscle or joint has `WHOLE_PART`."""

    old: float | None = None
    """[unit] number before; None where there are no two numbers to compare."""

    new: float | None = None
    """[unit] number after; None where there are no two numbers to compare."""

    unit: str = ""
    """Unit of `old` and `new`."""

    shared: str | None = None
    """Changes of one group with equal text here are one change of several parts; None for a change
    of its own."""

    muscle: str = ""
    """Anatomical name of the muscle that changed, if any."""

    joint: str = ""
    """Anatomical name of the joint that changed, if any."""

    sides: tuple[Side, ...] = ()
    """Hands on which it changed."""


def group_changes(changes: Sequence[Change]) -> dict[str, list[Change]]:
    """The changes by heading, both in order."""
    groups: dict[str, list[Change]] = {}
    for change in changes:
        groups.setdefault(change.group, []).append(change)
    return groups


def pair_hands(
    before: Sequence[Specimen], after: Sequence[Specimen]
) -> list[tuple[Specimen, Specimen]]:
    """The hands to compare with each other: those of the same side, or else the first of each."""
    hands_after = {specimen.hand.side: specimen for specimen in after}
    pairs = [
        (specimen, hands_after[specimen.hand.side])
        for specimen in before
        if specimen.hand.side in hands_after
    ]
    return pairs or [(before[0], after[0])]
