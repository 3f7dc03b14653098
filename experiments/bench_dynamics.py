"""How loud notes come out that are written loud and soft as people play them, and what a rehearsal
adds.

    python experiments/bench_dynamics.py --readme
    python experiments/bench_dynamics.py --pieces minuet_in_g --generated 0 --out runs/try

Most scores at hand are all of one loudness, on which a correlation says little; `music.dynamics`
gives these excerpts phrases, a melody and accompaniment, and a touch to every note. Results are
kept as files; what is there is not played again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from readme_table import put_table

from musclehand.music.dynamics import shape_dynamics
from musclehand.music.generate.exercises import two_hand_texture
from musclehand.music.metrics import match_notes
from musclehand.music.repertoire import load_piece
from musclehand.music.score import Score, keyboard_score
from musclehand.performance.perform import perform
from musclehand.performance.players import PlayerSettings

MARK = "dynamics table"
PIECES = (
    "minuet_in_g",
    "fuer_elise",
    "clementi_sonatina",
    "bach_prelude_in_c",
    "chopin_prelude_in_e_minor",
)
BANDS = ((20, 40), (40, 55), (55, 70), (70, 85), (85, 128))
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

    pieces: tuple[str, ...] = PIECES
    """names from `musclehand play --list`"""
    generated: int = 3
    """and so many generated two-hand scores"""
    seconds: float = 14.0
    """of each"""
    rehearsals: tuple[int, ...] = (0, 2)
    """runs before the one that counts"""
    seed: int = 43
    """of loudness and of the generated scores"""
    workers: int = 2
    """processes"""
    out: Path = Path("runs/bench_dynamics")
    """folder of the results"""
    readme: bool = False
    """put the tables into README.md"""


def excerpts(args: Args) -> Iterator[tuple[str, Score]]:
    """Beginnings of the pieces, and generated scores of medium difficulty, with the loudness of
    people."""
    scores = [(name, load_piece(name).clip(0.0, args.seconds)) for name in args.pieces]
    for number, difficulty in enumerate(np.linspace(0.3, 0.6, args.generated)):
        rng = np.random.default_rng([args.seed, number])
        scores.append(
            (f"generated_{number}", two_hand_texture(rng, float(difficulty), seconds=args.seconds))
        )
    for number, (name, score) in enumerate(scores):
        yield (
            name,
            shape_dynamics(keyboard_score(score), np.random.default_rng([args.seed, 99, number])),
        )


def play_one(task: tuple[str, Score, int, Path]) -> dict[str, Any]:
    """Figures of one excerpt, and written and played velocities of the notes hit; read where
    they are on file."""
    name, score, rehearsals, folder = task
    path = folder / f"{name}_{rehearsals}.json"
    if not path.exists():
        result = perform(score, PlayerSettings(rehearsals=rehearsals, processes=1))
        pairs = match_notes(score, result.played, tolerance=0.1)
        velocities = [(score.notes[i].velocity, result.played.notes[j].velocity) for i, j in pairs]
        figures = {key: getattr(result.metrics, key) for key in FIGURES}
        path.write_text(
            json.dumps(
                {"name": name, "rehearsals": rehearsals, **figures, "velocities": velocities}
            )
        )
    return dict(json.loads(path.read_text()))


def main(args: Args) -> None:
    """Plays what has not been played yet, prints the tables."""
    args.out.mkdir(parents=True, exist_ok=True)
    tasks = [(*one, count, args.out) for count, one in product(args.rehearsals, excerpts(args))]
    with ProcessPoolExecutor(args.workers) as pool:
        rows = []
        for row in pool.map(play_one, tasks):
            rows.append(row)
            print(row["name"], row["rehearsals"], {key: row[key] for key in FIGURES}, flush=True)
    table = render_tables(rows, args.rehearsals)
    print(table)
    if args.readme:
        put_table(MARK, table)


def render_tables(rows: list[dict[str, Any]], rehearsals: tuple[int, ...]) -> str:
    """Means over excerpts, a line for so many rehearsals; then played velocity for bands of the
    written one."""
    lines = [
        "| rehearsals | onset F1 50 ms | frame F1 micro | onset error ms median | p95 | velocity r | of all notes |"
    ]
    lines.append("|" + " --- |" * 7)
    bands = [
        "| rehearsals | " + " | ".join(f"written {low} to {high - 1}" for low, high in BANDS) + " |"
    ]
    bands.append("|" + " --- |" * (len(BANDS) + 1))
    for count in rehearsals:
        mine = [row for row in rows if row["rehearsals"] == count]
        written, played = np.array(
            [pair for row in mine for pair in row["velocities"]], dtype=float
        ).T
        means = [np.mean([row[key] for row in mine if row[key] is not None]) for key in FIGURES]
        cells = [f"{mean:.{digits}f}" for mean, digits in zip(means, (3, 3, 1, 1, 2), strict=True)]
        lines.append(
            f"| {count} | " + " | ".join(cells) + f" | {np.corrcoef(written, played)[0, 1]:.2f} |"
        )
        inside = [(written >= low) & (written < high) for low, high in BANDS]
        cells = [
            f"{played[band].mean():.0f} ({played[band].std():.0f})" if band.any() else ""
            for band in inside
        ]
        bands.append(f"| {count} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", "Played velocity, mean (spread):", "", *bands])


if __name__ == "__main__":
    main(tyro.cli(Args, description=__doc__))
