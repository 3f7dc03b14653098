"""Old names of commands, options and values: they are rewritten, with one line that says so."""

import pytest

from musclehand.cli import main
from musclehand.cli.deprecated import Renamed, rewrite, update_words

TABLE = {
    "play": Renamed(values={("--controller", "planner"): "high-level"}),
    "corpus info": Renamed(options={"--check": "--verify"}),
}
COMMANDS = {"corpus-info": "corpus info"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("play x --controller planner --clip 0 8", "play x --controller high-level --clip 0 8"),
        ("play x --controller=planner", "play x --controller=high-level"),
        ("play planner --out planner", "play planner --out planner"),
        ("corpus-info x --check", "corpus info x --verify"),
        ("view --check", "view --check"),
    ],
)
def test_old_words_become_new_ones(words, expected):
    rewritten, changes = rewrite(words.split(), TABLE, COMMANDS)
    assert " ".join(rewritten) == expected
    assert bool(changes) == (words != expected)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("--slope.iterations 3", "--apg.iterations 3"),
        ("--warm.teacher_share 1 0.5", "--dagger.dagger-beta 1 0.5"),
        ("--ppo.critic-alone 3", "--ppo.critic-warm-up 3"),
        ("--ppo.noise=0.2 --warm.noise 0.1", "--ppo.init-std=0.2 --dagger.noise 0.1"),
        (
            "--past 3 --delay 0.024 --smooth",
            "--action-history 3 --sensory-delay 0.024 --undisturbed",
        ),
        ("--dagger.learning_rate 1", "--dagger.learning_rate 1"),
    ],
)
def test_groups_and_fields_of_trainings_are_known_by_their_old_names(words, expected):
    rewritten, _ = rewrite(["train", "track", "corpus", *words.split()])
    assert rewritten[3:] == expected.split()


def test_all_old_names_are_told_in_one_line(capsys):
    words = update_words(["corpus-info", "x", "--check"], TABLE, COMMANDS)
    assert words == ["corpus", "info", "x", "--verify"]
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("musclehand: warning: corpus-info is called corpus info now; --check")
    assert update_words(["play", "x"], TABLE, COMMANDS) == ["play", "x"]
    assert not capsys.readouterr().err


def test_the_command_line_takes_old_names(tmp_path, capsys):
    words = ["learn", "ode_to_joy", "--out", str(tmp_path / "out"), "--planner", "none.json"]
    assert main(words) == 2
    warning, error = capsys.readouterr().err.splitlines()
    assert "--planner is called --policy now" in warning
    assert "none.json" in error
