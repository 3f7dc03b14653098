"""Recording of steps for analytic policy gradients, and the backward pass through them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from musclehand.core.errors import InvalidValue
from musclehand.envs.gradients.adjoint import AdjointPass, ObservationGradient, RewardGradient
from musclehand.envs.gradients.step_jacobian import BodyJacobian, KeyContact, StepJacobian
from musclehand.envs.observation import ObservationTable
from musclehand.envs.reference import ReferenceSet
from musclehand.envs.tracking.body import TrackingBody
from musclehand.envs.tracking.observation import history_gradient, proprioception_gradient
from musclehand.envs.tracking.teacher import Teacher

NEAR_STOP = 3e-4
"""[m] A finger that should press is on its key's stop when it is at most this far above its
reference. Chosen."""


class _RecordedStep(NamedTuple):
    """What the backward pass needs of a step."""

    jacobian: StepJacobian
    """Of the step."""

    reward_gradient: RewardGradient
    """Of the step's reward."""

    delay: np.ndarray
    """[steps] Sensory delay before the step. Shape (n,)."""


class GradientRecorder:
    """Records the steps of a tracking environment, and passes gradients back through them."""

    def __init__(self, body: TrackingBody, teacher: Teacher, *, sim_steps: int) -> None:
        """
        Args:
            body: the hands.
            teacher: reads their states.
            sim_steps: simulation steps in a step of the policy.
        """
        self._body = body
        self._teacher = teacher
        self._jacobian = BodyJacobian(body, sim_steps=sim_steps)
        self._steps: list[_RecordedStep] | None = None
        self._adjoint: AdjointPass | None = None
        self._delays: list[np.ndarray] = []

    @property
    def recording(self) -> bool:
        """Whether steps are recorded."""
        return self._steps is not None

    def start(self) -> None:
        """Begins to record, without earlier steps."""
        self._steps = []
        self._adjoint = None

    def stop(self) -> None:
        """Drops what was recorded."""
        self._steps = None
        self._adjoint = None

    def step_jacobian(
        self, excitation: np.ndarray, references: ReferenceSet, goal: np.ndarray
    ) -> StepJacobian:
        """Jacobian of the step that is about to be made.

        Args:
            excitation: of the step. Shape (n, m).
            references: reference motion.
            goal: its frames at the end of the step. Shape (n,).
        """
        force, mass, damping = (
            getattr(references, name)[goal] for name in ("key_force", "key_mass", "key_damping")
        )
        if not self._body.keys:
            force, mass, damping = np.zeros((3, *force.shape))
        height = self._body.proprioception().tips[:, :, 2]
        held = (force > 0) & (height < references.tips[goal][:, :, 2] + NEAR_STOP)
        contact = KeyContact(mass, damping, held)
        return self._jacobian.at(self._teacher.states(), excitation, contact)

    def add(self, jacobian: StepJacobian, gradient: RewardGradient, delay: np.ndarray) -> None:
        """Records a step.

        Args:
            jacobian: from `step_jacobian`, before the step.
            gradient: of the step's reward.
            delay: sensory delay before the step [steps]. Shape (n,).
        """
        if self._steps is not None:
            self._steps.append(_RecordedStep(jacobian, gradient, delay.copy()))

    def begin_backward(self, discount: float, delay: np.ndarray) -> int:
        """Stops recording, and begins the backward pass (`DifferentiableEnv.begin_backward`).

        Args:
            discount: factor on later rewards, a step, 0 to 1.
            delay: current sensory delay [steps]. Shape (n,).

        Raises:
            InvalidValue: no step was recorded, or the discount is out of range.
        """
        if not self._steps:
            raise InvalidValue("recorded steps", 0, "1 or more, after `start_recording`")
        jacobians, gradients, delays = zip(*self._steps, strict=True)
        sensory = self._jacobian.sensory(self._teacher.states())
        self._adjoint = AdjointPass(jacobians, gradients, sensory, discount)
        self._delays = [*delays, delay.copy()]
        self._steps = None
        return len(gradients)

    def backward_step(
        self, table: ObservationTable, observation_gradient: np.ndarray | None, action_history: int
    ) -> np.ndarray:
        """Goes back by one step (`DifferentiableEnv.backward_step`). Shape (n, m).

        Args:
            table: of the observation.
            observation_gradient: shape (n, table.size), or None.
            action_history: number of last excitations in the observation.

        Raises:
            InvalidValue: there is no step to go back to.
        """
        if self._adjoint is None:
            raise InvalidValue("steps to go back", 0, "1 or more, after `begin_backward`")
        delay = self._delays.pop()
        if observation_gradient is None:
            return self._adjoint.step(None)
        return self._adjoint.step(
            ObservationGradient(
                proprioception=proprioception_gradient(
                    table, observation_gradient, self._body.hand
                ),
                history=history_gradient(table, observation_gradient, action_history),
                delay=delay,
            )
        )
