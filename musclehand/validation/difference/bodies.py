"""Changes of the bones of a hand, their mass and contact geometry, its other parts and simulation.

The hand is all bodies that its muscles attach to, and all bodies below them; the position of its
root in the world does not count.
"""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.contact_geometry import excluded_bodies
from musclehand.body.hand_index import bodies_below, path_sites
from musclehand.validation.check import Specimen
from musclehand.validation.difference.change import Change
from musclehand.validation.difference.fields import (
    BODY,
    GEOM,
    Row,
    compare_constants,
)
from musclehand.validation.difference.parts import compare_parts
from musclehand.validation.difference.simulation import compare_options
from musclehand.validation.wording import (
    EQUAL_LENGTH,
    EQUAL_SHARE,
    Frame,
    describe_bone,
    describe_change,
    describe_shift,
    format_array,
    neutral_frame,
    numbers_differ,
)

EQUAL_MASS = 1e-6
EQUAL_INERTIA = 1e-11
EQUAL_TURN_DEG = 0.1
"""Changes of mass [kg], of a principal moment of inertia [kg m^2] and of a bone's orientation [deg]
that are none."""

NOTABLE_SHARE = 0.2
LIGHT = 0.01
"""Relative change of a mass worth a look, and the mass that lighter bones count as [kg]."""

NOTABLE_CENTRE = 0.005
NOTABLE_PLACE = 0.003
NOTABLE_TURN_DEG = 10.0
"""Changes worth a look of a centre of mass [m], of a bone's position [m] and of its orientation
[deg]; own choice."""

MOST_INERTIA_WEIGHT = 2.0
LEAST_INERTIA = 1e-3
"""Largest weight of a change of inertia, and the moment that smaller ones count as [g cm^2]."""

EQUAL_TENSOR = 0.01
"""Relative change of the components of an inertia that is none: rounding turns principal axes whose
moments are nearly equal."""

AXES_WEIGHT = 0.5
PARENT_WEIGHT = 10.0
BONE_WEIGHT = 20.0
OUTLINE_WEIGHT = 3.0
PLACE_WEIGHT = 2.0
EXCLUSION_WEIGHT = 1.0
"""Weights of turned principal axes of inertia, of a bone on another bone, of a bone or an outline
added or removed, of an outline in another place, and of an excluded pair added or removed; own
choice."""

G_CM2 = 1e7
"""From kg m^2 to g cm^2."""

_SPHERE = mujoco.mjtGeom.mjGEOM_SPHERE
_ROUND = (mujoco.mjtGeom.mjGEOM_CAPSULE, mujoco.mjtGeom.mjGEOM_CYLINDER)
"""Shapes whose orientation does not count, and those of which only the axis does."""


class _Bone(NamedTuple):
    """One bone in one of the two hands."""

    specimen: Specimen
    """The hand."""

    body: int
    """Id of the body in the model."""

    @property
    def flip(self) -> np.ndarray:
        """Factors that make positions those of a right hand. Shape (3,)."""
        return np.array([1.0, 1.0, self.specimen.hand.side.mirror])


def compare_bodies(before: Specimen, after: Specimen) -> list[Change]:
    """All changes of the bones of two hands and of the simulation, in no order."""
    old = hand_bones(before)
    new = hand_bones(after)
    changes = [Change("bones", name, "removed", BONE_WEIGHT) for name in old if name not in new]
    changes += [Change("bones", name, "added", BONE_WEIGHT) for name in new if name not in old]
    frame = neutral_frame(before)
    for name in old:
        if name in new:
            bones = (_Bone(before, old[name]), _Bone(after, new[name]))
            changes += _inertia(*bones, name, frame)
            rows = (Row(before.model, old[name]), Row(after.model, new[name]))
            changes += compare_constants(*rows, BODY, group="inertia", part=name)
            changes += _contacts(*bones, name)
    parents = (_parents(before, old), _parents(after, new))
    for name in old:
        if name in new:
            bones = (_Bone(before, old[name]), _Bone(after, new[name]))
            changes += _places(*bones, name, parents[0][name], parents[1][name], frame=frame)
    excluded = (_exclusions(before.model, old), _exclusions(after.model, new))
    bodies = (set(old.values()), set(new.values()))
    changes += compare_parts(before, after, bodies)
    return [*changes, *_excluded(*excluded), *compare_options(before.model, after.model)]


def hand_bones(specimen: Specimen) -> dict[str, int]:
    """Ids of the bodies of a hand by their anatomical names, in the model's order."""
    model = specimen.model
    hand = specimen.hand
    roots = {int(model.jnt_bodyid[joint]) for joint in hand.joint_ids(model)}
    for tendon in hand.tendons:
        roots |= {int(model.site_bodyid[site]) for site in path_sites(model, tendon)}
    roots.discard(0)
    names = {body: model.body(body).name for body in sorted(bodies_below(model, *roots))}
    words = {
        body: describe_bone(specimen.naming.base_of(name, hand.side) or name)
        for body, name in names.items()
    }
    counted = list(words.values())
    bones = {}
    for body, word in words.items():
        # A body without a name, or with the same name as another, has its id in its name.
        unique = word and counted.count(word) == 1
        bones[word if unique else f"{word} body {body}".strip()] = body
    return bones


def _inertia(old: _Bone, new: _Bone, name: str, frame: Frame) -> list[Change]:
    """Mass, largest moment of inertia that changed, and centre of mass."""
    changes = []
    model_before = old.specimen.model
    model_after = new.specimen.model
    mass_before = float(model_before.body_mass[old.body])
    mass_after = float(model_after.body_mass[new.body])
    if numbers_differ(mass_before, mass_after, least=EQUAL_MASS):
        ratio = np.log(max(mass_after, LIGHT) / max(mass_before, LIGHT))
        words = f"mass {describe_change(1e3 * mass_before, 1e3 * mass_after, 'g', 1)}"
        weight = abs(float(ratio)) / NOTABLE_SHARE
        change = Change("inertia", name, words, weight, unit="g", shared=words)
        changes.append(change._replace(old=1e3 * mass_before, new=1e3 * mass_after))
    inertia_before = np.sort(model_before.body_inertia[old.body])
    inertia_after = np.sort(model_after.body_inertia[new.body])
    if any(
        numbers_differ(a, b, least=EQUAL_INERTIA)
        for a, b in zip(inertia_before, inertia_after, strict=True)
    ):
        # The largest moment that changed.
        a, b = next(
            (G_CM2 * float(a), G_CM2 * float(b))
            for a, b in zip(inertia_before[::-1], inertia_after[::-1], strict=True)
            if numbers_differ(a, b, least=EQUAL_INERTIA)
        )
        ratio = np.log(max(b, LEAST_INERTIA) / max(a, LEAST_INERTIA))
        weight = min(abs(float(ratio)), MOST_INERTIA_WEIGHT)
        words = f"moment of inertia {describe_change(a, b, 'g cm^2', 1)}"
        changes.append(Change("inertia", name, words, weight, old=a, new=b, unit="g cm^2"))
    else:
        changes += _principal_axes(old, new, name)
    shift = model_after.body_ipos[new.body] * new.flip - model_before.body_ipos[old.body] * old.flip
    if min(mass_before, mass_after) > 0 and np.linalg.norm(shift) > EQUAL_LENGTH:
        turn = frame.axes @ frame.data.xmat[old.body].reshape(3, 3)
        words = f"centre of mass moved {describe_shift(turn @ (shift * old.flip))}"
        length = float(np.linalg.norm(shift))
        change = Change("inertia", name, words, length / NOTABLE_CENTRE)
        changes.append(change._replace(old=0.0, new=1e3 * length, unit="mm"))
    return changes


def _principal_axes(old: _Bone, new: _Bone, name: str) -> list[Change]:
    """Whether the principal axes of inertia have turned, the moments being equal."""
    tensors = []
    for bone in (old, new):
        model = bone.specimen.model
        matrix = np.zeros(9)
        mujoco.mju_quat2Mat(matrix, model.body_iquat[bone.body])
        axes = bone.flip[:, None] * matrix.reshape(3, 3)
        tensors.append(axes * model.body_inertia[bone.body] @ axes.T)
    largest = float(np.abs(tensors[0]).max())
    if np.abs(tensors[1] - tensors[0]).max() <= max(EQUAL_TENSOR * largest, EQUAL_INERTIA):
        return []
    return [Change("inertia", name, "principal axes of inertia turned", AXES_WEIGHT)]


def _parents(specimen: Specimen, bones: dict[str, int]) -> dict[str, str | None]:
    """The bone that each bone is attached to; None for bodies outside the hand."""
    names = {body: name for name, body in bones.items()}
    return {
        name: names.get(int(specimen.model.body_parentid[body])) for name, body in bones.items()
    }


def _places(
    old: _Bone,
    new: _Bone,
    name: str,
    parent_before: str | None,
    parent_after: str | None,
    *,
    frame: Frame,
) -> list[Change]:
    """Position and orientation of a bone on the bone that it is attached to."""
    if parent_before is None or parent_after is None:
        return []
    if parent_before != parent_after:
        words = f"hangs on the {parent_after}, before on the {parent_before}"
        return [Change("bones", name, words, PARENT_WEIGHT)]
    model_before = old.specimen.model
    model_after = new.specimen.model
    changes = []
    shift = model_after.body_pos[new.body] * new.flip - model_before.body_pos[old.body] * old.flip
    length = float(np.linalg.norm(shift))
    if length > EQUAL_LENGTH:
        parent = int(model_before.body_parentid[old.body])
        turn = frame.axes @ frame.data.xmat[parent].reshape(3, 3)
        moved = describe_shift(turn @ (shift * old.flip))
        words = f"begins {moved} of where it did on the {parent_before}"
        change = Change("bones", name, words, length / NOTABLE_PLACE)
        changes.append(change._replace(old=0.0, new=1e3 * length, unit="mm"))
    quaternions = []
    for bone in (old, new):
        quaternion = bone.specimen.model.body_quat[bone.body].copy()
        quaternion[1:3] = quaternion[1:3] * bone.flip[2]
        quaternions.append(quaternion)
    cosine = np.clip(abs(quaternions[0] @ quaternions[1]), 0.0, 1.0)
    angle = float(np.degrees(2.0 * np.arccos(cosine)))
    if angle > EQUAL_TURN_DEG:
        words = f"turned by {angle:.1f} deg"
        change = Change("bones", name, words, angle / NOTABLE_TURN_DEG)
        changes.append(change._replace(old=0, new=angle, unit="deg"))
    return changes


def _contacts(old: _Bone, new: _Bone, name: str) -> list[Change]:
    """Changes of the contact geoms of a bone; matched by name, or by order where names differ."""
    geoms_before = _contact_geoms(old)
    geoms_after = _contact_geoms(new)
    if len(geoms_before) == len(geoms_after) and not set(geoms_before) & set(geoms_after):
        geoms_before, geoms_after = (
            {str(i + 1): geom for i, geom in enumerate(geoms.values())}
            for geoms in (geoms_before, geoms_after)
        )
    changes = [
        Change("contacts", name, f"outline {geom} no longer touches anything", OUTLINE_WEIGHT)
        for geom in geoms_before
        if geom not in geoms_after
    ]
    changes += [
        Change("contacts", name, f"outline {geom} added", OUTLINE_WEIGHT)
        for geom in geoms_after
        if geom not in geoms_before
    ]
    for geom in (geom for geom in geoms_before if geom in geoms_after):
        changes += _outline(old, new, name, (geoms_before[geom], geoms_after[geom]))
    return changes


def _outline(old: _Bone, new: _Bone, name: str, geoms: tuple[int, int]) -> list[Change]:
    """Changes of one contact geom: constants, place, orientation."""
    before = Row(old.specimen.model, geoms[0])
    after = Row(new.specimen.model, geoms[1])
    changes = compare_constants(before, after, GEOM, group="contacts", part=name)
    mirror = np.array([1.0, 1.0, old.flip[2] * new.flip[2]])
    a = before.model.geom_pos[before.number]
    b = after.model.geom_pos[after.number] * mirror
    if not np.allclose(a, b, rtol=EQUAL_SHARE, atol=EQUAL_LENGTH):
        words = f"place [m] {format_array(a)} -> {format_array(b)}"
        changes.append(Change("contacts", name, words, PLACE_WEIGHT, shared=words))
    axes = []
    for row, flip in ((before, old.flip), (after, new.flip)):
        matrix = np.zeros(9)
        mujoco.mju_quat2Mat(matrix, row.model.geom_quat[row.number])
        axes.append(flip[:, None] * matrix.reshape(3, 3))
    # The outlines of a hand are symmetric about their axes: either end may come first.
    shape = int(before.model.geom_type[before.number])
    has_three_axes = shape not in _ROUND
    cosines = np.abs((axes[0] * axes[1]).sum(axis=0))[0 if has_three_axes else 2 :]
    angle = float(np.degrees(np.arccos(np.clip(cosines.min(), 0.0, 1.0))))
    if angle > EQUAL_TURN_DEG and shape != _SPHERE:
        words = f"outline turned by {angle:.1f} deg"
        change = Change("contacts", name, words, angle / NOTABLE_TURN_DEG)
        changes.append(change._replace(old=0.0, new=angle, unit="deg"))
    return changes


def _contact_geoms(bone: _Bone) -> dict[str, int]:
    """Ids of the geoms of a bone that can touch something, by their names without the side."""
    model = bone.specimen.model
    side = bone.specimen.hand.side
    geoms: dict[str, int] = {}
    first = int(model.body_geomadr[bone.body])
    for geom in range(first, first + int(model.body_geomnum[bone.body])):
        if model.geom_contype[geom] or model.geom_conaffinity[geom]:
            name = model.geom(geom).name
            base = bone.specimen.naming.base_of(name, side) or name
            geoms[base or f"{len(geoms) + 1}"] = geom
    return geoms


def _excluded(before: set[tuple[str, str]], after: set[tuple[str, str]]) -> list[Change]:
    """Pairs of bones that may pass through each other in one of the hands."""
    changes = []
    for pair in sorted(before ^ after):
        words = "can touch each other now" if pair in before else "can no longer touch each other"
        changes.append(Change("contacts", " and ".join(pair), words, EXCLUSION_WEIGHT))
    return changes


def _exclusions(model: mujoco.MjModel, bones: dict[str, int]) -> set[tuple[str, str]]:
    """Names of the pairs of bones that contact is excluded for."""
    names = {body: name for name, body in bones.items()}
    pairs = set()
    for body1, body2 in excluded_bodies(model):
        bone1 = names.get(body1)
        bone2 = names.get(body2)
        if bone1 is not None and bone2 is not None:
            pairs.add((min(bone1, bone2), max(bone1, bone2)))
    return pairs
