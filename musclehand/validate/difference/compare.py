"""What changed between two hand models, in anatomical words.

Muscles, joints and bones are matched by their anatomical names, so the two models may name them
differently; path points are matched by their own names. Changes that writing a model to XML makes
(6 digits) are no changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from musclehand.body.anatomy import Side
from musclehand.core.errors import InvalidValue
from musclehand.validate.check import Specimen

WHOLE_PART = 1000.0

MERGED_FROM = 4
"""As many parts with the same change are told in one line."""


class Change(NamedTuple):
    """One thing that is not the same any more.

    `group` is a heading ("peak force", "path"), `part` what changed (a muscle, a joint, a bone) and
    `words` how. `weight` compares changes of all kinds: 1 is a change worth a look (10 % of a
    force, 3 mm of a path, 2 mm of an arm); a muscle or joint more or less has `WHOLE_PART`. `old`
    and `new` are numbers in `unit` where there are two to compare. `alike`: changes of a group with
    the same text here are the same change of several parts; None: told one by one. `muscle` and
    `joint` are the anatomical names of what changed, where it is one. `sides` are the hands it
    happened to.
    """

    group: str
    part: str
    words: str
    weight: float
    old: float | None = None
    new: float | None = None
    unit: str = ""
    alike: str | None = None
    muscle: str = ""
    joint: str = ""
    sides: tuple[Side, ...] = ()


class Difference(NamedTuple):
    """All changes from one model to the other, the heaviest group first and the heaviest changes
    first in it.

    `sides` are the hands that were compared (of `before`, where the two share none).
    """

    before: str
    after: str
    sides: tuple[Side, ...]
    changes: tuple[Change, ...]

    @property
    def groups(self) -> dict[str, list[Change]]:
        """The changes by heading, in order."""
        found: dict[str, list[Change]] = {}
        for change in self.changes:
            found.setdefault(change.group, []).append(change)
        return found


def compare(before: Sequence[Specimen], after: Sequence[Specimen]) -> Difference:
    """Compares the hands of two models, side by side; a right hand with a left one where they share
    no side.

    Args:
        before: the hands of one model, as `open_specimens` gives them.
        after: those of the other.

    Raises:
        InvalidValue: one of them has no hands.
    """
    if not before or not after:
        raise InvalidValue(
            "hands to compare", (len(before), len(after)), "at least one of either model"
        )
    from musclehand.validate.difference.bodies import compare_bodies
    from musclehand.validate.difference.joints import compare_joints
    from musclehand.validate.difference.muscles import compare_muscles

    changes: list[Change] = []
    pairs = paired(before, after)
    for one, other in pairs:
        found = [
            *compare_muscles(one, other),
            *compare_joints(one, other),
            *compare_bodies(one, other),
        ]
        changes += [change._replace(sides=(one.hand.side,)) for change in _merge_parts(found)]
    changes += _sides(before, after)
    changes = _merge_sides(changes)
    heaviest: dict[str, float] = {}
    for change in changes:
        heaviest[change.group] = max(heaviest.get(change.group, 0.0), change.weight)
    changes.sort(
        key=lambda change: (-heaviest[change.group], change.group, -change.weight, change.part)
    )
    sides = tuple(one.hand.side for one, _ in pairs)
    return Difference(before[0].source, after[0].source, sides, tuple(changes))


def paired(
    before: Sequence[Specimen], after: Sequence[Specimen]
) -> list[tuple[Specimen, Specimen]]:
    """The hands that are compared with each other."""
    others = {specimen.hand.side: specimen for specimen in after}
    pairs = [(one, others[one.hand.side]) for one in before if one.hand.side in others]
    return pairs or [(before[0], after[0])]


def as_json(difference: Difference) -> dict[str, Any]:
    """The same for a JSON file."""
    return {
        "before": difference.before,
        "after": difference.after,
        "sides": [side.name.lower() for side in difference.sides],
        "equal": not difference.changes,
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
            for change in difference.changes
        ],
    }


def _sides(before: Sequence[Specimen], after: Sequence[Specimen]) -> list[Change]:
    first, second = ({one.hand.side for one in hands} for hands in (before, after))
    found = [_side(side, "only before: compared are the other hands") for side in first - second]
    return found + [
        _side(side, "only after: compared are the other hands") for side in second - first
    ]


def _side(side: Side, words: str) -> Change:
    return Change("hands", f"{side.name.lower()} hand", words, 2 * WHOLE_PART, sides=(side,))


def _merge_parts(changes: list[Change]) -> list[Change]:
    """Tells the same change of many parts once."""
    alike: dict[tuple[str, str], list[Change]] = {}
    for change in changes:
        if change.alike is not None:
            alike.setdefault((change.group, change.alike), []).append(change)
    result = [change for change in changes if change.alike is None]
    for (_, text), members in alike.items():
        if len(members) < MERGED_FROM:
            result += members
            continue
        names = list(dict.fromkeys(change.part.split(",")[0] for change in members))
        part = (
            ", ".join(names)
            if len(names) <= 8
            else f"{', '.join(names[:5])} and {len(names) - 5} more"
        )
        heaviest = max(change.weight for change in members)
        result.append(
            Change(members[0].group, part, text, heaviest, unit=members[0].unit, alike=text)
        )
    return result


def _merge_sides(changes: list[Change]) -> list[Change]:
    """Tells what happened to both hands once."""
    merged: dict[tuple[str, str, str], Change] = {}
    for change in changes:
        key = (change.group, change.part, change.words)
        known = merged.get(key)
        sides = change.sides if known is None else (*known.sides, *change.sides)
        merged[key] = change._replace(sides=sides)
    return list(merged.values())
