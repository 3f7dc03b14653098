"""Sharded environments: several batches of environments that a learner uses as one.

    env = ShardedEnv(LocalShards(make, 4))       # one after the other, in this process
    env = ShardedEnv(RayShards(make, 4))         # on a Ray cluster: `learning.ray_shards`

A shard is made from its number; everything it does follows from that number and the calls it gets,
not from the machine that it is on. So results are the same bits wherever the shards are.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from typing_extensions import override

from musclehand.core.errors import InvalidValue, MusclehandError
from musclehand.core.vec_env import DifferentiableEnv, StepResult, TeacherEnv, VecEnv

MAX_SHARDS = 10_000
"""Largest number of shards."""

EnvMaker = Callable[[int], VecEnv]
"""Makes the shard with a number. To be sent to other machines, it has to be picklable, and must
not depend on the machine."""


class ShardError(MusclehandError):
    """A shard refuses a call, or there is no room for it."""


class ShardShape(NamedTuple):
    """The constants of a `VecEnv`."""

    num_envs: int
    """Number of environments in the shard."""

    num_observations: int
    """Length of an observation."""

    num_actions: int
    """Length of an action."""

    step_dt: float
    """[s] Duration of a step."""

    action_low: float
    """Lower bound of actions."""

    action_high: float
    """Upper bound of actions."""


class Shard:
    """One batch of environments, called by the names of its methods."""

    def __init__(self, make: EnvMaker, number: int) -> None:
        """Makes the environments."""
        self._env: Any = make(number)

    def call(self, method: str, arguments: tuple[Any, ...]) -> Any:
        """Calls a method of the environment; "shape" gives its `ShardShape`.

        Args:
            method: name of the method.
            arguments: by position.
        """
        if method == "shape":
            return ShardShape(*(getattr(self._env, name) for name in ShardShape._fields))
        if method == "reset":
            return self._env.reset(seed=arguments[0])
        return getattr(self._env, method)(*arguments)


class ShardGroup(ABC):
    """Several shards that are called together."""

    count: int
    """Number of shards."""

    @abstractmethod
    def call(self, method: str, arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Calls a method of every shard.

        Args:
            method: name of the method.
            arguments: of each shard. Length `count`.

        Returns:
            Results by the shards' numbers.

        Raises:
            ShardError: a shard refuses the call, or cannot be reached.
        """

    @abstractmethod
    def close(self) -> None:
        """Ends all shards."""


class LocalShards(ShardGroup):
    """Shards in this process, called one after the other; errors are the environments' own."""

    def __init__(self, make: EnvMaker, count: int) -> None:
        """
        Args:
            make: makes the shard of each number, 0 to `count` - 1.
            count: number of shards.

        Raises:
            InvalidValue: the count is out of range.
        """
        self.count = check_count(count)
        self._shards = [Shard(make, number) for number in range(count)]

    @override
    def call(self, method: str, arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
        return [shard.call(method, own) for shard, own in zip(self._shards, arguments, strict=True)]

    @override
    def close(self) -> None:
        self._shards = []


class ShardedEnv(TeacherEnv, DifferentiableEnv):
    """All environments of all shards, those of shard 0 first.

    A method that the shards' environments lack, such as `teacher_action`, raises an error here too.
    `state` has the arrays of each shard under names such as "shard_0/rng".
    """

    def __init__(self, shards: ShardGroup) -> None:
        """
        Args:
            shards: of the same environments; the number of environments may differ.

        Raises:
            InvalidValue: the shards' observations, actions or steps differ.
            ShardError: there is no room for one.
        """
        self.shards = shards
        shapes: list[ShardShape] = self._call_all("shape")
        first = shapes[0]
        for number, shape in enumerate(shapes):
            if shape[1:] != first[1:]:
                raise InvalidValue(f"shard {number}", shape, f"like shard 0, {first}")
        self.num_envs = sum(shape.num_envs for shape in shapes)
        self.num_observations = first.num_observations
        self.num_actions = first.num_actions
        self.step_dt = first.step_dt
        self.action_low = first.action_low
        self.action_high = first.action_high
        self._splits = np.cumsum([shape.num_envs for shape in shapes])[:-1]

    @override
    def reset(self, *, seed: int | None = None) -> np.ndarray:
        seeds = [
            None if seed is None else shard_seed(seed, number)
            for number in range(self.shards.count)
        ]
        self.shards.call("reset", [(own,) for own in seeds])
        # From here on, a shard can be made again from a state and the calls since then.
        return self.restore(self.state())

    @override
    def step(self, action: np.ndarray) -> StepResult:
        if np.shape(action) != (self.num_envs, self.num_actions):
            raise InvalidValue(
                "shape of action", np.shape(action), f"{(self.num_envs, self.num_actions)}"
            )
        parts = np.split(np.asarray(action), self._splits)
        results: list[StepResult] = self.shards.call("step", [(part,) for part in parts])
        terms = {
            name: np.concatenate([result.terms[name] for result in results])
            for name in results[0].terms
        }
        return StepResult(
            observation=np.concatenate([result.observation for result in results]),
            reward=np.concatenate([result.reward for result in results]),
            terminated=np.concatenate([result.terminated for result in results]),
            truncated=np.concatenate([result.truncated for result in results]),
            final_observation=np.concatenate([result.final_observation for result in results]),
            terms=terms,
        )

    @override
    def state(self) -> dict[str, np.ndarray]:
        states: list[Mapping[str, np.ndarray]] = self._call_all("state")
        return {
            f"{_prefix(number)}/{name}": np.array(values)
            for number, state in enumerate(states)
            for name, values in state.items()
        }

    @override
    def restore(self, state: Mapping[str, np.ndarray]) -> np.ndarray:
        parts: list[dict[str, np.ndarray]] = [{} for _ in range(self.shards.count)]
        by_prefix = {_prefix(number): part for number, part in enumerate(parts)}
        for name, values in state.items():
            prefix, _, own_name = name.partition("/")
            if prefix not in by_prefix:
                raise InvalidValue(
                    "array of the state",
                    name,
                    f"of one of {self.shards.count} shards, as shard_0/rng",
                )
            by_prefix[prefix][own_name] = np.array(values)
        for prefix, part in by_prefix.items():
            if not part:
                raise InvalidValue("state", f"without {prefix}", f"of {self.shards.count} shards")
        return np.concatenate(self.shards.call("restore", [(part,) for part in parts]))

    @override
    def teacher_action(self) -> np.ndarray:
        return np.concatenate(self._call_all("teacher_action"))

    @override
    def start_recording(self) -> None:
        self._call_all("start_recording")

    @override
    def begin_backward(self, discount: float) -> int:
        steps = self.shards.call("begin_backward", [(discount,)] * self.shards.count)
        return int(steps[0])

    @override
    def backward_step(self, observation_gradient: np.ndarray | None) -> np.ndarray:
        if observation_gradient is None:
            parts: Sequence[np.ndarray | None] = [None] * self.shards.count
        else:
            parts = np.split(observation_gradient, self._splits)
        return np.concatenate(self.shards.call("backward_step", [(part,) for part in parts]))

    def close(self) -> None:
        """Ends the shards."""
        self.shards.close()

    def _call_all(self, method: str) -> list[Any]:
        return self.shards.call(method, [()] * self.shards.count)


def shard_seed(seed: int, number: int) -> int:
    """Seed of a shard, different for each number and the same on every machine.

    Args:
        seed: of all shards.
        number: of the shard.
    """
    return int(np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)[0])


def check_count(count: int) -> int:
    """The number of shards.

    Raises:
        InvalidValue: it is out of range.
    """
    if not 1 <= count <= MAX_SHARDS:
        raise InvalidValue("shards", count, f"1 to {MAX_SHARDS}")
    return count


def _prefix(number: int) -> str:
    return f"shard_{number}"
