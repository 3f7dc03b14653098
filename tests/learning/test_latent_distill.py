"""The latent space: its distributions against torch's, its action repeat step by step, and that
distilling works."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from musclehand.core.checkpoint import load_latest
from musclehand.core.errors import InvalidValue
from musclehand.learning.latent_distill import LatentDistillConfig, LatentDistillTraining
from musclehand.learning.policy import Policy
from musclehand.learning.vae import Gaussian, LatentActor, LatentHold, LatentPolicy
from support.toy_env import Points

STATE = np.array([True, True, True, False])
"""Of the points only one speed is not their own state."""

SMALL = LatentDistillConfig(
    iterations=6,
    steps=24,
    updates=60,
    batch=64,
    latent_size=2,
    action_repeat=3,
    hidden=(32,),
    decay=20,
    buffer_iterations=4,
    learning_rate=3e-3,
)


class Aims(Points):
    """Points that come to rest where a reference says, which is the last two numbers of what is
    seen."""

    def __init__(self, num_envs=16, seed=0):
        super().__init__(num_envs, seed)
        self.num_observations = 6
        self.aim = np.zeros((num_envs, 2))

    def teacher_action(self):
        return np.clip(0.5 - 0.6 * (self.place - self.aim) - 0.4 * self.speed, 0.0, 1.0)

    def state(self):
        return {**super().state(), "aim": self.aim.copy()}

    def restore(self, state):
        self.aim = np.array(state["aim"])
        return super().restore(state)

    def _start(self, envs):
        super()._start(envs)
        self.aim[envs] = self._rng.uniform(-1, 1, size=(len(envs), 2))

    def _look(self):
        return np.hstack([super()._look(), self.aim]).astype(np.float32)


class Knows:
    """The teacher as a policy."""

    mean = torch.zeros(6)
    std = torch.ones(6)

    def act(self, observation):
        place = observation[:, :2]
        speed = observation[:, 2:4]
        aim = observation[:, 4:]
        return np.clip(0.5 - 0.6 * (place - aim) - 0.4 * speed, 0.0, 1.0)


OWN = np.array([True, True, True, True, False, False])


pytestmark = pytest.mark.usefixtures("one_thread")


def test_divergence_is_torchs():
    generator = torch.Generator().manual_seed(0)
    left, right = (Gaussian(*torch.randn(2, 5, 3, generator=generator)) for _ in range(2))
    expected = torch.distributions.kl_divergence(
        *(torch.distributions.Normal(part.mean, part.log_std.exp()) for part in (left, right))
    ).sum(dim=1)
    torch.testing.assert_close(left.kl_divergence(right), expected)
    torch.testing.assert_close(left.kl_divergence(left), torch.zeros(5))
    torch.testing.assert_close(left.sample(torch.zeros(5, 3)), left.mean)


def test_the_decoder_sees_nothing_of_the_reference():
    policy = LatentPolicy(STATE, 2, latent_size=2, action_repeat=2, hidden=(8,))
    observation = np.random.default_rng(0).normal(size=(5, 4))
    moved = observation.copy()
    moved[:, 3] += 1.0
    z = np.ones((5, 2))
    np.testing.assert_array_equal(policy.act(observation, z, 0), policy.act(moved, z, 0))
    assert np.abs(policy.encode_mean(observation) - policy.encode_mean(moved)).max() > 0
    prior = [
        policy.prior_distribution(torch.from_numpy(part.astype(np.float32))).mean
        for part in (observation, moved)
    ]
    torch.testing.assert_close(*prior)
    assert np.abs(policy.act(observation, z, 0) - policy.act(observation, -z, 0)).max() > 0


def test_latent_actions_are_held_and_encoded_anew():
    policy = LatentPolicy(STATE, 2, latent_size=2, action_repeat=3, hidden=(8,))
    hold = LatentHold(policy, 2)
    rng = np.random.default_rng(1)
    encoded = []
    for step in range(7):
        observation = rng.normal(size=(2, 4)).astype(np.float32)
        before = hold.z.copy()
        # The second hand's episode begins anew in step 4.
        new = hold.update(observation, np.array([step == 0, step in (0, 4)]))
        encoded.append(new)
        np.testing.assert_allclose(hold.z[new], policy.encode_mean(observation[new]))
        np.testing.assert_array_equal(hold.z[~new], before[~new])
    expected = [[1, 0, 0, 1, 0, 0, 1], [1, 0, 0, 1, 1, 0, 0]]
    np.testing.assert_array_equal(np.array(encoded).T, expected)


@pytest.mark.parametrize("variational", [True, False])
def test_a_student_learns_what_its_teacher_does(tmp_path, variational):
    config = replace(SMALL, iterations=14, variational=variational)
    log = []
    run = LatentDistillTraining(Aims(32), Knows(), OWN, config, tmp_path, identity={})
    policy = run.run(log.append)
    assert log[-1].error < 0.3 * log[0].error
    assert log[-1].labels == 14 * 24 * 32
    assert (log[-1].kl_divergence > 0) == variational
    env = Aims(64)
    actor = LatentActor(policy)
    observation = env.reset(seed=9)
    for _ in range(15):
        result = env.step(actor(observation, env))
        observation = result.observation
    aimed = np.linalg.norm(env.place - env.aim, axis=1).mean()
    assert aimed < 0.5 * np.linalg.norm(env.place - env.aim[::-1], axis=1).mean()


def test_a_run_that_was_interrupted_ends_the_same(tmp_path):
    config = replace(SMALL, iterations=5, updates=5)
    LatentDistillTraining(Aims(), Knows(), OWN, config, tmp_path / "whole", identity={}).run()
    for _ in range(5):
        torch.rand(3)
        LatentDistillTraining(
            Aims(seed=4), Knows(), OWN, config, tmp_path / "parts", identity={}
        ).iterate()
    whole = load_latest(tmp_path / "whole")
    parts = load_latest(tmp_path / "parts")
    assert whole.number == parts.number == 5
    for name, values in whole.arrays.items():
        np.testing.assert_array_equal(values, parts.arrays[name], err_msg=name)


def test_settings_out_of_range_are_refused():
    for wrong in (
        {"latent_size": 0},
        {"action_repeat": 0},
        {"kl_weight": -1.0},
        {"learning_rate": 0.0},
        {"dagger_beta": (1.0, 1.5)},
        {"hidden": (0,)},
    ):
        with pytest.raises(InvalidValue):
            replace(SMALL, **wrong)
    for state in (np.ones(4, dtype=bool), np.zeros(4, dtype=bool)):
        with pytest.raises(InvalidValue):
            LatentPolicy(state, 2, latent_size=2, action_repeat=1)


def test_normalisation_is_taken_over_from_the_teacher():
    teacher = Policy(4, 2, (8,))
    teacher.fit_normalisation(np.random.default_rng(0).normal(3.0, 2.0, size=(50, 4)))
    student = LatentPolicy(STATE, 2, latent_size=2, action_repeat=1)
    student.copy_normalisation(teacher)
    assert torch.equal(student.mean, teacher.mean)
    assert torch.equal(student.std, teacher.std)
    assert float(student.mean.min()) > 1.0
