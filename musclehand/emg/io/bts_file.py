"""EMG tracks in the ASCII format of BTS (.emt).

Lines of facts (type, unit, number of tracks, rate, number of frames) stand above a table with the
columns Frame and Time and one for each track.
"""

from __future__ import annotations

import re
from dataclasses import replace
from os import PathLike

from musclehand.emg.io.column_map import ColumnMap
from musclehand.emg.io.csv_file import read_table
from musclehand.emg.io.table_layout import unit_in
from musclehand.emg.io.text_file import read_text, shown
from musclehand.emg.recording import EmgFileError, EmgRecording

MAGIC = "BTS ASCII format"
"""First line of a file."""

_FACT = re.compile(r"\s*(Type|Tracks|Frames|Start time)\s*:\s*(.*?)\s*$", re.I)
_HEAD_LINES = 40


def read_bts(path: str | PathLike[str], columns: ColumnMap | None = None) -> EmgRecording:
    """Reads a file of EMG tracks.

    Args:
        path: the file.
        columns: roles of the columns; None: all tracks are channels.

    Raises:
        EmgFileError: no such file, tracks of something else, or fewer frames than it states.
    """
    lines = read_text(path).rstrip("\n").split("\n")
    if not lines[0].strip().lower().startswith(MAGIC.lower()):
        raise EmgFileError(path, f"does not begin with {MAGIC!r}", where="line 1")
    matches = (_FACT.match(line) for line in lines[:_HEAD_LINES])
    facts = {match.group(1).lower(): match.group(2) for match in matches if match}
    kind = facts.get("type", "")
    if "emg" not in kind.lower() and unit_in(lines[:_HEAD_LINES]) is None:
        raise EmgFileError(path, f"holds {shown(kind or 'no type')}; there must be EMG tracks")
    recording = read_table(path, lines, columns, reader="BTS ASCII")
    frames = facts.get("frames", "")
    count = len(recording.samples)
    if frames.isdecimal() and len(frames) < 12 and int(frames) != count:
        note = f"{count} of {int(frames)} frames are in the file"
        notes = "; ".join(filter(None, (recording.provenance.get("note"), note)))
        return replace(recording, provenance={**recording.provenance, "note": notes})
    return recording
