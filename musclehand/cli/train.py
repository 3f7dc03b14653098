"""`musclehand train`: trainings of tracking policies, latent spaces and high-level policies.

The arguments of each training (`cli.train_commands`) have the fields of its configuration, whose
modules load PyTorch; they are imported only when one of the commands is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import tyro

from musclehand.core.errors import UnknownName

TRAININGS = ("track", "latent", "generalist", "piece")


@dataclass(frozen=True)
class TrainArgs:
    """Train policies: track, latent, generalist, piece.

    track follows reference motion with muscles; latent distils such a policy into a space of latent
    actions; generalist plays scores at sight by latent actions; piece learns a single score. Each
    training writes into a folder, can be killed at any moment, and is resumed by the same command
    to the same bits.

    For example:
      musclehand corpus corpus --hours 1
      musclehand train track corpus --out runs/track
      musclehand train latent corpus runs/track/policy/tracking.json --out runs/latent
      musclehand train generalist runs/latent/policy/latent_space.json --out runs/generalist
      musclehand train piece song.mid --out song
      musclehand train track --help

    In Python: musclehand.training.track("corpus", out="runs/track"), and the others likewise.
    """

    training: tyro.conf.Positional[
        Annotated[str, tyro.conf.arg(metavar="track|latent|generalist|piece")]
    ]
    """What to train; each has a --help of its own."""


def train(args: TrainArgs) -> int | None:
    """`musclehand train NAME` without options; returns the exit code. Errors as for
    `run_training`."""
    return run_training([args.training])


def run_training(words: Sequence[str]) -> int | None:
    """`musclehand train NAME ...`; returns the exit code.

    Args:
        words: of the command line, after `train`.

    Raises:
        MusclehandError: an argument, a file or the folder is not usable.
        SystemExit: help was asked for (0), or an argument is wrong (2).
    """
    name, *options = words or ["--help"]
    if name.startswith("-"):
        tyro.cli(TrainArgs, prog="musclehand train", args=[name])
    if name not in TRAININGS:
        raise UnknownName("training", name, TRAININGS)
    from musclehand.cli.train_commands import COMMANDS, load_configs

    load_configs()
    arguments, run = COMMANDS[name]
    args: Any = tyro.cli(arguments, prog=f"musclehand train {name}", args=options)
    return run(args)
