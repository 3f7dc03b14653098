"""What changed in the joints of a hand: ranges of motion, springs and dampers, axes, couplings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from musclehand.body.anatomy import directions
from musclehand.validate.check import Specimen
from musclehand.validate.difference.compare import WHOLE_PART, Change
from musclehand.validate.wording import (
    EQUAL_LENGTH,
    EQUAL_SHARE,
    format_array,
    describe_change,
    describe_shift,
    describe_joint,
    neutral_frame,
    numbers_differ,
)

EQUAL_ANGLE_DEG = 0.01

_JOINT_NUMBERS: tuple[
    tuple[str, str, str, float, int, float, Callable[[Any, int, int], float]], ...
] = (
    (
        "passive stiffness",
        "stiffness",
        "N m/rad",
        1.0,
        4,
        0.5,
        lambda m, joint, dof: m.jnt_stiffness[joint],
    ),
    ("damping", "damping", "N m s/rad", 1.0, 4, 0.5, lambda m, joint, dof: m.dof_damping[dof]),
    ("damping", "dry friction", "N m", 1.0, 4, 0.5, lambda m, joint, dof: m.dof_frictionloss[dof]),
    ("inertia", "armature", "g cm^2", 1e7, 1, 0.5, lambda m, joint, dof: m.dof_armature[dof]),
)
"""Heading, quantity, unit, factor to it, digits, relative change worth a look, and where it is."""


def compare_joints(before: Specimen, after: Specimen) -> list[Change]:
    """All changes of the joints of two hands, in no order."""
    return [*_joints(before, after), *_couplings(before, after)]


def _joints(before: Specimen, after: Specimen) -> list[Change]:
    first = before.hand.joints
    second = after.hand.joints
    changes = [_whole(joint, "removed") for joint in first if joint not in second]
    changes += [_whole(joint, "added") for joint in second if joint not in first]
    limits = [one.hand.limits(one.model) for one in (before, after)]
    ids = [one.hand.joint_ids(one.model) for one in (before, after)]
    for i, joint in enumerate(first):
        if joint not in second:
            continue
        j = second.index(joint)
        part = describe_joint(joint)
        for end, (sign, word) in enumerate(
            zip((-1.0, 1.0), reversed(directions(joint)), strict=True)
        ):
            a, b = (
                sign * float(np.degrees(limit)) + 0.0
                for limit in (limits[0][i, end], limits[1][j, end])
            )
            if abs(b - a) > EQUAL_ANGLE_DEG:
                words = f"{word} limit {_angles(a, b)}"
                changes.append(
                    Change(
                        "range of motion", part, words, abs(b - a) / 10.0, a, b, "deg", joint=joint
                    )
                )
        one = (int(ids[0][i]), int(before.hand.dofs[i]))
        other = (int(ids[1][j]), int(after.hand.dofs[j]))
        for heading, quantity, unit, factor, digits, notable, value in _JOINT_NUMBERS:
            a = factor * float(value(before.model, *one))
            b = factor * float(value(after.model, *other))
            if numbers_differ(a, b):
                changes.append(_number(heading, part, quantity, a, b, unit, digits, notable))
        changes += _springs(before, after, i, j)
        changes += _axes(before, after, one[0], other[0], part)
    return changes


def _whole(joint: str, what: str) -> Change:
    return Change("joints", describe_joint(joint), what, WHOLE_PART, joint=joint)


def _springs(before: Specimen, after: Specimen, i: int, j: int) -> list[Change]:
    """Rest angle of a spring, where there is one, and how springs and dampers stiffen."""
    part = describe_joint(before.hand.joints[i])
    joints = before.hand.joint_ids(before.model)[i], after.hand.joint_ids(after.model)[j]
    changes = []
    if all(
        one.model.jnt_stiffness[joint] for one, joint in zip((before, after), joints, strict=True)
    ):
        hands = (before, i), (after, j)
        a, b = (
            float(np.degrees(one.model.qpos_spring[one.hand.qpos[k]] * one.hand.signs[k]))
            for one, k in hands
        )
        if abs(b - a) > EQUAL_ANGLE_DEG:
            changes.append(
                Change("rest angle", part, _angles(a, b), abs(b - a) / 20.0, a, b, "deg")
            )
    for field, words, places in (
        ("jnt_stiffnesspoly", "higher coefficients of the spring", joints),
        (
            "dof_dampingpoly",
            "higher coefficients of the damper",
            (before.hand.dofs[i], after.hand.dofs[j]),
        ),
    ):
        old, new = (
            _poly(one, field, place) for one, place in zip((before, after), places, strict=True)
        )
        if not np.allclose(old, new, rtol=EQUAL_SHARE, atol=1e-12):
            heading = "passive stiffness" if field.startswith("jnt") else "damping"
            changes.append(
                Change(heading, part, f"{words} {format_array(old)} -> {format_array(new)}", 0.5)
            )
    return changes


def _poly(one: Specimen, field: str, place: int) -> np.ndarray:
    """Coefficients that MuJoCo has since version 4."""
    values = getattr(one.model, field, None)
    return np.zeros(2) if values is None else np.array(values[place])


def _axes(before: Specimen, after: Specimen, one: int, other: int, part: str) -> list[Change]:
    """Where a joint is on its bone, and which way its axis points."""
    flips = [np.array([1.0, 1.0, hand.hand.side.mirror]) for hand in (before, after)]
    shift = after.model.jnt_pos[other] * flips[1] - before.model.jnt_pos[one] * flips[0]
    changes = []
    if np.linalg.norm(shift) > EQUAL_LENGTH:
        frame = neutral_frame(before)
        turn = frame.data.xmat[before.model.jnt_bodyid[one]].reshape(3, 3)
        words = f"axis moved {describe_shift(frame.axes @ turn @ (shift * flips[0]))}"
        changes.append(Change("joints", part, words, float(np.linalg.norm(shift)) / 0.003))
    # A mirrored axis turns the other way round, which the line it lies on does not tell.
    a = before.model.jnt_axis[one] * flips[0]
    b = after.model.jnt_axis[other] * flips[1]
    angle = float(np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), abs(a @ b))))
    if angle > 0.05:
        changes.append(
            Change(
                "joints", part, f"axis turned by {angle:.1f} deg", angle / 10.0, 0.0, angle, "deg"
            )
        )
    return changes


def _couplings(before: Specimen, after: Specimen) -> list[Change]:
    changes = []
    old, new = (_drivers(one) for one in (before, after))
    for joint in [*old, *(joint for joint in new if joint not in old)]:
        part = describe_joint(joint)
        if old.get(joint) is None or new.get(joint) is None:
            driver, ratio = (old.get(joint) or new.get(joint)) or ("", 0.0)
            what = "no longer follows" if new.get(joint) is None else "follows"
            changes.append(
                Change(
                    "couplings", part, f"{what} {describe_joint(driver)} ({ratio:.2f} to 1)", 5.0
                )
            )
            continue
        (one, a), (other, b) = old[joint], new[joint]
        if one != other:
            words = f"follows {describe_joint(other)}, before {describe_joint(one)}"
            changes.append(Change("couplings", part, words, 5.0))
        if numbers_differ(a, b):
            changes.append(
                _number("couplings", part, f"per {describe_joint(other)}", a, b, "", 2, 0.2)
            )
    return changes


def _drivers(one: Specimen) -> dict[str, tuple[str, float]]:
    hand = one.hand
    found = {}
    for i, joint in enumerate(hand.joints):
        column = int(np.abs(hand.expand[i]).argmax())
        driver = hand.joints[hand.independent[column]]
        if driver != joint and hand.expand[i, column]:
            found[joint] = (driver, float(hand.expand[i, column]))
    return found


def _number(
    heading: str,
    part: str,
    quantity: str,
    old: float,
    new: float,
    unit: str,
    digits: int,
    notable: float,
) -> Change:
    words = f"{quantity} {describe_change(old, new, unit, digits)}"
    weight = abs(np.log(new / old)) / notable if old > 0 and new > 0 else 3.0
    return Change(heading, part, words, float(weight), old, new, unit, words)


def _angles(old: float, new: float) -> str:
    digits = 1 if abs(new - old) >= 0.1 else 2
    return f"{old:.{digits}f} -> {new:.{digits}f} deg ({new - old:+.{digits}f})"
