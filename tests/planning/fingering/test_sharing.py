"""Notes that change hands so that keys can be held: when they do, and what may never happen."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.music.score import Finger, Hand, Note, Score, keyboard_score
from musclehand.planning.fingering.assign import FingeringConfig, assign_fingering
from musclehand.planning.fingering.one_hand import plan_hand
from musclehand.planning.fingering.sharing import share_notes

HOLDS = FingeringConfig(release_early=True)

LEFT, RIGHT = 0, 1


def shared(notes: list[Note], hand: list[int], *, free: bool = True) -> list[int]:
    """Hands after `share_notes`, from a plan of each hand."""
    hands = np.array(hand)
    fixed = np.zeros(len(notes), dtype=int)
    weight = np.ones(len(notes))
    finger = fixed.copy()
    release = np.full(len(notes), np.inf)
    for side in Hand:
        indices = np.flatnonzero(hands == side)
        plan = plan_hand(notes, indices, side, fixed=fixed, weight=weight, config=HOLDS)
        finger[indices], release[indices] = plan.finger, plan.release
    return share_notes(
        notes,
        hands,
        finger,
        release,
        free=np.full(len(notes), free),
        fixed=fixed,
        weight=weight,
        config=HOLDS,
    ).tolist()


def test_an_inner_key_that_one_hand_cannot_hold_goes_to_the_other() -> None:
    # The right hand cannot hold C4 under E5; the left has C3 down, an octave below.
    notes = [Note(0.0, 48, 4.0), Note(0.0, 60, 4.0), Note(1.0, 76, 4.0)]
    assert shared(notes, [LEFT, RIGHT, RIGHT]) == [LEFT, LEFT, RIGHT]
    mirrored = [Note(0.0, 64, 4.0), Note(0.0, 76, 4.0), Note(1.0, 48, 4.0)]
    assert shared(mirrored, [LEFT, RIGHT, LEFT]) == [RIGHT, RIGHT, LEFT]


def test_hands_that_the_score_has_stay() -> None:
    notes = [Note(0.0, 48, 4.0), Note(0.0, 60, 4.0), Note(1.0, 76, 4.0)]
    assert shared(notes, [LEFT, RIGHT, RIGHT], free=False) == [LEFT, RIGHT, RIGHT]


def test_a_hand_that_could_hold_no_better_gets_nothing() -> None:
    # The left hand is two octaves away.
    notes = [Note(0.0, 36, 4.0), Note(0.0, 60, 4.0), Note(1.0, 76, 4.0)]
    assert shared(notes, [LEFT, RIGHT, RIGHT]) == [LEFT, RIGHT, RIGHT]


@given(
    st.lists(
        st.builds(
            lambda onset, pitch, length: Note(0.125 * onset, pitch, 0.125 * (onset + length)),
            st.integers(0, 16),
            st.integers(40, 84),
            st.integers(1, 16),
        ),
        max_size=14,
    )
)
@settings(max_examples=40)
def test_no_finger_is_on_two_keys_whoever_plays_them(notes: list[Note]) -> None:
    score = keyboard_score(Score(tuple(notes)))
    fingered = assign_fingering(score, config=HOLDS)
    assert assign_fingering(score, config=HOLDS) == fingered
    for hand in Hand:
        for finger in Finger:
            held = [n for n in fingered.notes if (n.hand, n.finger) == (hand, finger)]
            for first, second in pairwise(held):
                assert second.onset >= first.offset - HOLDS.overlap_tolerance
