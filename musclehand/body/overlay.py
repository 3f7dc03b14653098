"""Our hand on MyoSim's geometry: the tables of `models/hand` made into a MuJoCo hand at load time.

From MyoSim's right arm (package `myo-sim`) come the bones, joint axes, attachment sites and wrapping surfaces,
read when a model is built and referred to by name; nothing of it is copied here. The tables say everything else:
which muscles there are and where they run, joint limits and passive torques, the outline and mass of each segment.
The left hand is the mirror image: local z of every position changes its sign, and axes turn the other way round,
so that the same joint value is the same posture on both sides.
"""

from __future__ import annotations

import itertools
from typing import Any

import mujoco
import numpy as np

from musclehand.body.anatomy import DIGITS, DIP_PER_PIP, DISTAL_BODIES, Side, coupled_joint
from musclehand.body.joint_site import joint_frame, place_site
from musclehand.body.quiet import quiet_mujoco
from musclehand.body.scaling import stretch_bones
from musclehand.body.tables import HandTables, JointRow, PathRow, SegmentRow, WrapRow
from musclehand.core.errors import ModelError

ARMATURE = 1e-4
"""Rotor inertia of every joint [kg m^2]: with physical phalanges, muscle stiffness chatters below it (measured)."""

LIMIT_SOLREF = (0.005, 1.0)
"""Joint limits stiff enough to give under 3 degrees under random activation (tested); at least twice the time step."""

LIMIT_MARGIN = 0.045
"""Joint limits begin to resist this far before they are reached [rad], as ligaments do, and are then hardly passed."""

COUPLING_SOLREF = (0.006, 1.0)

SKIN_BIT, KEY_BIT = 1, 2
"""Contact bits: fingers touch fingers and keys, palms touch keys only."""

TOUCHES = {"digit": (SKIN_BIT, SKIN_BIT | KEY_BIT), "palm": (0, KEY_BIT), "arm": (0, 0)}
"""contype and conaffinity of a segment by its layer."""

PULP = 0.0012
"""Contact begins this far outside the outline [m]: pulp that gives way, so that outlines themselves hardly meet."""

SKIN_FRICTION = (0.8, 0.005, 0.0001)
SKIN_RGBA = (0.87, 0.70, 0.60, 1.0)
GHOST_RGBA = (0.87, 0.70, 0.60, 0.35)
BONE_RGBA = (0.93, 0.90, 0.82, 1.0)
TENDON_RGBA = (0.72, 0.12, 0.14, 1.0)

ROOT = "humerus"


class MyoSimArm:
    """MyoSim's right arm as a source of geometry, stretched, looked up by names without side suffix."""

    def __init__(self, stretch: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> None:
        from myo_sim.build.compose import build_right_arm_spec

        with quiet_mujoco():
            self.spec = build_right_arm_spec()
        self.root = self.find("body", ROOT)
        if stretch != (1.0, 1.0, 1.0):
            stretch_bones(self.root, self.spec, stretch)
        self.mesh_folder = self.spec.meshdir

    def find(self, kind: str, base: str) -> Any:
        """The body, joint, site, geom or mesh `base`, which MyoSim names with or without `_r`.

        Raises:
            ModelError: there is none; the tables name something MyoSim does not have.
        """
        lookup = getattr(self.spec, kind)
        found = lookup(f"{base}_r") or lookup(base)
        if found is None:
            raise ModelError("hand tables", f"MyoSim's arm has no {kind} named {base!r}")
        return found


def add_hand(
    spec: mujoco.MjSpec, parent: Any, source: MyoSimArm, tables: HandTables, side: Side, *, visual: bool
) -> None:
    """Adds one hand with forearm, from the end of the upper arm down, as a child of `parent`.

    Args:
        spec: the scene, in radians; changed in place.
        parent: a body or frame of `spec`; the hand's root frame is the elbow end of the humerus, fingers along -y.
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


def mirrored(point: Any, side: Side) -> list[float]:
    """A local position of the right hand on either side."""
    return [point[0], point[1], side.mirror * point[2]]


def mirrored_axis(axis: Any, side: Side) -> list[float]:
    """A rotation axis (a pseudovector) of the right hand on either side."""
    return [side.mirror * axis[0], side.mirror * axis[1], axis[2]]


def _base(name: str) -> str:
    return name.removesuffix("_r")


def _add_bones(body: Any, original: Any, joints: dict[str, JointRow], side: Side, *, visual: bool) -> None:
    """Bodies and the joints that the table keeps; bone frames of MyoSim are unrotated below the humerus."""
    for joint in original.joints:
        row = joints.get(_base(joint.name))
        if row is not None:
            _add_joint(body, row, joint, side)
    for child in original.bodies:
        added = body.add_body(name=side.name_of(_base(child.name)), pos=mirrored(child.pos, side))
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
        mesh_name = side.name_of(_base(original.name))
        scale = np.asarray(original.scale) * [1, 1, side.mirror]
        spec.add_mesh(name=mesh_name, file=f"{source.mesh_folder}/{original.file}", scale=scale)
        body.add_geom(
            name=side.name_of(f"bone_{_base(geom.name)}"),
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


def _body(spec: mujoco.MjSpec, base: str, side: Side) -> Any:
    body = spec.body(side.name_of(base))
    if body is None:
        raise ModelError("hand tables", f"the hand has no body named {base!r}")
    return body


def _add_segment(spec: mujoco.MjSpec, row: SegmentRow, side: Side, *, visual: bool) -> None:
    body = _body(spec, row.body, side)
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


def add_wrap(spec: mujoco.MjSpec, row: WrapRow, side: Side) -> None:
    """Adds a cylinder about a joint, held by the bone on either side of it (their frames have the same orientation).

    Raises:
        ModelError: the hand does not have that joint or bone.
    """
    if spec.geom(side.name_of(row.name)) is not None:
        return
    joint = spec.joint(side.name_of(row.joint))
    if joint is None:
        raise ModelError("wraps.csv", f"{row.name} goes about the joint {row.joint!r}, which the hand does not have")
    centre = np.asarray(joint.pos)
    if joint.parent.name != side.name_of(row.body):
        centre = centre + joint.parent.pos
    axis = np.asarray(joint.axis) / np.linalg.norm(joint.axis)
    _body(spec, row.body, side).add_geom(
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


def _exclude_neighbours(spec: mujoco.MjSpec, side: Side) -> None:
    """Skin joins the proximal phalanges of neighbouring fingers, and a fully bent finger rests on itself."""
    proximal = [side.name_of(f"{finger}proxph") for finger in range(2, 6)]
    distal = [side.name_of(f"distph{finger}") for finger in range(2, 6)]
    for one, two in [*itertools.pairwise(proximal), *zip(proximal, distal, strict=True)]:
        spec.add_exclude(name=f"{one}-{two}", bodyname1=one, bodyname2=two)


def add_path(spec: mujoco.MjSpec, source: MyoSimArm, tables: HandTables, path: list[PathRow], side: Side) -> None:
    """Adds one muscle: a tendon along the stations of `path`, and an actuator that is yet to get its constants.

    Raises:
        ModelError: a station is on a bone, or about a surface, that there is not.
    """
    name = side.name_of(path[0].muscle)
    tendon = spec.add_tendon(name=name, width=0.0012, rgba=TENDON_RGBA)
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
    """Body and position [m] of a point of ours."""
    if row.pos is None:
        raise ModelError("paths.csv", f"{row.name} has no position")
    if row.kind == "joint_site":
        return place_site(joint_frame(source.find, tables, row.body), row.pos)
    return row.body, row.pos


def _wrap_around(spec: mujoco.MjSpec, source: MyoSimArm, tendon: Any, row: PathRow, side: Side) -> None:
    """Leads a tendon around a cylinder of ours or a surface of MyoSim, on the side of `side_site` if there is one."""
    side_site = ""
    if row.side_site:
        side_site = side.name_of(row.side_site)
        if spec.site(side_site) is None:
            side_site = _base_site(spec, source, row.side_site, side)
    geom = side.name_of(row.name) if row.kind == "wrap" else _base_wrap(spec, source, row.name, side)
    tendon.wrap_geom(geom, side_site)


def _site(spec: mujoco.MjSpec, base: str, body: str, pos: Any, side: Side) -> str:
    """The name of a path point, which is added where no earlier path has brought it in."""
    name = side.name_of(base)
    if spec.site(name) is None:
        _body(spec, body, side).add_site(name=name, pos=mirrored(pos, side), size=[0.0007, 0, 0], group=5)
    return name


def _base_site(spec: mujoco.MjSpec, source: MyoSimArm, base: str, side: Side) -> str:
    original = source.find("site", base)
    return _site(spec, base, _base(original.parent.name), original.pos, side)


def _base_wrap(spec: mujoco.MjSpec, source: MyoSimArm, base: str, side: Side) -> str:
    """The name of one of MyoSim's wrapping surfaces, added with its orientation mirrored where it is new."""
    name = side.name_of(base)
    if spec.geom(name) is not None:
        return name
    original = source.find("geom", base)
    half_length, axis = original.size[1], _geom_axis(source.spec, original)
    pos = np.asarray(mirrored(original.pos, side))
    body = _body(spec, _base(original.parent.name), side)
    geom = body.add_geom(name=name, type=original.type, size=original.size, mass=0.0, contype=0, conaffinity=0, group=3)
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
                degree=bool(spec.compiler.degree), sequence=spec.compiler.eulerseq, orientation=geom.alt
            ),
            dtype=float,
        )
    matrix = np.zeros(9)
    mujoco.mju_quat2Mat(matrix, quat / np.linalg.norm(quat))
    return matrix.reshape(3, 3)[:, 2]
