"""Shards look like one environment: shapes, seeds, states to the bit, and what learns in them."""

from dataclasses import replace

import numpy as np
import pytest

from musclehand.core.checkpoint import load_latest
from musclehand.core.errors import InvalidValue
from musclehand.learning.apg import ApgTraining
from musclehand.learning.dagger import DaggerConfig, DaggerTraining
from musclehand.learning.shards import LocalShards, ShardedEnv, shard_seed
from support.differentiable_points import SMALL, fresh
from support.toy_env import Points
from support.toy_jobs import backward_gradients, points

COUNT = 3


pytestmark = pytest.mark.usefixtures("one_thread")


def sharded(count=COUNT):
    return ShardedEnv(LocalShards(points, count))


def test_it_is_its_shards_side_by_side():
    env = sharded()
    alone = [points(number) for number in range(COUNT)]
    assert env.num_envs == sum(shard.num_envs for shard in alone) == 15
    assert (env.num_observations, env.num_actions, env.step_dt) == (4, 2, 0.1)
    observation = env.reset(seed=5)
    np.testing.assert_array_equal(
        observation,
        np.concatenate(
            [shard.reset(seed=shard_seed(5, number)) for number, shard in enumerate(alone)]
        ),
    )
    rng = np.random.default_rng(0)
    env.start_recording()
    for shard in alone:
        shard.start_recording()
    for _ in range(30):
        action = rng.uniform(size=(15, 2))
        actions = np.split(action, [4, 9])
        parts = [shard.step(part) for shard, part in zip(alone, actions, strict=True)]
        result = env.step(action)
        for name in result._fields[:-1]:
            np.testing.assert_array_equal(
                getattr(result, name), np.concatenate([getattr(p, name) for p in parts])
            )
        np.testing.assert_array_equal(
            result.terms["error"], np.concatenate([p.terms["error"] for p in parts])
        )
        np.testing.assert_array_equal(
            env.teacher_action(), np.concatenate([shard.teacher_action() for shard in alone])
        )
    gradients = backward_gradients(env)
    assert gradients.shape == (30, 15, 2)
    np.testing.assert_array_equal(
        gradients, np.concatenate([backward_gradients(shard) for shard in alone], axis=1)
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
    again = sharded()
    env.reset(seed=1)
    rng = np.random.default_rng(3)
    for action in rng.uniform(size=(12, 15, 2)):
        env.step(action)
    state = env.state()
    assert state["shard_2/rng"].dtype == np.uint64
    assert len(state) == 4 * COUNT
    np.testing.assert_array_equal(again.restore(state), env.restore(state))
    for action in rng.uniform(size=(30, 15, 2)):
        result = env.step(action)
        repeated = again.step(action)
        np.testing.assert_array_equal(result.observation, repeated.observation)
        np.testing.assert_array_equal(result.reward, repeated.reward)


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


def test_analytic_policy_gradients_resume_to_the_same_bits(tmp_path):
    config = replace(SMALL, iterations=4)
    log = []
    ApgTraining(sharded(), fresh(), config, tmp_path / "whole", identity={}).run(log.append)
    assert log[-1].steps == 4 * SMALL.steps * 15
    for _ in range(4):
        ApgTraining(sharded(), fresh(), config, tmp_path / "parts", identity={}).iterate()
    whole = load_latest(tmp_path / "whole")
    parts = load_latest(tmp_path / "parts")
    assert whole.arrays.keys() == parts.arrays.keys()
    assert "env/shard_1/rng" in whole.arrays
    for name, values in whole.arrays.items():
        np.testing.assert_array_equal(values, parts.arrays[name], err_msg=name)


def test_rewards_rise_and_teachers_are_learnt_from(tmp_path):
    apg_log = []
    config = replace(SMALL, steps=40)
    ApgTraining(sharded(), fresh(), config, tmp_path / "apg", identity={}).run(apg_log.append)
    rewards = [progress.reward for progress in apg_log]
    assert np.mean(rewards[-3:]) > 0.6 * np.mean(rewards[:3])
    config = DaggerConfig(
        iterations=3, steps=20, updates=60, batch=64, hidden=(16,), buffer_iterations=3
    )
    dagger_log = []
    DaggerTraining(sharded(), config, tmp_path / "dagger", identity={}).run(dagger_log.append)
    assert dagger_log[-1].loss < dagger_log[0].loss
    assert dagger_log[-1].labels == 3 * 20 * 15
