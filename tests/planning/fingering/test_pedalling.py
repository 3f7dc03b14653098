"""The pedal where a hand has to leave: what it catches, when it comes up, and what is heard."""

import os
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.core.errors import InvalidValue
from musclehand.music.formats.midi import read_midi
from musclehand.music.generate.exercises import two_hand_texture
from musclehand.music.metrics import score_performance
from musclehand.music.repertoire import load_piece
from musclehand.music.score import Hand, Note, Pedal, Score, keyboard_score
from musclehand.music.sounding import sounding_score
from musclehand.planning.fingering.assign import FingeringConfig, assign_fingering
from musclehand.planning.fingering.pedalling import PedalConfig, auto_pedal
from musclehand.planning.plan import plan_performance

L = Hand.LEFT
R = Hand.RIGHT
FREE = FingeringConfig(release_early=True)


def stride(chords: int = 4, *, semitones: int = 0) -> Score:
    """A bass written through under chords two octaves above, which one hand cannot hold."""
    notes = []
    for k in range(chords):
        at = 2.0 * k
        up = semitones * k
        notes.append(Note(at, 36 + up, at + 1.95, 80, L))
        notes += [
            Note(at + beat, pitch + up, at + beat + 0.45, 70, L)
            for beat in (0.5, 1.0, 1.5)
            for pitch in (60, 64)
        ]
    return keyboard_score(Score(tuple(notes)))


def test_the_pedal_holds_the_bass_over() -> None:
    written = stride()
    played = assign_fingering(written, config=FREE)
    assert any("released early" in remark for remark in played.remarks)
    pedalled = auto_pedal(played, written)
    assert pedalled.notes == played.notes
    heard = sounding_score(pedalled)
    assert heard.pedals == ()
    bass = [n for n in heard.notes if n.pitch == 36]
    assert [n.offset for n in bass] == pytest.approx([2.0 * k + 1.95 for k in range(4)], abs=1e-6)
    assert "notes held over with the pedal" in pedalled.remarks[-1]
    assert int(pedalled.remarks[-1].split()[0]) >= 4


def test_the_pedal_follows_the_stroke_and_leads_the_release() -> None:
    written = stride()
    pedalled = auto_pedal(assign_fingering(written, config=FREE), written)
    for pedal, bass in zip(
        pedalled.pedals, (n for n in pedalled.notes if n.pitch == 36), strict=True
    ):
        assert pedal.start == pytest.approx(bass.onset + PedalConfig().delay)
        assert pedal.start < bass.offset < pedal.end


def test_a_hand_that_leaps_is_covered_between_its_notes() -> None:
    def leaps(semitones: int) -> Score:
        line = [Note(0.5 * k, 48 + semitones * (k % 2), 0.5 * k + 0.5, 80, L) for k in range(8)]
        return assign_fingering(Score(tuple(line)), config=FREE)

    assert auto_pedal(leaps(4), leaps(4)).pedals == ()
    wide = auto_pedal(leaps(24), leaps(24))
    # One pedal a note, from after its stroke to the next one's, which it does not blur; none after
    # the last.
    assert [p.start for p in wide.pedals] == pytest.approx([0.5 * k + 0.08 for k in range(7)])
    assert [p.end for p in wide.pedals] == pytest.approx([0.5 * k + 0.5 for k in range(7)])
    assert sounding_score(wide).notes == wide.notes


def test_ragtime_is_pedalled_from_bass_to_chord() -> None:
    score = assign_fingering(replace(load_piece("ragtime_left_hand"), pedals=()), config=FREE)
    pedals = auto_pedal(score, score).pedals
    onsets = sorted({n.onset for n in score.notes})
    assert len(pedals) > 0.5 * len(onsets)
    assert all(not any(p.start < onset < p.end - 1e-9 for onset in onsets) for p in pedals)


def test_harmony_changes_change_the_pedal() -> None:
    held = Note(0.0, 36, 8.0, 80, L)
    chord = [held, Note(0.0, 43, 8.0, 80, L), Note(0.0, 48, 8.0, 80, L)]
    line = [
        Note(1.0 * k, pitch, k + 0.9, 70, R) for k, pitch in enumerate((60, 64, 67, 68, 72, 75))
    ]

    def pedals(bass: list[Note]) -> tuple[Pedal, ...]:
        written = Score((*bass, *line))
        cut = [replace(n, offset=1.0) if n in bass else n for n in written.notes]
        return auto_pedal(written.with_notes(cut), written).pedals

    # C E G go together; A flat clashes with the G that only the pedal holds.
    assert pedals(chord) == (Pedal(0.08, 3.0),)
    # For one note less is gained by holding it than is lost by blurring the line any longer.
    assert pedals([held]) == (Pedal(0.08, 2.0),)
    # The bass sounds as written beside whatever it is written to sound with.
    together = Score((held, Note(2.0, 37, 3.0, 70, R)))
    cut = together.with_notes((replace(held, offset=1.0), together.notes[1]))
    assert auto_pedal(cut, together).pedals == (Pedal(0.08, 8.0),)


def test_nothing_is_done_where_nothing_is_lost() -> None:
    for name in ("fuer_elise", "minuet_in_g"):
        score = load_piece(name)
        assert auto_pedal(score, score) is score
    assert auto_pedal(Score(()), Score(())) == Score(())
    trifle = Score((Note(0.0, 60, 1.0),))
    assert auto_pedal(trifle.with_notes([Note(0.0, 60, 0.95)]), trifle).pedals == ()


def test_written_pedals_stay() -> None:
    written = replace(stride(), pedals=(Pedal(0.0, 1.0), Pedal(2.5, 3.0)))
    pedalled = auto_pedal(assign_fingering(written, config=FREE), written)
    assert set(written.pedals) < set(pedalled.pedals)
    assert all(a.end <= b.start for a, b in pairwise(pedalled.pedals))
    # The first two basses last as long as the written pedal, the others as long as their notes.
    heard = [n.duration for n in sounding_score(pedalled).notes if n.pitch == 36]
    assert heard == pytest.approx([1.0, 1.0, 1.95, 1.95])


def test_times_of_the_foot_are_checked() -> None:
    with pytest.raises(InvalidValue, match="delay"):
        PedalConfig(delay=-0.1)


def test_nothing_is_added_where_the_written_pedal_holds() -> None:
    written = replace(
        stride(), pedals=tuple(Pedal(2.0 * k + 0.1, 2.0 * k + 1.99) for k in range(4))
    )
    played = assign_fingering(written, config=FREE)
    assert any("released early" in remark for remark in played.remarks)
    assert auto_pedal(played, written) is played


def test_an_added_pedal_leaves_the_foot_time_beside_those_of_the_score() -> None:
    written = replace(stride(), pedals=(Pedal(1.0, 1.2), Pedal(3.0, 3.2)))
    pedalled = auto_pedal(assign_fingering(written, config=FREE), written)
    assert len(pedalled.pedals) > 2
    assert all(b.start - a.end >= PedalConfig().delay - 1e-9 for a, b in pairwise(pedalled.pedals))


def test_a_pedal_that_blurs_more_than_it_holds_is_left_out() -> None:
    """A note that is cut together with the end of a short chord."""
    short = [Note(0.4, pitch, 0.5, 70, R) for pitch in (72, 76, 79, 84)]
    written = Score((Note(0.0, 36, 0.7, 80, L), *short))
    played = written.with_notes([Note(0.0, 36, 0.5, 80, L), *short])
    assert auto_pedal(played, written) is played


PERFORMANCES = os.environ.get("MUSCLEHAND_PERFORMANCES", "")
"""Folder of recorded performances as MIDI files, for those who have some."""


def heard_figures(written: Score, played: Score) -> tuple[float, float]:
    """Micro and mean frame F1 of what is heard."""
    metrics = score_performance(written, played)
    assert metrics.heard_frame_f1_micro is not None
    assert metrics.heard_frame_f1_mean is not None
    return metrics.heard_frame_f1_micro, metrics.heard_frame_f1_mean


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(30, 90), st.integers(1, 40)), max_size=25),
    st.lists(st.floats(0.1, 1.0), min_size=25, max_size=25),
)
def test_pedals_are_apart_and_only_lengthen(
    rows: list[tuple[int, int, int]], shares: list[float]
) -> None:
    written = keyboard_score(Score(tuple(Note(0.1 * t, p, 0.1 * (t + d)) for t, p, d in rows)))
    played = written.with_notes(
        replace(n, offset=n.onset + share * n.duration)
        for n, share in zip(written.notes, shares, strict=False)
    )
    pedalled = auto_pedal(played, written)
    assert pedalled.notes == played.notes
    assert all(a.end <= b.start for a, b in pairwise(pedalled.pedals))
    assert all(p.end <= written.duration + 1e-9 for p in pedalled.pedals)
    heard = sounding_score(pedalled)
    assert all(a.offset >= b.offset for a, b in zip(heard.notes, played.notes, strict=True))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(30, 90), st.integers(1, 40)), max_size=25),
    st.lists(st.floats(0.1, 1.0), min_size=25, max_size=25),
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), max_size=3),
    st.booleans(),
)
def test_what_is_heard_is_never_worse(
    rows: list[tuple[int, int, int]],
    shares: list[float],
    downs: list[tuple[int, int]],
    leaps: bool,
) -> None:
    pedals = tuple(Pedal(0.13 * t, 0.13 * (t + d)) for t, d in downs)
    notes = tuple(Note(0.1 * t, p, 0.1 * (t + d)) for t, p, d in rows)
    written = keyboard_score(Score(notes, pedals))
    played = written.with_notes(
        replace(n, offset=n.onset + share * n.duration)
        for n, share in zip(written.notes, shares, strict=False)
    )
    pedalled = auto_pedal(played, written, leaps=leaps)
    if pedalled is played:
        return
    before = heard_figures(written, played)
    after = heard_figures(written, pedalled)
    assert after[0] >= before[0] - 1e-12
    assert after[1] >= before[1] - 1e-9
    if not leaps:
        assert after[0] > before[0]


@pytest.mark.parametrize("seed", range(4))
def test_plans_of_generated_scores_are_never_heard_worse(seed: int) -> None:
    rng = np.random.default_rng(seed)
    plan = plan_performance(two_hand_texture(rng))
    pedalled = plan.with_auto_pedal()
    before = heard_figures(plan.target, plan.planned)
    after = heard_figures(plan.target, pedalled.planned)
    assert after[0] >= before[0]
    assert after[1] >= before[1] - 1e-9


@pytest.mark.skipif(not PERFORMANCES, reason="MUSCLEHAND_PERFORMANCES names no folder")
def test_plans_of_recorded_performances_are_never_heard_worse() -> None:
    for path in sorted(Path(PERFORMANCES).glob("*.mid"))[::3]:
        plan = plan_performance(read_midi(path))
        pedalled = plan.with_auto_pedal()
        assert set(plan.planned.pedals) <= set(pedalled.planned.pedals)
        before = heard_figures(plan.target, plan.planned)
        after = heard_figures(plan.target, pedalled.planned)
        assert after[0] >= before[0], path.name
        assert after[1] >= before[1] - 1e-9, path.name
