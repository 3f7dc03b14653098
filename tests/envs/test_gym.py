"""The hand as a Gymnasium environment."""

import subprocess
import sys
import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from musclehand.core.errors import InvalidValue
from musclehand.envs.gym import EARLIER_ENV_ID, ENV_ID, register_envs
from musclehand.envs.track_hand import TrackHand
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
    written = [wave(seed) for seed in seeds[:2]]
    write_clips(folder / "shard_00000.h5", written)
    entry = ShardEntry(file_sha256(folder / "shard_00000.h5"), tuple(map(entry_of, written)))
    write_index(folder, CorpusIndex({}, {"shard_00000.h5": entry}, True))
    return folder


def test_it_passes_the_check_of_gymnasium(corpus):
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


def test_it_has_a_reference_without_a_corpus():
    register_envs()
    env = gymnasium.make(EARLIER_ENV_ID)
    observation, _ = env.reset(seed=0)
    assert env.observation_space.contains(observation)
    assert env.unwrapped.tracking.references.frames * env.unwrapped.tracking.step_dt > 5.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped, skip_render_check=True)


@pytest.mark.parametrize("order", [("gymnasium", "musclehand"), ("gymnasium",)])
def test_gymnasium_makes_it_by_the_name_of_the_package(order):
    """In a process in which nothing was registered before."""
    imports = "; ".join(f"import {name}" for name in order)
    code = f"""{imports}
env = gymnasium.make("musclehand:TrackHand-v0")
print(type(env.unwrapped).__name__, env.action_space.shape)
"""
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert run.stdout == "TrackHand (46,)\n"


def test_registering_loads_no_simulation():
    code = """import sys
from musclehand.envs.gym import register_envs
register_envs()
print(sorted({"mujoco", "torch", "scipy"} & set(sys.modules)))
"""
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert run.stdout == "[]\n"


def test_it_needs_one_thing_to_follow_and_is_one(clips, corpus):
    with pytest.raises(InvalidValue):
        TrackHand(corpus, clips=clips)
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
