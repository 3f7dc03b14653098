"""The policy: a small network from an observation to excitations.

Its output is a logit for every muscle, and the excitation the logistic function of it. Noise that
is added to logits is in proportion to the excitation where that is small, as it nearly always is,
which is the kind of noise that explores with an over-actuated hand; noise on excitations themselves
stiffens it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from musclehand.core.checkpoint import Checkpoint
from musclehand.core.errors import InvalidValue
from musclehand.learning.torch_state import check_layers, load_module

REST_LOGIT = -3.0
"""What outputs begin with: 5 % of excitation, about what playing takes."""

LEAST_SPREAD = 0.05
"""Inputs that differ less than that, in units of the observation's scales, are not blown up to
differ by 1."""


class Policy(nn.Module):
    """A network of `hidden` layers. `mean` and `spread` of its inputs are set once and then
    stay."""

    mean: torch.Tensor
    spread: torch.Tensor

    def __init__(
        self, observations: int, actions: int, hidden: Sequence[int] = (256, 256), *, seed: int = 0
    ) -> None:
        """
        Args:
            observations: how many inputs.
            actions: how many outputs.
            hidden: sizes of the layers between.
            seed: of the first weights.

        Raises:
            InvalidValue: a size below 1.
        """
        super().__init__()
        self.sizes = (observations, *hidden, actions)
        if min(self.sizes) < 1:
            raise InvalidValue("sizes of the policy", self.sizes, "1 or more each")
        generator = torch.Generator().manual_seed(seed)
        layers: list[nn.Module] = []
        for number, (before, after) in enumerate(zip(self.sizes[:-1], self.sizes[1:], strict=True)):
            layer = nn.Linear(before, after)
            last = number == len(self.sizes) - 2
            with torch.no_grad():
                bound = (0.1 if last else 1.0) * (3.0 / before) ** 0.5
                layer.weight.copy_(
                    bound * (2.0 * torch.rand(layer.weight.shape, generator=generator) - 1.0)
                )
                layer.bias.fill_(REST_LOGIT if last else 0.0)
            layers += [layer] if last else [layer, nn.ELU()]
        self.layers = nn.Sequential(*layers)
        self.register_buffer("mean", torch.zeros(observations))
        self.register_buffer("spread", torch.ones(observations))

    def normalise_by(self, observation: np.ndarray) -> None:
        """Sets what is normal: mean and spread of these observations. Shape (n, observations)."""
        self.mean.copy_(torch.from_numpy(observation.mean(axis=0)))
        self.spread.copy_(torch.from_numpy(np.maximum(observation.std(axis=0), LEAST_SPREAD)))

    def normalised(self, observation: torch.Tensor) -> torch.Tensor:
        """Inputs as the layers see them."""
        return torch.clamp((observation - self.mean) / self.spread, -10.0, 10.0)

    def forward(self, observation: torch.Tensor) -> torch.Tensor:
        """Logits. Shape (n, actions).

        Args:
            observation: shape (n, observations).
        """
        logits: torch.Tensor = self.layers(self.normalised(observation))
        return logits

    def act(self, observation: np.ndarray) -> np.ndarray:
        """Excitations without noise. Shape (n, actions).

        Args:
            observation: shape (n, observations).
        """
        with torch.inference_mode():
            logits = self(torch.from_numpy(np.asarray(observation, dtype=np.float32)))
            return np.asarray(torch.sigmoid(logits).numpy().astype(float))


def layer_sizes(checkpoint: Checkpoint) -> list[int]:
    """What a checkpoint says of the sizes of its policy's layers.

    Raises:
        InvalidValue: it says nothing of them, or what cannot be.
    """
    sizes = checkpoint.info.get("policy_sizes")
    if not (
        isinstance(sizes, list) and len(sizes) >= 2 and all(type(size) is int for size in sizes)
    ):
        raise InvalidValue("policy_sizes", sizes, "the sizes of a policy's layers")
    if min(sizes) < 1 or max(sizes) > 100_000:
        raise InvalidValue("policy_sizes", sizes, "from 1 to 100,000")
    return sizes


def policy_of(checkpoint: Checkpoint, *, observations: int, actions: int) -> Policy:
    """The policy that a checkpoint holds under "policy".

    Raises:
        InvalidValue: it is one of other observations or actions, or there is none.
    """
    sizes = layer_sizes(checkpoint)
    if (sizes[0], sizes[-1]) != (observations, actions):
        raise InvalidValue(
            "policy_sizes", sizes, f"from {observations} observations to {actions} actions"
        )
    check_layers(sizes, checkpoint.arrays)
    policy = Policy(observations, actions, sizes[1:-1])
    load_module("policy", policy, checkpoint.arrays)
    return policy
