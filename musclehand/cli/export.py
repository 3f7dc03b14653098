"""`musclehand export`: writes the bundled hand as an MJCF file, to look at, edit and check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from musclehand.core.errors import InvalidValue

if TYPE_CHECKING:
    import mujoco

    from musclehand.body.anatomy import Side
    from musclehand.body.build.table_rows import HandTables

_NO_DEFAULT = ""
_MM = 1e-3
"""[m]"""

_OCTAVE = 0.165
"""Width of an octave [m]: the distance of each hand from the middle of the keyboard."""

_CLEARANCE = 0.015
"""Height of the waiting hand above its playing height [m]."""

_LAMP = {"pos": [-0.4, -0.8, 1.4], "dir": [0.25, 0.5, -0.85], "diffuse": [0.6, 0.6, 0.6]}
"""Light of the scene where no bones are shown, which have lights of their own [m]."""


@dataclass(frozen=True)
class ExportArgs:
    """Write the hand as an MJCF file: to look at, to edit, to use elsewhere.

    FILE.xml is self-contained: MuJoCo from 3.7 on, its viewer and MyoSuite open it, and a text
    editor changes it. Simulate it with MuJoCo 4.0 or later: earlier versions lay some tendons the
    long way round. A comment at its head explains the names. `musclehand validate` checks an edited
    file, and `musclehand diff` lists the edits.

    For example:
      musclehand export hand.xml
      musclehand export hands.xml --side both --bones
      musclehand export scene.xml --piano
      musclehand export small.xml --hand-length 160 --hand-breadth 70 --strength 0.6
    """

    file: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="FILE.xml")]]
    """The file to write."""

    side: Annotated[
        str | None, tyro.conf.arg(metavar="left|right|both", help_behavior_hint=_NO_DEFAULT)
    ] = None
    """Which hand, or both; by default the right hand, and both with --piano."""

    piano: Annotated[bool, tyro.conf.arg(help_behavior_hint=_NO_DEFAULT)] = False
    """The scene of a performance: hands on servo-driven forearms in playing posture at a piano."""

    bones: Annotated[bool, tyro.conf.arg(help_behavior_hint=_NO_DEFAULT)] = False
    """With bone meshes, in a folder called assets beside the file."""

    hand_length: Annotated[
        float | None, tyro.conf.arg(metavar="MM", help_behavior_hint=_NO_DEFAULT)
    ] = None
    """From the wrist to the tip of the middle finger; by default 175 mm."""

    hand_breadth: Annotated[
        float | None, tyro.conf.arg(metavar="MM", help_behavior_hint=_NO_DEFAULT)
    ] = None
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
    from musclehand.body.build.export import check_target, export_model, hands_spec, rest_angles
    from musclehand.body.build.scaling import scale_tables
    from musclehand.body.build.tables import load_tables
    from musclehand.cli.console import open_console, say

    choices = {"left": (Side.LEFT,), "right": (Side.RIGHT,), "both": (Side.RIGHT, Side.LEFT)}
    side = args.side or ("both" if args.piano else "right")
    if side not in choices:
        raise InvalidValue("side", side, f"one of {', '.join(choices)}")
    sides = choices[side]
    check_target(args.file, force=args.force)
    length, breadth = (
        None if size is None else size * _MM for size in (args.hand_length, args.hand_breadth)
    )
    tables = scale_tables(load_tables(), hand_length=length, hand_breadth=breadth)
    title = "Two hands" if len(sides) > 1 else f"A {side} hand"
    if args.piano:
        spec, positions = _scene(args, sides, tables)
        title = f"{title} at a piano"
    else:
        spec = hands_spec(sides, bones=args.bones, strength_scale=args.strength, tables=tables)
        positions = rest_angles(tables, sides)
    files = export_model(args.file, spec, title=title, keyframe=positions, force=args.force)
    meshes = f" and {len(files) - 1} meshes in {files[1].parent}" if len(files) > 1 else ""
    say(open_console(), f"Written to {files[0]}{meshes}")


def _scene(
    args: ExportArgs, sides: Sequence[Side], tables: HandTables
) -> tuple[mujoco.MjSpec, dict[str, float]]:
    """The scene with hands in playing posture over the keys, and its joint positions [rad, m]."""
    from musclehand.motion.inverse_kinematics import HandIk
    from musclehand.sim.scene import forearm_joint, scene_spec

    spec = scene_spec(sides=sides, visual=args.bones, strength_scale=args.strength, design=tables)
    if not args.bones:
        spec.worldbody.add_light(**_LAMP)
    spec.worldbody.add_camera(name="above", pos=[0.0, -0.75, 0.75], xyaxes=[1, 0, 0, 0, 0.72, 0.69])
    ik = HandIk(design=tables)
    hand = ik.playing
    angles = (ik.index.expand @ ik.posture).tolist()
    positions: dict[str, float] = {}
    for side in sides:
        for joint, angle in zip(ik.index.joints, angles, strict=True):
            positions[side.name_of(joint)] = angle
        place = (side.mirror * _OCTAVE, hand.wrist_depth, hand.wrist_height + _CLEARANCE)
        for axis, value in zip("xyz", place, strict=True):
            positions[forearm_joint(side, axis)] = value
    return spec, positions
