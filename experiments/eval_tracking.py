"""How well held-out clips are followed, undisturbed and disturbed: a policy beside computed muscle control.

    python experiments/eval_tracking.py corpus runs/track_hand/policy/000001.json
    python experiments/eval_tracking.py corpus                                    # the teacher alone

Each clip is followed for ten seconds at most. Tables by kind of motion; `--out` gets every clip's figures as CSV.
Where senses are late, they are so for the teacher too.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import tyro
from rich.console import Console
from rich.table import Table

from musclehand.core.errors import MusclehandError
from musclehand.envs.disturbance import DisturbanceConfig
from musclehand.envs.evaluation import Actor, ClipScore, LateTeacher, evaluate, follow_teacher, table_by_kind
from musclehand.envs.tracking import TrackingConfig
from musclehand.motion.dataset import open_corpus
from musclehand.sim.scene import SIM_DT
from musclehand.tracking_policy import load_tracking_policy

CONDITIONS: Mapping[str, DisturbanceConfig] = {
    "undisturbed": DisturbanceConfig(),
    "pushes of up to 3 N": DisturbanceConfig(push=3.0, push_rate=2.0),
    "one muscle at 50 %": DisturbanceConfig(weak_muscles=1, weak_strength=0.5),
    "senses 24 ms late": DisturbanceConfig(delay=(0.024, 0.024)),
    "keys 30 % heavier": DisturbanceConfig(key_weight=(1.3, 1.3)),
    "all muscles at 70 %": DisturbanceConfig(strength=(0.7, 0.7)),
    "motor noise of 20 %": DisturbanceConfig(motor_noise=0.2),
}

HEADINGS = ("kind", "clips", "survived %", "joints deg", "tips mm mean", "tips mm p95", "activation", "change")


@dataclass(frozen=True)
class Args:
    """What to judge."""

    corpus: tyro.conf.Positional[Path]
    """folder of a corpus"""
    policy: tyro.conf.Positional[Path | None] = None
    """checkpoint of a policy, by its JSON file"""
    split: str = "test"
    """of the corpus"""
    most: int = 64
    """clips"""
    conditions: tuple[str, ...] = ("undisturbed",)
    """of those the module names, or "all" of them"""
    teacher: bool = True
    """judge computed muscle control beside it"""
    seed: int = 0
    """of the disturbances"""
    out: Path = Path("runs/eval_tracking.csv")
    """every clip's figures"""


def main(args: Args) -> None:
    """Prints tables and writes the figures."""
    torch.set_num_threads(1)
    console = Console()
    clips = list(open_corpus(args.corpus).clips(args.split))[: args.most]
    config = TrackingConfig(num_envs=1)
    actors: dict[str, Actor] = {"teacher": follow_teacher} if args.teacher else {}
    if args.policy is not None:
        loaded = load_tracking_policy(args.policy)
        actors["policy"], config = loaded.act, loaded.config
    wanted = tuple(CONDITIONS) if args.conditions == ("all",) else args.conditions
    rows: list[dict[str, object]] = []
    for condition in wanted:
        if condition not in CONDITIONS:
            raise SystemExit(f"unknown condition {condition!r}; known: {', '.join(CONDITIONS)}")
        disturbance = CONDITIONS[condition]
        if "teacher" in actors:
            actors["teacher"] = LateTeacher(round(disturbance.delay[1] / (config.sim_steps * SIM_DT)))
        for name, act in actors.items():
            scores = evaluate(clips, act, replace(config, disturbance=disturbance), seed=args.seed)
            console.print(score_table(f"{name}, {condition}", scores))
            rows += [{"actor": name, "condition": condition, **score._asdict()} for score in scores]
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with open(args.out, "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


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
