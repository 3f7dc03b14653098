"""Compiled arithmetic of trajectory optimisation: kinematics, tasks and their normal equations.

Positions are in the frame of a right hand's keyboard: that of the world, mirrored in x for a left
hand. Vectors of unknowns hold the independent joint angles, then x, y, z of the wrist, then the yaw
of the forearm.
"""

from __future__ import annotations

import numpy as np

from musclehand.control.kernels.jit import compiled


@compiled
def place_bodies(chain, q, wrist, yaw, roll, place, turn, anchor, axis):
    """Forward kinematics of one knot, as `mj_kinematics` computes them.

    Args:
        chain: `Chain` of the hand.
        q: independent joint angles [rad]. Shape (k,).
        wrist: place of the wrist [m]. Shape (3,).
        yaw: of the forearm about the vertical [rad].
        roll: of the forearm about its length [rad].
        place: of the bodies, written [m]. Shape (b, 3).
        turn: their rotation matrices, written. Shape (b, 3, 3).
        anchor: of the joints, written [m]. Shape (j, 3).
        axis: their axes, written. Shape (j, 3).
    """
    cy = np.cos(yaw)
    sy = np.sin(yaw)
    cr = np.cos(roll)
    sr = np.sin(roll)
    # Turned about y by the roll, then about z by the yaw, after half a turn about z: palm down.
    turn[0, 0, 0] = -cy * cr
    turn[0, 0, 1] = sy
    turn[0, 0, 2] = cy * sr
    turn[0, 1, 0] = -sy * cr
    turn[0, 1, 1] = -cy
    turn[0, 1, 2] = sy * sr
    turn[0, 2, 0] = sr
    turn[0, 2, 1] = 0.0
    turn[0, 2, 2] = cr
    for i in range(3):
        place[0, i] = wrist[i]
        for k in range(3):
            place[0, i] -= turn[0, i, k] * chain.wrist[k]
    rotation = np.empty((3, 3))
    product = np.empty((3, 3))
    for body in range(1, len(chain.parent)):
        parent = chain.parent[body]
        for i in range(3):
            place[body, i] = place[parent, i]
            for k in range(3):
                place[body, i] += turn[parent, i, k] * chain.body_place[body, k]
                turn[body, i, k] = 0.0
                for m in range(3):
                    turn[body, i, k] += turn[parent, i, m] * chain.body_turn[body, m, k]
        for joint in range(chain.first_joint[body], chain.first_joint[body + 1]):
            for i in range(3):
                anchor[joint, i] = place[body, i]
                axis[joint, i] = 0.0
                for k in range(3):
                    anchor[joint, i] += turn[body, i, k] * chain.joint_place[joint, k]
                    axis[joint, i] += turn[body, i, k] * chain.joint_axis[joint, k]
            angle = chain.ratio[joint] * q[chain.column[joint]]
            _rotation(chain.joint_axis[joint], angle, rotation)
            for i in range(3):
                for k in range(3):
                    product[i, k] = 0.0
                    for m in range(3):
                        product[i, k] += turn[body, i, m] * rotation[m, k]
            for i in range(3):
                place[body, i] = anchor[joint, i]
                for k in range(3):
                    turn[body, i, k] = product[i, k]
            for i in range(3):
                for k in range(3):
                    place[body, i] -= turn[body, i, k] * chain.joint_place[joint, k]


@compiled
def _rotation(axis, angle, out):
    """Rotation matrix about a unit vector (Rodrigues' formula)."""
    c = np.cos(angle)
    s = np.sin(angle)
    d = 1.0 - c
    x = axis[0]
    y = axis[1]
    z = axis[2]
    out[0, 0] = c + x * x * d
    out[0, 1] = x * y * d - z * s
    out[0, 2] = x * z * d + y * s
    out[1, 0] = x * y * d + z * s
    out[1, 1] = c + y * y * d
    out[1, 2] = y * z * d - x * s
    out[2, 0] = x * z * d - y * s
    out[2, 1] = y * z * d + x * s
    out[2, 2] = c + z * z * d


@compiled
def _add_row(chain, body, point, direction, factor, anchor, axis, wrist, row):
    """Adds `factor` times the derivative of a point along a direction to a row of the Jacobian."""
    joints = len(row) - 4
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
        row[joints + i] += factor * direction[i]
    row[joints + 3] += factor * (
        direction[1] * (point[0] - wrist[0]) - direction[0] * (point[1] - wrist[1])
    )


@compiled
def _add_task(row, weight, error, hessian, gradient):
    """Adds a task to the normal equations of its knot: weight (error - row . step)^2 / 2.

    Returns its cost now.
    """
    count = len(row)
    for i in range(count):
        if row[i] != 0.0:
            scaled = weight * row[i]
            gradient[i] -= scaled * error
            for k in range(i + 1):
                hessian[i, k] += scaled * row[k]
    return 0.5 * weight * error * error


@compiled
def _nearest_points(a0, a1, b0, b1, on_a, on_b):
    """Nearest points of two segments (Ericson 2005, Real-Time Collision Detection, 5.1.9)."""
    d1 = a1 - a0
    d2 = b1 - b0
    r = a0 - b0
    a = d1[0] * d1[0] + d1[1] * d1[1] + d1[2] * d1[2]
    e = d2[0] * d2[0] + d2[1] * d2[1] + d2[2] * d2[2]
    f = d2[0] * r[0] + d2[1] * r[1] + d2[2] * r[2]
    c = d1[0] * r[0] + d1[1] * r[1] + d1[2] * r[2]
    b = d1[0] * d2[0] + d1[1] * d2[1] + d1[2] * d2[2]
    denominator = a * e - b * b
    s = 0.5
    if denominator > 1e-12:
        s = min(max((b * f - c * e) / denominator, 0.0), 1.0)
    t = (b * s + f) / e
    if t < 0.0:
        t = 0.0
        s = min(max(-c / a, 0.0), 1.0)
    elif t > 1.0:
        t = 1.0
        s = min(max((b - c) / a, 0.0), 1.0)
    for i in range(3):
        on_a[i] = a0[i] + s * d1[i]
        on_b[i] = b0[i] + t * d2[i]


@compiled
def assemble(chain, keys, tasks, weights, roll, other, past, u, hessian, gradient, tips, ends):
    """Normal equations of all knots of a window, without smoothness.

    Args:
        chain: `Chain` of the hand.
        keys: `KeyBoxes` of the keyboard.
        tasks: `Tasks` of the knots.
        weights: `Weights`.
        roll: of the forearm [rad].
        other: ends of the other hand's bones [m], of shape (t, c, 2, 3), or (0, c, 2, 3).
        past: number of knots at the beginning that are fixed.
        u: unknowns. Shape (t, n).
        hessian: written, lower triangles. Shape (t, n, n).
        gradient: written. Shape (t, n).
        tips: written [m]. Shape (t, 5, 3).
        ends: of the bones, written [m]. Shape (t, c, 2, 3).

    Returns:
        Half the weighted sum of squared errors.
    """
    knots, count = u.shape
    joints = count - 4
    bodies = len(chain.parent)
    place = np.empty((bodies, 3))
    turn = np.empty((bodies, 3, 3))
    anchor = np.empty((len(chain.column), 3))
    axis = np.empty((len(chain.column), 3))
    row = np.zeros(count)
    direction = np.zeros(3)
    on_a = np.zeros(3)
    on_b = np.zeros(3)
    point = np.zeros(3)
    bones = len(chain.bone_body)
    cost = 0.0
    for t in range(knots):
        wrist = u[t, joints : joints + 3]
        place_bodies(chain, u[t, :joints], wrist, u[t, joints + 3], roll, place, turn, anchor, axis)
        h = hessian[t]
        g = gradient[t]
        h[:] = 0.0
        g[:] = 0.0
        for f in range(5):
            body = chain.tip_body[f]
            for i in range(3):
                tips[t, f, i] = place[body, i]
                for k in range(3):
                    tips[t, f, i] += turn[body, i, k] * chain.tip_place[f, k]
        for b in range(bones):
            body = chain.bone_body[b]
            for end in range(2):
                for i in range(3):
                    ends[t, b, end, i] = place[body, i]
                    for k in range(3):
                        ends[t, b, end, i] += turn[body, i, k] * chain.bone_ends[b, end, k]
        if t < past:
            continue
        for f in range(5):
            for i in range(3):
                weight = weights.tip * tasks.weight[t, f, i]
                if weight == 0.0:
                    continue
                error = tasks.tips[t, f, i] - tips[t, f, i]
                direction[:] = 0.0
                direction[i] = 1.0
                row[:] = 0.0
                _add_row(
                    chain, chain.tip_body[f], tips[t, f], direction, 1.0, anchor, axis, wrist, row
                )
                cost += _add_task(row, weight, error, h, g)
            # A finger that waits keeps its height at least.
            if tasks.floor_weight[t, f] > 0.0 and tips[t, f, 2] < tasks.floor[t, f]:
                direction[:] = 0.0
                direction[2] = 1.0
                row[:] = 0.0
                _add_row(
                    chain, chain.tip_body[f], tips[t, f], direction, 1.0, anchor, axis, wrist, row
                )
                cost += _add_task(
                    row,
                    weights.tip * tasks.floor_weight[t, f],
                    tasks.floor[t, f] - tips[t, f, 2],
                    h,
                    g,
                )
        for i in range(count):
            h[i, i] += weights.pull[i]
            away = u[t, i] - tasks.home[t, i]
            g[i] += weights.pull[i] * away
            cost += 0.5 * weights.pull[i] * away * away
            beyond = min(u[t, i] - weights.lower[i], 0.0) + max(u[t, i] - weights.upper[i], 0.0)
            if beyond != 0.0:
                h[i, i] += weights.limit
                g[i] += weights.limit * beyond
                cost += 0.5 * weights.limit * beyond * beyond
        # Bones of different digits.
        for p in range(len(chain.pairs)):
            a = chain.pairs[p, 0]
            b = chain.pairs[p, 1]
            touch = chain.bone_radius[a] + chain.bone_radius[b] + weights.finger_margin
            far = touch + chain.bone_length[a] + chain.bone_length[b]
            square = 0.0
            for i in range(3):
                gap = 0.5 * (
                    ends[t, a, 0, i] + ends[t, a, 1, i] - ends[t, b, 0, i] - ends[t, b, 1, i]
                )
                square += gap * gap
            if square > far * far:
                continue
            _nearest_points(ends[t, a, 0], ends[t, a, 1], ends[t, b, 0], ends[t, b, 1], on_a, on_b)
            distance = 0.0
            for i in range(3):
                direction[i] = on_a[i] - on_b[i]
                distance += direction[i] * direction[i]
            distance = np.sqrt(distance)
            if distance >= touch or distance < 1e-6:
                continue
            for i in range(3):
                direction[i] /= distance
            row[:] = 0.0
            _add_row(chain, chain.bone_body[a], on_a, direction, 1.0, anchor, axis, wrist, row)
            _add_row(chain, chain.bone_body[b], on_b, direction, -1.0, anchor, axis, wrist, row)
            cost += _add_task(row, weights.tip * weights.fingers, touch - distance, h, g)
        # Fingers in order, from index to little finger.
        for p in range(len(chain.neighbours)):
            a = chain.neighbours[p, 0]
            b = chain.neighbours[p, 1]
            short = weights.order_gap - (ends[t, b, 1, 0] - ends[t, a, 1, 0])
            if short <= 0.0:
                continue
            direction[:] = 0.0
            direction[0] = 1.0
            row[:] = 0.0
            _add_row(
                chain, chain.bone_body[b], ends[t, b, 1], direction, 1.0, anchor, axis, wrist, row
            )
            _add_row(
                chain, chain.bone_body[a], ends[t, a, 1], direction, -1.0, anchor, axis, wrist, row
            )
            cost += _add_task(row, weights.tip * weights.order, short, h, g)
        # Bones of the other hand.
        if len(other):
            for a in range(bones):
                for b in range(bones):
                    touch = chain.bone_radius[a] + chain.bone_radius[b] + weights.hand_margin
                    far = touch + chain.bone_length[a] + chain.bone_length[b]
                    square = 0.0
                    for i in range(3):
                        gap = 0.5 * (
                            ends[t, a, 0, i]
                            + ends[t, a, 1, i]
                            - other[t, b, 0, i]
                            - other[t, b, 1, i]
                        )
                        square += gap * gap
                    if square > far * far:
                        continue
                    _nearest_points(
                        ends[t, a, 0], ends[t, a, 1], other[t, b, 0], other[t, b, 1], on_a, on_b
                    )
                    distance = 0.0
                    for i in range(3):
                        direction[i] = on_a[i] - on_b[i]
                        distance += direction[i] * direction[i]
                    distance = np.sqrt(distance)
                    if distance >= touch or distance < 1e-6:
                        continue
                    for i in range(3):
                        direction[i] /= distance
                    row[:] = 0.0
                    _add_row(
                        chain, chain.bone_body[a], on_a, direction, 1.0, anchor, axis, wrist, row
                    )
                    # Each hand makes way for half of it.
                    cost += _add_task(row, weights.tip * weights.hands, 0.5 * (touch - distance), h, g)
        # Keys, by points along the bones.
        for b in range(bones):
            radius = chain.bone_radius[b] + weights.key_margin
            digit = chain.bone_digit[b]
            lowest = min(ends[t, b, 0, 2], ends[t, b, 1, 2])
            if lowest > keys.highest + radius:
                continue
            for k in range(chain.points):
                share = k / (chain.points - 1.0)
                for i in range(3):
                    point[i] = (1.0 - share) * ends[t, b, 0, i] + share * ends[t, b, 1, i]
                if point[2] > keys.highest + radius:
                    continue
                bin_ = int((point[0] - keys.first) / keys.width)
                bin_ = min(max(bin_, 0), len(keys.nearest) - 1)
                for c in range(keys.nearest.shape[1]):
                    key = keys.nearest[bin_, c]
                    if key == tasks.key[t, digit]:
                        continue
                    left = point[0] - keys.low[key] + radius
                    right = keys.high[key] - point[0] + radius
                    up = keys.top[key] - point[2] + radius
                    front = point[1] - keys.front[key] + radius
                    if left <= 0.0 or right <= 0.0 or up <= 0.0 or front <= 0.0:
                        continue
                    depth = min(min(left, right), up)
                    direction[:] = 0.0
                    if depth == up:
                        direction[2] = 1.0
                    elif depth == left:
                        direction[0] = -1.0
                    else:
                        direction[0] = 1.0
                    row[:] = 0.0
                    _add_row(
                        chain, chain.bone_body[b], point, direction, 1.0, anchor, axis, wrist, row
                    )
                    cost += _add_task(row, weights.tip * weights.keys, min(depth, front), h, g)
    return cost


@compiled
def fill_bands(hessian, gradient, u, stiffness, damping, past, bands, right):
    """Banded normal equations with smoothness: third differences of all unknowns.

    Args:
        hessian: of each knot, lower triangles. Shape (t, n, n).
        gradient: of each knot. Shape (t, n).
        u: unknowns. Shape (t, n).
        stiffness: weight of squared third differences at each difference. Shape (t - 3, n).
        damping: added to the diagonal of each knot. Shape (n,).
        past: number of knots at the beginning that are fixed.
        bands: written, lower form of `scipy.linalg.solveh_banded`. Shape (3 n + 1, t n).
        right: right-hand side, written. Shape (t n,).
    """
    knots, count = u.shape
    bands[:] = 0.0
    for t in range(knots):
        for i in range(count):
            right[t * count + i] = -gradient[t, i]
            for k in range(i + 1):
                bands[i - k, t * count + k] = hessian[t, i, k]
            bands[0, t * count + i] += damping[i]
    difference = np.array([-1.0, 3.0, -3.0, 1.0])
    for t in range(knots - 3):
        for i in range(count):
            s = stiffness[t, i]
            jerk = u[t + 3, i] - 3.0 * u[t + 2, i] + 3.0 * u[t + 1, i] - u[t, i]
            for a in range(4):
                right[(t + a) * count + i] -= s * difference[a] * jerk
                for b in range(a, 4):
                    bands[(b - a) * count, (t + a) * count + i] += s * difference[a] * difference[b]
    for t in range(past):
        for i in range(count):
            bands[0, t * count + i] = 1e12
            right[t * count + i] = 0.0


@compiled
def roughness(u, stiffness):
    """Half the weighted sum of squared third differences.

    Args:
        u: unknowns. Shape (t, n).
        stiffness: of third differences. Shape (t - 3, n).
    """
    cost = 0.0
    for t in range(len(u) - 3):
        for i in range(u.shape[1]):
            jerk = u[t + 3, i] - 3.0 * u[t + 2, i] + 3.0 * u[t + 1, i] - u[t, i]
            cost += 0.5 * stiffness[t, i] * jerk * jerk
    return cost
