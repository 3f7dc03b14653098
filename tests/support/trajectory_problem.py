"""A small problem of trajectory optimisation: a hand above or in the keys, with chosen tasks."""

import numpy as np

from musclehand.motion.inverse_kinematics import HandIk
from musclehand.piano.geometry import keyboard_geometry, load_piano_parameters
from musclehand.planning.trajectory import kinematics, task_equations
from musclehand.planning.trajectory.chain import chain_of
from musclehand.planning.trajectory.keys import key_boxes
from musclehand.planning.trajectory.problem import Equations, Poses, Tasks, Weights

GEOMETRY = keyboard_geometry(load_piano_parameters())
IK = HandIk()
CHAIN = chain_of(IK.model, IK.index, IK.wrist)
KEYS = key_boxes(GEOMETRY, 1.0)
JOINTS = len(IK.posture)
UNKNOWNS = JOINTS + 4
MIDDLE = 62 - 21


def weights_of(**chosen):
    """Weights that are all zero but the chosen ones; limits are far away."""
    values = dict.fromkeys(Weights._fields, 0.0)
    values["lower"] = np.full(UNKNOWNS, -1e9)
    values["upper"] = np.full(UNKNOWNS, 1e9)
    return Weights(**{**values, **chosen})


def tasks_of(knots, **chosen):
    """Tasks without any weight but for the chosen ones."""
    values = {
        "tips": np.zeros((knots, 5, 3)),
        "weight": np.zeros((knots, 5, 3)),
        "floor": np.zeros((knots, 5)),
        "floor_weight": np.zeros((knots, 5)),
        "key": np.full((knots, 5), -1),
        "home": np.zeros((knots, UNKNOWNS)),
        "pull": np.zeros((knots, UNKNOWNS)),
    }
    values |= chosen
    values["pull"] = np.broadcast_to(values["pull"], (knots, UNKNOWNS)).copy()
    return Tasks(**values)


def hands_at(knots, seed=0, spread=0.1, height=0.09):
    """Unknowns of hands near the playing posture, over the middle of the keyboard."""
    rng = np.random.default_rng(seed)
    u = np.zeros((knots, UNKNOWNS))
    u[:, :JOINTS] = IK.posture + rng.uniform(-spread, spread, (knots, JOINTS))
    u[:, JOINTS:] = [GEOMETRY.x[MIDDLE], IK.playing.wrist_depth, height, 0.0]
    u[:, JOINTS:] += 0.1 * rng.uniform(-spread, spread, (knots, 4))
    return u


def poses_of(u, chain=CHAIN):
    poses = Poses.empty(chain, len(u))
    kinematics.pose_hand(chain, u, poses)
    return poses


def equations_of(u, tasks, weights, other=None, past=0):
    """Cost and normal equations."""
    if other is None:
        other = np.empty((0, len(CHAIN.bone_body), 2, 3))
    equations = Equations.zero(*u.shape)
    cost = task_equations.add_tasks(
        CHAIN, KEYS, tasks, weights, other, past, u, poses_of(u), equations
    )
    return cost, equations
