"""Inverse kinematics of one hand: fingertip positions to joint angles, one small quadratic programme a time step.

The joint limits are constraints of the programme, not clipped afterwards: clipping left errors of up to 28 mm where
the constrained solution reaches the target. Both hands are solved on the right hand's model, whose joint values
mean the same on either side; the targets of a left hand are mirrored in x.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.anatomy import HAND_JOINTS, Side
from musclehand.body.hand import HandIndex, load_hand
from musclehand.body.tables import HandTables, load_tables
from musclehand.core.quadratic import solve_bounded

NUM_TIPS = 5


@dataclass(frozen=True)
class IkWeights:
    """What the programme trades: fingertip errors [1/m^2] against posture and change of joints [1/rad^2].

    `posture` pulls to the playing posture, `wrist` in its place for the three joints of forearm and wrist,
    `change` resists motion between steps, `limit_margin` [rad] stays away from the joint limits.
    """

    tip: float = 1.0e4
    posture: float = 0.05
    wrist: float = 0.3
    change: float = 0.5
    max_step: float = 0.35
    limit_margin: float = 0.02


PLAYING_POSTURE_DEG = {
    "pro_sup": 5,
    "deviation": -4,
    "flexion": -14,
    "cmc_flexion": 22,
    "cmc_abduction": -5,
    "mp_flexion": -18,
    "ip_flexion": -38,
    "mcp2_flexion": 33,
    "mcp2_abduction": 14,
    "pm2_flexion": 36,
    "mcp3_flexion": 30,
    "mcp3_abduction": 5,
    "pm3_flexion": 39,
    "mcp4_flexion": 25,
    "mcp4_abduction": -9,
    "pm4_flexion": 40,
    "mcp5_flexion": 6,
    "mcp5_abduction": -18,
    "pm5_flexion": 41,
}
"""Five fingers on five neighbouring white keys, knuckles up and fingers curved: the solution of this module's own
problem for `planner.reach.NOMINAL_TIPS`, searched over wrist height and depth for the most central joint angles.
The last finger joints follow the middle ones; joints not named are at 0."""


class IkResult(NamedTuple):
    """Joint angles [rad] of all 23 joints, shape (23,), and the distance of each tip from its target [m], (5,)."""

    qpos: np.ndarray
    error: np.ndarray


class HandIk:
    """Follows fingertip targets given in the frame of the carrier: origin at the wrist, world axes, palm down."""

    def __init__(self, *, weights: IkWeights | None = None, tables: HandTables | None = None) -> None:
        self.weights = weights or IkWeights()
        tables = tables or load_tables()
        self.model = load_hand(Side.RIGHT, tables=tables)
        self.data = mujoco.MjData(self.model)
        self.index = HandIndex.from_model(self.model, Side.RIGHT, tables)
        mujoco.mj_kinematics(self.model, self.data)
        self._wrist = self.data.xpos[self.model.body(Side.RIGHT.name_of("lunate")).id].copy()
        self._axes = np.array([-1.0, -1.0, 1.0])  # root frame to world, palm down
        independent = self.index.independent
        limits = self.model.jnt_range[self.model.dof_jntid[self.index.dofs[independent]]]
        self.lower = limits[:, 0] + self.weights.limit_margin
        self.upper = limits[:, 1] - self.weights.limit_margin
        posture = np.deg2rad([PLAYING_POSTURE_DEG.get(name, 0.0) for name in HAND_JOINTS])
        self.posture = np.clip(posture[independent], self.lower, self.upper)
        self._pull = np.full(independent.size, self.weights.posture)
        self._pull[:3] = self.weights.wrist
        self._jacobian = np.zeros((3, self.model.nv))
        self.reset()

    def reset(self, qr: np.ndarray | None = None) -> None:
        """Starts from independent joint angles `qr` (19,), by default the playing posture."""
        self.qr = (self.posture if qr is None else qr).copy()

    def tips(self) -> np.ndarray:
        """Fingertip positions at the present angles, carrier frame [m]. Shape (5, 3)."""
        self.data.qpos[self.index.qpos] = self.index.expand @ self.qr
        mujoco.mj_kinematics(self.model, self.data)
        return (self.data.site_xpos[self.index.tips] - self._wrist) * self._axes

    def step(self, targets: np.ndarray, weights: np.ndarray, *, iterations: int = 1) -> IkResult:
        """Moves towards the targets and stays there.

        Args:
            targets: fingertip positions, carrier frame of a right hand [m]. Shape (5, 3).
            weights: how much each tip matters, 1 for a finger that plays. Shape (5,).
            iterations: Newton steps; one follows a smooth motion, ten converge from anywhere.
        """
        for _ in range(iterations):
            error = targets - self.tips()
            self.qr = self.qr + self._newton_step(error, weights)
        error = np.linalg.norm(targets - self.tips(), axis=1)
        return IkResult(self.index.expand @ self.qr, error)

    def _newton_step(self, error: np.ndarray, weights: np.ndarray) -> np.ndarray:
        mujoco.mj_comPos(self.model, self.data)
        jacobian = np.empty((3 * NUM_TIPS, self.qr.size))
        for tip, site in enumerate(self.index.tips):
            mujoco.mj_jacSite(self.model, self.data, self._jacobian, None, site)
            rows = self._axes[:, None] * self._jacobian[:, self.index.dofs]
            jacobian[3 * tip : 3 * tip + 3] = rows @ self.index.expand
        weight = np.repeat(self.weights.tip * weights, 3)
        weighted = jacobian.T * weight
        hessian = weighted @ jacobian
        hessian[np.diag_indices_from(hessian)] += self._pull + self.weights.change
        gradient = -weighted @ error.ravel() + self._pull * (self.qr - self.posture)
        lower = np.maximum(self.lower - self.qr, -self.weights.max_step)
        upper = np.minimum(self.upper - self.qr, self.weights.max_step)
        return solve_bounded(hessian, gradient, lower, upper)
