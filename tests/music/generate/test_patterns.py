"""The stream of scores by pattern: the same each time, playable, and with everything in it that
it promises."""

from itertools import islice

import numpy as np
import pytest

from musclehand.core.errors import InvalidValue
from musclehand.music.generate.exercises import scale
from musclehand.music.generate.patterns import (
    NUM_FINGER_PATTERNS,
    SECONDS,
    SHARES,
    SHORTEST,
    finger_pattern,
    pattern_score,
    pattern_scores,
    repeat_to_length,
)
from musclehand.music.score import Hand, keyboard_score

STREAM = [pattern_score(3, number) for number in range(900)]


def test_a_score_depends_on_seed_and_number_only():
    assert list(islice(pattern_scores(3), 10)) == STREAM[:10]
    assert list(islice(pattern_scores(3, start=500), 5)) == STREAM[500:505]
    assert pattern_score(4, 0) != STREAM[0]


@pytest.mark.parametrize(("seed", "number"), [(-1, 0), (0, -1)])
def test_numbers_below_zero_are_refused(seed, number):
    with pytest.raises(InvalidValue):
        pattern_score(seed, number)


def test_kinds_come_in_their_shares():
    assert sum(SHARES.values()) == pytest.approx(1.0)
    for kind, share in SHARES.items():
        measured = np.mean([item.kind == kind for item in STREAM])
        # Four standard errors of a share among 900.
        assert measured == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / len(STREAM)))


def test_every_score_is_one_that_a_keyboard_and_hands_can_play():
    for item in STREAM:
        assert item.score.notes, item.pattern
        assert item.pattern.startswith(item.kind)
        assert keyboard_score(item.score).notes == item.score.notes
        assert all(note.hand is not None and note.duration >= 0.03 for note in item.score.notes)
        assert SECONDS - 3.0 <= item.score.duration < 60.0, item.pattern


def test_scales_come_in_all_keys_hands_and_lengths():
    scales = [item for item in STREAM if item.kind == "scale"]
    many = scales + [
        item for n in range(900, 2000) if (item := pattern_score(3, n)).kind == "scale"
    ]
    assert len({item.pattern for item in many}) == 24
    assert {frozenset(note.hand for note in item.score.notes) for item in scales} == {
        frozenset({Hand.RIGHT}),
        frozenset({Hand.LEFT}),
        frozenset(Hand),
    }
    spans = {
        round(np.ptp([n.pitch for n in item.score.notes if n.hand is hand]) / 12)
        for item in scales
        for hand in {n.hand for n in item.score.notes}
    }
    assert spans == {1, 2, 3, 4}


def test_tempo_loudness_and_touch_vary():
    shares = [
        np.median([note.duration for note in item.score.notes])
        / np.median(np.diff(np.unique(item.score.intervals[:, 0])))
        for item in STREAM
        if item.kind == "hanon"
    ]
    assert min(shares) < 0.55
    assert max(shares) > 0.9
    means = [item.score.velocities.mean() for item in STREAM]
    assert np.ptp(means) > 40
    rates = [len(set(item.score.intervals[:, 0])) / item.score.duration for item in STREAM]
    assert min(rates) < 1.5
    assert max(rates) > 6


def test_finger_patterns_are_different_and_never_repeat_a_finger():
    patterns = [finger_pattern(number) for number in range(NUM_FINGER_PATTERNS)]
    assert len(set(patterns)) == NUM_FINGER_PATTERNS
    for fingers in patterns:
        assert all(np.diff([*fingers, fingers[0]]) != 0)
        assert set(fingers) <= {1, 2, 3, 4, 5}
    with pytest.raises(InvalidValue, match="finger pattern"):
        finger_pattern(NUM_FINGER_PATTERNS)


def test_repeating_keeps_the_notes_and_lasts_long_enough():
    once = scale("C4", octaves=1, notes_per_second=5)
    repeated = repeat_to_length(once, 8.0)
    assert repeated.duration >= 8.0
    assert len(repeated) == 3 * len(once)
    assert repeat_to_length(once, 1.0) is once
    assert min(note.duration for note in repeated.notes) > SHORTEST
