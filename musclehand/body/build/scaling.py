"""Anthropometric scaling: tables and MyoSim's bones stretched to a hand length and breadth.

In the root frame of the right hand fingers point along -y, the thumb along +x and the back of the
hand along +z, and the frames of all bones are parallel to it at neutral. One diagonal stretch of
all local positions therefore scales the whole hand and forearm: y with the length, x and z (breadth
and thickness) with the breadth. Paths, wrapping surfaces, outlines and meshes are stretched with
the bones; joint axes are unchanged. Optimal fibre lengths scale with the smaller of the two
factors, so that no path becomes too short for its fibre, masses with the volume, and
armature with the mass times the square of the smaller factor, as inertia does. Slack lengths
are fitted again when the model is built. Peak forces are unchanged, because strength varies more
among people of one size than size does; `strength_scale` scales them.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import mujoco
import numpy as np

from musclehand.body.build.table_rows import HandTables, PathRow
from musclehand.core.errors import InvalidValue

HAND_LENGTH = 0.175
"""[m] Length of the hand in the tables, from the centre of the wrist to the skin at the tip of the
middle finger (tested). By the proportions of Buchholz, Armstrong & Goldstein 1992 (Ergonomics
35:261; recalled) its bones are those of a hand of 168 to 180 mm."""

HAND_BREADTH = 0.077
"""[m] Nominal breadth of the hand in the tables: 0.44 of its length, the average of people (ANSUR
II: 0.43-0.46; recalled). MyoSim's palm has no soft tissue at its edges that could be measured."""

LENGTH_RANGE = (0.13, 0.24)
"""[m] Legal hand lengths: from below the 1st percentile of women to above the 99th of men."""

BREADTH_RANGE = (0.055, 0.115)
"""[m] Legal hand breadths, likewise."""

PROPORTION_RANGE = (0.3, 0.7)
"""Legal ratios of breadth to length; people have 0.4 to 0.5."""


def scale_tables(
    tables: HandTables, *, hand_length: float | None = None, hand_breadth: float | None = None
) -> HandTables:
    """Stretches tables to the size of a hand.

    Args:
        tables: tables of a hand of `HAND_LENGTH` and `HAND_BREADTH`.
        hand_length: from the wrist to the tip of the middle finger [m]; None leaves it unchanged.
        hand_breadth: across the knuckles [m]; None leaves it unchanged.

    Raises:
        InvalidValue: no adult hand has that size.
    """
    for name, value, (low, high) in (
        ("hand length", hand_length, LENGTH_RANGE),
        ("hand breadth", hand_breadth, BREADTH_RANGE),
    ):
        if value is not None and not low <= value <= high:
            raise InvalidValue(name, value, f"a length from {low:g} to {high:g} m")
    proportion = (hand_breadth or HAND_BREADTH) / (hand_length or HAND_LENGTH)
    if not PROPORTION_RANGE[0] <= proportion <= PROPORTION_RANGE[1]:
        legal = f"from {PROPORTION_RANGE[0]:g} to {PROPORTION_RANGE[1]:g} times the hand length"
        raise InvalidValue("hand breadth", hand_breadth or HAND_BREADTH, legal)
    length = 1.0 if hand_length is None else hand_length / HAND_LENGTH
    breadth = 1.0 if hand_breadth is None else hand_breadth / HAND_BREADTH
    if length == breadth == 1.0:
        return tables
    stretch = (breadth, length, breadth)

    def point(pos: tuple[float, float, float]) -> tuple[float, float, float]:
        return pos[0] * stretch[0], pos[1] * stretch[1], pos[2] * stretch[2]

    before = tables.stretch
    volume = length * breadth**2
    return replace(
        tables,
        joints=tuple(
            replace(row, armature=row.armature * volume * min(length, breadth) ** 2)
            for row in tables.joints
        ),
        stretch=(before[0] * breadth, before[1] * length, before[2] * breadth),
        muscles=tuple(replace(row, l0=row.l0 * min(length, breadth)) for row in tables.muscles),
        paths=tuple(replace(row, pos=_path_point(row, stretch)) for row in tables.paths),
        segments=tuple(
            replace(
                row,
                start=point(row.start),
                end=point(row.end),
                radius=row.radius * breadth,
                mass=row.mass * volume,
            )
            for row in tables.segments
        ),
        added_joints=tuple(replace(row, pos=point(row.pos)) for row in tables.added_joints),
        wraps=tuple(
            replace(row, radius=row.radius * breadth, half_length=row.half_length * breadth)
            for row in tables.wraps
        ),
    )


def _path_point(
    row: PathRow, stretch: tuple[float, float, float]
) -> tuple[float, float, float] | None:
    """The stretched place of a path's point [m].

    A point in the frame of a joint is stretched evenly, by the breadth: the course of its moment
    arm over the angle follows from the proportions of its coordinates (`body.build.joint_site`).
    """
    if row.pos is None:
        return None
    x, y, z = stretch if row.kind != "joint_site" else 3 * (stretch[0],)
    return row.pos[0] * x, row.pos[1] * y, row.pos[2] * z


def stretch_bones(root: Any, spec: mujoco.MjSpec, stretch: tuple[float, float, float]) -> None:
    """Stretches MyoSim's geometry below a body: positions, joints, sites, meshes and surfaces.

    The radius of a wrapping cylinder or sphere grows with the thickness of the hand, the length of
    a cylinder with the geometric mean of breadth and length.

    Args:
        root: the body; changed in place.
        spec: the spec that holds its meshes; changed in place.
        stretch: factors on local x, y and z.
    """
    factor = np.asarray(stretch)
    scaled: set[str] = set()
    for body in root.bodies:
        body.pos = np.asarray(body.pos) * factor
        stretch_bones(body, spec, stretch)
    for part in (*root.joints, *root.sites):
        part.pos = np.asarray(part.pos) * factor
    for geom in root.geoms:
        geom.pos = np.asarray(geom.pos) * factor
        if geom.type == mujoco.mjtGeom.mjGEOM_MESH:
            if geom.meshname not in scaled:
                mesh = spec.mesh(geom.meshname)
                mesh.scale = np.asarray(mesh.scale) * factor
                scaled.add(geom.meshname)
        else:
            along = math.sqrt(stretch[0] * stretch[1])
            geom.size = np.asarray(geom.size) * [stretch[2], along, 1.0]
