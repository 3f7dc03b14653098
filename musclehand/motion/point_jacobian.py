"""How fast points of a hand move along given directions when its joints do: all points in one
matrix product.

What `mujoco.mj_jac` gives for one point, from the same quantities (`cdof`, the motion axes of all
joints about the centre of mass of the tree).
"""

from __future__ import annotations

import mujoco
import numpy as np

_NEXT = np.array([1, 2, 0])
_LAST = np.array([2, 0, 1])
"""Axes in turn: a cross product is `a[_NEXT] b[_LAST] - a[_LAST] b[_NEXT]`."""


class PointJacobian:
    """Rows of the Jacobian of points on any bodies of one tree."""

    def __init__(self, model: mujoco.MjModel, dofs: np.ndarray, expand: np.ndarray) -> None:
        """`dofs` (n,) that count, and `expand` (n, k) from velocities of independent joints to
        theirs."""
        self._dofs = dofs
        self._expand = expand
        self._root = int(model.body_rootid[model.dof_bodyid[dofs[0]]])
        self._moved = np.zeros((model.nbody, len(dofs)))
        for body in range(1, model.nbody):
            self._moved[body] = self._moved[model.body_parentid[body]]
            self._moved[body, model.dof_bodyid[dofs] == body] = 1.0

    def rows(
        self, data: mujoco.MjData, bodies: np.ndarray, places: np.ndarray, directions: np.ndarray
    ) -> np.ndarray:
        """Speed of points along directions per joint velocity [m/rad]. Shape (n, k).

        Args:
            data: with `mj_kinematics` and `mj_comPos` done.
            bodies: that the points move with. Shape (n,).
            places: of the points, world [m]. Shape (n, 3).
            directions: world, of length 1. Shape (n, 3).
        """
        arm = places - data.subtree_com[self._root]
        twist = np.empty((len(bodies), 6))
        # n . (v + w x r) = w . (r x n) + n . v
        turning = twist[:, :3]
        np.multiply(arm.take(_NEXT, axis=1), directions.take(_LAST, axis=1), out=turning)
        turning -= arm.take(_LAST, axis=1) * directions.take(_NEXT, axis=1)
        twist[:, 3:] = directions
        rows = twist @ data.cdof.take(self._dofs, axis=0).T
        rows *= self._moved.take(bodies, axis=0)
        return rows @ self._expand
