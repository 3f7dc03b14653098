"""Shards on the machines of a Ray cluster. One that dies is made again elsewhere, and nobody can
tell.

What a shard was told since it was last put into a known state is kept here: a new one is made, put
into that state and told the same, and so is where the old one was, to the bit (on processors of one
kind).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from musclehand.core.errors import InvalidValue, MusclehandError
from musclehand.learning.ray_cluster import PATIENCE, RayUnavailable, describe_room, import_ray
from musclehand.learning.shards import EnvMaker, Shard, ShardError, ShardGroup, check_count

READING = ("shape", "state")
"""What leaves no trace in a shard."""

_PAUSE = 0.5

Call = tuple[str, tuple[Any, ...]]


class Refused(NamedTuple):
    """Why a shard cannot do what it was told."""

    reason: str


class ShardHost:
    """A shard where Ray has put it."""

    def __init__(self, make: EnvMaker, number: int) -> None:
        """Nothing is made before it is needed: an error would then be one of Ray."""
        self._make = make
        self._number = number
        self._shard: Shard | None = None

    def play(self, calls: Sequence[Call]) -> Any:
        """Does one thing after the other; what the last one gives."""
        result = None
        try:
            self._shard = self._shard or Shard(self._make, self._number)
            for method, arguments in calls:
                result = self._shard.do(method, tuple(_own(argument) for argument in arguments))
        except MusclehandError as error:
            # Errors with arguments of their own do not survive pickling.
            return Refused(str(error))
        return result


class RayShards(ShardGroup):
    """Each shard in an actor. `lost`: how many had to be made again.

    Between two calls of `restore` (a training does one each iteration) all actions are kept.
    """

    def __init__(
        self, make: EnvMaker, count: int, *, cpus: float = 1, patience: float = PATIENCE
    ) -> None:
        """
        Args:
            make: a shard of each number from 0, on whatever machine; sent to each.
            count: of shards.
            cpus: that each of them takes.
            patience: how long a call may take, with what it takes to replace shards that died [s].

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
        # Once for all: clips to follow are large.
        self._make = self._ray.put(make)
        # It is made again here and not by Ray, so that one host never has two lives.
        self._remote = self._ray.remote(ShardHost).options(
            num_cpus=cpus, max_restarts=0, scheduling_strategy="SPREAD"
        )
        self._hosts = [self._remote.remote(self._make, number) for number in range(count)]
        self._since: list[list[Call]] = [[] for _ in range(count)]

    def call(self, method: str, arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
        """As `ShardGroup`; also when no machine has had room for a shard within `patience`."""
        calls: list[Call] = [(method, own) for own in arguments]
        asked = {
            number: host.play.remote([calls[number]]) for number, host in enumerate(self._hosts)
        }
        answers: dict[int, Any] = {}
        deadline = time.monotonic() + self._patience
        errors = self._ray.exceptions
        why = "it has not answered"
        while asked:
            # All that died are begun anew before any is waited for.
            for number, promise in list(asked.items()):
                try:
                    left = max(0.0, deadline - time.monotonic())
                    answers[number] = self._ray.get(promise, timeout=left)
                    del asked[number]
                except errors.GetTimeoutError:
                    raise self._too_late(number, why) from None
                except errors.RayTaskError:
                    raise
                except errors.RayError as error:
                    if getattr(error, "actor_init_failed", False):
                        # Another one would do no better: its machine lacks a module, most likely.
                        last = str(error).strip().splitlines()[-1]
                        raise ShardError(
                            f"shard {number} cannot be begun on its machine: {last}"
                        ) from error
                    why = f"it died ({str(error).splitlines()[0]})"
                    asked[number] = self._again(number, calls[number])
        for number, answer in answers.items():
            if isinstance(answer, Refused):
                raise ShardError(f"shard {number}: {answer.reason}")
        if method not in READING:
            for number, call in enumerate(calls):
                self._since[number] = self._told_before(number, method)
                self._since[number].append(call)
        return [answers[number] for number in range(self.count)]

    def close(self) -> None:
        """As `ShardGroup`."""
        for host in self._hosts:
            self._ray.kill(host)
        self._hosts = []

    def _told_before(self, number: int, method: str) -> list[Call]:
        """What a new shard has to be told before a call of the method: nothing before a known
        state."""
        return [] if method == "restore" else self._since[number]

    def _again(self, number: int, call: Call) -> Any:
        """Another host, told all that the last one was and a call more; its answer to come."""
        self._ray.kill(self._hosts[number])
        self.lost += 1
        time.sleep(_PAUSE)
        self._hosts[number] = host = self._remote.remote(self._make, number)
        return host.play.remote([*self._told_before(number, call[0]), call])

    def _too_late(self, number: int, why: str) -> ShardError:
        return ShardError(
            f"shard {number} of {self.count}: {why}, and for {self._patience:g} s there was nothing else to hear; each "
            f"takes {self._cpus:g} CPUs; {describe_room(self._ray)}"
        )


def _own(argument: Any) -> Any:
    """A copy that can be written to: what Ray brings is often not."""
    if isinstance(argument, np.ndarray):
        return argument.copy()
    return (
        {name: np.array(value) for name, value in argument.items()}
        if isinstance(argument, dict)
        else argument
    )
