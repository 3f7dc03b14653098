"""Latent spaces on file: they come back as they were, and what is not one is refused."""

import json

import numpy as np
import pytest

from musclehand.core.checkpoint import Checkpoint, CheckpointError, load_checkpoint, save_checkpoint
from musclehand.core.errors import FileError, InvalidValue
from musclehand.policies.latent import latent_space_info, latent_space_of, load_latent_space
from support.small_planner import small_skill


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("skill")
    return small_skill(folder), folder / "000001.json"


def test_it_comes_back_as_it_was(written):
    skill, path = written
    again = load_latent_space(path)
    rng = np.random.default_rng(0)
    seen = rng.normal(size=(3, len(skill.policy.state)))
    z = rng.normal(size=(3, skill.policy.latent))
    np.testing.assert_array_equal(skill.policy.act(seen, z, 2), again.policy.act(seen, z, 2))
    np.testing.assert_array_equal(skill.policy.encode_mean(seen), again.policy.encode_mean(seen))
    assert again.config == skill.config
    assert latent_space_info(again) == latent_space_info(skill)


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_a_flipped_bit_is_found(written, tmp_path, place):
    _, path = written
    data = bytearray(path.with_suffix(".safetensors").read_bytes())
    data[int(place * len(data))] ^= 1
    (tmp_path / "000001.safetensors").write_bytes(data)
    (tmp_path / "000001.json").write_bytes(path.read_bytes())
    with pytest.raises(CheckpointError):
        load_latent_space(tmp_path / "000001.json")


@pytest.mark.parametrize(
    ("told", "error"),
    [
        ({"model_sha256": "0"}, FileError),
        ({"observation_sha256": "0"}, FileError),
        ({"latent": None}, FileError),
        ({"latent": 0}, InvalidValue),
        ({"latent": 10**9}, InvalidValue),
        ({"hold": 3}, InvalidValue),
        ({"hidden": [10**9]}, InvalidValue),
        ({"hidden": "wide"}, FileError),
        ({"look_ahead": [1]}, InvalidValue),
    ],
)
def test_what_cannot_be_is_refused(written, told, error):
    _, path = written
    found = load_checkpoint(path)
    with pytest.raises(error):
        latent_space_of(Checkpoint(found.number, found.arrays, {**found.info, **told}), path)


def test_a_checkpoint_of_something_else_is_refused(tmp_path):
    path = save_checkpoint(tmp_path, 1, {"a": np.zeros(3)}, json.loads("{}"))
    with pytest.raises(FileError):
        load_latent_space(path)
