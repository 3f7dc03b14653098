"""What became of the notes: hit, missed, struck without being written, and keys only brushed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from musclehand.core.recording import Recording
from musclehand.music.metrics import WIDE_TOLERANCE, match_notes
from musclehand.music.pitch import LOWEST_PITCH, NUM_KEYS
from musclehand.music.score import Finger, Hand, Note, Score
from musclehand.piano.geometry import keyboard_geometry
from musclehand.sim.scene import Scene

HIT, MISSED, EXTRA, BRUSHED = "hit", "missed", "extra", "brushed"
"""Kinds of notes. Extra ones sounded and are not written; brushed keys went down and did not
sound."""

BRUSH_SHARE = 0.25
"""A key is brushed from this share on of the travel at which it sounds: 2 mm of a white key.
Chosen."""

BLOCK = 5000
"""Rows of key angles in memory at a time."""


class ShownNote(NamedTuple):
    """A note or a brushed key."""

    kind: str
    """Of the kinds above."""

    pitch: int
    """MIDI pitch."""

    hand: int
    """0 left, 1 right, -1 not known."""

    finger: int
    """1 (thumb) to 5, 0 not known."""

    written: tuple[float, float] | None
    """[s] onset and offset in the score; None: not written."""

    played: tuple[float, float] | None
    """[s] when the key sounded, or was brushed; None: it did not."""

    velocity: int
    """MIDI velocity that sounded, else that is written; 0 for brushed keys."""


def read_score(recording: Recording, table: str) -> Score:
    """The notes of a table of a recording.

    Args:
        recording: of a performance.
        table: "score" or "played"; one that is not there is empty.
    """
    if table not in recording.tables:
        return Score(())
    content = recording.table(table)
    at = {name: index for index, name in enumerate(content.columns)}
    notes = [
        Note(
            float(row[at["onset"]]),
            int(row[at["pitch"]]),
            float(row[at["offset"]]),
            velocity=int(row[at["velocity"]]),
            hand=None if row[at["hand"]] < 0 else Hand(int(row[at["hand"]])),
            finger=Finger(int(row[at["finger"]])) if row[at["finger"]] > 0 else None,
        )
        for row in content.values
    ]
    return Score(tuple(notes), title=str(recording.metadata.get("title", "")))


def shown_notes(recording: Recording, scene: Scene) -> list[ShownNote]:
    """All notes and brushed keys, by time.

    Args:
        recording: of a performance.
        scene: that was played in.
    """
    score, played = read_score(recording, "score"), read_score(recording, "played")
    matches = match_notes(score, played, tolerance=WIDE_TOLERANCE)
    partner = {match.reference: match.played for match in matches}
    notes = []
    for index, note in enumerate(score.notes):
        hand = -1 if note.hand is None else int(note.hand)
        sounded = played.notes[partner[index]] if index in partner else None
        notes.append(
            ShownNote(
                MISSED if sounded is None else HIT,
                note.pitch,
                hand,
                int(note.finger or 0),
                (note.onset, note.offset),
                None if sounded is None else (sounded.onset, sounded.offset),
                note.velocity if sounded is None else sounded.velocity,
            )
        )
    matched = set(partner.values())
    for index, note in enumerate(played.notes):
        if index not in matched:
            span = (note.onset, note.offset)
            notes.append(ShownNote(EXTRA, note.pitch, -1, 0, None, span, note.velocity))
    notes += _brushed_keys(recording, scene, played)
    return sorted(notes, key=lambda note: note.written or note.played or (0.0, 0.0))


def _brushed_keys(recording: Recording, scene: Scene, played: Score) -> list[ShownNote]:
    """Keys that went down by `BRUSH_SHARE` and came up again without a sound."""
    time = np.asarray(recording["time"][:], dtype=float)
    level = BRUSH_SHARE * keyboard_geometry(scene.piano).on_angle
    angles = recording["key_angle"]
    down = np.zeros((len(time) + 2, NUM_KEYS), dtype=bool)
    for first in range(0, len(time), BLOCK):
        block = angles[first : first + BLOCK]
        down[1 + first : 1 + first + len(block)] = block > level
    sounding: dict[int, list[Note]] = {}
    for note in played.notes:
        sounding.setdefault(note.pitch, []).append(note)
    brushed = []
    for key in np.flatnonzero(down.any(axis=0)):
        pitch = int(key) + LOWEST_PITCH
        edges = np.flatnonzero(np.diff(down[:, key].astype(int)))
        for begin, end in edges.reshape(-1, 2):
            start, stop = float(time[begin]), float(time[end - 1])
            notes = sounding.get(pitch, [])
            if not any(note.onset <= stop and start <= note.offset for note in notes):
                brushed.append(ShownNote(BRUSHED, pitch, -1, 0, None, (start, stop), 0))
    return brushed
