"""The training of a high-level policy, from scores to a file that plays; killed in between, it ends
the same."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from musclehand.core.errors import InvalidValue
from musclehand.policies.high_level import load_high_level_policy, transfer_high_level_network
from musclehand.training import generalist_policy
from musclehand.training.generalist_policy import GeneralistConfig, generalist, training_scores
from support.small_high_level import MIRRORED, small_high_level, small_latent_space

pytestmark = pytest.mark.usefixtures("one_thread")


def test_a_policy_is_trained_and_resumed(tmp_path, monkeypatch):
    monkeypatch.setattr(
        generalist_policy, "training_scores", lambda config: iter([("mirrored", MIRRORED)] * 2)
    )
    space = small_latent_space(tmp_path / "latent_space")
    config = GeneralistConfig(worlds=2)
    small = {"iterations": 2, "steps": 4, "updates": 5, "batch": 16, "hidden": (8,)}
    cloning = replace(config.cloning, **small)
    dagger = replace(config.dagger, **small, static_steps=3)
    whole = generalist(space, tmp_path / "whole", replace(config, cloning=cloning, dagger=dagger))
    for first, second in ((1, 0), (2, 1), (2, 2)):
        part = replace(
            config,
            cloning=replace(cloning, iterations=first),
            dagger=replace(dagger, iterations=second),
        )
        parts = generalist(space, tmp_path / "parts", part)
    for name, values in whole.policy.policy.state_dict().items():
        again = parts.policy.policy.state_dict()[name]
        np.testing.assert_array_equal(values, again, err_msg=name)
    stages = [(row["stage"], row["iteration"]) for row in parts.metrics]
    assert stages == [(name, number) for name in ("cloning", "dagger") for number in (0, 1)]
    # One that continues from another policy leaves cloning out.
    started = generalist(
        space,
        tmp_path / "started",
        replace(config, dagger=replace(dagger, iterations=1)),
        start=whole.policy_path,
    )
    assert [row["stage"] for row in started.metrics] == ["dagger"]


def test_scores_are_made_for_the_purpose_and_the_same_each_time():
    config = GeneralistConfig(patterns=3, textures=2, chorales=0, accompaniments=6)
    scores = list(training_scores(config))
    assert scores == list(training_scores(config))
    assert len({name for name, _ in scores}) == 11
    assert all(score.notes for _, score in scores)


def test_a_policy_moves_to_another_latent_space(tmp_path):
    space = small_latent_space(tmp_path / "space")
    source = load_high_level_policy(small_high_level(tmp_path / "policy", space))
    larger = small_latent_space(tmp_path / "larger", latent_size=9)
    moved = transfer_high_level_network(larger, source)
    shape = (3, source.policy.sizes[0])
    observation = torch.from_numpy(np.random.default_rng(0).normal(size=shape).astype(np.float32))
    torch.testing.assert_close(moved.predict(observation), source.policy.predict(observation))
    assert moved.act(observation.numpy()).shape == (3, 9 + moved.move_size)
    delayed = small_latent_space(tmp_path / "delayed", action_history=2)
    with pytest.raises(InvalidValue, match="action_history"):
        transfer_high_level_network(delayed, source)
