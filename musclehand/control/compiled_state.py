"""Picking a hand's state out of MuJoCo's sparse arrays, compiled (see `compiled`).

Tests hold it against MuJoCo's own dense matrices.
"""

from __future__ import annotations

import numpy as np

from musclehand.control.compiled import compiled


@compiled
def gather(values: np.ndarray, source: np.ndarray, goal: np.ndarray, factor: np.ndarray, out: np.ndarray) -> None:
    """Sums of `values[source] * factor` at `goal`, 0 elsewhere. All flat."""
    out[:] = 0.0
    for i in range(source.size):
        out[goal[i]] += values[source[i]] * factor[i]


@compiled
def take(values: np.ndarray, source: np.ndarray, out: np.ndarray) -> None:
    """`values[source]`. All flat."""
    for i in range(source.size):
        out[i] = values[source[i]]


@compiled
def tip_speeds(
    turning: np.ndarray,
    sites: np.ndarray,
    centres: np.ndarray,
    site: np.ndarray,
    root: np.ndarray,
    dof: np.ndarray,
    goal: np.ndarray,
    factor: np.ndarray,
    stride: int,
    out: np.ndarray,
) -> None:
    """Velocity of points for each joint's, v + w x r, x y z `stride` entries apart. `out` is flat.

    Args:
        turning: axes (w, v) of all dofs about the centre of mass of their tree (`cdof`). Shape (nv, 6).
        sites: positions of all sites [m]. Shape (nsite, 3).
        centres: centres of mass of all trees [m]. Shape (nbody, 3).
        site, root, dof, goal, factor: which point moves with which dof of which tree, and where in `out` that is
            added how often. Shapes (n,).
        stride: between rows of `out`.
        out: written.
    """
    out[:] = 0.0
    for i in range(site.size):
        rx = sites[site[i], 0] - centres[root[i], 0]
        ry = sites[site[i], 1] - centres[root[i], 1]
        rz = sites[site[i], 2] - centres[root[i], 2]
        axis = turning[dof[i]]
        first, times = goal[i], factor[i]
        out[first] += times * (axis[3] + axis[1] * rz - axis[2] * ry)
        out[first + stride] += times * (axis[4] + axis[2] * rx - axis[0] * rz)
        out[first + 2 * stride] += times * (axis[5] + axis[0] * ry - axis[1] * rx)


@compiled
def read(
    qpos: np.ndarray,
    qvel: np.ndarray,
    mass: np.ndarray,
    bias: np.ndarray,
    spring: np.ndarray,
    moment: np.ndarray,
    length: np.ndarray,
    velocity: np.ndarray,
    act: np.ndarray,
    addresses: tuple[np.ndarray, ...],
    places: tuple[tuple[np.ndarray, np.ndarray, np.ndarray], ...],
    edges: np.ndarray,
    out: np.ndarray,
) -> None:
    """What is only picked out of MuJoCo's arrays (the first nine), as `take` and `gather` do it.

    `addresses`: in qpos, qvel, actuators and act; `places`: three of mass, two of load, one of moment. `out`, flat and
    written, between `edges`: qpos, qvel, length, velocity, act, and then for each of `places`.
    """
    take(qpos, addresses[0], out[edges[0] : edges[1]])
    take(qvel, addresses[1], out[edges[1] : edges[2]])
    take(length, addresses[2], out[edges[2] : edges[3]])
    take(velocity, addresses[2], out[edges[3] : edges[4]])
    take(act, addresses[3], out[edges[4] : edges[5]])
    load = bias - spring
    for i in range(3):
        gather(mass, places[i][0], places[i][1], places[i][2], out[edges[5 + i] : edges[6 + i]])
    for i in range(3, 5):
        gather(load, places[i][0], places[i][1], places[i][2], out[edges[5 + i] : edges[6 + i]])
    gather(moment, places[5][0], places[5][1], places[5][2], out[edges[10] : edges[11]])
