"""Films: pictures that tell their number, and files that are damaged or not what they seem."""

import subprocess
import wave
from pathlib import Path

import numpy as np
import pytest
from imageio_ffmpeg import get_ffmpeg_exe

from musclehand.core.errors import InvalidValue
from musclehand.watch import film as film_module
from musclehand.watch.film import FilmError, open_film
from support.small_films import SIZE, encode, number_of, numbered_pictures


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("films")


@pytest.fixture(scope="module")
def short(folder: Path) -> Path:
    return encode(folder / "short.mp4", numbered_pictures(50), 25.0)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".avi", ".ts"])
def test_a_film_tells_its_size_rate_and_length(tmp_path: Path, suffix: str) -> None:
    film = open_film(encode(tmp_path / f"a{suffix}", numbered_pictures(50), 25.0))
    assert film.size == SIZE
    assert film.rate == pytest.approx(25.0, rel=1e-3)
    assert film.frame_count == 50
    assert film.duration == pytest.approx(2.0, abs=0.01)
    assert not film.variable_rate
    assert not film.has_sound
    assert len(film.sha256) == 64


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi", ".ts", ".flv", ".webm"])
@pytest.mark.parametrize("start", [0.0, 0.4, 1.52])
def test_pictures_are_those_of_their_times(tmp_path: Path, suffix: str, start: float) -> None:
    options = ["-c:v", "vp8", "-b:v", "9M"] if suffix == ".webm" else []
    film = open_film(encode(tmp_path / f"a{suffix}", numbered_pictures(50), 25.0, *options))
    given = [(round(time * 25), number_of(picture)) for time, picture in film.frames(start)]
    numbers = [number for _, number in given]
    assert [time for time, _ in given] == numbers
    assert numbers[0] == round(start * 25)
    assert numbers[-1] >= 47


def test_every_second_picture_at_half_the_rate(short: Path) -> None:
    film = open_film(short)
    numbers = [number_of(picture) for _, picture in film.frames(0.3, 1.5, rate=12.0)]
    assert numbers == list(range(8, 38, 2))
    assert np.allclose(film.times(0.3, 1.5, 12.0), np.arange(8, 38, 2) / 25)


def test_a_rate_above_the_films_gives_every_picture(short: Path) -> None:
    film = open_film(short)
    assert len(film.times(rate=100.0)) == 50


def test_pieces_of_a_film_have_the_pictures_of_the_whole(short: Path) -> None:
    film = open_film(short)
    whole = [picture.tobytes() for _, picture in film.frames(rate=12.0)]
    pieces = [
        picture.tobytes()
        for start in (0.0, 0.5, 1.0, 1.5)
        for _, picture in film.frames(start, start + 0.5, rate=12.0)
    ]
    assert pieces == whole


def test_a_single_picture(short: Path) -> None:
    film = open_film(short)
    assert number_of(film.picture(0.8)) == 20
    assert number_of(film.picture(1.99)) >= 47


def test_scaled_pictures(short: Path) -> None:
    film = open_film(short)
    _, picture = next(iter(film.frames(scale=0.5)))
    assert picture.shape == (SIZE[1] // 2, SIZE[0] // 2, 3)


def test_ntsc_rates_are_exact(tmp_path: Path) -> None:
    film = open_film(encode(tmp_path / "a.mp4", numbered_pictures(30), 30000 / 1001))
    assert film.rate == pytest.approx(30000 / 1001, rel=1e-6)


def test_times_count_from_the_first_picture(tmp_path: Path, short: Path) -> None:
    late = tmp_path / "late.ts"
    command = [get_ffmpeg_exe(), "-loglevel", "error", "-itsoffset", "7", "-i", str(short)]
    subprocess.run([*command, "-c", "copy", str(late)], check=True)
    film = open_film(late)
    time, picture = next(iter(film.frames(1.2)))
    assert time == pytest.approx(1.2)
    assert number_of(picture) == 30


def test_a_sound_track_is_told(tmp_path: Path) -> None:
    assert open_film(encode(tmp_path / "a.mp4", numbered_pictures(30), sound=True)).has_sound


def test_a_film_on_its_side_is_turned(tmp_path: Path, short: Path) -> None:
    turned = tmp_path / "turned.mp4"
    command = [get_ffmpeg_exe(), "-loglevel", "error", "-display_rotation", "90", "-i", str(short)]
    subprocess.run([*command, "-c", "copy", str(turned)], check=True)
    film = open_film(turned)
    assert film.size == (SIZE[1], SIZE[0])
    assert film.picture(0.0).shape == (SIZE[0], SIZE[1], 3)


def test_a_variable_rate_is_told_and_pictures_keep_their_times(tmp_path: Path) -> None:
    select = ["-vf", r"select='lt(n,20)+not(mod(n,3))'", "-fps_mode", "vfr", "-c:v", "mpeg4"]
    film = open_film(encode(tmp_path / "a.mp4", numbered_pictures(50), 25.0, *select, "-q:v", "1"))
    assert film.variable_rate
    late = [(time, number_of(picture)) for time, picture in film.frames(1.0, 1.8)]
    assert all(abs(time * 25 - number) <= 2.1 for time, number in late)


def write_sound(path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(16000))


def test_what_is_not_a_film_is_refused(tmp_path: Path, short: Path) -> None:
    write_sound(tmp_path / "sound.wav")
    sound = tmp_path / "sound.mp4"
    command = [get_ffmpeg_exe(), "-loglevel", "error", "-i", str(tmp_path / "sound.wav")]
    subprocess.run([*command, str(sound)], check=True)
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("a film of the night\n" * 100, encoding="utf-8")
    playlist = tmp_path / "list.mp4"
    playlist.write_text(f"#EXTM3U\n#EXTINF:2,\n{short}\n#EXT-X-ENDLIST\n", encoding="utf-8")
    concat = tmp_path / "concat.mp4"
    concat.write_text(f"ffconcat version 1.0\nfile {short}\n", encoding="utf-8")
    problems = {
        tmp_path / "none.mp4": "No such file",
        tmp_path: "directory",
        tmp_path / "empty.mp4": "empty",
        tmp_path / "text.mp4": "not a film",
        tmp_path / "sound.wav": "not a film",
        sound: "no picture stream",
        playlist: "not a film",
        concat: "not a film",
    }
    for path, problem in problems.items():
        with pytest.raises(FilmError, match=problem) as caught:
            open_film(path)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_truncated_film_is_refused(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (60, 96, 128, 3), dtype=np.uint8)
    options = ["-c:v", "libx264", "-preset", "ultrafast", "-movflags", "+faststart"]
    whole = encode(tmp_path / f"a{suffix}", noise, 10.0, *options[: 6 if suffix == ".mp4" else 4])
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(FilmError, match="truncated"):
        open_film(cut)


@pytest.mark.parametrize("lost", [600, 5000])
def test_a_film_without_its_table_is_truncated(tmp_path: Path, short: Path, lost: int) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(short.read_bytes()[:-lost])
    with pytest.raises(FilmError, match="truncated"):
        open_film(cut)


def test_pictures_that_are_too_large_or_small_are_refused(tmp_path: Path) -> None:
    wide = encode(tmp_path / "wide.mkv", numbered_pictures(2, (8448, 64)), 10.0, "-c:v", "mjpeg")
    with pytest.raises(FilmError, match="8448 x 64"):
        open_film(wide)
    tiny = encode(tmp_path / "tiny.mkv", numbered_pictures(2, (32, 32)), 10.0, "-c:v", "mjpeg")
    with pytest.raises(FilmError, match="32 x 32"):
        open_film(tiny)


def test_films_that_are_too_long_or_fast_are_refused(tmp_path: Path) -> None:
    long = encode(tmp_path / "long.mkv", numbered_pictures(30), 0.001, "-c:v", "mjpeg")
    with pytest.raises(FilmError, match="at most 21600 s"):
        open_film(long)
    fast = encode(tmp_path / "fast.mp4", numbered_pictures(30), 960.0)
    with pytest.raises(FilmError, match="pictures a second"):
        open_film(fast)


def test_a_film_of_one_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FilmError, match="single picture"):
        open_film(encode(tmp_path / "a.mp4", numbered_pictures(1)))


@pytest.mark.parametrize(
    "arguments", [{"start": 5.0}, {"start": -1.0}, {"stop": 0.0}, {"rate": 0.0}, {"scale": 2.0}]
)
def test_times_and_rates_outside_the_film_are_refused(
    short: Path, arguments: dict[str, float]
) -> None:
    with pytest.raises(InvalidValue):
        next(iter(open_film(short).frames(**arguments)))


def test_a_film_that_disappears_is_refused(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4", numbered_pictures(30))
    film = open_film(path)
    path.unlink()
    with pytest.raises(FilmError, match="No such file"):
        list(film.frames())


def test_a_process_that_hangs_is_ended(
    short: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleeper = tmp_path / "sleeper"
    sleeper.write_text("#!/bin/sh\nexec sleep 60\n", encoding="utf-8")
    sleeper.chmod(0o755)
    film = open_film(short)
    monkeypatch.setattr(film_module, "PATIENCE", 0.5)
    monkeypatch.setattr("imageio_ffmpeg.get_ffmpeg_exe", lambda: str(sleeper))
    with pytest.raises(FilmError, match="gave nothing"):
        list(film.frames())


def read_all(path: Path) -> int:
    """Pictures of a film that may be damaged; below 0 where its error has more than a line."""
    try:
        return sum(1 for _ in open_film(path).frames())
    except FilmError as error:
        return -str(error).count("\n")


def mutate(content: bytes, seed: int) -> bytes:
    """Some bytes changed, a piece left out or doubled."""
    rng = np.random.default_rng(seed)
    data = bytearray(content)
    # Headers are at the beginning or the end.
    for _ in range(int(rng.integers(1, 12))):
        reach = len(data) if rng.random() < 0.4 else min(len(data), 2000)
        place = int(rng.integers(reach))
        data[-1 - place if rng.random() < 0.5 else place] = int(rng.integers(256))
    if rng.random() < 0.3:
        place, length = int(rng.integers(len(data))), int(rng.integers(200))
        data[place : place + length] = (
            b"" if rng.random() < 0.5 else data[place : place + 2 * length]
        )
    return bytes(data)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi", ".ts"])
@pytest.mark.parametrize("seed", range(4))
def test_damaged_films_are_read_or_refused(folder: Path, suffix: str, seed: int) -> None:
    whole = folder / f"whole{suffix}"
    if not whole.exists():
        encode(whole, numbered_pictures(20), 25.0)
    path = folder / f"damaged{seed}{suffix}"
    path.write_bytes(mutate(whole.read_bytes(), seed))
    assert 0 <= read_all(path) <= 10_000
