"""Results pages `docs/results/NAME.md`: each is written whole by the benchmark that measures it.

A page has a title, the command that writes it, and a body of prose and Markdown tables. It has no
date, so that the same results give the same file. What a person adds stands in
`docs/results/notes/NAME.md`, which no benchmark touches.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from musclehand.core.atomic import write_file
from musclehand.core.errors import InvalidValue

DOCS = Path(__file__).resolve().parents[2] / "docs"

RESULTS = DOCS / "results"

RowT = TypeVar("RowT")


def write_results_page(
    name: str, title: str, command: str, body: str, *, folder: Path = RESULTS
) -> Path:
    """Writes a page and gives its path.

    Args:
        name: of the file, without suffix.
        title: heading of the page.
        command: the command line that writes the page.
        body: Markdown.
        folder: where pages are.
    """
    path = folder / f"{name}.md"
    folder.mkdir(parents=True, exist_ok=True)
    write_file(path, f"# {title}\n\nCommand: `{command}`\n\n{body.strip()}\n")
    return path


def write_figure(path: Path, name: str, *, folder: Path = DOCS) -> None:
    """Copies a picture to where pages show it from.

    Args:
        path: of the picture.
        name: of the file that is replaced.
        folder: of the pictures.

    Raises:
        InvalidValue: no page shows a picture of that name.
    """
    shown = sorted(picture.name for picture in folder.glob("*.png"))
    if name not in shown:
        raise InvalidValue("picture", name, f"one of {', '.join(shown)}")
    write_file(folder / name, path.read_bytes())


def replace_marked(path: Path, mark: str, text: str) -> None:
    """Replaces the text between the two marks `<!-- MARK -->` of a file.

    Args:
        path: of the file.
        mark: name of the marks.
        text: to stand between them.

    Raises:
        InvalidValue: the file does not have two such marks.
    """
    comment = f"<!-- {mark} -->"
    parts = path.read_text(encoding="utf-8").split(comment)
    if len(parts) != 3:
        raise InvalidValue(f"marks {comment} in {path.name}", len(parts) - 1, "2")
    write_file(path, f"{parts[0]}{comment}\n{text}\n{comment}{parts[2]}")


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown.

    Args:
        head: headings of the columns.
        rows: cells of each row.
    """
    lines = [_line(head), _line(["---"] * len(head)), *(_line(row) for row in rows)]
    return "\n".join(lines)


def cells_table(
    first: str, cells: Sequence[tuple[str, Callable[[RowT], str]]], rows: Mapping[str, RowT]
) -> str:
    """A table in Markdown, from records.

    Args:
        first: heading of the column of names.
        cells: heading of each further column, and what it shows of a record.
        rows: records by name.
    """
    head = [first, *(heading for heading, _ in cells)]
    return markdown_table(
        head, [[name, *(cell(row) for _, cell in cells)] for name, row in rows.items()]
    )


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
