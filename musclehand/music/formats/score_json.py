"""Scores as plain data for JSON, to the last bit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from musclehand.music.score import Finger, Hand, Note, Pedal, Score


def score_to_dict(score: Score) -> dict[str, Any]:
    """A score as plain data; notes as onset [s], offset [s], pitch, velocity, hand, finger."""
    return {
        "title": score.title,
        "notes": [
            [
                note.onset,
                note.offset,
                note.pitch,
                note.velocity,
                None if note.hand is None else int(note.hand),
                None if note.finger is None else int(note.finger),
            ]
            for note in score.notes
        ],
        "pedals": [[pedal.start, pedal.end] for pedal in score.pedals],
        "remarks": list(score.remarks),
    }


def score_from_dict(data: Mapping[str, Any]) -> Score:
    """The score that `score_to_dict` was given.

    Raises:
        KeyError, OverflowError, TypeError, ValueError: the data is no score's.
        InvalidValue: a note or pedal is out of range.
    """
    notes = [
        Note(
            onset=float(onset),
            pitch=int(pitch),
            offset=float(offset),
            velocity=int(velocity),
            hand=None if hand is None else Hand(hand),
            finger=None if finger is None else Finger(finger),
        )
        for onset, offset, pitch, velocity, hand, finger in data["notes"]
    ]
    return Score(
        notes=tuple(notes),
        pedals=tuple(Pedal(float(start), float(end)) for start, end in data["pedals"]),
        title=str(data["title"]),
        remarks=tuple(map(str, data["remarks"])),
    )
