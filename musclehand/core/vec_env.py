"""Where environments meet learners: many environments of one kind, stepped together, in plain
arrays.

A learner knows nothing else of the world, and an environment nothing of the learner. An environment
that ends starts again by itself; what it would have observed is in `StepResult.final_observation`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np


class StepResult(NamedTuple):
    """What came of a step in n environments.

    `observation` (n, num_observations), of the new episode where one ended; `reward` (n,);
    `terminated` (n,) by failure, `truncated` (n,) by time or because the reference was over;
    `final_observation` (n, num_observations), at the end of the step, before any new episode;
    `terms`: every reward term before weighting, and errors, (n,) each.
    """

    observation: np.ndarray
    reward: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    final_observation: np.ndarray
    terms: Mapping[str, np.ndarray]


class VecEnv(ABC):
    """Environments stepped together. `num_envs`, `num_observations`, `num_actions`; `step_dt` of a
    step [s].

    Actions lie between `action_low` and `action_high`.
    """

    num_envs: int
    num_observations: int
    num_actions: int
    step_dt: float
    action_low: float = 0.0
    action_high: float = 1.0

    @abstractmethod
    def reset(self, *, seed: int | None = None) -> np.ndarray:
        """Starts all episodes anew, with another seed if one is given.

        Returns:
            Observations. Shape (num_envs, num_observations).
        """

    @abstractmethod
    def step(self, action: np.ndarray) -> StepResult:
        """One step of all environments; actions out of range are taken to its ends, those not
        finite end an episode.

        Args:
            action: shape (num_envs, num_actions).
        """

    @abstractmethod
    def state(self) -> dict[str, np.ndarray]:
        """Everything the future depends on, random numbers included, as named arrays of numbers."""

    @abstractmethod
    def restore(self, state: Mapping[str, np.ndarray]) -> np.ndarray:
        """Puts back what `state` gave; the same actions then lead to the same bits.

        Returns:
            Observations. Shape (num_envs, num_observations).

        Raises:
            InvalidValue: the state is that of other environments.
        """


class TeacherEnv(VecEnv):
    """Environments that know what a teacher would do."""

    @abstractmethod
    def teacher_action(self) -> np.ndarray:
        """The teacher's actions in the states of now; nothing changes. Shape (num_envs,
        num_actions)."""


class DemonstrationEnv(TeacherEnv):
    """Environments whose teacher acts by a plan."""

    @abstractmethod
    def teacher_label(self) -> np.ndarray:
        """The teacher's actions, then what the plan shows to whoever turns it into actions;
        nothing changes. Shape (num_envs, num_actions + numbers shown)."""


class DifferentiableEnv(VecEnv):
    """Environments that know how their rewards follow from actions, through the equations of what
    moves in them.

    What was done since `watch` is gone through from its end:

        steps = env.look_back(fading)
        by_observation = None
        for step in reversed(range(steps)):
            by_action = env.step_back(by_observation) by_observation = ...  # by_action, passed back
            through whoever acted on what was observed before that step
    """

    @abstractmethod
    def watch(self) -> None:
        """From the next step on, keeps what looking back needs."""

    @abstractmethod
    def look_back(self, fading: float) -> int:
        """Ends watching, and begins to go back from where it ended.

        Args:
            fading: share of what an error costs later that its step has to answer for, 0 to 1.

        Returns:
            How many steps there are to go back.

        Raises:
            InvalidValue: no step was watched, or fading is out of range.
        """

    @abstractmethod
    def step_back(self, by_observation: np.ndarray | None) -> np.ndarray:
        """How the rewards' sum changes with the actions of a step, the one before that of the last
        call.

        Args:
            by_observation: how it changes with what was observed before the step of the last call,
                or after the last step of all; None takes the actions that followed as they were.
                Shape (num_envs, num_observations).

        Returns:
            Shape (num_envs, num_actions).

        Raises:
            InvalidValue: there is no step to go back to.
        """


def pack_generator(generator: np.random.Generator) -> np.ndarray:
    """The state of a PCG64 generator as 8-byte integers. Shape (6,)."""
    state = generator.bit_generator.state
    words = [state["state"]["state"], state["state"]["inc"]]
    parts = [word >> shift & (2**64 - 1) for word in words for shift in (0, 64)]
    return np.array([*parts, state["has_uint32"], state["uinteger"]], dtype=np.uint64)


def unpack_generator(packed: np.ndarray) -> np.random.Generator:
    """The generator that `pack_generator` was given."""
    parts = [int(part) for part in packed]
    bits = np.random.PCG64()
    bits.state = {
        "bit_generator": "PCG64",
        "state": {"state": parts[0] | parts[1] << 64, "inc": parts[2] | parts[3] << 64},
        "has_uint32": parts[4],
        "uinteger": parts[5],
    }
    return np.random.Generator(bits)
