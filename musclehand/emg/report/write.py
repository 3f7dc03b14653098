"""Files of a comparison: one page, all numbers as JSON, tables and figures.

The folder gets comparison.html (needs no other file and no network), comparison.json, muscles.csv,
and for every figure NAME.svg and its numbers as NAME.csv.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from pathlib import Path

import musclehand
from musclehand.core.atomic import write_file
from musclehand.core.errors import OutputError
from musclehand.core.html_page import (
    Html,
    build_document,
    bullets,
    element,
    figure,
    join,
    svg_source,
    table,
)
from musclehand.emg.comparison.result import (
    LEVEL,
    NULLS,
    Comparison,
    MuscleResult,
    as_json,
    muscle_table,
)
from musclehand.emg.recording import Event
from musclehand.emg.report.figures import Picture, draw_comparison
from musclehand.emg.report.methods import describe_methods

PAGE = "comparison.html"
DATA = "comparison.json"
TABLE = "muscles.csv"
"""Names of the files in a report folder."""

_LEGEND = (
    "Below each score: 95th percentile (5th for nRMSE, where less is better) of surrogates and of "
    "wrong muscles. p: Holm, of r against surrogates. rank: place of the true channel among all by "
    "share (best r over that of the best mixture of all muscles; of three or fewer by best r), and "
    "of the true muscle in its own channel; 1 is identified. * lag on the edge of those searched."
)


def write_comparison(
    comparison: Comparison, folder: Path, *, title: str, events: Sequence[Event] = ()
) -> tuple[Path, ...]:
    """Writes page, JSON, tables and figures into a folder, which is created if need be.

    Args:
        comparison: the comparison.
        folder: of the report.
        title: of the page.
        events: notes or movements, for the figures.

    Returns:
        The files, the page first.

    Raises:
        OutputError: the folder or a file cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(folder, error.strerror or str(error)) from error
    pictures = [(picture, as_svg(picture)) for picture in draw_comparison(comparison, events)]
    content = json.dumps(as_json(comparison), indent=1, allow_nan=False, ensure_ascii=False)
    texts = {
        PAGE: build_page(comparison, title, pictures),
        DATA: content + "\n",
        TABLE: as_csv(*muscle_table(comparison)),
    }
    for picture, svg in pictures:
        texts[f"{picture.name}.svg"] = svg
        texts[f"{picture.name}.csv"] = as_csv(picture.columns, picture.rows)
    for name, text in texts.items():
        write_file(folder / name, text)
    return tuple(folder / name for name in texts)


def as_csv(columns: Sequence[str], rows: Sequence[Sequence[str | float]]) -> str:
    """A table as CSV; numbers with six digits, an empty cell for NaN."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow(
            [cell if isinstance(cell, str) else _number(cell, "{:.6g}", "") for cell in row]
        )
    return text.getvalue()


def as_svg(picture: Picture) -> str:
    """The figure as SVG with its text as text, the same for the same figure."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    buffer = io.StringIO()
    FigureCanvasSVG(picture.figure)
    with rc_context(
        {"svg.fonttype": "none", "svg.hashsalt": picture.name, "font.family": "sans-serif"}
    ):
        picture.figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def build_page(comparison: Comparison, title: str, pictures: Sequence[tuple[Picture, str]]) -> str:
    """The page as HTML.

    Args:
        comparison: the comparison.
        title: of the page.
        pictures: figures, each with its SVG.
    """
    version = f"musclehand {musclehand.__version__}: simulated muscles against recorded EMG"
    body = [
        element("h1", title),
        element("p", version, class_="fine"),
        *overview(comparison),
    ]
    for picture, svg in pictures:
        caption = f"{picture.caption} Numbers: {picture.name}.csv."
        body.append(element("h2", picture.title))
        body.append(figure(svg_source(svg), picture.caption, caption, scroll=True))
    body.append(element("h2", "Methods"))
    body += [element("p", paragraph) for paragraph in describe_methods(comparison)]
    return build_document(title, body)


def overview(comparison: Comparison) -> list[Html]:
    """Summary, remarks and the table of muscles, as parts of a page."""
    return [
        element("p", summarise(comparison), class_="lead"),
        bullets(comparison.remarks),
        element("h2", "Muscle by muscle"),
        _table(comparison),
        element("p", _LEGEND, class_="fine"),
    ]


def summarise(comparison: Comparison) -> str:
    """The comparison in a few sentences that claim no more than the nulls allow."""
    pooled = comparison.pooled
    channels = comparison.channels
    above = [muscle.name for muscle in comparison.muscles if muscle.holm["r"] < LEVEL]
    sentences = [
        f"Mean correlation {_number(pooled.scores['r'])} without lag; {len(above)} of "
        f"{len(comparison.muscles)} muscles are above their surrogates (Holm, 5 %)."
    ]
    if "wrong muscle" in pooled.nulls:
        null = pooled.nulls["wrong muscle"]["r"]
        verdict = "no better than" if not null.p < LEVEL else "better than"
        sentences.append(
            f"That is {verdict} wrong muscles of the same recording ({_number(null.median)}, "
            f"p = {null.p:.3f})."
        )
    if "wrong movement" in pooled.nulls:
        null = pooled.nulls["wrong movement"]["r"]
        verdict = "cannot be distinguished" if not null.p < LEVEL else "can be distinguished"
        sentences.append(
            f"Movements {verdict} (wrong movements {_number(null.median)}, p = {null.p:.3f})."
        )
    sentences.append(
        f"The true channel is first of {comparison.matrix.shape[1]} for {100 * channels.first:.0f} "
        f"% of muscles (95 % interval {100 * channels.low:.0f} to {100 * channels.high:.0f} %; "
        f"chance {100 * channels.chance:.0f} %), the true muscle first in "
        f"{100 * comparison.electrodes.first:.0f} % of channels."
    )
    for kind, value in pooled.ceilings.items():
        sentences.append(f"Noise ceiling, {kind}: recordings correlate by {_number(value)}.")
    return " ".join(sentences)


def _table(comparison: Comparison) -> Html:
    columns = ["muscle", "r", "95 %", "best r", "lag [ms]", "CCC"]
    columns += ["nRMSE", "kappa", "n_eff", "rank", "p"]
    columns += [join(["ceiling,", Html("<br>"), kind]) for kind in comparison.ceilings]
    results = (*comparison.muscles, comparison.pooled)
    rows = [_row(result, list(comparison.ceilings)) for result in results]
    # The last row holds the means.
    rows[-1] = [element("strong", cell) for cell in rows[-1]]
    return table(columns, rows, kind="numbers")


def _row(result: MuscleResult, ceiling_kinds: Sequence[str]) -> list[str]:
    low, high = result.interval
    rank = f"{_number(result.rank, '{:.3g}')}/{result.candidates}"
    return [
        result.name,
        _score_cell(result, "r"),
        f"{_number(low)} to {_number(high)}" if math.isfinite(low) else "",
        _score_cell(result, "r_best"),
        _number(1e3 * result.lag, "{:.0f}") + ("*" if result.at_edge else ""),
        *(_score_cell(result, name) for name in ("ccc", "nrmse", "kappa")),
        _number(result.size, "{:.0f}"),
        f"{rank}, {_number(result.electrode_rank, '{:.3g}')}",
        _number(result.holm["r"], "{:.3f}"),
        *(_number(result.ceilings.get(kind, math.nan)) for kind in ceiling_kinds),
    ]


def _score_cell(result: MuscleResult, name: str) -> Html:
    """A score, and the bounds of its nulls below it."""
    nulls = [result.nulls[kind][name] for kind in NULLS[:2] if kind in result.nulls]
    bounds = [_number(null.low if name == "nrmse" else null.high) for null in nulls]
    return join([_number(result.scores[name]), element("span", " ".join(bounds), class_="under")])


def _number(value: float, form: str = "{:.2f}", missing: str = "-") -> str:
    return form.format(value) if math.isfinite(value) else missing
