"""Making a corpus of motion: jobs that follow from a seed, one shard each, made in parallel and
never half.

    generate_corpus("corpus", CorpusPlan(hours=1.0), workers=2)

Every job makes one shard out of nothing but the plan's seed and the job's number, writes it under a
passing name and renames it when it is whole; then the index is replaced. Whatever moment the
generator is killed at, another call goes on from the shards in the index whose checksums hold and
ends with the same bytes as one that was never interrupted.
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
from musclehand.core.atomic import find_temporaries, temporary_path
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


Maker = Callable[[CorpusJob], ShardContent]


def generate_corpus(
    folder: str | PathLike[str],
    plan: CorpusPlan,
    *,
    workers: int = 2,
    make: Maker | None = None,
    progress: Progress | None = None,
) -> CorpusIndex:
    """Makes a corpus, or what is missing of it, and returns its index.

    Args:
        folder: to write to; made if it is not there.
        plan: what to make.
        workers: processes; 1 works in this one.
        make: does a job, and has to depend on nothing else; by default hands play and move
            (`corpus_player`).
        progress: called with the seconds of motion done and in all, about.

    Raises:
        CorpusError: the folder holds another corpus, or another process is at work in it.
        InvalidValue: the number of workers is out of range.
        MissingChorales: they are wanted and music21 is not installed.
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
    make = make or _hands()
    with _alone(folder):
        jobs = plan.jobs()
        shards = _finished(folder, plan)
        _sweep(folder)
        wanted = [job for job in jobs if job.shard not in shards]
        share = 3600 * plan.hours / len(jobs)
        names = [job.shard for job in jobs]
        told = _told(plan)
        for job, entry in _work_off(wanted, partial(_make_shard, folder, make), workers):
            shards[job.shard] = entry
            write_index(folder, CorpusIndex(told, shards, all(name in shards for name in names)))
            if progress is not None:
                progress(share * len(shards), share * len(jobs))
        index = CorpusIndex(told, {name: shards[name] for name in names}, True)
        write_index(folder, index)
        _sweep(folder)
    return index


def _hands() -> Maker:
    # Loads the simulation, which jobs of another kind can do without.
    from musclehand.corpus.record import make_shard

    return make_shard


def _told(plan: CorpusPlan) -> dict[str, Any]:
    """The plan as the index keeps it, with the versions that a shard's bytes depend on."""
    packages = ("mujoco", "myo-sim", "numpy", "scipy", "daqp", "h5py")
    return {
        **asdict(plan),
        "musclehand": musclehand.__version__,
        **{name: version(name) for name in packages},
    }


def _finished(folder: Path, plan: CorpusPlan) -> dict[str, ShardEntry]:
    """The shards that are there already and whole.

    Raises:
        CorpusError: they are those of another plan, or of other versions.
    """
    if not (folder / INDEX).exists():
        return {}
    index = read_index(folder)
    told = _told(plan)
    was = {name: index.plan.get(name) for name in told}
    differing = [name for name in told if name != "hours" and was[name] != told[name]]
    if differing:
        words = ", ".join(f"{name} {was[name]} instead of {told[name]}" for name in differing)
        raise CorpusError(folder, f"holds a corpus made with {words}; choose another folder")
    if not isinstance(was["hours"], int | float) or was["hours"] > plan.hours:
        raise CorpusError(
            folder, f"holds a corpus of {was['hours']} hours; ask for as many or more"
        )
    whole = {}
    for name, entry in index.shards.items():
        if (folder / name).is_file() and file_sha256(folder / name) == entry.sha256:
            whole[name] = entry
    return whole


def _sweep(folder: Path) -> None:
    """Removes what generators that were killed had begun to write."""
    for stray in find_temporaries(folder, "shard_*"):
        stray.unlink(missing_ok=True)


def _make_shard(folder: Path, make: Maker, job: CorpusJob) -> ShardEntry:
    """Does a job and puts its shard into the folder."""
    content = make(job)
    with temporary_path(folder / job.shard) as part:
        write_clips(part, content.clips)
        digest = file_sha256(part)
    return ShardEntry(digest, tuple(map(entry_of, content.clips)), content.failures)


def _work_off(
    jobs: list[CorpusJob], work: Callable[[CorpusJob], ShardEntry], workers: int
) -> Iterator[tuple[CorpusJob, ShardEntry]]:
    """The jobs with what came of them, as they are done."""
    if workers == 1 or len(jobs) < 2:
        for job in jobs:
            yield job, work(job)
        return
    # Not forked: MuJoCo and the matrix libraries have threads. The pipe's other end closes when
    # this process ends, however that happens; without it, workers of a process that was killed
    # would wait for jobs for ever.
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
                "a worker process was killed; run the same command again to go on"
            ) from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            writer.close()
            raise
    writer.close()


def _start_worker(parent: Connection) -> None:
    """Leaves Ctrl-C to the parent, and ends with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        parent.poll(None)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keeps other generators out of a folder; the lock goes with the process, however it ends.

    Raises:
        CorpusError: there is another one.
        OutputError: the folder cannot be written to.
    """
    try:
        import fcntl
    except ImportError:  # Windows: nobody is kept out
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
