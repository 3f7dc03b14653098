"""Chorales: against what the edition has, and without the library that holds them."""

import sys

import numpy as np
import pytest

from musclehand.core.errors import InvalidValue, UnknownName
from musclehand.music.generate.chorale import (
    MissingChorales,
    chorale_score,
    draw_chorale,
    list_chorales,
)
from musclehand.music.score import Hand, keyboard_score


def test_without_the_library_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "music21", None)
    list_chorales.cache_clear()
    with pytest.raises(MissingChorales, match=r"pip install 'musclehand\[corpus\]'"):
        list_chorales()


def test_a_chorale_begins_as_it_is_printed():
    """BWV 269, "Aus meines Herzens Grunde": an upbeat chord G B D G in three-four time, G major."""
    pytest.importorskip("music21")
    score = chorale_score("bwv269", beats_per_minute=60, velocity=66)
    first = [note for note in score.notes if note.onset == 0]
    assert {note.pitch % 12 for note in first} == {7, 11, 2}
    top = [max(n.pitch for n in score.notes if n.onset == onset) for onset in (0.0, 1.0, 3.0)]
    assert top == [67, 67, 74]
    assert first[0].hand is Hand.LEFT
    assert first[-1].hand is Hand.RIGHT
    assert {note.velocity for note in score.notes} == {66}
    assert keyboard_score(score).notes == score.notes
    assert chorale_score("bwv269", beats_per_minute=120).duration == pytest.approx(
        score.duration / 2, abs=0.05
    )


def test_there_are_hundreds_and_chance_picks_the_same_one_again():
    pytest.importorskip("music21")
    assert len(list_chorales()) > 300
    drawn, same = (draw_chorale(np.random.default_rng(4)) for _ in range(2))
    assert drawn == same
    assert drawn[0] in list_chorales()
    assert {note.hand for note in drawn[1].notes} == set(Hand)


def test_what_is_not_there_is_refused():
    pytest.importorskip("music21")
    with pytest.raises(UnknownName, match="did you mean"):
        chorale_score("bwv26")
    with pytest.raises(InvalidValue, match="beats_per_minute"):
        chorale_score("bwv269", beats_per_minute=0)
