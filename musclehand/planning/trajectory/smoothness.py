"""Compiled smoothness of a trajectory: its cost, and its part in the banded normal equations.

Third differences of all unknowns stand for jerk, which human movements keep low (Flash & Hogan
1985, J Neurosci 5:1688). Second differences of wrist and yaw stand for their accelerations; they
are free up to a limit, and cost beyond it.
"""

from __future__ import annotations

import numpy as np

from musclehand.core.jit import compiled
from musclehand.planning.trajectory.problem import Equations, Smoothness

_FIXED = 1e12
"""Diagonal element of an unknown that must not change, against which all others are small."""


@compiled
def roughness(u: np.ndarray, smoothness: Smoothness) -> float:
    """Half the weighted sum of squared third differences, and of second ones beyond their limits.

    Args:
        u: unknowns. Shape (t, n).
        smoothness: `Smoothness`.
    """
    knots, count = u.shape
    cost = 0.0
    for t in range(knots - 3):
        for i in range(count):
            jerk = u[t + 3, i] - 3.0 * u[t + 2, i] + 3.0 * u[t + 1, i] - u[t, i]
            cost += 0.5 * smoothness.jerk[i] * jerk * jerk
    first = count - len(smoothness.bend)
    for t in range(knots - 2):
        for i in range(first, count):
            bend = abs(u[t + 2, i] - 2.0 * u[t + 1, i] + u[t, i])
            beyond = max(bend - smoothness.bend[i - first], 0.0)
            cost += 0.5 * smoothness.bend_weight * beyond * beyond
    return cost


@compiled
def fill_bands(
    equations: Equations,
    u: np.ndarray,
    smoothness: Smoothness,
    damping: np.ndarray,
    past: int,
    bands: np.ndarray,
    right: np.ndarray,
) -> None:
    """Banded normal equations of a window: tasks, damping and smoothness.

    Args:
        equations: `Equations` of the tasks.
        u: unknowns. Shape (t, n).
        smoothness: `Smoothness`.
        damping: added to the diagonal of each knot. Shape (n,).
        past: number of knots at the beginning that are fixed.
        bands: written, lower form of `scipy.linalg.solveh_banded`. Shape (3 n + 1, t n).
        right: right-hand side, written. Shape (t n,).
    """
    knots, count = u.shape
    bands[:] = 0.0
    for t in range(knots):
        for i in range(count):
            right[t * count + i] = -equations.gradient[t, i]
            for k in range(i + 1):
                bands[i - k, t * count + k] = equations.hessian[t, i, k]
            bands[0, t * count + i] += damping[i]
    _add_jerk(u, smoothness, bands, right)
    _add_bend(u, smoothness, bands, right)
    for t in range(past):
        for i in range(count):
            bands[0, t * count + i] = _FIXED
            right[t * count + i] = 0.0


@compiled
def _add_jerk(u: np.ndarray, smoothness: Smoothness, bands: np.ndarray, right: np.ndarray) -> None:
    """Adds the third differences of all unknowns."""
    knots, count = u.shape
    difference = np.array([-1.0, 3.0, -3.0, 1.0])
    for t in range(knots - 3):
        for i in range(count):
            weight = smoothness.jerk[i]
            jerk = u[t + 3, i] - 3.0 * u[t + 2, i] + 3.0 * u[t + 1, i] - u[t, i]
            for a in range(4):
                scaled = weight * difference[a]
                right[(t + a) * count + i] -= scaled * jerk
                for b in range(a, 4):
                    bands[(b - a) * count, (t + a) * count + i] += scaled * difference[b]


@compiled
def _add_bend(u: np.ndarray, smoothness: Smoothness, bands: np.ndarray, right: np.ndarray) -> None:
    """Adds the second differences of wrist and yaw that are beyond their limits."""
    knots, count = u.shape
    first = count - len(smoothness.bend)
    difference = np.array([1.0, -2.0, 1.0])
    for t in range(knots - 2):
        for i in range(first, count):
            bend = u[t + 2, i] - 2.0 * u[t + 1, i] + u[t, i]
            beyond = max(abs(bend) - smoothness.bend[i - first], 0.0) * np.sign(bend)
            if beyond == 0.0:
                continue
            for a in range(3):
                scaled = smoothness.bend_weight * difference[a]
                right[(t + a) * count + i] -= scaled * beyond
                for b in range(a, 3):
                    bands[(b - a) * count, (t + a) * count + i] += scaled * difference[b]
