"""Latent spaces on file: they come back as they were, and damaged or unfit ones are refused."""

import json

import numpy as np
import pytest
import torch

from musclehand.core.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from musclehand.core.errors import FileError, InvalidValue
from musclehand.policies.high_level import load_high_level_policy
from musclehand.policies.latent import (
    latent_space_from_checkpoint,
    latent_space_info,
    load_latent_space,
)
from support.small_high_level import small_latent_space


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("latent_space")
    return small_latent_space(folder), folder / "latent_space.json"


def test_it_comes_back_as_it_was(written):
    space, path = written
    again = load_latent_space(path)
    rng = np.random.default_rng(0)
    observation = rng.normal(size=(3, len(space.policy.decoder_mask)))
    z = rng.normal(size=(3, space.policy.latent_size))
    np.testing.assert_array_equal(
        space.policy.act(observation, z, 2), again.policy.act(observation, z, 2)
    )
    np.testing.assert_array_equal(
        space.policy.encode_mean(observation), again.policy.encode_mean(observation)
    )
    assert again.config == space.config
    assert latent_space_info(again) == latent_space_info(space)


def test_the_bundled_one_is_that_of_the_high_level_policy():
    space = load_latent_space()
    assert space.policy.latent_size == 64
    assert space.policy.action_repeat == 2
    again = load_high_level_policy().latent_space.policy
    for name, values in space.policy.state_dict().items():
        assert torch.equal(values, again.state_dict()[name])


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_a_flipped_bit_is_found(written, tmp_path, place):
    _, path = written
    data = bytearray(path.with_suffix(".safetensors").read_bytes())
    data[int(place * len(data))] ^= 1
    (tmp_path / "latent_space.safetensors").write_bytes(data)
    (tmp_path / "latent_space.json").write_bytes(path.read_bytes())
    with pytest.raises(CheckpointError):
        load_latent_space(tmp_path / "latent_space.json")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"model_sha256": "0"}, FileError),
        ({"observation_sha256": "0"}, FileError),
        ({"latent_size": None}, FileError),
        ({"latent_size": 0}, InvalidValue),
        ({"latent_size": 10**9}, InvalidValue),
        ({"action_repeat": 3}, InvalidValue),
        ({"hidden": [10**9]}, InvalidValue),
        ({"hidden": "wide"}, FileError),
        ({"look_ahead": [1]}, InvalidValue),
    ],
)
def test_what_cannot_be_is_refused(written, change, error):
    _, path = written
    checkpoint = load_checkpoint(path)
    changed = checkpoint._replace(info={**checkpoint.info, **change})
    with pytest.raises(error):
        latent_space_from_checkpoint(changed, path)


def test_a_checkpoint_of_something_else_is_refused(tmp_path):
    path = save_checkpoint(tmp_path, 1, {"a": np.zeros(3)}, json.loads("{}"))
    with pytest.raises(FileError):
        load_latent_space(path)
