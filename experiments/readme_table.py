"""Tables and pictures of the README, put there by the commands that make them; a table stands
between two marks."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from musclehand.core.errors import InvalidValue
from whole_files import write_whole

README = Path(__file__).parents[1] / "README.md"

RowT = TypeVar("RowT")


def cells_table(
    first: str, cells: Sequence[tuple[str, Callable[[RowT], str]]], rows: Mapping[str, RowT]
) -> str:
    """A table in Markdown: names of rows under `first`, then what each of `cells`, by its
    heading, says of a row."""
    lines = [
        f"| {first} | {' | '.join(head for head, _ in cells)} |",
        f"|{' --- |' * (len(cells) + 1)}",
    ]
    lines += [
        f"| {name} | {' | '.join(cell(row) for _, cell in cells)} |" for name, row in rows.items()
    ]
    return "\n".join(lines)


def put_figure(path: Path, name: str, *, folder: Path = README.parent / "docs") -> None:
    """Puts a picture beside the README under the name that it is shown by.

    Raises:
        InvalidValue: no such picture is shown.
    """
    shown = sorted(one.name for one in folder.glob("*.png"))
    if name not in shown:
        raise InvalidValue("picture", name, f"one of {', '.join(shown)}")
    write_whole(folder / name, path.read_bytes())


def put_table(name: str, table: str, *, path: Path = README) -> None:
    """Puts text in place of what is between the marks `<!-- NAME -->`.

    Raises:
        InvalidValue: the file has no such place.
    """
    mark = f"<!-- {name} -->"
    parts = path.read_text(encoding="utf-8").split(mark)
    if len(parts) != 3:
        raise InvalidValue(
            f"marks {mark} in {path.name}", len(parts) - 1, "2, with the table between them"
        )
    write_whole(path, f"{parts[0]}{mark}\n{table}\n{mark}{parts[2]}")
