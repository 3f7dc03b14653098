"""`musclehand play` as a user meets it: what it prints, what it leaves behind, and how it fails."""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from musclehand.cli import main
from musclehand.cli.play import PlayArgs, default_folder
from musclehand.core.errors import OutputError
from musclehand.core.recording import Recording
from musclehand.music.formats.midi import read_midi, write_midi
from musclehand.music.repertoire import list_pieces
from musclehand.music.score import Hand, Note, Score
from musclehand.music.sources import load_score

RESULTS = {
    "metrics.json",
    "recording.h5",
    "played.mid",
    "played.wav",
    "figures",
    "performance.html",
}

PROMISED = {
    "frame_f1_mean", "frame_f1_micro", "onset_f1_50ms", "onset_f1_100ms", "onset_precision_50ms",
    "onset_recall_50ms", "onset_error_ms_median", "onset_error_ms_p95", "missed", "extra", "joint_rmse_deg",
    "fingertip_error_mm", "mean_activation", "duration_s", "wall_s", "realtime_factor", "versions", "seed",
    "title", "controller", "remarks", "missed_notes", "extra_notes", "wrong_notes",
    "baseline_silent", "baseline_hold_all", "heard_frame_f1_mean", "heard_frame_f1_micro", "velocity_f1",
    "plan_onset_f1_50ms", "plan_frame_f1_mean", "plan_frame_f1_micro", "plan_heard_frame_f1_mean",
    "plan_heard_frame_f1_micro", "plan_key_time_kept",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def play(*words):
    return main(["play", *words])


def read_metrics(folder):
    return json.loads((folder / "metrics.json").read_text(encoding="utf-8"))


def test_the_keyboard_plays_exactly_and_leaves_everything_behind(tmp_path, capsys):
    assert play("ode_to_joy", "--controller", "keyboard", "--clip", "0", "3") == 0
    folder = tmp_path / "performances" / "ode_to_joy_keyboard"
    assert {path.name for path in folder.iterdir()} == RESULTS
    assert [path.name for path in (folder / "figures").iterdir()] == ["piano_roll.png"]
    metrics = read_metrics(folder)
    assert metrics.keys() >= PROMISED
    assert metrics["onset_f1_50ms"] == metrics["frame_f1_micro"] == metrics["frame_f1_mean"] == 1.0
    assert (metrics["missed"], metrics["extra"]) == (0, 0)
    assert metrics["joint_rmse_deg"] is None
    assert metrics["realtime_factor"] == pytest.approx(metrics["duration_s"] / metrics["wall_s"])
    asked = load_score("ode_to_joy", clip=(0.0, 3.0))
    assert [note.pitch for note in read_midi(folder / "played.mid").notes] == [
        note.pitch for note in asked.notes
    ]
    with Recording.open(folder / "recording.h5") as recording:
        assert recording.complete
    shown = capsys.readouterr()
    assert "1.000" in shown.out
    assert "metrics.json" in shown.out
    assert shown.err == ""


def test_same_seed_same_results(tmp_path):
    for name in ("one", "two"):
        assert (
            play(
                "trill_study",
                "--controller",
                "keyboard",
                "--clip",
                "0",
                "2",
                "--out",
                name,
                "--seed",
                "7",
            )
            == 0
        )
    one = read_metrics(tmp_path / "one")
    two = read_metrics(tmp_path / "two")
    assert one["seed"] == 7
    differ = {key for key in one if one[key] != two[key]}
    assert differ <= {"wall_s", "realtime_factor"}


def test_muscles_play_a_short_piece(tmp_path, capsys):
    assert play("five_finger_right", "--clip", "0", "2.5", "--out", "out") == 0
    metrics = read_metrics(tmp_path / "out")
    assert metrics["controller"] == "muscle"
    assert 0.0 < metrics["joint_rmse_deg"] < 10.0
    assert 0.0 < metrics["mean_activation"] < 0.5
    assert 0.0 < metrics["fingertip_error_mm"] < 20.0
    assert metrics["onset_f1_100ms"] > 0.5
    assert 0.5 < metrics["plan_key_time_kept"] <= 1.0
    assert metrics["plan_frame_f1_micro"] > 0.5
    assert {path.name for path in (tmp_path / "out" / "figures").iterdir()} == {
        "piano_roll.png",
        "muscles.png",
    }
    assert "mean muscle activation" in capsys.readouterr().out


def test_practice_is_told_run_by_run(tmp_path, capsys):
    clip = ("--clip", "0", "1")
    assert play("five_finger_right", *clip, "--rehearsals", "1", "--out", "out") == 0
    metrics = read_metrics(tmp_path / "out")
    first, second = metrics["rehearsal_runs"]
    kept = metrics["rehearsal_runs"][metrics["kept_run"]]
    assert metrics["rehearsals"] == 1
    assert kept == {name: metrics[name] for name in kept}
    assert second["velocity_f1"] > first["velocity_f1"]
    assert second["onset_error_ms_median"] < 2.0
    out = capsys.readouterr().out
    assert "first sight" in out
    assert out.count(", kept") == 1


def test_how_muscles_share_the_work_is_heeded_and_noted(tmp_path):
    """The same note: another criterion uses the muscles otherwise, co-contraction costs
    activation."""
    ways = {
        "squares": [],
        "min-max": ["--criterion", "min-max"],
        "stiff": ["--co-contraction", "0.1"],
    }
    metrics = {}
    for name, words in ways.items():
        assert play("five_finger_right", "--clip", "0", "0.5", "--out", name, *words) == 0
        metrics[name] = read_metrics(tmp_path / name)
    asked = {name: (each["criterion"], each["co_contraction"]) for name, each in metrics.items()}
    assert asked == {
        "squares": ("squares", 0.0),
        "min-max": ("min-max", 0.0),
        "stiff": ("squares", 0.1),
    }
    activation = {name: each["mean_activation"] for name, each in metrics.items()}
    assert len(set(activation.values())) == 3
    assert activation["stiff"] > activation["squares"] + 0.02, activation


def test_a_chord_wider_than_the_hand_is_thinned_or_rolled_as_asked(tmp_path):
    """A tenth in the left hand, the right one busy: one of its notes is missing, or all sound,
    the lowest first."""
    left = [Note(0.5, pitch, 1.5, 70, Hand.LEFT) for pitch in (36, 43, 52)]
    right = [
        Note(0.1 + 0.2 * i, 72 + 2 * (i % 3), 0.28 + 0.2 * i, 70, Hand.RIGHT) for i in range(7)
    ]
    write_midi(
        Score(tuple(sorted([*left, *right], key=lambda note: note.onset))), tmp_path / "wide.mid"
    )
    heard = {}
    for how in ("thinned", "rolled"):
        assert play(str(tmp_path / "wide.mid"), "--chords", how, "--out", how) == 0
        played = read_midi(tmp_path / how / "played.mid").notes
        heard[how] = [note.pitch for note in played if note.pitch in (36, 43, 52)]
    assert heard["rolled"] == [36, 43, 52]
    assert len(heard["thinned"]) == 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["missing.mid"], "missing.mid: no such file"),
        (["odetojoy"], "ode_to_joy"),
        (["."], "folder"),
        (["ode_to_joy", "--tempo", "-1"], "tempo"),
        (["ode_to_joy", "--tempo", "0"], "tempo"),
        (["ode_to_joy", "--tempo", "nan"], "tempo"),
        (["ode_to_joy", "--clip", "100", "200"], "no notes between 100 and 200 s"),
        (["ode_to_joy", "--clip", "5", "2"], "clip"),
        (["ode_to_joy", "--clip", "-1", "2"], "clip"),
        (["ode_to_joy", "--clip", "0", "nan"], "clip"),
        (["ode_to_joy", "--controller", "robot"], "keyboard, muscle"),
        (["ode_to_joy", "--seed", "-1"], "seed"),
        (["ode_to_joy", "--criterion", "fourths"], "cubes, min-max, squares"),
        (["ode_to_joy", "--chords", "broken"], "rolled, thinned"),
        (
            ["ode_to_joy", "--chords", "rolled", "--controller", "keyboard"],
            "with controller muscle",
        ),
        (["ode_to_joy", "--co-contraction", "1.5"], "0 to 1"),
        (["ode_to_joy", "--co-contraction", "nan"], "0 to 1"),
        (
            ["ode_to_joy", "--criterion", "cubes", "--controller", "keyboard"],
            "with controller muscle",
        ),
        (
            ["ode_to_joy", "--co-contraction", "0.1", "--controller", "keyboard"],
            "with controller muscle",
        ),
        (["ode_to_joy", "--soundfont", "missing.sf2"], "missing.sf2"),
        (["ode_to_joy", "--out", "/dev/null/results"], "/dev/null/results"),
        ([], "--list"),
        ([""], "unknown file or piece"),
        (["a\0b"], "unknown file or piece"),
        (["two\nlines.mid"], "no such file"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing_behind(words, says, tmp_path, capsys):
    assert play(*words) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("musclehand: error: ")
    assert says in shown.err
    assert len(shown.err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_the_list_has_every_piece(capsys):
    assert play("--list") == 0
    shown = capsys.readouterr().out
    assert all(piece.name in shown for piece in list_pieces())


def test_a_title_is_shown_as_it_is(tmp_path, capsys):
    write_midi(Score((Note(0.0, 60, 0.3),), title="[red]x[/]"), tmp_path / "odd name.mid")
    assert play("odd name.mid", "--controller", "keyboard") == 0
    assert "[red]x[/]" in capsys.readouterr().out
    assert (tmp_path / "performances" / "odd_name_keyboard" / "metrics.json").exists()


def test_a_second_performance_replaces_the_first(tmp_path):
    (tmp_path / "out" / "figures").mkdir(parents=True)
    for name in (
        "performance.mp4",
        "notes.txt",
        "figures/piano_roll_2.png",
        "figures/piano_roll_mine.png",
    ):
        (tmp_path / "out" / name).write_text("old")
    assert (
        play("repeated_notes", "--controller", "keyboard", "--clip", "0", "1", "--out", "out") == 0
    )
    assert {path.name for path in (tmp_path / "out").iterdir()} == RESULTS | {"notes.txt"}
    assert {path.name for path in (tmp_path / "out" / "figures").iterdir()} == {
        "piano_roll.png",
        "piano_roll_mine.png",
    }


@pytest.mark.parametrize(
    ("args", "name"),
    [
        (PlayArgs("ode_to_joy"), "ode_to_joy_muscle"),
        (PlayArgs("songs/a song.mid", controller="high-level"), "a_song_high-level"),
        (PlayArgs("x.mid", model=Path("hands/my hand.xml")), "x_muscle_my_hand"),
        (
            PlayArgs("x.mid", condition="transfer:EIP>EPL+fatigue=0.3"),
            "x_muscle_transfer_EIP_EPL_fatigue_0.3",
        ),
        (PlayArgs(".."), "score_muscle"),
    ],
)
def test_results_have_a_folder_named_after_score_controller_and_hand(args, name):
    assert default_folder(args) == Path("performances") / name


def test_a_film_that_fails_is_an_error_after_the_results(tmp_path, capsys, monkeypatch):
    def fail(folder, *, progress=None):
        raise OutputError(folder / "performance.mp4", "no space left")

    monkeypatch.setattr("musclehand.sim.render.opengl.choose_backend", lambda: None)
    monkeypatch.setattr("musclehand.performance.play.write_film", fail)
    words = ["five_finger_right", "--controller", "keyboard", "--clip", "0", "1"]
    assert play(*words, "--video", "--out", "out") == 2
    shown = capsys.readouterr()
    assert "Written to out: metrics.json" in shown.out
    assert shown.err == "musclehand: error: cannot write out/performance.mp4: no space left\n"
    assert {path.name for path in (tmp_path / "out").iterdir()} == RESULTS


def start_playing(folder):
    words = [sys.executable, "-m", "musclehand", "play", "ode_to_joy", "--out", str(folder)]
    # A job in a shell's background ignores Ctrl-C from its start; this one hears it wherever the
    # tests run.
    hear = partial(signal.signal, signal.SIGINT, signal.default_int_handler)
    return subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=hear
    )


def wait_for_bytes(process, path, size):
    deadline = time.monotonic() + 60.0
    while not (path.exists() and path.stat().st_size > size) and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.01)


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_interrupting_leaves_a_readable_recording(tmp_path):
    process = start_playing("out")
    recording = tmp_path / "out" / "recording.h5"
    wait_for_bytes(process, recording, 300_000)
    process.send_signal(signal.SIGINT)
    shown, complaint = process.communicate(timeout=30)
    assert process.returncode == 130
    assert shown == ""
    assert complaint.splitlines() == [
        "musclehand: interrupted; what was played until then is in out/recording.h5"
    ]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["recording.h5"]
    with Recording.open(recording) as opened:
        assert not opened.complete
        assert opened.num_rows > 100


def interrupt_at(tmp_path, number, rng):
    """Interrupts one performance at a random moment; its exit code, and what is in its folder."""
    folder = tmp_path / str(number)
    process = start_playing(folder)
    if number % 3:
        wait_for_bytes(process, folder / "recording.h5", 1)
        time.sleep(float(rng.uniform(0.0, 2.0)))
    else:
        time.sleep(float(rng.uniform(0.3, 2.0)))
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate(timeout=60)
    assert "Traceback" not in complaint, complaint
    if (folder / "recording.h5").exists():
        with Recording.open(folder / "recording.h5") as recording:
            assert len(recording["time"][:]) == recording.num_rows
    return process.returncode


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_interrupts_at_some_moments_end_with_130(tmp_path):
    rng = np.random.default_rng(0)
    assert {interrupt_at(tmp_path, number, rng) for number in range(4)} == {130}


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_interrupts_at_many_moments_end_with_130(tmp_path):
    rng = np.random.default_rng(1)
    codes = [interrupt_at(tmp_path, number, rng) for number in range(40)]
    assert set(codes) == {130}


@pytest.mark.slow
def test_a_film_with_sound(tmp_path):
    if subprocess.run(
        [sys.executable, "-c", "from musclehand.sim.render.opengl import choose_backend as c; c()"]
    ).returncode:
        pytest.skip("no OpenGL")
    assert play("five_finger_left", "--clip", "0", "1.5", "--video", "--out", "out") == 0
    film = tmp_path / "out" / "performance.mp4"
    assert film.stat().st_size > 50_000
    assert b"mp4a" in film.read_bytes()
    assert b"avc1" in film.read_bytes()


def test_a_policy_that_is_not_there_leaves_earlier_results(tmp_path, capsys):
    assert play("five_finger_right", "--controller", "keyboard", "--out", "out") == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*.*")}
    words = ("--controller", "policy", "--policy", "missing.json", "--out", "out")
    assert play("five_finger_right", *words) == 2
    assert "missing.json" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*.*")} == before
