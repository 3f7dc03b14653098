"""The table `fingers.csv`: hand and finger of every note, and how sure they are.

Columns: `onset_s`, `pitch`, `hand` (L or R), `finger` (1 to 5), `margin`, `distance_mm`, `second`
(such as R3), `visible` (share of the frames at the onset), `kept`. Empty fields are unknown; a
margin of `inf` has no second choice.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np

from musclehand.core.atomic import write_file
from musclehand.core.errors import FileError
from musclehand.music.pitch import is_on_keyboard
from musclehand.music.score import Finger, Hand, Note
from musclehand.watch.cross_check import KEPT
from musclehand.watch.fingers import FingerChoice, WatchedFingers

COLUMNS = (
    *("onset_s", "pitch", "hand", "finger", "margin", "distance_mm", "second", "visible"),
    "kept",
)
"""Heading of the table."""

LARGEST_BYTES = 50_000_000
"""[bytes] Largest file that is read: some 800,000 notes."""

_HANDS = {Hand.LEFT: "L", Hand.RIGHT: "R"}


class FingersFileError(FileError):
    """A file that is not a table of fingers."""


class FingerRow(NamedTuple):
    """A note of the table."""

    onset: float
    """[s] In the time of the film."""

    pitch: int
    """MIDI pitch."""

    choice: FingerChoice | None
    """Hand and finger, None where they are unknown."""

    margin: float
    """What the second choice costs more; infinite without one, 0 or above."""

    distance_mm: float
    """[mm] Distance of the fingertip from the key's area; NaN where unknown."""

    second: FingerChoice | None
    """The second choice."""

    visible: float
    """Share of the frames at the onset in which the fingertip was detected, 0 to 1."""

    kept: str
    """"kept", or why the note was dropped or kept."""


def finger_rows(
    watched: WatchedFingers,
    *,
    reasons: Sequence[str] | None = None,
    dropped: Sequence[tuple[Note, str]] = (),
) -> list[FingerRow]:
    """Rows of the table, in order of onset.

    Args:
        watched: fingers of the film.
        reasons: why each note is kept; by default all are.
        dropped: further notes that have no fingers, with the reasons.
    """
    rows = []
    evidence = watched.evidence
    listed = reasons or (KEPT,) * len(watched.score)
    table = zip(watched.score.notes, watched.margin, watched.second, listed, strict=True)
    for i, (note, margin, second, reason) in enumerate(table):
        choice = None
        distance = math.nan
        visible = float(evidence.visible[i].max())
        if note.hand is not None and note.finger is not None:
            choice = FingerChoice(note.hand, note.finger)
            place = (i, int(note.hand), int(note.finger) - 1)
            distance = 1e3 * float(evidence.distance[place])
            visible = float(evidence.visible[place])
        rows.append(
            FingerRow(
                note.onset, note.pitch, choice, float(margin), distance, second, visible, reason
            )
        )
    rows += [
        FingerRow(note.onset, note.pitch, None, 0.0, math.nan, None, 0.0, reason)
        for note, reason in dropped
    ]
    return sorted(rows, key=lambda row: (row.onset, row.pitch))


def write_fingers(path: str | PathLike[str], rows: Sequence[FingerRow]) -> None:
    """Writes the table, whole or not at all.

    Args:
        path: of the file.
        rows: of the notes.

    Raises:
        OutputError: it cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        hand, finger = ("", "")
        if row.choice is not None:
            hand, finger = _HANDS[row.choice.hand], str(int(row.choice.finger))
        second = row.second
        writer.writerow(
            (
                f"{row.onset:.4f}",
                row.pitch,
                hand,
                finger,
                f"{row.margin:.3f}",
                "" if math.isnan(row.distance_mm) else f"{row.distance_mm:.1f}",
                "" if second is None else f"{_HANDS[second.hand]}{int(second.finger)}",
                f"{row.visible:.2f}",
                row.kept,
            )
        )
    write_file(path, text.getvalue())


def read_fingers(path: str | PathLike[str]) -> list[FingerRow]:
    """Reads the table.

    Args:
        path: of the file.

    Raises:
        FingersFileError: the file is missing, too large, or not such a table.
    """
    try:
        if Path(path).stat().st_size > LARGEST_BYTES:
            raise FingersFileError(path, f"larger than {LARGEST_BYTES // 1_000_000} MB")
        text = Path(path).read_bytes().decode("utf-8")
    except OSError as error:
        raise FingersFileError(path, f"cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise FingersFileError(path, "not UTF-8 text") from error
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise FingersFileError(path, f"not a table ({error})") from error
    if not lines or tuple(lines[0]) != COLUMNS:
        raise FingersFileError(path, f"not headed {','.join(COLUMNS)}")
    rows = []
    for number, cells in enumerate(lines[1:], start=2):
        try:
            rows.append(_row(cells))
        except ValueError as error:
            raise FingersFileError(path, str(error), where=f"line {number}") from error
    return rows


def _row(cells: Sequence[str]) -> FingerRow:
    """A row of the table.

    Raises:
        ValueError: a cell is not legal.
    """
    if len(cells) != len(COLUMNS):
        raise ValueError(f"{len(cells)} cells, {len(COLUMNS)} are needed")
    onset, pitch, hand, finger, margin, distance, second, visible, kept = cells
    row = FingerRow(
        onset=float(onset),
        pitch=int(pitch),
        choice=_choice(hand + finger),
        margin=float(margin),
        distance_mm=float(distance) if distance else math.nan,
        second=_choice(second),
        visible=float(visible),
        kept=kept,
    )
    if not (math.isfinite(row.onset) and row.onset >= 0.0 and is_on_keyboard(row.pitch)):
        raise ValueError(f"no note begins at {onset!r} with pitch {pitch!r}")
    if not row.margin >= 0.0 or np.isinf(row.distance_mm) or row.distance_mm < 0.0:
        raise ValueError(f"margin {margin!r} or distance {distance!r} is negative or no number")
    if not 0.0 <= row.visible <= 1.0:
        raise ValueError(f"visible is {visible!r}, it must be 0 to 1")
    return row


def _choice(text: str) -> FingerChoice | None:
    """A hand and finger such as R3, None for an empty text.

    Raises:
        ValueError: it is neither.
    """
    if not text:
        return None
    hands = {letter: hand for hand, letter in _HANDS.items()}
    if len(text) != 2 or text[0] not in hands or text[1] not in "12345":
        raise ValueError(f"{text!r} is not a hand and a finger, L or R and 1 to 5")
    return FingerChoice(hands[text[0]], Finger(int(text[1])))
