"""What muscle control has to know of the hands now, taken out of MuJoCo's sparse arrays for all
hands in one go.

All addresses are worked out once. MuJoCo's own functions (`mj_fullM`, `mju_sparse2dense`,
`mj_jacSite`) fill matrices for the whole scene, keyboard included, of which a hand is a seventh;
tests hold this against them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain, pairwise
from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.hand_index import HandIndex
from musclehand.core.errors import ModelError

TIPS = 5


class HandState(NamedTuple):
    """The state of h hands of k independent joints, m muscles and c carrier joints (0 with a fixed
    elbow).

    `qpos`, `qvel` [rad, rad/s] (h, k) of the independent joints; `length` [m], `velocity` [m/s],
    `act` of the muscles (h, m); `inertia` (h, k, k); `carried` (h, k, c), the torque an
    acceleration of the carrier's joints asks for, and `forearm_inertia` (h, c, c); `load` [N m] (h,
    k), the torque that gravity, motion and springs ask for, and `carrier_load` (h, c); `arms` [m]
    (h, m, k), d(length)/d(qpos); `tips` [m/rad] (h, 15, k), velocity of fingertips.
    """

    qpos: np.ndarray
    qvel: np.ndarray
    length: np.ndarray
    velocity: np.ndarray
    act: np.ndarray
    inertia: np.ndarray
    carried: np.ndarray
    forearm_inertia: np.ndarray
    load: np.ndarray
    carrier_load: np.ndarray
    arms: np.ndarray
    tips: np.ndarray


class HandReader:
    """Reads `HandState`s of the same hands out of `MjData`."""

    def __init__(
        self, model: mujoco.MjModel, hands: Sequence[HandIndex], carriers: Sequence[np.ndarray]
    ) -> None:
        """`carriers`: the dofs of what carries each hand, the same number for each, or none.

        Raises:
            ModelError: hands that differ in their number of joints or muscles.
        """
        # Loads the compiler, which nobody else needs.
        from musclehand.control.kernels import state as compiled_state

        pairs = list(zip(hands, carriers, strict=True))
        shapes = {(hand.expand.shape, hand.muscles.shape, len(carrier)) for hand, carrier in pairs}
        if len(shapes) != 1:
            raise ModelError(
                "hands", f"differ in joints, muscles or carriers: {sorted(map(str, shapes))}"
            )
        (((_, self.count), (muscles,), carried),) = shapes
        self._kernels = compiled_state
        joints = self.count
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
        self._shapes = [(len(pairs), *sizes[name]) for name in HandState._fields]
        ends = np.cumsum([0, *(math.prod(shape) for shape in self._shapes)]).tolist()
        self._size = ends[-1]
        self._spans = list(pairwise(ends))
        at = dict(zip(HandState._fields, ends[:-1], strict=True))

        fixed = [_columns(hand.dofs, hand.expand) for hand in hands]
        moved = [_columns(carrier, np.eye(carried)) for carrier in carriers]
        parts = [
            _taken([hand.qpos[hand.independent] for hand in hands], at["qpos"]),
            _taken([hand.dofs[hand.independent] for hand in hands], at["qvel"]),
            _taken([hand.muscles for hand in hands], at["length"]),
            _taken([hand.muscles for hand in hands], at["velocity"]),
            _taken([hand.act for hand in hands], at["act"]),
            _mass_entries(model, fixed, fixed, (joints, joints), at["inertia"])
            + _mass_entries(model, fixed, moved, (joints, carried), at["carried"])
            + _mass_entries(model, moved, moved, (carried, carried), at["carrier_inertia"]),
            _load_entries(fixed, joints, at["load"])
            + _load_entries(moved, carried, at["carrier_load"]),
            _moment_entries(model, hands, fixed, at["arms"]),
        ]
        edges = np.cumsum([0, *(len(part) for part in parts)])
        self._places = (
            edges,
            *_split(list(chain(*parts))),
            *_split(_tip_entries(model, hands, fixed, at["tips"])),
        )

    def read(self, data: mujoco.MjData) -> HandState:
        """The state with positions and velocities of now computed (`mj_step1`)."""
        everything = np.empty(self._size)
        self._kernels.read(
            data.qpos,
            data.qvel,
            data.actuator_length,
            data.actuator_velocity,
            data.act,
            data.M,
            data.qfrc_bias,
            data.qfrc_spring,
            data.ten_J,
            data.cdof,
            data.site_xpos,
            data.subtree_com,
            *self._places,
            everything,
        )
        parts = zip(self._spans, self._shapes, strict=True)
        return HandState(*[everything[begin:end].reshape(shape) for (begin, end), shape in parts])


Columns = dict[int, list[tuple[int, float]]]
"""By dof: which independent joints it moves with, and how much; rows of `expand`."""

Entries = list[tuple[int, int, float]]
"""Where in an array of MuJoCo's a number is, where in the state it is added, and how often."""


def _columns(dofs: np.ndarray, expand: np.ndarray) -> Columns:
    return {
        int(dof): [(int(i), float(row[i])) for i in row.nonzero()[0]]
        for dof, row in zip(dofs, expand, strict=True)
    }


def _split(entries: Sequence[tuple[float, ...]]) -> tuple[np.ndarray, ...]:
    """Columns of integers, one array each or all in one, and the last column, of factors."""
    table = np.array(entries, dtype=float)
    whole = table[:, :-1].astype(np.int64)
    factor = table[:, -1].copy()
    return (
        (*(column.copy() for column in whole.T), factor) if whole.shape[1] == 2 else (whole, factor)
    )


def _taken(addresses: Sequence[np.ndarray], at: int) -> Entries:
    """Numbers of all hands as they are."""
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
                other = int(model.M_colind[address])
                for one, two in {(dof, other), (other, dof)}:
                    for i, times in row.get(one, []):
                        for j, by in column.get(two, []):
                            entries.append(
                                (address, at + (number * shape[0] + i) * shape[1] + j, times * by)
                            )
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
    """What `compiled_state.add_tip_speeds` asks for, for every dof that moves a fingertip."""
    entries = []
    for number, (hand, column) in enumerate(zip(hands, columns, strict=True)):
        joints = hand.expand.shape[1]
        bodies = model.dof_bodyid[hand.dofs]
        for tip, site in enumerate(hand.tips):
            body = int(model.site_bodyid[site])
            root = int(model.body_rootid[body])
            row = at + 3 * (number * TIPS + tip) * joints
            while body:
                for dof in hand.dofs[bodies == body]:
                    for joint, times in column[int(dof)]:
                        x = row + joint
                        entries.append(
                            (int(site), root, int(dof), x, x + joints, x + 2 * joints, times)
                        )
                body = int(model.body_parentid[body])
    return entries
