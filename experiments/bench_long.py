"""A quarter of an hour without a break: the theme of K. 265 with variations of our own, played by
muscles.

    python experiments/bench_long.py --out runs/bench_long
    python experiments/bench_long.py --seconds 60        only the beginning

Leaves the score as MIDI, the recording, and `long.json`: figures of each third beside what the plan
would score, the memory of the process at every minute of music, and how fast it went, by the clock
and by the time that this process had on a core. Memory is flat where its slope over the second half
is near 0: in the first minutes HDF5 fills a cache of 8 MB for each channel of the recording.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from musclehand.controllers.muscle import MuscleController
from musclehand.music.formats.midi import write_midi
from musclehand.music.generate.variations import theme_and_variations
from musclehand.music.metrics import score_performance
from musclehand.music.score import Score, keyboard_score
from musclehand.performance.perform import perform
from musclehand.planning.plan import plan_performance

FIGURES = (
    "onset_f1_50ms",
    "frame_f1_micro",
    "onset_error_ms_median",
    "onset_error_ms_p95",
    "velocity_correlation",
)


@dataclass(frozen=True)
class Args:
    """What to play and where to leave it."""

    out: Path = Path("runs/bench_long")
    """folder of the results"""
    seconds: float = 0.0
    """play only the first so many seconds; 0 plays all"""


class MemoryLog:
    """Resident memory at every minute of simulated time, as `perform` tells its progress."""

    def __init__(self, console: Console) -> None:
        self.minutes: list[tuple[float, float]] = []
        self._console = console

    def __call__(self, done: float, end: float) -> None:
        """`done` of `end` seconds have been simulated."""
        if done >= 60.0 * len(self.minutes) or done >= end:
            self.minutes.append((done, resident_megabytes()))
            self._console.print(
                f"{done:6.0f} of {end:.0f} s of music, {self.minutes[-1][1]:.0f} MB"
            )

    @property
    def slope(self) -> float | None:
        """Growth in the second half [MB per minute of music], None where it has fewer than three
        looks."""
        late = np.array([row for row in self.minutes if row[0] >= 0.5 * self.minutes[-1][0]])
        return float(np.polyfit(late[:, 0] / 60.0, late[:, 1], 1)[0]) if len(late) > 2 else None


def main(args: Args) -> None:
    """Plays the piece and prints what came of it."""
    console = Console()
    args.out.mkdir(parents=True, exist_ok=True)
    score = theme_and_variations()
    if args.seconds:
        score = score.clip(0.0, args.seconds)
    write_midi(score, args.out / "variations.mid")
    score = keyboard_score(score)
    begin = time.perf_counter()
    core = time.process_time()
    with threadpool_limits(1):
        player = MuscleController(plan_performance(score))
    planning = time.perf_counter() - begin
    memory = MemoryLog(console)
    result = perform(score, player, record=args.out / "recording.h5", progress=memory)
    wall = time.perf_counter() - begin
    core = time.process_time() - core
    parts = thirds(score, player.planned(), result.played)
    content = {
        "notes": len(score),
        "duration_s": score.duration,
        "thirds": parts,
        "whole": {name: getattr(result.metrics, name) for name in FIGURES},
        "body": vars(result.body),
        "memory_mb": memory.minutes,
        "memory_slope_mb_per_min": memory.slope,
        "planning_s": planning,
        "wall_s": wall,
        "realtime_factor": score.duration / wall,
        "realtime_factor_of_a_core": score.duration / core,
    }
    (args.out / "long.json").write_text(json.dumps(content, indent=1))
    console.print(thirds_table(parts))
    grown = "too short to tell" if memory.slope is None else f"{memory.slope:+.2f} MB a minute"
    console.print(
        f"{score.duration:.0f} s of music and {len(score)} notes in {wall:.0f} s ({planning:.0f} s of it planning), "
        f"{score.duration / wall:.2f} times real time ({score.duration / core:.2f} of a core); memory {grown}"
    )


def thirds(score: Score, planned: Score, played: Score) -> list[dict[str, Any]]:
    """Figures of each third of the time, of what was played and of the plan."""
    edges = np.linspace(0.0, score.duration, 4)
    edges[-1] += 1e-6  # the end itself belongs to the last third
    rows = []
    for start, end in pairwise(edges):
        asked, meant, heard = (
            each.clip(float(start), float(end)) for each in (score, planned, played)
        )
        metrics = score_performance(asked, heard)
        ceiling = score_performance(asked, meant)
        row = {name: getattr(metrics, name) for name in FIGURES}
        row |= {
            "from_s": float(start),
            "notes": len(asked),
            "plan_frame_f1_micro": ceiling.frame_f1_micro,
        }
        rows.append(row)
    return rows


def thirds_table(rows: list[dict[str, Any]]) -> Table:
    """For the terminal."""
    table = Table(
        "from s",
        "notes",
        "onset F1",
        "frame F1",
        "plan's frame F1",
        "onset error ms",
        "p95",
        "velocity r",
    )
    for row in rows:
        figures = (*FIGURES[:2], "plan_frame_f1_micro", *FIGURES[2:])
        cells = [
            "-" if row[name] is None else f"{row[name]:.{1 if '_ms_' in name else 3}f}"
            for name in figures
        ]
        table.add_row(f"{row['from_s']:.0f}", str(row["notes"]), *cells)
    return table


def resident_megabytes() -> float:
    """Memory of this process that is in RAM now [MB]; nan where the system does not tell (not
    Linux)."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return float("nan")
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main(tyro.cli(Args, description=__doc__))
