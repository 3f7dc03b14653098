"""Computed muscle control as a teacher: it knows the model and the true state of every hand.

This is the control of the model-based player (`control.muscle_control`), unchanged. States are read
world by world out of the batch's arrays, which have MuJoCo's names and layout; the muscles of all
hands are then computed together.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from musclehand.control.arrays import HandState, HandTarget
from musclehand.control.hand_state import HandReader
from musclehand.control.muscle_control import ControlConfig, MuscleControl
from musclehand.envs.reference import ReferenceSet, mirrors
from musclehand.envs.tracking.body import TrackingBody


class WorldData(NamedTuple):
    """One world's rows of the arrays that control reads, under their names in `MjData`."""

    qpos: np.ndarray
    """Positions."""

    qvel: np.ndarray
    """Velocities."""

    act: np.ndarray
    """Activations."""

    M: np.ndarray
    """Mass matrix, sparse."""

    qfrc_bias: np.ndarray
    """Gravity, Coriolis and centrifugal forces."""

    qfrc_spring: np.ndarray
    """Forces of joint springs."""

    ten_J: np.ndarray
    """Jacobian of the tendons, sparse."""

    actuator_length: np.ndarray
    """Lengths of the actuators."""

    actuator_velocity: np.ndarray
    """Velocities of the actuators."""

    site_xpos: np.ndarray
    """Positions of the sites."""

    subtree_com: np.ndarray
    """Centres of mass of subtrees."""

    cdof: np.ndarray
    """Motion axes of the degrees of freedom."""


class Teacher:
    """Computed muscle control of the hand in every world."""

    def __init__(
        self, body: TrackingBody, *, sim_steps: int, config: ControlConfig | None = None
    ) -> None:
        """
        Args:
            body: the hands.
            sim_steps: simulation steps in a control step.
            config: of the control.
        """
        self._body = body
        count = body.backend.num_worlds
        self._reader = HandReader(body.model, [body.hand], [body.forearm.dofs])
        self._control = MuscleControl(
            body.model,
            [body.hand] * count,
            [body.forearm.dofs] * count,
            sim_steps=sim_steps,
            config=config,
        )
        self._forearm_mirror, _ = mirrors(body.side)

    def forget(self) -> None:
        """Clears what the control remembers of earlier steps (`MuscleControl.forget`)."""
        self._control.forget()

    def states(self) -> HandState:
        """Current states of all hands. Shapes (n, ...)."""
        arrays = [self._body.backend.read(name) for name in WorldData._fields]
        rows = [self._reader.read(WorldData(*world)) for world in zip(*arrays, strict=True)]
        return HandState(*(np.concatenate(parts) for parts in zip(*rows, strict=True)))

    def action(
        self,
        references: ReferenceSet,
        goal: np.ndarray,
        *,
        with_keys: bool,
        state: HandState | None = None,
    ) -> np.ndarray:
        """Excitations that lead to given frames at the end of the next step. Shape (n, m).

        Args:
            references: reference motion.
            goal: frames. Shape (n,).
            with_keys: whether keys are simulated; without them no key is pressed or moved.
            state: of all hands, as the control believes it to be; by default the true one.

        Raises:
            SolverError: a state is not finite.
        """
        independent = self._body.hand.independent
        force, mass, damping = (
            getattr(references, name)[goal] * float(with_keys)
            for name in ("key_force", "key_mass", "key_damping")
        )
        target = HandTarget(
            references.angles[goal][:, independent],
            references.speeds[goal][:, independent],
            force,
            references.forearm_acceleration[goal] * self._forearm_mirror,
            mass,
            damping,
        )
        return self._control.excitations_at(self.states() if state is None else state, target)
