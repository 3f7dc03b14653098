"""Conditional variational autoencoder (CVAE): a latent action space distilled from a policy.

The encoder maps an observation to a distribution over latent actions `z`. The decoder maps `z` and
a part of the observation, the *state*, to muscle excitations. The state has no reference motion of
the hand (`decoder_mask` in `envs.tracking.observation`). A latent action is held for several steps
of the muscles (action repeat), and the decoder also gets the step within the repeat. The prior maps
the state alone to a distribution over `z`, as in PULSE.

Sources: conditional VAE, Sohn, Lee & Yan 2015 (NeurIPS); state-dependent prior for physics-based
motion, PULSE, Luo et al. 2024 (ICLR).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from musclehand.core.errors import InvalidValue
from musclehand.learning.inference import inference
from musclehand.learning.policy import CLIP, REST_LOGIT, Policy

OUTPUT_SCALE = 0.1
"""Factor on the initial weights of output layers, so that an untrained network's outputs are
near its biases."""

MIN_LOG_STD = -5.0
"""Least logarithm of the standard deviation of encoder and prior; the encoder's without
`variational`."""

MAX_LOG_STD = 1.0
"""Largest logarithm of the standard deviation of encoder and prior."""


class Gaussian(NamedTuple):
    """Normal distributions with diagonal covariance, one for each of n rows."""

    mean: torch.Tensor
    """Shape (n, latent_size)."""

    log_std: torch.Tensor
    """Natural logarithm of the standard deviation. Shape (n, latent_size)."""

    def sample(self, noise: torch.Tensor) -> torch.Tensor:
        """Samples by the reparametrisation `mean + noise * std`. Shape (n, latent_size).

        Args:
            noise: from the standard normal distribution. Shape (n, latent_size).
        """
        return self.mean + noise * self.log_std.exp()

    def kl_divergence(self, prior: Gaussian) -> torch.Tensor:
        """Kullback-Leibler divergence KL(self || prior) of each row [nats]. Shape (n,)."""
        square = (self.mean - prior.mean).square() + (2.0 * self.log_std).exp()
        terms = prior.log_std - self.log_std + 0.5 * square * (-2.0 * prior.log_std).exp() - 0.5
        return terms.sum(dim=1)


class LatentPolicy(nn.Module):
    """Encoder, state-dependent prior and decoder of a latent action space."""

    latent_bound = 3.0
    """Means of encoder and prior lie between this and its negative."""

    state_mask: torch.Tensor
    """The tensor of `decoder_mask`, under its name in files. Shape (num_observations,), bool."""

    mean: torch.Tensor
    """Mean of each input, subtracted first. Shape (num_observations,)."""

    std: torch.Tensor
    """Standard deviation of each input, divided by. Shape (num_observations,)."""

    def __init__(
        self,
        decoder_mask: np.ndarray,
        num_actions: int,
        *,
        latent_size: int,
        action_repeat: int,
        hidden: Sequence[int] = (256, 256),
        variational: bool = True,
        seed: int = 0,
    ) -> None:
        """
        Args:
            decoder_mask: which numbers of an observation are the state, which decoder and prior
                get. Shape (num_observations,), bool.
            num_actions: number of excitations.
            latent_size: dimension of `z`.
            action_repeat: steps of the muscles for which a latent action is held.
            hidden: sizes of the hidden layers of each of the three networks.
            variational: False makes a plain autoencoder: a fixed small std of the encoder, and a
                prior with mean 0.
            seed: of the initial weights.

        Raises:
            InvalidValue: a size below 1, or a mask that chooses all numbers or none.
        """
        super().__init__()
        decoder_mask = np.asarray(decoder_mask, dtype=bool)
        state_size = int(decoder_mask.sum())
        if min(num_actions, latent_size, action_repeat, *hidden) < 1 or not 0 < state_size < len(
            decoder_mask
        ):
            sizes = (
                state_size,
                len(decoder_mask),
                num_actions,
                latent_size,
                action_repeat,
                *hidden,
            )
            raise InvalidValue(
                "state, observation, num_actions, latent_size, action_repeat, hidden",
                sizes,
                "1 or more each, and a state that is a part of the observation",
            )
        self.sizes = (len(decoder_mask), *hidden)
        self.num_actions = num_actions
        self.latent_size = latent_size
        self.action_repeat = action_repeat
        self.variational = variational
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.encoder = SkipMlp(len(decoder_mask), hidden, 2 * latent_size)
            self.prior = SkipMlp(state_size, hidden, 2 * latent_size)
            self.decoder = SkipMlp(state_size + latent_size + action_repeat, hidden, num_actions)
        with torch.no_grad():
            self.decoder.last.bias.fill_(REST_LOGIT)
        self.register_buffer("state_mask", torch.from_numpy(decoder_mask.copy()))
        self.register_buffer("mean", torch.zeros(len(decoder_mask)))
        self.register_buffer("std", torch.ones(len(decoder_mask)))

    @property
    def decoder_mask(self) -> torch.Tensor:
        """Which numbers of an observation are the state, which decoder and prior get. Shape
        (num_observations,), bool."""
        return self.state_mask

    def copy_normalisation(self, policy: Policy) -> None:
        """Takes over the inputs' mean and std from a policy with the same observation."""
        self.mean.copy_(policy.mean)
        self.std.copy_(policy.std)

    def normalise(self, observation: torch.Tensor) -> torch.Tensor:
        """Inputs as the networks get them. Shape (n, num_observations)."""
        return torch.clamp((observation - self.mean) / self.std, -CLIP, CLIP)

    def encode(self, observation: torch.Tensor) -> Gaussian:
        """Posterior over latent actions, given the whole observation.

        Args:
            observation: shape (n, num_observations).
        """
        return self._gaussian(self.encoder(self.normalise(observation)))

    def prior_distribution(self, observation: torch.Tensor) -> Gaussian:
        """Prior over latent actions, given the state alone.

        Args:
            observation: of which only the state is used. Shape (n, num_observations).
        """
        if not self.variational:
            mean = torch.zeros(len(observation), self.latent_size)
            return Gaussian(mean, torch.zeros_like(mean))
        return self._gaussian(self.prior(self.normalise(observation)[:, self.decoder_mask]))

    def decode(
        self, observation: torch.Tensor, z: torch.Tensor, repeat_index: torch.Tensor
    ) -> torch.Tensor:
        """Logits of the excitations. Shape (n, num_actions).

        Args:
            observation: of which only the state is used. Shape (n, num_observations).
            z: latent actions. Shape (n, latent_size).
            repeat_index: steps for which each latent action has been held, 0 to
                `action_repeat` - 1. Shape (n,), integers.
        """
        phase = nn.functional.one_hot(repeat_index, self.action_repeat).to(z.dtype)
        logits: torch.Tensor = self.decoder(
            torch.cat([self.normalise(observation)[:, self.decoder_mask], z, phase], dim=1)
        )
        return logits

    def act(
        self, observation: np.ndarray, z: np.ndarray, repeat_index: np.ndarray | int
    ) -> np.ndarray:
        """Excitations, 0 to 1, by the decoder. Shape (n, num_actions), 8-byte floats.

        Args:
            observation: of which only the state is used. Shape (n, num_observations).
            z: latent actions. Shape (n, latent_size).
            repeat_index: steps for which each has been held. Shape (n,), or one number for all.
        """
        with inference():
            logits = self.decode(
                torch.from_numpy(np.asarray(observation, dtype=np.float32)),
                torch.from_numpy(np.asarray(z, dtype=np.float32)),
                torch.from_numpy(np.broadcast_to(repeat_index, len(observation)).astype(np.int64)),
            )
            return np.asarray(torch.sigmoid(logits).numpy().astype(float))

    def encode_mean(self, observation: np.ndarray) -> np.ndarray:
        """Mean latent actions of the encoder. Shape (n, latent_size).

        Args:
            observation: shape (n, num_observations).
        """
        with inference():
            tensor = torch.from_numpy(np.asarray(observation, dtype=np.float32))
            return np.asarray(self.encode(tensor).mean.numpy())

    def _gaussian(self, outputs: torch.Tensor) -> Gaussian:
        """Outputs of encoder or prior as distributions, with soft bounds on the means."""
        mean, log_std = outputs.chunk(2, dim=1)
        mean = self.latent_bound * torch.tanh(mean / self.latent_bound)
        if not self.variational:
            return Gaussian(mean, torch.full_like(mean, MIN_LOG_STD))
        return Gaussian(mean, log_std.clamp(MIN_LOG_STD, MAX_LOG_STD))


class LatentHold:
    """Action repeat of n hands: keeps each hand's latent action for `action_repeat` steps."""

    z: np.ndarray
    """Latent action of each hand. Shape (n, latent_size)."""

    repeat_index: np.ndarray
    """Steps for which each has been held, 0 in the step in which it is encoded. Shape (n,)."""

    def __init__(self, policy: LatentPolicy, hands: int) -> None:
        self._policy = policy
        self.z = np.zeros((hands, policy.latent_size), dtype=np.float32)
        self.repeat_index = np.full(hands, policy.action_repeat - 1)

    def update(self, observation: np.ndarray, begun: np.ndarray) -> np.ndarray:
        """Advances by one step; encodes a new latent action where the last one has run out.

        Args:
            observation: current one. Shape (n, num_observations).
            begun: hands whose episode begins with it. Shape (n,), bool.

        Returns:
            Which hands have a new latent action, the encoder's mean. Shape (n,), bool.
        """
        new = begun | (self.repeat_index >= self._policy.action_repeat - 1)
        if new.any():
            self.z[new] = self._policy.encode_mean(observation[new])
        self.repeat_index = np.where(new, 0, self.repeat_index + 1)
        return np.asarray(new)


class LatentActor:
    """A latent policy as an `Actor` for one evaluation (`envs.tracking.evaluation.evaluate`)."""

    def __init__(self, policy: LatentPolicy) -> None:
        self._policy = policy
        self._hold: LatentHold | None = None

    def __call__(self, observation: np.ndarray, env: object) -> np.ndarray:
        """Excitations. Shape (n, num_actions).

        Args:
            observation: shape (n, num_observations).
            env: not used.
        """
        begun = np.zeros(len(observation), dtype=bool)
        if self._hold is None:
            self._hold = LatentHold(self._policy, len(observation))
            begun = ~begun
        self._hold.update(observation, begun)
        return self._policy.act(observation, self._hold.z, self._hold.repeat_index)


class SkipMlp(nn.Module):
    """Multilayer perceptron with a linear skip connection from inputs to outputs.

    Tracking errors of a millimetre come as differences of numbers that vary by centimetres. The
    skip connection passes them on exactly; layers with a nonlinearity would have to learn to, and
    err by about a per cent of the inputs' range.
    """

    def __init__(self, inputs: int, hidden: Sequence[int], outputs: int) -> None:
        """
        Args:
            inputs: number of inputs.
            hidden: sizes of the hidden layers.
            outputs: number of outputs.
        """
        super().__init__()
        self.mlp = make_mlp(inputs, hidden, outputs)
        self.skip = nn.Linear(inputs, outputs, bias=False)
        with torch.no_grad():
            self.last.weight.mul_(OUTPUT_SCALE)
            self.skip.weight.mul_(OUTPUT_SCALE)

    @property
    def last(self) -> nn.Linear:
        """Output layer of the multilayer perceptron."""
        layer = self.mlp[-1]
        assert isinstance(layer, nn.Linear)
        return layer

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Outputs. Shape (n, outputs).

        Args:
            inputs: shape (n, inputs).
        """
        outputs: torch.Tensor = self.mlp(inputs) + self.skip(inputs)
        return outputs


def make_mlp(inputs: int, hidden: Sequence[int], outputs: int) -> nn.Sequential:
    """Multilayer perceptron with ELU units and a linear output layer.

    Args:
        inputs: number of inputs.
        hidden: sizes of the hidden layers.
        outputs: number of outputs.
    """
    layers: list[nn.Module] = []
    for size in hidden:
        layers += [nn.Linear(inputs, size), nn.ELU()]
        inputs = size
    return nn.Sequential(*layers, nn.Linear(inputs, outputs))
