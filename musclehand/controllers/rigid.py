"""The rigid player: hands and forearms are moved exactly along the reference, whatever they meet.

An oracle for diagnosis, no model of a hand. It answers whether the reference itself strikes the
right keys at the right times: keys move by contact alone, and nothing that they do moves the hand.
Fingers go through each other, and through keys that they brush at full force, which real fingers
do not: its missed notes are the plan's, its extra ones say little.
"""

from __future__ import annotations

import copy
from dataclasses import replace

import mujoco
import numpy as np
from typing_extensions import override

from musclehand.body.anatomy import FOREARM_AXES
from musclehand.controllers.controller import selection
from musclehand.controllers.motion_follower import JointCourse, MotionFollower
from musclehand.core.helper_process import HelperProcess
from musclehand.planning.plan import PerformancePlan
from musclehand.sim.scene import Scene

IMMOVABLE = 1e4
"""[kg, kg m^2] inertia added to every degree of freedom of a hand: a key of a few grams cannot
move it (chosen; from 1e6 on the solver of contacts loses digits)."""


class RigidController(MotionFollower):
    """Plays a plan by moving the hands exactly along it."""

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
                and the copy's hands made immovable.
            helper: a second process that solves the reference ahead, with the same result.

        Raises:
            InvalidValue: the scene has other hands or another time step than the plan.
        """
        super().__init__(plan, scene=scene, helper=helper)
        self.scene = replace(self.scene, model=_immovable(self.scene))
        hands = list(self.scene.hands.values())
        forearms = list(self.scene.forearms.values())
        self._qpos, self._dofs = (
            selection(np.concatenate([getattr(part, name) for part in (*hands, *forearms)]))
            for name in ("qpos", "dofs")
        )
        self._hands = hands
        self._joints = JointCourse(self.sim_steps, plan.control_dt)
        self._course = np.zeros((0, 0))

    @override
    def begin_again(self) -> None:
        super().begin_again()
        self._joints.forget()
        self._course = np.zeros((0, 0))

    @override
    def control(self, data: mujoco.MjData, step: int) -> None:
        """Plans the way to the end of the step; the hands are where they have to be already."""
        reference = self._reference = self.stream.at(step)
        start = self._course[-1] if len(self._course) else data.qpos[self._qpos]
        first = np.array([data.qpos[hand.qpos[hand.independent]] for hand in self._hands])
        angles, _ = self._joints.through(first, reference)
        expanded = [angles[1:, row] @ hand.expand.T for row, hand in enumerate(self._hands)]
        forearms = np.zeros((self.sim_steps, len(self._hands), len(FOREARM_AXES)))
        forearms[..., : reference.wrist.shape[-1]] = reference.wrist.transpose(1, 0, 2)
        goals = np.hstack([*expanded, forearms.reshape(self.sim_steps, -1)])
        self._course = np.vstack([start, goals])
        self._place(data, 0)

    @override
    def drive(self, data: mujoco.MjData, step: int, substep: int) -> None:
        if substep:
            self._place(data, substep)

    def _place(self, data: mujoco.MjData, substep: int) -> None:
        """Puts the hands where they are at the beginning of a simulation step, with the velocities
        that bring them to its end."""
        here, there = self._course[substep : substep + 2]
        data.qpos[self._qpos] = here
        data.qvel[self._dofs] = (there - here) / self.scene.model.opt.timestep
        if substep == 0:
            # The run has computed positions and velocities before it asked for control.
            mujoco.mj_step1(self.scene.model, data)


def _immovable(scene: Scene) -> mujoco.MjModel:
    """A copy of a scene's model whose hands nothing but the reference moves.

    Hands keep their contacts with keys, and lose those with each other, the limits and couplings
    of their joints, and their muscles' force: each would fight the reference.
    """
    model = copy.copy(scene.model)
    bodies = set()
    for side, hand in scene.hands.items():
        joints = [*hand.joint_ids(model), *model.dof_jntid[scene.forearms[side].dofs]]
        model.dof_armature[[*hand.dofs, *scene.forearms[side].dofs]] = IMMOVABLE
        model.jnt_limited[joints] = 0
        coupled = np.isin(model.eq_obj1id, joints) & (model.eq_type == mujoco.mjtEq.mjEQ_JOINT)
        model.eq_active0[coupled] = 0
        bodies |= {int(model.jnt_bodyid[joint]) for joint in joints}
    tree = {int(model.body_rootid[body]) for body in bodies}
    model.geom_contype[np.isin(model.body_rootid[model.geom_bodyid], list(tree))] = 0
    mean_inertia = model.stat.meaninertia
    mujoco.mj_setConst(model, mujoco.MjData(model))
    # The solver stops by forces in relation to this: those on keys have to count.
    model.stat.meaninertia = mean_inertia
    return model
