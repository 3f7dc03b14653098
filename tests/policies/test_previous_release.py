"""Files and paths of release 0.1: read with a warning, to the same numbers."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from musclehand.core.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from musclehand.envs.reference import still_clip
from musclehand.envs.tracking.env import TrackingConfig, TrackingEnv
from musclehand.learning.policy import Policy
from musclehand.policies.files import BUNDLED, bundled_path, find_policy
from musclehand.policies.high_level import load_high_level_policy
from musclehand.policies.latent import load_latent_space
from musclehand.policies.previous_release import INFO_NAMES, LAYER_NAMES, TENSOR_NAMES
from musclehand.policies.tracking import load_tracking_policy, save_tracking_policy
from support.paths import ROOT
from support.small_high_level import small_high_level, small_latent_space


def written_by_the_previous_release(path, folder):
    """The file of a policy in the names of release 0.1; its path."""
    checkpoint = load_checkpoint(path)
    info_names = {new: old for old, new in INFO_NAMES.items()}
    tensor_names = {new: old for old, new in TENSOR_NAMES.items()}
    arrays = {}
    for name, values in checkpoint.arrays.items():
        name = tensor_names.get(name, name)
        for old, new in LAYER_NAMES.items():
            name = name.replace(new, old)
        arrays[name] = values
    info = {info_names.get(name, name): value for name, value in checkpoint.info.items()}
    assert info.keys() != checkpoint.info.keys()
    return save_checkpoint(folder, 1, arrays, info)


def assert_same(left, right):
    for name, values in left.state_dict().items():
        assert torch.equal(values, right.state_dict()[name]), name


@pytest.fixture(scope="module")
def tracking(tmp_path_factory):
    env = TrackingEnv([still_clip()], TrackingConfig(num_envs=1, action_history=2))
    policy = Policy(env.num_observations, env.num_actions, (8,), seed=1)
    policy.fit_normalisation(np.random.default_rng(0).normal(size=(9, env.num_observations)))
    return save_tracking_policy(tmp_path_factory.mktemp("run") / "policy", policy, env, {"a": 1})


def test_tracking_policies(tracking, tmp_path):
    path = written_by_the_previous_release(tracking, tmp_path)
    with pytest.warns(FutureWarning, match="release 0.1") as caught:
        loaded = load_tracking_policy(path)
    assert len(caught) == 1
    expected = load_tracking_policy(tracking)
    assert_same(loaded.policy, expected.policy)
    assert loaded.config == expected.config
    assert loaded.info == expected.info


def test_latent_spaces_and_high_level_policies(tmp_path):
    space = small_latent_space(tmp_path / "latent")
    path = written_by_the_previous_release(
        tmp_path / "latent" / "latent_space.json", tmp_path / "a"
    )
    with pytest.warns(FutureWarning, match="release 0.1"):
        loaded = load_latent_space(path)
    assert_same(loaded.policy, space.policy)
    assert loaded.config == space.config
    current = small_high_level(tmp_path / "high_level", space)
    path = written_by_the_previous_release(current, tmp_path / "b")
    with pytest.warns(FutureWarning, match="release 0.1"):
        policy = load_high_level_policy(path)
    expected = load_high_level_policy(current)
    assert_same(policy.policy, expected.policy)
    assert_same(policy.latent_space.policy, expected.latent_space.policy)
    assert policy.info == expected.info


def test_files_of_this_release_and_bundled_ones_do_not_warn(tracking, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_tracking_policy(tracking)
        load_tracking_policy()
        load_tracking_policy("tracking_delayed")
        load_high_level_policy()
        load_latent_space()


def test_paths_of_the_previous_release_find_what_has_taken_their_place(tracking):
    earlier = tracking.with_name("000001.json")
    with pytest.warns(FutureWarning, match=r"tracking\.json is read"):
        loaded = load_tracking_policy(earlier)
    assert_same(loaded.policy, load_tracking_policy(tracking).policy)
    for folder, number, name in (
        ("policies", 1, "tracking"),
        ("policies", 2, "tracking_delayed"),
        ("planners", 1, "sight_reading"),
    ):
        path = ROOT / "models" / folder / f"{number:06d}.json"
        with pytest.warns(FutureWarning, match="release 0.1"):
            assert find_policy(path, "tracking.json", "tracking") == bundled_path(name)


def test_bundled_policies_have_names_and_other_paths_are_left_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in BUNDLED:
        assert find_policy(name, "tracking.json", "tracking") == bundled_path(name)
        assert find_policy(Path(name), "tracking.json", "tracking") == bundled_path(name)
        assert bundled_path(name).exists()
    assert find_policy(None, "tracking.json", "tracking") == bundled_path("tracking")
    absent = tmp_path / "policies" / "000001.json"
    assert find_policy(absent, "tracking.json", "tracking") == absent
    with pytest.raises(CheckpointError):
        load_tracking_policy(absent)
