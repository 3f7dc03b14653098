"""Fingers that take over held keys: when it helps, when it cannot be done."""

from dataclasses import replace
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.music.score import Finger, Hand, Note, Score, keyboard_score
from musclehand.planning.fingering.assign import FingeringConfig, assign_fingering
from musclehand.planning.fingering.substitution import CHANGE_TIME, find_substitutions

R = Hand.RIGHT
L = Hand.LEFT
FREE = FingeringConfig(release_early=True)


def fingered(*rows: tuple[float, int, float, int], hand: Hand = R) -> Score:
    """Onset, pitch, offset, finger."""
    return Score(
        tuple(
            Note(onset, pitch, offset, 80, hand, Finger(finger))
            for onset, pitch, offset, finger in rows
        )
    )


def cut(score: Score, pitch: int, offset: float) -> Score:
    return score.with_notes(
        replace(n, offset=offset) if n.pitch == pitch else n for n in score.notes
    )


def test_a_free_finger_takes_over() -> None:
    # The thumb holds C and has to play the B below: the index finger takes C over.
    written = fingered((0.0, 60, 2.0, 1), (1.0, 59, 2.0, 1))
    (change,) = find_substitutions(cut(written, 60, 1.0), written)
    assert change.note.pitch == 60
    assert change.finger == Finger.INDEX
    assert 0.0 < change.time < 1.0
    assert change.until == 2.0


def test_mirrored_hands_do_the_same() -> None:
    written = fingered((0.0, 60, 2.0, 1), (1.0, 59, 2.0, 1))
    mirrored = written.with_notes(replace(n, pitch=124 - n.pitch, hand=L) for n in written.notes)
    (change,) = find_substitutions(cut(mirrored, 64, 1.0), mirrored)
    assert (change.finger, change.until) == (Finger.INDEX, 2.0)


def test_not_without_time_reach_or_a_finger() -> None:
    quick = fingered((0.0, 60, 2.0, 1), (CHANGE_TIME - 0.01, 59, 2.0, 1))
    assert find_substitutions(cut(quick, 60, CHANGE_TIME - 0.01), quick) == ()
    far = fingered((0.0, 60, 2.0, 1), (1.0, 36, 2.0, 1))
    assert find_substitutions(cut(far, 60, 1.0), far) == ()
    full = fingered(
        (0.0, 60, 2.0, 1),
        (0.0, 62, 2.0, 2),
        (0.0, 64, 2.0, 3),
        (0.0, 65, 2.0, 4),
        (0.0, 67, 2.0, 5),
        (1.0, 59, 2.0, 1),
    )
    assert find_substitutions(cut(full, 60, 1.0), full) == ()
    assert find_substitutions(far, far) == ()


def test_it_lasts_until_the_finger_is_needed() -> None:
    written = fingered((0.0, 60, 3.0, 1), (1.0, 59, 2.0, 1), (2.0, 62, 2.2, 2))
    (change,) = find_substitutions(cut(written, 60, 1.0), written)
    assert change.finger == Finger.INDEX
    assert change.until == 2.0


def test_one_finger_takes_over_one_key() -> None:
    written = fingered((0.0, 60, 2.0, 1), (0.0, 64, 2.0, 3), (1.0, 59, 2.0, 1), (1.0, 65, 2.0, 3))
    played = cut(cut(written, 60, 1.0), 64, 1.0)
    changes = find_substitutions(played, written)
    assert len({change.finger for change in changes}) == len(changes)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(55, 75), st.integers(1, 30)), max_size=20)
)
def test_changes_never_clash_with_what_the_hand_does(rows: list[tuple[int, int, int]]) -> None:
    written = keyboard_score(
        Score(tuple(Note(0.1 * t, p, 0.1 * (t + d), 80, R) for t, p, d in rows))
    )
    played = assign_fingering(written, config=FREE)
    changes = find_substitutions(played, written)
    for change in changes:
        assert change.note in played.notes
        assert change.note.onset < change.time < change.note.offset < change.until
        for note in played.notes:
            if note.hand == change.note.hand and note.finger == change.finger:
                assert note.offset <= change.time + 0.01 or note.onset >= change.until - 0.01
    for change, rival in combinations(changes, 2):
        if (change.note.hand, change.finger) == (rival.note.hand, rival.finger):
            assert change.until <= rival.time + 0.01 or rival.until <= change.time + 0.01


def test_many_notes_take_little_time() -> None:
    notes = [Note(0.0, 60, 400.0, 80, R, Finger.THUMB)]
    notes += [
        Note(0.2 + 0.1 * k, 61 + k % 8, 0.3 + 0.1 * k, 80, R, Finger(1 + k % 5))
        for k in range(3000)
    ]
    written = keyboard_score(Score(tuple(notes)))
    assert all(change.until < 2.0 for change in find_substitutions(cut(written, 60, 0.2), written))
