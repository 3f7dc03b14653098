"""The warm start: a network learns what a teacher would do in the states that the network itself
comes to.

DAgger (Ross, Gordon & Bagnell 2011, AISTATS): the teacher acts at first and less and less from then
on, and labels every state; all that was ever labelled is learnt from. Two differences: who acts is
drawn for each environment anew every quarter of a second, and the network goes on from what it was
in place of beginning again. Each iteration is kept on file, and one that was interrupted is done
over to the same bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from musclehand.core.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from musclehand.core.errors import InvalidValue
from musclehand.core.vec_env import TeacherEnv
from musclehand.learning.policy import Policy
from musclehand.learning.training import Training

TURN = 30
"""Steps after which it is drawn anew who acts."""


@dataclass(frozen=True)
class DaggerConfig:
    """How to learn from a teacher.

    `iterations`, each of `steps` in every environment, then `updates` of the network on `batch`
    labels each. In iteration i the teacher acts with a chance of `teacher_share[i]`, and never
    where that has ended. `noise`: of what the teacher does, as a share of the excitation, to see
    states that are off. `hidden` layers. Adam at `rate`, which falls to a tenth in `decay`
    iterations. `memory`: iterations whose labels are kept.
    """

    iterations: int = 24
    steps: int = 125
    updates: int = 400
    batch: int = 512
    teacher_share: tuple[float, ...] = (1.0, 0.5, 0.25)
    noise: float = 0.2
    hidden: tuple[int, ...] = (512, 512)
    rate: float = 1e-3
    decay: int = 24
    memory: int = 24
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("iterations", "steps", "updates", "batch", "decay", "memory"):
            least = 0 if name == "iterations" else 1
            if not least <= getattr(self, name) <= 10**7:
                raise InvalidValue(name, getattr(self, name), "1 to 10 million, iterations also 0")


class Progress(NamedTuple):
    """One iteration: its number, `labels` in all, `loss`, and the means of the environment's
    `terms` while the network acted (None where it never did)."""

    iteration: int
    labels: int
    loss: float
    terms: dict[str, float] | None


class DaggerTraining(Training[TeacherEnv, DaggerConfig, Progress]):
    """A run in a folder. `policy` is what has been learnt; `done` iterations."""

    def __init__(
        self,
        env: TeacherEnv,
        config: DaggerConfig,
        folder: Path,
        *,
        known: Mapping[str, Any],
        start: Policy | None = None,
        fresh: bool | None = None,
    ) -> None:
        """Begins, with a copy of a policy `start` if there is one, or goes on where the folder's
        run was; the folder gets labels as well. `fresh`: what is normal is still to be found
        out, by default where there is no `start`. The rest of the arguments and errors as
        `Training`."""
        super().__init__("distill", env, config, folder, known)
        if start is None:
            self.policy = Policy(
                env.num_observations, env.num_actions, config.hidden, seed=config.seed
            )
        else:
            self.policy = deepcopy(start)
        self._fresh = start is None if fresh is None else fresh
        self._adam = torch.optim.Adam(self.policy.parameters(), lr=config.rate)
        self._slot = config.steps * env.num_envs
        rows = config.memory * self._slot
        self._observations = np.zeros((rows, env.num_observations), dtype=np.float32)
        self._labels = np.zeros((rows, self._labels_size()), dtype=np.float32)
        self._begin()
        for number in range(max(0, self.done - config.memory), self.done):
            self._remember(number, *self._read_labels(number))

    def _iterate(self) -> Progress:
        config = self.config
        number = self.done
        rng = np.random.default_rng([config.seed, number, 1])
        observations, labels, terms = self._collect(rng)
        if number == 0 and self._fresh:
            self._normalise(observations, labels)
        save_checkpoint(
            self.folder / "labels",
            number,
            {"observation": observations, "label": labels},
            {},
            keep=config.memory + 1,
        )
        self._remember(number, observations, labels)
        return Progress(number, (number + 1) * self._slot, self._learn(rng), terms)

    def _collect(
        self, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, dict[str, float] | None]:
        env = self.env
        config = self.config
        shares = config.teacher_share
        share = shares[self.done] if self.done < len(shares) else 0.0
        observations = np.empty(
            (config.steps, env.num_envs, env.num_observations), dtype=np.float32
        )
        labels = np.empty((config.steps, env.num_envs, self._labels_size()), dtype=np.float32)
        sums: dict[str, float] = {}
        acted = 0
        taught = np.zeros(env.num_envs, dtype=bool)
        for step in range(config.steps):
            observations[step], labels[step] = self._observation, self._label()
            if step % TURN == 0:
                taught = rng.random(env.num_envs) < share
            action = self.policy.act(self._observation)
            told = labels[step, :, : env.num_actions]
            noisy = told * (1.0 + config.noise * rng.normal(size=told.shape))
            result = env.step(np.where(taught[:, None], np.clip(noisy, 0.0, 1.0), action))
            self._observation = result.observation
            acted += int((~taught).sum())
            for name, values in result.terms.items():
                sums[name] = sums.get(name, 0.0) + float(values[~taught].sum())
        terms = {name: value / acted for name, value in sums.items()} if acted else None
        return (
            observations.reshape(-1, env.num_observations),
            labels.reshape(-1, labels.shape[2]),
            terms,
        )

    def _remember(self, number: int, observations: np.ndarray, labels: np.ndarray) -> None:
        start = number % self.config.memory * self._slot
        self._observations[start : start + self._slot] = observations
        self._labels[start : start + self._slot] = labels

    def _learn(self, rng: np.random.Generator) -> float:
        """Updates on labels drawn from all that are remembered; the mean loss of the last fifth."""
        config = self.config
        for group in self._adam.param_groups:
            group["lr"] = config.rate * 0.1 ** min(1.0, self.done / config.decay)
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
        """What the teacher would do now, maybe with more than that. Shape (environments,
        numbers)."""
        return self.env.teacher_action()

    def _labels_size(self) -> int:
        """Numbers of a label."""
        return self.env.num_actions

    def _normalise(self, observation: np.ndarray, label: np.ndarray) -> None:
        """Finds out what is normal."""
        self.policy.normalise_by(observation)

    def _draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Observations and labels of a batch."""
        count = min(self.done + 1, self.config.memory) * self._slot
        rows = rng.integers(count, size=self.config.batch)
        return self._observations[rows], self._labels[rows]

    def _loss(self, observation: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        return (torch.sigmoid(self.policy(observation)) - label).square().mean()

    def _modules(self) -> dict[str, torch.nn.Module]:
        return {"policy": self.policy}

    def _optimizer(self) -> torch.optim.Optimizer:
        return self._adam

    def _read_labels(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        path = self.folder / "labels" / f"{number:06d}.json"
        arrays = load_checkpoint(path).arrays
        if arrays.keys() != {"observation", "label"}:
            raise CheckpointError(path, f"has {sorted(arrays)} in place of observations and labels")
        return arrays["observation"], arrays["label"]
