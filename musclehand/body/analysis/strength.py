"""What a hand's muscles can do: torques of the joints of a digit, and forces of its fingertip.

Muscles only pull, with a tension between nothing and their active force at the length at hand
(MuJoCo's own curve at full activation and rest). A digit's torques are then a zonotope, the sum of
one line segment per muscle; its facets are known in closed form, so ranges of torque and closure
over hundreds of postures need no optimiser.

Muscles are those that cross the joints asked about, and all torques they make on those count. What
they do elsewhere does not: the wrist and forearm are locked for a digit, and the digits are locked
for the wrist.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import NamedTuple

import mujoco
import numpy as np
from scipy.optimize import linprog

from musclehand.body.analysis.moment_arm import independent_arms, muscle_geometry
from musclehand.body.anatomy import DIGITS, DIP_PER_PIP, coupled_joint, digit_joints, directions
from musclehand.body.hand_index import HandIndex
from musclehand.body.muscle import excitation_ceiling
from musclehand.body.posture import place
from musclehand.core.errors import InvalidValue, ModelError

GROUPS = ("thumb", "index", "middle", "ring", "little", "wrist")
"""What is looked at by itself: the digits, and the wrist with the forearm."""

SMALLEST_ARM = 1e-5
"""A muscle with smaller arms [m] than this does not cross a joint; MuJoCo's rounding is six
orders below."""

MARGIN = 1e-6
"""How far inside the hull zero has to be for closure, as a share of the hull's own reach: well
above rounding."""

NO_TORQUE = 1e-9
"""Torque [N m] about each axis that every hand is given, so that its zonotope is flat in no
direction."""

MOST_FORCE = 300.0
"""Bound [N] on each part of a force in `force_set`: along a straight finger bones carry any
force without muscles."""

CONE = 16
"""Edges of the pyramid of friction: with 16 it reaches at least 98 % of the cone's width
everywhere."""

POSTURES_AT_ONCE = 50


class MuscleLimits(NamedTuple):
    """Tensions [N] of m muscles in p postures: `active` at full activation, `passive` of the
    stretched fibres.

    Shapes (p, m).
    """

    active: np.ndarray
    passive: np.ndarray


class GroupArms(NamedTuple):
    """The muscles that cross a digit or the wrist, and their arms about its independent joints.

    `joints` k names, `muscles` (m,) positions among the hand's muscles, `arms` (p, m, k) [m].
    """

    joints: tuple[str, ...]
    muscles: np.ndarray
    arms: np.ndarray


def muscle_limits(model: mujoco.MjModel, hand: HandIndex, lengths: np.ndarray) -> MuscleLimits:
    """Active and passive tension at standstill, by MuJoCo's own curves.

    Active is what the highest excitation gives: less than the peak force in a hand with a palsy
    (`body.conditions.condition`).

    Args:
        model, hand: any hand.
        lengths: of the muscles [m]. Shape (p, m).

    Raises:
        ModelError: a muscle whose force is not MuJoCo's muscle model.
    """
    active = np.empty_like(lengths)
    passive = np.empty_like(lengths)
    for column, (actuator, name) in enumerate(zip(hand.muscles, hand.muscle_names, strict=True)):
        is_muscle = model.actuator_gaintype[actuator] == mujoco.mjtGain.mjGAIN_MUSCLE
        if not (is_muscle and model.actuator_biastype[actuator] == mujoco.mjtBias.mjBIAS_MUSCLE):
            raise ModelError("model", f"muscle {name} has another gain or bias type than 'muscle'")
        where = model.actuator_lengthrange[actuator]
        acc0 = model.actuator_acc0[actuator]
        # MuJoCo defines ten parameters of a muscle; the compiled arrays may have room for more.
        gain = model.actuator_gainprm[actuator, :9]
        bias = model.actuator_biasprm[actuator, :9]
        for row, length in enumerate(lengths[:, column]):
            active[row, column] = -mujoco.mju_muscleGain(length, 0.0, where, acc0, gain)
            passive[row, column] = -mujoco.mju_muscleBias(length, where, acc0, bias)
    return MuscleLimits(active * excitation_ceiling(model, hand.muscles), passive)


def anatomical_coupling(hand: HandIndex) -> HandIndex:
    """The same hand with each last finger joint following the middle one, where the model leaves it
    free.

    People do not move the last joint by itself, so this is what closure is asked of (two thirds as
    in `anatomy.DIP_PER_PIP`); a model that couples its joints keeps its own couplings.
    """
    drivers = {joint: coupled_joint(joint) for joint in hand.joints}
    free = {hand.joints[i] for i in hand.independent}
    added = {joint: driver for joint, driver in drivers.items() if joint in free and driver in free}
    keep = [i for i, position in enumerate(hand.independent) if hand.joints[position] not in added]
    expand = hand.expand[:, keep].copy()
    independent = hand.independent[keep]
    for joint, driver in added.items():
        column = [hand.joints[i] for i in independent].index(driver)
        expand[hand.joints.index(joint), column] = DIP_PER_PIP
    return replace(hand, expand=expand, independent=independent)


def group_arms(hand: HandIndex, arms: np.ndarray, group: str) -> GroupArms:
    """What crosses a digit, or the wrist and forearm for "wrist", out of all arms of a hand.

    Args:
        hand: its couplings are respected.
        arms: of all muscles about all joints [m]. Shape (p, m, n).
        group: one of `GROUPS`. A model may have none of its joints; the result is then empty.
    """
    members = digit_joints(group)
    columns = [column for column, i in enumerate(hand.independent) if hand.joints[i] in members]
    about = independent_arms(hand, arms)[..., columns]
    muscles = np.flatnonzero(np.any(np.abs(about) > SMALLEST_ARM, axis=(0, 2)))
    return GroupArms(
        tuple(hand.joints[hand.independent[i]] for i in columns), muscles, about[:, muscles]
    )


def torque_normals(generators: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Facets of zonotopes: unit normals, and how far each zonotope reaches along them and against
    them.

    The zonotope of generators g is all sums of t g with every t in 0..1. Each facet's normal is
    orthogonal to k - 1 of the generators, so trying all subsets finds them all.

    Args:
        generators: m vectors in each of p postures. Shape (p, m, k).

    Returns:
        Normals, shape (p, c, k), zero where a subset is degenerate, and reach along each of them,
            shape (p, c):
        both signs of every normal are there.
    """
    _, count, size = generators.shape
    chosen = list(combinations(range(count), size - 1))
    subsets = np.array(chosen, dtype=int).reshape(len(chosen), size - 1)
    scale = np.linalg.norm(generators, axis=-1, keepdims=True)
    units = np.divide(generators, scale, out=np.zeros_like(generators), where=scale > 0)
    rows = units[:, subsets]
    normals = np.empty((*rows.shape[:2], size))
    for axis in range(size):
        normals[..., axis] = (-1.0) ** axis * np.linalg.det(np.delete(rows, axis, axis=-1))
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    normals = np.divide(normals, length, out=np.zeros_like(normals), where=length > 1e-9)
    shares = np.einsum("pck,pmk->pcm", normals, generators)
    reach = np.clip(shares, 0.0, None).sum(axis=-1)
    against = np.clip(-shares, 0.0, None).sum(axis=-1)
    return np.concatenate([normals, -normals], axis=1), np.concatenate([reach, against], axis=1)


def torque_closure(arms: np.ndarray) -> np.ndarray:
    """Whether pulling muscles can produce torque in every direction: zero is strictly inside their
    hull.

    Args:
        arms: of the muscles that cross the joints, about k independent joints [m]. Shape (p, m, k).

    Returns:
        Shape (p,), bool.
    """
    closed = np.zeros(len(arms), dtype=bool)
    if arms.shape[1] <= arms.shape[2]:
        return closed
    for start in range(0, len(arms), POSTURES_AT_ONCE):
        normals, reach = torque_normals(arms[start : start + POSTURES_AT_ONCE])
        real = np.any(normals != 0.0, axis=-1)
        least = np.where(real, reach, np.inf).min(axis=1)
        widest = np.where(real, reach, 0.0).max(axis=1)
        closed[start : start + POSTURES_AT_ONCE] = real.any(axis=1) & (least > MARGIN * widest)
    return closed


def torque_range(
    arms: np.ndarray, active: np.ndarray, passive: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest torque about each joint while all others have none.

    Args:
        arms: about k joints [m]. Shape (p, m, k).
        active: tension at full activation [N]. Shape (p, m).
        passive: tension that is there at any activation [N], same shape; by default none.

    Returns:
        Lower and upper torque [N m], shape (p, k) each; NaN where passive tension cannot be
            balanced.
    """
    count, _, size = arms.shape
    lower = np.zeros((count, size))
    upper = np.zeros((count, size))
    offset = np.zeros((count, size)) if passive is None else np.einsum("pmk,pm->pk", arms, passive)
    floor = np.broadcast_to(NO_TORQUE * np.eye(size), (count, size, size))
    generators = np.concatenate([arms * active[..., None], floor], axis=1)
    for start in range(0, count, POSTURES_AT_ONCE):
        part = slice(start, start + POSTURES_AT_ONCE)
        normals, reach = torque_normals(generators[part])
        reach = reach + np.einsum("pck,pk->pc", normals, offset[part])
        for joint in range(size):
            along = normals[..., joint]
            parallel = np.abs(along) < 1e-9
            bound = np.divide(reach, along, out=np.full_like(reach, np.inf), where=~parallel)
            high = np.where(along > 0, bound, np.inf).min(axis=1)
            low = np.where((along < 0) & ~parallel, bound, -np.inf).max(axis=1)
            blocked = (low > high) | np.any(parallel & (reach < -1e-9), axis=1)
            lower[part, joint] = np.where(blocked, np.nan, low)
            upper[part, joint] = np.where(blocked, np.nan, high)
    return lower, upper


class PadForce(NamedTuple):
    """What a fingertip can press with: `force` [N] along the pad's normal, and who does it.

    `normal` (3,) is the direction pressed in, `tensions` (m,) [N] of all muscles of the hand at
    that force.
    """

    force: float
    normal: np.ndarray
    tensions: np.ndarray


def feasible_forces(
    model: mujoco.MjModel,
    hand: HandIndex,
    digit: str,
    posture: np.ndarray,
    friction: float = 0.5,
    *,
    passive: bool = False,
) -> PadForce:
    """The largest force a pad can press with, held in balance by the digit's own muscles (a linear
    programme).

    The force acts at the tip site. Its normal is the way the tip moves when the last joint flexes:
    at right angles to that joint's axis and to the line from joint to tip, so towards the palm.
    Friction lets the force lean away from the normal by up to `friction` (a pyramid of `CONE` edges
    inside the cone). The model's own couplings between joints are respected; joint limits do not
    help; wrist and forearm are locked.

    Args:
        model, hand: any hand.
        digit: one of `anatomy.DIGITS`.
        posture: anatomical joint angles [rad]. Shape (n,).
        friction: coefficient between pad and what it presses on.
        passive: whether the pull of stretched fibres counts.

    Raises:
        InvalidValue: negative friction.
        ModelError: the digit has no joints in this model, or its tip lies on the axis of the last
            one.
    """
    if not friction >= 0:
        raise InvalidValue("friction", friction, "a number of at least 0")
    pad = _pad(model, hand, digit, posture, passive=passive)
    turn = 2 * np.pi * np.arange(CONE) / CONE
    rim = pad.normal + friction * (
        np.cos(turn)[:, None] * pad.along + np.sin(turn)[:, None] * pad.across
    )
    count = len(pad.muscles)
    balance = np.hstack([pad.arms.T, -pad.jacobian.T @ rim.T])
    bounds = [*((0.0, float(most)) for most in pad.active), *((0.0, None) for _ in rim)]
    cost = np.concatenate([np.zeros(count), -np.ones(CONE)])
    found = linprog(
        cost, A_eq=balance, b_eq=-pad.arms.T @ pad.passive, bounds=bounds, method="highs"
    )
    tensions = np.zeros(len(hand.muscles))
    if found.x is None:
        return PadForce(0.0, pad.normal, tensions)
    tensions[pad.muscles] = found.x[:count] + pad.passive
    return PadForce(float(found.x[count:].sum()), pad.normal, tensions)


def force_set(
    model: mujoco.MjModel, hand: HandIndex, digit: str, posture: np.ndarray, count: int = 36
) -> np.ndarray:
    """Corners of the set of fingertip forces in the plane of flexion that the muscles can hold in
    balance [N].

    Each corner is the force that reaches farthest in one of `count` directions. Arguments and
    assumptions are those of `feasible_forces`, without friction's limit and without forces out of
    the plane.

    Returns:
        Force along the pad's normal and along the bone towards the tip. Shape (count, 2).
    """
    pad = _pad(model, hand, digit, posture, passive=False)
    plane = np.stack([pad.normal, pad.along])
    balance = np.hstack([pad.arms.T, -pad.jacobian.T @ plane.T])
    bounds = [*((0.0, float(most)) for most in pad.active), *2 * [(-MOST_FORCE, MOST_FORCE)]]
    corners = np.zeros((count, 2))
    for i, turn in enumerate(2 * np.pi * np.arange(count) / count):
        cost = np.concatenate([np.zeros(len(pad.muscles)), [-np.cos(turn), -np.sin(turn)]])
        found = linprog(
            cost, A_eq=balance, b_eq=np.zeros(len(balance)), bounds=bounds, method="highs"
        )
        if found.x is not None:
            corners[i] = found.x[-2:]
    return corners


class _Pad(NamedTuple):
    """A digit in a posture; arms (m, k), jacobian (3, k), unit vectors normal, along the bone
    and across."""

    muscles: np.ndarray
    arms: np.ndarray
    active: np.ndarray
    passive: np.ndarray
    jacobian: np.ndarray
    normal: np.ndarray
    along: np.ndarray
    across: np.ndarray


def _pad(
    model: mujoco.MjModel, hand: HandIndex, digit: str, posture: np.ndarray, *, passive: bool
) -> _Pad:
    geometry = muscle_geometry(model, hand, posture[None])
    group = group_arms(hand, geometry.arms, digit)
    present = [joint for joint in digit_joints(digit) if joint in hand.joints]
    if not present:
        raise ModelError("model", f"has no joints in its {digit}")
    limits = muscle_limits(model, hand, geometry.lengths)
    data = mujoco.MjData(model)
    place(model, data, hand, posture)
    last = hand.joints.index(present[-1])
    joint = hand.joint_ids(model)[last]
    flexes = 1.0 if directions(present[-1])[0] == "flexion" else -1.0
    tip = hand.tips[DIGITS.index(digit)]
    along = data.site_xpos[tip] - data.xanchor[joint]
    axis = data.xaxis[joint] * hand.signs[last] * flexes
    normal = np.cross(axis, along)
    across = np.cross(normal, along)
    if not np.linalg.norm(across) > SMALLEST_ARM**2:
        raise ModelError(
            "model",
            f"the tip of its {digit} lies on the axis of {present[-1]}: it has no pad to press with",
        )
    normal = normal / np.linalg.norm(normal)
    across = across / np.linalg.norm(across)
    full = np.zeros((3, model.nv))
    mujoco.mj_jacSite(model, data, full, None, tip)
    columns = [
        i for i, position in enumerate(hand.independent) if hand.joints[position] in group.joints
    ]
    jacobian = ((full[:, hand.dofs] * hand.signs) @ hand.expand)[:, columns]
    pulls = limits.passive[0, group.muscles] if passive else np.zeros(len(group.muscles))
    active = limits.active[0, group.muscles]
    bone = np.cross(across, normal)
    return _Pad(group.muscles, group.arms[0], active, pulls, jacobian, normal, bone, across)
