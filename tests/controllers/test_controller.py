"""The pedal of a controller is the score's, whatever spans it has."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musclehand.controllers.controller import Controller, pedal_edges
from musclehand.controllers.keyboard import KeyboardController
from musclehand.music.score import Note, Pedal, Score

times = st.integers(0, 12).map(lambda n: n / 4)
spans = st.lists(
    st.tuples(times, times).filter(lambda s: s[0] < s[1]).map(lambda s: Pedal(*s)), max_size=6
)


@given(spans)
def test_edges_are_in_order_and_apart(pedals):
    edges = pedal_edges(pedals)
    assert len(edges) % 2 == 0
    assert all(one < other for one, other in pairwise(edges))


@pytest.fixture(scope="module")
def player():
    return KeyboardController(Score((Note(0.0, 60, 1.0),)), lead_in=1.0)


@given(st.lists(spans, min_size=1, max_size=3))
def test_down_inside_any_span(player, scores):
    """Also when the score is replaced while playing."""
    for pedals in scores:
        player.score = Score((Note(0.0, 60, 1.0),), tuple(pedals))
        for quarter in range(-2, 14):
            time = quarter / 4 + 1.0
            down = any(span.start <= quarter / 4 < span.end for span in pedals)
            assert Controller.pedal(player, time) == down
