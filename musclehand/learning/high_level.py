"""High-level policy in a latent action space: from notes and proprioception to latent actions.

A tracking policy observes a reference motion, and the encoder of its latent action space
(`learning.vae`) maps that observation to a latent action. At the piano there is no such motion. The
high-level network predicts the numbers of the encoder's observation that depend on one, the
*references*, and the frozen encoder maps them to a latent action. References follow from the notes
and the posture of the hand, whatever the muscles do at the moment, so they can be learnt from plans
without physics (`envs.piano.static_env`).

Most references are differences between the reference motion and the hand's current state, so they
are split into a known and an unknown part:

    references = targets + state_to_reference @ observation

The network predicts the *targets*. With each latent action it also predicts a move of the forearm
(`envs.piano.forearm`); the moves follow the targets in its outputs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from musclehand.core.errors import InvalidValue
from musclehand.learning.inference import inference
from musclehand.learning.policy import CLIP
from musclehand.learning.vae import LatentPolicy, make_mlp

MIN_STD = 0.02
"""Least standard deviation by which inputs are divided and outputs multiplied. Numbers that hardly
vary are not blown up to unit variance."""

LOGIT_EPS = 1e-6
"""Actions are clipped to this distance from 0 and 1 where their logits are taken."""


class HighLevelNetwork(nn.Module):
    """Multilayer perceptron in front of a frozen encoder.

    Its outputs are targets and, after them, moves. Inputs and outputs are normalised by means and
    standard deviations that are fitted once.
    Masks and normalisation are buffers; `state_to_reference` is not part of checkpoints.
    """

    input_mask: torch.Tensor
    """Numbers of the observation that the network gets. Shape (num_observations,), bool."""

    proprioception_mask: torch.Tensor
    """Numbers of the observation that are passed to the encoder, in its order. Shape
    (num_observations,), bool."""

    reference_mask: torch.Tensor
    """Numbers of the encoder's observation that are references. Shape (encoder's observations,),
    bool."""

    mean: torch.Tensor
    """Mean of each input. Shape (num_observations,)."""

    std: torch.Tensor
    """Standard deviation of each input. Shape (num_observations,)."""

    target_mean: torch.Tensor
    """Mean of each output, targets and moves. Shape (outputs,)."""

    target_std: torch.Tensor
    """Standard deviation of each output, targets and moves. Shape (outputs,)."""

    state_to_reference: torch.Tensor
    """Matrix of the split `references = targets + state_to_reference @ observation`. Shape
    (references, num_observations)."""

    def __init__(
        self,
        latent_policy: LatentPolicy,
        *,
        input_mask: np.ndarray,
        proprioception_mask: np.ndarray,
        reference_mask: np.ndarray,
        state_to_reference: np.ndarray,
        move_size: int,
        hidden: Sequence[int] = (512, 512),
        seed: int = 0,
    ) -> None:
        """
        Args:
            latent_policy: latent action space; its encoder is frozen.
            input_mask: which numbers of an observation the network gets. Shape
                (num_observations,), bool.
            proprioception_mask: which numbers of an observation are passed to the encoder, in its
                order. Shape (num_observations,), bool.
            reference_mask: which numbers of the encoder's observation the network predicts. Shape
                (encoder's observations,), bool.
            state_to_reference: matrix of `references = targets + state_to_reference @ observation`.
                Shape (references, num_observations).
            move_size: length of a forearm's move, which follows the latent action.
            hidden: sizes of the hidden layers.
            seed: of the initial weights.

        Raises:
            InvalidValue: a size below 1, or the encoder's observation is not made up of the
                proprioception and the references.
        """
        super().__init__()
        input_mask, proprioception_mask, reference_mask = (
            np.asarray(mask, dtype=bool)
            for mask in (input_mask, proprioception_mask, reference_mask)
        )
        num_observations = len(input_mask)
        num_references = int(reference_mask.sum())
        masks = (input_mask, proprioception_mask, reference_mask)
        _check_sizes(latent_policy, masks, np.shape(state_to_reference), move_size, hidden)
        # In a tuple, so that it is no submodule: its weights are not among those that are trained.
        self._latent_policy = (latent_policy.requires_grad_(False),)
        num_outputs = num_references + move_size
        self.sizes = (num_observations, *hidden, latent_policy.latent_size + move_size)
        self.move_size = move_size
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.layers = make_mlp(int(input_mask.sum()), hidden, num_outputs)
        self.register_buffer("input_mask", torch.from_numpy(input_mask))
        self.register_buffer("proprioception_mask", torch.from_numpy(proprioception_mask))
        self.register_buffer("reference_mask", torch.from_numpy(reference_mask))
        self.register_buffer(
            "state_to_reference",
            torch.from_numpy(np.asarray(state_to_reference, dtype=np.float32)),
            persistent=False,
        )
        self.register_buffer("mean", torch.zeros(num_observations))
        self.register_buffer("target_mean", torch.zeros(num_outputs))
        self.register_buffer("std", torch.ones(num_observations))
        self.register_buffer("target_std", torch.ones(num_outputs))

    @property
    def latent_policy(self) -> LatentPolicy:
        """The latent action space."""
        return self._latent_policy[0]

    def outputs(
        self, observation: torch.Tensor, references: torch.Tensor, moves: torch.Tensor
    ) -> torch.Tensor:
        """Outputs that lead to given references and moves: targets, then moves. Shape (n,
        outputs).

        Args:
            observation: shape (n, num_observations).
            references: of the encoder's observation. Shape (n, references).
            moves: of the forearm. Shape (n, move_size).
        """
        return torch.cat([references - observation @ self.state_to_reference.T, moves], dim=1)

    def fit_normalisation(self, observation: np.ndarray, outputs: np.ndarray) -> None:
        """Sets mean and std of inputs and outputs to those of a sample.

        Args:
            observation: shape (n, num_observations).
            outputs: shape (n, outputs).
        """
        for mean, std, rows in (
            (self.mean, self.std, observation),
            (self.target_mean, self.target_std, outputs),
        ):
            mean.copy_(torch.from_numpy(rows.mean(axis=0)))
            std.copy_(torch.from_numpy(np.maximum(rows.std(axis=0), MIN_STD)))

    def predict(self, observation: torch.Tensor) -> torch.Tensor:
        """Normalised outputs. Shape (n, outputs).

        Args:
            observation: shape (n, num_observations).
        """
        inputs = torch.clamp((observation - self.mean) / self.std, -CLIP, CLIP)
        prediction: torch.Tensor = self.layers(inputs[:, self.input_mask])
        return prediction

    def actions(self, observation: torch.Tensor, prediction: torch.Tensor) -> torch.Tensor:
        """Actions, 0 to 1: latent actions by the encoder, and moves of the forearm. Shape (n,
        latent_size + move_size).

        Args:
            observation: shape (n, num_observations).
            prediction: normalised outputs. Shape (n, outputs).
        """
        outputs = self.target_mean + self.target_std * prediction
        targets = outputs[:, : -self.move_size]
        moves = outputs[:, -self.move_size :]
        references = targets + observation @ self.state_to_reference.T
        encoder_input = torch.empty(len(outputs), len(self.reference_mask))
        encoder_input[:, ~self.reference_mask] = observation[:, self.proprioception_mask]
        encoder_input[:, self.reference_mask] = references.clamp(-CLIP, CLIP)
        z = self.latent_policy.encode(encoder_input).mean
        scaled = 0.5 + 0.5 * z / self.latent_policy.latent_bound
        return torch.clamp(torch.cat([scaled, moves], dim=1), 0.0, 1.0)

    def forward(self, observation: torch.Tensor) -> torch.Tensor:
        """Logits of the actions. Shape (n, latent_size + move_size).

        Args:
            observation: shape (n, num_observations).
        """
        return torch.logit(self.actions(observation, self.predict(observation)), eps=LOGIT_EPS)

    def act(self, observation: np.ndarray) -> np.ndarray:
        """Actions, 0 to 1, without noise. Shape (n, latent_size + move_size), 8-byte floats.

        Args:
            observation: shape (n, num_observations).
        """
        with inference():
            tensor = torch.from_numpy(np.asarray(observation, dtype=np.float32))
            return np.asarray(self.actions(tensor, self.predict(tensor)).numpy().astype(float))


def _check_sizes(
    latent_policy: LatentPolicy,
    masks: tuple[np.ndarray, np.ndarray, np.ndarray],
    matrix_shape: tuple[int, ...],
    move_size: int,
    hidden: Sequence[int],
) -> None:
    """Checks the arguments of `HighLevelNetwork`; `masks` are those of inputs, proprioception and
    reference.

    Raises:
        InvalidValue: a size below 1, or sizes that do not fit each other.
    """
    input_mask, proprioception_mask, reference_mask = masks
    num_observations = len(input_mask)
    num_proprioception = int(proprioception_mask.sum())
    num_references = int(reference_mask.sum())
    if (
        min(move_size, *hidden, int(input_mask.sum())) < 1
        or len(proprioception_mask) != num_observations
    ):
        raise InvalidValue(
            "input_mask, proprioception_mask, move_size, hidden",
            (num_observations, len(proprioception_mask), move_size, hidden),
            "1 or more, and masks of the same length",
        )
    encoder_size = latent_policy.sizes[0]
    if (len(reference_mask), num_proprioception + num_references) != (encoder_size, encoder_size):
        raise InvalidValue(
            "numbers of proprioception and reference",
            (num_proprioception, num_references),
            f"all {encoder_size} of the encoder",
        )
    if matrix_shape != (num_references, num_observations):
        raise InvalidValue(
            "shape of state_to_reference", matrix_shape, f"{(num_references, num_observations)}"
        )
