"""Figures of findings: `Panel` data drawn with matplotlib, as SVG that stands by itself inside a page."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import numpy as np

from musclehand.validate.check import Panel, Series

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#AA3377", "#555555")
"""Told apart by everybody (Okabe and Ito 2008; Tol 2021)."""

MARKERS = ("o", "s", "D", "^", "v", "P", "X", "*")

INK, FAINT, LIMIT = "#333333", "#DDDDDD", "#B3261E"

WIDTH, HEIGHT = 7.2, 2.7
"""Size of a figure [inch]."""

MOST_TURNED = 8
"""More labels than these below an axis are written upright."""


def draw_panel(panel: Panel) -> str:
    """The figure as an SVG picture in a `data:` address, ready for the `src` of an image."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    style = {"svg.fonttype": "path", "font.size": 8.0, "axes.titlesize": 9.0, "svg.hashsalt": "musclehand"}
    with mpl.rc_context(style):
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        _draw(axes, panel)
        sink = io.BytesIO()
        figure.savefig(sink, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(sink.getvalue()).decode("ascii")


def _draw(axes: Axes, panel: Panel) -> None:
    for number, series in enumerate(panel.series):
        colour = COLOURS[number % len(COLOURS)]
        if panel.kind == "bars":
            _bars(axes, series, number, len(panel.series), colour)
        elif panel.kind == "line" and series.error is None:
            style = "-" if number < len(COLOURS) else "--"
            axes.plot(series.x, series.y, style, color=colour, linewidth=1.3, label=plain(series.label))
        else:
            marker = MARKERS[number % len(MARKERS)]
            axes.errorbar(
                series.x,
                series.y,
                yerr=series.error,
                fmt=marker,
                markersize=3.5,
                color=colour,
                elinewidth=1.2,
                label=plain(series.label),
            )
    if panel.limit is not None:
        axes.axhline(panel.limit, color=LIMIT, linestyle="--", linewidth=1.0)
    axes.set_title(plain(panel.title), loc="left", color=INK)
    axes.set_xlabel(plain(panel.xlabel))
    axes.set_ylabel(plain(panel.ylabel))
    if panel.ticks:
        turned = 90 if len(panel.ticks) > MOST_TURNED else 0
        axes.set_xticks(np.arange(len(panel.ticks)), [plain(tick) for tick in panel.ticks], rotation=turned)
        axes.set_xlim(-0.7, len(panel.ticks) - 0.3)
    axes.grid(axis="y", color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    if sum(bool(series.label) for series in panel.series) > 1:
        axes.legend(frameon=False, fontsize=7, ncols=1, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _bars(axes: Axes, series: Series, number: int, count: int, colour: str) -> None:
    width = 0.8 / count
    x = np.asarray(series.x, dtype=float) + (number - (count - 1) / 2) * width
    axes.bar(x, series.y, width, yerr=series.error, color=colour, label=plain(series.label))


def plain(text: str) -> str:
    """Text for matplotlib, which would read formulas between two dollar signs."""
    return text.replace("$", r"\$")
