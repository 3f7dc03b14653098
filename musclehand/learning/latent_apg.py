"""Analytic policy gradients for a latent action space: encoder and decoder are trained together.

As `learning.apg`, for a policy that encodes a latent action every few steps and decodes it to
excitations. The gradients of all steps in which a latent action is held are summed, passed back to
the step in which it was encoded, and through the encoder to the observation there. The KL
divergence of the encoder from the prior has a weight in the loss, by which the prior learns too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from typing_extensions import override

from musclehand.core.vec_env import DifferentiableEnv
from musclehand.learning.apg import ApgConfig, ApgTraining
from musclehand.learning.training import RngStream, check_value
from musclehand.learning.vae import LatentPolicy


@dataclass(frozen=True)
class LatentApgConfig(ApgConfig):
    """How to train a latent action space by analytic policy gradients."""

    iterations: int = 640
    """Iterations in all; each rolls out `steps` and learns from them once."""

    decay: int = 400
    """Iterations in which the learning rate falls to a tenth, exponentially."""

    kl_weight: float = 3e-4
    """[1/nat] Weight of the KL divergence from the prior; the return's gradient is of size 1."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_value(self, "kl_weight", self.kl_weight >= 0, "0 or more")


class LatentApgTraining(ApgTraining):
    """Analytic policy gradients for a latent action space, in a folder."""

    policy: LatentPolicy  # type: ignore[assignment]
    config: LatentApgConfig

    def __init__(
        self,
        env: DifferentiableEnv,
        policy: LatentPolicy,
        config: LatentApgConfig,
        folder: Path,
        *,
        identity: Mapping[str, Any],
    ) -> None:
        """Begins a training, or resumes that of the folder.

        Args:
            env: environments that differentiate their rewards.
            policy: latent policy to begin with; it is trained itself, not a copy.
            config: how to learn.
            folder: of the checkpoints.
            identity: what a resumed run has to agree with.

        Raises:
            CheckpointError: the folder holds another run, or a damaged one.
        """
        shape = (config.steps, env.num_envs)
        self._noise = np.zeros((*shape, policy.latent_size), dtype=np.float32)
        self._z = self._noise.copy()
        # The step in which the latent action of each step was encoded.
        self._encoded_at = np.zeros(shape, dtype=int)
        # Gradient with respect to the latent actions, summed over the steps that hold them.
        self._z_gradient = np.zeros(self._z.shape[1:], dtype=np.float32)
        super().__init__(env, policy, config, folder, identity=identity)  # type: ignore[arg-type]

    @override
    def _act(self, step: int, observation: np.ndarray, begun: np.ndarray) -> np.ndarray:
        if step == 0:
            rng = np.random.default_rng(
                [self.config.seed, self.iterations_done, RngStream.LATENT_APG]
            )
            self._noise = rng.standard_normal(self._noise.shape).astype(np.float32)
            self._z_gradient[:] = 0.0
        else:
            self._z[step] = self._z[step - 1]
            self._encoded_at[step] = self._encoded_at[step - 1]
        new = begun | (step - self._encoded_at[step] >= self.policy.action_repeat)
        if new.any():
            with torch.no_grad():
                posterior = self.policy.encode(torch.from_numpy(observation[new]))
                self._z[step, new] = posterior.sample(
                    torch.from_numpy(self._noise[step, new])
                ).numpy()
            self._encoded_at[step, new] = step
        return self.policy.act(observation, self._z[step], step - self._encoded_at[step])

    @override
    def _backward_policy(
        self, step: int, observation: np.ndarray, action_gradient: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        policy = self.policy
        noise = torch.from_numpy(self._noise[step])
        inputs = torch.from_numpy(observation).requires_grad_()
        z = torch.from_numpy(self._z[step].copy()).requires_grad_()
        logits = policy.decode(inputs, z, torch.from_numpy(step - self._encoded_at[step]))
        action = torch.sigmoid(logits).detach().numpy()
        logit_gradient = action_gradient * action * (1.0 - action)
        input_gradient, z_gradient = torch.autograd.grad(
            logits, (inputs, z), torch.from_numpy(logit_gradient)
        )
        self._z_gradient += z_gradient.numpy()
        encoded = self._encoded_at[step] == step
        if encoded.any():
            output_gradient = torch.from_numpy(self._z_gradient * encoded[:, None])
            (encoder_gradient,) = torch.autograd.grad(
                policy.encode(inputs).sample(noise), inputs, output_gradient
            )
            input_gradient = input_gradient + encoder_gradient
            self._z_gradient[encoded] = 0.0
        return logit_gradient, input_gradient.numpy()

    @override
    def _logits(
        self, observation: np.ndarray, rows: np.ndarray
    ) -> tuple[torch.Tensor, torch.Tensor]:
        policy = self.policy
        hands = self._encoded_at.shape[1]
        # The rows of the observations that the latent actions were encoded from.
        encoded_rows = self._encoded_at.ravel()[rows] * hands + rows % hands
        encoded_from = torch.from_numpy(observation[encoded_rows])
        posterior = policy.encode(encoded_from)
        z = posterior.sample(
            torch.from_numpy(self._noise.reshape(-1, policy.latent_size)[encoded_rows])
        )
        repeat_index = torch.from_numpy(rows // hands - self._encoded_at.ravel()[rows])
        logits = policy.decode(torch.from_numpy(observation[rows]), z, repeat_index)
        if not policy.variational:
            return logits, torch.zeros(())
        divergence = posterior.kl_divergence(policy.prior_distribution(encoded_from))
        return logits, self.config.kl_weight * divergence.mean()
