"""DAgger: imitation of a teacher in the states that the learner itself comes to.

Dataset aggregation (Ross, Gordon & Bagnell 2011, AISTATS): at first the teacher acts, then more and
more the network; the teacher labels every state with its action, and the network learns from the
labels of all iterations (a buffer of the last `buffer_iterations`). There are two differences from
the original. Whether teacher or network acts is drawn for each environment anew every `ACTOR_STEPS`
steps, with the chance beta of the iteration. The network is trained further in each iteration
instead of anew.

The teacher acts with noise (`DaggerConfig.noise`), so that there are labels beside its own path.
`learning.latent_distill` differs in both: its actor is drawn once an iteration, and its teacher
acts without noise.

Checkpoints and labels are on file after each iteration; an iteration that was interrupted is done
again, to the same bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from typing_extensions import override

from musclehand.core.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from musclehand.core.vec_env import TeacherEnv
from musclehand.learning.policy import Policy
from musclehand.learning.training import (
    RngStream,
    Training,
    TrainingConfig,
    check_counts,
    check_value,
    decay_learning_rate,
)

ACTOR_STEPS = 30
"""Steps after which the choice between teacher and network is drawn again: a quarter of a second at
125 Hz. Chosen."""


@dataclass(frozen=True)
class DaggerConfig:
    """How to imitate a teacher."""

    iterations: int = 24
    """Iterations in all; each collects `steps` and does `updates`."""

    steps: int = 125
    """Steps in every environment in an iteration."""

    updates: int = 400
    """Gradient steps in an iteration."""

    batch: int = 512
    """Labels in a gradient step."""

    dagger_beta: tuple[float, ...] = (1.0, 0.5, 0.25)
    """Chance with which the teacher acts, in each of the first iterations; 0 in those after."""

    noise: float = 0.2
    """Standard deviation of the noise on the teacher's actions, as a share of each action. It
    brings labels of states beside the teacher's path."""

    hidden: tuple[int, ...] = (512, 512)
    """Sizes of the hidden layers."""

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
            self, ("iterations", "steps", "updates", "batch", "decay", "buffer_iterations")
        )
        check_imitation(self)
        check_value(self, "noise", self.noise >= 0, "0 or more")


class ImitationConfig(TrainingConfig, Protocol):
    """What the configurations of all imitations have."""

    @property
    def dagger_beta(self) -> tuple[float, ...]:
        """Chance with which the teacher acts, in each of the first iterations."""

    @property
    def hidden(self) -> tuple[int, ...]:
        """Sizes of the hidden layers."""

    @property
    def learning_rate(self) -> float:
        """Learning rate of Adam at first."""


def check_imitation(config: ImitationConfig) -> None:
    """Checks the settings that the configurations of all imitations have.

    Raises:
        InvalidValue: a setting is out of range.
    """
    check_value(config, "learning_rate", config.learning_rate > 0, "above 0")
    betas_legal = all(0 <= beta <= 1 for beta in config.dagger_beta)
    check_value(config, "dagger_beta", betas_legal, "chances from 0 to 1")
    check_value(config, "hidden", all(size >= 1 for size in config.hidden), "sizes of 1 or more")


class DaggerProgress(NamedTuple):
    """One iteration of DAgger."""

    iteration: int
    """Number of the iteration, from 0."""

    labels: int
    """Labels collected in all iterations so far."""

    loss: float
    """Mean loss of the last fifth of the updates."""

    terms: dict[str, float] | None
    """Means of the environment's `terms` over the steps in which the network acted; None if it
    never did."""


class DaggerTraining(Training[TeacherEnv, DaggerConfig, DaggerProgress]):
    """DAgger in a folder, with the labels in its subfolder `labels`."""

    def __init__(
        self,
        env: TeacherEnv,
        config: DaggerConfig,
        folder: Path,
        *,
        identity: Mapping[str, Any],
        initial_policy: Policy | None = None,
        fit_normalisation: bool | None = None,
    ) -> None:
        """Begins a training, or resumes that of the folder.

        Args:
            env: environments with a teacher.
            config: how to imitate.
            folder: of checkpoints and labels.
            identity: what a resumed run has to agree with.
            initial_policy: network to begin with, of which a copy is trained; a new one by default.
            fit_normalisation: set the inputs' mean and std by the labels of the first iteration;
                by default only for a new network.

        Raises:
            CheckpointError: the folder holds another run, or a damaged one.
        """
        super().__init__("distill", env, config, folder, identity)
        if initial_policy is None:
            self.policy = Policy(
                env.num_observations, env.num_actions, config.hidden, seed=config.seed
            )
        else:
            self.policy = deepcopy(initial_policy)
        if fit_normalisation is None:
            fit_normalisation = initial_policy is None
        self._fits_normalisation = fit_normalisation
        self._adam = torch.optim.Adam(self.policy.parameters(), lr=config.learning_rate)
        self._slot = config.steps * env.num_envs
        rows = config.buffer_iterations * self._slot
        self._observations = np.zeros((rows, env.num_observations), dtype=np.float32)
        self._labels = np.zeros((rows, self._label_size()), dtype=np.float32)
        self._begin()
        first = max(0, self.iterations_done - config.buffer_iterations)
        for number in range(first, self.iterations_done):
            self._add_to_buffer(number, *self._read_labels(number))

    @override
    def _iterate(self) -> DaggerProgress:
        config = self.config
        number = self.iterations_done
        rng = np.random.default_rng([config.seed, number, RngStream.DAGGER])
        observations, labels, terms = self._collect(rng)
        if number == 0 and self._fits_normalisation:
            self._fit_normalisation(observations, labels)
        save_checkpoint(
            self.folder / "labels",
            number,
            {"observation": observations, "label": labels},
            {},
            keep=config.buffer_iterations + 1,
        )
        self._add_to_buffer(number, observations, labels)
        return DaggerProgress(number, (number + 1) * self._slot, self._learn(rng), terms)

    def _collect(
        self, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, dict[str, float] | None]:
        """Acts for `steps` steps. Returns observations and labels, shapes (rows, numbers), and
        the means of the environment's terms while the network acted."""
        env = self.env
        config = self.config
        betas = config.dagger_beta
        beta = betas[self.iterations_done] if self.iterations_done < len(betas) else 0.0
        observations = np.empty(
            (config.steps, env.num_envs, env.num_observations), dtype=np.float32
        )
        labels = np.empty((config.steps, env.num_envs, self._label_size()), dtype=np.float32)
        sums: dict[str, float] = {}
        network_steps = 0
        teacher_acts = np.zeros(env.num_envs, dtype=bool)
        for step in range(config.steps):
            observations[step] = self._observation
            labels[step] = self._label()
            if step % ACTOR_STEPS == 0:
                teacher_acts = rng.random(env.num_envs) < beta
            action = self.policy.act(self._observation)
            teacher_action = labels[step, :, : env.num_actions]
            noisy = teacher_action * (1.0 + config.noise * rng.normal(size=teacher_action.shape))
            result = env.step(np.where(teacher_acts[:, None], np.clip(noisy, 0.0, 1.0), action))
            self._observation = result.observation
            network_steps += int((~teacher_acts).sum())
            for name, values in result.terms.items():
                sums[name] = sums.get(name, 0.0) + float(values[~teacher_acts].sum())
        terms = None
        if network_steps:
            terms = {name: value / network_steps for name, value in sums.items()}
        return (
            observations.reshape(-1, env.num_observations),
            labels.reshape(-1, labels.shape[2]),
            terms,
        )

    def _add_to_buffer(self, number: int, observations: np.ndarray, labels: np.ndarray) -> None:
        start = number % self.config.buffer_iterations * self._slot
        self._observations[start : start + self._slot] = observations
        self._labels[start : start + self._slot] = labels

    def _learn(self, rng: np.random.Generator) -> float:
        """Updates the network by batches drawn from the buffer; the mean loss of the last fifth."""
        config = self.config
        decay_learning_rate(self._adam, config.learning_rate, self.iterations_done, config.decay)
        losses = []
        for _ in range(config.updates):
            loss = self._loss(*map(torch.from_numpy, self._draw(rng)))
            self._adam.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.policy.parameters(), 1.0)
            self._adam.step()
            losses.append(float(loss.detach()))
        return float(np.mean(losses[-max(1, len(losses) // 5) :]))

    def _label(self) -> np.ndarray:
        """Labels of the current states: the teacher's actions, first in each row, and maybe more.
        Shape (num_envs, label size)."""
        return self.env.teacher_action()

    def _label_size(self) -> int:
        """Length of a label."""
        return self.env.num_actions

    def _fit_normalisation(self, observation: np.ndarray, label: np.ndarray) -> None:
        """Sets mean and std of the network's inputs, and of its outputs if it has those."""
        self.policy.fit_normalisation(observation)

    def _draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Observations and labels of a batch."""
        count = min(self.iterations_done + 1, self.config.buffer_iterations) * self._slot
        rows = rng.integers(count, size=self.config.batch)
        return self._observations[rows], self._labels[rows]

    def _loss(self, observation: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        """Mean squared error of the actions."""
        return (torch.sigmoid(self.policy(observation)) - label).square().mean()

    @override
    def _modules(self) -> dict[str, torch.nn.Module]:
        return {"policy": self.policy}

    @override
    def _optimizer(self) -> torch.optim.Optimizer:
        return self._adam

    def _read_labels(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        path = self.folder / "labels" / f"{number:06d}.json"
        arrays = load_checkpoint(path).arrays
        if arrays.keys() != {"observation", "label"}:
            raise CheckpointError(path, f"has {sorted(arrays)} in place of observations and labels")
        return arrays["observation"], arrays["label"]
