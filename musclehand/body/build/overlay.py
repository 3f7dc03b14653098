"""Overlay of the tables of `models/hand` on MyoSim's geometry, made into a MuJoCo hand.

Bones and joint axes are MyoSim's (`body.build.myosim`). The tables define the muscles and their
paths (`body.build.path`), joint limits and passive torques, and the outline and mass of each
segment. The left hand is the mirror image: local z of every position and the sense of every axis
are reversed, so that the same joint value is the same posture on both sides.
"""

from __future__ import annotations

import itertools
from typing import Any

import mujoco
import numpy as np

from musclehand.body.anatomy import DIGITS, DISTAL_BODIES, Side, coupled_joint, coupling_ratio
from musclehand.body.build.myosim import ROOT, MyoSimArm, base_name, mirrored, mirrored_axis
from musclehand.body.build.path import add_path, add_wrap, find_bone
from musclehand.body.build.table_rows import HandTables, JointRow, SegmentRow
from musclehand.core.errors import ModelError

LIMIT_SOLREF = (0.004, 1.0)
"""[s] and damping ratio: joint limits give by less than 3 degrees under random activation (tested).
The time constant has to be at least twice the time step."""

LIMIT_MARGIN = 0.065
"""[rad] Joint limits begin to resist this far before they are reached, like ligaments; chosen, with
it joints hardly pass their limits."""

COUPLING_SOLREF = (0.006, 1.0)
"""[s] and damping ratio of the couplings between joints; chosen."""

SKIN_BIT = 1
"""Contact bit of skin, which collides with skin of other digits."""

KEY_BIT = 2
"""Contact bit of keys, which collide with digits and palms."""

TOUCHES = {"digit": (SKIN_BIT, SKIN_BIT | KEY_BIT), "palm": (0, KEY_BIT), "arm": (0, 0)}
"""contype and conaffinity of a segment by its layer."""

SKIN_CONTACT_MARGIN = 0.0012
"""[m] Contact force begins at this distance outside the outline of a segment, for pulp that is
compressed before the outlines meet; chosen. Under the load of a key 1.0 mm of it remain
(`planning.strokes.press.LOADED_TIP_GAP`)."""

SKIN_SOLREF = (0.004, 1.0)
"""[s] and damping ratio of contacts of the skin; the stiffest that steps of 2 ms allow."""

SKIN_SOLIMP = (0.9, 0.99, 0.001, 0.5, 2.0)
"""Impedance of contacts of the skin, in MuJoCo's terms; chosen."""

SKIN_FRICTION = (0.8, 0.005, 0.0001)
"""Sliding, torsional and rolling friction of skin: between dry and moist skin on smooth plastic
(`models/piano/SOURCES.md`)."""

SKIN_RGBA = (0.87, 0.70, 0.60, 1.0)
"""Colour of skin."""

GHOST_RGBA = (0.87, 0.70, 0.60, 0.35)
"""Colour of skin in pictures that show the bones."""

BONE_RGBA = (0.93, 0.90, 0.82, 1.0)
"""Colour of bones."""


def add_hand(
    spec: mujoco.MjSpec,
    parent: Any,
    source: MyoSimArm,
    tables: HandTables,
    side: Side,
    *,
    visual: bool,
) -> None:
    """Adds one hand with forearm, from the elbow end of the upper arm to the fingertips.

    Args:
        spec: the scene, in radians; changed in place.
        parent: a body or frame of `spec`. The root frame of the hand is the elbow end of the
            humerus, with fingers along -y.
        source: MyoSim's geometry.
        tables: the overlay.
        side: which hand; every name ends in `_r` or `_l`.
        visual: whether to add bone meshes and make skin translucent, for pictures (slower to load
            and step).

    Raises:
        ModelError: a table refers to a body, joint, site or geom that MyoSim does not have.
    """
    root = parent.add_body(name=side.name_of(ROOT))
    joints = {row.joint: row for row in tables.joints}
    _add_bones(root, source.root, joints, side, visual=visual)
    for added in tables.added_joints:
        if added.joint not in joints:
            raise ModelError("added_joints.csv", f"{added.joint} has no row in joints.csv")
        bone = find_bone(spec, added.body, side)
        _add_joint(bone, joints[added.joint], added.pos, added.axis, side)
    if visual:
        _add_meshes(spec, root, source, side)
    for row in tables.joints:
        _couple(spec, row.joint, side)
    for segment in tables.segments:
        _add_segment(spec, segment, side, visual=visual)
    for wrap in tables.wraps:
        add_wrap(spec, wrap, side)
    for muscle in tables.muscles:
        path = [row for row in tables.paths if row.muscle == muscle.muscle]
        add_path(spec, source, tables, path, side)
    _exclude_neighbours(spec, side)


def _add_bones(
    body: Any, original: Any, joints: dict[str, JointRow], side: Side, *, visual: bool
) -> None:
    """Adds bodies, and the joints that are in the table.

    MyoSim's bone frames have no rotation below the humerus.
    """
    for joint in original.joints:
        row = joints.get(base_name(joint.name))
        if row is not None:
            _add_joint(body, row, joint.pos, joint.axis, side)
    for child in original.bodies:
        added = body.add_body(
            name=side.name_of(base_name(child.name)), pos=mirrored(child.pos, side)
        )
        _add_bones(added, child, joints, side, visual=visual)


def _add_joint(body: Any, row: JointRow, pos: Any, axis: Any, side: Side) -> None:
    joint = body.add_joint(
        name=side.name_of(row.joint),
        type=mujoco.mjtJoint.mjJNT_HINGE,
        axis=mirrored_axis(axis, side),
        pos=mirrored(pos, side),
        range=[row.lower, row.upper],
        limited=mujoco.mjtLimited.mjLIMITED_TRUE,
        springref=row.rest,
        armature=row.armature,
        solref_limit=LIMIT_SOLREF,
        margin=LIMIT_MARGIN,
    )
    # Damping and stiffness are polynomials in the velocity and in the distance from rest.
    joint.damping = [row.damping, 0.0, 0.0]
    joint.stiffness = [row.stiffness, 0.0, row.stiffening]


def _add_meshes(spec: mujoco.MjSpec, body: Any, source: MyoSimArm, side: Side) -> None:
    for geom in source.find("body", body.name[:-2]).geoms:
        if geom.type != mujoco.mjtGeom.mjGEOM_MESH or body.name[:-2] == ROOT:
            continue
        original = source.spec.mesh(geom.meshname)
        mesh_name = side.name_of(base_name(original.name))
        scale = np.asarray(original.scale) * [1, 1, side.mirror]
        spec.add_mesh(name=mesh_name, file=f"{source.mesh_folder}/{original.file}", scale=scale)
        body.add_geom(
            name=side.name_of(f"bone_{base_name(geom.name)}"),
            type=mujoco.mjtGeom.mjGEOM_MESH,
            meshname=mesh_name,
            pos=mirrored(geom.pos, side),
            contype=0,
            conaffinity=0,
            mass=0.0,
            group=0,
            rgba=BONE_RGBA,
        )
    for child in body.bodies:
        _add_meshes(spec, child, source, side)


def _couple(spec: mujoco.MjSpec, joint: str, side: Side) -> None:
    """Couples a joint to the one that it follows (`anatomy.coupled_joint`)."""
    driver = coupled_joint(joint)
    if driver is None:
        return
    coupling = spec.add_equality(
        name=side.name_of(f"{joint}_coupling"),
        type=mujoco.mjtEq.mjEQ_JOINT,
        objtype=mujoco.mjtObj.mjOBJ_JOINT,
        name1=side.name_of(joint),
        name2=side.name_of(driver),
        solref=COUPLING_SOLREF,
    )
    coupling.data[:5] = [0.0, coupling_ratio(joint), 0.0, 0.0, 0.0]


def _add_segment(spec: mujoco.MjSpec, row: SegmentRow, side: Side, *, visual: bool) -> None:
    body = find_bone(spec, row.body, side)
    end = mirrored(row.end, side)
    contype, conaffinity = TOUCHES[row.layer]
    body.add_geom(
        name=side.name_of(f"skin_{row.body}"),
        type=mujoco.mjtGeom.mjGEOM_CAPSULE,
        fromto=[*mirrored(row.start, side), *end],
        size=[row.radius, 0, 0],
        mass=row.mass,
        contype=contype,
        conaffinity=conaffinity,
        condim=3,
        friction=SKIN_FRICTION,
        margin=SKIN_CONTACT_MARGIN,
        solref=SKIN_SOLREF,
        solimp=SKIN_SOLIMP,
        rgba=GHOST_RGBA if visual else SKIN_RGBA,
        group=1,
    )
    if row.body in DISTAL_BODIES:
        digit = DIGITS[DISTAL_BODIES.index(row.body)]
        body.add_site(name=side.name_of(f"tip_{digit}"), pos=end, size=[0.002, 0, 0], group=4)


def _exclude_neighbours(spec: mujoco.MjSpec, side: Side) -> None:
    """Excludes contacts between proximal phalanges of neighbouring fingers, which skin joins, and
    within a fully bent finger."""
    proximal = [side.name_of(f"{finger}proxph") for finger in range(2, 6)]
    distal = [side.name_of(f"distph{finger}") for finger in range(2, 6)]
    pairs = [*itertools.pairwise(proximal), *zip(proximal, distal, strict=True)]
    for body, neighbour in pairs:
        spec.add_exclude(name=f"{body}-{neighbour}", bodyname1=body, bodyname2=neighbour)
