"""Sound checked by film: notes that no fingertip is near are ghosts of the transcription.

Octaves and fifths of a note are the usual ghosts. A fingertip is near the key of a true note, and
of most ghosts none is. Notes so faint that a transcription is in doubt are kept if a fingertip is
on their key.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from musclehand.core.errors import InvalidValue
from musclehand.music.score import Note, Score
from musclehand.piano.geometry import PianoParameters
from musclehand.watch.clock import NEAR
from musclehand.watch.contacts import area_distance, find_touches, keys_of, track_tips
from musclehand.watch.landmarks import HandLandmarks
from musclehand.watch.view import KeyboardView

ERRORS_NEAR = 1.8
"""Errors of the film within which a fingertip is near, where that is more than `clock.NEAR`: the
8 mm of a film with an error of 4.4 mm."""

KEPT = "kept"
"""Reason of a note with a fingertip on its key."""

UNSEEN = "kept, no hand was visible"
"""Reason of a note about which the film tells nothing."""


@dataclass(frozen=True, eq=False)
class CrossCheck:
    """Which notes of a transcription the film confirms."""

    score: Score
    """The notes kept, those with a fingertip on their key and those about which nothing is known,
    and a remark about those dropped."""

    dropped: tuple[tuple[Note, str], ...] = field(repr=False)
    """Notes that are left out, each with the reason."""

    reason: tuple[str, ...] = field(repr=False)
    """Of each note of the transcription: `KEPT`, `UNSEEN`, or why it is dropped."""

    distance: np.ndarray = field(repr=False)
    """[m] Distance of the nearest fingertip from the area of each note's key, NaN where no hand was
    visible. Shape (n,)."""


def check_by_film(
    landmarks: HandLandmarks,
    view: KeyboardView,
    score: Score,
    *,
    faint: Score | None = None,
    error: float = 0.0,
    offset: np.ndarray | None = None,
    piano: PianoParameters | None = None,
) -> CrossCheck:
    """Drops the notes that no fingertip is near.

    Args:
        landmarks: of the film.
        view: its camera.
        score: transcribed notes, in the time of the film.
        faint: notes in which the transcription has less trust; only those with a fingertip on
            their key are taken.
        error: of the film [m] (`evidence.FingerEvidence`).
        offset: displacements of the fingertips' landmarks along the keyboard [m]
            (`evidence.FingerEvidence`). Shape (2, 5).
        piano: the keyboard, by default the bundled one.

    Raises:
        InvalidValue: the error is negative or not finite.
    """
    if not (np.isfinite(error) and error >= 0.0):
        raise InvalidValue("error of the film", error, "0 m or more")
    faint_notes = set() if faint is None else set(faint.notes) - set(score.notes)
    everything = score.with_notes((*score.notes, *faint_notes))
    touches = find_touches(track_tips(landmarks, view, piano=piano), everything, piano=piano)
    shift = np.zeros((2, 5)) if offset is None else offset
    places = touches.places - np.stack([shift, np.zeros_like(shift)], axis=-1)
    away = area_distance(keys_of(piano), everything.pitches - 21, places)
    nearest = np.where(np.isnan(away), np.inf, away).min(axis=(1, 2), initial=np.inf)
    near = max(NEAR, ERRORS_NEAR * error)
    reasons = [
        _reason(float(distance), near, faint=note in faint_notes)
        for note, distance in zip(everything.notes, nearest, strict=True)
    ]
    pairs = list(zip(everything.notes, reasons, strict=True))
    kept = [note for note, reason in pairs if reason in (KEPT, UNSEEN)]
    dropped = tuple(pair for pair in pairs if pair[1] not in (KEPT, UNSEEN))
    lost = sum(note not in faint_notes for note, _ in dropped)
    remark = (f"{lost} of {len(score)} notes dropped, no fingertip was near",) if lost else ()
    checked = Score(tuple(kept), score.pedals, score.title, score.remarks + remark)
    distance = np.where(np.isinf(nearest), np.nan, nearest)
    return CrossCheck(checked, dropped, tuple(reasons), distance)


def _reason(distance: float, near: float, *, faint: bool) -> str:
    """Why a note is kept or dropped.

    Args:
        distance: of the nearest fingertip from its key [m], infinite if no hand was visible.
        near: distance up to which a fingertip is on the key [m].
        faint: the transcription has little trust in the note.
    """
    if np.isinf(distance):
        return "dropped, faint and no hand was visible" if faint else UNSEEN
    if distance <= near:
        return KEPT
    return f"dropped, the nearest fingertip is {1e3 * distance:.0f} mm off"
