"""Hands detected in rendered films, against their exact truth.

    python experiments/bench_watch_hands.py                       # the short film of the tests
    python experiments/bench_watch_hands.py films/elise films/etude
    python experiments/bench_watch_hands.py --render films/hands  # five cameras and lights

A folder holds film.mp4 and truth.h5 of `make_film.py`. Errors are distances in the plane of the
keyboard at the height of the true point, in millimetres: as detected ("raw"), and after a constant
part of each of the 42 points was taken out ("after"), which says what a point of the network means
on this hand. "Filtered" is what `detect_hands` gives. Needs `pip install "musclehand[watch]"` and
the networks of `musclehand watch --setup`; without them the benchmark says so and ends.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tyro

from harness.film_truth import FilmTruth, read_truth
from harness.results_page import markdown_table
from harness.script import run_script
from make_film import Args as FilmArgs
from make_film import main as make_film
from musclehand.core.errors import MusclehandError
from musclehand.watch.film import open_film
from musclehand.watch.landmarks import TIPS
from musclehand.watch.networks import HandNetworks, Network, find_networks
from musclehand.watch.track_hands import detect_hands

GOAL = 4.0
"""[mm] Median error after offsets that is to be kept."""

SHOWN = Path(__file__).resolve().parents[1] / "tests" / "data" / "watch"
"""Folder of the film of the tests."""

SCENES = (("dark", "room"), ("light", "left"), ("dark", "lamp"), ("light", "dim"), ("dark", "left"))
"""Fallboard and light of the film of each camera."""

COLUMNS = ("film", "frames", "seen %", "ms a frame", "raw", "after", "filtered", "95 %", "tips")


@dataclass(frozen=True)
class Args:
    """Which films."""

    folders: tyro.conf.Positional[tuple[Path, ...]] = ()
    """Folders of films with their truth."""

    render: Path | None = None
    """Folder for films of five cameras, which are rendered where they are missing."""

    piece: str = "fuer_elise"
    """What is played in rendered films."""

    seconds: float = 6.0
    """Length of a rendered film."""

    rate: int = 30
    """[Hz] Pictures a second of a rendered film."""

    networks: Path | None = None
    """Folder of the networks; without it those in the user's cache."""


class Errors(NamedTuple):
    """Distances from the truth [mm]. Shapes (T, 2, 21)."""

    raw: np.ndarray
    """As detected."""

    after: np.ndarray
    """After the constant part of each point was taken out."""


def main(args: Args) -> None:
    """Detects hands in all films and prints a table."""
    try:
        networks = find_networks(args.networks)
        check_runtime(networks)
    except MusclehandError as error:
        print(f"skipped: {error}")
        return
    folders = list(args.folders)
    if args.render is not None:
        folders += [rendered(args, camera) for camera in range(len(SCENES))]
    rows, medians = [], []
    for folder in folders or [SHOWN]:
        row, median = measure(folder, networks)
        rows.append(row)
        medians.append(median)
    print(markdown_table(COLUMNS, rows))
    verdict = "all within" if max(medians) <= GOAL else "NOT all within"
    print(f"\nMedian after offsets, filtered: {verdict} {GOAL:g} mm; errors in mm.")


def check_runtime(networks: HandNetworks) -> None:
    """Loads a network, so that a missing library is told before anything is computed.

    Args:
        networks: their files.

    Raises:
        MusclehandError: it cannot be loaded.
    """
    Network(networks.landmarks, (1, 224, 224, 3), ((1, 63), (1, 1), (1, 1), (1, 63)))


def rendered(args: Args, camera: int) -> Path:
    """The folder of a camera's film, rendered where it is missing.

    Args:
        args: of the command line.
        camera: number of the camera.
    """
    assert args.render is not None
    folder = args.render / f"camera_{camera}"
    if not (folder / "truth.h5").is_file():
        fallboard, light = SCENES[camera]
        make_film(
            FilmArgs(
                piece=args.piece,
                out=folder,
                camera=camera,
                fallboard=fallboard,
                light=light,
                seconds=args.seconds,
                rate=args.rate,
            )
        )
    return folder


def measure(folder: Path, networks: HandNetworks) -> tuple[list[str], float]:
    """A row of the table, and the median error after offsets [mm].

    Args:
        folder: of a film.
        networks: that detect hands.
    """
    film = open_film(folder / "film.mp4")
    truth = read_truth(folder / "truth.h5")
    with tempfile.TemporaryDirectory() as kept:
        before = time.perf_counter()
        landmarks = detect_hands(film, networks=networks, rate=film.rate, out=kept)
        spent = (time.perf_counter() - before) / len(landmarks.time)
        detected = detect_hands(film, networks=networks, rate=film.rate, out=kept, filtered=False)
    raw = errors(detected.points, truth)
    filtered = errors(landmarks.points, truth)
    median = float(np.nanmedian(filtered.after))
    seen = 100 * landmarks.detected.mean(axis=0)
    return [
        folder.name,
        str(len(landmarks.time)),
        f"{seen[0]:.1f}, {seen[1]:.1f}",
        f"{1e3 * spent:.0f}",
        f"{np.nanmedian(raw.raw):.1f}",
        f"{np.nanmedian(raw.after):.1f}",
        f"{median:.1f}",
        f"{np.nanpercentile(filtered.after, 95):.1f}",
        f"{np.nanmedian(filtered.after[:, :, list(TIPS)]):.1f}",
    ], median


def errors(points: np.ndarray, truth: FilmTruth) -> Errors:
    """Errors in the plane of the keyboard.

    Args:
        points: detected [pixels]. Shape (T, 2, 21, 2).
        truth: of the same pictures, or more.
    """
    true = truth.points[: len(points)]
    world = truth.view.to_world(points, true[..., 2])
    away = 1e3 * (world - true)[..., :2]
    constant = np.nanmedian(away, axis=0)
    return Errors(np.linalg.norm(away, axis=-1), np.linalg.norm(away - constant, axis=-1))


if __name__ == "__main__":
    run_script(main, Args, __doc__)
