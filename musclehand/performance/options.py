"""Options of a performance as a user gives them, in words and file names, and the settings they
mean.

The same options are keyword arguments of `musclehand.play` and flags of `musclehand play`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from musclehand.core.errors import InvalidValue, UnknownName

CONTROLLERS = ("muscle", "policy", "high-level", "keyboard")
"""Names of the built-in controllers (`performance.players`)."""

PEDALS = ("written", "auto")
"""Sustain pedal as in the score, or added where a hand has to leave its keys early."""

CHORDS = ("thinned", "rolled")

MOST_REHEARSALS = 10


@dataclass(frozen=True)
class PlayOptions:
    """How a score is to be played. `check` looks at everything but the files."""

    controller: str = "muscle"
    """"muscle", "policy", "high-level" or "keyboard"."""

    policy: Path | None = None
    """JSON file of the policy, with "policy" and "high-level"; None: the bundled one."""

    condition: str | None = None
    """Condition of both hands, such as "ulnar-palsy" (`body.conditions.condition`)."""

    model: Path | None = None
    """MJCF file of the hands; None: the bundled ones."""

    naming: Path | None = None
    """JSON file that says which part of the model is which, where its names are not known."""

    root: Path | None = None
    """Folder that the model's includes and meshes may come from; None: its own."""

    criterion: str = "squares"
    """How muscles share work (`control.criterion`)."""

    co_contraction: float = 0.0
    """Activation that muscles hold where the task needs nothing of them, 0 to 1."""

    chords: str = "thinned"
    """Chords wider than a hand lose a note ("thinned") or are rolled ("rolled")."""

    pedal: str = "written"
    """Sustain pedal "written" as in the score, or "auto"."""

    rehearsals: int = 0
    """Runs before the one that counts, 0 to `MOST_REHEARSALS`."""

    processes: int | None = None
    """1 or 2; None: where a second process pays."""

    def check(self) -> None:
        """Checks the options without reading a file.

        Raises:
            UnknownName, InvalidValue: an option is out of range, or does not go with another.
        """
        from musclehand.control.criterion import CRITERIA

        for name, value, legal in (
            ("controller", self.controller, CONTROLLERS),
            ("criterion", self.criterion, CRITERIA),
            ("chords", self.chords, CHORDS),
            ("pedal", self.pedal, PEDALS),
        ):
            if value not in legal:
                raise UnknownName(name, value, legal)
        if not 0.0 <= self.co_contraction <= 1.0:
            raise InvalidValue("co-contraction", self.co_contraction, "an activation, 0 to 1")
        hands = self.controller in ("muscle", "policy")
        if not 0 <= self.rehearsals <= MOST_REHEARSALS or (self.rehearsals and not hands):
            legal_rehearsals = f"0 to {MOST_REHEARSALS}, with --controller muscle or policy"
            raise InvalidValue("rehearsals", self.rehearsals, legal_rehearsals)
        if self.policy is not None and self.controller not in ("policy", "high-level"):
            legal_policy = "left out, or with --controller policy or high-level"
            raise InvalidValue("policy", str(self.policy), legal_policy)
        if self.processes not in (None, 1, 2):
            raise InvalidValue("processes", self.processes, "1 or 2")
        if self.naming is not None and self.model is None:
            raise InvalidValue("map", str(self.naming), "left out without a model")
        if self.condition is not None and self.model is not None:
            legal_condition = "left out with a model: only the bundled hand can have one"
            raise InvalidValue("condition", self.condition, legal_condition)
        for name in ("condition", "model", "criterion", "co_contraction", "chords"):
            value = getattr(self, name)
            default = PlayOptions.__dataclass_fields__[name].default
            if value != default and self.controller != "muscle":
                option = name.replace("_", "-")
                raise InvalidValue(option, str(value), "left out, or with --controller muscle")
