"""The validation report as one self-contained HTML page: text, tables and figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import mujoco

import musclehand
from musclehand.core.html_page import Html, build_document, element, figure, join, pill
from musclehand.validation.check import Finding, Verdict
from musclehand.validation.report.panels import draw_panel
from musclehand.validation.suite import Examination, Result

SHOWN = 12
"""Offenders of a check that are shown; all further ones are folded."""

_STYLE = """
h2 .code { color: var(--soft); font-weight: 500; margin-right: .5rem; }
.asks { font-size: 1.08rem; }
td.code, td.part { white-space: nowrap; font-variant-numeric: tabular-nums; }
td.part { width: 1%; padding-right: 1.5rem; }
td.title { min-width: 5.8rem; }
.summary td:not(.code):not(.title) { width: var(--column); min-width: 7rem; }
"""


def build_page(examinations: Sequence[Examination]) -> str:
    """The whole page.

    Args:
        examinations: hands, all of which have been through the same checks.
    """
    sources = dict.fromkeys(examination.specimen.source for examination in examinations)
    title = f"Hand validation: {' and '.join(sources)}"
    results = list(zip(*(examination.results for examination in examinations), strict=True))
    versions = f"musclehand {musclehand.__version__}, MuJoCo {mujoco.__version__}"
    body = [
        element("h1", title),
        element("p", versions, class_="fine"),
        *(_verdict_line(examination) for examination in examinations),
        _contents(results),
        _summary(examinations, results),
        *(_section(examinations, row) for row in results),
    ]
    return build_document(title, body, style=_STYLE)


def _verdict_line(examination: Examination) -> Html:
    """A sentence on a hand: the number of checks with each verdict, and its naming."""
    counts = Counter(result.finding.verdict for result in examination.results)
    words = {
        Verdict.PASS: "passed",
        Verdict.WARN: "with a warning",
        Verdict.FAIL: "failed",
        Verdict.SKIP: "skipped",
    }
    verdicts = ", ".join(
        f"{counts[verdict]} {word}" for verdict, word in words.items() if counts[verdict]
    )
    naming = f"named as in {examination.specimen.naming.name}"
    return element(
        "p",
        _pill(Verdict.PASS if examination.passed else Verdict.FAIL),
        " ",
        element("b", examination.name),
        f": {len(examination.results)} checks, {verdicts}; {naming}.",
    )


def _contents(results: Sequence[tuple[Result, ...]]) -> Html:
    checks = [row[0].check for row in results]
    links = [
        element("li", element("a", f"{check.code} {check.title}", href=f"#{check.code}"))
        for check in checks
    ]
    return element("nav", element("ol", *links), aria_label="Contents")


def _summary(examinations: Sequence[Examination], results: Sequence[tuple[Result, ...]]) -> Html:
    """A table of all checks and all hands."""
    heads = [element("th", word) for word in ("", "check")]
    heads += [element("th", examination.name) for examination in examinations]
    rows = []
    for row in results:
        check = row[0].check
        cells = [
            element("td", element("a", check.code, href=f"#{check.code}"), class_="code"),
            element("td", check.title, class_="title"),
        ]
        for result in row:
            finding = result.finding
            words = element("span", finding.summary, class_="under")
            cells.append(element("td", _pill(finding.verdict), words))
        rows.append(element("tr", *cells))
    markup = element(
        "table",
        element("thead", element("tr", *heads)),
        element("tbody", *rows),
        class_="text summary",
        style=f"--column: {70 / max(1, len(examinations)):.0f}%",
    )
    return element("div", markup, class_="wide")


def _section(examinations: Sequence[Examination], row: tuple[Result, ...]) -> Html:
    """The section of a check: its question, its source, and its finding in every hand."""
    check = row[0].check
    parts = [
        element("h2", element("span", check.code, class_="code"), check.title),
        element("p", check.asks, class_="asks"),
        element(
            "dl",
            element("dt", "threshold"),
            element("dd", check.threshold),
            element("dt", "source"),
            element("dd", check.source),
        ),
    ]
    several = len(examinations) > 1
    for examination, result in zip(examinations, row, strict=True):
        name = f"{examination.name} " if several else ""
        parts.append(element("h3", name, _pill(result.finding.verdict)))
        parts.append(element("p", result.finding.summary))
        parts.append(_offenders(result.finding))
        parts.extend(_figures(result.finding, f"{examination.name}: " if several else ""))
    return element("section", join(parts, "\n"), id=check.code)


def _offenders(finding: Finding) -> Html:
    """A table of parts and their problems, the worst first; a long one is folded."""
    if not finding.offenders:
        return Html("")
    rows = []
    for line in finding.offenders:
        part, colon, words = line.partition(": ")
        if colon:
            rows.append(element("tr", element("td", part, class_="part"), element("td", words)))
        else:
            rows.append(element("tr", element("td", line, colspan="2")))
    shown = _table_of(rows[:SHOWN])
    folded = rows[SHOWN:]
    if not folded:
        return shown
    summary = element("summary", f"{len(folded)} more")
    return join([shown, element("details", summary, _table_of(folded))])


def _table_of(rows: Sequence[Html]) -> Html:
    return element("table", element("tbody", *rows), class_="text")


def _figures(finding: Finding, prefix: str) -> list[Html]:
    return [
        figure(draw_panel(panel._replace(title=f"{prefix}{panel.title}")), panel.title)
        for panel in finding.panels
    ]


def _pill(verdict: Verdict) -> Html:
    return pill(verdict.value, verdict.value)
