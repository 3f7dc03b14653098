"""The training command on a corpus of two clips, and the evaluation of what it has made."""

import json

import numpy as np
import pytest

from musclehand.core.checkpoint import load_latest
from musclehand.learning.apg import ApgConfig
from musclehand.learning.dagger import DaggerConfig
from support.scripts import load
from support.tracking_clips import write_small_corpus

pytest.importorskip("rsl_rl")

from musclehand.learning.ppo import PpoConfig


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return write_small_corpus(tmp_path_factory.mktemp("corpus"))


def args_of(track, corpus, out, warm, ppo):
    return track.Args(
        corpus,
        out=out,
        envs=4,
        scores=1,
        slope=ApgConfig(iterations=0),
        warm=DaggerConfig(iterations=warm, steps=10, updates=5, batch=16, hidden=(16,), memory=3),
        ppo=PpoConfig(
            iterations=ppo, steps=8, minibatches=2, epochs=1, critic=(16,), critic_alone=1
        ),
    )


def test_training_goes_on_to_the_same_bits_and_what_it_makes_is_evaluated(corpus, tmp_path, capsys):
    # The one imports the other, as it does when it is run from its folder.
    judge, _, _, track = (
        load(name) for name in ("eval_tracking", "scale_out", "track_hand")
    )
    whole = tmp_path / "whole"
    parts = tmp_path / "parts"
    track.main(args_of(track, corpus, whole, 2, 2))
    track.main(args_of(track, corpus, parts, 1, 0))
    track.main(args_of(track, corpus, parts, 2, 1))
    track.main(args_of(track, corpus, parts, 2, 2))
    one = load_latest(whole / "policy")
    two = load_latest(parts / "policy")
    for name, values in one.arrays.items():
        np.testing.assert_array_equal(values, two.arrays[name], err_msg=name)
    lines = [(folder / "metrics.csv").read_text().splitlines() for folder in (whole, parts)]
    assert len(lines[0]) == len(lines[1]) == 5
    (score,) = json.loads((whole / "scores.json").read_text())
    assert score["kind"] == "wave"
    out = tmp_path / "scores.csv"
    policy = whole / "policy" / "000001.json"
    told = judge.Args(
        corpus, (policy,), split="validation", scores=0, conditions=("one muscle at 50 %",), out=out
    )
    judge.main(told)
    assert len(out.read_text().splitlines()) == 3
    assert "one muscle at 50 %" in capsys.readouterr().out
