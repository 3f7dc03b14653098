"""Computed muscle control: from wanted joint motion to muscle excitations, for all hands of a scene
in one go.

After Thelen, Anderson & Delp 2003 (J Biomech 36:321), with these differences: the torque is the one
that reaches a wanted *velocity* at the end of the control interval, with the joints' damping taken
implicitly (accelerations held over 10 ms are unstable for phalanges of a few grams); muscle force
is distributed within the activations that can be reached in one interval; and what is minimised is
the predicted error of fingertip and joint velocity, so that torque the muscles cannot give is
missing where it matters least.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.hand_index import HandIndex
from musclehand.body.muscle import excitation_ceiling, muscle_parameters
from musclehand.control.criterion import Sharing
from musclehand.control.hand_state import HandReader, HandState
from musclehand.core.quadratic import SolverError


@dataclass(frozen=True)
class ControlConfig:
    """Gains of computed muscle control; values found on generated scores (see `experiments/`).

    `finger_rate`, `wrist_rate` [1/s] close position errors; `joint_weight` [m/rad] weighs joint
    against fingertip velocity; `effort` is the price of activation, for control every 8 ms, by the
    `criterion` that shares work among muscles: "squares", "cubes" or "min-max"
    (`control.criterion`). `co_contraction`, 0 to 1: the activation from which effort is counted, so
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

    `qpos`, `qvel`: independent joints [rad, rad/s], shape (h, 19). `press`: force down on each
    fingertip [N], (h, 5). `carrier_acc`: acceleration of the carrier's six joints [m/s^2, rad/s^2],
    (h, 6); (h, 0) without a carrier. `key_mass`, `key_damping`: of what each fingertip moves along
    in height [kg, N s/m], (h, 5); None for nothing.
    """

    qpos: np.ndarray
    qvel: np.ndarray
    press: np.ndarray
    carrier_acc: np.ndarray
    key_mass: np.ndarray | None = None
    key_damping: np.ndarray | None = None


class MuscleControl:
    """Computes the excitations of the muscles of some hands, each by itself but in the same arrays.

    `ceiling`: the highest excitation of each muscle, that of the model until somebody lowers it
    (fatigue). Shape (h, 46). `muscles`: their actuators. Shape (h, 46).
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
        """`sim_steps`: simulation steps in a control interval; `carriers`: the dofs of what carries
        each hand, none where the elbow is fixed.

        Raises:
            ModelError: the hands differ in their number of joints, muscles or carrier dofs.
            UnknownName: no such criterion.
            InvalidValue: co-contraction outside 0 to 1.
        """
        # Loads the compiler, which nobody else needs.
        from musclehand.control.kernels import muscle as compiled_muscle
        from musclehand.control.kernels import task as compiled_task

        self.config = config = config or ControlConfig()
        self.reader = HandReader(model, hands, carriers)
        self._muscle_kernels = compiled_muscle
        self._task_kernels = compiled_task
        self._dt = model.opt.timestep
        self._steps = sim_steps
        self.interval = sim_steps * model.opt.timestep
        self.muscles = np.array([hand.muscles for hand in hands])
        self._params = np.ascontiguousarray(
            np.array(muscle_parameters(model, self.muscles)).transpose(1, 0, 2)
        )
        self.ceiling = excitation_ceiling(model, self.muscles)
        self._damping = np.array(
            [hand.expand.T @ np.diag(model.dof_damping[hand.dofs]) @ hand.expand for hand in hands]
        )
        count = self._damping.shape[1]
        self._rate = np.full(count, config.finger_rate)
        self._rate[:3] = config.wrist_rate
        self._unladen = np.zeros((len(hands), 5))
        self._low, self._high, self._gain, self._bias = (
            np.zeros(self.muscles.shape) for _ in range(4)
        )
        self._factor = np.zeros((*self.muscles.shape, count))
        self._wanted = np.zeros((len(hands), count))
        self.forget()

    def forget(self) -> None:
        """Goes on as one that was made anew: what earlier calls found is not where the next
        begins its search."""
        config = self.config
        self._sharing = [
            Sharing(config.criterion, config.effort, co_contraction=config.co_contraction)
            for _ in self.muscles
        ]

    def excitations(self, data: mujoco.MjData, target: HandTarget) -> np.ndarray:
        """What to write into `data.ctrl[self.muscles]` for the next interval, 0 to `ceiling`. Shape
        (h, 46).

        Args:
            data: with positions and velocities of now computed (`mj_step1`).
            target: the wanted motion.

        Raises:
            SolverError: the mass matrix is not positive definite, or the state is not finite.
        """
        return self.excitations_at(self.reader.read(data), target)

    def excitations_at(self, state: HandState, target: HandTarget) -> np.ndarray:
        """As `excitations`, in a state already read."""
        wanted = self.activations(state, target)
        out = np.empty(self.muscles.shape)
        self._muscle_kernels.excite(
            self._params, state.act, wanted, self.ceiling, self._dt, self._steps, out
        )
        return out

    def activations(self, state: HandState, target: HandTarget) -> np.ndarray:
        """Activations to have at the end of the next interval, all within reach. Shape (h, 46).

        Raises:
            SolverError: as `excitations`.
        """
        low = self._low
        high = self._high
        factor = self._factor
        wanted = self._wanted
        now = (state.act, state.length, state.velocity)
        out = (low, high, self._gain, self._bias)
        self._muscle_kernels.prospects(
            self._params, *now, self.ceiling, self._dt, self._steps, *out
        )
        status = self._task_kernels.prepare(
            self.interval,
            self.config.joint_weight,
            self._rate,
            self._damping,
            self._gain,
            self._bias,
            state.qpos,
            state.qvel,
            state.inertia,
            state.load,
            state.carried,
            state.arms,
            state.tips,
            *(
                self._unladen if part is None else np.ascontiguousarray(part, dtype=float)
                for part in target
            ),
            factor,
            wanted,
        )
        if status != self._task_kernels.DONE:
            raise SolverError("inertia of a hand is not positive definite")
        act = np.empty(self.muscles.shape)
        for hand, sharing in enumerate(self._sharing):
            act[hand] = sharing.activations(factor[hand], wanted[hand], low[hand], high[hand])
        return act
