"""Strength of digits and wrist: feasible joint torques (zonotopes) and fingertip forces.

Muscles only pull, with a tension from 0 to their active force at the present length (MuJoCo's curve
at full activation and zero velocity). The feasible torques of a digit are therefore a zonotope, the
sum of one line segment per muscle. Its facets have a closed form, so that torque ranges and torque
closure over hundreds of postures need no optimiser.

For a digit or the wrist, only muscles that cross its joints count, with their torques about these
joints. Wrist and forearm are locked for a digit, and the digits for the wrist.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import NamedTuple

import mujoco
import numpy as np
from scipy.optimize import linprog

from musclehand.body.analysis.moment_arm import independent_arms, muscle_geometry
from musclehand.body.anatomy import DIGITS, coupled_joint, coupling_ratio, digit_joints, directions
from musclehand.body.hand_index import HandIndex
from musclehand.body.muscle import excitation_ceiling
from musclehand.body.posture import place
from musclehand.core.errors import InvalidValue, ModelError

GROUPS = ("thumb", "index", "middle", "ring", "little", "wrist")
"""Groups of joints that are analysed separately: the digits, and the wrist with the forearm."""

SMALLEST_ARM = 1e-5
"""[m] A muscle with smaller moment arms does not cross a joint; chosen, MuJoCo's rounding is six
orders of magnitude smaller."""

MARGIN = 1e-6
"""Smallest distance from zero to the hull for torque closure, as a share of the hull's reach;
chosen, far above rounding."""

NO_TORQUE = 1e-9
"""[N m] Generator added about each axis, so that no zonotope is flat; chosen."""

MOST_FORCE = 300.0
"""[N] Bound on each component of a force in `force_set`, because the bones of a straight finger
carry any force along it without muscles; chosen."""

CONE = 16
"""Edges of the friction pyramid; with 16 it has at least 98 % of the width of the cone."""

POSTURES_AT_ONCE = 50
"""Postures in a vectorised computation, to limit its memory; chosen."""


class MuscleLimits(NamedTuple):
    """Tensions of m muscles in p postures."""

    active: np.ndarray
    """[N] Active tension at full activation. Shape (p, m)."""

    passive: np.ndarray
    """[N] Passive tension of the stretched fibres. Shape (p, m)."""


class GroupArms(NamedTuple):
    """Muscles that cross a digit or the wrist, with their arms about its independent joints."""

    joints: tuple[str, ...]
    """Names of the k independent joints."""

    muscles: np.ndarray
    """Positions among the hand's muscles. Shape (m,)."""

    arms: np.ndarray
    """[m] Moment arms. Shape (p, m, k)."""


def muscle_limits(model: mujoco.MjModel, hand: HandIndex, lengths: np.ndarray) -> MuscleLimits:
    """Active and passive tension at zero velocity, by MuJoCo's curves.

    Active tension is that at the highest excitation, which a palsy reduces
    (`body.conditions.condition`).

    Args:
        model: any model.
        hand: the hand in the model.
        lengths: lengths of the muscles [m]. Shape (p, m).

    Raises:
        ModelError: a muscle whose force is not MuJoCo's muscle model.
    """
    active = np.empty_like(lengths)
    passive = np.empty_like(lengths)
    for column, (actuator, name) in enumerate(zip(hand.muscles, hand.muscle_names, strict=True)):
        is_muscle = model.actuator_gaintype[actuator] == mujoco.mjtGain.mjGAIN_MUSCLE
        if not (is_muscle and model.actuator_biastype[actuator] == mujoco.mjtBias.mjBIAS_MUSCLE):
            raise ModelError("model", f"muscle {name} has another gain or bias type than 'muscle'")
        length_range = model.actuator_lengthrange[actuator]
        acc0 = model.actuator_acc0[actuator]
        # A muscle has nine parameters; the compiled arrays may have room for more.
        gain = model.actuator_gainprm[actuator, :9]
        bias = model.actuator_biasprm[actuator, :9]
        for row, length in enumerate(lengths[:, column]):
            active[row, column] = -mujoco.mju_muscleGain(length, 0.0, length_range, acc0, gain)
            passive[row, column] = -mujoco.mju_muscleBias(length, length_range, acc0, bias)
    return MuscleLimits(active * excitation_ceiling(model, hand.muscles), passive)


def anatomical_coupling(hand: HandIndex) -> HandIndex:
    """The same hand with DIP joints coupled to PIP joints, if the model leaves them free.

    People cannot move the DIP joint alone, so that torque closure is tested with coupled joints.
    The ratio is `anatomy.coupling_ratio`; a model that couples its joints keeps its own couplings.
    """
    drivers = {joint: coupled_joint(joint) for joint in hand.joints}
    free = {hand.joints[i] for i in hand.independent}
    couplings = {
        joint: driver for joint, driver in drivers.items() if joint in free and driver in free
    }
    keep = [
        i for i, position in enumerate(hand.independent) if hand.joints[position] not in couplings
    ]
    expand = hand.expand[:, keep].copy()
    independent = hand.independent[keep]
    for joint, driver in couplings.items():
        column = [hand.joints[i] for i in independent].index(driver)
        expand[hand.joints.index(joint), column] = coupling_ratio(joint)
    return replace(hand, expand=expand, independent=independent)


def group_arms(hand: HandIndex, arms: np.ndarray, group: str) -> GroupArms:
    """Selects the muscles that cross a digit, or the wrist and forearm for "wrist".

    Args:
        hand: the hand, with its couplings.
        arms: moment arms of all muscles about all joints [m]. Shape (p, m, n).
        group: one of `GROUPS`. If the model has none of its joints, the result is empty.
    """
    members = digit_joints(group)
    columns = [column for column, i in enumerate(hand.independent) if hand.joints[i] in members]
    about = independent_arms(hand, arms)[..., columns]
    muscles = np.flatnonzero(np.any(np.abs(about) > SMALLEST_ARM, axis=(0, 2)))
    return GroupArms(
        tuple(hand.joints[hand.independent[i]] for i in columns), muscles, about[:, muscles]
    )


def torque_normals(generators: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Facets of zonotopes: unit normals, and the reach of the zonotope along each of them.

    The zonotope of generators g is the set of all sums of t g with every t in 0..1. The normal of a
    facet is orthogonal to k - 1 generators, so that all subsets of k - 1 give all facets.

    Args:
        generators: m vectors in each of p postures. Shape (p, m, k).

    Returns:
        Normals, shape (p, c, k), with both signs of each, and zero for a degenerate subset; and the
        reach along each of them, shape (p, c).
    """
    _, count, size = generators.shape
    combined = list(combinations(range(count), size - 1))
    subsets = np.array(combined, dtype=int).reshape(len(combined), size - 1)
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
    """Whether pulling muscles can produce torque in every direction.

    This is torque closure: zero is strictly inside the convex hull of the moment arm vectors.

    Args:
        arms: moment arms about k independent joints of the muscles that cross them [m]. Shape (p,
            m, k).

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
    """Smallest and largest torque about each joint with zero torque about all others.

    Args:
        arms: moment arms about k joints [m]. Shape (p, m, k).
        active: tension at full activation [N]. Shape (p, m).
        passive: tension at any activation [N]; by default none. Shape (p, m).

    Returns:
        Lower and upper torque [N m], shape (p, k) each; NaN if passive tension cannot be balanced.
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
    """Largest force of a fingertip pad."""

    force: float
    """[N] Force along the normal of the pad."""

    normal: np.ndarray
    """Unit vector in which the pad presses. Shape (3,)."""

    tensions: np.ndarray
    """[N] Tensions of all muscles of the hand at that force. Shape (m,)."""


def feasible_forces(
    model: mujoco.MjModel,
    hand: HandIndex,
    digit: str,
    posture: np.ndarray,
    friction: float = 0.5,
    *,
    passive: bool = False,
) -> PadForce:
    """Largest static force of a fingertip pad that the digit's muscles balance (linear programme).

    The force acts at the tip site. Its normal is the direction in which the tip moves when the last
    joint flexes: perpendicular to the axis of that joint and to the line from joint to tip, towards
    the palm. Within the friction cone, approximated by a pyramid of `CONE` edges inside it, the
    force may deviate from the normal. The model's couplings between joints apply, joint limits
    contribute no torque, and wrist and forearm are locked.

    Args:
        model: any model.
        hand: the hand in the model.
        digit: one of `anatomy.DIGITS`.
        posture: anatomical joint angles [rad]. Shape (n,).
        friction: coefficient of friction at the pad.
        passive: whether passive tension counts.

    Raises:
        InvalidValue: negative friction.
        ModelError: the digit has no joints or no tip in the model, or its tip lies on the axis of
            the last joint.
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
    bounds = [*((0.0, float(force)) for force in pad.active), *((0.0, None) for _ in rim)]
    cost = np.concatenate([np.zeros(count), -np.ones(CONE)])
    solution = linprog(
        cost, A_eq=balance, b_eq=-pad.arms.T @ pad.passive, bounds=bounds, method="highs"
    )
    tensions = np.zeros(len(hand.muscles))
    if solution.x is None:
        return PadForce(0.0, pad.normal, tensions)
    tensions[pad.muscles] = solution.x[:count] + pad.passive
    return PadForce(float(solution.x[count:].sum()), pad.normal, tensions)


def force_set(
    model: mujoco.MjModel, hand: HandIndex, digit: str, posture: np.ndarray, count: int = 36
) -> np.ndarray:
    """Feasible force set: corners of the fingertip forces in the plane of flexion.

    Each corner is the force with the largest component in one of `count` directions. The
    assumptions are those of `feasible_forces`, without a limit by friction and without forces out
    of the plane.

    Args:
        model: any model.
        hand: the hand in the model.
        digit: one of `anatomy.DIGITS`.
        posture: anatomical joint angles [rad]. Shape (n,).
        count: number of directions.

    Returns:
        Force along the normal of the pad and along the bone towards the tip [N]. Shape (count, 2).
    """
    pad = _pad(model, hand, digit, posture, passive=False)
    plane = np.stack([pad.normal, pad.along])
    balance = np.hstack([pad.arms.T, -pad.jacobian.T @ plane.T])
    bounds = [*((0.0, float(force)) for force in pad.active), *2 * [(-MOST_FORCE, MOST_FORCE)]]
    corners = np.zeros((count, 2))
    for i, turn in enumerate(2 * np.pi * np.arange(count) / count):
        cost = np.concatenate([np.zeros(len(pad.muscles)), [-np.cos(turn), -np.sin(turn)]])
        solution = linprog(
            cost, A_eq=balance, b_eq=np.zeros(len(balance)), bounds=bounds, method="highs"
        )
        if solution.x is not None:
            corners[i] = solution.x[-2:]
    return corners


class _Pad(NamedTuple):
    """A digit in a posture, with m muscles and k independent joints."""

    muscles: np.ndarray
    """Positions among the hand's muscles. Shape (m,)."""

    arms: np.ndarray
    """[m] Moment arms. Shape (m, k)."""

    active: np.ndarray
    """[N] Active tensions. Shape (m,)."""

    passive: np.ndarray
    """[N] Passive tensions. Shape (m,)."""

    jacobian: np.ndarray
    """[m/rad] Jacobian of the tip. Shape (3, k)."""

    normal: np.ndarray
    """Unit vector in which the pad presses. Shape (3,)."""

    along: np.ndarray
    """Unit vector along the bone towards the tip. Shape (3,)."""

    across: np.ndarray
    """Unit vector across the bone. Shape (3,)."""


def _pad(
    model: mujoco.MjModel, hand: HandIndex, digit: str, posture: np.ndarray, *, passive: bool
) -> _Pad:
    geometry = muscle_geometry(model, hand, posture[None])
    group = group_arms(hand, geometry.arms, digit)
    present = [joint for joint in digit_joints(digit) if joint in hand.joints]
    if not present:
        raise ModelError("model", f"has no joints in its {digit}")
    if digit not in hand.digits:
        raise ModelError("model", f"has no site at the tip of its {digit}")
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
        problem = f"the tip of its {digit} lies on the axis of {present[-1]}"
        raise ModelError("model", f"{problem}: it has no pad to press with")
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
    return _Pad(
        muscles=group.muscles,
        arms=group.arms[0],
        active=active,
        passive=pulls,
        jacobian=jacobian,
        normal=normal,
        along=np.cross(across, normal),
        across=across,
    )
