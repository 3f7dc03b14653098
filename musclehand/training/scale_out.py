"""Trainings with several seeds: side by side or one after the other, and what they give together.

    runs = track_seeds("corpus", (0, 1, 2), out="runs/track")
    runs.summary["tip_mean"].mean, runs.summary["tip_mean"].interval

Each seed has a folder of its own, `seed_N`, in which `log.txt` holds the reports of its run. The
summary, `summary.json`, has means over seeds with 95 % intervals (Student's t).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np

from musclehand.core.atomic import write_file
from musclehand.core.errors import InvalidValue, MusclehandError
from musclehand.learning.ray_cluster import Outcome, cluster, run_jobs
from musclehand.motion.dataset import MotionCorpus
from musclehand.policies.files import TRACKING, find_policy
from musclehand.training.placement import ray_address
from musclehand.training.reporter import Reporter, TextReporter
from musclehand.training.run_log import METRICS
from musclehand.training.tracking import (
    SCORES,
    TrackConfig,
    resolve_run_backend,
    track,
)

__all__ = [
    "SUMMARISED",
    "Estimate",
    "SeedRuns",
    "Standing",
    "estimate",
    "read_standing",
    "seed_folders",
    "summarise",
    "track_seeds",
]

LOG = "log.txt"
SUMMARY = "summary.json"

LAST_ITERATIONS = 10
"""Number of last iterations whose mean time predicts the time left."""

SUMMARISED = ("joint_rmse", "tip_mean", "tip_p95", "survived", "activation")
"""Fields of `ClipScore` that a summary has: the mean over clips, in the unit of the field."""


class Estimate(NamedTuple):
    """A figure over seeds."""

    values: list[float]
    """One for each seed, in the order of the seeds."""

    mean: float
    """Mean of the values."""

    interval: float | None
    """Half the width of the 95 % interval of the mean (Student's t); None for a single seed."""


class Standing(NamedTuple):
    """How far a training has come."""

    stage: str
    """Name of the stage, or waiting, preparing, evaluating, done."""

    iteration: int
    """Iterations of the stage that are done."""

    rate: float | None
    """[steps/s] Of the last iteration; None before the first one."""

    tip_error: float | None
    """[m] Mean fingertip error of the last iteration, where the policy acted."""

    seconds_left: float | None
    """[s] How long the remaining iterations may take; None before the first one."""


class SeedJob(NamedTuple):
    """A training with one seed, as it is sent to a worker."""

    corpus: Path
    """Folder of the corpus."""

    out: Path
    """Folder of the run."""

    config: TrackConfig
    """How to train; `seed` is that of the job."""

    start: Path | None = None
    """File of the tracking policy to continue from."""


@dataclass(frozen=True)
class SeedRuns:
    """Finished trainings with several seeds."""

    folders: tuple[Path, ...]
    """Folder of each run, in the order of the seeds."""

    summary: Mapping[str, Estimate]
    """By the names of `SUMMARISED`; empty if no clip was held out."""


def track_seeds(
    corpus: MotionCorpus | str | PathLike[str],
    seeds: Sequence[int],
    out: str | PathLike[str] = "runs/track",
    config: TrackConfig | None = None,
    *,
    start: str | PathLike[str] | None = None,
) -> SeedRuns:
    """Trains a tracking policy with each of several seeds, in the folder `seed_N` of `out`.

    Args:
        corpus: a corpus of motion, or its folder, which all machines of a cluster have to see.
        seeds: each only once.
        out: folder of the runs; those that are there are resumed.
        config: how to train; `ray` places the runs on a cluster, and they go on one after the
            other in this process without it.
        start: a tracking policy to continue from, as for `track`; all machines have to see its
            file.

    Raises:
        InvalidValue: a seed is given twice.
        MusclehandError: a training failed; the message names each, and the others are finished.
        RayUnavailable: there is no such cluster.
    """
    config = config or TrackConfig()
    config = replace(config, backend=resolve_run_backend(config))
    folder = corpus.folder if isinstance(corpus, MotionCorpus) else Path(corpus)
    if start is not None:
        start = find_policy(start, TRACKING, "tracking").resolve()
    jobs = [
        SeedJob(folder.resolve(), place, replace(config, seed=seed, ray=None), start)
        for seed, place in zip(seeds, seed_folders(out, seeds), strict=True)
    ]
    return run_seeds(_train, jobs, Path(out), ray=config.ray, threads=config.threads)


def seed_folders(out: str | PathLike[str], seeds: Sequence[int]) -> list[Path]:
    """The folders of the runs with these seeds."""
    return [Path(out).resolve() / f"seed_{seed}" for seed in seeds]


def run_seeds(
    train: Callable[[SeedJob, Reporter], None],
    jobs: Sequence[SeedJob],
    out: Path,
    *,
    ray: Sequence[str] | None,
    threads: int,
) -> SeedRuns:
    """Trains jobs and summarises them.

    Args:
        train: does one job.
        jobs: to do.
        out: folder of the summary.
        ray: address of a cluster, or () for this machine's cores; None for this process.
        threads: processor cores that a job takes.

    Raises:
        InvalidValue: a seed is there twice, or more than one address.
        MusclehandError: a training failed.
        RayUnavailable: there is no such cluster.
    """
    seeds = tuple(job.config.seed for job in jobs)
    if len(set(seeds)) != len(seeds):
        raise InvalidValue("seeds", seeds, "each only once")
    address = ray_address(ray)
    work = partial(_with_log, train)
    if ray is None:
        outcomes = [_do_here(work, job) for job in jobs]
    else:
        with cluster(address, cpus=threads):
            outcomes = run_jobs(work, jobs, cpus=threads)
    finished = [
        job.out for job, outcome in zip(jobs, outcomes, strict=True) if outcome.error is None
    ]
    summary = summarise([folder / SCORES for folder in finished])
    if summary:
        content = {name: figure._asdict() for name, figure in summary.items()}
        write_file(out / SUMMARY, json.dumps(content, indent=1))
    errors = [
        f"seed {job.config.seed}: {outcome.error}"
        for job, outcome in zip(jobs, outcomes, strict=True)
        if outcome.error is not None
    ]
    if errors:
        raise MusclehandError("\n".join(errors))
    return SeedRuns(tuple(job.out for job in jobs), summary)


def summarise(paths: Sequence[Path]) -> dict[str, Estimate]:
    """Means over clips of files of scores, and their spread over the files.

    Args:
        paths: of `scores.json` of each run.

    Returns:
        By the names of `SUMMARISED`, in the units of `ClipScore`; empty if a file has no clip.
    """
    runs = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    if not runs or not all(runs):
        return {}
    return {
        name: estimate([float(np.mean([clip[name] for clip in clips])) for clips in runs])
        for name in SUMMARISED
    }


def estimate(values: Sequence[float]) -> Estimate:
    """Mean and 95 % interval of figures, one for each seed. Shape (n,)."""
    count = len(values)
    if count < 2:
        return Estimate(list(values), values[0], None)
    from scipy import stats

    interval = float(stats.t.ppf(0.975, count - 1) * stats.sem(values))
    return Estimate(list(values), float(np.mean(values)), interval)


def read_standing(folder: Path, totals: Mapping[str, int]) -> Standing:
    """How far the training in a folder has come, by its log.

    Args:
        folder: of the run.
        totals: iterations of each stage (`stage_iterations`).
    """
    path = folder / METRICS
    if not path.exists():
        return Standing("preparing" if folder.exists() else "waiting", 0, None, None, None)
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        return Standing("preparing", 0, None, None, None)
    last = rows[-1]
    stage = last["stage"]
    times = {
        name: [float(row["seconds"]) for row in rows if row["stage"] == name][-LAST_ITERATIONS:]
        for name in totals
    }
    missing = {
        name: total - sum(row["stage"] == name for row in rows) for name, total in totals.items()
    }
    # A stage that has not begun may take as long for an iteration as the present one.
    seconds_left = sum(
        max(0, count) * float(np.mean(times[name] or times[stage]))
        for name, count in missing.items()
    )
    tip_error = last.get("tip_error")
    if not any(count > 0 for count in missing.values()):
        stage = "done" if (folder / SCORES).exists() else "evaluating"
    return Standing(
        stage=stage,
        iteration=int(last["iteration"]) + 1,
        rate=float(last["steps_s"]),
        tip_error=float(tip_error) if tip_error else None,
        seconds_left=seconds_left,
    )


def _train(job: SeedJob, reporter: Reporter) -> None:
    track(job.corpus, job.out, job.config, start=job.start, reporter=reporter)


def _with_log(train: Callable[[SeedJob, Reporter], None], job: SeedJob) -> None:
    job.out.mkdir(parents=True, exist_ok=True)
    with open(job.out / LOG, "a", encoding="utf-8") as file:
        train(job, TextReporter(file))


def _do_here(work: Callable[[SeedJob], None], job: SeedJob) -> Outcome:
    try:
        work(job)
        return Outcome(None, None)
    except (MusclehandError, OSError) as error:
        return Outcome(None, str(error))
