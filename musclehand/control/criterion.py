"""Muscle redundancy: three criteria from the literature for how muscles share a task.

Many activations a fulfil a task. The task is to come close to a goal, `|F' a - w|^2 / 2`, and the
criterion is added to it with a weight p:

- "squares": `p/2 sum(a^2)`, the smoothest and the default.
- "cubes": `p/3 sum(a^3)`, after Crowninshield & Brand 1981 (J Biomech 14:793). They cube muscle
  stress for its relation to endurance; activation stands for stress here, which leaves out the
  fibre's length and speed.
- "min-max": `p/2 max(a)^2`, after Rasmussen, Damsgaard & Voigt 2001 (J Biomech 34:409): no muscle
  works harder than it must. Muscles below the maximum are decided by `TIE_BREAK` times the squares.

All three cost the same for a single muscle at full activation, so that one weight serves. With
co-contraction c, effort is counted from there: a - c (its size, in the cubes) takes the place of a.
Muscles then hold c where the task needs nothing of them, antagonists against each other, which
stiffens joints without turning them (impedance by co-activation: Hogan 1984, IEEE Trans Autom
Control 29:681). Torque that does not cancel is made up for, as the task comes first.
"""

from __future__ import annotations

import numpy as np

from musclehand.core.errors import InvalidValue, UnknownName
from musclehand.core.quadratic import BoundedSolver, SolverError, solve_bounded, solve_constrained

CRITERIA = ("squares", "cubes", "min-max")

TIE_BREAK = 1e-2
"""Share of the squares in "min-max"."""

_CUBE_STEPS = 12
"""Newton steps for the cubes at most."""

_SETTLED = 1e-7
"""Change of activation below which they end."""

_LEAST = 1e-3
"""Activation from which the cubes' curvature is taken at least: no curvature would leave muscles
undecided."""


class Sharing:
    """Activations of one hand's muscles, step after step; the search for each solution begins at
    the last one."""

    def __init__(self, criterion: str, weight: float, *, co_contraction: float = 0.0) -> None:
        """
        Args:
            criterion: one of `CRITERIA`.
            weight: p, above 0.
            co_contraction: c, 0 to 1.

        Raises:
            UnknownName: no such criterion.
            InvalidValue: co-contraction outside 0 to 1.
        """
        if not 0.0 <= co_contraction <= 1.0:
            raise InvalidValue("co_contraction", co_contraction, "0 to 1")
        if criterion not in CRITERIA:
            raise UnknownName("criterion", criterion, CRITERIA)
        # Loads the compiler, which only control needs.
        from musclehand.control.kernels import task as task_kernels

        self._kernels = task_kernels
        self._share = {"squares": self._squares, "cubes": self._cubes, "min-max": self._min_max}[
            criterion
        ]
        self._weight = weight
        self._co_contraction = co_contraction
        self._solver = BoundedSolver()
        self._dual = np.zeros(0)

    def activations(
        self, factor: np.ndarray, goal: np.ndarray, lower: np.ndarray, upper: np.ndarray
    ) -> np.ndarray:
        """The activations of least cost between the bounds. Shape (n,).

        Args:
            factor: F. Shape (n, k).
            goal: w. Shape (k,).
            lower: bounds, 0 to 1. Shape (n,).
            upper: bounds, 0 to 1. Shape (n,).

        Raises:
            SolverError: the bounds contradict each other, or something is not finite.
        """
        if self._co_contraction == 0.0:
            return self._share(factor, goal, lower, upper)
        level = self._co_contraction
        return level + self._share(
            factor, goal - level * factor.sum(axis=0), lower - level, upper - level
        )

    def _squares(
        self, factor: np.ndarray, goal: np.ndarray, lower: np.ndarray, upper: np.ndarray
    ) -> np.ndarray:
        if self._dual.shape != goal.shape:
            self._dual = np.zeros(goal.shape)
        act = np.empty(lower.shape)
        status = self._kernels.share_squares(
            factor, goal, self._weight, lower, upper, self._dual, act
        )
        if status == self._kernels.DONE:
            return act
        self._dual = np.zeros(0)
        if not (np.isfinite(factor).all() and np.isfinite(goal).all()):
            raise SolverError("the task of the muscles is not finite")
        square, gradient = _quadratic(factor, goal)
        _diagonal(square)[:] += self._weight
        return solve_bounded(square, gradient, lower, upper)

    def _cubes(
        self, factor: np.ndarray, goal: np.ndarray, lower: np.ndarray, upper: np.ndarray
    ) -> np.ndarray:
        """Newton's method, each step a quadratic programme: the cost, cubes of sizes, is convex."""
        act = self._squares(factor, goal, lower, upper)
        square, gradient = _quadratic(factor, goal)
        for _ in range(_CUBE_STEPS):
            size = np.abs(act)
            curvature = 2.0 * self._weight * np.maximum(size, _LEAST)
            hessian = square.copy()
            _diagonal(hessian)[:] += curvature
            linear = gradient + (self._weight * size - curvature) * act
            before = act
            act = self._solver.solve(hessian, linear, lower, upper)
            if np.abs(act - before).max() < _SETTLED:
                break
        return act

    def _min_max(
        self, factor: np.ndarray, goal: np.ndarray, lower: np.ndarray, upper: np.ndarray
    ) -> np.ndarray:
        """One unknown more, above all activations, carries the weight."""
        square, gradient = _quadratic(factor, goal)
        count = len(gradient)
        hessian = np.zeros((count + 1, count + 1))
        hessian[:count, :count] = square
        _diagonal(hessian)[:] += self._weight * TIE_BREAK
        hessian[-1, -1] = self._weight
        below = np.hstack([np.eye(count), np.full((count, 1), -1.0)])
        solution = solve_constrained(
            hessian,
            np.append(gradient, 0.0),
            np.append(lower, 0.0),
            np.append(upper, 1.0),
            below,
            np.zeros(count),
        )
        return solution[:count]


def _quadratic(factor: np.ndarray, goal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """S and g of the task as `a' S a / 2 + g' a`."""
    return factor @ factor.T, -(factor @ goal)


def _diagonal(matrix: np.ndarray) -> np.ndarray:
    """The diagonal of a contiguous square matrix, to be written to."""
    return matrix.reshape(-1)[:: len(matrix) + 1]
