"""Training of a high-level policy by DAgger from plans of the model-based player.

DAgger as in `learning.dagger`: the network acts, and the plan labels the states that it comes to
with references, latent actions and moves of the forearm. A part of each batch comes from a static
environment (`envs.piano.static_env`): states near the plan, without physics, drawn anew in each
iteration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from typing_extensions import override

from musclehand.core.vec_env import DemonstrationEnv
from musclehand.learning.dagger import DaggerConfig, DaggerProgress, DaggerTraining
from musclehand.learning.high_level import HighLevelNetwork
from musclehand.learning.training import RngStream, check_value

MIN_VARIANCE = 1e-6
"""Least variance of latent actions that their error is divided by."""


@dataclass(frozen=True)
class HighLevelConfig(DaggerConfig):
    """How to train a high-level policy."""

    iterations: int = 60
    """Iterations in all; each collects `steps` and does `updates`."""

    steps: int = 40
    """Steps in every environment in an iteration."""

    updates: int = 120
    """Gradient steps in an iteration."""

    dagger_beta: tuple[float, ...] = ()
    """Chance with which the teacher acts, in each of the first iterations; 0 in those after."""

    noise: float = 0.02
    """Standard deviation of the noise on the teacher's actions, as a share of each action."""

    learning_rate: float = 5e-4
    """Learning rate of Adam at first."""

    decay: int = 60
    """Iterations in which the learning rate falls to a tenth, exponentially."""

    buffer_iterations: int = 60
    """Iterations whose labels the buffer keeps."""

    static_steps: int = 60
    """Steps in every environment of the static environment in an iteration."""

    static_share: float = 0.5
    """Share of a batch from the static environment, 0 to below 1."""

    latent_weight: float = 3.0
    """Weight of the squared error of the latent actions, in units of their variance."""

    move_weight: float = 2.0
    """Weight of the squared error of the forearm's moves, beside that of all outputs."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_value(self, "static_steps", 0 <= self.static_steps <= 10**6, "0 to a million")
        check_value(self, "static_share", 0 <= self.static_share < 1, "0 to below 1")
        for name in ("latent_weight", "move_weight"):
            check_value(self, name, 0 <= getattr(self, name) < 1e6, "0 to below a million")


class HighLevelTraining(DaggerTraining):
    """Training of a high-level policy in a folder."""

    env: DemonstrationEnv
    policy: HighLevelNetwork  # type: ignore[assignment]
    config: HighLevelConfig

    def __init__(
        self,
        env: DemonstrationEnv,
        network: HighLevelNetwork,
        config: HighLevelConfig,
        folder: Path,
        *,
        identity: Mapping[str, Any],
        fit_normalisation: bool,
        static_env: DemonstrationEnv | None = None,
    ) -> None:
        """Begins a training, or resumes that of the folder.

        Args:
            env: environments to play in.
            network: to begin with, of which a copy is trained.
            config: how to train.
            folder: of checkpoints and labels.
            identity: what a resumed run has to agree with.
            fit_normalisation: set mean and std of inputs and outputs by the first labels.
            static_env: environments of states near the plan, without physics.

        Raises:
            CheckpointError: the folder holds another run, or a damaged one.
        """
        self._static_env = static_env
        # Observations and labels of the static environment, of the current iteration.
        self._static_labels: list[np.ndarray] | None = None
        super().__init__(
            env,
            config,
            folder,
            identity=identity,
            initial_policy=network,  # type: ignore[arg-type]
            fit_normalisation=fit_normalisation,
        )

    @override
    def _iterate(self) -> DaggerProgress:
        if self._static_env is not None and self.config.static_steps > 0:
            self._static_labels = self._collect_static(self._static_env)
        return super()._iterate()

    def _collect_static(self, env: DemonstrationEnv) -> list[np.ndarray]:
        """Observations and labels of the static environment. Shapes (rows, numbers)."""
        seed = np.random.SeedSequence(
            [self.config.seed, self.iterations_done, RngStream.STATIC_STATES]
        )
        observation = env.reset(seed=int(seed.generate_state(1)[0]))
        rows = list[tuple[np.ndarray, np.ndarray]]()
        for _ in range(self.config.static_steps):
            label = env.teacher_label()
            rows.append((observation, label))
            observation = env.step(label[:, : env.num_actions]).observation
        return [np.concatenate(part).astype(np.float32) for part in zip(*rows, strict=True)]

    @override
    def _label(self) -> np.ndarray:
        return self.env.teacher_label()

    @override
    def _label_size(self) -> int:
        return self.env.num_actions + int(self.policy.reference_mask.sum())

    @override
    def _fit_normalisation(self, observation: np.ndarray, label: np.ndarray) -> None:
        outputs = self._outputs(torch.from_numpy(observation), torch.from_numpy(label))
        self.policy.fit_normalisation(observation, outputs.numpy())

    def _outputs(self, observation: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        """Outputs of the network that fit labels. Shape (n, outputs)."""
        count = self.env.num_actions
        moves = label[:, count - self.policy.move_size : count]
        return self.policy.outputs(observation, label[:, count:], moves)

    @override
    def _draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        played = super()._draw(rng)
        if self._static_labels is None:
            return played
        static_count = round(self.config.static_share * self.config.batch)
        static_rows = rng.integers(len(self._static_labels[0]), size=static_count)
        played_count = self.config.batch - static_count
        observation, label = (
            np.concatenate([from_playing[:played_count], static[static_rows]])
            for from_playing, static in zip(played, self._static_labels, strict=True)
        )
        return observation, label

    @override
    def _loss(self, observation: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        """Squared error of the normalised outputs, once more of the forearm's moves, and of the
        latent actions in units of their variance."""
        network = self.policy
        config = self.config
        prediction = network.predict(observation)
        outputs = (self._outputs(observation, label) - network.target_mean) / network.target_std
        error = (prediction - outputs).square()
        loss = error.mean() + config.move_weight * error[:, -network.move_size :].mean()
        latent_size = network.latent_policy.latent_size
        z = label[:, :latent_size]
        variance = z.var(dim=0).mean().clamp(min=MIN_VARIANCE)
        predicted_z = network.actions(observation, prediction)[:, :latent_size]
        z_error = (predicted_z - z).square().mean()
        return loss + config.latent_weight * z_error / variance
