"""Chords in which the hands would lie between each other's fingers."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from musclehand.music.score import Finger, Hand, Note, Score
from musclehand.planning.fingering.assign import assign_fingering
from musclehand.planning.fingering.interleaved import exchange_interleaved

WINDOW = 0.03


def hands_of(pitches: list[int], hands: list[int], fixed: list[int] | None = None) -> list[int]:
    notes = [Note(0.0, pitch, 1.0) for pitch in pitches]
    numbers = np.array(fixed or [0] * len(notes))
    return exchange_interleaved(notes, np.array(hands), fixed=numbers, window=WINDOW).tolist()


def test_thumbs_across_each_other_exchange_their_keys() -> None:
    # E3 and E4 in the left hand, D4 G#4 B4 in the right.
    assert hands_of([52, 62, 64, 68, 71], [0, 1, 0, 1, 1]) == [0, 0, 1, 1, 1]


def test_a_hand_that_crosses_altogether_stays() -> None:
    assert hands_of([60, 64, 72], [1, 1, 0]) == [1, 1, 0]


def test_hands_beside_each_other_stay() -> None:
    assert hands_of([48, 52, 60, 64], [0, 0, 1, 1]) == [0, 0, 1, 1]


def test_fingers_that_the_score_has_stay() -> None:
    assert hands_of([52, 62, 64, 68], [0, 1, 0, 1], [0, 1, 0, 0]) == [0, 1, 0, 1]


def test_notes_struck_one_after_the_other_stay() -> None:
    notes = [Note(0.0, 52, 1.0), Note(0.0, 64, 1.0), Note(0.5, 62, 1.0), Note(0.5, 68, 1.0)]
    hand = np.array([0, 0, 1, 1])
    after = exchange_interleaved(notes, hand, fixed=np.zeros(4, dtype=int), window=WINDOW)
    assert after.tolist() == hand.tolist()


@given(
    st.lists(st.tuples(st.integers(21, 108), st.integers(0, 1)), min_size=1, max_size=10),
)
def test_counts_stay_and_no_span_grows(rows: list[tuple[int, int]]) -> None:
    pitches = np.array([pitch for pitch, _ in rows])
    before = np.array([hand for _, hand in rows])
    after = np.array(hands_of(pitches.tolist(), before.tolist()))
    for side in (0, 1):
        assert (after == side).sum() == (before == side).sum()
        if (before == side).any():
            assert np.ptp(pitches[after == side]) <= np.ptp(pitches[before == side])


def test_a_remark_names_the_notes_that_were_exchanged() -> None:
    hands = {52: Hand.LEFT, 64: Hand.LEFT, 62: Hand.RIGHT, 68: Hand.RIGHT, 71: Hand.RIGHT}
    score = Score(tuple(Note(0.0, pitch, 1.0, hand=hand) for pitch, hand in sorted(hands.items())))
    fingered = assign_fingering(score)
    assert {n.pitch for n in fingered.notes if n.hand == Hand.LEFT} == {52, 62}
    assert any("interleaved" in remark and "D4" in remark for remark in fingered.remarks)
    assert all(note.finger in Finger for note in fingered.notes)
