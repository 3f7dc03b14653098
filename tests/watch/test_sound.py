"""Sound of files and films: decoded exactly, or refused in a line."""

import random
import resource
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from imageio_ffmpeg import get_ffmpeg_exe

from musclehand.core.errors import InvalidValue
from musclehand.music.synth import write_wav
from musclehand.watch import sound as sound_module
from musclehand.watch.sound import RATE, SoundError, SoundFile, open_sound, read_sound

SECONDS = 3.0

LOSSLESS = ("wav", "flac", "aiff", "mkv_flac.mkv")
LOSSY = ("mp3", "m4a", "ogg")


def tone() -> np.ndarray:
    time_of = np.arange(round(SECONDS * RATE)) / RATE
    pitches = np.array([440.0, 660.0])
    return (
        0.3 * np.sin(2 * np.pi * pitches * time_of[:, None]) * np.minimum(1, time_of / 0.1)[:, None]
    )


def ffmpeg(*words: object) -> None:
    command = [get_ffmpeg_exe(), "-v", "error", "-y", *map(str, words)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("sound")
    write_wav(place / "tone.wav", tone(), RATE)
    wav = place / "tone.wav"
    for suffix in ("flac", "aiff", "mp3", "m4a", "ogg"):
        ffmpeg("-i", wav, place / f"tone.{suffix}")
    ffmpeg("-i", wav, "-c:a", "flac", place / "tone.mkv_flac.mkv")
    film = ("-f", "lavfi", "-i", "testsrc=d=4:s=160x120:r=10")
    ffmpeg(*film, "-itsoffset", 0.5, "-i", wav, "-map", "0:v", "-map", "1:a", place / "film.mp4")
    ffmpeg(*film, place / "mute.mp4")
    return place


@pytest.mark.parametrize("suffix", LOSSLESS)
def test_lossless_formats_give_the_samples_that_were_written(folder: Path, suffix: str) -> None:
    samples = read_sound(folder / f"tone.{suffix}", channels=2)
    np.testing.assert_allclose(samples, tone(), atol=2 / 32768)
    mixed = read_sound(folder / f"tone.{suffix}")
    np.testing.assert_allclose(mixed, tone().mean(axis=1), atol=2 / 32768)


@pytest.mark.parametrize("suffix", LOSSY)
def test_lossy_formats_keep_the_time(folder: Path, suffix: str) -> None:
    samples = read_sound(folder / f"tone.{suffix}")
    assert open_sound(folder / f"tone.{suffix}").duration == pytest.approx(SECONDS, abs=0.1)
    assert len(samples) == pytest.approx(SECONDS * RATE, abs=0.1 * RATE)
    reference = tone().mean(axis=1)[RATE : 2 * RATE]
    lags = range(-600, 601, 10)
    match = [float(reference @ samples[RATE + lag : 2 * RATE + lag]) for lag in lags]
    assert abs(lags[int(np.argmax(match))]) <= 20


def test_sound_of_a_film_begins_when_it_sounds(folder: Path) -> None:
    assert open_sound(folder / "film.mp4").film
    samples = read_sound(folder / "film.mp4")
    first = float(np.flatnonzero(np.abs(samples) > 0.03)[0]) / RATE
    assert first == pytest.approx(0.5, abs=0.06)


def test_another_rate_keeps_pitch_and_length(folder: Path) -> None:
    samples = read_sound(folder / "tone.wav", 8000, channels=2)
    assert len(samples) == pytest.approx(SECONDS * 8000, abs=16)
    spectrum = np.abs(np.fft.rfft(samples[8000:16000, 1]))
    assert int(np.argmax(spectrum)) == 660


def test_a_clip_is_that_part(folder: Path) -> None:
    samples = read_sound(folder / "tone.wav", channels=2, clip=(1.0, 1.5))
    np.testing.assert_allclose(samples, tone()[RATE : RATE * 3 // 2], atol=2 / 32768)
    end = read_sound(folder / "tone.wav", clip=(2.5, 99.0))
    assert len(end) == RATE // 2


@pytest.mark.parametrize("block", [1000, RATE, 10 * RATE])
def test_blocks_are_the_sound_in_order(folder: Path, block: int) -> None:
    blocks = list(open_sound(folder / "tone.wav").blocks(block=block))
    assert {len(part) for part in blocks[:-1]} <= {block}
    np.testing.assert_allclose(np.concatenate(blocks), tone(), atol=2 / 32768)


def test_a_decoder_does_not_outlive_who_listens(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class Watched(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *words: object, **options: object) -> None:
            super().__init__(*words, **options)  # type: ignore[call-overload]
            started.append(self)

    monkeypatch.setattr(sound_module.subprocess, "Popen", Watched)
    blocks = open_sound(folder / "tone.wav").blocks(block=100)
    started.clear()
    next(iter(blocks))
    blocks.close()  # type: ignore[attr-defined]
    assert started[0].poll() is not None


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.wav", None, "No such file"),
        ("empty.wav", b"", "the file is empty"),
        ("text.wav", b"hello world\n" * 99, "not a sound or film file"),
        ("list.m3u8", b"#EXTM3U\n#EXTINF:3,\ntone.wav\n", "not a sound or film file"),
        ("list.wav", b"ffconcat version 1.0\nfile tone.wav\n", "not a sound or film file"),
        ("zeros.mp3", bytes(5000), "not a sound or film file"),
    ],
)
def test_what_is_no_sound_is_refused(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SoundError, match=message):
        read_sound(tmp_path / name)


def test_a_film_without_sound_is_refused(folder: Path) -> None:
    with pytest.raises(SoundError, match="the film has no sound"):
        open_sound(folder / "mute.mp4")
    with pytest.raises(SoundError, match="this is no file"):
        open_sound(folder)


@pytest.mark.parametrize("name", ["wav", "flac", "aiff", "mp3", "m4a", "mkv_flac.mkv"])
def test_a_file_that_was_cut_off_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    whole = (folder / f"tone.{name}").read_bytes()
    path = tmp_path / f"cut.{name}"
    path.write_bytes(whole[: len(whole) * 6 // 10])
    with pytest.raises(SoundError, match="cut off"):
        read_sound(path)


def test_absurd_lengths_are_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = bytearray((folder / "tone.wav").read_bytes())
    content[28:32] = (1000).to_bytes(4, "little")  # bytes a second
    content[40:44] = (0xFFFFFF00).to_bytes(4, "little")  # bytes of samples
    (tmp_path / "long.wav").write_bytes(bytes(content))
    with pytest.raises(SoundError, match=r"lasts \d+\.\d h; 6 are the most"):
        open_sound(tmp_path / "long.wav")
    monkeypatch.setattr(sound_module, "LONGEST", 2.0)
    for duration in (None, 1.5):
        sound = SoundFile(folder / "tone.wav", duration, estimated=False, film=False)
        with pytest.raises(SoundError, match="the sound is longer than"):
            list(sound.blocks())
    monkeypatch.setattr(sound_module, "LONGEST_ARRAY", 1.0)
    monkeypatch.setattr(sound_module, "LONGEST", 9.0)
    with pytest.raises(SoundError, match="longer than 1 s"):
        read_sound(folder / "tone.wav")


def test_sound_far_beyond_its_stated_length_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sound_module, "_LONGER", (1.0, 0.5))
    sound = SoundFile(folder / "tone.wav", 1.0, estimated=False, film=False)
    with pytest.raises(SoundError, match=r"goes on after the stated 1\.0 s"):
        list(sound.blocks())


def test_samples_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    (tmp_path / "raw").write_bytes(np.full(9000, np.nan, "<f4").tobytes())
    ffmpeg("-f", "f32le", "-ac", 1, "-i", tmp_path / "raw", "-c:a", "copy", tmp_path / "nan.wav")
    with pytest.raises(SoundError, match="not finite"):
        read_sound(tmp_path / "nan.wav")


def test_a_decoder_that_stalls_is_stopped(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound_module, "PATIENCE", 0.2)
    sound = SoundFile(folder / "tone.wav", SECONDS, estimated=False, film=False)
    monkeypatch.setattr(sound_module, "_ffmpeg", lambda: ["sleep", "30"])
    monkeypatch.setattr(sound_module, "_input", lambda path: [])
    monkeypatch.setattr(sound_module, "_run", _sleeping(sound_module._run))
    with pytest.raises(SoundError, match=r"decodes nothing for 0\.2 s"):
        list(sound.blocks())


def _sleeping(run):  # type: ignore[no-untyped-def]
    return lambda command, *words: run(["sleep", "30"], *words)


@pytest.mark.parametrize(
    "arguments",
    [{"rate": 10}, {"channels": 3}, {"clip": (2.0, 1.0)}, {"clip": (-1.0, 1.0)}, {"block": 0}],
)
def test_illegal_arguments_are_refused(folder: Path, arguments: dict[str, object]) -> None:
    with pytest.raises(InvalidValue):
        list(open_sound(folder / "tone.wav").blocks(**arguments))  # type: ignore[arg-type]
    with pytest.raises(InvalidValue, match=r"lasts 3\.0 s"):
        read_sound(folder / "tone.wav", clip=(3.5, 4.0))


def mutate(content: bytes, damage: random.Random) -> bytes:
    """Flips, overwrites, removes or doubles a few bytes, mostly near the beginning."""
    data = bytearray(content)
    for _ in range(damage.randint(1, 6)):
        limit = min(len(data), damage.choice([64, 512, len(data)]))
        place = damage.randrange(max(limit, 1))
        kind = damage.randrange(5)
        if kind == 0:
            data[place] ^= 1 << damage.randrange(8)
        elif kind == 1:
            data[place : place + 4] = damage.choice([b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff"])
        elif kind == 2:
            del data[place : place + damage.randint(1, 64)]
        elif kind == 3:
            data[place:place] = data[place : place + damage.randint(1, 64)]
        else:
            del data[damage.randrange(len(data) // 2, len(data)) :]
        if len(data) < 16:
            break
    return bytes(data)


def hear_mutants(folder: Path, place: Path, seeds: range) -> tuple[int, int]:
    """Reads damaged files; numbers of those read and those refused."""
    names = ["tone.wav", "tone.flac", "tone.mp3", "tone.m4a", "tone.ogg", "film.mp4"]
    counts = [0, 0]
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    for seed in seeds:
        damage = random.Random(seed)
        name = names[seed % len(names)]
        path = place / name
        path.write_bytes(mutate((folder / name).read_bytes(), damage))
        begin = time.perf_counter()
        refusal = ""
        try:
            samples = read_sound(path)
            assert np.isfinite(samples).all()
        except SoundError as error:
            refusal = str(error)
        counts[bool(refusal)] += 1
        assert "\n" not in refusal
        assert time.perf_counter() - begin < 30, seed
    # Memory of the largest decoder, in kB; processes of earlier tests count in it too.
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < max(before + 1, 1_000_000)
    return counts[0], counts[1]


def test_damaged_files_are_read_or_refused(folder: Path, tmp_path: Path) -> None:
    read, refused = hear_mutants(folder, tmp_path, range(48))
    assert read > 0
    assert refused > 0


@pytest.mark.slow
def test_a_thousand_damaged_files_are_read_or_refused(folder: Path, tmp_path: Path) -> None:
    hear_mutants(folder, tmp_path, range(1000, 2000))
