"""The latent space: its distributions against torch's, its intentions step by step, and that
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
    latent=2,
    hold=3,
    hidden=(32,),
    decay=20,
    memory=4,
    rate=3e-3,
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
    spread = torch.ones(6)

    def act(self, seen):
        place = seen[:, :2]
        speed = seen[:, 2:4]
        aim = seen[:, 4:]
        return np.clip(0.5 - 0.6 * (place - aim) - 0.4 * speed, 0.0, 1.0)


OWN = np.array([True, True, True, True, False, False])


pytestmark = pytest.mark.usefixtures("one_thread")


def test_divergence_is_torchs():
    generator = torch.Generator().manual_seed(0)
    one, two = (Gaussian(*torch.randn(2, 5, 3, generator=generator)) for _ in range(2))
    expected = torch.distributions.kl_divergence(
        *(torch.distributions.Normal(part.mean, part.log_std.exp()) for part in (one, two))
    ).sum(dim=1)
    torch.testing.assert_close(one.divergence(two), expected)
    torch.testing.assert_close(one.divergence(one), torch.zeros(5))
    torch.testing.assert_close(one.sample(torch.zeros(5, 3)), one.mean)


def test_the_decoder_sees_nothing_of_the_reference():
    policy = LatentPolicy(STATE, 2, latent=2, hold=2, hidden=(8,))
    seen = np.random.default_rng(0).normal(size=(5, 4))
    other = seen.copy()
    other[:, 3] += 1.0
    z = np.ones((5, 2))
    np.testing.assert_array_equal(policy.act(seen, z, 0), policy.act(other, z, 0))
    assert np.abs(policy.encode_mean(seen) - policy.encode_mean(other)).max() > 0
    usual = [policy.usual(torch.from_numpy(part.astype(np.float32))).mean for part in (seen, other)]
    torch.testing.assert_close(*usual)
    assert np.abs(policy.act(seen, z, 0) - policy.act(seen, -z, 0)).max() > 0


def test_intentions_are_held_and_made_anew():
    policy = LatentPolicy(STATE, 2, latent=2, hold=3, hidden=(8,))
    held = LatentHold(policy, 2)
    rng = np.random.default_rng(1)
    made = []
    for step in range(7):
        seen = rng.normal(size=(2, 4)).astype(np.float32)
        before = held.z.copy()
        # The second hand's episode begins anew in step 4.
        new = held.update(seen, np.array([step == 0, step in (0, 4)]))
        made.append(new)
        np.testing.assert_allclose(held.z[new], policy.encode_mean(seen[new]))
        np.testing.assert_array_equal(held.z[~new], before[~new])
    np.testing.assert_array_equal(np.array(made).T, [[1, 0, 0, 1, 0, 0, 1], [1, 0, 0, 1, 1, 0, 0]])


@pytest.mark.parametrize("variational", [True, False])
def test_a_student_learns_what_its_teacher_does(tmp_path, variational):
    config = replace(SMALL, iterations=14, variational=variational)
    told = []
    run = LatentDistillTraining(Aims(32), Knows(), OWN, config, tmp_path, known={})
    policy = run.run(told.append)
    assert told[-1].error < 0.3 * told[0].error
    assert told[-1].labels == 14 * 24 * 32
    assert (told[-1].divergence > 0) == variational
    env = Aims(64)
    actor = LatentActor(policy)
    seen = env.reset(seed=9)
    for _ in range(15):
        result = env.step(actor(seen, env))
        seen = result.observation
    aimed = np.linalg.norm(env.place - env.aim, axis=1).mean()
    assert aimed < 0.5 * np.linalg.norm(env.place - env.aim[::-1], axis=1).mean()


def test_a_run_that_was_interrupted_ends_the_same(tmp_path):
    config = replace(SMALL, iterations=5, updates=5)
    LatentDistillTraining(Aims(), Knows(), OWN, config, tmp_path / "whole", known={}).run()
    for _ in range(5):
        torch.rand(3)
        LatentDistillTraining(
            Aims(seed=4), Knows(), OWN, config, tmp_path / "parts", known={}
        ).iterate()
    one = load_latest(tmp_path / "whole")
    two = load_latest(tmp_path / "parts")
    assert one.number == two.number == 5
    for name, values in one.arrays.items():
        np.testing.assert_array_equal(values, two.arrays[name], err_msg=name)


def test_settings_out_of_range_are_refused():
    for wrong in ({"latent": 0}, {"hold": 0}, {"divergence": -1.0}, {"rate": 0.0}):
        with pytest.raises(InvalidValue):
            replace(SMALL, **wrong)
    for state in (np.ones(4, dtype=bool), np.zeros(4, dtype=bool)):
        with pytest.raises(InvalidValue):
            LatentPolicy(state, 2, latent=2, hold=1)
    assert isinstance(
        LatentPolicy(STATE, 2, latent=2, hold=1).copy_normalisation(Policy(4, 2, (8,))), type(None)
    )
