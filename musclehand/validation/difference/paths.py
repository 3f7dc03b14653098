"""Changes of the paths of muscles: points and wrapping surfaces moved, added, removed."""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.validation.check import Specimen
from musclehand.validation.difference.change import Change
from musclehand.validation.wording import (
    EQUAL_LENGTH,
    EQUAL_SHARE,
    Frame,
    describe_bone,
    describe_change,
    describe_muscle,
    describe_shift,
    format_array,
    neutral_frame,
    numbers_differ,
)

GROUP = "paths"
"""Heading of all changes here."""

NEW_PATH_WEIGHT = 5.0
"""Weight of a point added or removed, that of one moved by 15 mm; own choice."""

NOTABLE_SHIFT = 0.003
NOTABLE_RADIUS = 0.001
NOTABLE_TURN_DEG = 10.0
"""Changes worth a look of a position [m], a radius [m] and an axis [deg]; own choice."""

EQUAL_TURN_DEG = 0.1
"""Changes of an axis that are none [deg]."""

_SURFACES = (mujoco.mjtWrap.mjWRAP_SPHERE, mujoco.mjtWrap.mjWRAP_CYLINDER)


class PathPoint(NamedTuple):
    """A point of a path, or a surface that it wraps around."""

    name: str
    """Name without the side."""

    bone: str
    """Bone in anatomical words: models name bones in different ways."""

    place: np.ndarray
    """[m] position on the bone, as of a right hand. Shape (3,)."""

    shape: str
    """ "point", "sphere" or "cylinder"."""

    radius: float
    """[m] of a surface; 0 for a point."""

    axis: np.ndarray
    """Direction of a cylinder on the bone, as of a right hand; zeros for others. Shape (3,)."""

    to_hand: np.ndarray
    """Rotation from the bone to radial, proximal and dorsal. Shape (3, 3)."""

    from_wrist: np.ndarray
    """[m] radial, proximal and dorsal position at neutral, from the wrist. Shape (3,)."""

    @property
    def kind(self) -> str:
        """Word for a point or a surface."""
        return "point" if self.shape == "point" else "surface"


def compare_paths(before: Specimen, after: Specimen, muscles: list[str]) -> list[Change]:
    """All changes of the paths of muscles.

    Args:
        before: a hand.
        after: another.
        muscles: anatomical names of muscles of both.
    """
    frames = (neutral_frame(before), neutral_frame(after))
    changes = []
    for muscle in muscles:
        old, new = (
            int(specimen.hand.tendons[specimen.hand.muscle_names.index(muscle)])
            for specimen in (before, after)
        )
        part = describe_muscle(muscle)
        changes += [
            change._replace(part=part, muscle=muscle)
            for change in compare_path((before, after), frames, (old, new))
        ]
    return changes


def compare_path(
    hands: tuple[Specimen, Specimen], frames: tuple[Frame, Frame], tendons: tuple[int, int]
) -> list[Change]:
    """Changes of the path of one tendon, without the part that they are of.

    Args:
        hands: before and after.
        frames: their anatomical directions, of `neutral_frame`.
        tendons: id of the tendon in the model of either.
    """
    old, new = (
        path_points(specimen, frame, tendon)
        for specimen, frame, tendon in zip(hands, frames, tendons, strict=True)
    )
    divisors = [
        _divisors(specimen, tendon) for specimen, tendon in zip(hands, tendons, strict=True)
    ]
    return [*_path(old, new), *_branches(*divisors)]


def _path(old: dict[str, PathPoint], new: dict[str, PathPoint]) -> list[Change]:
    """Changes of the points and surfaces of one path."""
    if not set(old) & set(new):
        words = f"another path: {len(new)} points and surfaces, before {len(old)} others"
        return [_change(words, NEW_PATH_WEIGHT)]
    changes = []
    removed = [point for name, point in old.items() if name not in new]
    added = [point for name, point in new.items() if name not in old]
    for points, verb in ((removed, "removed"), (added, "added")):
        if points:
            listed = ", ".join(f"{point.kind} {point.name} ({point.bone})" for point in points)
            changes.append(_change(f"{verb}: {listed}", NEW_PATH_WEIGHT))
    for name in old:
        if name in new:
            changes += _moved(old[name], new[name])
    kept = [name for name in new if name in old]
    if kept != [name for name in old if name in new]:
        changes.append(_change(f"runs in another order: {', '.join(kept)}", NEW_PATH_WEIGHT))
    return changes


def _branches(old: np.ndarray, new: np.ndarray) -> list[Change]:
    """Changes of the branches of a path and of their divisors."""
    if len(old) == len(new) and np.allclose(old, new, rtol=EQUAL_SHARE):
        return []
    words = [
        f"{len(divisors)} branches, lengths divided by {format_array(divisors)}"
        if divisors.size
        else "no branches"
        for divisors in (old, new)
    ]
    return [_change(f"{words[0]} -> {words[1]}", NEW_PATH_WEIGHT)]


def _divisors(specimen: Specimen, tendon: int) -> np.ndarray:
    """Divisors of the pulleys of a path."""
    model = specimen.model
    first = model.tendon_adr[tendon]
    wraps = slice(first, first + model.tendon_num[tendon])
    return model.wrap_prm[wraps][model.wrap_type[wraps] == mujoco.mjtWrap.mjWRAP_PULLEY]


def _moved(old: PathPoint, new: PathPoint) -> list[Change]:
    """Changes of one point or surface: bone, position, radius, axis."""
    name = f"{new.kind} {new.name}"
    changes: list[Change] = []
    if old.bone != new.bone:
        shift = new.from_wrist - old.from_wrist
        length = float(np.linalg.norm(shift))
        words = f"{name} now on the {new.bone}, before on the {old.bone}"
        if length > EQUAL_LENGTH:
            words += f", {describe_shift(shift)} from there"
        weight = NEW_PATH_WEIGHT + length / NOTABLE_SHIFT
        changes.append(_change(words, weight, old=0.0, new=1e3 * length, unit="mm"))
    else:
        shift = new.place - old.place
        length = float(np.linalg.norm(shift))
        if length > EQUAL_LENGTH:
            words = f"{name} moved {describe_shift(old.to_hand @ shift)}, {new.bone}"
            weight = length / NOTABLE_SHIFT
            changes.append(_change(words, weight, old=0.0, new=1e3 * length, unit="mm"))
    if old.shape != new.shape:
        changes.append(_change(f"{name}: {old.shape} -> {new.shape}", NEW_PATH_WEIGHT))
    if numbers_differ(old.radius, new.radius, least=EQUAL_LENGTH):
        a = 1e3 * old.radius
        b = 1e3 * new.radius
        words = f"{name}: radius {describe_change(a, b, 'mm', 1)}"
        weight = abs(new.radius - old.radius) / NOTABLE_RADIUS
        changes.append(_change(words, weight, old=a, new=b, unit="mm"))
    sine = np.linalg.norm(np.cross(old.axis, new.axis))
    turn = float(np.degrees(np.arctan2(sine, abs(old.axis @ new.axis))))
    if turn > EQUAL_TURN_DEG:
        words = f"{name} turned by {turn:.1f} deg"
        weight = turn / NOTABLE_TURN_DEG
        changes.append(_change(words, weight, old=0.0, new=turn, unit="deg"))
    return changes


def _change(
    words: str,
    weight: float,
    *,
    old: float | None = None,
    new: float | None = None,
    unit: str = "",
) -> Change:
    """A change of a path whose muscle is filled in later."""
    return Change(GROUP, "", words, weight, old=old, new=new, unit=unit)


def path_points(specimen: Specimen, frame: Frame, tendon: int) -> dict[str, PathPoint]:
    """The path of a tendon, by the names of its points without the side.

    A surface is followed by its side site, which decides the way round. A name that occurs again
    has a prime.

    Args:
        specimen: the hand.
        frame: its anatomical directions, of `neutral_frame`.
        tendon: id in the model.
    """
    model = specimen.model
    path: dict[str, PathPoint] = {}
    first = model.tendon_adr[tendon]
    for wrap in range(first, first + model.tendon_num[tendon]):
        kind = int(model.wrap_type[wrap])
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
            while name in path:
                name += "'"
            path[name] = point._replace(name=name)
    return path


def _site(specimen: Specimen, frame: Frame, number: int) -> PathPoint:
    model = specimen.model
    flip = np.array([1.0, 1.0, specimen.hand.side.mirror])
    bone = int(model.site_bodyid[number])
    return PathPoint(
        name=_base(specimen, model.site(number).name),
        bone=describe_bone(_base(specimen, model.body(bone).name)),
        place=model.site_pos[number] * flip,
        shape="point",
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
    is_cylinder = model.geom_type[number] == mujoco.mjtGeom.mjGEOM_CYLINDER
    if is_cylinder:
        mujoco.mju_rotVecQuat(axis, np.array([0.0, 0.0, 1.0]), model.geom_quat[number])
    return PathPoint(
        name=_base(specimen, model.geom(number).name),
        bone=describe_bone(_base(specimen, model.body(bone).name)),
        place=model.geom_pos[number] * flip,
        shape="cylinder" if is_cylinder else "sphere",
        radius=float(model.geom_size[number, 0]),
        axis=axis * flip,
        to_hand=frame.axes @ frame.data.xmat[bone].reshape(3, 3) * flip,
        from_wrist=frame.axes @ (frame.data.geom_xpos[number] - frame.origin),
    )


def _base(specimen: Specimen, name: str) -> str:
    return specimen.naming.base_of(name, specimen.hand.side) or name
