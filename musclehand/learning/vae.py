"""A latent space of skill: what a policy that follows motion does, split into what to do and how
muscles do it.

Of an observation, part is the hand's own state, the rest is the reference. An encoder tells from
both what is to be done, as a few numbers z; a decoder turns state, z, and how long z has been held
into excitations, at the rate of the muscles, while z is held for several steps. A prior tells from
the state alone which z are usual there. The three are a conditional variational autoencoder (Sohn,
Lee & Yan 2015, NeurIPS); the prior that knows the state is as in PULSE (Luo et al. 2024, ICLR).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from musclehand.core.errors import InvalidValue
from musclehand.learning.policy import REST_LOGIT, Policy

FIRST = 0.1
"""Factor on the first weights of what comes last: a network that knows nothing yet says little."""

LEAST_LOG_STD = -5.0
MOST_LOG_STD = 1.0
"""Bounds of what encoder and prior say of their spread, as its logarithm."""


class Gaussian(NamedTuple):
    """Independent normal distributions: `mean` and `log_std`, shape (n, latent)."""

    mean: torch.Tensor
    log_std: torch.Tensor

    def sample(self, noise: torch.Tensor) -> torch.Tensor:
        """A sample from noise of unit spread, shape (n, latent)."""
        return self.mean + noise * self.log_std.exp()

    def divergence(self, other: Gaussian) -> torch.Tensor:
        """Kullback-Leibler divergence of this from the other, summed over the latent's numbers
        [nats]. Shape (n,)."""
        apart = (self.mean - other.mean).square() + (2.0 * self.log_std).exp()
        each = other.log_std - self.log_std + 0.5 * apart * (-2.0 * other.log_std).exp() - 0.5
        return each.sum(dim=1)


class LatentPolicy(nn.Module):
    """Encoder, prior and decoder. `latent`: numbers of z; `hold`: steps for which one is held;
    `reach`: means of z, what is intended as well as what is usual, lie between that and its
    negative."""

    reach = 3.0
    state: torch.Tensor
    mean: torch.Tensor
    spread: torch.Tensor

    def __init__(
        self,
        state: np.ndarray,
        actions: int,
        *,
        latent: int,
        hold: int,
        hidden: Sequence[int] = (256, 256),
        variational: bool = True,
        seed: int = 0,
    ) -> None:
        """
        Args:
            state: which numbers of an observation are the hand's own state. Shape (observations,),
                bool.
            actions: how many excitations.
            latent: numbers of z.
            hold: steps for which one is held.
            hidden: sizes of the layers between, of each of the three.
            variational: with False encoder and prior have no spread, and the prior's mean is 0.
            seed: of the first weights.

        Raises:
            InvalidValue: a size below 1, or a state that is all of the observation, or nothing of
                it.
        """
        super().__init__()
        state = np.asarray(state, dtype=bool)
        if min(actions, latent, hold, *hidden) < 1 or not 0 < state.sum() < len(state):
            sizes = (int(state.sum()), len(state), actions, latent, hold, *hidden)
            raise InvalidValue(
                "state, observation, actions, latent, hold, hidden",
                sizes,
                "1 or more, and some of both",
            )
        self.sizes = (len(state), *hidden)
        self.actions = actions
        self.latent = latent
        self.hold = hold
        self.variational = variational
        own = int(state.sum())
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.encoder = SkipMlp(len(state), hidden, 2 * latent)
            self.prior = SkipMlp(own, hidden, 2 * latent)
            self.decoder = SkipMlp(own + latent + hold, hidden, actions)
        with torch.no_grad():
            self.decoder.last.bias.fill_(REST_LOGIT)
        self.register_buffer("state", torch.from_numpy(state.copy()))
        self.register_buffer("mean", torch.zeros(len(state)))
        self.register_buffer("spread", torch.ones(len(state)))

    def normalise_as(self, policy: Policy) -> None:
        """Takes over what is normal from a policy of the same observation."""
        self.mean.copy_(policy.mean)
        self.spread.copy_(policy.spread)

    def normalised(self, observation: torch.Tensor) -> torch.Tensor:
        """Inputs as the layers see them."""
        return torch.clamp((observation - self.mean) / self.spread, -10.0, 10.0)

    def encode(self, observation: torch.Tensor) -> Gaussian:
        """What is to be done. Shapes (n, observations) and (n, latent)."""
        return self._gaussian(self.encoder(self.normalised(observation)))

    def usual(self, observation: torch.Tensor) -> Gaussian:
        """What is usually done in that state, whatever the reference. Shapes (n, observations)
        and (n, latent)."""
        if not self.variational:
            mean = torch.zeros(len(observation), self.latent)
            return Gaussian(mean, torch.zeros_like(mean))
        return self._gaussian(self.prior(self.normalised(observation)[:, self.state]))

    def decode(
        self, observation: torch.Tensor, z: torch.Tensor, held: torch.Tensor
    ) -> torch.Tensor:
        """Logits of excitations in that state. Shape (n, actions).

        Args:
            observation: of which only the state is looked at. Shape (n, observations).
            z: what to do. Shape (n, latent).
            held: for how many steps it has been held. Shape (n,), whole numbers below `hold`.
        """
        turn = nn.functional.one_hot(held, self.hold).to(z.dtype)
        logits: torch.Tensor = self.decoder(
            torch.cat([self.normalised(observation)[:, self.state], z, turn], dim=1)
        )
        return logits

    def act(self, observation: np.ndarray, z: np.ndarray, held: np.ndarray | int) -> np.ndarray:
        """Excitations. Shape (n, actions); arguments as for `decode`, `held` one number if it is
        the same for all."""
        with torch.inference_mode():
            seen, wanted = (
                torch.from_numpy(np.asarray(part, dtype=np.float32)) for part in (observation, z)
            )
            turn = torch.from_numpy(np.broadcast_to(held, len(observation)).astype(np.int64))
            return np.asarray(torch.sigmoid(self.decode(seen, wanted, turn)).numpy().astype(float))

    def intend(self, observation: np.ndarray) -> np.ndarray:
        """The encoder's mean. Shape (n, latent).

        Args:
            observation: shape (n, observations).
        """
        with torch.inference_mode():
            seen = torch.from_numpy(np.asarray(observation, dtype=np.float32))
            return np.asarray(self.encode(seen).mean.numpy())

    def _gaussian(self, both: torch.Tensor) -> Gaussian:
        mean, log_std = both.chunk(2, dim=1)
        mean = self.reach * torch.tanh(mean / self.reach)
        if not self.variational:
            return Gaussian(mean, torch.full_like(mean, LEAST_LOG_STD))
        return Gaussian(mean, log_std.clamp(LEAST_LOG_STD, MOST_LOG_STD))


class LatentHold:
    """What n hands hold on to: a z each, made anew every `hold` steps and where an episode
    begins; `held` for so many steps by now."""

    def __init__(self, policy: LatentPolicy, hands: int) -> None:
        self._policy = policy
        self.z = np.zeros((hands, policy.latent), dtype=np.float32)
        self.held = np.full(hands, policy.hold - 1)

    def renew(self, observation: np.ndarray, begun: np.ndarray) -> np.ndarray:
        """Which hands have a new z, by the encoder's mean. Shape (n,), bool.

        Args:
            observation: of now. Shape (n, observations).
            begun: hands whose episode begins now. Shape (n,), bool.
        """
        new = begun | (self.held >= self._policy.hold - 1)
        if new.any():
            self.z[new] = self._policy.intend(observation[new])
        self.held = np.where(new, 0, self.held + 1)
        return np.asarray(new)


class LatentActor:
    """Has a latent policy act in one evaluation: an `Actor` of `envs.tracking.evaluation`."""

    def __init__(self, policy: LatentPolicy) -> None:
        self._policy = policy
        self._held: LatentHold | None = None

    def __call__(self, observation: np.ndarray, env: object) -> np.ndarray:
        """Excitations. Shape (n, actions)."""
        begun = np.zeros(len(observation), dtype=bool)
        if self._held is None:
            self._held = LatentHold(self._policy, len(observation))
            begun = ~begun
        self._held.renew(observation, begun)
        return self._policy.act(observation, self._held.z, self._held.held)


class SkipMlp(nn.Module):
    """Layers from `before` numbers by `hidden` ones to `after`, and a straight way beside them.
    `last`: the last one.

    Where a hand should be and where it is differ by little, told as numbers that vary by much. A
    straight way passes them on exactly; layers would have to learn to, and come no nearer than a
    per cent of what they vary by.
    """

    def __init__(self, before: int, hidden: Sequence[int], after: int) -> None:
        super().__init__()
        self.curved = mlp(before, hidden, after)
        self.straight = nn.Linear(before, after, bias=False)
        with torch.no_grad():
            self.last.weight.mul_(FIRST)
            self.straight.weight.mul_(FIRST)

    @property
    def last(self) -> nn.Linear:
        """Of the curved ones."""
        layer = self.curved[-1]
        assert isinstance(layer, nn.Linear)
        return layer

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        """Shapes (n, before) and (n, after)."""
        told: torch.Tensor = self.curved(numbers) + self.straight(numbers)
        return told


def mlp(before: int, hidden: Sequence[int], after: int) -> nn.Sequential:
    """Layers from `before` numbers by `hidden` ones to `after`."""
    layers: list[nn.Module] = []
    for size in hidden:
        layers += [nn.Linear(before, size), nn.ELU()]
        before = size
    return nn.Sequential(*layers, nn.Linear(before, after))
