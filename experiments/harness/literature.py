"""Pieces of the piano literature on file, and the figures of players on them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from musclehand.core.errors import FileError
from musclehand.music.metrics import STRICT_TOLERANCE, match_notes, score_performance
from musclehand.music.score import Pedal, Score

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

SAME_VELOCITY = 8
"""MIDI velocities that count as equal in Velocity F1, as published (CANTABILE)."""


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


def figures(target: Score, played: Score, pedals: Sequence[Pedal]) -> dict[str, float | int | None]:
    """What is shown of one player.

    Args:
        target: what one keyboard can be asked to play.
        played: the notes that sounded.
        pedals: under which both are heard.
    """
    metrics = score_performance(target, played)
    heard = score_performance(heard_score(target, pedals), heard_score(played, pedals))
    return {
        "onset_f1_50ms": metrics.onset_f1_50ms,
        "frame_f1_micro": metrics.frame_f1_micro,
        "frame_f1_mean": metrics.frame_f1_mean,
        "heard_frame_f1_micro": heard.frame_f1_micro,
        "velocity_f1": velocity_f1(target, played),
        "missed": metrics.missed,
        "extra": metrics.extra,
        "onset_error_ms_median": metrics.onset_error_ms_median,
        "velocity_correlation": metrics.velocity_correlation,
    }


def heard_score(score: Score, pedals: Sequence[Pedal]) -> Score:
    """Notes as they sound: until the pedal comes up, or the same key is struck again."""
    again: dict[int, float] = {}
    notes = []
    for note in reversed(score.notes):
        end = note.offset
        for pedal in pedals:
            if pedal.start <= note.offset < pedal.end:
                end = max(end, min(pedal.end, again.get(note.pitch, np.inf)))
        again[note.pitch] = note.onset
        notes.append(replace(note, offset=end))
    return score.with_notes(notes)


def velocity_f1(target: Score, played: Score) -> float | None:
    """Note F1 by onsets within 50 ms and velocities within `SAME_VELOCITY`; None without notes."""
    if not len(target) + len(played):
        return None
    pairs = match_notes(target, played, tolerance=STRICT_TOLERANCE)
    equal = sum(
        abs(target.notes[pair.reference].velocity - played.notes[pair.played].velocity)
        <= SAME_VELOCITY
        for pair in pairs
    )
    return 2 * equal / (len(target) + len(played))


def kept_share(target: Score, planned: Score) -> float | None:
    """Share of the written key-down time in which the plan has the key down; None without notes.

    Args:
        target: what one keyboard can be asked to play.
        planned: the same notes as the plan releases them, without those left out.
    """
    written = sum(note.duration for note in target.notes)
    kept = 0.0
    for pair in match_notes(target, planned, tolerance=STRICT_TOLERANCE):
        note, plan = target.notes[pair.reference], planned.notes[pair.played]
        kept += max(min(note.offset, plan.offset) - max(note.onset, plan.onset), 0.0)
    return kept / written if written else None


def means(rows: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Mean of every figure over pieces that have it."""
    values: dict[str, list[float]] = {}
    for row in rows:
        for name, value in row.items():
            if value is not None:
                values.setdefault(name, []).append(float(value))
    return {name: float(np.mean(column)) for name, column in values.items()}
