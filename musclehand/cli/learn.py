"""`musclehand learn`: a planner learns one piece, to play it better than at first sight."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from musclehand.core.errors import InvalidValue
from musclehand.sim.backend_choice import BackendChoice, resolve_backend

_NO_DEFAULT = ""


@dataclass(frozen=True)
class LearnArgs:
    """Have a planner learn a score that it plays at sight already.

    SCORE is a score file or the name of a piece, as for `musclehand play`. The folder DIR gets the
    plan of the model-based player, who teaches, checkpoints, and the planner that has learnt
    (planner/000001.json). Killed at any moment, the same command goes on.

    For example:
      musclehand learn song.mid --out song
      musclehand play song.mid --controller planner --policy song/planner/000001.json
    """

    score: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="SCORE")]]
    """Score file, or name of a piece."""

    out: Annotated[Path, tyro.conf.arg(metavar="DIR")] = Path("learnt")
    """Folder of the run; one that is there is gone on with."""

    iterations: Annotated[int, tyro.conf.arg(metavar="N")] = 40
    """Of playing for some seconds in 16 places at once, and learning from it; some fifteen
    seconds each."""

    planner: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint=_NO_DEFAULT)
    ] = None
    """Another planner to begin with than the one that comes along, by its JSON file."""

    clip: Annotated[
        tuple[float, float] | None, tyro.conf.arg(metavar="A B", help_behavior_hint=_NO_DEFAULT)
    ] = None
    """Learn only from second A to second B of the score."""

    threads: Annotated[int, tyro.conf.arg(metavar="N")] = 1
    """For the simulation."""

    backend: BackendChoice = "auto"
    """What simulates: the processor, or MuJoCo Warp on a GPU (extra gpu); auto is Warp where
    both are there."""

    seed: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Of all that is drawn."""


def learn(args: LearnArgs) -> None:
    """`musclehand learn`.

    Raises:
        MusclehandError: the score, the planner or the folder is not usable.
    """
    if not 1 <= args.iterations <= 10_000:
        raise InvalidValue("iterations", args.iterations, "1 to 10,000")
    if args.seed < 0:
        raise InvalidValue("seed", args.seed, "0 or more")
    from musclehand.cli.console import open_console, say
    from musclehand.cli.main import load_score
    from musclehand.performance.report import prepare_folder

    score = load_score(args.score, clip=args.clip)
    prepare_folder(args.out)
    import torch
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from musclehand.envs.piano.env import PianoConfig
    from musclehand.learning.dagger import Progress as Told
    from musclehand.policies.high_level import load_high_level_policy, save_high_level_policy
    from musclehand.training.piece import WORLDS, learn_piece, learning_config

    torch.set_num_threads(1)
    worlds = PianoConfig(WORLDS, num_threads=args.threads, backend=resolve_backend(args.backend))
    planner = load_high_level_policy(args.planner)
    console = open_console()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("plans", total=args.iterations)

        def tell(told: Told) -> None:
            off = (
                ""
                if told.terms is None
                else f", fingertips {1e3 * told.terms['tip_error']:.1f} mm from the plan"
            )
            bar.update(task, completed=told.iteration + 1, description=f"learns{off}")

        config = learning_config(args.iterations, seed=args.seed)
        planner = learn_piece(score, planner, args.out, config, worlds=worlds, tell=tell)
    path = save_high_level_policy(args.out / "planner", planner.policy, planner.skill, planner.info)
    say(
        console,
        f"Written to {path}. To hear it: musclehand play {args.score} --controller planner --policy {path}",
    )
