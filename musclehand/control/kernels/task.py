"""The task of each hand's muscles as least squares, and its solution with least squared activation,
compiled (see `core.jit`).

Tests compare it with plain formulas on MuJoCo's dense matrices, and with other solvers.
"""

from __future__ import annotations

import numpy as np

from musclehand.control.arrays import HandState, HandTarget, MuscleForces, TaskConstants
from musclehand.core.jit import compiled

MOST_STEPS = 200
"""Newton steps of `share_squares`; two or three is what it takes."""

MOST_HALVINGS = 60
"""Of a Newton step that does not lower the cost."""

SETTLED = 1e-13
"""Relative change of the dual variables that is rounding."""

DONE = 0
INDEFINITE = 1
UNSOLVED = 2
"""Status: solved; a matrix is not positive definite; a quadratic programme has no solution."""


@compiled
def factorise(matrix: np.ndarray) -> bool:
    """Cholesky's factor U, matrix = U' U, in place of the upper half; the lower half stays.
    False if there is none."""
    size = matrix.shape[0]
    for j in range(size):
        for i in range(j):
            times = matrix[i, j]
            for q in range(j, size):
                matrix[j, q] -= times * matrix[i, q]
        if not matrix[j, j] > 0.0:
            return False
        times = 1.0 / np.sqrt(matrix[j, j])
        for q in range(j, size):
            matrix[j, q] *= times
    return True


@compiled
def solve(factor: np.ndarray, columns: np.ndarray) -> None:
    """Solves U' U x = b for each column of `columns`, in place. Shapes (n, n) and (n, q)."""
    size, width = columns.shape
    for i in range(size):
        for j in range(i):
            times = factor[j, i]
            for q in range(width):
                columns[i, q] -= times * columns[j, q]
        times = 1.0 / factor[i, i]
        for q in range(width):
            columns[i, q] *= times
    for i in range(size - 1, -1, -1):
        for j in range(i + 1, size):
            times = factor[i, j]
            for q in range(width):
                columns[i, q] -= times * columns[j, q]
        times = 1.0 / factor[i, i]
        for q in range(width):
            columns[i, q] *= times


@compiled
def task(
    constants: TaskConstants,
    mass: np.ndarray,
    torque: np.ndarray,
    speeding: np.ndarray,
    tips: np.ndarray,
    arms: np.ndarray,
    gain: np.ndarray,
    factor: np.ndarray,
    goal: np.ndarray,
) -> int:
    """The task of one hand's activations a: |factor' a - goal|^2 / 2 is the weighted error of
    fingertip and joint velocities.

    Args:
        constants: of all control steps.
        mass: inertia and damping of the joints; overwritten. Shape (k, k).
        torque: missing for the joints to keep their velocity [N m]. Shape (k,).
        speeding: change of velocity to reach beside that [rad/s]. Shape (k,).
        tips: velocity of fingertips for each joint's [m/rad]. Shape (15, k).
        arms: moment arms [m]. Shape (m, k).
        gain: force of each muscle at full activation [N]. Shape (m,).
        factor: written. Shape (m, k).
        goal: written. Shape (k,).
    """
    interval = constants.interval
    joint_weight = constants.joint_weight
    joints = torque.size
    # The last column of what is solved for is the torque that is missing.
    columns = np.zeros((joints, joints + 1))
    weight = np.zeros((joints, joints))
    for i in range(joints):
        weight[i, i] = joint_weight * joint_weight
        columns[i, joints] = torque[i]
    for row in range(tips.shape[0]):
        for i in range(joints):
            times = tips[row, i]
            if times != 0.0:
                for j in range(i, joints):
                    weight[i, j] += times * tips[row, j]
    if not (factorise(weight) and factorise(mass)):
        return INDEFINITE
    for i in range(joints):
        for j in range(i, joints):
            columns[j, i] = weight[i, j]
    solve(mass, columns)
    for i in range(joints):
        goal[i] = 0.0
        for j in range(i, joints):
            goal[i] += weight[i, j] * (speeding[j] + interval * columns[j, joints])
    for muscle in range(gain.size):
        for i in range(joints):
            factor[muscle, i] = 0.0
        for j in range(joints):
            times = interval * gain[muscle] * arms[muscle, j]
            if times != 0.0:
                for i in range(joints):
                    factor[muscle, i] += times * columns[j, i]
    return DONE


@compiled
def prepare(
    constants: TaskConstants,
    muscle_forces: MuscleForces,
    state: HandState,
    target: HandTarget,
    factor: np.ndarray,
    goal: np.ndarray,
) -> int:
    """Writes the `task` of every hand.

    Args:
        constants: of all control steps.
        muscle_forces: in this state.
        state: of the hands.
        target: of the hands, no field None.
        factor: written. Shape (h, m, k).
        goal: written. Shape (h, k).
    """
    hands, joints = state.qpos.shape
    torque = np.empty(joints)
    speeding = np.empty(joints)
    mass = np.empty((joints, joints))
    for hand in range(hands):
        for i in range(joints):
            speeding[i] = (
                target.qvel[hand, i]
                + constants.rate[i] * (target.qpos[hand, i] - state.qpos[hand, i])
                - state.qvel[hand, i]
            )
        _balance(constants, state, target, hand, torque, mass)
        _add_keys(constants, state, target, hand, torque, mass)
        gain = muscle_forces.gain[hand]
        arms = state.arms[hand]
        for muscle in range(gain.size):
            for i in range(joints):
                torque[i] -= muscle_forces.bias[hand, muscle] * arms[muscle, i]
        status = task(
            constants,
            mass,
            torque,
            speeding,
            tips=state.tips[hand],
            arms=arms,
            gain=gain,
            factor=factor[hand],
            goal=goal[hand],
        )
        if status != DONE:
            return status
    return DONE


@compiled
def _balance(
    constants: TaskConstants,
    state: HandState,
    target: HandTarget,
    hand: int,
    torque: np.ndarray,
    mass: np.ndarray,
) -> None:
    """Writes the torque that one hand's joints need to keep their velocity, and their inertia with
    damping."""
    damping = constants.damping[hand]
    coupling = state.coupling[hand]
    joints = torque.size
    for i in range(joints):
        torque[i] = state.load[hand, i]
        for j in range(joints):
            mass[i, j] = state.inertia[hand, i, j] + constants.interval * damping[i, j]
            torque[i] += damping[i, j] * state.qvel[hand, j]
        for j in range(coupling.shape[1]):
            torque[i] += coupling[i, j] * target.forearm_acc[hand, j]
        for tip in range(target.press.shape[1]):
            torque[i] -= target.press[hand, tip] * state.tips[hand, 3 * tip + 2, i]


@compiled
def _add_keys(
    constants: TaskConstants,
    state: HandState,
    target: HandTarget,
    hand: int,
    torque: np.ndarray,
    mass: np.ndarray,
) -> None:
    """Adds mass and damping of the keys that one hand's fingertips move."""
    joints = torque.size
    for tip in range(target.press.shape[1]):
        # `MuscleControl` fills in what is None.
        key_mass = target.key_mass[hand, tip]  # type: ignore[index]
        key_damping = target.key_damping[hand, tip]  # type: ignore[index]
        if key_mass > 0.0 or key_damping > 0.0:
            down = state.tips[hand, 3 * tip + 2]
            falling = 0.0
            for i in range(joints):
                falling += down[i] * state.qvel[hand, i]
            for i in range(joints):
                torque[i] += key_damping * falling * down[i]
                for j in range(joints):
                    mass[i, j] += (key_mass + constants.interval * key_damping) * down[i] * down[j]


@compiled
def share_squares(
    factor: np.ndarray,
    goal: np.ndarray,
    price: float,
    lower: np.ndarray,
    upper: np.ndarray,
    dual: np.ndarray,
    out: np.ndarray,
) -> int:
    """The activations a within bounds that minimise |factor' a - goal|^2 + price |a|^2, exact up to
    rounding.

    Newton's method for the dual. With z what stays missing of `goal`, over the price, a is
    `factor z` clipped to the bounds, and z minimises a convex function of quadratic pieces (the
    method is that of Li & Swetits 1997, SIAM J Optim 7:595; recalled). It has k unknowns, whatever
    the number of muscles.

    Args:
        factor: shape (m, k).
        goal: shape (k,).
        price: weight of activation, above 0.
        lower: bounds. Shape (m,).
        upper: bounds. Shape (m,).
        dual: z, where to begin; written. Shape (k,).
        out: a; written. Shape (m,).
    """
    muscles, size = factor.shape
    for i in range(muscles):
        if not lower[i] <= upper[i]:
            return UNSOLVED
    side = np.empty(muscles, dtype=np.int8)
    last = np.empty(muscles, dtype=np.int8)
    matrix = np.empty((size, size))
    step = np.empty((size, 1))
    slope = np.empty((size, 1))
    begun = np.empty(size)
    cost, noise = _dual(
        factor, goal, price, lower, upper, dual=dual, out=out, side=side, slope=slope
    )
    for _ in range(MOST_STEPS):
        for i in range(muscles):
            last[i] = side[i]
        for q in range(size):
            begun[q], step[q, 0] = dual[q], slope[q, 0]
        _curvature(factor, price, side, matrix)
        if not (np.isfinite(cost) and factorise(matrix)):
            return UNSOLVED
        solve(matrix, step)
        change = scale = fall = 0.0
        for q in range(size):
            change = max(change, abs(step[q, 0]))
            scale = max(scale, abs(begun[q]))
            fall += step[q, 0] * slope[q, 0]
        length = 1.0
        for _ in range(MOST_HALVINGS):
            for q in range(size):
                dual[q] = begun[q] - length * step[q, 0]
            reached, noise = _dual(
                factor, goal, price, lower, upper, dual=dual, out=out, side=side, slope=slope
            )
            if reached <= cost - 1e-4 * length * fall + noise:
                break
            length *= 0.5
        cost = reached
        same = length == 1.0
        for i in range(muscles):
            same = same and side[i] == last[i]
        # A whole step to where the same bounds hold is the solution.
        if same or change <= SETTLED * scale:
            return DONE
    return UNSOLVED


@compiled
def _curvature(factor: np.ndarray, price: float, side: np.ndarray, matrix: np.ndarray) -> None:
    """Writes the second derivative of `_dual`, upper half. Shape (k, k)."""
    size = matrix.shape[0]
    matrix[:] = 0.0
    for q in range(size):
        matrix[q, q] = price
    for i in range(side.size):
        if side[i] == 0:
            for p in range(size):
                times = factor[i, p]
                for q in range(p, size):
                    matrix[p, q] += times * factor[i, q]


@compiled
def _dual(
    factor: np.ndarray,
    goal: np.ndarray,
    price: float,
    lower: np.ndarray,
    upper: np.ndarray,
    dual: np.ndarray,
    out: np.ndarray,
    side: np.ndarray,
    slope: np.ndarray,
) -> tuple[float, float]:
    """The dual's cost and how much of it may be rounding; writes a, on which bound (-1, 1, or 0)
    and the slope."""
    size = dual.size
    cost = noise = 0.0
    for q in range(size):
        cost += (0.5 * price * dual[q] - goal[q]) * dual[q]
        noise += abs(goal[q] * dual[q])
        slope[q, 0] = price * dual[q] - goal[q]
    for i in range(side.size):
        free = 0.0
        for q in range(size):
            free += factor[i, q] * dual[q]
        cut = min(max(free, lower[i]), upper[i])
        side[i] = 1 if free > upper[i] else (-1 if free < lower[i] else 0)
        out[i] = cut
        cost += cut * (free - 0.5 * cut)
        for q in range(size):
            slope[q, 0] += cut * factor[i, q]
    return cost, 1e-13 * noise
