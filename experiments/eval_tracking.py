"""How well held-out motion is followed, undisturbed and disturbed: policies beside computed muscle
control.

    python experiments/eval_tracking.py corpus runs/track_hand/policy/000001.json
    python experiments/eval_tracking.py corpus                                    # the teacher alone
    python experiments/eval_tracking.py corpus runs/*/policy/000001.json --conditions all --readme

Followed are clips of a split of the corpus, in the air, and what the player plans for scores by
pattern of the same split, on keys; for ten seconds at most. Tables by kind of motion; `--out` gets
every clip's figures as CSV. Where senses are late, they are so for the teacher too. Several
policies, of different seeds, are told by mean and interval.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
import tyro
from rich.console import Console
from rich.table import Table
from scipy import stats

from musclehand.core.errors import MusclehandError
from musclehand.envs.demonstrations.planned_motion import plan_references
from musclehand.envs.reference import ReferenceSet, build_references, join
from musclehand.envs.tracking.body import TrackingBody
from musclehand.envs.tracking.disturbance import DisturbanceConfig
from musclehand.envs.tracking.env import TrackingConfig
from musclehand.envs.tracking.evaluation import (
    RAPID,
    Actor,
    ClipScore,
    DelayedTeacher,
    evaluate,
    follow_teacher,
    table_by_kind,
)
from musclehand.motion.dataset import MotionCorpus, open_corpus, split_of
from musclehand.music.generate.patterns import pattern_scores
from musclehand.policies.tracking import load_tracking_policy
from musclehand.sim.scene import SIM_DT
from readme_table import put_table

CONDITIONS: Mapping[str, DisturbanceConfig] = {
    "undisturbed": DisturbanceConfig(),
    "pushes of up to 3 N": DisturbanceConfig(push=3.0, push_rate=2.0),
    "one muscle at 50 %": DisturbanceConfig(weak_muscles=1, weak_strength=0.5),
    "senses 24 ms late": DisturbanceConfig(delay=(0.024, 0.024)),
    "keys 30 % heavier": DisturbanceConfig(key_weight=(1.3, 1.3)),
    "all muscles at 70 %": DisturbanceConfig(strength=(0.7, 0.7)),
    "motor noise of 20 %": DisturbanceConfig(motor_noise=0.2),
}

HEADINGS = (
    "kind",
    "clips",
    "survived %",
    "joints deg",
    "tips mm mean",
    "tips mm p95",
    "activation",
    "change",
)

PLAN_SEED = 5000
"""Of the scores that are planned: others than those of a training."""

MARK = "following table"
AIR = "in the air"
KEYS = "on keys"


@dataclass(frozen=True)
class Args:
    """What to judge."""

    corpus: tyro.conf.Positional[Path]
    """folder of a corpus"""
    policies: tyro.conf.Positional[tuple[Path, ...]] = ()
    """checkpoints of policies, by their JSON files"""
    split: str = "test"
    """of the corpus, and of the patterns of scores"""
    most: int = 24
    """clips"""
    scores: int = 8
    """planned beside them; 0 for none"""
    conditions: tuple[str, ...] = ("undisturbed",)
    """of those the module names, or "all" of them"""
    teacher: bool = True
    """judge computed muscle control beside it"""
    warm: Path | None = None
    """policy of a warm start, told apart"""
    seed: int = 0
    """of the disturbances, and of which clips are taken"""
    out: Path = Path("runs/eval_tracking.csv")
    """every clip's figures"""
    readme: bool = False
    """put the table into README.md"""


def main(args: Args) -> None:
    """Prints tables and writes the figures."""
    torch.set_num_threads(1)
    console = Console()
    wanted = tuple(CONDITIONS) if args.conditions == ("all",) else args.conditions
    for condition in wanted:
        if condition not in CONDITIONS:
            raise SystemExit(f"unknown condition {condition!r}; known: {', '.join(CONDITIONS)}")
    config = replace(TrackingConfig(num_envs=1), keys=args.scores > 0)
    actors: dict[str, Actor] = {"teacher": follow_teacher} if args.teacher else {}
    learnt: dict[str, Path] = {
        f"policy {number}": path for number, path in enumerate(args.policies)
    }
    if args.warm is not None:
        learnt = {"warm start": args.warm, **learnt}
    for name, path in learnt.items():
        loaded = load_tracking_policy(path)
        actors[name], config = loaded.act, replace(loaded.config, keys=args.scores > 0)
    references = held_out(args, open_corpus(args.corpus), config)
    rows: list[dict[str, object]] = []
    means: dict[tuple[str, str, str], float] = {}
    apart: dict[str, list[ClipScore]] = {}
    for condition in wanted:
        disturbance = CONDITIONS[condition]
        if "teacher" in actors:
            actors["teacher"] = DelayedTeacher(
                round(disturbance.delay[1] / (config.sim_steps * SIM_DT))
            )
        for name, act in actors.items():
            scores = evaluate(
                references, act, replace(config, disturbance=disturbance), seed=args.seed
            )
            console.print(score_table(f"{name}, {condition}", scores))
            apart.setdefault(name, scores)
            for place in (AIR, KEYS):
                there = [score for score in scores if place_of(score) == place]
                if there:
                    means[condition, place, name] = mean_tip(there)
            rows += [
                {"actor": name, "condition": condition, "place": place_of(score), **score._asdict()}
                for score in scores
            ]
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with open(args.out, "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    table = f"{summary(means, tuple(actors))}\n\n{passages(apart)}"
    console.print(table, markup=False)
    if args.readme:
        put_table(MARK, table)


def held_out(args: Args, corpus: MotionCorpus, config: TrackingConfig) -> ReferenceSet:
    """What is to be followed."""
    muscles = TrackingBody(1).muscles
    dt = config.sim_steps * SIM_DT
    clips = list(corpus.clips(args.split))
    chosen = np.random.default_rng(args.seed).permutation(len(clips))[: args.most]
    air = build_references((clips[i] for i in chosen), dt=dt, muscles=muscles)
    if not args.scores:
        return air
    made = (one for one in pattern_scores(PLAN_SEED) if split_of(one.pattern) == args.split)
    planned = plan_references(islice(made, args.scores))
    return join([air, replace(planned, names=tuple(f"plan {name}" for name in planned.names))])


def place_of(score: ClipScore) -> str:
    """Whether a clip was done in the air or on keys."""
    return KEYS if score.name.startswith("plan ") else AIR


def mean_tip(scores: Sequence[ClipScore]) -> float:
    """Mean error of fingertips [mm], by time followed; a hand that failed counts with what it
    had until then."""
    weight = np.array([score.seconds for score in scores])
    return float(1e3 * weight @ [score.tip_mean for score in scores] / weight.sum())


def summary(means: Mapping[tuple[str, str, str], float], actors: Sequence[str]) -> str:
    """Fingertip errors by condition, as a table in Markdown; policies by mean and 95 % interval
    (Student's t)."""
    others = [name for name in actors if not name.startswith("policy")]
    learnt = [name for name in actors if name.startswith("policy")]
    heading = [f"fingertips off [mm]{'' if not learnt else f'; {len(learnt)} takes'}", "", *others]
    heading += ["policy", *(f"over {name}" for name in others)] if learnt else []
    lines = [f"| {' | '.join(heading)} |", f"|{' --- |' * len(heading)}"]
    for condition, place in dict.fromkeys((condition, place) for condition, place, _ in means):
        cells = [condition, place, *(f"{means[condition, place, name]:.2f}" for name in others)]
        if learnt:
            values = np.array([means[condition, place, name] for name in learnt])
            reach = f" ± {interval(values):.2f}" if len(values) > 1 else ""
            cells.append(f"{values.mean():.2f}{reach}")
            cells += [f"{values.mean() / means[condition, place, name]:.2f}" for name in others]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def passages(scores: Mapping[str, Sequence[ClipScore]]) -> str:
    """Rapid and loaded passages apart, in the first condition, as a table in Markdown."""
    some = next(iter(scores.values()))
    heading = [
        f"{what}, {sum(getattr(score, f'{name}_seconds') for score in some):.0f} s"
        for name, what in (
            ("rapid", f"a joint above {RAPID:.0f} rad/s"),
            ("loaded", "fingers on keys"),
        )
    ]
    lines = [
        f"| fingertips off [mm] | {' | '.join(heading)} | survived % |",
        "| --- | --- | --- | --- |",
    ]
    for actor, rows in scores.items():
        cells = []
        for name in ("rapid", "loaded"):
            seconds = np.array([getattr(score, f"{name}_seconds") for score in rows])
            tips = np.array([getattr(score, f"{name}_tip") for score in rows])
            cells.append(f"{1e3 * seconds @ tips / max(seconds.sum(), 1e-9):.2f}")
        survived = f"{100 * np.mean([score.survived for score in rows]):.1f}"
        lines.append(f"| {actor} | {' | '.join(cells)} | {survived} |")
    return "\n".join(lines)


def interval(values: np.ndarray) -> float:
    """Half the width of the 95 % interval of a mean."""
    return float(stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))


def score_table(title: str, scores: list[ClipScore]) -> Table:
    """For people."""
    table = Table(*HEADINGS, title=title)
    for row in table_by_kind(scores):
        table.add_row(*row)
    return table


if __name__ == "__main__":
    try:
        main(tyro.cli(Args, description=__doc__))
    except MusclehandError as error:
        raise SystemExit(str(error)) from None
