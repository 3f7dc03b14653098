"""Analytic policy gradients of a latent space: the gradient is right, and interruptions leave no
trace."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from musclehand.core.checkpoint import load_latest
from musclehand.core.errors import InvalidValue
from musclehand.learning.latent_apg import LatentApgConfig, LatentApgTraining
from musclehand.learning.vae import LatentPolicy
from support.differentiable_points import DifferentiablePoints

SMALL = LatentApgConfig(
    iterations=4,
    steps=14,
    minibatches=1,
    learning_rate=3e-3,
    decay=100,
    discount=1.0,
    kl_weight=0.0,
)


pytestmark = pytest.mark.usefixtures("one_thread")


def fresh(variational=True):
    policy = LatentPolicy(
        np.array([1, 1, 0, 1], bool),
        2,
        latent_size=3,
        action_repeat=3,
        hidden=(24,),
        variational=variational,
    )
    with torch.no_grad():
        policy.decoder.last.bias.zero_()
        for network in (policy.encoder, policy.decoder):
            network.last.weight.mul_(6.0)
    return policy


def nudge(policy, directions, size):
    with torch.no_grad():
        for weight, direction in zip(parts(policy), directions, strict=True):
            weight += size * direction


def parts(policy):
    return [*policy.encoder.parameters(), *policy.decoder.parameters()]


@pytest.mark.parametrize("variational", [True, False])
def test_it_is_moved_as_its_total_reward_asks(tmp_path, variational):
    run = LatentApgTraining(
        DifferentiablePoints(8), fresh(variational), SMALL, tmp_path, identity={}
    )
    kept = run.env.state()

    def total():
        run._observation = run.env.restore(kept)
        _, reward, _, _ = run._collect()
        return reward * SMALL.steps * 8

    run.env.restore(kept)
    observation, *_ = run._collect()
    logit_gradient = torch.from_numpy(run._backpropagate(observation)).reshape(-1, 2)
    rows = np.arange(len(logit_gradient))
    logits, penalty = run._logits(observation.reshape(-1, 4), rows)
    assert float(penalty.detach()) == 0.0
    gradients = torch.autograd.grad((logit_gradient * logits).sum(), parts(run.policy))
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
            nudge(run.policy, directions, sign * 1e-3)
            sums.append(total())
            nudge(run.policy, directions, -sign * 1e-3)
        measured.append((sums[0] - sums[1]) / 2e-3)
    np.testing.assert_allclose(expected, measured, rtol=0.05, atol=0.02 * np.abs(measured).max())


def test_divergence_has_its_price(tmp_path):
    divergence = {}
    for weight in (0.0, 10.0):
        config = replace(SMALL, iterations=30, kl_weight=weight)
        folder = tmp_path / str(weight)
        run = LatentApgTraining(DifferentiablePoints(), fresh(), config, folder, identity={})
        policy = run.run()
        observation = torch.randn(200, 4, generator=torch.Generator().manual_seed(0))
        posterior = policy.encode(observation)
        prior = policy.prior_distribution(observation)
        divergence[weight] = float(posterior.kl_divergence(prior).mean().detach())
    assert divergence[10.0] < 0.5 * divergence[0.0]


def test_a_run_that_was_interrupted_ends_the_same(tmp_path):
    LatentApgTraining(DifferentiablePoints(), fresh(), SMALL, tmp_path / "whole", identity={}).run()
    for _ in range(4):
        torch.rand(3)
        LatentApgTraining(
            DifferentiablePoints(seed=4), fresh(), SMALL, tmp_path / "parts", identity={}
        ).iterate()
    whole = load_latest(tmp_path / "whole")
    parts = load_latest(tmp_path / "parts")
    assert whole.number == parts.number == 4
    for name, values in whole.arrays.items():
        np.testing.assert_array_equal(values, parts.arrays[name], err_msg=name)


def test_prices_out_of_range_are_refused():
    for weight in (-1.0, np.nan):
        with pytest.raises(InvalidValue):
            LatentApgConfig(kl_weight=weight)
