"""Likeness: how alike the player moves to a person, with and without their motion as a prior.

    python experiments/bench_likeness.py
    python experiments/bench_likeness.py --film elise

Persons are simulated (`harness.planned_person`): hands that play with habits of their own. The
player gets their motion exactly, or with the errors of motion lifted from a film, and is compared
with their true motion. With --film the person is that of a folder that `musclehand watch` has
filled, with its score.txt and motion.h5. `musclehand.motion.likeness` defines the figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from harness.planned_person import lifted, simulated_person
from harness.results_page import markdown_table, write_results_page
from harness.script import command_of, run_script
from musclehand.body.anatomy import Side
from musclehand.core.atomic import write_file
from musclehand.core.recording_reader import Recording
from musclehand.corpus.record import cut_clips
from musclehand.motion.clip import LEAD_KEPT, MotionClip
from musclehand.motion.likeness import Likeness, LikenessFigures, likeness
from musclehand.motion.person import START, read_person
from musclehand.music.repertoire import load_piece
from musclehand.music.score import Score
from musclehand.music.sources import load_score
from musclehand.performance.perform import Performance, perform
from musclehand.performance.settings import PlayerSettings

TITLE = "Likeness to a person"

PROSE = """\
How alike the player moves to a person whose notes and fingers it plays: from the fingers alone,
with the person's motion as a prior (`--like`), and with that motion as a film would give it
(slow errors of 5 mm and 5 degrees), always against their true motion. Chance is the same person
five seconds later. Figures are means over {pieces} of {seconds:g} s each, played by muscles.
`musclehand.motion.likeness` defines them."""

PIECES = (
    "ode_to_joy",
    "minuet_in_g",
    "bach_prelude_in_c",
    "fuer_elise",
    "clementi_sonatina",
    "arabesque",
)

LABELS = {
    "wrist_along_r": "wrist path along, r",
    "wrist_across_r": "wrist path across, r",
    "wrist_along_rms_mm": "wrist along, rms mm",
    "wrist_across_rms_mm": "wrist across, rms mm",
    "joint_rms_deg": "joints of waiting fingers, rms deg",
    "idle_tip_mm": "waiting fingertips from above, mm",
    "idle_tip_3d_mm": "waiting fingertips in space, mm",
    "playing_tip_mm": "playing fingertips from above, mm",
    "tips_along_r": "fingertips about the wrist along, r",
    "tips_across_r": "fingertips about the wrist across, r",
    "preparation_ms": "time of preparation, mean difference ms",
    "frechet_deg": "Frechet distance, deg",
}


@dataclass(frozen=True)
class Args:
    """Which persons to play like."""

    pieces: tuple[str, ...] = PIECES
    """Names from `musclehand play --list`, which simulated persons play."""

    seconds: float = 15.0
    """Of each piece, from its beginning."""

    film: Path | None = None
    """Folder with the score.txt and motion.h5 of a real person, in place of simulated ones."""

    out: Path = Path("runs/bench_likeness")
    """Folder of the results."""

    results: bool = False
    """Write the results page."""


@dataclass(frozen=True)
class Played:
    """A performance and its likeness to the true person."""

    performance: Performance
    """What was played."""

    likeness: Likeness
    """To the person."""


def main(args: Args) -> None:
    """Plays with and without the persons, prints the table and keeps it."""
    args.out.mkdir(parents=True, exist_ok=True)
    if args.film is None:
        rows = [play_piece(name, args) for name in args.pieces]
    else:
        score, person = load_score(args.film / "score.txt"), read_person(args.film / "motion.h5")
        rows = [play_person(score, person, {"with --like": person}, args)]
    table = render(rows)
    print(table)
    write_file(args.out / "table.md", table)
    if args.results:
        prose = PROSE.format(pieces=f"{len(args.pieces)} pieces", seconds=args.seconds)
        if args.film is not None:
            prose = "The person of a film: its notes and fingers, with and without their motion."
        write_results_page("likeness", TITLE, command_of(__file__, args), f"{prose}\n\n{table}")


def play_piece(name: str, args: Args) -> dict[str, Played]:
    """Plays the beginning of a piece as a simulated person does."""
    score, person = simulated_person(load_piece(name).clip(0.0, args.seconds))
    versions = {"with --like": person, "--like, lifted motion": lifted(person)}
    return play_person(score, person, versions, args)


def play_person(
    score: Score,
    person: Mapping[Side, MotionClip],
    versions: Mapping[str, Mapping[Side, MotionClip]],
    args: Args,
) -> dict[str, Played]:
    """Plays a person's notes and fingers without their motion, and with each version of it.

    Args:
        score: with their fingers.
        person: their true motion.
        versions: of the motion that the player gets, by name.
        args: of the experiment.
    """
    played = {}
    for name, motion in {"fingers alone": None, **versions}.items():
        path = args.out / "recording.h5"
        result = perform(score, PlayerSettings(like=motion, processes=1), record=path)
        with Recording.open(path) as recording:
            clips = cut_clips(recording, "played", kind="played", pattern="played", source={})
        path.unlink()
        own = {clip.side: replace(clip, source={START: repr(-LEAD_KEPT)}) for clip in clips}
        played[name] = Played(result, likeness(person, own))
    return played


def render(rows: list[dict[str, Played]]) -> str:
    """Table of the means over all pieces: figures by row, players and chance by column."""
    names = list(rows[0])
    header = ["figure", *names, "chance"]
    lines = [
        [
            label,
            *(
                mean_of([getattr(row[name].performance.metrics, key) for row in rows], 3)
                for name in names
            ),
            "-",
        ]
        for key, label in (("onset_f1_50ms", "onset F1"), ("velocity_f1", "velocity F1"))
    ]
    for item in fields(LikenessFigures):
        digits = 2 if item.name.endswith("_r") else 1
        values = [
            mean_of([getattr(row[name].likeness.figures, item.name) for row in rows], digits)
            for name in names
        ]
        chance = [getattr(row[names[1]].likeness.chance, item.name) for row in rows]
        lines.append([LABELS[item.name], *values, mean_of(chance, digits)])
    return markdown_table(header, lines)


def mean_of(values: list[float | None], digits: int) -> str:
    """Mean of the values there are, as text."""
    told = [value for value in values if value is not None]
    return f"{np.mean(told):.{digits}f}" if told else "-"


if __name__ == "__main__":
    run_script(main, Args, __doc__)
