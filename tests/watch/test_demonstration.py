"""The whole way from a film to a demonstration, and what is left after stops and refusals."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from musclehand.body.anatomy import Side
from musclehand.cli import main
from musclehand.core.errors import FileError, MusclehandError, OutputError
from musclehand.music.formats.midi import read_midi, write_midi
from musclehand.music.formats.pig import read_pig
from musclehand.music.score import Note, Score
from musclehand.watch.demonstration import WORKING, open_demonstration, watch
from musclehand.watch.inputs import WatchInputs
from musclehand.watch.landmarks import HandLandmarks
from musclehand.watch.landmarks_file import write_landmarks
from musclehand.watch.networks import find_networks
from musclehand.watch.view_file import write_view
from support.films import FOLDER as FILM
from support.films import film_truth

FILES = {
    *("notes.mid", "score.txt", "fingers.csv", "view.json", "landmarks.h5", "motion.h5"),
    *("check.png", "check.mp4", "watch.json", "watch.log"),
}


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> WatchInputs:
    """Exact landmarks, camera and notes of the rendered film."""
    folder = tmp_path_factory.mktemp("given")
    truth = film_truth()
    frames = len(truth.time)
    landmarks = HandLandmarks(
        truth.time,
        np.asarray(truth.pixels),
        np.ones((frames, 2)),
        np.zeros((frames, 2), dtype=bool),
        truth.view.size,
    )
    write_landmarks(folder / "landmarks.h5", landmarks)
    write_view(folder / "view.json", truth.view)
    write_midi(truth.played, folder / "played.mid")
    return WatchInputs(
        folder / "landmarks.h5", midi=folder / "played.mid", view=folder / "view.json"
    )


@pytest.fixture(scope="module")
def demonstration(given: WatchInputs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("watched") / "elise"
    watch(given, out=folder)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_the_folder_has_all_files_and_nothing_else(demonstration: Path) -> None:
    assert {path.name for path in demonstration.iterdir()} == FILES
    assert not demonstration.with_name(demonstration.name + WORKING).exists()


def test_every_note_has_the_finger_that_played_it(demonstration: Path) -> None:
    asked = read_pig(FILM / "score.txt").notes
    score = open_demonstration(demonstration).score
    assert len(score) == len(read_midi(FILM / "played.mid"))
    for note in score.notes:
        same = [n for n in asked if n.pitch == note.pitch and abs(n.onset - note.onset) < 0.1]
        assert [(n.hand, n.finger) for n in same] == [(note.hand, note.finger)]


def test_fingertips_are_where_they_were(demonstration: Path) -> None:
    truth = film_truth()
    clips = open_demonstration(demonstration).clips
    for side in Side:
        away = clips[side].fingertips - truth.clips[side].fingertips[: clips[side].frames]
        assert np.median(np.linalg.norm(away, axis=2)) < 0.008


def test_the_same_inputs_give_the_same_files(
    given: WatchInputs, demonstration: Path, tmp_path: Path
) -> None:
    watch(given, out=tmp_path / "again")
    assert contents(tmp_path / "again") == contents(demonstration)


@pytest.mark.slow
def test_a_killed_run_ends_with_the_same_files(
    given: WatchInputs, demonstration: Path, tmp_path: Path
) -> None:
    words = ["watch", str(given.film), "--midi", str(given.midi), "--view", str(given.view)]
    command = [sys.executable, "-m", "musclehand", *words, "--out", str(tmp_path / "killed")]
    rng = np.random.default_rng(0)
    for _ in range(20):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(float(rng.uniform(2.0, 12.0)))
        process.send_signal(signal.SIGKILL)
        process.wait()
        if (tmp_path / "killed").exists():
            break
    if not (tmp_path / "killed").exists():
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    assert contents(tmp_path / "killed") == contents(demonstration)


def test_results_that_are_there_are_kept_without_force(
    given: WatchInputs, demonstration: Path, tmp_path: Path
) -> None:
    with pytest.raises(OutputError, match="--force"):
        watch(given, out=demonstration)
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="other files"):
        watch(given, out=tmp_path)


def test_notes_of_another_piece_are_told(given: WatchInputs, tmp_path: Path) -> None:
    notes = [Note(0.3 * i, 30 + (i * 7) % 60, 0.3 * i + 0.2) for i in range(30)]
    write_midi(Score(tuple(notes)), tmp_path / "else.mid")
    inputs = WatchInputs(given.film, midi=tmp_path / "else.mid", view=given.view)
    with pytest.raises(MusclehandError):
        watch(inputs, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["film.mp4", "notes.txt", "film.h5"])
def test_a_file_that_is_none_leaves_nothing(
    name: str, given: WatchInputs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    path.write_bytes(b"not a film" * 100)
    words = ["watch", str(path), "--midi", str(given.midi), "--out", str(tmp_path / "out")]
    words += ["--view", str(given.view)]
    assert main(words) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert [item.name for item in tmp_path.iterdir()] == [name]


def test_a_film_is_watched_by_its_pictures_alone(tmp_path: Path) -> None:
    try:
        find_networks()
    except FileError:
        pytest.skip("the networks that detect hands are not in the cache: musclehand watch --setup")
    pytest.importorskip("ai_edge_litert")
    inputs = WatchInputs(FILM / "film.mp4", midi=FILM / "played.mid")
    demonstration = watch(inputs, out=tmp_path / "elise")
    assert demonstration.figures["hands"]["left_in_view"] > 0.95
    assert demonstration.figures["fingers"]["notes_with_finger_on_key"] > 0.95
    assert abs(demonstration.figures["fingers"]["clock_offset_s"]) < 0.05
