"""Our hand on MyoSim's geometry: the tables of `models/hand` made into a MuJoCo hand at load time.

Bones and joint axes are MyoSim's (`body.build.myosim`). The tables say everything else: which
muscles there are and where they run (`body.build.path`), joint limits and passive torques, the
outline and mass of each segment. The left hand is the mirror image: local z of every position
changes its sign, and axes turn the other way round, so that the same joint value is the same
posture on both sides.
"""

from __future__ import annotations

import itertools
from typing import Any

import mujoco
import numpy as np

from musclehand.body.anatomy import DIGITS, DIP_PER_PIP, DISTAL_BODIES, Side, coupled_joint
from musclehand.body.build.myosim import ROOT, MyoSimArm, base_name, mirrored, mirrored_axis
from musclehand.body.build.path import add_path, add_wrap, find_bone
from musclehand.body.build.tables import HandTables, JointRow, SegmentRow

ARMATURE = 1e-4
"""Rotor inertia of every joint [kg m^2]: with physical phalanges, muscle stiffness chatters
below it (measured)."""

LIMIT_SOLREF = (0.005, 1.0)
"""Joint limits stiff enough to give under 3 degrees under random activation (tested); at least
twice the time step."""

LIMIT_MARGIN = 0.065
"""Joint limits begin to resist this far before they are reached [rad], as ligaments do, and are
then hardly passed."""

COUPLING_SOLREF = (0.006, 1.0)

SKIN_BIT = 1
KEY_BIT = 2
"""Contact bits: fingers touch fingers and keys, palms touch keys only."""

TOUCHES = {"digit": (SKIN_BIT, SKIN_BIT | KEY_BIT), "palm": (0, KEY_BIT), "arm": (0, 0)}
"""contype and conaffinity of a segment by its layer."""

PULP = 0.0012
"""Contact begins this far outside the outline [m]: pulp that gives way, so that outlines
themselves hardly meet."""

SKIN_FRICTION = (0.8, 0.005, 0.0001)
SKIN_RGBA = (0.87, 0.70, 0.60, 1.0)
GHOST_RGBA = (0.87, 0.70, 0.60, 0.35)
BONE_RGBA = (0.93, 0.90, 0.82, 1.0)


def add_hand(
    spec: mujoco.MjSpec, parent: Any, source: MyoSimArm, tables: HandTables, side: Side, *, visual: bool
) -> None:
    """Adds one hand with forearm, from the end of the upper arm down, as a child of `parent`.

    Args:
        spec: the scene, in radians; changed in place.
        parent: a body or frame of `spec`; the hand's root frame is the elbow end of the humerus,
            fingers along -y.
        source: MyoSim's geometry.
        tables: the overlay.
        side: which hand; every name ends in `_r` or `_l`.
        visual: with bone meshes and translucent skin, for pictures (slower to load and step).

    Raises:
        ModelError: a table names a body, joint, site or geom that MyoSim does not have.
    """
    root = parent.add_body(name=side.name_of(ROOT))
    joints = {row.joint: row for row in tables.joints}
    _add_bones(root, source.root, joints, side, visual=visual)
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


def _add_bones(body: Any, original: Any, joints: dict[str, JointRow], side: Side, *, visual: bool) -> None:
    """Bodies and the joints that the table keeps; bone frames of MyoSim are unrotated below the
    humerus."""
    for joint in original.joints:
        row = joints.get(base_name(joint.name))
        if row is not None:
            _add_joint(body, row, joint, side)
    for child in original.bodies:
        added = body.add_body(name=side.name_of(base_name(child.name)), pos=mirrored(child.pos, side))
        _add_bones(added, child, joints, side, visual=visual)


def _add_joint(body: Any, row: JointRow, original: Any, side: Side) -> None:
    joint = body.add_joint(
        name=side.name_of(row.joint),
        type=mujoco.mjtJoint.mjJNT_HINGE,
        axis=mirrored_axis(original.axis, side),
        pos=mirrored(original.pos, side),
        range=[row.lower, row.upper],
        limited=mujoco.mjtLimited.mjLIMITED_TRUE,
        springref=row.rest,
        armature=ARMATURE,
        solref_limit=LIMIT_SOLREF,
        margin=LIMIT_MARGIN,
    )
    # MuJoCo takes damping and stiffness as polynomials of velocity and of the distance from rest.
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
    """Couples the last finger joint to the middle one, as the extensor hood does."""
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
    coupling.data[:5] = [0.0, DIP_PER_PIP, 0.0, 0.0, 0.0]


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
        margin=PULP,
        solref=[0.004, 1.0],
        solimp=[0.9, 0.99, 0.001, 0.5, 2.0],
        rgba=GHOST_RGBA if visual else SKIN_RGBA,
        group=1,
    )
    if row.body in DISTAL_BODIES:
        digit = DIGITS[DISTAL_BODIES.index(row.body)]
        body.add_site(name=side.name_of(f"tip_{digit}"), pos=end, size=[0.002, 0, 0], group=4)


def _exclude_neighbours(spec: mujoco.MjSpec, side: Side) -> None:
    """Skin joins the proximal phalanges of neighbouring fingers, and a fully bent finger rests
    on itself."""
    proximal = [side.name_of(f"{finger}proxph") for finger in range(2, 6)]
    distal = [side.name_of(f"distph{finger}") for finger in range(2, 6)]
    for one, two in [*itertools.pairwise(proximal), *zip(proximal, distal, strict=True)]:
        spec.add_exclude(name=f"{one}-{two}", bodyname1=one, bodyname2=two)
