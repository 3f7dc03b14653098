"""Planners that learn one piece each: how well, after how many steps, and what matters for it.

    python experiments/plan_piece.py --variants at_sight --readme
    python experiments/plan_piece.py --pieces ode_to_joy --variants at_sight from_nothing --out runs/try

The beginning of each piece is learnt by the planner that comes along (`at_sight`), or by one that knows nothing
(`from_nothing`), also one that is not told who plays a note (`without_fingers`) or has to say excitations
(`without_space`), and played every few iterations. What is finished stays in `--out`. A step is one of the planner's,
of one hand.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from kept_results import keep_results
from matplotlib.figure import Figure
from readme_table import put_table
from rich.console import Console
from without import WithoutFingers, learn_muscles, without_fingers

from musclehand.core.errors import InvalidValue, MusclehandError
from musclehand.learn_piece import WORLDS, learn_planned, learning_config, score_hash
from musclehand.learning.planner import Planner
from musclehand.music.repertoire import load_piece
from musclehand.music.score import Score
from musclehand.perform import perform
from musclehand.planned_pieces import keep_pieces, plan_pieces
from musclehand.planner_player import PlannerController
from musclehand.planner_policy import PlannerPolicy, load_planner, new_planner

MARK, WITHOUT_MARK = "pieces table", "without table"
FIGURES = ("onset_f1_50ms", "frame_f1_micro")
PIECES = (
    *("ode_to_joy", "mozart_k265_theme", "bach_prelude_in_c", "minuet_in_g"),
    *("chopin_prelude_in_e_minor", "fuer_elise", "clementi_sonatina", "wild_horseman"),
)
VARIANTS = ("at_sight", "from_nothing", "without_fingers", "without_space")


@dataclass(frozen=True)
class Args:
    """What to learn."""

    pieces: tuple[str, ...] = PIECES
    """names from `musclehand play --list`"""
    variants: tuple[str, ...] = VARIANTS[:2]
    """what to begin with"""
    seconds: float = 20.0
    """of each piece, from its beginning"""
    iterations: int = 40
    """of each"""
    every: int = 10
    """iterations after which it is played"""
    seeds: tuple[int, ...] = (0,)
    """of what is drawn"""
    planner: Path | None = None
    """another planner than the one that comes along"""
    out: Path = Path("runs/plan_piece")
    """folder of the results"""
    workers: int = os.cpu_count() or 1
    """processes"""
    readme: bool = False
    """put the table into README.md, where there is one of planners that play at sight and one of others"""


def main(args: Args) -> None:
    """Learns, plays, prints, writes."""
    for variant in args.variants:
        if variant not in VARIANTS:
            raise InvalidValue("variant", variant, f"{VARIANTS}")
    args.out.mkdir(parents=True, exist_ok=True)
    jobs = {
        (piece, variant, seed): args.out / f"{piece}_{variant}_{seed}.json"
        for seed in args.seeds
        for piece in args.pieces
        for variant in args.variants
    }
    rows = keep_results(jobs, learn_one, args, workers=args.workers, doing="learns")
    draw(rows, args.out / "curves.png")
    table = as_table(rows, args)
    Console().print(table, markup=False)
    if args.readme:
        put_table(MARK if args.variants == VARIANTS[:1] else WITHOUT_MARK, table)


def learn_one(name: str, variant: str, seed: int, args: Args) -> list[dict[str, Any]]:
    """Figures of one piece after every so many iterations, the first before all learning."""
    torch.set_num_threads(1)
    score = load_piece(name)
    score = score.clip(0.0, min(args.seconds, score.duration))
    folder = args.out / f"{name}_{variant}_{seed}"
    config, known = learning_config(args.iterations, seed=seed), {"score": score_hash(score)}
    pieces = keep_pieces(folder / "plan", known, lambda: plan_pieces([("piece", score)]))
    if variant == "without_fingers":
        pieces = without_fingers(pieces)
    begin = load_planner(args.planner)
    if variant in ("from_nothing", "without_fingers"):
        begin = begin._replace(policy=knows_nothing(begin, seed))

    def after(done: int) -> PlannerPolicy:
        some = replace(config, iterations=done)
        if variant == "without_space":
            return learn_muscles(pieces, begin.skill, folder, some, known)
        return learn_planned(pieces, begin, folder, some, known=known)

    # Who knows nothing and has no space of skill yet does not even exist before all learning.
    rows, minutes = [] if variant == "without_space" else [play(score, variant, begin, 0, 0.0)], 0.0
    for done in range(args.every, args.iterations + 1, args.every):
        start = time.perf_counter()
        planner = after(done)
        minutes += (time.perf_counter() - start) / 60.0
        rows.append(play(score, variant, planner, done * config.steps * 2 * WORLDS, minutes))
    return rows


def knows_nothing(planner: PlannerPolicy, seed: int) -> Planner:
    """Another planner for the same space; what is normal to see and to say is what it is for this one."""
    fresh = new_planner(planner.skill, planner.policy.sizes[1:-1], seed=seed)
    for normal in ("mean", "spread", "middle", "width"):
        getattr(fresh, normal).copy_(getattr(planner.policy, normal))
    return fresh


def play(score: Score, variant: str, planner: PlannerPolicy, steps: int, minutes: float) -> dict[str, Any]:
    """Figures of a performance after so many steps of learning."""
    kind = WithoutFingers if variant == "without_fingers" else PlannerController
    metrics = perform(score, kind(score, planner=planner)).metrics.as_dict()
    return {"steps": steps, "minutes": minutes, **{name: metrics[name] for name in FIGURES}}


def as_table(rows: dict[tuple[str, str, int], list[dict[str, Any]]], args: Args) -> str:
    """Each piece before and after, in Markdown, and means."""
    heads = "steps | minutes | onset F1 before | after | frame F1 before | after"
    lines = [f"| piece | began | seed | {heads} |", f"|{' --- |' * 9}"]
    for (piece, variant, seed), told in rows.items():
        lines.append(f"| {piece} | {variant.replace('_', ' ')} | {seed} | {_cells([told])} |")
    for variant in args.variants:
        some = [told for (_, other, _), told in rows.items() if other == variant]
        lines.append(f"| mean | {variant.replace('_', ' ')} | | {_cells(some)} |")
    return "\n".join(lines)


def draw(rows: dict[tuple[str, str, int], list[dict[str, Any]]], path: Path) -> None:
    """Learning curves."""
    figure = Figure(figsize=(8, 4), layout="constrained")
    for axes, name in zip(figure.subplots(1, 2, sharex=True), FIGURES, strict=True):
        pieces = list(dict.fromkeys(piece for piece, _, _ in rows))
        for (piece, variant, _), told in rows.items():
            style = ("-", ":", "--", "-.")[VARIANTS.index(variant)]
            steps, values = ([row[key] or 0.0 for row in told] for key in ("steps", name))
            axes.plot(
                steps,
                values,
                style,
                color=f"C{pieces.index(piece) % 10}",
                label=f"{piece}, {variant.replace('_', ' ')}",
            )
        axes.set(xlabel="steps of the planner", ylabel=name.replace("_", " "), ylim=(0, 1.02))
        axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=5, frameon=False)
    figure.savefig(path, dpi=150)


def _cells(some: list[list[dict[str, Any]]]) -> str:
    last = [f"{np.mean([told[-1]['steps'] for told in some]):,.0f}"]
    last.append(f"{np.mean([told[-1]['minutes'] for told in some]):.1f}")
    for name in FIGURES:
        last += [f"{np.mean([told[place][name] or 0.0 for told in some]):.3f}" for place in (0, -1)]
    return " | ".join(last)


if __name__ == "__main__":
    try:
        main(tyro.cli(Args, description=__doc__))
    except (MusclehandError, OSError) as error:
        raise SystemExit(str(error)) from None
