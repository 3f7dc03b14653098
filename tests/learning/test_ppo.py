"""PPO: it gets better, and interruptions leave no trace."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from musclehand.core.checkpoint import CheckpointError, load_latest
from musclehand.core.errors import InvalidValue
from musclehand.learning.policy import Policy
from support.toy_env import Points

pytest.importorskip("rsl_rl")

from musclehand.learning.ppo import PpoConfig, PpoTraining

SMALL = PpoConfig(
    iterations=15,
    steps=20,
    epochs=4,
    minibatches=4,
    init_std=0.5,
    learning_rate=3e-3,
    critic_warm_up=2,
    critic_hidden=(32,),
    gamma=0.9,
)


pytestmark = pytest.mark.usefixtures("one_thread")


def fresh():
    """A policy that does not push to begin with."""
    policy = Policy(4, 2, (32,))
    with torch.no_grad():
        policy.layers[-1].bias.zero_()
    return policy


def test_reward_rises_and_the_policy_has_learnt_it(tmp_path):
    log = []
    run = PpoTraining(Points(64), fresh(), SMALL, tmp_path, identity={})
    policy = run.run(log.append)
    rewards = [progress.reward for progress in log]
    assert np.mean(rewards[-3:]) > 1.3 * np.mean(rewards[:3])
    assert log[-1].steps == 15 * 20 * 64
    observation = Points(64).reset(seed=3)
    idle = fresh().act(observation)
    assert np.abs(policy.act(observation) - idle).max() > 0.1


def test_the_policy_stays_while_the_critic_learns_alone(tmp_path):
    before = fresh()
    run = PpoTraining(Points(), fresh(), replace(SMALL, critic_warm_up=3), tmp_path, identity={})
    observation = Points().reset(seed=1)
    for _ in range(3):
        run.iterate()
        np.testing.assert_array_equal(run.policy.act(observation), before.act(observation))
    run.iterate()
    assert not np.array_equal(run.policy.act(observation), before.act(observation))


def test_a_run_that_was_interrupted_ends_the_same(tmp_path):
    config = replace(SMALL, iterations=6)
    PpoTraining(Points(), fresh(), config, tmp_path / "whole", identity={}).run()
    for _ in range(6):
        torch.rand(3)
        PpoTraining(Points(seed=4), fresh(), config, tmp_path / "parts", identity={}).iterate()
    whole = load_latest(tmp_path / "whole")
    parts = load_latest(tmp_path / "parts")
    assert whole.number == parts.number == 6
    for name, values in whole.arrays.items():
        np.testing.assert_array_equal(values, parts.arrays[name], err_msg=name)


def test_other_runs_and_settings_are_refused(tmp_path):
    PpoTraining(Points(), fresh(), SMALL, tmp_path, identity={"model_sha256": "a"}).iterate()
    with pytest.raises(CheckpointError):
        PpoTraining(Points(), fresh(), SMALL, tmp_path, identity={"model_sha256": "b"})
    for wrong in (
        {"gamma": 1.0},
        {"lam": 1.1},
        {"clip": 0.0},
        {"learning_rate": 0.0},
        {"critic_learning_rate": -1.0},
        {"init_std": 0.0},
        {"entropy_coef": -0.1},
        {"critic_warm_up": -1},
        {"critic_hidden": (8, 0)},
        {"steps": 0},
    ):
        with pytest.raises(InvalidValue):
            replace(SMALL, **wrong)
