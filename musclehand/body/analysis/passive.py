"""Passive mechanics of a hand without excitation: rest posture, passive torques and stiffness.

Passive torque has two parts: muscles stretched beyond their optimal length, and springs of joints
and tendons. The force of a joint limit belongs to neither.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.analysis.behaviour import data_at, prepared_copy, simulate
from musclehand.body.anatomy import WRIST_JOINTS
from musclehand.body.hand_index import HandIndex
from musclehand.body.posture import couple, sample_postures
from musclehand.core.errors import UnknownName

SETTLE_SECONDS = 7.0
"""[s] Time for a released hand to come to rest; chosen."""

DRIFT_SECONDS = 3.0
"""[s] Time after that over which the remaining drift is measured; chosen."""

STIFFNESS_STEP = np.deg2rad(2.0)
"""[rad] Step of the central difference of stiffness; chosen."""

NEWTON_STEP = 1e-4
"""[rad] Step of the stiffness in the search for a settled posture; chosen, far above rounding."""

MOST_ITERATIONS = 60
"""Most iterations of that search; chosen, ten are usual."""

SETTLED_TORQUE = 1e-5
"""[N m] Largest torque of a settled joint; chosen, a thousandth of what moves a finger."""

LEAST_STIFFNESS = 2e-3
"""[N m/rad] Softer directions count as this stiff in the search; chosen, a twentieth of a knuckle's
stiffness."""

LARGEST_MOVE = 0.2
"""[rad] Largest movement in an iteration; chosen."""


class RestPosture(NamedTuple):
    """Posture in which a hand comes to rest without excitation and gravity."""

    angles: np.ndarray
    """[rad] Angles after 10 s, from all joints at 0. Shape (n,)."""

    random_starts: np.ndarray
    """[rad] Angles after 10 s, from random postures. Shape (k, n)."""

    drift: np.ndarray
    """[rad] Movement of each joint in the last 3 s, largest over all starts. Shape (n,)."""

    spread: np.ndarray
    """[rad] Range of the final angles over all starts. Shape (n,)."""

    time: np.ndarray
    """[s] Times of `traces`. Shape (s,)."""

    traces: np.ndarray
    """[rad] Movement from all joints at 0. Shape (s, n)."""


class PassiveTorque(NamedTuple):
    """Passive torque on every joint, positive in its positive anatomical direction."""

    muscles: np.ndarray
    """[N m] Torque of muscles without activation. Shape (n,)."""

    springs: np.ndarray
    """[N m] Torque of springs. Shape (n,)."""

    @property
    def total(self) -> np.ndarray:
        """Sum of both parts [N m]. Shape (n,)."""
        return self.muscles + self.springs


class PassiveCurve(NamedTuple):
    """Passive torque about one joint over its range."""

    angles: np.ndarray
    """[rad] Angles of the joint. Shape (p,)."""

    muscles: np.ndarray
    """[N m] Torque of muscles without activation. Shape (p,)."""

    springs: np.ndarray
    """[N m] Torque of springs. Shape (p,)."""

    @property
    def total(self) -> np.ndarray:
        """Sum of both parts [N m]. Shape (p,)."""
        return self.muscles + self.springs


def rest_posture(
    model: mujoco.MjModel, hand: HandIndex, *, starts: int = 3, seed: int = 0
) -> RestPosture:
    """Simulates the release of a hand for 10 s, without excitation and gravity.

    Args:
        model: any model.
        hand: the hand in the model.
        starts: number of random starting postures besides that with all joints at 0.
        seed: of the random postures.
    """
    twin = prepared_copy(model, gravity=False)
    limits = hand.limits(twin)
    zero = couple(hand, np.clip(np.zeros(len(hand.joints)), limits[:, 0], limits[:, 1]))
    postures = [zero, *sample_postures(hand, limits, starts, np.random.default_rng(seed))]
    runs = [
        release_hand(twin, hand, posture, SETTLE_SECONDS + DRIFT_SECONDS) for posture in postures
    ]
    ends = np.array([run[-1] for run in runs])
    dt = twin.opt.timestep
    end_part = slice(-round(DRIFT_SECONDS / dt), None)
    stride = max(1, round(0.02 / dt))
    return RestPosture(
        angles=ends[0],
        random_starts=ends[1:],
        drift=np.max([np.ptp(run[end_part], axis=0) for run in runs], axis=0),
        spread=np.ptp(ends, axis=0),
        time=np.arange(1, len(runs[0]) + 1)[::stride] * dt,
        traces=runs[0][::stride],
    )


def drift_from_springs(
    model: mujoco.MjModel, hand: HandIndex, seconds: float = DRIFT_SECONDS
) -> np.ndarray:
    """Passive movement of each joint away from the rest posture of its springs, without gravity.

    A model without springs starts in its default posture.

    Args:
        model: any model.
        hand: the hand in the model.
        seconds: duration [s].

    Returns:
        Largest distance from the start [rad]. Shape (n,).
    """
    twin = prepared_copy(model, gravity=False)
    start = twin.qpos_spring[hand.qpos] * hand.signs
    return np.abs(release_hand(twin, hand, start, seconds) - start).max(axis=0)


def release_hand(
    model: mujoco.MjModel, hand: HandIndex, start: np.ndarray, seconds: float
) -> np.ndarray:
    """Simulates a hand without excitation.

    Args:
        model: any model.
        hand: the hand in the model.
        start: posture at the beginning [rad]. Shape (n,).
        seconds: duration [s].

    Returns:
        Anatomical angles after every step [rad]. Shape (s, n).
    """
    steps = round(seconds / model.opt.timestep)
    silent = np.broadcast_to(np.zeros(len(hand.muscles)), (steps, len(hand.muscles)))
    return simulate(model, data_at(model, hand, start), hand, silent).angles


def passive_torque(model: mujoco.MjModel, hand: HandIndex, posture: np.ndarray) -> PassiveTorque:
    """Passive torques in a posture at rest.

    Args:
        model: any model.
        hand: the hand in the model.
        posture: anatomical angles [rad]. Shape (n,).
    """
    return _passive_torque(data_at(model, hand, posture), hand)


def _passive_torque(data: mujoco.MjData, hand: HandIndex) -> PassiveTorque:
    return PassiveTorque(
        data.qfrc_actuator[hand.dofs] * hand.signs, data.qfrc_spring[hand.dofs] * hand.signs
    )


def independent_torque(hand: HandIndex, torque: np.ndarray) -> np.ndarray:
    """Generalised torque on the independent joints, to which coupled joints contribute.

    Args:
        hand: the hand.
        torque: torque on all joints [N m]. Shape (n,).

    Returns:
        Torque on the independent joints [N m]. Shape (k,).
    """
    return hand.expand.T @ torque


def passive_stiffness(model: mujoco.MjModel, hand: HandIndex, posture: np.ndarray) -> PassiveTorque:
    """Passive stiffness of every independent joint, by central difference over 4 degrees.

    Coupled joints move with their drivers. Published for the healthy MCP joint are 0.033 to 0.047
    N m/rad (PMC7775510, table 2).

    Args:
        model: any model.
        hand: the hand in the model.
        posture: anatomical angles [rad]. Shape (n,).

    Returns:
        Stiffness [N m/rad] of muscles and springs. Shapes (k,), not (n,).
    """
    parts = np.empty((2, len(hand.independent)))
    for i in range(len(hand.independent)):
        ends = [
            passive_torque(model, hand, posture + step * hand.expand[:, i])
            for step in (-STIFFNESS_STEP, STIFFNESS_STEP)
        ]
        for part in range(2):
            loss = independent_torque(hand, ends[0][part] - ends[1][part])[i]
            parts[part, i] = loss / (2.0 * STIFFNESS_STEP)
    return PassiveTorque(parts[0], parts[1])


def passive_curve(
    model: mujoco.MjModel,
    hand: HandIndex,
    joint: str,
    posture: np.ndarray,
    points: int = 41,
    *,
    angles: np.ndarray | None = None,
    settled: bool = False,
) -> PassiveCurve:
    """Passive torque about an independent joint over its range.

    Args:
        model: any model.
        hand: the hand in the model.
        joint: anatomical name of the joint.
        posture: angles of the other joints [rad]. Shape (n,).
        points: number of evenly spaced angles.
        angles: instead of these, angles of the joint [rad]. Shape (p,).
        settled: whether all other joints of digits move to where they have no passive torque, as
            relaxed fingers do when the wrist is turned. The wrist's other joints are held.

    Raises:
        UnknownName: not an independent joint of the hand.
    """
    names = [hand.joints[i] for i in hand.independent]
    if joint not in names:
        raise UnknownName("joint", joint, names)
    column = names.index(joint)
    place = hand.joints.index(joint)
    if angles is None:
        low, high = hand.limits(model)[place]
        angles = np.linspace(low, high, points)
    held = {joint, *WRIST_JOINTS}
    torques = []
    current = np.asarray(posture, dtype=float)
    for angle in angles:
        current = current + (angle - current[place]) * hand.expand[:, column]
        if settled:
            current = settled_posture(model, hand, current, held)
        torques.append(passive_torque(model, hand, current))
    muscles = np.array([independent_torque(hand, torque.muscles)[column] for torque in torques])
    springs = np.array([independent_torque(hand, torque.springs)[column] for torque in torques])
    return PassiveCurve(np.asarray(angles, dtype=float), muscles, springs)


def settled_posture(
    model: mujoco.MjModel, hand: HandIndex, posture: np.ndarray, held: Collection[str]
) -> np.ndarray:
    """Posture in which joints that are not held have no passive torque, or push at a limit.

    Newton's method with numerical stiffness, from the given posture. Gravity and friction do not
    count. Joints without any passive torque stay where they are.

    Args:
        model: any model.
        hand: the hand in the model.
        posture: anatomical angles to start from [rad]. Shape (n,).
        held: names of joints that do not move.

    Returns:
        Anatomical angles [rad]. Shape (n,).
    """
    limits = hand.limits(model)[hand.independent]
    movable = np.array([hand.joints[i] not in held for i in hand.independent])
    start = np.asarray(posture, dtype=float)[hand.independent]
    angles = np.where(movable, np.clip(start, limits[:, 0], limits[:, 1]), start)

    data = mujoco.MjData(model)

    def torque(values: np.ndarray) -> np.ndarray:
        hand.pose(data, hand.expand @ values)
        mujoco.mj_forward(model, data)
        return independent_torque(hand, _passive_torque(data, hand).total)

    push = torque(angles)
    for _ in range(MOST_ITERATIONS):
        stopped = ((angles <= limits[:, 0]) & (push < 0.0)) | (
            (angles >= limits[:, 1]) & (push > 0.0)
        )
        free = np.flatnonzero(movable & ~stopped)
        if not len(free) or np.abs(push[free]).max() < SETTLED_TORQUE:
            break
        stiffness = np.empty((len(free), len(free)))
        for row, i in enumerate(free):
            moved = angles.copy()
            moved[i] += NEWTON_STEP
            stiffness[:, row] = (push - torque(moved))[free] / NEWTON_STEP
        # Stretched muscles may add negative stiffness: the least eigenvalue is kept above zero.
        values, vectors = np.linalg.eigh(0.5 * (stiffness + stiffness.T))
        share = (vectors.T @ push[free]) / np.maximum(np.abs(values), LEAST_STIFFNESS)
        step = np.clip(vectors @ share, -LARGEST_MOVE, LARGEST_MOVE)
        angles[free] = np.clip(angles[free] + step, limits[free, 0], limits[free, 1])
        push = torque(angles)
    return np.asarray(hand.expand @ angles)
