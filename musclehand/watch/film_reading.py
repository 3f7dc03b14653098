"""Landmarks, camera and notes of a film read together: clock, ghosts, fingers, refined camera."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from musclehand.music.score import Note, Score
from musclehand.watch.clock import Clock, find_clock
from musclehand.watch.contacts import find_touches, track_tips
from musclehand.watch.cross_check import KEPT, check_by_film
from musclehand.watch.evidence import gather_evidence
from musclehand.watch.fingers import WatchedFingers, watch_fingers
from musclehand.watch.landmarks import TIPS, HandLandmarks
from musclehand.watch.view import KeyboardView
from musclehand.watch.view_contacts import Contacts, refine_view

SAME_CLOCK = (-0.5, 0.5)
"""[s] Offsets between the picture of a film and its own sound; chosen, more is seen by anybody."""


@dataclass(frozen=True, eq=False)
class FilmReading:
    """Notes of a film with hands and fingers, in its time."""

    watched: WatchedFingers
    """Hands and fingers."""

    clock: Clock
    """Of the notes in the film."""

    view: KeyboardView
    """Camera, refined by the touches."""

    reasons: tuple[str, ...] = field(repr=False)
    """Why each note is kept."""

    dropped: tuple[tuple[Note, str], ...] = field(repr=False)
    """Notes that were heard and that no finger plays, with the reasons."""

    @property
    def sure_score(self) -> Score:
        """The score, with fingers blank where the film leaves them uncertain."""
        score = self.watched.score
        notes = [
            replace(note, finger=None) if doubtful else note
            for note, doubtful in zip(score.notes, self.watched.uncertain, strict=True)
        ]
        return score.with_notes(notes)

    def figures(self) -> dict[str, Any]:
        """How well film and notes agree."""
        evidence = self.watched.evidence
        return {
            "notes": len(self.watched.score),
            "notes_dropped": len(self.dropped),
            "notes_with_uncertain_finger": int(self.watched.uncertain.sum()),
            "clock_offset_s": self.clock.offset,
            "clock_drift": self.clock.drift,
            "notes_with_finger_on_key": self.clock.share,
            "fingertip_error_mm": 1e3 * evidence.error,
            "evidence_weight": evidence.weight,
        }


def read_film(
    landmarks: HandLandmarks,
    view: KeyboardView,
    score: Score,
    *,
    heard: bool,
    same_clock: bool,
) -> FilmReading:
    """Finds when, by which hand and by which finger the notes are played in a film.

    Args:
        landmarks: of the film.
        view: its camera.
        score: notes on a clock of their own.
        heard: the notes are a transcription, so those that no finger plays are ghosts.
        same_clock: the notes were heard in the sound of the film.

    Raises:
        ClockError: film and notes do not belong together.
    """
    clock = find_clock(landmarks, view, score, search=SAME_CLOCK if same_clock else None)
    placed = _within(clock.to_film(score), float(landmarks.time[-1]))
    reasons: Sequence[str] = (KEPT,) * len(placed)
    dropped: tuple[tuple[Note, str], ...] = ()
    if heard:
        evidence = gather_evidence(landmarks, view, placed)
        check = check_by_film(landmarks, view, placed, error=evidence.error, offset=evidence.offset)
        dropped = check.dropped
        lost = {id(note) for note, _ in dropped}
        pairs = zip(placed.notes, check.reason, strict=True)
        reasons = [reason for note, reason in pairs if id(note) not in lost]
        placed = check.score
    watched = watch_fingers(landmarks, view, placed)
    refined = refine_view(view, touched_keys(landmarks, view, watched))
    watched = watch_fingers(landmarks, refined, placed)
    return FilmReading(watched, clock, refined, tuple(reasons), dropped)


def touched_keys(landmarks: HandLandmarks, view: KeyboardView, watched: WatchedFingers) -> Contacts:
    """Where fingertips touch their keys in the picture, the displacements of landmarks removed.

    Args:
        landmarks: of the film.
        view: its camera.
        watched: hands and fingers of the notes.
    """
    score = watched.score
    touches = find_touches(track_tips(landmarks, view), score)
    pixels = []
    pitches = []
    for i, note in enumerate(score.notes):
        if note.hand is None or note.finger is None or watched.uncertain[i]:
            continue
        hand = int(note.hand)
        finger = int(note.finger) - 1
        frame = int(np.argmin(np.abs(landmarks.time - note.onset)))
        tip = landmarks.points[frame, hand, TIPS[finger]]
        if touches.visible[i, hand, finger] < 1 or not np.isfinite(tip).all():
            continue
        shift = view.focal / view.position[2] * watched.evidence.offset[hand, finger]
        along = view.rotation[:2, 0]
        pixels.append(tip - shift * along)
        pitches.append(note.pitch)
    return Contacts(np.array(pixels).reshape(-1, 2), np.array(pitches, dtype=int))


def _within(score: Score, end: float) -> Score:
    """The notes that begin before the end of the film."""
    return score.with_notes(note for note in score.notes if note.onset < end)
