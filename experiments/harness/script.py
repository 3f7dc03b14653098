"""The command line of an experiment: arguments, old names, errors, and the command on its page."""

from __future__ import annotations

import dataclasses
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import tyro

from musclehand.cli.deprecated import Renamed, update_words
from musclehand.core.errors import MusclehandError

ArgsT = TypeVar("ArgsT")

OLD_OPTIONS: Mapping[str, str] = {"--readme": "--results"}
"""Options that every experiment has under a new name."""

UNNAMED = ("out", "workers", "results")
"""Arguments that change nothing about the results, and are left out of the command on a page."""


def run_script(
    main: Callable[[ArgsT], Any],
    arguments: type[ArgsT],
    description: str | None,
    *,
    renamed: Renamed | None = None,
) -> None:
    """Parses the command line and runs an experiment.

    Args:
        main: the experiment.
        arguments: dataclass of its arguments.
        description: shown by --help.
        renamed: old names of options and values, which work with a warning.

    Raises:
        SystemExit: with one line, after an error that a user can mend.
    """
    renamed = renamed or Renamed()
    renamed = dataclasses.replace(renamed, options={**OLD_OPTIONS, **renamed.options})
    program = Path(sys.argv[0]).name
    words = update_words(sys.argv[1:], {"": renamed}, {}, program=program)
    try:
        main(tyro.cli(arguments, description=description, args=words))
    except (MusclehandError, OSError) as error:
        raise SystemExit(str(error)) from None


def command_of(script: str, args: Any) -> str:
    """The command line that makes a page again.

    Options that have their defaults are left out, and files outside the present folder are named
    without their folders.

    Args:
        script: path of the experiment, `__file__`.
        args: its arguments, a dataclass.
    """
    words = ["python", f"experiments/{Path(script).name}"]
    options: list[str] = []
    for field in dataclasses.fields(args):
        value = getattr(args, field.name)
        if "Positional" in str(field.type):
            words += _words(value)
        elif field.name not in UNNAMED and value != _default(field):
            options += _option(field.name, value)
    return shlex.join([*words, *options, "--results"])


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _option(name: str, value: Any) -> list[str]:
    flag = f"--{name.replace('_', '-')}"
    if value is False:
        return [f"--no-{flag.removeprefix('--')}"]
    return [flag] if value is True else [flag, *_words(value)]


def _words(value: Any) -> list[str]:
    """A value as words of a command line; None gives none."""
    if value is None:
        return []
    if isinstance(value, tuple):
        return [word for part in value for word in _words(part)]
    if isinstance(value, Path) and value.is_absolute():
        return [value.name]
    return [f"{value:g}" if isinstance(value, float) else str(value)]
