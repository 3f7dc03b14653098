"""Trajectory optimisation over a window: joint angles, wrist and yaw of a hand at all its knots.

Levenberg-Marquardt steps (Marquardt 1963, J Soc Ind Appl Math 11:431) minimise the weighted sum of
squared errors of tasks, and of squared third differences. The normal equations are banded, so time
and memory are linear in the number of knots.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.linalg import solveh_banded

from musclehand.planning.trajectory.chain import Chain
from musclehand.planning.trajectory.keys import KeyBoxes
from musclehand.planning.trajectory.problem import Equations, Poses, Smoothness, Tasks, Weights

LEAST_DAMPING = 1e-2
"""Damping that steps which succeed leave at least; an assumption."""

MOST_DAMPING = 1e4
"""Damping that steps which fail reach at most; an assumption."""

CONVERGED = 1e-3
"""[share] of the cost; a step that gains less is the last of its round. An assumption."""

_LESS_DAMPING = 3.0
"""Divisor of the damping behind a step that succeeds; of the size that Marquardt proposes."""

_MORE_DAMPING = 5.0
"""Factor on the damping behind one that fails."""


class _Point(NamedTuple):
    """A trajectory with its cost and its normal equations."""

    u: np.ndarray
    """[rad, m] unknowns. Shape (t, n)."""

    cost: float
    """What steps lower."""

    equations: Equations
    """Of its tasks."""

    ends: np.ndarray
    """[m] ends of the bones. Shape (t, c, 2, 3)."""


@dataclass
class Window:
    """One hand's unknowns over a window of knots, improved step by step."""

    chain: Chain
    """Of the hand."""

    keys: KeyBoxes
    """Of the keyboard, mirrored for a left hand."""

    weights: Weights
    """Of its tasks."""

    smoothness: Smoothness
    """Of the trajectory."""

    scale: np.ndarray
    """[1/rad^2, 1/m^2] what a damping of 1 adds to the diagonal. Shape (n,)."""

    max_step: np.ndarray
    """[rad, m] largest change of an unknown in a step. Shape (n,)."""

    def improve(
        self,
        tasks: Tasks,
        u: np.ndarray,
        *,
        past: int,
        other: np.ndarray | None,
        damping: float,
        steps: int,
    ) -> tuple[np.ndarray, np.ndarray, float]:
        """Makes some steps.

        Args:
            tasks: of the knots.
            u: unknowns. Shape (t, n).
            past: knots at the beginning that do not change.
            other: ends of the other hand's bones, if there is one [m]. Shape (t, c, 2, 3).
            damping: to begin with.
            steps: their largest number.

        Returns:
            Unknowns, ends of the bones [m] of shape (t, c, 2, 3), and damping to go on with.
        """
        from musclehand.planning.trajectory import smoothness as smoothness_kernels

        knots, count = u.shape
        if other is None:
            other = np.empty((0, len(self.chain.bone_body), 2, 3))
        point = self._evaluate(tasks, u, past, other)
        bands = np.empty((3 * count + 1, knots * count))
        right = np.empty(knots * count)
        for _ in range(steps):
            smoothness_kernels.fill_bands(
                point.equations,
                point.u,
                self.smoothness,
                damping * self.scale,
                past,
                bands,
                right,
            )
            step = solveh_banded(bands, right, lower=True, check_finite=False)
            step = np.clip(step.reshape(knots, count), -self.max_step, self.max_step)
            new = self._evaluate(tasks, point.u + step, past, other)
            if new.cost >= point.cost:
                damping = min(damping * _MORE_DAMPING, MOST_DAMPING)
                continue
            gained = (point.cost - new.cost) / point.cost
            point = new
            damping = max(damping / _LESS_DAMPING, LEAST_DAMPING)
            if gained < CONVERGED:
                break
        return point.u, point.ends, damping

    def _evaluate(self, tasks: Tasks, u: np.ndarray, past: int, other: np.ndarray) -> _Point:
        """Cost and normal equations of a trajectory.

        Args:
            tasks: of the knots.
            u: unknowns. Shape (t, n).
            past: knots at the beginning that do not change.
            other: ends of the other hand's bones [m]. Shape (t, c, 2, 3) or (0, c, 2, 3).
        """
        from musclehand.planning.trajectory import kinematics
        from musclehand.planning.trajectory import smoothness as smoothness_kernels
        from musclehand.planning.trajectory import task_equations as task_kernels

        poses = Poses.empty(self.chain, len(u))
        kinematics.pose_hand(self.chain, u, poses)
        equations = Equations.zero(*u.shape)
        cost = task_kernels.add_tasks(
            self.chain, self.keys, tasks, self.weights, other, past, u, poses, equations
        )
        cost += smoothness_kernels.roughness(u, self.smoothness)
        return _Point(u, cost, equations, poses.ends)
