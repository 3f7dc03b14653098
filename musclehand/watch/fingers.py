"""Fingers of a film: the fingering that costs least with the film's evidence, and how sure it is.

The margin of a note is what the passage about it costs more if the note may not have its finger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from musclehand.music.score import Finger, Hand, Note, Score
from musclehand.piano.geometry import PianoParameters
from musclehand.planning.fingering.assign import assign_fingering
from musclehand.planning.fingering.cost import FingeringConfig
from musclehand.planning.fingering.one_hand import plan_hand
from musclehand.watch.contacts import FINGERS
from musclehand.watch.evidence import FingerEvidence, chosen_fingers, gather_evidence
from musclehand.watch.landmarks import HandLandmarks
from musclehand.watch.view import KeyboardView

UNCERTAIN = 0.2
"""Margin below which a finger is uncertain; chosen."""

NEIGHBOURS = 6
"""Notes of a hand before and after a note that make its passage; chosen, as costs reach two chords
far."""

_BARRED = 1e3
"""Cost of a finger that a note may not have: more than any evidence, less than the impossible."""


class FingerChoice(NamedTuple):
    """A hand and a finger."""

    hand: Hand
    """The hand."""

    finger: Finger
    """The finger."""


@dataclass(frozen=True, eq=False)
class WatchedFingers:
    """Hands and fingers of a score, as they were seen."""

    score: Score
    """All notes of the score with hands and fingers, and their ends as given; notes that no finger
    can play have none."""

    evidence: FingerEvidence
    """What the film tells."""

    margin: np.ndarray = field(repr=False)
    """[costs of the search, in which the evidence counts its weight] What the passage costs more
    without the note's finger; infinite where nothing else is possible or a person has chosen, 0
    for notes without a finger. Shape (n,)."""

    second: tuple[FingerChoice | None, ...] = field(repr=False)
    """The choice that would cost that more."""

    @property
    def uncertain(self) -> np.ndarray:
        """Notes whose margin is below `UNCERTAIN`. Shape (n,), bool."""
        return np.asarray(self.margin < UNCERTAIN)

    @property
    def distance(self) -> np.ndarray:
        """Distance of the note's fingertip from its key's area, NaN where unknown [m].
        Shape (n,)."""
        rows = [
            np.nan if note.finger is None or note.hand is None else float(places[place])
            for note, places in zip(self.score.notes, self.evidence.distance, strict=True)
            for place in [(int(note.hand or 0), int(note.finger or 1) - 1)]
        ]
        return np.array(rows, dtype=float)


def watch_fingers(
    landmarks: HandLandmarks,
    view: KeyboardView,
    score: Score,
    *,
    config: FingeringConfig | None = None,
    piano: PianoParameters | None = None,
) -> WatchedFingers:
    """Hands and fingers of a score by a film.

    Args:
        landmarks: of the film.
        view: its camera.
        score: notes, in the time of the film; hands and fingers that it has are kept.
        config: of the fingering search; by default keys may be released early, of which only the
            fingers are taken.
        piano: the keyboard, by default the bundled one.
    """
    config = replace(config or FingeringConfig(release_early=True), roll_chords=False)
    evidence = gather_evidence(landmarks, view, score, config=config, piano=piano)
    fingered = assign_fingering(score, config=config, evidence=evidence.weighted)
    choice = chosen_fingers(fingered, score, fallback=np.full(len(score), -1))
    notes = tuple(
        note
        if place < 0
        else replace(note, hand=Hand(place // FINGERS), finger=Finger(place % FINGERS + 1))
        for note, place in zip(score.notes, choice.tolist(), strict=True)
    )
    margin, second = finger_margins(score, choice, evidence.weighted, config=config)
    remarks = fingered.remarks
    return WatchedFingers(replace(score, notes=notes, remarks=remarks), evidence, margin, second)


def finger_margins(
    score: Score, choice: np.ndarray, cost: np.ndarray, *, config: FingeringConfig
) -> tuple[np.ndarray, tuple[FingerChoice | None, ...]]:
    """What every note's passage costs more without its finger, and the second choice.

    The passage of a note are the `NEIGHBOURS` notes of its hand before and after it. It is searched
    with the note's finger barred, and with the note given to the other hand among that hand's notes
    where the evidence prefers a finger of it to the second choice.

    Args:
        score: the notes, with the hands and fingers that a person has chosen.
        choice: hand and finger, 5 times the hand plus the finger from 0, -1 for none. Shape (n,).
        cost: of every hand and finger as the search takes it. Shape (n, 2, 5).
        config: of the search.

    Returns:
        Margins, shape (n,), and second choices.
    """
    notes = score.notes
    fixed = np.array([int(note.finger or 0) for note in notes], dtype=int)
    weight = 1.0 + score.velocities / 256.0
    hand = np.where(choice >= 0, choice // FINGERS, -1)
    margin = np.zeros(len(notes))
    second: list[FingerChoice | None] = [None] * len(notes)
    own = {side: np.flatnonzero(hand == side) for side in Hand}
    barred = cost.copy()

    def search(indices: np.ndarray, side: Hand, costs: np.ndarray, i: int) -> tuple[float, int]:
        """Cost of a passage, and the finger of note i in it (0 for none)."""
        if not len(indices):
            return 0.0, 0
        plan = plan_hand(
            notes, indices, side, fixed=fixed, weight=weight, config=config, evidence=costs
        )
        return plan.cost, int(plan.finger[indices == i].sum())

    for i in np.flatnonzero(choice >= 0).tolist():
        side = Hand(int(hand[i]))
        if fixed[i]:
            margin[i] = np.inf
            continue
        passage = _passage(own[side], i)
        least, _ = search(passage, side, cost, i)
        barred[i, side, choice[i] % FINGERS] += _BARRED
        most, finger = search(passage, side, barred, i)
        barred[i] = cost[i]
        margin[i] = max(0.0, most - least) if most - least < 0.5 * _BARRED else np.inf
        if finger and np.isfinite(margin[i]):
            second[i] = FingerChoice(side, Finger(finger))
        rival = Hand(1 - side)
        gap = cost[i, rival].min() - cost[i, side, choice[i] % FINGERS]
        if notes[i].hand is None and gap < margin[i]:
            across = _passage(own[rival], i)
            with_note = np.sort(np.append(across, i))
            least += search(across, rival, cost, i)[0]
            moved, finger = search(with_note, rival, cost, i)
            moved += search(passage[passage != i], side, cost, i)[0]
            if finger and moved - least < margin[i]:
                margin[i] = max(0.0, moved - least)
                second[i] = FingerChoice(rival, Finger(finger))
    return margin, tuple(second)


def _passage(own: np.ndarray, i: int) -> np.ndarray:
    """Notes of a hand about note i, which may be its own or not. Shape (m,).

    Args:
        own: indices of the hand's notes, ascending.
        i: index of the note.
    """
    place = int(np.searchsorted(own, i))
    return own[max(0, place - NEIGHBOURS) : place + NEIGHBOURS + 1]


def list_uncertain(watched: WatchedFingers) -> Sequence[Note]:
    """Notes of a film whose fingers are uncertain, in order."""
    pairs = zip(watched.score.notes, watched.uncertain, strict=True)
    return [note for note, doubtful in pairs if doubtful]
