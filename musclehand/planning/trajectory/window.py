"""Trajectory optimisation over a window: joint angles, wrist and yaw of a hand at all knots at once.

Gauss-Newton steps on the sum of squared task errors and squared third differences. The normal
equations are banded, so time and memory are linear in the number of knots.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.linalg import solveh_banded

from musclehand.planning.trajectory.chain import Chain, KeyBoxes


class Tasks(NamedTuple):
    """What a hand should do at t knots."""

    tips: np.ndarray
    """[m] targets of the fingertips. Shape (t, 5, 3)."""

    weight: np.ndarray
    """Weights of their coordinates. Shape (t, 5, 3)."""

    floor: np.ndarray
    """[m] least heights of the fingertips. Shape (t, 5)."""

    floor_weight: np.ndarray
    """Weights of these. Shape (t, 5)."""

    key: np.ndarray
    """Key that each digit plays, -1 for none. Shape (t, 5)."""

    home: np.ndarray
    """Preferred unknowns. Shape (t, n)."""


class Weights(NamedTuple):
    """Weights of the optimisation."""

    tip: float
    """[1/m^2] of fingertips, on which the following ones are factors."""

    fingers: float
    """Of overlaps of digits."""

    keys: float
    """Of overlaps with keys."""

    order: float
    """Of fingers out of order."""

    order_gap: float
    """[m] along the keyboard between the bones of neighbouring fingers."""

    hands: float
    """Of overlaps with the other hand."""

    hand_margin: float
    """[m] between the hands."""

    finger_margin: float
    """[m] between digits."""

    key_margin: float
    """[m] between digits and keys."""

    pull: np.ndarray
    """Of the distance from the preferred unknowns. Shape (n,)."""

    limit: float
    """Of the distance beyond limits."""

    lower: np.ndarray
    """Lower limits. Shape (n,)."""

    upper: np.ndarray
    """Upper limits. Shape (n,)."""


@dataclass
class Window:
    """One hand's unknowns over a window of knots, improved step by step."""

    chain: Chain
    keys: KeyBoxes
    weights: Weights
    roll: float
    damping: float
    max_step: np.ndarray

    def improve(
        self,
        tasks: Tasks,
        u: np.ndarray,
        stiffness: np.ndarray,
        past: int,
        other: np.ndarray | None,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """One Gauss-Newton step.

        Args:
            tasks: of the knots.
            u: unknowns. Shape (t, n).
            stiffness: of third differences. Shape (t - 3, n).
            past: knots at the beginning that do not change.
            other: ends of the other hand's bones. Shape (t, c, 2, 3).

        Returns:
            Unknowns after the step; fingertips and ends of bones before it.
        """
        from musclehand.planning.trajectory import kernels

        knots, count = u.shape
        hessian = np.empty((knots, count, count))
        gradient = np.empty((knots, count))
        tips = np.empty((knots, 5, 3))
        ends = np.empty((knots, len(self.chain.bone_body), 2, 3))
        if other is None:
            other = np.empty((0, len(self.chain.bone_body), 2, 3))
        kernels.assemble(
            self.chain, self.keys, tasks, self.weights, self.roll, other, past,
            u, hessian, gradient, tips, ends,
        )
        bands = np.empty((3 * count + 1, knots * count))
        right = np.empty(knots * count)
        kernels.fill_bands(hessian, gradient, u, stiffness, self.damping, past, bands, right)
        step = solveh_banded(
            bands, right, lower=True, overwrite_ab=True, overwrite_b=True, check_finite=False
        ).reshape(knots, count)
        step = np.clip(step, -self.max_step, self.max_step)
        return u + step, tips, ends
