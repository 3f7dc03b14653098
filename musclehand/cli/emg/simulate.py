"""`musclehand emg simulate`: the muscles that a motion needs, as a file to compare with EMG."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from musclehand.core.errors import InvalidValue, UnknownName

if TYPE_CHECKING:
    import mujoco
    import numpy as np

    from musclehand.body.hand_index import HandIndex

_NO_DEFAULT = ""


@dataclass(frozen=True)
class SimulateArgs:
    """Muscle activations of a hand that follows a motion by computed muscle control, written as an
    OpenSim .sto file.

    MOTION is a held wrist movement (flexion, extension, radial-deviation, ulnar-deviation,
    pronation, supination, fist) or a file of motion clips (`musclehand retarget`, `musclehand
    corpus`), of which --clip names one. The elbow is fixed; there is no gravity and nothing to
    touch, but that a fist's palm pushes back on the fingers.

    For example:
      musclehand emg simulate extension --out extension.sto
      musclehand emg simulate hands.h5 --clip take1 --model myohand --out take1.sto
    """

    motion: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="MOTION")]]
    """Name of a movement, or a file of clips."""

    out: Annotated[Path, tyro.conf.arg(metavar="FILE.sto")]
    """Where to write the activations."""

    clip: Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint=_NO_DEFAULT)] = (
        None
    )
    """Which clip of a file with several."""

    model: Annotated[str, tyro.conf.arg(metavar="MODEL")] = "musclehand"
    """Whose hand: musclehand, myohand or an MJCF file. Its right hand follows clips of either
    side."""

    hold: Annotated[float, tyro.conf.arg(metavar="S")] = 5.0
    """How long a wrist movement is held."""


def simulate(args: SimulateArgs) -> None:
    """`musclehand emg simulate`.

    Raises:
        MusclehandError: no such motion or model, the hand cannot follow, or the file cannot be
            written.
    """
    import numpy as np

    from musclehand.cli.console import open_console, say
    from musclehand.emg.io.opensim_file import StorageFile, write_storage
    from musclehand.emg.model.wrist_movements import (
        MOVEMENTS_DEG,
        simulate_motion,
        simulate_movement,
    )
    from musclehand.emg.recording import TimeSeries

    if args.out.suffix.lower() != ".sto":
        raise InvalidValue("out", str(args.out), "a file that ends in .sto")
    model, hand = open_hand(args.model)
    movement = args.motion.replace("-", " ")
    if movement in MOVEMENTS_DEG:
        found = simulate_movement(model, hand, movement, hold=args.hold)
    else:
        angles, speeds, dt = read_motion(args)
        found = simulate_motion(model, hand, angles, speeds, dt=dt)
    time = found.start + np.arange(len(found.values)) / found.fs_hz
    names = tuple(f"/forceset/{name}/activation" for name in found.muscles)
    write_storage(args.out, StorageFile(TimeSeries(time, found.values, names)))
    strongest = sorted(zip(found.values.mean(axis=0), found.muscles, strict=True), reverse=True)[:5]
    console = open_console()
    say(
        console,
        f"{args.motion}: {time[-1] - time[0]:.1f} s, {len(found.muscles)} muscles, computed muscle control",
    )
    say(console, "most active: " + ", ".join(f"{name} {value:.2f}" for value, name in strongest))
    say(console, f"Written to {args.out}")


def open_hand(source: str) -> tuple[mujoco.MjModel, HandIndex]:
    """The right hand of a model, alone, its elbow fixed.

    Raises:
        MusclehandError: the model cannot be used or has no right hand.
    """
    from musclehand.body.anatomy import Side
    from musclehand.body.build.hand import load_hand
    from musclehand.body.build.hand_file import HandFile
    from musclehand.body.hand_index import HandIndex
    from musclehand.core.mujoco_warnings import silence_mujoco
    from musclehand.validate.specimen import open_specimens

    if source == "musclehand":
        ours = load_hand(Side.RIGHT)
        return ours, HandIndex.from_model(ours, Side.RIGHT)
    specimen = open_specimens(source, side="right")[0]
    assert specimen.spec is not None
    with silence_mujoco():
        model = HandFile(source, specimen.spec, specimen.naming).hand_spec(Side.RIGHT).compile()
    return model, HandIndex.from_model(model, Side.RIGHT, specimen.naming)


def read_motion(args: SimulateArgs) -> tuple[np.ndarray, np.ndarray, float]:
    """Angles [rad] and speeds [rad/s] of the free joints, (T, 19), and the time between them [s].

    Raises:
        MusclehandError: no such movement, file or clip.
    """
    from musclehand.body.anatomy import HAND_JOINTS, INDEPENDENT_JOINTS
    from musclehand.emg.model.wrist_movements import MOVEMENTS_DEG
    from musclehand.motion.clip import read_clips

    if not Path(args.motion).exists() and Path(args.motion).suffix == "":
        raise UnknownName(
            "movement or file", args.motion, [each.replace(" ", "-") for each in MOVEMENTS_DEG]
        )
    clips = {clip.name: clip for clip in read_clips(args.motion)}
    if args.clip is None and len(clips) != 1:
        raise InvalidValue("clip", None, f"one of {', '.join(list(clips)[:12])}")
    if args.clip is not None and args.clip not in clips:
        raise UnknownName("clip", args.clip, clips)
    clip = clips[args.clip] if args.clip is not None else next(iter(clips.values()))
    columns = [HAND_JOINTS.index(joint) for joint in INDEPENDENT_JOINTS]
    return clip.qpos[:, columns].astype(float), clip.qvel[:, columns].astype(float), clip.dt
