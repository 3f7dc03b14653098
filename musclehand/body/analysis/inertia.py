"""Inertia about the joints of a hand, armature included, beside what its parts can have at most.

A part of mass m within a distance L of an axis has at most m L^2 about it, however its mass is
distributed. Fingers and hands of people have a fifth to a third of that: a uniform rod has 0.33,
and the phalanges of Wu 2008 (`models/reference/performance.csv`) have 0.33 about their joints.
Armature adds to a joint's inertia in the simulation as mass does.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.hand_index import HandIndex, bodies_below

SMALLEST_REACH = 0.002
"""[m] Least distance from an axis, for parts without any extent."""

_CORNERS = np.array(list(itertools.product((-1.0, 1.0), repeat=3)))


class JointInertia(NamedTuple):
    """Inertia about the axes of n joints at neutral."""

    inertia: np.ndarray
    """[kg m^2] of all parts that the joint moves, and its armature; [kg] of a slide. Shape (n,)."""

    armature: np.ndarray
    """The part of it that is armature, in the same unit. Shape (n,)."""

    mass: np.ndarray
    """[kg] of the parts that the joint moves. Shape (n,)."""

    reach: np.ndarray
    """[m] Largest distance of these parts from the axis, 1 for a slide. Shape (n,)."""

    @property
    def most(self) -> np.ndarray:
        """[kg m^2] Largest inertia that parts of this mass and reach can have. Shape (n,)."""
        return self.mass * np.square(self.reach)

    @property
    def ratio(self) -> np.ndarray:
        """Inertia as a multiple of `most`: people's joints have 0.2 to 0.33. Shape (n,)."""
        return self.inertia / np.maximum(self.most, 1e-15)


def joint_inertia(model: mujoco.MjModel, hand: HandIndex) -> JointInertia:
    """Inertia of a hand's joints with all angles at 0.

    Args:
        model: any model.
        hand: the hand in the model.
    """
    data = mujoco.MjData(model)
    hand.pose(data, np.zeros(len(hand.joints)))
    mujoco.mj_forward(model, data)
    full = np.zeros((model.nv, model.nv))
    mujoco.mj_fullM(model, data, full)
    masses = []
    reaches = []
    for joint in hand.joint_ids(model):
        body = int(model.jnt_bodyid[joint])
        masses.append(float(model.body_subtreemass[body]))
        if model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_SLIDE:
            reaches.append(1.0)
            continue
        offsets = extent(model, data, bodies_below(model, body)) - data.xanchor[joint]
        axis = data.xaxis[joint]
        across = offsets - np.outer(offsets @ axis, axis)
        reaches.append(max(float(np.linalg.norm(across, axis=1).max()), SMALLEST_REACH))
    return JointInertia(
        inertia=np.diag(full)[hand.dofs],
        armature=np.array(model.dof_armature[hand.dofs]),
        mass=np.array(masses),
        reach=np.array(reaches),
    )


def extent(model: mujoco.MjModel, data: mujoco.MjData, bodies: set[int]) -> np.ndarray:
    """World points that span some bodies: their origins, sites, and corners of boxes around geoms.

    Surfaces that tendons wrap around are no part of a limb and do not count.

    Args:
        model: the model.
        data: its state, after `mj_kinematics`.
        bodies: ids of the bodies.

    Returns:
        Points [m]. Shape (p, 3).
    """
    kinds = [int(mujoco.mjtWrap.mjWRAP_SPHERE), int(mujoco.mjtWrap.mjWRAP_CYLINDER)]
    is_surface = np.isin(model.wrap_type, kinds)
    surfaces = set(model.wrap_objid[is_surface].tolist())
    ids = sorted(bodies)
    points = [data.xpos[ids], data.site_xpos[np.isin(model.site_bodyid, ids)]]
    for geom in np.flatnonzero(np.isin(model.geom_bodyid, ids)):
        if int(geom) not in surfaces:
            centre, half = np.split(model.geom_aabb[geom], 2)
            local = centre + _CORNERS * half
            points.append(data.geom_xpos[geom] + local @ data.geom_xmat[geom].reshape(3, 3).T)
    return np.vstack(points)
