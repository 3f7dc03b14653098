"""Analytic policy gradients: reward rises, the gradient is right, and interruptions leave no
trace."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from musclehand.core.checkpoint import CheckpointError, load_latest
from musclehand.core.errors import InvalidValue
from musclehand.learning.apg import ApgTraining
from support.differentiable_points import SMALL, DifferentiablePoints, fresh

pytestmark = pytest.mark.usefixtures("one_thread")


def test_reward_rises(tmp_path):
    log = []
    run = ApgTraining(DifferentiablePoints(64), fresh(), SMALL, tmp_path, identity={})
    run.run(log.append)
    rewards = [progress.reward for progress in log]
    # Rewards are negative: half of the mean is twice as good.
    assert np.mean(rewards[-3:]) > 0.5 * np.mean(rewards[:3])
    assert log[-1].steps == 30 * 20 * 64


class CountedPoints(DifferentiablePoints):
    """Counts steps that ended by failure."""

    failed = 0

    def step(self, action):
        result = super().step(action)
        self.failed += int(result.terminated.sum())
        return result


def test_failures_are_the_share_of_steps_that_ended_by_failure(tmp_path):
    runaway = fresh()
    with torch.no_grad():
        runaway.layers[-1].bias.fill_(4.0)
    shares = {}
    for name, policy in (("runaway", runaway), ("fresh", fresh())):
        env = CountedPoints(64)
        progress = ApgTraining(env, policy, SMALL, tmp_path / name, identity={}).iterate()
        assert progress.failures == pytest.approx(env.failed / (20 * 64))
        shares[name] = progress.failures
    assert shares["fresh"] == 0.0
    # About one step in ten ends beyond the limit.
    assert 0.02 < shares["runaway"] < 0.5


def test_a_network_is_moved_as_its_total_reward_asks(tmp_path):
    """The gradient with respect to weights against differences of the reward of whole episodes,
    through the policy's later responses."""
    config = replace(SMALL, iterations=1, steps=15, minibatches=1, discount=1.0)
    run = ApgTraining(DifferentiablePoints(8), fresh(), config, tmp_path, identity={})
    kept = run.env.state()

    def total(policy):
        observation = run.env.restore(kept)
        reward = 0.0
        run.env.start_recording()
        for _ in range(config.steps):
            result = run.env.step(policy.act(observation))
            observation = result.observation
            reward = reward + float(result.reward.sum())
        return reward

    run.env.restore(kept)
    observation, *_ = run._collect()
    logit_gradient = torch.from_numpy(run._backpropagate(observation))
    logits = run.policy(torch.from_numpy(observation))
    gradients = torch.autograd.grad((logit_gradient * logits).sum(), list(run.policy.parameters()))
    rng = np.random.default_rng(0)
    expected = []
    measured = []
    for _ in range(20):
        directions = [
            torch.from_numpy(rng.normal(size=g.shape).astype(np.float32)) for g in gradients
        ]
        expected.append(
            sum(float((g * d).sum()) for g, d in zip(gradients, directions, strict=True))
        )
        sums = []
        for sign in (1.0, -1.0):
            with torch.no_grad():
                for weight, direction in zip(run.policy.parameters(), directions, strict=True):
                    weight += sign * 2e-3 * direction
            sums.append(total(run.policy))
            with torch.no_grad():
                for weight, direction in zip(run.policy.parameters(), directions, strict=True):
                    weight -= sign * 2e-3 * direction
        measured.append((sums[0] - sums[1]) / 4e-3)
    np.testing.assert_allclose(expected, measured, rtol=0.05, atol=0.02 * np.abs(measured).max())


def test_a_run_that_was_interrupted_ends_the_same(tmp_path):
    config = replace(SMALL, iterations=5)
    ApgTraining(DifferentiablePoints(), fresh(), config, tmp_path / "whole", identity={}).run()
    for _ in range(5):
        torch.rand(3)
        ApgTraining(
            DifferentiablePoints(seed=4), fresh(), config, tmp_path / "parts", identity={}
        ).iterate()
    whole = load_latest(tmp_path / "whole")
    parts = load_latest(tmp_path / "parts")
    assert whole.number == parts.number == 5
    for name, values in whole.arrays.items():
        np.testing.assert_array_equal(values, parts.arrays[name], err_msg=name)


def test_other_runs_and_settings_are_refused(tmp_path):
    ApgTraining(
        DifferentiablePoints(), fresh(), SMALL, tmp_path, identity={"model_sha256": "a"}
    ).iterate()
    for config, identity in (
        (SMALL, {"model_sha256": "b"}),
        (replace(SMALL, discount=0.5), {"model_sha256": "a"}),
    ):
        with pytest.raises(CheckpointError):
            ApgTraining(DifferentiablePoints(), fresh(), config, tmp_path, identity=identity)
    # How far to go is no part of what a run is.
    assert (
        ApgTraining(
            DifferentiablePoints(), fresh(), replace(SMALL, iterations=9), tmp_path, identity={}
        ).iterations_done
        == 1
    )
    for wrong in ({"learning_rate": 0.0}, {"discount": 1.1}, {"steps": 0}):
        with pytest.raises(InvalidValue):
            replace(SMALL, **wrong)
