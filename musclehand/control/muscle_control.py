"""Computed muscle control: from reference joint motion to muscle excitations, for all hands of a
scene at a time.

After Thelen, Anderson & Delp 2003 (J Biomech 36:321), with these differences:

- The torque is the one that reaches a target *velocity* at the end of the control interval, with
  the joints' damping taken implicitly: accelerations held over 10 ms are unstable for phalanges of
  a few grams.
- Muscle force is distributed within the activations that can be reached in one interval.
- The predicted error of fingertip and joint velocity is minimised, so that torque which the muscles
  cannot give is missing where it matters least.
- Where muscles share drive (`body.conditions.enslaving`), their commands are chosen with the mixing
  in mind (`control.shared_drive`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mujoco
import numpy as np

from musclehand.body.build.table_rows import SharedDrive
from musclehand.body.conditions.mixing import DriveMixer, mixed_excitations
from musclehand.body.hand_index import HandIndex
from musclehand.body.muscle import MuscleParameters, excitation_ceiling, muscle_parameters
from musclehand.control.arrays import (
    ActivationRange,
    HandState,
    HandTarget,
    MuscleForces,
    TaskConstants,
)
from musclehand.control.criterion import Sharing
from musclehand.control.hand_state import HandReader
from musclehand.control.shared_drive import DriveSharing
from musclehand.core.errors import InvalidValue
from musclehand.core.quadratic import SolverError


@dataclass(frozen=True)
class ControlConfig:
    """Gains of computed muscle control, chosen on generated scores
    (`experiments/bench_rate.py`)."""

    finger_rate: float = 35.0
    """[1/s] at which position errors of finger joints are closed."""

    wrist_rate: float = 40.0
    """[1/s] at which position errors of the wrist's joints are closed."""

    joint_weight: float = 0.05
    """[m/rad] weight of joint against fingertip velocity."""

    effort: float = 0.013
    """Weight of activation, for control every 8 ms; in proportion to the interval for others."""

    criterion: str = "squares"
    """How muscles share work: "squares", "cubes" or "min-max" (`control.criterion`)."""

    co_contraction: float = 0.0
    """Activation from which effort is counted, 0 to 1: antagonists then pull against each other and
    stiffen the joints."""


class MuscleControl:
    """Computes the excitations of the muscles of some hands, each by itself but in shared arrays.

    Attributes:
        ceiling: highest excitation of each muscle, that of the model unless it is lowered
            (fatigue). Shape (h, m).
        muscles: actuators of the muscles. Shape (h, m).
        interval: control interval [s].
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        hands: Sequence[HandIndex],
        forearms: Sequence[np.ndarray],
        *,
        sim_steps: int,
        config: ControlConfig | None = None,
        drives: Sequence[SharedDrive] = (),
    ) -> None:
        """
        Args:
            model: of the scene.
            hands: with the same number of joints and muscles.
            forearms: dofs of the forearm base of each hand, none where the elbow is fixed.
            sim_steps: simulation steps in a control interval.
            config: gains.
            drives: that muscles of every hand share; none where all are independent.

        Raises:
            ModelError: the hands differ in their number of joints, muscles or forearm dofs, or lack
                a muscle of a drive.
            UnknownName: no such criterion.
            InvalidValue: co-contraction outside 0 to 1, or another criterion than "squares" with
                shared drive.
        """
        # Loads the compiler, which only control needs.
        from musclehand.control.kernels import muscle as muscle_kernels
        from musclehand.control.kernels import task as task_kernels

        self.config = config = config or ControlConfig()
        self.reader = HandReader(model, hands, forearms)
        self._muscle_kernels = muscle_kernels
        self._task_kernels = task_kernels
        self._dt = model.opt.timestep
        self._steps = sim_steps
        self.interval = sim_steps * model.opt.timestep
        self.muscles = np.array([hand.muscles for hand in hands])
        self._params = np.ascontiguousarray(
            np.array(muscle_parameters(model, self.muscles)).transpose(1, 0, 2)
        )
        self.ceiling = excitation_ceiling(model, self.muscles)
        damping = np.array(
            [hand.expand.T @ np.diag(model.dof_damping[hand.dofs]) @ hand.expand for hand in hands]
        )
        joints = damping.shape[1]
        rate = np.full(joints, config.finger_rate)
        rate[:3] = config.wrist_rate
        self._constants = TaskConstants(self.interval, config.joint_weight, rate, damping)
        self._no_key = np.zeros((len(hands), 5))
        self._reachable = ActivationRange(*np.zeros((2, *self.muscles.shape)))
        self._forces = MuscleForces(np.zeros(self.muscles.shape), np.zeros(self.muscles.shape))
        self._factor = np.zeros((*self.muscles.shape, joints))
        self._task = np.zeros((len(hands), joints))
        if drives and config.criterion != "squares":
            raise InvalidValue("criterion", config.criterion, '"squares" where muscles share drive')
        self._mixers = [DriveMixer(hand.muscle_names, drives) for hand in hands] if drives else []
        self._driven = np.zeros(self.muscles.shape)
        self.forget()

    def forget(self) -> None:
        """Drops earlier solutions, from which the search for the next one would begin."""
        config = self.config
        self._sharing = [
            Sharing(config.criterion, config.effort, co_contraction=config.co_contraction)
            for _ in self.muscles
        ]
        self._drive_sharing = [
            DriveSharing(
                mixer,
                MuscleParameters(*params),
                self._dt,
                self._steps,
                effort=config.effort,
                co_contraction=config.co_contraction,
            )
            for mixer, params in zip(self._mixers, self._params, strict=False)
        ]

    def mixed(self, commands: np.ndarray) -> np.ndarray:
        """Excitations that commands of another controller lead to: through shared drive, and at
        most `ceiling`. Shape (h, m).

        Args:
            commands: to the muscles of every hand, 0 to 1. Shape (h, m).
        """
        return mixed_excitations(self._mixers, commands, self.ceiling)

    def excitations(self, data: mujoco.MjData, target: HandTarget) -> np.ndarray:
        """What to write into `data.ctrl[self.muscles]` for the next interval, 0 to `ceiling`. Shape
        (h, m).

        Args:
            data: with positions and velocities computed (`mj_step1`).
            target: of the motion.

        Raises:
            SolverError: the mass matrix is not positive definite, or the state is not finite.
        """
        return self.excitations_at(self.reader.read(data), target)

    def excitations_at(self, state: HandState, target: HandTarget) -> np.ndarray:
        """Excitations for the next interval in a state that was read before. Shape (h, m).

        Raises:
            SolverError: the mass matrix is not positive definite, or the state is not finite.
        """
        activations = self.activations(state, target)
        excitations = np.empty(self.muscles.shape)
        self._muscle_kernels.excite(
            self._params, state.act, activations, self.ceiling, self._dt, self._steps, excitations
        )
        for hand, mixer in enumerate(self._mixers):
            excitations[hand, mixer.shared] = self._driven[hand, mixer.shared]
        return excitations

    def activations(self, state: HandState, target: HandTarget) -> np.ndarray:
        """Activations to have at the end of the next interval, all within reach. Shape (h, m).

        Raises:
            SolverError: the mass matrix is not positive definite, or the state is not finite.
        """
        self._muscle_kernels.prospects(
            self._params, state, self.ceiling, self._dt, self._steps, self._reachable, self._forces
        )
        parts = (
            self._no_key if part is None else np.ascontiguousarray(part, dtype=float)
            for part in target
        )
        status = self._task_kernels.prepare(
            self._constants, self._forces, state, HandTarget(*parts), self._factor, self._task
        )
        if status != self._task_kernels.DONE:
            raise SolverError("inertia of a hand is not positive definite")
        activations = np.empty(self.muscles.shape)
        low, high = self._reachable
        for hand, driving in enumerate(self._drive_sharing):
            activations[hand], self._driven[hand] = driving.excitations(
                self._factor[hand],
                self._task[hand],
                state.act[hand],
                (low[hand], high[hand]),
                self.ceiling[hand],
            )
        if self._drive_sharing:
            return activations
        for hand, sharing in enumerate(self._sharing):
            activations[hand] = sharing.activations(
                self._factor[hand],
                self._task[hand],
                low[hand],
                high[hand],
            )
        return activations
