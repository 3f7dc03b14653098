"""The state of the hands that muscle control needs, read from MuJoCo's sparse arrays for all hands
at a time.

All addresses are resolved once. MuJoCo's own functions (`mj_fullM`, `mju_sparse2dense`,
`mj_jacSite`) fill matrices for the whole scene with its keyboard, of which a hand is a seventh;
tests compare this with them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain, pairwise

import mujoco
import numpy as np

from musclehand.body.anatomy import NUM_TIPS
from musclehand.body.hand_index import HandIndex
from musclehand.control.arrays import HandPlaces, HandState, MujocoState
from musclehand.core.errors import ModelError


class HandReader:
    """Reads `HandState`s of the same hands out of `MjData`."""

    def __init__(
        self, model: mujoco.MjModel, hands: Sequence[HandIndex], forearms: Sequence[np.ndarray]
    ) -> None:
        """
        Args:
            model: of the scene.
            hands: with the same number of joints and muscles.
            forearms: dofs of the forearm base of each hand, the same number for each, or none.

        Raises:
            ModelError: the hands differ in their number of joints or muscles.
        """
        # Loads the compiler, which only control needs.
        from musclehand.control.kernels import state as state_kernels

        pairs = list(zip(hands, forearms, strict=True))
        shapes = {(hand.expand.shape, hand.muscles.shape, len(dofs)) for hand, dofs in pairs}
        if len(shapes) != 1:
            raise ModelError(
                "hands", f"differ in joints, muscles or forearms: {sorted(map(str, shapes))}"
            )
        (((_, self.count), (muscles,), coupling),) = shapes
        self._kernels = state_kernels
        joints = self.count
        sizes: dict[str, tuple[int, ...]] = {
            "qpos": (joints,),
            "qvel": (joints,),
            "length": (muscles,),
            "velocity": (muscles,),
            "act": (muscles,),
            "inertia": (joints, joints),
            "coupling": (joints, coupling),
            "forearm_inertia": (coupling, coupling),
            "load": (joints,),
            "forearm_load": (coupling,),
            "arms": (muscles, joints),
            "tips": (3 * NUM_TIPS, joints),
        }
        self._shapes = [(len(pairs), *sizes[name]) for name in HandState._fields]
        ends = np.cumsum([0, *(math.prod(shape) for shape in self._shapes)]).tolist()
        self._size = ends[-1]
        self._spans = list(pairwise(ends))
        at = dict(zip(HandState._fields, ends[:-1], strict=True))

        fixed = [_columns(hand.dofs, hand.expand) for hand in hands]
        moved = [_columns(dofs, np.eye(coupling)) for dofs in forearms]
        parts = [
            _copied([hand.qpos[hand.independent] for hand in hands], at["qpos"]),
            _copied([hand.dofs[hand.independent] for hand in hands], at["qvel"]),
            _copied([hand.muscles for hand in hands], at["length"]),
            _copied([hand.muscles for hand in hands], at["velocity"]),
            _copied([hand.act for hand in hands], at["act"]),
            _mass_entries(model, fixed, fixed, (joints, joints), at["inertia"])
            + _mass_entries(model, fixed, moved, (joints, coupling), at["coupling"])
            + _mass_entries(model, moved, moved, (coupling, coupling), at["forearm_inertia"]),
            _load_entries(fixed, joints, at["load"])
            + _load_entries(moved, coupling, at["forearm_load"]),
            _moment_entries(model, hands, fixed, at["arms"]),
        ]
        edges = np.cumsum([0, *(len(part) for part in parts)])
        self._places = HandPlaces(
            edges,
            *_split(list(chain(*parts))),
            *_split(_tip_entries(model, hands, fixed, at["tips"])),
        )

    def read(self, data: mujoco.MjData) -> HandState:
        """The state of all hands; positions and velocities must be computed (`mj_step1`)."""
        state = np.empty(self._size)
        arrays = MujocoState(
            qpos=data.qpos,
            qvel=data.qvel,
            length=data.actuator_length,
            velocity=data.actuator_velocity,
            act=data.act,
            mass=data.M,
            bias=data.qfrc_bias,
            spring=data.qfrc_spring,
            moment=data.ten_J,
            cdof=data.cdof,
            site_xpos=data.site_xpos,
            subtree_com=data.subtree_com,
        )
        self._kernels.read(arrays, self._places, state)
        parts = zip(self._spans, self._shapes, strict=True)
        return HandState(*[state[begin:end].reshape(shape) for (begin, end), shape in parts])


Columns = dict[int, list[tuple[int, float]]]
"""For each dof the independent joints that it moves with, and the ratio: rows of `expand`."""

Entries = list[tuple[int, int, float]]
"""Address in an array of MuJoCo's, address in the flat state that it is added to, factor."""


def _columns(dofs: np.ndarray, expand: np.ndarray) -> Columns:
    return {
        int(dof): [(int(i), float(row[i])) for i in row.nonzero()[0]]
        for dof, row in zip(dofs, expand, strict=True)
    }


def _split(entries: Sequence[tuple[float, ...]]) -> tuple[np.ndarray, ...]:
    """Addresses as columns, or as one array where there are more than two, and the factors."""
    table = np.array(entries, dtype=float)
    addresses = table[:, :-1].astype(np.int64)
    factor = table[:, -1].copy()
    if addresses.shape[1] == 2:
        return *(column.copy() for column in addresses.T), factor
    return addresses, factor


def _copied(addresses: Sequence[np.ndarray], at: int) -> Entries:
    """Entries that copy numbers of all hands."""
    return [(int(address), at + i, 1.0) for i, address in enumerate(np.concatenate(addresses))]


def _mass_entries(
    model: mujoco.MjModel,
    rows: Sequence[Columns],
    columns: Sequence[Columns],
    shape: tuple[int, int],
    at: int,
) -> Entries:
    """From `data.M`, half a sparse symmetric matrix, to what couples rows with columns, (hands,
    *shape)."""
    entries = []
    for number, (row, column) in enumerate(zip(rows, columns, strict=True)):
        for dof in range(model.nv):
            first = int(model.M_rowadr[dof])
            for address in range(first, first + int(model.M_rownnz[dof])):
                partner = int(model.M_colind[address])
                for row_dof, column_dof in {(dof, partner), (partner, dof)}:
                    for i, row_factor in row.get(row_dof, []):
                        for j, column_factor in column.get(column_dof, []):
                            goal = at + (number * shape[0] + i) * shape[1] + j
                            entries.append((address, goal, row_factor * column_factor))
    return sorted(entries)


def _load_entries(columns: Sequence[Columns], size: int, at: int) -> Entries:
    """From forces of all dofs to (hands, size)."""
    return [
        (dof, at + number * size + i, times)
        for number, column in enumerate(columns)
        for dof, goals in column.items()
        for i, times in goals
    ]


def _moment_entries(
    model: mujoco.MjModel, hands: Sequence[HandIndex], columns: Sequence[Columns], at: int
) -> Entries:
    """From `data.ten_J` to moment arms (hands, muscles, independent joints)."""
    entries = []
    for number, (hand, column) in enumerate(zip(hands, columns, strict=True)):
        muscles = len(hand.muscles)
        joints = hand.expand.shape[1]
        for muscle, (actuator, tendon) in enumerate(zip(hand.muscles, hand.tendons, strict=True)):
            first = int(model.ten_J_rowadr[tendon])
            gear = float(model.actuator_gear[actuator, 0])
            for address in range(first, first + int(model.ten_J_rownnz[tendon])):
                for joint, times in column.get(int(model.ten_J_colind[address]), []):
                    entries.append(
                        (address, at + (number * muscles + muscle) * joints + joint, gear * times)
                    )
    return entries


def _tip_entries(
    model: mujoco.MjModel, hands: Sequence[HandIndex], columns: Sequence[Columns], at: int
) -> list[tuple[int, int, int, int, int, int, float]]:
    """Entries of `HandPlaces.tip_entries`, for every dof that moves a fingertip."""
    entries = []
    for number, (hand, column) in enumerate(zip(hands, columns, strict=True)):
        joints = hand.expand.shape[1]
        bodies = model.dof_bodyid[hand.dofs]
        for tip, site in enumerate(hand.tips):
            body = int(model.site_bodyid[site])
            root = int(model.body_rootid[body])
            row = at + 3 * (number * NUM_TIPS + tip) * joints
            while body:
                for dof in hand.dofs[bodies == body]:
                    for joint, times in column[int(dof)]:
                        x = row + joint
                        entries.append(
                            (int(site), root, int(dof), x, x + joints, x + 2 * joints, times)
                        )
                body = int(model.body_parentid[body])
    return entries
