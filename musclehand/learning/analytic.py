"""Reinforcement through the equations of the body: the reward's slope with every action, in place of the reward.

An environment that knows how rewards follow from actions (`core.vec_env.DifferentiableEnv`) tells for each step that
was done which excitations should have been higher and which lower. The network is moved that way. PPO has to find the
same out by trial, from one number a step for 46 muscles, and needs some hundred times as many steps.

Slopes take later actions as they were, which is harmless where errors are seen at once and leads astray where they are
seen late: every action then tries to make good what others are about to. So hands whose senses are late or wrong learn
from themselves: to do what the same network does where it sees the truth in time.
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
"""Slopes above so many times a usual one are cut: a hand that has lost its way says little of the others."""


@dataclass(frozen=True)
class AnalyticConfig:
    """How to learn from slopes.

    Slowly, because slopes ask for more and more gain, and a hand that is too eager trembles: with 4 minibatches at 5e-5
    excitations changed six times as much from step to step after 100 iterations, and fingertips no longer came nearer.

    `iterations` of `steps` in every environment; each is learnt from once, in `minibatches` parts, by Adam at `rate`,
    which falls to a tenth in `decay` iterations. `fading`: what is left of an error a step later
    (`DifferentiableEnv.action_gradient`). Hands whose senses are off are to act as if they were not, an excitation that
    differs by `likeness` weighing as much as a usual slope.
    """

    iterations: int = 280
    steps: int = 32
    minibatches: int = 1
    rate: float = 1e-4
    decay: int = 280
    fading: float = 0.8
    likeness: float = 0.05
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("iterations", "steps", "minibatches", "decay"):
            least = 0 if name == "iterations" else 1
            if not least <= getattr(self, name) <= 10**7:
                raise InvalidValue(name, getattr(self, name), "1 to 10 million, iterations also 0")
        if not (min(self.rate, self.likeness) > 0 and 0 <= self.fading <= 1):
            values = (self.rate, self.likeness, self.fading)
            raise InvalidValue("rate, likeness, fading", values, "above 0 twice, and 0 to 1")


class AnalyticProgress(NamedTuple):
    """One iteration: its number, `steps` done in all, mean `reward` a step, share of steps that ended in `failures`,
    means of the environment's `terms`, and the size of a usual `slope` of the reward with a logit."""

    iteration: int
    steps: int
    reward: float
    failures: float
    terms: dict[str, float]
    slope: float


class Seen(NamedTuple):
    """What hands saw and did: `observation` (rows, observations), `excitation`, and what the network would have done in
    the knowledge of the truth, `wanted` (rows, actions); `prompt` (rows,): whether what was seen was the truth."""

    observation: np.ndarray
    excitation: np.ndarray
    wanted: np.ndarray
    prompt: np.ndarray


class AnalyticTraining(Training[DifferentiableEnv, AnalyticConfig, AnalyticProgress]):
    """A run in a folder. `policy` is what has been learnt; `done` iterations."""

    def __init__(
        self, env: DifferentiableEnv, policy: Policy, config: AnalyticConfig, folder: Path, *, known: Mapping[str, Any]
    ) -> None:
        """Begins with a policy, or goes on where the folder's run was; arguments and errors as `Training`."""
        super().__init__("analytic", env, config, folder, known)
        self.policy = policy
        self._adam = torch.optim.Adam(policy.parameters(), lr=config.rate)
        self._begin()

    def _iterate(self) -> AnalyticProgress:
        config = self.config
        seen, reward, failures, terms = self._collect()
        slopes = self.env.action_gradient(config.fading).reshape(seen.excitation.shape)
        # The network's outputs are logits of excitations.
        slopes = slopes * seen.excitation * (1.0 - seen.excitation)
        size = float(np.sqrt(np.median(np.mean(np.square(slopes), axis=1))))
        slopes = np.clip(slopes / max(size, 1e-12), -LARGEST, LARGEST)
        slopes[~seen.prompt] = 0.0
        self._learn(seen, slopes.astype(np.float32))
        steps = (self.done + 1) * config.steps * self.env.num_envs
        return AnalyticProgress(self.done, steps, reward, failures, terms, size)

    def _collect(self) -> tuple[Seen, float, float, dict[str, float]]:
        """Acts; what was seen and done, and means of what came of it."""
        env, config = self.env, self.config
        rows = config.steps, env.num_envs
        observation = np.empty((*rows, env.num_observations), dtype=np.float32)
        excitation, wanted = np.empty((2, *rows, env.num_actions))
        prompt = np.empty(rows, dtype=bool)
        sums: dict[str, float] = {}
        reward = failures = 0.0
        env.watch()
        for step in range(config.steps):
            truth = env.prompt_observation()
            observation[step] = self._observation
            prompt[step] = (truth == self._observation).all(axis=1)
            excitation[step] = wanted[step] = self.policy.act(self._observation)
            if not prompt[step].all():
                wanted[step] = self.policy.act(truth)
            result = env.step(excitation[step])
            self._observation = result.observation
            reward += float(result.reward.mean()) / config.steps
            failures += float(result.terminated.mean()) / config.steps
            for name, values in result.terms.items():
                sums[name] = sums.get(name, 0.0) + float(values.mean()) / config.steps
        flat = [part.reshape(-1, part.shape[2]) for part in (observation, excitation, wanted)]
        return Seen(flat[0], flat[1], flat[2], prompt.ravel()), reward, failures, sums

    def _learn(self, seen: Seen, slopes: np.ndarray) -> None:
        config = self.config
        for group in self._adam.param_groups:
            group["lr"] = config.rate * 0.1 ** min(1.0, self.done / config.decay)
        order = np.random.default_rng([config.seed, self.done, 3]).permutation(len(slopes))
        for rows in np.array_split(order, config.minibatches):
            logits = self.policy(torch.from_numpy(seen.observation[rows]))
            wanted = torch.from_numpy(seen.wanted[rows].astype(np.float32))
            unlike = ((torch.sigmoid(logits) - wanted) / config.likeness)[torch.from_numpy(~seen.prompt[rows])]
            gained = (torch.from_numpy(slopes[rows]) * logits).sum()
            loss = (0.5 * unlike.square().sum() - gained) / len(rows)
            self._adam.zero_grad()
            loss.backward()
            self._adam.step()

    def _modules(self) -> dict[str, torch.nn.Module]:
        return {"policy": self.policy}

    def _optimizer(self) -> torch.optim.Optimizer:
        return self._adam
