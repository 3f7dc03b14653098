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


LEAST_DAMPING = 1e-2
MOST_DAMPING = 1e4
CONVERGED = 1e-3


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


class _Point(NamedTuple):
    """The normal equations at some unknowns."""

    u: np.ndarray
    cost: float
    hessian: np.ndarray
    gradient: np.ndarray
    ends: np.ndarray


@dataclass
class Window:
    """One hand's unknowns over a window of knots, improved by Levenberg-Marquardt steps."""

    chain: Chain
    keys: KeyBoxes
    weights: Weights
    roll: float
    scale: np.ndarray
    max_step: np.ndarray

    def improve(
        self,
        tasks: Tasks,
        u: np.ndarray,
        stiffness: np.ndarray,
        past: int,
        other: np.ndarray | None,
        damping: float,
        iterations: int,
    ) -> tuple[np.ndarray, np.ndarray, float]:
        """Some steps.

        Args:
            tasks: of the knots.
            u: unknowns. Shape (t, n).
            stiffness: of third differences. Shape (t - 3, n).
            past: knots at the beginning that do not change.
            other: ends of the other hand's bones. Shape (t, c, 2, 3).
            damping: to begin with.
            iterations: steps.

        Returns:
            Unknowns, ends of bones, and damping to go on with.
        """
        from musclehand.planning.trajectory import kernels

        knots, count = u.shape
        if other is None:
            other = np.empty((0, len(self.chain.bone_body), 2, 3))

        def at(u: np.ndarray) -> _Point:
            hessian = np.empty((knots, count, count))
            gradient = np.empty((knots, count))
            ends = np.empty((knots, len(self.chain.bone_body), 2, 3))
            cost = kernels.assemble(
                self.chain,
                self.keys,
                tasks,
                self.weights,
                self.roll,
                other,
                past,
                u,
                hessian,
                gradient,
                np.empty((knots, 5, 3)),
                ends,
            )
            return _Point(u, cost + kernels.roughness(u, stiffness), hessian, gradient, ends)

        point = at(u)
        bands = np.empty((3 * count + 1, knots * count))
        right = np.empty(knots * count)
        for _ in range(iterations):
            kernels.fill_bands(
                point.hessian,
                point.gradient,
                point.u,
                stiffness,
                damping * self.scale,
                past,
                bands,
                right,
            )
            step = solveh_banded(bands, right, lower=True, check_finite=False)
            step = np.clip(step.reshape(knots, count), -self.max_step, self.max_step)
            new = at(point.u + step)
            if new.cost < point.cost:
                gained = (point.cost - new.cost) / point.cost
                point = new
                damping = max(damping / 3.0, LEAST_DAMPING)
                if gained < CONVERGED:
                    break
            else:
                damping = min(damping * 5.0, MOST_DAMPING)
        return point.u, point.ends, damping
