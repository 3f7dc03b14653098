"""The difference between two hand models, in anatomical words.

Muscles, joints and bones are matched by their anatomical names, so that the models may name them
differently; path points are matched by their own names. Rounding to the 6 digits of an XML file is
no change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import TYPE_CHECKING, Any

from musclehand.body.anatomy import Side
from musclehand.core.errors import InvalidValue
from musclehand.validation.check import Specimen
from musclehand.validation.difference.bodies import compare_bodies
from musclehand.validation.difference.change import WHOLE_PART, Change, group_changes, pair_hands
from musclehand.validation.difference.joints import compare_joints
from musclehand.validation.difference.muscles import compare_muscles
from musclehand.validation.difference.text import SHOWN, changes_html, changes_text
from musclehand.validation.text import render_plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MERGED_FROM = 4
"""The same change of this many parts or more is one line."""

LISTED_PARTS = 8
LISTED_FIRST = 5
"""Parts that such a line lists; of more parts, the number that it lists before "and more"."""


@dataclass(frozen=True, eq=False)
class Difference:
    """All changes from one model to another, the heaviest groups and changes first.

    `print` shows the first changes of each group; in a notebook a difference shows itself.
    """

    before: str
    """Name of the first model."""

    after: str
    """Name of the second model."""

    sides: tuple[Side, ...]
    """The hands that were compared; of `before`, where the models share none."""

    changes: tuple[Change, ...]
    """The changes, in order."""

    hands: tuple[tuple[Specimen, Specimen], ...] = field(repr=False)
    """The hands that were compared, before and after."""

    @property
    def groups(self) -> dict[str, list[Change]]:
        """The changes by heading, in order."""
        return group_changes(self.changes)

    def as_json(self) -> dict[str, Any]:
        """The difference as a JSON object."""
        return {
            "before": self.before,
            "after": self.after,
            "sides": [side.name.lower() for side in self.sides],
            "equal": not self.changes,
            "changes": [
                {
                    "group": change.group,
                    "part": change.part,
                    "muscle": change.muscle or None,
                    "joint": change.joint or None,
                    "sides": [side.name.lower() for side in change.sides],
                    "words": change.words,
                    "weight": round(change.weight, 4),
                    "old": change.old,
                    "new": change.new,
                    "unit": change.unit,
                }
                for change in self.changes
            ],
        }

    def draw(self) -> Figure:
        """Draws what changed most in the first hand: moment arms and peak forces."""
        from musclehand.validation.difference.figure import draw_changes

        return draw_changes(self.changes, *self.hands[0], names=(self.before, self.after))

    def save_figure(self, path: str | PathLike[str]) -> None:
        """Draws into a file: PNG, or another format by the name's suffix (PDF, SVG).

        Raises:
            OutputError: the file cannot be written, or Matplotlib does not know the format.
        """
        from musclehand.core.figure_file import save_figure

        save_figure(self.draw(), path)

    def to_text(self, *, shown: int | None = SHOWN) -> str:
        """The changes by group as plain text.

        Args:
            shown: changes of a group before "and more"; None for all.
        """
        return render_plain(changes_text(self.title, self.changes, self.sides, shown=shown))

    @property
    def title(self) -> str:
        """Names of both models, with an arrow."""
        return f"{self.before} -> {self.after}"

    def __str__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        return changes_html(self.title, self.changes, self.sides)


def compare(before: Sequence[Specimen], after: Sequence[Specimen]) -> Difference:
    """Compares the hands of two models, side by side.

    A right hand is compared with a left one where the models share no side.

    Args:
        before: the hands of one model, as `open_specimens` returns them.
        after: those of the other.

    Raises:
        InvalidValue: one of them has no hands.
    """
    if not before or not after:
        raise InvalidValue(
            "hands to compare", (len(before), len(after)), "at least one of either model"
        )
    changes: list[Change] = []
    pairs = pair_hands(before, after)
    for pair in pairs:
        hand_changes = [*compare_muscles(*pair), *compare_joints(*pair), *compare_bodies(*pair)]
        side = pair[0].hand.side
        changes += [change._replace(sides=(side,)) for change in _merge_parts(hand_changes)]
    changes += _unpaired(before, after)
    changes = _merge_sides(changes)
    heaviest: dict[str, float] = {}
    for change in changes:
        heaviest[change.group] = max(heaviest.get(change.group, 0.0), change.weight)
    changes.sort(
        key=lambda change: (-heaviest[change.group], change.group, -change.weight, change.part)
    )
    return Difference(
        before=before[0].source,
        after=after[0].source,
        sides=tuple(specimen.hand.side for specimen, _ in pairs),
        changes=tuple(changes),
        hands=tuple(pairs),
    )


def _unpaired(before: Sequence[Specimen], after: Sequence[Specimen]) -> list[Change]:
    """Hands that only one of the models has."""
    old = {specimen.hand.side for specimen in before}
    new = {specimen.hand.side for specimen in after}
    return [
        *(_unpaired_side(side, "only before: compared are the other hands") for side in old - new),
        *(_unpaired_side(side, "only after: compared are the other hands") for side in new - old),
    ]


def _unpaired_side(side: Side, words: str) -> Change:
    return Change("hands", f"{side.name.lower()} hand", words, 2 * WHOLE_PART, sides=(side,))


def _merge_parts(changes: list[Change]) -> list[Change]:
    """Merges the same change of many parts into one."""
    equal: dict[tuple[str, str], list[Change]] = {}
    for change in changes:
        if change.shared is not None:
            equal.setdefault((change.group, change.shared), []).append(change)
    merged = [change for change in changes if change.shared is None]
    for (group, words), members in equal.items():
        if len(members) < MERGED_FROM:
            merged += members
            continue
        names = list(dict.fromkeys(change.part.split(",")[0] for change in members))
        part = ", ".join(names)
        if len(names) > LISTED_PARTS:
            part = f"{', '.join(names[:LISTED_FIRST])} and {len(names) - LISTED_FIRST} more"
        weight = max(change.weight for change in members)
        unit = members[0].unit
        merged.append(Change(group, part, words, weight, unit=unit, shared=words))
    return merged


def _merge_sides(changes: list[Change]) -> list[Change]:
    """Merges the same change of both hands into one."""
    merged: dict[tuple[str, str, str], Change] = {}
    for change in changes:
        key = (change.group, change.part, change.words)
        earlier = merged.get(key)
        sides = change.sides if earlier is None else (*earlier.sides, *change.sides)
        merged[key] = change._replace(sides=sides)
    return list(merged.values())
