"""MuJoCo's matrices of a whole scene, dense: what gathered parts of them are held against."""

import mujoco
import numpy as np


def dense_dynamics(model, data):
    """The mass matrix, shape (nv, nv), and moment arms d(length)/d(qpos) of the actuators, (nu,
    nv)."""
    mass = np.zeros((model.nv, model.nv))
    moment = np.zeros((model.nu, model.nv))
    mujoco.mj_fullM(model, data, mass)
    mujoco.mju_sparse2dense(
        moment, data.actuator_moment, data.moment_rownnz, data.moment_rowadr, data.moment_colind
    )
    return mass, moment
