"""Unfolding of repeats: repeat signs, endings, da capo, dal segno and coda.

Conventions: a repeat without a beginning goes back to the end of the one before. A bracket is
decided at its first measure; one without a number is the next in its row. A repeat that begins
under a later bracket of a row, or inside any, is nested: its bracket is not asked again. After a da
capo or dal segno, repeats that have been taken are not taken again, but for those marked to be, and
of endings that have been played the last is played. Every jump is taken once. Format: MusicXML 4.0
(W3C, 2021), elements `repeat`, `ending` and `sound`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from musclehand.core.errors import InvalidValue

MAX_MEASURES = 20_000
"""Most measures played, repeats included."""

UNNUMBERED = 0
"""Number of a bracket that has none; it gets the next one of its row."""


@dataclass(frozen=True)
class MeasureMarks:
    """The signs of one written measure."""

    begins_repeat: bool = False
    """A repeat sign opens at the beginning of the measure."""

    times: int = 0
    """Times that the section which ends with this measure is played; 0 where no repeat ends."""

    endings: frozenset[int] = frozenset()
    """Numbers of the bracket over the measure; `UNNUMBERED` where it has none."""

    begins_ending: bool = False
    """The bracket begins with the measure. It also begins where the numbers change."""

    segno: str | None = None
    """Name of the segno that stands at the measure."""

    coda: str | None = None
    """Name of the coda that begins with the measure."""

    da_capo: bool = False
    """A da capo ends the measure: go back to the beginning."""

    dal_segno: str | None = None
    """A dal segno ends the measure: go back to the segno of this name, else to the last one."""

    to_coda: str | None = None
    """After a return, the measure is followed by the coda of this name, else by the next one."""

    fine: bool = False
    """After a return, the piece ends with the measure."""

    after_jump: bool = False
    """The repeat that ends with the measure is taken after a da capo or dal segno too."""


UNMARKED = MeasureMarks()
"""A measure without signs."""


class Unfolding(NamedTuple):
    """A piece as it is played."""

    order: list[int]
    """Indices of the written measures in the order in which they are played."""

    turns: list[int]
    """For each measure played, which time its section is played, from 1."""

    jumps_not_taken: list[int]
    """Measures whose da capo, dal segno or to-coda leads nowhere or was never reached."""


class _Row:
    """Brackets one behind the other, such as a first and a second ending."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.numbers: set[int] = set()
        self.after_jump = False

    @property
    def highest(self) -> int:
        """Highest number of a bracket."""
        return max(self.numbers)


class _Bracket:
    """A bracket over measures `first` to `last`."""

    def __init__(self, first: int, numbers: frozenset[int], row: _Row) -> None:
        if UNNUMBERED in numbers:
            numbers = frozenset({max(row.numbers, default=0) + 1})
        self.first = self.last = first
        self.numbers = numbers
        self.row = row
        row.numbers |= numbers


def playing_order(marks: Sequence[MeasureMarks]) -> list[int]:
    """Indices of the written measures in the order in which they are played.

    Raises:
        InvalidValue: more than `MAX_MEASURES` are played.
    """
    return unfold(marks).order


def unfold(marks: Sequence[MeasureMarks]) -> Unfolding:
    """Unfold the repeats of a piece.

    Raises:
        InvalidValue: more than `MAX_MEASURES` are played.
    """
    walk = _Walk(marks)
    while walk.index < len(marks):
        walk.step()
    jumping = {
        index
        for index, mark in enumerate(marks)
        if mark.da_capo or mark.dal_segno is not None or mark.to_coda is not None
    }
    missed = sorted(jumping - {index for index, _ in walk.taken})
    return Unfolding(walk.order, walk.turns, missed)


class _Walk:
    """Plays a piece measure by measure."""

    def __init__(self, marks: Sequence[MeasureMarks]) -> None:
        self.order: list[int] = []
        self.turns: list[int] = []
        self.taken: set[tuple[int, str]] = set()
        self.index = 0
        self._marks = marks
        self._brackets = _brackets(marks)
        self._section = 0
        self._turn = 1
        self._came_back = self._returned = False
        self._outer: tuple[_Row, int, int] | None = None
        self._done: set[int] = set()
        self._played_rows: set[int] = set()

    def step(self) -> None:
        """Play the measure at `index`, or skip its bracket, and go to the next one."""
        index = self.index
        mark = self._marks[index]
        bracket = self._brackets[index]
        if bracket is not None and index == bracket.first and not self._is_turn_of(bracket):
            self.index = bracket.last + 1
            self._came_back = False
            return
        self._came_back = False
        if (mark.begins_repeat and index != self._section) or self._leaves_endings(index):
            if bracket is not None and index > bracket.row.first and self._outer is None:
                self._outer = (bracket.row, self._section, self._turn)
            self._section = index
            self._turn = 1
        if bracket is not None:
            self._played_rows.add(bracket.row.first)
        self._play(index)
        if self._repeats(mark, bracket):
            return
        if self._returned and mark.fine:
            self.index = len(self._marks)
            return
        target = self._jump(index)
        self.index = index + 1 if target is None else target
        if target is not None:
            self._section, self._turn = target, 1
            self._outer = None

    def _play(self, index: int) -> None:
        self.order.append(index)
        self.turns.append(self._turn)
        if len(self.order) > MAX_MEASURES:
            raise InvalidValue(
                "number of measures played, with repeats,",
                len(self.order),
                f"at most {MAX_MEASURES:,}",
            )

    def _is_turn_of(self, bracket: _Bracket) -> bool:
        """Whether a bracket is played that is entered now."""
        row = bracket.row
        if self._came_back and bracket.first > row.first:
            return True
        again = self._returned and row.first in self._played_rows and not row.after_jump
        return (row.highest if again else self._turn) in bracket.numbers

    def _leaves_endings(self, index: int) -> bool:
        """Whether the measure is the first one behind a row of brackets whose repeat ends there."""
        left = self._brackets[index - 1] if index else None
        return (
            left is not None
            and self._brackets[index] is None
            and index != self._section
            and self._section <= left.row.first
        )

    def _repeats(self, mark: MeasureMarks, bracket: _Bracket | None) -> bool:
        """Go back to the beginning of the section, if the measure ends a repeat that is due."""
        if not mark.times or (self._returned and self.index in self._done and not mark.after_jump):
            return False
        total = mark.times
        if bracket is not None and self._section <= bracket.row.first:
            total = max(total, bracket.row.highest)
        if self._turn < total:
            self._turn += 1
            self.index = self._section
            self._came_back = True
            return True
        self._done.add(self.index)
        self._section, self._turn = self.index + 1, 1
        if self._outer is not None:
            row, section, turn = self._outer
            if bracket is not None and bracket.row is row:
                self._section, self._turn = section, turn
            self._outer = None
        return False

    def _jump(self, index: int) -> int | None:
        """Target of the jump at the end of a measure, if one is taken."""
        mark = self._marks[index]
        if self._returned and mark.to_coda is not None:
            codas = [
                i for i in range(index + 1, len(self._marks)) if self._marks[i].coda is not None
            ]
            named = [i for i in codas if self._marks[i].coda == mark.to_coda]
            if codas and self._take(index, "to coda"):
                return (named or codas)[0]
        if mark.da_capo and self._take(index, "da capo"):
            self._returned = True
            return 0
        if mark.dal_segno is not None:
            signs = [i for i in range(index, -1, -1) if self._marks[i].segno is not None]
            named = [i for i in signs if self._marks[i].segno == mark.dal_segno]
            if signs and self._take(index, "dal segno"):
                self._returned = True
                return (named or signs)[0]
        return None

    def _take(self, index: int, kind: str) -> bool:
        """Whether a jump has not been taken yet; it is taken then."""
        fresh = (index, kind) not in self.taken
        self.taken.add((index, kind))
        return fresh


def _brackets(marks: Sequence[MeasureMarks]) -> list[_Bracket | None]:
    """The bracket over each measure."""
    brackets: list[_Bracket | None] = []
    for index, mark in enumerate(marks):
        before = brackets[-1] if brackets else None
        if not mark.endings:
            brackets.append(None)
            continue
        same = before is not None and mark.endings == marks[index - 1].endings
        if before is None or (not same and 1 in mark.endings and 1 in before.row.numbers):
            before = _Bracket(index, mark.endings, _Row(index))
        elif same and not mark.begins_ending:
            before.last = index
        else:
            before = _Bracket(index, mark.endings, before.row)
        before.row.after_jump |= mark.after_jump
        brackets.append(before)
    return brackets
