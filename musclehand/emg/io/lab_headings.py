"""Names of channels above a table, in the text exports of LabChart and AcqKnowledge.

LabChart has lines "ChannelTitle=" and "Range=", whose units are those of the values. AcqKnowledge
lists a name and a unit in turn, and its heading has only numbers of channels.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_COUNT = re.compile(r"\s*(\d{1,4})\s+channels?\s*", re.I)
_TITLES = "channeltitle="
_RANGES = "range="


def names_above(
    preamble: Sequence[str], cells: Sequence[str], mark: str | None
) -> tuple[list[str], list[str]] | None:
    """Headings and units of the columns, where lines above the heading have them; None else.

    Args:
        preamble: lines above the numbers, with the heading.
        cells: of the heading.
        mark: delimiter of the table.
    """
    if cells and cells[0].endswith("="):
        return _labchart(preamble, mark)
    for i, line in enumerate(preamble):
        match = _COUNT.fullmatch(line)
        count = int(match.group(1)) if match else 0
        if count and len(cells) == count + 1 and len(preamble) > i + 2 * count:
            names = [text.strip() for text in preamble[i + 1 : i + 1 + 2 * count : 2]]
            units = [text.strip() for text in preamble[i + 2 : i + 1 + 2 * count : 2]]
            return [cells[0], *names], ["", *units]
    return None


def _labchart(preamble: Sequence[str], mark: str | None) -> tuple[list[str], list[str]] | None:
    """The titles of LabChart's channels, behind a column of times in seconds."""
    rows = {
        line.split(mark)[0].strip().lower(): [cell.strip() for cell in line.split(mark)[1:]]
        for line in preamble
        if line.strip()
    }
    titles = rows.get(_TITLES)
    if not titles:
        return None
    units = [(text.split() or [""])[-1] for text in rows.get(_RANGES, [])]
    return ["time", *titles], ["s", *units]
