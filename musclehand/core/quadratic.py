"""One bounded least-squares step, shared by inverse kinematics and muscle control.

The solver is daqp, a dual active-set method (Arnstrom, Bemporad & Axehill 2022, IEEE Trans Autom Control 67:4362):
exact, and at this size (19 to 46 unknowns) several times faster than interior-point or first-order solvers.
"""

from __future__ import annotations

import daqp
import numpy as np

from musclehand.core.errors import MusclehandError

_OPTIMAL = (1, 2)


class SolverError(MusclehandError):
    """A quadratic programme that has no solution; with finite input this is a defect."""


def solve_bounded(
    hessian: np.ndarray, gradient: np.ndarray, lower: np.ndarray, upper: np.ndarray, start: np.ndarray | None = None
) -> np.ndarray:
    """The x within `lower <= x <= upper` that minimises `x' H x / 2 + g' x`.

    Args:
        hessian: H, symmetric positive definite. Shape (n, n).
        gradient: g. Shape (n,).
        lower, upper: bounds. Shape (n,) each.
        start: a guess that sets the first active set, such as the solution of the step before.

    Raises:
        SolverError: the bounds contradict each other or H is not positive definite.
    """
    empty = np.zeros((0, gradient.size))
    sense = np.zeros(gradient.size, dtype=np.int32)
    solution, _, flag, _ = daqp.solve(hessian, gradient, empty, upper, lower, sense, primal_start=start)
    if flag not in _OPTIMAL:
        raise SolverError(f"quadratic programme of {gradient.size} unknowns not solved (daqp exit flag {flag})")
    return np.asarray(solution)
