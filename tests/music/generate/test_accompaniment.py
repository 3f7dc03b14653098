"""Accompaniments: what their figures say, within reach of a hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.core.errors import InvalidValue, UnknownName
from musclehand.music.generate.accompaniment import FIGURES, accompaniment
from musclehand.music.score import Hand


@given(st.integers(0, 10_000), st.sampled_from(sorted(FIGURES)), st.floats(0.5, 8.0))
@settings(max_examples=60, deadline=None)
def test_every_beat_has_what_the_figure_says(seed, figure, beats):
    score = accompaniment(np.random.default_rng(seed), figure, beats_per_second=beats, seconds=6.0)
    left = [note for note in score.notes if note.hand is Hand.LEFT]
    at = {}
    for note in left:
        at.setdefault(round(note.onset * beats), []).append(note.pitch)
    letters = FIGURES[figure]
    assert sorted(at) == list(range(int(6.0 / (1.0 / beats))))
    for number, pitches in at.items():
        letter = letters[number % len(letters)]
        assert len(pitches) == {"c": 3, "o": 2}.get(letter, 1)
        assert max(pitches) - min(pitches) <= 12
        if letter == "c":
            # A triad in close position, major.
            classes = {(pitch - root) % 12 for pitch in pitches for root in pitches}
            assert {3, 4, 5, 7, 8, 9} <= classes | {0}
    assert score == accompaniment(
        np.random.default_rng(seed), figure, beats_per_second=beats, seconds=6.0
    )


def test_what_cannot_be_is_refused():
    with pytest.raises(UnknownName, match="polka"):
        accompaniment(np.random.default_rng(0), "polka")
    with pytest.raises(InvalidValue):
        accompaniment(np.random.default_rng(0), "waltz", beats_per_second=0.1)
