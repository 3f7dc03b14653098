"""High-level networks against the teacher and the plan, and states near a plan without physics."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from musclehand.core.errors import InvalidValue
from musclehand.envs.demonstrations.planned_pieces import plan_pieces
from musclehand.envs.piano.env import PianoConfig, PianoEnv
from musclehand.envs.piano.static_env import StaticPianoEnv
from musclehand.learning.high_level import HighLevelNetwork
from musclehand.learning.high_level_distill import HighLevelConfig, HighLevelTraining
from musclehand.policies.high_level import new_high_level_network
from support.small_high_level import MIRRORED, small_latent_space


@pytest.fixture(scope="module")
def latent_space(tmp_path_factory):
    return small_latent_space(tmp_path_factory.mktemp("latent_space"))


@pytest.fixture(scope="module")
def pieces():
    return plan_pieces([("mirrored", MIRRORED)])


def test_a_network_that_predicts_the_plan_acts_as_the_teacher_does(
    pieces, latent_space, monkeypatch
):
    env = PianoEnv(pieces, latent_space, PianoConfig(num_worlds=3), seed=4)
    network = new_high_level_network(latent_space, (8,))
    observation = env.reset(seed=4)
    for _ in range(5):
        action = env.teacher_action()
        label = env.teacher_label()
        np.testing.assert_array_equal(label[:, : env.num_actions], action)
        references = label[:, env.num_actions :]
        moves = action[:, latent_space.policy.latent_size :]
        targets = network.outputs(
            *(
                torch.from_numpy(part.astype(np.float32))
                for part in (observation, references, moves)
            )
        )
        network.fit_normalisation(observation, targets.numpy())
        prediction = (targets - network.target_mean) / network.target_std
        monkeypatch.setattr(
            network, "predict", lambda observation, prediction=prediction: prediction
        )
        np.testing.assert_allclose(network.act(observation), action, atol=1e-4)
        observation = env.step(action).observation


def test_logits_are_those_of_the_actions_and_muscles_do_not_change_the_prediction(
    pieces, latent_space
):
    env = PianoEnv(pieces, latent_space, PianoConfig(num_worlds=2), seed=1)
    network = new_high_level_network(latent_space, (8,), seed=3)
    observation = env.reset(seed=1)
    network.target_mean[-network.move_size :] = 0.5
    inputs = torch.from_numpy(observation)
    np.testing.assert_allclose(
        torch.sigmoid(network(inputs)).detach().numpy(), network.act(observation), atol=1e-5
    )
    tired = inputs.clone()
    tired[:, env.table.slice("force")] += 1.0
    assert torch.equal(network.predict(inputs), network.predict(tired))
    # The latent action for the same reference motion does depend on the muscles.
    assert not torch.equal(network(inputs), network(tired))


def test_targets_do_not_change_when_the_hand_is_moved(pieces, latent_space):
    """The state's part of the references is known exactly: the same plan, from hands that
    are in other places."""
    env = StaticPianoEnv(pieces, latent_space, PianoConfig(num_worlds=16))
    env._starts.draw = lambda rng, count: np.full(count, env.references.first[0] + 40)
    network = new_high_level_network(latent_space, (8,))
    observation = env.reset(seed=3)
    label = env.teacher_label()
    references = torch.from_numpy(label[:, env.num_actions :].astype(np.float32))
    moves = torch.zeros(len(observation), network.move_size)
    targets = network.outputs(torch.from_numpy(observation), references, moves)
    blocks = env._tracking.table.blocks
    names = np.array([block.name for block in blocks for _ in range(block.size)])
    names = names[env._reference_mask]
    for name, wide, narrow in (
        ("speed_error", 0.02, 1e-5),
        ("angle_error", 0.05, 1e-5),
        ("tip_error", 0.1, 1e-4),
    ):
        chosen = names == name
        for rows in (slice(0, 16), slice(16, 32)):
            # Where forearms are off, joints are asked to make up for it.
            near = (
                np.abs(env._forearm[0][rows] - env.references.forearm[env.frame[rows], :3]).max(
                    axis=1
                )
                < 1e-6
            )
            assert references[rows][:, chosen].std(dim=0).mean() > wide
            assert near.sum() > 1
            assert targets[rows][near][:, np.flatnonzero(chosen)].std(dim=0).max() < narrow


def test_sizes_that_do_not_fit_are_refused(latent_space):
    references = np.ones(len(latent_space.policy.decoder_mask), dtype=bool)
    chosen = np.ones(4, bool)
    none = np.zeros(4, bool)
    matrix = np.zeros((len(references), 4))

    def make(inputs, proprioception, matrix=matrix):
        return HighLevelNetwork(
            latent_space.policy,
            input_mask=inputs,
            proprioception_mask=proprioception,
            reference_mask=references,
            state_to_reference=matrix,
            move_size=6,
        )

    with pytest.raises(InvalidValue, match="encoder"):
        make(chosen, chosen)
    with pytest.raises(InvalidValue):
        make(none, none)
    with pytest.raises(InvalidValue, match="shape of state_to_reference"):
        make(chosen, none, matrix[1:])
    with pytest.raises(InvalidValue, match="share"):
        HighLevelConfig(static_share=1.0)


def test_static_states_are_near_the_plan_and_never_twice_the_same(pieces, latent_space):
    env, again = (StaticPianoEnv(pieces, latent_space, PianoConfig(num_worlds=8)) for _ in range(2))
    observation = env.reset(seed=5)
    np.testing.assert_array_equal(observation, again.reset(seed=5))
    rng = np.random.default_rng(0)
    for _ in range(4):
        before = observation
        # Actions make no difference.
        actions = rng.uniform(size=(2, env.num_envs, env.num_actions))
        observation = env.step(actions[0]).observation
        np.testing.assert_array_equal(observation, again.step(actions[1]).observation)
        assert not np.isclose(observation, before).all(axis=1).any()
        tips = env.body.proprioception().tips
        distance = np.linalg.norm(tips - env.references.tips[env.frame], axis=2)
        assert distance.max() < 0.05
        assert distance.max() > 1e-3


def test_cloning_alone_brings_a_policy_nearer_to_its_teacher(pieces, latent_space, tmp_path):
    static_env = StaticPianoEnv(pieces, latent_space, PianoConfig(num_worlds=8))
    config = HighLevelConfig(
        iterations=6,
        steps=10,
        updates=60,
        batch=128,
        buffer_iterations=6,
        static_steps=0,
        learning_rate=3e-3,
    )
    networks = []
    for count in (0, 6):
        run = HighLevelTraining(
            static_env,
            new_high_level_network(latent_space, (32,)),
            replace(config, iterations=count),
            tmp_path / f"{count}",
            identity={},
            fit_normalisation=True,
        )
        run.run()
        networks.append(run.policy)
    env = PianoEnv(pieces, latent_space, PianoConfig(num_worlds=4), seed=2)
    observation = env.reset(seed=2)
    action = env.teacher_action()
    fresh, cloned = (np.square(network.act(observation) - action).mean() for network in networks)
    assert cloned < 0.5 * fresh
