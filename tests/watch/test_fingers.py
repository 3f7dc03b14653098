"""Fingers of a film: margins against their definition by brute force, and the table of fingers."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.music.score import Finger, Hand, Note, Score
from musclehand.planning.fingering.cost import FingeringConfig
from musclehand.planning.fingering.one_hand import plan_hand
from musclehand.watch.fingers import FingerChoice, finger_margins, list_uncertain, watch_fingers
from musclehand.watch.fingers_file import (
    COLUMNS,
    FingerRow,
    FingersFileError,
    finger_rows,
    read_fingers,
    write_fingers,
)
from support.leaping_finger import VIEW, film, melody

CONFIG = FingeringConfig(release_early=True)


def test_leaps_of_one_finger_are_seen() -> None:
    notes = melody(20.0)
    watched = watch_fingers(film(notes, seconds=22.0, error=0.002), VIEW, notes)
    assert {(n.hand, n.finger) for n in watched.score.notes} == {(Hand.RIGHT, Finger.MIDDLE)}
    assert not watched.uncertain.any()
    assert list_uncertain(watched) == []
    assert np.nanmax(watched.distance) < 0.008
    assert [(n.onset, n.offset) for n in watched.score.notes] == [
        (n.onset, n.offset) for n in notes.notes
    ]


def test_margins_are_the_difference_to_the_best_of_all_fingers_that_are_left() -> None:
    pitches = (60, 64, 62, 67)
    score = Score(
        tuple(Note(0.4 * i, p, 0.4 * i + 0.3, hand=Hand.RIGHT) for i, p in enumerate(pitches))
    )
    cost = np.random.default_rng(3).uniform(0.0, 6.0, (4, 2, 5))
    everything = np.arange(4)

    def total(fixed: np.ndarray) -> float:
        plan = plan_hand(
            score.notes,
            everything,
            Hand.RIGHT,
            fixed=fixed,
            weight=np.ones(4),
            config=CONFIG,
            evidence=cost,
        )
        return plan.cost

    best = plan_hand(
        score.notes,
        everything,
        Hand.RIGHT,
        fixed=np.zeros(4, dtype=int),
        weight=np.ones(4),
        config=CONFIG,
        evidence=cost,
    ).finger
    margin, second = finger_margins(score, 5 + best - 1, cost, config=CONFIG)
    for i in range(4):
        totals = {}
        for finger in range(1, 6):
            fixed = np.zeros(4, dtype=int)
            fixed[i] = finger
            totals[finger] = total(fixed)
        least = totals.pop(int(best[i]))
        assert margin[i] == pytest.approx(min(totals.values()) - least, abs=1e-9)
        choice = second[i]
        assert choice is not None
        assert int(choice.finger) == min(totals, key=totals.__getitem__)


def test_fingers_that_a_person_has_chosen_are_certain() -> None:
    score = Score((Note(0.0, 60, 1.0, hand=Hand.RIGHT, finger=Finger.THUMB),))
    margin, second = finger_margins(score, np.array([5]), np.zeros((1, 2, 5)), config=CONFIG)
    assert math.isinf(margin[0])
    assert second == (None,)


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    notes = melody(10.0)
    watched = watch_fingers(film(notes, seconds=12.0, error=0.004), VIEW, notes)
    dropped = [(Note(2.0, 100, 2.5), "dropped, the nearest fingertip is 90 mm off")]
    rows = finger_rows(watched, dropped=dropped)
    path = tmp_path / "fingers.csv"
    write_fingers(path, rows)
    again = read_fingers(path)
    assert len(again) == len(notes) + 1
    for row, copy in zip(rows, again, strict=True):
        assert (copy.pitch, copy.choice, copy.second, copy.kept) == (
            row.pitch,
            row.choice,
            row.second,
            row.kept,
        )
        assert copy.onset == pytest.approx(row.onset, abs=1e-4)
        assert copy.distance_mm == pytest.approx(row.distance_mm, abs=0.06, nan_ok=True)
    write_fingers(path, again)
    assert read_fingers(path)[3] == again[3]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("1.0,60,R,3", "4 cells"),
        ("x,60,R,3,1.0,2.0,R2,1.0,kept", "could not convert"),
        ("1.0,5,R,3,1.0,2.0,R2,1.0,kept", "no note"),
        ("1.0,60,R,6,1.0,2.0,R2,1.0,kept", "not a hand and a finger"),
        ("1.0,60,R,3,-1.0,2.0,R2,1.0,kept", "negative"),
        ("1.0,60,R,3,1.0,2.0,R2,3.0,kept", "0 to 1"),
    ],
)
def test_bad_rows_are_named_by_their_line(tmp_path: Path, line: str, problem: str) -> None:
    path = tmp_path / "fingers.csv"
    path.write_text(f"{','.join(COLUMNS)}\n{line}\n")
    with pytest.raises(FingersFileError, match=rf"line 2.*{problem}"):
        read_fingers(path)


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=300), headed=st.booleans())
def test_any_bytes_are_a_table_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, headed: bool
) -> None:
    path = tmp_path_factory.mktemp("bytes") / "fingers.csv"
    path.write_bytes((",".join(COLUMNS).encode() + b"\n" if headed else b"") + content)
    try:
        rows = read_fingers(path)
    except FingersFileError:
        return
    assert all(isinstance(row, FingerRow) for row in rows)


def test_a_missing_file_and_another_heading_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FingersFileError, match="cannot be read"):
        read_fingers(tmp_path / "missing.csv")
    path = tmp_path / "fingers.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(FingersFileError, match="not headed"):
        read_fingers(path)


def test_the_other_hand_may_be_the_second_choice() -> None:
    """Both thumbs on one key, between the hands."""
    low = [Note(0.5 * i, 53 - i, 0.5 * i + 0.4) for i in range(4)]
    high = [Note(0.5 * i, 67 + i, 0.5 * i + 0.4) for i in range(4)]
    score = Score((*low, *high, Note(2.0, 60, 2.5)))
    place = next(i for i, note in enumerate(score.notes) if note.pitch == 60)
    cost = np.zeros((len(score), 2, 5))
    cost[place] = 50.0
    cost[place, :, 0] = (1.0, 0.0)
    choice = np.array([5 if n.pitch == 60 else (4 if n.pitch < 60 else 9) for n in score.notes])
    _, second = finger_margins(score, choice, cost, config=CONFIG)
    assert second[place] == FingerChoice(Hand.LEFT, Finger.THUMB)
    handed = score.with_notes(
        replace(n, hand=Hand(int(c) // 5)) for n, c in zip(score.notes, choice, strict=True)
    )
    _, second = finger_margins(handed, choice, cost, config=CONFIG)
    assert second[place] != FingerChoice(Hand.LEFT, Finger.THUMB)
