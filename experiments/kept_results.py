"""Work in several processes, each result on file as soon as it is there, and not worked out
again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any, TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from whole_files import write_whole

JobT = TypeVar("JobT", bound=tuple[Any, ...])


def keep_results(
    paths: Mapping[JobT, Path], work: Callable[..., Any], *more: Any, workers: int, doing: str
) -> dict[JobT, Any]:
    """What `work(*job, *more)` gives for every job: read from its JSON file, or worked out and
    written there.

    Args:
        paths: of the jobs' results.
        work: a function that other processes can be told of.
        more: arguments that are the same for all.
        workers: processes.
        doing: what the progress bar says.
    """
    columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as bar, ProcessPoolExecutor(max_workers=workers) as pool:
        running = {
            pool.submit(work, *job, *more): path for job, path in paths.items() if not path.exists()
        }
        task = bar.add_task("", total=len(running))
        for one in as_completed(running):
            write_whole(running[one], json.dumps(one.result(), indent=1))
            bar.update(task, advance=1)
    return {job: json.loads(path.read_text()) for job, path in paths.items()}
