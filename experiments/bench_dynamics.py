"""Loudness and rehearsals: how loud notes sound that are written as loud and soft as people play.

    python experiments/bench_dynamics.py
    python experiments/bench_dynamics.py --pieces minuet_in_g --generated 0 --out runs/try

Most scores have a single loudness, for which a correlation says little; `music.dynamics` gives
these excerpts phrases, a melody and accompaniment, and a touch to every note. Results on file are
not computed again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.results_page import markdown_table, write_results_page
from harness.script import command_of, run_script
from musclehand.core.atomic import write_file
from musclehand.music.dynamics import shape_dynamics
from musclehand.music.generate.exercises import two_hand_texture
from musclehand.music.metrics import match_notes
from musclehand.music.repertoire import load_piece
from musclehand.music.score import Score, keyboard_score
from musclehand.performance.perform import perform
from musclehand.performance.settings import PlayerSettings

TITLE = "Loudness and rehearsals"

PROSE = """Excerpts of {pieces} pieces and {generated} generated scores with expressive dynamics
(`musclehand.music.dynamics`), played at first sight and after rehearsals."""

PIECES = (
    "minuet_in_g",
    "fuer_elise",
    "clementi_sonatina",
    "bach_prelude_in_c",
    "chopin_prelude_in_e_minor",
)

BANDS = ((20, 40), (40, 55), (55, 70), (70, 85), (85, 128))
"""Bands of written MIDI velocities, the upper end not included."""

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
    """Names from `musclehand play --list`."""

    generated: int = 3
    """Number of generated two-hand scores beside the pieces."""

    seconds: float = 14.0
    """Of each score."""

    rehearsals: tuple[int, ...] = (0, 2)
    """Runs before the one that counts."""

    seed: int = 43
    """Of loudness and of the generated scores."""

    workers: int = 2
    """Processes."""

    out: Path = Path("runs/bench_dynamics")
    """Folder of the results."""

    results: bool = False
    """Write the results page."""


def excerpts(args: Args) -> Iterator[tuple[str, Score]]:
    """Beginnings of the pieces, and generated scores of medium difficulty, with expressive
    dynamics."""
    scores = [(name, load_piece(name).clip(0.0, args.seconds)) for name in args.pieces]
    for number, difficulty in enumerate(np.linspace(0.3, 0.6, args.generated)):
        rng = np.random.default_rng([args.seed, number])
        score = two_hand_texture(rng, float(difficulty), seconds=args.seconds)
        scores.append((f"generated_{number}", score))
    for number, (name, score) in enumerate(scores):
        rng = np.random.default_rng([args.seed, 99, number])
        yield name, shape_dynamics(keyboard_score(score), rng)


def play_one(task: tuple[str, Score, int, Path]) -> dict[str, Any]:
    """Figures of one excerpt, and written and played velocities of the notes hit; read if they are
    on file."""
    name, score, rehearsals, folder = task
    path = folder / f"{name}_{rehearsals}.json"
    if not path.exists():
        result = perform(score, PlayerSettings(rehearsals=rehearsals, processes=1))
        pairs = match_notes(score, result.played, tolerance=0.1)
        velocities = [(score.notes[i].velocity, result.played.notes[j].velocity) for i, j in pairs]
        figures = {key: getattr(result.metrics, key) for key in FIGURES}
        content = {"name": name, "rehearsals": rehearsals, **figures, "velocities": velocities}
        write_file(path, json.dumps(content))
    return dict(json.loads(path.read_text(encoding="utf-8")))


def main(args: Args) -> None:
    """Plays what has not been played yet, prints the tables."""
    args.out.mkdir(parents=True, exist_ok=True)
    tasks = [
        (name, score, count, args.out)
        for count in args.rehearsals
        for name, score in excerpts(args)
    ]
    rows = []
    with ProcessPoolExecutor(args.workers) as pool:
        for row in pool.map(play_one, tasks):
            rows.append(row)
            print(row["name"], row["rehearsals"], {key: row[key] for key in FIGURES}, flush=True)
    tables = "\n\n".join(
        [
            figure_table(rows, args.rehearsals),
            "Played MIDI velocity, mean (standard deviation):",
            velocity_table(rows, args.rehearsals),
        ]
    )
    print(tables)
    if args.results:
        prose = PROSE.format(pieces=len(args.pieces), generated=args.generated)
        command = command_of(__file__, args)
        write_results_page("dynamics", TITLE, command, f"{prose}\n\n{tables}")


def figure_table(rows: list[dict[str, Any]], rehearsals: tuple[int, ...]) -> str:
    """Means over excerpts, a row for each number of rehearsals."""
    columns = {
        "onset F1 50 ms": ("onset_f1_50ms", 3),
        "frame F1 micro": ("frame_f1_micro", 3),
        "onset error ms median": ("onset_error_ms_median", 1),
        "p95": ("onset_error_ms_p95", 1),
        "velocity r": ("velocity_correlation", 2),
    }
    lines = []
    for count in rehearsals:
        members = [row for row in rows if row["rehearsals"] == count]
        cells = []
        for key, digits in columns.values():
            mean = np.mean([row[key] for row in members if row[key] is not None])
            cells.append(f"{mean:.{digits}f}")
        correlation = np.corrcoef(*velocities(members))[0, 1]
        lines.append([str(count), *cells, f"{correlation:.2f}"])
    return markdown_table(["rehearsals", *columns, "of all notes"], lines)


def velocity_table(rows: list[dict[str, Any]], rehearsals: tuple[int, ...]) -> str:
    """Played velocities for bands of the written ones, a row for each number of rehearsals."""
    lines = []
    for count in rehearsals:
        written, played = velocities([row for row in rows if row["rehearsals"] == count])
        cells = []
        for low, high in BANDS:
            band = played[(written >= low) & (written < high)]
            cells.append(f"{band.mean():.0f} ({band.std():.0f})" if len(band) else "")
        lines.append([str(count), *cells])
    head = [f"written {low} to {high - 1}" for low, high in BANDS]
    return markdown_table(["rehearsals", *head], lines)


def velocities(rows: list[dict[str, Any]]) -> np.ndarray:
    """Written and played velocities of all notes hit. Shape (2, n)."""
    return np.array([pair for row in rows for pair in row["velocities"]], dtype=float).T


if __name__ == "__main__":
    run_script(main, Args, __doc__)
