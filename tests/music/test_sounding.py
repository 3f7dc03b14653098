"""What is heard: ends of notes under the pedal, against a simulation of dampers step by step."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.music.metrics import score_performance
from musclehand.music.score import Note, Pedal, Score, keyboard_score
from musclehand.music.sounding import sounding_score

TICK = 0.01


def test_what_is_heard_ends_with_the_pedal_or_the_next_stroke() -> None:
    notes = (Note(0.0, 60, 0.5), Note(1.0, 60, 1.2), Note(0.0, 64, 0.4), Note(3.0, 67, 3.5))
    heard = sounding_score(Score(notes, (Pedal(0.3, 1.1), Pedal(1.05, 2.0))))
    assert sorted((n.pitch, n.onset, n.offset) for n in heard.notes) == [
        (60, 0.0, 1.0),
        (60, 1.0, 2.0),
        (64, 0.0, 2.0),
        (67, 3.0, 3.5),
    ]
    assert heard.pedals == ()
    assert sounding_score(Score(notes)).notes == Score(notes).notes


def dampers(score: Score, ticks: int) -> list[set[int]]:
    """Pitches that sound in each tick: strings are struck, and damped where key and pedal are
    up."""
    strokes = {(round(n.onset / TICK), n.pitch) for n in score.notes}
    sounding: set[int] = set()
    heard = []
    for tick in range(ticks):
        middle = (tick + 0.5) * TICK
        keys = {n.pitch for n in score.notes if n.onset <= middle < n.offset}
        pedal = any(p.start <= middle < p.end for p in score.pedals)
        if not pedal:
            sounding &= keys
        sounding |= {pitch for at, pitch in strokes if at == tick}
        heard.append(set(sounding))
    return heard


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(60, 63), st.integers(1, 60)), max_size=12),
    st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), max_size=4),
)
def test_notes_end_where_a_damper_would_fall(
    rows: list[tuple[int, int, int]], downs: list[tuple[int, int]]
) -> None:
    notes = tuple(Note(4 * TICK * t, p, TICK * (4 * t + d)) for t, p, d in rows)
    pedals = []
    at = 0
    for gap, length in downs:
        pedals.append(Pedal(TICK * (at + gap), TICK * (at + gap + length)))
        at += gap + length
    score = keyboard_score(Score(notes, tuple(pedals)), gap=TICK)
    heard = sounding_score(score)
    for tick, pitches in enumerate(dampers(score, 320)):
        middle = (tick + 0.5) * TICK
        assert {n.pitch for n in heard.notes if n.onset <= middle < n.offset} == pitches


def test_a_key_let_go_under_the_pedal_costs_nothing_and_a_brushed_key_rings_on() -> None:
    pedal = (Pedal(0.1, 2.0),)
    written = Score((Note(0.0, 60, 1.0), Note(2.0, 64, 3.0)), pedal)
    early = written.with_notes((Note(0.0, 60, 0.3), written.notes[1]))
    judged = score_performance(written, early)
    assert judged.heard_frame_f1_micro == judged.heard_frame_f1_mean == 1.0
    assert judged.frame_f1_micro == pytest.approx(2 * 26 / (40 + 26))
    brushed = written.with_notes((*written.notes, Note(1.0, 61, 1.05)))
    judged = score_performance(written, brushed)
    assert judged.frame_f1_micro == pytest.approx(2 * 40 / 81)
    assert judged.heard_frame_f1_micro == pytest.approx(2 * 60 / (120 + 20))
    assert judged.baseline_silent.heard_frame_f1_micro == 0.0


def test_each_score_sounds_with_its_own_pedal() -> None:
    written = Score((Note(0.0, 60, 1.0),), (Pedal(0.5, 2.0),))
    dry = Score(written.notes)
    assert score_performance(written, dry).heard_frame_f1_micro == pytest.approx(2 * 20 / 60)
    assert score_performance(dry, written).heard_frame_f1_micro == pytest.approx(2 * 20 / 60)
    assert score_performance(dry, dry).heard_frame_f1_micro == 1.0
