"""What all trainings share: iterations with a checkpoint after each, and resuming to the same bits.

After each iteration everything that the next one depends on is on file: networks, optimiser and
state of the environment; random numbers follow from the seed and the iteration's number. A run that
was killed resumes from its latest checkpoint. A run that was not killed passes through the same
`VecEnv.restore`, so both end with the same bits.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict
from enum import IntEnum
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch

from musclehand.core.checkpoint import load_latest, save_checkpoint
from musclehand.core.errors import InvalidValue
from musclehand.core.vec_env import VecEnv
from musclehand.learning.policy import Policy
from musclehand.learning.torch_state import (
    Arrays,
    load_module,
    load_optimizer,
    module_arrays,
    optimizer_arrays,
)

MAX_COUNT = 10**7
"""Largest number of iterations, steps and the like in a configuration."""


class RngStream(IntEnum):
    """Streams of random numbers: the last part of a seed, after the configuration's seed and the
    number of the iteration, so that no two algorithms draw the same numbers."""

    DAGGER = 1
    """Actors, noise and batches of `learning.dagger`."""

    PPO = 2
    """Noise and minibatches of `learning.ppo`."""

    APG = 3
    """Minibatches of `learning.apg`."""

    LATENT_DISTILL = 4
    """Actors, noise and batches of `learning.latent_distill`."""

    LATENT_APG = 5
    """Noise of `learning.latent_apg`."""

    STATIC_STATES = 6
    """States of the static environment of `learning.high_level_distill`."""


class TrainingConfig(Protocol):
    """What the configurations of all trainings have, which are dataclasses."""

    @property
    def iterations(self) -> int:
        """Number of iterations in all."""

    @property
    def seed(self) -> int:
        """Seed of all random numbers."""


EnvT = TypeVar("EnvT", bound=VecEnv)
ConfigT = TypeVar("ConfigT", bound=TrainingConfig)
ProgressT = TypeVar("ProgressT")


class Training(ABC, Generic[EnvT, ConfigT, ProgressT]):
    """A training in a folder of checkpoints. A training that the folder has is resumed."""

    policy: Policy
    """The network that is trained."""

    iterations_done: int
    """Number of iterations that are finished and on file."""

    _observation: np.ndarray

    def __init__(
        self, kind: str, env: EnvT, config: ConfigT, folder: Path, identity: Mapping[str, Any]
    ) -> None:
        """
        Args:
            kind: name of the algorithm, under which checkpoints hold the configuration.
            env: environments to learn in.
            config: how to learn. A resumed run needs the same one, except for `iterations`.
            folder: of the checkpoints.
            identity: what a resumed run has to agree with, such as the hash of the model; values
                of JSON.
        """
        self.env = env
        self.config = config
        self.folder = Path(folder)
        settings = asdict(config)  # type: ignore[call-overload]
        del settings["iterations"]
        # Through JSON, as checkpoints give it back: lists in place of tuples.
        self._identity = {**json.loads(json.dumps({kind: settings})), **identity}
        self.iterations_done = 0

    def run(self, on_progress: Callable[[ProgressT], None] | None = None) -> Policy:
        """Does all iterations that are missing.

        Args:
            on_progress: called after each iteration.

        Returns:
            The trained network.
        """
        while self.iterations_done < self.config.iterations:
            self.iterate(on_progress)
        return self.policy

    def iterate(self, on_progress: Callable[[ProgressT], None] | None = None) -> ProgressT:
        """Does one iteration and writes its checkpoint.

        Args:
            on_progress: called before the checkpoint is written: a log then has at least the
                iterations that are on file.

        Returns:
            What the iteration was like.
        """
        progress = self._iterate()
        if on_progress is not None:
            on_progress(progress)
        self.iterations_done += 1
        info = {**self._identity, "policy_sizes": list(self.policy.sizes)}
        save_checkpoint(self.folder, self.iterations_done, self._arrays(), info)
        # So that an uninterrupted run continues from the state that a resumed one has.
        self._observation = self.env.restore(self.env.state())
        return progress

    @abstractmethod
    def _iterate(self) -> ProgressT:
        """Collects data, from `self._observation` on, and learns from them. Random numbers follow
        from the seed and `iterations_done`."""

    @abstractmethod
    def _modules(self) -> dict[str, torch.nn.Module]:
        """The networks, by their names in checkpoints."""

    @abstractmethod
    def _optimizer(self) -> torch.optim.Optimizer:
        """The Adam optimiser."""

    def _begin(self) -> None:
        """Begins the run, or resumes that of the folder; to be called last in `__init__`.

        Raises:
            CheckpointError: the folder holds a run with another configuration or identity, or a
                damaged one.
        """
        checkpoint = load_latest(self.folder, **self._identity)
        if checkpoint is None:
            self._observation = self.env.reset(seed=self.config.seed)
            return
        self.iterations_done = checkpoint.number
        for name, module in self._modules().items():
            load_module(name, module, checkpoint.arrays)
        load_optimizer("adam", self._optimizer(), checkpoint.arrays)
        self._observation = self.env.restore(arrays_below("env", checkpoint.arrays))

    def _arrays(self) -> Arrays:
        arrays: Arrays = {f"env/{name}": values for name, values in self.env.state().items()}
        for name, module in self._modules().items():
            arrays.update(module_arrays(name, module))
        return {**arrays, **optimizer_arrays("adam", self._optimizer())}


def decay_learning_rate(
    optimizer: torch.optim.Optimizer, initial: float, iteration: int, decay: int
) -> None:
    """Sets all learning rates: exponential decay to a tenth in `decay` iterations, then constant.

    Args:
        optimizer: whose rates are set.
        initial: learning rate of iteration 0.
        iteration: number of the iteration.
        decay: iterations until the rate is a tenth of that.
    """
    for group in optimizer.param_groups:
        group["lr"] = initial * 0.1 ** min(1.0, iteration / decay)


def check_counts(config: TrainingConfig, names: tuple[str, ...]) -> None:
    """Checks that numbers of a configuration are from 1 to 10 million; `iterations` may be 0.

    Args:
        config: of a training.
        names: of its fields.

    Raises:
        InvalidValue: a number is out of range.
    """
    for name in names:
        value = getattr(config, name)
        if not (0 if name == "iterations" else 1) <= value <= MAX_COUNT:
            raise InvalidValue(name, value, "1 to 10 million, iterations also 0")


def check_value(config: TrainingConfig, name: str, is_legal: bool, legal: str) -> None:
    """Refuses a configuration with a value that is not legal.

    Args:
        config: of a training.
        name: of the field with the value.
        is_legal: whether the value is legal.
        legal: the legal values, in words.

    Raises:
        InvalidValue: the value is not legal.
    """
    if not is_legal:
        raise InvalidValue(name, getattr(config, name), legal)


def arrays_below(prefix: str, arrays: Mapping[str, np.ndarray]) -> Arrays:
    """The arrays whose names begin with `prefix/`, under the rest of their names.

    Args:
        prefix: without the slash.
        arrays: by name.
    """
    start = f"{prefix}/"
    return {
        name.removeprefix(start): values
        for name, values in arrays.items()
        if name.startswith(start)
    }
