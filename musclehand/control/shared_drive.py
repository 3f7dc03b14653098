"""Muscle control through shared drive: muscles whose excitations are not independent.

The slips of a belly that share drive (`body.build.tables.SharedDrive`) have excitations that mix
their commands. This control knows the mixing: it chooses commands, and its effort and its task are
those of the activations that come of them.

Activation after a control interval is no linear function of excitation. It is taken as two straight
lines, one for rising and one for falling activation, that meet where nothing changes. Their other
ends lie where the last solution was, so that they are exact there once the solution settles.

The bound on the commands of a belly, a norm, enters as cuts at the points where a solution breaks
it. What is left over after `MOST_SOLUTIONS` is scaled down.
"""

from __future__ import annotations

import numpy as np

from musclehand.body.conditions.mixing import DriveMixer
from musclehand.body.muscle import MuscleParameters, activation_after
from musclehand.core.quadratic import BoundedSolver, solve_constrained

MOST_SOLUTIONS = 6
"""Quadratic programmes per control step at most; chosen, two or three are usual."""

SETTLED = 5e-3
"""Error of predicted activations that is small enough; chosen, that of `muscle.excitation_for`."""

SMALL = 1e-9
"""Activation or excitation that counts as none; chosen."""

TIGHT = 0.05
"""Part of its limit from which a cut is close enough to be kept for the next step; chosen."""

RIDGE = 1e-4
"""Weight of squared commands, as part of that of activations: commands to muscles that no drive
reaches are 0. Chosen."""


class DriveSharing:
    """Commands of one hand's muscles, step after step, with shared drive in mind."""

    def __init__(
        self,
        mixer: DriveMixer,
        params: MuscleParameters,
        dt: float,
        steps: int,
        *,
        effort: float,
        co_contraction: float = 0.0,
    ) -> None:
        """
        Args:
            mixer: of the hand's m muscles.
            params: their constants. Shape (m,) each.
            dt: simulation step [s].
            steps: simulation steps in a control interval.
            effort: weight of squared activation.
            co_contraction: activation from which effort is counted.
        """
        shared = mixer.shared
        self._mixer = mixer
        self._params = MuscleParameters(*(part[shared] for part in params))
        self._dt = dt
        self._steps = steps
        self._effort = effort
        self._co_contraction = co_contraction
        self._rising = np.ones(len(shared), dtype=bool)
        self._cuts: list[np.ndarray] = []
        self._solver = BoundedSolver()

    def excitations(
        self,
        factor: np.ndarray,
        goal: np.ndarray,
        act: np.ndarray,
        reach: tuple[np.ndarray, np.ndarray],
        ceiling: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Activations to aim at, and the excitations of the muscles that share drive.

        Args:
            factor: task of the activations a, to bring `factor' a` to the goal. Shape (m, k).
            goal: shape (k,).
            act: activations now. Shape (m,).
            reach: lowest and highest activation within the interval, at excitation 0 and at the
                ceiling. Shape (m,) each.
            ceiling: highest excitation of each muscle, the share of drive that reaches it. Shape
                (m,).

        Returns:
            Activations, shape (m,), and excitations, shape (m,), in which only the muscles that
            share drive are meant.

        Raises:
            SolverError: something is not finite.
        """
        shared = self._mixer.shared
        start, top = act[shared], ceiling[shared]
        lower, upper = reach[0].copy(), reach[1].copy()
        lower[shared], upper[shared] = 0.0, 1.0
        square = factor @ factor.T + self._effort * np.eye(len(act))
        linear = -factor @ goal - self._effort * self._co_contraction
        commands = np.zeros(len(act))
        activations = act.copy()
        # Ends of the two lines: excitation and the activation that it leads to.
        high = np.array([top, reach[1][shared]])
        low = np.array([np.zeros_like(top), reach[0][shared]])
        for _ in range(MOST_SOLUTIONS):
            base, slope = self._lines(start, top, low, high, len(act))
            solution = self._solve(square, linear, base, slope, lower, upper)
            activations = base + slope * (self._mixer.matrix @ solution)
            commands[shared] = solution[shared]
            reached = top * np.minimum((self._mixer.matrix @ commands)[shared], 1.0)
            after = activation_after(self._params, start, reached, self._dt, self._steps)
            rising = (reached > start) | (start <= SMALL)
            broken = self._mixer.cuts(commands)
            error = np.abs(after - activations[shared]).max(initial=0.0)
            self._rising = rising
            if not broken and error < SETTLED:
                break
            self._cuts += broken
            ends = np.array([reached, after])
            high = np.where(rising & (reached > start + SMALL), ends, high)
            low = np.where(~rising & (reached < start - SMALL), ends, low)
        self._cuts = [row for row in self._cuts if row @ commands > 1.0 - TIGHT]
        excitations = ceiling * self._mixer.mix(commands)
        activations[shared] = activation_after(
            self._params, start, excitations[shared], self._dt, self._steps
        )
        return activations, excitations

    def _solve(
        self,
        square: np.ndarray,
        linear: np.ndarray,
        base: np.ndarray,
        slope: np.ndarray,
        lower: np.ndarray,
        upper: np.ndarray,
    ) -> np.ndarray:
        """Commands x of the least cost `a' S a / 2 + g' a`, a being `base + slope * (M x)`, within
        the bounds and the cuts. Shape (m,).

        Args:
            square: S. Shape (m, m).
            linear: g. Shape (m,).
            base: shape (m,).
            slope: shape (m,).
            lower: bounds of x. Shape (m,).
            upper: bounds of x. Shape (m,).
        """
        response = slope[:, None] * self._mixer.matrix
        hessian = response.T @ (square @ response)
        shared = self._mixer.shared
        hessian[shared, shared] += RIDGE * self._effort
        gradient = response.T @ (linear + square @ base)
        if self._cuts:
            cuts = np.array(self._cuts)
            return solve_constrained(hessian, gradient, lower, upper, cuts, np.ones(len(cuts)))
        return self._solver.solve(hessian, gradient, lower, upper)

    def _lines(
        self, start: np.ndarray, top: np.ndarray, low: np.ndarray, high: np.ndarray, count: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Activation at the end as `base + slope * x`, with x the mixed command of a muscle that
        shares drive, and the activation itself of another. Shape (m,) each.

        Args:
            start: activations now of the s muscles that share drive. Shape (s,).
            top: their ceiling. Shape (s,).
            low: excitation and activation below `start`. Shape (2, s).
            high: excitation and activation above `start`, or at the ceiling. Shape (2, s).
            count: number of muscles m.
        """
        below_top = start < top
        begin = np.where(below_top & self._rising, start, low)
        end = np.where(below_top & ~self._rising, start, high)
        rate = (end[1] - begin[1]) / np.maximum(end[0] - begin[0], SMALL)
        base = np.zeros(count)
        slope = np.ones(count)
        base[self._mixer.shared] = begin[1] - rate * begin[0]
        slope[self._mixer.shared] = rate * top
        return base, slope
