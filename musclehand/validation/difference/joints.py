"""Changes of the joints of a hand: ranges of motion, springs and dampers, axes, couplings."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.anatomy import directions
from musclehand.validation.check import Specimen
from musclehand.validation.difference.change import WHOLE_PART, Change
from musclehand.validation.wording import (
    EQUAL_LENGTH,
    EQUAL_SHARE,
    TINY,
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

NOTABLE_LIMIT_DEG = 10.0
NOTABLE_REST_DEG = 20.0
NOTABLE_AXIS_DEG = 10.0
NOTABLE_AXIS_SHIFT = 0.003
NOTABLE_COUPLING = 0.2
"""Changes worth a look: of a limit, of a rest angle and of an axis [deg], of an axis [m], and the
relative change of a coupling ratio; own choice."""

COUPLING_WEIGHT = 5.0
"""Weight of a coupling that was added, removed or moved to another joint; own choice."""


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
    return [*_joints(before, after), *_couplings(before, after)]


def _joints(before: Specimen, after: Specimen) -> list[Change]:
    names = before.hand.joints
    names_after = after.hand.joints
    changes = [_presence(joint, "removed") for joint in names if joint not in names_after]
    changes += [_presence(joint, "added") for joint in names_after if joint not in names]
    for name in names:
        if name in names_after:
            old = _joint(before, name)
            new = _joint(after, name)
            part = describe_joint(name)
            changes += _limits(old, new, name, part)
            changes += _quantities(old, new, part)
            changes += _springs(old, new, part)
            changes += _axes(old, new, part)
    return changes


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
                    weight=_relative_weight(a, b, quantity.notable),
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


def _axes(old: _Joint, new: _Joint, part: str) -> list[Change]:
    """Position of the axis on its bone, and its direction."""
    before = old.specimen
    after = new.specimen
    flip_before, flip_after = (
        np.array([1.0, 1.0, specimen.hand.side.mirror]) for specimen in (before, after)
    )
    shift = after.model.jnt_pos[new.id] * flip_after - before.model.jnt_pos[old.id] * flip_before
    changes = []
    if np.linalg.norm(shift) > EQUAL_LENGTH:
        frame = neutral_frame(before)
        turn = frame.data.xmat[before.model.jnt_bodyid[old.id]].reshape(3, 3)
        words = f"axis moved {describe_shift(frame.axes @ turn @ (shift * flip_before))}"
        weight = float(np.linalg.norm(shift)) / NOTABLE_AXIS_SHIFT
        changes.append(Change("joints", part, words, weight))
    # A mirrored axis turns the other way; the line that it lies on is compared.
    a = before.model.jnt_axis[old.id] * flip_before
    b = after.model.jnt_axis[new.id] * flip_after
    angle = float(np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), abs(a @ b))))
    if angle > EQUAL_AXIS_DEG:
        change = Change("joints", part, f"axis turned by {angle:.1f} deg", angle / NOTABLE_AXIS_DEG)
        changes.append(change._replace(old=0.0, new=angle, unit="deg"))
    return changes


def _couplings(before: Specimen, after: Specimen) -> list[Change]:
    changes = []
    old = _drivers(before)
    new = _drivers(after)
    for joint in [*old, *(joint for joint in new if joint not in old)]:
        part = describe_joint(joint)
        if old.get(joint) is None or new.get(joint) is None:
            driver, ratio = (old.get(joint) or new.get(joint)) or ("", 0.0)
            verb = "no longer follows" if new.get(joint) is None else "follows"
            words = f"{verb} {describe_joint(driver)} ({ratio:.2f} to 1)"
            changes.append(Change("couplings", part, words, COUPLING_WEIGHT))
            continue
        driver_before, a = old[joint]
        driver_after, b = new[joint]
        if driver_before != driver_after:
            words = (
                f"follows {describe_joint(driver_after)}, before {describe_joint(driver_before)}"
            )
            changes.append(Change("couplings", part, words, COUPLING_WEIGHT))
        if numbers_differ(a, b):
            words = f"per {describe_joint(driver_after)} {describe_change(a, b, '', 2)}"
            weight = _relative_weight(a, b, NOTABLE_COUPLING)
            changes.append(Change("couplings", part, words, weight, old=a, new=b, shared=words))
    return changes


def _drivers(specimen: Specimen) -> dict[str, tuple[str, float]]:
    """The driving joint and the ratio of each coupled joint."""
    hand = specimen.hand
    drivers = {}
    for i, joint in enumerate(hand.joints):
        column = int(np.abs(hand.expand[i]).argmax())
        driver = hand.joints[hand.independent[column]]
        if driver != joint and hand.expand[i, column]:
            drivers[joint] = (driver, float(hand.expand[i, column]))
    return drivers


def _relative_weight(old: float, new: float, notable: float) -> float:
    """Weight of a relative change; 3 where one of the numbers is not above 0."""
    return float(abs(np.log(new / old)) / notable if old > 0 and new > 0 else 3.0)


def _angles(old: float, new: float) -> str:
    digits = 1 if abs(new - old) >= 0.1 else 2
    return f"{old:.{digits}f} -> {new:.{digits}f} deg ({new - old:+.{digits}f})"
