"""Computed muscle control: from wanted joint motion to muscle excitations, for all hands of a scene in one go.

After Thelen, Anderson & Delp 2003 (J Biomech 36:321), with these differences: the torque is the one that reaches
a wanted *velocity* at the end of the control interval, with the joints' damping taken implicitly (accelerations
held over 10 ms are unstable for phalanges of a few grams); muscle force is distributed within the activations that
can be reached in one interval; and what is minimised is the predicted error of fingertip and joint velocity, so
that torque the muscles cannot give is missing where it matters least.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import mujoco
import numpy as np
from scipy.linalg.lapack import dposv

from musclehand.body.hand_index import HandIndex
from musclehand.body.muscle import excitation_ceiling, muscle_parameters
from musclehand.control.criterion import Sharing
from musclehand.control.hand_state import HandReader, HandState
from musclehand.control.muscle_set import MuscleSet
from musclehand.core.quadratic import SolverError

TIPS = 5


@dataclass(frozen=True)
class ControlConfig:
    """Gains of computed muscle control; values found on generated scores (see `experiments/`).

    `finger_rate`, `wrist_rate` [1/s] close position errors; `joint_weight` [m/rad] weighs joint against fingertip
    velocity; `effort` is the price of activation by the `criterion` that shares work among muscles: "squares", "cubes"
    or "min-max" (`control.criterion`). `co_contraction`, 0 to 1: the activation from which effort is counted, so
    that antagonists pull against each other and stiffen the joints.
    """

    finger_rate: float = 35.0
    wrist_rate: float = 40.0
    joint_weight: float = 0.025
    effort: float = 0.013
    criterion: str = "squares"
    co_contraction: float = 0.0


class HandTarget(NamedTuple):
    """What h hands should do at the end of a control interval.

    `qpos`, `qvel`: independent joints [rad, rad/s], shape (h, 19). `press`: force down on each fingertip [N], (h, 5).
    `carrier_acc`: acceleration of the carrier's six joints [m/s^2, rad/s^2], (h, 6); (h, 0) without a carrier.
    """

    qpos: np.ndarray
    qvel: np.ndarray
    press: np.ndarray
    carrier_acc: np.ndarray


class MuscleControl:
    """Computes the excitations of the muscles of some hands, each by itself but in the same arrays.

    `ceiling`: the highest excitation of each muscle, that of the model until somebody lowers it (fatigue). Shape
    (h, 46). `muscles`: their actuators. Shape (h, 46).
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        hands: Sequence[HandIndex],
        carriers: Sequence[np.ndarray],
        *,
        sim_steps: int,
        config: ControlConfig | None = None,
    ) -> None:
        """`sim_steps`: simulation steps in a control interval; `carriers`: the dofs of what carries each hand, none
        where the elbow is fixed.

        Raises:
            ModelError: the hands differ in their number of joints, muscles or carrier dofs.
            UnknownName: no such criterion.
            InvalidValue: co-contraction outside 0 to 1.
        """
        self.config = config = config or ControlConfig()
        self.reader = HandReader(model, hands, carriers)
        self.interval = sim_steps * model.opt.timestep
        self.muscles = np.array([hand.muscles for hand in hands])
        self.set = MuscleSet(muscle_parameters(model, self.muscles), dt=model.opt.timestep, steps=sim_steps)
        self.ceiling = self._full = excitation_ceiling(model, self.muscles)
        self._unlimited = bool((self._full == 1.0).all())
        self._damping = np.array(
            [hand.expand.T @ np.diag(model.dof_damping[hand.dofs]) @ hand.expand for hand in hands]
        )
        count = self._damping.shape[1]
        self._rate = np.full(count, config.finger_rate)
        self._rate[:3] = config.wrist_rate
        # Columns of fingertip velocity beside those of joint velocity.
        self._weight = np.zeros((len(hands), count, 3 * TIPS + count))
        self._weight[:, :, 3 * TIPS :] = config.joint_weight * np.eye(count)
        self._sharing = [Sharing(config.criterion, config.effort, co_contraction=config.co_contraction) for _ in hands]

    def excitations(self, data: mujoco.MjData, target: HandTarget) -> np.ndarray:
        """What to write into `data.ctrl[self.muscles]` for the next interval, 0 to `ceiling`. Shape (h, 46).

        Args:
            data: with positions and velocities of now computed (`mj_step1`).
            target: the wanted motion.

        Raises:
            SolverError: the mass matrix is not positive definite, or the state is not finite.
        """
        return self.excitations_at(self.reader.read(data), target)

    def excitations_at(self, state: HandState, target: HandTarget) -> np.ndarray:
        """As `excitations`, in a state already read."""
        low, high = self.set.reach(state.act)
        wanted = self._activations(state, target, low, self._highest(state.act, high))
        excitation = self.set.excitation(state.act, wanted, low, high)
        return np.minimum(excitation, self.ceiling, out=excitation)

    def activations(self, state: HandState, target: HandTarget) -> np.ndarray:
        """Activations to have at the end of the next interval, all within reach. Shape (h, 46).

        Raises:
            SolverError: as `excitations`.
        """
        low, high = self.set.reach(state.act)
        return self._activations(state, target, low, self._highest(state.act, high))

    def _highest(self, act: np.ndarray, high: np.ndarray) -> np.ndarray:
        """The highest activations within reach, given those of full excitation."""
        if self._unlimited and self.ceiling is self._full:
            return high
        return self.set.reach_below(act, self.ceiling)

    def _activations(self, state: HandState, target: HandTarget, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        gain, bias = self.set.force(state.length, state.velocity)
        inertia = state.inertia + self.interval * self._damping
        speeding = target.qvel + self._rate * (target.qpos - state.qpos) - state.qvel
        hanging = (
            state.load[:, None]
            + state.qvel[:, None] @ self._damping
            + target.carrier_acc[:, None] @ state.carried.transpose(0, 2, 1)
            - target.press[:, None] @ state.tips[:, 2::3]
            - bias[:, None] @ state.arms
        )
        # What each muscle at full activation, and in the last row what is missing, changes in joint velocities.
        response = np.concatenate([state.arms * gain[:, :, None], hanging], axis=1)
        for hand, rows in enumerate(response):
            # Solved in place: transposes are what LAPACK calls matrices.
            _, _, failed = dposv(inertia[hand].T, rows.T, overwrite_a=1, overwrite_b=1)
            if failed:
                raise SolverError(f"inertia of hand {hand} is not positive definite")
        response *= self.interval
        response[:, -1] += speeding
        self._weight[:, :, : 3 * TIPS] = state.tips.transpose(0, 2, 1)
        effect = response @ self._weight
        each, missing = effect[:, :-1], effect[:, -1:]
        square = each @ each.transpose(0, 2, 1)
        gradient = -(missing @ each.transpose(0, 2, 1))[:, 0]
        shared = [
            sharing.activations(*problem)
            for sharing, *problem in zip(self._sharing, square, gradient, low, high, strict=True)
        ]
        return np.array(shared)
