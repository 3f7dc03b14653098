"""The keyboard in the picture: how far keys are from where the picture shows them.

    python experiments/bench_watch_view.py --results
    python experiments/bench_watch_view.py --random 40 --seed 7
    python experiments/bench_watch_view.py --film tutorial.mp4 --homography homography_matrix.npy

Films of two hands are rendered by five cameras, with dark and light fallboards, and by random
cameras and lights; the keyboard is looked for with the hands in the pictures. The error of a point
of a key's top is the distance [mm], on its plane, between where it is and where the camera that was
found sees its place in the picture.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import NamedTuple

import numpy as np

from harness.film_cameras import CAMERAS, random_camera, view_of
from harness.results_page import markdown_table, write_results_page
from harness.script import command_of, run_script
from musclehand.core.errors import MusclehandError
from musclehand.core.recording_reader import Recording
from musclehand.music.repertoire import load_piece
from musclehand.performance.perform import perform
from musclehand.piano.geometry import keyboard_geometry, load_piano_parameters
from musclehand.sim.render.film_stage import LIGHTS, WOOD, FilmCamera, FilmStage
from musclehand.sim.render.opengl import Canvas
from musclehand.watch.view import KeyboardView
from musclehand.watch.view_search import find_keyboard

TITLE = "The keyboard in the picture"

PROSE = """\
Errors of points on the tops of keys in the picture, in millimetres on the keys. Hands play in all
pictures. \"Camera\" is the error of the camera's position. Partial keyboards are given their lowest
key. No constant was chosen on the random cameras."""

PIECE = "fuer_elise"

SECONDS = 10.0
"""[s] Of the piece."""


@dataclass(frozen=True)
class Args:
    """Cameras to try."""

    random: int = 20
    """Random cameras beyond the five."""

    seed: int = 0
    """Of the random cameras."""

    pictures: int = 24
    """Pictures of each film."""

    size: str = "1280x720"
    """[pixels] Width and height."""

    recording: Path | None = None
    """A recording to film instead of playing a piece."""

    film: Path | None = None
    """A film of a person, to be held against a homography."""

    homography: Path | None = None
    """Its homography from pixels to the keyboard [m], as an array of NumPy; from the middle
    of the white keys."""

    results: bool = False
    """Write the results page."""


class Outcome(NamedTuple):
    """What was found with one camera."""

    name: str
    """Of the camera."""

    mean: float
    """[mm] Mean error of keys."""

    largest: float
    """[mm] Largest error of keys."""

    camera: float
    """[mm] Error of the camera's position."""

    seconds: float
    """[s] Processor time."""

    problem: str = ""
    """Why nothing was found."""


def main(args: Args) -> None:
    """Films, finds, compares."""
    if args.film is not None:
        print(markdown_table(["film", "along mm", "across mm"], [against_clicks(args)]))
        return
    width, height = (int(word) for word in args.size.split("x"))
    with tempfile.TemporaryDirectory() as folder:
        path = args.recording
        if path is None:
            path = Path(folder) / "recording.h5"
            perform(load_piece(PIECE).clip(0.0, SECONDS), record=path)
        rng = np.random.default_rng(args.seed)
        with Recording.open(path) as recording:
            outcomes = []
            for name, camera, fallboard, light in scenes(args.random, rng):
                pictures = film(recording, camera, fallboard, light, (width, height), args.pictures)
                outcomes.append(measure(name, view_of(camera, (width, height)), pictures))
                print(_row(outcomes[-1]), flush=True)
    table = tables(outcomes)
    print(table)
    if args.results:
        write_results_page(
            "watching_view", TITLE, command_of(__file__, args), f"{PROSE}\n\n{table}"
        )


def scenes(count: int, rng: np.random.Generator) -> list[tuple[str, FilmCamera, str, str]]:
    """Name, camera, fallboard and light of all films."""
    fixed = [
        (f"{number}, {wood}", camera, wood, "room")
        for number, camera in enumerate(CAMERAS)
        for wood in WOOD
    ]
    drawn = [
        (
            f"random {number}",
            random_camera(rng),
            str(rng.choice(list(WOOD))),
            str(rng.choice(list(LIGHTS))),
        )
        for number in range(count)
    ]
    return [*fixed, *drawn]


def film(
    recording: Recording,
    camera: FilmCamera,
    fallboard: str,
    light: str,
    size: tuple[int, int],
    count: int,
) -> list[np.ndarray]:
    """Pictures of a recording, spread over it."""
    stage = FilmStage(recording, camera, fallboard=fallboard, light=light)
    pictures = []
    with Canvas(stage.model, *size) as canvas:
        for time in np.linspace(0.2, stage.time[-1] - 0.2, count):
            stage.pose(float(time))
            pictures.append(stage.draw(canvas).copy())
    return pictures


def measure(name: str, truth: KeyboardView, pictures: Sequence[np.ndarray]) -> Outcome:
    """Finds the keyboard and compares it with the truth."""
    whole = (truth.lowest, truth.highest) == (21, 108)
    begin = process_time()
    try:
        view = find_keyboard(pictures, lowest=None if whole else truth.lowest)
    except MusclehandError as error:
        nan = float("nan")
        return Outcome(name, nan, nan, nan, process_time() - begin, str(error))
    seconds = process_time() - begin
    error = 1000 * key_errors(view, truth)
    camera = 1000 * float(np.linalg.norm(view.position - truth.position))
    return Outcome(name, float(error.mean()), float(error.max()), camera, seconds)


def key_errors(view: KeyboardView, truth: KeyboardView) -> np.ndarray:
    """Errors at the corners and in the middle of the tops of keys in the picture [m].

    Args:
        view: the camera that was found.
        truth: the true camera.

    Returns:
        Shape (keys, 5).
    """
    keys = keyboard_geometry(load_piano_parameters())
    shown = slice(truth.lowest - 21, truth.highest - 20)
    places = [(-0.5, 0.0), (0.5, 0.0), (0.0, 0.5), (-0.5, 1.0), (0.5, 1.0)]
    points = np.stack(
        [
            np.stack([keys.x + a * keys.width, keys.front_y + b * keys.length, keys.top_z], axis=1)
            for a, b in places
        ],
        axis=1,
    )[shown]
    seen = view.to_world(truth.to_pixels(points), points[..., 2])
    return np.asarray(np.linalg.norm(seen - points, axis=2))


def tables(outcomes: Sequence[Outcome]) -> str:
    """The five cameras one by one, and the random ones in sum."""
    fixed = [outcome for outcome in outcomes if not outcome.name.startswith("random")]
    drawn = [outcome for outcome in outcomes if outcome.name.startswith("random")]
    head = ["camera, fallboard", "mean mm", "largest mm", "camera mm", "s"]
    rows = [_row(outcome) for outcome in fixed]
    if drawn:
        right = [outcome for outcome in drawn if not outcome.problem]
        means = [outcome.mean for outcome in right] or [float("nan")]
        largest = [outcome.largest for outcome in right] or [float("nan")]
        rows += [
            [
                f"{len(right)} of {len(drawn)} random found: {word}",
                f"{reduce(means):.2f}",
                f"{reduce(largest):.2f}",
                "",
                "",
            ]
            for word, reduce in (("median", np.median), ("worst", np.max))
        ]
    text = markdown_table(head, rows)
    problems = [f"- {o.name}: {o.problem}" for o in outcomes if o.problem]
    return "\n\n".join([text, *(["\n".join(problems)] if problems else [])])


def _row(outcome: Outcome) -> list[str]:
    if outcome.problem:
        return [outcome.name, "refused", "", "", f"{outcome.seconds:.1f}"]
    figures = (outcome.mean, outcome.largest)
    return [
        outcome.name,
        *(f"{figure:.2f}" for figure in figures),
        f"{outcome.camera:.0f}",
        f"{outcome.seconds:.1f}",
    ]


def against_clicks(args: Args) -> list[str]:
    """Row of a film whose homography a person has clicked: mean and deviation [mm]."""
    from imageio_ffmpeg import read_frames

    if args.film is None or args.homography is None:
        raise MusclehandError("--film needs --homography")
    frames = read_frames(str(args.film))
    width, height = next(frames)["size"]
    everything = [np.frombuffer(frame, np.uint8).reshape(height, width, 3) for frame in frames]
    chosen = np.linspace(0, len(everything) - 1, 40).round().astype(int)
    view = find_keyboard([everything[index] for index in chosen])
    keys = keyboard_geometry(load_piano_parameters())
    points = np.stack([keys.x, (keys.front_y + keys.hinge_y) / 2, 0 * keys.x], axis=1)
    points = points[~keys.black]
    pixels = view.to_pixels(points)
    matrix = np.load(args.homography, allow_pickle=False)
    plane = np.concatenate([pixels, np.ones((len(pixels), 1))], axis=1) @ matrix.T
    clicked = plane[:, :2] / plane[:, 2:]
    middle = np.array([0.0, keys.hinge_y[0] / 2])
    error = 1000 * (clicked - (points[:, :2] - middle))
    cells = [f"{part.mean():.1f} +- {part.std():.1f}" for part in error.T]
    return [f"{args.film.name} ({1000 * view.residual:.2f} mm rms of edges)", *cells]


if __name__ == "__main__":
    run_script(main, Args, __doc__)
