"""Shards as actors on the machines of a Ray cluster, restarted elsewhere when a machine dies.

The calls that each shard got since its last `restore` are kept here. A shard that died is made
again on another machine, restored to that state and given the same calls, which leads it to the
same bits (on processors of one kind).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from typing_extensions import override

from musclehand.core.errors import InvalidValue, MusclehandError
from musclehand.learning.ray_cluster import PATIENCE, RayUnavailable, describe_room, import_ray
from musclehand.learning.shards import EnvMaker, Shard, ShardError, ShardGroup, check_count

READING = ("shape", "state")
"""Methods that do not change a shard, so that they need not be repeated."""

_PAUSE = 0.5
"""[s] Wait before a shard is made again, for Ray to notice that its machine has gone."""

Call = tuple[str, tuple[Any, ...]]
"""Name of a method and its arguments."""


class Refused(NamedTuple):
    """The result of a call that a shard refuses."""

    reason: str
    """Text of the error."""


class ShardHost:
    """A shard in a Ray actor."""

    def __init__(self, make: EnvMaker, number: int) -> None:
        """The shard is made at the first call, because an error here would be one of Ray.

        Args:
            make: makes the shard.
            number: of the shard.
        """
        self._make = make
        self._number = number
        self._shard: Shard | None = None

    def play(self, calls: Sequence[Call]) -> Any:
        """Does several calls in their order; returns the result of the last one."""
        result = None
        try:
            self._shard = self._shard or Shard(self._make, self._number)
            for method, arguments in calls:
                result = self._shard.call(
                    method, tuple(_writeable(argument) for argument in arguments)
                )
        except MusclehandError as error:
            # Exceptions whose `__init__` takes other arguments cannot be unpickled.
            return Refused(str(error))
        return result


class RayShards(ShardGroup):
    """Each shard in an actor of its own.

    Between two calls of `restore`, all actions are kept; a training restores in each iteration.
    """

    lost: int
    """Number of times that a shard had to be made again."""

    def __init__(
        self, make: EnvMaker, count: int, *, cpus: float = 1, patience: float = PATIENCE
    ) -> None:
        """
        Args:
            make: makes the shard of each number, on whatever machine; it is pickled.
            count: number of shards.
            cpus: CPUs that each shard takes.
            patience: longest duration of a call, restarts of shards included [s].

        Raises:
            InvalidValue: a number is out of range.
            RayUnavailable: Ray is not installed or not connected (`learning.ray_cluster.cluster`).
        """
        if not (cpus > 0 and patience > 0):
            raise InvalidValue("cpus, patience", (cpus, patience), "above 0")
        self.count = check_count(count)
        self.lost = 0
        self._ray = import_ray()
        if not self._ray.is_initialized():
            raise RayUnavailable("shards on Ray need a cluster to be connected with")
        self._cpus = cpus
        self._patience = patience
        # Put into Ray's store once, because it holds reference motion of some hundred megabytes.
        self._make = self._ray.put(make)
        # Restarts are made here, not by Ray, so that a host never has a state of unknown origin.
        self._remote = self._ray.remote(ShardHost).options(
            num_cpus=cpus, max_restarts=0, scheduling_strategy="SPREAD"
        )
        self._hosts = [self._remote.remote(self._make, number) for number in range(count)]
        self._calls_since_restore: list[list[Call]] = [[] for _ in range(count)]

    @override
    def call(self, method: str, arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
        calls: list[Call] = [(method, own) for own in arguments]
        pending = {
            number: host.play.remote([calls[number]]) for number, host in enumerate(self._hosts)
        }
        results: dict[int, Any] = {}
        deadline = time.monotonic() + self._patience
        errors = self._ray.exceptions
        reason = "it has not answered"
        while pending:
            # In one pass, so that all shards that died are restarted before any is waited for.
            for number, reference in list(pending.items()):
                try:
                    remaining = max(0.0, deadline - time.monotonic())
                    results[number] = self._ray.get(reference, timeout=remaining)
                    del pending[number]
                except errors.GetTimeoutError:
                    raise self._timeout_error(number, reason) from None
                except errors.RayTaskError:
                    raise
                except errors.RayError as error:
                    if getattr(error, "actor_init_failed", False):
                        # Another machine would do no better; a module is missing, most likely.
                        last_line = str(error).strip().splitlines()[-1]
                        raise ShardError(
                            f"shard {number} cannot be begun on its machine: {last_line}"
                        ) from error
                    reason = f"it died ({str(error).splitlines()[0]})"
                    pending[number] = self._restart(number, calls[number])
        for number, result in results.items():
            if isinstance(result, Refused):
                raise ShardError(f"shard {number}: {result.reason}")
        if method not in READING:
            for number, call in enumerate(calls):
                self._calls_since_restore[number] = self._calls_before(number, method)
                self._calls_since_restore[number].append(call)
        return [results[number] for number in range(self.count)]

    @override
    def close(self) -> None:
        for host in self._hosts:
            self._ray.kill(host)
        self._hosts = []

    def _calls_before(self, number: int, method: str) -> list[Call]:
        """Calls that a new host needs before one of a method: none before a `restore`."""
        return [] if method == "restore" else self._calls_since_restore[number]

    def _restart(self, number: int, call: Call) -> Any:
        """Makes a shard again and repeats its calls; a reference to the result of `call`."""
        self._ray.kill(self._hosts[number])
        self.lost += 1
        time.sleep(_PAUSE)
        self._hosts[number] = host = self._remote.remote(self._make, number)
        return host.play.remote([*self._calls_before(number, call[0]), call])

    def _timeout_error(self, number: int, reason: str) -> ShardError:
        return ShardError(
            f"shard {number} of {self.count}: {reason}, and for {self._patience:g} s there was "
            f"nothing else to hear; each takes {self._cpus:g} CPUs; {describe_room(self._ray)}"
        )


def _writeable(argument: Any) -> Any:
    """A copy of an array, or of a dictionary of arrays: those from Ray's store are read-only."""
    if isinstance(argument, np.ndarray):
        return argument.copy()
    if isinstance(argument, dict):
        return {name: np.array(value) for name, value in argument.items()}
    return argument
