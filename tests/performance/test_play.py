"""`musclehand.play`: a score in, a performance and its folder out; errors name what is legal."""

import json
import re

import numpy as np
import pytest

import musclehand as mh
from musclehand.core.errors import InvalidValue, MusclehandError, OutputError, UnknownName
from musclehand.core.recording import Recording
from musclehand.music.formats.midi import read_midi, write_midi
from musclehand.music.repertoire import load_piece
from musclehand.music.score import Note, Score
from musclehand.performance import play as play_module
from musclehand.performance.play import FilmError, PageError, play, play_into
from musclehand.performance.settings import PlayerSettings

RESULTS = {
    "metrics.json",
    "recording.h5",
    "played.mid",
    "played.wav",
    "figures",
    "performance.html",
}

TUNE = Score(tuple(Note(0.25 * i, 60 + i, 0.25 * i + 0.2) for i in range(8)), title="Tune")


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def contents(folder):
    return {path.name for path in folder.iterdir()}


def request_in(folder):
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return [metrics[name] for name in ("score", "clip", "tempo")]


def test_it_is_at_the_front_door():
    assert mh.play is play


def test_without_a_folder_nothing_is_written(tmp_path):
    result = play("ode_to_joy", clip=(0, 1), controller="keyboard")
    assert result.metrics.onset_f1_50ms == 1.0
    assert (result.controller, result.recording, result.files) == ("keyboard", None, ())
    assert contents(tmp_path) == set()


def test_a_folder_gets_all_results(tmp_path):
    result = play("ode_to_joy", clip=(0, 1), controller="keyboard", out="deep/out", seed=5)
    folder = tmp_path / "deep" / "out"
    assert contents(folder) == RESULTS
    assert [path.name for path in result.files] == [
        "metrics.json",
        "recording.h5",
        "played.mid",
        "played.wav",
        "piano_roll.png",
        "performance.html",
    ]
    assert all(path.is_file() for path in result.files)
    assert result.recording == result.files[1]
    assert request_in(folder) == ["ode_to_joy", [0.0, 1.0], 1.0]
    with Recording.open(result.recording) as recording:
        assert recording.complete
        assert recording.metadata["seed"] == 5


def test_a_score_is_played_as_a_file_of_it_is(tmp_path):
    write_midi(TUNE, tmp_path / "tune.mid")
    from_file = play("tune.mid", clip=(0.5, 1.5), tempo=2.0, controller="keyboard")
    result = play(TUNE, clip=(0.5, 1.5), tempo=2.0, controller="keyboard", out="out")
    assert [note.pitch for note in result.played.notes] == [62, 63, 64, 65]
    assert result.duration_s == pytest.approx(0.475)
    onsets = [note.onset for note in result.score.notes]
    assert onsets == pytest.approx([note.onset for note in from_file.score.notes], abs=2e-3)
    assert request_in(tmp_path / "out") == ["Tune", [0.5, 1.5], 2.0]
    assert len(read_midi(tmp_path / "out" / "played.mid")) == 4


def test_numbers_of_numpy_are_numbers(tmp_path):
    clip = (np.int64(0), np.float32(0.5))
    play(TUNE, clip=clip, tempo=np.float32(2), seed=np.int64(3), controller="keyboard", out="out")
    assert request_in(tmp_path / "out") == ["Tune", [0.0, 0.5], 2.0]


def test_an_empty_score_is_silence(tmp_path):
    result = play(Score(()), controller="keyboard", out="out")
    assert (len(result.played), result.metrics.missed) == (0, 0)
    assert contents(tmp_path / "out") == RESULTS


@pytest.mark.parametrize("controller", ["muscle", "policy", "high-level"])
def test_hands_play_a_score_without_notes_and_with_one(controller):
    assert len(play(Score(()), controller=controller).played) == 0
    result = play(Score((Note(0.0, 60, 0.4),)), controller=controller, pedal="auto")
    assert [note.pitch for note in result.played.notes] == [60]


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        (
            {"controler": "muscle"},
            UnknownName,
            "unknown option 'controler'; did you mean: controller",
        ),
        ({"sed": 1}, UnknownName, "unknown option 'sed'; did you mean: seed"),
        ({"xyz": 1}, UnknownName, "unknown option 'xyz'; known: chords, clip, co_contraction"),
        ({"controller": "robot"}, UnknownName, "known: high-level, keyboard, muscle, policy"),
        ({"tempo": 0}, InvalidValue, "tempo is 0.0; it must be a number from 0.05 to 20"),
        ({"tempo": float("nan")}, InvalidValue, "tempo"),
        ({"clip": (2, 1)}, InvalidValue, "clip"),
        ({"seed": -1}, InvalidValue, "seed is -1; it must be 0 or more"),
        ({"video": True}, InvalidValue, "video is True; it must be left out, or with a folder"),
        ({"soundfont": "a.sf2"}, InvalidValue, "soundfont is 'a.sf2'; it must be left out, or"),
        ({"soundfont": "a.sf2", "out": "out"}, OutputError, "a.sf2"),
        ({"model": "hand.xml"}, MusclehandError, "hand.xml"),
        ({"controller": "policy", "policy": "p.json", "out": "out"}, MusclehandError, "p.json"),
    ],
)
def test_what_cannot_be_done_is_named_and_leaves_nothing(arguments, kind, words, tmp_path):
    with pytest.raises(kind, match=re.escape(words)):
        play(TUNE, **arguments)
    assert contents(tmp_path) == set()


def test_a_score_too_long_for_one_performance_is_refused():
    score = Score((Note(0.0, 60, 1.0), Note(4000.0, 60, 4001.0)))
    with pytest.raises(InvalidValue, match="take parts of it with clip"):
        play(score, controller="keyboard")


def test_a_folder_that_cannot_be_is_an_error(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match="file"):
        play(TUNE, controller="keyboard", out="file/out")
    assert (tmp_path / "file").read_text() == "mine"


def test_options_are_checked_before_the_score_is_read(tmp_path):
    with pytest.raises(UnknownName, match="pedal"):
        play("missing.mid", pedal="down")


def test_progress_is_that_of_playing():
    calls = []
    play(TUNE, controller="keyboard", progress=lambda done, total: calls.append((done, total)))
    assert calls[-1][0] == calls[-1][1] == pytest.approx(TUNE.duration + 1.5)


def test_an_interrupt_leaves_a_readable_recording_alone(tmp_path):
    def interrupt(done, total):
        if done > 1.0:
            raise KeyboardInterrupt

    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "metrics.json").write_text("of an earlier performance")
    with pytest.raises(KeyboardInterrupt):
        play(TUNE, controller="keyboard", out="out", progress=interrupt)
    assert contents(tmp_path / "out") == {"recording.h5"}
    with Recording.open(tmp_path / "out" / "recording.h5") as recording:
        assert not recording.complete
        assert recording.num_rows > 100


def test_a_film_that_fails_costs_nothing_else(tmp_path, monkeypatch):
    def fail(folder, *, progress=None):
        raise OutputError(folder / "performance.mp4", "no space left")

    monkeypatch.setattr(play_module, "write_film", fail)
    with pytest.raises(FilmError, match=r"performance\.mp4: no space left") as failure:
        play_into(tmp_path / "out", TUNE, PlayerSettings("keyboard"), video=True)
    assert isinstance(failure.value, OutputError)
    performance = failure.value.performance
    assert performance.metrics.onset_f1_50ms == 1.0
    assert all(path.is_file() for path in performance.files)
    assert contents(tmp_path / "out") == RESULTS


def test_a_page_can_be_left_out(tmp_path):
    result = play("ode_to_joy", clip=(0, 1), controller="keyboard", out="out", page=False)
    assert contents(tmp_path / "out") == RESULTS - {"performance.html"}
    assert result.files[-1].name == "piano_roll.png"


def test_a_page_that_fails_costs_nothing_else(tmp_path, monkeypatch):
    def fail(folder, *, design=None):
        raise OutputError(folder / "performance.html", "no space left")

    monkeypatch.setattr(play_module, "write_page", fail)
    with pytest.raises(PageError, match=r"performance\.html: no space left") as failure:
        play_into(tmp_path / "out", TUNE, PlayerSettings("keyboard"))
    assert all(path.is_file() for path in failure.value.performance.files)
    assert contents(tmp_path / "out") == RESULTS - {"performance.html"}


def test_a_film_is_the_last_of_the_files(tmp_path, monkeypatch):
    stages = []

    def film(folder, *, progress=None):
        (folder / "performance.mp4").write_bytes(b"film")
        return folder / "performance.mp4"

    def stage(name):
        stages.append(name)
        return play_module.nullcontext(None)

    monkeypatch.setattr(play_module, "write_film", film)
    settings = PlayerSettings("keyboard")
    result = play_into(tmp_path / "out", TUNE, settings, video=True, stage=stage)
    assert result.files[-1].name == "performance.mp4"
    assert stages == ["play", "report", "page", "film"]


def test_files_show_themselves_by_name_and_results_in_a_line():
    result = play(load_piece("ode_to_joy").clip(0, 1), controller="keyboard")
    assert repr(result) == "<Performance of 'Ode to Joy' by keyboard: onset F1 1.000>"
