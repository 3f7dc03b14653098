"""Figures of findings: `Panel` data drawn with matplotlib, as SVG that stands by itself inside a
page.

Series with labels such as "FDP2" and "FDP2, published" belong together: they have one colour, and
what stands after the comma is a way of drawing that the legend explains once.
"""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import numpy as np

from musclehand.validate.check import Panel, Series

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#AA3377", "#555555")
"""Told apart by everybody (Okabe and Ito 2008; Tol 2021); more series get the same colours with
other lines."""

LINES = ("-", "--", ":", "-.")
MARKERS = ("o", "s", "D", "^", "v", "P", "X", "*")

INK = "#333333"
FAINT = "#DDDDDD"
LIMIT = "#B3261E"

WIDTH = 7.2
HEIGHT = 2.7
PER_ENTRY = 0.155
"""Size of a figure, and what an entry of the legend adds to its height where there are many
[inch]."""

MOST_IN_A_COLUMN = 24
"""Entries of a legend in one column."""

MOST_TURNED = 8
"""More labels than these below an axis are written upright."""


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
        height = max(HEIGHT, PER_ENTRY * rows + 0.5) + 0.055 * _longest_tick(panel)
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        FigureCanvasSVG(figure)
        _draw(figure.add_subplot(), panel)
        sink = io.BytesIO()
        figure.savefig(sink, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(sink.getvalue()).decode("ascii")


def _draw(axes: Axes, panel: Panel) -> None:
    ways = _legend(panel)
    names = list(dict.fromkeys(_split(panel, series)[0] for series in panel.series))
    for number, series in enumerate(panel.series):
        name, qualifier = _split(panel, series)
        way = {**ways[name], **({"linestyle": ways[qualifier]["linestyle"]} if qualifier else {})}
        if panel.kind == "bars":
            _bars(axes, series, number, len(panel.series), COLOURS[number % len(COLOURS)])
        elif panel.kind == "line" and series.error is None and len(series.x) > 1:
            axes.plot(series.x, series.y, linewidth=1.3, **way)
        else:
            marker = MARKERS[0 if qualifier else names.index(name) % len(MARKERS)]
            axes.errorbar(
                series.x,
                series.y,
                yerr=series.error,
                fmt=marker,
                markersize=4.0,
                elinewidth=1.1,
                color=way["color"],
            )
    if panel.limit is not None:
        axes.axhline(panel.limit, color=LIMIT, linestyle="--", linewidth=1.0)
    axes.set_title(plain(panel.title), loc="left", color=INK)
    axes.set_xlabel(plain(panel.xlabel))
    axes.set_ylabel(plain(panel.ylabel))
    if panel.ticks:
        turned = 90 if len(panel.ticks) > MOST_TURNED else 0
        axes.set_xticks(
            np.arange(len(panel.ticks)), [plain(tick) for tick in panel.ticks], rotation=turned
        )
        axes.set_xlim(-0.7, len(panel.ticks) - 0.3)
    axes.grid(axis="y", color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    _explain(axes, panel, ways)


def _explain(axes: Axes, panel: Panel, ways: dict[str, dict[str, Any]]) -> None:
    """The legend, at the side, where there is more than one thing to tell apart."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    entries = {label: way for label, way in ways.items() if label}
    if len(entries) < 2:
        return
    shapes: list[Any] = []
    for number, (label, way) in enumerate(entries.items()):
        if panel.kind == "bars":
            shapes.append(Patch(color=COLOURS[number % len(COLOURS)]))
            continue
        are_points = [
            len(series.x) == 1 or series.error is not None for series in _called(panel, label)
        ]
        as_points = panel.kind == "points" or all(are_points)
        own = any(series.label == label for series in panel.series)
        marker = MARKERS[number % len(MARKERS) if own else 0] if as_points else None
        shapes.append(
            Line2D(
                [],
                [],
                markersize=4.0,
                marker=marker,
                **{**way, "linestyle": "" if marker else way["linestyle"]},
            )
        )
    axes.legend(
        shapes,
        [plain(label) for label in entries],
        frameon=False,
        fontsize=7,
        ncols=1 + (len(entries) - 1) // MOST_IN_A_COLUMN,
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        borderaxespad=0.0,
    )


def _legend(panel: Panel) -> dict[str, dict[str, Any]]:
    """Colour and line of each name, then line of each qualifier, in order of appearance."""
    names = list(dict.fromkeys(_split(panel, series)[0] for series in panel.series))
    qualifiers = list(
        dict.fromkeys(
            _split(panel, series)[1] for series in panel.series if _split(panel, series)[1]
        )
    )
    ways = {
        name: {
            "color": COLOURS[i % len(COLOURS)],
            "linestyle": LINES[i // len(COLOURS) % len(LINES)],
        }
        for i, name in enumerate(names)
    }
    for i, qualifier in enumerate(qualifiers):
        ways.setdefault(qualifier, {"color": INK, "linestyle": LINES[1 + i % (len(LINES) - 1)]})
    return ways


def _split(panel: Panel, series: Series) -> tuple[str, str]:
    """What a series is of, and which kind of it: ("FDP2", "published") where there is a series
    "FDP2" as well."""
    name, _, qualifier = series.label.partition(", ")
    return (
        (name, qualifier)
        if any(other.label == name for other in panel.series)
        else (series.label, "")
    )


def _called(panel: Panel, label: str) -> list[Series]:
    """The series of a name, first of all those without qualifier, or those of a qualifier."""
    own = [series for series in panel.series if series.label == label]
    return own or [series for series in panel.series if label in _split(panel, series)]


def _longest_tick(panel: Panel) -> int:
    """Letters below the axis that need room because they stand upright."""
    return max(map(len, panel.ticks), default=0) if len(panel.ticks) > MOST_TURNED else 0


def _bars(axes: Axes, series: Series, number: int, count: int, colour: str) -> None:
    width = 0.8 / count
    x = np.asarray(series.x, dtype=float) + (number - (count - 1) / 2) * width
    axes.bar(x, series.y, width, yerr=series.error, color=colour)


def plain(text: str) -> str:
    """Text for matplotlib, which would read formulas between two dollar signs."""
    return text.replace("$", r"\$")
