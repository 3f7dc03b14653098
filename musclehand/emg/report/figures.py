"""Figures of a comparison, each with the numbers that it shows.

Drawn without matplotlib's global state. Blue is simulated, black recorded. The colours are distinct
for colour-blind readers (Okabe and Ito 2008), and the sides differ in shape as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from musclehand.emg.comparison.identify import MAX_WITHOUT_MIXTURE, Identification
from musclehand.emg.comparison.result import LEVEL, AlignedCurves, Comparison, SynergyComparison
from musclehand.emg.recording import Event

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIMULATED = "#0072B2"
RECORDED = "#1d2125"
NULL = "#B9C0C7"
MARK = "#D55E00"
"""Colours of the simulated and the recorded side, of nulls and of marks."""

SHOWN_SECONDS = 20.0
"""[s] of the curves that are drawn, from the start."""

_POINTS = 700
_MAX_POINTS = 5000  # of a figure; more make the page too large to send
_WIDTH = 8.0  # [inch]

Rows = list[list[str | float]]


class Picture(NamedTuple):
    """A figure and the table behind it."""

    name: str
    """Of its files."""

    title: str
    """Heading above it."""

    caption: str
    """Text below it."""

    figure: Figure
    """The drawing."""

    columns: list[str]
    """Names of the table's columns."""

    rows: Rows
    """Rows of the table."""


def draw_comparison(comparison: Comparison, events: Sequence[Event] = ()) -> list[Picture]:
    """All figures that the comparison has data for."""
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
    """Envelopes and activations over time, a row a muscle."""
    curves = comparison.curves
    shown = slice(0, round(SHOWN_SECONDS * curves.fs_hz))
    points = min(_POINTS, _MAX_POINTS // len(curves.names) + 1)
    stride = math.ceil(len(curves.time[shown]) / points)
    time = curves.time[shown][::stride]
    figure, panels = _panel_rows(len(curves.names), 0.75)
    for k, (panel, name) in enumerate(zip(panels, curves.names, strict=True)):
        e = curves.recorded[shown, k][::stride]
        a = curves.simulated[shown, k][::stride]
        panel.fill_between(
            time, 0, e, facecolor=NULL, edgecolor=RECORDED, linewidth=0.5, label="recorded"
        )
        panel.plot(time, a, color=SIMULATED, linewidth=1.2, label="simulated")
        _name_row(panel, f"{name}\nr = {comparison.muscles[k].scores['r']:.2f}")
    panels[-1].set_xlabel("time [s]")
    panels[0].legend(loc="upper right", ncols=2, fontsize=8, frameon=False, bbox_to_anchor=(1, 1.5))
    sides = np.stack([curves.recorded, curves.simulated], axis=2).reshape(len(curves.time), -1)
    return Picture(
        name="curves",
        title="Activity over time",
        caption="Envelopes and simulated activity through the same low-pass; the first "
        f"{time[-1] - time[0]:.0f} s.",
        figure=figure,
        columns=[
            "time_s",
            *(f"{name}_{side}" for name in curves.names for side in ("recorded", "simulated")),
        ],
        rows=np.column_stack([curves.time, sides]).tolist(),
    )


def draw_events(comparison: Comparison, events: Sequence[Event]) -> Picture:
    """Mean and standard deviation round events, recorded as a band, simulated as a line."""
    curves = comparison.curves
    first, last = (round(edge * curves.fs_hz) for edge in comparison.config.window)
    begins = np.array([round((event.onset - curves.time[0]) * curves.fs_hz) for event in events])
    begins = begins[(begins + first >= 0) & (begins + last <= len(curves.time))]
    rows = begins[:, None] + np.arange(first, last)
    time = np.arange(first, last) / curves.fs_hz
    columns = min(4, len(curves.names))
    lines = math.ceil(len(curves.names) / columns)
    figure = _figure(_WIDTH, 1.0 + 1.7 * lines)
    panels = figure.subplots(lines, columns, squeeze=False, sharex=True).ravel()
    table = [time]
    for panel, k in zip(panels, range(len(curves.names)), strict=False):
        for values, colour in ((curves.recorded, RECORDED), (curves.simulated, SIMULATED)):
            pieces = values[rows, k] if len(rows) else np.full((1, last - first), np.nan)
            table += _draw_mean(panel, time, pieces, colour)
        panel.axvline(0, color=MARK, linewidth=0.8, linestyle="--")
        _mark_differences(panel, comparison, k)
        panel.set_title(curves.names[k], fontsize=9)
    for panel in panels[len(curves.names) :]:
        panel.set_visible(False)
    figure.supxlabel("time from the event [s]", fontsize=9)
    parts = [f"{side}_{part}" for side in ("recorded", "simulated") for part in ("mean", "sd")]
    caption = (
        f"Mean and standard deviation round {len(rows)} events: recorded grey and black, simulated "
        "blue."
    )
    if comparison.differences is not None:
        caption += (
            " Orange bars: where the two differ (p below 0.05 for the whole curve and all muscles)."
        )
    return Picture(
        name="events",
        title="Round notes and movements",
        caption=caption,
        figure=figure,
        columns=["time_s", *(f"{name}_{part}" for name in curves.names for part in parts)],
        rows=np.stack(table, axis=1).tolist(),
    )


def _draw_mean(
    panel: Any, time: np.ndarray, pieces: np.ndarray, colour: str
) -> tuple[np.ndarray, np.ndarray]:
    """Draws mean and standard deviation of curves (n, T), and returns them."""
    mean = pieces.mean(axis=0)
    spread = pieces.std(axis=0)
    shade = NULL if colour == RECORDED else colour
    panel.fill_between(
        time, mean - spread, mean + spread, color=shade, alpha=0.5 if shade == NULL else 0.2
    )
    panel.plot(time, mean, color=colour, linewidth=1.5)
    return mean, spread


def _mark_differences(panel: Any, comparison: Comparison, k: int) -> None:
    """Bars at the bottom where curves differ."""
    differences = comparison.differences
    if differences is None or not differences.p[k] < LEVEL:
        return
    for cluster in differences.tests[k].clusters:
        if cluster.p < LEVEL:
            ends = differences.time[[cluster.first, cluster.last - 1]]
            panel.plot(
                ends, [0.02, 0.02], color=MARK, linewidth=4, transform=panel.get_xaxis_transform()
            )


def draw_lags(comparison: Comparison) -> Picture:
    """Correlation against lag, with the lags searched and the null of surrogates."""
    lags = comparison.lags
    figure, panels = _panel_rows(len(comparison.muscles), 0.75)
    for k, (panel, muscle) in enumerate(zip(panels, comparison.muscles, strict=True)):
        null = muscle.nulls["surrogate"]["r"]
        lag_ms = 1e3 * muscle.lag
        panel.axvspan(
            *(1e3 * edge for edge in comparison.config.lag_range), color="#eef2f6", linewidth=0
        )
        panel.axhspan(null.low, null.high, color=NULL, alpha=0.6, linewidth=0)
        panel.plot(1e3 * lags.lags, lags.r[:, k], color=SIMULATED, linewidth=1.4)
        marker = "x" if muscle.at_edge else "o"
        panel.plot([lag_ms], [muscle.scores["r_best"]], marker, color=MARK, markersize=5)
        panel.set_ylim(min(-0.3, float(np.nanmin(lags.r, initial=0))), 1.05)
        _name_row(panel, f"{muscle.name}\n{lag_ms:.0f} ms{' (edge)' if muscle.at_edge else ''}")
    panels[-1].set_xlabel("lag by which the recording leads [ms]")
    return Picture(
        name="lags",
        title="Lag",
        caption="Correlation against lag. Light: lags searched; grey band: 5th to 95th percentile "
        "of surrogates; a circle is the best lag, a cross one on the edge, which is no delay.",
        figure=figure,
        columns=["lag_s", *(muscle.name for muscle in comparison.muscles)],
        rows=np.column_stack([lags.lags, lags.r]).tolist(),
    )


def draw_raster(comparison: Comparison, events: Sequence[Event]) -> Picture:
    """Times at which muscles are on, for each side, against notes or movements."""
    curves = comparison.curves
    end = curves.time[0] + SHOWN_SECONDS
    figure = _figure(_WIDTH, 1.2 + 0.42 * len(curves.names))
    panel = figure.subplots()
    rows: Rows = []
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
    return Picture(
        name="raster",
        title="On and off",
        caption="On and off: black recorded, blue simulated, orange lines where notes or movements "
        "begin.",
        figure=figure,
        columns=["muscle", "side", "on_s", "off_s"],
        rows=rows,
    )


def draw_matrix(comparison: Comparison) -> Picture:
    """Share of every simulated muscle in every recorded channel."""
    curves = comparison.curves
    channels = (*curves.names, *curves.control_names)
    shares = len(curves.names) > MAX_WITHOUT_MIXTURE
    over = ", over that of the best mixture of all of them" if shares else ""
    figure = _heat_map(
        comparison.shares, curves.names, channels, ("recorded channel", "simulated muscle")
    )
    figure.axes[-1].set_ylabel("share of r" if shares else "r")
    return Picture(
        name="channels",
        title="Which channel is it?",
        caption="Correlation at the best lag of every simulated muscle with every recorded channel"
        f"{over}. The true one, framed, is {_first_of(comparison.channels)}.",
        figure=figure,
        columns=["", *channels],
        rows=_matrix_rows(curves.names, comparison.shares),
    )


def draw_movements(comparison: Comparison) -> Picture:
    """Correlation of every recorded with every simulated movement."""
    movements = comparison.movements
    assert movements is not None
    labels = movements.labels
    identification = movements.identification
    return Picture(
        name="movements",
        title="Which movement is it?",
        caption="Correlation over channels and time of recorded with simulated movements. The true "
        f"one is {_first_of(identification)}, p = {identification.p:.3g}.",
        figure=_heat_map(
            movements.matrix, labels, labels, ("simulated movement", "recorded movement")
        ),
        columns=["", *labels],
        rows=_matrix_rows(labels, movements.matrix),
    )


def _first_of(identification: Identification) -> str:
    return (
        f"first for {100 * identification.first:.0f} % (95 % interval "
        f"{100 * identification.low:.0f} to {100 * identification.high:.0f} %); chance "
        f"{100 * identification.chance:.0f} %"
    )


def draw_shift(comparison: Comparison) -> Picture:
    """Mean correlation after circular shifts of the recording: it must be highest near 0."""
    stride = max(len(comparison.shift) // (2 * _POINTS), 1)
    figure = _figure(_WIDTH, 2.4)
    panel = figure.subplots()
    panel.plot(
        comparison.shift[::stride], comparison.shift_r[::stride], color=SIMULATED, linewidth=0.9
    )
    panel.axvline(0, color=MARK, linewidth=0.8, linestyle="--")
    panel.set_xlabel("recording moved by [s]")
    panel.set_ylabel("mean r")
    peak = float(comparison.shift[int(np.nanargmax(comparison.shift_r))])
    return Picture(
        name="shift",
        title="Is the timing right?",
        caption="Mean correlation after circular shifts of the whole recording; highest at "
        f"{peak:.2f} s.",
        figure=figure,
        columns=["shift_s", "mean_r"],
        rows=np.stack([comparison.shift, comparison.shift_r], axis=1).tolist(),
    )


def draw_synergies(comparison: Comparison) -> Picture:
    """Variance accounted for, and the patterns that are paired."""
    synergies = comparison.synergies
    assert synergies is not None
    match = synergies.match
    count = synergies.number
    figure = _figure(_WIDTH, 2.6 + 1.1 * count)
    panels = figure.subplots(count + 1, 1, height_ratios=[2.0, *[1.0] * count])
    _draw_vaf(panels[0], synergies)
    rows: Rows = []
    for index, panel in enumerate(panels[1:]):
        rows += _draw_pattern(panel, synergies, comparison.curves, index)
    caption = (
        f"Synergies, recorded black, simulated blue, with the cosine of each pair: mean "
        f"{match.cosine:.2f}; permuted muscles give {match.null_cosines.mean():.2f} (95th "
        f"percentile {np.percentile(match.null_cosines, 95):.2f}), p = {match.p_cosine:.3g}. "
        f"Largest angle between the spaces {np.degrees(match.angle):.0f} degrees, "
        f"p = {match.p_angle:.3g}."
    )
    return Picture(
        name="synergies",
        title="Synergies",
        caption=caption,
        figure=figure,
        columns=["synergy", "muscle", "recorded", "simulated"],
        rows=rows,
    )


def _draw_vaf(panel: Any, synergies: SynergyComparison) -> None:
    """Variance accounted for against the number of synergies; the null dashed."""
    for curve, colour in ((synergies.recorded, RECORDED), (synergies.simulated, SIMULATED)):
        panel.plot(curve.counts, curve.vaf, "o-", color=colour, linewidth=1.4, markersize=4)
        panel.plot(
            curve.counts,
            curve.null.mean(axis=0),
            "s--",
            color=colour,
            linewidth=0.8,
            markersize=3,
            alpha=0.6,
        )
    panel.set_xticks(synergies.recorded.counts)
    panel.set_ylabel("VAF")
    panel.set_xlabel("synergies (dashed: muscles shifted against each other in time)", fontsize=8)


def _draw_pattern(
    panel: Any, synergies: SynergyComparison, curves: AlignedCurves, index: int
) -> Rows:
    """Draws a simulated synergy beside its recorded one; returns the rows of its table."""
    names = curves.names
    match = synergies.match
    recorded = synergies.recorded_weights[match.pairs[index]]
    simulated = synergies.simulated_weights[index]
    places = np.arange(len(names))
    panel.bar(places - 0.2, recorded, 0.38, color=RECORDED)
    panel.bar(places + 0.2, simulated, 0.38, color=SIMULATED)
    is_last = index == synergies.number - 1
    panel.set_xticks(places, names if is_last else [""] * len(names), fontsize=8)
    panel.set_ylabel(f"{match.cosines[index]:.2f}", rotation=0, labelpad=16)
    return [
        [float(index + 1), name, float(recorded[k]), float(simulated[k])]
        for k, name in enumerate(names)
    ]


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure as MatplotlibFigure

    return MatplotlibFigure(figsize=(width, height), layout="constrained")


def _panel_rows(count: int, height: float) -> tuple[Figure, Any]:
    """A figure with a panel a muscle, stacked."""
    figure = _figure(_WIDTH, 0.9 + height * count)
    return figure, figure.subplots(count, 1, sharex=True, squeeze=False)[:, 0]


def _name_row(panel: Any, text: str) -> None:
    panel.set_ylabel(text, rotation=0, ha="right", va="center", fontsize=8)
    panel.tick_params(labelsize=7)
    for edge in ("top", "right"):
        panel.spines[edge].set_visible(False)


def _heat_map(
    matrix: np.ndarray, rows: Sequence[str], columns: Sequence[str], labels: tuple[str, str]
) -> Figure:
    """A matrix in colours, its diagonal framed; labels of the columns and of the rows."""
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
    panel.set_xlabel(labels[0])
    panel.set_ylabel(labels[1])
    figure.colorbar(image, ax=panel, label="r", shrink=0.8)
    return figure


def _frame(index: int) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((index - 0.5, index - 0.5), 1, 1, fill=False, edgecolor=MARK, linewidth=1.8)


def _matrix_rows(names: Sequence[str], matrix: np.ndarray) -> Rows:
    return [[name, *map(float, row)] for name, row in zip(names, matrix, strict=True)]


def _spans(on: np.ndarray, time: np.ndarray, fs_hz: float) -> list[tuple[float, float]]:
    """Begin and length of every run that is on [s]."""
    edges = np.diff(np.concatenate([[0], on.astype(int), [0]]))
    starts = np.flatnonzero(edges > 0)
    ends = np.flatnonzero(edges < 0)
    return [(float(time[a]), float((b - a) / fs_hz)) for a, b in zip(starts, ends, strict=True)]
