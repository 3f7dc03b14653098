"""Changes of the joints of a hand: ranges of motion, springs and dampers, axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.anatomy import directions
from musclehand.validation.check import Specimen
from musclehand.validation.difference.change import WHOLE_PART, Change
from musclehand.validation.difference.couplings import compare_couplings, relative_weight
from musclehand.validation.difference.fields import (
    DOF,
    JOINT,
    Row,
    compare_constants,
)
from musclehand.validation.difference.parts import part_name
from musclehand.validation.wording import (
    EQUAL_LENGTH,
    EQUAL_SHARE,
    TINY,
    Frame,
    describe_bone,
    describe_change,
    describe_joint,
    describe_shift,
    format_array,
    neutral_frame,
    numbers_differ,
)

EQUAL_ANGLE_DEG = 0.01
EQUAL_AXIS_DEG = 0.05
"""Changes of limits and rest angles, and of axes, that are none [deg]."""

WHOLE_DEG = 9.95
"""Turns from here on are given in whole degrees."""

NOTABLE_LIMIT_DEG = 10.0
NOTABLE_REST_DEG = 20.0
NOTABLE_AXIS_DEG = 10.0
NOTABLE_AXIS_SHIFT = 0.003
"""Changes worth a look: of a limit, of a rest angle and of an axis [deg], and of an axis [m]; own
choice."""

NO_LIMITS_WEIGHT = 10.0
BONE_WEIGHT = 20.0
ORDER_WEIGHT = 10.0
"""Weights of limits that came or went, of a joint that moves another bone, and of another order of
the joints of a bone; own choice."""

DIRECTION_SHARE = 0.35
"""Component of a unit vector from which on its direction is named, about the sine of 20 deg."""

_DIRECTIONS = (("radial", "ulnar"), ("proximal", "distal"), ("dorsal", "palmar"))


class _Quantity(NamedTuple):
    """A constant of a joint that may change."""

    heading: str
    """Heading of its changes."""

    name: str
    """In words."""

    unit: str
    """Unit in reports."""

    factor: float
    """From SI units to `unit`."""

    digits: int
    """Digits after the point."""

    notable: float
    """Relative change worth a look (a change by a factor of e has 1)."""

    read: Callable[[mujoco.MjModel, int, int], float]
    """Its value in a model, of a joint id and a degree of freedom."""


_QUANTITIES = (
    _Quantity(
        heading="passive stiffness",
        name="stiffness",
        unit="N m/rad",
        factor=1.0,
        digits=4,
        notable=0.5,
        read=lambda model, joint, dof: model.jnt_stiffness[joint],
    ),
    _Quantity(
        heading="damping",
        name="damping",
        unit="N m s/rad",
        factor=1.0,
        digits=4,
        notable=0.5,
        read=lambda model, joint, dof: model.dof_damping[dof],
    ),
    _Quantity(
        heading="damping",
        name="dry friction",
        unit="N m",
        factor=1.0,
        digits=4,
        notable=0.5,
        read=lambda model, joint, dof: model.dof_frictionloss[dof],
    ),
    _Quantity(
        heading="inertia",
        name="armature",
        unit="g cm^2",
        factor=1e7,
        digits=1,
        notable=0.5,
        read=lambda model, joint, dof: model.dof_armature[dof],
    ),
)


class _Joint(NamedTuple):
    """One joint in one of the two hands."""

    specimen: Specimen
    """The hand."""

    row: int
    """Index of the joint in the hand."""

    id: int
    """Id of the joint in the model."""

    dof: int
    """Degree of freedom of the joint in the model."""


def compare_joints(before: Specimen, after: Specimen) -> list[Change]:
    """All changes of the joints of two hands, in no order."""
    return [*_joints(before, after), *compare_couplings(before, after)]


def _joints(before: Specimen, after: Specimen) -> list[Change]:
    names = before.hand.joints
    names_after = after.hand.joints
    changes = [_presence(joint, "removed") for joint in names if joint not in names_after]
    changes += [_presence(joint, "added") for joint in names_after if joint not in names]
    frame = neutral_frame(before)
    for name in names:
        if name in names_after:
            old = _joint(before, name)
            new = _joint(after, name)
            part = describe_joint(name)
            changes += _limits(old, new, name, part)
            changes += _quantities(old, new, part)
            changes += _springs(old, new, part)
            changes += _bones(old, new, name, part)
            changes += _axes(old, new, name, frame)
            rows = (Row(before.model, old.id), Row(after.model, new.id))
            changes += compare_constants(*rows, JOINT, group="joint constants", part=part)
            rows = (Row(before.model, old.dof), Row(after.model, new.dof))
            changes += compare_constants(*rows, DOF, group="joint constants", part=part)
    return [*changes, *_order(before, after)]


def _joint(specimen: Specimen, name: str) -> _Joint:
    hand = specimen.hand
    row = hand.joints.index(name)
    return _Joint(
        specimen=specimen,
        row=row,
        id=int(hand.joint_ids(specimen.model)[row]),
        dof=int(hand.dofs[row]),
    )


def _presence(joint: str, words: str) -> Change:
    return Change("joints", describe_joint(joint), words, WHOLE_PART, joint=joint)


def _limits(old: _Joint, new: _Joint, name: str, part: str) -> list[Change]:
    """Both ends of the range, by the direction of motion that they limit."""
    limits_before, limits_after = (
        joint.specimen.hand.limits(joint.specimen.model)[joint.row] for joint in (old, new)
    )
    limited = [bool(joint.specimen.model.jnt_limited[joint.id]) for joint in (old, new)]
    if limited[0] != limited[1]:
        low, high = np.degrees(limits_before if limited[0] else limits_after)
        words = f"limits {low:.1f} to {high:.1f} deg"
        words = f"{words} -> none" if limited[0] else f"none -> {words}"
        return [Change("range of motion", part, words, NO_LIMITS_WEIGHT, joint=name)]
    positive, negative = directions(name)
    changes = []
    for end, (sign, direction) in enumerate(((-1.0, negative), (1.0, positive))):
        # 0.0 is added so that a limit of 0 has no minus sign.
        a = sign * float(np.degrees(limits_before[end])) + 0.0
        b = sign * float(np.degrees(limits_after[end])) + 0.0
        if abs(b - a) > EQUAL_ANGLE_DEG:
            words = f"{direction} limit {_angles(a, b)}"
            weight = abs(b - a) / NOTABLE_LIMIT_DEG
            change = Change("range of motion", part, words, weight, joint=name)
            changes.append(change._replace(old=a, new=b, unit="deg"))
    return changes


def _quantities(old: _Joint, new: _Joint, part: str) -> list[Change]:
    """Stiffness, damping, friction and armature."""
    changes = []
    for quantity in _QUANTITIES:
        a = quantity.factor * float(quantity.read(old.specimen.model, old.id, old.dof))
        b = quantity.factor * float(quantity.read(new.specimen.model, new.id, new.dof))
        if numbers_differ(a, b):
            words = f"{quantity.name} {describe_change(a, b, quantity.unit, quantity.digits)}"
            changes.append(
                Change(
                    group=quantity.heading,
                    part=part,
                    words=words,
                    weight=relative_weight(a, b, quantity.notable),
                    old=a,
                    new=b,
                    unit=quantity.unit,
                    shared=words,
                )
            )
    return changes


def _springs(old: _Joint, new: _Joint, part: str) -> list[Change]:
    """Rest angle of a spring, where there is one, and polynomial coefficients."""
    changes = []
    pair = (old, new)
    if all(joint.specimen.model.jnt_stiffness[joint.id] for joint in pair):
        a, b = (_spring_angle(joint) for joint in pair)
        if abs(b - a) > EQUAL_ANGLE_DEG:
            weight = abs(b - a) / NOTABLE_REST_DEG
            change = Change("rest angle", part, _angles(a, b), weight)
            changes.append(change._replace(old=a, new=b, unit="deg"))
    springs = [_coefficients(joint.specimen.model, "jnt_stiffnesspoly", joint.id) for joint in pair]
    dampers = [_coefficients(joint.specimen.model, "dof_dampingpoly", joint.dof) for joint in pair]
    for heading, name, (values_before, values_after) in (
        ("passive stiffness", "higher coefficients of the spring", springs),
        ("damping", "higher coefficients of the damper", dampers),
    ):
        if not np.allclose(values_before, values_after, rtol=EQUAL_SHARE, atol=TINY):
            words = f"{name} {format_array(values_before)} -> {format_array(values_after)}"
            changes.append(Change(heading, part, words, weight=0.5))
    return changes


def _spring_angle(joint: _Joint) -> float:
    """Anatomical angle at which a joint's spring has no torque [deg]."""
    hand = joint.specimen.hand
    angle = joint.specimen.model.qpos_spring[hand.qpos[joint.row]]
    return float(np.degrees(angle * hand.signs[joint.row]))


def _coefficients(model: mujoco.MjModel, field: str, row: int) -> np.ndarray:
    """Polynomial coefficients of a spring or damper; zeros before version 4 of MuJoCo."""
    values = getattr(model, field, None)
    return np.zeros(2) if values is None else np.array(values[row])


def _bones(old: _Joint, new: _Joint, name: str, part: str) -> list[Change]:
    """The bone that the joint moves, if it is another one, and its angle in the model's own
    posture."""
    bones = [
        describe_bone(
            part_name(joint.specimen, "body", int(joint.specimen.model.jnt_bodyid[joint.id]))
        )
        for joint in (old, new)
    ]
    changes = []
    if bones[0] != bones[1]:
        words = f"{name} moves the {bones[1]}, before the {bones[0]}"
        changes.append(Change("joints", part, words, BONE_WEIGHT, joint=name))
    a, b = (
        float(np.degrees(joint.specimen.model.qpos0[hand.qpos[joint.row]] * hand.signs[joint.row]))
        for joint, hand in ((joint, joint.specimen.hand) for joint in (old, new))
    )
    if abs(b - a) > EQUAL_ANGLE_DEG:
        words = f"angle as drawn (ref) {_angles(a, b)}"
        change = Change("joints", part, words, abs(b - a) / NOTABLE_REST_DEG, joint=name)
        changes.append(change._replace(old=a, new=b, unit="deg"))
    return changes


def _order(before: Specimen, after: Specimen) -> list[Change]:
    """Joints of a bone that turn it in another order."""
    changes = []
    after_joints = after.hand.joints
    bones: dict[int, list[str]] = {}
    for name, joint in zip(before.hand.joints, before.hand.joint_ids(before.model), strict=True):
        if name in after_joints:
            bones.setdefault(int(before.model.jnt_bodyid[joint]), []).append(name)
    orders = []
    for specimen in (before, after):
        ids = dict(zip(specimen.hand.joints, specimen.hand.joint_ids(specimen.model), strict=True))
        orders.append([sorted(names, key=ids.__getitem__) for names in bones.values()])
    for bone, old, new in zip(bones, *orders, strict=True):
        if old != new:
            part = describe_bone(part_name(before, "body", bone))
            words = f"turned by {', then '.join(new)}, before by {', then '.join(old)}"
            changes.append(Change("joints", part, words, ORDER_WEIGHT))
    return changes


def _axes(old: _Joint, new: _Joint, name: str, frame: Frame) -> list[Change]:
    """Position of the axis on its bone, and its direction."""
    before = old.specimen
    flip = np.array([1.0, 1.0, before.hand.side.mirror * new.specimen.hand.side.mirror])
    turn = frame.axes @ frame.data.xmat[before.model.jnt_bodyid[old.id]].reshape(3, 3)
    shift = new.specimen.model.jnt_pos[new.id] * flip - before.model.jnt_pos[old.id]
    part = describe_joint(name)
    changes = []
    if np.linalg.norm(shift) > EQUAL_LENGTH:
        words = f"axis of {name} moved {describe_shift(turn @ shift)}"
        weight = float(np.linalg.norm(shift)) / NOTABLE_AXIS_SHIFT
        changes.append(Change("joints", part, words, weight, joint=name))
    a, b = (
        joint.specimen.model.jnt_axis[joint.id] * joint.specimen.hand.signs[joint.row]
        for joint in (old, new)
    )
    # The mirror image of a turn about an axis is one about its mirror image, the other way round.
    b = b * flip * flip[2]
    angle = float(np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b)))
    if angle > EQUAL_AXIS_DEG:
        digits = 0 if angle >= WHOLE_DEG else 1
        words = f"axis of {name} turned by {angle:.{digits}f} deg"
        directions_named = [_direction(turn @ axis) for axis in (a, b)]
        if directions_named[0] != directions_named[1]:
            words += f" ({' -> '.join(directions_named)})"
        change = Change("joints", part, words, angle / NOTABLE_AXIS_DEG, joint=name)
        changes.append(change._replace(old=0.0, new=angle, unit="deg"))
    return changes


def _direction(axis: np.ndarray) -> str:
    """The direction of an axis in words: "radial" or "radial and dorsal".

    Args:
        axis: unit vector of radial, proximal and dorsal components. Shape (3,).
    """
    order = [i for i in np.argsort(-np.abs(axis)) if abs(axis[i]) >= DIRECTION_SHARE]
    return " and ".join(_DIRECTIONS[i][0 if axis[i] > 0 else 1] for i in order)


def _angles(old: float, new: float) -> str:
    digits = 1 if abs(new - old) >= 0.1 else 2
    return f"{old:.{digits}f} -> {new:.{digits}f} deg ({new - old:+.{digits}f})"
