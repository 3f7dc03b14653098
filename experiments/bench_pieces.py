"""Planners that learn one piece each: how well, after how many steps, and what matters for it.

    python experiments/plan_piece.py --variants at_sight --readme
    python experiments/plan_piece.py --pieces ode_to_joy --variants at_sight from_nothing --out runs/try

The beginning of each piece is learnt by the planner that comes along (`at_sight`), or by one that
knows nothing (`from_nothing`), and played every few iterations. Others differ in one thing, from
nothing as well: not told who plays a note (`without_fingers`); told of no notes, but how far it is
to the nearest keys (`nearest_keys`); saying excitations (`without_space`); forming intentions
directly, for either hand (`either_hand`) or both at once (`both_hands`). The one that comes along
can learn by reward instead (`by_reward`), in ten times as many steps, and so can what the teacher
does, who knows the plan (`on_the_plan`). What is finished stays in `--out`. A step is one of the
planner's, of one hand.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from by_reward import corrected_planner, learn_corrections
from kept_results import keep_results
from matplotlib.figure import Figure
from musclehand.training.piece import (
    WORLDS,
    high_level_hash,
    learn_planned,
    learning_config,
    score_hash,
)
from nearest_keys import CODES, NearestKeys, learn_code
from on_the_plan import PlanController
from one_actor import learn_directly
from readme_table import put_figure, put_table
from rich.console import Console

from musclehand.controllers.controller import Controller
from musclehand.controllers.high_level import HighLevelController
from musclehand.core.errors import InvalidValue, MusclehandError
from musclehand.envs.demonstrations.planned_pieces import load_or_plan_pieces, plan_pieces
from musclehand.envs.piano.env import PianoConfig, PianoEnv
from musclehand.envs.piano.goals import Goals, GoalsMaker
from musclehand.envs.piano.pieces import PlannedPieces
from musclehand.learning.dagger import DaggerConfig
from musclehand.learning.high_level import HighLevelNetwork
from musclehand.learning.high_level_distill import HighLevelConfig
from musclehand.learning.policy import Policy
from musclehand.learning.ppo import PpoConfig
from musclehand.music.repertoire import load_piece
from musclehand.performance.perform import perform
from musclehand.policies.high_level import (
    HighLevelPolicy,
    high_level_table,
    load_high_level_policy,
    new_high_level_network,
)
from musclehand.sim.backend_choice import BackendChoice, describe_backend, resolve_backend
from without import muscle_skill, without_fingers

MARK = "pieces table"
WITHOUT_MARK = "without table"
FIGURES = ("onset_f1_50ms", "frame_f1_micro")
PIECES = (
    *("ode_to_joy", "mozart_k265_theme", "bach_prelude_in_c", "minuet_in_g"),
    *("chopin_prelude_in_e_minor", "fuer_elise", "clementi_sonatina", "wild_horseman"),
)
VARIANTS = (
    *("at_sight", "from_nothing", "without_fingers", "nearest_keys"),
    *("without_space", "either_hand", "both_hands", "by_reward", "on_the_plan"),
)
DIRECTLY = ("without_space", "either_hand", "both_hands")
"""Say what is done, where others say what is wanted."""

STYLES = (
    "-",
    ":",
    "--",
    "-.",
    (0, (1, 4)),
    (0, (6, 4)),
    (0, (4, 2, 1, 2, 1, 2)),
    (0, (9, 2)),
    (0, (2, 1)),
)
"""Of their lines."""

REWARDED = ("by_reward", "on_the_plan")
"""Learn by reward."""

BY_REWARD = 10
"""Iterations of PPO for each of the others'."""


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
    backend: BackendChoice = "auto"
    """what simulates: the processor, or MuJoCo Warp on a GPU; auto is Warp where that and a GPU
    are there"""
    readme: bool = False
    """put the table into README.md, where there are one of planners at sight, with curves, and
    one of others"""


def main(args: Args) -> None:
    """Learns, plays, prints, writes."""
    for variant in args.variants:
        if variant not in VARIANTS:
            raise InvalidValue("variant", variant, f"{VARIANTS}")
    args = replace(args, backend=resolve_backend(args.backend))
    args.out.mkdir(parents=True, exist_ok=True)
    jobs = {
        (piece, variant, seed): args.out / f"{piece}_{variant}_{seed}.json"
        for seed in args.seeds
        for piece in args.pieces
        for variant in args.variants
    }
    rows = keep_results(jobs, learn_one, args, workers=args.workers, doing="learns")
    curves = args.out / "curves.png"
    draw(rows, curves)
    table = as_table(rows, args)
    Console().print(table, markup=False)
    if args.readme:
        at_sight = args.variants == VARIANTS[:1]
        put_table(MARK if at_sight else WITHOUT_MARK, table)
        if at_sight:
            put_figure(curves, "pieces.png")


def learn_one(name: str, variant: str, seed: int, args: Args) -> list[dict[str, Any]]:
    """Figures of one piece after every so many iterations, the first before all learning."""
    torch.set_num_threads(1)
    score = load_piece(name)
    score = score.clip(0.0, min(args.seconds, score.duration))
    folder = args.out / f"{name}_{variant}_{seed}"
    config = learning_config(args.iterations, seed=seed)
    known = {"score": score_hash(score)}
    pieces = load_or_plan_pieces(folder / "plan", known, lambda: plan_pieces([("piece", score)]))
    begin = load_high_level_policy(args.planner)
    goals = told_goals(variant, pieces)
    if variant in ("from_nothing", "without_fingers", "nearest_keys"):
        begin = begin._replace(policy=knows_nothing(begin, seed))
    if variant == "nearest_keys":
        codes_are_normal(begin)
    worlds = PianoConfig(WORLDS, backend=args.backend)
    learn = learner(variant, pieces, begin, folder, known, goals, worlds)
    times = BY_REWARD if variant in REWARDED else 1

    def player(learnt: Any) -> Controller:
        if variant == "on_the_plan":
            return PlanController(score, begin, pieces, corrections=learnt)
        if variant == "by_reward" and learnt is not None:
            learnt = corrected_planner(begin, learnt)
        return HighLevelController(score, learnt or begin, goals=goals)

    # Who says what is done is made by learning.
    rows = [] if variant in DIRECTLY else [play(player(None), 0, 0.0)]
    minutes = 0.0
    for done in range(args.every, args.iterations + 1, args.every):
        start = time.perf_counter()
        learnt = learn(replace(config, iterations=done))
        minutes += (time.perf_counter() - start) / 60.0
        rows.append(play(player(learnt), times * done * config.steps * 2 * WORLDS, minutes))
    return rows


def told_goals(variant: str, pieces: PlannedPieces) -> GoalsMaker:
    """How planners are told of notes."""
    if variant == "without_fingers":
        return without_fingers
    if variant == "nearest_keys":
        return partial(NearestKeys, code=learn_code([one for side in pieces.notes for one in side]))
    return Goals


def learner(
    variant: str,
    pieces: PlannedPieces,
    begin: HighLevelPolicy,
    folder: Path,
    known: dict[str, str],
    goals: GoalsMaker,
    worlds: PianoConfig,
) -> Callable[[HighLevelConfig], HighLevelPolicy | Policy]:
    """What learns for as many iterations as a config says, each time from where it was: a
    planner, or corrections."""
    both_known: dict[str, Any] = {**known, "planner": high_level_hash(begin)} | describe_backend(
        worlds.backend
    )
    if variant in REWARDED:
        both_known["weights"] = asdict(worlds.weights)
    skill = muscle_skill(begin.skill) if variant == "without_space" else begin.skill

    def learn(config: HighLevelConfig) -> HighLevelPolicy | Policy:
        if variant not in (*DIRECTLY, *REWARDED):
            return learn_planned(
                pieces, begin, folder, config, known=known, goals=goals, worlds=worlds
            )
        env = PianoEnv(pieces, skill, worlds, seed=config.seed)
        if variant in REWARDED:
            act = begin.policy.act if variant == "by_reward" else lambda _: env.teacher_action()
            return learn_corrections(env, act, begin, folder, ppo_config(config), both_known)
        if variant == "without_space":
            config = replace(config, noise=DaggerConfig().noise)
        return learn_directly(env, folder, config, both_known, one_actor=variant == "both_hands")

    return learn


def ppo_config(config: HighLevelConfig) -> PpoConfig:
    """PPO with steps of the same kind, more of them."""
    return PpoConfig(
        iterations=BY_REWARD * config.iterations, steps=config.steps, noise=0.2, seed=config.seed
    )


def knows_nothing(planner: HighLevelPolicy, seed: int) -> HighLevelNetwork:
    """Another planner for the same space; what is normal to see and to say is what it is for
    this one."""
    fresh = new_high_level_network(planner.skill, planner.policy.sizes[1:-1], seed=seed)
    for normal in ("mean", "spread", "middle", "width"):
        getattr(fresh, normal).copy_(getattr(planner.policy, normal))
    return fresh


def codes_are_normal(planner: HighLevelPolicy) -> None:
    """Has a planner find codes of `nearest_keys` normal, which differ by 1, in place of what
    else it would be told."""
    first = high_level_table(planner.skill).slice("held").start
    planner.policy.mean[first : first + CODES] = 0.0
    planner.policy.spread[first : first + CODES] = 1.0


def play(player: Controller, steps: int, minutes: float) -> dict[str, Any]:
    """Figures of a performance after so many steps of learning."""
    metrics = perform(player.score, player).metrics.as_dict()
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
            style = STYLES[VARIANTS.index(variant)]
            steps, values = ([row[key] or 0.0 for row in told] for key in ("steps", name))
            axes.plot(
                steps,
                values,
                linestyle=style,
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
