"""Output of the command line: progress bars on stderr, tables on stdout."""

from __future__ import annotations

import sys
import time as clock
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from musclehand.core import interrupts

if TYPE_CHECKING:
    from musclehand.core.progress import Progress
    from musclehand.performance.perform import Performance

PLAIN_WIDTH = 120
"""Width of tables that go to a file or a pipe [characters]."""

_COMPARED = (
    ("onset F1 within 50 ms", "onset_f1_50ms"),
    ("onset F1 within 100 ms", "onset_f1_100ms"),
    ("frame F1, mean over steps", "frame_f1_mean"),
    ("frame F1, micro", "frame_f1_micro"),
    ("frame F1 of what is heard, micro", "heard_frame_f1_micro"),
    ("velocity F1", "velocity_f1"),
)
"""Metrics that the baselines have as well: label, and field of `PerformanceMetrics`."""

_FIRST_RATE = 0.2
"""Time after which a rate is shown [s]; earlier ones are noise."""


def print_pieces() -> None:
    """Prints the bundled pieces, from easy to hard."""
    from musclehand.music.repertoire import list_pieces

    table = Table(title="Bundled pieces", title_justify="left")
    table.add_column("name", no_wrap=True)
    table.add_column("title")
    table.add_column("composer")
    table.add_column("level", justify="right")
    table.add_column("seconds", justify="right")
    for piece in list_pieces():
        words = [Text(word) for word in (piece.name, piece.title, piece.composer)]
        table.add_row(*words, str(piece.level), f"{piece.seconds:.1f}")
    console = open_console()
    console.print(table)
    say(console, "Play one of them: musclehand play ode_to_joy")


def print_result(performance: Performance) -> None:
    """Prints the metrics of a performance beside its baselines, the remarks, and the files, which
    are all in one folder."""
    from musclehand.performance.plan_figures import NO_PLAN

    metrics = performance.metrics
    body = performance.body
    title = " ".join(performance.score.title.split()) or "Untitled"
    table = Table(title=Text(f"{title}, played by: {performance.controller}"), title_justify="left")
    table.add_column("")
    for heading in ("performance", "silent", "all keys held"):
        table.add_column(heading, justify="right")
    hits = metrics.num_reference - metrics.missed
    table.add_row("notes hit", f"{hits} of {metrics.num_reference}", "0", "")
    table.add_row("notes missed", str(metrics.missed), str(metrics.num_reference), "")
    table.add_row("notes extra", str(metrics.extra), "0", "")
    for label, name in _COMPARED:
        row = (metrics, metrics.baseline_silent, metrics.baseline_hold_all)
        table.add_row(label, *(_number(getattr(column, name), 3) for column in row))
    plan = performance.plan or NO_PLAN
    for label, value, digits, unit in (
        ("frame F1 of the plan, micro", plan.plan_frame_f1_micro, 3, ""),
        ("key time that the plan keeps", plan.plan_key_time_kept, 3, ""),
        ("onset error, median", metrics.onset_error_ms_median, 1, "ms"),
        ("onset error, 95 % below", metrics.onset_error_ms_p95, 1, "ms"),
        ("velocity error", metrics.velocity_error, 1, "of 127"),
        ("joint error, RMS", body.joint_rmse_deg, 2, "deg"),
        ("fingertip error", body.fingertip_error_mm, 1, "mm"),
        ("mean muscle activation", body.mean_activation, 3, ""),
        ("speed, planning included", performance.realtime_factor, 2, "x real time"),
    ):
        if value is not None:
            table.add_row(label, f"{_number(value, digits)} {unit}".rstrip(), "", "")
    console = open_console()
    console.print(table)
    if performance.rehearsals:
        console.print(_runs_table(performance))
    for remark in performance.remarks:
        say(console, f"Remark: {remark}")
    folder = performance.files[0].parent
    names = [str(path.relative_to(folder)) for path in performance.files]
    say(console, f"Written to {folder}: {', '.join(names)}")


def _runs_table(performance: Performance) -> Table:
    """Every run of a performance that was practised, and which one was kept."""
    table = Table(title="Practice", title_justify="left")
    table.add_column("run")
    for heading in (
        "onset F1",
        "frame F1",
        "velocity F1",
        "missed",
        "extra",
        "onset error, median",
        "velocity r",
    ):
        table.add_column(heading, justify="right")
    for number, run in enumerate(performance.rehearsals):
        name = "first sight" if number == 0 else f"after {number}"
        kept = ", kept" if number == performance.kept_run else ""
        table.add_row(
            name + kept,
            _number(run.onset_f1_50ms, 3),
            _number(run.frame_f1_micro, 3),
            _number(run.velocity_f1, 3),
            str(run.missed),
            str(run.extra),
            f"{_number(run.onset_error_ms_median, 1)} ms",
            _number(run.velocity_correlation, 2),
        )
    return table


@contextmanager
def progress_bar(waiting: str, working: str, unit: str) -> Iterator[Progress]:
    """A progress bar on stderr, if that is a terminal; gives the callback that moves it.

    Args:
        waiting: text of the bar until the first call.
        working: text from the first call on, with the rate and the time left.
        unit: of the rate, which is amount done per second of time.
    """
    from rich.progress import (
        BarColumn,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(waiting, total=None, rate="")
        begin: list[tuple[float, float]] = []

        def show(done: float, total: float) -> None:
            interrupts.check()
            time = clock.perf_counter()
            if not begin:
                begin.append((time, done))
            elapsed = time - begin[0][0]
            gained = done - begin[0][1]
            rate = f"{gained / elapsed:.2f} x {unit}" if elapsed > _FIRST_RATE else ""
            bar.update(task, description=working, completed=done, total=total, rate=rate)

        yield show


def open_console() -> Console:
    """The console for results: as wide as the terminal, or `PLAIN_WIDTH` in a file or pipe."""
    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(width=PLAIN_WIDTH, highlight=False)


def say(console: Console, sentence: str) -> None:
    """Prints a line verbatim: without markup, and not broken."""
    console.print(Text(sentence), soft_wrap=True)


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
