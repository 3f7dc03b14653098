"""Distilling a policy into a latent space: the student acts, the policy labels, all labels are
learnt from.

As `learning.dagger`, with a policy for a teacher and a student whose intention z is held for
several steps. What is minimised is the error of excitations, the divergence of what is intended
from what is usual in that state, and the change of intention from one to the next of the same hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from musclehand.core.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from musclehand.core.errors import InvalidValue
from musclehand.core.vec_env import VecEnv
from musclehand.learning.policy import Policy
from musclehand.learning.training import Training
from musclehand.learning.vae import LatentHold, LatentPolicy


@dataclass(frozen=True)
class LatentConfig:
    """How to distil.

    `iterations`, each of `steps` in every environment, then `updates` on `batch` labels. `latent`
    numbers, held for `hold` steps; `hidden` layers of encoder, prior and decoder. `divergence`:
    weight of the divergence from what is usual, reached in `warm_up` iterations; `smoothness`:
    weight of the intention's change. `variational`: False makes a plain autoencoder. The policy
    acts in its stead with a chance of `teacher_share[i]` in iteration i. Adam at `rate`, which
    falls to a tenth in `decay` iterations; `memory`: iterations whose labels are kept.
    """

    iterations: int = 24
    steps: int = 120
    updates: int = 500
    batch: int = 512
    latent: int = 64
    hold: int = 2
    hidden: tuple[int, ...] = (512, 512)
    divergence: float = 1e-6
    warm_up: int = 10
    smoothness: float = 1e-5
    variational: bool = True
    teacher_share: tuple[float, ...] = (1.0, 0.3)
    rate: float = 1e-3
    decay: int = 24
    memory: int = 24
    seed: int = 0

    def __post_init__(self) -> None:
        for name in (
            "iterations",
            "steps",
            "updates",
            "batch",
            "latent",
            "hold",
            "decay",
            "memory",
            "warm_up",
        ):
            least = 0 if name == "iterations" else 1
            if not least <= getattr(self, name) <= 10**7:
                raise InvalidValue(name, getattr(self, name), "1 to 10 million, iterations also 0")
        if not (self.rate > 0 and min(self.divergence, self.smoothness) >= 0):
            values = (self.rate, self.divergence, self.smoothness)
            raise InvalidValue("rate, divergence, smoothness", values, "above 0, and 0 or more")


class LatentProgress(NamedTuple):
    """One iteration: its number, `labels` in all, mean squared `error` of excitations,
    `divergence` [nats], and means of the environment's `terms` while the student acted (None
    where it never did)."""

    iteration: int
    labels: int
    error: float
    divergence: float
    terms: dict[str, float] | None


class Labels(NamedTuple):
    """What was seen and should have been done: `observation` (rows, observations), `label`
    (rows, actions), and for each row where the intention that holds there was formed, and the
    one before it (rows,), -1 for none."""

    observation: np.ndarray
    label: np.ndarray
    formed: np.ndarray
    before: np.ndarray


class LatentDistillation(Training[VecEnv, LatentConfig, LatentProgress]):
    """A run in a folder. `policy` is what has been learnt; `done` iterations."""

    policy: LatentPolicy  # type: ignore[assignment]

    def __init__(
        self,
        env: VecEnv,
        teacher: Policy,
        state: np.ndarray,
        config: LatentConfig,
        folder: Path,
        *,
        known: Mapping[str, Any],
    ) -> None:
        """Begins, or goes on where the folder's run was; the folder gets labels as well.

        Args:
            env: to learn in.
            teacher: the policy to distil, of the environment's observation.
            state: which numbers of the observation are the hand's own state. Shape (observations,),
                bool.
            config: how.
            folder: for checkpoints and labels.
            known: what a checkpoint has to agree with.

        Raises:
            CheckpointError: the folder holds a run of another kind, or a damaged one.
            InvalidValue: sizes do not fit.
        """
        super().__init__("latent", env, config, folder, known)
        self._teacher = teacher
        self.policy = LatentPolicy(
            state,
            env.num_actions,
            latent=config.latent,
            hold=config.hold,
            hidden=config.hidden,
            variational=config.variational,
            seed=config.seed,
        )
        self.policy.normalise_as(teacher)
        self._adam = torch.optim.Adam(self.policy.parameters(), lr=config.rate)
        self._slot = config.steps * env.num_envs
        rows = config.memory * self._slot
        self._memory = Labels(
            observation=np.zeros((rows, env.num_observations), dtype=np.float32),
            label=np.zeros((rows, env.num_actions), dtype=np.float32),
            formed=np.zeros(rows, dtype=np.int64),
            before=np.zeros(rows, dtype=np.int64),
        )
        self._begin()
        for number in range(max(0, self.done - config.memory), self.done):
            self._remember(number, self._read_labels(number))

    def _iterate(self) -> LatentProgress:
        config = self.config
        number = self.done
        rng = np.random.default_rng([config.seed, number, 4])
        labels, terms = self._collect(rng)
        save_checkpoint(
            self.folder / "labels", number, labels._asdict(), {}, keep=config.memory + 1
        )
        self._remember(number, labels)
        error, divergence = self._learn(rng)
        rows = (number + 1) * config.steps * self.env.num_envs
        return LatentProgress(number, rows, error, divergence, terms)

    def _collect(self, rng: np.random.Generator) -> tuple[Labels, dict[str, float] | None]:
        env = self.env
        config = self.config
        hands = env.num_envs
        steps = config.steps
        share = config.teacher_share[self.done] if self.done < len(config.teacher_share) else 0.0
        observation = np.empty((steps, hands, env.num_observations), dtype=np.float32)
        label = np.empty((steps, hands, env.num_actions), dtype=np.float32)
        formed, before = np.zeros((2, steps, hands), dtype=np.int64)
        held = LatentHold(self.policy, hands)
        last = np.full(hands, -1)
        previous = np.full(hands, -1)
        taught = rng.random(hands) < share
        begun = np.ones(hands, dtype=bool)
        sums = dict[str, float]()
        acted = 0
        for step in range(steps):
            seen = observation[step] = self._observation
            label[step] = self._teacher.act(seen)
            new = held.renew(seen, begun)
            previous = np.where(new, np.where(begun, -1, last), previous)
            last = np.where(new, step * hands + np.arange(hands), last)
            formed[step], before[step] = last, previous
            result = env.step(
                np.where(taught[:, None], label[step], self.policy.act(seen, held.z, held.held))
            )
            self._observation = result.observation
            begun = result.terminated | result.truncated
            acted += int((~taught).sum())
            for name, values in result.terms.items():
                sums[name] = sums.get(name, 0.0) + float(values[~taught].sum())
        rows = steps * hands
        parts = Labels(
            observation.reshape(rows, -1), label.reshape(rows, -1), formed.ravel(), before.ravel()
        )
        return parts, {name: value / acted for name, value in sums.items()} if acted else None

    def _learn(self, rng: np.random.Generator) -> tuple[float, float]:
        """Updates on labels drawn from all that are remembered; means of error and divergence
        over the last fifth."""
        config = self.config
        for group in self._adam.param_groups:
            group["lr"] = config.rate * 0.1 ** min(1.0, self.done / config.decay)
        weight = config.divergence * min(1.0, (self.done + 1) / config.warm_up)
        errors = []
        divergences = []
        for _ in range(config.updates):
            noise = torch.from_numpy(
                rng.standard_normal((config.batch, config.latent)).astype(np.float32)
            )
            error, divergence, change = self._losses(self._draw(rng), noise)
            loss = error + weight * divergence + config.smoothness * change
            self._adam.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.policy.parameters(), 1.0)
            self._adam.step()
            errors.append(float(error.detach()))
            divergences.append(float(divergence.detach()))
        late = -max(1, len(errors) // 5)
        return float(np.mean(errors[late:])), float(np.mean(divergences[late:]))

    def _draw(self, rng: np.random.Generator) -> tuple[torch.Tensor, ...]:
        """A batch: what is seen, the label, what was seen where the intention was formed and at
        the one before it, and for how many steps it has been held."""
        memory = self._memory
        count = min(self.done + 1, self.config.memory)
        which = rng.integers(count, size=self.config.batch)
        rows = rng.integers(self._slot, size=self.config.batch)
        start = (self.done + 1 - count + which) % self.config.memory * self._slot
        seen, label, formed, before = (part[start + rows] for part in memory)
        held = (rows - formed) // self.env.num_envs
        # Where there is none before, the intention itself: no change.
        before = np.where(before < 0, formed, before)
        first, second = (memory.observation[start + places] for places in (formed, before))
        return tuple(map(torch.from_numpy, (seen, label, first, second, held)))

    def _losses(
        self, drawn: tuple[torch.Tensor, ...], noise: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Mean squared error of excitations, divergence, and squared change of intention."""
        policy, (seen, label, first, second, held) = self.policy, drawn
        intended = policy.encode(first)
        done = torch.sigmoid(policy.decode(seen, intended.sample(noise), held))
        error = (done - label).square().mean()
        change = (intended.mean - policy.encode(second).mean).square().sum(dim=1).mean()
        if not policy.variational:
            return error, torch.zeros(()), change
        return error, intended.divergence(policy.usual(first)).mean(), change

    def _modules(self) -> dict[str, torch.nn.Module]:
        return {"latent": self.policy}

    def _optimizer(self) -> torch.optim.Optimizer:
        return self._adam

    def _remember(self, number: int, labels: Labels) -> None:
        start = number % self.config.memory * self._slot
        for kept, values in zip(self._memory, labels, strict=True):
            kept[start : start + self._slot] = values

    def _read_labels(self, number: int) -> Labels:
        path = self.folder / "labels" / f"{number:06d}.json"
        arrays = load_checkpoint(path).arrays
        if arrays.keys() != set(Labels._fields):
            raise CheckpointError(path, f"has {sorted(arrays)} in place of labels")
        return Labels(**arrays)
