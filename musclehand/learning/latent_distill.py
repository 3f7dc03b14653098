"""Distillation of a policy into a latent action space (conditional VAE), by DAgger.

The student, encoder and decoder of `learning.vae`, acts with the encoder's mean; the policy, as a
teacher, labels the states that the student comes to. `learning.dagger` draws the choice between
teacher and network anew every `ACTOR_STEPS` steps, and its teacher acts with noise. Here the choice
is drawn once an iteration for each environment, and the teacher acts without noise.

The loss is the mean squared error of the excitations, plus the KL divergence of the encoder from
the state-dependent prior, plus the squared change from one latent action to the next. This is the
scheme of PULSE (Luo et al. 2024, ICLR), with an action repeat.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from typing_extensions import override

from musclehand.core.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from musclehand.core.vec_env import VecEnv
from musclehand.learning.dagger import check_imitation
from musclehand.learning.policy import Policy
from musclehand.learning.training import (
    RngStream,
    Training,
    check_counts,
    check_value,
    decay_learning_rate,
)
from musclehand.learning.vae import LatentHold, LatentPolicy


@dataclass(frozen=True)
class LatentDistillConfig:
    """How to distil a policy into a latent action space."""

    iterations: int = 24
    """Iterations in all; each collects `steps` and does `updates`."""

    steps: int = 120
    """Steps in every environment in an iteration."""

    updates: int = 500
    """Gradient steps in an iteration."""

    batch: int = 512
    """Labels in a gradient step."""

    latent_size: int = 64
    """Dimension of the latent actions."""

    action_repeat: int = 2
    """Steps of the muscles for which a latent action is held."""

    hidden: tuple[int, ...] = (512, 512)
    """Sizes of the hidden layers of encoder, prior and decoder."""

    kl_weight: float = 1e-6
    """[1/nat] Weight of the KL divergence from the prior, beside the mean squared error of the
    excitations."""

    kl_warm_up: int = 10
    """Iterations in which the KL weight rises from 0, linearly."""

    smoothness: float = 1e-5
    """Weight of the squared change from one latent action to the next."""

    variational: bool = True
    """Train encoder and prior with a variance; without it, this is a plain autoencoder."""

    dagger_beta: tuple[float, ...] = (1.0, 0.3)
    """Chance with which the teacher acts, in each of the first iterations; 0 in those after."""

    learning_rate: float = 1e-3
    """Learning rate of Adam at first."""

    decay: int = 24
    """Iterations in which the learning rate falls to a tenth, exponentially."""

    buffer_iterations: int = 24
    """Iterations whose labels the buffer keeps."""

    seed: int = 0
    """Seed of weights, environments and batches."""

    def __post_init__(self) -> None:
        check_counts(
            self,
            (
                *("iterations", "steps", "updates", "batch", "latent_size", "action_repeat"),
                *("decay", "buffer_iterations", "kl_warm_up"),
            ),
        )
        check_imitation(self)
        check_value(self, "kl_weight", self.kl_weight >= 0, "0 or more")
        check_value(self, "smoothness", self.smoothness >= 0, "0 or more")


class LatentDistillProgress(NamedTuple):
    """One iteration of the distillation."""

    iteration: int
    """Number of the iteration, from 0."""

    labels: int
    """Labels collected in all iterations so far."""

    error: float
    """Mean squared error of the excitations, over the last fifth of the updates."""

    kl_divergence: float
    """[nat] Mean KL divergence of the encoder from the prior, over the last fifth of the
    updates."""

    terms: dict[str, float] | None
    """Means of the environment's `terms` over the steps in which the student acted; None if it
    never did."""


class Labels(NamedTuple):
    """Labels of one iteration, or of all in the buffer. Rows are steps, in each all hands."""

    observation: np.ndarray
    """Shape (rows, num_observations)."""

    label: np.ndarray
    """Excitations of the teacher. Shape (rows, num_actions)."""

    encoded_row: np.ndarray
    """Row in whose observation the current latent action was encoded. Shape (rows,)."""

    previous_row: np.ndarray
    """The same of the latent action before it, -1 for the first one of an episode. Shape
    (rows,)."""


class LatentDistillTraining(Training[VecEnv, LatentDistillConfig, LatentDistillProgress]):
    """Distillation into a latent action space, in a folder, with labels in its subfolder
    `labels`."""

    policy: LatentPolicy  # type: ignore[assignment]

    def __init__(
        self,
        env: VecEnv,
        teacher: Policy,
        decoder_mask: np.ndarray,
        config: LatentDistillConfig,
        folder: Path,
        *,
        identity: Mapping[str, Any],
    ) -> None:
        """Begins a training, or resumes that of the folder.

        Args:
            env: environments to act in.
            teacher: policy to distil, with the environment's observation.
            decoder_mask: which numbers of the observation decoder and prior get. Shape
                (num_observations,), bool.
            config: how to distil.
            folder: of checkpoints and labels.
            identity: what a resumed run has to agree with.

        Raises:
            CheckpointError: the folder holds another run, or a damaged one.
            InvalidValue: sizes do not fit.
        """
        super().__init__("latent", env, config, folder, identity)
        self._teacher = teacher
        self.policy = LatentPolicy(
            decoder_mask,
            env.num_actions,
            latent_size=config.latent_size,
            action_repeat=config.action_repeat,
            hidden=config.hidden,
            variational=config.variational,
            seed=config.seed,
        )
        self.policy.copy_normalisation(teacher)
        self._adam = torch.optim.Adam(self.policy.parameters(), lr=config.learning_rate)
        self._slot = config.steps * env.num_envs
        rows = config.buffer_iterations * self._slot
        self._buffer = Labels(
            observation=np.zeros((rows, env.num_observations), dtype=np.float32),
            label=np.zeros((rows, env.num_actions), dtype=np.float32),
            encoded_row=np.zeros(rows, dtype=np.int64),
            previous_row=np.zeros(rows, dtype=np.int64),
        )
        self._begin()
        first = max(0, self.iterations_done - config.buffer_iterations)
        for number in range(first, self.iterations_done):
            self._add_to_buffer(number, self._read_labels(number))

    @override
    def _iterate(self) -> LatentDistillProgress:
        config = self.config
        number = self.iterations_done
        rng = np.random.default_rng([config.seed, number, RngStream.LATENT_DISTILL])
        labels, terms = self._collect(rng)
        save_checkpoint(
            self.folder / "labels",
            number,
            labels._asdict(),
            {},
            keep=config.buffer_iterations + 1,
        )
        self._add_to_buffer(number, labels)
        error, divergence = self._learn(rng)
        rows = (number + 1) * config.steps * self.env.num_envs
        return LatentDistillProgress(number, rows, error, divergence, terms)

    def _collect(self, rng: np.random.Generator) -> tuple[Labels, dict[str, float] | None]:
        """Acts for `steps` steps; labels, and means of terms while the student acted."""
        env = self.env
        config = self.config
        hands = env.num_envs
        steps = config.steps
        betas = config.dagger_beta
        beta = betas[self.iterations_done] if self.iterations_done < len(betas) else 0.0
        observations = np.empty((steps, hands, env.num_observations), dtype=np.float32)
        labels = np.empty((steps, hands, env.num_actions), dtype=np.float32)
        encoded_row, previous_row = np.zeros((2, steps, hands), dtype=np.int64)
        hold = LatentHold(self.policy, hands)
        current = np.full(hands, -1)
        previous = np.full(hands, -1)
        teacher_acts = rng.random(hands) < beta
        begun = np.ones(hands, dtype=bool)
        sums = dict[str, float]()
        student_steps = 0
        for step in range(steps):
            observation = observations[step] = self._observation
            labels[step] = self._teacher.act(observation)
            new = hold.update(observation, begun)
            previous = np.where(new, np.where(begun, -1, current), previous)
            current = np.where(new, step * hands + np.arange(hands), current)
            encoded_row[step] = current
            previous_row[step] = previous
            student_action = self.policy.act(observation, hold.z, hold.repeat_index)
            result = env.step(np.where(teacher_acts[:, None], labels[step], student_action))
            self._observation = result.observation
            begun = result.terminated | result.truncated
            student_steps += int((~teacher_acts).sum())
            for name, values in result.terms.items():
                sums[name] = sums.get(name, 0.0) + float(values[~teacher_acts].sum())
        rows = steps * hands
        collected = Labels(
            observation=observations.reshape(rows, -1),
            label=labels.reshape(rows, -1),
            encoded_row=encoded_row.ravel(),
            previous_row=previous_row.ravel(),
        )
        if not student_steps:
            return collected, None
        return collected, {name: value / student_steps for name, value in sums.items()}

    def _learn(self, rng: np.random.Generator) -> tuple[float, float]:
        """Updates the student by batches drawn from the buffer; means of error and divergence
        over the last fifth."""
        config = self.config
        decay_learning_rate(self._adam, config.learning_rate, self.iterations_done, config.decay)
        kl_weight = config.kl_weight * min(1.0, (self.iterations_done + 1) / config.kl_warm_up)
        errors = []
        divergences = []
        for _ in range(config.updates):
            noise = torch.from_numpy(
                rng.standard_normal((config.batch, config.latent_size)).astype(np.float32)
            )
            error, divergence, change = self._losses(self._draw(rng), noise)
            loss = error + kl_weight * divergence + config.smoothness * change
            self._adam.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.policy.parameters(), 1.0)
            self._adam.step()
            errors.append(float(error.detach()))
            divergences.append(float(divergence.detach()))
        first = -max(1, len(errors) // 5)
        return float(np.mean(errors[first:])), float(np.mean(divergences[first:]))

    def _draw(self, rng: np.random.Generator) -> tuple[torch.Tensor, ...]:
        """A batch: observations and labels, the observations that the current latent actions and
        those before were encoded from, and steps for which the current ones have been held."""
        buffer = self._buffer
        batch = self.config.batch
        count = min(self.iterations_done + 1, self.config.buffer_iterations)
        iterations = rng.integers(count, size=batch)
        rows = rng.integers(self._slot, size=batch)
        oldest = self.iterations_done + 1 - count
        start = (oldest + iterations) % self.config.buffer_iterations * self._slot
        observation, label, encoded_row, previous_row = (part[start + rows] for part in buffer)
        repeat_index = (rows - encoded_row) // self.env.num_envs
        # The first latent action of an episode stands for the one before, so that it has no change.
        previous_row = np.where(previous_row < 0, encoded_row, previous_row)
        encoded_from = buffer.observation[start + encoded_row]
        previous_from = buffer.observation[start + previous_row]
        parts = (observation, label, encoded_from, previous_from, repeat_index)
        return tuple(map(torch.from_numpy, parts))

    def _losses(
        self, batch: tuple[torch.Tensor, ...], noise: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Mean squared error of excitations, KL divergence, and squared change of the latent
        action.

        Args:
            batch: from `_draw`.
            noise: of the samples. Shape (batch, latent_size).
        """
        policy = self.policy
        observation, label, encoded_from, previous_from, repeat_index = batch
        posterior = policy.encode(encoded_from)
        logits = policy.decode(observation, posterior.sample(noise), repeat_index)
        error = (torch.sigmoid(logits) - label).square().mean()
        difference = posterior.mean - policy.encode(previous_from).mean
        change = difference.square().sum(dim=1).mean()
        if not policy.variational:
            return error, torch.zeros(()), change
        divergence = posterior.kl_divergence(policy.prior_distribution(encoded_from))
        return error, divergence.mean(), change

    @override
    def _modules(self) -> dict[str, torch.nn.Module]:
        return {"latent": self.policy}

    @override
    def _optimizer(self) -> torch.optim.Optimizer:
        return self._adam

    def _add_to_buffer(self, number: int, labels: Labels) -> None:
        start = number % self.config.buffer_iterations * self._slot
        for stored, values in zip(self._buffer, labels, strict=True):
            stored[start : start + self._slot] = values

    def _read_labels(self, number: int) -> Labels:
        path = self.folder / "labels" / f"{number:06d}.json"
        arrays = load_checkpoint(path).arrays
        if arrays.keys() != set(Labels._fields):
            raise CheckpointError(path, f"has {sorted(arrays)} in place of labels")
        return Labels(**arrays)
