"""Acting with small networks: one thread, no gradients, and the caller's settings afterwards."""

import numpy as np
import pytest
import torch

from musclehand.learning.inference import inference
from musclehand.learning.policy import Policy
from musclehand.learning.vae import LatentPolicy


@pytest.fixture
def two_threads():
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("two_threads")
def test_one_thread_inside_and_as_many_as_before_after_it():
    with inference():
        assert torch.get_num_threads() == 1
        assert torch.is_inference_mode_enabled()
    assert torch.get_num_threads() == 2
    assert not torch.is_inference_mode_enabled()
    with pytest.raises(ZeroDivisionError), inference():
        raise ZeroDivisionError
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
def test_networks_act_with_one_thread(monkeypatch):
    threads = []

    def recorded(function):
        def call(*arguments):
            threads.append(torch.get_num_threads())
            return function(*arguments)

        return call

    policy = Policy(5, 3, (8,))
    latent = LatentPolicy(np.arange(5) < 3, 3, latent_size=2, action_repeat=2, hidden=(8,))
    monkeypatch.setattr(policy, "normalise", recorded(policy.normalise))
    monkeypatch.setattr(latent, "normalise", recorded(latent.normalise))
    observation = np.zeros((2, 5))
    policy.act(observation)
    latent.act(observation, latent.encode_mean(observation), 1)
    assert threads == [1, 1, 1]
    assert torch.get_num_threads() == 2
