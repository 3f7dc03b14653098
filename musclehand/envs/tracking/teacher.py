"""Computed muscle control of every hand of a batch: the teacher, who knows the model and the true
state.

It is the player's control, unchanged. States are read world by world out of the batch's arrays,
which have MuJoCo's names and layout; muscles of all hands are then computed in the same arrays.
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
    """One world's rows of the arrays that control reads, under the names that they have in
    `MjData`."""

    qpos: np.ndarray
    qvel: np.ndarray
    act: np.ndarray
    M: np.ndarray
    qfrc_bias: np.ndarray
    qfrc_spring: np.ndarray
    ten_J: np.ndarray
    actuator_length: np.ndarray
    actuator_velocity: np.ndarray
    site_xpos: np.ndarray
    subtree_com: np.ndarray
    cdof: np.ndarray


class Teacher:
    """What computed muscle control would do in every world."""

    def __init__(
        self, body: TrackingBody, *, sim_steps: int, config: ControlConfig | None = None
    ) -> None:
        """`sim_steps`: of the simulation in a control step."""
        self._body = body
        count = body.backend.num_worlds
        self._reader = HandReader(body.model, [body.hand], [body.carrier.dofs])
        self._control = MuscleControl(
            body.model,
            [body.hand] * count,
            [body.carrier.dofs] * count,
            sim_steps=sim_steps,
            config=config,
        )
        self._turn, _ = mirrors(body.side)

    def forget(self) -> None:
        """As `MuscleControl.forget`."""
        self._control.forget()

    def states(self) -> HandState:
        """The hands' states, all in one. Shapes (n, ...)."""
        arrays = [self._body.backend.read(name) for name in WorldData._fields]
        rows = [self._reader.read(WorldData(*world)) for world in zip(*arrays, strict=True)]
        return HandState(*(np.concatenate(parts) for parts in zip(*rows, strict=True)))

    def action(
        self,
        references: ReferenceSet,
        goal: np.ndarray,
        *,
        press: bool,
        state: HandState | None = None,
    ) -> np.ndarray:
        """Excitations that lead to the frames `goal`, shape (n,), at the end of the next step.
        Shape (n, m).

        Args:
            references: what is followed.
            goal: frames.
            press: whether fingers press on keys.
            state: what is taken for the hands' states; those of now by default.

        Raises:
            SolverError: a state is not finite.
        """
        independent = self._body.hand.independent
        owed, mass, damping = (
            getattr(references, name)[goal] * float(press)
            for name in ("press", "key_mass", "key_damping")
        )
        target = HandTarget(
            references.angles[goal][:, independent],
            references.speeds[goal][:, independent],
            owed,
            references.forearm_acceleration[goal] * self._turn,
            mass,
            damping,
        )
        return self._control.excitations_at(self.states() if state is None else state, target)
