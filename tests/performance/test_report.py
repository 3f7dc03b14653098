"""The folder of a performance: complete or untouched, and the numbers in it those of the
performance."""

import json
import wave
from types import SimpleNamespace

import numpy as np
import pytest

from musclehand.core.errors import OutputError
from musclehand.core.recording import Channel, RecordingWriter
from musclehand.core.recording_reader import RECORDING
from musclehand.music.metrics import score_performance
from musclehand.music.score import Note, Score
from musclehand.performance.plan_figures import PlanFigures
from musclehand.performance.report import (
    clear_results,
    metrics_of,
    prepare_folder,
    remove_empty,
    write_report,
)

SCORE = Score((Note(0.0, 60, 0.5), Note(0.5, 64, 1.0)), title="Two notes")
PLAYED = Score((Note(0.01, 60, 0.5), Note(0.5, 65, 1.0)))


def performance(score=SCORE, played=PLAYED, plan=None):
    """A performance without physics."""
    return SimpleNamespace(
        score=score,
        played=played,
        metrics=score_performance(score, played),
        body=SimpleNamespace(joint_rmse_deg=1.5, fingertip_error_mm=None, mean_activation=0.1),
        controller="muscle",
        duration_s=score.duration,
        wall_s=2.0,
        realtime_factor=score.duration / 2.0,
        remarks=("one thing",),
        plan=plan,
        provenance={"musclehand": "0.1.0", "numpy": "2", "model_sha256": "ab", "seed": 3},
        rehearsals=(),
        kept_run=None,
        likeness=None,
    )


def write_recording(folder):
    with RecordingWriter(folder / RECORDING, {"time": Channel("s")}) as writer:
        writer.append(time=0.0)


def test_metrics_hold_the_performance():
    metrics = metrics_of(performance(), {"score": "two.mid"})
    assert (metrics["score"], metrics["title"], metrics["seed"]) == ("two.mid", "Two notes", 3)
    assert (metrics["missed"], metrics["extra"], metrics["wrong"]) == (1, 1, 1)
    assert metrics["onset_error_ms_median"] == pytest.approx(10.0)
    assert metrics["versions"] == {"musclehand": "0.1.0", "numpy": "2"}
    assert metrics["remarks"] == ["one thing"]
    assert metrics["missed_notes"] == [{"time": 0.5, "pitch": "E4"}]
    assert metrics["extra_notes"] == [{"time": 0.5, "pitch": "F4", "velocity": 80}]
    assert metrics["plan_key_time_kept"] is None
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics


def test_metrics_tell_every_run_of_practice():
    practised = performance()
    perfect = score_performance(SCORE, SCORE)
    practised.rehearsals, practised.kept_run = (practised.metrics, perfect), 1
    metrics = metrics_of(practised)
    first, second = metrics["rehearsal_runs"]
    assert (first["missed"], first["extra"]) == (1, 1)
    assert first["onset_error_ms_median"] == pytest.approx(10.0)
    assert (second["onset_f1_50ms"], second["frame_f1_micro"], second["missed"]) == (1.0, 1.0, 0)
    assert metrics["kept_run"] == 1
    assert metrics_of(performance())["rehearsal_runs"] == []
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics


def test_metrics_hold_the_plans_figures():
    figures = PlanFigures(1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
    metrics = metrics_of(performance(plan=figures))
    assert {name: value for name, value in metrics.items() if name.startswith("plan_")} == {
        "plan_onset_f1_50ms": 1.0,
        "plan_frame_f1_mean": 0.9,
        "plan_frame_f1_micro": 0.8,
        "plan_heard_frame_f1_mean": 0.7,
        "plan_heard_frame_f1_micro": 0.6,
        "plan_key_time_kept": 0.5,
    }


def test_all_files_are_written_and_nothing_else(tmp_path):
    write_recording(tmp_path)
    files = write_report(performance(), tmp_path)
    names = {str(path.relative_to(tmp_path)) for path in files}
    assert names == {
        "metrics.json",
        "recording.h5",
        "played.mid",
        "played.wav",
        "figures/piano_roll.png",
    }
    assert {p.name for p in tmp_path.iterdir()} == {
        "metrics.json",
        RECORDING,
        "played.mid",
        "played.wav",
        "figures",
    }
    with wave.open(str(tmp_path / "played.wav")) as sound:
        assert sound.getnframes() / sound.getframerate() == pytest.approx(
            PLAYED.duration + 2.0, abs=0.01
        )
        samples = np.frombuffer(sound.readframes(sound.getnframes()), dtype="<i2")
    assert np.abs(samples).max() > 1000


def test_a_long_piece_has_several_pages(tmp_path):
    long = Score(tuple(Note(float(i), 60 + i % 12, i + 0.9) for i in range(150)))
    write_recording(tmp_path)
    write_report(performance(long, long), tmp_path)
    assert {p.name for p in (tmp_path / "figures").iterdir()} == {
        "piano_roll.png",
        "piano_roll_2.png",
    }


def test_failing_leaves_the_folder_as_it_was(tmp_path):
    write_recording(tmp_path)
    with pytest.raises(OutputError, match=r"missing\.sf2"):
        write_report(performance(), tmp_path, soundfont=tmp_path / "missing.sf2")
    assert [path.name for path in tmp_path.iterdir()] == [RECORDING]


def test_a_folder_is_made_and_taken_back(tmp_path):
    folder = tmp_path / "a" / "b" / "c"
    made = prepare_folder(folder)
    assert folder.is_dir()
    assert made == tmp_path / "a"
    remove_empty(folder, made)
    assert list(tmp_path.iterdir()) == []


def test_only_what_was_made_and_is_empty_is_taken_back(tmp_path):
    assert prepare_folder(tmp_path) is None
    remove_empty(tmp_path, None)
    assert tmp_path.is_dir()
    made = prepare_folder(tmp_path / "a" / "b")
    (tmp_path / "a" / "keep").write_text("")
    remove_empty(tmp_path / "a" / "b", made)
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["keep"]


def test_a_file_in_the_way_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "deeper", tmp_path / "nul\0"):
        with pytest.raises(OutputError):
            prepare_folder(place)


def test_clearing_takes_results_only(tmp_path):
    write_recording(tmp_path)
    write_report(performance(), tmp_path)
    (tmp_path / "mine.txt").write_text("")
    clear_results(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"mine.txt", "figures"}
    assert list((tmp_path / "figures").iterdir()) == []
