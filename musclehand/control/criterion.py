"""How muscles share a task that many combinations of them can do: three criteria that the
literature compares.

The task is to come close to something wanted, `|F' a - w|^2 / 2` with activations a; the criterion
is added to it at a price p:

- "squares": `p/2 sum(a^2)`, the smoothest and the default.
- "cubes": `p/3 sum(a^3)`, after Crowninshield & Brand 1981 (J Biomech 14:793), who cube muscle
  stress for its relation to endurance; activation stands for stress, which it is but for the
  fibre's length and speed.
- "min-max": `p/2 max(a)^2`, after Rasmussen, Damsgaard & Voigt 2001 (J Biomech 34:409): no muscle
  works harder than it must. What that leaves open among the muscles below the maximum is decided by
  `TIE_BREAK` times the squares.

All three ask the same of a single muscle at full activation, so that one price serves. With
co-contraction c, effort is counted from there: a - c (its size, in the cubes) takes the place of a.
Muscles then hold c where nothing is asked of them, antagonists against each other, which stiffens
joints without turning them (impedance by co-activation: Hogan 1984, IEEE Trans Autom Control
29:681); what does not cancel out is made up for, as the task comes first.
"""

from __future__ import annotations

import numpy as np

from musclehand.core.errors import InvalidValue, UnknownName
from musclehand.core.quadratic import BoundedSolver, SolverError, solve_bounded, solve_constrained

CRITERIA = ("squares", "cubes", "min-max")

TIE_BREAK = 1e-2
"""Share of the squares in "min-max"."""

_CUBE_STEPS = 12
_SETTLED = 1e-7
_LEAST = 1e-3
"""Curvature of the cubes is that of no less activation than this: none at all would leave
muscles undecided."""


class Sharing:
    """Activations of one hand's muscles, step after step; each solution is where the search for
    the next begins."""

    def __init__(self, criterion: str, price: float, *, co_contraction: float = 0.0) -> None:
        """`price` p above 0; `co_contraction` c, 0 to 1.

        Raises:
            UnknownName: no such criterion.
            InvalidValue: co-contraction outside 0 to 1.
        """
        if not 0.0 <= co_contraction <= 1.0:
            raise InvalidValue("co_contraction", co_contraction, "0 to 1")
        if criterion not in CRITERIA:
            raise UnknownName("criterion", criterion, CRITERIA)
        # Loads the compiler, which nobody else needs.
        from musclehand.control.kernels import task as compiled_task

        self._kernels = compiled_task
        self._share = {"squares": self._squares, "cubes": self._cubes, "min-max": self._min_max}[
            criterion
        ]
        self._price = price
        self._rest = co_contraction
        self._solver = BoundedSolver()
        self._dual = np.zeros(0)

    def activations(
        self, factor: np.ndarray, wanted: np.ndarray, lower: np.ndarray, upper: np.ndarray
    ) -> np.ndarray:
        """The activations that cost least, between the bounds. Shape (n,).

        Args:
            factor: F. Shape (n, k).
            wanted: w. Shape (k,).
            lower, upper: bounds, 0 to 1. Shape (n,) each.

        Raises:
            SolverError: the bounds contradict each other, or something is not finite.
        """
        if self._rest == 0.0:
            return self._share(factor, wanted, lower, upper)
        rest = self._rest
        return rest + self._share(
            factor, wanted - rest * factor.sum(axis=0), lower - rest, upper - rest
        )

    def _squares(
        self, factor: np.ndarray, wanted: np.ndarray, lower: np.ndarray, upper: np.ndarray
    ) -> np.ndarray:
        if self._dual.shape != wanted.shape:
            self._dual = np.zeros(wanted.shape)
        act = np.empty(lower.shape)
        status = self._kernels.share_squares(
            factor, wanted, self._price, lower, upper, self._dual, act
        )
        if status == self._kernels.DONE:
            return act
        self._dual = np.zeros(0)
        if not (np.isfinite(factor).all() and np.isfinite(wanted).all()):
            raise SolverError("what muscles should do is not finite")
        square, gradient = _quadratic(factor, wanted)
        _diagonal(square)[:] += self._price
        return solve_bounded(square, gradient, lower, upper)

    def _cubes(
        self, factor: np.ndarray, wanted: np.ndarray, lower: np.ndarray, upper: np.ndarray
    ) -> np.ndarray:
        """Newton's method, each step a quadratic programme: the cost, cubes of sizes, is convex."""
        act = self._squares(factor, wanted, lower, upper)
        square, gradient = _quadratic(factor, wanted)
        for _ in range(_CUBE_STEPS):
            size = np.abs(act)
            curvature = 2.0 * self._price * np.maximum(size, _LEAST)
            hessian = square.copy()
            _diagonal(hessian)[:] += curvature
            slope = gradient + (self._price * size - curvature) * act
            before = act
            act = self._solver.solve(hessian, slope, lower, upper)
            if np.abs(act - before).max() < _SETTLED:
                break
        return act

    def _min_max(
        self, factor: np.ndarray, wanted: np.ndarray, lower: np.ndarray, upper: np.ndarray
    ) -> np.ndarray:
        """One more unknown, above all activations, carries the price."""
        square, gradient = _quadratic(factor, wanted)
        count = len(gradient)
        hessian = np.zeros((count + 1, count + 1))
        hessian[:count, :count] = square
        _diagonal(hessian)[:] += self._price * TIE_BREAK
        hessian[-1, -1] = self._price
        below = np.hstack([np.eye(count), np.full((count, 1), -1.0)])
        found = solve_constrained(
            hessian,
            np.append(gradient, 0.0),
            np.append(lower, 0.0),
            np.append(upper, 1.0),
            below,
            np.zeros(count),
        )
        return found[:count]


def _quadratic(factor: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """S and g of the task as `a' S a / 2 + g' a`."""
    return factor @ factor.T, -(factor @ wanted)


def _diagonal(matrix: np.ndarray) -> np.ndarray:
    """The diagonal of a contiguous square matrix, to be written to."""
    return matrix.reshape(-1)[:: len(matrix) + 1]
