"""Learning from slopes: it gets better, and interruptions leave no trace."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from musclehand.core.checkpoint import CheckpointError, load_latest
from musclehand.core.errors import InvalidValue
from musclehand.learning.apg import ApgTraining
from support.sloped_points import SMALL, SlopedPoints, fresh

pytestmark = pytest.mark.usefixtures("one_thread")


def test_reward_rises(tmp_path):
    told = []
    run = ApgTraining(SlopedPoints(64), fresh(), SMALL, tmp_path, known={})
    run.run(told.append)
    rewards = [progress.reward for progress in told]
    assert np.mean(rewards[-3:]) > 0.5 * np.mean(rewards[:3])
    assert told[-1].steps == 30 * 20 * 64
    assert told[0].failures >= 0.0


def test_a_network_is_moved_as_its_total_reward_asks(tmp_path):
    """The gradient with respect to weights against differences of the reward of whole episodes,
    answers included."""
    config = replace(SMALL, iterations=1, steps=15, minibatches=1, discount=1.0)
    run = ApgTraining(SlopedPoints(8), fresh(), config, tmp_path, known={})
    kept = run.env.state()

    def total(policy):
        seen = run.env.restore(kept)
        reward = 0.0
        run.env.start_recording()
        for _ in range(config.steps):
            result = run.env.step(policy.act(seen))
            seen = result.observation
            reward = reward + float(result.reward.sum())
        return reward

    run.env.restore(kept)
    observation, *_ = run._collect()
    slopes = torch.from_numpy(run._look_back(observation))
    logits = run.policy(torch.from_numpy(observation))
    gradients = torch.autograd.grad((slopes * logits).sum(), list(run.policy.parameters()))
    rng = np.random.default_rng(0)
    told = []
    found = []
    for _ in range(20):
        directions = [
            torch.from_numpy(rng.normal(size=g.shape).astype(np.float32)) for g in gradients
        ]
        told.append(sum(float((g * d).sum()) for g, d in zip(gradients, directions, strict=True)))
        sums = []
        for sign in (1.0, -1.0):
            with torch.no_grad():
                for weight, direction in zip(run.policy.parameters(), directions, strict=True):
                    weight += sign * 2e-3 * direction
            sums.append(total(run.policy))
            with torch.no_grad():
                for weight, direction in zip(run.policy.parameters(), directions, strict=True):
                    weight -= sign * 2e-3 * direction
        found.append((sums[0] - sums[1]) / 4e-3)
    np.testing.assert_allclose(told, found, rtol=0.05, atol=0.02 * np.abs(found).max())


def test_a_run_that_was_interrupted_ends_the_same(tmp_path):
    config = replace(SMALL, iterations=5)
    ApgTraining(SlopedPoints(), fresh(), config, tmp_path / "whole", known={}).run()
    for _ in range(5):
        torch.rand(3)
        ApgTraining(SlopedPoints(seed=4), fresh(), config, tmp_path / "parts", known={}).iterate()
    one = load_latest(tmp_path / "whole")
    two = load_latest(tmp_path / "parts")
    assert one.number == two.number == 5
    for name, values in one.arrays.items():
        np.testing.assert_array_equal(values, two.arrays[name], err_msg=name)


def test_other_runs_and_settings_are_refused(tmp_path):
    ApgTraining(SlopedPoints(), fresh(), SMALL, tmp_path, known={"model_sha256": "a"}).iterate()
    for config, known in (
        (SMALL, {"model_sha256": "b"}),
        (replace(SMALL, discount=0.5), {"model_sha256": "a"}),
    ):
        with pytest.raises(CheckpointError):
            ApgTraining(SlopedPoints(), fresh(), config, tmp_path, known=known)
    # How far to go is no part of what a run is.
    assert (
        ApgTraining(SlopedPoints(), fresh(), replace(SMALL, iterations=9), tmp_path, known={}).done
        == 1
    )
    for wrong in ({"rate": 0.0}, {"fading": 1.1}, {"steps": 0}):
        with pytest.raises(InvalidValue):
            replace(SMALL, **wrong)
