"""`musclehand muscles`: what it prints, writes and refuses."""

import csv
import re

import numpy as np
import pytest
from matplotlib.image import imread

from musclehand.cli import main
from musclehand.core.recording import Channel, RecordingWriter
from musclehand.performance.record import NOTE_COLUMNS

MUSCLES = ("EDC2_r", "FDP2_r", "FDP2_l")


def write(folder, act, *, muscles=MUSCLES, pitch=60):
    folder.mkdir()
    names = tuple(muscles)
    channels = {"time": Channel("s")}
    if names:
        channels |= {name: Channel("1", (len(names),), names) for name in ("act", "muscle_force")}
    metadata = {
        "title": "Tune [b]",
        "controller": "MuscleController" if names else "KeyboardController",
    }
    with RecordingWriter(
        folder / "recording.h5", channels, tables={"score": NOTE_COLUMNS}, metadata=metadata
    ) as writer:
        writer.extend_table("score", np.array([(0.0, 1.0, pitch, 80, 1, 2)]))
        for step in range(-50, 150):
            row = {"act": np.array(act), "muscle_force": -100.0 * np.array(act)} if names else {}
            writer.append(time=step * 0.01, **row)
    return folder


@pytest.fixture
def runs(tmp_path):
    first = write(tmp_path / "one", [0.25, 0.5, 0.125])
    second = write(tmp_path / "other", [0.25, 0.4, 0.375])
    (first / "metrics.json").write_text('{"joint_rmse_deg": 1.25, "onset_f1_50ms": 1.0}')
    return first, second


def run(capsys, *words):
    code = main(["muscles", *map(str, words)])
    output = capsys.readouterr()
    return code, output.out, output.err


def cells(out, word):
    """The cells of the only row that begins with a word."""
    (line,) = re.findall(rf"│ ({re.escape(word)} .*)│", out)
    return [cell.strip() for cell in line.split("│")]


def test_one_run_lists_all_muscles_by_group(runs, capsys):
    code, out, err = run(capsys, runs[0])
    assert (code, err) == (0, "")
    assert cells(out, "FDP2")[-8:] == [
        "0.500",
        "0.500",
        "50.0",
        "50.0",
        "0.125",
        "0.125",
        "12.5",
        "12.5",
    ]
    assert cells(out, "EDC2")[-8:] == ["0.250", "0.250", "25.0", "25.0", "-", "-", "-", "-"]
    assert (
        out.index("finger flexors")
        < out.index("FDP2")
        < out.index("finger extensors")
        < out.index("EDC2")
    )
    assert "mean activation 0.2917, sum of squared activations 0.328" in out
    assert "without the lead-in" in out


def test_two_runs_stand_beside_each_other_and_what_changed_most_comes_first(runs, capsys):
    code, out, err = run(capsys, *runs)
    assert (code, err) == (0, "")
    left = ["0.125", "0.375", "+0.250 (+200 %)", "0.125", "0.375", "12.5", "37.5"]
    right = ["0.500", "0.400", "-0.100 (-20 %)", "0.500", "0.400", "50.0", "40.0"]
    assert cells(out, "FDP2 left")[-7:] == left
    assert cells(out, "FDP2 right")[-7:] == right
    assert out.index("FDP2 left") < out.index("FDP2 right")
    assert "EDC2" not in out
    assert "Mean activation changed by less than 0.0005 in 1 of 3 muscles." in out
    assert "1.25" in out, "the joint error of the run that has it"
    assert cells(run(capsys, *runs, "--all")[1], "EDC2 right")[4] == "="


def test_three_runs_and_no_change(runs, capsys, tmp_path):
    third = write(tmp_path / "third", [0.25, 0.5, 0.125])
    out = run(capsys, *runs, third)[1]
    assert cells(out, "FDP2 left")[-4:] == ["0.125", "0.375", "0.125", "+0.250 (+200 %)"]
    assert "No mean activation changed" in run(capsys, runs[0], third)[1]


def test_shares_of_next_to_nothing_are_not_told(runs, capsys, tmp_path):
    quiet = write(tmp_path / "quiet", [1e-9, 0.0, 0.01])
    out = run(capsys, quiet, runs[0])[1]
    assert (
        cells(out, "EDC2 right")[4] == cells(out, "FDP2 right")[4].replace("500", "250") == "+0.250"
    )
    assert cells(out, "FDP2 left")[4] == "+0.115 (over +999 %)"


def test_files_hold_what_is_shown(runs, capsys, tmp_path):
    table = tmp_path / "use.csv"
    picture = tmp_path / "use.png"
    code, out, _ = run(capsys, *runs, "--csv", table, "--figure", picture)
    assert code == 0
    assert str(table) in out
    assert str(picture) in out
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6
    (row,) = (
        row for row in rows if (row["run"], row["muscle"], row["hand"]) == ("other", "FDP2", "left")
    )
    assert row["name"] == "flexor digitorum profundus (index)"
    assert [float(row[name]) for name in ("mean_activation", "mean_force_N", "impulse_Ns")] == [
        0.375,
        37.5,
        37.5,
    ]
    assert float(row["change_of_mean_activation"]) == 0.25
    assert imread(picture).std() > 0.02


def test_other_notes_are_remarked(runs, capsys, tmp_path):
    code, out, _ = run(capsys, runs[0], write(tmp_path / "high", [0.1, 0.1, 0.1], pitch=72))
    assert code == 0
    assert "Remark: one and high were asked to play different notes (Tune [b], notes: 1" in out


def test_unusable_input_is_one_line_and_exit_code_2(runs, capsys, tmp_path):
    second = write(tmp_path / "muscles", [0.1], muscles=["EIP_r"])
    keys = write(tmp_path / "keys", [], muscles=[])
    (tmp_path / "text.h5").write_text("words")
    for words, message in (
        ([tmp_path / "none"], "No such file"),
        ([tmp_path / "text.h5"], "not an HDF5 file"),
        ([keys], "no muscles in it (played by KeyboardController"),
        ([runs[0], second], "has no EDC2_r, FDP2_l, FDP2_r"),
        ([runs[0], runs[0]], "compared with itself"),
        ([], "number of runs"),
        ([runs[0], "--csv", tmp_path / "missing" / "use.csv"], "cannot write"),
        ([runs[0], "--figure", tmp_path / "missing" / "use.png"], "cannot write"),
        ([runs[0], "--figure", tmp_path / "use.pdf"], "let its name end in .png"),
    ):
        code, out, err = run(capsys, *words)
        assert (code, out) == (2, ""), words
        assert len(err.splitlines()) == 1
        assert message in err
