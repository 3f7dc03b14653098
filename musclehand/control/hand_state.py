"""What muscle control has to know of the hands now, taken out of MuJoCo's sparse arrays for all hands in one go.

All addresses are worked out once. MuJoCo's own functions (`mj_fullM`, `mju_sparse2dense`, `mj_jacSite`) fill matrices
for the whole scene, keyboard included, of which a hand is a seventh; tests hold this against them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.hand_index import HandIndex
from musclehand.core.errors import ModelError

TIPS = 5


class HandState(NamedTuple):
    """The state of h hands of k independent joints, m muscles and c carrier joints (0 with a fixed elbow).

    `qpos`, `qvel` [rad, rad/s] (h, k) of the independent joints; `length` [m], `velocity` [m/s], `act` of the muscles
    (h, m); `inertia` (h, k, k); `carried` (h, k, c), the torque an acceleration of the carrier's joints asks for, and
    `carrier_inertia` (h, c, c); `load` [N m] (h, k), the torque that gravity, motion and springs ask for, and
    `carrier_load` (h, c); `arms` [m] (h, m, k), d(length)/d(qpos); `tips` [m/rad] (h, 15, k), velocity of fingertips.
    """

    qpos: np.ndarray
    qvel: np.ndarray
    length: np.ndarray
    velocity: np.ndarray
    act: np.ndarray
    inertia: np.ndarray
    carried: np.ndarray
    carrier_inertia: np.ndarray
    load: np.ndarray
    carrier_load: np.ndarray
    arms: np.ndarray
    tips: np.ndarray


class HandReader:
    """Reads `HandState`s of the same hands out of `MjData`."""

    def __init__(self, model: mujoco.MjModel, hands: Sequence[HandIndex], carriers: Sequence[np.ndarray]) -> None:
        """`carriers`: the dofs of what carries each hand, the same number for each, or none.

        Raises:
            ModelError: hands that differ in their number of joints or muscles.
        """
        # Loads the compiler, which nobody else needs.
        from musclehand.control import compiled_state

        pairs = list(zip(hands, carriers, strict=True))
        shapes = {(hand.expand.shape, hand.muscles.shape, len(carrier)) for hand, carrier in pairs}
        if len(shapes) != 1:
            raise ModelError("hands", f"differ in joints, muscles or carriers: {sorted(map(str, shapes))}")
        (((_, self.count), (muscles,), carried),) = shapes
        self._kernels, number, joints = compiled_state, len(pairs), self.count
        self._addresses = tuple(
            np.concatenate(parts).astype(np.int64)
            for parts in zip(
                *((h.qpos[h.independent], h.dofs[h.independent], h.muscles, h.act) for h in hands), strict=True
            )
        )
        fixed = [_columns(hand.dofs, hand.expand) for hand in hands]
        moved = [_columns(carrier, np.eye(carried)) for carrier in carriers]
        self._places = (
            _mass_entries(model, fixed, fixed, (joints, joints)),
            _mass_entries(model, fixed, moved, (joints, carried)),
            _mass_entries(model, moved, moved, (carried, carried)),
            _load_entries(fixed, joints),
            _load_entries(moved, carried),
            _moment_entries(model, hands, fixed),
        )
        self._tip_places = _tip_entries(model, hands, fixed)
        sizes: dict[str, tuple[int, ...]] = {
            "qpos": (joints,),
            "qvel": (joints,),
            "length": (muscles,),
            "velocity": (muscles,),
            "act": (muscles,),
            "inertia": (joints, joints),
            "carried": (joints, carried),
            "carrier_inertia": (carried, carried),
            "load": (joints,),
            "carrier_load": (carried,),
            "arms": (muscles, joints),
            "tips": (3 * TIPS, joints),
        }
        self._shapes = [(number, *sizes[name]) for name in HandState._fields]
        self._edges = np.cumsum([0, *(math.prod(shape) for shape in self._shapes)])
        self._spans = list(pairwise(self._edges.tolist()))

    def read(self, data: mujoco.MjData) -> HandState:
        """The state with positions and velocities of now computed (`mj_step1`)."""
        everything = np.empty(self._edges[-1])
        self._kernels.read(
            data.qpos,
            data.qvel,
            data.M,
            data.qfrc_bias,
            data.qfrc_spring,
            data.ten_J,
            data.actuator_length,
            data.actuator_velocity,
            data.act,
            self._addresses,
            self._places,
            self._edges,
            everything,
        )
        tips = everything[self._edges[-2] :]
        self._kernels.tip_speeds(data.cdof, data.site_xpos, data.subtree_com, *self._tip_places, self.count, tips)
        parts = zip(self._spans, self._shapes, strict=True)
        return HandState(*[everything[begin:end].reshape(shape) for (begin, end), shape in parts])


Columns = dict[int, list[tuple[int, float]]]
"""By dof: which independent joints it moves with, and how much; rows of `expand`."""

Places = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Addresses in an array of MuJoCo's, where in another their values are added, and times what."""


def _columns(dofs: np.ndarray, expand: np.ndarray) -> Columns:
    return {
        int(dof): [(int(i), float(row[i])) for i in row.nonzero()[0]] for dof, row in zip(dofs, expand, strict=True)
    }


def _places(entries: list[tuple[int, int, float]]) -> Places:
    table = np.array(entries, dtype=float).reshape(-1, 3).T
    return table[0].astype(np.int64), table[1].astype(np.int64), table[2].copy()


def _mass_entries(
    model: mujoco.MjModel, rows: Sequence[Columns], columns: Sequence[Columns], shape: tuple[int, int]
) -> Places:
    """From `data.M`, half a sparse symmetric matrix, to what couples rows with columns, (hands, *shape)."""
    entries = []
    for number, (row, column) in enumerate(zip(rows, columns, strict=True)):
        for dof in range(model.nv):
            first = int(model.M_rowadr[dof])
            for address in range(first, first + int(model.M_rownnz[dof])):
                other = int(model.M_colind[address])
                for one, two in {(dof, other), (other, dof)}:
                    for i, times in row.get(one, []):
                        for j, by in column.get(two, []):
                            entries.append((address, (number * shape[0] + i) * shape[1] + j, times * by))
    return _places(sorted(entries))


def _load_entries(columns: Sequence[Columns], size: int) -> Places:
    """From forces of all dofs to (hands, size)."""
    return _places(
        [
            (dof, number * size + i, times)
            for number, column in enumerate(columns)
            for dof, goals in column.items()
            for i, times in goals
        ]
    )


def _moment_entries(model: mujoco.MjModel, hands: Sequence[HandIndex], columns: Sequence[Columns]) -> Places:
    """From `data.ten_J` to moment arms (hands, muscles, independent joints)."""
    entries = []
    for number, (hand, column) in enumerate(zip(hands, columns, strict=True)):
        muscles, joints = len(hand.muscles), hand.expand.shape[1]
        for muscle, (actuator, tendon) in enumerate(zip(hand.muscles, hand.tendons, strict=True)):
            first, gear = int(model.ten_J_rowadr[tendon]), float(model.actuator_gear[actuator, 0])
            for address in range(first, first + int(model.ten_J_rownnz[tendon])):
                for joint, times in column.get(int(model.ten_J_colind[address]), []):
                    entries.append((address, (number * muscles + muscle) * joints + joint, gear * times))
    return _places(entries)


def _tip_entries(
    model: mujoco.MjModel, hands: Sequence[HandIndex], columns: Sequence[Columns]
) -> tuple[np.ndarray, ...]:
    """What `compiled_state.tip_speeds` asks for, for every dof that moves a fingertip."""
    entries = []
    for number, (hand, column) in enumerate(zip(hands, columns, strict=True)):
        joints, bodies = hand.expand.shape[1], model.dof_bodyid[hand.dofs]
        for tip, site in enumerate(hand.tips):
            body = int(model.site_bodyid[site])
            root, row = int(model.body_rootid[body]), 3 * (number * TIPS + tip)
            while body:
                for dof in hand.dofs[bodies == body]:
                    for joint, times in column[int(dof)]:
                        entries.append((int(site), root, int(dof), row * joints + joint, times))
                body = int(model.body_parentid[body])
    table = np.array(entries, dtype=float).T
    return *(row.astype(np.int64) for row in table[:4]), table[4].copy()
