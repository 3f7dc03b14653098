"""Computed muscle control: from wanted joint motion to muscle excitations, one hand at a time.

After Thelen, Anderson & Delp 2003 (J Biomech 36:321), with these differences: the torque is the one that reaches
a wanted *velocity* at the end of the control interval, with the joints' damping taken implicitly (accelerations
held over 10 ms are unstable for phalanges of a few grams); muscle force is distributed within the activations that
can be reached in one interval; and what is minimised is the predicted error of fingertip and joint velocity, so
that torque the muscles cannot give is missing where it matters least.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.hand_index import HandIndex
from musclehand.body.muscle import excitation_ceiling, muscle_force, muscle_parameters, reachable_activation
from musclehand.core.quadratic import solve_bounded


@dataclass(frozen=True)
class ControlConfig:
    """Gains of computed muscle control; values found on generated scores (see `experiments/`).

    `finger_rate`, `wrist_rate` [1/s] close position errors; `joint_weight` [m/rad] weighs joint against fingertip
    velocity; `effort` is the price of squared activation.
    """

    finger_rate: float = 35.0
    wrist_rate: float = 40.0
    joint_weight: float = 0.025
    effort: float = 0.013


class HandTarget(NamedTuple):
    """What one hand should do at the end of a control interval.

    `qpos`, `qvel`: independent joints [rad, rad/s], shape (19,). `press`: force down on each fingertip [N], (5,).
    `carrier_acc`: acceleration of the carrier's six joints [m/s^2, rad/s^2], (6,); (0,) without a carrier.
    """

    qpos: np.ndarray
    qvel: np.ndarray
    press: np.ndarray
    carrier_acc: np.ndarray


class MuscleControl:
    """Computes the activations of one hand's muscles; `body.muscle.excitation_for` turns them into `ctrl`.

    `ceiling`: the highest excitation of each muscle, that of the model until somebody lowers it (fatigue). Shape (46,).
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        hand: HandIndex,
        carrier_dofs: np.ndarray,
        *,
        sim_steps: int,
        config: ControlConfig | None = None,
    ) -> None:
        """`sim_steps`: simulation steps in a control interval; `carrier_dofs` may be empty: an elbow that is fixed."""
        self.model, self.hand, self.config = model, hand, config or ControlConfig()
        self._joints, self._carrier = as_slice(hand.dofs), as_slice(carrier_dofs)
        self.sim_steps, self.sim_dt = sim_steps, model.opt.timestep
        self.interval = sim_steps * self.sim_dt
        self.muscles = muscle_parameters(model, hand.muscles)
        self.ceiling = excitation_ceiling(model, hand.muscles)
        self._damping = hand.expand.T @ np.diag(model.dof_damping[hand.dofs]) @ hand.expand
        self._rate = np.full(hand.expand.shape[1], self.config.finger_rate)
        self._rate[:3] = self.config.wrist_rate
        self._tip_jacobian = np.zeros((3, model.nv))

    def activations(self, data: mujoco.MjData, mass: np.ndarray, moment: np.ndarray, target: HandTarget) -> np.ndarray:
        """Activations to have at the end of the next interval, all within reach. Shape (46,).

        Args:
            data: with positions and velocities of now computed (`mj_step1`).
            mass: the dense mass matrix. Shape (nv, nv).
            moment: moment arms d(length)/d(qpos) of all actuators. Shape (nu, nv).
            target: the wanted motion.
        """
        hand, config, joints = self.hand, self.config, self._joints
        expand = hand.expand
        qpos, qvel = data.qpos[hand.qpos], data.qvel[joints]
        slow = qvel[hand.independent]
        wanted = target.qvel + self._rate * (target.qpos - qpos[hand.independent])
        inertia = expand.T @ mass[joints, joints] @ expand
        tips = self._tip_jacobians(data)

        carried = mass[joints, self._carrier] @ target.carrier_acc
        load = expand.T @ (data.qfrc_bias[joints] - data.qfrc_spring[joints] + carried)
        press = tips[2::3].T @ target.press
        torque = inertia @ (wanted - slow) / self.interval + self._damping @ wanted + load - press

        response = np.linalg.inv(inertia + self.interval * self._damping) * self.interval
        weight = np.concatenate([tips @ response, config.joint_weight * response])
        gain, bias = muscle_force(
            self.muscles, data.actuator_length[hand.muscles], data.actuator_velocity[hand.muscles]
        )
        arms = expand.T @ moment[hand.muscles, joints].T
        act = data.act[hand.act]
        effect = weight @ (arms * gain)
        missing = weight @ (torque - arms @ bias)
        lower, upper = reachable_activation(self.muscles, act, self.sim_dt, self.sim_steps, ceiling=self.ceiling)
        hessian = effect.T @ effect
        hessian.flat[:: len(act) + 1] += config.effort
        return solve_bounded(hessian, -(missing @ effect), lower, upper)

    def _tip_jacobians(self, data: mujoco.MjData) -> np.ndarray:
        """Fingertip velocity per independent joint velocity [m/rad]. Shape (15, 19)."""
        rows = np.empty((15, self.hand.expand.shape[1]))
        for tip, site in enumerate(self.hand.tips):
            mujoco.mj_jacSite(self.model, data, self._tip_jacobian, None, site)
            rows[3 * tip : 3 * tip + 3] = self._tip_jacobian[:, self._joints] @ self.hand.expand
        return rows


def dense_dynamics(model: mujoco.MjModel, data: mujoco.MjData) -> tuple[np.ndarray, np.ndarray]:
    """The dense mass matrix, shape (nv, nv), and moment arms d(length)/d(qpos) of the actuators, (nu, nv)."""
    mass = np.zeros((model.nv, model.nv))
    mujoco.mj_fullM(model, data, mass)
    moment = np.zeros((model.nu, model.nv))
    mujoco.mju_sparse2dense(moment, data.actuator_moment, data.moment_rownnz, data.moment_rowadr, data.moment_colind)
    return mass, moment


def as_slice(ids: np.ndarray) -> slice:
    """Consecutive ids, or none, as a slice, which numpy cuts out of a matrix without copying.

    Raises:
        ValueError: the ids are not consecutive.
    """
    if len(ids) == 0:
        return slice(0, 0)
    if not np.array_equal(ids, np.arange(ids[0], ids[0] + len(ids))):
        raise ValueError(f"ids are not consecutive: {ids.tolist()}")
    return slice(int(ids[0]), int(ids[-1]) + 1)
