"""Chords whose notes two hands would strike between each other's fingers.

A score may give the left hand a key above one of the right hand's, both struck at once: thumbs
would lie across each other. Pianists exchange such inner notes. Each hand strikes as many notes as
before and has less to span, so what was in reach stays in reach.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from musclehand.music.score import Hand, Note


def exchange_interleaved(
    notes: Sequence[Note], hand: np.ndarray, *, fixed: np.ndarray, window: float
) -> np.ndarray:
    """Hands of all notes, with inner notes exchanged where hands would be interleaved.

    A hand that crosses the other one altogether stays where it is. So do chords with a finger that
    the score has.

    Args:
        notes: of the score, in order of onset.
        hand: of each, 0 left or 1 right. Shape (num_notes,).
        fixed: fingers that the score has, 0 for none. Shape (num_notes,).
        window: notes that begin within this time are struck together [s].

    Returns:
        Shape (num_notes,).
    """
    hand = hand.copy()
    onset = np.array([note.onset for note in notes])
    pitch = np.array([note.pitch for note in notes], dtype=int)
    first = 0
    while first < len(notes):
        last = int(np.searchsorted(onset, onset[first] + window, side="right"))
        chord = np.arange(first, last)
        first = last
        left = chord[hand[chord] == Hand.LEFT]
        right = chord[hand[chord] == Hand.RIGHT]
        if not len(left) or not len(right) or fixed[chord].any():
            continue
        lowest_right = pitch[right].min()
        highest_left = pitch[left].max()
        interleaved = highest_left > lowest_right
        crossed = pitch[left].min() >= lowest_right or highest_left >= pitch[right].max()
        if interleaved and not crossed:
            order = chord[np.argsort(pitch[chord], kind="stable")]
            hand[order[: len(left)]] = Hand.LEFT
            hand[order[len(left) :]] = Hand.RIGHT
    return hand
