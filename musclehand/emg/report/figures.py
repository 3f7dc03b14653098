"""The pictures of a comparison, each with the numbers that it shows.

Made without matplotlib's global state. Blue is simulated, black recorded; colours are told apart by
everybody (Okabe and Ito 2008), and what matters differs in shape as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from musclehand.emg.comparison.identify import FEW
from musclehand.emg.comparison.result import LEVEL, Comparison
from musclehand.emg.recording import Event

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIMULATED = "#0072B2"
RECORDED = "#1d2125"
NULL = "#B9C0C7"
MARK = "#D55E00"

SHOWN_SECONDS = 20.0
"""Of the curves, from the start."""

_POINTS = 700
_POINTS_IN_ALL = 5000
"""More make the page too large to send."""

_WIDTH = 8.0


class Picture(NamedTuple):
    """A figure and what it shows: `name` of its files, `title`, `caption`, and the table behind
    it."""

    name: str
    title: str
    caption: str
    figure: Figure
    heads: list[str]
    rows: list[list[str | float]]


def draw_comparison(comparison: Comparison, events: Sequence[Event] = ()) -> list[Picture]:
    """All pictures that there are data for."""
    pictures = [
        draw_curves(comparison),
        draw_lags(comparison),
        draw_raster(comparison, events),
        draw_matrix(comparison),
        draw_shift(comparison),
    ]
    if events:
        pictures.insert(1, draw_events(comparison, events))
    if comparison.movements is not None:
        pictures.append(draw_movements(comparison))
    if comparison.synergies is not None:
        pictures.append(draw_synergies(comparison))
    return pictures


def draw_curves(comparison: Comparison) -> Picture:
    """Envelope against activation, a row a muscle."""
    curves = comparison.curves
    shown = slice(0, round(SHOWN_SECONDS * curves.fs_hz))
    points = min(_POINTS, _POINTS_IN_ALL // len(curves.names) + 1)
    every = math.ceil(len(curves.time[shown]) / points)
    time = curves.time[shown][::every]
    figure, panels = _rows(len(curves.names), 0.75)
    for k, (panel, name) in enumerate(zip(panels, curves.names, strict=True)):
        e = curves.recorded[shown, k][::every]
        a = curves.simulated[shown, k][::every]
        panel.fill_between(
            time, 0, e, facecolor=NULL, edgecolor=RECORDED, linewidth=0.5, label="recorded"
        )
        panel.plot(time, a, color=SIMULATED, linewidth=1.2, label="simulated")
        _name_row(panel, f"{name}\nr = {comparison.muscles[k].scores['r']:.2f}")
    panels[-1].set_xlabel("time [s]")
    panels[0].legend(loc="upper right", ncols=2, fontsize=8, frameon=False, bbox_to_anchor=(1, 1.5))
    caption = f"Envelopes and simulated activity through the same low-pass; the first {time[-1] - time[0]:.0f} s."
    heads = [
        "time_s",
        *(f"{name}_{side}" for name in curves.names for side in ("recorded", "simulated")),
    ]
    both = np.stack([curves.recorded, curves.simulated], axis=2).reshape(len(curves.time), -1)
    rows = np.column_stack([curves.time, both]).tolist()
    return Picture("curves", "Activity over time", caption, figure, heads, rows)


def draw_events(comparison: Comparison, events: Sequence[Event]) -> Picture:
    """Mean and standard deviation round events, recorded as a band, simulated as a line."""
    curves, (before, after) = comparison.curves, comparison.config.window
    first = round(before * curves.fs_hz)
    last = round(after * curves.fs_hz)
    begins = np.array([round((event.onset - curves.time[0]) * curves.fs_hz) for event in events])
    begins = begins[(begins + first >= 0) & (begins + last <= len(curves.time))]
    rows = begins[:, None] + np.arange(first, last)
    time = np.arange(first, last) / curves.fs_hz
    columns = min(4, len(curves.names))
    figure = _figure(_WIDTH, 1.0 + 1.7 * math.ceil(len(curves.names) / columns))
    panels = figure.subplots(
        math.ceil(len(curves.names) / columns), columns, squeeze=False, sharex=True
    ).ravel()
    table = [time]
    for panel, k in zip(panels, range(len(curves.names)), strict=False):
        for values, colour in ((curves.recorded, RECORDED), (curves.simulated, SIMULATED)):
            pieces = values[rows, k] if len(rows) else np.full((1, last - first), np.nan)
            mean = pieces.mean(axis=0)
            spread = pieces.std(axis=0)
            shade = NULL if colour == RECORDED else colour
            panel.fill_between(
                time, mean - spread, mean + spread, color=shade, alpha=0.5 if shade == NULL else 0.2
            )
            panel.plot(time, mean, color=colour, linewidth=1.5)
            table += [mean, spread]
        panel.axvline(0, color=MARK, linewidth=0.8, linestyle="--")
        _mark_differences(panel, comparison, k)
        panel.set_title(curves.names[k], fontsize=9)
    for panel in panels[len(curves.names) :]:
        panel.set_visible(False)
    figure.supxlabel("time from the event [s]", fontsize=9)
    heads = ["time_s"]
    parts = [f"{side}_{part}" for side in ("recorded", "simulated") for part in ("mean", "sd")]
    heads += [f"{name}_{part}" for name in curves.names for part in parts]
    caption = f"Mean and standard deviation round {len(rows)} events: recorded grey and black, simulated blue."
    if comparison.differences is not None:
        caption += (
            " Orange bars: where the two differ (p below 0.05 for the whole curve and all muscles)."
        )
    return Picture(
        "events",
        "Round notes and movements",
        caption,
        figure,
        heads,
        np.stack(table, axis=1).tolist(),
    )


def _mark_differences(panel, comparison: Comparison, k: int) -> None:  # type: ignore[no-untyped-def]
    """Bars at the bottom where curves differ."""
    found = comparison.differences
    if found is None or not found.p[k] < LEVEL:
        return
    for each in found.tests[k].clusters:
        if each.p < LEVEL:
            ends = found.time[[each.first, each.last - 1]]
            panel.plot(
                ends, [0.02, 0.02], color=MARK, linewidth=4, transform=panel.get_xaxis_transform()
            )


def draw_lags(comparison: Comparison) -> Picture:
    """Correlation against lag, with what is searched and the null of surrogates."""
    lags = comparison.lags
    figure, panels = _rows(len(comparison.muscles), 0.75)
    for k, (panel, each) in enumerate(zip(panels, comparison.muscles, strict=True)):
        null = each.nulls["surrogate"]["r"]
        panel.axvspan(
            *(1e3 * edge for edge in comparison.config.searched), color="#eef2f6", linewidth=0
        )
        panel.axhspan(null.low, null.high, color=NULL, alpha=0.6, linewidth=0)
        panel.plot(1e3 * lags.lags, lags.r[:, k], color=SIMULATED, linewidth=1.4)
        panel.plot(
            [1e3 * each.lag],
            [each.scores["r_best"]],
            "x" if each.at_edge else "o",
            color=MARK,
            markersize=5,
        )
        panel.set_ylim(min(-0.3, float(np.nanmin(lags.r, initial=0))), 1.05)
        _name_row(panel, f"{each.name}\n{1e3 * each.lag:.0f} ms{' (edge)' if each.at_edge else ''}")
    panels[-1].set_xlabel("lag by which the recording leads [ms]")
    caption = (
        "Correlation against lag. Light: lags searched; grey band: 5th to 95th percentile of surrogates; "
        "a circle is the best lag, a cross one on the edge, which is no delay."
    )
    heads = ["lag_s", *(each.name for each in comparison.muscles)]
    return Picture(
        "lags", "Lag", caption, figure, heads, np.column_stack([lags.lags, lags.r]).tolist()
    )


def draw_raster(comparison: Comparison, events: Sequence[Event]) -> Picture:
    """When muscles are on, both sides, against notes or movements."""
    curves = comparison.curves
    end = curves.time[0] + SHOWN_SECONDS
    figure = _figure(_WIDTH, 1.2 + 0.42 * len(curves.names))
    panel = figure.subplots()
    rows: list[list[str | float]] = []
    for k, name in enumerate(curves.names):
        for on, colour, place in (
            (curves.recorded_on, RECORDED, 0.02),
            (curves.simulated_on, SIMULATED, 0.42),
        ):
            bars = _spans(on[:, k], curves.time, curves.fs_hz)
            panel.broken_barh(
                [bar for bar in bars if bar[0] < end], (k + place, 0.36), color=colour, linewidth=0
            )
            side = "recorded" if colour == RECORDED else "simulated"
            rows += [[name, side, start, start + length] for start, length in bars]
    for event in events:
        if curves.time[0] <= event.onset < end:
            panel.axvline(event.onset, color=MARK, linewidth=0.7, alpha=0.7)
    panel.set_yticks(np.arange(len(curves.names)) + 0.4, curves.names)
    panel.set_ylim(len(curves.names), -0.2)
    panel.set_xlim(curves.time[0], min(end, curves.time[-1]))
    panel.set_xlabel("time [s]")
    caption = (
        "On and off: black recorded, blue simulated, orange lines where notes or movements begin."
    )
    return Picture(
        "raster", "On and off", caption, figure, ["muscle", "side", "on_s", "off_s"], rows
    )


def draw_matrix(comparison: Comparison) -> Picture:
    """What every simulated muscle alone has to do with every recorded channel."""
    curves = comparison.curves
    columns = (*curves.names, *curves.control_names)
    found = comparison.channels
    shares = len(curves.names) > FEW
    over = ", over that of the best mixture of all of them" if shares else ""
    caption = (
        f"Correlation at the best lag of every simulated muscle with every recorded channel{over}. The true one, "
        "framed, is "
        f"first for {100 * found.first:.0f} % (95 % interval {100 * found.low:.0f} to {100 * found.high:.0f} %); "
        f"chance {100 * found.chance:.0f} %."
    )
    figure = _heat(comparison.shares, curves.names, columns, "recorded channel", "simulated muscle")
    figure.axes[-1].set_ylabel("share of r" if shares else "r")
    return Picture(
        "channels",
        "Which channel is it?",
        caption,
        figure,
        *_square(curves.names, columns, comparison.shares),
    )


def draw_movements(comparison: Comparison) -> Picture:
    """Correlation of every recorded with every simulated movement."""
    movements = comparison.movements
    assert movements is not None
    labels = movements.labels
    found = movements.found
    caption = (
        f"Correlation over channels and time of recorded with simulated movements. The true one is first for "
        f"{100 * found.first:.0f} % (95 % interval {100 * found.low:.0f} to {100 * found.high:.0f} %); "
        f"chance {100 * found.chance:.0f} %, p = {found.p:.3g}."
    )
    figure = _heat(movements.matrix, labels, labels, "simulated movement", "recorded movement")
    return Picture(
        "movements",
        "Which movement is it?",
        caption,
        figure,
        *_square(labels, labels, movements.matrix),
    )


def draw_shift(comparison: Comparison) -> Picture:
    """Mean correlation after moving the recording: it must be highest near 0."""
    every = max(len(comparison.shift) // (2 * _POINTS), 1)
    figure = _figure(_WIDTH, 2.4)
    panel = figure.subplots()
    panel.plot(
        comparison.shift[::every], comparison.shift_r[::every], color=SIMULATED, linewidth=0.9
    )
    panel.axvline(0, color=MARK, linewidth=0.8, linestyle="--")
    panel.set_xlabel("recording moved by [s]")
    panel.set_ylabel("mean r")
    peak = float(comparison.shift[int(np.nanargmax(comparison.shift_r))])
    caption = (
        f"Mean correlation after moving the whole recording in a circle; highest at {peak:.2f} s."
    )
    rows = np.stack([comparison.shift, comparison.shift_r], axis=1).tolist()
    return Picture("shift", "Is the timing right?", caption, figure, ["shift_s", "mean_r"], rows)


def draw_synergies(comparison: Comparison) -> Picture:
    """Variance accounted for, and the patterns that belong together."""
    both = comparison.synergies
    assert both is not None
    names = comparison.curves.names
    match = both.match
    figure = _figure(_WIDTH, 2.6 + 1.1 * both.number)
    panels = figure.subplots(both.number + 1, 1, height_ratios=[2.0, *[1.0] * both.number])
    for curve, colour in ((both.recorded, RECORDED), (both.simulated, SIMULATED)):
        panels[0].plot(curve.counts, curve.vaf, "o-", color=colour, linewidth=1.4, markersize=4)
        panels[0].plot(
            curve.counts,
            curve.null.mean(axis=0),
            "s--",
            color=colour,
            linewidth=0.8,
            markersize=3,
            alpha=0.6,
        )
    panels[0].set_xticks(both.recorded.counts)
    panels[0].set_ylabel("VAF")
    panels[0].set_xlabel("synergies (dashed: muscles moved against each other in time)", fontsize=8)
    places = np.arange(len(names))
    rows: list[list[str | float]] = []
    for index, panel in enumerate(panels[1:]):
        other = both.recorded_weights[match.pairs[index]]
        panel.bar(places - 0.2, other, 0.38, color=RECORDED)
        panel.bar(places + 0.2, both.simulated_weights[index], 0.38, color=SIMULATED)
        panel.set_xticks(
            places, names if index == both.number - 1 else [""] * len(names), fontsize=8
        )
        panel.set_ylabel(f"{match.cosines[index]:.2f}", rotation=0, labelpad=16)
        for k, name in enumerate(names):
            rows.append(
                [float(index + 1), name, float(other[k]), float(both.simulated_weights[index, k])]
            )
    caption = (
        f"Synergies, recorded black, simulated blue, with the cosine of each pair: mean {match.cosine:.2f}; exchanged "
        f"muscles give {match.null_cosines.mean():.2f} (95th percentile {np.percentile(match.null_cosines, 95):.2f}), "
        f"p = {match.p_cosine:.3g}. Largest angle between the spaces {np.degrees(match.angle):.0f} degrees, "
        f"p = {match.p_angle:.3g}."
    )
    return Picture(
        "synergies",
        "Synergies",
        caption,
        figure,
        ["synergy", "muscle", "recorded", "simulated"],
        rows,
    )


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure as MatplotlibFigure

    return MatplotlibFigure(figsize=(width, height), layout="constrained")


def _rows(count: int, height: float):  # type: ignore[no-untyped-def]
    """A figure with a panel a muscle, one above the other."""
    figure = _figure(_WIDTH, 0.9 + height * count)
    return figure, figure.subplots(count, 1, sharex=True, squeeze=False)[:, 0]


def _name_row(panel, text: str) -> None:  # type: ignore[no-untyped-def]
    panel.set_ylabel(text, rotation=0, ha="right", va="center", fontsize=8)
    panel.tick_params(labelsize=7)
    for edge in ("top", "right"):
        panel.spines[edge].set_visible(False)


def _heat(
    matrix: np.ndarray, rows: Sequence[str], columns: Sequence[str], below: str, beside: str
) -> Figure:
    figure = _figure(min(_WIDTH, 2.6 + 0.55 * len(columns)), 1.6 + 0.42 * len(rows))
    panel = figure.subplots()
    image = panel.imshow(matrix, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
    for i in range(len(rows)):
        panel.add_patch(_frame(i))
        for j in range(len(columns)):
            if math.isfinite(matrix[i, j]):
                ink = "white" if abs(matrix[i, j]) > 0.6 else RECORDED
                panel.text(
                    j, i, f"{matrix[i, j]:.2f}", ha="center", va="center", fontsize=7, color=ink
                )
    panel.set_xticks(range(len(columns)), columns, rotation=45, ha="right", fontsize=8)
    panel.set_yticks(range(len(rows)), rows, fontsize=8)
    panel.set_xlabel(below)
    panel.set_ylabel(beside)
    figure.colorbar(image, ax=panel, label="r", shrink=0.8)
    return figure


def _frame(index: int):  # type: ignore[no-untyped-def]
    from matplotlib.patches import Rectangle

    return Rectangle((index - 0.5, index - 0.5), 1, 1, fill=False, edgecolor=MARK, linewidth=1.8)


def _square(
    names: Sequence[str], columns: Sequence[str], matrix: np.ndarray
) -> tuple[list[str], list[list[str | float]]]:
    return ["", *columns], [
        [name, *map(float, row)] for name, row in zip(names, matrix, strict=True)
    ]


def _spans(on: np.ndarray, time: np.ndarray, fs_hz: float) -> list[tuple[float, float]]:
    """Begin and length of every run [s]."""
    edges = np.diff(np.concatenate([[0], on.astype(int), [0]]))
    starts = np.flatnonzero(edges > 0)
    ends = np.flatnonzero(edges < 0)
    return [(float(time[a]), float((b - a) / fs_hz)) for a, b in zip(starts, ends, strict=True)]
