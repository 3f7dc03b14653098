"""Learning from slopes: it gets better, and interruptions leave no trace."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from toy_env import Points

from musclehand.core.errors import InvalidValue
from musclehand.core.vec_env import DifferentiableEnv
from musclehand.learning.analytic import AnalyticConfig, AnalyticTraining
from musclehand.learning.checkpoint import CheckpointError, load_latest
from musclehand.learning.policy import Policy

SMALL = AnalyticConfig(iterations=30, steps=20, minibatches=2, rate=3e-3, decay=100, fading=0.9)


class SlopedPoints(Points, DifferentiableEnv):
    """Points that know their equations: rewards fall with the square of the place."""

    def watch(self):
        self.path = []

    def step(self, action):
        before = self.age.copy()
        result = super().step(action)
        # A new episode shows as an age that went down.
        goes_on = self.age > before
        self.path.append((np.where(goes_on[:, None], self.place, 0.0), goes_on[:, None]))
        return result._replace(reward=-np.square(result.terms["error"]))

    def prompt_observation(self):
        return self._look()

    def action_gradient(self, fading):
        gradient, by_place, by_speed = [], 0.0, 0.0
        for place, goes_on in self.path[::-1]:
            by_place = goes_on * (fading * by_place - 2.0 * place)
            by_speed = goes_on * fading * by_speed + 0.3 * by_place
            gradient.append(by_speed * 0.8 * 2.0)
            by_speed = 0.8 * by_speed
        return np.array(gradient[::-1])


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def fresh():
    policy = Policy(4, 2, (32,))
    with torch.no_grad():
        policy.layers[-1].bias.zero_()
    return policy


def test_reward_rises(tmp_path):
    told = []
    run = AnalyticTraining(SlopedPoints(64), fresh(), SMALL, tmp_path, known={})
    run.run(told.append)
    rewards = [progress.reward for progress in told]
    assert np.mean(rewards[-3:]) > 0.5 * np.mean(rewards[:3])
    assert told[-1].steps == 30 * 20 * 64
    assert told[0].failures >= 0.0


class LatePoints(SlopedPoints):
    """Every other one is told of its place wrongly."""

    def _seen(self, truth):
        return np.where(np.arange(self.num_envs)[:, None] % 2, truth + np.array([0.5, 0.0, 0.0, 0.0]), truth).astype(
            np.float32
        )

    def reset(self, *, seed=None):
        return self._seen(super().reset(seed=seed))

    def step(self, action):
        result = super().step(action)
        return result._replace(observation=self._seen(result.observation))

    def restore(self, state):
        return self._seen(super().restore(state))


def test_who_is_told_wrongly_learns_to_do_what_the_truth_asks_for(tmp_path):
    """With two kinds of sight in one network it cannot; but what it does where it is told wrongly comes nearer."""
    config = replace(SMALL, iterations=1, likeness=0.01, rate=1e-3)
    run = AnalyticTraining(LatePoints(64), fresh(), config, tmp_path, known={})
    with torch.no_grad():
        run.policy.layers[-1].weight.mul_(30.0)
    before = Policy(4, 2, (32,))
    before.load_state_dict(run.policy.state_dict())
    env = LatePoints(256)
    told = env.reset(seed=5)
    off = [
        np.abs(policy.act(told) - before.act(env.prompt_observation()))[1::2].mean() for policy in (before, run.run())
    ]
    assert off[1] < off[0]


def test_a_run_that_was_interrupted_ends_the_same(tmp_path):
    config = replace(SMALL, iterations=5)
    AnalyticTraining(SlopedPoints(), fresh(), config, tmp_path / "whole", known={}).run()
    for _ in range(5):
        torch.rand(3)
        AnalyticTraining(SlopedPoints(seed=4), fresh(), config, tmp_path / "parts", known={}).iterate()
    one, two = load_latest(tmp_path / "whole"), load_latest(tmp_path / "parts")
    assert one.number == two.number == 5
    for name, values in one.arrays.items():
        np.testing.assert_array_equal(values, two.arrays[name], err_msg=name)


def test_other_runs_and_settings_are_refused(tmp_path):
    AnalyticTraining(SlopedPoints(), fresh(), SMALL, tmp_path, known={"model_sha256": "a"}).iterate()
    for config, known in ((SMALL, {"model_sha256": "b"}), (replace(SMALL, fading=0.5), {"model_sha256": "a"})):
        with pytest.raises(CheckpointError):
            AnalyticTraining(SlopedPoints(), fresh(), config, tmp_path, known=known)
    # How far to go is no part of what a run is.
    assert AnalyticTraining(SlopedPoints(), fresh(), replace(SMALL, iterations=9), tmp_path, known={}).done == 1
    for wrong in ({"rate": 0.0}, {"fading": 1.1}, {"steps": 0}):
        with pytest.raises(InvalidValue):
            replace(SMALL, **wrong)
