"""Pieces of the piano literature on file, and the figures of players on them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from musclehand.core.errors import FileError
from musclehand.music.metrics import score_performance
from musclehand.music.score import Score

SUFFIXES = (".mid", ".midi", ".musicxml", ".mxl", ".xml")
"""Files that are taken as music."""

PERFORMANCE, SCORE = "performance", "score"
"""Kinds of pieces: recorded, or as written."""

ASAP_SCORES = ("xml_score.musicxml", "midi_score.mid")
"""Names of the written piece in ASAP's folders composer/group/piece, the one that is taken first.
All other MIDI files beside it are performances (github.com/fosfrancesco/asap-dataset)."""

MAESTRO_TABLE = "maestro-v3.0.0.csv"
"""Table of MAESTRO v3, in its top folder; columns `split` and `midi_filename` are read."""

MAESTRO_CLIP = (0.0, 30.0)
"""[s] part of each piece that published figures are for."""

MAESTRO_PIECES = 177
"""Pieces of the test split of MAESTRO v3."""

FIGURES: Mapping[str, tuple[str, int]] = {
    "onset_f1_50ms": ("onset F1 50 ms", 3),
    "frame_f1_micro": ("frame F1 micro", 3),
    "frame_f1_mean": ("frame F1 mean over steps", 3),
    "heard_frame_f1_micro": ("heard", 3),
    "velocity_f1": ("Velocity F1", 3),
    "missed": ("missed", 1),
    "extra": ("extra", 1),
    "onset_error_ms_median": ("onset error median [ms]", 1),
    "velocity_correlation": ("velocity r", 2),
}
"""Figures of `music.metrics` in tables: heading and digits."""


class Piece(NamedTuple):
    """A piece on file."""

    name: str
    """Path below the folder, without suffix."""

    path: str
    """File."""

    kind: str
    """`PERFORMANCE` or `SCORE`."""


def find_pieces(folder: Path) -> list[Piece]:
    """All pieces in a folder and those below it, by name; ASAP's folders are known.

    Raises:
        FileError: there is no such folder, or no music in it.
    """
    if not folder.is_dir():
        raise FileError(folder, "is no folder")
    pieces = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in SUFFIXES or not path.is_file():
            continue
        written = [name for name in ASAP_SCORES if (path.parent / name).is_file()]
        if path.name in written[1:]:
            continue
        notated = path.name in written or path.suffix.lower() not in (".mid", ".midi")
        name = path.relative_to(folder).with_suffix("").as_posix()
        pieces.append(Piece(name, str(path), SCORE if notated else PERFORMANCE))
    if not pieces:
        raise FileError(folder, f"has no music in it ({', '.join(SUFFIXES)})")
    return pieces


def find_maestro(folder: Path) -> list[Piece]:
    """The pieces of MAESTRO v3's test split, by file name.

    Raises:
        FileError: the table or a file is missing.
    """
    table = folder / MAESTRO_TABLE
    try:
        with table.open(newline="", encoding="utf-8") as stream:
            rows = [row for row in csv.DictReader(stream) if row.get("split") == "test"]
    except OSError as error:
        raise FileError(table, error.strerror or str(error)) from None
    names = sorted(row.get("midi_filename") or "" for row in rows)
    if len(names) != MAESTRO_PIECES:
        raise FileError(table, f"has {len(names)} pieces in its test split, not {MAESTRO_PIECES}")
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise FileError(folder / missing[0], f"is missing, and {len(missing) - 1} others")
    return [
        Piece(Path(name).with_suffix("").as_posix(), str(folder / name), PERFORMANCE)
        for name in names
    ]


def figures(target: Score, played: Score) -> dict[str, float | int | None]:
    """What is shown of one player.

    Args:
        target: what one keyboard can be asked to play.
        played: the notes that sounded, with the pedal.
    """
    metrics = score_performance(target, played)
    return {name: getattr(metrics, name) for name in FIGURES}


def means(rows: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Mean of every figure over pieces that have it."""
    values: dict[str, list[float]] = {}
    for row in rows:
        for name, value in row.items():
            if value is not None:
                values.setdefault(name, []).append(float(value))
    return {name: float(np.mean(column)) for name, column in values.items()}
