"""Docstrings of the library, written in plain text with `backticks`, as reStructuredText.

Backticked words become links where they name something and literals elsewhere; characters that
mean something in reStructuredText are escaped; an indented paragraph becomes a literal block.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from sphinx.application import Sphinx

PACKAGE = Path(__file__).resolve().parents[2] / "musclehand"

_ITEM = re.compile(r"\s*([-*]|\d+\.)\s")


def translate(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Rewrites the lines of a docstring in place, before napoleon reads its sections."""
    if lines and lines[0].startswith("Alias for field number"):
        lines[:] = []
    lines[:] = mark_blocks(lines)
    if what in ("attribute", "data", "property"):
        lines.insert(0, "")  # or napoleon takes the words before a colon for a type


def mark_blocks(lines: list[str]) -> list[str]:
    """The lines with literal blocks marked and everything else escaped."""
    marked: list[str] = []
    prose: list[str] = []  # lines not escaped yet
    base = 0  # indentation of the line before
    block: int | None = None  # indentation of the literal block that a line is in
    for number, line in enumerate(lines):
        text = line.strip()
        indent = len(line) - len(line.lstrip())
        if block is not None and text and indent < block:
            block = None
        after_blank = number > 0 and not lines[number - 1].strip()
        if block is None and text and after_blank and indent > base and not _ITEM.match(line):
            block = indent
            marked += [*escape(prose), f"{' ' * base}::", ""]
            prose = []
        if block is not None:
            marked.append(line)
            continue
        if text:
            base = indent
        prose.append(line)
        if not text:
            marked += escape(prose)
            prose = []
    return marked + escape(prose)


def escape(lines: list[str]) -> list[str]:
    """A paragraph: backticked words as roles or literals, other characters escaped."""
    parts = re.split(r"(``[^`]+``|`[^`]+`)", "\n".join(lines))
    text = "".join(_quoted(part) if part.startswith("`") else _plain(part) for part in parts)
    text = re.sub(r"(?<=[\w>)]`)(?=\w)", r"\\ ", text)  # a plural's s behind a role
    return text.split("\n") if lines else []


def _quoted(part: str) -> str:
    word = " ".join(part.strip("`").split())
    module = word.removeprefix("musclehand.")
    if module in modules():
        return f":py:mod:`{word} <musclehand.{module}>`"
    if re.fullmatch(r"[A-Za-z_][\w.]*", word):
        return f":py:obj:`{word}`"
    return f"``{word}``"


def _plain(part: str) -> str:
    escaped = re.sub(
        r"[*]{2}|[*]\w+[*]|[*|]",  # bold and *emphasis* are kept
        lambda found: found[0] if len(found[0]) > 1 else f"\\{found[0]}",
        part.replace("\\", "\\\\"),
    )
    return re.sub(r"(?<=\w)_(?!\w)", r"\\_", escaped)


@lru_cache
def modules() -> frozenset[str]:
    """Names of modules and packages below musclehand, without its name."""
    names = set()
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        names.add(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return frozenset(names - {""})


def setup(app: Sphinx) -> dict[str, bool]:
    """Connects the translation ahead of napoleon."""
    app.connect("autodoc-process-docstring", translate, priority=400)
    return {"parallel_read_safe": True}
