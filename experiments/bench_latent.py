"""Ablations of the latent space: one thing changed at a time, everything else unchanged.

    python experiments/bench_latent.py corpus
    python experiments/bench_latent.py corpus --only default "96 dimensions" --workers 1

In the air, from a fifth of the corpus, distilled from the bundled policy: `--warm` steps of
distillation, then `--steps` of analytic policy gradient. Judged on held-out clips, beside the
policy itself, and by samples of the prior. Results on file in `--out` are not computed again.
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
from rich.console import Console

from bench_learning import DISTURBANCE, learnt_and_judged
from harness.kept_results import keep_results
from harness.results_page import cells_table, write_results_page
from harness.script import command_of, run_script
from musclehand.core.atomic import write_file
from musclehand.core.errors import UnknownName
from musclehand.core.time_steps import SIM_DT
from musclehand.envs.reference import build_references
from musclehand.envs.tracking.body import TrackingBody
from musclehand.envs.tracking.env import TrackingEnv
from musclehand.envs.tracking.observation import decoder_mask
from musclehand.learning.latent_apg import LatentApgConfig, LatentApgTraining
from musclehand.learning.latent_distill import LatentDistillConfig, LatentDistillTraining
from musclehand.policies.tracking import load_tracking_policy
from musclehand.training.latent_evaluation import compare_sequences, sample_prior
from musclehand.training.run_log import csv_text

TITLE = "Ablations of the latent space"

PROSE = """\
One thing changed at a time, with a sixth of the steps of analytic policy gradient, from a fifth of
the corpus and in the air, where the policy has a fingertip error of {policy_mm:.2f} mm on these
{clips} clips."""


class Variant(NamedTuple):
    """What is changed, by the names of fields."""

    distillation: Mapping[str, Any] = MappingProxyType({})
    """Of `LatentDistillConfig`."""

    apg: Mapping[str, Any] = MappingProxyType({})
    """Of `LatentApgConfig`."""


VARIANTS = {
    "default": Variant(),
    "latent actions at 125 Hz": Variant({"action_repeat": 1}),
    "latent actions at 41.7 Hz": Variant({"action_repeat": 3}),
    "latent actions at 31.2 Hz": Variant({"action_repeat": 4}),
    "16 dimensions": Variant({"latent_size": 16}),
    "32 dimensions": Variant({"latent_size": 32}),
    "96 dimensions": Variant({"latent_size": 96}),
    "plain autoencoder": Variant({"variational": False}),
    "KL weight 100 times (1e-4, 3e-2)": Variant({"kl_weight": 1e-4}, {"kl_weight": 3e-2}),
    "DAgger alone": Variant(apg={"iterations": 0}),
    "analytic policy gradient alone": Variant({"iterations": 0}),
}


@dataclass(frozen=True)
class Args:
    """How much to train, and where to keep the results."""

    corpus: tyro.conf.Positional[Path]
    """Folder of a corpus."""

    policy: Path | None = None
    """JSON file of a tracking policy; the bundled one by default."""

    warm: int = 76_800
    """Steps of distillation, over all hands."""

    steps: int = 204_800
    """Steps of analytic policy gradient; a variant without one of the stages does not make up for
    its time."""

    envs: int = 64
    """Hands at a time."""

    only: tuple[str, ...] = field(default_factory=lambda: tuple(VARIANTS))
    """Names of variants."""

    clips: int = 16
    """Held-out clips."""

    seed: int = 0
    """Of everything that is drawn."""

    out: Path = Path("runs/bench_latent")
    """Folder of the results."""

    workers: int = os.cpu_count() or 1
    """Processes."""

    results: bool = False
    """Write the results page."""


def main(args: Args) -> None:
    """Trains, judges, prints."""
    for name in args.only:
        if name not in VARIANTS:
            raise UnknownName("variant", name, VARIANTS)
    args.out.mkdir(parents=True, exist_ok=True)
    paths = {(name,): args.out / f"{name}.json" for name in args.only}
    kept = keep_results(paths, train_variant, args, workers=args.workers, description="distils")
    figures = {name: row for (name,), row in kept.items()}
    table = as_table(figures)
    Console().print(table, markup=False)
    if args.results:
        policy_mm = next(iter(figures.values()))["policy_mm"]
        prose = PROSE.format(policy_mm=policy_mm, clips=args.clips)
        command = command_of(__file__, args)
        write_results_page("latent", TITLE, command, f"{prose}\n\n{table}")


def train_variant(name: str, args: Args) -> dict[str, Any]:
    """Figures of one variant."""
    torch.set_num_threads(1)
    begin = time.perf_counter()
    variant = VARIANTS[name]
    folder = args.out / name
    teacher = load_tracking_policy(args.policy)
    config = replace(teacher.config, num_envs=args.envs, keys=False)
    train, test = learnt_and_judged(args.corpus, args.seed, args.clips)
    muscles = TrackingBody(1).muscles
    references = build_references(train, dt=config.sim_steps * SIM_DT, muscles=muscles)
    env = TrackingEnv(references, config, seed=args.seed)
    count = max(1, round(args.warm / (LatentDistillConfig().steps * args.envs)))
    usual = LatentDistillConfig(
        iterations=count, decay=count, buffer_iterations=count, seed=args.seed
    )
    distillation = LatentDistillTraining(
        env,
        teacher.policy,
        decoder_mask(env.table),
        replace(usual, **variant.distillation),
        folder / "distillation",
        identity={},
    )
    distillation.run()
    policy = distillation.policy
    count = max(1, round(args.steps / (LatentApgConfig().steps * args.envs)))
    apg = replace(LatentApgConfig(iterations=count, decay=count, seed=args.seed), **variant.apg)
    if apg.iterations:
        disturbed = replace(config, disturbance=DISTURBANCE)
        apg_env = TrackingEnv(references, disturbed, seed=args.seed)
        training = LatentApgTraining(apg_env, policy, apg, folder / "apg", identity={})
        training.run()
        policy = training.policy
    minutes = (time.perf_counter() - begin) / 60.0
    sequences = compare_sequences(policy, teacher.policy.act, test, config)
    write_file(folder / "sequences.csv", csv_text(sequences.rows))
    return sequences.figures() | sample_prior(policy, test, config) | {"minutes": minutes}


def as_table(figures: dict[str, dict[str, Any]]) -> str:
    """In Markdown."""
    cells: list[tuple[str, Callable[[dict[str, Any]], str]]] = [
        ("fingertips mm", lambda row: f"{row['latent_mm']:.2f}"),
        ("ratio to the policy", lambda row: f"{row['ratio']:.2f}"),
        ("survived %", lambda row: f"{100 * row['survived']:.0f}"),
        (
            "samples of the prior: within limits %",
            lambda row: f"{100 * row['prior_within_limits']:.1f}",
        ),
        ("speed ratio to clips", lambda row: f"{row['prior_speed'] / row['clips_speed']:.2f}"),
    ]
    return cells_table("changed", cells, figures)


if __name__ == "__main__":
    run_script(main, Args, __doc__)
