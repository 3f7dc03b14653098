"""Learned hands at the piano, beside computed muscle control: the same scores.

    python experiments/bench_policy.py --readme
    python experiments/bench_policy.py --policy runs/track_hand/policy/000001.json --pieces ode_to_joy fuer_elise
    python experiments/bench_policy.py --controllers planner --planner runs/plan_generalist/planner/000001.json
    python experiments/bench_policy.py --generated 30 --controllers muscle planner --out runs/bench_policy_generated

The policy follows the same plan; the planner has none, and sees every piece for the first time. All
play the beginning of every piece. What is finished stays in `--out` and is not played again; other
networks need another folder.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from kept_results import keep_results
from readme_table import put_table
from rich.console import Console

from bench_repertoire import SEED, generated_scores
from musclehand.core.errors import InvalidValue, MusclehandError
from musclehand.music.repertoire import list_pieces, load_piece
from musclehand.music.score import Score
from musclehand.performance.perform import perform

MARK = "policy table"
CONTROLLERS = ("muscle", "policy", "planner")
FIGURES = ("onset_f1_50ms", "frame_f1_micro", "onset_error_ms_median", "velocity_correlation")
BODY = ("joint_rmse_deg", "mean_activation")


@dataclass(frozen=True)
class Args:
    """What to play."""

    pieces: tuple[str, ...] = ()
    """names from `musclehand play --list`; all by default"""
    generated: int = 0
    """play this many generated scores of rising difficulty (`bench_repertoire.py`) in place of
    the repertoire"""
    seconds: float = 20.0
    """of each, from its beginning"""
    policy: Path | None = None
    """another policy than the one that comes along"""
    planner: Path | None = None
    """another planner than the one that comes along"""
    controllers: tuple[str, ...] = CONTROLLERS
    """who plays"""
    out: Path = Path("runs/bench_policy")
    """folder of the results"""
    workers: int = os.cpu_count() or 1
    """processes"""
    readme: bool = False
    """put the table into README.md"""


def main(args: Args) -> None:
    """Plays, prints, writes."""
    if args.readme and args.generated:
        raise InvalidValue(
            "readme",
            args.readme,
            "left out with --generated: the README's table is the repertoire's",
        )
    args.out.mkdir(parents=True, exist_ok=True)
    if args.generated:
        scores = generated_scores(args.generated, SEED)
    else:
        scores = {
            name: load_piece(name)
            for name in args.pieces or [piece.name for piece in list_pieces()]
        }
    scores = {
        name: score.clip(0.0, min(args.seconds, score.duration)) for name, score in scores.items()
    }
    paths = {
        (name, controller): args.out / f"{name}_{controller}.json"
        for name in scores
        for controller in args.controllers
    }
    rows = keep_results(paths, play_one, scores, args, workers=args.workers, doing="plays")
    table = as_table(rows, tuple(scores), args.controllers)
    Console().print(table, markup=False)
    if args.readme:
        put_table(MARK, table)


def play_one(
    name: str, controller: str, scores: Mapping[str, Score], args: Args
) -> dict[str, float | None]:
    """Figures of one performance."""
    policy = getattr(args, controller.replace("-", "_"), None)
    settings = PlayerSettings(controller, policy=policy, processes=1)
    result = perform(scores[name], settings)
    metrics = result.metrics.as_dict()
    figures = {name: metrics[name] for name in FIGURES} | {
        name: getattr(result.body, name) for name in BODY
    }
    return {**figures, "realtime_factor": result.realtime_factor}


def as_table(
    rows: Mapping[tuple[str, str], Mapping[str, float | None]],
    pieces: tuple[str, ...],
    controllers: tuple[str, ...],
) -> str:
    """Means over all pieces, in Markdown, and where the others fall behind the first most."""
    names = (*FIGURES, *BODY, "realtime_factor")
    heads = (
        "onset F1 50 ms",
        "frame F1",
        "onset error ms",
        "velocity r",
        "joints deg",
        "activation",
        "x real time",
    )
    lines = [
        f"| {len(pieces)} pieces, means | {' | '.join(heads)} |",
        f"|{' --- |' * (len(heads) + 1)}",
    ]
    for controller in controllers:
        means = []
        for name in names:
            values = [row for piece in pieces if (row := rows[piece, controller][name]) is not None]
            means.append(f"{np.mean(values):.3f}" if values else "")
        lines.append(f"| {controller} | {' | '.join(means)} |")
    first = controllers[0]
    for other in controllers[1:]:
        apart = {piece: _onset(rows[piece, other]) - _onset(rows[piece, first]) for piece in pieces}
        worst = sorted(apart, key=lambda piece: apart[piece])[:3]
        told = ", ".join(f"{piece} {apart[piece]:+.3f}" for piece in worst)
        lines += [
            "",
            f"Where the {other} falls behind the {first} controller most, onset F1: {told}.",
        ]
    return "\n".join(lines)


def _onset(row: Mapping[str, float | None]) -> float:
    return row["onset_f1_50ms"] or 0.0


if __name__ == "__main__":
    try:
        main(tyro.cli(Args, description=__doc__))
    except MusclehandError as error:
        raise SystemExit(str(error)) from None
