"""Records of a trajectory's optimisation problem, as the compiled kernels take them.

Rows are knots: equally spaced times of a window. The n unknowns of a knot are the independent joint
angles, then x, y, z of the wrist, then the yaw of the forearm, in the frame of a right hand's
keyboard.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from musclehand.planning.trajectory.chain import Chain

FOREARM_UNKNOWNS = 4
"""Unknowns behind the joint angles: x, y and z of the wrist, and the yaw of the forearm."""


class Tasks(NamedTuple):
    """What a hand should do at t knots."""

    tips: np.ndarray
    """[m] targets of the fingertips. Shape (t, 5, 3)."""

    weight: np.ndarray
    """[share] weights of their coordinates. Shape (t, 5, 3)."""

    floor: np.ndarray
    """[m] least heights of the fingertips. Shape (t, 5)."""

    floor_weight: np.ndarray
    """[share] weights of distances below these. Shape (t, 5)."""

    key: np.ndarray
    """Key that each digit plays, -1 for none. Shape (t, 5)."""

    home: np.ndarray
    """[rad, m] preferred unknowns. Shape (t, n)."""

    pull: np.ndarray
    """[1/rad^2, 1/m^2] weights of distances from these. Shape (t, n)."""


class Weights(NamedTuple):
    """Weights and distances of the tasks of a hand, the same at all knots."""

    tip: float
    """[1/m^2] of fingertips, on which those in `Tasks` are factors."""

    fingers: float
    """[1/m^2] of overlaps of digits."""

    finger_margin: float
    """[m] least distance between digits."""

    order: float
    """[1/m^2] of fingers out of order."""

    order_gap: float
    """[m] least distance along the keyboard between the far ends of neighbouring fingers' bones."""

    hands: float
    """[1/m^2] of overlaps with the other hand."""

    hand_margin: float
    """[m] least distance between the hands."""

    keys: float
    """[1/m^2] of overlaps with keys."""

    key_margin: float
    """[m] least distance between digits and keys that they do not play."""

    limit: float
    """[1/rad^2] of distances beyond the limits."""

    lower: np.ndarray
    """[rad, m] lower limits. Shape (n,)."""

    upper: np.ndarray
    """[rad, m] upper limits. Shape (n,)."""


class Smoothness(NamedTuple):
    """What a trajectory's bends cost."""

    jerk: np.ndarray
    """[1/rad^2, 1/m^2] weights of squared third differences. Shape (n,)."""

    bend: np.ndarray
    """[m, rad] largest second differences of wrist and yaw that cost nothing. Shape (4,)."""

    bend_weight: float
    """[1/m^2, 1/rad^2] of squared distances beyond these."""


class Poses(NamedTuple):
    """Where a hand is at t knots: j joints and c bones."""

    anchor: np.ndarray
    """[m] places of the joints. Shape (t, j, 3)."""

    axis: np.ndarray
    """Axes of the joints, unit vectors. Shape (t, j, 3)."""

    tips: np.ndarray
    """[m] fingertips. Shape (t, 5, 3)."""

    ends: np.ndarray
    """[m] ends of the bones. Shape (t, c, 2, 3)."""

    @classmethod
    def empty(cls, chain: Chain, knots: int) -> Poses:
        """Room for the poses of a hand, to be written.

        Args:
            chain: of the hand.
            knots: number of them.
        """
        joints = (knots, len(chain.column), 3)
        ends = np.empty((knots, len(chain.bone_body), 2, 3))
        return cls(np.empty(joints), np.empty(joints), np.empty((knots, 5, 3)), ends)


class Equations(NamedTuple):
    """Normal equations of t knots: their tasks' Gauss-Newton matrices and gradients."""

    hessian: np.ndarray
    """Lower triangles. Shape (t, n, n)."""

    gradient: np.ndarray
    """Shape (t, n)."""

    row: np.ndarray
    """Derivatives of the task that is being added. Shape (n,)."""

    @classmethod
    def zero(cls, knots: int, unknowns: int) -> Equations:
        """Equations without tasks.

        Args:
            knots: number of them.
            unknowns: of a knot.
        """
        hessian = np.zeros((knots, unknowns, unknowns))
        return cls(hessian, np.zeros((knots, unknowns)), np.zeros(unknowns))
