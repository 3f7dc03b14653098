"""Notes given to the other hand where their own hand would let a key go early or leave it out.

The division between hands (`fingering.hand_split`) knows spans and distances, and not fingers.
Where a search for fingers shows that a hand cannot hold a key to its end, the key itself may go to
the other hand, or the note for which it is let go. Only inner notes change hands, so that hands do
not cross. Both divisions of the passage are fingered and the cheaper one is taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from musclehand.music.score import Hand, Note
from musclehand.planning.fingering.cost import FingeringConfig
from musclehand.planning.fingering.one_hand import plan_hand

LEAST_LOSS = 0.25
"""[s] key time that a note loses before it is considered; an assumption."""

PASSAGE = 1.5
"""[s] before and after such a note over which both divisions are fingered; an assumption."""

LEAST_GAIN = 10.0
"""Cost by which another hand has to be better: half of a key released early, an assumption."""

MOST_TRIES = 40
"""Passages that are tried in a minute of music, those with the greatest losses first."""


def share_notes(
    notes: Sequence[Note],
    hand: np.ndarray,
    finger: np.ndarray,
    release: np.ndarray,
    *,
    free: np.ndarray,
    fixed: np.ndarray,
    weight: np.ndarray,
    config: FingeringConfig,
    evidence: np.ndarray | None = None,
) -> np.ndarray:
    """Hands of all notes, with those changed for which the other hand is better.

    Args:
        notes: of the score, in order of onset.
        hand: of each, 0 left or 1 right. Shape (num_notes,).
        finger: planned, 0 for notes left out. Shape (num_notes,).
        release: time of the early release [s], infinite without one. Shape (num_notes,).
        free: whether a note may change hands. Shape (num_notes,), bool.
        fixed: fingers that the score has, 0 for none. Shape (num_notes,).
        weight: importance of each note. Shape (num_notes,).
        config: limits and weights.
        evidence: cost of every hand and finger on every note. Shape (num_notes, 2, 5).

    Returns:
        Shape (num_notes,).
    """
    hand = hand.copy()
    onset = np.array([note.onset for note in notes])
    offset = np.array([note.offset for note in notes])
    let_go = np.where(finger > 0, np.minimum(release, offset), onset)
    lost = np.where((finger > 0) | (fixed == 0), offset - let_go, 0.0)
    longest = float((offset - onset).max(initial=0.0))
    tries = max(1, round(MOST_TRIES * float(offset.max(initial=0.0)) / 60.0))
    for i in np.argsort(-lost, kind="stable")[:tries].tolist():
        if lost[i] < LEAST_LOSS:
            break
        first = np.searchsorted(onset, onset[i] - PASSAGE - longest)
        last = np.searchsorted(onset, offset[i] + PASSAGE)
        passage = np.arange(first, last)
        passage = passage[offset[passage] > onset[i] - PASSAGE]

        def cost(hands: np.ndarray, passage: np.ndarray = passage) -> float:
            """Of the passage with these hands."""
            return sum(
                plan_hand(
                    notes,
                    passage[hands[passage] == side],
                    side,
                    fixed=fixed,
                    weight=weight,
                    config=config,
                    evidence=evidence,
                ).cost
                for side in Hand
                if (hands[passage] == side).any()
            )

        choices = [(cost(hand) - LEAST_GAIN, hand)]
        for moved in _choices(notes, i, float(let_go[i]), hand, passage, free):
            changed = hand.copy()
            changed[moved] = 1 - hand[moved]
            choices.append((cost(changed), changed))
        hand = min(choices, key=lambda choice: choice[0])[1]
    return hand


def _choices(
    notes: Sequence[Note],
    i: int,
    time: float,
    hand: np.ndarray,
    passage: np.ndarray,
    free: np.ndarray,
) -> Iterator[int]:
    """Notes that may change hands: the note itself, or one struck when it is let go, if innermost.

    Notes of the other hand that lie further out come to this one: they cross it.

    Args:
        notes: of the score.
        i: index of a note that is released early or left out.
        time: of its release, or of its onset [s].
        hand: of all notes. Shape (num_notes,).
        passage: indices of notes around it.
        free: whether a note may change hands. Shape (num_notes,), bool.
    """
    side = int(hand[i])
    inwards = 1 if side == Hand.LEFT else -1
    rivals = [
        int(j)
        for j in passage
        if hand[j] == side and notes[j].onset <= time + 0.01 and notes[j].offset > time - 0.01
    ]
    innermost = max((inwards * notes[j].pitch for j in rivals), default=0)
    for j in rivals:
        struck = abs(notes[j].onset - time) <= 0.05
        if free[j] and (j == i or struck) and inwards * notes[j].pitch == innermost:
            yield j
    for j in passage.tolist():
        sounds = notes[j].onset <= time and notes[j].offset > time
        crosses = inwards * notes[j].pitch < inwards * notes[i].pitch
        if hand[j] != side and free[j] and sounds and crosses:
            yield j
