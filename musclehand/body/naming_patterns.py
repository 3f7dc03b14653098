"""Patterns of names, such as "{}_r" for all parts of a right hand, and how they are recognised.

A pattern has `{}` where the name of a part stands. A model may use several for one kind of part:
MyoArm's joints are named "{}_r", four of them "{}", and its muscles "{}".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from musclehand.body.anatomy import Side

PLACE = "{}"
"""What stands for the part in a pattern."""

FEWEST_NAMES = 3
"""Fewest names that make a pattern of more than the mark of a side, such as "robot/{}_r"; chosen,
so that "elbow_{}_r" is not one because of elbow_flexion_r."""

_MARKS = {
    **dict.fromkeys(("r", "rh", "right"), Side.RIGHT),
    **dict.fromkeys(("l", "lh", "left"), Side.LEFT),
}
"""Words in a pattern that tell its side."""


@dataclass(frozen=True)
class Patterns:
    """How a model writes the names of one hand; the patterns of a kind are tried in turn."""

    joints: tuple[str, ...]
    """Patterns of joints, such as ("{}_r",)."""

    muscles: tuple[str, ...]
    """Patterns of muscles."""

    tips: tuple[str, ...]
    """Patterns of the sites or bodies at the fingertips."""

    @classmethod
    def same(cls, *patterns: str) -> Patterns:
        """The same patterns for all kinds of parts."""
        return cls(patterns, patterns, patterns)

    @property
    def all(self) -> tuple[str, ...]:
        """All patterns, the longest first, so that each name has the shortest part."""
        every = dict.fromkeys((*self.joints, *self.muscles, *self.tips))
        return tuple(sorted(every, key=len, reverse=True))

    def with_tail(self, tail: str) -> Patterns:
        """The same patterns with a text at their end."""
        kinds = (self.joints, self.muscles, self.tips)
        return Patterns(*(tuple(pattern + tail for pattern in kind) for kind in kinds))

    def __str__(self) -> str:
        words = [" or ".join(kind) for kind in (self.joints, self.muscles, self.tips)]
        if len(set(words)) == 1:
            return f"all names {words[0]}"
        return f"joints {words[0]}, muscles {words[1]}, tips {words[2]}"


def part_of(pattern: str, name: str) -> str | None:
    """The part that a name denotes under a pattern; None if the pattern does not fit the name.

    `part_of("{}_r", "FDP2_r") == "FDP2"`.
    """
    head, tail = pattern.split(PLACE)
    fits = len(name) > len(head) + len(tail) and name.startswith(head) and name.endswith(tail)
    return name[len(head) : len(name) - len(tail)] if fits else None


def recognise(
    parts: Mapping[str, Iterable[str]], names: Mapping[str, Iterable[str]]
) -> dict[Side, Patterns]:
    """Finds the patterns in which a model writes known parts.

    A pattern belongs to the side that it names, as "{}_l" or "right/{}" do. One without a side
    belongs to the hand that lacks those parts; with a single hand it is that hand's.

    Args:
        parts: the parts of a hand for each of "joints", "muscles" and "tips".
        names: the model's names for each of these kinds.

    Returns:
        Patterns of each hand that has joints. A kind of which no name is recognised has the
        patterns of the joints.
    """
    written = {"joints": _split_by_pattern(parts["joints"], names["joints"])}
    allowed = {word for pattern in written["joints"] for word in _extra_words(pattern)}
    for kind in ("muscles", "tips"):
        patterns = _split_by_pattern(parts[kind], names[kind])
        written[kind] = {
            pattern: named
            for pattern, named in patterns.items()
            if _extra_words(pattern) <= allowed
        }
    marked = {_side_of(pattern) for kind in written.values() for pattern in kind}
    single = Side.LEFT if Side.LEFT in marked and Side.RIGHT not in marked else Side.RIGHT
    sides = {kind: _by_side(patterns, single) for kind, patterns in written.items()}
    return {
        side: Patterns(
            sides["joints"][side],
            sides["muscles"][side] or sides["joints"][side],
            sides["tips"][side] or sides["joints"][side],
        )
        for side in Side
        if sides["joints"][side]
    }


def _split_by_pattern(parts: Iterable[str], names: Iterable[str]) -> dict[str, set[str]]:
    """The parts that are named under each pattern."""
    alternatives = "|".join(re.escape(part) for part in sorted(parts, key=len, reverse=True))
    if not alternatives:
        return {}
    search = re.compile(rf"(?<![A-Za-z0-9])(?:{alternatives})(?![A-Za-z0-9])")
    named_by: dict[str, set[str]] = {}
    for name in names:
        match = search.search(name)
        if match is not None and "{" not in name and "}" not in name:
            pattern = name[: match.start()] + PLACE + name[match.end() :]
            named_by.setdefault(pattern, set()).add(match.group())
    return {
        pattern: named
        for pattern, named in named_by.items()
        if len(named) >= FEWEST_NAMES or not _extra_words(pattern)
    }


def _by_side(patterns: Mapping[str, set[str]], single: Side) -> dict[Side, tuple[str, ...]]:
    """The patterns of each side; `single` is the side of a hand whose names tell none."""
    chosen: dict[Side, list[str]] = {side: [] for side in Side}
    named: dict[Side, set[str]] = {side: set() for side in Side}
    for pattern in sorted(patterns, key=lambda pattern: _rank(pattern, patterns[pattern])):
        side = _side_of(pattern) or _unmarked_side(pattern, patterns[pattern], named, single)
        if side is not None and not patterns[pattern] <= named[side]:
            chosen[side].append(pattern)
            named[side] |= patterns[pattern]
    return {side: tuple(chosen[side]) for side in Side}


def _rank(pattern: str, parts: set[str]) -> tuple[bool, bool, int]:
    """Order of patterns: with a side before without, nothing but a side first, many parts first."""
    return _side_of(pattern) is None, bool(_extra_words(pattern)), -len(parts)


def _unmarked_side(
    pattern: str, parts: set[str], named: Mapping[Side, set[str]], single: Side
) -> Side | None:
    """The side of a pattern that tells none: that of the hand which lacks most of its parts.

    Returns:
        The side; None for a copy of a hand under another prefix, such as "target/{}".
    """
    existing = [side for side in Side if named[side]]
    if not existing:
        return single
    lacking = max(existing, key=lambda side: len(parts - named[side]))
    if len(parts - named[lacking]) >= len(parts) / 2:
        return lacking
    if len(existing) == 2 or _extra_words(pattern):
        return None
    return Side.LEFT if lacking is Side.RIGHT else Side.RIGHT


def _side_of(pattern: str) -> Side | None:
    """The side that a pattern tells, if it tells one."""
    sides = {_MARKS.get(word.lower()) for word in _words(pattern)} - {None}
    return sides.pop() if len(sides) == 1 else None


def _extra_words(pattern: str) -> set[str]:
    """The words of a pattern that tell no side."""
    return {word for word in _words(pattern) if word.lower() not in _MARKS}


def _words(pattern: str) -> list[str]:
    return re.findall(r"[A-Za-z0-9]+", pattern.replace(PLACE, " "))
