"""A latent space of skill made better by the slope of the reward: encoder, prior and decoder
together.

As `learning.apg`, for a policy that acts by intentions, each held for some steps. What a later step
owes to an intention goes back to where it was formed, and from there through the encoder to what
was seen then. The divergence from what is usual, and the change from one intention to the next,
have a price.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from musclehand.core.errors import InvalidValue
from musclehand.core.vec_env import DifferentiableEnv
from musclehand.learning.apg import ApgConfig, ApgTraining
from musclehand.learning.vae import LatentPolicy


@dataclass(frozen=True)
class LatentApgConfig(ApgConfig):
    """As `ApgConfig`; `divergence`: price of a nat of divergence from what is usual, in units of
    a usual slope."""

    iterations: int = 640
    decay: int = 400
    divergence: float = 3e-4

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.divergence >= 0:
            raise InvalidValue("divergence", self.divergence, "0 or more")


class LatentApgTraining(ApgTraining):
    """A run in a folder. `policy` is what has been learnt; `done` iterations."""

    policy: LatentPolicy  # type: ignore[assignment]
    config: LatentApgConfig

    def __init__(
        self,
        env: DifferentiableEnv,
        policy: LatentPolicy,
        config: LatentApgConfig,
        folder: Path,
        *,
        known: Mapping[str, Any],
    ) -> None:
        """Begins with a latent policy, or goes on where the folder's run was; arguments and
        errors as `Training`."""
        rows = config.steps, env.num_envs
        self._noise = np.zeros((*rows, policy.latent), dtype=np.float32)
        self._z = self._noise.copy()
        # The step in which the intention that holds was formed.
        self._formed = np.zeros(rows, dtype=int)
        self._by_z = np.zeros(self._z.shape[1:], dtype=np.float32)
        super().__init__(env, policy, config, folder, known=known)  # type: ignore[arg-type]

    def _act(self, step: int, seen: np.ndarray, begun: np.ndarray) -> np.ndarray:
        if step == 0:
            rng = np.random.default_rng([self.config.seed, self.done, 5])
            self._noise = rng.standard_normal(self._noise.shape).astype(np.float32)
            self._by_z[:] = 0.0
        else:
            self._z[step], self._formed[step] = self._z[step - 1], self._formed[step - 1]
        new = begun | (step - self._formed[step] >= self.policy.hold)
        if new.any():
            with torch.no_grad():
                intended = self.policy.encode(torch.from_numpy(seen[new]))
                self._z[step, new] = intended.sample(
                    torch.from_numpy(self._noise[step, new])
                ).numpy()
            self._formed[step, new] = step
        return self.policy.act(seen, self._z[step], step - self._formed[step])

    def _answer(
        self, step: int, seen: np.ndarray, by_action: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        policy = self.policy
        noise = torch.from_numpy(self._noise[step])
        shown, z = (
            torch.from_numpy(part).requires_grad_() for part in (seen, self._z[step].copy())
        )
        logits = policy.decode(shown, z, torch.from_numpy(step - self._formed[step]))
        action = torch.sigmoid(logits).detach().numpy()
        slopes = by_action * action * (1.0 - action)
        by_seen, by_z = torch.autograd.grad(logits, (shown, z), torch.from_numpy(slopes))
        self._by_z += by_z.numpy()
        formed = self._formed[step] == step
        if formed.any():
            owed = torch.from_numpy(self._by_z * formed[:, None])
            (by_first,) = torch.autograd.grad(policy.encode(shown).sample(noise), shown, owed)
            by_seen = by_seen + by_first
            self._by_z[formed] = 0.0
        return slopes, by_seen.numpy()

    def _logits(
        self, observation: np.ndarray, rows: np.ndarray
    ) -> tuple[torch.Tensor, torch.Tensor]:
        policy = self.policy
        hands = self._formed.shape[1]
        formed = self._formed.ravel()[rows] * hands + rows % hands
        first = torch.from_numpy(observation[formed])
        intended = policy.encode(first)
        z = intended.sample(torch.from_numpy(self._noise.reshape(-1, policy.latent)[formed]))
        held = torch.from_numpy(rows // hands - self._formed.ravel()[rows])
        logits = policy.decode(torch.from_numpy(observation[rows]), z, held)
        if not policy.variational:
            return logits, torch.zeros(())
        return logits, self.config.divergence * intended.divergence(policy.usual(first)).mean()
