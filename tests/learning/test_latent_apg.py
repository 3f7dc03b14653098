"""Learning a latent space from slopes: moved as its total reward asks, and interruptions leave
no trace."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from musclehand.core.checkpoint import load_latest
from musclehand.core.errors import InvalidValue
from musclehand.learning.latent_apg import LatentApgConfig, LatentApgTraining
from musclehand.learning.vae import LatentPolicy
from support.sloped_points import SlopedPoints

SMALL = LatentApgConfig(
    iterations=4, steps=14, minibatches=1, rate=3e-3, decay=100, discount=1.0, divergence=0.0
)


pytestmark = pytest.mark.usefixtures("one_thread")


def fresh(variational=True):
    policy = LatentPolicy(
        np.array([1, 1, 0, 1], bool), 2, latent=3, hold=3, hidden=(24,), variational=variational
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
    run = LatentApgTraining(SlopedPoints(8), fresh(variational), SMALL, tmp_path, known={})
    kept = run.env.state()

    def total():
        run._observation = run.env.restore(kept)
        _, reward, _, _ = run._collect()
        return reward * SMALL.steps * 8

    run.env.restore(kept)
    observation, *_ = run._collect()
    slopes = torch.from_numpy(run._look_back(observation)).reshape(-1, 2)
    logits, price = run._logits(observation.reshape(-1, 4), np.arange(len(slopes)))
    assert float(price.detach()) == 0.0
    gradients = torch.autograd.grad((slopes * logits).sum(), parts(run.policy))
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
            nudge(run.policy, directions, sign * 1e-3)
            sums.append(total())
            nudge(run.policy, directions, -sign * 1e-3)
        found.append((sums[0] - sums[1]) / 2e-3)
    np.testing.assert_allclose(told, found, rtol=0.05, atol=0.02 * np.abs(found).max())


def test_divergence_has_its_price(tmp_path):
    far = {}
    for price in (0.0, 10.0):
        config = replace(SMALL, iterations=30, divergence=price)
        run = LatentApgTraining(SlopedPoints(), fresh(), config, tmp_path / str(price), known={})
        policy = run.run()
        seen = torch.randn(200, 4, generator=torch.Generator().manual_seed(0))
        far[price] = float(policy.encode(seen).divergence(policy.usual(seen)).mean())
    assert far[10.0] < 0.5 * far[0.0]


def test_a_run_that_was_interrupted_ends_the_same(tmp_path):
    LatentApgTraining(SlopedPoints(), fresh(), SMALL, tmp_path / "whole", known={}).run()
    for _ in range(4):
        torch.rand(3)
        LatentApgTraining(
            SlopedPoints(seed=4), fresh(), SMALL, tmp_path / "parts", known={}
        ).iterate()
    one = load_latest(tmp_path / "whole")
    two = load_latest(tmp_path / "parts")
    assert one.number == two.number == 4
    for name, values in one.arrays.items():
        np.testing.assert_array_equal(values, two.arrays[name], err_msg=name)


def test_prices_out_of_range_are_refused():
    for price in (-1.0, np.nan):
        with pytest.raises(InvalidValue):
            LatentApgConfig(divergence=price)
