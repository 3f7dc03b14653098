"""A plan as a picture: keys by finger over time, early releases, and the wrists' paths.

Drawn without matplotlib's global state. Fingers are distinguished by colour (Okabe and Ito 2008)
and by their number in the bar.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from musclehand.body.anatomy import Side
from musclehand.music.pitch import LOWEST_PITCH, is_black, pitch_name
from musclehand.music.score import Note, Score
from musclehand.piano.geometry import KeyboardGeometry

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FINGER_COLOURS = {1: "#0072B2", 2: "#E69F00", 3: "#009E73", 4: "#CC79A7", 5: "#D55E00"}
"""Thumb to little finger."""

WRIST_COLOURS = {Side.LEFT: "#56B4E9", Side.RIGHT: "#000000"}

WRIST_NAMES = {Side.LEFT: "left wrist", Side.RIGHT: "right wrist"}

FRAME_COLOUR = "#8C8C8C"
"""Of notes as written."""

BAR_HEIGHT = 0.012
"""[m] height of a note's bar, a little less than a key is wide."""

INCHES_A_SECOND = 1.0
NARROWEST_INCHES = 8.0
WIDEST_INCHES = 60.0
"""Width of the picture."""

INCHES_HIGH = 6.0

NUMBERED_FROM = 0.12
"""[s] length from which a bar has room for its finger's number."""

NUMBERED_BELOW = 0.8
"""[m] length of keyboard up to which a bar is high enough for a number."""

MARGIN = 0.05
"""[m] of keyboard beyond the outermost notes."""

TICKS = 34
"""Key names that find room one above the other."""


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

    width = min(WIDEST_INCHES, max(NARROWEST_INCHES, 3.0 + INCHES_A_SECOND * target.duration))
    figure = MatplotlibFigure(figsize=(width, INCHES_HIGH), layout="constrained")
    axes = figure.subplots()
    low, high = _extent(target, geometry)
    held = {(round(note.onset, 4), note.pitch) for note in planned.notes}
    for note in target.notes:
        played = (round(note.onset, 4), note.pitch) in held
        _bar(axes, note, geometry, facecolor="none", edgecolor=FRAME_COLOUR, played=played)
    for note in planned.notes:
        _bar(axes, note, geometry, facecolor=FINGER_COLOURS[int(note.finger or 1)])
        if note.duration >= NUMBERED_FROM and high - low <= NUMBERED_BELOW:
            _number(axes, note, geometry)
    for side, (times, positions) in wrists.items():
        colour = WRIST_COLOURS[side]
        axes.plot(times, positions[:, 0], color=colour, linewidth=0.9, label=WRIST_NAMES[side])
    axes.set_ylim(low, high)
    axes.set_xlim(-0.2, max(target.duration, 1.0) + 0.2)
    _label(axes, target, geometry)
    _legend(figure, axes)
    return figure


def _bar(
    axes: Axes,
    note: Note,
    geometry: KeyboardGeometry,
    *,
    facecolor: str,
    edgecolor: str = "none",
    played: bool = True,
) -> None:
    """Draws a note's time on its key, in dashes if it is not played."""
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


def _number(axes: Axes, note: Note, geometry: KeyboardGeometry) -> None:
    """Writes the number of a note's finger into its bar."""
    axes.text(
        note.onset + 0.5 * note.duration,
        geometry.x[note.key],
        f"{int(note.finger or 0)}",
        ha="center",
        va="center_baseline",
        fontsize=6,
        color="white",
        clip_on=True,
    )


def _extent(target: Score, geometry: KeyboardGeometry) -> tuple[float, float]:
    """The part of the keyboard that is shown [m]."""
    places = [float(geometry.x[note.key]) for note in target.notes] or [0.0]
    return min(places) - MARGIN, max(places) + MARGIN


def _label(axes: Axes, target: Score, geometry: KeyboardGeometry) -> None:
    """Names the axes, and as many of the white keys that are played as find room."""
    low, high = axes.get_ylim()
    apart = (high - low) / TICKS
    pitches = sorted({note.pitch for note in target.notes})
    whites = [pitch for pitch in pitches if not is_black(pitch)]
    named: list[int] = []
    for pitch in whites or pitches:
        x = geometry.x[pitch - LOWEST_PITCH]
        if not named or x - geometry.x[named[-1] - LOWEST_PITCH] >= apart:
            named.append(pitch)
    places = [geometry.x[pitch - LOWEST_PITCH] for pitch in named]
    axes.set_yticks(places, [pitch_name(pitch) for pitch in named])
    axes.set_xlabel("time [s]")
    axes.set_ylabel("key")
    axes.set_title(target.title or "plan", fontsize=10, parse_math=False)


def _legend(figure: Figure, axes: Axes) -> None:
    """Explains fingers, frames and lines, beside the axes."""
    from matplotlib.patches import Patch

    fingers = [
        Patch(facecolor=colour, label=f"finger {number}")
        for number, colour in FINGER_COLOURS.items()
    ]
    frames = [
        Patch(facecolor="none", edgecolor=FRAME_COLOUR, label="as written"),
        Patch(facecolor="none", edgecolor=FRAME_COLOUR, linestyle="dashed", label="not played"),
    ]
    lines = axes.get_legend_handles_labels()[0]
    figure.legend(handles=[*fingers, *frames, *lines], fontsize=7, loc="outside right upper")
