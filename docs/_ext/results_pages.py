"""Numbers out of the results pages `docs/results/*.md`, which benchmarks write whole.

A number has an address, `page / row / column`: the page's file name, and the row and column of the
first table on that page that has both. A row is named by its first cell, or by its first two,
joined by a comma. With ` [first]` at its end, an address means the first word of the cell, such as
0.097 of "0.097 (-0.897)". Short names of often used addresses stand in `docs/headlines.json`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1]
RESULTS = DOCS / "results"
HEADLINES = DOCS / "headlines.json"

FIRST = " [first]"

Table = list[list[str]]


def read_result(address: str, folder: Path = RESULTS) -> str:
    """The text of one cell.

    Args:
        address: `page / row / column`, or a short name of `docs/headlines.json`.
        folder: where the results pages are.

    Raises:
        KeyError: no such page, row or column.
    """
    address = headlines().get(address, address)
    if address.endswith(FIRST):
        return read_result(address.removesuffix(FIRST), folder).split()[0]
    page, separator, place = address.partition(" / ")
    row, separator, column = place.partition(" / ")
    path = folder / f"{page}.md"
    if not separator or not path.is_file():
        raise KeyError(f"{address!r} is no `page / row / column` and no short name of a result")
    for table in tables(path.read_text(encoding="utf-8")):
        head, *rows = table
        for cells in rows:
            if column in head[1:] and row in (cells[0], ", ".join(cells[:2])):
                return cells[head.index(column)]
    raise KeyError(f"{path.name} has no table with row {row!r} and column {column!r}")


@lru_cache
def headlines() -> dict[str, str]:
    """Short names and the addresses that they stand for."""
    return dict(json.loads(HEADLINES.read_text(encoding="utf-8")))


def tables(text: str) -> Iterator[Table]:
    """The tables of a Markdown text, the heading as first row, without marks of emphasis."""
    table: Table = []
    for line in (*text.splitlines(), ""):
        if line.startswith("|"):
            table.append([cell.strip().strip("*`") for cell in line.strip().strip("|").split("|")])
        elif table:
            yield [cells for cells in table if not all(re.fullmatch(":?-+:?", x) for x in cells)]
            table = []


def page_title(text: str) -> str:
    """The first heading of a page."""
    return next(line.removeprefix("# ") for line in text.splitlines() if line.startswith("# "))


def page_command(text: str) -> str:
    """The command that writes a page, from its line "Command: `...`".

    Raises:
        KeyError: the page names no command.
    """
    match = re.search(r"^Command: `([^`]+)`", text, flags=re.MULTILINE)
    if match is None:
        raise KeyError("the page has no line that begins with 'Command: `'")
    return match[1]
