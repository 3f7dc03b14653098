"""Pictures of the documentation: a performance, and a followed melody where there is a corpus.

    python experiments/draw_figures.py --results
    python experiments/draw_figures.py corpus --out runs/figures

Pictures of hands need a headless OpenGL (EGL or OSMesa). The other pictures are drawn by the
benchmarks whose pages show them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from harness.results_page import write_figure
from harness.script import run_script
from musclehand.body.anatomy import Side
from musclehand.core.errors import MusclehandError
from musclehand.core.figure_file import save_figure
from musclehand.envs.tracking.follow import follow
from musclehand.motion.clip import MotionClip
from musclehand.motion.dataset import open_corpus
from musclehand.music.repertoire import load_piece
from musclehand.performance.figures import draw_piano_roll
from musclehand.performance.followed import draw_followed
from musclehand.performance.perform import perform
from musclehand.policies.tracking import load_tracking_policy
from musclehand.sim.render.opengl import choose_backend
from musclehand.sim.render.video import render_still

PIECE = "fuer_elise"

SECONDS = 12.0
"""[s] Of the piece, from its beginning."""

MOMENT = 8.2
"""[s] Of the picture: both hands are in sight, and a key is held."""


@dataclass(frozen=True)
class Args:
    """What to draw."""

    corpus: tyro.conf.Positional[Path | None] = None
    """Folder of a corpus, for a followed melody."""

    out: Path = Path("runs/draw_figures")
    """Folder of the pictures."""

    results: bool = False
    """Put the pictures into docs/ as well."""


def main(args: Args) -> None:
    """Plays, follows, draws."""
    args.out.mkdir(parents=True, exist_ok=True)
    pictures = performance(args.out)
    if args.corpus is not None:
        pictures.append(followed(held_out_melody(args.corpus), args.out / "tracked.png"))
    for path in pictures:
        print(path)
        if args.results:
            write_figure(path, path.name)


def performance(folder: Path) -> list[Path]:
    """Draws hands at the keyboard, and the piano roll; gives the paths."""
    choose_backend()
    result = perform(load_piece(PIECE).clip(0.0, SECONDS), "muscle", record=folder / "recording.h5")
    hands = folder / "hands.png"
    roll = folder / "piano_roll.png"
    render_still(folder / "recording.h5", MOMENT, hands)
    save_figure(draw_piano_roll(result.score, result.played, result.metrics)[0], roll)
    return [hands, roll]


def held_out_melody(corpus: Path) -> MotionClip:
    """The first held-out melody of a left hand.

    Raises:
        MusclehandError: there is none.
    """
    for clip in open_corpus(corpus).clips("test"):
        if clip.kind == "melody" and clip.side is Side.LEFT:
            return clip
    raise MusclehandError(f"{corpus} has no held-out melody of a left hand")


def followed(clip: MotionClip, path: Path) -> Path:
    """Draws a clip as the bundled policy follows it; gives the path."""
    loaded = load_tracking_policy()
    draw_followed(follow(clip, loaded.act, loaded.config), path)
    return path


if __name__ == "__main__":
    run_script(main, Args, __doc__)
