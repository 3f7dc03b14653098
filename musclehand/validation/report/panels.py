"""Figures of findings: `Panel` data drawn with Matplotlib, as self-contained SVG.

Series with labels such as "FDP2" and "FDP2, published" belong together: they have one colour. The
word after the comma is a line style or marker, which the legend explains once.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from musclehand.core.html_page import svg_source
from musclehand.validation.check import Panel, Series

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#AA3377", "#555555")
"""Colours of series, safe for colour-blind readers (Okabe and Ito 2008; Tol 2021). Further series
repeat them with other line styles."""

LINES = ("-", "--", ":", "-.")
MARKERS = ("o", "s", "D", "^", "v", "P", "X", "*")
"""Line styles and markers of series."""

INK = "#333333"
FAINT = "#DDDDDD"
LIMIT = "#B3261E"
"""Colours of text, grid and threshold."""

WIDTH = 7.2
HEIGHT = 2.7
PER_ENTRY = 0.155
PER_LETTER = 0.055
"""Size of a figure; height of an entry of a long legend, and of a letter of an upright label
[inch]."""

MOST_IN_A_COLUMN = 24
"""Entries of a legend in one column."""

MOST_HORIZONTAL = 8
"""More labels than these on an axis are written upright."""


def draw_panel(panel: Panel) -> str:
    """The figure as an SVG picture in a `data:` address, ready for the `src` of an image."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    style = {
        "svg.fonttype": "none",
        "font.size": 8.0,
        "axes.titlesize": 9.0,
        "svg.hashsalt": "musclehand",
    }
    with mpl.rc_context(style):
        rows = min(len(_legend(panel)), MOST_IN_A_COLUMN)
        height = max(HEIGHT, PER_ENTRY * rows + 0.5) + PER_LETTER * _longest_tick(panel)
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        FigureCanvasSVG(figure)
        _draw(figure.add_subplot(), panel)
        sink = io.BytesIO()
        figure.savefig(sink, format="svg", metadata={"Date": None})
    return svg_source(sink.getvalue().decode("utf-8"))


def _draw(axes: Axes, panel: Panel) -> None:
    styles = _legend(panel)
    names = list(dict.fromkeys(_split(panel, series)[0] for series in panel.series))
    for number, series in enumerate(panel.series):
        name, qualifier = _split(panel, series)
        style = dict(styles[name])
        if qualifier:
            style["linestyle"] = styles[qualifier]["linestyle"]
        if panel.kind == "bars":
            _bars(axes, series, number, len(panel.series), COLOURS[number % len(COLOURS)])
        elif panel.kind == "line" and series.error is None and len(series.x) > 1:
            axes.plot(series.x, series.y, linewidth=1.3, **style)
        else:
            marker = MARKERS[0 if qualifier else names.index(name) % len(MARKERS)]
            axes.errorbar(
                series.x,
                series.y,
                yerr=series.error,
                fmt=marker,
                markersize=4.0,
                elinewidth=1.1,
                color=style["color"],
            )
    if panel.limit is not None:
        axes.axhline(panel.limit, color=LIMIT, linestyle="--", linewidth=1.0)
    axes.set_title(plain(panel.title), loc="left", color=INK)
    axes.set_xlabel(plain(panel.xlabel))
    axes.set_ylabel(plain(panel.ylabel))
    if panel.ticks:
        rotation = 90 if len(panel.ticks) > MOST_HORIZONTAL else 0
        labels = [plain(tick) for tick in panel.ticks]
        axes.set_xticks(np.arange(len(panel.ticks)), labels, rotation=rotation)
        axes.set_xlim(-0.7, len(panel.ticks) - 0.3)
    axes.grid(axis="y", color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    _add_legend(axes, panel, styles)


def _add_legend(axes: Axes, panel: Panel, styles: dict[str, dict[str, Any]]) -> None:
    """Adds a legend beside the axes, where it has two entries or more."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    entries = {label: style for label, style in styles.items() if label}
    if len(entries) < 2:
        return
    handles: list[Any] = []
    for number, (label, style) in enumerate(entries.items()):
        if panel.kind == "bars":
            handles.append(Patch(color=COLOURS[number % len(COLOURS)]))
            continue
        are_points = [
            len(series.x) == 1 or series.error is not None for series in _labelled(panel, label)
        ]
        as_points = panel.kind == "points" or all(are_points)
        is_name = any(series.label == label for series in panel.series)
        marker = MARKERS[number % len(MARKERS) if is_name else 0] if as_points else None
        line_style = "" if marker else style["linestyle"]
        line = Line2D([], [], markersize=4.0, marker=marker, **{**style, "linestyle": line_style})
        handles.append(line)
    axes.legend(
        handles,
        [plain(label) for label in entries],
        frameon=False,
        fontsize=7,
        ncols=1 + (len(entries) - 1) // MOST_IN_A_COLUMN,
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        borderaxespad=0.0,
    )


def _legend(panel: Panel) -> dict[str, dict[str, Any]]:
    """Colour and line style of each name, then line style of each qualifier, in order."""
    names = list(dict.fromkeys(_split(panel, series)[0] for series in panel.series))
    qualifiers = list(
        dict.fromkeys(
            _split(panel, series)[1] for series in panel.series if _split(panel, series)[1]
        )
    )
    styles = {
        name: {
            "color": COLOURS[i % len(COLOURS)],
            "linestyle": LINES[i // len(COLOURS) % len(LINES)],
        }
        for i, name in enumerate(names)
    }
    for i, qualifier in enumerate(qualifiers):
        styles.setdefault(qualifier, {"color": INK, "linestyle": LINES[1 + i % (len(LINES) - 1)]})
    return styles


def _split(panel: Panel, series: Series) -> tuple[str, str]:
    """Name and qualifier of a series: ("FDP2", "published") where there is a series "FDP2"."""
    name, _, qualifier = series.label.partition(", ")
    if any(candidate.label == name for candidate in panel.series):
        return name, qualifier
    return series.label, ""


def _labelled(panel: Panel, label: str) -> list[Series]:
    """The series of a label, or else those of which it is the name or qualifier."""
    exact = [series for series in panel.series if series.label == label]
    return exact or [series for series in panel.series if label in _split(panel, series)]


def _longest_tick(panel: Panel) -> int:
    """Letters of the longest label, if labels are upright; else 0."""
    return max(map(len, panel.ticks), default=0) if len(panel.ticks) > MOST_HORIZONTAL else 0


def _bars(axes: Axes, series: Series, number: int, count: int, colour: str) -> None:
    width = 0.8 / count
    x = np.asarray(series.x, dtype=float) + (number - (count - 1) / 2) * width
    axes.bar(x, series.y, width, yerr=series.error, color=colour)


def plain(text: str) -> str:
    """Text with dollar signs escaped, which Matplotlib takes for formulas."""
    return text.replace("$", r"\$")
