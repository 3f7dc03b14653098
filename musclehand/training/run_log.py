"""The log of a run, `metrics.csv`: a row for each iteration of each stage.

Columns: `stage`, `iteration` (from 0), `seconds` it took, `steps_s` (environment steps a second),
and the metrics of the stage. The file is replaced as a whole after each iteration. An iteration
that is computed again, after a kill, replaces its row.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from musclehand.core.atomic import write_file
from musclehand.training.reporter import Reporter, SilentReporter

__all__ = ["METRICS", "RunLog", "csv_text", "read_metrics"]

METRICS = "metrics.csv"
"""Name of the log in the folder of a run."""

_TYPES: Mapping[str, Callable[[str], Any]] = {"stage": str, "iteration": int}
"""Columns that are not of floating-point numbers."""


class RunLog:
    """Writes `metrics.csv` and reports each iteration."""

    def __init__(self, path: Path, reporter: Reporter | None = None) -> None:
        """
        Args:
            path: of the file; rows that it holds are kept.
            reporter: notified of each iteration.
        """
        self._path = path
        self._reporter = reporter or SilentReporter()
        self._rows: list[dict[str, Any]] = []
        if path.exists():
            with open(path, newline="", encoding="utf-8") as file:
                self._rows = list(csv.DictReader(file))
        self._clock = time.perf_counter()

    def begin(self, stage: str, total: int, done: int) -> None:
        """Starts or resumes a stage; rows of iterations that are not done are dropped.

        Args:
            stage: its name.
            total: iterations in all.
            done: iterations that are done.
        """
        self._rows = [
            row for row in self._rows if row["stage"] != stage or int(row["iteration"]) < done
        ]
        self._reporter.begin(stage, total, done)
        self._clock = time.perf_counter()

    def record(self, stage: str, iteration: int, steps: int, metrics: Mapping[str, float]) -> None:
        """Adds the row of an iteration.

        Args:
            stage: its name.
            iteration: number, from 0.
            steps: steps of the iteration over all environments.
            metrics: further columns; `tip_error` [m], if there is one, is reported.
        """
        now = time.perf_counter()
        seconds = now - self._clock
        self._clock = now
        rate = steps / seconds
        timing = {"stage": stage, "iteration": iteration, "seconds": seconds, "steps_s": rate}
        self._rows.append({**timing, **metrics})
        write_file(self._path, csv_text(self._rows))
        tip_error = metrics.get("tip_error")
        tips = "" if tip_error is None else f", fingertips {1e3 * tip_error:.2f} mm"
        self._reporter.advance(f"{rate:.0f} steps/s{tips}")


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The rows of a log, with numbers as `float`, `iteration` as `int`, and columns without a
    value left out; none if the file is not there."""
    if not path.exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return [
            {name: _TYPES.get(name, float)(value) for name, value in row.items() if value}
            for row in csv.DictReader(file)
        ]


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV; columns in the order in which they first occur."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
