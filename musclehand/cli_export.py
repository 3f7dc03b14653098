"""`musclehand export`: writes our hands as an MJCF file to look at, edit and check."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from musclehand.core.errors import InvalidValue

_NO_DEFAULT = ""
_MM = 1e-3


@dataclass(frozen=True)
class ExportArgs:
    """Write the hand as an MJCF file: to look at, to edit, to use elsewhere.

    FILE.xml is complete in itself: MuJoCo, its viewer and MyoSuite open it, and a text editor changes it. Its head says
    what means what. `musclehand validate` checks it and `musclehand diff` says what was changed.

    For example:
      musclehand export hand.xml
      musclehand export hands.xml --side both --bones
      musclehand export small.xml --hand-length 160 --hand-breadth 70 --strength 0.6
    """

    file: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="FILE.xml")]]
    """Where to write it."""

    side: Annotated[str, tyro.conf.arg(metavar="left|right|both")] = "right"
    """Which hand, or both."""

    bones: Annotated[bool, tyro.conf.arg(help_behavior_hint=_NO_DEFAULT)] = False
    """With bone meshes, in a folder called assets beside the file."""

    hand_length: Annotated[float | None, tyro.conf.arg(metavar="MM", help_behavior_hint=_NO_DEFAULT)] = None
    """From the wrist to the tip of the middle finger; by default 175 mm."""

    hand_breadth: Annotated[float | None, tyro.conf.arg(metavar="MM", help_behavior_hint=_NO_DEFAULT)] = None
    """Across the knuckles; by default 77 mm."""

    strength: Annotated[float, tyro.conf.arg(metavar="X")] = 1.0
    """All muscles X times as strong."""

    force: Annotated[bool, tyro.conf.arg(help_behavior_hint=_NO_DEFAULT)] = False
    """Write over an existing file."""


def export(args: ExportArgs) -> None:
    """`musclehand export`.

    Raises:
        MusclehandError: an option is not usable, a file is there already, or it cannot be written.
    """
    from musclehand.body.anatomy import Side
    from musclehand.body.export import check_target, export_model, hands_spec, rest_angles
    from musclehand.body.scaling import scale_tables
    from musclehand.body.tables import load_tables
    from musclehand.cli_tables import open_console, say

    chosen = {"left": (Side.LEFT,), "right": (Side.RIGHT,), "both": (Side.RIGHT, Side.LEFT)}
    if args.side not in chosen:
        raise InvalidValue("side", args.side, f"one of {', '.join(chosen)}")
    sides = chosen[args.side]
    check_target(args.file, force=args.force)
    length, breadth = (None if size is None else size * _MM for size in (args.hand_length, args.hand_breadth))
    tables = scale_tables(load_tables(), hand_length=length, hand_breadth=breadth)
    spec = hands_spec(sides, bones=args.bones, strength_scale=args.strength, tables=tables)
    title = "Two hands" if len(sides) > 1 else f"A {args.side} hand"
    files = export_model(args.file, spec, title=title, rest=rest_angles(tables, sides), force=args.force)
    meshes = f" and {len(files) - 1} meshes in {files[1].parent}" if len(files) > 1 else ""
    say(open_console(), f"Written to {files[0]}{meshes}")
