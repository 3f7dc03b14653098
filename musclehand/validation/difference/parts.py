"""Changes of the parts of a hand beside its muscles, its named joints and its bones.

They are fingertips, joints without an anatomical name, actuators that are no muscles of the hand,
tendons without a muscle, equalities other than couplings of two named joints, pairs of contact, and
keyframes. They are matched by their names without the side.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import mujoco
import numpy as np

from musclehand.body.anatomy import DIGITS
from musclehand.body.hand_index import path_sites
from musclehand.validation.check import Specimen
from musclehand.validation.difference.change import WHOLE_PART, Change
from musclehand.validation.difference.fields import (
    ACTUATOR,
    DRIVE,
    EQUALITY,
    PAIR,
    TENDON,
    Constant,
    Row,
    compare_constants,
)
from musclehand.validation.difference.paths import compare_path
from musclehand.validation.wording import (
    EQUAL_LENGTH,
    EQUAL_SHARE,
    Frame,
    describe_bone,
    describe_joint,
    describe_shift,
    neutral_frame,
)

NOTABLE_TIP = 0.003
"""Change of the place of a fingertip worth a look [m]; own choice."""

TIP_BONE_WEIGHT = 10.0
PART_WEIGHT = 5.0
KEYFRAME_WEIGHT = 0.1
"""Weights of a fingertip on another bone, of a part added or removed, and of a keyframe, which does
not change the hand; own choice."""

EQUAL_ANGLE_DEG = 0.01
"""Changes of an angle of a keyframe that are none [deg]."""

_WEIGHTS = {"joint": WHOLE_PART, "pair": 1.0}
_NO_SITE = -1
_ON_JOINTS = (mujoco.mjtTrn.mjTRN_JOINT, mujoco.mjtTrn.mjTRN_JOINTINPARENT)
_ON_SITES = (mujoco.mjtTrn.mjTRN_SITE, mujoco.mjtTrn.mjTRN_SLIDERCRANK)

Finder: TypeAlias = Callable[[Specimen, set[int]], dict[str, int]]
"""Ids of parts of a hand by name, given the hand and its bodies."""


def compare_parts(
    before: Specimen, after: Specimen, bodies: tuple[set[int], set[int]]
) -> list[Change]:
    """All changes of the other parts of two hands, in no order.

    Args:
        before: a hand.
        after: another.
        bodies: ids of the bodies of both.
    """
    pair = (before, after)
    frames = (neutral_frame(before), neutral_frame(after))
    changes = _tips(before, after, frames[0])
    muscles = {
        part_name(specimen, "tendon", int(tendon))
        for specimen in pair
        for tendon in specimen.hand.tendons
    }
    parts: tuple[tuple[str, str, Finder, tuple[Constant, ...]], ...] = (
        ("joints", "joint", _joints, ()),
        ("actuators", "actuator", _actuators, (*ACTUATOR, *DRIVE)),
        ("tendons", "tendon", _tendons, TENDON),
        ("couplings", "equality", _equalities, EQUALITY),
        ("contacts", "pair", _pairs, PAIR),
    )
    for group, kind, find, constants in parts:
        old, new = (find(*both) for both in zip(pair, bodies, strict=True))
        for name in [*old, *(name for name in new if name not in old)]:
            part = f"{kind} {name}"
            if kind == "tendon" and name in muscles:
                continue
            if name not in new or name not in old:
                words = "added" if name in new else "removed"
                weight = _WEIGHTS.get(kind, PART_WEIGHT)
                changes.append(Change(group, part, words, weight))
                continue
            rows = (Row(before.model, old[name]), Row(after.model, new[name]))
            changes += compare_constants(*rows, constants, group=group, part=part)
            if kind == "tendon":
                path = compare_path(pair, frames, (old[name], new[name]))
                changes += [change._replace(group=group, part=part) for change in path]
    return [*changes, *_keyframes(before, after)]


def _tips(before: Specimen, after: Specimen, frame: Frame) -> list[Change]:
    """Fingertips that came, went, or have another place."""
    changes = []
    for row, digit in enumerate(DIGITS):
        part = f"tip of the {digit}{'' if digit == 'thumb' else ' finger'}"
        old, new = (int(specimen.hand.tips[row]) for specimen in (before, after))
        if _NO_SITE in (old, new):
            if old != new:
                words = "added" if old == _NO_SITE else "removed"
                changes.append(Change("fingertips", part, words, PART_WEIGHT))
            continue
        bones = [
            describe_bone(part_name(specimen, "body", int(specimen.model.site_bodyid[site])))
            for specimen, site in ((before, old), (after, new))
        ]
        if bones[0] != bones[1]:
            words = f"now on the {bones[1]}, before on the {bones[0]}"
            changes.append(Change("fingertips", part, words, TIP_BONE_WEIGHT))
            continue
        mirror = before.hand.side.mirror * after.hand.side.mirror
        place = after.model.site_pos[new] * [1.0, 1.0, mirror]
        shift = place - before.model.site_pos[old]
        length = float(np.linalg.norm(shift))
        if length > EQUAL_LENGTH:
            turn = frame.data.xmat[before.model.site_bodyid[old]].reshape(3, 3)
            words = f"moved {describe_shift(frame.axes @ turn @ shift)}"
            change = Change("fingertips", part, words, length / NOTABLE_TIP)
            changes.append(change._replace(old=0.0, new=1e3 * length, unit="mm"))
    return changes


def part_name(specimen: Specimen, kind: str, number: int) -> str:
    """The name of a part without the side; its number where it has no name.

    Args:
        specimen: the hand.
        kind: accessor of `MjModel`, such as "body".
        number: id of the part.
    """
    name = getattr(specimen.model, kind)(number).name
    return specimen.naming.base_of(name, specimen.hand.side) or name or f"number {number}"


def _joints(specimen: Specimen, bodies: set[int]) -> dict[str, int]:
    """Joints of the bones that the naming does not name."""
    model = specimen.model
    named = set(specimen.hand.joint_ids(model).tolist())
    return {
        part_name(specimen, "joint", joint): joint
        for joint in range(model.njnt)
        if int(model.jnt_bodyid[joint]) in bodies and joint not in named
    }


def _actuators(specimen: Specimen, bodies: set[int]) -> dict[str, int]:
    """Actuators of the hand that are none of its muscles."""
    model = specimen.model
    muscles = set(specimen.hand.muscles.tolist())
    return {
        part_name(specimen, "actuator", actuator): actuator
        for actuator in range(model.nu)
        if actuator not in muscles and _drives(model, actuator, bodies)
    }


def _drives(model: mujoco.MjModel, actuator: int, bodies: set[int]) -> bool:
    """Whether an actuator drives one of the bodies."""
    kind = int(model.actuator_trntype[actuator])
    target = int(model.actuator_trnid[actuator, 0])
    if kind in _ON_JOINTS:
        return int(model.jnt_bodyid[target]) in bodies
    if kind in _ON_SITES:
        return int(model.site_bodyid[target]) in bodies
    if kind == mujoco.mjtTrn.mjTRN_TENDON:
        return _touches(model, target, bodies)
    return kind == mujoco.mjtTrn.mjTRN_BODY and target in bodies


def _touches(model: mujoco.MjModel, tendon: int, bodies: set[int]) -> bool:
    """Whether a tendon has a point on one of the bodies, or is made of one of their joints."""
    part = slice(model.tendon_adr[tendon], model.tendon_adr[tendon] + model.tendon_num[tendon])
    joints = model.wrap_objid[part][model.wrap_type[part] == mujoco.mjtWrap.mjWRAP_JOINT]
    touched = {int(model.site_bodyid[site]) for site in path_sites(model, tendon)}
    touched |= {int(model.jnt_bodyid[joint]) for joint in joints}
    return bool(touched & bodies)


def _tendons(specimen: Specimen, bodies: set[int]) -> dict[str, int]:
    """Tendons of the hand that are none of its muscles'."""
    model = specimen.model
    pulled = set(specimen.hand.tendons.tolist())
    return {
        part_name(specimen, "tendon", tendon): tendon
        for tendon in range(model.ntendon)
        if tendon not in pulled and _touches(model, tendon, bodies)
    }


def _equalities(specimen: Specimen, bodies: set[int]) -> dict[str, int]:
    """Equalities of the hand but those between two of its named joints."""
    model = specimen.model
    named = set(specimen.hand.joint_ids(model).tolist())
    owners = {
        mujoco.mjtObj.mjOBJ_JOINT: model.jnt_bodyid,
        mujoco.mjtObj.mjOBJ_SITE: model.site_bodyid,
        mujoco.mjtObj.mjOBJ_BODY: np.arange(model.nbody),
    }
    equalities = {}
    for number in range(model.neq):
        first, second = (int(ids[number]) for ids in (model.eq_obj1id, model.eq_obj2id))
        kind = int(model.eq_objtype[number])
        if model.eq_type[number] == mujoco.mjtEq.mjEQ_JOINT and {first, second} <= named:
            continue
        if kind == mujoco.mjtObj.mjOBJ_TENDON:
            belongs = _touches(model, first, bodies)
        else:
            belongs = kind in owners and int(owners[mujoco.mjtObj(kind)][first]) in bodies
        if belongs:
            equalities[part_name(specimen, "equality", number)] = number
    return equalities


def _pairs(specimen: Specimen, bodies: set[int]) -> dict[str, int]:
    """Pairs of contact whose first geom is on the hand."""
    model = specimen.model
    pairs = {}
    for number in range(model.npair):
        geoms = (int(model.pair_geom1[number]), int(model.pair_geom2[number]))
        if bodies & {int(model.geom_bodyid[geom]) for geom in geoms}:
            pairs[" and ".join(sorted(part_name(specimen, "geom", geom) for geom in geoms))] = (
                number
            )
    return pairs


def _keyframes(before: Specimen, after: Specimen) -> list[Change]:
    """Keyframes with another posture or another activation."""
    old, new = (_keys(specimen.model) for specimen in (before, after))
    changes = [
        Change("keyframes", name, "added" if name in new else "removed", KEYFRAME_WEIGHT)
        for name in [*old, *new]
        if (name in old) != (name in new)
    ]
    for name in (name for name in old if name in new):
        angles_before, angles_after = (
            np.degrees(specimen.model.key_qpos[key, specimen.hand.qpos] * specimen.hand.signs)
            for specimen, key in ((before, old[name]), (after, new[name]))
        )
        for row, joint in enumerate(before.hand.joints):
            if joint not in after.hand.joints:
                continue
            a = float(angles_before[row])
            b = float(angles_after[after.hand.joints.index(joint)])
            if abs(b - a) > EQUAL_ANGLE_DEG:
                words = f"{describe_joint(joint)} {a:.1f} -> {b:.1f} deg"
                change = Change("keyframes", name, words, KEYFRAME_WEIGHT, joint=joint)
                changes.append(change._replace(old=a, new=b, unit="deg"))
        changes += _activations(before, after, (old[name], new[name]), name)
    return changes


def _activations(
    before: Specimen, after: Specimen, keys: tuple[int, int], name: str
) -> list[Change]:
    """Whether the muscles that both hands have are excited otherwise in a keyframe."""
    muscles = [muscle for muscle in before.hand.muscle_names if muscle in after.hand.muscle_names]
    values = []
    for specimen, key in zip((before, after), keys, strict=True):
        rows = [specimen.hand.muscle_names.index(muscle) for muscle in muscles]
        entries = specimen.hand.act[rows]
        values.append(specimen.model.key_act[key, entries[entries >= 0]])
    if np.shape(values[0]) == np.shape(values[1]) and np.allclose(
        values[0], values[1], EQUAL_SHARE
    ):
        return []
    return [Change("keyframes", name, "other activations of muscles", KEYFRAME_WEIGHT)]


def _keys(model: mujoco.MjModel) -> dict[str, int]:
    """Ids of the keyframes by name."""
    return {model.key(key).name or f"number {key}": key for key in range(model.nkey)}
