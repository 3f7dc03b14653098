"""How a step answers to small changes, and what an action was worth: against differences of the simulation itself."""

from dataclasses import replace

import numpy as np
import pytest
from tracking_clips import wave

from musclehand.body.anatomy import Side
from musclehand.core.errors import InvalidValue
from musclehand.envs import reward
from musclehand.envs.reward import RewardWeights
from musclehand.envs.slopes import BodySlopes, KeyContact
from musclehand.envs.tracking import TrackingConfig, TrackingEnv

AIR = KeyContact(*np.zeros((3, 1, 5)))


def moving(side=Side.RIGHT, **more):
    """A hand that has followed a wave for a while."""
    env = TrackingEnv(
        [wave(0)], TrackingConfig(**{"num_envs": 1, "side": side, "fixed_starts": True, "episode": 9.0, **more})
    )
    for _ in range(30):
        env.step(env.teacher_action())
    return env


def outcome(env, kept, action, nudge=None):
    """Speeds of the independent joints and activations a step after what was kept, with a little of something more."""
    env.restore(kept)
    if nudge is not None:
        nudge(env)
    env.step(action)
    senses, free = env.body.senses(), env.body.hand.independent
    return np.array(senses.speeds[0, free]), np.array(senses.activation[0])


def test_speeds_and_activations_change_as_the_slopes_say():
    env = moving()
    kept, action = env.state(), env.teacher_action()
    slopes = BodySlopes(env.body, sim_steps=4).at(env.teacher.states(), action, AIR)
    pulled = np.flatnonzero(action[0] > 0.005)
    assert len(pulled) > 20
    by_excitation = (slopes.speed_by_mean[0] * slopes.mean_by_excitation[0])[:, pulled]
    found, ends = np.zeros_like(by_excitation), np.zeros(len(pulled))
    for column, muscle in enumerate(pulled):
        step = 0.005 * (np.arange(46) == muscle)
        more, less = (outcome(env, kept, action + sign * step) for sign in (1, -1))
        found[:, column], ends[column] = (more[0] - less[0]) / 0.01, (more[1] - less[1])[muscle] / 0.01
    np.testing.assert_allclose(ends, slopes.end_by_excitation[0, pulled], atol=1e-6)
    assert np.corrcoef(found.ravel(), by_excitation.ravel())[0, 1] > 0.98
    assert np.linalg.norm(found - by_excitation) < 0.2 * np.linalg.norm(found)


def test_speeds_fade_as_the_slopes_say():
    env = moving()
    kept, action = env.state(), env.teacher_action()
    slopes = BodySlopes(env.body, sim_steps=4).at(env.teacher.states(), action, AIR)
    expand, dofs = env.body.hand.expand, env.body.hand.dofs
    found = np.zeros((19, 19))
    for joint in range(19):

        def faster(env, sign=1.0, joint=joint):
            speeds = env.body.backend.read("qvel").copy()
            speeds[0, dofs] += sign * 1e-3 * expand[:, joint]
            env.body.backend.write("qvel", speeds)
            env.body.backend.forward()

        more = outcome(env, kept, action, faster)[0]
        less = outcome(env, kept, action, lambda env, faster=faster: faster(env, -1.0))[0]
        found[:, joint] = (more - less) / 2e-3
    expected = slopes.speed_by_speed[0]
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.95
    assert np.linalg.norm(found - expected) < 0.3 * np.linalg.norm(found)


@pytest.mark.parametrize("side", list(Side))
def test_an_action_was_worth_what_doing_it_again_otherwise_shows(side):
    """The gradient of the rewards of some steps, along directions drawn at random."""
    env = moving(side)
    kept = env.state()
    rng = np.random.default_rng(0)
    actions = []
    env.watch()
    for _ in range(8):
        actions.append(np.clip(env.teacher_action() * (1 + 0.3 * rng.normal(size=(1, 46))) + 0.01, 0, 1))
        env.step(actions[-1])
    gradient = env.action_gradient(1.0)
    assert gradient.shape == (8, 1, 46)
    told, found = [], []
    for _ in range(40):
        step, direction = rng.integers(7), rng.normal(size=46)
        sums = []
        for sign in (1.0, -1.0):
            env.restore(kept)
            doing = [a + sign * 1e-3 * direction * (i == step) for i, a in enumerate(actions)]
            sums.append(sum(float(env.step(np.clip(a, 0, 1)).reward[0]) for a in doing))
        told.append(float(gradient[step, 0] @ direction))
        found.append((sums[0] - sums[1]) / 2e-3)
    assert np.corrcoef(told, found)[0, 1] > 0.9
    assert 0.5 < np.linalg.norm(told) / np.linalg.norm(found) < 2.0


def test_an_end_hides_what_comes_after_it():
    env = moving(episode=0.3)
    env.reset(seed=0)
    env.watch()
    results = [env.step(np.full((1, 46), 0.05)) for _ in range(45)]
    ends = [i for i, result in enumerate(results) if result.truncated[0] or result.terminated[0]]
    gradient = env.action_gradient(0.9)
    assert ends
    # What is left at an end is the price of changing the excitation, which is the same as that of the step before.
    np.testing.assert_allclose(gradient[ends[0]], 0.0, atol=1e-12)
    assert np.abs(gradient[ends[0] - 1]).max() > 1e-6
    with pytest.raises(InvalidValue):
        env.action_gradient(0.9)


@pytest.mark.parametrize("term", ["tip", "angle", "speed", "effort"])
def test_slopes_of_rewards_are_their_derivatives(term):
    rng = np.random.default_rng(1)
    unit = {"tip": 1e-3, "angle": 0.05, "speed": 2.0, "effort": 0.1}[term]
    values = unit * rng.normal(size=(2, 5, 3) if term == "tip" else (2, 7))
    slope = getattr(reward, f"{term}_slope")(values)
    for place in np.ndindex(values[0].shape):
        step = np.zeros_like(values)
        step[(slice(None), *place)] = 1e-6 * unit
        worth = getattr(reward, term)
        np.testing.assert_allclose(
            (worth(values + step) - worth(values - step)) / (2e-6 * unit),
            slope[(slice(None), *place)],
            rtol=1e-4,
            atol=1e-6,
        )


def test_slopes_of_change_are_its_derivatives():
    rng = np.random.default_rng(2)
    now, last, step = rng.random((2, 4)), rng.random((2, 4)), 1e-6 * np.eye(4)[1]
    found = (reward.change(now + step, last) - reward.change(now - step, last)) / 2e-6
    np.testing.assert_allclose(found, reward.change_slope(now, last)[:, 1], rtol=1e-6)
    before = (reward.change(now, last + step) - reward.change(now, last - step)) / 2e-6
    np.testing.assert_allclose(before, -reward.change_slope(now, last)[:, 1], rtol=1e-6)


def test_weights_without_errors_weigh_nothing():
    weights = replace(RewardWeights(), tip=0.0, angle=0.0, speed=0.0, effort=0.0, change=0.0)
    env = moving(weights=weights)
    env.watch()
    for _ in range(5):
        env.step(env.teacher_action())
    np.testing.assert_array_equal(env.action_gradient(1.0), 0.0)
