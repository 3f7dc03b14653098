"""A comparison written down: table and figures with their numbers as CSV, all of it as JSON, and
one page for people.

The folder gets comparison.html (needs nothing else, no network), comparison.json, muscles.csv, and
for every figure NAME.svg and NAME.csv.
"""

from __future__ import annotations

import csv
import io
import json
import math
from base64 import b64encode
from collections.abc import Sequence
from html import escape
from pathlib import Path

import musclehand
from musclehand.core.errors import OutputError
from musclehand.emg.comparison.result import (
    LEVEL,
    NULLS,
    Comparison,
    MuscleResult,
    as_json,
    table_of,
)
from musclehand.emg.recording import Event
from musclehand.emg.report.figures import Picture, draw_comparison
from musclehand.emg.report.methods import describe_methods

PAGE = "comparison.html"
DATA = "comparison.json"
TABLE = "muscles.csv"

_STYLE = """
:root { --ink: #1d2125; --soft: #5b6570; --line: #d9dee3; --wash: #f5f7f9; }
* { box-sizing: border-box; }
body { margin: 0; background: #fff; color: var(--ink); font: 16px/1.55 Georgia, "Times New Roman", serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2.2rem 1.4rem 4rem; }
h1, h2, table, .fine, nav { font-family: system-ui, "Segoe UI", Helvetica, Arial, sans-serif; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .4rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.4rem 0 .4rem; padding-top: .8rem; border-top: 1px solid var(--line); }
p, li { max-width: 50rem; overflow-wrap: anywhere; }
.fine { color: var(--soft); font-size: .85rem; }
.lead { background: var(--wash); padding: .9rem 1.1rem; border-left: .25rem solid #0072b2; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .84rem; line-height: 1.35; margin: .6rem 0; }
th, td { text-align: right; padding: .3rem .7rem .3rem 0; border-bottom: 1px solid var(--line); white-space: nowrap;
  font-variant-numeric: tabular-nums; }
th:first-child, td:first-child { text-align: left; position: sticky; left: 0; background: #fff; }
th { border-bottom: 2px solid var(--ink); } tr:last-child td { font-weight: 600; }
.null { color: var(--soft); font-size: .78rem; display: block; font-weight: 400; }
figure { margin: .8rem 0; } figure .wide img { width: 100%; min-width: 34rem; height: auto; display: block; }
@media (max-width: 40rem) { main { padding: 1.2rem .9rem; } }
@media print { figure, tr { break-inside: avoid; } }
"""


def write_comparison(
    comparison: Comparison, folder: Path, *, title: str, events: Sequence[Event] = ()
) -> tuple[Path, ...]:
    """Writes page, JSON, tables and figures into a folder, which is made if need be.

    Returns:
        The files, the page first.

    Raises:
        OutputError: the folder or a file cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(folder, error.strerror or str(error)) from error
    pictures = draw_comparison(comparison, events)
    drawn = [as_svg(picture) for picture in pictures]
    texts = {
        PAGE: build_page(comparison, title, list(zip(pictures, drawn, strict=True))),
        DATA: json.dumps(as_json(comparison), indent=1, allow_nan=False, ensure_ascii=False) + "\n",
        TABLE: as_csv(*table_of(comparison)),
    }
    for picture, image in zip(pictures, drawn, strict=True):
        texts[f"{picture.name}.svg"] = image
        texts[f"{picture.name}.csv"] = as_csv(picture.heads, picture.rows)
    try:
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(folder, error.strerror or str(error)) from error
    return tuple(folder / name for name in texts)


def as_csv(heads: Sequence[str], rows: Sequence[Sequence[str | float]]) -> str:
    """A table as CSV; numbers with six digits, nothing where there is no number."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(heads)
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
    """The page as HTML, images inside."""
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="fine">musclehand {escape(musclehand.__version__)}: simulated muscles against recorded EMG</p>',
        f'<p class="lead">{escape(summarise(comparison))}</p>',
    ]
    if comparison.remarks:
        parts.append(
            "<ul>"
            + "".join(f"<li>{escape(remark)}</li>" for remark in comparison.remarks)
            + "</ul>"
        )
    parts += [
        "<h2>Muscle by muscle</h2>",
        _table(comparison),
        f'<p class="fine">{escape(_LEGEND)}</p>',
    ]
    for picture, image in pictures:
        data = b64encode(image.encode()).decode()
        parts.append(
            f'<h2>{escape(picture.title)}</h2><figure><div class="wide"><img alt="{escape(picture.caption)}" '
            f'src="data:image/svg+xml;base64,{data}"></div><figcaption class="fine">{escape(picture.caption)} '
            f"Numbers: {escape(picture.name)}.csv.</figcaption></figure>"
        )
    parts.append("<h2>Methods</h2>")
    parts += [f"<p>{escape(paragraph)}</p>" for paragraph in describe_methods(comparison)]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><link rel="icon" href="data:,">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body><main>\n"
        + "\n".join(parts)
        + "\n</main></body></html>\n"
    )


_LEGEND = (
    "Below each score: 95th percentile (5th for nRMSE, where less is better) of surrogates and of wrong muscles. p: "
    "Holm, of r against surrogates. rank: place of the true channel among all by share (best r over that of the best "
    "mixture of all muscles; of three or fewer by best r), and of the true muscle in its own channel; 1 is found. "
    "* lag on the edge of those searched."
)


def summarise(comparison: Comparison) -> str:
    """What came of it, in a few sentences that do not claim more than the nulls allow."""
    pooled = comparison.pooled
    channels = comparison.channels
    good = [each.name for each in comparison.muscles if each.holm["r"] < LEVEL]
    count = len(comparison.muscles)
    said = [
        f"Mean correlation {_number(pooled.scores['r'])} without lag; {len(good)} of {count} muscles are above their "
        "surrogates (Holm, 5 %)."
    ]
    if "wrong muscle" in pooled.nulls:
        null = pooled.nulls["wrong muscle"]["r"]
        verdict = "no better than" if not null.p < LEVEL else "better than"
        said.append(
            f"That is {verdict} wrong muscles of the same recording ({_number(null.middle)}, p = {null.p:.3f})."
        )
    if "wrong movement" in pooled.nulls:
        null = pooled.nulls["wrong movement"]["r"]
        verdict = "cannot be told" if not null.p < LEVEL else "can be told"
        said.append(
            f"Movements {verdict} apart (wrong ones {_number(null.middle)}, p = {null.p:.3f})."
        )
    bounds = f"95 % interval {100 * channels.low:.0f} to {100 * channels.high:.0f} %"
    said.append(
        f"The true channel is first of {comparison.matrix.shape[1]} for {100 * channels.first:.0f} % of muscles "
        f"({bounds}; chance {100 * channels.chance:.0f} %), the true muscle first in "
        f"{100 * comparison.electrodes.first:.0f} % of channels."
    )
    for kind, value in pooled.ceilings.items():
        said.append(f"Recordings of {kind} reach {_number(value)} with each other.")
    return " ".join(said)


def _table(comparison: Comparison) -> str:
    heads = [
        "muscle",
        "r",
        "95 %",
        "best r",
        "lag [ms]",
        "CCC",
        "nRMSE",
        "kappa",
        "n_eff",
        "rank",
        "p",
    ]
    heads += [f"ceiling, {kind}" for kind in comparison.ceilings]
    rows = "".join(_row(each, comparison) for each in (*comparison.muscles, comparison.pooled))
    head = "".join(f"<th>{escape(word)}</th>" for word in heads)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _row(each: MuscleResult, comparison: Comparison) -> str:
    low, high = (_number(edge) for edge in each.interval)
    cells = [
        escape(each.name),
        _scored(each, "r"),
        f"{low} to {high}" if math.isfinite(each.interval[0]) else "",
        _scored(each, "r_best"),
        _number(1e3 * each.lag, "{:.0f}") + ("*" if each.at_edge else ""),
        *(_scored(each, name) for name in ("ccc", "nrmse", "kappa")),
        _number(each.size, "{:.0f}"),
        f"{_number(each.rank, '{:.3g}')}/{each.candidates}, {_number(each.electrode_rank, '{:.3g}')}",
        _number(each.holm["r"], "{:.3f}"),
        *(_number(each.ceilings.get(kind, math.nan)) for kind in comparison.ceilings),
    ]
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _scored(each: MuscleResult, name: str) -> str:
    edges = [each.nulls[kind][name] for kind in NULLS[:2] if kind in each.nulls]
    bounds = " ".join(_number(null.low if name == "nrmse" else null.high) for null in edges)
    return f'{_number(each.scores[name])}<span class="null">{bounds}</span>'


def _number(value: float, form: str = "{:.2f}", none: str = "-") -> str:
    return form.format(value) if math.isfinite(value) else none
