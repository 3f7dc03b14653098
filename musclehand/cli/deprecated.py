"""Old names of commands, options and values, which work for one more release with a warning.

The words of a command line are rewritten before they are parsed, so that the rest of the command
line knows the new names alone. To rename something, add a row to `RENAMED`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["RENAMED", "RENAMED_COMMANDS", "Renamed", "rewrite", "update_words"]


@dataclass(frozen=True)
class Renamed:
    """Old names of one command; options are written with hyphens, as in its help."""

    options: Mapping[str, str] = field(default_factory=dict)
    """Old option to new one. A name that ends in a dot is that of a group of options, such as
    "--slope." for "--slope.iterations"."""

    fields: Mapping[str, str] = field(default_factory=dict)
    """Last part of an option in a group, old to new, such as "rate" for "--apg.rate"."""

    values: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """(new name of an option, old value) to new value."""


RENAMED_COMMANDS: Mapping[str, str] = {}
"""Old command to new one, each of one word or more."""

_FIELDS = {
    "teacher-share": "dagger-beta",
    "rate": "learning-rate",
    "memory": "buffer-iterations",
    "fading": "discount",
    "answers": "through-policy",
    "no-answers": "no-through-policy",
    "latent": "latent-size",
    "hold": "action-repeat",
    "divergence": "kl-weight",
    "warm-up": "kl-warm-up",
    "beside": "static-steps",
    "share": "static-share",
    "intention": "latent-weight",
    "moves": "move-weight",
    "critic-rate": "critic-learning-rate",
    "entropy": "entropy-coef",
    "critic-alone": "critic-warm-up",
    "critic": "critic-hidden",
}
"""Fields of the algorithms' configurations."""

RENAMED: Mapping[str, Renamed] = {
    "play": Renamed(values={("--controller", "planner"): "high-level"}),
    "learn": Renamed(options={"--planner": "--policy"}),
    "train piece": Renamed(options={"--planner": "--policy"}),
    "train track": Renamed(
        options={
            "--warm.": "--dagger.",
            "--slope.": "--apg.",
            "--delay": "--sensory-delay",
            "--past": "--action-history",
            "--smooth": "--undisturbed",
            "--ppo.noise": "--ppo.init-std",
        },
        fields=_FIELDS,
    ),
    "train latent": Renamed(
        options={"--latent.": "--distillation.", "--slope.": "--apg."},
        fields=_FIELDS,
    ),
    "train generalist": Renamed(
        options={"--read.": "--cloning.", "--teach.": "--dagger."},
        fields=_FIELDS,
    ),
}
"""By the words of the command, as they are called now."""


def update_words(
    words: Sequence[str],
    renamed: Mapping[str, Renamed] = RENAMED,
    commands: Mapping[str, str] = RENAMED_COMMANDS,
    *,
    program: str = "musclehand",
) -> list[str]:
    """The words of a command line with new names; old ones give one line on standard error.

    Args:
        words: of the command line, without the program.
        renamed: names by command; "" for a program without commands.
        commands: old command to new one.
        program: named in the warning.
    """
    words, changes = rewrite(words, renamed, commands)
    if changes:
        names = "; ".join(f"{old} is called {new} now" for old, new in changes.items())
        print(
            f"{program}: warning: {names}. The next release knows the new name alone.",
            file=sys.stderr,
        )
    return words


def rewrite(
    words: Sequence[str],
    renamed: Mapping[str, Renamed] = RENAMED,
    commands: Mapping[str, str] = RENAMED_COMMANDS,
) -> tuple[list[str], dict[str, str]]:
    """Replaces old names.

    Args:
        words: of a command line.
        renamed: names by command.
        commands: old command to new one.

    Returns:
        The words with new names, and what was replaced, old to new.
    """
    words = list(words)
    changes: dict[str, str] = {}
    command = _command(words, commands)
    if command is not None:
        changes[command] = commands[command]
        words[: len(command.split())] = commands[command].split()
    command = _command(words, renamed)
    if command is None:
        return words, changes
    names = renamed[command]
    option = ""
    for place in range(len(command.split()), len(words)):
        word = words[place]
        if word.startswith("--"):
            option, equals, value = word.partition("=")
            new = _new_option(option, names)
            if new != option:
                changes[option] = new
            option = new
            new_value = names.values.get((option, value), value)
            words[place] = f"{option}{equals}{new_value}"
        else:
            value = word
            new_value = names.values.get((option, value), value)
            words[place] = new_value
        if new_value != value:
            changes[f"{option} {value}"] = f"{option} {new_value}"
    return words, changes


def _command(words: Sequence[str], commands: Mapping[str, object]) -> str | None:
    """The longest of some commands that the words begin with."""
    for command in sorted(commands, key=lambda name: -len(name.split())):
        parts = command.split()
        if list(words[: len(parts)]) == parts:
            return command
    return None


def _new_option(option: str, names: Renamed) -> str:
    """The new name of an option, or the option as it is if it was not renamed."""
    name = option.replace("_", "-")
    if name in names.options:
        return names.options[name]
    group, dot, last = name.rpartition(".")
    new_group = names.options.get(f"{group}.", f"{group}.") if dot else ""
    new_last = names.fields.get(last, last) if dot else last
    new = f"{new_group}{new_last}"
    return option if new == name else new
