"""Scores come back from JSON to the last bit, and data that is no score's is refused."""

import copy
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musclehand.core.errors import InvalidValue
from musclehand.music.formats.score_json import score_from_dict, score_to_dict
from musclehand.music.repertoire import list_pieces, load_piece
from musclehand.music.score import Finger, Hand, Note, Pedal, Score

times = st.floats(0.0, 1e4)
lengths = st.floats(1e-3, 100.0)
notes = st.builds(
    lambda onset, length, *rest: Note(onset, rest[0], onset + length, *rest[1:]),
    times,
    lengths,
    st.integers(21, 108),
    st.integers(1, 127),
    st.none() | st.sampled_from(Hand),
    st.none() | st.sampled_from(Finger),
)
pedals = st.builds(lambda start, length: Pedal(start, start + length), times, lengths)
scores = st.builds(
    lambda notes, pedals, title, remarks: Score(tuple(notes), tuple(pedals), title, tuple(remarks)),
    st.lists(notes, max_size=8),
    st.lists(pedals, max_size=3),
    st.text(),
    st.lists(st.text(), max_size=3),
)
SCORE = Score((Note(0.1, 60, 0.5, 70, Hand.LEFT, Finger.RING),), (Pedal(0.0, 1.0),), "a", ("b",))


@given(scores)
def test_scores_come_back_from_json(score: Score) -> None:
    text = json.dumps(score_to_dict(score))
    again = score_from_dict(json.loads(text))
    assert again == score
    assert json.dumps(score_to_dict(again)) == text
    for note in again.notes:
        assert note.hand is None or isinstance(note.hand, Hand)
        assert note.finger is None or isinstance(note.finger, Finger)


def test_the_repertoire_comes_back() -> None:
    for piece in list_pieces():
        score = load_piece(piece.name)
        assert score_from_dict(json.loads(json.dumps(score_to_dict(score)))) == score


def test_the_layout_of_the_data() -> None:
    assert score_to_dict(SCORE) == {
        "title": "a",
        "notes": [[0.1, 0.5, 60, 70, 0, 4]],
        "pedals": [[0.0, 1.0]],
        "remarks": ["b"],
    }


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("notes",), None),
        (("notes",), 3),
        (("notes", 0), [0.0, 1.0, 60, 70]),
        (("notes", 0), 5),
        (("notes", 0, 0), "early"),
        (("notes", 0, 0), None),
        (("notes", 0, 0), math.nan),
        (("notes", 0, 0), -1.0),
        (("notes", 0, 0), 0.5),
        (("notes", 0, 1), math.inf),
        (("notes", 0, 1), 10**400),
        (("notes", 0, 2), 20),
        (("notes", 0, 2), math.inf),
        (("notes", 0, 2), [60]),
        (("notes", 0, 3), 0),
        (("notes", 0, 4), 2),
        (("notes", 0, 4), "left"),
        (("notes", 0, 5), 0),
        (("notes", 0, 5), []),
        (("pedals",), 1.0),
        (("pedals", 0), [1.0]),
        (("pedals", 0, 1), 0.0),
        (("pedals", 0, 0), math.nan),
        (("remarks",), 3),
    ],
)
def test_data_that_is_no_score_is_refused(place: tuple[Any, ...], value: Any) -> None:
    data = copy.deepcopy(score_to_dict(SCORE))
    parent: Any = data
    for key in place[:-1]:
        parent = parent[key]
    parent[place[-1]] = value
    with pytest.raises((OverflowError, TypeError, ValueError, InvalidValue)):
        score_from_dict(data)


def test_missing_parts_are_refused() -> None:
    for name in ("notes", "pedals", "title", "remarks"):
        data = score_to_dict(SCORE)
        del data[name]
        with pytest.raises(KeyError, match=name):
            score_from_dict(data)
