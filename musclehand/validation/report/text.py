"""Findings as a text for terminals and as HTML for notebooks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from musclehand.core.html_page import element, join, notebook_part, pill, table
from musclehand.validation.check import Verdict
from musclehand.validation.suite import Examination
from musclehand.validation.text import line

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.text import Text

SHOWN = 6
"""Offenders of a check shown before "and more"."""

TITLE_WIDTH = 30
"""Width of the column of titles [characters]."""

_STYLES = {
    Verdict.PASS: "green",
    Verdict.WARN: "yellow",
    Verdict.FAIL: "bold red",
    Verdict.SKIP: "dim",
}


def findings_text(examinations: Sequence[Examination], examined: Sequence[Examination]) -> Group:
    """A table of all verdicts, and below it the offenders.

    Args:
        examinations: hands, all of which have been through the same checks.
        examined: those whose offenders are listed.

    Returns:
        A renderable of rich.
    """
    from rich.console import Group
    from rich.table import Table as RichTable
    from rich.text import Text

    columns = RichTable(title="Checks", title_justify="left")
    columns.add_column("", no_wrap=True)
    columns.add_column("check", max_width=TITLE_WIDTH)
    for examination in examinations:
        columns.add_column(Text(examination.name), ratio=1)
    for row in zip(*(examination.results for examination in examinations), strict=True):
        cells = [_cell(result.finding.verdict, result.finding.summary) for result in row]
        columns.add_row(row[0].check.code, Text(row[0].check.title), *cells)
    parts: list[RenderableType] = [columns]
    parts += [line(words) for words in offender_lines(examined)]
    parts += [line(f"{hand.name}: {verdict_counts(hand)}") for hand in examinations]
    return Group(*parts)


def findings_html(examinations: Sequence[Examination], examined: Sequence[Examination]) -> str:
    """A table of all verdicts, and below it the offenders, as HTML for a notebook.

    Args:
        examinations: hands, all of which have been through the same checks.
        examined: those whose offenders are listed.
    """
    rows = []
    for row in zip(*(examination.results for examination in examinations), strict=True):
        cells = [
            join(
                [
                    pill(result.finding.verdict.value, result.finding.verdict.value),
                    element("span", result.finding.summary, class_="under"),
                ]
            )
            for result in row
        ]
        rows.append((row[0].check.code, row[0].check.title, *cells))
    parts = [
        element("p", element("b", hand.name), f": {verdict_counts(hand)}") for hand in examinations
    ]
    parts.append(table(["", "check", *(hand.name for hand in examinations)], rows))
    lines = offender_lines(examined)
    if lines:
        parts.append(element("pre", "\n".join(lines)))
    return notebook_part(parts)


def offender_lines(examinations: Sequence[Examination]) -> list[str]:
    """Lines for the offenders of each check that fails or warns.

    Of the second hand of a model, offenders that are the same as in the first hand are left out.
    """
    lines = []
    listed: set[tuple[str, str]] = set()
    for examination in examinations:
        for check, finding, _ in examination.results:
            keys = {
                text: (check.code, _without_side(text, examination)) for text in finding.offenders
            }
            unlisted = [text for text in finding.offenders if keys[text] not in listed]
            listed |= set(keys.values())
            if finding.verdict not in (Verdict.FAIL, Verdict.WARN) or not unlisted:
                continue
            lines.append(f"{examination.name}, {check.code} {check.title} ({check.threshold}):")
            lines += [f"    {text}" for text in unlisted[:SHOWN]]
            if len(unlisted) > SHOWN:
                lines.append(f"    and {len(unlisted) - SHOWN} more")
    return lines


def verdict_counts(examination: Examination) -> str:
    """Number of checks with each verdict: "27 pass, 2 fail"."""
    counts = Counter(result.finding.verdict for result in examination.results)
    return ", ".join(f"{counts[verdict]} {verdict.value}" for verdict in Verdict if counts[verdict])


def _without_side(text: str, examination: Examination) -> str:
    """A line without the parts of the model's names that mark the side."""
    naming = examination.specimen.naming
    side = examination.specimen.hand.side
    return " ".join(naming.base_of(word.strip(",:;()"), side) or word for word in text.split())


def _cell(verdict: Verdict, summary: str) -> Text:
    from rich.text import Text

    return Text.assemble((verdict.value.upper(), _STYLES[verdict]), f" {summary}")
