"""Who wants what the plan shows intends what the teacher does; and hands near a plan, where
nothing moves."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from musclehand.core.errors import InvalidValue
from musclehand.envs.demonstrations.planned_pieces import plan_pieces
from musclehand.envs.piano.env import PianoConfig, PianoEnv
from musclehand.envs.piano.scattered import StaticPianoEnv
from musclehand.learning.high_level import HighLevelNetwork
from musclehand.learning.high_level_distill import HighLevelConfig, HighLevelTraining
from musclehand.policies.high_level import new_high_level_network
from support.small_planner import MIRRORED, small_skill


@pytest.fixture(scope="module")
def skill(tmp_path_factory):
    return small_skill(tmp_path_factory.mktemp("skill"))


@pytest.fixture(scope="module")
def pieces():
    return plan_pieces([("mirrored", MIRRORED)])


def test_who_wants_what_the_plan_shows_intends_what_the_teacher_does(pieces, skill, monkeypatch):
    env = PianoEnv(pieces, skill, PianoConfig(num_worlds=3), seed=4)
    planner = new_high_level_network(skill, (8,))
    seen = env.reset(seed=4)
    for _ in range(5):
        taught = env.teacher_action()
        label = env.teacher_label()
        np.testing.assert_array_equal(label[:, : env.num_actions], taught)
        shown = label[:, env.num_actions :]
        moves = taught[:, skill.policy.latent :]
        wanted = planner.wanted(
            *(torch.from_numpy(part.astype(np.float32)) for part in (seen, shown, moves))
        )
        planner.fit_normalisation(seen, wanted.numpy())
        told = (wanted - planner.middle) / planner.width
        monkeypatch.setattr(planner, "wants", lambda observation, told=told: told)
        np.testing.assert_allclose(planner.act(seen), taught, atol=1e-4)
        seen = env.step(taught).observation


def test_logits_are_those_of_the_actions_and_muscles_do_not_decide_what_is_wanted(pieces, skill):
    env = PianoEnv(pieces, skill, PianoConfig(num_worlds=2), seed=1)
    planner = new_high_level_network(skill, (8,), seed=3)
    seen = env.reset(seed=1)
    planner.middle[-planner.moves :] = 0.5
    shown = torch.from_numpy(seen)
    np.testing.assert_allclose(
        torch.sigmoid(planner(shown)).detach().numpy(), planner.act(seen), atol=1e-5
    )
    tired = shown.clone()
    tired[:, env.table.slice("force")] += 1.0
    assert torch.equal(planner.wants(shown), planner.wants(tired))
    # Which intention brings that about is another matter.
    assert not torch.equal(planner(shown), planner(tired))


def test_what_is_wanted_does_not_change_when_the_hand_is_moved(pieces, skill):
    """The hand's own part of what is shown is known exactly: the same plan, seen from hands that
    are somewhere else."""
    env = StaticPianoEnv(pieces, skill, PianoConfig(num_worlds=16))
    env._starts.draw = lambda rng, count: np.full(count, env.references.first[0] + 40)
    planner = new_high_level_network(skill, (8,))
    seen = env.reset(seed=3)
    label = env.teacher_label()
    shown = torch.from_numpy(label[:, env.num_actions :].astype(np.float32))
    wanted = planner.wanted(torch.from_numpy(seen), shown, torch.zeros(len(seen), planner.moves))
    names = np.array([block.name for block in env._own.table.blocks for _ in range(block.size)])[
        env._shown_numbers
    ]
    for name, wide, narrow in (
        ("speed_error", 0.02, 1e-5),
        ("angle_error", 0.05, 1e-5),
        ("tip_error", 0.1, 1e-4),
    ):
        chosen = names == name
        for rows in (slice(0, 16), slice(16, 32)):
            # Where forearms are off, joints are asked to make up for it.
            near = (
                np.abs(env._arm[0][rows] - env.references.forearm[env.frame[rows], :3]).max(axis=1)
                < 1e-6
            )
            assert shown[rows][:, chosen].std(dim=0).mean() > wide
            assert near.sum() > 1
            assert wanted[rows][near][:, np.flatnonzero(chosen)].std(dim=0).max() < narrow


def test_sizes_that_do_not_fit_are_refused(skill):
    whole = np.ones(len(skill.policy.state), dtype=bool)
    some = np.ones(4, bool)
    none = np.zeros(4, bool)
    hand = np.zeros((len(whole), 4))
    with pytest.raises(InvalidValue, match="encoder"):
        HighLevelNetwork(skill.policy, seen=some, felt=some, shown=whole, hand=hand, moves=6)
    with pytest.raises(InvalidValue):
        HighLevelNetwork(skill.policy, seen=none, felt=none, shown=whole, hand=hand, moves=6)
    with pytest.raises(InvalidValue, match="shape of hand"):
        HighLevelNetwork(skill.policy, seen=some, felt=none, shown=whole, hand=hand[1:], moves=6)
    with pytest.raises(InvalidValue, match="share"):
        HighLevelConfig(share=1.0)


def test_scattered_hands_are_near_the_plan_and_never_twice_in_the_same_place(pieces, skill):
    env, again = (StaticPianoEnv(pieces, skill, PianoConfig(num_worlds=8)) for _ in range(2))
    one = env.reset(seed=5)
    two = again.reset(seed=5)
    np.testing.assert_array_equal(one, two)
    rng = np.random.default_rng(0)
    before = one
    for _ in range(4):
        # What is done makes no difference.
        actions = rng.uniform(size=(2, env.num_envs, env.num_actions))
        one = env.step(actions[0]).observation
        two = again.step(actions[1]).observation
        np.testing.assert_array_equal(one, two)
        assert not np.isclose(one, before).all(axis=1).any()
        before = one
        off = np.linalg.norm(env.body.senses().tips - env.references.tips[env.frame], axis=2)
        assert off.max() < 0.05
        assert off.max() > 1e-3


def test_reading_alone_brings_a_planner_nearer_to_its_teacher(pieces, skill, tmp_path):
    still = StaticPianoEnv(pieces, skill, PianoConfig(num_worlds=8))
    config = HighLevelConfig(
        iterations=6, steps=10, updates=60, batch=128, memory=6, beside=0, rate=3e-3
    )
    planners = []
    for count in (0, 6):
        stage = replace(config, iterations=count)
        run = HighLevelTraining(
            still,
            new_high_level_network(skill, (32,)),
            stage,
            tmp_path / f"{count}",
            known={},
            fresh=True,
        )
        run.run()
        planners.append(run.policy)
    env = PianoEnv(pieces, skill, PianoConfig(num_worlds=4), seed=2)
    seen = env.reset(seed=2)
    taught = env.teacher_action()
    fresh, read = (np.square(planner.act(seen) - taught).mean() for planner in planners)
    assert read < 0.5 * fresh
