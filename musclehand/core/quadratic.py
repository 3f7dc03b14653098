"""Quadratic programmes with bounds, shared by inverse kinematics and muscle control.

The solver is DAQP, a dual active-set method (Arnstrom, Bemporad & Axehill 2022, IEEE Trans Autom
Control 67:4362): exact, and at this size (19 to 46 unknowns) several times faster than
interior-point or first-order solvers.
"""

from __future__ import annotations

import daqp
import numpy as np

from musclehand.core.errors import MusclehandError

_OPTIMAL = (1, 2)
"""DAQP's exit flags "optimal" and "soft optimal"."""


class SolverError(MusclehandError):
    """A quadratic programme that has no solution; with finite input this is a defect."""


def solve_bounded(
    hessian: np.ndarray,
    gradient: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    start: np.ndarray | None = None,
) -> np.ndarray:
    """Minimises `x' H x / 2 + g' x` over x within `lower <= x <= upper`.

    Args:
        hessian: H, symmetric positive definite. Shape (n, n).
        gradient: g. Shape (n,).
        lower: lower bounds. Shape (n,).
        upper: upper bounds. Shape (n,).
        start: a guess that sets the first active set, such as the previous solution. Shape (n,).

    Returns:
        x. Shape (n,).

    Raises:
        SolverError: the bounds contradict each other or H is not positive definite.
    """
    empty = np.zeros((0, gradient.size))
    sense = np.zeros(gradient.size, dtype=np.int32)
    solution, _, flag, _ = daqp.solve(
        hessian, gradient, empty, upper, lower, sense, primal_start=start
    )
    if flag not in _OPTIMAL:
        raise SolverError(
            f"quadratic programme of {gradient.size} unknowns not solved (daqp exit flag {flag})"
        )
    return np.asarray(solution)


def solve_constrained(
    hessian: np.ndarray,
    gradient: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    rows: np.ndarray,
    limits: np.ndarray,
) -> np.ndarray:
    """Minimises `x' H x / 2 + g' x` over x within bounds and with `rows @ x <= limits`.

    Args:
        hessian: H, symmetric positive definite. Shape (n, n).
        gradient: g. Shape (n,).
        lower: lower bounds. Shape (n,).
        upper: upper bounds. Shape (n,).
        rows: left sides of the inequalities. Shape (m, n).
        limits: right sides of the inequalities. Shape (m,).

    Returns:
        x. Shape (n,).

    Raises:
        SolverError: bounds and limits contradict each other or H is not positive definite.
    """
    above = np.concatenate([upper, limits])
    below = np.concatenate([lower, np.full(len(limits), -np.inf)])
    sense = np.zeros(above.size, dtype=np.int32)
    solution, _, flag, _ = daqp.solve(hessian, gradient, rows, above, below, sense)
    if flag not in _OPTIMAL:
        raise SolverError(
            f"quadratic programme of {gradient.size} unknowns not solved (daqp exit flag {flag})"
        )
    return np.asarray(solution)


class BoundedSolver:
    """Solves similar problems in sequence, each with a warm start from the previous active set.

    The solution is that of `solve_bounded` up to rounding; the time is half of it at 46 unknowns.
    The solver keeps no reference to arrays that are passed.
    """

    def __init__(self) -> None:
        self._model: daqp.Model | None = None
        self._size = -1

    def __reduce__(self) -> tuple[type[BoundedSolver], tuple[()]]:
        """A copy or pickle starts cold: the active set only matters for speed."""
        return BoundedSolver, ()

    def solve(
        self, hessian: np.ndarray, gradient: np.ndarray, lower: np.ndarray, upper: np.ndarray
    ) -> np.ndarray:
        """Minimises `x' H x / 2 + g' x` over x within `lower <= x <= upper`.

        Args:
            hessian: H, symmetric positive definite, contiguous doubles. Shape (n, n).
            gradient: g, contiguous doubles. Shape (n,).
            lower: lower bounds, contiguous doubles. Shape (n,).
            upper: upper bounds, contiguous doubles. Shape (n,).

        Returns:
            x. Shape (n,).

        Raises:
            SolverError: the bounds contradict each other or H is not positive definite.
        """
        if self._model is None or self._size != gradient.size:
            self._begin(hessian, gradient, lower, upper)
        elif self._model.update(H=hessian, f=gradient, bupper=upper, blower=lower) < 0:
            self._model = None
        if self._model is not None:
            solution, _, flag, _ = self._model.solve()
            if flag in _OPTIMAL:
                return np.asarray(solution)
        self._model = None
        return solve_bounded(hessian, gradient, lower, upper)

    def _begin(
        self, hessian: np.ndarray, gradient: np.ndarray, lower: np.ndarray, upper: np.ndarray
    ) -> None:
        self._model = daqp.Model()
        self._size = gradient.size
        sense = np.zeros(self._size, dtype=np.int32)
        copies = [np.array(values, dtype=float) for values in (hessian, gradient, upper, lower)]
        flag, _ = self._model.setup(
            copies[0], copies[1], np.zeros((0, self._size)), copies[2], copies[3], sense
        )
        if flag < 0:
            self._model = None
