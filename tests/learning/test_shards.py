"""Shards look like one environment: shapes, seeds, states to the bit, and what learns in them."""

from dataclasses import replace

import numpy as np
import pytest

from musclehand.core.checkpoint import load_latest
from musclehand.core.errors import InvalidValue
from musclehand.learning.apg import ApgTraining
from musclehand.learning.dagger import DaggerConfig, DaggerTraining
from musclehand.learning.shards import LocalShards, ShardedEnv, shard_seed
from support.sloped_points import SMALL, fresh
from support.toy_env import Points
from support.toy_jobs import backward_gradients, points

COUNT = 3


pytestmark = pytest.mark.usefixtures("one_thread")


def sharded(count=COUNT):
    return ShardedEnv(LocalShards(points, count))


def test_it_is_its_shards_side_by_side():
    env = sharded()
    alone = [points(number) for number in range(COUNT)]
    assert env.num_envs == sum(one.num_envs for one in alone) == 15
    assert (env.num_observations, env.num_actions, env.step_dt) == (4, 2, 0.1)
    seen = env.reset(seed=5)
    np.testing.assert_array_equal(
        seen,
        np.concatenate([one.reset(seed=shard_seed(5, number)) for number, one in enumerate(alone)]),
    )
    rng = np.random.default_rng(0)
    env.start_recording()
    for one in alone:
        one.start_recording()
    for _ in range(30):
        action = rng.uniform(size=(15, 2))
        parts = [one.step(part) for one, part in zip(alone, np.split(action, [4, 9]), strict=True)]
        result = env.step(action)
        for name in result._fields[:-1]:
            np.testing.assert_array_equal(
                getattr(result, name), np.concatenate([getattr(p, name) for p in parts])
            )
        np.testing.assert_array_equal(
            result.terms["error"], np.concatenate([p.terms["error"] for p in parts])
        )
        np.testing.assert_array_equal(
            env.teacher_action(), np.concatenate([one.teacher_action() for one in alone])
        )
    slopes = backward_gradients(env)
    assert slopes.shape == (30, 15, 2)
    np.testing.assert_array_equal(
        slopes, np.concatenate([backward_gradients(one) for one in alone], axis=1)
    )


def test_one_shard_is_the_environment():
    env = ShardedEnv(LocalShards(lambda _: Points(6), 1))
    alone = Points(6)
    env.reset(seed=2)
    alone.reset(seed=shard_seed(2, 0))
    for action in np.random.default_rng(1).uniform(size=(25, 6, 2)):
        np.testing.assert_array_equal(env.step(action).observation, alone.step(action).observation)
    assert sorted(env.state()) == sorted(f"shard_0/{name}" for name in alone.state())


def test_a_state_leads_to_the_same_bits():
    env = sharded()
    other = sharded()
    env.reset(seed=1)
    rng = np.random.default_rng(3)
    for action in rng.uniform(size=(12, 15, 2)):
        env.step(action)
    state = env.state()
    assert state["shard_2/rng"].dtype == np.uint64
    assert len(state) == 4 * COUNT
    np.testing.assert_array_equal(other.restore(state), env.restore(state))
    for action in rng.uniform(size=(30, 15, 2)):
        one = env.step(action)
        two = other.step(action)
        np.testing.assert_array_equal(one.observation, two.observation)
        np.testing.assert_array_equal(one.reward, two.reward)


def test_seeds_of_shards_are_their_own_and_always_the_same():
    seeds = {shard_seed(seed, number) for seed in range(30) for number in range(30)}
    assert len(seeds) == 900
    # Written down: a run that goes on on another machine has to get the same.
    assert shard_seed(0, 1) == int(np.random.SeedSequence([0, 1]).generate_state(1, np.uint64)[0])
    env = sharded()
    first = env.reset(seed=7)
    assert not np.array_equal(first[:4], first[4:8])
    env.reset()
    np.testing.assert_array_equal(env.reset(seed=7), first)


def test_what_does_not_fit_is_refused():
    env = sharded()
    env.reset(seed=0)
    with pytest.raises(InvalidValue, match="shape of action"):
        env.step(np.zeros((14, 2)))
    state = env.state()
    with pytest.raises(InvalidValue, match="shard_2"):
        env.restore(
            {name: values for name, values in state.items() if not name.startswith("shard_2/")}
        )
    with pytest.raises(InvalidValue, match="shard_3/rng"):
        env.restore({**state, "shard_3/rng": state["shard_0/rng"]})
    with pytest.raises(InvalidValue, match="rng"):
        env.restore(Points().state())
    with pytest.raises(InvalidValue, match="shards"):
        LocalShards(points, 0)

    def unlike(number):
        env = Points()
        env.num_actions += number
        return env

    with pytest.raises(InvalidValue, match="shard 1"):
        ShardedEnv(LocalShards(unlike, 2))


def test_learning_from_slopes_goes_on_to_the_same_bits(tmp_path):
    config = replace(SMALL, iterations=4)
    told = []
    ApgTraining(sharded(), fresh(), config, tmp_path / "whole", known={}).run(told.append)
    assert told[-1].steps == 4 * SMALL.steps * 15
    for _ in range(4):
        ApgTraining(sharded(), fresh(), config, tmp_path / "parts", known={}).iterate()
    one = load_latest(tmp_path / "whole")
    two = load_latest(tmp_path / "parts")
    assert one.arrays.keys() == two.arrays.keys()
    assert "env/shard_1/rng" in one.arrays
    for name, values in one.arrays.items():
        np.testing.assert_array_equal(values, two.arrays[name], err_msg=name)


def test_rewards_rise_and_teachers_are_learnt_from(tmp_path):
    told = []
    ApgTraining(sharded(), fresh(), replace(SMALL, steps=40), tmp_path / "slope", known={}).run(
        told.append
    )
    assert np.mean([one.reward for one in told[-3:]]) > 0.6 * np.mean(
        [one.reward for one in told[:3]]
    )
    config = DaggerConfig(iterations=3, steps=20, updates=60, batch=64, hidden=(16,), memory=3)
    told = []
    DaggerTraining(sharded(), config, tmp_path / "warm", known={}).run(told.append)
    assert told[-1].loss < told[0].loss
    assert told[-1].labels == 3 * 20 * 15
