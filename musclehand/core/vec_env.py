"""Interface between environments and learners: vectorised environments in plain NumPy arrays.

A learner knows an environment only through these classes, and an environment knows nothing of the
learner. An environment whose episode ends resets itself; the last observation of the ended episode
is in `StepResult.final_observation`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np


class StepResult(NamedTuple):
    """Result of one step in n environments."""

    observation: np.ndarray
    """After the step, or of the new episode where one ended. Shape (n, num_observations)."""

    reward: np.ndarray
    """Reward of the step. Shape (n,)."""

    terminated: np.ndarray
    """Whether the episode ended by failure. Shape (n,), bool."""

    truncated: np.ndarray
    """Whether the episode ended by time or with its reference motion. Shape (n,), bool."""

    final_observation: np.ndarray
    """After the step, before any reset. Shape (n, num_observations)."""

    terms: Mapping[str, np.ndarray]
    """Each reward term before weighting, and tracking errors, by name. Shape (n,) each."""


class VecEnv(ABC):
    """Environments that are stepped together."""

    num_envs: int
    """Number of environments."""

    num_observations: int
    """Size of an observation."""

    num_actions: int
    """Size of an action."""

    step_dt: float
    """[s] Duration of a step."""

    action_low: float = 0.0
    """Smallest legal entry of an action."""

    action_high: float = 1.0
    """Largest legal entry of an action."""

    @abstractmethod
    def reset(self, *, seed: int | None = None) -> np.ndarray:
        """Starts a new episode in every environment.

        Args:
            seed: restarts the random numbers; None continues their sequence.

        Returns:
            Observations. Shape (num_envs, num_observations).
        """

    @abstractmethod
    def step(self, action: np.ndarray) -> StepResult:
        """Makes one step in every environment.

        Args:
            action: entries out of range are clipped; an action that is not finite ends its episode.
                Shape (num_envs, num_actions).
        """

    @abstractmethod
    def state(self) -> dict[str, np.ndarray]:
        """The complete state of simulation and random numbers, as named arrays of numbers."""

    @abstractmethod
    def restore(self, state: Mapping[str, np.ndarray]) -> np.ndarray:
        """Restores a state; from it the same actions lead to the same bits.

        Args:
            state: what the method `state` returned.

        Returns:
            Observations. Shape (num_envs, num_observations).

        Raises:
            InvalidValue: the state belongs to other environments.
        """


class TeacherEnv(VecEnv):
    """Environments with a teacher to imitate (DAgger)."""

    @abstractmethod
    def teacher_action(self) -> np.ndarray:
        """The teacher's actions in the present states, which do not change.

        Returns:
            Shape (num_envs, num_actions).
        """


class DemonstrationEnv(TeacherEnv):
    """Environments whose teacher follows a plan."""

    @abstractmethod
    def teacher_label(self) -> np.ndarray:
        """The teacher's actions, and a part of the observation that they follow from.

        The present states do not change.

        Returns:
            Actions, then the reference block of the encoder's observation. Shape (num_envs,
            num_actions + references).
        """


class DifferentiableEnv(VecEnv):
    """Environments that backpropagate the gradient of their rewards through their dynamics.

    Analytic policy gradient (backpropagation through time) over the steps since `start_recording`:

        steps = env.begin_backward(discount)
        observation_gradient = None
        for step in reversed(range(steps)):
            action_gradient = env.backward_step(observation_gradient)
            # The policy's vector-Jacobian product at the observation before that step:
            observation_gradient = policy_vjp(step, action_gradient)
    """

    @abstractmethod
    def start_recording(self) -> None:
        """Records the following steps for the backward pass."""

    @abstractmethod
    def begin_backward(self, discount: float) -> int:
        """Stops recording and starts the backward pass at the last step.

        Args:
            discount: factor per step on the gradient of later rewards, 0 to 1.

        Returns:
            Number of recorded steps.

        Raises:
            InvalidValue: no step was recorded, or the discount is out of range.
        """

    @abstractmethod
    def backward_step(self, observation_gradient: np.ndarray | None) -> np.ndarray:
        """Goes back by one step: the gradient of the summed rewards by the actions of that step.

        Args:
            observation_gradient: gradient by the observations after that step, through the actions
                that the policy chose on them; None treats the later actions as constants. Shape
                (num_envs, num_observations).

        Returns:
            Shape (num_envs, num_actions).

        Raises:
            InvalidValue: all recorded steps are used up.
        """


def pack_generator(generator: np.random.Generator) -> np.ndarray:
    """The state of a PCG64 generator as 8-byte integers. Shape (6,)."""
    state = generator.bit_generator.state
    words = [state["state"]["state"], state["state"]["inc"]]
    parts = [word >> shift & (2**64 - 1) for word in words for shift in (0, 64)]
    return np.array([*parts, state["has_uint32"], state["uinteger"]], dtype=np.uint64)


def unpack_generator(packed: np.ndarray) -> np.random.Generator:
    """The inverse of `pack_generator`."""
    parts = [int(part) for part in packed]
    bits = np.random.PCG64()
    bits.state = {
        "bit_generator": "PCG64",
        "state": {"state": parts[0] | parts[1] << 64, "inc": parts[2] | parts[3] << 64},
        "has_uint32": parts[4],
        "uinteger": parts[5],
    }
    return np.random.Generator(bits)
