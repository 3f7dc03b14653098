"""What hands touched in one run: fingers on keys and fingers on fingers, on the score's clock.

`controllers.contact_log` makes it from the contacts of a simulation, and `strokes.rehearsal` learns
from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from musclehand.body.anatomy import Side
from musclehand.planning.strokes.corrections import NoteKey

Digit: TypeAlias = tuple[Side, int]
"""A finger of a hand, thumb 1 to little finger 5."""

Point: TypeAlias = tuple[float, float, float]
"""[m] x, y and z in the world, or a direction there."""


class KeyTouch(NamedTuple):
    """A finger that touched a key without a break."""

    digit: Digit
    """The finger."""

    key: int
    """Index of the key, 0 to 87."""

    start: float
    """[s] of the first control step with contact."""

    end: float
    """[s] of the last one."""

    place: Point
    """[m] of the contact where it was deepest."""

    normal: Point
    """Direction from the key to the finger there; up on the key's top, -y at its front."""


class DigitTouch(NamedTuple):
    """Two fingers that touched each other without a break."""

    digits: tuple[Digit, Digit]
    """The fingers; right hand before left, thumb first."""

    start: float
    """[s] of the first control step with contact."""

    end: float
    """[s] of the last one."""


class RunContacts(NamedTuple):
    """Everything that fingers touched in a run."""

    keys: tuple[KeyTouch, ...] = ()
    """In the order of their ends."""

    digits: tuple[DigitTouch, ...] = ()
    """In the order of their ends."""

    tips: Mapping[NoteKey, Point] = {}
    """[m] where the fingertip of each planned note was at its onset."""
