"""Jobs in several processes, whose results are kept on file and not computed again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any, TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from musclehand.core.atomic import write_file

JobT = TypeVar("JobT", bound=tuple[Any, ...])


def keep_results(
    paths: Mapping[JobT, Path],
    work: Callable[..., Any],
    *arguments: Any,
    workers: int,
    description: str,
) -> dict[JobT, Any]:
    """The result of `work(*job, *arguments)` for every job.

    It is read from the job's JSON file, or computed and written there as soon as it is known.

    Args:
        paths: file of each job.
        work: a function that can be sent to another process, with a result that JSON can hold.
        arguments: further arguments, the same for all jobs.
        workers: processes.
        description: of the progress bar.
    """
    columns = (TextColumn(description), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as bar, ProcessPoolExecutor(max_workers=workers) as pool:
        running = {
            pool.submit(work, *job, *arguments): path
            for job, path in paths.items()
            if not path.exists()
        }
        task = bar.add_task("", total=len(running))
        for finished in as_completed(running):
            write_file(running[finished], json.dumps(finished.result(), indent=1))
            bar.update(task, advance=1)
    return {job: json.loads(path.read_text(encoding="utf-8")) for job, path in paths.items()}
