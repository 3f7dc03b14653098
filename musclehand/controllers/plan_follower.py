"""Two hands that follow a plan: whatever drives the muscles, forearms and fatigue are the same.

A `PlanFollower` takes the reference motion of a `PerformancePlan` step by step, moves the
servo-driven forearms along it, lets muscles tire, and asks an `ExcitationSource` for the
excitations: computed muscle control (`controllers.muscle`) or a trained policy
(`controllers.tracking_policy`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import mujoco
import numpy as np
from typing_extensions import override

from musclehand.body.build.hand import HandDesign
from musclehand.body.build.table_rows import HandTables, SharedDrive
from musclehand.body.conditions.fatigue import Fatigue, FatigueParameters
from musclehand.control.arrays import HandState
from musclehand.control.forearm_control import ForearmControl
from musclehand.control.muscle_control import ControlConfig, MuscleControl
from musclehand.controllers.controller import selection
from musclehand.controllers.motion_follower import MotionFollower
from musclehand.core.helper_process import HelperProcess
from musclehand.planning.lookahead import HandsStep, ReferenceStream
from musclehand.planning.plan import PerformancePlan
from musclehand.sim.scene import Scene

LEAST_DRIVE = 1e-3
"""Muscles that receive less than this share of their excitation do not tire."""


class ExcitationSource(Protocol):
    """What turns the reference of a control step into muscle excitations."""

    def reference_at(self, stream: ReferenceStream, step: int) -> HandsStep:
        """The reference of control step `step`; may read further ahead."""

    def excitations(
        self, data: mujoco.MjData, state: HandState, reference: HandsStep, wrist_acc: np.ndarray
    ) -> np.ndarray:
        """Excitations of all muscles, 0 to 1. Shape (h, 46).

        Args:
            data: of the simulation, positions and velocities computed.
            state: of the hands.
            reference: of this control step.
            wrist_acc: acceleration of the forearm bases [m/s^2, rad/s^2]. Shape (h, 6).
        """


def make_fatigue(
    model: mujoco.MjModel, actuators: np.ndarray, parameters: FatigueParameters, *, sim_steps: int
) -> Fatigue:
    """Fatigue of the muscles of a scene.

    Args:
        model: of the scene.
        actuators: ids of the muscles. Shape (m,).
        parameters: of the three-compartment model.
        sim_steps: simulation steps in a control step.
    """
    muscles = [model.actuator(int(i)).name.rpartition("_")[0] for i in actuators]
    return Fatigue(muscles, parameters, sim_steps * model.opt.timestep)


def shared_drives_of(design: HandDesign) -> tuple[SharedDrive, ...]:
    """Drives that the muscles of a hand share; the hand of a model file has none."""
    return design.drives if isinstance(design, HandTables) else ()


class PlanFollower(MotionFollower):
    """Plays a plan by muscles. It can play it several times; each run is the same.

    Attributes:
        source: of the excitations.
        muscle_control: of all hands; its `ceiling` is the highest excitation of each muscle.
        fatigue: of all muscles of the hands in their order, or None where muscles do not tire.
    """

    plan: PerformancePlan
    commands_only = True

    def __init__(
        self,
        plan: PerformancePlan,
        make_source: Callable[[Scene, MuscleControl], ExcitationSource],
        *,
        control: ControlConfig,
        scene: Scene | None = None,
        fatigue: FatigueParameters | None = None,
        helper: HelperProcess | None = None,
    ) -> None:
        """
        Args:
            plan: to follow.
            make_source: makes the source of excitations, given the scene and the muscle control of
                its hands.
            control: settings of muscle control.
            scene: with the plan's hands and piano, by default built from the plan.
            fatigue: parameters of fatigue; None: muscles do not tire.
            helper: a second process that solves the reference of the first run ahead
                (`planning.lookahead`), which changes nothing but the time that takes.

        Raises:
            InvalidValue: the scene has other hands or another time step than the plan.
        """
        super().__init__(plan, scene=scene, helper=helper)
        model = self.scene.model
        forearms = list(self.scene.forearms.values())
        self.muscle_control = MuscleControl(
            model,
            list(self.scene.hands.values()),
            [forearm.dofs for forearm in forearms],
            sim_steps=self.sim_steps,
            config=control,
            drives=shared_drives_of(self.scene.design),
        )
        muscles = self.muscle_control.muscles.ravel()
        self._muscles = selection(muscles)
        self._drive = self.muscle_control.ceiling.ravel()
        self._forearms = selection(np.concatenate([forearm.actuators for forearm in forearms]))
        self._steering = ForearmControl(
            np.array([forearm.kp for forearm in forearms]),
            np.array([forearm.kd for forearm in forearms]),
        )
        self._wrist_acc = np.zeros((len(forearms), 6))
        self._set_points = np.zeros((self.sim_steps, len(forearms), 6))
        self.fatigue = (
            None
            if fatigue is None
            else make_fatigue(model, muscles, fatigue, sim_steps=self.sim_steps)
        )
        self._make_source = make_source
        self.source = make_source(self.scene, self.muscle_control)

    @override
    def reset(self, data: mujoco.MjData) -> None:
        super().reset(data)
        if self.fatigue is not None:
            self.fatigue.reset()
            self._set_ceiling(self._drive * self.fatigue.capacity)

    @override
    def control(self, data: mujoco.MjData, step: int) -> None:
        reference = self._reference = self.source.reference_at(self.stream, step)
        self._wrist_acc[:, :4] = reference.wrist_acceleration[:, -1]
        state = self.muscle_control.reader.read(data)
        excitation = self.source.excitations(data, state, reference, self._wrist_acc).ravel()
        data.ctrl[self._muscles] = excitation
        self._set_points = self._steering.set_points(
            state, self._wrist_acc, reference.wrist, reference.wrist_velocity
        )
        if self.fatigue is not None:
            # Fatigue counts in shares of the motor units that can be driven at all.
            self.fatigue.advance(excitation / np.maximum(self._drive, LEAST_DRIVE))
            self._set_ceiling(self._drive * self.fatigue.capacity)

    @override
    def drive(self, data: mujoco.MjData, step: int, substep: int) -> None:
        data.ctrl[self._forearms] = self._set_points[substep].ravel()

    @override
    def begin_again(self) -> None:
        super().begin_again()
        # The earlier run has left its traces in both.
        self.muscle_control.forget()
        self.source = self._make_source(self.scene, self.muscle_control)

    def _set_ceiling(self, ceiling: np.ndarray) -> None:
        """The highest excitation of every muscle from the next control step on. Shape (m,)."""
        self.muscle_control.ceiling = ceiling.reshape(self.muscle_control.ceiling.shape)
