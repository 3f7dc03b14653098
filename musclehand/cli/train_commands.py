"""The commands of `musclehand train`: their arguments, and the functions that do them.

The arguments hold configurations whose modules load PyTorch. `load_configs` imports them, before
the arguments are parsed; importing this module does not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from musclehand.cli.console import open_console, say
from musclehand.cli.learn import LearnArgs, learn
from musclehand.cli.training_progress import (
    open_reporter,
    run_folder,
    score_table,
    standing_table,
    summary_table,
)

if TYPE_CHECKING:
    from musclehand.training.generalist_policy import GeneralistConfig
    from musclehand.training.latent_space import LatentRunConfig
    from musclehand.training.tracking import TrackConfig

_NO_DEFAULT = ""


@dataclass(frozen=True)
class TrainTrackArgs:
    """Train a policy that follows reference motion with muscles.

    CORPUS is a folder of `musclehand corpus`. A warm start imitates computed muscle control
    (DAgger); reinforcement continues in a world with disturbances, by analytic policy
    gradients (apg) or, with --ppo.iterations, by PPO (pip install 'musclehand[train]'). With keys,
    the plans of generated scores are followed as well, over a keyboard.

    The folder DIR gets config.json, metrics.csv (a row for each iteration), checkpoints, the policy
    (policy/tracking.json), and scores.json with the errors on held-out clips. With the
    defaults it takes some twenty minutes on two cores.

    For example:
      musclehand train track corpus
      musclehand train track corpus --dagger.iterations 3 --apg.iterations 0 --out runs/try
      musclehand train track corpus --seeds 0 1 2                  three trainings in turn
      musclehand train track corpus --seeds 0 1 2 --ray            side by side, on all cores
      musclehand train track corpus --shards 4 --ray head:6379     one training on four machines
      musclehand train track corpus --start tracking --apg.iterations 200
      musclehand track hands.h5 --policy runs/track/policy/tracking.json

    With --start, reinforcement continues from a policy that was trained for another hand, such as
    the bundled one after you have edited the tables of the hand; the muscles have to be the same.

    With --seeds each training has a folder DIR/seed_N, and summary.json has means with 95 %
    intervals. Ray (pip install 'musclehand[ray]') needs folders that all machines see; where a
    shard or seed runs does not change a bit of the result.
    """

    corpus: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="CORPUS")]]
    """Folder of a corpus."""

    out: Annotated[Path, tyro.conf.arg(metavar="DIR")] = Path("runs/track")
    """Folder of the run; a run that is there is resumed."""

    seeds: Annotated[
        tuple[int, ...], tyro.conf.arg(metavar="[N ...]", help_behavior_hint=_NO_DEFAULT)
    ] = ()
    """Train once with each of these seeds."""

    start: Annotated[
        Path | None, tyro.conf.arg(metavar="POLICY", help_behavior_hint=_NO_DEFAULT)
    ] = None
    """Tracking policy to continue from, for this hand or another with the same muscles: its JSON
    file, or a bundled one's name. Leaves out the warm start."""

    config: Annotated[TrackConfig, tyro.conf.arg(name="")] = field(
        default_factory=lambda: TrackConfig()
    )
    """How to train."""


@dataclass(frozen=True)
class TrainLatentArgs:
    """Distil a tracking policy into a space of latent actions.

    CORPUS is a folder of `musclehand corpus`, POLICY the JSON file of a tracking policy. The latent
    policy (encoder, prior and decoder) first learns to act as the policy does, then improves by
    analytic policy gradients (apg).

    The folder DIR gets metrics.csv, checkpoints, the latent space (policy/latent_space.json), and
    how held-out clips are followed by the policy and through the latent space (sequences.csv, the
    worst first; latent.json, means).

    For example:
      musclehand train latent corpus
      musclehand train latent corpus runs/track/policy/tracking.json --out runs/latent
      musclehand train latent corpus runs/track/policy/tracking.json --start sight_reading
    """

    corpus: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="CORPUS")]]
    """Folder of a corpus."""

    policy: tyro.conf.Positional[
        Annotated[Path | None, tyro.conf.arg(metavar="POLICY", help_behavior_hint=_NO_DEFAULT)]
    ] = None
    """JSON file of a tracking policy; the bundled one by default."""

    out: Annotated[Path, tyro.conf.arg(metavar="DIR")] = Path("runs/latent")
    """Folder of the run; a run that is there is resumed."""

    start: Annotated[
        Path | None, tyro.conf.arg(metavar="SPACE", help_behavior_hint=_NO_DEFAULT)
    ] = None
    """Latent space to continue from, for this hand or another with the same muscles: its JSON file,
    that of a high-level policy, or a bundled one's name. Leaves out the distillation."""

    config: Annotated[LatentRunConfig, tyro.conf.arg(name="")] = field(
        default_factory=lambda: LatentRunConfig()
    )
    """How to train."""


@dataclass(frozen=True)
class TrainGeneralistArgs:
    """Train the high-level policy that plays scores at sight, by latent actions.

    SPACE is the JSON file of a latent space (musclehand train latent). The policy learns from
    generated scores and chorales, which the model-based player plans: first by behavioural cloning,
    from perturbed states near the plan (cloning), then by playing (dagger).

    The folder DIR gets the plans, metrics.csv, checkpoints, and the policy
    (policy/high_level.json).

    For example:
      musclehand train generalist runs/latent/policy/latent_space.json --out runs/generalist
      musclehand train generalist --patterns 9 --textures 0 --chorales 0 --accompaniments 9
      musclehand learn song.mid --policy runs/generalist/policy/high_level.json
    """

    space: tyro.conf.Positional[
        Annotated[Path | None, tyro.conf.arg(metavar="SPACE", help_behavior_hint=_NO_DEFAULT)]
    ] = None
    """JSON file of a latent space; that of the bundled high-level policy by default."""

    out: Annotated[Path, tyro.conf.arg(metavar="DIR")] = Path("runs/generalist")
    """Folder of the run; a run that is there is resumed."""

    start: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint=_NO_DEFAULT)] = (
        None
    )
    """High-level policy to continue from, in this latent space or another, for this hand or
    another; leaves out cloning."""

    config: Annotated[GeneralistConfig, tyro.conf.arg(name="")] = field(
        default_factory=lambda: GeneralistConfig()
    )
    """How to train."""


@dataclass(frozen=True)
class TrainPieceArgs(LearnArgs):
    """Train the high-level policy on one piece, as `musclehand learn` does.

    SCORE is a score file or the name of a piece, as for `musclehand play`. The model-based player
    plans the piece; the policy plays it and learns what the plan shows it (DAgger). The folder DIR
    gets the plan, metrics.csv, checkpoints, and the policy (policy/high_level.json).

    For example:
      musclehand train piece song.mid --out song
      musclehand play song.mid --controller high-level --policy song/policy/high_level.json
    """


def load_configs() -> None:
    """Imports the configurations that annotations of this module name, for tyro to look up."""
    from musclehand.training import GeneralistConfig, LatentRunConfig, TrackConfig

    for config in (GeneralistConfig, LatentRunConfig, TrackConfig):
        globals()[config.__name__] = config


def train_track(args: TrainTrackArgs) -> None:
    """`musclehand train track`.

    Raises:
        MusclehandError: the corpus, an option or the folder is not usable.
    """
    from musclehand.training import track

    if args.seeds:
        _train_seeds(args)
        return
    with run_folder(args.out):
        run = track(args.corpus, args.out, args.config, start=args.start, reporter=open_reporter())
    console = open_console()
    console.print(score_table("validation clips", run.scores))
    say(console, f"Written to {run.policy_path}")


def train_latent(args: TrainLatentArgs) -> None:
    """`musclehand train latent`.

    Raises:
        MusclehandError: the corpus, the policy, an option or the folder is not usable.
    """
    from musclehand.training import latent

    with run_folder(args.out):
        run = latent(
            args.corpus,
            args.out,
            args.config,
            policy=args.policy,
            start=args.start,
            reporter=open_reporter(),
        )
    console = open_console()
    console.print_json(data=dict(run.figures))
    say(console, f"Written to {run.space_path}")


def train_generalist(args: TrainGeneralistArgs) -> None:
    """`musclehand train generalist`.

    Raises:
        MusclehandError: a file, an option or the folder is not usable.
    """
    from musclehand.training import generalist

    with run_folder(args.out):
        run = generalist(
            args.space, args.out, args.config, start=args.start, reporter=open_reporter()
        )
    say(open_console(), f"Written to {run.policy_path}")


def _train_seeds(args: TrainTrackArgs) -> None:
    from rich.live import Live

    from musclehand.training import track_seeds
    from musclehand.training.scale_out import seed_folders
    from musclehand.training.tracking import stage_iterations

    console = open_console()
    folders = seed_folders(args.out, args.seeds)
    totals = stage_iterations(args.config, started=args.start is not None)
    with (
        run_folder(args.out),
        Live(
            get_renderable=lambda: standing_table(args.seeds, folders, totals),
            console=console,
            refresh_per_second=1,
        ),
    ):
        runs = track_seeds(args.corpus, args.seeds, args.out, args.config, start=args.start)
    if runs.summary:
        console.print(summary_table(runs))
    say(console, f"Written to {args.out}: {', '.join(folder.name for folder in folders)}")


COMMANDS: dict[str, tuple[type, Callable[[Any], int | None]]] = {
    "track": (TrainTrackArgs, train_track),
    "latent": (TrainLatentArgs, train_latent),
    "generalist": (TrainGeneralistArgs, train_generalist),
    "piece": (TrainPieceArgs, learn),
}
"""Every training: its arguments, and the function that does it."""
