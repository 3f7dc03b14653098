"""A hand whose muscles are silent: where it comes to rest, and the torques and stiffness of its
tissues.

Passive torque has two parts here: muscles stretched beyond their optimal length, and the springs of
joints and tendons. Contact of a joint with its limit is neither.
"""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.analysis.behaviour import data_at, prepared_copy, simulate
from musclehand.body.hand_index import HandIndex
from musclehand.body.posture import couple, sample_postures
from musclehand.core.errors import UnknownName

SETTLE_SECONDS = 7.0
DRIFT_SECONDS = 3.0
STIFFNESS_STEP = np.deg2rad(2.0)


class RestPosture(NamedTuple):
    """Where a hand comes to rest without excitation and gravity.

    `angles` [rad] after 10 s from all joints at 0, shape (n,); `others` the same from random
    postures, shape (k, n); `drift` [rad] how far each joint still moved in the last 3 s, the most
    over all starts, shape (n,); `spread` [rad] between the highest and the lowest end of all
    starts, shape (n,); `time` [s] and `traces` [rad] the movement from all joints at 0, shapes (s,)
    and (s, n).
    """

    angles: np.ndarray
    others: np.ndarray
    drift: np.ndarray
    spread: np.ndarray
    time: np.ndarray
    traces: np.ndarray


class PassiveTorque(NamedTuple):
    """Torque on every joint in its positive anatomical direction [N m], shapes (n,): of silent
    muscles, of springs."""

    muscles: np.ndarray
    springs: np.ndarray

    @property
    def total(self) -> np.ndarray:
        """Both together [N m]. Shape (n,)."""
        return self.muscles + self.springs


class PassiveCurve(NamedTuple):
    """Passive torque about one joint over its range: `angles` [rad], `muscles` and `springs` [N
    m], shapes (p,)."""

    angles: np.ndarray
    muscles: np.ndarray
    springs: np.ndarray


def rest_posture(
    model: mujoco.MjModel, hand: HandIndex, *, starts: int = 3, seed: int = 0
) -> RestPosture:
    """Lets the hand go, without excitation and gravity, from all joints at 0 and from random
    postures, for 10 s."""
    twin = prepared_copy(model, gravity=False)
    limits = hand.limits(twin)
    first = couple(hand, np.clip(np.zeros(len(hand.joints)), limits[:, 0], limits[:, 1]))
    postures = [first, *sample_postures(hand, limits, starts, np.random.default_rng(seed))]
    runs = [let_go(twin, hand, posture, SETTLE_SECONDS + DRIFT_SECONDS) for posture in postures]
    ends = np.array([run[-1] for run in runs])
    dt = twin.opt.timestep
    late = -round(DRIFT_SECONDS / dt)
    thin = max(1, round(0.02 / dt))
    return RestPosture(
        angles=ends[0],
        others=ends[1:],
        drift=np.max([np.ptp(run[late:], axis=0) for run in runs], axis=0),
        spread=np.ptp(ends, axis=0),
        time=np.arange(1, len(runs[0]) + 1)[::thin] * dt,
        traces=runs[0][::thin],
    )


def drift_from_springs(
    model: mujoco.MjModel, hand: HandIndex, seconds: float = DRIFT_SECONDS
) -> np.ndarray:
    """How far each joint moves away by itself from where the model says it is at ease, without
    gravity [rad].

    That is where its joint springs have no torque; in a model without springs, its default posture.
    Shape (n,).
    """
    twin = prepared_copy(model, gravity=False)
    start = twin.qpos_spring[hand.qpos] * hand.signs
    return np.abs(let_go(twin, hand, start, seconds) - start).max(axis=0)


def let_go(model: mujoco.MjModel, hand: HandIndex, start: np.ndarray, seconds: float) -> np.ndarray:
    """Joint angles [rad] over time of a hand without excitation, from the posture `start` (n,).
    Shape (s, n)."""
    steps = round(seconds / model.opt.timestep)
    silent = np.broadcast_to(np.zeros(len(hand.muscles)), (steps, len(hand.muscles)))
    return simulate(model, data_at(model, hand, start), hand, silent).angles


def passive_torque(model: mujoco.MjModel, hand: HandIndex, posture: np.ndarray) -> PassiveTorque:
    """Torque of silent muscles and of springs in a posture, anatomical angles [rad] (n,), at
    standstill."""
    data = data_at(model, hand, posture)
    return PassiveTorque(
        data.qfrc_actuator[hand.dofs] * hand.signs, data.qfrc_spring[hand.dofs] * hand.signs
    )


def reduced(hand: HandIndex, torque: np.ndarray) -> np.ndarray:
    """Torque as the independent joints feel it: joints that follow another one add to it. Shape
    (n,) to (k,)."""
    return hand.expand.T @ torque


def passive_stiffness(model: mujoco.MjModel, hand: HandIndex, posture: np.ndarray) -> PassiveTorque:
    """Loss of passive torque by angle of every independent joint about a posture [N m/rad]. Shapes
    (k,), not (n,).

    Central difference over 4 degrees; joints that follow move along. Published for the healthy MCP
    joint are 0.033 to 0.047 N m/rad (PMC7775510, table 2).
    """
    parts = np.empty((2, len(hand.independent)))
    for i in range(len(hand.independent)):
        ends = [
            passive_torque(model, hand, posture + step * hand.expand[:, i])
            for step in (-STIFFNESS_STEP, STIFFNESS_STEP)
        ]
        for part in range(2):
            parts[part, i] = reduced(hand, ends[0][part] - ends[1][part])[i] / (
                2.0 * STIFFNESS_STEP
            )
    return PassiveTorque(parts[0], parts[1])


def passive_curve(
    model: mujoco.MjModel, hand: HandIndex, joint: str, posture: np.ndarray, points: int = 41
) -> PassiveCurve:
    """Passive torque about an independent joint over its range, the others as in `posture` (n,).

    Raises:
        UnknownName: not an independent joint of the hand.
    """
    names = [hand.joints[i] for i in hand.independent]
    if joint not in names:
        raise UnknownName("joint", joint, names)
    column = names.index(joint)
    place = hand.joints.index(joint)
    low, high = hand.limits(model)[place]
    angles = np.linspace(low, high, points)
    torques = [
        passive_torque(model, hand, posture + (angle - posture[place]) * hand.expand[:, column])
        for angle in angles
    ]
    muscles = np.array([reduced(hand, torque.muscles)[column] for torque in torques])
    springs = np.array([reduced(hand, torque.springs)[column] for torque in torques])
    return PassiveCurve(angles, muscles, springs)
