"""The benchmark of transcription: what it counts, and what it hears."""

import dataclasses
import sys

import numpy as np
import pytest

from musclehand.core.errors import InvalidValue
from musclehand.music.formats.midi import write_midi
from musclehand.music.score import Note, Pedal, Score
from support.scripts import load

SCORE = Score(
    tuple(Note(0.5 * i + 0.2, 40 + i, 0.5 * i + 0.6, 50 + i) for i in range(10)), (Pedal(1, 3),)
)


@pytest.fixture(scope="module")
def bench():
    pytest.importorskip("mir_eval")
    yield load("bench_transcribe")
    del sys.modules["bench_transcribe"]


def test_notes_that_were_all_heard_late_and_softly(bench):
    late = [
        dataclasses.replace(n, onset=n.onset + 0.02, velocity=n.velocity - 5) for n in SCORE.notes
    ]
    task = bench.Task("late", "synthesised", SCORE, None)
    row = bench.compare(task, SCORE.with_notes(late), 6.0, 3.0)
    assert (row.f1, row.precision, row.recall, row.f1_release, row.pedal_f1) == (1, 1, 1, 1, 1)
    assert row.lag_ms == pytest.approx(20)
    assert row.spread_ms == pytest.approx(0, abs=1e-6)
    assert bench.velocity_figures(row.velocities) == pytest.approx((1, 1, 5))
    assert bench.mapped_error(row.velocities) == pytest.approx(0, abs=1e-6)
    lines = bench.render([row]).splitlines()
    assert lines[2].startswith("| synthesised | 1 | 10 | 1.000 | ")
    assert lines[2].endswith("| 2.00 |")
    assert len({line.count("|") for line in lines if line.startswith("|")}) == 1


def test_notes_and_pedals_that_were_missed(bench):
    task = bench.Task("half", "synthesised", SCORE, None)
    row = bench.compare(task, Score(SCORE.notes[:5], (Pedal(2, 4),)), 6.0, 3.0)
    assert (row.precision, row.recall) == (1, 0.5)
    assert row.f1 == pytest.approx(2 / 3)
    assert row.pedal_f1 == pytest.approx(0.5, abs=0.01)
    nothing = bench.compare(task, Score(()), 6.0, 3.0)
    assert (nothing.f1, nothing.pedal_f1) == (0, 0)
    assert np.isnan(nothing.lag_ms)


def test_files_are_synthesised_unless_a_recording_is_beside_them(bench, tmp_path):
    write_midi(SCORE, tmp_path / "a.mid")
    write_midi(SCORE, tmp_path / "b.mid")
    (tmp_path / "b.flac").write_bytes(b"")
    tasks = list(bench.all_tasks(bench.Args(folders=(tmp_path,), pieces=("ode_to_joy",))))
    assert [(task.name, task.recording is None) for task in tasks] == [
        ("ode_to_joy", True),
        ("ode_to_joy_soft", True),
        ("a", True),
        ("a_soft", True),
        ("b", False),
    ]
    assert tasks[3].score.notes[0].velocity == round(0.6 * tasks[2].score.notes[0].velocity)
    with pytest.raises(InvalidValue, match="folders"):
        list(bench.all_tasks(bench.Args(folders=(tmp_path / "none",), pieces=())))
