"""Jacobians of a step and gradients of rewards, against finite differences of the simulation."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from musclehand.body.anatomy import HAND_JOINTS, Side
from musclehand.core.errors import InvalidValue
from musclehand.envs.demonstrations.planned_motion import plan_references
from musclehand.envs.gradients.step_jacobian import BodyJacobian, KeyContact
from musclehand.envs.tracking.disturbance import DisturbanceConfig
from musclehand.envs.tracking.env import TrackingConfig, TrackingEnv, reward
from musclehand.envs.tracking.reward import RewardWeights
from musclehand.music.generate.patterns import PatternScore
from musclehand.music.score import Hand, Note, Score
from support.tracking_clips import wave

AIR = KeyContact(*np.zeros((3, 1, 5)))
CHORD = ((60, 1), (64, 3), (67, 5))


def backward_gradients(env, discount):
    """The gradient with actions taken as they were."""
    return np.array([env.backward_step(None) for _ in range(env.begin_backward(discount))])[::-1]


def moving(side=Side.RIGHT, clips=None, **plus):
    """A hand that has followed a wave, or something else, for a while."""
    env = TrackingEnv(
        clips or [wave(0)],
        TrackingConfig(
            **{"num_envs": 1, "side": side, "fixed_starts": True, "episode": 9.0, **plus}
        ),
    )
    for _ in range(30):
        env.step(env.teacher_action())
    return env


def outcome(env, kept, action, nudge=None):
    """Speeds of the independent joints and activations a step after what was kept, with a little
    of something more."""
    env.restore(kept)
    if nudge is not None:
        nudge(env)
    env.step(action)
    proprioception = env.body.proprioception()
    free = env.body.hand.independent
    return np.array(proprioception.speeds[0, free]), np.array(proprioception.activation[0])


def test_speeds_and_activations_change_as_the_slopes_say():
    env = moving()
    kept = env.state()
    action = env.teacher_action()
    jacobian = BodyJacobian(env.body, sim_steps=4).at(env.teacher.states(), action, AIR)
    pulled = np.flatnonzero(action[0] > 0.005)
    assert len(pulled) > 20
    by_excitation = (jacobian.speed_by_mean[0] * jacobian.mean_by_excitation[0])[:, pulled]
    measured = np.zeros_like(by_excitation)
    ends = np.zeros(len(pulled))
    for column, muscle in enumerate(pulled):
        step = 0.005 * (np.arange(46) == muscle)
        plus, minus = (outcome(env, kept, action + sign * step) for sign in (1, -1))
        measured[:, column], ends[column] = (
            (plus[0] - minus[0]) / 0.01,
            (plus[1] - minus[1])[muscle] / 0.01,
        )
    np.testing.assert_allclose(ends, jacobian.end_by_excitation[0, pulled], atol=1e-6)
    assert np.corrcoef(measured.ravel(), by_excitation.ravel())[0, 1] > 0.98
    assert np.linalg.norm(measured - by_excitation) < 0.2 * np.linalg.norm(measured)


def held_chord():
    """A hand that holds down three keys, which keep the tips of those fingers where they are."""
    notes = (
        Note(0.1, pitch, 1.5, velocity=70, hand=Hand.RIGHT, finger=finger)
        for pitch, finger in CHORD
    )
    planned = plan_references([PatternScore("chord", "chords", Score(tuple(notes), title="chord"))])
    env = moving(clips=planned, keys=True)
    for _ in range(60):
        env.step(env.teacher_action())
    down = KeyContact(
        *np.zeros((2, 1, 5)), held=np.isin(np.arange(5) + 1, [finger for _, finger in CHORD])[None]
    )
    return env, down._replace(held=down.held.astype(float))


def spread():
    """A hand whose index finger is as far aside as it goes."""
    clip = wave(0)
    joint = HAND_JOINTS.index("mcp2_abduction")
    aside = clip.qpos.copy()
    still = clip.qvel.copy()
    aside[:, joint], still[:, joint] = np.radians(19.0), 0.0
    return moving(clips=[replace(clip, qpos=aside, qvel=still)]), AIR


def nudged(env, name, where, change):
    values = env.body.backend.read(name).copy()
    values[0, where] += change
    env.body.backend.write(name, values)
    env.body.backend.forward()


def in_the_air():
    return moving(), AIR


@pytest.mark.parametrize("place", [in_the_air, spread, held_chord])
def test_speeds_change_as_the_slopes_say(place):
    """By the speeds and by the angles that there were."""
    env, keys = place()
    kept = env.state()
    action = env.teacher_action()
    jacobian = BodyJacobian(env.body, sim_steps=4).at(env.teacher.states(), action, keys)
    hand = env.body.hand
    for name, where, step, expected, within in (
        ("qvel", hand.dofs, 1e-3, jacobian.speed_by_speed[0], 0.2),
        ("qpos", hand.qpos, 1e-5, jacobian.speed_by_angle[0], 0.45),
    ):
        measured = np.zeros_like(expected)
        for joint, direction in enumerate(hand.expand.T):
            plus, minus = (
                outcome(
                    env,
                    kept,
                    action,
                    lambda env, n=name, w=where, c=sign * step * direction: nudged(env, n, w, c),
                )[0]
                for sign in (1.0, -1.0)
            )
            measured[:, joint] = (plus - minus) / (2.0 * step)
        assert np.corrcoef(measured.ravel(), expected.ravel())[0, 1] > 0.95
        assert np.linalg.norm(measured - expected) < within * np.linalg.norm(measured)


@pytest.mark.parametrize("side", list(Side))
def test_an_action_was_worth_what_doing_it_again_otherwise_shows(side):
    """The gradient of the rewards of some steps, along directions drawn at random."""
    env = moving(side)
    kept = env.state()
    rng = np.random.default_rng(0)
    actions = []
    env.start_recording()
    for _ in range(8):
        actions.append(
            np.clip(env.teacher_action() * (1 + 0.3 * rng.normal(size=(1, 46))) + 0.01, 0, 1)
        )
        env.step(actions[-1])
    gradient = backward_gradients(env, 1.0)
    assert gradient.shape == (8, 1, 46)
    expected = []
    measured = []
    for _ in range(40):
        step = rng.integers(7)
        direction = rng.normal(size=46)
        sums = []
        for sign in (1.0, -1.0):
            env.restore(kept)
            doing = [a + sign * 1e-3 * direction * (i == step) for i, a in enumerate(actions)]
            sums.append(sum(float(env.step(np.clip(a, 0, 1)).reward[0]) for a in doing))
        expected.append(float(gradient[step, 0] @ direction))
        measured.append((sums[0] - sums[1]) / 2e-3)
    assert np.corrcoef(expected, measured)[0, 1] > 0.9
    assert 0.5 < np.linalg.norm(expected) / np.linalg.norm(measured) < 2.0


@pytest.mark.parametrize("late", [0.0, 0.016])
@pytest.mark.parametrize("side", list(Side))
def test_an_action_was_worth_what_a_network_makes_of_it(side, late):
    """As before, with a network that acts on delayed observations after the action that is
    changed."""
    env = moving(side, disturbance=DisturbanceConfig(delay=(late, late)), action_history=2)
    rng = np.random.default_rng(0)
    network = torch.nn.Sequential(torch.nn.Linear(env.num_observations, 46)).double()
    with torch.no_grad():
        network[0].weight.copy_(torch.from_numpy(0.1 * rng.normal(size=(46, env.num_observations))))
    own = (
        env.table.slice("tip_error"),
        env.table.slice("angle"),
        env.table.slice("force"),
        env.table.slice("velocity"),
    )
    unused = np.setdiff1d(
        np.arange(env.num_observations), np.concatenate([np.r_[part] for part in own])
    )
    with torch.no_grad():
        network[0].weight[:, unused] *= 0.3

    def act(observation, teacher):
        return (
            0.05
            + teacher
            * (1.0 + 0.9 * torch.tanh(network(torch.from_numpy(observation.astype(float)))))
            .detach()
            .numpy()
        )

    kept = env.state()
    steps = 14
    observations = [env.restore(kept)]
    taught = []
    for _ in range(steps):
        taught.append(0.9 * env.teacher_action())
        observations.append(env.step(act(observations[-1], taught[-1])).observation)
    done = [act(*pair) for pair in zip(observations[:-1], taught, strict=True)]

    def gradient_by(through_policy):
        env.restore(kept)
        env.start_recording()
        for action in done:
            env.step(action)
        gradient = np.empty((steps, 1, 46))
        observation_gradient = None
        for step in reversed(range(env.begin_backward(1.0))):
            gradient[step] = env.backward_step(observation_gradient)
            shown = torch.from_numpy(observations[step].astype(float)).requires_grad_()
            action = torch.from_numpy(taught[step]) * (1.0 + 0.9 * torch.tanh(network(shown)))
            (input_gradient,) = torch.autograd.grad(action, shown, torch.from_numpy(gradient[step]))
            observation_gradient = input_gradient.numpy() if through_policy else None
        return gradient

    def total_reward(through_policy, change):
        last = env.restore(kept)
        total = 0.0
        for i in range(steps):
            result = env.step(
                (act(last, taught[i]) if through_policy else done[i]) + change * (i == start)
            )
            last = result.observation
            total = total + float(result.reward[0])
        return total

    gradients = gradient_by(True), gradient_by(False)
    expected, measured = np.empty((2, 2, 30))
    for trial, start in enumerate(rng.integers(5, size=30)):
        change = 1e-3 * rng.normal(size=46)
        for row, through_policy in enumerate((True, False)):
            expected[row, trial] = gradients[row][start, 0] @ change
            measured[row, trial] = 0.5 * (
                total_reward(through_policy, change) - total_reward(through_policy, -change)
            )
    assert np.corrcoef(expected[0], measured[0])[0, 1] > 0.95
    # The part of the gradient that goes through the policy, by itself.
    expected = expected[0] - expected[1]
    measured = measured[0] - measured[1]
    assert np.corrcoef(expected, measured)[0, 1] > 0.9
    assert 0.7 < np.linalg.norm(expected) / np.linalg.norm(measured) < 1.4


def test_an_end_hides_what_comes_after_it():
    env = moving(episode=0.3)
    env.reset(seed=0)
    env.start_recording()
    results = [env.step(np.full((1, 46), 0.05)) for _ in range(45)]
    ends = [i for i, result in enumerate(results) if result.truncated[0] or result.terminated[0]]
    gradient = backward_gradients(env, 0.9)
    assert ends
    # What is left at an end is the price of changing the excitation, which is the same as that of
    # the step before.
    np.testing.assert_allclose(gradient[ends[0]], 0.0, atol=1e-12)
    assert np.abs(gradient[ends[0] - 1]).max() > 1e-6
    for beyond in (lambda: env.backward_step(None), lambda: env.begin_backward(0.9)):
        with pytest.raises(InvalidValue):
            beyond()


@pytest.mark.parametrize("term", ["tip", "angle", "speed", "effort"])
def test_gradients_of_rewards_are_their_derivatives(term):
    rng = np.random.default_rng(1)
    unit = {"tip": 1e-3, "angle": 0.05, "speed": 2.0, "effort": 0.1}[term]
    values = unit * rng.normal(size=(2, 5, 3) if term == "tip" else (2, 7))
    gradient = getattr(reward, f"{term}_gradient")(values)
    for place in np.ndindex(values[0].shape):
        step = np.zeros_like(values)
        step[(slice(None), *place)] = 1e-6 * unit
        function = getattr(reward, term)
        np.testing.assert_allclose(
            (function(values + step) - function(values - step)) / (2e-6 * unit),
            gradient[(slice(None), *place)],
            rtol=1e-4,
            atol=1e-6,
        )


def test_the_gradient_of_change_is_its_derivative():
    rng = np.random.default_rng(2)
    excitation = rng.random((2, 4))
    previous = rng.random((2, 4))
    step = 1e-6 * np.eye(4)[1]
    measured = (
        reward.change(excitation + step, previous) - reward.change(excitation - step, previous)
    ) / 2e-6
    np.testing.assert_allclose(
        measured, reward.change_gradient(excitation, previous)[:, 1], rtol=1e-6
    )
    before = (
        reward.change(excitation, previous + step) - reward.change(excitation, previous - step)
    ) / 2e-6
    np.testing.assert_allclose(
        before, -reward.change_gradient(excitation, previous)[:, 1], rtol=1e-6
    )


def test_weights_without_errors_weigh_nothing():
    weights = replace(RewardWeights(), tip=0.0, angle=0.0, speed=0.0, effort=0.0, change=0.0)
    env = moving(weights=weights)
    env.start_recording()
    for _ in range(5):
        env.step(env.teacher_action())
    np.testing.assert_array_equal(backward_gradients(env, 1.0), 0.0)
