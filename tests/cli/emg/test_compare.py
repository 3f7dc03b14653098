"""`musclehand emg compare` on the bundled synthetic recording."""

import json
from dataclasses import replace

import pytest

from musclehand.cli import main
from musclehand.cli.emg.compare import CompareArgs, compare, run_comparison
from support.paths import EMG_DATA

ARGS = CompareArgs(
    EMG_DATA / "synthetic_playing.sto",
    EMG_DATA / "synthetic_playing.h5",
    map=EMG_DATA / "muscle_map.csv",
)


@pytest.fixture(scope="module")
def result():
    return run_comparison(replace(ARGS, same_person=(ARGS.emg,)))


def test_the_terminal_gets_table_and_verdict_and_the_folder_the_page(
    result, capsys, tmp_path, monkeypatch
):
    monkeypatch.setattr("musclehand.cli.emg.compare.run_comparison", lambda args: result)
    compare(replace(ARGS, out=tmp_path / "compared"))
    said = capsys.readouterr().out
    for words in (
        "FDS",
        "wrong muscle",
        "The true channel is first of 8",
        "compare shapes",
        "Written to",
    ):
        assert words in said
    assert (tmp_path / "compared" / "comparison.html").stat().st_size < 2_000_000
    parameters = json.loads((tmp_path / "compared" / "comparison.json").read_text())["parameters"]
    assert (parameters["quantity"], parameters["combine"]) == ("activation", "mean")


def test_the_command_writes_what_the_library_writes(result, tmp_path, capsys):
    words = ["emg", "compare", str(ARGS.sim), str(ARGS.emg), "--map", str(ARGS.map)]
    words += ["--same-person", str(ARGS.emg), "--out", str(tmp_path / "command")]
    assert main(words) == 0
    files = result.save(tmp_path / "library")
    assert len(files) == len(list((tmp_path / "command").iterdir()))
    for file in files:
        assert file.read_bytes() == (tmp_path / "command" / file.name).read_bytes(), file.name


def test_an_unusable_file_is_an_error_of_one_line(capsys):
    assert main(["emg", "compare", "none.sto", str(ARGS.emg)]) == 2
    assert "none.sto" in capsys.readouterr().err
