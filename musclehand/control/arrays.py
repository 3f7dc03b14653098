"""The arrays that muscle control works on, as records: state of the hands, targets, constants.

Compiled kernels take these records and read their fields by name. All arrays are contiguous doubles
where nothing else is said. Shapes: h hands, k independent joints of each, m muscles, c degrees of
freedom of the forearm base.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class HandState(NamedTuple):
    """The state of h hands with k independent joints, m muscles and c degrees of freedom of the
    forearm base (0 where the elbow is fixed)."""

    qpos: np.ndarray
    """[rad] independent joints. Shape (h, k)."""

    qvel: np.ndarray
    """[rad/s] their velocities. Shape (h, k)."""

    length: np.ndarray
    """[m] muscles. Shape (h, m)."""

    velocity: np.ndarray
    """[m/s] of the muscles. Shape (h, m)."""

    act: np.ndarray
    """Activations of the muscles, 0 to 1. Shape (h, m)."""

    inertia: np.ndarray
    """Of the independent joints [kg m^2]. Shape (h, k, k)."""

    coupling: np.ndarray
    """Torque on the joints for each acceleration of the forearm base. Shape (h, k, c)."""

    forearm_inertia: np.ndarray
    """Inertia of the forearm base [kg, kg m, kg m^2]. Shape (h, c, c)."""

    load: np.ndarray
    """[N m] torque that gravity, motion and springs ask of the joints. Shape (h, k)."""

    forearm_load: np.ndarray
    """[N, N m] what they ask of the forearm base. Shape (h, c)."""

    arms: np.ndarray
    """[m] moment arms, d(length)/d(qpos). Shape (h, m, k)."""

    tips: np.ndarray
    """[m/rad] velocity of the fingertips for each joint's. Shape (h, 15, k)."""


class HandPlaces(NamedTuple):
    """Where the entries of all hands lie in MuJoCo's arrays, and where they go in a flat state."""

    edges: np.ndarray
    """Where in the three arrays below the entries of `MujocoState`'s fields begin and end: qpos,
    qvel, length, velocity, act, mass, bias (less spring), moment. Shape (9,)."""

    source: np.ndarray
    """Address in MuJoCo's array. Shape (n,)."""

    goal: np.ndarray
    """Address in the flat state. Shape (n,)."""

    factor: np.ndarray
    """Factor on the entry. Shape (n,)."""

    tip_entries: np.ndarray
    """Site of a fingertip, root of its tree, dof that moves it, and where x, y and z of the
    velocity go. Shape (t, 6)."""

    tip_factor: np.ndarray
    """Factor on these velocities. Shape (t,)."""


class MujocoState(NamedTuple):
    """MuJoCo's arrays that a `HandState` is read from; names of `MjData` where they differ."""

    qpos: np.ndarray
    """Joint positions."""

    qvel: np.ndarray
    """Joint velocities."""

    length: np.ndarray
    """`actuator_length`."""

    velocity: np.ndarray
    """`actuator_velocity`."""

    act: np.ndarray
    """Activations."""

    mass: np.ndarray
    """`M`, half of the sparse mass matrix."""

    bias: np.ndarray
    """`qfrc_bias`."""

    spring: np.ndarray
    """`qfrc_spring`."""

    moment: np.ndarray
    """`ten_J`, sparse."""

    cdof: np.ndarray
    """Axes of all dofs about the centre of mass of their tree. Shape (nv, 6)."""

    site_xpos: np.ndarray
    """[m] sites. Shape (nsite, 3)."""

    subtree_com: np.ndarray
    """[m] centres of mass of all trees. Shape (nbody, 3)."""


class HandTarget(NamedTuple):
    """What h hands should do at the end of a control interval."""

    qpos: np.ndarray
    """[rad] independent joints. Shape (h, k)."""

    qvel: np.ndarray
    """[rad/s] their velocities. Shape (h, k)."""

    press: np.ndarray
    """[N] force down on each fingertip. Shape (h, 5)."""

    forearm_acc: np.ndarray
    """[m/s^2, rad/s^2] acceleration of the forearm base. Shape (h, 6), or (h, 0) where the elbow is
    fixed."""

    key_mass: np.ndarray | None = None
    """[kg] what each fingertip moves along in height; None for nothing. Shape (h, 5)."""

    key_damping: np.ndarray | None = None
    """[N s/m] damping of that; None for none. Shape (h, 5)."""


class MuscleForces(NamedTuple):
    """Forces of muscles as `gain * act + bias`."""

    gain: np.ndarray
    """[N] at full activation; negative, as MuJoCo counts pull. Shape (h, m)."""

    bias: np.ndarray
    """[N] passive. Shape (h, m)."""


class ActivationRange(NamedTuple):
    """Activations that muscles can reach within a control interval."""

    low: np.ndarray
    """Lowest. Shape (h, m)."""

    high: np.ndarray
    """Highest. Shape (h, m)."""


class TaskConstants(NamedTuple):
    """What the tasks of all control steps have in common."""

    interval: float
    """[s] control interval."""

    joint_weight: float
    """[m/rad] weight of joint against fingertip velocity."""

    rate: np.ndarray
    """[1/s] at which position errors are closed. Shape (k,)."""

    damping: np.ndarray
    """[N m s/rad] of the joints. Shape (h, k, k)."""
