"""Two muscle-driven hands play the whole repertoire: one table, written into the README with
`--readme`.

    python experiments/bench_repertoire.py
    python experiments/bench_repertoire.py --pieces ode_to_joy fuer_elise --out runs/try
    python experiments/bench_repertoire.py --generated 12        scores nobody has looked at, drawn from a seed
    python experiments/bench_repertoire.py --peer                and the same with MyoHand, one table of means

MyoHand has no muscle that presses with the thumb; here it is given those of ours (`THUMB_MUSCLES`),
all else is as it comes in myo-sim: other muscles, their constants, joints, inertia, outlines. Its
left hand is its mirror image. Planner, muscle control and piano are the same for both.

Dense pieces stand apart: 8 notes a second or more on average, or an octave or more in 15 % of a
hand's grips, or leaps in 30 % of its moves (`Density`; from the score alone, the hands as written
or assigned). Beside each figure stands the plan's: what the notes that the hands mean to play would
score, let go early where the hand has to leave.

Every performance leaves its figures as JSON under the output folder, with the depth and share of
time of penetration. The pieces are independent and run in as many processes as there are cores; the
figures do not depend on how many.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tyro
from readme_table import put_table
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from threadpoolctl import threadpool_limits

from musclehand.body.anatomy import Side
from musclehand.body.build.hand import add_muscles
from musclehand.body.build.hand_file import HandFile
from musclehand.core.errors import InvalidValue
from musclehand.music.generate.exercises import two_hand_texture
from musclehand.music.metrics import PerformanceMetrics
from musclehand.music.repertoire import list_pieces, load_piece
from musclehand.music.score import Hand, Score, keyboard_score
from musclehand.performance.perform import perform
from musclehand.performance.players import PlayerSettings
from musclehand.planning.plan import plan_performance
from musclehand.sim.penetration import measure_penetration
from musclehand.validate.specimen import open_specimens

MARK = "repertoire table"
PEER_MARK = "peer table"
PEER = "MyoHand with thumb muscles"
THUMB_MUSCLES = ("APB", "FPB", "ADPo", "ADPt")
SCORES = (
    "onset_f1_50ms",
    "planned_onset_f1_50ms",
    "frame_f1_micro",
    "planned_frame_f1_micro",
    "frame_f1_mean",
)
KINDS = ("keys", "same_hand", "other_hand")

SEED = 20261
"""Of generated scores; nobody has learnt from them."""

DENSE_RATE = 8.0
DENSE_OCTAVES = 0.15
DENSE_LEAPS = 0.3
"""Notes a second, share of grips, share of moves, from which on a piece is dense."""

LEAP = 10
LEAP_WITHIN = 0.6
"""A leap: the nearest keys of two grips of a hand so many semitones apart, their onsets no
farther than so many s."""


@dataclass(frozen=True)
class Args:
    """What to play and where to keep the results."""

    pieces: tuple[str, ...] = ()
    """names from `musclehand play --list`; all by default"""
    generated: int = 0
    """play this many generated two-hand scores of rising difficulty in place of the repertoire"""
    seed: int = SEED
    """seed of the generated scores"""
    out: Path = Path("runs/bench_repertoire")
    """folder of the results"""
    workers: int = os.cpu_count() or 1
    """processes"""
    rehearsals: int = 0
    """runs before the one that counts"""
    peer: bool = False
    """play everything a second time with MyoHand and thumb muscles"""
    readme: bool = False
    """put the tables into README.md"""


class Density(NamedTuple):
    """What makes a score hard for two hands: notes per second on average, the share of grips of
    an octave or more, and the share of leaps among the moves from one grip to the next."""

    rate: float
    octaves: float
    leaps: float

    @property
    def dense(self) -> bool:
        """By the rule above."""
        return self.rate >= DENSE_RATE or self.octaves >= DENSE_OCTAVES or self.leaps >= DENSE_LEAPS


def density_of(score: Score) -> Density:
    """Of a score with hands."""
    grips = octaves = moves = leaps = 0
    for hand in Hand:
        by_onset: dict[float, list[int]] = {}
        for note in score.notes:
            if note.hand is hand:
                by_onset.setdefault(round(note.onset, 3), []).append(note.pitch)
        grips += len(by_onset)
        octaves += sum(max(keys) - min(keys) >= 12 for keys in by_onset.values())
        for (start, keys), (end, following) in pairwise(sorted(by_onset.items())):
            away = max(min(following) - max(keys), min(keys) - max(following))
            moves += end - start <= LEAP_WITHIN
            leaps += end - start <= LEAP_WITHIN and away >= LEAP
    return Density(
        len(score) / max(score.duration, 1e-9), octaves / max(grips, 1), leaps / max(moves, 1)
    )


def main(args: Args) -> None:
    """Plays everything, prints the table, and says what limits the worst three.

    Raises:
        InvalidValue: the README has tables of the repertoire only.
    """
    if args.readme and args.generated:
        raise InvalidValue(
            "readme",
            args.readme,
            "left out with --generated: the README's tables are the repertoire's",
        )
    scores = (
        generated_scores(args.generated, args.seed) if args.generated else repertoire_scores(args)
    )
    rows = play_all(scores, "musclehand", args)
    tables = {MARK: render_table(rows)}
    if args.peer:
        tables[PEER_MARK] = render_means({"musclehand": rows, PEER: play_all(scores, PEER, args)})
    for mark, table in tables.items():
        print(table)
        (args.out / f"{'table' if mark == MARK else 'peer'}.md").write_text(table)
        if args.readme:
            put_table(mark, table)


def play_all(scores: dict[str, Score], hand: str, args: Args) -> dict[str, dict[str, Any]]:
    """Every score played by one hand, with a progress bar; results are kept as files on the way."""
    folder = args.out if hand == "musclehand" else args.out / "peer"
    folder.mkdir(parents=True, exist_ok=True)
    rows: dict[str, dict[str, Any]] = {}
    columns = (
        TextColumn(f"playing with {hand}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns) as progress, ProcessPoolExecutor(max_workers=args.workers) as pool:
        task = progress.add_task("", total=len(scores))
        jobs = {
            pool.submit(play_one, name, score, hand, args.rehearsals): name
            for name, score in scores.items()
        }
        for job in as_completed(jobs):
            name, rows[name] = jobs[job], job.result()
            (folder / f"{name}.json").write_text(json.dumps(rows[name], indent=1))
            progress.update(task, advance=1, description=name)
    return {name: rows[name] for name in scores}


def repertoire_scores(args: Args) -> dict[str, Score]:
    """The pieces asked for, easy ones first."""
    names = args.pieces or tuple(piece.name for piece in list_pieces())
    return {name: load_piece(name) for name in names}


def generated_scores(count: int, seed: int) -> dict[str, Score]:
    """Two-hand textures from easy to hard."""
    seeds = np.random.SeedSequence(seed).spawn(count)
    difficulty = np.linspace(0.1, 0.9, count)
    return {
        f"generated_{i:02d}_{d:.2f}": two_hand_texture(
            np.random.default_rng(seed), float(d), seconds=15.0
        )
        for i, (seed, d) in enumerate(zip(seeds, difficulty, strict=True))
    }


def peer_hand() -> HandFile:
    """MyoHand with the muscles of the thumb that it lacks."""
    (specimen,) = open_specimens("myohand", side="right")
    assert specimen.spec is not None
    add_muscles(specimen.spec, Side.RIGHT, THUMB_MUSCLES)
    return HandFile(PEER, specimen.spec, specimen.naming)


def play_one(name: str, score: Score, hand: str, rehearsals: int = 0) -> dict[str, Any]:
    """One performance with its figures, in a process of its own; outlines are measured on our
    hands only."""
    begin = time.perf_counter()
    target = keyboard_score(score)
    with tempfile.TemporaryDirectory() as folder:
        recording = Path(folder) / f"{name}.h5" if hand != PEER else None
        design = peer_hand() if hand == PEER else None
        with threadpool_limits(1):
            planned = plan_performance(target, design=design).metrics
        settings = PlayerSettings(design=design, rehearsals=rehearsals, processes=1)
        result = perform(score, settings, record=recording)
        wall = time.perf_counter() - begin
        depth = None if recording is None else measure_penetration(recording)
    return {
        **result.metrics.as_dict(),
        **asdict(result.body),
        "duration_s": result.duration_s,
        "wall_s": wall,
        "realtime_factor": result.duration_s / wall,
        "density": density_of(result.score)._asdict(),
        "planned_onset_f1_50ms": planned.onset_f1_50ms,
        "planned_frame_f1_micro": planned.frame_f1_micro,
        "remarks": result.remarks,
        "penetration_mm": {kind: 1e3 * getattr(depth, kind).largest for kind in KINDS if depth},
        "penetration_share": {kind: getattr(depth, kind).share for kind in KINDS if depth},
        "limit": what_limits(result.metrics),
    }


def what_limits(metrics: PerformanceMetrics) -> str:
    """One line on where the notes were lost."""
    plain = len(metrics.missed_notes) - len(metrics.wrong_notes)
    brushed = len(metrics.extra_notes) - len(metrics.wrong_notes)
    return f"{metrics.wrong} wrong keys, {plain} notes not struck in time, {brushed} keys brushed beside the right ones"


def render_table(rows: dict[str, dict[str, Any]]) -> str:
    """The table in Markdown, dense pieces apart, the means of each group, and what limits the
    worst three."""
    columns = (
        *(
            "piece",
            "notes",
            "a second",
            "onset F1 50 ms",
            "plan",
            "frame F1 micro",
            "plan",
            "frame F1 mean",
        ),
        *(
            "onset error ms median, p95",
            "velocity r",
            "joints deg",
            "tips mm",
            "activation",
            "depth mm keys, fingers",
        ),
        "x real time",
    )
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    dense = {name: row for name, row in rows.items() if Density(**row["density"]).dense}
    groups = {
        "not dense": {name: row for name, row in rows.items() if name not in dense},
        "dense": dense,
    }
    for group, members in groups.items():
        lines += [render_row(name, row) for name, row in members.items()]
        lines += render_summary(group, members, len(columns)) if members else []
    lines += ["", "What limits the worst three:", ""]
    for name in sorted(rows, key=lambda name: rows[name]["onset_f1_50ms"])[:3]:
        lines.append(f"- {name} ({rows[name]['onset_f1_50ms']:.3f}): {rows[name]['limit']}.")
    return "\n".join(lines)


def render_row(name: str, row: dict[str, Any]) -> str:
    """A piece in the table."""
    depth = row["penetration_mm"]
    loudness = row["velocity_correlation"]
    cells = (
        name,
        f"{row['num_reference']}",
        f"{row['density']['rate']:.1f}",
        *(f"{row[key]:.3f}" for key in SCORES),
        f"{row['onset_error_ms_median']:.0f}, {row['onset_error_ms_p95']:.0f}",
        "" if loudness is None else f"{loudness:.2f}",
        f"{row['joint_rmse_deg']:.1f}",
        f"{row['fingertip_error_mm']:.1f}",
        f"{row['mean_activation']:.3f}",
        f"{depth['keys']:.1f}, {max(depth['same_hand'], depth['other_hand']):.1f}",
        f"{row['realtime_factor']:.1f}",
    )
    return "| " + " | ".join(cells) + " |"


def render_summary(group: str, rows: dict[str, dict[str, Any]], columns: int) -> list[str]:
    """Mean and lowest of a group of pieces."""
    figures = np.array([[row[key] for key in SCORES] for row in rows.values()])
    rest = " |" * (columns - 3 - len(SCORES))
    return [
        f"| **{group}, {word}** | | | "
        + " | ".join(f"**{value:.3f}**" for value in values)
        + " |"
        + rest
        for word, values in (("mean", figures.mean(axis=0)), ("lowest", figures.min(axis=0)))
    ]


def render_means(hands: dict[str, dict[str, dict[str, Any]]]) -> str:
    """Means over all pieces, a line a hand."""
    keys = ("onset_f1_50ms", "onset_f1_100ms", "frame_f1_micro", "frame_f1_mean")
    body = ("joint_rmse_deg", "fingertip_error_mm", "mean_activation")
    lines = [
        "| hand | onset F1 50 ms | 100 ms | frame F1 micro | mean | joints deg | tips mm | activation |",
        "|" + " --- |" * 8,
    ]
    for hand, rows in hands.items():
        means = [float(np.mean([row[key] for row in rows.values()])) for key in (*keys, *body)]
        figures = [
            f"{mean:.{2 if key in body[:2] else 3}f}"
            for key, mean in zip((*keys, *body), means, strict=True)
        ]
        lines.append(f"| {hand} | " + " | ".join(figures) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main(tyro.cli(Args, description=__doc__))
