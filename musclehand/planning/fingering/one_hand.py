"""One hand's share of a score, made ready for the search for its fingers.

Notes struck together on one key are fingered as one, and fingers that the score has bar others.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from musclehand.music.pitch import is_black
from musclehand.music.score import Hand, Note
from musclehand.planning.fingering.cost import FingeringConfig
from musclehand.planning.fingering.keyboard_map import half_keys, outward
from musclehand.planning.fingering.search import RELEASE_AFTER, HandNotes, HandPlan, search_fingers


def plan_hand(
    notes: Sequence[Note],
    indices: np.ndarray,
    side: Hand,
    *,
    fixed: np.ndarray,
    weight: np.ndarray,
    config: FingeringConfig,
    evidence: np.ndarray | None = None,
) -> HandPlan:
    """Searches the fingers of one hand. Notes struck together on one key are fingered as one.

    Args:
        notes: of the whole score.
        indices: of the hand's notes, in order of onset.
        side: of the hand.
        fixed: fingers that the score has, 0 for none. Shape (num_notes,).
        weight: importance of each note. Shape (num_notes,).
        config: limits and weights.
        evidence: cost of every hand and finger on every note. Shape (num_notes, 2, 5).

    Returns:
        Fingers and early releases of the notes at `indices`.
    """
    leader: dict[int, int] = {}
    last: dict[int, int] = {}
    end: dict[int, float] = {}
    fixed_finger: dict[int, int] = {}
    for i in indices.tolist():
        first = last.get(notes[i].pitch)
        same = first is not None and notes[i].onset - notes[first].onset <= config.chord_window
        leader[i] = first if same and first is not None else i
        last[notes[i].pitch] = leader[i]
        end[leader[i]] = max(end.get(leader[i], 0.0), notes[i].offset)
        fixed_finger[leader[i]] = fixed_finger.get(leader[i], 0) or int(fixed[i])
    kept = np.array(sorted(set(leader.values())), dtype=int)
    onset = np.array([notes[i].onset for i in kept])
    offset = np.array([end[i] for i in kept.tolist()])
    step = np.array([outward(side) * half_keys(notes[i].pitch) for i in kept], dtype=int)
    fingers = np.array([fixed_finger[i] for i in kept.tolist()], dtype=int)
    hand_notes = HandNotes(
        step=step,
        onset=onset,
        offset=offset,
        black=np.array([int(is_black(notes[i].pitch)) for i in kept], dtype=int),
        fixed=fingers,
        blocked=_blocked(step, onset, offset, fingers, config),
        weight=weight[kept],
        evidence=_evidence(evidence, kept, side),
    )
    plan = search_fingers(hand_notes, config)
    row = {int(i): k for k, i in enumerate(kept)}
    rows = np.array([row[leader[i]] for i in indices.tolist()], dtype=int)
    return HandPlan(plan.finger[rows], plan.release[rows], plan.cost)


def _evidence(evidence: np.ndarray | None, kept: np.ndarray, side: Hand) -> np.ndarray:
    """Costs of a hand's fingers on its notes, counted from 1. Shape (num_kept, 6).

    Args:
        evidence: cost of every hand and finger on every note. Shape (num_notes, 2, 5).
        kept: indices of the hand's notes.
        side: of the hand.
    """
    costs = np.zeros((len(kept), 6))
    if evidence is not None:
        costs[:, 1:] = evidence[kept, int(side)]
    return costs


def _blocked(
    step: np.ndarray,
    onset: np.ndarray,
    offset: np.ndarray,
    fixed: np.ndarray,
    config: FingeringConfig,
) -> np.ndarray:
    """Fingers that a note cannot have since the score puts them on another key meanwhile.

    Args:
        step: places of the keys [half white keys]. Shape (num_notes,).
        onset: of the notes, ascending [s]. Shape (num_notes,).
        offset: of the notes [s]. Shape (num_notes,).
        fixed: fingers that the score has, 0 for none. Shape (num_notes,).
        config: limits of the hand.

    Returns:
        By note and finger, which is counted from 1. Shape (num_notes, 6), bool.
    """
    blocked = np.zeros((len(step), 6), dtype=bool)
    for finger in range(1, 6):
        users = np.flatnonzero(fixed == finger)
        if not len(users):
            continue
        ends = np.maximum.accumulate(offset[users])
        first = np.searchsorted(ends, onset + config.overlap_tolerance, side="right")
        until = onset + RELEASE_AFTER if config.release_early else offset - config.overlap_tolerance
        last = np.searchsorted(onset[users], until, side="left")
        for i in np.flatnonzero(last > first):
            rivals = users[first[i] : last[i]]
            busy = (step[rivals] != step[i]) & (
                offset[rivals] > onset[i] + config.overlap_tolerance
            )
            blocked[i, finger] = bool(busy.any())
    return blocked
