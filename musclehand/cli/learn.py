"""`musclehand learn`: the high-level policy learns one piece, to play it better than at sight."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from musclehand.core.errors import InvalidValue
from musclehand.sim.backend_choice import BackendChoice

_NO_DEFAULT = ""


@dataclass(frozen=True)
class LearnArgs:
    """Train the high-level policy on a piece, so that it plays better than at sight.

    SCORE is a score file or the name of a piece, as for `musclehand play`. The model-based player
    plans the piece and teaches it (DAgger). The folder DIR gets the plan, metrics.csv, checkpoints,
    and the policy (policy/high_level.json). Killed at any moment, the same command resumes the run.
    This is the short name of `musclehand train piece`.

    For example:
      musclehand learn song.mid --out song
      musclehand play song.mid --controller high-level --policy song/policy/high_level.json
    """

    score: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="SCORE")]]
    """Score file, or name of a piece."""

    out: Annotated[Path, tyro.conf.arg(metavar="DIR")] = Path("learnt")
    """Folder of the run; a run that is there is resumed."""

    iterations: Annotated[int, tyro.conf.arg(metavar="N")] = 40
    """Each plays for some seconds in 16 places of the piece and learns from that, in about fifteen
    seconds."""

    policy: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint=_NO_DEFAULT)
    ] = None
    """High-level policy to start from, by its JSON file; the bundled one by default."""

    clip: Annotated[
        tuple[float, float] | None, tyro.conf.arg(metavar="A B", help_behavior_hint=_NO_DEFAULT)
    ] = None
    """Learn only from second A to second B of the score."""

    threads: Annotated[int, tyro.conf.arg(metavar="N")] = 1
    """Threads of the simulation."""

    backend: BackendChoice = "auto"
    """What simulates: the processor, or MuJoCo Warp on a GPU (extra gpu); auto is Warp where it is
    installed and finds a GPU."""

    seed: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Seed of everything that is drawn."""


def learn(args: LearnArgs) -> None:
    """`musclehand learn` and `musclehand train piece`.

    Raises:
        MusclehandError: the score, the policy or the folder is not usable.
    """
    # Before PyTorch is loaded, so that a mistake is reported at once.
    if not 1 <= args.iterations <= 10_000:
        raise InvalidValue("iterations", args.iterations, "1 to 10,000")
    from musclehand.cli.console import open_console, say
    from musclehand.cli.training_progress import open_reporter, run_folder
    from musclehand.music.sources import load_score

    score = load_score(args.score, clip=args.clip)
    with run_folder(args.out):
        from musclehand.training import PieceConfig, piece

        config = PieceConfig(args.iterations, args.threads, args.backend, args.seed)
        run = piece(score, args.out, config, policy=args.policy, reporter=open_reporter())
    playing = f"musclehand play {args.score} --controller high-level --policy {run.policy_path}"
    say(open_console(), f"Written to {run.policy_path}. To hear it: {playing}")
