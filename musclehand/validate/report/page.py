"""The report as one HTML page that needs nothing else: text, tables and figures, for the screen
and for paper."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape

import mujoco

import musclehand
from musclehand.validate.check import Finding, Verdict
from musclehand.validate.report.panels import draw_panel
from musclehand.validate.suite import Examination, Result

SHOWN = 12
"""Offenders shown before the rest is folded away."""

_STYLE = """
:root { --ink: #1d2125; --soft: #5b6570; --line: #d9dee3; --paper: #ffffff; --wash: #f5f7f9; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 Georgia, "Iowan Old Style", "Times New Roman", serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2.5rem 1.5rem 5rem; }
h1, h2, h3, table, nav, .pill, dt, .fine { font-family: system-ui, "Segoe UI", Helvetica, Arial, sans-serif; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .4rem; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 3rem 0 .3rem; padding-top: .9rem; border-top: 1px solid var(--line); }
h2 .code { color: var(--soft); font-weight: 500; margin-right: .5rem; }
h3 { font-size: 1rem; margin: 1.6rem 0 .3rem; overflow-wrap: anywhere; }
p { margin: .4rem 0; max-width: 54rem; }
a { color: #0b57a4; text-decoration: none; } a:hover { text-decoration: underline; }
.fine { color: var(--soft); font-size: .85rem; }
.asks { font-size: 1.08rem; }
table { border-collapse: collapse; width: 100%; font-size: .86rem; line-height: 1.4; margin: .7rem 0; }
th, td { text-align: left; vertical-align: top; padding: .35rem .7rem .35rem 0; border-bottom: 1px solid var(--line); }
th { font-weight: 600; border-bottom: 2px solid var(--ink); overflow-wrap: anywhere; }
td { overflow-wrap: anywhere; }
td.code, td.part { white-space: nowrap; font-variant-numeric: tabular-nums; }
td.part { width: 1%; padding-right: 1.5rem; }
.summary td:not(.code):not(.title) { width: var(--column); }
.pill { display: inline-block; min-width: 3.2rem; text-align: center; padding: 0 .5rem; border-radius: .7rem;
  font-size: .74rem; font-weight: 700; letter-spacing: .04em; text-transform: uppercase; }
.pass { background: #dff1e4; color: #14602f; } .fail { background: #fbe0dd; color: #98190f; }
.warn { background: #fdeecb; color: #7a5200; } .skip { background: #e8ebee; color: #56606a; }
.said { display: block; color: var(--soft); margin-top: .1rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .6rem 0; font-size: .92rem; }
dt { color: var(--soft); font-size: .82rem; padding-top: .1rem; } dd { margin: 0; }
nav { font-size: .86rem; background: var(--wash); padding: .8rem 1rem; margin: 1.4rem 0; }
nav ol { columns: 15rem; column-gap: 2rem; list-style: none; margin: 0; padding: 0; }
nav li { break-inside: avoid; padding: .08rem 0; }
figure { margin: .8rem 0; } figure img { width: 100%; height: auto; display: block; }
details summary { cursor: pointer; font-size: .86rem; color: var(--soft); }
@media (max-width: 40rem) { main { padding: 1.2rem .8rem; } }
@media print { body { font-size: 10pt; } main { max-width: none; padding: 0; } nav { background: none; padding: 0; }
  h2 { break-after: avoid; } figure, tr, dl { break-inside: avoid; } a { color: inherit; }
  .pill { -webkit-print-color-adjust: exact; print-color-adjust: exact; } }
"""


def build_page(examinations: Sequence[Examination]) -> str:
    """The whole page. All hands must have been through the same checks."""
    title = "Hand validation: " + " and ".join(
        dict.fromkeys(each.specimen.source for each in examinations)
    )
    results = list(zip(*(each.results for each in examinations), strict=True))
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="fine">musclehand {escape(musclehand.__version__)}, MuJoCo {escape(mujoco.__version__)}</p>',
        *(_verdict_line(each) for each in examinations),
        _contents(results),
        _summary(examinations, results),
        *(_section(examinations, row) for row in results),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body><main>\n"
        + "\n".join(parts)
        + "\n</main></body></html>\n"
    )


def _verdict_line(each: Examination) -> str:
    """One sentence a hand: how many checks came out how, and where its names come from."""
    counts = Counter(result.finding.verdict for result in each.results)
    words = {
        Verdict.PASS: "passed",
        Verdict.WARN: "with a warning",
        Verdict.FAIL: "failed",
        Verdict.SKIP: "not asked",
    }
    said = ", ".join(
        f"{counts[verdict]} {word}" for verdict, word in words.items() if counts[verdict]
    )
    overall = Verdict.PASS if each.passed else Verdict.FAIL
    named = f"named as in {each.specimen.naming.name}"
    return f"<p>{_pill(overall)} <b>{escape(each.name)}</b>: {len(each.results)} checks, {said}; {escape(named)}.</p>"


def _contents(results: list[tuple[Result, ...]]) -> str:
    links = [
        f'<li><a href="#{escape(row[0].check.code)}">{escape(row[0].check.code)} {escape(row[0].check.title)}</a></li>'
        for row in results
    ]
    return f'<nav aria-label="Contents"><ol>{"".join(links)}</ol></nav>'


def _summary(examinations: Sequence[Examination], results: list[tuple[Result, ...]]) -> str:
    """All checks and all hands at a glance."""
    heads = "".join(f"<th>{escape(each.name)}</th>" for each in examinations)
    rows = []
    for row in results:
        code = escape(row[0].check.code)
        title = escape(row[0].check.title)
        cells = "".join(
            f'<td>{_pill(result.finding.verdict)}<span class="said">{escape(result.finding.summary)}</span></td>'
            for result in row
        )
        rows.append(
            f'<tr><td class="code"><a href="#{code}">{code}</a></td><td class="title">{title}</td>{cells}</tr>'
        )
    column = f"--column: {70 / max(1, len(examinations)):.0f}%"
    return (
        f'<table class="summary" style="{column}"><thead><tr><th></th><th>check</th>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _section(examinations: Sequence[Examination], row: tuple[Result, ...]) -> str:
    """One check: what it asks, and what it found in every hand."""
    check = row[0].check
    code = escape(check.code)
    parts = [
        f'<section id="{code}"><h2><span class="code">{code}</span>{escape(check.title)}</h2>',
        f'<p class="asks">{escape(check.asks)}</p>',
        f"<dl><dt>threshold</dt><dd>{escape(check.threshold)}</dd><dt>source</dt><dd>{escape(check.source)}</dd></dl>",
    ]
    for each, result in zip(examinations, row, strict=True):
        name = f"{each.name} " if len(examinations) > 1 else ""
        parts.append(f"<h3>{escape(name)}{_pill(result.finding.verdict)}</h3>")
        parts.append(f"<p>{escape(result.finding.summary)}</p>")
        parts.append(_offenders(result.finding))
        parts.extend(_figures(result.finding, f"{each.name}: " if len(examinations) > 1 else ""))
    return "\n".join([*parts, "</section>"])


def _offenders(finding: Finding) -> str:
    """A table of parts and what is wrong with them, the worst first; many are folded."""
    if not finding.offenders:
        return ""
    rows = []
    for line in finding.offenders:
        part, colon, words = line.partition(": ")
        cells = f'<td class="part">{escape(part)}</td><td>{escape(words)}</td>'
        rows.append(
            f"<tr>{cells}</tr>" if colon else f'<tr><td colspan="2">{escape(line)}</td></tr>'
        )
    table = f"<table><tbody>{''.join(rows[:SHOWN])}</tbody></table>"
    if len(rows) > SHOWN:
        rest = f"<table><tbody>{''.join(rows[SHOWN:])}</tbody></table>"
        table += f"<details><summary>{len(rows) - SHOWN} more</summary>{rest}</details>"
    return table


def _figures(finding: Finding, prefix: str) -> list[str]:
    figures = []
    for panel in finding.panels:
        picture = draw_panel(panel._replace(title=f"{prefix}{panel.title}"))
        figures.append(f'<figure><img alt="{escape(panel.title)}" src="{picture}"></figure>')
    return figures


def _pill(verdict: Verdict) -> str:
    return f'<span class="pill {verdict.value}">{verdict.value}</span>'
