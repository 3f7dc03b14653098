"""Picking a hand's state out of MuJoCo's sparse arrays, compiled (see `compiled`).

Tests hold it against MuJoCo's own dense matrices.
"""

from __future__ import annotations

import numpy as np

from musclehand.control.kernels.jit import compiled


@compiled
def gather(
    values: np.ndarray,
    source: np.ndarray,
    goal: np.ndarray,
    factor: np.ndarray,
    first: int,
    last: int,
    out: np.ndarray,
) -> None:
    """Adds `values[source] * factor` to `out[goal]` for entries `first` up to `last`. All flat."""
    for i in range(first, last):
        out[goal[i]] += values[source[i]] * factor[i]


@compiled
def add_tip_speeds(
    turning: np.ndarray,
    sites: np.ndarray,
    centres: np.ndarray,
    who: np.ndarray,
    factor: np.ndarray,
    out: np.ndarray,
) -> None:
    """Adds velocities of points for each joint's, v + w x r. `out` is flat.

    Args:
        turning: axes (w, v) of all dofs about the centre of mass of their tree (`cdof`). Shape (nv,
            6).
        sites: positions of all sites [m]. Shape (nsite, 3).
        centres: centres of mass of all trees [m]. Shape (nbody, 3).
        who: site, root of its tree, dof that moves it, and where x, y and z of that go. Shape (n,
            6).
        factor: and how often. Shape (n,).
        out: written.
    """
    for i in range(factor.size):
        site = who[i, 0]
        root = who[i, 1]
        rx = sites[site, 0] - centres[root, 0]
        ry = sites[site, 1] - centres[root, 1]
        rz = sites[site, 2] - centres[root, 2]
        axis = turning[who[i, 2]]
        out[who[i, 3]] += factor[i] * (axis[3] + axis[1] * rz - axis[2] * ry)
        out[who[i, 4]] += factor[i] * (axis[4] + axis[2] * rx - axis[0] * rz)
        out[who[i, 5]] += factor[i] * (axis[5] + axis[0] * ry - axis[1] * rx)


@compiled
def read(
    qpos: np.ndarray,
    qvel: np.ndarray,
    length: np.ndarray,
    velocity: np.ndarray,
    act: np.ndarray,
    mass: np.ndarray,
    bias: np.ndarray,
    spring: np.ndarray,
    moment: np.ndarray,
    turning: np.ndarray,
    sites: np.ndarray,
    centres: np.ndarray,
    edges: np.ndarray,
    source: np.ndarray,
    goal: np.ndarray,
    factor: np.ndarray,
    who: np.ndarray,
    who_factor: np.ndarray,
    out: np.ndarray,
) -> None:
    """A `HandState`, flat, from MuJoCo's arrays, the first twelve.

    `source`, `goal`, `factor`: as for `gather`, and `edges` of the parts of them that are of qpos,
    qvel, length, velocity, act, mass, bias (less spring) and moment. `who`, `who_factor`: as for
    `add_tip_speeds`. `out` is written.
    """
    out[:] = 0.0
    gather(qpos, source, goal, factor, edges[0], edges[1], out)
    gather(qvel, source, goal, factor, edges[1], edges[2], out)
    gather(length, source, goal, factor, edges[2], edges[3], out)
    gather(velocity, source, goal, factor, edges[3], edges[4], out)
    gather(act, source, goal, factor, edges[4], edges[5], out)
    gather(mass, source, goal, factor, edges[5], edges[6], out)
    gather(bias, source, goal, factor, edges[6], edges[7], out)
    for i in range(edges[6], edges[7]):
        out[goal[i]] -= spring[source[i]] * factor[i]
    gather(moment, source, goal, factor, edges[7], edges[8], out)
    add_tip_speeds(turning, sites, centres, who, who_factor, out)
