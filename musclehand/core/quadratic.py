"""One bounded least-squares step, shared by inverse kinematics and muscle control.

The solver is daqp, a dual active-set method (Arnstrom, Bemporad & Axehill 2022, IEEE Trans Autom
Control 67:4362): exact, and at this size (19 to 46 unknowns) several times faster than
interior-point or first-order solvers.
"""

from __future__ import annotations

import daqp
import numpy as np

from musclehand.core.errors import MusclehandError

_OPTIMAL = (1, 2)


class SolverError(MusclehandError):
    """A quadratic programme that has no solution; with finite input this is a defect."""


def solve_bounded(
    hessian: np.ndarray,
    gradient: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    start: np.ndarray | None = None,
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
    """As `solve_bounded`, with `rows @ x <= limits` besides.

    Args:
        hessian, gradient, lower, upper: as for `solve_bounded`, n unknowns.
        rows: Shape (m, n).
        limits: Shape (m,).

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
    """`solve_bounded` for problems that come one after the other: each starts from the bounds the
    last one leant on.

    The solution does not depend on that, but for rounding; the time does: half at 46 unknowns.
    Arrays given are not kept.
    """

    def __init__(self) -> None:
        self._model: daqp.Model | None = None
        self._size = -1

    def __reduce__(self) -> tuple[type[BoundedSolver], tuple[()]]:
        """Copied or sent elsewhere it starts afresh: what it remembers is only of use for speed."""
        return BoundedSolver, ()

    def solve(
        self, hessian: np.ndarray, gradient: np.ndarray, lower: np.ndarray, upper: np.ndarray
    ) -> np.ndarray:
        """As `solve_bounded`. Contiguous arrays of doubles.

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
        copies = [np.array(one, dtype=float) for one in (hessian, gradient, upper, lower)]
        flag, _ = self._model.setup(
            copies[0], copies[1], np.zeros((0, self._size)), copies[2], copies[3], sense
        )
        if flag < 0:
            self._model = None
