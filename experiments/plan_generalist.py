"""Trains the planner that plays what it has never seen: from notes to intentions, for either hand.

    python experiments/plan_generalist.py runs/distill_latent/skill/000001.json
    python experiments/plan_generalist.py SKILL --patterns 100 --teach.iterations 10 --out runs/try

Learns from scores that are made for the purpose (`musclehand.music.generate.patterns`,
`musclehand.music.generate.exercises`) and from chorales; no piece of the repertoire, which is there
to judge by. The model-based player plans them. The planner learns what the plan shows to hands that
are somewhere near it, where nothing moves; then it plays, and learns what the plan shows to hands
that have come to where it has brought them. Killed at any moment, the same command goes on and ends
with the same bits. In the folder `--out`: `pieces/`, `read/` and `teach/` with checkpoints,
`metrics.csv`, and `planner/`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
import tyro
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from musclehand.core.errors import MusclehandError
from musclehand.envs.demonstrations.planned_pieces import keep_pieces, plan_pieces
from musclehand.envs.piano.env import PianoConfig, PianoEnv
from musclehand.envs.piano.pieces import PlannedPieces
from musclehand.envs.piano.scattered import ScatteredPiano
from musclehand.learning.dagger import Progress as Taught
from musclehand.learning.high_level import HighLevelNetwork
from musclehand.learning.high_level_distill import HighLevelConfig, HighLevelTraining
from musclehand.motion.dataset import split_of
from musclehand.music.generate.accompaniment import FIGURES, accompaniment
from musclehand.music.generate.chorale import draw_chorale
from musclehand.music.generate.exercises import two_hand_texture
from musclehand.music.generate.patterns import pattern_scores
from musclehand.music.score import Score
from musclehand.policies.high_level import (
    HighLevelPolicy,
    load_high_level_policy,
    new_high_level_network,
    save_high_level_policy,
    transfer_high_level_network,
)
from musclehand.policies.latent import LatentSpace, load_latent_space
from musclehand.sim.backend_choice import BackendChoice, resolve_backend, tell_backend
from musclehand.training.piece import high_level_hash
from track_hand import RunLog

SEED = 3000
"""Of the scores, with the run's seed added: others than tracking policies have learnt from."""

SECONDS = 24.0
"""Of a chorale, from its beginning."""


@dataclass(frozen=True)
class Args:
    """What to learn from, and how long."""

    skill: tyro.conf.Positional[Path | None] = None
    """latent space of skill, by its JSON file (experiments/distill_latent.py); the one of the
    planner that comes along by default"""
    out: Path = Path("runs/plan_generalist")
    """folder of the run; one that is there is gone on with"""
    patterns: int = 90
    """scores by pattern"""
    textures: int = 80
    """scores for two hands, of all difficulties"""
    chorales: int = 30
    """chorales by Bach"""
    accompaniments: int = 120
    """leaping basses and repeated chords under melodies"""
    worlds: int = 32
    """pairs of hands at a time"""
    threads: int = 1
    """for the simulation"""
    backend: BackendChoice = "auto"
    """what simulates: the processor, or MuJoCo Warp on a GPU; auto is Warp where that and a GPU
    are there"""
    seed: int = 0
    """of all that is drawn"""
    start: Path | None = None
    """planner to go on from, by its JSON file, in this latent space or another"""
    piano: tyro.conf.Suppress[PianoConfig] = field(default_factory=lambda: PianoConfig(episode=1.6))
    read: HighLevelConfig = field(
        default_factory=lambda: HighLevelConfig(
            iterations=80, steps=60, updates=150, rate=1e-3, decay=80, memory=20, beside=0
        )
    )
    teach: HighLevelConfig = field(
        default_factory=lambda: HighLevelConfig(iterations=64, updates=250, decay=64, memory=64)
    )


def main(args: Args, console: Console | None = None) -> HighLevelPolicy:
    """Plans, teaches, writes."""
    torch.set_num_threads(1)
    console = console or Console()
    # Not to be found missing after all scores are planned.
    args = replace(args, backend=resolve_backend(args.backend))
    args.out.mkdir(parents=True, exist_ok=True)
    skill = load_high_level_policy().skill if args.skill is None else load_latent_space(args.skill)
    pieces = pieces_of(args, console)
    seconds = pieces.hands[0].frames * pieces.hands[0].dt
    console.print(f"{len(pieces.hands[0].names)} pieces, {seconds / 60:.1f} min to learn from")
    planner = learn(pieces, skill, args, console)
    path = save_high_level_policy(args.out / "planner", planner.policy, skill, planner.info)
    console.print(f"{path}")
    return planner


def learn(
    pieces: PlannedPieces, skill: LatentSpace, args: Args, console: Console
) -> HighLevelPolicy:
    """The planner that plans have made of pieces, first by reading, then by playing."""
    config = replace(
        args.piano, num_worlds=args.worlds, num_threads=args.threads, backend=args.backend
    )
    known = {
        "seed": args.seed,
        "skill": str(skill.info.get("model_sha256")),
        "pieces": len(pieces.hands[0].names),
    }
    known |= tell_backend(args.backend)
    start = None if args.start is None else load_high_level_policy(args.start)
    if start is not None:
        known["start"] = high_level_hash(start)
    planner = (
        new_high_level_network(skill, args.read.hidden, seed=args.seed)
        if start is None
        else transfer_high_level_network(skill, start)
    )
    still = ScatteredPiano(pieces, skill, config, seed=args.seed)
    if start is None:
        planner = taught("read", still, planner, args.read, None, known, args, console)
    env = PianoEnv(pieces, skill, config, seed=args.seed, bad_states=args.out / "bad_states")
    planner = taught("teach", env, planner, args.teach, still, known, args, console)
    return HighLevelPolicy(
        planner, skill, {"stage": "teach", "config": _plain(args), **tell_backend(args.backend)}
    )


def taught(
    stage: str,
    env: PianoEnv,
    planner: HighLevelNetwork,
    config: HighLevelConfig,
    still: PianoEnv | None,
    known: dict[str, object],
    args: Args,
    console: Console,
) -> HighLevelNetwork:
    """What a stage makes of a planner."""
    fresh = stage == "read"
    config = replace(config, seed=args.seed, hidden=planner.sizes[1:-1])
    run = HighLevelTraining(
        env, planner, config, args.out / stage, known=known, fresh=fresh, still=still
    )
    with RunLog(args.out / "metrics.csv", config.iterations, console) as told:
        told.begin(stage, run.done)

        def tell(progress: Taught) -> None:
            steps = config.steps * env.num_envs
            numbers = {"loss": progress.loss, "labels": progress.labels, **(progress.terms or {})}
            told.tell(stage, progress.iteration, steps, numbers)

        run.run(tell)
    return run.policy


def pieces_of(args: Args, console: Console) -> PlannedPieces:
    """Scores with plans, which are kept on file."""
    known = {
        name: getattr(args, name)
        for name in ("patterns", "textures", "chorales", "accompaniments", "seed")
    }
    total = args.patterns + args.textures + args.chorales + args.accompaniments

    def plan() -> PlannedPieces:
        with Progress(
            TextColumn("plans scores"), BarColumn(), TimeRemainingColumn(), console=console
        ) as bar:
            return plan_pieces(bar.track(scores_of(args), total=total))

    return keep_pieces(args.out / "pieces", known, plan)


def scores_of(args: Args) -> Iterator[tuple[str, Score]]:
    """What is to be learnt from, with names."""
    made = (
        one
        for one in pattern_scores(SEED + args.seed)
        if split_of(one.pattern) == "train" and one.score.notes
    )
    for one in islice(made, args.patterns):
        yield one.pattern, one.score
    rng = np.random.default_rng([SEED + args.seed, 1])
    for number in range(args.textures):
        yield (
            f"texture {number}",
            two_hand_texture(rng, float(rng.uniform(0.0, 0.9)), float(rng.uniform(8.0, 16.0))),
        )
    for _ in range(args.chorales):
        name, score = draw_chorale(rng)
        yield f"chorale {name}", score.clip(0.0, min(SECONDS, score.duration))
    figures = list(FIGURES)
    for number in range(args.accompaniments):
        figure = figures[number % len(figures)]
        beats = float(rng.uniform(1.5, 5.0))
        score = accompaniment(
            rng, figure, beats_per_second=beats, difficulty=float(rng.uniform(0.0, 0.6))
        )
        yield f"{figure} {number}", score


def _plain(args: Args) -> dict[str, object]:
    """The settings, but for where things lay on this machine."""
    told = json.loads(json.dumps(asdict(args), default=str))
    return {
        name: value
        for name, value in told.items()
        if name not in ("out", "skill", "start", "backend", "piano")
    }


if __name__ == "__main__":
    try:
        main(tyro.cli(Args, description=__doc__))
    except (MusclehandError, OSError) as error:
        raise SystemExit(str(error)) from None
