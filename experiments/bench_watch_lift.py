"""Joint angles and fingertips lifted from films, against the exact truth.

    python experiments/bench_watch_lift.py                                # simulated landmarks
    python experiments/bench_watch_lift.py films/elise films/etude        # and rendered films
    python experiments/bench_watch_lift.py films/* --results              # writes the page

Simulated landmarks are those of a planned performance with errors of known size. A folder holds
film.mp4 and truth.h5 of `make_film.py`; its hands are detected by the networks of
`musclehand watch --setup`. Each is lifted with and without the knowledge of which finger plays.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tyro

from harness.film_truth import read_truth
from harness.results_page import markdown_table, write_results_page
from harness.script import command_of, run_script
from harness.simulated_landmarks import LandmarkErrors, film_piece
from musclehand.body.anatomy import HAND_JOINTS, INDEPENDENT_JOINTS, Side
from musclehand.motion.clip import MotionClip
from musclehand.music.score import Score
from musclehand.music.sources import load_score
from musclehand.watch.film import open_film
from musclehand.watch.landmarks import HandLandmarks
from musclehand.watch.lift import Lift, lift
from musclehand.watch.networks import find_networks
from musclehand.watch.track_hands import detect_hands
from musclehand.watch.view import KeyboardView

ERRORS: Mapping[str, LandmarkErrors] = {
    "exact": LandmarkErrors(),
    "2.5 mm": LandmarkErrors(slow=0.0025),
    "2.5 mm, displaced": LandmarkErrors(slow=0.0025, offsets=1.0),
    "5 mm": LandmarkErrors(slow=0.005),
    "5 mm, 20 % lost": LandmarkErrors(slow=0.005, dropouts=0.2),
    "10 mm": LandmarkErrors(slow=0.01),
}
"""Errors of simulated landmarks: slow ones along each axis; constant displacements as measured of
networks; times without a hand."""

GROUPS: Mapping[str, tuple[str, ...]] = {
    "wrist": ("pro_sup", "deviation", "flexion"),
    "knuckles": tuple(f"mcp{finger}_flexion" for finger in (2, 3, 4, 5)),
    "middle joints": tuple(f"pm{finger}_flexion" for finger in (2, 3, 4, 5)),
    "thumb": ("cmc_flexion", "cmc_abduction", "mp_flexion", "ip_flexion"),
}
"""Joints whose errors are shown by themselves."""

COLUMNS = (
    *("landmarks", "contacts", "tips mm", "95 %", "tip heights mm rms", "wrist mm"),
    *("joints deg rms", *GROUPS, "hand size", "ms a frame"),
)

PROSE = """\
Errors of the lift: fingertips in three dimensions (median and 95th percentile), their heights, the
centre of the wrist (median), and joint angles (all 19 independent joints, then by groups). Both
hands play; the true size of the hand is 1 and not given. Errors of simulated landmarks are slow
(correlated over 0.3 s), along each axis of the picture; "displaced" adds to every point a constant
displacement of 3 to 15 mm. "Contacts" says whether it is known which finger plays which key. The
goal is fingertips within 5 mm and joints within 6 degrees with contacts. Time is that of one core
for both hands, calibration included."""


@dataclass(frozen=True)
class Args:
    """What to lift."""

    folders: tyro.conf.Positional[tuple[Path, ...]] = ()
    """Folders of rendered films with their truth."""

    piece: str = "fuer_elise"
    """What is played before simulated landmarks are taken."""

    networks: Path | None = None
    """Folder of the networks; without it those in the user's cache."""

    seed: int = 1
    """Of simulated errors."""

    results: bool = False
    """Write the results page."""


class Case(NamedTuple):
    """Landmarks with their truth."""

    name: str
    landmarks: HandLandmarks
    view: KeyboardView
    score: Score
    clips: Mapping[Side, MotionClip]


def main(args: Args) -> None:
    """Lifts all cases and prints the table."""
    rows = []
    for case in (*simulated(args), *rendered(args)):
        for contacts in (True, False):
            rows.append(row_of(case, contacts))
            print("  ".join(rows[-1]), flush=True)
    table = markdown_table(COLUMNS, rows)
    print(f"\n{table}")
    if args.results:
        title = "Motion lifted from films"
        write_results_page(
            "watching_lift", title, command_of(__file__, args), f"{PROSE}\n\n{table}"
        )


def simulated(args: Args) -> Iterator[Case]:
    """Landmarks of a planned performance with errors."""
    film = film_piece(load_score(args.piece))
    for name, errors in ERRORS.items():
        landmarks = film.landmarks(errors, seed=args.seed)
        yield Case(f"simulated, {name}", landmarks, film.view, film.score, film.clips)


def rendered(args: Args) -> Iterator[Case]:
    """Landmarks that the networks find in rendered films."""
    networks = find_networks(args.networks) if args.folders else None
    for folder in args.folders:
        assert networks is not None
        truth = read_truth(folder / "truth.h5")
        landmarks = detect_hands(open_film(folder / "film.mp4"), networks=networks)
        yield Case(f"film {folder.name}", landmarks, truth.view, truth.asked, truth.clips)


def row_of(case: Case, contacts: bool) -> list[str]:
    """Errors of a lift.

    Args:
        case: landmarks with their truth.
        contacts: the lift is told which finger plays which key.
    """
    score = case.score
    if not contacts:
        notes = tuple(replace(note, finger=None) for note in score.notes)
        score = replace(score, notes=notes)
    begin = time.process_time()
    lifted = lift(case.landmarks, case.view, score)
    spent = (time.process_time() - begin) / len(case.landmarks.time)
    errors = _errors(lifted, case.clips)
    cells = [
        np.median(errors.tips),
        np.percentile(errors.tips, 95),
        _rms(errors.heights),
        np.median(errors.wrists),
        _rms(errors.angles[:, [HAND_JOINTS.index(name) for name in INDEPENDENT_JOINTS]]),
        *(
            _rms(errors.angles[:, [HAND_JOINTS.index(n) for n in names]])
            for names in GROUPS.values()
        ),
    ]
    said = "yes" if contacts else "no"
    numbers = [f"{cell:.1f}" for cell in cells]
    return [case.name, said, *numbers, f"{lifted.size:.3f}", f"{1e3 * spent:.1f}"]


class _Errors(NamedTuple):
    """Differences from the truth in all frames of both hands."""

    tips: np.ndarray
    """[mm] Distances of fingertips."""

    heights: np.ndarray
    """[mm] Of fingertips."""

    wrists: np.ndarray
    """[mm] Distances of the centres of wrists."""

    angles: np.ndarray
    """[deg] Of all joints. Shape (n, 25)."""


def _errors(lifted: Lift, clips: Mapping[Side, MotionClip]) -> _Errors:
    parts = []
    for side, clip in lifted.clips.items():
        truth = clips[side]
        frames = min(clip.frames, truth.frames)
        away = 1e3 * (clip.fingertips[:frames] - truth.fingertips[:frames])
        wrist = 1e3 * (clip.forearm[:frames, :3] - truth.forearm[:frames, :3])
        parts.append(
            _Errors(
                np.linalg.norm(away, axis=2).ravel(),
                away[..., 2].ravel(),
                np.linalg.norm(wrist, axis=1),
                np.degrees(clip.qpos[:frames] - truth.qpos[:frames]),
            )
        )
    return _Errors(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


if __name__ == "__main__":
    run_script(main, Args, __doc__)
