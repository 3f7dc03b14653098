"""Fingerprints: those written down, without an environment, and the same as with one."""

from dataclasses import replace

import pytest

from musclehand.core.errors import FileError
from musclehand.envs.observation import Block, ObservationTable
from musclehand.envs.reference import still_clip
from musclehand.envs.tracking.env import TrackingConfig, TrackingEnv
from musclehand.policies import fingerprint
from musclehand.policies.fingerprint import (
    built_in_fingerprint,
    built_in_table,
    check_fingerprint,
    hashed_text,
    high_level_hash,
    identity_of,
    observation_hash,
)
from musclehand.policies.high_level import load_high_level_policy
from musclehand.policies.tracking import load_tracking_policy

ON_KEYS = TrackingConfig(num_envs=1, keys=True)


def test_observations_have_the_hashes_of_this_release():
    """Written down: policies' files hold them. `test_layout` has those of the first release."""
    hashes = {
        0: "18e4a9d79da8045544bb5c7b3125b64cfdf7f578ec521a6d0d7f53976a2da4f1",
        3: "70719a9564c6a0666c4f6138802d54a769bd8380cf50dd86fb00b11c60572e90",
    }
    for history, expected in hashes.items():
        config = replace(ON_KEYS, action_history=history)
        assert built_in_fingerprint(config).observation_sha256 == expected
    assert high_level_hash(ON_KEYS) == (
        "af75f053829a0eeffdcf4649943946a90bd18061c86dd79b170a9ef72472ec06"
    )


@pytest.mark.parametrize("keys", [False, True])
def test_they_are_those_of_an_environment(keys):
    config = TrackingConfig(num_envs=1, keys=keys, action_history=2, look_ahead=(3, 9))
    env = TrackingEnv([still_clip()], config)
    expected = built_in_fingerprint(config)._asdict() | {"backend": None}
    assert identity_of(env) == expected
    assert str(built_in_table(config)) == str(env.table)


def test_words_do_not_change_a_hash_but_numbers_and_new_blocks_do():
    table = built_in_table(ON_KEYS)
    reworded = ObservationTable(
        [replace(block, meaning=f"other words: {block.meaning}") for block in table.blocks]
    )
    assert observation_hash(reworded) == observation_hash(table)
    first, *others = table.blocks
    for changed in (
        [replace(first, scale=2.0 * first.scale), *others],
        [replace(first, name="posture"), *others],
        [*table.blocks, Block("mood", 1, "", 1.0, "of the hand")],
        list(table.blocks[:-1]),
    ):
        assert observation_hash(ObservationTable(changed)) != observation_hash(table)
    assert "of the hand" in hashed_text(
        ObservationTable([Block("mood", 1, "", 1.0, "of the hand")])
    )


def test_another_hand_or_observation_is_refused(tmp_path):
    expected = built_in_fingerprint(ON_KEYS)
    check_fingerprint(expected._asdict(), expected, tmp_path, "train")
    for name, subject in (("model_sha256", "hand"), ("observation_sha256", "observation")):
        info = expected._asdict() | {name: "0"}
        with pytest.raises(FileError, match=f"another {subject} .* train it again"):
            check_fingerprint(info, expected, tmp_path, "train")


def test_loading_builds_no_environment_and_the_model_once(monkeypatch):
    built_in_fingerprint(ON_KEYS)

    def refuse(*_, **__):
        pytest.fail("an environment was built")

    monkeypatch.setattr(TrackingEnv, "__init__", refuse)
    monkeypatch.setattr(fingerprint, "describe_model", refuse)
    load_tracking_policy()
    load_tracking_policy("tracking_delayed")
    load_high_level_policy()
