"""Many trainings, and one training in many places: what `track_hand.py --seeds`, `--shards` and
`--ray` do."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.live import Live
from rich.table import Table

from musclehand.core.errors import InvalidValue, MusclehandError
from musclehand.envs.reference import ReferenceSet
from musclehand.envs.tracking.env import TrackingConfig, TrackingEnv
from musclehand.learning.ray_cluster import Outcome, cluster, run_jobs
from musclehand.learning.ray_shards import RayShards
from musclehand.learning.shards import LocalShards, ShardedEnv, ShardGroup, shard_seed
from whole_files import write_whole

LAST = 10
"""Iterations from which it is guessed how long the rest takes."""

SCORES: Mapping[str, tuple[str, float]] = {
    "joint_rmse": ("joints deg", float(np.degrees(1.0))),
    "tip_mean": ("tips mm mean", 1e3),
    "tip_p95": ("tips mm p95", 1e3),
    "survived": ("survived %", 100.0),
    "activation": ("activation", 1.0),
}
"""What is summed up over seeds: heading, and factor to the unit there."""


@dataclass(frozen=True)
class HandMaker:
    """Makes shards of hands that follow references; it can be sent to other machines."""

    references: ReferenceSet
    config: TrackingConfig
    seed: int
    bad_states: Path

    def __call__(self, number: int) -> TrackingEnv:
        """The shard of a number."""
        folder = self.bad_states / f"shard_{number}"
        return TrackingEnv(
            self.references, self.config, seed=shard_seed(self.seed, number), bad_states=folder
        )


@contextmanager
def hands(
    pattern: TrackingEnv,
    config: TrackingConfig,
    *,
    seed: int,
    shards: int,
    ray: Sequence[str] | None,
    bad_states: Path,
) -> Iterator[TrackingEnv | ShardedEnv]:
    """What to learn in: an environment, or shards of it, here or on a cluster.

    Args:
        pattern: follows the same references; is what is given back where it is what is wanted.
        config: `num_envs` in all shards together.
        seed: of what is drawn.
        shards: how many.
        ray: address of a cluster, if any; None for this process.
        bad_states: a folder for what blew up.

    Raises:
        InvalidValue: hands cannot be shared out evenly, or there is nothing to place on the
            cluster.
        RayUnavailable: there is no such cluster.
    """
    if shards == 1:
        if ray is not None:
            raise InvalidValue("ray", ray, "given with seeds or shards, to have something to place")
        # Not if it is merely equal: a stage begins with hands that have not lived.
        same = config is pattern.config
        yield (
            pattern
            if same
            else TrackingEnv(pattern.references, config, seed=seed, bad_states=bad_states)
        )
        return
    if shards < 1 or config.num_envs % shards:
        raise InvalidValue("shards", shards, f"a divisor of {config.num_envs} hands")
    each = replace(config, num_envs=config.num_envs // shards)
    make = HandMaker(pattern.references, each, seed, bad_states.resolve())
    place = cluster(address_of(ray), cpus=config.num_threads, least=shards * config.num_threads)
    with nullcontext() if ray is None else place:
        group: ShardGroup
        group = (
            LocalShards(make, shards)
            if ray is None
            else RayShards(make, shards, cpus=config.num_threads)
        )
        try:
            yield ShardedEnv(group)
        finally:
            group.close()


def address_of(ray: Sequence[str] | None) -> str | None:
    """The address that `--ray` was given.

    Raises:
        InvalidValue: more than one.
    """
    if ray is not None and len(ray) > 1:
        raise InvalidValue("ray", " ".join(ray), "one address or none")
    return ray[0] if ray else None


def train_seeds(
    train: Callable[[Any, Console], None], args: Any, totals: Mapping[str, int], console: Console
) -> None:
    """Trains with each seed in a folder of its own, `seed_N`; what each prints goes to `log.txt`
    there.

    Args:
        train: trains with one seed.
        args: of `track_hand.py`.
        totals: iterations of each stage.
        console: for the table of how far all are, and for the summary.

    Raises:
        MusclehandError: not all trainings came to their end; tells of each that did not.
    """
    if len(set(args.seeds)) != len(args.seeds):
        raise InvalidValue("seeds", args.seeds, "each only once")
    out = args.out.resolve()
    plain = replace(args, corpus=args.corpus.resolve(), seeds=(), ray=None)
    jobs = [replace(plain, seed=seed, out=out / f"seed_{seed}") for seed in args.seeds]
    work = partial(_train_to_file, train)
    with Live(
        get_renderable=lambda: _progress_table(jobs, totals), console=console, refresh_per_second=1
    ):
        if args.ray is None:
            outcomes = [_alone(work, job) for job in jobs]
        else:
            with cluster(address_of(args.ray), cpus=args.threads):
                outcomes = run_jobs(work, jobs, cpus=args.threads)
    failed = [
        f"seed {job.seed}: {one.error}"
        for job, one in zip(jobs, outcomes, strict=True)
        if one.error is not None
    ]
    summary = summarise(
        [
            job.out / "scores.json"
            for job, one in zip(jobs, outcomes, strict=True)
            if one.error is None
        ]
    )
    if summary:
        told = {name: one._asdict() for name, one in summary.items()}
        write_whole(out / "summary.json", json.dumps(told, indent=1))
        console.print(_summary_table(summary))
    if failed:
        raise MusclehandError("\n".join(failed))


class Spread(NamedTuple):
    """A figure over seeds: `values` in their order, their `mean`, and how far to either side the
    95 % interval goes (Student's t; None of a single seed)."""

    values: list[float]
    mean: float
    interval: float | None


def summarise(paths: Sequence[Path]) -> dict[str, Spread]:
    """Means over clips of what is in files of scores, and how they differ between them; units as
    in the files."""
    found = [json.loads(path.read_text()) for path in paths]
    if not all(found):
        return {}
    means = {
        name: [float(np.mean([clip[name] for clip in clips])) for clips in found] for name in SCORES
    }
    return {name: spread(values) for name, values in means.items() if values}


def spread(values: list[float]) -> Spread:
    """Mean and interval of figures, one of each seed. Shape (n,)."""
    count = len(values)
    if count < 2:
        return Spread(values, values[0], None)
    from scipy import stats

    return Spread(
        values, float(np.mean(values)), float(stats.t.ppf(0.975, count - 1) * stats.sem(values))
    )


class Standing(NamedTuple):
    """How far a training is: `stage` and its `iteration` (the number done), `rate` in hand
    steps/s, fingertips' mean error `tip_error` [m], and `left`, how long the rest may take [s];
    None where that is not known."""

    stage: str
    iteration: int
    rate: float | None
    tip_error: float | None
    left: float | None


def standing_of(folder: Path, totals: Mapping[str, int]) -> Standing:
    """Read from `metrics.csv` and `scores.json`."""
    path = folder / "metrics.csv"
    if not path.exists():
        return Standing("waits" if not folder.exists() else "prepares", 0, None, None, None)
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        return Standing("prepares", 0, None, None, None)
    last = rows[-1]
    stage = rows[-1]["stage"]
    took = {
        name: [float(row["seconds"]) for row in rows if row["stage"] == name][-LAST:]
        for name in totals
    }
    left = {
        name: total - sum(row["stage"] == name for row in rows) for name, total in totals.items()
    }
    # A stage that has not begun may take as long an iteration as the one now.
    seconds = sum(
        max(0, count) * float(np.mean(took[name] or took[stage])) for name, count in left.items()
    )
    tip = last.get("tip_error")
    if not any(count > 0 for count in left.values()):
        stage = "done" if (folder / "scores.json").exists() else "evaluates"
    return Standing(
        stage,
        int(last["iteration"]) + 1,
        float(last["steps_s"]),
        float(tip) if tip else None,
        seconds,
    )


def _progress_table(jobs: Sequence[Any], totals: Mapping[str, int]) -> Table:
    table = Table("seed", "stage", "iteration", "tips mm", "hand steps/s", "minutes left")
    for job in jobs:
        now = standing_of(job.out, totals)
        known = now.rate is not None
        table.add_row(
            str(job.seed),
            now.stage,
            f"{now.iteration}/{totals[now.stage]}" if now.stage in totals else "",
            "" if now.tip_error is None else f"{1e3 * now.tip_error:.2f}",
            f"{now.rate:.0f}" if known else "",
            "" if now.left is None or now.stage == "done" else f"{now.left / 60:.1f}",
        )
    return table


def _summary_table(summary: Mapping[str, Spread]) -> Table:
    count = len(next(iter(summary.values())).values)
    table = Table("validation clips", "mean", "95 % interval", "each", title=f"{count} seeds")
    for name, (heading, factor) in SCORES.items():
        one = summary[name]
        interval = "" if one.interval is None else f"± {factor * one.interval:.3g}"
        each = ", ".join(f"{factor * value:.4g}" for value in one.values)
        table.add_row(heading, f"{factor * one.mean:.4g}", interval, each)
    return table


def _train_to_file(train: Callable[[Any, Console], None], job: Any) -> None:
    job.out.mkdir(parents=True, exist_ok=True)
    with open(job.out / "log.txt", "a") as file:
        train(job, Console(file=file, width=120))


def _alone(work: Callable[[Any], None], job: Any) -> Outcome:
    try:
        return Outcome(work(job), None)
    except (MusclehandError, OSError) as error:
        return Outcome(None, str(error))
