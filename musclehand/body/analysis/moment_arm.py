"""Moment arms of muscles about joints, in any posture of any hand model.

By the tendon excursion method, `moment_arm = -d(length)/d(angle)` [m] with anatomical angles. A
tension [N] times its arm is therefore the torque [N m] on the joint, and a positive arm drives the
joint in its positive direction (`anatomy.directions(joint)[0]`). MuJoCo's `actuator_moment` is
d(length)/d(qpos) and has the opposite sign.

Lengths are those of MuJoCo's actuators: the path of the tendon times the gear, which is 1 in all
known hands.
"""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.hand_index import HandIndex
from musclehand.body.posture import couple, place
from musclehand.core.errors import InvalidValue, ModelError, UnknownName

FINEST_STEP = float(np.deg2rad(0.5))
"""[rad] Largest joint movement between two samples of a path; chosen, arms of smooth paths change
by about 0.1 mm over it."""


class Geometry(NamedTuple):
    """Geometry of m muscles about n joints in p postures."""

    lengths: np.ndarray
    """[m] Path lengths. Shape (p, m)."""

    arms: np.ndarray
    """[m] Moment arms. Shape (p, m, n)."""


class Sweep(NamedTuple):
    """Moment arms of m muscles about one joint over its range."""

    angles: np.ndarray
    """[rad] Anatomical angles of the joint. Shape (count,)."""

    arms: np.ndarray
    """[m] Moment arms. Shape (count, m)."""


class Discontinuities(NamedTuple):
    """Largest discontinuities in the paths of m muscles."""

    length: np.ndarray
    """[m] Largest jump of length. Shape (m,)."""

    arm: np.ndarray
    """[m] Largest jump of a moment arm. Shape (m,)."""

    segments: np.ndarray
    """Share of the segments with a jump above `JUMP_OF_LENGTH` or `JUMP_OF_ARM`. Shape (m,)."""


class MirrorError(NamedTuple):
    """Largest differences between two hands in equal anatomical postures."""

    lengths: np.ndarray
    """[m] Of the path lengths. Shape (m,)."""

    arms: np.ndarray
    """[m] Of the moment arms. Shape (m, n)."""


JUMP_OF_LENGTH = 0.0003
"""[m] Larger changes of length count as jumps; chosen, well-placed wraps stay far below it."""

JUMP_OF_ARM = 0.002
"""[m] Larger changes of a moment arm count as jumps; chosen."""


def muscle_geometry(model: mujoco.MjModel, hand: HandIndex, postures: np.ndarray) -> Geometry:
    """Computes lengths and moment arms of all muscles of a hand.

    Args:
        model: any model; joints outside the hand stay at `qpos0`.
        hand: the hand in the model.
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
    """Path lengths of all muscles.

    Args:
        model: any model.
        hand: the hand in the model.
        postures: anatomical joint angles [rad]. Shape (p, n).

    Returns:
        Lengths [m]. Shape (p, m).
    """
    return muscle_geometry(model, hand, postures).lengths


def moment_arms(model: mujoco.MjModel, hand: HandIndex, postures: np.ndarray) -> np.ndarray:
    """Moment arms of all muscles about all joints.

    Args:
        model: any model.
        hand: the hand in the model.
        postures: anatomical joint angles [rad]. Shape (p, n).

    Returns:
        Moment arms [m]. Shape (p, m, n).
    """
    return muscle_geometry(model, hand, postures).arms


def independent_arms(hand: HandIndex, arms: np.ndarray) -> np.ndarray:
    """Moment arms about the independent joints, with the contribution of coupled joints.

    Args:
        hand: the hand.
        arms: moment arms about all joints. Shape (..., n).

    Returns:
        Shape (..., k).
    """
    return arms @ hand.expand


def sweep(
    model: mujoco.MjModel,
    hand: HandIndex,
    joint: str,
    base: np.ndarray,
    count: int = 61,
    *,
    angles: np.ndarray | None = None,
) -> Sweep:
    """Moment arms of all muscles about one joint over its range; coupled joints move with it.

    Args:
        model: any model.
        hand: the hand in the model.
        joint: anatomical name of the joint.
        base: posture of the other joints [rad]. Shape (n,).
        count: number of evenly spaced angles.
        angles: instead of these, angles of the joint [rad]. Shape (count,).

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
    angles = (
        np.linspace(ends[0], ends[1], count) if angles is None else np.asarray(angles, dtype=float)
    )
    postures = np.repeat(np.asarray(base, dtype=float)[None], len(angles), axis=0)
    postures[:, hand.independent[driver]] = angles / ratio
    return Sweep(angles, moment_arms(model, hand, couple(hand, postures))[:, :, column])


def find_discontinuities(
    model: mujoco.MjModel,
    hand: HandIndex,
    postures_from: np.ndarray,
    postures_to: np.ndarray,
    step_rad: float = FINEST_STEP,
) -> Discontinuities:
    """Finds discontinuities of muscle paths along straight segments in joint space.

    A jump of length is the change between two samples that the moment arms do not explain, `|dL +
    (r0 + r1)/2 dq|`. A jump of arm is the largest change of a moment arm between two samples.

    Args:
        model: any model.
        hand: the hand in the model.
        postures_from: beginnings of the segments [rad]. Shape (s, n).
        postures_to: ends of the segments [rad]. Shape (s, n).
        step_rad: largest movement of a joint between two samples [rad].

    Raises:
        InvalidValue: the step is not above 0.
    """
    if not step_rad > 0:
        raise InvalidValue("step", step_rad, "an angle above 0 [rad]")
    count = len(hand.muscles)
    worst = Discontinuities(np.zeros(count), np.zeros(count), np.zeros(count))
    for start, end in zip(postures_from, postures_to, strict=True):
        steps = max(1, int(np.ceil(np.abs(end - start).max() / step_rad)))
        path = start + np.linspace(0.0, 1.0, steps + 1)[:, None] * (end - start)
        lengths, arms = muscle_geometry(model, hand, path)
        expected = -0.5 * (arms[1:] + arms[:-1]) @ ((end - start) / steps)
        length = np.abs(np.diff(lengths, axis=0) - expected).max(axis=0)
        arm = np.abs(np.diff(arms, axis=0)).max(axis=(0, 2))
        has_jump = (length > JUMP_OF_LENGTH) | (arm > JUMP_OF_ARM)
        worst = Discontinuities(
            length=np.maximum(worst.length, length),
            arm=np.maximum(worst.arm, arm),
            segments=worst.segments + has_jump,
        )
    return worst._replace(segments=worst.segments / max(1, len(postures_from)))


def mirror_error(
    model: mujoco.MjModel,
    hand: HandIndex,
    partner_model: mujoco.MjModel,
    partner: HandIndex,
    postures: np.ndarray,
) -> MirrorError:
    """Deviation of two hands, such as right and left, from mirror symmetry.

    Args:
        model: model of a hand.
        hand: the hand, whose order of muscles and joints the result has.
        partner_model: model of the other hand, the same one or another.
        partner: the other hand.
        postures: anatomical joint angles [rad] for both. Shape (p, n).

    Raises:
        ModelError: the hands do not have the same muscles and joints.
    """
    for kind, names, partner_names in (
        ("muscles", hand.muscle_names, partner.muscle_names),
        ("joints", hand.joints, partner.joints),
    ):
        unpaired = sorted(set(names) ^ set(partner_names))
        if unpaired:
            problem = f"its two hands do not have the same {kind}; only in one"
            raise ModelError("model", f"{problem}: {', '.join(unpaired)}")
    muscles = [partner.muscle_names.index(name) for name in hand.muscle_names]
    joints = [partner.joints.index(name) for name in hand.joints]
    reordered = np.empty_like(np.asarray(postures, dtype=float))
    reordered[:, joints] = postures
    geometry = muscle_geometry(model, hand, postures)
    mirrored = muscle_geometry(partner_model, partner, reordered)
    lengths = np.abs(geometry.lengths - mirrored.lengths[:, muscles]).max(axis=0)
    arms = np.abs(geometry.arms - mirrored.arms[:, muscles][:, :, joints]).max(axis=0)
    return MirrorError(lengths, arms)
