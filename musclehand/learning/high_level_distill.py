"""Distilling plans into a planner: it learns the motion that the plan shows, and the intention that
comes of it.

As `learning.dagger`: the planner acts, the plan labels what came of that, and all that was labelled
is learnt from. Beside that it learns from states near the plan in which nothing moves, as many as
are wanted, new ones each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from musclehand.core.errors import InvalidValue
from musclehand.core.vec_env import DemonstrationEnv
from musclehand.learning.dagger import DaggerConfig, DaggerTraining, Progress
from musclehand.learning.high_level import HighLevelNetwork


@dataclass(frozen=True)
class HighLevelConfig(DaggerConfig):
    """As `DaggerConfig`. `beside`: so many steps an iteration of the environment in which
    nothing moves; `share`: of a batch that is from there. `intention`: weight of the intention's
    error, in units of its variance, and `moves`, of the forearm's moves, beside that of all that
    is wanted."""

    iterations: int = 60
    steps: int = 40
    updates: int = 120
    teacher_share: tuple[float, ...] = ()
    noise: float = 0.02
    rate: float = 5e-4
    decay: int = 60
    memory: int = 60
    beside: int = 60
    share: float = 0.5
    intention: float = 3.0
    moves: float = 2.0

    def __post_init__(self) -> None:
        super().__post_init__()
        weights = self.intention, self.moves
        if not (
            0 <= self.beside <= 10**6
            and 0 <= self.share < 1
            and min(weights) >= 0
            and max(weights) < 1e6
        ):
            values = (self.beside, self.share, *weights)
            raise InvalidValue(
                "beside, share, intention, moves", values, "0 or more, a share below 1"
            )


class HighLevelTraining(DaggerTraining):
    """A run in a folder. `policy` is the planner that has learnt; `done` iterations."""

    env: DemonstrationEnv
    policy: HighLevelNetwork  # type: ignore[assignment]
    config: HighLevelConfig

    def __init__(
        self,
        env: DemonstrationEnv,
        planner: HighLevelNetwork,
        config: HighLevelConfig,
        folder: Path,
        *,
        known: Mapping[str, Any],
        fresh: bool,
        still: DemonstrationEnv | None = None,
    ) -> None:
        """Begins with a planner, or goes on where the folder's run was.

        Args:
            env: to play in.
            planner: that learns.
            config: how.
            folder: for checkpoints and labels.
            known: what a checkpoint has to agree with.
            fresh: what is normal is still to be found out.
            still: the environment in which nothing moves, if there is one.

        Raises:
            CheckpointError: the folder holds a run of another kind, or a damaged one.
        """
        self._still = still
        # What was seen where nothing moves, and the labels.
        self._beside: list[np.ndarray] | None = None
        super().__init__(env, config, folder, known=known, start=planner, fresh=fresh)  # type: ignore[arg-type]

    def _iterate(self) -> Progress:
        if self._still is not None and self.config.beside > 0:
            self._beside = self._look_beside(self._still)
        return super()._iterate()

    def _look_beside(self, still: DemonstrationEnv) -> list[np.ndarray]:
        seed = np.random.SeedSequence([self.config.seed, self.done, 6]).generate_state(1)[0]
        seen = still.reset(seed=int(seed))
        rows = list[tuple[np.ndarray, np.ndarray]]()
        for _ in range(self.config.beside):
            label = still.teacher_label()
            rows.append((seen, label))
            seen = still.step(label[:, : still.num_actions]).observation
        return [np.concatenate(part).astype(np.float32) for part in zip(*rows, strict=True)]

    def _label(self) -> np.ndarray:
        return self.env.teacher_label()

    def _labels_size(self) -> int:
        return self.env.num_actions + int(self.policy.shown.sum())

    def _normalise(self, observation: np.ndarray, label: np.ndarray) -> None:
        wanted = self._wanted(torch.from_numpy(observation), torch.from_numpy(label))
        self.policy.normalise_by(observation, wanted.numpy())

    def _wanted(self, observation: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        count = self.env.num_actions
        return self.policy.wanted(
            observation, label[:, count:], label[:, count - self.policy.moves : count]
        )

    def _draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        played = super()._draw(rng)
        if self._beside is None:
            return played
        some = rng.integers(len(self._beside[0]), size=round(self.config.share * self.config.batch))
        rest = self.config.batch - len(some)
        observation, label = (
            np.concatenate([one[:rest], two[some]])
            for one, two in zip(played, self._beside, strict=True)
        )
        return observation, label

    def _loss(self, observation: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        planner = self.policy
        latent = self.policy.latent.latent
        wants = planner.wants(observation)
        apart = (
            wants - (self._wanted(observation, label) - planner.middle) / planner.width
        ).square()
        loss = apart.mean() + self.config.moves * apart[:, -planner.moves :].mean()
        intended = label[:, :latent]
        spread = intended.var(dim=0).mean().clamp(min=1e-6)
        off = (planner.actions(observation, wants)[:, :latent] - intended).square().mean()
        return loss + self.config.intention * off / spread
