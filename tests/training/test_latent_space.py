"""Training and judging a latent space: clip by clip, the worst first, and samples of the prior."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from musclehand.core.checkpoint import CheckpointError
from musclehand.core.errors import InvalidValue
from musclehand.learning.latent_apg import LatentApgConfig
from musclehand.learning.latent_distill import LatentDistillConfig
from musclehand.motion.dataset import open_corpus
from musclehand.policies.latent import load_latent_space
from musclehand.policies.tracking import load_tracking_policy
from musclehand.training import latent_space as training
from musclehand.training.latent_evaluation import (
    compare_sequences,
    held_out_clips,
    sample_prior,
)
from musclehand.training.latent_probes import (
    draw_traversal,
    interpolate_latent_actions,
    traverse_latent_actions,
)
from support.tracking_clips import write_small_corpus

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return write_small_corpus(tmp_path_factory.mktemp("corpus"))


def test_the_bundled_space_is_judged(corpus):
    policy = load_tracking_policy()
    space = load_latent_space()
    clips = held_out_clips(open_corpus(corpus), 5)
    sequences = compare_sequences(space.policy, policy.policy.act, clips, policy.config)
    # The corpus holds out one clip.
    (row,) = sequences.rows
    assert row["kind"] == "wave"
    assert row["seconds"] == pytest.approx(1.6)
    figures = sequences.figures()
    assert figures["ratio"] == pytest.approx(row["latent_mm"] / row["policy_mm"])
    assert figures["survived"] == 1.0
    assert 0.0 < figures["policy_mm"] < 5.0
    assert list(figures["worst"]) == [f"wave {row['name']}"]
    samples = sample_prior(space.policy, clips, policy.config, seconds=0.1)
    assert samples["prior_within_limits"] > 0.99


def test_clips_to_judge_by_are_drawn_and_there_have_to_be_some(corpus):
    opened = open_corpus(corpus)
    names = [clip.name for clip in held_out_clips(opened, 3)]
    assert names == [clip.name for clip in opened.clips("test")]
    with pytest.raises(InvalidValue, match="clips"):
        held_out_clips(opened, 0)


def test_a_space_is_trained_resumed_and_judged(corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "sample_prior", lambda *words: sample_prior(*words, seconds=0.05))
    small = {"steps": 6, "updates": 4, "batch": 16, "hidden": (8,), "latent_size": 4}
    distillation = LatentDistillConfig(iterations=2, buffer_iterations=3, **small)
    apg = LatentApgConfig(iterations=2, steps=4, minibatches=2)
    config = training.LatentRunConfig(envs=3, scores=1, clips=1, distillation=distillation, apg=apg)
    whole = training.latent(corpus, tmp_path / "whole", config)
    for first, second in ((1, 0), (2, 1), (2, 2)):
        part = replace(
            config,
            distillation=replace(distillation, iterations=first),
            apg=replace(apg, iterations=second),
        )
        parts = training.latent(corpus, tmp_path / "parts", part)
    for name, values in whole.space.policy.state_dict().items():
        again = parts.space.policy.state_dict()[name]
        np.testing.assert_array_equal(values, again, err_msg=name)
    stages = [(row["stage"], row["iteration"]) for row in parts.metrics]
    assert stages == [("distillation", 0), ("distillation", 1), ("apg", 0), ("apg", 1)]
    assert json.loads((whole.folder / "latent.json").read_text()) == whole.figures
    with open(whole.folder / "sequences.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    assert whole.figures["ratio"] == pytest.approx(float(row["ratio"]))
    # One that continues from another space leaves the distillation out, and keeps its sizes.
    for start in (whole.space, whole.space_path):
        started = training.latent(
            corpus,
            tmp_path / "started",
            replace(config, apg=replace(apg, iterations=1)),
            start=start,
        )
    assert [row["stage"] for row in started.metrics] == ["apg"]
    assert started.space.policy.latent_size == 4
    info = started.space.info
    assert info["start"]["model_sha256"] == whole.space.info["model_sha256"]
    assert "config" not in info
    with pytest.raises(CheckpointError):
        training.latent(corpus, tmp_path / "started", config, start=started.space)


def test_dimensions_of_latent_actions_turn_joints(tmp_path):
    space = load_latent_space()
    rotations = traverse_latent_actions(space, seconds=0.05)
    assert rotations.shape == (space.policy.latent_size, 25)
    assert np.abs(rotations).max() > np.radians(0.5)
    draw_traversal(rotations, tmp_path / "latent.png")
    assert (tmp_path / "latent.png").stat().st_size > 1000
    between = interpolate_latent_actions(space, pairs=3, points=3, seconds=0.05)
    assert 0.0 < between.stray < 1.0
    assert between.within_limits > 0.99
