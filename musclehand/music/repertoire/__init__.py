"""The built-in pieces: public-domain music typed in by hand, one text file each (see
`musclehand.music.formats.notation`)."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import NamedTuple

from musclehand.core.errors import UnknownName
from musclehand.music.formats.notation import Header, parse_header, parse_notation
from musclehand.music.score import Score


class Piece(NamedTuple):
    """An entry of the repertoire: `level` 1 (easy) to 10, length in seconds, and where the music
    is from."""

    name: str
    title: str
    composer: str
    level: int
    seconds: float
    source: str


def list_pieces() -> tuple[Piece, ...]:
    """All pieces from easy to hard, pieces of one level by name."""
    pieces = [_describe(name, parse_header(text, f"{name}.txt")) for name, text in _texts().items()]
    return tuple(sorted(pieces, key=lambda piece: (piece.level, piece.name)))


def load_piece(name: str) -> Score:
    """The score of a piece.

    Raises:
        UnknownName: there is no such piece; names the ones that are close.
    """
    texts = _texts()
    if name not in texts:
        raise UnknownName("piece", name, available=texts)
    return _score(name)


def _describe(name: str, header: Header) -> Piece:
    return Piece(
        name, header.title, header.composer, header.level, _score(name).duration, header.source
    )


@cache
def _score(name: str) -> Score:
    return parse_notation(_texts()[name], f"{name}.txt")


@cache
def _texts() -> dict[str, str]:
    files = sorted(resources.files(__package__).iterdir(), key=lambda file: file.name)
    return {
        f.name.removesuffix(".txt"): f.read_text(encoding="utf-8")
        for f in files
        if f.name.endswith(".txt")
    }
