"""Many environments in several places that look like one: shards, each made by its number, side by
side.

    env = ShardedEnv(LocalShards(make, 4))       # one after the other, here
    env = ShardedEnv(RayShards(make, 4))         # each where there is room for it: `learning.ray_shards`

What a shard does follows from its number and from what it is told. Where it is does not matter: the
bits are the same.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from musclehand.core.errors import InvalidValue, MusclehandError
from musclehand.core.vec_env import DifferentiableEnv, StepResult, TeacherEnv, VecEnv

MAX_SHARDS = 10_000

EnvMaker = Callable[[int], VecEnv]
"""Makes the shard of a number. To go to other machines it has to be picklable, and must not
depend on where it is."""


class ShardError(MusclehandError):
    """A shard that cannot do what it was told, or that there is no room for."""


class ShardShape(NamedTuple):
    """What an environment says of itself."""

    num_envs: int
    num_observations: int
    num_actions: int
    step_dt: float
    action_low: float
    action_high: float


class Shard:
    """One environment, told by name what to do."""

    def __init__(self, make: EnvMaker, number: int) -> None:
        """Makes it."""
        self._env: Any = make(number)

    def do(self, method: str, arguments: tuple[Any, ...]) -> Any:
        """What a method of the environment, or `shape`, gives."""
        if method == "shape":
            return ShardShape(*(getattr(self._env, name) for name in ShardShape._fields))
        if method == "reset":
            return self._env.reset(seed=arguments[0])
        return getattr(self._env, method)(*arguments)


class ShardGroup(ABC):
    """Shards to be told what to do; `count` of them."""

    count: int

    @abstractmethod
    def call(self, method: str, arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Has each do something with arguments of its own; what they give, by number.

        Raises:
            ShardError: one cannot.
        """

    @abstractmethod
    def close(self) -> None:
        """Ends them."""


class LocalShards(ShardGroup):
    """Shards in this process, one after the other."""

    def __init__(self, make: EnvMaker, count: int) -> None:
        """
        Args:
            make: a shard of each number from 0.
            count: of shards.

        Raises:
            InvalidValue: the count is out of range.
        """
        self.count = check_count(count)
        self._shards = [Shard(make, number) for number in range(count)]

    def call(self, method: str, arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
        """As `ShardGroup`; errors are the environment's own."""
        return [shard.do(method, own) for shard, own in zip(self._shards, arguments, strict=True)]

    def close(self) -> None:
        """As `ShardGroup`."""
        self._shards = []


class ShardedEnv(TeacherEnv, DifferentiableEnv):
    """All hands of all shards, those of shard 0 first.

    A method that the shards' environments lack, such as `teacher_action`, is lacking here too.
    `state` has each shard's arrays under names such as "shard_0/rng".
    """

    def __init__(self, shards: ShardGroup) -> None:
        """
        Args:
            shards: of environments that are alike; the number of hands may differ.

        Raises:
            InvalidValue: they are not alike.
            ShardError: there is no room for one.
        """
        self.shards = shards
        shapes: list[ShardShape] = self._all("shape")
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
        self._cuts = np.cumsum([shape.num_envs for shape in shapes])[:-1]

    def reset(self, *, seed: int | None = None) -> np.ndarray:
        """As `VecEnv`; each shard's seed follows from the one given and its number."""
        seeds = [
            None if seed is None else shard_seed(seed, number)
            for number in range(self.shards.count)
        ]
        self.shards.call("reset", [(one,) for one in seeds])
        # From here on, all that has to be known of a shard to make it again is a state and what was
        # done since.
        return self.restore(self.state())

    def step(self, action: np.ndarray) -> StepResult:
        """As `VecEnv`."""
        if np.shape(action) != (self.num_envs, self.num_actions):
            raise InvalidValue(
                "shape of action", np.shape(action), f"{(self.num_envs, self.num_actions)}"
            )
        parts = np.split(np.asarray(action), self._cuts)
        results: list[StepResult] = self.shards.call("step", [(part,) for part in parts])
        terms = {
            name: np.concatenate([one.terms[name] for one in results]) for name in results[0].terms
        }
        return StepResult(
            observation=np.concatenate([one.observation for one in results]),
            reward=np.concatenate([one.reward for one in results]),
            terminated=np.concatenate([one.terminated for one in results]),
            truncated=np.concatenate([one.truncated for one in results]),
            final_observation=np.concatenate([one.final_observation for one in results]),
            terms=terms,
        )

    def state(self) -> dict[str, np.ndarray]:
        """As `VecEnv`."""
        states: list[Mapping[str, np.ndarray]] = self._all("state")
        return {
            f"{_name(number)}/{name}": np.array(values)
            for number, state in enumerate(states)
            for name, values in state.items()
        }

    def restore(self, state: Mapping[str, np.ndarray]) -> np.ndarray:
        """As `VecEnv`."""
        parts: list[dict[str, np.ndarray]] = [{} for _ in range(self.shards.count)]
        places = {_name(number): part for number, part in enumerate(parts)}
        for name, values in state.items():
            shard, _, own = name.partition("/")
            if shard not in places:
                raise InvalidValue(
                    "array of the state",
                    name,
                    f"of one of {self.shards.count} shards, as shard_0/rng",
                )
            places[shard][own] = np.array(values)
        for place, part in places.items():
            if not part:
                raise InvalidValue("state", f"without {place}", f"of {self.shards.count} shards")
        return np.concatenate(self.shards.call("restore", [(part,) for part in parts]))

    def teacher_action(self) -> np.ndarray:
        """As `TeacherEnv`."""
        return np.concatenate(self._all("teacher_action"))

    def watch(self) -> None:
        """As `DifferentiableEnv`."""
        self._all("watch")

    def look_back(self, fading: float) -> int:
        """As `DifferentiableEnv`."""
        return int(self.shards.call("look_back", [(fading,)] * self.shards.count)[0])

    def step_back(self, by_observation: np.ndarray | None) -> np.ndarray:
        """As `DifferentiableEnv`."""
        if by_observation is None:
            parts: Sequence[np.ndarray | None] = [None] * self.shards.count
        else:
            parts = np.split(by_observation, self._cuts)
        return np.concatenate(self.shards.call("step_back", [(part,) for part in parts]))

    def close(self) -> None:
        """Ends the shards."""
        self.shards.close()

    def _all(self, method: str) -> list[Any]:
        return self.shards.call(method, [()] * self.shards.count)


def shard_seed(seed: int, number: int) -> int:
    """The seed of a shard: another for each number, and the same on every machine."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)[0])


def check_count(count: int) -> int:
    """The count of shards.

    Raises:
        InvalidValue: it is out of range.
    """
    if not 1 <= count <= MAX_SHARDS:
        raise InvalidValue("shards", count, f"1 to {MAX_SHARDS}")
    return count


def _name(number: int) -> str:
    return f"shard_{number}"
