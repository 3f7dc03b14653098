"""How trainings show their progress: bars on a terminal, lines of text in a file or pipe."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from musclehand.core import interrupts

if TYPE_CHECKING:
    from musclehand.envs.tracking.evaluation import ClipScore
    from musclehand.training.reporter import Reporter
    from musclehand.training.scale_out import SeedRuns

LINE_INTERVAL = 10.0
"""[s] Between lines of iterations where there is no terminal."""

SCORE_HEADINGS = (
    "kind",
    "clips",
    "survived %",
    "joints deg",
    "tips mm mean",
    "tips mm p95",
    "activation",
    "change",
)


class BarReporter:
    """A `Reporter` with a bar for each stage: rate, fingertip error, time spent and left."""

    def __init__(self, console: Console) -> None:
        """`console`: a terminal."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[detail]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        self._console = console
        self._bars = Progress(*columns, console=console)
        self._task: TaskID | None = None

    def begin(self, stage: str, total: int, done: int = 0) -> None:
        """Opens the bar of a stage.

        Args:
            stage: its name.
            total: its iterations in all.
            done: iterations done before.
        """
        self._bars.start()
        self._task = self._bars.add_task(stage, total=total, completed=done, detail="")

    def advance(self, detail: str = "") -> None:
        """Moves the bar."""
        interrupts.check()
        if self._task is not None:
            self._bars.update(self._task, advance=1, detail=detail)

    def message(self, text: str) -> None:
        """Prints a line above the bars."""
        self._console.print(text, markup=False)

    def close(self) -> None:
        """Leaves the bars as they are."""
        self._bars.stop()


def open_reporter() -> Reporter:
    """Where a training's progress goes: bars on standard error if that is a terminal, else lines
    of text."""
    from musclehand.training.reporter import TextReporter

    console = Console(stderr=True)
    return BarReporter(console) if console.is_terminal else TextReporter(interval=LINE_INTERVAL)


@contextmanager
def run_folder(folder: Path) -> Iterator[None]:
    """Makes the folder of a run before the work begins, and removes it if it stays empty.

    Raises:
        OutputError: it cannot be made or written to, or is a file.
    """
    from musclehand.performance.report import prepare_folder, remove_empty

    topmost = prepare_folder(folder)
    try:
        yield
    finally:
        remove_empty(folder, topmost)


def score_table(title: str, scores: Sequence[ClipScore]) -> Table:
    """How clips are followed, by kind of motion."""
    from musclehand.envs.tracking.evaluation import table_by_kind

    table = Table(*SCORE_HEADINGS, title=title)
    for row in table_by_kind(scores):
        table.add_row(*row)
    return table


def standing_table(
    seeds: Sequence[int], folders: Sequence[Path], totals: Mapping[str, int]
) -> Table:
    """How far trainings with several seeds are.

    Args:
        seeds: of the runs.
        folders: of the runs.
        totals: iterations of each stage.
    """
    from musclehand.training.scale_out import read_standing

    table = Table("seed", "stage", "iteration", "tips mm", "steps/s", "minutes left")
    for seed, folder in zip(seeds, folders, strict=True):
        run = read_standing(folder, totals)
        iteration = f"{run.iteration}/{totals[run.stage]}" if run.stage in totals else ""
        tips = "" if run.tip_error is None else f"{1e3 * run.tip_error:.2f}"
        rate = "" if run.rate is None else f"{run.rate:.0f}"
        running = run.seconds_left is not None and run.stage != "done"
        minutes = f"{run.seconds_left / 60:.1f}" if running else ""  # type: ignore[operator]
        table.add_row(str(seed), run.stage, iteration, tips, rate, minutes)
    return table


SUMMARY_UNITS: Mapping[str, tuple[str, float]] = {
    "joint_rmse": ("joints deg", math.degrees(1.0)),
    "tip_mean": ("tips mm mean", 1e3),
    "tip_p95": ("tips mm p95", 1e3),
    "survived": ("survived %", 100.0),
    "activation": ("activation", 1.0),
}
"""Heading of each figure of a summary, and the factor to its unit."""


def summary_table(runs: SeedRuns) -> Table:
    """Figures over seeds: mean, 95 % interval, and each."""
    table = Table(
        "validation clips", "mean", "95 % interval", "each", title=f"{len(runs.folders)} seeds"
    )
    for name, figure in runs.summary.items():
        heading, factor = SUMMARY_UNITS[name]
        interval = "" if figure.interval is None else f"± {factor * figure.interval:.3g}"
        values = ", ".join(f"{factor * value:.4g}" for value in figure.values)
        table.add_row(heading, f"{factor * figure.mean:.4g}", interval, values)
    return table
