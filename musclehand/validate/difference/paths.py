"""What changed in the paths of muscles: points and wrapping surfaces moved, added, removed."""

from __future__ import annotations

from typing import Any, NamedTuple

import mujoco
import numpy as np

from musclehand.validate.check import Specimen
from musclehand.validate.difference.compare import Change
from musclehand.validate.wording import (
    EQUAL_LENGTH,
    EQUAL_SHARE,
    Frame,
    format_array,
    describe_bone,
    describe_change,
    describe_shift,
    describe_muscle,
    neutral_frame,
    numbers_differ,
)

GROUP = "paths"

NEW_PATH_WEIGHT = 5.0
"""A point more or less weighs as much as one moved by 15 mm."""

NOTABLE_SHIFT = 0.003
NOTABLE_RADIUS = 0.001
NOTABLE_TURN_DEG = 10.0
"""Changes worth a look [m], [m], [deg]."""

EQUAL_TURN_DEG = 0.1

_SURFACES = (mujoco.mjtWrap.mjWRAP_SPHERE, mujoco.mjtWrap.mjWRAP_CYLINDER)


class PathPoint(NamedTuple):
    """A point of a path, or a surface (`radius` above 0) that it wraps around.

    `bone` is in words, as models name bones in different ways. `place` on it [m] and `axis` of a
    cylinder are those of a right hand, and `to_hand` (3, 3) turns them to radial, proximal, dorsal;
    `from_wrist` is where it is at neutral in these directions [m].
    """

    name: str
    bone: str
    place: np.ndarray
    radius: float
    axis: np.ndarray
    to_hand: np.ndarray
    from_wrist: np.ndarray

    @property
    def kind(self) -> str:
        """In words."""
        return "surface" if self.radius else "point"


_Told = tuple[str, float, dict[str, Any]]


def compare_paths(before: Specimen, after: Specimen, muscles: list[str]) -> list[Change]:
    """All changes in the paths of the muscles, which both hands have."""
    first = neutral_frame(before)
    second = neutral_frame(after)
    changes = []
    for muscle in muscles:
        old = path_points(before, first, muscle)
        new = path_points(after, second, muscle)
        changes += [
            Change(GROUP, describe_muscle(muscle), words, weight, muscle=muscle)._replace(**numbers)
            for words, weight, numbers in [*_told(old, new), *_branches(before, after, muscle)]
        ]
    return changes


def _told(old: dict[str, PathPoint], new: dict[str, PathPoint]) -> list[_Told]:
    """Words, weight, and the numbers of a `Change` where there are any, for every change of a
    path."""
    if not set(old) & set(new):
        return [
            (
                f"another path: {len(new)} points and surfaces, before {len(old)} others",
                NEW_PATH_WEIGHT,
                {},
            )
        ]
    told: list[_Told] = []
    for one, other, what in ((old, new, "removed"), (new, old, "added")):
        odd = [
            f"{point.kind} {name} ({point.bone})"
            for name, point in one.items()
            if name not in other
        ]
        if odd:
            told.append((f"{what}: {', '.join(odd)}", NEW_PATH_WEIGHT, {}))
    for name in old:
        if name in new:
            told += _moved(old[name], new[name])
    kept = [name for name in new if name in old]
    if kept != [name for name in old if name in new]:
        told.append((f"runs in another order: {', '.join(kept)}", NEW_PATH_WEIGHT, {}))
    return told


def _branches(before: Specimen, after: Specimen, muscle: str) -> list[_Told]:
    """Where a path branches, and by how much the branches count less."""
    old, new = (_divisors(one, muscle) for one in (before, after))
    if len(old) == len(new) and np.allclose(old, new, rtol=EQUAL_SHARE):
        return []
    words = [
        f"{len(one)} branches, lengths divided by {format_array(one)}"
        if one.size
        else "no branches"
        for one in (old, new)
    ]
    return [(f"{words[0]} -> {words[1]}", NEW_PATH_WEIGHT, {})]


def _divisors(one: Specimen, muscle: str) -> np.ndarray:
    tendon = one.hand.tendons[one.hand.muscle_names.index(muscle)]
    wraps = slice(
        one.model.tendon_adr[tendon], one.model.tendon_adr[tendon] + one.model.tendon_num[tendon]
    )
    return one.model.wrap_prm[wraps][one.model.wrap_type[wraps] == mujoco.mjtWrap.mjWRAP_PULLEY]


def _moved(old: PathPoint, new: PathPoint) -> list[_Told]:
    what = f"{new.kind} {new.name}"
    told: list[_Told] = []
    if old.bone != new.bone:
        shift = new.from_wrist - old.from_wrist
        length = float(np.linalg.norm(shift))
        words = f"{what} now on the {new.bone}, before on the {old.bone}"
        moved = f", {describe_shift(shift)} from there" if length > EQUAL_LENGTH else ""
        told.append(
            (
                words + moved,
                NEW_PATH_WEIGHT + length / NOTABLE_SHIFT,
                _change(0.0, 1e3 * length, "mm"),
            )
        )
    else:
        shift = new.place - old.place
        length = float(np.linalg.norm(shift))
        if length > EQUAL_LENGTH:
            words = f"{what} moved {describe_shift(old.to_hand @ shift)}, {new.bone}"
            told.append((words, length / NOTABLE_SHIFT, _change(0.0, 1e3 * length, "mm")))
    if numbers_differ(old.radius, new.radius, least=EQUAL_LENGTH):
        radii = 1e3 * old.radius, 1e3 * new.radius
        words = f"{what}: radius {describe_change(*radii, 'mm', 1)}"
        told.append((words, abs(new.radius - old.radius) / NOTABLE_RADIUS, _change(*radii, "mm")))
    turn = float(
        np.degrees(
            np.arctan2(np.linalg.norm(np.cross(old.axis, new.axis)), abs(old.axis @ new.axis))
        )
    )
    if turn > EQUAL_TURN_DEG:
        told.append(
            (f"{what} turned by {turn:.1f} deg", turn / NOTABLE_TURN_DEG, _change(0.0, turn, "deg"))
        )
    return told


def _change(old: float, new: float, unit: str) -> dict[str, Any]:
    return {"old": old, "new": new, "unit": unit}


def path_points(specimen: Specimen, frame: Frame, muscle: str) -> dict[str, PathPoint]:
    """The path of a muscle, by the names of its points without the side; a surface met twice has a
    prime.

    Surfaces carry the name of their sidesite too, as it decides which way round a path goes.
    """
    model = specimen.model
    hand = specimen.hand
    tendon = hand.tendons[hand.muscle_names.index(muscle)]
    found: dict[str, PathPoint] = {}
    for wrap in range(
        model.tendon_adr[tendon], model.tendon_adr[tendon] + model.tendon_num[tendon]
    ):
        kind = model.wrap_type[wrap]
        number = int(model.wrap_objid[wrap])
        points = []
        if kind == mujoco.mjtWrap.mjWRAP_SITE:
            points.append(_site(specimen, frame, number))
        elif kind in _SURFACES:
            points.append(_surface(specimen, frame, number))
            side = int(model.wrap_prm[wrap])
            points += [_site(specimen, frame, side)] if side >= 0 else []
        for point in points:
            name = point.name
            while name in found:
                name += "'"
            found[name] = point._replace(name=name)
    return found


def _site(specimen: Specimen, frame: Frame, number: int) -> PathPoint:
    model = specimen.model
    flip = np.array([1.0, 1.0, specimen.hand.side.mirror])
    bone = int(model.site_bodyid[number])
    return PathPoint(
        name=_base(specimen, model.site(number).name),
        bone=describe_bone(_base(specimen, model.body(bone).name)),
        place=model.site_pos[number] * flip,
        radius=0.0,
        axis=np.zeros(3),
        to_hand=frame.axes @ frame.data.xmat[bone].reshape(3, 3) * flip,
        from_wrist=frame.axes @ (frame.data.site_xpos[number] - frame.origin),
    )


def _surface(specimen: Specimen, frame: Frame, number: int) -> PathPoint:
    model = specimen.model
    flip = np.array([1.0, 1.0, specimen.hand.side.mirror])
    bone = int(model.geom_bodyid[number])
    axis = np.zeros(3)
    if model.geom_type[number] == mujoco.mjtGeom.mjGEOM_CYLINDER:
        mujoco.mju_rotVecQuat(axis, np.array([0.0, 0.0, 1.0]), model.geom_quat[number])
    return PathPoint(
        name=_base(specimen, model.geom(number).name),
        bone=describe_bone(_base(specimen, model.body(bone).name)),
        place=model.geom_pos[number] * flip,
        radius=float(model.geom_size[number, 0]),
        axis=axis * flip,
        to_hand=frame.axes @ frame.data.xmat[bone].reshape(3, 3) * flip,
        from_wrist=frame.axes @ (frame.data.geom_xpos[number] - frame.origin),
    )


def _base(specimen: Specimen, name: str) -> str:
    return specimen.naming.base_of(name, specimen.hand.side) or name
