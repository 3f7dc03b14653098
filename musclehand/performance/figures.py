"""The pictures of a performance: what was played against what was asked, and which muscles did it.

Figures are made and saved without matplotlib's global state (no pyplot), so they can be drawn in
any thread and leave nothing behind. Colours are told apart by everybody (Okabe and Ito 2008; Tol
2021), and missed, extra and played notes differ in shape as well.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from musclehand.core.errors import OutputError
from musclehand.core.recording import Recording
from musclehand.music.metrics import WIDE_TOLERANCE, PerformanceMetrics, match_notes
from musclehand.music.pitch import HIGHEST_PITCH, LOWEST_PITCH, is_black, pitch_name
from musclehand.music.score import Hand, Note, Score

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HIT_RIGHT = "#0072B2"
HIT_LEFT = "#56B4E9"
HIT_NOBODY = "#009E73"
MISSED = "#E69F00"
EXTRA = "#AA3377"
ASKED = "#8C8C8C"

ROW_SECONDS = 20.0
"""Most music in one row of the piano roll [s]."""

ROWS_PER_PAGE = 6

MAX_COLUMNS = 1600
"""Most columns of the muscle raster; more steps than these are averaged."""


class _Bar(NamedTuple):
    """A note to be drawn: one colour, and which of the three shapes."""

    start: float
    end: float
    pitch: int
    colour: str
    shape: str


def draw_piano_roll(score: Score, played: Score, metrics: PerformanceMetrics) -> list[Figure]:
    """What was played over what was asked, a page for every two minutes.

    A grey frame is a note asked for, as long as it is to be held; the bar within is what was played
    for it, dark blue by the right hand, light blue by the left, green where no hand is known. A
    filled orange frame was missed; a purple bar without frame was not asked for.

    Args:
        score: what was asked of the keyboard.
        played: what sounded.
        metrics: of the two, for the title.
    """
    bars = _bars(score, played)
    end = max(score.duration, played.duration, 1e-3)
    num_rows = max(1, math.ceil(end / ROW_SECONDS))
    length = end / num_rows
    pitches = [bar.pitch for bar in bars] or [60]
    low = max(min(pitches) - 2, LOWEST_PITCH)
    high = min(max(pitches) + 2, HIGHEST_PITCH)
    rows = [(index * length, (index + 1) * length) for index in range(num_rows)]
    pages = [rows[first : first + ROWS_PER_PAGE] for first in range(0, num_rows, ROWS_PER_PAGE)]
    return [
        _roll_page(page, bars, (low, high), _roll_title(score, metrics, number + 1, len(pages)))
        for number, page in enumerate(pages)
    ]


def draw_muscles(
    recording: Recording, names: Sequence[tuple[str, str, str]], *, title: str = ""
) -> Figure:
    """Activation of every muscle over time, left hand on the left, grouped as in the muscle table.

    Args:
        recording: one with a channel `act`, whose entries are named `<muscle>_l` and `<muscle>_r`.
        names: short name, full name and group of each muscle, in the order of the rows.
        title: above the picture.

    Raises:
        UnknownName: the recording has no activations.
    """
    from matplotlib.colors import PowerNorm

    act = recording["act"]
    columns = {name: index for index, name in enumerate(act.names)}
    hands = [
        (word, suffix)
        for word, suffix in (("Left hand", "l"), ("Right hand", "r"))
        if f"{names[0][0]}_{suffix}" in columns
    ]
    figure = _new_figure(4.0 + 5.5 * len(hands), 1.3 + 0.165 * len(names))
    panels = figure.subplots(1, len(hands), sharey=True, squeeze=False)[0]
    time, image = _average_columns(recording)
    norm = PowerNorm(0.5, vmin=0.0, vmax=1.0)
    for panel, (word, suffix) in zip(panels, hands, strict=True):
        rows = image[[columns[f"{short}_{suffix}"] for short, _, _ in names]]
        edges = (time[0], time[-1], len(names) - 0.5, -0.5)
        drawn = panel.imshow(
            rows, aspect="auto", interpolation="nearest", cmap="inferno", norm=norm, extent=edges
        )
        panel.set_title(word, fontsize=10)
        panel.set_xlabel("time [s]")
        for row in _group_starts(names)[1:]:
            panel.axhline(row - 0.5, color="white", linewidth=0.8)
    _label_muscles(panels[0], panels[-1], names)
    bar = figure.colorbar(drawn, ax=list(panels), pad=0.02, fraction=0.025, aspect=40)
    bar.set_label("activation (square-root scale)")
    figure.suptitle(title or "Muscle activation", fontsize=12)
    return figure


def save_figure(figure: Figure, path: str | PathLike[str]) -> None:
    """Saves a figure as PNG.

    Raises:
        OutputError: the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    try:
        with warnings.catch_warnings():
            # Titles come in all scripts; what the font lacks becomes a box, and nobody needs to be
            # told.
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            figure.savefig(path, format="png", dpi=130)
    except OSError as error:
        raise OutputError(path, error.strerror or str(error)) from error


def _new_figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure as MatplotlibFigure

    return MatplotlibFigure(figsize=(width, height), layout="constrained")


def _bars(score: Score, played: Score) -> list[_Bar]:
    """Every note asked for, every note played for one, every extra note."""
    matches = match_notes(score, played, tolerance=WIDE_TOLERANCE)
    found = {match.reference for match in matches}
    bars = [
        _Bar(
            note.onset,
            note.offset,
            note.pitch,
            ASKED if index in found else MISSED,
            "asked" if index in found else "missed",
        )
        for index, note in enumerate(score.notes)
    ]
    used = {match.played: score.notes[match.reference] for match in matches}
    for index, note in enumerate(played.notes):
        colour = _hand_colour(used[index]) if index in used else EXTRA
        bars.append(_Bar(note.onset, note.offset, note.pitch, colour, "played"))
    return bars


def _hand_colour(note: Note) -> str:
    return {Hand.RIGHT: HIT_RIGHT, Hand.LEFT: HIT_LEFT, None: HIT_NOBODY}[note.hand]


def _roll_title(score: Score, metrics: PerformanceMetrics, page: int, pages: int) -> str:
    def shown(value: float | None) -> str:
        return "-" if value is None else f"{value:.3f}"

    hits = metrics.num_reference - metrics.missed
    counts = f"{hits} of {metrics.num_reference} notes hit, {metrics.missed} missed, {metrics.extra} extra"
    scores = (
        f"onset F1 {shown(metrics.onset_f1_50ms)} (50 ms) {shown(metrics.onset_f1_100ms)} (100 ms), "
        f"frame F1 {shown(metrics.frame_f1_micro)}"
    )
    title = " ".join(score.title.split())[:80] or "Untitled"
    return f"{title}{f', page {page} of {pages}' if pages > 1 else ''}\n{counts}; {scores}"


def _roll_page(
    rows: list[tuple[float, float]], bars: list[_Bar], pitches: tuple[int, int], title: str
) -> Figure:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    row_height = min(max(0.085 * (pitches[1] - pitches[0] + 1), 1.6), 5.0)
    figure = _new_figure(15.0, 1.4 + (row_height + 0.35) * len(rows))
    panels = figure.subplots(len(rows), 1, squeeze=False)[:, 0]
    for panel, (start, end) in zip(panels, rows, strict=True):
        _draw_keyboard(panel, pitches)
        _draw_bars(panel, [bar for bar in bars if bar.start < end and bar.end > start])
        panel.set_xlim(start, end)
        panel.set_ylim(pitches[0] - 0.5, pitches[1] + 0.5)
    panels[-1].set_xlabel("time [s]")
    figure.suptitle(title.replace("$", r"\$"), fontsize=12)
    handles = [
        Line2D(
            [],
            [],
            color=ASKED,
            marker="s",
            markerfacecolor="none",
            linestyle="",
            markersize=9,
            label="asked",
        ),
        Patch(color=HIT_RIGHT, label="hit, right hand"),
        Patch(color=HIT_LEFT, label="hit, left hand"),
        Patch(color=HIT_NOBODY, label="hit, hand unknown"),
        Patch(color=MISSED, label="missed"),
        Patch(color=EXTRA, label="extra"),
    ]
    present = {bar.colour for bar in bars}
    shown = [h for h in handles if h.get_label() != "hit, hand unknown" or HIT_NOBODY in present]
    figure.legend(handles=shown, loc="outside lower center", ncols=len(shown), frameon=False)
    return figure


def _draw_keyboard(panel: Axes, pitches: tuple[int, int]) -> None:
    """Lanes of black keys shaded, names of the Cs (of all white keys where there is room for
    them)."""
    low, high = pitches
    for pitch in range(low, high + 1):
        if is_black(pitch):
            panel.axhspan(pitch - 0.5, pitch + 0.5, color="#EDEDED", linewidth=0, zorder=0)
        if pitch % 12 in (0, 5):
            panel.axhline(pitch - 0.5, color="#C8C8C8", linewidth=0.6, zorder=0)
    white = [pitch for pitch in range(low, high + 1) if not is_black(pitch)]
    named = (
        white
        if len(white) <= 16
        else [p for p in white if p % 12 in ((0, 4, 7) if len(white) <= 30 else (0,))]
    )
    panel.set_yticks(named, [pitch_name(pitch) for pitch in named], fontsize=7)
    panel.tick_params(axis="y", length=0)
    panel.grid(axis="x", color="#DDDDDD", linewidth=0.5)
    panel.set_axisbelow(True)


def _draw_bars(panel: Axes, bars: list[_Bar]) -> None:
    """All bars of one shape at once: thousands of notes take a moment."""
    from matplotlib.collections import PolyCollection

    half = {"asked": 0.46, "missed": 0.46, "played": 0.27}
    for order, shape in enumerate(("missed", "asked", "played")):
        chosen = [bar for bar in bars if bar.shape == shape]
        corners = [
            [(b.start, b.pitch + side) for side in (-half[shape], half[shape])]
            + [(b.end, b.pitch + side) for side in (half[shape], -half[shape])]
            for b in chosen
        ]
        colours = [bar.colour for bar in chosen]
        filled = "none" if shape == "asked" else colours
        edges = PolyCollection(
            corners, facecolors=filled, edgecolors=colours, linewidths=0.8, zorder=2 + order
        )
        panel.add_collection(edges, autolim=False)


def _average_columns(recording: Recording) -> tuple[np.ndarray, np.ndarray]:
    """Edges of the time axis [s] and activations, shape (num_muscles, num_columns), a block in
    memory at a time."""
    time = recording["time"]
    act = recording["act"]
    count = max(1, math.ceil(len(act) / MAX_COLUMNS))
    blocks = range(0, max(len(act), 1), count)
    columns = [act[first : first + count] for first in blocks]
    image = np.array(
        [block.mean(axis=0) if len(block) else np.zeros(act.shape[1:]) for block in columns]
    ).T
    ends = (float(time[0]), float(time[-1])) if len(act) > 1 else (0.0, 1.0)
    return np.array(ends), image


def _group_starts(names: Sequence[tuple[str, str, str]]) -> list[int]:
    """Rows in which a new group begins."""
    return [row for row, name in enumerate(names) if row == 0 or name[2] != names[row - 1][2]]


def _label_muscles(left: Axes, right: Axes, names: Sequence[tuple[str, str, str]]) -> None:
    """Muscles' names on the left of the first panel, their groups' on the right of the last."""
    left.set_yticks(
        range(len(names)), [f"{full}  {short}" for short, full, _ in names], fontsize=6.5
    )
    left.tick_params(axis="y", length=0)
    starts = [*_group_starts(names), len(names)]
    for first, end in itertools.pairwise(starts):
        middle = 0.5 * (first + end) - 0.5
        right.annotate(
            names[first][2],
            (1.0, middle),
            xycoords=("axes fraction", "data"),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
        )
