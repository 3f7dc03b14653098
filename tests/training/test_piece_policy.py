"""A high-level policy learns a piece: it comes nearer to its teacher, and interruptions leave no
trace."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from musclehand.cli import main
from musclehand.core.checkpoint import CheckpointError
from musclehand.core.errors import InvalidValue
from musclehand.envs.demonstrations.planned_pieces import plan_pieces
from musclehand.envs.piano.env import PianoConfig, PianoEnv
from musclehand.music.formats.midi import write_midi
from musclehand.music.repertoire import load_piece
from musclehand.music.score import Score
from musclehand.performance.perform import perform
from musclehand.policies.high_level import load_high_level_policy
from musclehand.training.piece_policy import learn_piece, piece, piece_training
from musclehand.training.run_log import RunLog
from support.small_high_level import MIRRORED, small_high_level, small_latent_space

TINY = replace(piece_training(3), steps=6, updates=30, batch=64, learning_rate=3e-3)


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def policy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("policy")
    space = small_latent_space(folder / "latent_space")
    policy = load_high_level_policy(small_high_level(folder / "high_level", space))
    # Far off, so that there is something to learn.
    policy.policy.layers[-1].bias.data.fill_(0.5)
    return policy


def distance(policy):
    """Mean squared distance from the teacher, along what the teacher does."""
    pieces = plan_pieces([("piece", MIRRORED)])
    env = PianoEnv(pieces, policy.latent_space, PianoConfig(num_worlds=2), seed=1)
    observation = env.reset(seed=1)
    errors = []
    for _ in range(20):
        wanted = env.teacher_action()
        errors.append(np.square(policy.policy.act(observation) - wanted).mean())
        observation = env.step(wanted).observation
    return np.mean(errors)


def test_it_comes_nearer_and_a_run_that_was_interrupted_ends_the_same(policy, tmp_path):
    (tmp_path / "whole").mkdir()
    log = tmp_path / "whole" / "metrics.csv"
    whole = learn_piece(MIRRORED, policy, tmp_path / "whole", TINY, log=RunLog(log))
    lines = log.read_text().splitlines()[1:]
    assert [line.split(",")[:2] for line in lines] == [["dagger", number] for number in "012"]
    assert distance(whole) < 0.7 * distance(policy)
    for count in (1, 2, 3):
        config = replace(TINY, iterations=count)
        parts = learn_piece(MIRRORED, policy, tmp_path / "parts", config)
    start = policy.policy.state_dict()
    ends = (whole.policy.state_dict(), parts.policy.state_dict())
    for name, values in ends[0].items():
        np.testing.assert_array_equal(values, ends[1][name], err_msg=name)
    # The normalisation stays that which the policy was trained with.
    assert torch.equal(start["mean"], ends[0]["mean"])
    assert not torch.equal(start["layers.0.weight"], ends[0]["layers.0.weight"])
    with pytest.raises(CheckpointError):
        learn_piece(MIRRORED, whole, tmp_path / "parts", TINY)


def test_a_run_gives_the_policy_its_file_and_its_metrics(policy, tmp_path, monkeypatch):
    monkeypatch.setattr("musclehand.training.piece_policy.piece_training", lambda *_, **__: TINY)
    run = piece(MIRRORED, tmp_path / "run", policy=policy)
    assert [row["stage"] for row in run.metrics] == ["dagger"] * 3
    assert run.metrics[2]["labels"] > run.metrics[0]["labels"]
    again = load_high_level_policy(run.policy_path)
    for name, values in run.policy.policy.state_dict().items():
        np.testing.assert_array_equal(values, again.policy.state_dict()[name], err_msg=name)


def test_a_score_without_notes_is_refused(policy, tmp_path):
    with pytest.raises(InvalidValue, match="notes"):
        learn_piece(Score(()), policy, tmp_path, TINY)


@pytest.mark.parametrize("command", [["learn"], ["train", "piece"]], ids=" ".join)
def test_the_command_refuses_what_cannot_be(command, tmp_path, capsys):
    write_midi(MIRRORED, tmp_path / "song.mid")
    for options in (
        ["--iterations", "0"],
        ["--seed", "-1"],
        ["--policy", str(tmp_path / "none.json")],
    ):
        words = [*command, str(tmp_path / "song.mid"), "--out", str(tmp_path / "out"), *options]
        assert main(words) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
        assert not (tmp_path / "out").exists()


def test_the_bundled_policy_plays_what_it_has_not_seen():
    score = load_piece("au_clair_de_la_lune")
    result = perform(score.clip(0.0, 5.0), "high-level")
    assert result.metrics.frame_f1_micro > 0.5
    assert result.metrics.onset_f1_50ms > 0.5
