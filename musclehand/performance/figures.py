"""Figures of a performance: a piano roll of played and reference notes, and muscle activations.

Figures are drawn and saved without matplotlib's global state (no pyplot), so they can be drawn in
any thread. Colours are safe for colour-blind readers (Okabe and Ito 2008; Tol 2021); missed, extra
and played notes also differ in shape.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from musclehand.core.recording import Recording
from musclehand.music.metrics import WIDE_TOLERANCE, PerformanceMetrics, match_notes
from musclehand.music.pitch import HIGHEST_PITCH, LOWEST_PITCH, is_black, pitch_name
from musclehand.music.score import Hand, Note, Score

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HIT_RIGHT = "#0072B2"
"""Colour of notes that the right hand played."""

HIT_LEFT = "#56B4E9"
"""Colour of notes that the left hand played."""

HIT_UNKNOWN = "#009E73"
"""Colour of played notes whose hand is unknown."""

MISSED = "#E69F00"
"""Colour of missed notes."""

EXTRA = "#AA3377"
"""Colour of extra notes."""

REFERENCE = "#8C8C8C"
"""Colour of the frames of reference notes."""

ROW_SECONDS = 20.0
"""[s] Most music in a row of the piano roll."""

ROWS_PER_PAGE = 6
"""Rows of a page of the piano roll."""

MAX_COLUMNS = 1600
"""Most columns of the muscle raster; a longer recording is averaged to fit."""


class _Bar(NamedTuple):
    """A note to be drawn."""

    start: float
    """[s] Onset."""

    end: float
    """[s] Offset."""

    pitch: int
    """MIDI pitch."""

    colour: str
    """Colour in hexadecimal."""

    shape: str
    """"reference", "missed" or "played"."""


def draw_piano_roll(score: Score, played: Score, metrics: PerformanceMetrics) -> list[Figure]:
    """Draw a piano roll of played notes over reference notes.

    A grey frame is a reference note, and the bar within it the played note: dark blue for the right
    hand, light blue for the left, green for an unknown hand. A filled orange frame is a missed
    note, a purple bar without frame an extra note.

    Args:
        score: the reference notes.
        played: the notes that sounded.
        metrics: metrics of the two scores, for the title.

    Returns:
        A page for every two minutes.
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
    """Draw a raster of the activation of every muscle over time, the left hand on the left.

    Args:
        recording: a recording with the channel `act`, whose entries are named `<muscle>_l` and
            `<muscle>_r`.
        names: short name, full name and group of each muscle, in the order of the rows.
        title: title of the figure.

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
        raster = panel.imshow(
            rows, aspect="auto", interpolation="nearest", cmap="inferno", norm=norm, extent=edges
        )
        panel.set_title(word, fontsize=10)
        panel.set_xlabel("time [s]")
        for row in _group_starts(names)[1:]:
            panel.axhline(row - 0.5, color="white", linewidth=0.8)
    _label_muscles(panels[0], panels[-1], names)
    bar = figure.colorbar(raster, ax=list(panels), pad=0.02, fraction=0.025, aspect=40)
    bar.set_label("activation (square-root scale)")
    figure.suptitle(title or "Muscle activation", fontsize=12)
    return figure


def _new_figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure as MatplotlibFigure

    return MatplotlibFigure(figsize=(width, height), layout="constrained")


def _bars(score: Score, played: Score) -> list[_Bar]:
    """Bars of all reference notes and of all played notes."""
    matches = match_notes(score, played, tolerance=WIDE_TOLERANCE)
    hits = {match.reference for match in matches}
    bars = []
    for index, note in enumerate(score.notes):
        colour, shape = (REFERENCE, "reference") if index in hits else (MISSED, "missed")
        bars.append(_Bar(note.onset, note.offset, note.pitch, colour, shape))
    references = {match.played: score.notes[match.reference] for match in matches}
    for index, note in enumerate(played.notes):
        colour = _hand_colour(references[index]) if index in references else EXTRA
        bars.append(_Bar(note.onset, note.offset, note.pitch, colour, "played"))
    return bars


def _hand_colour(note: Note) -> str:
    return {Hand.RIGHT: HIT_RIGHT, Hand.LEFT: HIT_LEFT, None: HIT_UNKNOWN}[note.hand]


def _roll_title(score: Score, metrics: PerformanceMetrics, page: int, pages: int) -> str:
    def format_figure(value: float | None) -> str:
        return "-" if value is None else f"{value:.3f}"

    hits = f"{metrics.num_reference - metrics.missed} of {metrics.num_reference} notes hit"
    counts = f"{hits}, {metrics.missed} missed, {metrics.extra} extra"
    onset_50 = format_figure(metrics.onset_f1_50ms)
    onset_100 = format_figure(metrics.onset_f1_100ms)
    frame = format_figure(metrics.frame_f1_micro)
    figures = f"onset F1 {onset_50} (50 ms) {onset_100} (100 ms), frame F1 {frame}"
    title = " ".join(score.title.split())[:80] or "Untitled"
    page_label = f", page {page} of {pages}" if pages > 1 else ""
    return f"{title}{page_label}\n{counts}; {figures}"


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
            color=REFERENCE,
            marker="s",
            markerfacecolor="none",
            linestyle="",
            markersize=9,
            label="reference",
        ),
        Patch(color=HIT_RIGHT, label="hit, right hand"),
        Patch(color=HIT_LEFT, label="hit, left hand"),
        Patch(color=HIT_UNKNOWN, label="hit, hand unknown"),
        Patch(color=MISSED, label="missed"),
        Patch(color=EXTRA, label="extra"),
    ]
    if all(bar.colour != HIT_UNKNOWN for bar in bars):
        handles = [handle for handle in handles if handle.get_label() != "hit, hand unknown"]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
    return figure


def _draw_keyboard(panel: Axes, pitches: tuple[int, int]) -> None:
    """Shade the lanes of black keys, and name as many white keys as there is room for."""
    low, high = pitches
    for pitch in range(low, high + 1):
        if is_black(pitch):
            panel.axhspan(pitch - 0.5, pitch + 0.5, color="#EDEDED", linewidth=0, zorder=0)
        if pitch % 12 in (0, 5):
            panel.axhline(pitch - 0.5, color="#C8C8C8", linewidth=0.6, zorder=0)
    white = [pitch for pitch in range(low, high + 1) if not is_black(pitch)]
    if len(white) <= 16:
        labelled = white
    else:
        classes = (0, 4, 7) if len(white) <= 30 else (0,)  # C, E and G, or C alone
        labelled = [pitch for pitch in white if pitch % 12 in classes]
    panel.set_yticks(labelled, [pitch_name(pitch) for pitch in labelled], fontsize=7)
    panel.tick_params(axis="y", length=0)
    panel.grid(axis="x", color="#DDDDDD", linewidth=0.5)
    panel.set_axisbelow(True)


def _draw_bars(panel: Axes, bars: list[_Bar]) -> None:
    """Draw all bars of a shape in a single collection, which is fast for thousands of notes."""
    from matplotlib.collections import PolyCollection

    half_heights = {"missed": 0.46, "reference": 0.46, "played": 0.27}
    for order, (shape, half) in enumerate(half_heights.items()):
        chosen = [bar for bar in bars if bar.shape == shape]
        corners = [
            [
                (bar.start, bar.pitch - half),
                (bar.start, bar.pitch + half),
                (bar.end, bar.pitch + half),
                (bar.end, bar.pitch - half),
            ]
            for bar in chosen
        ]
        colours = [bar.colour for bar in chosen]
        collection = PolyCollection(
            corners,
            facecolors="none" if shape == "reference" else colours,
            edgecolors=colours,
            linewidths=0.8,
            zorder=2 + order,
        )
        panel.add_collection(collection, autolim=False)


def _average_columns(recording: Recording) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the time axis [s], and activations averaged to at most `MAX_COLUMNS` columns.

    Shape (num_muscles, num_columns). A block of the recording is in memory at a time.
    """
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
    """Rows at which a new group begins."""
    return [row for row, name in enumerate(names) if row == 0 or name[2] != names[row - 1][2]]


def _label_muscles(left: Axes, right: Axes, names: Sequence[tuple[str, str, str]]) -> None:
    """Write muscles left of the first panel, and their groups right of the last."""
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
