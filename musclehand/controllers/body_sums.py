"""How closely hands follow their reference over a performance: noted step by step, added up many
steps at a time."""

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
    """Sums over a performance, and the number of terms in each."""

    joint_sum: float = 0.0
    """[rad^2] squared angles off the reference."""

    joint_count: int = 0
    """Terms of `joint_sum`."""

    tip_sum: float = 0.0
    """[m] distances of pressing fingertips from their targets."""

    tip_count: int = 0
    """Terms of `tip_sum`."""

    act_sum: float = 0.0
    """Activations."""

    act_count: int = 0
    """Terms of `act_sum`."""


class BodyWatch:
    """Watches the hands of one simulation."""

    def __init__(self, data: mujoco.MjData, hands: Mapping[Side, HandIndex]) -> None:
        """
        Args:
            data: of the simulation, read in every `note`.
            hands: with the same number of joints.
        """
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
        self._following = np.zeros((STEPS, count), dtype=bool)
        self._qpos = np.zeros((STEPS, len(data.qpos)))
        self._reference_qpos = np.zeros((STEPS, count, joints))
        self._tips = np.zeros((STEPS, count, 5, 3))
        self._reference_tips = np.zeros((STEPS, count, 5, 3))
        self._pressing = np.zeros((STEPS, count, 5))
        self._act = np.zeros((STEPS, len(data.act)))

    def note(self, reference: Mapping[Side, HandReference]) -> None:
        """Notes a control step; positions must be computed."""
        row = self._noted
        data = self._data
        self._qpos[row], self._act[row] = data.qpos, data.act
        self._tips[row] = data.site_xpos[self._sites].reshape(-1, 5, 3)
        self._following[row] = False
        for side, target in reference.items():
            hand = self._rows[side]
            self._following[row, hand] = True
            self._reference_qpos[row, hand], self._reference_tips[row, hand] = (
                target.qpos,
                target.tips,
            )
            self._pressing[row, hand] = target.pressing
        self._noted += 1
        if self._noted == STEPS:
            self._add_up()

    def sums(self) -> BodySums:
        """Over all steps noted so far."""
        self._add_up()
        return self._sums

    def _add_up(self) -> None:
        sums = self._sums
        noted = self._noted
        for hand, (joints, independent) in enumerate(
            zip(self._joints, self._independent, strict=True)
        ):
            following = self._following[:noted, hand]
            joint_error = (self._qpos[:noted, joints] - self._reference_qpos[:noted, hand])[
                following
            ][:, independent]
            sums.joint_sum += float(np.square(joint_error).sum())
            sums.joint_count += joint_error.size
            tip_error = (self._tips[:noted, hand] - self._reference_tips[:noted, hand])[following]
            pressing = self._pressing[:noted, hand][following] > 0
            sums.tip_sum += float(np.linalg.norm(tip_error[pressing], axis=-1).sum())
            sums.tip_count += int(pressing.sum())
        any_following = self._following[:noted].any(axis=1)
        act = self._act[:noted][any_following][:, self._acts.ravel()]
        sums.act_sum += float(act.sum())
        sums.act_count += act.size
        self._noted = 0
