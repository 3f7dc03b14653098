"""Scores by file or by name of a piece, as the SCORE argument of every command."""

from __future__ import annotations

import math
import os
from pathlib import Path

from musclehand.core.errors import InvalidValue, ScoreError, UnknownName
from musclehand.music.formats.reading import READERS, read_score
from musclehand.music.formats.score_file import check_limits
from musclehand.music.repertoire import list_pieces, load_piece
from musclehand.music.score import Score

__all__ = ["TEMPO_RANGE", "load_score"]

TEMPO_RANGE = (0.05, 20.0)
"""Slowest and fastest legal `tempo` of `load_score` [times the written tempo]; beyond it, a
mistyped number is more likely than a musical wish."""


def check_tempo(tempo: float) -> None:
    """Checks a factor on the tempo.

    Raises:
        InvalidValue: it is outside `TEMPO_RANGE`.
    """
    slowest, fastest = TEMPO_RANGE
    if not slowest <= tempo <= fastest:
        raise InvalidValue("tempo", tempo, f"a number from {slowest:g} to {fastest:g}")


def load_score(
    source: str | os.PathLike[str],
    *,
    clip: tuple[float, float] | None = None,
    tempo: float = 1.0,
) -> Score:
    """Load a score from a file, or a piece of the bundled repertoire by its name.

    A file goes before a piece of the same name.

    Args:
        source: path of a MIDI, MusicXML or PIG fingering file, or the name of a piece
            (`musclehand.music.repertoire.list_pieces`).
        clip: keep the notes struck between these two times [s] of the score as written; the first
            of them becomes time 0. By default the whole score is kept.
        tempo: play this many times as fast as written, within `TEMPO_RANGE`.

    Returns:
        The score; its times are those of the clip at the new tempo.

    Raises:
        MusclehandError: there is no such file or piece, the file is not readable, an argument is
            out of its range, or no note is left to play.
    """
    check_tempo(tempo)
    if clip is not None and not (0 <= clip[0] < clip[1] and math.isfinite(clip[1])):
        raise InvalidValue(
            "clip", clip, "two times in seconds, from 0 on, the first below the second"
        )
    score = _read(os.fspath(source))
    if clip is not None:
        part = score.clip(*clip)
        if not part.notes:
            length = f"the last note ends at {score.duration:.2f} s"
            raise ScoreError(source, f"no notes between {clip[0]:g} and {clip[1]:g} s; {length}")
        score = part
    return check_limits(score.stretch(1.0 / tempo), source) if tempo != 1.0 else score


def _read(source: str) -> Score:
    """The score of a file, or else of the piece of that name."""
    pieces = [piece.name for piece in list_pieces()]
    if source in pieces and not Path(source).is_file():
        return load_piece(source)
    names_a_file = Path(source).suffix.lower() in READERS or Path(source).name != source
    if names_a_file or os.path.lexists(source):
        return read_score(source)
    raise UnknownName("file or piece", source, pieces)
