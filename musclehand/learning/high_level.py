"""The planner: from what is to be done to an intention, by way of the motion that it wants.

A tracking policy is shown a motion to follow, and the encoder of a latent space (`learning.vae`)
turns what it is shown into an intention. A planner is shown no motion; its network says the numbers
that would be shown, and the same encoder, which stays as it is, turns them into an intention. That
is easier to learn than intentions themselves: a wanted motion follows from the notes and from where
the hand is, whatever its muscles do at the moment, so it can be learnt from plans alone, where
nothing moves (`envs.piano.scattered`); and the encoder knows what a millimetre is worth. What an
encoder is shown is mostly differences, from where the hand is to where it should be. The hand's
part of them is known; only the rest is left to the network.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from musclehand.core.errors import InvalidValue
from musclehand.learning.vae import LatentPolicy, mlp

LEAST_SPREAD = 0.02
"""Numbers that differ less than that are not blown up to differ by 1."""

LARGEST = 10.0
"""Nothing larger is shown, as in all observations."""

EDGE = 1e-6
"""Actions are so far from 0 and 1 at least where their logits are asked for."""


class HighLevelNetwork(nn.Module):
    """A network of `hidden` layers before the encoder of `latent`. What is normal, of what it
    sees and of what it says, is set once and then stays."""

    seen: torch.Tensor
    felt: torch.Tensor
    shown: torch.Tensor
    mean: torch.Tensor
    spread: torch.Tensor
    middle: torch.Tensor
    width: torch.Tensor
    hand: torch.Tensor

    def __init__(
        self,
        latent: LatentPolicy,
        *,
        seen: np.ndarray,
        felt: np.ndarray,
        shown: np.ndarray,
        hand: np.ndarray,
        moves: int,
        hidden: Sequence[int] = (512, 512),
        seed: int = 0,
    ) -> None:
        """
        Args:
            latent: whose encoder turns what is wanted into an intention.
            seen: which numbers of an observation the network looks at. Shape (observations,), bool.
            felt: which of them the encoder is given as they are, in its order. Shape
                (observations,), bool.
            shown: which of the numbers that the encoder sees the network says. Shape (its
                observations,), bool.
            hand: what of them follows from an observation, to which the network adds. Shape (shown,
                observations).
            moves: other actions beside the intention.
            hidden: sizes of the layers between.
            seed: of the first weights.

        Raises:
            InvalidValue: a size below 1, or the encoder's observation is not what is felt and what
                is shown.
        """
        super().__init__()
        seen, felt, shown = (np.asarray(part, dtype=bool) for part in (seen, felt, shown))
        if min(moves, *hidden, int(seen.sum())) < 1 or len(seen) != len(felt):
            raise InvalidValue(
                "seen, felt, moves, hidden",
                (len(seen), len(felt), moves, hidden),
                "1 or more, alike",
            )
        if len(shown) != latent.sizes[0] or felt.sum() + shown.sum() != len(shown):
            told = (int(felt.sum()), int(shown.sum()))
            raise InvalidValue(
                "numbers felt and shown", told, f"all {latent.sizes[0]} of the encoder"
            )
        if np.shape(hand) != (shown.sum(), len(seen)):
            raise InvalidValue("shape of hand", np.shape(hand), f"{(int(shown.sum()), len(seen))}")
        # Not a part of this module: it does not learn with it.
        self._latent = (latent.requires_grad_(False),)
        said = int(shown.sum()) + moves
        self.sizes = (len(seen), *hidden, latent.latent + moves)
        self.moves = moves
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.layers = mlp(int(seen.sum()), hidden, said)
        for name, values in (("seen", seen), ("felt", felt), ("shown", shown)):
            self.register_buffer(name, torch.from_numpy(values))
        self.register_buffer(
            "hand", torch.from_numpy(np.asarray(hand, dtype=np.float32)), persistent=False
        )
        for name, count in (("mean", len(seen)), ("middle", said)):
            self.register_buffer(name, torch.zeros(count))
        for name, count in (("spread", len(seen)), ("width", said)):
            self.register_buffer(name, torch.ones(count))

    @property
    def latent(self) -> LatentPolicy:
        """Whose intentions these are."""
        return self._latent[0]

    def wanted(
        self, observation: torch.Tensor, shown: torch.Tensor, moves: torch.Tensor
    ) -> torch.Tensor:
        """What has to be wanted for that to be shown and done. Shape (n, shown + moves).

        Args:
            observation: shape (n, observations).
            shown: to the encoder. Shape (n, shown).
            moves: the other actions. Shape (n, moves).
        """
        return torch.cat([shown - observation @ self.hand.T, moves], dim=1)

    def normalise_by(self, observation: np.ndarray, wanted: np.ndarray) -> None:
        """Sets what is normal: mean and spread of these. Shapes (n, observations) and (n, shown
        + moves)."""
        for (mean, spread), rows in (
            ((self.mean, self.spread), observation),
            ((self.middle, self.width), wanted),
        ):
            mean.copy_(torch.from_numpy(rows.mean(axis=0)))
            spread.copy_(torch.from_numpy(np.maximum(rows.std(axis=0), LEAST_SPREAD)))

    def wants(self, observation: torch.Tensor) -> torch.Tensor:
        """What is wanted, in units of what is normal. Shape (n, shown + moves)."""
        inputs = torch.clamp((observation - self.mean) / self.spread, -10.0, 10.0)[:, self.seen]
        wanted: torch.Tensor = self.layers(inputs)
        return wanted

    def actions(self, observation: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        """The actions, from 0 to 1, that follow from what is wanted. Shape (n, latent + moves)."""
        told = self.middle + self.width * wanted
        eyes = torch.empty(len(told), len(self.shown))
        shown = told[:, : -self.moves] + observation @ self.hand.T
        eyes[:, ~self.shown], eyes[:, self.shown] = (
            observation[:, self.felt],
            shown.clamp(-LARGEST, LARGEST),
        )
        z = self.latent.encode(eyes).mean
        both = torch.cat([0.5 + 0.5 * z / self.latent.reach, told[:, -self.moves :]], dim=1)
        return torch.clamp(both, 0.0, 1.0)

    def forward(self, observation: torch.Tensor) -> torch.Tensor:
        """Logits of the actions. Shape (n, latent + moves).

        Args:
            observation: shape (n, observations).
        """
        return torch.logit(self.actions(observation, self.wants(observation)), eps=EDGE)

    def act(self, observation: np.ndarray) -> np.ndarray:
        """Actions without noise. Shape (n, latent + moves).

        Args:
            observation: shape (n, observations).
        """
        with torch.inference_mode():
            seen = torch.from_numpy(np.asarray(observation, dtype=np.float32))
            return np.asarray(self.actions(seen, self.wants(seen)).numpy().astype(float))
