"""The bundled repertoire: public-domain pieces typed in by hand, a text file each.

The format of the files is that of `musclehand.music.formats.notation`.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import NamedTuple

from musclehand.core.errors import UnknownName
from musclehand.music.formats.notation import Header, parse_header, parse_notation
from musclehand.music.score import Score


class Piece(NamedTuple):
    """An entry of the repertoire."""

    name: str
    """Name by which `load_piece` finds the piece."""

    title: str
    """Title of the piece."""

    composer: str
    """Composer, or "traditional"."""

    level: int
    """Difficulty, 1 (easy) to 10."""

    seconds: float
    """[s] Length as written."""

    source: str
    """Where the music is from, and its copyright status."""


def list_pieces() -> tuple[Piece, ...]:
    """All pieces from easy to hard; pieces of the same level by name."""
    pieces = [_describe(name, parse_header(text, f"{name}.txt")) for name, text in _texts().items()]
    return tuple(sorted(pieces, key=lambda piece: (piece.level, piece.name)))


def load_piece(name: str) -> Score:
    """Load a piece of the repertoire.

    Raises:
        UnknownName: there is no piece of this name; the error suggests similar names.
    """
    texts = _texts()
    if name not in texts:
        raise UnknownName("piece", name, available=texts)
    return _score(name)


def _describe(name: str, header: Header) -> Piece:
    return Piece(
        name=name,
        title=header.title,
        composer=header.composer,
        level=header.level,
        seconds=_score(name).duration,
        source=header.source,
    )


@cache
def _score(name: str) -> Score:
    return parse_notation(_texts()[name], f"{name}.txt")


@cache
def _texts() -> dict[str, str]:
    files = sorted(resources.files(__package__).iterdir(), key=lambda file: file.name)
    return {
        file.name.removesuffix(".txt"): file.read_text(encoding="utf-8")
        for file in files
        if file.name.endswith(".txt")
    }
