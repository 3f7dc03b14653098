"""Unfolding of repeats: repeat signs, numbered endings, da capo, dal segno and coda.

Conventions: a repeat without a beginning goes back to the end of the one before; after a da capo or
dal segno, repeats are not taken again and of numbered endings the last is played. A da capo or dal
segno is taken once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from musclehand.core.errors import InvalidValue

MAX_MEASURES = 20_000
"""Most measures played, repeats included."""


@dataclass(frozen=True)
class MeasureMarks:
    """The signs of one written measure."""

    begins_repeat: bool = False
    """A repeat sign opens at the beginning of the measure."""

    times: int = 0
    """Times that the section which ends with this measure is played; 0 where no repeat ends."""

    endings: frozenset[int] = frozenset()
    """Numbers of the bracket over the measure."""

    segno: bool = False
    """The segno sign stands at the measure."""

    coda: bool = False
    """The coda begins with the measure."""

    da_capo: bool = False
    """A da capo ends the measure: go back to the beginning."""

    dal_segno: bool = False
    """A dal segno ends the measure: go back to the segno."""

    to_coda: bool = False
    """After a return, the measure is followed by the coda."""

    fine: bool = False
    """After a return, the piece ends with the measure."""


UNMARKED = MeasureMarks()
"""A measure without signs."""


def playing_order(marks: Sequence[MeasureMarks]) -> list[int]:
    """Unfold the repeats of a piece.

    Returns:
        Indices of the written measures in the order in which they are played.

    Raises:
        InvalidValue: more than `MAX_MEASURES` are played.
    """
    last_ending = _last_endings(marks)
    order: list[int] = []
    index = section = 0
    turn = 1
    returned = False
    while index < len(marks):
        mark = marks[index]
        leaves_endings = (
            index > 0 and bool(marks[index - 1].endings) and not mark.endings and index != section
        )
        if (mark.begins_repeat and index != section) or leaves_endings:
            section = index
            turn = 1
        if mark.endings and (last_ending[index] if returned else turn) not in mark.endings:
            index += 1
            continue
        order.append(index)
        if len(order) > MAX_MEASURES:
            raise InvalidValue(
                "number of measures played, with repeats,", len(order), f"at most {MAX_MEASURES:,}"
            )
        if mark.times and not returned and turn < max(mark.times, last_ending[index]):
            turn += 1
            index = section
            continue
        if mark.times:
            section = index + 1
            turn = 1
        if returned and mark.fine:
            break
        target = _jump(marks, index, returned)
        if target is not None:
            returned = True
            section = target
            turn = 1
            index = target
            continue
        index += 1
    return order


def _jump(marks: Sequence[MeasureMarks], index: int, returned: bool) -> int | None:
    """Target of the da capo, dal segno or to-coda at the end of measure `index`, if it is taken."""
    mark = marks[index]
    if returned:
        codas = [i for i in range(index + 1, len(marks)) if marks[i].coda]
        return codas[0] if mark.to_coda and codas else None
    if mark.da_capo:
        return 0
    if mark.dal_segno:
        return next((i for i in range(index, -1, -1) if marks[i].segno), None)
    return None


def _last_endings(marks: Sequence[MeasureMarks]) -> list[int]:
    """For each measure under a bracket, the highest number among the brackets in a row with it;
    otherwise 0."""
    last = [0] * len(marks)
    start = 0
    while start < len(marks):
        stop = start
        while stop < len(marks) and marks[stop].endings:
            stop += 1
        if stop > start:
            highest = max(max(mark.endings) for mark in marks[start:stop])
            last[start:stop] = [highest] * (stop - start)
        start = stop + 1
    return last
