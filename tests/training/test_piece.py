"""A planner learns a piece: it comes nearer to its teacher, and interruptions leave no trace."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from musclehand.cli.main import main
from musclehand.core.checkpoint import CheckpointError
from musclehand.core.errors import InvalidValue
from musclehand.envs.demonstrations.planned_pieces import plan_pieces
from musclehand.envs.piano.env import PianoConfig, PianoEnv
from musclehand.music.formats.midi import write_midi
from musclehand.music.repertoire import load_piece
from musclehand.music.score import Score
from musclehand.performance.perform import perform
from musclehand.policies.high_level import load_high_level_policy
from musclehand.training.piece import learn_piece, learning_config
from support.small_planner import MIRRORED, small_planner, small_skill

TINY = replace(learning_config(3), steps=6, updates=30, batch=64, rate=3e-3)


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def planner(tmp_path_factory):
    folder = tmp_path_factory.mktemp("planner")
    planner = load_high_level_policy(
        small_planner(folder / "planner", small_skill(folder / "skill"))
    )
    # Far off, so that there is something to learn.
    planner.policy.layers[-1].bias.data.fill_(0.5)
    return planner


def off(planner):
    """How far it is from its teacher along what the teacher does."""
    env = PianoEnv(
        plan_pieces([("piece", MIRRORED)]), planner.skill, PianoConfig(num_worlds=2), seed=1
    )
    seen = env.reset(seed=1)
    errors = []
    for _ in range(20):
        wanted = env.teacher_action()
        errors.append(np.square(planner.policy.act(seen) - wanted).mean())
        seen = env.step(wanted).observation
    return np.mean(errors)


def test_it_comes_nearer_and_a_run_that_was_interrupted_ends_the_same(planner, tmp_path):
    told = []
    whole = learn_piece(MIRRORED, planner, tmp_path / "whole", TINY, tell=told.append)
    assert [progress.iteration for progress in told] == [0, 1, 2]
    assert off(whole) < 0.7 * off(planner)
    for count in (1, 2, 3):
        parts = learn_piece(MIRRORED, planner, tmp_path / "parts", replace(TINY, iterations=count))
    start = planner.policy.state_dict()
    ends = (whole.policy.state_dict(), parts.policy.state_dict())
    for name, values in ends[0].items():
        np.testing.assert_array_equal(values, ends[1][name], err_msg=name)
    # What is normal stays what the planner has learnt with.
    assert torch.equal(start["mean"], ends[0]["mean"])
    assert not torch.equal(start["layers.0.weight"], ends[0]["layers.0.weight"])
    with pytest.raises(CheckpointError):
        learn_piece(MIRRORED, whole, tmp_path / "parts", TINY)


def test_a_score_without_notes_is_refused(planner, tmp_path):
    with pytest.raises(InvalidValue, match="notes"):
        learn_piece(Score(()), planner, tmp_path, TINY)


def test_the_command_refuses_what_cannot_be(tmp_path, capsys):
    write_midi(MIRRORED, tmp_path / "song.mid")
    for arguments in (
        ["--iterations", "0"],
        ["--seed", "-1"],
        ["--planner", str(tmp_path / "none.json")],
    ):
        assert (
            main(["learn", str(tmp_path / "song.mid"), "--out", str(tmp_path / "out"), *arguments])
            == 2
        )
        assert len(capsys.readouterr().err.splitlines()) == 1


def test_the_planner_that_comes_along_plays_what_it_has_not_seen():
    score = load_piece("au_clair_de_la_lune")
    result = perform(score.clip(0.0, 5.0), "planner")
    assert result.metrics.frame_f1_micro > 0.5
    assert result.metrics.onset_f1_50ms > 0.5
