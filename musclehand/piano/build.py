"""The piano as a MuJoCo model: 88 hinged keys, built from `PianoParameters` with MjSpec.

A key at rest is an unloaded spring. Its centre of mass lies on the hinge (a real key is balanced on
its rail), and the upper stop is slightly above. So 88 keys at rest add no row to the constraint
solver.
"""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.core.errors import UnknownName
from musclehand.music.pitch import NUM_KEYS, key_to_pitch, pitch_name
from musclehand.piano.geometry import KeyboardGeometry, PianoParameters, keyboard_geometry

_WHITE_RGBA = (0.93, 0.92, 0.88, 1.0)
_BLACK_RGBA = (0.05, 0.05, 0.06, 1.0)
_CASE_RGBA = (0.09, 0.07, 0.06, 1.0)


class KeyAddresses(NamedTuple):
    """Indices of the 88 keys in a compiled model, in order from A0 to C8.

    Every field is an int array of shape (88,).
    """

    joint: np.ndarray
    """Joint ids."""

    qpos: np.ndarray
    """Addresses in `qpos`."""

    dof: np.ndarray
    """Addresses in `qvel`."""

    geom: np.ndarray
    """Ids of the collision geoms."""


def key_names() -> list[str]:
    """Names of the 88 keys, 'key/000_A0' to 'key/087_C8', for body, joint and geom alike."""
    return [f"key/{key:03d}_{pitch_name(key_to_pitch(key))}" for key in range(NUM_KEYS)]


def build_piano(
    params: PianoParameters, *, contype: int = 0, conaffinity: int = 1
) -> mujoco.MjSpec:
    """Build the MjSpec of the keyboard with its case, to be compiled or attached to a scene.

    The case has neither collision nor mass. Lights, cameras, timestep and integrator are left to
    the scene.

    Args:
        params: measures of the keyboard.
        contype: collision type bits of the keys.
        conaffinity: collision affinity bits of the keys. Two geoms collide if the contype of one
            shares a bit with the conaffinity of the other: by default, keys collide with MuJoCo's
            ordinary geoms, but not with each other.
    """
    spec = mujoco.MjSpec()
    spec.modelname = "piano"
    spec.compiler.degree = False
    spec.compiler.autolimits = True
    for name, rgba, gloss in (
        ("piano/white", _WHITE_RGBA, 0.5),
        ("piano/black", _BLACK_RGBA, 0.6),
        ("piano/case", _CASE_RGBA, 0.2),
    ):
        spec.add_material(name=name, rgba=rgba, specular=gloss, shininess=gloss)
    geometry = keyboard_geometry(params)
    for key, name in enumerate(key_names()):
        geom = _add_key(spec, params, geometry, key, name)
        geom.contype = contype
        geom.conaffinity = conaffinity
    _add_case(spec, params, geometry)
    return spec


def find_keys(model: mujoco.MjModel, *, prefix: str = "") -> KeyAddresses:
    """Find the 88 keys in a compiled model.

    Args:
        model: a model with a piano.
        prefix: prefix of names with which the piano was attached.

    Raises:
        UnknownName: the model has no such joint.
    """
    joint = np.empty(NUM_KEYS, dtype=int)
    geom = np.empty(NUM_KEYS, dtype=int)
    for key, name in enumerate(key_names()):
        joint[key] = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_JOINT, prefix + name)
        geom[key] = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_GEOM, prefix + name)
        if joint[key] < 0 or geom[key] < 0:
            raise UnknownName(
                "key joint", prefix + name, [model.joint(i).name for i in range(model.njnt)]
            )
    return KeyAddresses(
        joint=joint,
        qpos=model.jnt_qposadr[joint].astype(int),
        dof=model.jnt_dofadr[joint].astype(int),
        geom=geom,
    )


def press_force(params: PianoParameters, angle: np.ndarray | float) -> np.ndarray:
    """Vertical force on the front edge that holds each key at `angle` [rad]. Shape (88,) [N].

    The torque of the spring, divided by the horizontal distance from the hinge to the front edge of
    the top at that angle.
    """
    geometry = keyboard_geometry(params)
    angle = np.broadcast_to(np.asarray(angle, dtype=float), NUM_KEYS)
    above = geometry.top_z - geometry.hinge_z
    lever = geometry.length * np.cos(angle) + above * np.sin(angle)
    return params.stiffness * angle / lever


def _add_key(
    spec: mujoco.MjSpec,
    params: PianoParameters,
    geometry: KeyboardGeometry,
    key: int,
    name: str,
) -> mujoco.MjsGeom:
    """Add a key: a body whose frame lies on the hinge, and a box from there to the player."""
    black = bool(geometry.black[key])
    mass = params.black_mass if black else params.white_mass
    thickness = params.black_thickness if black else params.white_thickness
    width = float(geometry.width[key])
    length = float(geometry.length[key])

    body = spec.worldbody.add_body(
        name=name,
        pos=[float(geometry.x[key]), float(geometry.hinge_y[key]), float(geometry.hinge_z[key])],
    )
    # Inertia of a uniform bar about its end, with its mass centred on the hinge: gravity does no
    # work on a balanced key.
    body.explicitinertial = True
    body.mass = mass
    body.ipos = [0.0, 0.0, 0.0]
    body.inertia = [
        mass * (length**2 / 3 + thickness**2 / 12),
        mass * (width**2 + thickness**2) / 12,
        mass * (length**2 / 3 + width**2 / 12),
    ]
    joint = body.add_joint(name=name, type=mujoco.mjtJoint.mjJNT_HINGE, axis=[1, 0, 0])
    joint.range = [-params.rest_margin, float(geometry.full_angle[key])]
    joint.stiffness = [params.stiffness, 0.0, 0.0]
    joint.damping = [params.damping, 0.0, 0.0]
    joint.armature = params.armature
    joint.springref = 0.0
    joint.solref_limit = params.stop_solref
    joint.solimp_limit = params.stop_solimp
    return body.add_geom(
        name=name,
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=[0.5 * width, 0.5 * length, 0.5 * thickness],
        pos=[0.0, -0.5 * length, 0.0],
        mass=0.0,
        friction=params.friction,
        solref=params.contact_solref,
        solimp=params.contact_solimp,
        material="piano/black" if black else "piano/white",
    )


def _add_case(spec: mujoco.MjSpec, params: PianoParameters, geometry: KeyboardGeometry) -> None:
    """Add key bed, fallboard, key slip and cheeks: visual boxes without collision or mass."""
    half_keys = float(geometry.x[-1]) + 0.5 * params.white_width
    depth = params.white_length
    cheek = 0.05
    bed_top = -params.white_thickness - params.white_travel - 0.002
    boxes = {
        "bed": (
            (half_keys + cheek, 0.5 * depth + 0.03, 0.02),
            (0.0, 0.5 * depth + 0.01, bed_top - 0.02),
        ),
        "slip": ((half_keys + cheek, 0.008, 0.014), (0.0, -0.012, bed_top + 0.006)),
        "fallboard": ((half_keys + cheek, 0.01, 0.05), (0.0, depth + 0.012, 0.03)),
        "cheek_bass": (
            (0.5 * cheek - 0.001, 0.5 * depth + 0.02, 0.03),
            (-half_keys - 0.5 * cheek, 0.5 * depth, -0.01),
        ),
        "cheek_treble": (
            (0.5 * cheek - 0.001, 0.5 * depth + 0.02, 0.03),
            (half_keys + 0.5 * cheek, 0.5 * depth, -0.01),
        ),
    }
    for name, (size, pos) in boxes.items():
        spec.worldbody.add_geom(
            name=f"case/{name}",
            type=mujoco.mjtGeom.mjGEOM_BOX,
            size=size,
            pos=pos,
            contype=0,
            conaffinity=0,
            material="piano/case",
        )
