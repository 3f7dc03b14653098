"""MuJoCo's messages with the names of the parts that they give by number."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import mujoco

_KINDS = ("actuator", "tendon", "joint", "geom", "site", "body", "sensor", "equality")
_NUMBER = re.compile(rf"\b({'|'.join(_KINDS)}) (\d+)\b", re.IGNORECASE)


def name_parts(message: str, spec: mujoco.MjSpec) -> str:
    """Puts names in place of numbers: "actuator 27" becomes "actuator 'APL_r'".

    Args:
        message: MuJoCo's message.
        spec: the model that it is about.

    Returns:
        The message; parts without a name keep their number.
    """

    def named(match: re.Match[str]) -> str:
        kind = match.group(1)
        name = _name(_parts(spec, kind.lower()), int(match.group(2)))
        return f"{kind} {name!r}" if name else match.group()

    return _NUMBER.sub(named, message)


def _parts(spec: mujoco.MjSpec, kind: str) -> Iterable[Any]:
    """All parts of a kind."""
    lists = {"body": "bodies", "equality": "equalities"}
    parts: Iterable[Any] = getattr(spec, lists.get(kind, f"{kind}s"))
    return parts


def _name(parts: Iterable[Any], number: int) -> str:
    """Name of the part with a number, which MuJoCo's compiler gives in the order of the model."""
    return next((str(part.name) for part in parts if part.id == number), "")
