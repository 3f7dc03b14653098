"""Entries of a naming file: its JSON text read and checked, entry by entry."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, NamedTuple

from musclehand.body.anatomy import DIGITS, HAND_JOINTS
from musclehand.body.naming_patterns import PLACE, Patterns
from musclehand.core.errors import ModelError, UnknownName

KINDS = ("joints", "muscles", "tips")
ENTRIES = ("name", "right", "left", *KINDS)
"""Legal entries of a naming file."""


class Entries(NamedTuple):
    """The content of a naming file."""

    name: str
    """Name of the model in reports."""

    right: Patterns | None
    """Patterns of the right hand; None if the model has no such hand."""

    left: Patterns | None
    """Patterns of the left hand; None if the model has no such hand."""

    joints: dict[str, str]
    """The model's joint by anatomical joint; a minus in front reverses its sign."""

    muscles: dict[str, str]
    """The model's muscle by anatomical muscle."""

    tips: dict[str, str]
    """The model's site or body at the tip by digit."""


def parse_entries(source: str, text: str, muscles: Collection[str] | None) -> Entries:
    """Reads the text of a naming file.

    Args:
        source: name of the file, for errors.
        text: its content.
        muscles: anatomical names of muscles; None takes any.

    Raises:
        ModelError: it is not JSON, or an entry is missing, of another type or the wrong way round.
        UnknownName: an entry, joint, muscle or digit has a name that does not exist.
    """
    try:
        content = json.loads(text, object_pairs_hook=lambda pairs: _unique(source, pairs))
    except (json.JSONDecodeError, RecursionError) as error:
        raise ModelError(source, f"is not JSON: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("name"), str):
        raise ModelError(source, f"must be a JSON object with {', '.join(ENTRIES)}")
    for key in content:
        if key not in ENTRIES:
            raise UnknownName(f"entry of {source}", key, ENTRIES)
    sides = [_patterns(source, side, content.get(side)) for side in ("right", "left")]
    maps = {kind: _names(source, kind, content.get(kind)) for kind in KINDS}
    if muscles is not None:
        maps["muscles"] = _anatomical_first(maps["muscles"], muscles)
    legal = {"joints": HAND_JOINTS, "muscles": muscles, "tips": DIGITS}
    for kind in KINDS:
        _check_names(source, kind, maps[kind], legal[kind])
    return Entries(content["name"], sides[0], sides[1], **maps)


def _unique(source: str, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ModelError(source, f"has {twice!r} twice in one object")
    return content


def _patterns(source: str, side: str, entry: Any) -> Patterns | None:
    """The patterns of a side: for all kinds together, or one entry for each kind."""
    if entry is None:
        return None
    if not isinstance(entry, dict):
        return Patterns.same(*_pattern_list(source, side, entry))
    for kind in entry:
        if kind not in KINDS:
            raise UnknownName(f"kind of part of {side} in {source}", kind, KINDS)
    joints = _pattern_list(source, f"{side}, joints", entry.get("joints"))
    muscles, tips = (
        _pattern_list(source, f"{side}, {kind}", entry[kind]) if kind in entry else joints
        for kind in ("muscles", "tips")
    )
    return Patterns(joints, muscles, tips)


def _pattern_list(source: str, place: str, entry: Any) -> tuple[str, ...]:
    patterns = entry if isinstance(entry, list) else [entry]
    for pattern in patterns:
        pieces = pattern.split(PLACE) if isinstance(pattern, str) else []
        if len(pieces) != 2 or set("".join(pieces)) & set("{}"):
            legal = "right and left are patterns such as '{}_r', or objects of patterns, or null"
            raise ModelError(source, f"{legal}; {place} has {pattern!r}")
    if not patterns:
        raise ModelError(source, f"{place} has no pattern")
    return tuple(patterns)


def _names(source: str, kind: str, entry: Any) -> dict[str, str]:
    if not isinstance(entry, dict) or not all(
        isinstance(value, str) and value.removeprefix("-") for value in entry.values()
    ):
        raise ModelError(source, f"{kind} must be an object of names")
    return dict(entry)


def _anatomical_first(names: dict[str, str], legal: Collection[str]) -> dict[str, str]:
    """Turns a map that runs from the model's names to anatomical ones, as in version 0.1."""
    backwards = (
        any(name not in legal for name in names)
        and all(name in legal for name in names.values())
        and len(set(names.values())) == len(names)
    )
    return {value: name for name, value in names.items()} if backwards else names


def _check_names(
    source: str, kind: str, names: dict[str, str], legal: Collection[str] | None
) -> None:
    for name, value in names.items():
        if legal is None or name in legal:
            continue
        if value.removeprefix("-") in legal:
            form = f'"{value.removeprefix("-")}": "{name}"'
            raise ModelError(source, f"{kind}: anatomical names come first; write {form}")
        raise UnknownName(f"{kind[:-1]} in {kind} of {source}", name, legal)
    taken: dict[str, str] = {}
    for name, value in names.items():
        first = taken.setdefault(value.removeprefix("-"), name)
        if first != name:
            raise ModelError(source, f"{kind}: {first} and {name} are both {value!r}")
