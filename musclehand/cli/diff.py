"""`musclehand diff`: says in anatomical words what changed between two hand models."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from musclehand.core.errors import ModelError, OutputError

if TYPE_CHECKING:
    from musclehand.validate.check import Specimen
    from musclehand.validate.difference.compare import Change, Difference

SHOWN = 12
"""Changes of one kind shown before "and more"."""

_NO_DEFAULT = ""


@dataclass(frozen=True)
class DiffArgs:
    """Say in anatomical words what changed from one hand model to another.

    BEFORE and AFTER are MJCF files with one hand or two, or models that come along: musclehand or
    myohand. Muscles, joints and bones are matched by their anatomical names. Told are muscles and
    their force and fibres, paths, moment arms, ranges of motion, springs and dampers, inertia,
    contacts and the simulation; what weighs most comes first, and what is equal is not mentioned.
    Pennation is not in an MJCF file: peak force is that along the tendon. Moment arms are the
    largest change in 200 random postures; directions of movements are those of the hand at neutral.
    Exit code 0, whether or not anything changed; 2: a model or file cannot be used.

    For example:
      musclehand diff hand.xml my_hand.xml
      musclehand diff hand.xml my_hand.xml --figure changes.png --json changes.json
      musclehand diff myohand musclehand
    """

    before: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="BEFORE")]]
    """MJCF file, or musclehand or myohand."""

    after: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="AFTER")]]
    """The same, to compare with it."""

    map: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint=_NO_DEFAULT)] = (
        None
    )
    """Which part of a model is which: a JSON file as in models/naming, for the models it fits."""

    root: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")] = None
    """Folder that a model's includes and meshes may come from; by default the one it lies in."""

    side: Annotated[str, tyro.conf.arg(metavar="left|right|both")] = "both"
    """Which hands to compare; both means those that the models have."""

    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint=_NO_DEFAULT)] = (
        None
    )
    """Write all changes to this file."""

    figure: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint=_NO_DEFAULT)
    ] = None
    """Draw what changed most: moment arms before and after, and peak forces (PNG, PDF or SVG)."""

    all: Annotated[bool, tyro.conf.arg(help_behavior_hint=_NO_DEFAULT)] = False
    """Show every change, not only the first of each kind."""


def diff(args: DiffArgs) -> None:
    """`musclehand diff`.

    Raises:
        MusclehandError: a model, naming or path is not usable.
    """
    from musclehand.cli.console import open_console, say
    from musclehand.validate.difference.compare import as_json, compare

    before, after = (_open(source, args) for source in (args.before, args.after))
    difference = compare(before, after)
    written = []
    if args.json is not None:
        try:
            args.json.write_text(json.dumps(as_json(difference), indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise OutputError(args.json, error.strerror or str(error)) from error
        written.append(args.json)
    if args.figure is not None:
        from musclehand.validate.difference.figure import save_difference

        save_difference(args.figure, difference, before, after)
        written.append(args.figure)
    print_difference(difference, shown=None if args.all else SHOWN)
    if written:
        say(open_console(), f"Written to {', '.join(map(str, written))}")


def print_difference(difference: Difference, *, shown: int | None = SHOWN) -> None:
    """The changes by kind on stdout, at most `shown` of each, or that there are none."""
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    from musclehand.cli.console import open_console, say

    console = open_console()
    names = f"{difference.before} -> {difference.after}"
    if not difference.changes:
        say(console, f"{names}: no difference")
        return
    count = len(difference.changes)
    say(console, f"{names}: {count} change{'s' if count > 1 else ''}")
    for group, changes in difference.groups.items():
        say(console, "")
        say(console, group[0].upper() + group[1:])
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
        table.add_column(max_width=44)
        table.add_column()
        for change in changes[:shown]:
            table.add_row(Text(_part(change, both=len(difference.sides) > 1)), Text(change.words))
        console.print(Padding(table, (0, 0, 0, 2)))
        if shown is not None and len(changes) > shown:
            say(console, f"  and {len(changes) - shown} more (--all)")


def _part(change: Change, *, both: bool) -> str:
    """What changed, with the hand where the models have two and it happened to one."""
    one_sided = both and len(change.sides) == 1 and change.group != "hands"
    return f"{change.part} ({change.sides[0].name.lower()})" if one_sided else change.part


def _open(source: str, args: DiffArgs) -> Sequence[Specimen]:
    """The hands of a model, named by the map where that fits it."""
    from musclehand.body.naming import read_naming
    from musclehand.validate.specimen import open_specimens

    if args.map is None:
        return open_specimens(source, root=args.root, side=args.side)
    read_naming(args.map)
    try:
        return open_specimens(source, naming=args.map, root=args.root, side=args.side)
    except ModelError as problem:
        try:
            return open_specimens(source, root=args.root, side=args.side)
        except ModelError:
            raise problem from None
