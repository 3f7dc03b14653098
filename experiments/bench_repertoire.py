"""Two muscle-driven hands play the whole repertoire by computed muscle control.

    python experiments/bench_repertoire.py
    python experiments/bench_repertoire.py --pieces ode_to_joy fuer_elise --out runs/try
    python experiments/bench_repertoire.py --generated 12        generated scores, drawn from a seed
    python experiments/bench_repertoire.py --peer                also with MyoHand, a table of means
    python experiments/bench_repertoire.py --rehearsals 1        also after a rehearsal

MyoHand has no muscle that presses with the thumb; here it is given those of our hand
(`THUMB_MUSCLES`), everything else is as in myo-sim: other muscles, their constants, joints,
inertia, outlines. Its left hand is its mirror image. Planning, muscle control and piano are the
same for both.

Dense pieces stand apart (`Density`, from the score alone, with hands as written or assigned).
Beside each figure stands that of the plan: the notes that the hands mean to play, released early
where a hand has to leave.

Every performance leaves its figures as JSON in the output folder, with depth and share of time of
penetration. The pieces run in as many processes as there are cores, which changes no figure but the
times.
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
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from threadpoolctl import threadpool_limits

from harness.results_page import markdown_table, write_results_page
from harness.script import command_of, run_script
from musclehand.body.anatomy import Side
from musclehand.body.build.hand import add_muscles
from musclehand.body.build.hand_file import HandFile
from musclehand.core.atomic import write_file
from musclehand.core.errors import InvalidValue
from musclehand.music.generate.exercises import two_hand_texture
from musclehand.music.metrics import PerformanceMetrics
from musclehand.music.repertoire import list_pieces, load_piece
from musclehand.music.score import Hand, Score, keyboard_score
from musclehand.performance.perform import perform
from musclehand.performance.settings import PlayerSettings
from musclehand.planning.plan import plan_performance
from musclehand.sim.penetration import measure_penetration
from musclehand.validation.specimen import open_specimens

TITLES = {
    "repertoire": "The repertoire, played by two muscle-driven hands",
    "peer": "The repertoire with MyoHand's muscles",
    "generated": "Generated scores",
    "rehearsals": "Rehearsals",
}
"""Results pages."""

PROSE = {
    "repertoire": """\
All pieces of the bundled repertoire with the model-based player and computed muscle control.
The columns named "plan" are the plan's own ceiling: the score of the notes that the hands mean
to play. Depth is the largest penetration of a hand's outline into keys or other fingers. Two
pieces play at a time on two cores, so the last column, which includes building the scene and
planning, is the real-time factor under that load. A piece counts as dense by a rule on the
score alone: 8 notes a second or more on average, an octave or more in 15 % of a hand's grips,
or leaps in 30 % of its moves.""",
    "peer": """\
The same planning, control and piano with another hand. MyoHand cannot press with its thumb, so
it is given the thenar muscles and the adductor of musclehand. Means over the repertoire.""",
    "generated": """\
{count} generated two-hand scores of rising difficulty, drawn from a seed and not looked at
during development, played by computed muscle control. Over all scores, 95 % of onsets are
within {p95:.0f} ms on average, and the correlation of written and played velocities is
{velocity:.2f}.""",
    "rehearsals": """\
The repertoire played once and then again. The second run begins strokes earlier and harder by
the errors of timing and loudness of the first.""",
}

OURS = "musclehand"
PEER = "MyoHand with thumb muscles"

THUMB_MUSCLES = ("APB", "FPB", "ADPo", "ADPt")
"""Muscles of our hand that MyoHand is given."""

SCORES = (
    "onset_f1_50ms",
    "planned_onset_f1_50ms",
    "frame_f1_micro",
    "planned_frame_f1_micro",
    "frame_f1_mean",
)
"""Figures that groups of pieces have a mean of."""

KINDS = ("keys", "same_hand", "other_hand")
"""What a hand can penetrate."""

SEED = 20261
"""Of generated scores; no network was trained on them."""

DENSE_RATE = 8.0
"""[notes/s] Mean rate from which on a piece is dense."""

DENSE_OCTAVES = 0.15
"""Share of grips of an octave or more from which on a piece is dense."""

DENSE_LEAPS = 0.3
"""Share of leaps among moves from which on a piece is dense."""

LEAP = 10
"""[semitones] Distance of the nearest keys of two grips of a hand that makes a leap."""

LEAP_WITHIN = 0.6
"""[s] Longest time between the onsets of two grips that makes a move."""


@dataclass(frozen=True)
class Args:
    """What to play and where to keep the results."""

    pieces: tuple[str, ...] = ()
    """Names from `musclehand play --list`; all by default."""

    generated: int = 0
    """Play this many generated two-hand scores of rising difficulty in place of the repertoire."""

    seed: int = SEED
    """Of the generated scores."""

    rehearsals: int = 0
    """Play everything again after this many runs in which timing and loudness are learnt."""

    peer: bool = False
    """Play everything again with MyoHand and thumb muscles."""

    out: Path = Path("runs/bench_repertoire")
    """Folder of the results."""

    workers: int = os.cpu_count() or 1
    """Processes."""

    results: bool = False
    """Write the results pages."""


class Density(NamedTuple):
    """What makes a score hard for two hands."""

    rate: float
    """[notes/s] On average."""

    octaves: float
    """Share of grips of an octave or more."""

    leaps: float
    """Share of leaps among the moves from one grip to the next."""

    @property
    def dense(self) -> bool:
        """Whether one of the three is above its limit."""
        return self.rate >= DENSE_RATE or self.octaves >= DENSE_OCTAVES or self.leaps >= DENSE_LEAPS


def density_of(score: Score) -> Density:
    """The density of a score with hands."""
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
    """Plays everything, prints and writes the tables.

    Raises:
        InvalidValue: generated scores are not rehearsed, nor played with MyoHand, for a page.
    """
    if args.results and args.generated and (args.peer or args.rehearsals):
        raise InvalidValue("generated", args.generated, "without --peer and --rehearsals")
    if args.generated:
        scores = generated_scores(args.generated, args.seed)
    else:
        scores = repertoire_scores(args.pieces)
    rows = play_all(scores, OURS, 0, args)
    table = render_table(rows)
    bodies = {"generated": group_table(rows)} if args.generated else {"repertoire": table}
    if args.generated:
        print(table)
    if args.peer:
        bodies["peer"] = render_means({OURS: rows, PEER: play_all(scores, PEER, 0, args)})
    if args.rehearsals:
        rehearsed = play_all(scores, OURS, args.rehearsals, args)
        bodies["rehearsals"] = rehearsal_table({0: rows, args.rehearsals: rehearsed})
    for page, body in bodies.items():
        print(body)
        write_file(args.out / f"{page}.md", body)
        # The page of rehearsals has a command of its own.
        if args.results and not (args.rehearsals and page == "repertoire"):
            prose = PROSE[page].format(count=len(rows), **overall(rows))
            command = command_of(__file__, args)
            write_results_page(page, TITLES[page], command, f"{prose}\n\n{body}")


def overall(rows: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Means over all pieces that the prose of a page names."""
    correlations = [
        row["velocity_correlation"]
        for row in rows.values()
        if row["velocity_correlation"] is not None
    ]
    return {
        "p95": float(np.mean([row["onset_error_ms_p95"] for row in rows.values()])),
        "velocity": float(np.mean(correlations)) if correlations else float("nan"),
    }


def play_all(
    scores: dict[str, Score], hand: str, rehearsals: int, args: Args
) -> dict[str, dict[str, Any]]:
    """Every score played by one hand; figures are kept as files.

    Args:
        scores: by name.
        hand: `OURS` or `PEER`.
        rehearsals: runs before the one that counts.
        args: of the experiment.
    """
    folder = args.out if hand == OURS else args.out / "peer"
    if rehearsals:
        folder = folder / f"rehearsals_{rehearsals}"
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
            pool.submit(play_one, name, score, hand, rehearsals): name
            for name, score in scores.items()
        }
        for job in as_completed(jobs):
            name = jobs[job]
            rows[name] = job.result()
            write_file(folder / f"{name}.json", json.dumps(rows[name], indent=1))
            progress.update(task, advance=1, description=name)
    return {name: rows[name] for name in scores}


def repertoire_scores(pieces: tuple[str, ...]) -> dict[str, Score]:
    """Some pieces, or all, easy ones first."""
    names = pieces or tuple(piece.name for piece in list_pieces())
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
    hands only.

    Args:
        name: of the piece.
        score: to play.
        hand: name of the hand.
        rehearsals: before the performance.
    """
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
    """Where notes were lost, in words."""
    missed = len(metrics.missed_notes) - len(metrics.wrong_notes)
    brushed = len(metrics.extra_notes) - len(metrics.wrong_notes)
    return (
        f"{counted(metrics.wrong, 'wrong key')}, {counted(missed, 'note')} not struck in time, "
        f"{counted(brushed, 'key')} brushed beside the right ones"
    )


def counted(count: int, noun: str) -> str:
    """A number of things in words."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def grouped(rows: dict[str, dict[str, Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    """Pieces that are not dense, and dense ones; groups without a piece are left out."""
    dense = {name: row for name, row in rows.items() if Density(**row["density"]).dense}
    sparse = {name: row for name, row in rows.items() if name not in dense}
    groups = {"not dense": sparse, "dense": dense}
    return {group: members for group, members in groups.items() if members}


def render_table(rows: dict[str, dict[str, Any]]) -> str:
    """The table in Markdown, dense pieces apart, means of each group, and the errors of the three
    lowest pieces."""
    head = (
        "piece",
        "notes",
        "a second",
        "onset F1 50 ms",
        "plan",
        "frame F1 micro",
        "plan",
        "frame F1 mean",
        "onset error ms median, p95",
        "velocity r",
        "joints deg",
        "fingertips mm",
        "activation",
        "depth mm keys, fingers",
        "x real time",
    )
    lines = []
    for group, members in grouped(rows).items():
        lines += [render_row(name, row) for name, row in members.items()]
        lines += render_summary(group, members, len(head))
    lowest = sorted(rows, key=lambda name: rows[name]["onset_f1_50ms"])[:3]
    errors = [
        f"- {name} ({rows[name]['onset_f1_50ms']:.3f}): {rows[name]['limit']}." for name in lowest
    ]
    table = markdown_table(head, lines)
    return "\n".join([table, "", "Errors of the three lowest pieces:", "", *errors])


def render_row(name: str, row: dict[str, Any]) -> list[str]:
    """A piece in the table."""
    depth = row["penetration_mm"]
    loudness = row["velocity_correlation"]
    return [
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
    ]


def render_summary(group: str, rows: dict[str, dict[str, Any]], columns: int) -> list[list[str]]:
    """Mean and lowest of a group of pieces, as rows of a table of that number of columns.

    Args:
        group: name of the group.
        rows: of its pieces.
        columns: of the table.
    """
    figures = np.array([[row[key] for key in SCORES] for row in rows.values()])
    empty = [""] * (columns - 3 - len(SCORES))
    return [
        [f"**{group}, {word}**", "", "", *(f"**{value:.3f}**" for value in values), *empty]
        for word, values in (("mean", figures.mean(axis=0)), ("lowest", figures.min(axis=0)))
    ]


def mean_of(rows: dict[str, dict[str, Any]], key: str) -> float:
    """Mean of a figure over the pieces that have it."""
    values = [row[key] for row in rows.values() if row[key] is not None]
    return float(np.mean(values)) if values else float("nan")


def group_table(rows: dict[str, dict[str, Any]]) -> str:
    """Means over scores that are not dense, that are, and over all."""
    lines = []
    for group, members in {**grouped(rows), "all": rows}.items():
        figures = ("onset_f1_50ms", "frame_f1_micro", "planned_frame_f1_micro")
        lines.append(
            [group, str(len(members)), *(f"{mean_of(members, key):.3f}" for key in figures)]
        )
    head = ["scores", "number", "onset F1 50 ms", "frame F1 micro", "frame F1 of the plan"]
    return markdown_table(head, lines)


def rehearsal_table(runs: dict[int, dict[str, dict[str, Any]]]) -> str:
    """Means over groups of pieces after each number of rehearsals."""
    lines = []
    first = next(iter(runs.values()))
    for group in grouped(first):
        for count, rows in runs.items():
            members = grouped(rows)[group]
            scores = [f"{mean_of(members, key):.3f}" for key in ("onset_f1_50ms", "frame_f1_micro")]
            lines.append([f"{group}, {count}", *scores, "", "", ""])
        planned = f"{mean_of(grouped(first)[group], 'planned_frame_f1_micro'):.3f}"
        lines.append([f"{group}, plan", "", planned, "", "", ""])
    for count, rows in runs.items():
        errors = [
            f"{mean_of(rows, key):.1f}" for key in ("onset_error_ms_median", "onset_error_ms_p95")
        ]
        loudness = f"{mean_of(rows, 'velocity_correlation'):.2f}"
        lines.append([f"all, {count}", "", "", *errors, loudness])
    head = [
        "pieces and rehearsals",
        "onset F1 50 ms",
        "frame F1 micro",
        "onset error ms median",
        "p95",
        "velocity r",
    ]
    return markdown_table(head, lines)


def render_means(hands: dict[str, dict[str, dict[str, Any]]]) -> str:
    """Means over all pieces, a row for each hand."""
    columns = {
        "onset F1 50 ms": ("onset_f1_50ms", 3),
        "100 ms": ("onset_f1_100ms", 3),
        "frame F1 micro": ("frame_f1_micro", 3),
        "mean": ("frame_f1_mean", 3),
        "joints deg": ("joint_rmse_deg", 2),
        "fingertips mm": ("fingertip_error_mm", 2),
        "activation": ("mean_activation", 3),
    }
    lines = [
        [hand, *(f"{mean_of(rows, key):.{digits}f}" for key, digits in columns.values())]
        for hand, rows in hands.items()
    ]
    return markdown_table(["hand", *columns], lines)


if __name__ == "__main__":
    run_script(main, Args, __doc__)
