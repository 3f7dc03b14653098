"""Reinforcement through the equations of the body: the reward's slope with every action, in place
of the reward.

An environment that knows how rewards follow from actions (`core.vec_env.DifferentiableEnv`) tells
for each step that was done which excitations should have been higher and which lower. The network
is moved that way. PPO has to find the same out by trial, from one number a step for 46 muscles, and
needs some hundred times as many steps.

What a later action owes to an earlier one goes back through the network as well: an action changes
what is seen, and what is seen is answered. Where later actions are taken as they were
(`answers=False`), each action tries to make good what others are about to, gain creeps up, and the
hand ends up trembling.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from musclehand.core.errors import InvalidValue
from musclehand.core.vec_env import DifferentiableEnv
from musclehand.learning.policy import Policy
from musclehand.learning.training import Training

LARGEST = 5.0
"""Slopes above so many times a usual one are cut: a hand that has lost its way says little of
the others."""


@dataclass(frozen=True)
class ApgConfig:
    """How to learn from slopes.

    `iterations` of `steps` in every environment; each is learnt from once, in `minibatches` parts,
    by Adam at `rate`, which falls to a tenth in `decay` iterations. `fading`: share of what an
    error costs later that a step has to answer for; `answers`: whether later actions are seen to
    answer to what an earlier one did.
    """

    iterations: int = 500
    steps: int = 32
    minibatches: int = 4
    rate: float = 2e-4
    decay: int = 500
    fading: float = 0.95
    answers: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("iterations", "steps", "minibatches", "decay"):
            least = 0 if name == "iterations" else 1
            if not least <= getattr(self, name) <= 10**7:
                raise InvalidValue(name, getattr(self, name), "1 to 10 million, iterations also 0")
        if not (self.rate > 0 and 0 <= self.fading <= 1):
            raise InvalidValue("rate, fading", (self.rate, self.fading), "above 0, and 0 to 1")


class ApgProgress(NamedTuple):
    """One iteration: its number, `steps` done in all, mean `reward` a step, share of steps that
    ended in `failures`, means of the environment's `terms`, and the size of a usual `slope` of
    the reward with a logit."""

    iteration: int
    steps: int
    reward: float
    failures: float
    terms: dict[str, float]
    slope: float


class ApgTraining(Training[DifferentiableEnv, ApgConfig, ApgProgress]):
    """A run in a folder. `policy` is what has been learnt; `done` iterations."""

    def __init__(
        self,
        env: DifferentiableEnv,
        policy: Policy,
        config: ApgConfig,
        folder: Path,
        *,
        known: Mapping[str, Any],
    ) -> None:
        """Begins with a policy, or goes on where the folder's run was; arguments and errors as
        `Training`."""
        super().__init__("analytic", env, config, folder, known)
        self.policy = policy
        self._adam = torch.optim.Adam(policy.parameters(), lr=config.rate)
        self._begin()

    def _iterate(self) -> ApgProgress:
        config = self.config
        observation, reward, failures, terms = self._collect()
        slopes = self._look_back(observation)
        size = float(np.sqrt(np.median(np.mean(np.square(slopes), axis=2))))
        slopes = np.clip(slopes / max(size, 1e-12), -LARGEST, LARGEST)
        self._learn(
            observation.reshape(-1, observation.shape[2]), slopes.reshape(-1, slopes.shape[2])
        )
        steps = (self.done + 1) * config.steps * self.env.num_envs
        return ApgProgress(self.done, steps, reward, failures, terms, size)

    def _collect(self) -> tuple[np.ndarray, float, float, dict[str, float]]:
        """Acts; what was seen, shape (steps, environments, observations), and means of what came
        of it."""
        env = self.env
        config = self.config
        observation = np.empty((config.steps, env.num_envs, env.num_observations), dtype=np.float32)
        begun = np.ones(env.num_envs, dtype=bool)
        sums: dict[str, float] = {}
        reward = failures = 0.0
        env.watch()
        for step in range(config.steps):
            observation[step] = self._observation
            result = env.step(self._act(step, self._observation, begun))
            self._observation = result.observation
            begun = result.terminated | result.truncated
            reward += float(result.reward.mean()) / config.steps
            failures += float(result.terminated.mean()) / config.steps
            for name, values in result.terms.items():
                sums[name] = sums.get(name, 0.0) + float(values.mean()) / config.steps
        return observation, reward, failures, sums

    def _look_back(self, observation: np.ndarray) -> np.ndarray:
        """How the rewards' sum changes with each logit. Shape (steps, environments, actions)."""
        slopes = np.empty((*observation.shape[:2], self.env.num_actions), dtype=np.float32)
        by_observation = None
        for step in reversed(range(self.env.look_back(self.config.fading))):
            by_action = self.env.step_back(by_observation).astype(np.float32)
            slopes[step], by_seen = self._answer(step, observation[step], by_action)
            by_observation = by_seen if self.config.answers else None
        return slopes

    def _learn(self, observation: np.ndarray, slopes: np.ndarray) -> None:
        config = self.config
        for group in self._adam.param_groups:
            group["lr"] = config.rate * 0.1 ** min(1.0, self.done / config.decay)
        order = np.random.default_rng([config.seed, self.done, 3]).permutation(len(slopes))
        for rows in np.array_split(order, config.minibatches):
            logits, price = self._logits(observation, rows)
            loss = price - (torch.from_numpy(slopes[rows]) * logits).sum() / len(rows)
            self._adam.zero_grad()
            loss.backward()
            self._adam.step()

    def _act(self, step: int, seen: np.ndarray, begun: np.ndarray) -> np.ndarray:
        """What is done in a step of an iteration, by what is seen; `begun`: where an episode
        does."""
        return self.policy.act(seen)

    def _answer(
        self, step: int, seen: np.ndarray, by_action: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """How the rewards' sum changes with the logits of a step and with what was seen; steps
        come backwards."""
        shown = torch.from_numpy(seen).requires_grad_()
        logits = self.policy(shown)
        action = torch.sigmoid(logits).detach().numpy()
        slopes = by_action * action * (1.0 - action)
        (by_seen,) = torch.autograd.grad(logits, shown, torch.from_numpy(slopes))
        return slopes, by_seen.numpy()

    def _logits(
        self, observation: np.ndarray, rows: np.ndarray
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Of some rows of all that was seen, to learn by; and a price beside the rewards."""
        return self.policy(torch.from_numpy(observation[rows])), torch.zeros(())

    def _modules(self) -> dict[str, torch.nn.Module]:
        return {"policy": self.policy}

    def _optimizer(self) -> torch.optim.Optimizer:
        return self._adam
