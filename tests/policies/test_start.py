"""Weights of policies for another hand: outputs stay as they were until training goes on."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from musclehand.core.checkpoint import load_checkpoint, save_named_checkpoint
from musclehand.core.errors import FileError, MusclehandError
from musclehand.envs.piano.observation import piano_table
from musclehand.envs.reference import still_clip
from musclehand.envs.tracking.env import TrackingConfig, TrackingEnv
from musclehand.envs.tracking.observation import decoder_mask
from musclehand.learning.policy import Policy
from musclehand.learning.torch_state import module_arrays
from musclehand.learning.vae import LatentPolicy
from musclehand.policies.fingerprint import observation_hash
from musclehand.policies.high_level import load_high_level_policy
from musclehand.policies.layout import hand_layout, layout_info, layout_table, number_names
from musclehand.policies.start import (
    arrays_hash,
    start_high_level_network,
    start_latent_policy,
    start_tracking_policy,
)
from musclehand.policies.tracking import (
    TrackingPolicy,
    config_info,
    load_tracking_policy,
    save_tracking_policy,
)
from support.small_high_level import small_high_level, small_latent_space

CONFIG = TrackingConfig(num_envs=1, keys=True)


@pytest.fixture(scope="module")
def env():
    return TrackingEnv([still_clip()], CONFIG)


@pytest.fixture(scope="module")
def layout(env):
    return hand_layout(env.body.hand)


def earlier(layout):
    """The layout of a hand that lacks two joints and has its muscles in another order."""
    lost = ("md4_flexion", "md5_flexion")
    return layout._replace(
        joints=tuple(joint for joint in layout.joints if joint not in lost),
        muscles=layout.muscles[::-1],
    )


def hashes_of(layout, config=CONFIG):
    """Metadata of a file for a hand with this layout."""
    return {
        **config_info(config),
        **layout_info(layout),
        "model_sha256": "of the earlier hand",
        "observation_sha256": observation_hash(layout_table(layout, config)),
    }


def places(layout, into, table_of=lambda table: table):
    """Where the numbers of an observation of the one hand are in that of the other."""
    names = number_names(table_of(layout_table(into, CONFIG)), into)
    return [
        names.index(name) for name in number_names(table_of(layout_table(layout, CONFIG)), layout)
    ]


def randomly_normalised(module, rng):
    for name, values in module.named_buffers():
        if name.endswith(("mean", "std")):
            values.copy_(torch.from_numpy(rng.uniform(0.5, 1.5, size=values.shape)))
    return module


@pytest.fixture(scope="module")
def before(layout, tmp_path_factory):
    """A tracking policy for the earlier hand, and its file."""
    layout = earlier(layout)
    size = layout_table(layout, CONFIG).size
    policy = randomly_normalised(Policy(size, 46, (16, 8), seed=3), np.random.default_rng(1))
    info = hashes_of(layout) | {"policy_sizes": list(policy.sizes)}
    path = tmp_path_factory.mktemp("before") / "tracking.json"
    return policy, save_named_checkpoint(path, module_arrays("policy", policy), info)


def test_a_tracking_policy_for_another_hand_is_taken_over(env, layout, before):
    source, path = before
    with pytest.raises(FileError, match="another hand"):
        load_tracking_policy(path)
    rng = np.random.default_rng(0)
    sample = rng.normal(size=(30, env.num_observations))
    policy, origin, new = start_tracking_policy(path, CONFIG)
    policy.fit_normalisation(sample, inputs=new)
    assert policy.sizes == (env.num_observations, 16, 8, env.num_actions)
    kept = places(earlier(layout), layout)
    observation = rng.normal(size=(4, env.num_observations))
    expected = source.act(observation[:, kept])[:, ::-1]
    np.testing.assert_allclose(policy.act(observation), expected, rtol=1e-5)
    new = np.flatnonzero(new)
    assert new.tolist() == np.setdiff1d(np.arange(env.num_observations), kept).tolist()
    assert len(new) == 4
    np.testing.assert_allclose(policy.mean[new], sample[:, new].mean(axis=0), rtol=1e-5)
    assert origin == {
        "model_sha256": "of the earlier hand",
        "observation_sha256": load_checkpoint(path).info["observation_sha256"],
        "weights_sha256": arrays_hash(module_arrays("policy", source)),
    }


def test_a_bundled_or_loaded_policy_is_taken_over_whole(env, tmp_path):
    policy = Policy(env.num_observations, env.num_actions, (16,), seed=3)
    loaded = load_tracking_policy(save_tracking_policy(tmp_path, policy, env, {}))
    for start in (loaded, tmp_path / "tracking.json"):
        again, _, new = start_tracking_policy(start, CONFIG)
        assert not new.any()
        for name, values in policy.state_dict().items():
            assert torch.equal(values, again.state_dict()[name]), name
    bundled, origin, _ = start_tracking_policy("tracking", CONFIG)
    assert bundled.sizes[1:-1] == (512, 512)
    assert set(origin) == {"model_sha256", "observation_sha256", "weights_sha256"}


def test_a_latent_space_for_another_hand_is_taken_over(env, layout, tmp_path):
    before = earlier(layout)
    rng = np.random.default_rng(2)
    mask = decoder_mask(layout_table(before, CONFIG))
    sizes = {"latent_size": 5, "action_repeat": 3, "hidden": (8, 7)}
    source = randomly_normalised(LatentPolicy(mask, 46, **sizes, seed=4), rng)
    info = hashes_of(before) | {**sizes, "variational": True}
    path = tmp_path / "latent_space.json"
    save_named_checkpoint(path, module_arrays("latent", source), info)
    teacher = Policy(env.num_observations, env.num_actions, (8,))
    teacher.fit_normalisation(rng.normal(size=(9, env.num_observations)))
    policy, origin = start_latent_policy(path, TrackingPolicy(teacher, CONFIG, {}))
    kept = places(before, layout)
    observation = rng.normal(size=(6, env.num_observations))
    shown = observation[:, kept]
    z = source.encode_mean(shown)
    np.testing.assert_allclose(policy.encode_mean(observation), z, rtol=1e-4, atol=1e-6)
    for repeat_index in range(3):
        np.testing.assert_allclose(
            policy.act(observation, z, repeat_index),
            source.act(shown, z, repeat_index)[:, ::-1],
            rtol=1e-4,
        )
    whole, part = (torch.from_numpy(rows.astype(np.float32)) for rows in (observation, shown))
    torch.testing.assert_close(policy.prior_distribution(whole), source.prior_distribution(part))
    new = np.setdiff1d(np.arange(env.num_observations), kept)
    assert torch.equal(policy.mean[new], teacher.mean[new])
    assert origin["weights_sha256"] == arrays_hash(module_arrays("latent", source))


def test_a_high_level_policy_for_another_hand_is_taken_over(layout, tmp_path):
    space = small_latent_space(tmp_path / "space")
    randomly_normalised(space.policy, np.random.default_rng(6))
    own = load_high_level_policy(small_high_level(tmp_path / "own", space)).policy
    # The same network without the joints that the earlier hand lacks: their inputs did nothing.
    before = earlier(layout)
    kept = places(before, layout, piano_table)
    table = piano_table(layout_table(layout, CONFIG))
    lost = np.setdiff1d(np.arange(table.size), kept)
    column = {int(number): i for i, number in enumerate(np.flatnonzero(own.input_mask))}
    columns = [column[number] for number in kept if number in column]
    own.layers[0].weight.data[:, [column[number] for number in lost]] = 0.0
    arrays = module_arrays("policy", own) | module_arrays("latent", space.policy)
    for name in ("mean", "std", "input_mask", "proprioception_mask"):
        arrays[f"policy/{name}"] = arrays[f"policy/{name}"][kept]
    arrays["policy/layers.0.weight"] = arrays["policy/layers.0.weight"][:, columns]
    sizes = {"latent_size": 5, "action_repeat": 4, "hidden": [16], "variational": True}
    info = hashes_of(before) | sizes | {"policy_sizes": [len(kept), *own.sizes[1:]]}
    path = save_named_checkpoint(tmp_path / "high_level.json", arrays, info)
    network, _ = start_high_level_network(path, space)
    observation = torch.from_numpy(
        np.random.default_rng(5).normal(size=(4, table.size)).astype(np.float32)
    )
    torch.testing.assert_close(network.predict(observation), own.predict(observation))
    np.testing.assert_allclose(
        network.act(observation.numpy()), own.act(observation.numpy()), rtol=1e-5
    )
    new = [number for number in lost if number in column]
    # The state begins with the joint angles, as the tracking table does.
    assert torch.equal(network.mean[new], space.policy.mean[new])


def test_a_high_level_policy_moves_to_another_latent_space(tmp_path):
    space = small_latent_space(tmp_path / "space")
    source = load_high_level_policy(small_high_level(tmp_path / "policy", space))
    observation = torch.from_numpy(
        np.random.default_rng(0).normal(size=(3, source.policy.sizes[0])).astype(np.float32)
    )
    larger = small_latent_space(tmp_path / "larger", latent_size=9)
    moved, origin = start_high_level_network(source, larger)
    torch.testing.assert_close(moved.predict(observation), source.policy.predict(observation))
    assert moved.act(observation.numpy()).shape == (3, 9 + moved.move_size)
    assert origin["model_sha256"] == space.info["model_sha256"]
    # The last excitations are proprioception, which the network does not get.
    delayed = small_latent_space(tmp_path / "delayed", action_history=2)
    moved, _ = start_high_level_network(source, delayed)
    assert torch.equal(moved.layers[0].weight, source.policy.layers[0].weight)


def test_what_training_cannot_begin_with_is_refused(layout, before, tmp_path):
    _, path = before
    kept = load_checkpoint(path)

    def refused(change, match):
        changed = save_named_checkpoint(
            tmp_path / "tracking.json", kept.arrays, {**kept.info, **change}
        )
        with pytest.raises(MusclehandError, match=match):
            start_tracking_policy(changed, CONFIG)

    muscles = ("XYZ", *layout.muscles[1:])
    others = earlier(layout)._replace(muscles=muscles)
    refused(hashes_of(others), f"lacks {layout.muscles[0]} and has in excess XYZ")
    refused({"observation_sha256": "0"}, "observation of another kind")
    refused({"sim_steps": 5}, "every 5 steps of the simulation, and the new policy every 4")
    refused({"layout": {}}, "layout")
    size = kept.info["policy_sizes"][0]
    refused({"policy_sizes": [size, 10**9, 46]}, "policy_sizes")
    refused({"policy_sizes": [size, 10**5, 10**5, 46]}, "sizes of layers")
    refused({"policy_sizes": [size, 16, 46]}, "shape of policy")
    refused({"policy_sizes": [3, 16, 8, 46]}, "is not the file of a tracking policy")
    with pytest.raises(MusclehandError, match=r"none\.json"):
        start_tracking_policy(tmp_path / "none.json", CONFIG)


def test_other_independent_joints_are_refused_by_the_high_level_policy(layout, tmp_path):
    space = small_latent_space(tmp_path / "space")
    source = load_high_level_policy(small_high_level(tmp_path / "policy", space))
    fewer = layout._replace(independent=layout.independent[:-1])
    info = hashes_of(fewer)
    other = source._replace(latent_space=space._replace(info={**space.info, **info}))
    with pytest.raises(FileError, match="independent joints"):
        start_high_level_network(other, space)
    farther = replace(CONFIG, look_ahead=(2, 4, 8, 20))
    info = hashes_of(layout, farther)
    other = source._replace(
        latent_space=space._replace(config=farther, info={**space.info, **info})
    )
    with pytest.raises(FileError, match="look_ahead"):
        start_high_level_network(other, space)


def test_a_policy_without_hashes_is_refused(env):
    policy = Policy(env.num_observations, env.num_actions, (4,))
    with pytest.raises(FileError, match="observation of another kind"):
        start_tracking_policy(TrackingPolicy(policy, CONFIG, {}), CONFIG)
