"""Edits of copies of the tables of `models/hand`, as a spreadsheet or a text editor makes them."""

from importlib.resources import files
from pathlib import Path

NAMES = (
    "muscles.csv",
    "paths.csv",
    "joints.csv",
    "segments.csv",
    "wraps.csv",
    "added_joints.csv",
)


def table_text(name: str) -> str:
    """The text of a bundled table."""
    return files("musclehand.models.hand").joinpath(name).read_text("utf-8")


def write_tables(folder: Path, **changed: str | bytes | None) -> Path:
    """Writes all tables into a folder, some of them with another content; None leaves one out."""
    for name in NAMES:
        content = changed.get(name.removesuffix(".csv"), table_text(name))
        if isinstance(content, str):
            content = content.encode()
        if content is not None:
            (folder / name).write_bytes(content)
    return folder


def line_of(text: str, start: str) -> int:
    """Number of the first line of a table that begins with a text."""
    return next(i for i, line in enumerate(text.splitlines(), 1) if line.startswith(start))


def with_cell(text: str, start: str, column: str, value: str) -> str:
    """A table with another entry in the first line that begins with a text."""
    lines = text.splitlines()
    place = lines[0].split(",").index(column)
    number = line_of(text, start) - 1
    cells = lines[number].split(",", maxsplit=place + 1)
    cells[place] = value
    lines[number] = ",".join(cells)
    return "\n".join(lines) + "\n"


def without_line(text: str, start: str) -> str:
    """A table without the first line that begins with a text."""
    lines = text.splitlines()
    del lines[line_of(text, start) - 1]
    return "\n".join(lines) + "\n"


def with_copy(text: str, start: str, *, at_end: bool = False) -> str:
    """A table with a second copy of the first line that begins with a text, after it or last."""
    lines = text.splitlines()
    number = line_of(text, start) - 1
    lines.insert(len(lines) if at_end else number + 1, lines[number])
    return "\n".join(lines) + "\n"


def without_column(text: str, column: str) -> str:
    """A table without a column; quoted entries of the last column are kept."""
    lines = text.splitlines()
    place = lines[0].split(",").index(column)
    columns = len(lines[0].split(","))
    kept = []
    for line in lines:
        cells = line.split(",", maxsplit=columns - 1)
        kept.append(",".join([*cells[:place], *cells[place + 1 :]]))
    return "\n".join(kept) + "\n"
