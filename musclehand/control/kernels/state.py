"""A hand's state gathered from MuJoCo's sparse arrays, compiled (see `core.jit`).

Tests compare it with MuJoCo's own dense matrices.
"""

from __future__ import annotations

import numpy as np

from musclehand.control.arrays import HandPlaces, MujocoState
from musclehand.core.jit import compiled


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
    """Adds `values[source] * factor` to `out[goal]`. All arrays are flat.

    Args:
        values: read.
        source: addresses in them. Shape (n,).
        goal: addresses in `out`. Shape (n,).
        factor: of each entry. Shape (n,).
        first: entry to begin with.
        last: entry before which to end.
        out: added to.
    """
    for i in range(first, last):
        out[goal[i]] += values[source[i]] * factor[i]


@compiled
def add_tip_speeds(
    arrays: MujocoState, entries: np.ndarray, factor: np.ndarray, out: np.ndarray
) -> None:
    """Adds velocities of points for each joint's, v + w x r.

    Args:
        arrays: of MuJoCo, of which `cdof` holds axes (w, v).
        entries: as `HandPlaces.tip_entries`. Shape (n, 6).
        factor: on each velocity. Shape (n,).
        out: flat; added to.
    """
    sites = arrays.site_xpos
    centres = arrays.subtree_com
    for i in range(factor.size):
        site = entries[i, 0]
        root = entries[i, 1]
        rx = sites[site, 0] - centres[root, 0]
        ry = sites[site, 1] - centres[root, 1]
        rz = sites[site, 2] - centres[root, 2]
        axis = arrays.cdof[entries[i, 2]]
        out[entries[i, 3]] += factor[i] * (axis[3] + axis[1] * rz - axis[2] * ry)
        out[entries[i, 4]] += factor[i] * (axis[4] + axis[2] * rx - axis[0] * rz)
        out[entries[i, 5]] += factor[i] * (axis[5] + axis[0] * ry - axis[1] * rx)


@compiled
def read(arrays: MujocoState, places: HandPlaces, out: np.ndarray) -> None:
    """A `HandState`, flat.

    Args:
        arrays: of MuJoCo.
        places: where the entries are, and where they go.
        out: written.
    """
    edges = places.edges
    source = places.source
    goal = places.goal
    factor = places.factor
    out[:] = 0.0
    gather(arrays.qpos, source, goal, factor, edges[0], edges[1], out)
    gather(arrays.qvel, source, goal, factor, edges[1], edges[2], out)
    gather(arrays.length, source, goal, factor, edges[2], edges[3], out)
    gather(arrays.velocity, source, goal, factor, edges[3], edges[4], out)
    gather(arrays.act, source, goal, factor, edges[4], edges[5], out)
    gather(arrays.mass, source, goal, factor, edges[5], edges[6], out)
    gather(arrays.bias, source, goal, factor, edges[6], edges[7], out)
    for i in range(edges[6], edges[7]):
        out[goal[i]] -= arrays.spring[source[i]] * factor[i]
    gather(arrays.moment, source, goal, factor, edges[7], edges[8], out)
    add_tip_speeds(arrays, places.tip_entries, places.tip_factor, out)
