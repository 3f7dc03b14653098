"""Compiled normal equations of a lift: points in the picture, fingertips at keys, expected posture.

Errors of points have Student's distribution, because a detector invents fingers that it does not
see; far ones count less (iteratively reweighted least squares). Behind the unknowns of a frame the
equations may have those that all frames share (`problem.GLOBALS`).
"""

from __future__ import annotations

import numpy as np

from musclehand.core.jit import compiled
from musclehand.planning.trajectory.chain import Chain
from musclehand.planning.trajectory.problem import Equations, Poses
from musclehand.watch.lifting.hand_points import HandPoints
from musclehand.watch.lifting.problem import Camera, Common, Frames

_LEAST_DEPTH = 0.01
"""[m] Least distance of a point in front of the camera, for steps that go astray."""


@compiled
def add_frames(
    chain: Chain,
    points: HandPoints,
    camera: Camera,
    frames: Frames,
    common: Common,
    past: int,
    u: np.ndarray,
    poses: Poses,
    equations: Equations,
) -> float:
    """Adds all frames that may change to their normal equations.

    Args:
        chain: `Chain` of the hand, of its size.
        points: `HandPoints` on it.
        camera: `Camera`.
        frames: `Frames`.
        common: `Common` to all frames.
        past: number of frames at the beginning that are fixed.
        u: unknowns. Shape (t, n).
        poses: `Poses` of the hand with these unknowns.
        equations: `Equations` of n unknowns, or of n + `GLOBALS`; added to.

    Returns:
        The cost: minus the logarithm of the posterior probability, but for a constant [nats].
    """
    count = u.shape[1]
    full = equations.hessian.shape[1]
    arms = np.zeros((3, full))
    rows = np.zeros((2, full))
    used = np.zeros(full, dtype=np.int64)
    place = np.empty(3)
    cost = 0.0
    for t in range(past, len(u)):
        for p in range(len(points.joint)):
            tip = points.tip[p]
            if frames.precision[t, p] == 0.0 and tip < 0:
                continue
            for i in range(3):
                if tip < 0:
                    place[i] = poses.anchor[t, points.joint[p], i]
                else:
                    place[i] = poses.tips[t, tip, i]
            moving = _add_arms(chain, points, p, place, common.size, t, u, poses, arms, used)
            if frames.precision[t, p] > 0.0:
                cost += _add_point(
                    t, p, place, camera, frames, common, count, arms, used, moving, rows, equations
                )
            if tip >= 0:
                cost += _add_tip(t, tip, place, frames, common, arms, used, moving, equations)
        cost += _add_home(t, frames, common, u, equations)
    return cost


@compiled
def _add_arms(
    chain: Chain,
    points: HandPoints,
    p: int,
    place: np.ndarray,
    size: float,
    t: int,
    u: np.ndarray,
    poses: Poses,
    arms: np.ndarray,
    used: np.ndarray,
) -> int:
    """Derivatives of a point's place by the unknowns.

    Args:
        chain: `Chain` of the hand.
        points: `HandPoints` on it.
        p: the point.
        place: of the point [m]. Shape (3,).
        size: of the hand.
        t: frame.
        u: unknowns. Shape (t, n).
        poses: `Poses` of the hand.
        arms: derivatives, written. Shape (3, n or more).
        used: columns that are not 0, written. Shape (n or more,).

    Returns:
        Number of such columns.
    """
    count = u.shape[1]
    angles = count - 4
    arms[:] = 0.0
    moving = 0
    body = points.body[p]
    for a in range(chain.first_ancestor[body], chain.first_ancestor[body + 1]):
        joint = chain.ancestor[a]
        # Joints are numbered outwards: a joint's own place does not move with those behind it.
        if points.tip[p] < 0 and joint >= points.joint[p]:
            continue
        rx = place[0] - poses.anchor[t, joint, 0]
        ry = place[1] - poses.anchor[t, joint, 1]
        rz = place[2] - poses.anchor[t, joint, 2]
        ax = poses.axis[t, joint, 0]
        ay = poses.axis[t, joint, 1]
        az = poses.axis[t, joint, 2]
        column = chain.column[joint]
        ratio = chain.ratio[joint]
        if arms[0, column] == 0.0 and arms[1, column] == 0.0 and arms[2, column] == 0.0:
            used[moving] = column
            moving += 1
        arms[0, column] += ratio * (ay * rz - az * ry)
        arms[1, column] += ratio * (az * rx - ax * rz)
        arms[2, column] += ratio * (ax * ry - ay * rx)
    for i in range(3):
        arms[i, angles + i] = 1.0
    arms[0, angles + 3] = -(place[1] - u[t, angles + 1])
    arms[1, angles + 3] = place[0] - u[t, angles]
    for i in range(4):
        used[moving] = angles + i
        moving += 1
    if arms.shape[1] > count:
        last = arms.shape[1] - 1
        for i in range(3):
            arms[i, last] = (place[i] - u[t, angles + i]) / size
        used[moving] = last
        moving += 1
    return moving


@compiled
def _add_point(
    t: int,
    p: int,
    place: np.ndarray,
    camera: Camera,
    frames: Frames,
    common: Common,
    count: int,
    arms: np.ndarray,
    used: np.ndarray,
    moving: int,
    rows: np.ndarray,
    equations: Equations,
) -> float:
    """Adds a point in the picture.

    Args:
        t: frame.
        p: point.
        place: in the world [m]. Shape (3,).
        camera: `Camera`.
        frames: `Frames`.
        common: `Common`.
        count: unknowns of a frame.
        arms: derivatives of the place.
        used: columns of these that are not 0.
        moving: number of these columns.
        rows: room for derivatives of the pixels. Shape (2, n or more).
        equations: `Equations`, added to.

    Returns:
        Its cost [nats].
    """
    view = camera.rotation
    ahead = np.zeros(3)
    for i in range(3):
        for k in range(3):
            ahead[i] += view[i, k] * (place[k] - camera.position[k])
    depth = max(ahead[2], _LEAST_DEPTH)
    scale = camera.focal / depth
    error = np.empty(2)
    for i in range(2):
        error[i] = frames.pixels[t, p, i] - scale * ahead[i] - camera.centre[i]
        for k in range(2):
            error[i] -= frames.basis[t, i, k] * common.offsets[p, k]
        for c in range(moving):
            column = used[c]
            rows[i, column] = 0.0
            for k in range(3):
                slope = scale * (view[i, k] - ahead[i] / depth * view[2, k])
                rows[i, column] += slope * arms[k, column]
    if equations.hessian.shape[1] > count:
        for k in range(2):
            used[moving] = count + 2 * p + k
            for i in range(2):
                rows[i, used[moving]] = frames.basis[t, i, k]
            moving += 1
    precision = frames.precision[t, p]
    square = precision * (error[0] * error[0] + error[1] * error[1])
    freedom = common.freedom
    weight = common.share * precision * (freedom + 2.0) / (freedom + square)
    for i in range(2):
        for a in range(moving):
            scaled = weight * rows[i, used[a]]
            equations.gradient[t, used[a]] -= scaled * error[i]
            for b in range(moving):
                if used[b] <= used[a]:
                    equations.hessian[t, used[a], used[b]] += scaled * rows[i, used[b]]
    return 0.5 * common.share * (freedom + 2.0) * np.log(1.0 + square / freedom)


@compiled
def _add_tip(
    t: int,
    tip: int,
    place: np.ndarray,
    frames: Frames,
    common: Common,
    arms: np.ndarray,
    used: np.ndarray,
    moving: int,
    equations: Equations,
) -> float:
    """Adds the distance of a fingertip from where it is expected.

    Args:
        t: frame.
        tip: the fingertip, 0 (thumb) to 4.
        place: of it [m]. Shape (3,).
        frames: `Frames`.
        common: `Common`.
        arms: derivatives of the place.
        used: columns of these that are not 0.
        moving: number of these columns.
        equations: `Equations`, added to.

    Returns:
        Its cost [nats].
    """
    cost = 0.0
    for i in range(3):
        weight = common.share * frames.tip_precision[t, tip, i]
        error = max(frames.low[t, tip, i] - place[i], 0.0)
        error += min(frames.high[t, tip, i] - place[i], 0.0)
        if weight == 0.0 or error == 0.0:
            continue
        cost += 0.5 * weight * error * error
        for a in range(moving):
            scaled = weight * arms[i, used[a]]
            equations.gradient[t, used[a]] -= scaled * error
            for b in range(moving):
                if used[b] <= used[a]:
                    equations.hessian[t, used[a], used[b]] += scaled * arms[i, used[b]]
    return cost


@compiled
def _add_home(t: int, frames: Frames, common: Common, u: np.ndarray, equations: Equations) -> float:
    """Adds the distance of the unknowns of a frame from those expected, and gives its cost."""
    cost = 0.0
    for i in range(u.shape[1]):
        weight = common.share * frames.home_precision[t, i]
        away = u[t, i] - frames.home[t, i]
        equations.hessian[t, i, i] += weight
        equations.gradient[t, i] += weight * away
        cost += 0.5 * weight * away * away
    return cost
