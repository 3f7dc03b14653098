"""The keyboard in the picture: where keys are found, against the exact truth.

    python experiments/bench_watch_view.py films/c0 films/c1      # folders of make_film.py
    python experiments/bench_watch_view.py --random 12            # cameras drawn by seed
    python experiments/bench_watch_view.py --random 12 --results

Of each film, the pictures are given to `find_keyboard` without anything else; where the picture
shows only a part of the keyboard, its lowest key is named as a user would. Every key's corners in
the true camera's picture are put back on the keyboard by the camera that was found. The distance
from where they are is the error, in millimetres.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

from harness.film_cameras import random_camera, view_of
from harness.film_truth import read_truth
from harness.results_page import markdown_table, write_results_page
from harness.script import command_of, run_script
from musclehand.core.recording_reader import Recording
from musclehand.music.pitch import LOWEST_PITCH, NUM_KEYS, pitch_name
from musclehand.music.sources import load_score
from musclehand.performance.perform import perform
from musclehand.sim.render.film_stage import FilmStage
from musclehand.sim.render.opengl import Canvas
from musclehand.watch.contacts import bundled_keys
from musclehand.watch.film import open_film
from musclehand.watch.keyboard_band import sample_pictures
from musclehand.watch.view import KeyboardView
from musclehand.watch.view_search import KeyboardNotFound, find_keyboard

TITLE = "The keyboard of a film"

PROSE = """Keys found in the picture without clicks, against the exact cameras of rendered films,
with hands in view. Errors of the corners of keys in the plane of their tops, in millimetres."""

GOAL_MEAN = 1.5
"""[mm]"""

GOAL_MAX = 4.0
"""[mm]"""

SIZE = (1280, 720)
"""[pixels] Of the stills of random cameras."""

STILLS = 8
"""Pictures of a random camera."""

LIGHTS = ("room", "left", "lamp", "dim")
FALLBOARDS = ("dark", "light")

COLUMNS = ("film", "keys", "mean", "largest", "seconds")


@dataclass(frozen=True)
class Args:
    """Which films and cameras."""

    folders: tyro.conf.Positional[tuple[Path, ...]] = ()
    """Folders of films with their truth."""

    random: int = 0
    """Number of cameras that are drawn."""

    seed: int = 0
    """Of the cameras."""

    piece: str = "fuer_elise"
    """What is played before random cameras."""

    results: bool = False
    """Write the results page."""


def main(args: Args) -> None:
    """Finds the keyboard of all films and prints a table."""
    rows = []
    errors = []
    for folder in args.folders:
        film = open_film(folder / "film.mp4")
        row, error = measure(folder.name, sample_pictures(film, 0.0, None), truth_of(folder))
        rows.append(row)
        errors.append(error)
    for name, pictures, view in random_films(args):
        row, error = measure(name, pictures, view)
        rows.append(row)
        errors.append(error)
    table = markdown_table(COLUMNS, rows)
    located = [error for error in errors if error is not None]
    mean = max((error.mean() for error in located), default=np.nan)
    largest = max((error.max() for error in located), default=np.nan)
    summary = (
        f"{len(located)} of {len(errors)} keyboards found; worst mean {mean:.2f} mm (goal "
        f"{GOAL_MEAN:g}), largest error {largest:.2f} mm (goal {GOAL_MAX:g})."
    )
    print(f"{table}\n\n{summary}")
    if args.results:
        body = f"{' '.join(PROSE.split())}\n\n{summary}\n\n{table}"
        write_results_page("watching_view", TITLE, command_of(__file__, args), body)


def truth_of(folder: Path) -> KeyboardView:
    """The exact camera of a film.

    Args:
        folder: of the film.
    """
    return read_truth(folder / "truth.h5").view


def random_films(args: Args) -> list[tuple[str, list[np.ndarray], KeyboardView]]:
    """Names, pictures and cameras of films by drawn cameras.

    Args:
        args: of the command line.
    """
    if not args.random:
        return []
    rng = np.random.default_rng(args.seed)
    films = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recording.h5"
        perform(load_score(args.piece, clip=(0.0, 10.0)), record=path)
        with Recording.open(path) as recording:
            for number in range(args.random):
                camera = random_camera(rng)
                fallboard = FALLBOARDS[number % len(FALLBOARDS)]
                light = LIGHTS[int(rng.integers(len(LIGHTS)))]
                stage = FilmStage(recording, camera, fallboard=fallboard, light=light)
                pictures = []
                with Canvas(stage.model, *SIZE) as canvas:
                    for moment in np.linspace(0.5, 9.5, STILLS).tolist():
                        stage.pose(moment)
                        pictures.append(np.array(stage.draw(canvas)))
                name = f"drawn {number}: {camera.tilt_deg:.0f} deg, {fallboard}, {light}"
                films.append((name, pictures, view_of(camera, SIZE)))
    return films


def measure(
    name: str, pictures: Sequence[np.ndarray], truth: KeyboardView
) -> tuple[list[str], np.ndarray | None]:
    """A row of the table, and the errors [mm]; None where no keyboard was found.

    Args:
        name: of the film.
        pictures: of it.
        truth: the exact camera.
    """
    whole = truth.highest - truth.lowest + 1 == NUM_KEYS
    begin = time.process_time()
    try:
        view = find_keyboard(pictures, lowest=None if whole else truth.lowest)
    except KeyboardNotFound as error:
        return [name, str(error), "", "", f"{time.process_time() - begin:.1f}"], None
    seconds = time.process_time() - begin
    error = key_errors_mm(view, truth)
    span = f"{pitch_name(view.lowest)} to {pitch_name(view.highest)}"
    return [name, span, f"{error.mean():.2f}", f"{error.max():.2f}", f"{seconds:.1f}"], error


def key_errors_mm(view: KeyboardView, truth: KeyboardView) -> np.ndarray:
    """Distances of the corners of the keys in the picture from where they are [mm].

    Args:
        view: the camera that was found.
        truth: the exact one.
    """
    keys = bundled_keys()
    shown = slice(truth.lowest - LOWEST_PITCH, truth.highest - LOWEST_PITCH + 1)
    corners = [
        np.stack([keys.x + side * keys.width / 2, y, keys.top_z], axis=1)[shown]
        for side in (-1.0, 1.0)
        for y in (keys.front_y, keys.hinge_y)
    ]
    points = np.concatenate(corners)
    located = view.to_world(truth.to_pixels(points), points[:, 2])
    return np.asarray(1e3 * np.linalg.norm(located - points, axis=1))


if __name__ == "__main__":
    run_script(main, Args, __doc__)
