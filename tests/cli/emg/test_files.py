"""`musclehand emg info`, `qc` and `convert` as their user meets them."""

import json

import numpy as np
import pytest
from scipy.io import savemat

from musclehand.cli import main
from musclehand.emg.io.store import load_recording, save_recording
from musclehand.emg.recording import Channel, EmgRecording, Event, TimeSeries
from support.paths import SHARED_DATA

SHARED = SHARED_DATA / "emg"
real = pytest.mark.skipif(not SHARED.is_dir(), reason="the recordings are not here")


@pytest.fixture
def run(capsys):

    def call(*words):
        code = main(["emg", *map(str, words)])
        out, err = capsys.readouterr()
        return code, " ".join(out.split()), err

    return call


@pytest.fixture
def file(tmp_path):
    rng = np.random.default_rng(0)
    samples = 1e-4 * rng.normal(size=(8000, 2)) * np.repeat(np.tile([1.0, 10.0], 4), 1000)[:, None]
    recording = EmgRecording(
        samples,
        1000.0,
        (Channel("FDS", "FDS", "volar"), Channel("EDC", "EDC")),
        (Event(1.0, 1.0, "fist"), Event(3.0, 1.0, "fist")),
        {"force": TimeSeries(np.arange(81) / 10, np.zeros((81, 1)), ("grip",), ("N",))},
        subject="01",
        provenance={"source": "made up"},
        licence="CC0",
    )
    save_recording(tmp_path / "a.h5", recording)
    return tmp_path / "a.h5"


def test_info_says_all_that_is_known(run, file):
    code, out, _ = run("info", file)
    assert code == 0
    for words in (
        "2 channels, 8.00 s at 1000 Hz",
        "FDS",
        "volar",
        "event fist: 2 times, 2.0 s",
        "grip",
        "CC0",
        "Quality",
    ):
        assert words in out


def test_qc_tells_good_from_bad(run, file, tmp_path):
    code, out, _ = run("qc", file, "--json", tmp_path / "q.json")
    assert code == 0
    assert "DOUBTFUL" in out or "GOOD" in out
    content = json.loads((tmp_path / "q.json").read_text())
    assert content[str(file)]["verdict"] in ("good", "doubtful")
    whole = load_recording(file)
    samples = np.array(whole.samples)
    samples[:, 1] = 0.0
    save_recording(tmp_path / "dead.h5", whole.with_samples(samples, 1000.0))
    code, out, _ = run("qc", tmp_path / "dead.h5")
    assert code == 1
    assert "BAD: Do not compare with EDC" in out


def test_convert_keeps_what_is_there(run, file, tmp_path):
    np.save(tmp_path / "a.npy", load_recording(file).samples)
    code, out, _ = run("convert", tmp_path / "a.npy", "--rate", 1000, "--out", tmp_path / "b.h5")
    assert code == 0
    assert "Written" in out
    assert np.array_equal(load_recording(tmp_path / "b.h5").samples, load_recording(file).samples)
    code, _, err = run("convert", tmp_path / "a.npy", "--rate", 1000, "--out", tmp_path / "b.h5")
    assert code == 2
    assert "--force" in err
    assert (
        run("convert", tmp_path / "a.npy", "--rate", 1000, "--out", tmp_path / "b.h5", "--force")[0]
        == 0
    )
    assert run("convert", tmp_path / "a.npy", "--rate", 1000, "--out", tmp_path / "b.csv")[0] == 2
    assert run("convert", tmp_path, "--out", tmp_path / "c.h5")[0] == 2


def test_a_table_with_a_column_map(run, tmp_path):
    (tmp_path / "emg.csv").write_text(
        "t;flexor;x\n" + "".join(f"{i / 100};{(-1) ** i};word\n" for i in range(500))
    )
    columns = {
        "channels": {"flexor": {"name": "FDS", "muscle": "FDS", "side": "left"}},
        "unit": "mV",
    }
    (tmp_path / "columns.json").write_text(json.dumps(columns))
    code, out, _ = run("info", tmp_path / "emg.csv", "--columns", tmp_path / "columns.json")
    assert code == 0
    assert "1 channels, 5.00 s at 100 Hz" in out
    assert "left" in out


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("info", "none.csv"), "no such file"),
        (("qc", "none.h5"), "No such file"),
        (("info", "a.xyz"), "unknown ending"),
        (("info", "none.csv", "--columns", "none.json"), "none.json"),
        (("info", "none.csv", "--rate", "-3"), "sampling rate"),
        (("info", "none.csv", "--format", "wav"), "wav"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(words, problem, run):
    code, out, err = run(*words)
    assert code == 2
    assert problem in err
    assert err.count("\n") == 1
    assert not out


def test_a_folder_is_listed_in_spite_of_a_broken_file(run, file):
    (file.parent / "b.csv").write_text("time,a\n0,1\n1,x\n")
    (file.parent / "c.csv").write_text("time,a\n0,1\n1,x\n")
    for word in ("info", "qc"):
        code, out, err = run(word, file.parent)
        assert code == 2
        assert "a.h5" in out
        assert "b.csv (line 3)" in err
        assert "c.csv (line 3)" in err


def test_an_empty_folder_is_named(run, tmp_path):
    code, _, err = run("info", tmp_path)
    assert code == 2
    assert str(tmp_path) in err


@real
def test_every_real_session_is_listed(run):
    code, out, _ = run("info", SHARED / "myo_wrist_gestures" / "left")
    assert code == 0
    assert out.count("44444-1/") == 8
    assert "6 flexion" in out or "5 flexion" in out


@real
def test_the_malformed_file_and_the_fakes_are_refused(run):
    (malformed,) = (SHARED / "myo_wrist_gestures" / "malformed").iterdir()
    code, _, err = run("info", malformed)
    assert code == 2
    assert "line 12322" in err
    for name in ("inverse_dyn.sto", "inverse_kin.mot", "markers.trc"):
        code, _, err = run("info", SHARED / "pyomeca_formats" / name)
        assert code == 2
        assert "commas" in err
    assert run("info", SHARED / "opensim_golden" / "markers_opensim46.trc")[0] == 0


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"time,FDS [mV]\n0,1\n1,x\n"),
        ("a.csv", b"Label: a Sampling frequency: 2000 Unit: V\n"),
        ("a.txt", b"# OpenSignals Text File Format\n# {}\n1\t2\n"),
        ("a.emt", b"BTS ASCII format\n"),
        ("a.vhdr", b"Brain Vision Data Exchange Header File Version 1.0\n"),
        ("a.otb+", b"no archive"),
        ("a.otb4", bytes(1024)),
        ("a.xdf", b"XDF:\x04"),
        ("a.xlsx", b"PK"),
        ("a.mat", b"MATLAB 5.0".ljust(126) + b"IM" + bytes(20)),
        ("a.c3d", bytes(2048)),
        ("a.unknown", b""),
    ],
)
def test_a_damaged_file_of_any_format_is_one_line_and_exit_code_2(name, content, run, tmp_path):
    (tmp_path / name).write_bytes(content)
    code, _, err = run("info", tmp_path / name)
    assert code == 2
    assert len(err.strip().splitlines()) == 1
    assert name in err


def test_info_takes_a_variable_and_says_what_was_assumed(run, tmp_path):
    samples = np.random.default_rng(0).normal(size=(400, 2))
    savemat(tmp_path / "a.mat", {"raw": samples, "filtered": samples, "fs": 1000.0})
    code, _, err = run("info", tmp_path / "a.mat")
    assert code == 2
    assert "--variable: raw (400 x 2), filtered (400 x 2)" in err
    code, out, _ = run("info", tmp_path / "a.mat", "--variable", "raw")
    assert code == 0
    assert "unit not in the file, V assumed" in out
    assert "variable: raw" in out
    code, out, _ = run("info", tmp_path / "a.mat", "--variable", "raw", "--unit", "uV")
    assert "unit as told: uV" in out
    assert "assumed" not in out
