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
        found = np.mean([made.kind == kind for made in STREAM])
        # Four standard errors of a share among 900.
        assert found == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / len(STREAM)))


def test_every_score_is_one_that_a_keyboard_and_hands_can_play():
    for made in STREAM:
        assert made.score.notes, made.pattern
        assert made.pattern.startswith(made.kind)
        assert keyboard_score(made.score).notes == made.score.notes
        assert all(note.hand is not None and note.duration >= 0.03 for note in made.score.notes)
        assert SECONDS - 3.0 <= made.score.duration < 60.0, made.pattern


def test_scales_come_in_all_keys_hands_and_lengths():
    scales = [made for made in STREAM if made.kind == "scale"]
    many = scales + [
        made for n in range(900, 2000) if (made := pattern_score(3, n)).kind == "scale"
    ]
    assert len({made.pattern for made in many}) == 24
    assert {frozenset(note.hand for note in made.score.notes) for made in scales} == {
        frozenset({Hand.RIGHT}),
        frozenset({Hand.LEFT}),
        frozenset(Hand),
    }
    spans = {
        round(np.ptp([n.pitch for n in made.score.notes if n.hand is hand]) / 12)
        for made in scales
        for hand in {n.hand for n in made.score.notes}
    }
    assert spans == {1, 2, 3, 4}


def test_tempo_loudness_and_touch_vary():
    shares = [
        np.median([note.duration for note in made.score.notes])
        / np.median(np.diff(np.unique(made.score.intervals[:, 0])))
        for made in STREAM
        if made.kind == "hanon"
    ]
    assert min(shares) < 0.55
    assert max(shares) > 0.9
    means = [made.score.velocities.mean() for made in STREAM]
    assert np.ptp(means) > 40
    rates = [len(set(made.score.intervals[:, 0])) / made.score.duration for made in STREAM]
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
    more = repeat_to_length(once, 8.0)
    assert more.duration >= 8.0
    assert len(more) == 3 * len(once)
    assert repeat_to_length(once, 1.0) is once
    assert min(note.duration for note in more.notes) > SHORTEST
