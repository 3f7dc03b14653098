"""Limits of score files, for all formats, and reading a file of any of them.

The limits are far above any piece of music and far below sizes that would stall the program. A
longer or larger file is refused with a one-line error before memory is allocated for it.
"""

from __future__ import annotations

import os
import stat
from os import PathLike
from pathlib import Path

from musclehand.core.errors import ScoreError
from musclehand.music.score import Score

MAX_FILE_BYTES = 20_000_000
"""[bytes] Largest score file that is opened. A 14-minute piano recording takes about 0.2 MB as
MIDI."""

MAX_NOTES = 100_000
"""Most notes in one score: close to three hours of piano recordings (MAESTRO: 7.0 million notes
in 199 h)."""

MAX_DURATION = 4 * 3600.0
"""[s] Longest score."""

MAX_SILENCE = 600.0
"""[s] Longest time in which no key is struck, from the beginning to the end of the last note.

Damaged or hostile files put a note at an absurd time; no piece rests for ten minutes.
"""


def read_bytes(path: str | PathLike[str]) -> bytes:
    """Read a score file into memory.

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


def format_count(number: int, noun: str) -> str:
    """A count with its noun: "1 note", "2 notes", "1,000 notes"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def check_limits(score: Score, path: str | PathLike[str]) -> Score:
    """Return the score unchanged if it is within the limits of this module.

    Args:
        score: the score to check.
        path: file or piece that the error message names.

    Raises:
        ScoreError: the score has no notes, has more than `MAX_NOTES`, lasts longer than
            `MAX_DURATION`, or strikes no key for longer than `MAX_SILENCE`.
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
                f"nothing is struck for {moment - struck:.0f} s; the limit is "
                f"{MAX_SILENCE:.0f} s; is it damaged?",
                where=f"second {struck:.1f}",
            )
        struck = moment
    return score
