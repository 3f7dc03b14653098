"""Jacobian of many points of a hand along given directions, in a single matrix product.

The rows equal those of `mujoco.mj_jac` for each point, from the same quantities: `cdof`, the motion
axes of all joints about the centre of mass of the tree.
"""

from __future__ import annotations

import mujoco
import numpy as np

_NEXT = np.array([1, 2, 0])
_LAST = np.array([2, 0, 1])
"""Cyclic axes: a cross product is `a[_NEXT] b[_LAST] - a[_LAST] b[_NEXT]`."""


class PointJacobian:
    """Computes rows of the Jacobian for points on any bodies of a kinematic tree."""

    def __init__(self, model: mujoco.MjModel, dofs: np.ndarray, expand: np.ndarray) -> None:
        """Prepare the ancestor relations of bodies and joints.

        Args:
            model: the model.
            dofs: degrees of freedom that are not fixed, all of one tree. Shape (n,).
            expand: matrix from velocities of the k independent joints to those of `dofs`. Shape
                (n, k).
        """
        self._dofs = dofs
        self._expand = expand
        self._root = int(model.body_rootid[model.dof_bodyid[dofs[0]]])
        self._moved = np.zeros((model.nbody, len(dofs)))
        for body in range(1, model.nbody):
            self._moved[body] = self._moved[model.body_parentid[body]]
            self._moved[body, model.dof_bodyid[dofs] == body] = 1.0

    def rows(
        self, data: mujoco.MjData, bodies: np.ndarray, points: np.ndarray, directions: np.ndarray
    ) -> np.ndarray:
        """Speed of points along directions per joint velocity [m/rad].

        Args:
            data: data after `mj_kinematics` and `mj_comPos`.
            bodies: ids of the bodies that the points move with. Shape (n,).
            points: positions of the points, world frame [m]. Shape (n, 3).
            directions: unit vectors, world frame. Shape (n, 3).

        Returns:
            Rows of the Jacobian. Shape (n, k).
        """
        arm = points - data.subtree_com[self._root]
        twist = np.empty((len(bodies), 6))
        # n . (v + w x r) = w . (r x n) + n . v
        turning = twist[:, :3]
        np.multiply(arm.take(_NEXT, axis=1), directions.take(_LAST, axis=1), out=turning)
        turning -= arm.take(_LAST, axis=1) * directions.take(_NEXT, axis=1)
        twist[:, 3:] = directions
        rows = twist @ data.cdof.take(self._dofs, axis=0).T
        rows *= self._moved.take(bodies, axis=0)
        return rows @ self._expand
