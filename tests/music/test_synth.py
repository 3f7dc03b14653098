"""The synthesised piano measured: pitch, loudness, brightness, decay, dampers, pedal, timing,
files."""

from __future__ import annotations

import sys
import time
import types
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musclehand.core.errors import InvalidValue, OutputError
from musclehand.music.pitch import parse_pitch
from musclehand.music.repertoire import load_piece
from musclehand.music.score import Note, Pedal, Score
from musclehand.music.synth import TAIL, synthesise, write_wav

RATE = 44100


def one_note(
    pitch: int, velocity: int = 80, *, length: float = 2.0, pedals: tuple[Pedal, ...] = ()
) -> np.ndarray:
    return synthesise(Score((Note(0.0, pitch, length, velocity),), pedals)).sum(axis=1)


def level(sound: np.ndarray, start: float, end: float) -> float:
    """Root mean square between two times [s]."""
    part = sound[round(start * RATE) : round(end * RATE)].astype(float)
    return float(np.sqrt(np.mean(part**2)))


def spectral_centroid(sound: np.ndarray) -> float:
    power = np.abs(np.fft.rfft(sound)) ** 2
    return float((power * np.fft.rfftfreq(len(sound), 1 / RATE)).sum() / power.sum())


@pytest.mark.parametrize("name", ["C2", "A2", "E3", "C4", "A4", "F#5", "C6", "C7", "C8"])
def test_the_fundamental_is_in_tune(name: str) -> None:
    pitch = parse_pitch(name)
    expected = 440 * 2 ** ((pitch - 69) / 12)
    part = one_note(pitch)[: RATE if pitch > 90 else 2 * RATE]
    size = 8 * len(part)
    spectrum = np.log(np.abs(np.fft.rfft(part * np.hanning(len(part)), size)) + 1e-12)
    near = slice(int(expected * 0.97 * size / RATE), int(expected * 1.03 * size / RATE) + 1)
    top = near.start + int(np.argmax(spectrum[near]))
    left, middle, right = spectrum[top - 1 : top + 2]
    measured = (top + 0.5 * (left - right) / (left - 2 * middle + right)) * RATE / size
    assert abs(1200 * np.log2(measured / expected)) < 3


@pytest.mark.parametrize("pitch", [33, 48, 60, 72, 96])
def test_harder_is_louder_and_brighter(pitch: int) -> None:
    soft, medium, loud = (one_note(pitch, velocity)[:RATE] for velocity in (30, 70, 120))
    assert level(soft, 0, 1) < 0.6 * level(medium, 0, 1) < 0.36 * level(loud, 0, 1)
    assert spectral_centroid(soft) < spectral_centroid(medium) < spectral_centroid(loud)


def test_every_velocity_is_louder_than_the_one_before() -> None:
    levels = [level(one_note(64, velocity, length=0.2), 0, 0.2) for velocity in range(4, 124, 6)]
    assert np.all(np.diff(levels) > 0)


def test_treble_dies_away_sooner_than_bass() -> None:
    def seconds_to_minus_20_db(pitch: int) -> float:
        sound = one_note(pitch, length=8.0)
        times = np.arange(0.05, 7.5, 0.05)
        levels = np.array([level(sound, t, t + 0.1) for t in times])
        return float(times[np.argmax(levels < 0.1 * levels[0])])

    times = [seconds_to_minus_20_db(pitch) for pitch in (36, 60, 84, 102)]
    assert times == sorted(times, reverse=True)
    assert times[-1] < 0.5 < 1.0 < times[0]


def test_the_decay_has_two_stages() -> None:
    sound = one_note(60, length=8.0)
    decibels = [20 * np.log10(level(sound, t, t + 0.5)) for t in (0.1, 1.1, 4.5, 5.5)]
    assert decibels[0] - decibels[1] > 1.5 * (decibels[2] - decibels[3]) > 0


def test_releasing_the_key_damps_and_the_pedal_holds() -> None:
    held = one_note(60, length=2.0)
    released = one_note(60, length=0.5)
    pedalled = one_note(60, length=0.5, pedals=(Pedal(0.3, 1.6),))
    late_pedal = one_note(60, length=0.5, pedals=(Pedal(0.6, 1.6),))
    assert level(released, 1.3, 1.5) < 0.05 * level(held, 1.3, 1.5)
    assert level(pedalled, 1.3, 1.5) == pytest.approx(level(held, 1.3, 1.5), rel=0.01)
    assert level(pedalled, 2.2, 2.4) < 0.05 * level(pedalled, 1.3, 1.5)
    assert level(late_pedal, 1.3, 1.5) < 0.05 * level(held, 1.3, 1.5)


def test_the_highest_strings_have_no_dampers() -> None:
    short = one_note(96, length=0.1)
    long = one_note(96, length=1.0)
    assert level(short, 0.3, 0.5) == pytest.approx(level(long, 0.3, 0.5), rel=0.01)


def test_silence_before_the_first_onset_and_a_prompt_attack() -> None:
    onsets = (0.5, 1.0, 1.37, 1.9)
    for pitch in (28, 60, 90):
        sound = synthesise(Score(tuple(Note(t, pitch, t + 0.2, 70) for t in onsets))).sum(axis=1)
        assert np.abs(sound[: round(0.5 * RATE)]).max() < 1e-6
        for onset in onsets:
            assert level(sound, onset + 0.001, onset + 0.005) > 3 * level(
                sound, onset - 0.005, onset
            )


def test_bass_left_treble_right() -> None:
    for pitch, louder in ((30, 0), (100, 1)):
        sound = synthesise(Score((Note(0.0, pitch, 1.0),)))
        energy = (sound[:RATE].astype(float) ** 2).sum(axis=0)
        assert energy[louder] > 1.3 * energy[1 - louder] > 0


@settings(max_examples=12, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0, 1.5), st.integers(21, 108), st.floats(0.01, 1), st.integers(1, 127)),
        max_size=25,
    ),
    st.sampled_from([8000, 22050, 44100]),
)
def test_any_score_is_finite_unclipped_repeatable_and_as_long_as_it_should_be(
    notes: list[tuple[float, int, float, int]], rate: int
) -> None:
    score = Score(
        tuple(Note(a, p, a + d, v) for a, p, d, v in notes), (Pedal(0.2, 0.9), Pedal(0.8, 1.2))
    )
    sound = synthesise(score, sample_rate=rate)
    assert sound.shape == (int(np.ceil((score.duration + TAIL) * rate)), 2)
    assert sound.dtype == np.float32
    assert np.isfinite(sound).all()
    assert np.abs(sound).max(initial=0) <= 10 ** (-1 / 20)
    assert np.array_equal(sound, synthesise(score, sample_rate=rate))


def test_a_cluster_of_all_keys_does_not_clip() -> None:
    sound = synthesise(Score(tuple(Note(0.0, pitch, 0.5, 127) for pitch in range(21, 109))))
    assert 0.5 < np.abs(sound).max() <= 10 ** (-1 / 20)


def test_a_piece_is_made_much_faster_than_it_sounds() -> None:
    score = load_piece("twinkle_twinkle")
    synthesise(score.clip(0, 1))
    start = time.process_time()
    synthesise(score)
    assert time.process_time() - start < score.duration / 10


def test_impossible_requests_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="sample rate"):
        synthesise(Score(()), sample_rate=0)
    with pytest.raises(InvalidValue, match="duration"):
        synthesise(Score((Note(0.0, 60, 4000.0),)))
    with pytest.raises(InvalidValue, match="shape of samples"):
        write_wav(tmp_path / "a.wav", np.zeros((3, 3, 3)), RATE)


def test_a_wav_file_reads_back(tmp_path: Path) -> None:
    sound = synthesise(Score((Note(0.0, 60, 0.3),)))
    path = tmp_path / "note.wav"
    write_wav(path, sound, RATE)
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (
            2,
            RATE,
            len(sound),
        )
        read = np.frombuffer(file.readframes(len(sound)), dtype="<i2").reshape(-1, 2)
    np.testing.assert_allclose(read / 32767, sound, atol=0.6 / 32767)
    write_wav(path, np.full(100, 2.0), 8000)
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getnframes()) == (1, 100)


def test_a_wav_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="finite"):
        write_wav(tmp_path / "bad.wav", np.array([0.0, np.nan]), RATE)
    with pytest.raises(OutputError, match="missing"):
        write_wav(tmp_path / "missing" / "a.wav", np.zeros(10), RATE)
    (tmp_path / "folder.wav").mkdir()
    with pytest.raises(OutputError, match="folder"):
        write_wav(tmp_path / "folder.wav", np.zeros(10), RATE)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.wav"]


def test_a_missing_soundfont_or_player_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    score = Score((Note(0.0, 60, 0.3),))
    with pytest.raises(OutputError, match="no such SoundFont"):
        synthesise(score, soundfont=tmp_path / "none.sf2")
    font = tmp_path / "some.sf2"
    font.write_bytes(b"")
    monkeypatch.setitem(sys.modules, "fluidsynth", None)
    with pytest.raises(OutputError, match="pyfluidsynth"):
        synthesise(score, soundfont=font)


def test_a_soundfont_is_played_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[object, ...]] = []

    class Synth:
        def __init__(self, samplerate: float) -> None:
            self.level = 0

        def sfload(self, path: str) -> int:
            return 1

        def program_select(self, *arguments: int) -> None:
            calls.append(("program", *arguments))

        def noteon(self, *arguments: int) -> None:
            self.level = 16384
            calls.append(("on", *arguments))

        def noteoff(self, *arguments: int) -> None:
            self.level = 0
            calls.append(("off", *arguments))

        def cc(self, *arguments: int) -> None:
            calls.append(("cc", *arguments))

        def get_samples(self, count: int) -> np.ndarray:
            return np.full(2 * count, self.level, dtype=np.int16)

        def delete(self) -> None:
            calls.append(("delete",))

    monkeypatch.setitem(sys.modules, "fluidsynth", types.SimpleNamespace(Synth=Synth))
    font = tmp_path / "some.sf2"
    font.write_bytes(b"")
    score = Score((Note(0.1, 60, 0.3, 90), Note(0.3, 60, 0.5, 91)), (Pedal(0.2, 0.4),))
    sound = synthesise(score, soundfont=font, sample_rate=8000)
    assert calls[1:] == [
        ("on", 0, 60, 90),
        ("cc", 0, 64, 127),
        ("off", 0, 60),
        ("on", 0, 60, 91),
        ("cc", 0, 64, 0),
        ("off", 0, 60),
        ("delete",),
    ]
    assert np.flatnonzero(sound[:, 0]).tolist() == list(range(800, 4000))
