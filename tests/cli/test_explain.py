"""`musclehand explain`: what it prints, writes and refuses."""

import pytest

from musclehand.cli import main


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_performance_is_explained_in_its_folder(tmp_path, capsys):
    assert main(["play", "ode_to_joy", "--clip", "0", "1", "--out", "ode"]) == 0
    capsys.readouterr()
    assert main(["explain", "ode", "--pictures", "0"]) == 0
    shown = capsys.readouterr().out
    assert "Lost notes of Ode to Joy, played by: muscle" in shown
    assert "Written to ode: explain.html, causes.csv" in shown
    assert (tmp_path / "ode" / "causes.csv").read_text().startswith("kind,stage,cause,time_s")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["missing"], "give a folder that `musclehand play` filled"),
        (["missing", "--pictures", "-1"], "pictures is -1; it must be 0 to 100"),
    ],
)
def test_what_cannot_be_explained_is_one_line(words, message, capsys):
    assert main(["explain", *words]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1


def test_oracles_play_by_name(capsys):
    for name in ("rigid", "torque"):
        words = ["play", "ode_to_joy", "--clip", "0", "0.6", "--controller", name, "--out", name]
        assert main(words) == 0
        assert f"played by: {name}" in capsys.readouterr().out
