"""The hand as a Gymnasium environment."""

import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from musclehand.core.errors import InvalidValue
from musclehand.envs.gym import ENV_ID, TrackHand, register_envs
from musclehand.envs.tracking.env import TrackingConfig
from musclehand.motion.clip import write_clips
from musclehand.motion.dataset import (
    CorpusIndex,
    ShardEntry,
    entry_of,
    file_sha256,
    split_of,
    write_index,
)
from support.tracking_clips import wave


@pytest.fixture(scope="module")
def clips():
    return [wave(0), wave(1)]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A folder with two clips to learn from."""
    folder = tmp_path_factory.mktemp("corpus")
    seeds = [seed for seed in range(12) if split_of(f"wave {seed}") == "train"]
    made = [wave(seed) for seed in seeds[:2]]
    write_clips(folder / "shard_00000.h5", made)
    entry = ShardEntry(file_sha256(folder / "shard_00000.h5"), tuple(map(entry_of, made)))
    write_index(folder, CorpusIndex({}, {"shard_00000.h5": entry}, True))
    return folder


def test_it_passes_gymnasiums_own_check(corpus):
    register_envs()
    register_envs()
    env = gymnasium.make(ENV_ID, corpus=corpus)
    assert len(env.unwrapped.tracking.references.names) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped, skip_render_check=True)


def test_an_episode_ends_with_what_was_seen_last(clips):
    env = TrackHand(clips=clips, config=TrackingConfig(num_envs=1, episode=0.04))
    env.reset(seed=0)
    rows = [env.step(-np.ones(46, dtype=np.float32)) for _ in range(5)]
    assert [row[3] for row in rows] == [False] * 4 + [True]
    assert env.observation_space.contains(rows[-1][0])
    assert (
        np.abs(rows[-1][0] - rows[-2][0]).max() < np.abs(env.reset(seed=5)[0] - rows[-1][0]).max()
    )
    assert rows[-1][4]["tip_error"] > 0


def test_it_needs_something_to_follow_and_is_one(clips):
    with pytest.raises(InvalidValue):
        TrackHand()
    with pytest.raises(InvalidValue):
        TrackHand(clips=clips, config=TrackingConfig(num_envs=2))


def test_stable_baselines3_learns_with_it_in_six_lines(corpus):
    pytest.importorskip("stable_baselines3")
    from stable_baselines3 import PPO

    register_envs()
    env = gymnasium.make(ENV_ID, corpus=corpus)
    model = PPO("MlpPolicy", env, n_steps=32, batch_size=32, n_epochs=1, seed=0).learn(32)
    assert model.num_timesteps == 32
    action, _ = model.predict(env.reset(seed=0)[0], deterministic=True)
    assert env.action_space.contains(action)
