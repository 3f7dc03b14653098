"""Parallel, resumable generation of a motion corpus.

    generate_corpus("corpus", CorpusPlan(hours=1.0), workers=2)

Each job generates a shard from the seed of the plan and its own number alone. The shard is written
atomically, then the index is replaced. A generator that is killed at any moment can be called
again: it resumes from the shards in the index whose checksums hold, and ends with the same bytes as
an uninterrupted run.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from multiprocessing import get_context
from multiprocessing.connection import Connection
from os import PathLike
from pathlib import Path
from typing import Any

import musclehand
from musclehand.core.atomic import find_temporaries
from musclehand.core.errors import InvalidValue, MusclehandError, OutputError
from musclehand.core.progress import Progress
from musclehand.corpus.plan import CorpusJob, CorpusPlan, ShardContent
from musclehand.motion.clip import write_clips
from musclehand.motion.dataset import (
    INDEX,
    CorpusError,
    CorpusIndex,
    ShardEntry,
    entry_of,
    file_sha256,
    read_index,
    write_index,
)
from musclehand.music.generate.chorale import list_chorales

MOST_WORKERS = 256
"""Most worker processes."""


JobRunner = Callable[[CorpusJob], ShardContent]
"""Generates the content of a shard, which depends on the job alone."""


def generate_corpus(
    folder: str | PathLike[str],
    plan: CorpusPlan,
    *,
    workers: int = 2,
    run_job: JobRunner | None = None,
    progress: Progress | None = None,
) -> CorpusIndex:
    """Generate a corpus, or resume one, and return its index.

    Args:
        folder: folder of the corpus; created if it does not exist.
        plan: size and seed of the corpus.
        workers: number of processes, 1 to `MOST_WORKERS`; 1 works in this process.
        run_job: generates the content of a shard; by default the simulated hands of
            `musclehand.corpus.record`.
        progress: called with the approximate motion done and in all [s].

    Raises:
        CorpusError: the folder holds another corpus, or another process is at work in it.
        InvalidValue: the number of workers is out of range.
        MissingChorales: chorales are requested, and music21 is not installed.
        OutputError: the folder cannot be written to.
        MusclehandError: a worker process was killed.
    """
    if not 1 <= workers <= MOST_WORKERS:
        raise InvalidValue("workers", workers, f"1..{MOST_WORKERS}")
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            folder, os.strerror(error.errno) if error.errno else str(error)
        ) from error
    if plan.chorales:
        list_chorales()
    run_job = run_job or _simulated_hands()
    with _lock(folder):
        jobs = plan.jobs()
        shards = _finished_shards(folder, plan)
        _remove_temporaries(folder)
        missing = [job for job in jobs if job.shard not in shards]
        share = 3600 * plan.hours / len(jobs)
        names = [job.shard for job in jobs]
        metadata = _metadata(plan)
        for job, entry in _run_jobs(missing, partial(_write_shard, folder, run_job), workers):
            shards[job.shard] = entry
            complete = all(name in shards for name in names)
            write_index(folder, CorpusIndex(metadata, shards, complete))
            if progress is not None:
                progress(share * len(shards), share * len(jobs))
        index = CorpusIndex(metadata, {name: shards[name] for name in names}, complete=True)
        write_index(folder, index)
        _remove_temporaries(folder)
    return index


def _simulated_hands() -> JobRunner:
    # Loads the simulation, which other job runners do not need.
    from musclehand.corpus.record import make_shard

    return make_shard


def _metadata(plan: CorpusPlan) -> dict[str, Any]:
    """The plan for the index, with the versions on which the bytes of shards depend."""
    packages = ("mujoco", "myo-sim", "numpy", "scipy", "daqp", "h5py")
    return {
        **asdict(plan),
        "musclehand": musclehand.__version__,
        **{name: version(name) for name in packages},
    }


def _finished_shards(folder: Path, plan: CorpusPlan) -> dict[str, ShardEntry]:
    """The shards of the index whose checksums hold.

    Raises:
        CorpusError: the index is that of another plan, or of other versions.
    """
    if not (folder / INDEX).exists():
        return {}
    index = read_index(folder)
    metadata = _metadata(plan)
    previous = {name: index.plan.get(name) for name in metadata}
    differing = [name for name in metadata if name != "hours" and previous[name] != metadata[name]]
    if differing:
        words = ", ".join(
            f"{name} {previous[name]} instead of {metadata[name]}" for name in differing
        )
        raise CorpusError(folder, f"holds a corpus made with {words}; choose another folder")
    hours = previous["hours"]
    if not isinstance(hours, int | float) or hours > plan.hours:
        raise CorpusError(folder, f"holds a corpus of {hours} hours; ask for as many or more")
    return {
        name: entry
        for name, entry in index.shards.items()
        if (folder / name).is_file() and file_sha256(folder / name) == entry.sha256
    }


def _remove_temporaries(folder: Path) -> None:
    """Remove unfinished files of generators that were killed."""
    for path in find_temporaries(folder, "shard_*"):
        path.unlink(missing_ok=True)


def _write_shard(folder: Path, run_job: JobRunner, job: CorpusJob) -> ShardEntry:
    """Run a job and write its shard."""
    content = run_job(job)
    write_clips(folder / job.shard, content.clips)
    digest = file_sha256(folder / job.shard)
    return ShardEntry(digest, tuple(map(entry_of, content.clips)), content.failures)


def _run_jobs(
    jobs: list[CorpusJob], work: Callable[[CorpusJob], ShardEntry], workers: int
) -> Iterator[tuple[CorpusJob, ShardEntry]]:
    """Run jobs in parallel; yields each with its shard as it is done."""
    if workers == 1 or len(jobs) < 2:
        for job in jobs:
            yield job, work(job)
        return
    # Not forked, as MuJoCo and the matrix libraries have threads. The pipe's other end closes when
    # this process ends in any way; without it, workers of a killed process would wait for ever.
    context = get_context("spawn")
    reader, writer = context.Pipe(duplex=False)
    workers = min(workers, len(jobs))
    with ProcessPoolExecutor(
        workers, mp_context=context, initializer=_start_worker, initargs=(reader,)
    ) as pool:
        try:
            running = {pool.submit(work, job): job for job in jobs}
            for done in as_completed(running):
                yield running[done], done.result()
        except BrokenProcessPool as error:
            raise MusclehandError(
                "a worker process was killed; run the same command again to resume"
            ) from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            writer.close()
            raise
    writer.close()


def _start_worker(parent: Connection) -> None:
    """Leave Ctrl-C to the parent process, and end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        parent.poll(None)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Keep other generators out of a folder; the lock ends with the process in any case.

    Raises:
        CorpusError: another generator has the lock.
        OutputError: the folder cannot be written to.
    """
    try:
        import fcntl
    except ImportError:  # Windows: no lock
        yield
        return
    try:
        file = open(folder / ".lock", "w")  # noqa: SIM115
    except OSError as error:
        raise OutputError(
            folder, os.strerror(error.errno) if error.errno else str(error)
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CorpusError(folder, "another process is making a corpus here") from error
        yield
