"""Rows of many points at once are those that MuJoCo gives for one point after the other."""

import mujoco
import numpy as np
import pytest

from musclehand.motion.point_jacobian import PointJacobian


@pytest.mark.parametrize("seed", range(3))
def test_rows_are_mujocos(right_hand, seed):
    model, hand = right_hand
    rng = np.random.default_rng(seed)
    data = mujoco.MjData(model)
    low, high = model.jnt_range.T
    data.qpos[:] = low + rng.random(model.nq) * (high - low)
    mujoco.mj_kinematics(model, data)
    mujoco.mj_comPos(model, data)
    bodies = rng.integers(0, model.nbody, 30)
    places = 0.1 * rng.normal(size=(30, 3))
    directions = rng.normal(size=(30, 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    rows = PointJacobian(model, hand.dofs, hand.expand).rows(data, bodies, places, directions)
    jacobian = np.zeros((3, model.nv))
    for row, body, place, direction in zip(rows, bodies, places, directions, strict=True):
        mujoco.mj_jac(model, data, jacobian, None, place, int(body))
        assert row == pytest.approx(direction @ jacobian[:, hand.dofs] @ hand.expand, abs=1e-12)
