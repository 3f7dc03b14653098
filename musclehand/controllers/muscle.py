"""Computed muscle control follows a plan: the muscle-driven player that needs no training."""

from __future__ import annotations

import mujoco
import numpy as np

from musclehand.body.conditions.fatigue import FatigueParameters
from musclehand.control.arrays import HandState, HandTarget
from musclehand.control.muscle_control import ControlConfig, MuscleControl
from musclehand.controllers.plan_follower import PlanFollower
from musclehand.core.helper_process import HelperProcess
from musclehand.planning.lookahead import HandsStep, ReferenceStream
from musclehand.planning.plan import PerformancePlan
from musclehand.sim.scene import Scene

EFFORT = 0.001
"""Weight of squared activations at 250 Hz, chosen on a third of recorded performances
(`experiments/bench_literature.py`): with three times as much, fingers strike less exactly, and
with half as much nothing is gained. At half the rate an activation acts for twice as long, and has
twice the weight."""


def playing_control() -> ControlConfig:
    """Settings of muscle control for playing at 250 Hz."""
    return ControlConfig(effort=EFFORT)


class ComputedExcitations:
    """Excitations by computed muscle control: an `ExcitationSource`."""

    def __init__(self, muscle_control: MuscleControl) -> None:
        self._control = muscle_control

    def reference_at(self, stream: ReferenceStream, step: int) -> HandsStep:
        """The reference of a step."""
        return stream.at(step)

    def excitations(
        self, data: mujoco.MjData, state: HandState, reference: HandsStep, wrist_acc: np.ndarray
    ) -> np.ndarray:
        """Excitations that bring the hands to the reference at the end of the step. Shape (h, 46).

        Args:
            data: of the simulation.
            state: of the hands.
            reference: of the step.
            wrist_acc: acceleration of the forearm bases. Shape (h, 6).
        """
        target = HandTarget(
            reference.next_qpos,
            reference.next_qvel,
            reference.press,
            wrist_acc,
            reference.key_mass,
            reference.key_damping,
        )
        return self._control.excitations_at(state, target)


class MuscleController(PlanFollower):
    """Plays a plan by computed muscle control."""

    def __init__(
        self,
        plan: PerformancePlan,
        *,
        control: ControlConfig | None = None,
        scene: Scene | None = None,
        fatigue: FatigueParameters | None = None,
        helper: HelperProcess | None = None,
    ) -> None:
        """
        Args:
            plan: to follow.
            control: settings of muscle control, by default `playing_control`.
            scene: with the plan's hands and piano, by default built from the plan.
            fatigue: parameters of fatigue; None: muscles do not tire.
            helper: a second process that solves the reference ahead, with the same result.
        """
        super().__init__(
            plan,
            lambda _, muscle_control: ComputedExcitations(muscle_control),
            control=control or playing_control(),
            scene=scene,
            fatigue=fatigue,
            helper=helper,
        )
