"""Changes of the couplings of a hand: joints that follow other joints, as a DIP joint its PIP."""

from __future__ import annotations

import mujoco
import numpy as np

from musclehand.validation.check import Specimen
from musclehand.validation.difference.change import Change
from musclehand.validation.difference.fields import SOFTNESS, Row, compare_constants
from musclehand.validation.wording import (
    EQUAL_SHARE,
    describe_change,
    describe_joint,
    format_array,
    numbers_differ,
)

NOTABLE_RATIO = 0.2
NOTABLE_OFFSET_DEG = 20.0
"""Changes worth a look: the relative one of a ratio, and that of an offset [deg]; own choice."""

EQUAL_OFFSET_DEG = 0.01
"""Changes of an offset that are none [deg]."""

COUPLING_WEIGHT = 5.0
"""Weight of a coupling that was added, removed, moved to another joint or bent; own choice."""

UNORDERED_WEIGHT = 3.0
"""Weight of a relative change where one of the numbers is not above 0; own choice."""

EQUAL_COEFFICIENT = 1e-6
"""Changes of higher coefficients that are none."""


def compare_couplings(before: Specimen, after: Specimen) -> list[Change]:
    """All changes of the couplings of two hands, in no order."""
    changes = []
    old = _drivers(before)
    new = _drivers(after)
    for joint in [*old, *(joint for joint in new if joint not in old)]:
        part = describe_joint(joint)
        if old.get(joint) is None or new.get(joint) is None:
            driver, ratio = (old.get(joint) or new.get(joint)) or ("", 0.0)
            verb = "no longer follows" if new.get(joint) is None else "follows"
            words = f"{verb} {describe_joint(driver)} ({ratio:.2f} to 1)"
            changes.append(Change("couplings", part, words, COUPLING_WEIGHT, joint=joint))
            continue
        driver_before, a = old[joint]
        driver_after, b = new[joint]
        if driver_before != driver_after:
            words = (
                f"follows {describe_joint(driver_after)}, before {describe_joint(driver_before)}"
            )
            changes.append(Change("couplings", part, words, COUPLING_WEIGHT, joint=joint))
        if numbers_differ(a, b):
            words = f"per {describe_joint(driver_after)} {describe_change(a, b, '', 2)}"
            weight = relative_weight(a, b, NOTABLE_RATIO)
            changes.append(Change("couplings", part, words, weight, old=a, new=b, shared=words))
        changes += _shape(before, after, joint, part)
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


def _shape(before: Specimen, after: Specimen, joint: str, part: str) -> list[Change]:
    """Offset, curvature and softness of a coupling."""
    numbers = [_equality(specimen, joint) for specimen in (before, after)]
    if numbers[0] is None or numbers[1] is None:
        return []
    changes = []
    old = Row(before.model, numbers[0])
    new = Row(after.model, numbers[1])
    signs = [hand.signs[hand.joints.index(joint)] for hand in (before.hand, after.hand)]
    a, b = (
        float(np.degrees(row.model.eq_data[row.number, 0] * sign)) + 0.0
        for row, sign in zip((old, new), signs, strict=True)
    )
    if abs(b - a) > EQUAL_OFFSET_DEG:
        words = f"offset {a:.1f} -> {b:.1f} deg"
        change = Change("couplings", part, words, abs(b - a) / NOTABLE_OFFSET_DEG, joint=joint)
        changes.append(change._replace(old=a, new=b, unit="deg", shared=words))
    higher = [row.model.eq_data[row.number, 2:5] for row in (old, new)]
    if not np.allclose(higher[0], higher[1], rtol=EQUAL_SHARE, atol=EQUAL_COEFFICIENT):
        words = f"higher coefficients {format_array(higher[0])} -> {format_array(higher[1])}"
        changes.append(Change("couplings", part, words, COUPLING_WEIGHT, joint=joint, shared=words))
    return [*changes, *compare_constants(old, new, SOFTNESS, group="couplings", part=part)]


def _equality(specimen: Specimen, joint: str) -> int | None:
    """Id of the active equality that makes a joint follow another one of the hand."""
    model = specimen.model
    hand = specimen.hand
    ids = hand.joint_ids(model)
    follower = int(ids[hand.joints.index(joint)])
    named = set(ids.tolist())
    for number in range(model.neq):
        if (
            model.eq_type[number] == mujoco.mjtEq.mjEQ_JOINT
            and model.eq_active0[number]
            and int(model.eq_obj1id[number]) == follower
            and int(model.eq_obj2id[number]) in named
        ):
            return number
    return None


def relative_weight(old: float, new: float, notable: float) -> float:
    """Weight of a relative change; `UNORDERED_WEIGHT` where one of the numbers is not above 0.

    Args:
        old: the number before.
        new: the number after.
        notable: a change by a factor of e has the weight of 1 over this.
    """
    both_positive = old > 0 and new > 0
    return float(abs(np.log(new / old)) / notable) if both_positive else UNORDERED_WEIGHT
