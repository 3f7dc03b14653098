"""Strength of wrist and forearm by direction: the largest isometric torque over the joint's angle.

In a measurement the forearm is clamped, and a dynamometer takes the torque about one axis. Torques
about the other axes of wrist and forearm are carried by the clamps. What the fingers do is less
certain. If a handle or pads hold them, their muscles turn the wrist as strongly as they can
(`held`). If they are free, their torques must be in balance, or they would curl up (`free`). People
lie between the two: they do not excite all finger muscles to turn a wrist.

Muscles are active at their length, at zero velocity. Passive tension is left out, as measurements
subtract it.
"""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np
from scipy.optimize import linprog

from musclehand.body.analysis.behaviour import rest_angles
from musclehand.body.analysis.moment_arm import independent_arms, muscle_geometry
from musclehand.body.analysis.strength import anatomical_coupling, muscle_limits
from musclehand.body.anatomy import WRIST_JOINTS
from musclehand.body.hand_index import HandIndex
from musclehand.body.posture import couple
from musclehand.core.errors import UnknownName

MEASURED_DEG = {"pro_sup": (-60, 60), "deviation": (-20, 30), "flexion": (-70, 60)}
"""[deg] Angles over which the largest torque is sought, those of the published measurements; a
model's limits narrow them."""

STEP_DEG = 10
"""[deg] Largest step between two angles; chosen, curves are smooth."""


class WristStrength(NamedTuple):
    """Largest active torques of all muscles about one joint of wrist or forearm over its angle.

    The first column is the joint's positive anatomical direction, the second its negative one
    (`anatomy.directions`). All torques count as positive.
    """

    angles: np.ndarray
    """[rad] Angles of the joint. Shape (p,)."""

    free: np.ndarray
    """[N m] With the torques of all digits in balance. Shape (p, 2)."""

    held: np.ndarray
    """[N m] With the digits held, so that every muscle may pull. Shape (p, 2)."""

    @property
    def peak_free(self) -> np.ndarray:
        """Largest value of `free` over the angle [N m]. Shape (2,)."""
        return self.free.max(axis=0)

    @property
    def peak_held(self) -> np.ndarray:
        """Largest value of `held` over the angle [N m]. Shape (2,)."""
        return self.held.max(axis=0)


def wrist_strength(
    model: mujoco.MjModel,
    hand: HandIndex,
    joint: str,
    *,
    angles: np.ndarray | None = None,
    posture: np.ndarray | None = None,
) -> WristStrength:
    """Largest isometric torque about a joint of wrist or forearm, in both directions.

    With the digits held it is the sum of all torques of that direction. With free digits it is a
    linear programme over the tensions, in which all independent joints of all digits have no
    torque. The other axes of wrist and forearm are clamped in both.

    Args:
        model: any model.
        hand: the hand in the model.
        joint: one of `anatomy.WRIST_JOINTS`.
        angles: anatomical angles of the joint [rad], by default `MEASURED_DEG` within the limits.
            Shape (p,).
        posture: angles of the other joints [rad], by default at rest with a neutral wrist. Shape
            (n,).

    Raises:
        UnknownName: the joint is none of wrist and forearm, or the hand does not have it.
        ModelError: a muscle whose force is not MuJoCo's muscle model.
    """
    present = [name for name in WRIST_JOINTS if name in hand.joints]
    if joint not in present:
        raise UnknownName("joint", joint, present)
    hand = anatomical_coupling(hand)
    column = hand.joints.index(joint)
    if posture is None:
        posture = rest_angles(model, hand)
        posture[[hand.joints.index(name) for name in present]] = 0.0
    if angles is None:
        angles = _measured_angles(joint, hand.limits(model)[column])
    postures = np.repeat(np.asarray(posture, dtype=float)[None], len(angles), axis=0)
    postures[:, column] = angles
    geometry = muscle_geometry(model, hand, couple(hand, postures))
    active = muscle_limits(model, hand, geometry.lengths).active
    torques = independent_arms(hand, geometry.arms) * active[..., None]
    names = [hand.joints[i] for i in hand.independent]
    about = torques[..., names.index(joint)]
    digits = torques[..., [i for i, name in enumerate(names) if name not in WRIST_JOINTS]]
    held = np.stack([np.clip(sign * about, 0.0, None).sum(axis=1) for sign in (1, -1)], axis=1)
    free = np.array(
        [
            [_balanced(sign * turn, balance) for sign in (1, -1)]
            for turn, balance in zip(about, digits, strict=True)
        ]
    )
    return WristStrength(np.asarray(angles, dtype=float), free, held)


def _measured_angles(joint: str, limits: np.ndarray) -> np.ndarray:
    """`MEASURED_DEG` within the joint's limits [rad], with 0 among them. Shape (p,)."""
    low, high = np.clip(np.deg2rad(MEASURED_DEG[joint]), limits[0], limits[1])
    step = np.deg2rad(STEP_DEG)
    count = max(1, int(np.ceil((high - low) / step)))
    angles = np.linspace(low, high, count + 1)
    return np.unique([*angles, 0.0]) if low < 0.0 < high else angles


def _balanced(torque: np.ndarray, digits: np.ndarray) -> float:
    """Largest sum of `torque` times activations from 0 to 1, with no torque on the digits [N m].

    Args:
        torque: of each muscle at full activation [N m]. Shape (m,).
        digits: the same about the digits' k independent joints [N m]. Shape (m, k).
    """
    # Activation 0 is always feasible, so that a solution exists.
    solution = linprog(
        -torque, A_eq=digits.T, b_eq=np.zeros(digits.shape[1]), bounds=(0.0, 1.0), method="highs"
    )
    return float(-solution.fun) if solution.fun is not None else 0.0
