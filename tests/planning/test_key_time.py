"""Key time of plans: the share that is kept, and a remark on every release that is early."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.body.anatomy import Side
from musclehand.music.score import Finger, Hand, Note, Pedal, Score, keyboard_score
from musclehand.planning.key_time import early_releases, key_time_kept, plan_remarks
from musclehand.planning.plan import plan_performance
from musclehand.planning.strokes.corrections import Corrections


def line(*ends: float, pedals: tuple[Pedal, ...] = ()) -> Score:
    """Notes of a right hand a second apart, which last as long as asked."""
    notes = [
        Note(float(k), 60 + 2 * k, k + end, 80, Hand.RIGHT, Finger.INDEX)
        for k, end in enumerate(ends)
    ]
    return Score(tuple(notes), pedals)


def test_the_share_is_a_sum_over_notes() -> None:
    assert key_time_kept(line(1.0, 0.5), line(1.0, 0.5)) == 1.0
    assert key_time_kept(line(1.0, 0.5), line(0.7, 0.5)) == pytest.approx(1.2 / 1.5)
    assert key_time_kept(line(1.0, 0.5), line(0.7)) == pytest.approx(0.7 / 1.5)
    assert key_time_kept(Score(()), Score(())) is None


def test_each_early_release_is_told_with_both_times() -> None:
    written = line(1.0, 0.5, 0.8)
    planned = line(0.25, 0.495, 0.6)
    assert [release.note.pitch for release in early_releases(planned, written)] == [60, 64]
    assert plan_remarks(planned, planned, written) == (
        "2 notes released early, the finger or hand is needed elsewhere, 0.95 s in all: "
        "C4 at 0.000 s after 0.25 of 1.00 s, E4 at 2.000 s after 0.60 of 0.80 s",
    )
    assert plan_remarks(written, written, written) == ()


def test_notes_that_the_pedal_carries_are_counted() -> None:
    pedal = (Pedal(0.1, 1.2), Pedal(2.1, 2.7))
    written = line(1.0, 0.5, 0.8, pedals=pedal)
    planned = line(0.25, 0.5, 0.6, pedals=pedal)
    first, last = early_releases(planned, written)
    assert first.sounds_on
    assert not last.sounds_on
    assert ", 1 of them sound on with the pedal: " in plan_remarks(planned, planned, written)[0]


def test_a_remark_takes_the_place_of_earlier_ones() -> None:
    written = line(1.0, 0.5)
    planned = line(0.4, 0.5)
    before = (
        "from the reader",
        "1,200 notes released early, the finger or hand is needed elsewhere: C4 at 0.000 s",
    )
    fingered = replace(planned, remarks=before)
    after = plan_remarks(fingered, planned, written)
    assert after[0] == "from the reader"
    assert len(after) == 2
    assert plan_remarks(replace(fingered, remarks=after), planned, written) == after


def test_notes_of_a_hand_that_does_not_play_are_told() -> None:
    notes = (Note(0.0, 48, 0.5, 80, Hand.LEFT), Note(0.0, 72, 0.5, 80, Hand.RIGHT))
    plan = plan_performance(Score(notes), sides=(Side.RIGHT,))
    assert plan.score.remarks == ("1 note left out, the plan has no left hand: C3 at 0.000 s",)
    fingerless = line(1.0, 0.5)
    bare = fingerless.with_notes((replace(fingerless.notes[0], finger=None), fingerless.notes[1]))
    remarks = plan_remarks(bare, bare.with_notes(bare.notes[1:]), bare)
    assert "1 note left out, they have no finger: C4 at 0.000 s" in remarks


def test_a_plan_tells_the_releases_that_it_makes() -> None:
    """A bass written through under a chord two octaves above it."""
    notes = [Note(0.0, 36, 1.95, 80, Hand.LEFT)]
    notes += [Note(0.8, pitch, 1.6, 70, Hand.LEFT) for pitch in (60, 64)]
    plan = plan_performance(keyboard_score(Score(tuple(notes))))
    (remark,) = plan.score.remarks
    bass = plan.planned.notes[0]
    assert f"C2 at 0.000 s after {bass.duration:.2f} of 1.95 s" in remark
    assert plan.planned.remarks == plan.score.remarks
    kept = plan.key_time_kept
    assert kept is not None
    assert kept == pytest.approx(
        sum(n.duration for n in plan.planned.notes) / sum(n.duration for n in plan.target.notes)
    )
    assert kept < 0.8
    again = plan.with_corrections(Corrections())
    assert again.score.remarks == plan.score.remarks


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(30, 90), st.integers(1, 40)), max_size=25),
    st.lists(st.floats(0.1, 1.0), min_size=25, max_size=25),
)
def test_every_loss_is_told(rows: list[tuple[int, int, int]], shares: list[float]) -> None:
    written = keyboard_score(Score(tuple(Note(0.1 * t, p, 0.1 * (t + d)) for t, p, d in rows)))
    planned = written.with_notes(
        replace(n, offset=n.onset + share * n.duration)
        for n, share in zip(written.notes, shares, strict=False)
    )
    kept = key_time_kept(written, planned)
    assert kept is None or 0.0 < kept <= 1.0
    told = {
        (release.note.onset, release.note.pitch) for release in early_releases(planned, written)
    }
    for before, after in zip(written.notes, planned.notes, strict=True):
        assert ((after.onset, after.pitch) in told) == (before.offset - after.offset >= 0.01)
