"""A quarter of an hour without a break: the theme of K. 265 with generated variations.

    python experiments/bench_long.py --out runs/bench_long
    python experiments/bench_long.py --seconds 60        only the beginning

Leaves the score as MIDI, the recording, and `long.json`: figures of each third beside those of the
plan, the memory of the process at every minute of music, and the speed, by wall-clock time and by
processor time. Memory is flat if its slope over the second half is near 0: in the first minutes
HDF5 fills a cache of 8 MB for each channel of the recording.
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
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from harness.results_page import markdown_table, write_results_page
from harness.script import command_of, run_script
from musclehand.controllers.muscle import MuscleController
from musclehand.core.atomic import write_file
from musclehand.music.formats.midi import write_midi
from musclehand.music.generate.variations import theme_and_variations
from musclehand.music.metrics import score_performance
from musclehand.music.score import Score, keyboard_score
from musclehand.performance.perform import perform
from musclehand.planning.plan import plan_performance

TITLE = "A quarter of an hour without a break"

PROSE = (
    """Variations on a folk tune from start to end, by computed muscle control on a busy machine."""
)

FIGURES = (
    "onset_f1_50ms",
    "frame_f1_micro",
    "onset_error_ms_median",
    "onset_error_ms_p95",
    "velocity_correlation",
)


@dataclass(frozen=True)
class Args:
    """What to play and where to keep the results."""

    seconds: float = 0.0
    """Play only the first seconds; 0 plays all."""

    out: Path = Path("runs/bench_long")
    """Folder of the results."""

    results: bool = False
    """Write the results page."""


class MemoryLog:
    """Resident memory at every minute of simulated time: a `Progress` for `perform`."""

    def __init__(self, console: Console) -> None:
        self.minutes: list[tuple[float, float]] = []
        self._console = console

    def __call__(self, done: float, end: float) -> None:
        """Notes the memory if a minute is over; `done` of `end` seconds have been simulated."""
        if done >= 60.0 * len(self.minutes) or done >= end:
            self.minutes.append((done, resident_megabytes()))
            self._console.print(
                f"{done:6.0f} of {end:.0f} s of music, {self.minutes[-1][1]:.0f} MB"
            )

    @property
    def slope(self) -> float | None:
        """Growth in the second half [MB per minute of music], None with fewer than three values
        there."""
        late = np.array([row for row in self.minutes if row[0] >= 0.5 * self.minutes[-1][0]])
        return float(np.polyfit(late[:, 0] / 60.0, late[:, 1], 1)[0]) if len(late) > 2 else None


def main(args: Args) -> None:
    """Plays the piece, prints and writes the figures."""
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
    write_file(args.out / "long.json", json.dumps(content, indent=1))
    console.print(thirds_table(parts))
    growth = "too short to tell" if memory.slope is None else f"{memory.slope:+.2f} MB a minute"
    console.print(
        f"{score.duration:.0f} s of music and {len(score)} notes in {wall:.0f} s "
        f"({planning:.0f} s of it planning), {score.duration / wall:.2f} times real time "
        f"({score.duration / core:.2f} of a core); memory {growth}"
    )
    if args.results:
        body = f"{PROSE}\n\n{page_table(content)}"
        write_results_page("long", TITLE, command_of(__file__, args), body)


def page_table(content: dict[str, Any]) -> str:
    """The figures of `long.json` that the page shows."""
    loudness = [part["velocity_correlation"] for part in content["thirds"]]
    # HDF5's cache grows in the first half.
    memory = [megabytes for _, megabytes in content["memory_mb"]]
    steady = memory[len(memory) // 2 :]
    rows = {
        "length [s]": f"{content['duration_s']:.0f}",
        "notes": f"{content['notes']}",
        "onset F1 50 ms": f"{content['whole']['onset_f1_50ms']:.3f}",
        "frame F1 micro": f"{content['whole']['frame_f1_micro']:.3f}",
        "velocity r, by thirds": f"{min(loudness):.2f} to {max(loudness):.2f}",
        "real-time factor": f"{content['realtime_factor']:.1f}",
        "memory, second half [MB]": f"{min(steady):.0f} to {max(steady):.0f}",
    }
    return markdown_table(["performance", "value"], [list(row) for row in rows.items()])


def thirds(score: Score, planned: Score, played: Score) -> list[dict[str, Any]]:
    """Figures of each third of the time, of the notes played and of the plan.

    Args:
        score: what should sound.
        planned: what the plan plays.
        played: what the hands played.
    """
    edges = np.linspace(0.0, score.duration, 4)
    edges[-1] += 1e-6  # the end itself belongs to the last third
    rows = []
    for start, end in pairwise(edges):
        target, plan_part, played_part = (
            complete.clip(float(start), float(end)) for complete in (score, planned, played)
        )
        metrics = score_performance(target, played_part)
        ceiling = score_performance(target, plan_part)
        row = {name: getattr(metrics, name) for name in FIGURES}
        row |= {
            "from_s": float(start),
            "notes": len(target),
            "plan_frame_f1_micro": ceiling.frame_f1_micro,
        }
        rows.append(row)
    return rows


def thirds_table(rows: list[dict[str, Any]]) -> Table:
    """The thirds as a table for the terminal."""
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
    """Resident memory of this process [MB]; NaN on systems other than Linux."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return float("nan")
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    run_script(main, Args, __doc__)
