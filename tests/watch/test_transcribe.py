"""Long sounds are heard by segments, and go on where they were stopped."""

import hashlib
import json
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.core.errors import InvalidValue, MusclehandError, OutputError
from musclehand.music.metrics import match_notes
from musclehand.music.repertoire import load_piece
from musclehand.music.score import Note, Score
from musclehand.music.synth import synthesise, write_wav
from musclehand.watch import transkun_model
from musclehand.watch.sound import SoundError
from musclehand.watch.transcribe import SEGMENTS_FILE, transcribe
from support.simulated_transcriber import FIRST, LINES, RATE, SimulatedTranscriber, encode

SCRIPT = """
import sys, time
import numpy as np
from musclehand.watch.transcribe import transcribe
from support.simulated_transcriber import SimulatedTranscriber

class Slow(SimulatedTranscriber):
    def hear(self, *words):
        time.sleep(0.05)
        return super().hear(*words)

print("ready", flush=True)
transcribe(np.load(sys.argv[1]), model=Slow(), out=sys.argv[2])
"""


def a_score(seed: int, seconds: float) -> Score:
    """Notes of all lengths; no key is struck twice within 30 ms."""
    rng = np.random.default_rng(seed)
    notes = []
    for line in range(LINES):
        now = float(rng.uniform(0, 2))
        while now < seconds - 0.1:
            length = float(rng.choice([0.03, 0.2, 2.0, 9.0])) * float(rng.uniform(0.8, 1.2))
            end = min(round(now + length, 3), seconds - 0.05)
            notes.append(Note(round(now, 3), FIRST + line, end, 50 + line))
            now = end + float(rng.choice([0.01, 0.5, 4.0])) * float(rng.uniform(0.5, 1.5))
    return Score(tuple(n for n in notes if n.duration > 0.02))


def same_notes(heard: Score, score: Score) -> None:
    assert len(heard) == len(score)
    np.testing.assert_array_equal(heard.pitches, score.pitches)
    np.testing.assert_array_equal(heard.velocities, score.velocities)
    np.testing.assert_allclose(heard.intervals, score.intervals, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.3, 25.0))
def test_notes_are_those_of_the_sound_wherever_segments_meet(seed: int, seconds: float) -> None:
    seconds = round(seconds, 3)
    score = a_score(seed, seconds)
    same_notes(transcribe(encode(score, seconds), model=SimulatedTranscriber()), score)


def test_a_clip_begins_at_time_0() -> None:
    score = a_score(3, 20.0)
    clip = transcribe(encode(score, 20.0), model=SimulatedTranscriber(), clip=(6.0, 13.0))
    inside = [n for n in score.notes if 6.0 < n.onset < 13.0]
    assert {(n.pitch, round(n.onset - 6.0, 3)) for n in inside} <= {
        (n.pitch, round(n.onset, 3)) for n in clip.notes
    }
    assert max(n.offset for n in clip.notes) <= 7.0


def test_silence_and_short_sounds_are_heard() -> None:
    assert len(transcribe(np.zeros(5 * RATE, np.float32), model=SimulatedTranscriber())) == 0
    assert len(transcribe(np.zeros((1, 2), np.float32), model=SimulatedTranscriber())) == 0


def test_progress_rises_to_the_length_of_the_sound() -> None:
    shown: list[tuple[float, float]] = []
    transcribe(
        encode(a_score(1, 11.0), 11.0),
        model=SimulatedTranscriber(),
        progress=lambda done, total: shown.append((done, total)),
    )
    done = [row[0] for row in shown]
    assert done == sorted(done)
    assert shown[-1] == (11.0, 11.0)


def test_finished_segments_are_not_heard_again(tmp_path: Path) -> None:
    sound = encode(a_score(5, 20.0), 20.0)
    first = SimulatedTranscriber()
    score = transcribe(sound, model=first, out=tmp_path / "kept")
    again = SimulatedTranscriber()
    assert transcribe(sound, model=again, out=tmp_path / "kept") == score
    assert first.calls == 7
    assert again.calls == 0


def test_segments_of_another_sound_or_setting_are_not_taken(tmp_path: Path) -> None:
    sound = encode(a_score(5, 9.0), 9.0)
    transcribe(sound, model=SimulatedTranscriber(), out=tmp_path)
    other_sound = encode(a_score(6, 9.0), 9.0)
    for changed, clip, calls in ((other_sound, None, 4), (sound, (0.0, 8.0), 3)):
        model = SimulatedTranscriber()
        transcribe(changed, model=model, out=tmp_path, clip=clip)
        assert model.calls == calls
    model = SimulatedTranscriber()
    model.name = "another"
    transcribe(sound, model=model, out=tmp_path)
    assert model.calls == 4


@pytest.mark.parametrize("seed", range(6))
def test_damaged_segments_are_heard_again(tmp_path: Path, seed: int) -> None:
    sound = encode(a_score(5, 20.0), 20.0)
    score = transcribe(sound, model=SimulatedTranscriber(), out=tmp_path)
    path = tmp_path / SEGMENTS_FILE
    whole = path.read_bytes()
    damage = random.Random(seed)
    for _ in range(10):
        content = bytearray(whole)
        if damage.random() < 0.4:
            del content[damage.randrange(len(content)) :]
        else:
            content[damage.randrange(len(content))] ^= 1 << damage.randrange(8)
        path.write_bytes(bytes(content))
        assert transcribe(sound, model=SimulatedTranscriber(), out=tmp_path) == score
        assert path.read_bytes() == whole


def test_segments_name_the_sound_and_are_chained(tmp_path: Path) -> None:
    sound = encode(a_score(5, 9.0), 9.0)
    transcribe(sound, model=SimulatedTranscriber(), out=tmp_path)
    lines = (tmp_path / SEGMENTS_FILE).read_text(encoding="utf-8").splitlines()
    settings_of_file = json.loads(lines[0].partition(" ")[2])
    assert settings_of_file["model"] == "simulated"
    assert settings_of_file["sound"] == hashlib.sha256(sound.tobytes()).hexdigest()
    before = ""
    for line in lines:
        sha256, _, payload = line.partition(" ")
        assert sha256 == hashlib.sha256(f"{before} {payload}".encode()).hexdigest()
        before = sha256


def test_a_killed_transcription_ends_with_the_same_notes(tmp_path: Path) -> None:
    sound = encode(a_score(8, 40.0), 40.0)
    np.save(tmp_path / "sound.npy", sound)
    score = transcribe(sound, model=SimulatedTranscriber(), out=tmp_path / "whole")
    out = tmp_path / "killed"
    delays = random.Random(2)
    for _ in range(3):
        words = [sys.executable, "-c", SCRIPT, str(tmp_path / "sound.npy"), str(out)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, cwd=Path(__file__).parents[1]) as run:
            assert run.stdout is not None
            run.stdout.readline()
            time.sleep(delays.uniform(0.0, 0.4))
            run.kill()
    assert transcribe(sound, model=SimulatedTranscriber(), out=out) == score
    kept = (out / SEGMENTS_FILE).read_bytes()
    assert kept == (tmp_path / "whole" / SEGMENTS_FILE).read_bytes()


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot write"):
        transcribe(np.zeros(9, np.float32), model=SimulatedTranscriber(), out=tmp_path / "file")


@pytest.mark.parametrize(
    ("samples", "clip"),
    [
        (np.zeros((4, 3)), None),
        (np.zeros((0, 2)), None),
        (np.full(9, np.nan), None),
        (np.zeros(9), (1.0, 2.0)),
        (np.zeros(9 * RATE), (2.0, 1.0)),
    ],
)
def test_samples_that_are_no_sound_are_refused(
    samples: np.ndarray, clip: tuple[float, float] | None
) -> None:
    with pytest.raises(InvalidValue):
        transcribe(samples, model=SimulatedTranscriber(), clip=clip)


def test_a_file_without_sound_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    (tmp_path / "no.wav").write_bytes(b"RIFF")
    with pytest.raises(SoundError):
        transcribe(tmp_path / "no.wav", model=SimulatedTranscriber(), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_without_the_package_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transkun_model.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MusclehandError, match=r"pip install 'musclehand\[transcribe\]'"):
        transcribe(np.zeros(9, np.float32))


def test_another_version_of_the_package_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(transkun_model, "_package", lambda: tmp_path)
    (tmp_path / "pretrained").mkdir()
    with pytest.raises(MusclehandError, match=r"needs transkun 2\.0\.1.*is missing"):
        transkun_model.TranskunModel()
    (tmp_path / "pretrained" / "2.0.conf").write_text("{}", encoding="utf-8")
    with pytest.raises(MusclehandError, match="another version"):
        transkun_model.TranskunModel()


@pytest.mark.slow
def test_the_network_hears_what_the_synthesiser_plays(tmp_path: Path) -> None:
    pytest.importorskip("transkun", reason="needs the extra transcribe")
    before = set(sys.modules)
    piece = load_piece("fuer_elise").clip(0, 5.0)
    write_wav(tmp_path / "elise.wav", synthesise(piece), 44100)
    score = transcribe(tmp_path / "elise.wav")
    pairs = match_notes(piece, score, tolerance=0.05)
    assert 2 * len(pairs) / (len(piece) + len(score)) >= 0.95
    assert score.title == "elise"
    assert "torchaudio" not in set(sys.modules) - before
