"""The errors a user can cause, each naming the thing, its value and the legal values.

The command line prints any `MusclehandError` as one line and exits with code 2; a library caller
catches the class it can do something about. Anything else that escapes is a defect of ours and
keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from os import PathLike


class MusclehandError(Exception):
    """Base of all errors that come from what the caller passed in."""


class InvalidValue(MusclehandError):
    """A value outside its legal range: `InvalidValue("tempo", -1, "a number above 0")`."""

    def __init__(self, thing: str, value: object, legal: str) -> None:
        self.thing = thing
        self.value = value
        self.legal = legal
        super().__init__(f"{thing} is {value!r}; it must be {legal}")


class UnknownName(MusclehandError):
    """A name that does not exist: `UnknownName("muscle", "FDP9", available=names)`."""

    def __init__(self, kind: str, name: str, available: Iterable[str]) -> None:
        self.kind = kind
        self.name = name
        self.available = sorted(available)
        close = difflib.get_close_matches(name, self.available, n=3)
        shown = close or self.available[:12]
        more = "" if close or len(self.available) <= 12 else f" and {len(self.available) - 12} more"
        lead = "did you mean" if close else "known"
        super().__init__(f"unknown {kind} {name!r}; {lead}: {', '.join(shown)}{more}")


class FileError(MusclehandError):
    """Base of errors about a file that cannot be used: names it, where in it, and what is wrong."""

    def __init__(
        self, path: str | PathLike[str], problem: str, *, where: str | None = None
    ) -> None:
        self.path = str(path)
        self.problem = problem
        self.where = where
        super().__init__(f"{self.path}{f' ({where})' if where else ''}: {problem}")


class ScoreError(FileError):
    """A score file that cannot be read or played."""


class ModelError(MusclehandError):
    """A hand or piano model, or a table that describes one, that cannot be used: file, row and
    reason."""

    def __init__(self, source: str | PathLike[str], problem: str) -> None:
        self.source = str(source)
        self.problem = problem
        super().__init__(f"{self.source}: {problem}")


class OutputError(MusclehandError):
    """A result that cannot be written, or a tool that is missing for writing it."""

    def __init__(self, path: str | PathLike[str], problem: str) -> None:
        self.path = str(path)
        self.problem = problem
        super().__init__(f"cannot write {self.path}: {problem}")
