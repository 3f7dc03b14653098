"""Two muscle-driven hands play the whole repertoire: one table, written into the README with `--readme`.

    python experiments/bench_repertoire.py
    python experiments/bench_repertoire.py --pieces ode_to_joy fuer_elise --out runs/try
    python experiments/bench_repertoire.py --generated 12        scores nobody has looked at, drawn from a seed
    python experiments/bench_repertoire.py --peer                and the same with MyoHand, one table of means

MyoHand has no muscle that presses with the thumb; here it is given those of ours (`THUMB_MUSCLES`), all else is as it
comes in myo-sim: other muscles, their constants, joints, inertia, outlines. Its left hand is its mirror image. Planner,
muscle control and piano are the same for both.

Every performance leaves its `metrics.json` under the output folder, with the depth and share of time of penetration.
The pieces are independent and run in as many processes as there are cores; the figures do not depend on how many.
"""

from __future__ import annotations

import json
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from musclehand.body.anatomy import Side
from musclehand.body.hand import add_muscles
from musclehand.body.hand_file import HandFile
from musclehand.music.generate import two_hand_texture
from musclehand.music.metrics import PerformanceMetrics
from musclehand.music.repertoire import list_pieces, load_piece
from musclehand.music.score import Score
from musclehand.perform import perform
from musclehand.sim.penetration import measure_penetration
from musclehand.validate.specimen import open_specimens

README = Path(__file__).parent.parent / "README.md"
MARK = "<!-- repertoire table -->"
PEER_MARK = "<!-- peer table -->"
PEER = "MyoHand with thumb muscles"
THUMB_MUSCLES = ("APB", "FPB", "ADPo", "ADPt")
KINDS = ("keys", "same_hand", "other_hand")


@dataclass(frozen=True)
class Args:
    """What to play and where to keep the results."""

    pieces: tuple[str, ...] = ()
    """names from `musclehand play --list`; all by default"""
    generated: int = 0
    """play this many generated two-hand scores of rising difficulty in place of the repertoire"""
    seed: int = 20261
    """seed of the generated scores"""
    out: Path = Path("runs/bench_repertoire")
    """folder of the results"""
    workers: int = os.cpu_count() or 1
    """processes"""
    peer: bool = False
    """play everything a second time with MyoHand and thumb muscles"""
    readme: bool = False
    """put the tables into README.md"""


def main(args: Args) -> None:
    """Plays everything, prints the table, and says what limits the worst three."""
    scores = generated_scores(args) if args.generated else repertoire_scores(args)
    rows = play_all(scores, "musclehand", args)
    tables = {MARK: render_table(rows)}
    if args.peer:
        tables[PEER_MARK] = render_means({"musclehand": rows, PEER: play_all(scores, PEER, args)})
    for mark, table in tables.items():
        print(table)
        (args.out / f"{'table' if mark == MARK else 'peer'}.md").write_text(table)
        if args.readme:
            before, _, after = README.read_text().split(mark)
            README.write_text(f"{before}{mark}\n{table}\n{mark}{after}")


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
        jobs = {pool.submit(play_one, name, score, hand): name for name, score in scores.items()}
        for job in as_completed(jobs):
            name, rows[name] = jobs[job], job.result()
            (folder / f"{name}.json").write_text(json.dumps(rows[name], indent=1))
            progress.update(task, advance=1, description=name)
    return {name: rows[name] for name in scores}


def repertoire_scores(args: Args) -> dict[str, Score]:
    """The pieces asked for, easy ones first."""
    names = args.pieces or tuple(piece.name for piece in list_pieces())
    return {name: load_piece(name) for name in names}


def generated_scores(args: Args) -> dict[str, Score]:
    """Two-hand textures from easy to hard."""
    seeds = np.random.SeedSequence(args.seed).spawn(args.generated)
    difficulty = np.linspace(0.1, 0.9, args.generated)
    return {
        f"generated_{i:02d}_{d:.2f}": two_hand_texture(np.random.default_rng(seed), float(d), seconds=15.0)
        for i, (seed, d) in enumerate(zip(seeds, difficulty, strict=True))
    }


def peer_hand() -> HandFile:
    """MyoHand with the muscles of the thumb that it lacks."""
    (specimen,) = open_specimens("myohand", side="right")
    assert specimen.spec is not None
    add_muscles(specimen.spec, Side.RIGHT, THUMB_MUSCLES)
    return HandFile(PEER, specimen.spec, specimen.naming)


def play_one(name: str, score: Score, hand: str) -> dict[str, Any]:
    """One performance with its figures, in a process of its own; outlines are measured on our hands only."""
    with tempfile.TemporaryDirectory() as folder:
        recording = Path(folder) / f"{name}.h5"
        if hand == PEER:
            result, depth = perform(score, "muscle", design=peer_hand()), None
        else:
            result = perform(score, "muscle", record=recording)
            depth = measure_penetration(recording)
    return {
        **result.metrics.as_dict(),
        **asdict(result.body),
        "duration_s": result.duration_s,
        "wall_s": result.wall_s,
        "realtime_factor": result.realtime_factor,
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
    """The table in Markdown, the means, and the three pieces with the lowest onset F1."""
    columns = (
        *("piece", "notes", "onset F1 50 ms", "100 ms", "frame F1 micro", "mean", "onset error ms median, p95"),
        *("joints deg", "tips mm", "activation", "depth mm keys, fingers", "x real time"),
    )
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    for name, row in rows.items():
        depth = row["penetration_mm"]
        lines.append(
            f"| {name} | {row['num_reference']} | {row['onset_f1_50ms']:.3f} | {row['onset_f1_100ms']:.3f} "
            f"| {row['frame_f1_micro']:.3f} | {row['frame_f1_mean']:.3f} "
            f"| {row['onset_error_ms_median']:.0f}, {row['onset_error_ms_p95']:.0f} | {row['joint_rmse_deg']:.1f} "
            f"| {row['fingertip_error_mm']:.1f} | {row['mean_activation']:.3f} "
            f"| {depth['keys']:.1f}, {max(depth['same_hand'], depth['other_hand']):.1f} "
            f"| {row['realtime_factor']:.1f} |"
        )
    onset, micro, mean = (
        np.array([row[key] for row in rows.values()]) for key in ("onset_f1_50ms", "frame_f1_micro", "frame_f1_mean")
    )
    lines.append(
        f"| **mean** |  | **{onset.mean():.3f}** |  | **{micro.mean():.3f}** | {mean.mean():.3f} |  |  |  |  |  |  |"
    )
    lines.append(
        f"| **lowest** |  | **{onset.min():.3f}** |  | **{micro.min():.3f}** | {mean.min():.3f} |  |  |  |  |  |  |"
    )
    lines += ["", "What limits the worst three:", ""]
    for name in sorted(rows, key=lambda name: rows[name]["onset_f1_50ms"])[:3]:
        lines.append(f"- {name} ({rows[name]['onset_f1_50ms']:.3f}): {rows[name]['limit']}.")
    return "\n".join(lines)


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
        figures = [f"{mean:.{2 if key in body[:2] else 3}f}" for key, mean in zip((*keys, *body), means, strict=True)]
        lines.append(f"| {hand} | " + " | ".join(figures) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main(tyro.cli(Args, description=__doc__))
