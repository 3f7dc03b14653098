"""Explanations of folders of results: the plan is made again, and lost notes get their causes."""

import csv
import json
import shutil

import pytest

from musclehand.core.errors import FileError, InvalidValue
from musclehand.core.recording_reader import RecordingError
from musclehand.music.formats.midi import write_midi
from musclehand.music.score import Note, Score
from musclehand.performance.explain import explain
from musclehand.performance.play import play
from musclehand.performance.report import clear_results
from musclehand.planning.strokes.rehearsal import Rehearsal

TRILL = Score(
    (
        *(Note(0.07 * i, 60 + 7 * (i % 2), 0.07 * i + 0.06, 90) for i in range(12)),
        Note(1.2, 64, 1.6, 70),
    )
)
"""Leaps too fast for one hand, so that notes are lost."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("explain")
    write_midi(TRILL, path / "trill.mid")
    play(path / "trill.mid", out=path / "played", processes=1)
    return path / "played"


@pytest.fixture
def copy(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "copy")
    return tmp_path / "copy"


def test_an_explanation_has_page_table_and_pictures(copy):
    explanation = explain(copy, pictures=1)
    metrics = json.loads((copy / "metrics.json").read_text())
    lost = [row for row in explanation.rows if row.kind == "missed"]
    assert len(lost) >= metrics["missed"]
    assert list(explanation.tracks) == ["rigid", "torque", "muscle"]
    lines = list(csv.DictReader((copy / "causes.csv").open()))
    assert len(lines) == len(explanation.rows)
    page = (copy / "explain.html").read_text()
    assert "Lost notes of trill" in page
    assert all(path.is_file() for path in explanation.files)
    drawn = sorted((copy / "figures").glob("lost_*.png"))
    shown = sum(row.kind != "short" for row in explanation.rows)
    assert len(drawn) == min(1, shown)
    assert page.count("data:image/png") == len(drawn)
    clear_results(copy)
    assert not list(copy.rglob("*.*"))


def test_the_same_folder_has_the_same_explanation(copy):
    assert explain(copy, pictures=0).rows == explain(copy, pictures=0).rows


@pytest.mark.parametrize("kept", [0, 1])
def test_a_practised_performance_is_explained_by_the_plan_of_its_kept_run(
    tmp_path, monkeypatch, kept
):
    monkeypatch.setattr(Rehearsal, "best", kept)
    write_midi(TRILL, tmp_path / "trill.mid")
    play(tmp_path / "trill.mid", out=tmp_path / "played", rehearsals=1, processes=1)
    explanation = explain(tmp_path / "played", pictures=0)
    assert bool(explanation.plan.corrections) == bool(kept)
    metrics = json.loads((tmp_path / "played" / "metrics.json").read_text())
    assert metrics["kept_run"] == kept


def test_a_score_that_has_moved_is_given(copy):
    metrics = json.loads((copy / "metrics.json").read_text())
    kept, metrics["score"] = metrics["score"], "gone.mid"
    (copy / "metrics.json").write_text(json.dumps(metrics))
    with pytest.raises(FileError, match="its score is gone"):
        explain(copy, pictures=0)
    assert explain(copy, pictures=0, score=kept).player == "muscle"


def test_another_score_is_found_out(copy, tmp_path):
    write_midi(Score((Note(0.0, 60, 0.5),)), tmp_path / "other.mid")
    with pytest.raises(RecordingError, match="another score"):
        explain(copy, pictures=0, score=tmp_path / "other.mid")


def test_a_folder_without_results_is_refused(tmp_path):
    with pytest.raises(FileError, match="is not there"):
        explain(tmp_path)
    (tmp_path / "metrics.json").write_text("{}")
    with pytest.raises(FileError, match="does not say score"):
        explain(tmp_path)
    (tmp_path / "metrics.json").write_text("[")
    with pytest.raises(FileError, match="cannot be read"):
        explain(tmp_path)


def test_a_player_without_a_plan_is_refused(copy):
    metrics = json.loads((copy / "metrics.json").read_text())
    (copy / "metrics.json").write_text(json.dumps({**metrics, "controller": "keyboard"}))
    with pytest.raises(InvalidValue, match="one that follows a plan"):
        explain(copy)


@pytest.mark.parametrize("pictures", [-1, 101])
def test_a_senseless_number_of_pictures_is_refused(copy, pictures):
    with pytest.raises(InvalidValue, match="pictures"):
        explain(copy, pictures=pictures)
