"""A multilayer perceptron from observations to muscle excitations.

The network gives one logit for each muscle; the excitation is its logistic function. Gaussian
exploration noise on logits is, on excitations, in proportion to the excitation as long as that is
small, as it nearly always is (compare signal-dependent motor noise, Harris & Wolpert 1998). Noise
of constant size on excitations, which cannot be negative, would co-contract the muscles of an
over-actuated hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from musclehand.core.checkpoint import Checkpoint
from musclehand.core.errors import InvalidValue
from musclehand.learning.inference import inference
from musclehand.learning.torch_state import check_layers, load_module

REST_LOGIT = -3.0
"""Bias of the last layer at first: an excitation of 5 %, about the mean of piano playing."""

MIN_STD = 0.05
"""Least standard deviation by which inputs are divided, in units of the observation's scales.
Inputs that hardly vary are not blown up to unit variance."""

CLIP = 10.0
"""Normalised inputs are clipped to this and its negative."""

MAX_LAYER = 100_000
"""Largest layer that a file may have."""


class Policy(nn.Module):
    """Multilayer perceptron with ELU units; inputs are normalised by a fixed mean and std."""

    mean: torch.Tensor
    """Mean of each input, subtracted first. Shape (num_observations,)."""

    std: torch.Tensor
    """Standard deviation of each input, divided by. Shape (num_observations,)."""

    def __init__(
        self,
        num_observations: int,
        num_actions: int,
        hidden: Sequence[int] = (256, 256),
        *,
        seed: int = 0,
    ) -> None:
        """
        Args:
            num_observations: number of inputs.
            num_actions: number of outputs.
            hidden: sizes of the hidden layers.
            seed: of the initial weights.

        Raises:
            InvalidValue: a size below 1.
        """
        super().__init__()
        self.sizes = (num_observations, *hidden, num_actions)
        if min(self.sizes) < 1:
            raise InvalidValue("sizes of the policy", self.sizes, "1 or more each")
        generator = torch.Generator().manual_seed(seed)
        layers: list[nn.Module] = []
        for number, (inputs, outputs) in enumerate(
            zip(self.sizes[:-1], self.sizes[1:], strict=True)
        ):
            layer = nn.Linear(inputs, outputs)
            is_last = number == len(self.sizes) - 2
            with torch.no_grad():
                bound = (0.1 if is_last else 1.0) * (3.0 / inputs) ** 0.5
                layer.weight.copy_(
                    bound * (2.0 * torch.rand(layer.weight.shape, generator=generator) - 1.0)
                )
                layer.bias.fill_(REST_LOGIT if is_last else 0.0)
            layers += [layer] if is_last else [layer, nn.ELU()]
        self.layers = nn.Sequential(*layers)
        self.register_buffer("mean", torch.zeros(num_observations))
        self.register_buffer("std", torch.ones(num_observations))

    def fit_normalisation(
        self, observation: np.ndarray, *, inputs: np.ndarray | None = None
    ) -> None:
        """Sets mean and std of the inputs to those of a sample.

        Args:
            observation: the sample. Shape (n, num_observations).
            inputs: which inputs; all by default. Shape (num_observations,), bool.
        """
        where = slice(None) if inputs is None else inputs
        mean = torch.from_numpy(observation.mean(axis=0))
        std = torch.from_numpy(np.maximum(observation.std(axis=0), MIN_STD))
        self.mean[where] = mean.to(self.mean.dtype)[where]
        self.std[where] = std.to(self.std.dtype)[where]

    def normalise(self, observation: torch.Tensor) -> torch.Tensor:
        """Inputs as the first layer gets them. Shape (n, num_observations)."""
        return torch.clamp((observation - self.mean) / self.std, -CLIP, CLIP)

    def forward(self, observation: torch.Tensor) -> torch.Tensor:
        """Logits of the excitations. Shape (n, num_actions).

        Args:
            observation: shape (n, num_observations).
        """
        logits: torch.Tensor = self.layers(self.normalise(observation))
        return logits

    def act(self, observation: np.ndarray) -> np.ndarray:
        """Excitations, 0 to 1, without exploration noise. Shape (n, num_actions), 8-byte floats.

        Args:
            observation: shape (n, num_observations).
        """
        with inference():
            logits = self(torch.from_numpy(np.asarray(observation, dtype=np.float32)))
            return np.asarray(torch.sigmoid(logits).numpy().astype(float))


def layer_sizes(info: Mapping[str, Any]) -> list[int]:
    """Sizes of a policy's layers, the entry "policy_sizes" of its file's metadata.

    Raises:
        InvalidValue: there are none, or sizes out of range.
    """
    sizes = info.get("policy_sizes")
    if not (
        isinstance(sizes, list) and len(sizes) >= 2 and all(type(size) is int for size in sizes)
    ):
        raise InvalidValue("policy_sizes", sizes, "the sizes of a policy's layers")
    if min(sizes) < 1 or max(sizes) > MAX_LAYER:
        raise InvalidValue("policy_sizes", sizes, f"from 1 to {MAX_LAYER:,}")
    return sizes


def policy_from_checkpoint(
    checkpoint: Checkpoint, *, num_observations: int, num_actions: int
) -> Policy:
    """The policy whose tensors a checkpoint holds under "policy".

    Args:
        checkpoint: of a policy, or of a training of one.
        num_observations: number of inputs that it has to have.
        num_actions: number of outputs that it has to have.

    Raises:
        InvalidValue: the policy has other inputs or outputs, or there is none.
    """
    sizes = layer_sizes(checkpoint.info)
    if (sizes[0], sizes[-1]) != (num_observations, num_actions):
        raise InvalidValue(
            "policy_sizes", sizes, f"from {num_observations} observations to {num_actions} actions"
        )
    check_layers(sizes, checkpoint.arrays)
    policy = Policy(num_observations, num_actions, sizes[1:-1])
    load_module("policy", policy, checkpoint.arrays)
    return policy
