"""Reading a score file of any format: the content decides the format, the file name only where
the content cannot.

MIDI files begin with MThd, compressed MusicXML is a zip archive, MusicXML is XML, and PIG fingering
files are text named `.txt` or `.pig`. Limits, the same for all: `MAX_FILE_BYTES`, `MAX_NOTES`,
`MAX_DURATION`, `MAX_SILENCE` (`music.formats.score_file`), and those of each format in its own
module. For any content, reading either returns a `Score` with at least one note or raises a
one-line `ScoreError`, within seconds and a few hundred megabytes of memory.
"""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from pathlib import Path

from musclehand.core.errors import ScoreError
from musclehand.music.formats.midi import read_midi
from musclehand.music.formats.musicxml import read_musicxml
from musclehand.music.formats.pig import read_pig
from musclehand.music.formats.score_file import (
    MAX_DURATION,
    MAX_FILE_BYTES,
    MAX_NOTES,
    MAX_SILENCE,
    read_bytes,
)
from musclehand.music.score import Score

__all__ = ["MAX_DURATION", "MAX_FILE_BYTES", "MAX_NOTES", "MAX_SILENCE", "READERS", "read_score"]

Reader = Callable[[str | PathLike[str]], Score]

READERS: dict[str, Reader] = {
    ".mid": read_midi,
    ".midi": read_midi,
    ".musicxml": read_musicxml,
    ".xml": read_musicxml,
    ".mxl": read_musicxml,
    ".txt": read_pig,
    ".pig": read_pig,
}
"""Reader for each file name extension."""

_BEGINNINGS: tuple[tuple[bytes, Reader], ...] = (
    (b"MThd", read_midi),
    (b"PK\x03\x04", read_musicxml),
    (b"<", read_musicxml),
    (b"\xef\xbb\xbf<", read_musicxml),
    (b"\xff\xfe<\x00", read_musicxml),
    (b"\xfe\xff\x00<", read_musicxml),
)


def read_score(path: str | PathLike[str]) -> Score:
    """Read a MIDI, MusicXML (plain or compressed) or PIG fingering file.

    Raises:
        ScoreError: the file is missing, unreadable, empty, of no known format, damaged, above a
            limit, or has no note that a piano can play.
    """
    beginning = read_bytes(path)[:64].lstrip()
    for mark, reader in _BEGINNINGS:
        if beginning.startswith(mark):
            return reader(path)
    extension = Path(path).suffix.lower()
    if extension not in READERS:
        raise ScoreError(path, f"is not a score in a known format; known are {', '.join(READERS)}")
    return READERS[extension](path)
