"""What changed in the muscles of a hand: which there are, their force and fibres, their paths
and moment arms."""

from __future__ import annotations

import numpy as np

from musclehand.body.analysis.moment_arm import moment_arms
from musclehand.body.muscle import muscle_parameters
from musclehand.body.posture import sample_postures
from musclehand.validate.check import Specimen
from musclehand.validate.difference.compare import WHOLE_PART, Change
from musclehand.validate.difference.paths import compare_paths
from musclehand.validate.wording import (
    EQUAL_LENGTH,
    describe_arm,
    describe_change,
    describe_joint,
    describe_muscle,
    numbers_differ,
    describe_percentage,
)

EQUAL_ARM = 5e-5
"""Change of a moment arm that rounded path points can make [m]."""

NOTABLE_ARM = 0.002

NUM_POSTURES = 200

_PARAMETERS = (
    ("f0", "peak force", "N", 1.0, 1, 0.1),
    ("l0", "optimal fibre length", "mm", 1e3, 1, 0.1),
    ("tau_act", "activation time", "ms", 1e3, 1, 0.5),
    ("tau_deact", "deactivation time", "ms", 1e3, 1, 0.5),
    ("vmax", "fastest shortening", "l0/s", 1.0, 2, 0.3),
    ("fpmax", "passive force of a stretched fibre", "F0", 1.0, 2, 0.5),
    ("fvmax", "force when lengthening fast", "F0", 1.0, 2, 0.5),
    ("lmin", "shortest fibre with force", "l0", 1.0, 2, 0.5),
    ("lmax", "longest fibre with force", "l0", 1.0, 2, 0.5),
)
"""Field, heading, unit, factor to it, digits, and the relative change worth a look."""

_SLACK_WEIGHT = 0.1
"""Change of the slack length worth a look [optimal fibre lengths]."""


def compare_muscles(before: Specimen, after: Specimen) -> list[Change]:
    """All changes in the muscles of two hands, in no order."""
    first, second = (
        {name: i for i, name in enumerate(one.hand.muscle_names)} for one in (before, after)
    )
    changes = [_whole(name, "removed") for name in first if name not in second]
    changes += [_whole(name, "added") for name in second if name not in first]
    common = [name for name in first if name in second]
    changes += _parameters(before, after, common)
    changes += compare_paths(before, after, common)
    return changes + _arms(before, after, common)


def _whole(name: str, what: str) -> Change:
    return Change("muscles", describe_muscle(name), what, WHOLE_PART, muscle=name)


def _parameters(before: Specimen, after: Specimen, common: list[str]) -> list[Change]:
    old, new = (muscle_parameters(one.model, one.hand.muscles) for one in (before, after))
    changes = []
    for name in common:
        i = before.hand.muscle_names.index(name)
        j = after.hand.muscle_names.index(name)
        for field, heading, unit, factor, digits, notable in _PARAMETERS:
            a = float(getattr(old, field)[i]) * factor
            b = float(getattr(new, field)[j]) * factor
            if not numbers_differ(a, b):
                continue
            words = describe_change(a, b, unit, digits)
            weight = abs(np.log(b / a)) / notable if a > 0 and b > 0 else 10.0
            alike = f"{describe_percentage(a, b)} each" if field in ("f0", "l0") and a else words
            changes.append(
                Change(
                    heading, describe_muscle(name), words, float(weight), a, b, unit, alike, name
                )
            )
        a = float(old.lts[i])
        b = float(new.lts[j])
        l0 = max(float(old.l0[i]), 1e-6)
        if numbers_differ(a, b, least=EQUAL_LENGTH):
            words = describe_change(1e3 * a, 1e3 * b, "mm", 1)
            weight = abs(b - a) / l0 / _SLACK_WEIGHT
            change = Change(
                "tendon slack length", describe_muscle(name), words, weight, 1e3 * a, 1e3 * b, "mm"
            )
            changes.append(change._replace(muscle=name))
    return changes


def _arms(before: Specimen, after: Specimen, common: list[str]) -> list[Change]:
    """The largest change of each muscle's arm about each joint, over random postures of the
    ranges both share."""
    joints = [joint for joint in before.hand.joints if joint in after.hand.joints]
    changes = []
    old, new = arms_in_shared_postures(before, after, common, joints)
    shift = np.abs(new - old)
    worst = shift.argmax(axis=0)
    for i, name in enumerate(common):
        for j, joint in enumerate(joints):
            at = worst[i, j]
            if shift[at, i, j] <= EQUAL_ARM:
                continue
            a = float(old[at, i, j])
            b = float(new[at, i, j])
            arms = f"{describe_arm(joint, a)} -> {describe_arm(joint, b)}"
            words = f"{describe_joint(joint)}: {arms} ({1e3 * (b - a):+.1f} mm)"
            weight = float(shift[at, i, j]) / NOTABLE_ARM
            change = Change(
                "moment arms", describe_muscle(name), words, weight, 1e3 * a, 1e3 * b, "mm"
            )
            changes.append(change._replace(muscle=name, joint=joint))
    return changes


def arms_in_shared_postures(
    before: Specimen, after: Specimen, muscles: list[str], joints: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Moment arms of both hands [m] in the same random postures, in the order of the names.
    Shapes (p, m, n)."""
    low, high = before.hand.limits(before.model).T.copy()
    for i, joint in enumerate(before.hand.joints):
        if joint in joints:
            other = after.hand.limits(after.model)[after.hand.joints.index(joint)]
            shared = max(low[i], other[0]), min(high[i], other[1])
            low[i], high[i] = shared if shared[0] <= shared[1] else (low[i], high[i])
    rng = np.random.default_rng(0)
    postures = sample_postures(before.hand, np.stack([low, high], axis=1), NUM_POSTURES, rng)
    theirs = np.zeros((len(postures), len(after.hand.joints)))
    for joint in joints:
        theirs[:, after.hand.joints.index(joint)] = postures[:, before.hand.joints.index(joint)]
    arms = []
    for one, angles in ((before, postures), (after, theirs)):
        rows = [one.hand.muscle_names.index(name) for name in muscles]
        columns = [one.hand.joints.index(joint) for joint in joints]
        arms.append(moment_arms(one.model, one.hand, angles)[:, rows][:, :, columns])
    return arms[0], arms[1]
