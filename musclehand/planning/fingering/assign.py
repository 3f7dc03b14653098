"""Hands and fingers for every note of a score, and remarks on what hands cannot play.

`assign_fingering` works in steps:

1. it divides the notes between the hands (`fingering.hand_split`), and exchanges inner notes of
   chords where hands would be interleaved (`fingering.interleaved`);
2. it rolls chords that are too wide for a hand, if it may (`fingering.rolling`);
3. it searches the fingers of each hand (`fingering.search`, with the costs of `fingering.cost`);
4. it offers the notes that a hand cannot play to the other hand;
5. it leaves out, with a remark, the notes that ten fingers cannot play.

Hands and fingers that the score has already are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np

from musclehand.core.errors import InvalidValue
from musclehand.music.formats.score_file import format_count
from musclehand.music.score import Finger, Hand, Note, Score
from musclehand.planning.fingering.cost import FingeringConfig
from musclehand.planning.fingering.hand_split import HandSplitConfig, split_hands
from musclehand.planning.fingering.interleaved import exchange_interleaved
from musclehand.planning.fingering.one_hand import plan_hand
from musclehand.planning.fingering.playable import (
    PlayableLimits,
    impossible_notes,
    list_notes,
    report_impossible,
)
from musclehand.planning.fingering.rolling import roll_chords, rolled_onsets, rolled_order
from musclehand.planning.fingering.search import RELEASE_AFTER, HandPlan
from musclehand.planning.fingering.sharing import share_notes

__all__ = ["FingeringConfig", "assign_fingering"]

_GUEST_WEIGHT = 0.3
"""Importance of a note taken over from the other hand, against the hand's own notes; an
assumption."""


class _Assignment(NamedTuple):
    """Hands and fingers of all notes of a score, each array of shape (num_notes,)."""

    hand: np.ndarray
    """0 left, 1 right."""

    finger: np.ndarray
    """1 to 5; 0: the note is left out."""

    release: np.ndarray
    """[s] time at which the key is released early; inf: it is not."""

    exchanged: np.ndarray
    """The note changed hands since the hands would be interleaved; bool."""


def assign_fingering(
    score: Score,
    *,
    config: FingeringConfig | None = None,
    split: HandSplitConfig | None = None,
    evidence: np.ndarray | None = None,
) -> Score:
    """Assigns a hand and a finger to each note, and leaves out the notes that no hand can play.

    Notes keep their order, pitches and velocities. Onsets change only with `config.roll_chords`,
    and ends of notes only with that or with `config.release_early`. A hand that the score has is
    changed only where that hand cannot play the note and the other hand can, or where a chord would
    interleave the hands. A finger that the score has is changed only where the same finger is asked
    for on two keys at once.

    Remarks name each note that is left out, moved, refingered or released early, by time and pitch.
    They also name the notes that are kept although they are beyond what hands can do, whatever
    hands and fingers play them (`playable.impossible_notes`). The result depends on nothing but the
    arguments. Time and memory are linear in the number of notes.

    Two notes on one key that overlap are taken as one key held (`music.score.keyboard_score` makes
    such a score playable first).

    Args:
        score: notes with or without hands and fingers.
        config: limits of the hand and weights of the search.
        split: weights of the division between hands; by default those for the size of the hand.
        evidence: costs of every hand and finger on every note by what was seen of a person's
            playing, added to those of the search. Rows without knowledge are NaN or all alike. By
            default nothing was seen. Shape (num_notes, 2, 5).

    Returns:
        A score in which no finger is on two keys at once (by more than `config.overlap_tolerance`).

    Raises:
        InvalidValue: the evidence does not have a row for each note, or is infinite.
    """
    config = config or FingeringConfig()
    costs = _check_evidence(evidence, len(score))
    score, handed, costs = _divide(score, config, split, costs)
    notes = handed.notes
    hand = np.array([int(note.hand) if note.hand is not None else 0 for note in notes], dtype=int)
    fixed = np.array([int(note.finger or 0) for note in notes], dtype=int)
    contradicting = [
        i
        for side in Hand
        for i in _contradictions(notes, np.flatnonzero(hand == side), fixed, config)
    ]
    fixed[contradicting] = 0
    divided = hand
    settled = fixed if costs is None else np.maximum(fixed, costs.any(axis=(1, 2)))
    hand = exchange_interleaved(notes, hand, fixed=settled, window=config.chord_window)
    exchanged = hand != divided

    weight = 1.0 + score.velocities / 256.0
    plan_side = partial(plan_hand, notes, fixed=fixed, weight=weight, config=config, evidence=costs)
    finger = np.zeros(len(notes), dtype=int)
    release = np.full(len(notes), np.inf)
    _plan_both(plan_side, hand, finger, release)
    free = np.array([note.hand is None for note in score.notes], dtype=bool) & ~exchanged
    shared = share_notes(
        notes,
        hand,
        finger,
        release,
        free=free,
        fixed=fixed,
        weight=weight,
        config=config,
        evidence=costs,
    )
    if (shared != hand).any():
        _plan_both(plan_side, shared, finger, release)
    hand = shared
    hand_before = hand.copy()
    stuck = {side: np.flatnonzero((hand == side) & (finger == 0) & (fixed == 0)) for side in Hand}
    for side in Hand:
        guests = stuck[Hand(1 - side)]
        if not len(guests):
            continue
        hosts = np.flatnonzero((hand == side) & (finger > 0))
        indices = np.sort(np.concatenate([hosts, guests]))
        lighter = weight.copy()
        lighter[guests] *= _GUEST_WEIGHT
        plan = plan_side(indices, side, weight=lighter)
        finger[indices], release[indices] = plan.finger, plan.release
        hand[guests[finger[guests] > 0]] = side
    limits = PlayableLimits(hand_span=config.widest, chord_window=config.chord_window)
    assignment = _Assignment(hand, finger, release, exchanged)
    return _result(score, assignment, hand_before, contradicting, limits=limits)


def _plan_both(
    plan_side: Callable[..., HandPlan], hand: np.ndarray, finger: np.ndarray, release: np.ndarray
) -> None:
    """Fills in the fingers and releases of all notes by their hands.

    Args:
        plan_side: `plan_hand` with all arguments but the notes' indices and the side.
        hand: of all notes, 0 left or 1 right. Shape (num_notes,).
        finger: filled in. Shape (num_notes,).
        release: filled in [s]. Shape (num_notes,).
    """
    for side in Hand:
        indices = np.flatnonzero(hand == side)
        plan = plan_side(indices, side)
        finger[indices], release[indices] = plan.finger, plan.release


def _divide(
    score: Score,
    config: FingeringConfig,
    split: HandSplitConfig | None,
    costs: np.ndarray | None,
) -> tuple[Score, Score, np.ndarray | None]:
    """Divides notes between the hands, and rolls chords that are too wide if it may.

    Args:
        score: notes with or without hands.
        config: limits of the hand.
        split: weights of the division.
        costs: of every hand and finger by what was seen, if anything was. Shape (num_notes, 2, 5).

    Returns:
        The score without and with the hands of the division, and the costs of its notes.
    """
    handed = split_hands(
        score,
        config=split or HandSplitConfig().for_size(config.hand_size),
        evidence=None if costs is None else costs.min(axis=2),
    )
    if config.roll_chords:
        onsets = rolled_onsets(
            handed,
            hand_span=config.widest,
            chord_window=config.chord_window,
            hand_size=config.hand_size,
        )
        costs = None if costs is None else costs[rolled_order(score, onsets)]
        score = roll_chords(score, onsets)
        handed = roll_chords(handed, onsets)
    return score, handed, costs


def _check_evidence(evidence: np.ndarray | None, num_notes: int) -> np.ndarray | None:
    """The evidence with zeros where nothing is known, and the least cost of every note 0.

    Args:
        evidence: as for `assign_fingering`.
        num_notes: notes of the score.

    Raises:
        InvalidValue: the shape is not that of the notes, or a cost is infinite.
    """
    if evidence is None:
        return None
    if np.shape(evidence) != (num_notes, 2, 5):
        raise InvalidValue("shape of evidence", np.shape(evidence), f"({num_notes}, 2, 5)")
    if np.isinf(evidence).any():
        raise InvalidValue("evidence", "an infinite cost", "finite costs, or NaN where unknown")
    costs = np.where(np.isnan(evidence).any(axis=(1, 2))[:, None, None], 0.0, evidence)
    return np.asarray(costs - costs.min(axis=(1, 2), keepdims=True))


def _contradictions(
    notes: Sequence[Note], indices: np.ndarray, fixed: np.ndarray, config: FingeringConfig
) -> list[int]:
    """Notes of a hand whose fixed fingers contradict those of other notes.

    Either the finger is on another key at the time, or the same key is struck at once with another
    finger. The first of the two notes keeps its finger; in a chord, the note on the thumb's side.

    Args:
        notes: of the whole score.
        indices: of the hand's notes, in order of onset.
        fixed: fingers that the score has, 0 for none. Shape (num_notes,).
        config: limits of the hand.
    """
    side = 1 if not len(indices) or notes[indices[0]].hand == Hand.RIGHT else -1
    order = sorted(
        (i for i in indices if fixed[i]), key=lambda i: (notes[i].onset, side * notes[i].pitch)
    )
    busy: dict[int, tuple[int, float, float]] = {}
    struck: dict[int, tuple[float, int]] = {}
    contradicting = []
    for i in order:
        note = notes[i]
        finger = int(fixed[i])
        pitch, onset, until = busy.get(finger, (note.pitch, 0.0, 0.0))
        freed = config.release_early and onset <= note.onset - RELEASE_AFTER
        taken = pitch != note.pitch and until > note.onset + config.overlap_tolerance and not freed
        struck_at, struck_by = struck.get(note.pitch, (-np.inf, 0))
        if taken or (note.onset - struck_at <= config.chord_window and struck_by != finger):
            contradicting.append(int(i))
            continue
        struck[note.pitch] = (note.onset, finger)
        until = note.offset if pitch != note.pitch else max(until, note.offset)
        busy[finger] = (note.pitch, note.onset, until)
    return contradicting


def _result(
    score: Score,
    assignment: _Assignment,
    hand_before: np.ndarray,
    contradicting: list[int],
    *,
    limits: PlayableLimits,
) -> Score:
    """The fingered score and its remarks.

    Args:
        score: without the hands that were divided.
        assignment: hands and fingers of its notes.
        hand_before: hands before notes were offered to the other hand. Shape (num_notes,).
        contradicting: indices of notes with contradicting fingers.
        limits: of the hands.
    """
    notes = score.notes
    hand, finger, release, exchanged = assignment
    played = []
    moved = []
    swapped = []
    shortened = []
    left_out = []
    for i, note in enumerate(notes):
        if not finger[i]:
            left_out.append(note)
            continue
        offset = min(note.offset, float(release[i]))
        played.append(
            replace(note, hand=Hand(int(hand[i])), finger=Finger(int(finger[i])), offset=offset)
        )
        if hand[i] != hand_before[i] and note.hand is not None:
            moved.append(note)
        elif exchanged[i] and note.hand is not None:
            swapped.append(note)
        if release[i] < note.offset:
            shortened.append(note)
    refingered = [notes[i] for i in sorted(contradicting)]
    reasons = (
        ("refingered, their fingers contradict others", refingered),
        ("given to the other hand, out of reach for their own", moved),
        ("exchanged between the hands, their fingers would be interleaved", swapped),
        ("released early, the finger or hand is needed elsewhere", shortened),
        *_left_out(score, left_out, limits),
    )
    remarks = tuple(
        f"{format_count(len(listed), 'note')} {reason}: {list_notes(listed)}"
        for reason, listed in reasons
        if listed
    )
    fingered = replace(score, notes=tuple(played), remarks=score.remarks + remarks)
    return report_impossible(fingered, written=score, limits=limits)


def _left_out(
    score: Score, left_out: list[Note], limits: PlayableLimits
) -> list[tuple[str, list[Note]]]:
    """Why notes were left out, and which.

    Args:
        score: with the hands and fingers that are written.
        left_out: notes of it.
        limits: of the hands.
    """
    beyond = {id(item.note): item.reason for item in impossible_notes(score, limits=limits)}
    by_reason: dict[str, list[Note]] = {}
    for note in left_out:
        reason = beyond.get(id(note), "no hand can play them with the rest")
        by_reason.setdefault(f"left out, {reason}", []).append(note)
    return list(by_reason.items())
