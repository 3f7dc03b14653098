"""Compiled normal equations of the tasks of a hand, knot by knot.

Each task has an error, which a step of the unknowns should make up for, and a weight. Its row of
the Jacobian is added to the Gauss-Newton matrix of its knot. Overlaps are tasks while they last:
bones are capsules, and move apart along the line between the nearest points of their axes. The
order of fingers keeps them from passing through each other, where that line would turn round.

The loops of the tasks repeat some lines. Shared functions for them, which would take whole records
for each task, were tried and take twice the time: numba counts references to every array in them.
"""

from __future__ import annotations

import numpy as np

from musclehand.core.jit import compiled
from musclehand.planning.trajectory.chain import Chain
from musclehand.planning.trajectory.keys import KeyBoxes
from musclehand.planning.trajectory.problem import Equations, Poses, Tasks, Weights

_POINTS_PER_BONE = 4
"""Points along a bone that are compared with keys; an assumption."""

_LEAST_DISTANCE = 1e-6
"""[m] between two axes; below it the direction apart is not determined."""

_PARALLEL = 1e-12
"""[m^4] of two axes, below which they count as parallel."""


@compiled
def add_tasks(
    chain: Chain,
    keys: KeyBoxes,
    tasks: Tasks,
    weights: Weights,
    other: np.ndarray,
    past: int,
    u: np.ndarray,
    poses: Poses,
    equations: Equations,
) -> float:
    """Adds the tasks of all knots that may change to their normal equations.

    Args:
        chain: `Chain` of the hand.
        keys: `KeyBoxes` of the keyboard.
        tasks: `Tasks` of the knots.
        weights: `Weights`.
        other: ends of the other hand's bones [m]. Shape (t, c, 2, 3), or (0, c, 2, 3) for none.
        past: number of knots at the beginning that are fixed.
        u: unknowns. Shape (t, n).
        poses: `Poses` of the hand with these unknowns.
        equations: `Equations`, added to.

    Returns:
        Half the weighted sum of squared errors.
    """
    cost = _reach(past, chain, tasks, weights, u, poses, equations)
    cost += _stay(past, tasks, weights, u, equations)
    cost += _keep_digits_apart(past, chain, weights, u, poses, equations)
    cost += _keep_fingers_in_order(past, chain, weights, u, poses, equations)
    if len(other):
        cost += _keep_hands_apart(past, chain, weights, other, u, poses, equations)
    cost += _keep_out_of_keys(past, chain, keys, tasks, weights, u, poses, equations)
    return cost


@compiled
def _reach(
    past: int,
    chain: Chain,
    tasks: Tasks,
    weights: Weights,
    u: np.ndarray,
    poses: Poses,
    equations: Equations,
) -> float:
    """Fingertips go to their targets, and those that wait stay above their floors."""
    row = equations.row
    direction = np.zeros(3)
    cost = 0.0
    for t in range(past, len(u)):
        tips = poses.tips[t]
        anchor = poses.anchor[t]
        axis = poses.axis[t]
        for f in range(len(chain.tip_body)):
            body = chain.tip_body[f]
            for i in range(3):
                weight = weights.tip * tasks.weight[t, f, i]
                if weight == 0.0:
                    continue
                direction[:] = 0.0
                direction[i] = 1.0
                row[:] = 0.0
                _add_row(chain, body, tips[f], direction, 1.0, anchor, axis, u[t], row)
                cost += _add_task(t, weight, tasks.tips[t, f, i] - tips[f, i], equations)
            if tasks.floor_weight[t, f] > 0.0 and tips[f, 2] < tasks.floor[t, f]:
                direction[:] = 0.0
                direction[2] = 1.0
                row[:] = 0.0
                _add_row(chain, body, tips[f], direction, 1.0, anchor, axis, u[t], row)
                weight = weights.tip * tasks.floor_weight[t, f]
                cost += _add_task(t, weight, tasks.floor[t, f] - tips[f, 2], equations)
    return cost


@compiled
def _stay(past: int, tasks: Tasks, weights: Weights, u: np.ndarray, equations: Equations) -> float:
    """Unknowns stay near the preferred ones, and within their limits."""
    cost = 0.0
    for t in range(past, len(u)):
        for i in range(u.shape[1]):
            weight = tasks.pull[t, i]
            away = u[t, i] - tasks.home[t, i]
            equations.hessian[t, i, i] += weight
            equations.gradient[t, i] += weight * away
            cost += 0.5 * weight * away * away
            beyond = min(u[t, i] - weights.lower[i], 0.0) + max(u[t, i] - weights.upper[i], 0.0)
            if beyond != 0.0:
                equations.hessian[t, i, i] += weights.limit
                equations.gradient[t, i] += weights.limit * beyond
                cost += 0.5 * weights.limit * beyond * beyond
    return cost


@compiled
def _keep_digits_apart(
    past: int, chain: Chain, weights: Weights, u: np.ndarray, poses: Poses, equations: Equations
) -> float:
    """Bones of different digits do not overlap."""
    row = equations.row
    on_a = np.empty(3)
    on_b = np.empty(3)
    direction = np.empty(3)
    cost = 0.0
    for t in range(past, len(u)):
        ends = poses.ends[t]
        anchor = poses.anchor[t]
        axis = poses.axis[t]
        for p in range(len(chain.pairs)):
            a = chain.pairs[p, 0]
            b = chain.pairs[p, 1]
            touch = chain.bone_radius[a] + chain.bone_radius[b] + weights.finger_margin
            far = touch + chain.bone_length[a] + chain.bone_length[b]
            if _middles(ends, a, ends, b) > far * far:
                continue
            _nearest_points(ends[a], ends[b], on_a, on_b)
            overlap = touch - _distance(on_a, on_b, direction)
            if overlap > 0.0:
                row[:] = 0.0
                _add_row(chain, chain.bone_body[a], on_a, direction, 1.0, anchor, axis, u[t], row)
                _add_row(chain, chain.bone_body[b], on_b, direction, -1.0, anchor, axis, u[t], row)
                cost += _add_task(t, weights.fingers, overlap, equations)
    return cost


@compiled
def _keep_fingers_in_order(
    past: int, chain: Chain, weights: Weights, u: np.ndarray, poses: Poses, equations: Equations
) -> float:
    """From index to little finger, far ends of bones lie in this order along the keyboard."""
    row = equations.row
    direction = np.array([1.0, 0.0, 0.0])
    cost = 0.0
    for t in range(past, len(u)):
        ends = poses.ends[t]
        anchor = poses.anchor[t]
        axis = poses.axis[t]
        for p in range(len(chain.neighbours)):
            a = chain.neighbours[p, 0]
            b = chain.neighbours[p, 1]
            short = weights.order_gap - (ends[b, 1, 0] - ends[a, 1, 0])
            if short > 0.0:
                row[:] = 0.0
                body = chain.bone_body[b]
                _add_row(chain, body, ends[b, 1], direction, 1.0, anchor, axis, u[t], row)
                body = chain.bone_body[a]
                _add_row(chain, body, ends[a, 1], direction, -1.0, anchor, axis, u[t], row)
                cost += _add_task(t, weights.order, short, equations)
    return cost


@compiled
def _keep_hands_apart(
    past: int,
    chain: Chain,
    weights: Weights,
    other: np.ndarray,
    u: np.ndarray,
    poses: Poses,
    equations: Equations,
) -> float:
    """Bones of the two hands do not overlap; each hand makes way for half of it."""
    row = equations.row
    on_a = np.empty(3)
    on_b = np.empty(3)
    direction = np.empty(3)
    cost = 0.0
    for t in range(past, len(u)):
        ends = poses.ends[t]
        obstacles = other[t]
        anchor = poses.anchor[t]
        axis = poses.axis[t]
        for a in range(len(ends)):
            for b in range(len(obstacles)):
                touch = chain.bone_radius[a] + chain.bone_radius[b] + weights.hand_margin
                far = touch + chain.bone_length[a] + chain.bone_length[b]
                if _middles(ends, a, obstacles, b) > far * far:
                    continue
                _nearest_points(ends[a], obstacles[b], on_a, on_b)
                overlap = touch - _distance(on_a, on_b, direction)
                if overlap > 0.0:
                    row[:] = 0.0
                    body = chain.bone_body[a]
                    _add_row(chain, body, on_a, direction, 1.0, anchor, axis, u[t], row)
                    cost += _add_task(t, weights.hands, 0.5 * overlap, equations)
    return cost


@compiled
def _keep_out_of_keys(
    past: int,
    chain: Chain,
    keys: KeyBoxes,
    tasks: Tasks,
    weights: Weights,
    u: np.ndarray,
    poses: Poses,
    equations: Equations,
) -> float:
    """Points along the bones are outside of keys that their digits do not play."""
    row = equations.row
    point = np.empty(3)
    direction = np.empty(3)
    cost = 0.0
    for t in range(past, len(u)):
        ends = poses.ends[t]
        anchor = poses.anchor[t]
        axis = poses.axis[t]
        for b in range(len(ends)):
            radius = chain.bone_radius[b] + weights.key_margin
            if min(ends[b, 0, 2], ends[b, 1, 2]) > keys.highest + radius:
                continue
            played = tasks.key[t, chain.bone_digit[b]]
            for k in range(_POINTS_PER_BONE):
                share = k / (_POINTS_PER_BONE - 1.0)
                for i in range(3):
                    point[i] = (1.0 - share) * ends[b, 0, i] + share * ends[b, 1, i]
                if point[2] > keys.highest + radius:
                    continue
                column = int((point[0] - keys.first) / keys.width)
                column = min(max(column, 0), len(keys.nearest) - 1)
                for c in range(keys.nearest.shape[1]):
                    key = keys.nearest[column, c]
                    left = point[0] - keys.low[key] + radius
                    right = keys.high[key] - point[0] + radius
                    up = keys.top[key] - point[2] + radius
                    front = point[1] - keys.front[key] + radius
                    depth = _way_out(left, right, up, front, direction)
                    if key != played and depth > 0.0:
                        row[:] = 0.0
                        body = chain.bone_body[b]
                        _add_row(chain, body, point, direction, 1.0, anchor, axis, u[t], row)
                        cost += _add_task(t, weights.keys, depth, equations)
    return cost


@compiled
def _way_out(left: float, right: float, up: float, front: float, direction: np.ndarray) -> float:
    """Distance out of a key by the nearest way [m], not positive outside of it.

    Args:
        left: distance to the left [m].
        right: to the right [m].
        up: upwards [m].
        front: to the front [m]; shortens the way, but is none.
        direction: of the way, written. Shape (3,).
    """
    depth = min(min(left, right), up)
    if depth > 0.0 and front > 0.0:
        direction[:] = 0.0
        if depth == up:
            direction[2] = 1.0
        elif depth == left:
            direction[0] = -1.0
        else:
            direction[0] = 1.0
    return min(depth, front)


@compiled
def _middles(ends_a: np.ndarray, a: int, ends_b: np.ndarray, b: int) -> float:
    """Squared distance of the middles of two bones [m^2].

    Args:
        ends_a: of the bones of a hand [m]. Shape (c, 2, 3).
        a: index of a bone.
        ends_b: of the bones of the same hand or of the other one [m]. Shape (c, 2, 3).
        b: index of one of those.
    """
    square = 0.0
    for i in range(3):
        gap = 0.5 * (ends_a[a, 0, i] + ends_a[a, 1, i] - ends_b[b, 0, i] - ends_b[b, 1, i])
        square += gap * gap
    return square


@compiled
def _distance(on_a: np.ndarray, on_b: np.ndarray, direction: np.ndarray) -> float:
    """Distance of two points [m]; infinite where it is too small to have a direction.

    Args:
        on_a: a point [m]. Shape (3,).
        on_b: another [m]. Shape (3,).
        direction: unit vector to the first, written. Shape (3,).
    """
    square = 0.0
    for i in range(3):
        direction[i] = on_a[i] - on_b[i]
        square += direction[i] * direction[i]
    distance = np.sqrt(square)
    if distance < _LEAST_DISTANCE:
        return np.inf
    for i in range(3):
        direction[i] /= distance
    return distance


@compiled
def _nearest_points(
    ends_a: np.ndarray, ends_b: np.ndarray, on_a: np.ndarray, on_b: np.ndarray
) -> None:
    """Nearest points of two segments (Ericson 2005, Real-Time Collision Detection, 5.1.9).

    Args:
        ends_a: of the first segment [m]. Shape (2, 3).
        ends_b: of the second [m]. Shape (2, 3).
        on_a: point of the first, written [m]. Shape (3,).
        on_b: point of the second, written [m]. Shape (3,).
    """
    a = 0.0
    b = 0.0
    c = 0.0
    e = 0.0
    f = 0.0
    for i in range(3):
        along_a = ends_a[1, i] - ends_a[0, i]
        along_b = ends_b[1, i] - ends_b[0, i]
        between = ends_a[0, i] - ends_b[0, i]
        a += along_a * along_a
        b += along_a * along_b
        c += along_a * between
        e += along_b * along_b
        f += along_b * between
    denominator = a * e - b * b
    s = 0.5
    if denominator > _PARALLEL:
        s = min(max((b * f - c * e) / denominator, 0.0), 1.0)
    t = (b * s + f) / e
    if t < 0.0:
        t = 0.0
        s = min(max(-c / a, 0.0), 1.0)
    elif t > 1.0:
        t = 1.0
        s = min(max((b - c) / a, 0.0), 1.0)
    for i in range(3):
        on_a[i] = ends_a[0, i] + s * (ends_a[1, i] - ends_a[0, i])
        on_b[i] = ends_b[0, i] + t * (ends_b[1, i] - ends_b[0, i])


@compiled
def _add_row(
    chain: Chain,
    body: int,
    point: np.ndarray,
    direction: np.ndarray,
    factor: float,
    anchor: np.ndarray,
    axis: np.ndarray,
    u: np.ndarray,
    row: np.ndarray,
) -> None:
    """Adds a multiple of the derivative of a point's place along a direction to a row.

    Args:
        chain: `Chain` of the hand.
        body: of the point.
        point: its place [m]. Shape (3,).
        direction: unit vector. Shape (3,).
        factor: on the derivative.
        anchor: places of the joints [m]. Shape (j, 3).
        axis: of the joints. Shape (j, 3).
        u: unknowns of the knot. Shape (n,).
        row: of the Jacobian, added to. Shape (n,).
    """
    angles = len(row) - 4
    for place in range(chain.first_ancestor[body], chain.first_ancestor[body + 1]):
        joint = chain.ancestor[place]
        rx = point[0] - anchor[joint, 0]
        ry = point[1] - anchor[joint, 1]
        rz = point[2] - anchor[joint, 2]
        ax = axis[joint, 0]
        ay = axis[joint, 1]
        az = axis[joint, 2]
        speed = (
            direction[0] * (ay * rz - az * ry)
            + direction[1] * (az * rx - ax * rz)
            + direction[2] * (ax * ry - ay * rx)
        )
        row[chain.column[joint]] += factor * chain.ratio[joint] * speed
    for i in range(3):
        row[angles + i] += factor * direction[i]
    row[angles + 3] += factor * (
        direction[1] * (point[0] - u[angles]) - direction[0] * (point[1] - u[angles + 1])
    )


@compiled
def _add_task(t: int, weight: float, error: float, equations: Equations) -> float:
    """Adds the task whose row is filled, with its cost of weight (error - row . step)^2 / 2.

    Returns its cost without a step.
    """
    row = equations.row
    for i in range(len(row)):
        if row[i] != 0.0:
            scaled = weight * row[i]
            equations.gradient[t, i] -= scaled * error
            for k in range(i + 1):
                equations.hessian[t, i, k] += scaled * row[k]
    return 0.5 * weight * error * error
