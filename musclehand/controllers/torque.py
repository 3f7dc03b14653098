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

from musclehand.control.arrays import HandState
from musclehand.control.muscle_control import ControlConfig, MuscleControl
from musclehand.controllers.muscle import playing_control
from musclehand.controllers.plan_follower import PlanFollower
from musclehand.core.helper_process import HelperProcess
from musclehand.planning.lookahead import HandsStep, ReferenceStream
from musclehand.planning.plan import PerformancePlan
from musclehand.sim.scene import Scene, build_scene

PEAK_FORCE = 2
"""Place of the peak force among MuJoCo's parameters of a muscle."""


class JointTorques:
    """Applies the torques of every control step: an `ExcitationSource` whose muscles rest."""

    def __init__(self, scene: Scene, muscle_control: MuscleControl) -> None:
        """
        Args:
            scene: with the hands, whose muscles have no force.
            muscle_control: whose gains and interval are used.
        """
        self._model = scene.model
        self._hands = list(scene.hands.values())
        self._forearms = [forearm.dofs for forearm in scene.forearms.values()]
        self._rest = np.zeros(muscle_control.muscles.shape)
        self._interval = muscle_control.interval
        config = muscle_control.config
        self._rate = np.full(self._hands[0].expand.shape[1], config.finger_rate)
        self._rate[:3] = config.wrist_rate
        self._acceleration = np.zeros(scene.model.nv)
        self._force = np.zeros(scene.model.nv)
        self._jacobian = np.zeros((3, scene.model.nv))

    def reference_at(self, stream: ReferenceStream, step: int) -> HandsStep:
        """The reference of a step."""
        return stream.at(step)

    def excitations(
        self, data: mujoco.MjData, state: HandState, reference: HandsStep, wrist_acc: np.ndarray
    ) -> np.ndarray:
        """Writes the torques of the step into `data.qfrc_applied`; no muscle is excited.

        With damping taken implicitly, as the simulation does. Coupled joints get torques of their
        own, so that their couplings have nothing to transmit.

        Args:
            data: of the simulation.
            state: of the hands.
            reference: of the step.
            wrist_acc: acceleration of the forearm bases. Shape (h, 6).

        Returns:
            Zeros. Shape (h, 46).
        """
        acceleration = self._acceleration
        goals = reference.next_qvel + self._rate * (reference.next_qpos - state.qpos)
        for hand, forearm, goal, base in zip(
            self._hands, self._forearms, goals, wrist_acc, strict=True
        ):
            speed = hand.expand @ goal
            acceleration[hand.dofs] = (speed - data.qvel[hand.dofs]) / self._interval
            acceleration[forearm] = base
        mujoco.mj_mulM(self._model, data, self._force, acceleration)
        for row, hand in enumerate(self._hands):
            dofs = hand.dofs
            torque = self._force[dofs] + data.qfrc_bias[dofs] - data.qfrc_spring[dofs]
            torque += self._model.dof_damping[dofs] * (hand.expand @ goals[row])
            for finger in range(len(hand.tips)):
                torque += self._on_key(data, reference, row, finger)
            data.qfrc_applied[dofs] = torque
        return self._rest

    def _on_key(
        self, data: mujoco.MjData, reference: HandsStep, row: int, finger: int
    ) -> np.ndarray:
        """Torques that press a key and move its mass. Shape (n,).

        Args:
            data: of the simulation, accelerations to reach known.
            reference: of the step.
            row: of the hand.
            finger: counted from 0 for the thumb.
        """
        press, mass, damping = (
            part[row, finger] for part in (reference.press, reference.key_mass, reference.key_damping)
        )
        dofs = self._hands[row].dofs
        if not (press or mass or damping):
            return np.zeros(len(dofs))
        mujoco.mj_jacSite(
            self._model, data, self._jacobian, None, int(self._hands[row].tips[finger])
        )
        down = self._jacobian[2, dofs]
        rise = float(down @ self._acceleration[dofs])
        speed = float(down @ data.qvel[dofs]) + self._interval * rise
        return np.asarray((mass * rise + damping * speed - press) * down)


class TorqueController(PlanFollower):
    """Plays a plan by ideal joint torques."""

    def __init__(
        self,
        plan: PerformancePlan,
        *,
        control: ControlConfig | None = None,
        scene: Scene | None = None,
        helper: HelperProcess | None = None,
    ) -> None:
        """
        Args:
            plan: to follow.
            control: gains, by default those of `playing_control`.
            scene: with the plan's hands and piano, by default built from the plan; it is copied,
                and the copy's muscles are left without force.
            helper: a second process that solves the reference ahead, with the same result.

        Raises:
            InvalidValue: the scene has other hands or another time step than the plan.
        """
        scene = scene or build_scene(sides=plan.sides, piano=plan.piano, design=plan.design)
        super().__init__(
            plan,
            JointTorques,
            control=control or playing_control(),
            scene=replace(scene, model=_without_muscles(scene)),
            helper=helper,
        )


def _without_muscles(scene: Scene) -> mujoco.MjModel:
    """A copy of a scene's model whose muscles have no force, active or passive."""
    model = copy.copy(scene.model)
    for hand in scene.hands.values():
        model.actuator_gainprm[hand.muscles, PEAK_FORCE] = 0.0
        model.actuator_biasprm[hand.muscles, PEAK_FORCE] = 0.0
    return model
