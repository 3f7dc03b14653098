"""What practice has taught, as a value that a plan carries: changes to notes and to idle fingers.

`strokes.rehearsal` learns them from runs. `strokes.press` uses the changes to a note, and
`strokes.idle_lift` raises the idle fingers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from musclehand.body.anatomy import Side
from musclehand.music.score import Finger

NoteKey: TypeAlias = tuple[float, int]
"""Onset [s] and pitch of a note."""


class Correction(NamedTuple):
    """Changes to the press of one note."""

    strike: float = 0.0
    """[s] by which the strike begins earlier."""

    release: float = 0.0
    """[s] by which the release begins earlier."""

    velocity: float = 0.0
    """[MIDI velocity] that is added."""

    sideways: float = 0.0
    """[m] by which the finger presses further to the right on its key."""

    inwards: float = 0.0
    """[m] by which the finger presses further from the front edge of its key."""

    depth: float = 0.0
    """[m] by which the finger presses further down than to the key's stop."""


class IdleLift(NamedTuple):
    """An idle finger that is raised for a while. It is not raised while it plays."""

    side: Side
    """Of the hand."""

    finger: Finger
    """Of the hand."""

    start: float
    """[s] at which it begins to rise."""

    end: float
    """[s] at which it is back."""

    height: float
    """[m] by which it is raised."""


@dataclass(frozen=True)
class Corrections:
    """Everything that practice has taught about one plan. Empty at first sight."""

    notes: Mapping[NoteKey, Correction] = field(default_factory=dict)
    """Changes by a note's onset [s] and pitch."""

    lifts: tuple[IdleLift, ...] = ()
    """Idle fingers that are raised, on the clock of the onsets."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "notes", dict(self.notes))
        object.__setattr__(self, "lifts", tuple(self.lifts))

    def __bool__(self) -> bool:
        return bool(self.notes) or bool(self.lifts)

    def later(self, seconds: float) -> Corrections:
        """The same on a clock that shows `seconds` more."""
        return Corrections(
            {(onset + seconds, pitch): change for (onset, pitch), change in self.notes.items()},
            tuple(
                lift._replace(start=lift.start + seconds, end=lift.end + seconds)
                for lift in self.lifts
            ),
        )
