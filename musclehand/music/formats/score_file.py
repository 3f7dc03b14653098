"""Files on their way in and out: what a score file may be, and how a file is replaced in one step.

The limits below hold for every format. They are far above any piece of music and far below what
would stall the program: a longer or larger file is refused with one sentence, before anything is
allocated for it.
"""

from __future__ import annotations

import os
import stat
from os import PathLike
from pathlib import Path

from musclehand.core.errors import OutputError, ScoreError
from musclehand.music.score import Score

MAX_FILE_BYTES = 20_000_000
"""Largest score file that is opened [bytes]. A 14-minute piano recording takes about 0.2 MB as
MIDI."""

MAX_NOTES = 100_000
"""Most notes in one score: close to three hours of piano recordings (MAESTRO: 7.0 million notes
in 199 h)."""

MAX_DURATION = 4 * 3600.0
"""Longest score [s]."""

MAX_SILENCE = 600.0
"""Longest time in which no key is struck [s], counted from the beginning and to the end of the last
note.

Damaged or hostile files put a note at an absurd time; a piece does not wait ten minutes.
"""


def read_bytes(path: str | PathLike[str]) -> bytes:
    """The content of a score file.

    Raises:
        ScoreError: there is no such file, it is a folder or device, may not be read, is empty, or
            is larger than `MAX_FILE_BYTES`.
    """
    try:
        mode = os.stat(path)
        if stat.S_ISDIR(mode.st_mode):
            raise ScoreError(path, "is a folder; name a score file in it")
        if not stat.S_ISREG(mode.st_mode):
            raise ScoreError(path, "is not a regular file")
        if mode.st_size > MAX_FILE_BYTES:
            raise ScoreError(
                path, f"is {mode.st_size:,} bytes long; a score file may have {MAX_FILE_BYTES:,}"
            )
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise ScoreError(path, "no such file") from None
    except PermissionError:
        raise ScoreError(path, "may not be read: permission denied") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise ScoreError(path, f"cannot be read: {error}") from None
    if not data:
        raise ScoreError(path, "is empty")
    return data


def write_bytes(path: str | PathLike[str], data: bytes) -> None:
    """Write a file under a temporary name in the same folder, then rename it: never half a file.

    Raises:
        OutputError: the folder is missing or may not be written to, or the disk is full.
    """
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        try:
            temporary.write_bytes(data)
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        raise OutputError(path, getattr(error, "strerror", None) or str(error)) from None


def counted(number: int, what: str) -> str:
    """A count with its noun: `counted(1, "note") == "1 note"`, `counted(2, "note") == "2
    notes"`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def check_limits(score: Score, path: str | PathLike[str]) -> Score:
    """The same score, if it is one that can be played.

    Raises:
        ScoreError: no notes, more than `MAX_NOTES`, longer than `MAX_DURATION`, or `MAX_SILENCE`
            with nothing struck.
    """
    if not score.notes:
        raise ScoreError(path, "has no notes")
    if len(score) > MAX_NOTES:
        raise ScoreError(path, f"has {len(score):,} notes; the limit is {MAX_NOTES:,}")
    if score.duration > MAX_DURATION:
        raise ScoreError(
            path,
            f"lasts {score.duration:.4g} s; the limit is {MAX_DURATION:.0f} s; is its tempo right?",
        )
    struck = 0.0
    for moment in [*(note.onset for note in score.notes), score.duration]:
        if moment - struck > MAX_SILENCE:
            raise ScoreError(
                path,
                f"nothing is struck for {moment - struck:.0f} s; the limit is {MAX_SILENCE:.0f} s; is it damaged?",
                where=f"second {struck:.1f}",
            )
        struck = moment
    return score
