"""What every training has in common: a folder of checkpoints, and going on from there to the same
bits.

After each iteration all that the rest depends on is on file. A run that was killed begins the next
iteration from what it finds; one that was not takes the same way, through the environment's
`restore`.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch

from musclehand.core.checkpoint import load_latest, save_checkpoint
from musclehand.core.vec_env import VecEnv
from musclehand.learning.policy import Policy
from musclehand.learning.torch_state import (
    Arrays,
    load_module,
    load_optimizer,
    module_arrays,
    optimizer_arrays,
)


class TrainingConfig(Protocol):
    """What every config says: a dataclass with these and more."""

    @property
    def iterations(self) -> int:
        """How far to go."""

    @property
    def seed(self) -> int:
        """Of all that is drawn."""


EnvT = TypeVar("EnvT", bound=VecEnv)
ConfigT = TypeVar("ConfigT", bound=TrainingConfig)
ToldT = TypeVar("ToldT")


class Training(ABC, Generic[EnvT, ConfigT, ToldT]):
    """A training in a folder. `policy` is what has been learnt; `done` iterations."""

    policy: Policy
    _observation: np.ndarray

    def __init__(
        self, kind: str, env: EnvT, config: ConfigT, folder: Path, known: Mapping[str, Any]
    ) -> None:
        """
        Args:
            kind: of training, by which its config is kept.
            env: to learn in.
            config: how; `iterations`, how far to go, is no part of what a run is.
            folder: for checkpoints.
            known: what a checkpoint has to agree with, such as the model's hash.
        """
        self.env = env
        self.config = config
        self.folder = Path(folder)
        told = {name: value for name, value in asdict(config).items() if name != "iterations"}  # type: ignore[call-overload]
        # As it is after JSON, lists for tuples.
        self._known = {**json.loads(json.dumps({kind: told})), **known}
        self.done = 0

    def run(self, tell: Callable[[ToldT], None] | None = None) -> Policy:
        """Does the iterations that are missing."""
        while self.done < self.config.iterations:
            self.iterate(tell)
        return self.policy

    def iterate(self, tell: Callable[[ToldT], None] | None = None) -> ToldT:
        """One iteration and a checkpoint; it is told of before that, so that nothing is on file
        that was not told."""
        progress = self._iterate()
        if tell is not None:
            tell(progress)
        self.done += 1
        info = {**self._known, "policy_sizes": list(self.policy.sizes)}
        save_checkpoint(self.folder, self.done, self._arrays(), info)
        # So that an uninterrupted run goes on from what a resumed one would.
        self._observation = self.env.restore(self.env.state())
        return progress

    @abstractmethod
    def _iterate(self) -> ToldT:
        """Acting and learning, from `self._observation` on; random numbers follow from the seed
        and `done`."""

    @abstractmethod
    def _modules(self) -> dict[str, torch.nn.Module]:
        """The networks, by name."""

    @abstractmethod
    def _optimizer(self) -> torch.optim.Optimizer:
        """An Adam."""

    def _begin(self) -> None:
        """Begins, or goes on where the folder's run was; the last thing that `__init__` does.

        Raises:
            CheckpointError: the folder holds a run of another kind, or a damaged one.
        """
        found = load_latest(self.folder, **self._known)
        if found is None:
            self._observation = self.env.reset(seed=self.config.seed)
            return
        self.done = found.number
        for name, module in self._modules().items():
            load_module(name, module, found.arrays)
        load_optimizer("adam", self._optimizer(), found.arrays)
        self._observation = self.env.restore(arrays_below("env", found.arrays))

    def _arrays(self) -> Arrays:
        arrays: Arrays = {f"env/{name}": values for name, values in self.env.state().items()}
        for name, module in self._modules().items():
            arrays.update(module_arrays(name, module))
        return {**arrays, **optimizer_arrays("adam", self._optimizer())}


def arrays_below(prefix: str, arrays: Mapping[str, np.ndarray]) -> Arrays:
    """The arrays whose names begin with a prefix, without it."""
    start = f"{prefix}/"
    return {
        name.removeprefix(start): values
        for name, values in arrays.items()
        if name.startswith(start)
    }
