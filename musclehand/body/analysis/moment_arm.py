"""Moment arms: how far each muscle's line of pull passes from each joint, in any posture of any
hand model.

The one convention: `moment_arm = -d(length)/d(angle)` [m] with the angle in anatomical values, so
that a tension [N] times its arm is the torque [N m] on the joint, and a positive arm drives the
joint in its positive direction (`anatomy.directions(joint)[0]`). MuJoCo's own `actuator_moment` is
d(length)/d(qpos), of the opposite sign.

Lengths are those of MuJoCo's actuators: the tendon's path times the gear, which is 1 in all known
hands.
"""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.hand_index import HandIndex
from musclehand.body.posture import couple, place
from musclehand.core.errors import InvalidValue, ModelError, UnknownName

FINEST_STEP = float(np.deg2rad(0.5))
"""Largest joint movement between two looks at a path [rad]; arms of smooth paths change by some
0.1 mm over it."""


class Geometry(NamedTuple):
    """Lengths (p, m) [m] and moment arms (p, m, n) [m] of m muscles about n joints in p
    postures."""

    lengths: np.ndarray
    arms: np.ndarray


class Sweep(NamedTuple):
    """Arms about one joint over its range: `angles` (count,) [rad], `arms` (count, m) [m]."""

    angles: np.ndarray
    arms: np.ndarray


class Jumps(NamedTuple):
    """The largest discontinuity of each muscle: `length` (m,) [m] and `arm` (m,) [m].

    `segments` (m,) is the share of segments on which the muscle jumps by more than 0.3 mm in length
    or 2 mm in arm.
    """

    length: np.ndarray
    arm: np.ndarray
    segments: np.ndarray


class MirrorError(NamedTuple):
    """Largest difference between two hands in equal anatomical postures: `lengths` (m,) [m],
    `arms` (m, n) [m]."""

    lengths: np.ndarray
    arms: np.ndarray


JUMP_OF_LENGTH = 0.0003
JUMP_OF_ARM = 0.002
"""What counts as a jump [m]: wraps that are well placed stay below the first by far."""


def muscle_geometry(model: mujoco.MjModel, hand: HandIndex, postures: np.ndarray) -> Geometry:
    """Lengths and moment arms of all muscles of a hand.

    Args:
        model: any model; joints outside the hand stay at `qpos0`.
        hand: where the hand is in it.
        postures: anatomical joint angles [rad]. Shape (p, n).

    Raises:
        InvalidValue: postures of another shape.
    """
    postures = np.asarray(postures, dtype=float)
    if postures.ndim != 2 or postures.shape[1] != len(hand.joints):
        raise InvalidValue("postures", postures.shape, f"an array of shape (p, {len(hand.joints)})")
    data = mujoco.MjData(model)
    moment = np.zeros((model.nu, model.nv))
    lengths = np.empty((len(postures), len(hand.muscles)))
    arms = np.empty((*lengths.shape, len(hand.joints)))
    for i, angles in enumerate(postures):
        place(model, data, hand, angles)
        mujoco.mju_sparse2dense(
            moment, data.actuator_moment, data.moment_rownnz, data.moment_rowadr, data.moment_colind
        )
        lengths[i] = data.actuator_length[hand.muscles]
        arms[i] = -hand.signs * moment[np.ix_(hand.muscles, hand.dofs)]
    return Geometry(lengths, arms)


def tendon_lengths(model: mujoco.MjModel, hand: HandIndex, postures: np.ndarray) -> np.ndarray:
    """Path lengths of all muscles [m] in postures (p, n). Shape (p, m)."""
    return muscle_geometry(model, hand, postures).lengths


def moment_arms(model: mujoco.MjModel, hand: HandIndex, postures: np.ndarray) -> np.ndarray:
    """Arms of all muscles about all joints [m] in postures (p, n). Shape (p, m, n)."""
    return muscle_geometry(model, hand, postures).arms


def independent_arms(hand: HandIndex, arms: np.ndarray) -> np.ndarray:
    """Arms about the independent joints, their followers' share included, from (..., n). Shape
    (..., k)."""
    return arms @ hand.expand


def sweep(
    model: mujoco.MjModel, hand: HandIndex, joint: str, base: np.ndarray, count: int = 61
) -> Sweep:
    """Arms of all muscles about one joint over its range of motion; coupled joints move along.

    Args:
        model, hand: any hand.
        joint: which, by its anatomical name.
        base: where the other joints are [rad]. Shape (n,).
        count: how many angles, evenly spaced.

    Raises:
        UnknownName: the hand has no such joint.
    """
    if joint not in hand.joints:
        raise UnknownName("joint", joint, hand.joints)
    column = hand.joints.index(joint)
    driver = int(np.argmax(np.abs(hand.expand[column])))
    ratio = hand.expand[column, driver]
    limits = hand.limits(model)
    ends = limits[column]
    if hand.independent[driver] != column:
        ends = np.clip(np.sort(ratio * limits[hand.independent[driver]]), ends[0], ends[1])
    angles = np.linspace(ends[0], ends[1], count)
    postures = np.repeat(np.asarray(base, dtype=float)[None], count, axis=0)
    postures[:, hand.independent[driver]] = angles / ratio
    return Sweep(angles, moment_arms(model, hand, couple(hand, postures))[:, :, column])


def jumps(
    model: mujoco.MjModel,
    hand: HandIndex,
    postures_from: np.ndarray,
    postures_to: np.ndarray,
    step_rad: float = FINEST_STEP,
) -> Jumps:
    """Walks straight through joint space from posture to posture and finds where paths are not
    continuous.

    A jump of length is the change between two steps that the arms do not explain, `|dL + (r0 +
    r1)/2 dq|`; a jump of the arm is its change between two steps, about whichever joint.

    Args:
        model, hand: any hand.
        postures_from, postures_to: the ends of the segments [rad]. Shape (s, n) each.
        step_rad: no joint moves more than this between two steps [rad].

    Raises:
        InvalidValue: the step is not above 0.
    """
    if not step_rad > 0:
        raise InvalidValue("step", step_rad, "an angle above 0 [rad]")
    count = len(hand.muscles)
    worst = Jumps(np.zeros(count), np.zeros(count), np.zeros(count))
    for start, end in zip(postures_from, postures_to, strict=True):
        steps = max(1, int(np.ceil(np.abs(end - start).max() / step_rad)))
        path = start + np.linspace(0.0, 1.0, steps + 1)[:, None] * (end - start)
        lengths, arms = muscle_geometry(model, hand, path)
        expected = -0.5 * (arms[1:] + arms[:-1]) @ ((end - start) / steps)
        length = np.abs(np.diff(lengths, axis=0) - expected).max(axis=0)
        arm = np.abs(np.diff(arms, axis=0)).max(axis=(0, 2))
        crossed = (length > JUMP_OF_LENGTH) | (arm > JUMP_OF_ARM)
        worst = Jumps(
            np.maximum(worst.length, length), np.maximum(worst.arm, arm), worst.segments + crossed
        )
    return worst._replace(segments=worst.segments / max(1, len(postures_from)))


def mirror_error(
    one_model: mujoco.MjModel,
    one: HandIndex,
    other_model: mujoco.MjModel,
    other: HandIndex,
    postures: np.ndarray,
) -> MirrorError:
    """How far two hands, such as the right and the left one of a model, are from mirror images of
    each other.

    Args:
        one_model, one: a hand; its order of muscles and joints is that of the result.
        other_model, other: the other hand, of the same model or another.
        postures: anatomical joint angles [rad] for both. Shape (p, n).

    Raises:
        ModelError: the hands do not have the same muscles and joints.
    """
    for kind, mine, theirs in (
        ("muscles", one.muscle_names, other.muscle_names),
        ("joints", one.joints, other.joints),
    ):
        odd = sorted(set(mine) ^ set(theirs))
        if odd:
            raise ModelError(
                "model", f"its two hands do not have the same {kind}; only in one: {', '.join(odd)}"
            )
    muscles = [other.muscle_names.index(name) for name in one.muscle_names]
    joints = [other.joints.index(name) for name in one.joints]
    reordered = np.empty_like(np.asarray(postures, dtype=float))
    reordered[:, joints] = postures
    first = muscle_geometry(one_model, one, postures)
    second = muscle_geometry(other_model, other, reordered)
    lengths = np.abs(first.lengths - second.lengths[:, muscles]).max(axis=0)
    arms = np.abs(first.arms - second.arms[:, muscles][:, :, joints]).max(axis=0)
    return MirrorError(lengths, arms)
