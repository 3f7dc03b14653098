"""What matters in a latent space of skill: one thing changed at a time, all else and the budget the
same.

    python experiments/bench_latent.py corpus --readme
    python experiments/bench_latent.py corpus --only default "96 numbers" --workers 1

In the air, from a fifth of the corpus, distilled from the policy that comes along: `--warm` steps
of learning to do as the policy does, then `--steps` by the slope of the reward. Judged on clips
that were not learnt from, beside the policy itself, and by what intentions drawn from the prior do.
What is finished stays in `--out` and is not done again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
import tyro
from distill_latent import draw_at_random, judge
from kept_results import keep_results
from readme_table import cells_table, put_table
from rich.console import Console

from bench_learning import ROUGH_AIR, learnt_and_judged
from musclehand.core.errors import MusclehandError, UnknownName
from musclehand.core.time_steps import SIM_DT
from musclehand.envs.reference import build_references
from musclehand.envs.tracking.body import TrackingBody
from musclehand.envs.tracking.env import TrackingEnv
from musclehand.envs.tracking.observation import own_state
from musclehand.learning.latent_apg import LatentApgConfig, LatentApgTraining
from musclehand.learning.latent_distill import LatentDistillConfig, LatentDistillTraining
from musclehand.learning.vae import LatentPolicy
from musclehand.policies.tracking import load_tracking_policy

MARK = "latent table"


class Variant(NamedTuple):
    """What is other than usual in learning from the policy, and in learning by slopes."""

    latent: Mapping[str, Any] = MappingProxyType({})
    slope: Mapping[str, Any] = MappingProxyType({})


VARIANTS = {
    "default": Variant(),
    "intentions at 125 Hz": Variant({"hold": 1}),
    "intentions at 41.7 Hz": Variant({"hold": 3}),
    "intentions at 31.2 Hz": Variant({"hold": 4}),
    "16 numbers": Variant({"latent": 16}),
    "32 numbers": Variant({"latent": 32}),
    "96 numbers": Variant({"latent": 96}),
    "plain autoencoder": Variant({"variational": False}),
    "divergence dear (1e-4, 3e-2)": Variant({"divergence": 1e-4}, {"divergence": 3e-2}),
    "distilled alone": Variant(slope={"iterations": 0}),
    "slopes alone": Variant({"iterations": 0}),
}


@dataclass(frozen=True)
class Args:
    """How much, and where to keep it."""

    corpus: tyro.conf.Positional[Path]
    """folder of a corpus"""
    policy: Path | None = None
    """checkpoint of a tracking policy; the one that comes along by default"""
    warm: int = 76_800
    """steps of learning from the policy, over all hands"""
    steps: int = 204_800
    """steps by slopes; where there is no such stage, or no other, the time is not made up for"""
    envs: int = 64
    """hands at a time"""
    only: tuple[str, ...] = field(default_factory=lambda: tuple(VARIANTS))
    """variants"""
    clips: int = 16
    """to be judged on"""
    seed: int = 0
    """of everything"""
    out: Path = Path("runs/bench_latent")
    """folder of the results"""
    workers: int = os.cpu_count() or 1
    """processes"""
    readme: bool = False
    """put the table into README.md"""


def main(args: Args) -> None:
    """Trains, judges, prints."""
    for name in args.only:
        if name not in VARIANTS:
            raise UnknownName("variant", name, VARIANTS)
    args.out.mkdir(parents=True, exist_ok=True)
    paths = {(name,): args.out / f"{name}.json" for name in args.only}
    rows = keep_results(paths, train_one, args, workers=args.workers, doing="distils")
    table = as_table({name: row for (name,), row in rows.items()})
    Console().print(table, markup=False)
    if args.readme:
        put_table(MARK, table)


def train_one(name: str, args: Args) -> dict[str, Any]:
    """Figures of one variant."""
    torch.set_num_threads(1)
    begin = time.perf_counter()
    variant = VARIANTS[name]
    folder = args.out / name
    teacher = load_tracking_policy(args.policy)
    config = replace(teacher.config, num_envs=args.envs, keys=False)
    train, test = learnt_and_judged(args.corpus, args.seed, args.clips)
    references = build_references(
        train, dt=config.sim_steps * SIM_DT, muscles=TrackingBody(1).muscles
    )
    env = TrackingEnv(references, config, seed=args.seed)
    count = max(1, round(args.warm / (LatentDistillConfig().steps * args.envs)))
    warm = replace(
        LatentDistillConfig(iterations=count, decay=count, memory=count, seed=args.seed), **variant.latent
    )
    distilled = LatentDistillTraining(
        env, teacher.policy, own_state(env.table), warm, folder / "warm", known={}
    )
    policy: Any = distilled.run()
    count = max(1, round(args.steps / (LatentApgConfig().steps * args.envs)))
    slope = replace(LatentApgConfig(iterations=count, decay=count, seed=args.seed), **variant.slope)
    if slope.iterations:
        rough = TrackingEnv(references, replace(config, disturbance=ROUGH_AIR), seed=args.seed)
        policy = LatentApgTraining(rough, policy, slope, folder / "slope", known={}).run()
    assert isinstance(policy, LatentPolicy)
    minutes = (time.perf_counter() - begin) / 60.0
    figures = judge(policy, teacher.policy.act, test, config, folder / "sequences.csv")
    return figures | draw_at_random(policy, test, config) | {"minutes": minutes}


def as_table(figures: dict[str, dict[str, Any]]) -> str:
    """In Markdown."""
    cells: list[tuple[str, Callable[[dict[str, Any]], str]]] = [
        ("tips mm", lambda row: f"{row['latent_mm']:.2f}"),
        ("over the policy", lambda row: f"{row['ratio']:.2f}"),
        ("survived %", lambda row: f"{100 * row['survived']:.0f}"),
        ("drawn at random: within limits %", lambda row: f"{100 * row['prior_within_limits']:.1f}"),
        ("speed over clips'", lambda row: f"{row['prior_speed'] / row['clips_speed']:.2f}"),
    ]
    return cells_table("changed", cells, figures)


if __name__ == "__main__":
    try:
        main(tyro.cli(Args, description=__doc__))
    except MusclehandError as error:
        raise SystemExit(str(error)) from None
