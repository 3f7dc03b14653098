"""`musclehand diff`: what changed between two hand models, in anatomical words."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

_NO_DEFAULT = ""


@dataclass(frozen=True)
class DiffArgs:
    """Say in anatomical words what changed from one hand model to another.

    BEFORE and AFTER are MJCF files with one hand or two, or bundled models: musclehand or myohand.
    Muscles, joints and bones are matched by their anatomical names. The output has changes of
    muscles with their force and fibres, paths, moment arms, joints with their axes, ranges of
    motion, couplings, springs and dampers, inertia, fingertips, contacts and the simulation; the
    heaviest changes come first. Pennation is not in an MJCF file: peak force is that along the
    tendon. Changes of moment arms are the largest in 200 random postures; directions of movements
    are those of the hand at neutral.
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
    """Names of the parts of a model: a JSON file as in models/naming, for the models it fits."""

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
    """Draw the largest changes: moment arms before and after, and peak forces (PNG, PDF, SVG)."""

    all: Annotated[bool, tyro.conf.arg(help_behavior_hint=_NO_DEFAULT)] = False
    """Show all changes, not only the first of each kind."""


def diff(args: DiffArgs) -> None:
    """`musclehand diff`.

    Raises:
        MusclehandError: a model, naming or path is not usable.
    """
    from musclehand.cli.console import open_console, say
    from musclehand.core.atomic import write_file
    from musclehand.validation.difference.text import SHOWN, changes_text
    from musclehand.validation.run import diff as compare_models

    difference = compare_models(
        args.before, args.after, side=args.side, naming=args.map, root=args.root
    )
    files = []
    if args.json is not None:
        write_file(args.json, json.dumps(difference.as_json(), indent=1) + "\n")
        files.append(args.json)
    if args.figure is not None:
        difference.save_figure(args.figure)
        files.append(args.figure)
    console = open_console()
    text = changes_text(
        difference.title,
        difference.changes,
        difference.sides,
        shown=None if args.all else SHOWN,
        hint=" (--all)",
    )
    console.print(text, crop=False)
    if files:
        say(console, f"Written to {', '.join(map(str, files))}")
