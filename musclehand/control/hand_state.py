"""What muscle control has to know of the hands now, taken out of MuJoCo's sparse arrays for all hands in one go.

All addresses are worked out once. MuJoCo's own functions (`mj_fullM`, `mju_sparse2dense`, `mj_jacSite`) fill matrices
for the whole scene, keyboard included, of which a hand is a seventh; tests hold this against them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.hand_index import HandIndex
from musclehand.core.errors import ModelError


class HandState(NamedTuple):
    """The state of h hands of k independent joints, m muscles and c carrier joints (0 with a fixed elbow).

    `qpos`, `qvel` [rad, rad/s] (h, k) and `inertia` (h, k, k) of the independent joints; `load` [N m] (h, k), the
    torque that gravity, motion and springs ask for; `carried` (h, k, c), the torque an acceleration of the carrier's
    joints asks for; `carrier_inertia` (h, c, c) and `carrier_load` (h, c); `arms` [m] (h, m, k), d(length)/d(qpos);
    `tips` [m/rad] (h, 15, k), velocity of the fingertips; `length` [m], `velocity` [m/s], `act` of the muscles (h, m).
    """

    qpos: np.ndarray
    qvel: np.ndarray
    inertia: np.ndarray
    load: np.ndarray
    carried: np.ndarray
    carrier_inertia: np.ndarray
    carrier_load: np.ndarray
    arms: np.ndarray
    tips: np.ndarray
    length: np.ndarray
    velocity: np.ndarray
    act: np.ndarray


class HandReader:
    """Reads `HandState`s of the same hands out of `MjData`. Not changed by reading but for its buffers."""

    def __init__(self, model: mujoco.MjModel, hands: Sequence[HandIndex], carriers: Sequence[np.ndarray]) -> None:
        """`carriers`: the dofs of what carries each hand, the same number for each, or none.

        Raises:
            ModelError: hands that differ in their number of joints or muscles.
        """
        pairs = list(zip(hands, carriers, strict=True))
        shapes = {(hand.expand.shape, hand.muscles.shape, len(carrier)) for hand, carrier in pairs}
        if len(shapes) != 1:
            raise ModelError("hands", f"differ in joints, muscles or carriers: {sorted(map(str, shapes))}")
        (((joints, self.count), _, self._carried),) = shapes
        self._qpos = np.array([hand.qpos[hand.independent] for hand in hands])
        self._qvel = np.array([hand.dofs[hand.independent] for hand in hands])
        self._muscles = np.array([hand.muscles for hand in hands])
        self._act = np.array([hand.act for hand in hands])
        dofs = [np.concatenate([carrier, hand.dofs]).astype(int) for hand, carrier in pairs]
        self._dofs = np.array(dofs)
        size = self._carried + joints
        self._expand = np.zeros((len(hands), size, self._carried + self.count))
        for expand, hand in zip(self._expand, hands, strict=True):
            expand[: self._carried, : self._carried] = np.eye(self._carried)
            expand[self._carried :, self._carried :] = hand.expand
        self._collapse = np.ascontiguousarray(self._expand.transpose(0, 2, 1))
        self._mass = np.zeros((len(hands), size, size))
        self._mass_from, self._mass_to = _mass_entries(model, self._dofs)
        self._moment = np.zeros((len(hands), self._muscles.shape[1], joints))
        self._moment_from, self._moment_to, self._gear = _moment_entries(model, hands)
        self._sites = np.array([hand.tips for hand in hands])
        bodies = model.site_bodyid[self._sites]
        self._roots = model.body_rootid[bodies]
        moved = _moved_by(model, bodies, np.array([hand.dofs for hand in hands]))
        self._moved = np.repeat(moved, 3, axis=1).astype(float)
        self._hand_dofs = np.ascontiguousarray(self._dofs[:, self._carried :])
        self._hand_expand = np.array([hand.expand for hand in hands])
        # Velocity of a point is v + w x r, linear in (w, v): rows (w, v) with r where it belongs, by sign.
        self._twist = np.zeros((len(hands), 5, 3, 6))
        self._twist[..., range(3), range(3, 6)] = 1.0
        places = [(0, 1, 2, 1.0), (0, 2, 1, -1.0), (1, 0, 2, -1.0), (1, 2, 0, 1.0), (2, 0, 1, 1.0), (2, 1, 0, -1.0)]
        tips = np.arange(len(hands) * 5)[:, None]
        self._twist_to = np.array([18 * tips + 6 * row + column for row, column, _, _ in places]).ravel()
        self._twist_from = np.array([3 * tips + axis for _, _, axis, _ in places]).ravel()
        self._twist_sign = np.repeat([sign for _, _, _, sign in places], len(hands) * 5)

    def read(self, data: mujoco.MjData) -> HandState:
        """The state with positions and velocities of now computed (`mj_step1`)."""
        carried = self._carried
        self._mass.reshape(-1)[self._mass_to] = data.M[self._mass_from]
        inertia = self._collapse @ self._mass @ self._expand
        load = data.qfrc_bias[self._dofs]
        load -= data.qfrc_spring[self._dofs]
        load = (self._collapse @ load[:, :, None])[:, :, 0]
        self._moment.reshape(-1)[self._moment_to] = data.ten_J[self._moment_from] * self._gear
        return HandState(
            qpos=data.qpos[self._qpos],
            qvel=data.qvel[self._qvel],
            inertia=inertia[:, carried:, carried:],
            load=load[:, carried:],
            carried=inertia[:, carried:, :carried],
            carrier_inertia=inertia[:, :carried, :carried],
            carrier_load=load[:, :carried],
            arms=self._moment @ self._hand_expand,
            tips=self._tips(data),
            length=data.actuator_length[self._muscles],
            velocity=data.actuator_velocity[self._muscles],
            act=data.act[self._act],
        )

    def _tips(self, data: mujoco.MjData) -> np.ndarray:
        """Velocity of the fingertips for each independent joint's [m/rad]. Shape (h, 15, k)."""
        arm = data.site_xpos[self._sites]
        arm -= data.subtree_com[self._roots]
        self._twist.reshape(-1)[self._twist_to] = arm.reshape(-1)[self._twist_from] * self._twist_sign
        rows = self._twist.reshape(len(arm), 15, 6) @ data.cdof[self._hand_dofs].transpose(0, 2, 1)
        rows *= self._moved
        return rows @ self._hand_expand


def _mass_entries(model: mujoco.MjModel, dofs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Addresses in `data.M` of what couples the dofs of each row, and where it goes in (rows, n, n), flattened."""
    size = dofs.shape[1]
    source, goal = [], []
    for number, row in enumerate(dofs):
        place = {int(dof): i for i, dof in enumerate(row)}
        for dof, i in place.items():
            first = int(model.M_rowadr[dof])
            for address in range(first, first + int(model.M_rownnz[dof])):
                j = place.get(int(model.M_colind[address]))
                if j is not None:
                    source += [address, address]
                    goal += [(number * size + i) * size + j, (number * size + j) * size + i]
    return np.array(source, dtype=int), np.array(goal, dtype=int)


def _moment_entries(model: mujoco.MjModel, hands: Sequence[HandIndex]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Addresses in `data.ten_J` of the hands' tendons, where they go in (hands, muscles, joints), and their gears."""
    source, goal, gears = [], [], []
    for number, hand in enumerate(hands):
        place = {int(dof): i for i, dof in enumerate(hand.dofs)}
        for muscle, (actuator, tendon) in enumerate(zip(hand.muscles, hand.tendons, strict=True)):
            first = int(model.ten_J_rowadr[tendon])
            for address in range(first, first + int(model.ten_J_rownnz[tendon])):
                joint = place.get(int(model.ten_J_colind[address]))
                if joint is not None:
                    source.append(address)
                    goal.append((number * len(hand.muscles) + muscle) * len(place) + joint)
                    gears.append(model.actuator_gear[actuator, 0])
    return np.array(source, dtype=int), np.array(goal, dtype=int), np.array(gears)


def _moved_by(model: mujoco.MjModel, bodies: np.ndarray, dofs: np.ndarray) -> np.ndarray:
    """Whether each body hangs on each dof of its hand. Shape (hands, bodies, dofs)."""
    moved = np.zeros((*bodies.shape, dofs.shape[1]), dtype=bool)
    for number, (row, own) in enumerate(zip(bodies, dofs, strict=True)):
        for i, start in enumerate(row):
            body = int(start)
            while body:
                moved[number, i] |= model.dof_bodyid[own] == body
                body = int(model.body_parentid[body])
    return moved
