"""Jobs in several processes, whose results are kept on file and not computed again."""

from __future__ import annotations

import json
import time as clock
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
    columns = (
        TextColumn(description),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    begin = clock.perf_counter()
    with Progress(*columns) as bar, ProcessPoolExecutor(max_workers=workers) as pool:
        running = {
            pool.submit(work, *job, *arguments): path
            for job, path in paths.items()
            if not path.exists()
        }
        task = bar.add_task("", total=len(running), rate="")
        for done, finished in enumerate(as_completed(running), start=1):
            write_file(running[finished], json.dumps(finished.result(), indent=1))
            rate = 60.0 * done / (clock.perf_counter() - begin)
            bar.update(task, advance=1, rate=f"{rate:.1f} a minute")
    return {job: json.loads(path.read_text(encoding="utf-8")) for job, path in paths.items()}
