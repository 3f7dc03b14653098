"""How hands keep to their reference, summed up over a performance: noted step by step, added up
many at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import mujoco
import numpy as np

from musclehand.body.anatomy import Side
from musclehand.body.hand_index import HandIndex
from musclehand.controllers.controller import HandReference

STEPS = 64
"""Control steps noted before they are added up."""


@dataclass
class BodySums:
    """Sums, and how many numbers are in each: squared angles off the reference [rad^2],
    distances of pressing fingertips from theirs [m], activations."""

    joint_sum: float = 0.0
    joint_count: int = 0
    tip_sum: float = 0.0
    tip_count: int = 0
    act_sum: float = 0.0
    act_count: int = 0


class BodyWatch:
    """Watches the hands of one simulation."""

    def __init__(self, data: mujoco.MjData, hands: Mapping[Side, HandIndex]) -> None:
        """`data`: of the simulation, as it goes on; `hands` of the same number of joints."""
        self._data = data
        self._sums = BodySums()
        self._noted = 0
        self._rows = {side: row for row, side in enumerate(hands)}
        self._joints, self._acts, self._sites = (
            np.array([getattr(hand, name) for hand in hands.values()], dtype=int)
            for name in ("qpos", "act", "tips")
        )
        self._independent = [hand.independent for hand in hands.values()]
        count, joints = self._joints.shape if hands else (0, 0)
        self._there = np.zeros((STEPS, count), dtype=bool)
        self._qpos = np.zeros((STEPS, len(data.qpos)))
        self._wanted_qpos = np.zeros((STEPS, count, joints))
        self._tips = np.zeros((STEPS, count, 5, 3))
        self._wanted_tips = np.zeros((STEPS, count, 5, 3))
        self._pressing = np.zeros((STEPS, count, 5))
        self._act = np.zeros((STEPS, len(data.act)))

    def note(self, reference: Mapping[Side, HandReference]) -> None:
        """Takes in a control step, with the positions of now computed."""
        row = self._noted
        data = self._data
        self._qpos[row], self._act[row] = data.qpos, data.act
        self._tips[row] = data.site_xpos[self._sites].reshape(-1, 5, 3)
        self._there[row] = False
        for side, wanted in reference.items():
            hand = self._rows[side]
            self._there[row, hand] = True
            self._wanted_qpos[row, hand], self._wanted_tips[row, hand] = wanted.qpos, wanted.tips
            self._pressing[row, hand] = wanted.pressing
        self._noted += 1
        if self._noted == STEPS:
            self._add_up()

    def sums(self) -> BodySums:
        """Of all that was noted."""
        self._add_up()
        return self._sums

    def _add_up(self) -> None:
        sums = self._sums
        noted = self._noted
        for hand, (joints, independent) in enumerate(
            zip(self._joints, self._independent, strict=True)
        ):
            there = self._there[:noted, hand]
            off = (self._qpos[:noted, joints] - self._wanted_qpos[:noted, hand])[there][
                :, independent
            ]
            sums.joint_sum += float(np.square(off).sum())
            sums.joint_count += off.size
            apart = (self._tips[:noted, hand] - self._wanted_tips[:noted, hand])[there]
            pressing = self._pressing[:noted, hand][there] > 0
            sums.tip_sum += float(np.linalg.norm(apart[pressing], axis=-1).sum())
            sums.tip_count += int(pressing.sum())
        any_there = self._there[:noted].any(axis=1)
        act = self._act[:noted][any_there][:, self._acts.ravel()]
        sums.act_sum += float(act.sum())
        sums.act_count += act.size
        self._noted = 0
