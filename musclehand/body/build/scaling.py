"""Hands of other people: the tables and MyoSim's bones stretched to a hand length and a hand
breadth.

In the right hand's root frame fingers point along -y, the thumb along +x and the back of the hand
along +z, and the frames of all bones are parallel to it at neutral, so that one diagonal stretch of
all local positions scales the whole hand and forearm: y with the length, x and z (breadth and
thickness) with the breadth. Paths, wrapping surfaces, outlines and meshes go with the bones; joint
axes stay. Optimal fibre lengths scale with the smaller of the two, so that no path becomes too
short for its fibre, masses with the volume, and slack lengths are fitted again when the model is
built. Peak forces stay as the table has them: strength differs more between people of one size than
sizes do, and has a factor of its own (`strength_scale`).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import mujoco
import numpy as np

from musclehand.body.build.tables import HandTables
from musclehand.core.errors import InvalidValue

HAND_LENGTH = 0.175
"""Length of the hand in the tables [m], from the centre of the wrist to the tip of the middle
finger's skin (tested). Measured by the proportions of Buchholz, Armstrong & Goldstein 1992
(Ergonomics 35:261; recalled) its bones are those of a hand of 168 to 180 mm."""

HAND_BREADTH = 0.077
"""Breadth that the tables' hand stands for [m]: 0.44 of its length, as people have on average
(ANSUR II: 0.43-0.46; recalled). MyoSim's palm has no flesh at its edges to measure."""

LENGTH_RANGE = (0.13, 0.24)
BREADTH_RANGE = (0.055, 0.115)
"""What is accepted [m]: beyond the 1st percentile of women and the 99th of men, by some margin."""

PROPORTION_RANGE = (0.3, 0.7)
"""Breadth over length that is accepted; people have 0.4 to 0.5."""


def scale_tables(
    tables: HandTables, *, hand_length: float | None = None, hand_breadth: float | None = None
) -> HandTables:
    """The tables of a hand of that length and breadth [m]; None keeps the tables' own.

    Raises:
        InvalidValue: a size that no adult's hand has.
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

    old = tables.stretch
    return replace(
        tables,
        stretch=(old[0] * breadth, old[1] * length, old[2] * breadth),
        muscles=tuple(replace(row, l0=row.l0 * min(length, breadth)) for row in tables.muscles),
        paths=tuple(replace(row, pos=None if row.pos is None else point(row.pos)) for row in tables.paths),
        segments=tuple(
            replace(
                row,
                start=point(row.start),
                end=point(row.end),
                radius=row.radius * breadth,
                mass=row.mass * length * breadth**2,
            )
            for row in tables.segments
        ),
        wraps=tuple(
            replace(row, radius=row.radius * breadth, half_length=row.half_length * breadth) for row in tables.wraps
        ),
    )


def stretch_bones(root: Any, spec: mujoco.MjSpec, stretch: tuple[float, float, float]) -> None:
    """Stretches MyoSim's geometry in place: all bodies below `root`, their joints, sites, meshes
    and surfaces.

    A wrapping cylinder or sphere has one radius and grows with the thickness of the hand, its
    length along its axis with the stretch in that direction.
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
