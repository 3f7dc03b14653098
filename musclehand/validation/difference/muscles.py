"""Changes of the muscles of a hand: presence, force and fibres, paths, moment arms."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from musclehand.body.analysis.moment_arm import moment_arms
from musclehand.body.muscle import muscle_parameters
from musclehand.body.posture import sample_postures
from musclehand.validation.check import Specimen
from musclehand.validation.difference.change import WHOLE_PART, Change
from musclehand.validation.difference.fields import (
    ACTUATOR,
    TENDON,
    Row,
    compare_constants,
)
from musclehand.validation.difference.paths import compare_paths
from musclehand.validation.wording import (
    EQUAL_LENGTH,
    EQUAL_SHARE,
    describe_arm,
    describe_change,
    describe_joint,
    describe_muscle,
    describe_percentage,
    numbers_differ,
)

EQUAL_ARM = 5e-5
"""Change of a moment arm that rounded path points can make [m]."""

NOTABLE_ARM = 0.002
"""Change of a moment arm worth a look [m]; own choice."""

NOTABLE_SLACK = 0.1
"""Change of the tendon slack length worth a look [optimal fibre lengths]; own choice."""

PASSIVE_WEIGHT = 5.0
SMOOTHING_WEIGHT = 0.5
"""Weights of a constant that a muscle's passive force has and its active force has not, and of the
smoothing of its time constants; own choice."""

NUM_POSTURES = 200
"""Random postures in which moment arms are compared."""


class _Parameter(NamedTuple):
    """A constant of a muscle that may change."""

    field: str
    """Name in `MuscleParameters`."""

    heading: str
    """Heading of its changes."""

    unit: str
    """Unit in reports."""

    factor: float
    """From SI units to `unit`."""

    digits: int
    """Digits after the point."""

    notable: float
    """Relative change worth a look (a change by a factor of e has 1)."""


_WIDTH_OF_SMOOTHING = 2
"""Column of `actuator_dynprm` with the width of the smooth change between both times."""

_PARAMETERS = (
    _Parameter("f0", "peak force", "N", factor=1.0, digits=1, notable=0.1),
    _Parameter("l0", "optimal fibre length", "mm", factor=1e3, digits=1, notable=0.1),
    _Parameter("tau_act", "activation time", "ms", factor=1e3, digits=1, notable=0.5),
    _Parameter("tau_deact", "deactivation time", "ms", factor=1e3, digits=1, notable=0.5),
    _Parameter("vmax", "fastest shortening", "l0/s", factor=1.0, digits=2, notable=0.3),
    _Parameter(
        "fpmax", "passive force of a stretched fibre", "F0", factor=1.0, digits=2, notable=0.5
    ),
    _Parameter("fvmax", "force when lengthening fast", "F0", factor=1.0, digits=2, notable=0.5),
    _Parameter("lmin", "shortest fibre with force", "l0", factor=1.0, digits=2, notable=0.5),
    _Parameter("lmax", "longest fibre with force", "l0", factor=1.0, digits=2, notable=0.5),
)


_BIAS = ("range low", "range high", "force", "scale", "lmin", "lmax", "vmax", "fpmax", "fvmax")
"""The first constants of `actuator_gainprm` and `actuator_biasprm`, as MJCF has them."""


def compare_muscles(before: Specimen, after: Specimen) -> list[Change]:
    """All changes of the muscles of two hands, in no order."""
    old = before.hand.muscle_names
    new = after.hand.muscle_names
    common = [name for name in dict.fromkeys(old) if name in new]
    changes = [_presence(name, "removed") for name in dict.fromkeys(old) if name not in new]
    changes += [_presence(name, "added") for name in dict.fromkeys(new) if name not in old]
    changes += _parameters(before, after, common)
    changes += _constants(before, after, common)
    changes += compare_paths(before, after, common)
    return changes + _arms(before, after, common)


def _presence(name: str, words: str) -> Change:
    return Change("muscles", describe_muscle(name), words, WHOLE_PART, muscle=name)


def _parameters(before: Specimen, after: Specimen, common: list[str]) -> list[Change]:
    old, new = (
        muscle_parameters(specimen.model, specimen.hand.muscles) for specimen in (before, after)
    )
    changes = []
    for name in common:
        i = before.hand.muscle_names.index(name)
        j = after.hand.muscle_names.index(name)
        for parameter in _PARAMETERS:
            a = float(getattr(old, parameter.field)[i]) * parameter.factor
            b = float(getattr(new, parameter.field)[j]) * parameter.factor
            if numbers_differ(a, b):
                changes.append(_parameter(name, parameter, a, b))
        slack_before = float(old.lts[i])
        slack_after = float(new.lts[j])
        if numbers_differ(slack_before, slack_after, least=EQUAL_LENGTH):
            l0 = max(float(old.l0[i]), 1e-6)
            a = 1e3 * slack_before
            b = 1e3 * slack_after
            changes.append(
                Change(
                    group="tendon slack length",
                    part=describe_muscle(name),
                    words=describe_change(a, b, "mm", 1),
                    weight=abs(slack_after - slack_before) / l0 / NOTABLE_SLACK,
                    old=a,
                    new=b,
                    unit="mm",
                    muscle=name,
                )
            )
    return changes


def _constants(before: Specimen, after: Specimen, common: list[str]) -> list[Change]:
    """Changes of constants of actuators and tendons, and of passive constants that are not the
    active ones."""
    changes = []
    for name in common:
        rows = [(specimen, specimen.hand.muscle_names.index(name)) for specimen in (before, after)]
        old, new = (Row(hand.model, int(hand.hand.muscles[row])) for hand, row in rows)
        part = describe_muscle(name)
        differences = compare_constants(old, new, ACTUATOR, group="control", part=part)
        differences += _smoothing(old, new, part) + _passive(old, new, part)
        old, new = (Row(hand.model, int(hand.hand.tendons[row])) for hand, row in rows)
        differences += compare_constants(old, new, TENDON, group="tendons", part=part)
        changes += [change._replace(muscle=name) for change in differences]
    return changes


def _smoothing(old: Row, new: Row, part: str) -> list[Change]:
    """Change of the width over which the time of activation becomes that of deactivation."""
    a, b = (float(row.model.actuator_dynprm[row.number, _WIDTH_OF_SMOOTHING]) for row in (old, new))
    if not numbers_differ(a, b):
        return []
    words = f"smoothing of the time constants {describe_change(a, b, '', 2)}"
    return [Change("control", part, words, SMOOTHING_WEIGHT, shared=words)]


def _passive(old: Row, new: Row, part: str) -> list[Change]:
    """Changes of constants that MuJoCo has twice, where passive and active ones do not agree."""
    values = [
        (row.model.actuator_gainprm[row.number, :9], row.model.actuator_biasprm[row.number, :9])
        for row in (old, new)
    ]
    if all(np.allclose(gain, bias, rtol=EQUAL_SHARE) for gain, bias in values):
        return []
    changes: list[Change] = []
    for column, label in enumerate(_BIAS):
        a, b = (float(bias[column]) for _, bias in values)
        if numbers_differ(a, b):
            words = f"passive {label} {describe_change(a, b, '', 3)}"
            changes.append(Change("passive constants", part, words, PASSIVE_WEIGHT, shared=words))
    return changes


def _parameter(name: str, parameter: _Parameter, old: float, new: float) -> Change:
    words = describe_change(old, new, parameter.unit, parameter.digits)
    in_percent = parameter.field in ("f0", "l0") and old
    weight = abs(np.log(new / old)) / parameter.notable if old > 0 and new > 0 else 10.0
    return Change(
        group=parameter.heading,
        part=describe_muscle(name),
        words=words,
        weight=float(weight),
        old=old,
        new=new,
        unit=parameter.unit,
        shared=f"{describe_percentage(old, new)} each" if in_percent else words,
        muscle=name,
    )


def _arms(before: Specimen, after: Specimen, common: list[str]) -> list[Change]:
    """The largest change of each muscle's arm about each joint, over random postures in the ranges
    of both hands."""
    joints = [joint for joint in before.hand.joints if joint in after.hand.joints]
    changes = []
    old, new = arms_in_shared_postures(before, after, common, joints)
    shift = np.abs(new - old)
    worst = shift.argmax(axis=0)
    for i, name in enumerate(common):
        for j, joint in enumerate(joints):
            posture = worst[i, j]
            if shift[posture, i, j] <= EQUAL_ARM:
                continue
            a = float(old[posture, i, j])
            b = float(new[posture, i, j])
            arms = f"{describe_arm(joint, a)} -> {describe_arm(joint, b)}"
            changes.append(
                Change(
                    group="moment arms",
                    part=describe_muscle(name),
                    words=f"{describe_joint(joint)}: {arms} ({1e3 * (b - a):+.1f} mm)",
                    weight=float(shift[posture, i, j]) / NOTABLE_ARM,
                    old=1e3 * a,
                    new=1e3 * b,
                    unit="mm",
                    muscle=name,
                    joint=joint,
                )
            )
    return changes


def arms_in_shared_postures(
    before: Specimen, after: Specimen, muscles: list[str], joints: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Moment arms of two hands in the same random postures, in the ranges of both.

    Args:
        before: a hand.
        after: another.
        muscles: anatomical names of m muscles of both.
        joints: anatomical names of n joints of both.

    Returns:
        Arms of each hand [m], in the order of the names. Shapes (`NUM_POSTURES`, m, n).
    """
    low, high = before.hand.limits(before.model).T.copy()
    limits_after = after.hand.limits(after.model)
    for i, joint in enumerate(before.hand.joints):
        if joint in joints:
            low_after, high_after = limits_after[after.hand.joints.index(joint)]
            shared = (max(low[i], low_after), min(high[i], high_after))
            if shared[0] <= shared[1]:
                low[i] = shared[0]
                high[i] = shared[1]
    rng = np.random.default_rng(0)
    postures = sample_postures(before.hand, np.stack([low, high], axis=1), NUM_POSTURES, rng)
    postures_after = np.zeros((len(postures), len(after.hand.joints)))
    for joint in joints:
        column = after.hand.joints.index(joint)
        postures_after[:, column] = postures[:, before.hand.joints.index(joint)]
    return (
        _arms_of(before, postures, muscles, joints),
        _arms_of(after, postures_after, muscles, joints),
    )


def _arms_of(
    specimen: Specimen, postures: np.ndarray, muscles: list[str], joints: list[str]
) -> np.ndarray:
    rows = [specimen.hand.muscle_names.index(name) for name in muscles]
    columns = [specimen.hand.joints.index(joint) for joint in joints]
    arms = moment_arms(specimen.model, specimen.hand, postures)
    return arms[:, rows][:, :, columns]
