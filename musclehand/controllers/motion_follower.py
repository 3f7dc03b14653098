"""What all controllers that follow a plan have in common: its scene, its reference motion step by
step, and the posture in which it begins."""

from __future__ import annotations

import mujoco
import numpy as np
from typing_extensions import override

from musclehand.body.anatomy import Side
from musclehand.controllers.controller import Controller, HandReference
from musclehand.core.errors import InvalidValue
from musclehand.core.helper_process import HelperProcess
from musclehand.music.score import Score
from musclehand.planning.lookahead import HandsStep, ReferenceStream
from musclehand.planning.plan import PerformancePlan
from musclehand.sim.scene import Scene, build_scene


class MotionFollower(Controller):
    """Plays a plan in a scene. It can play it several times; each run is the same.

    Attributes:
        plan: that is followed.
        stream: reference motion of the plan; every run has one of its own.
    """

    plan: PerformancePlan

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
            scene: with the plan's hands and piano, by default built from the plan.
            helper: a second process that solves the reference of the first run ahead
                (`planning.lookahead`), which changes nothing but the time that takes.

        Raises:
            InvalidValue: the scene has other hands or another time step than the plan.
        """
        self.plan = plan
        self.scene = scene or build_scene(sides=plan.sides, piano=plan.piano, design=plan.design)
        model = self.scene.model
        if tuple(self.scene.hands) != plan.sides or model.opt.timestep != plan.sim_dt:
            scene_has = ([side.value for side in self.scene.hands], model.opt.timestep)
            plan_has = ([side.value for side in plan.sides], plan.sim_dt)
            raise InvalidValue("scene's hands and time step", scene_has, f"the plan's {plan_has}")
        self.score = plan.score
        self.lead_in = plan.lead_in
        self.sim_steps = plan.config.sim_steps
        self._reference: HandsStep | None = None
        self.stream = ReferenceStream(plan.motion(), helper)

    @override
    def planned(self) -> Score:
        return self.plan.planned

    @override
    def close(self) -> None:
        self.stream.close()

    @override
    def reset(self, data: mujoco.MjData) -> None:
        if self._reference is not None:
            self.begin_again()
        first = self.stream.at(0)
        places = first.wrist.shape[-1]
        for row, side in enumerate(self.scene.hands):
            data.qpos[self.scene.hands[side].qpos] = first.qpos[row]
            data.qpos[self.scene.forearms[side].qpos[:places]] = first.wrist[row, 0]

    @override
    def reference(self) -> dict[Side, HandReference]:
        reference = self._reference
        if reference is None:
            return {}
        return {
            side: HandReference(reference.qpos[row], reference.tips[row], reference.pressing[row])
            for row, side in enumerate(self.scene.hands)
        }

    def begin_again(self) -> None:
        """Forgets an earlier run, which has used the stream up."""
        self.close()
        self._reference = None
        self.stream = ReferenceStream(self.plan.motion())


class JointCourse:
    """The reference's course through each control step, joint by joint, for players that need it
    in every simulation step: cubic between the angles and velocities at the ends."""

    def __init__(self, sim_steps: int, interval: float) -> None:
        """
        Args:
            sim_steps: simulation steps in a control step.
            interval: control step [s].
        """
        share = (np.arange(sim_steps + 1) / sim_steps)[:, None, None]
        square, cube = share**2, share**3
        self._start = 2 * cube - 3 * square + 1
        self._end = 3 * square - 2 * cube
        self._leaving = interval * (cube - 2 * square + share)
        self._coming = interval * (cube - square)
        self._share = share
        self._angles: np.ndarray | None = None
        self._speeds = np.zeros(0)

    def forget(self) -> None:
        """Forgets where the last step ended: the next one is the first of a run."""
        self._angles = None

    def through(self, start: np.ndarray, reference: HandsStep) -> tuple[np.ndarray, np.ndarray]:
        """Angles and velocities of the independent joints at the ends of all simulation steps, and
        at the beginning of the first.

        Args:
            start: angles at the beginning of a run [rad], used in its first step. Shape (h, k).
            reference: of the step; steps must come in order.

        Returns:
            Angles [rad] and velocities [rad/s]. Shapes (sim_steps + 1, h, k).
        """
        if self._angles is None:
            self._angles, self._speeds = start, np.zeros_like(reference.next_qvel)
        begin, speed = self._angles, self._speeds
        end, end_speed = self._angles, self._speeds = reference.next_qpos, reference.next_qvel
        angles = self._start * begin + self._end * end
        angles += self._leaving * speed + self._coming * end_speed
        return angles, speed + self._share * (end_speed - speed)
