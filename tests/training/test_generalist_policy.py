"""The training of a high-level policy, from scores to a file that plays; killed in between, it ends
the same."""

from dataclasses import replace

import numpy as np
import pytest

from musclehand.training import generalist_policy
from musclehand.training.generalist_policy import GeneralistConfig, generalist, training_scores
from musclehand.training.piece_policy import weights_hash
from support.small_high_level import MIRRORED, small_latent_space

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
    origin = started.policy.info["start"]
    assert origin["weights_sha256"] == weights_hash(whole.policy)
    assert origin["model_sha256"] == space.info["model_sha256"]
    assert "start" not in whole.policy.info


def test_scores_are_made_for_the_purpose_and_the_same_each_time():
    config = GeneralistConfig(patterns=3, textures=2, chorales=0, accompaniments=6)
    scores = list(training_scores(config))
    assert scores == list(training_scores(config))
    assert len({name for name, _ in scores}) == 11
    assert all(score.notes for _, score in scores)
