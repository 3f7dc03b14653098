"""A plan as a picture: keys by finger over time, early releases, and the wrists' paths.

Drawn without matplotlib's global state. Fingers are told apart by colour (Okabe and Ito 2008) and
by their number in the bar.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np

from musclehand.body.anatomy import Side
from musclehand.core.atomic import temporary_path
from musclehand.music.pitch import LOWEST_PITCH, pitch_name
from musclehand.music.score import Note, Score
from musclehand.piano.geometry import KeyboardGeometry

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FINGER_COLOURS = {1: "#0072B2", 2: "#E69F00", 3: "#009E73", 4: "#CC79A7", 5: "#D55E00"}
"""Thumb to little finger."""

WRIST_COLOURS = {Side.LEFT: "#56B4E9", Side.RIGHT: "#000000"}

BAR_HEIGHT = 0.012
"""[m] height of a note's bar, a little less than a key is wide."""

INCHES_A_SECOND = 1.0
WIDEST_INCHES = 60.0
"""Width of the picture."""

NUMBERED_FROM = 0.12
"""[s] length from which a bar has room for its finger's number."""


def draw_plan(
    target: Score,
    planned: Score,
    wrists: Mapping[Side, tuple[np.ndarray, np.ndarray]],
    geometry: KeyboardGeometry,
) -> Figure:
    """Draws a plan.

    A grey frame is a note of the target. The coloured bar in it is the time for which the plan
    holds its key, with the number of the finger. A dashed frame is a note that no hand plays.

    Args:
        target: what is asked of the keyboard.
        planned: notes with fingers and the releases of the plan.
        wrists: for each hand times [s], shape (n,), and positions [m], shape (n, 3).
        geometry: where the keys are.
    """
    from matplotlib.figure import Figure as MatplotlibFigure

    width = min(WIDEST_INCHES, max(6.0, 2.0 + INCHES_A_SECOND * target.duration))
    figure = MatplotlibFigure(figsize=(width, 6.0), layout="constrained")
    axes = figure.subplots()
    held = {(round(note.onset, 4), note.pitch) for note in planned.notes}
    for note in target.notes:
        played = (round(note.onset, 4), note.pitch) in held
        _bar(axes, note, geometry, facecolor="none", edgecolor="#8C8C8C", played=played)
    for note in planned.notes:
        _bar(axes, note, geometry, facecolor=FINGER_COLOURS[int(note.finger or 1)])
        if note.duration >= NUMBERED_FROM:
            middle = note.onset + 0.5 * note.duration
            text = f"{int(note.finger or 0)}"
            axes.text(
                middle,
                geometry.x[note.key],
                text,
                ha="center",
                va="center",
                fontsize=6,
                color="white",
            )
    for side, (times, positions) in wrists.items():
        label = f"{side.value} wrist"
        axes.plot(times, positions[:, 0], color=WRIST_COLOURS[side], linewidth=0.9, label=label)
    _label(axes, target, geometry)
    return figure


def save_figure(figure: Figure, path: str | PathLike[str]) -> None:
    """Saves a figure in the format of the file's ending, whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    with temporary_path(path) as part, warnings.catch_warnings():
        # A title may be in any script; a glyph that the font lacks becomes a box.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(part, dpi=130)


def _bar(
    axes: Axes,
    note: Note,
    geometry: KeyboardGeometry,
    *,
    facecolor: str,
    edgecolor: str = "none",
    played: bool = True,
) -> None:
    from matplotlib.patches import Rectangle

    corner = (note.onset, geometry.x[note.key] - 0.5 * BAR_HEIGHT)
    style = "solid" if played else "dashed"
    axes.add_patch(
        Rectangle(
            corner,
            note.duration,
            BAR_HEIGHT,
            facecolor=facecolor,
            edgecolor=edgecolor,
            linestyle=style,
            linewidth=0.8,
        )
    )


def _label(axes: Axes, target: Score, geometry: KeyboardGeometry) -> None:
    from matplotlib.patches import Patch

    pitches = sorted({note.pitch for note in target.notes})
    shown = pitches[:: max(1, len(pitches) // 16)]
    axes.set_yticks(
        [geometry.x[pitch - LOWEST_PITCH] for pitch in shown], [pitch_name(p) for p in shown]
    )
    places = [geometry.x[pitch - LOWEST_PITCH] for pitch in pitches] or [0.0]
    axes.set_ylim(min(places) - 0.05, max(places) + 0.05)
    axes.set_xlim(-0.2, max(target.duration, 1.0) + 0.2)
    axes.set_xlabel("time [s]")
    axes.set_ylabel("key")
    axes.set_title(target.title or "plan", fontsize=10)
    fingers = [
        Patch(facecolor=colour, label=f"finger {number}")
        for number, colour in FINGER_COLOURS.items()
    ]
    lines = axes.get_legend_handles_labels()[0]
    axes.legend(handles=[*fingers, *lines], fontsize=7, loc="upper right", ncols=2)
