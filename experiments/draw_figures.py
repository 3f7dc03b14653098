"""Draws the README's pictures of a performance, and of a followed melody where there is a corpus.

    python experiments/draw_figures.py --readme
    python experiments/draw_figures.py corpus --out runs/figures

Pictures of hands need a headless OpenGL (EGL or OSMesa). The other pictures are drawn by the
commands that make the tables beside them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro
from readme_table import put_figure

from musclehand.body.anatomy import Side
from musclehand.cli.track import draw
from musclehand.core.errors import MusclehandError
from musclehand.envs.tracking.follow import follow
from musclehand.motion.clip import MotionClip
from musclehand.motion.dataset import open_corpus
from musclehand.music.repertoire import load_piece
from musclehand.performance.figures import draw_piano_roll, save_figure
from musclehand.performance.perform import perform
from musclehand.policies.tracking import load_tracking_policy
from musclehand.sim.render.opengl import choose_backend
from musclehand.sim.render.video import render_still

PIECE = "fuer_elise"
SECONDS = 12.0
MOMENT = 8.2
"""What is played, how much of it, and when it is looked at [s]: both hands in sight, and a key
that one holds."""


@dataclass(frozen=True)
class Args:
    """What to draw."""

    corpus: tyro.conf.Positional[Path | None] = None
    """folder of a corpus, for a melody to be followed"""
    out: Path = Path("runs/draw_figures")
    """folder of the pictures"""
    readme: bool = False
    """put them beside README.md as well"""


def main(args: Args) -> None:
    """Plays, follows, draws."""
    args.out.mkdir(parents=True, exist_ok=True)
    drawn = performance(args.out)
    if args.corpus is not None:
        drawn.append(followed(held_out_melody(args.corpus), args.out / "tracked.png"))
    for path in drawn:
        print(path)
        if args.readme:
            put_figure(path, path.name)


def performance(folder: Path) -> list[Path]:
    """Hands at the keyboard, and the piano roll."""
    choose_backend()
    result = perform(load_piece(PIECE).clip(0.0, SECONDS), "muscle", record=folder / "recording.h5")
    hands = folder / "hands.png"
    roll = folder / "piano_roll.png"
    render_still(folder / "recording.h5", MOMENT, hands)
    save_figure(draw_piano_roll(result.score, result.played, result.metrics)[0], roll)
    return [hands, roll]


def held_out_melody(corpus: Path) -> MotionClip:
    """The first melody of a left hand that nobody has learnt from.

    Raises:
        MusclehandError: there is none.
    """
    for clip in open_corpus(corpus).clips("test"):
        if clip.kind == "melody" and clip.side is Side.LEFT:
            return clip
    raise MusclehandError(f"{corpus} has no held-out melody of a left hand")


def followed(clip: MotionClip, path: Path) -> Path:
    """A clip, followed by the policy that comes along."""
    loaded = load_tracking_policy()
    draw(follow(clip, loaded.act, loaded.config), path)
    return path


if __name__ == "__main__":
    try:
        main(tyro.cli(Args, description=__doc__))
    except MusclehandError as error:
        raise SystemExit(str(error)) from None
