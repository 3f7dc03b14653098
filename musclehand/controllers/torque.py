"""The torque player: ideal joint torques follow a plan in place of muscles.

An oracle for diagnosis, no model of a hand. Its target is that of computed muscle control
(`control.muscle_control`): the joint velocities to have at the end of the control interval, the
press of the fingertips, mass and damping of the keys that they move. The torque that gives it
exactly is applied at the joints, whatever it is. Forearms have the same servos as with muscles.
What this player hits and muscles miss is lost in muscles; what it misses as well is lost before.
"""

from __future__ import annotations

import copy
from dataclasses import replace

import mujoco
import numpy as np
from typing_extensions import override

from musclehand.control.arrays import HandState
from musclehand.control.muscle_control import MuscleControl
from musclehand.controllers.motion_follower import JointCourse
from musclehand.controllers.muscle import playing_control
from musclehand.controllers.plan_follower import PlanFollower
from musclehand.core.helper_process import HelperProcess
from musclehand.planning.lookahead import HandsStep, ReferenceStream
from musclehand.planning.plan import PerformancePlan
from musclehand.sim.scene import Scene, build_scene

SERVO_TIME = 0.010
"""[s] in which errors of joint velocity are closed. Half of it is unstable on stiff contacts;
chosen."""

POSITION_RATE = 70.0
"""[1/s] at which errors of joint angle are closed; chosen, the stiffest that does not ring."""

TORQUE_BOUND = (8.0, 2.0)
"""[N m] largest torque of the wrist's joints and of the fingers': more than playing needs, and so
little that a finger caught between keys does not throw the hand; chosen."""

PEAK_FORCE = 2
"""Place of the peak force among MuJoCo's parameters of a muscle."""


class JointTorques:
    """Applies torques in every simulation step: an `ExcitationSource` whose muscles rest."""

    def __init__(self, scene: Scene, muscle_control: MuscleControl, sim_steps: int) -> None:
        """
        Args:
            scene: with the hands, whose muscles have no force.
            muscle_control: of them.
            sim_steps: simulation steps in a control step.
        """
        self._model = scene.model
        self._hands = list(scene.hands.values())
        self._forearms = [forearm.dofs for forearm in scene.forearms.values()]
        self._rest = np.zeros(muscle_control.muscles.shape)
        self._course = JointCourse(sim_steps, muscle_control.interval)
        self._acceleration = np.zeros(scene.model.nv)
        self._force = np.zeros(scene.model.nv)
        self._bound = np.full(self._hands[0].expand.shape[0], TORQUE_BOUND[1])
        self._bound[:3] = TORQUE_BOUND[0]
        self._jacobian = np.zeros((3, scene.model.nv))
        self._reference: HandsStep | None = None
        self._angles = self._speeds = np.zeros(0)

    def reference_at(self, stream: ReferenceStream, step: int) -> HandsStep:
        """The reference of a step."""
        return stream.at(step)

    def excitations(
        self, data: mujoco.MjData, state: HandState, reference: HandsStep, wrist_acc: np.ndarray
    ) -> np.ndarray:
        """Takes the reference of a step, which `apply` follows; no muscle is excited.

        Args:
            data: of the simulation.
            state: of the hands.
            reference: of the step.
            wrist_acc: acceleration of the forearm bases. Shape (h, 6).

        Returns:
            Zeros. Shape (h, 46).
        """
        self._reference = reference
        self._angles, self._speeds = self._course.through(state.qpos, reference)
        for forearm, acceleration in zip(self._forearms, wrist_acc, strict=True):
            self._acceleration[forearm] = acceleration
        return self._rest

    def apply(self, data: mujoco.MjData, substep: int) -> None:
        """Writes the torques of a simulation step into `data.qfrc_applied`.

        They give the reference's acceleration, and close errors of velocity and angle; damping is
        taken implicitly, as the simulation does. Coupled joints get torques of their own, so that
        their couplings have nothing to transmit.

        Args:
            data: of the simulation.
            substep: simulation step in the control step, counted from 0.
        """
        dt = self._model.opt.timestep
        speed, next_speed = self._speeds[substep : substep + 2]
        for row, hand in enumerate(self._hands):
            error = hand.expand @ self._angles[substep, row] - data.qpos[hand.qpos]
            slower = hand.expand @ speed[row] - data.qvel[hand.dofs]
            self._acceleration[hand.dofs] = (
                hand.expand @ (next_speed[row] - speed[row]) / dt
                + (slower + POSITION_RATE * error) / SERVO_TIME
            )
        mujoco.mj_mulM(self._model, data, self._force, self._acceleration)
        for row, hand in enumerate(self._hands):
            dofs = hand.dofs
            torque = self._force[dofs] + data.qfrc_bias[dofs] - data.qfrc_spring[dofs]
            coming = data.qvel[dofs] + dt * self._acceleration[dofs]
            torque += self._model.dof_damping[dofs] * coming
            for finger in range(len(hand.tips)):
                torque += self._on_key(data, row, finger)
            data.qfrc_applied[dofs] = np.clip(torque, -self._bound, self._bound)

    def _on_key(self, data: mujoco.MjData, row: int, finger: int) -> np.ndarray:
        """Torques that press a key and move its mass. Shape (n,).

        Args:
            data: of the simulation, accelerations to reach known.
            row: of the hand.
            finger: counted from 0 for the thumb.
        """
        reference = self._reference
        assert reference is not None
        press, mass, damping = (
            part[row, finger]
            for part in (reference.press, reference.key_mass, reference.key_damping)
        )
        dofs = self._hands[row].dofs
        if not (press or mass or damping):
            return np.zeros(len(dofs))
        site = int(self._hands[row].tips[finger])
        mujoco.mj_jacSite(self._model, data, self._jacobian, None, site)
        down = self._jacobian[2, dofs]
        rise = float(down @ self._acceleration[dofs])
        speed = float(down @ data.qvel[dofs]) + self._model.opt.timestep * rise
        return np.asarray((mass * rise + damping * speed - press) * down)


class TorqueController(PlanFollower):
    """Plays a plan by ideal joint torques."""

    commands_only = False

    def __init__(
        self,
        plan: PerformancePlan,
        *,
        scene: Scene | None = None,
        helper: HelperProcess | None = None,
    ) -> None:
        """
        Args:
            plan: to follow.
            scene: with the plan's hands and piano, by default built from the plan; it is copied,
                and the copy's muscles are left without force.
            helper: a second process that solves the reference ahead, with the same result.

        Raises:
            InvalidValue: the scene has other hands or another time step than the plan.
        """
        scene = scene or build_scene(sides=plan.sides, piano=plan.piano, design=plan.design)
        super().__init__(
            plan,
            lambda scene, control: JointTorques(scene, control, plan.config.sim_steps),
            control=playing_control(),
            scene=replace(scene, model=_without_muscles(scene)),
            helper=helper,
        )

    @override
    def drive(self, data: mujoco.MjData, step: int, substep: int) -> None:
        super().drive(data, step, substep)
        assert isinstance(self.source, JointTorques)
        self.source.apply(data, substep)


def _without_muscles(scene: Scene) -> mujoco.MjModel:
    """A copy of a scene's model whose muscles have no force, active or passive."""
    model = copy.copy(scene.model)
    for hand in scene.hands.values():
        model.actuator_gainprm[hand.muscles, PEAK_FORCE] = 0.0
        model.actuator_biasprm[hand.muscles, PEAK_FORCE] = 0.0
    return model
