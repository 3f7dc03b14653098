"""`musclehand emg simulate`: muscle activations of a motion, as a file to compare with EMG."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    from musclehand.emg.io.simulated import SimulatedMuscles

_NO_DEFAULT = ""


@dataclass(frozen=True)
class SimulateArgs:
    """Muscle activations of a hand that follows a motion by computed muscle control, written as an
    OpenSim .sto file.

    MOTION is a held wrist movement (flexion, extension, radial-deviation, ulnar-deviation,
    pronation, supination, fist) or a file of motion clips (`musclehand retarget`, `musclehand
    corpus`), of which --clip names one. The elbow is fixed; there is no gravity and no contact, but
    in a fist the palm pushes back on the fingers.

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
    """Hand model: musclehand, myohand or an MJCF file. Its right hand follows clips of either
    side."""

    hold: Annotated[float, tyro.conf.arg(metavar="S")] = 5.0
    """Time that a wrist movement is held."""


def simulate(args: SimulateArgs) -> None:
    """`musclehand emg simulate`.

    Raises:
        MusclehandError: no such motion or model, the hand cannot follow, or the file cannot be
            written.
    """
    from musclehand.cli.console import open_console, say
    from musclehand.emg.io.simulated import check_storage_name, write_simulated
    from musclehand.emg.model.simulate import simulate as simulate_muscles

    check_storage_name(args.out)
    muscles = simulate_muscles(args.motion, clip=args.clip, model=args.model, hold=args.hold)
    write_simulated(args.out, muscles)
    console = open_console()
    for line in describe_muscles(args.motion, muscles):
        say(console, line)
    say(console, f"Written to {args.out}")


def describe_muscles(motion: str, muscles: SimulatedMuscles) -> list[str]:
    """Length of a simulation and its most active muscles, as lines."""
    seconds = (len(muscles.values) - 1) / muscles.fs_hz
    means = muscles.values.mean(axis=0)
    strongest = sorted(zip(means, muscles.muscles, strict=True), reverse=True)[:5]
    return [
        f"{motion}: {seconds:.1f} s, {len(muscles.muscles)} muscles, computed muscle control",
        "most active: " + ", ".join(f"{name} {value:.2f}" for value, name in strongest),
    ]
