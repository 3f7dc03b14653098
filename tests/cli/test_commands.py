"""The command itself: its help, version, exit codes, and what it loads."""

import subprocess
import sys

import pytest

from musclehand.cli import main


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_emg_is_among_the_commands(tmp_path, capsys):
    write = "time,FDS\n" + "".join(f"{0.001 * i:.3f},{i % 7}\n" for i in range(2000))
    (tmp_path / "trial.csv").write_text(write)
    code = main(["emg", "info", "trial.csv"])
    shown = capsys.readouterr()
    assert (code, "FDS" in shown.out + shown.err) == (0, True), shown.err


@pytest.mark.parametrize(
    "words", [["play", "ode_to_joy", "--tempo", "fast"], ["play", "--clip", "1"], ["fly"]]
)
def test_wrong_arguments_exit_with_2(words):
    with pytest.raises(SystemExit) as leaving:
        main(words)
    assert leaving.value.code == 2


@pytest.mark.parametrize("words", [["--help"], ["play", "--help"], []])
def test_help_shows_examples(words, capsys):
    with pytest.raises(SystemExit) as leaving:
        main(words)
    assert leaving.value.code == 0
    assert "musclehand play fuer_elise" in capsys.readouterr().out


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("musclehand 0.")


def test_help_and_errors_load_nothing_heavy():
    program = (
        "import sys\nfrom musclehand.cli import main\n"
        "codes = [main(['--version']), main(['play', 'missing.mid']), main(['play', 'ode_to_joy', '--tempo', '-1'])]\n"
        "heavy = {'mujoco', 'matplotlib', 'scipy', 'torch', 'h5py', 'partitura', 'pretty_midi'} & set(sys.modules)\n"
        "sys.exit(f'{codes} {heavy}' if heavy or codes != [0, 2, 2] else 0)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 0, result.stderr
