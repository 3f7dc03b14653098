"""Shards of an environment: what they give, alone and together."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from musclehand.core.errors import InvalidValue
from musclehand.envs.tracking.disturbance import DisturbanceConfig
from musclehand.envs.tracking.env import TrackingConfig, TrackingEnv
from musclehand.learning.shards import ShardedEnv
from musclehand.training.placement import TrackingEnvMaker, place_env
from support.tracking_clips import wave

SMALL = TrackingConfig(
    num_envs=4, disturbance=DisturbanceConfig(motor_noise=0.1, strength=(0.8, 1.2))
)


@pytest.fixture(scope="module")
def pattern():
    return TrackingEnv([wave(3)], replace(SMALL, num_envs=1), seed=0)


def test_hands_are_shared_out(pattern, tmp_path):
    options = {"seed": 5, "ray": None, "bad_states": tmp_path}
    with place_env(pattern, SMALL, shards=2, **options) as env:
        assert isinstance(env, ShardedEnv)
        observation = env.reset(seed=5)
        assert observation.shape == (4, pattern.num_observations)
        assert not np.array_equal(observation[:2], observation[2:])
        state = env.state()
        env.start_recording()
        rng = np.random.default_rng(0)
        actions = rng.uniform(size=(5, 4, env.num_actions)) * 0.1
        first = [env.step(action) for action in actions]
        assert env.begin_backward(0.8) == len(actions)
        gradients = [
            env.backward_step(None),
            *(env.backward_step(0.01 * observation) for _ in actions[1:]),
        ]
        assert np.shape(gradients) == actions.shape
        assert np.abs(gradients).max() > 0
        assert env.teacher_action().shape == (4, env.num_actions)
        np.testing.assert_array_equal(env.restore(state), observation)
        for action, result in zip(actions, first, strict=True):
            again = env.step(action)
            np.testing.assert_array_equal(again.observation, result.observation)
            np.testing.assert_array_equal(again.terms["tip_error"], result.terms["tip_error"])


def test_a_maker_can_be_sent_to_other_machines(pattern, tmp_path):
    maker = TrackingEnvMaker(pattern.references, SMALL, 5, tmp_path)
    assert pickle.loads(pickle.dumps(maker))(1).num_envs == 4


def test_what_cannot_be_placed_is_refused(pattern, tmp_path):
    options = {"seed": 5, "ray": None, "bad_states": tmp_path}
    with (
        pytest.raises(InvalidValue, match="a divisor of 4 hands"),
        place_env(pattern, SMALL, shards=3, **options),
    ):
        pytest.fail("they cannot be")
    with place_env(pattern, pattern.config, shards=1, **options) as env:
        assert env is pattern
    with (
        pytest.raises(InvalidValue, match="seeds or shards"),
        place_env(pattern, SMALL, shards=1, **{**options, "ray": ()}),
    ):
        pytest.fail("there is nothing to place")
