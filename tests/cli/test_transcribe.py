"""`musclehand transcribe` as a user meets it; a simulated transcriber stands in for the network."""

import importlib.util

import numpy as np
import pytest

from musclehand.cli import main
from musclehand.music.formats.midi import read_midi
from musclehand.music.score import Note, Score
from musclehand.music.synth import write_wav
from musclehand.watch import transkun_model
from support.simulated_transcriber import RATE, SimulatedTranscriber, encode

SCORE = Score(tuple(Note(0.5 * i + 0.25, 21 + i, 0.5 * i + 0.65, 50 + i) for i in range(12)))


@pytest.fixture
def transcribe(tmp_path, monkeypatch, capsys):
    """Runs the command in a folder with a recording; its exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(transkun_model, "TranskunModel", SimulatedTranscriber)
    write_wav("piano.wav", encode(SCORE, 7.0), RATE)

    def run(*words):
        code = main(["transcribe", *words])
        output = capsys.readouterr()
        return code, output.out, output.err

    return run


def test_a_recording_becomes_a_midi_file(transcribe, tmp_path):
    code, out, err = transcribe("piano.wav")
    assert (code, err) == (0, "")
    score = read_midi("piano.mid")
    np.testing.assert_allclose(score.intervals, SCORE.intervals, atol=0.001)
    assert list(score.velocities) == list(SCORE.velocities)
    for words in ("notes", "12", "A0 to G#1", "50 to 61", "0.12 min", "x real time", "piano.mid"):
        assert words in out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["piano.mid", "piano.wav"]


def test_a_part_becomes_a_file_of_another_name(transcribe, tmp_path):
    assert transcribe("piano.wav", "--clip", "2.2", "4.2", "--out", "part.mid")[0] == 0
    assert len(read_midi("part.mid")) == 4
    assert not (tmp_path / "piano.mid").exists()


def test_an_interrupted_transcription_goes_on(transcribe, tmp_path, monkeypatch):
    class Interrupted(SimulatedTranscriber):
        def hear(self, *words):
            if self.calls == 1:
                raise KeyboardInterrupt
            return super().hear(*words)

    monkeypatch.setattr(transkun_model, "TranskunModel", Interrupted)
    assert transcribe("piano.wav")[0] == 130
    assert not (tmp_path / "piano.mid").exists()
    assert (tmp_path / "piano.mid.segments").is_dir()
    finished = SimulatedTranscriber()
    monkeypatch.setattr(transkun_model, "TranskunModel", lambda: finished)
    assert transcribe("piano.wav")[0] == 0
    assert finished.calls == 2
    assert len(read_midi("piano.mid")) == 12
    assert not (tmp_path / "piano.mid.segments").exists()


def test_silence_is_told(transcribe):
    write_wav("silence.wav", np.zeros(3 * RATE), RATE)
    code, out, _ = transcribe("silence.wav")
    assert code == 0
    assert "no note was heard" in out


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["missing.wav"], "No such file"),
        (["text.wav"], "not a sound or film file"),
        (["piano.wav", "--out", "piano.h5"], "name it .mid"),
        (["piano.wav", "--out", "no/piano.mid"], "no folder no"),
        (["piano.wav", "--out", "there.mid"], "--force overwrites it"),
        (["piano.wav", "--clip", "9", "10"], "lasts 7.0 s"),
        (["piano.wav", "--clip", "3", "2"], "0 <= start < end"),
    ],
)
def test_mistakes_are_answered_in_a_line(transcribe, tmp_path, words, match):
    (tmp_path / "text.wav").write_text("not a sound")
    (tmp_path / "there.mid").write_text("")
    before = sorted(tmp_path.iterdir())
    code, out, err = transcribe(*words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert match in err
    assert sorted(tmp_path.iterdir()) == before


def test_force_overwrites(transcribe, tmp_path):
    (tmp_path / "piano.mid").write_text("")
    assert transcribe("piano.wav", "--force")[0] == 0
    assert len(read_midi("piano.mid")) == 12


def test_without_the_extra_a_line_says_how_to_get_it(transcribe, monkeypatch, tmp_path):
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, package=None: None)
    code, out, err = transcribe("piano.wav")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "pip install 'musclehand[transcribe]'" in err
    assert "pip install --no-deps transkun==2.0.1" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["piano.wav"]
