"""Muscle paths: tendons along the stations of `paths.csv`, and the cylinders that they wrap."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np

from musclehand.body.anatomy import Side
from musclehand.body.build.joint_site import joint_frame, place_site
from musclehand.body.build.myosim import MyoSimArm, base_name, mirrored
from musclehand.body.build.table_rows import HandTables, PathRow, WrapRow
from musclehand.core.errors import ModelError, UnknownName

TENDON_WIDTH = 0.0012
"""[m] Radius of a drawn tendon; without effect on the simulation."""

TENDON_RGBA = (0.72, 0.12, 0.14, 1.0)


def find_bone(
    spec: mujoco.MjSpec, base: str, side: Side, *, source: str = "hand tables", part: str = ""
) -> Any:
    """Looks up a body of the hand.

    Args:
        spec: the model.
        base: name without side suffix.
        side: which hand.
        source: file that names it, for the error.
        part: what it is the bone of, for the error.

    Raises:
        ModelError: the hand has no such body.
    """
    body = spec.body(side.name_of(base))
    if body is None:
        bones = [body.name.removesuffix(side.name_of("")) for body in spec.bodies if body.name]
        problem = str(UnknownName("bone", base, bones))
        raise ModelError(source, f"{part}: {problem}" if part else problem)
    return body


def add_wrap(spec: mujoco.MjSpec, row: WrapRow, side: Side) -> None:
    """Adds a wrapping cylinder about the axis of a joint, unless the model has it already.

    It is fixed to the bone on either side of the joint; their frames have the same orientation.

    Args:
        spec: the model; changed in place.
        row: the cylinder.
        side: which hand.

    Raises:
        ModelError: the hand does not have the joint or the bone.
    """
    if spec.geom(side.name_of(row.name)) is not None:
        return
    joint = spec.joint(side.name_of(row.joint))
    if joint is None:
        raise ModelError(
            "wraps.csv",
            f"{row.name} goes about the joint {row.joint!r}, which the hand does not have",
        )
    centre = np.asarray(joint.pos)
    if joint.parent.name != side.name_of(row.body):
        centre = centre + joint.parent.pos
    axis = np.asarray(joint.axis) / np.linalg.norm(joint.axis)
    find_bone(spec, row.body, side, source="wraps.csv", part=row.name).add_geom(
        name=side.name_of(row.name),
        type=mujoco.mjtGeom.mjGEOM_CYLINDER,
        fromto=[*(centre - row.half_length * axis), *(centre + row.half_length * axis)],
        size=[row.radius, 0, 0],
        mass=0.0,
        contype=0,
        conaffinity=0,
        group=3,
        rgba=[0.3, 0.6, 0.9, 0.4],
    )


def add_path(
    spec: mujoco.MjSpec, source: MyoSimArm, tables: HandTables, path: list[PathRow], side: Side
) -> None:
    """Adds one muscle: a tendon along a path, and an actuator without constants.

    Args:
        spec: the model; changed in place.
        source: MyoSim's geometry.
        tables: the tables of the hand.
        path: the stations of one muscle, in order.
        side: which hand.

    Raises:
        ModelError: a station refers to a bone or surface that does not exist.
    """
    name = side.name_of(path[0].muscle)
    tendon = spec.add_tendon(name=name, width=TENDON_WIDTH, rgba=TENDON_RGBA)
    for row in path:
        if row.kind in ("site", "joint_site", "side"):
            body, pos = _place(source, tables, row)
            site = _site(spec, row.name, body, pos, side)
            if row.kind != "side":
                tendon.wrap_site(site)
        elif row.kind == "base_site":
            tendon.wrap_site(_base_site(spec, source, row.name, side))
        elif row.kind == "pulley":
            tendon.wrap_pulley(float(row.name))
        else:
            _wrap_around(spec, source, tendon, row, side)
    spec.add_actuator(name=name, trntype=mujoco.mjtTrn.mjTRN_TENDON, target=name)


def _place(source: MyoSimArm, tables: HandTables, row: PathRow) -> tuple[str, Any]:
    """Body and position [m] of a point of the tables."""
    if row.pos is None:
        raise ModelError("paths.csv", f"{row.name} has no position")
    if row.kind == "joint_site":
        return place_site(joint_frame(source.find, tables, row.body), row.pos)
    return row.body, row.pos


def _wrap_around(
    spec: mujoco.MjSpec, source: MyoSimArm, tendon: Any, row: PathRow, side: Side
) -> None:
    """Wraps a tendon around a cylinder of the tables or a surface of MyoSim."""
    side_site = ""
    if row.side_site:
        side_site = side.name_of(row.side_site)
        if spec.site(side_site) is None:
            side_site = _base_site(spec, source, row.side_site, side)
    geom = (
        side.name_of(row.name) if row.kind == "wrap" else _base_wrap(spec, source, row.name, side)
    )
    tendon.wrap_geom(geom, side_site)


def _site(spec: mujoco.MjSpec, base: str, body: str, pos: Any, side: Side) -> str:
    """Name of the site of a path point, which is added unless an earlier path has added it."""
    name = side.name_of(base)
    if spec.site(name) is None:
        find_bone(spec, body, side, source="paths.csv", part=base).add_site(
            name=name, pos=mirrored(pos, side), size=[0.0007, 0, 0], group=5
        )
    return name


def _base_site(spec: mujoco.MjSpec, source: MyoSimArm, base: str, side: Side) -> str:
    original = source.find("site", base)
    return _site(spec, base, base_name(original.parent.name), original.pos, side)


def _base_wrap(spec: mujoco.MjSpec, source: MyoSimArm, base: str, side: Side) -> str:
    """Name of a wrapping surface of MyoSim, which is added, reflected for the left hand, if new."""
    name = side.name_of(base)
    if spec.geom(name) is not None:
        return name
    original = source.find("geom", base)
    half_length = original.size[1]
    axis = _geom_axis(source.spec, original)
    pos = np.asarray(mirrored(original.pos, side))
    body = find_bone(spec, base_name(original.parent.name), side)
    geom = body.add_geom(
        name=name,
        type=original.type,
        size=original.size,
        mass=0.0,
        contype=0,
        conaffinity=0,
        group=3,
    )
    if original.type == mujoco.mjtGeom.mjGEOM_CYLINDER:
        reach = half_length * np.asarray(mirrored(axis, side))
        geom.fromto = [*(pos - reach), *(pos + reach)]
    else:
        geom.pos = pos
    return name


def _geom_axis(spec: mujoco.MjSpec, geom: Any) -> np.ndarray:
    """Local z axis of a geom in its body's frame. Shape (3,)."""
    quat = np.asarray(geom.quat, dtype=float)
    if geom.alt.type != mujoco.mjtOrientation.mjORIENTATION_QUAT:
        quat = np.asarray(
            spec.resolve_orientation(
                degree=bool(spec.compiler.degree),
                sequence=spec.compiler.eulerseq,
                orientation=geom.alt,
            ),
            dtype=float,
        )
    matrix = np.zeros(9)
    mujoco.mju_quat2Mat(matrix, quat / np.linalg.norm(quat))
    return matrix.reshape(3, 3)[:, 2]
