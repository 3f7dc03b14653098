"""Errors that a user can cause; each names the thing, its value and the legal values.

The command line prints any `MusclehandError` as one line and exits with code 2; a caller of the
library catches the class that it can handle. Any other exception that escapes is a defect of
musclehand and keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from os import PathLike


class MusclehandError(Exception):
    """Base class of all errors that the caller's input causes."""


class InvalidValue(MusclehandError):
    """A value outside its legal range: `InvalidValue("tempo", -1, "a number above 0")`."""

    def __init__(self, thing: str, value: object, legal: str) -> None:
        """Makes the message "`thing` is `value`; it must be `legal`".

        Args:
            thing: name of the quantity.
            value: the value that was passed.
            legal: the legal values, in words.
        """
        self.thing = thing
        self.value = value
        self.legal = legal
        super().__init__(f"{thing} is {value!r}; it must be {legal}")


class UnknownName(MusclehandError):
    """A name that does not exist: `UnknownName("muscle", "FDP9", available=names)`."""

    def __init__(self, kind: str, name: str, available: Iterable[str]) -> None:
        """Makes a message with up to three similar names, or else the first twelve legal ones.

        Args:
            kind: what the name is of, such as "muscle".
            name: the name that does not exist.
            available: all legal names.
        """
        self.kind = kind
        self.name = name
        self.available = sorted(available)
        similar = difflib.get_close_matches(name, self.available, n=3)
        listed = similar or self.available[:12]
        unlisted = 0 if similar else len(self.available) - len(listed)
        ending = f" and {unlisted} more" if unlisted else ""
        lead = "did you mean" if similar else "known"
        super().__init__(f"unknown {kind} {name!r}; {lead}: {', '.join(listed)}{ending}")


class FileError(MusclehandError):
    """Base class of errors about a file that cannot be used."""

    def __init__(
        self, path: str | PathLike[str], problem: str, *, where: str | None = None
    ) -> None:
        """Makes the message "`path` (`where`): `problem`".

        Args:
            path: the file.
            problem: what is wrong with it.
            where: the place in the file, such as "line 12"; None for the file as a whole.
        """
        self.path = str(path)
        self.problem = problem
        self.where = where
        super().__init__(f"{self.path}{f' ({where})' if where else ''}: {problem}")


class ScoreError(FileError):
    """A score file that cannot be read or played."""


class ModelError(MusclehandError):
    """A model of a hand or piano that cannot be used, or a table that describes one."""

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
