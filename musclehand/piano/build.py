"""The piano as a MuJoCo model: 88 hinged keys, built from `PianoParameters` with MjSpec.

A resting key is a free spring at its zero: its centre of mass lies on the hinge (a real key is
balanced on its rail), the upper stop a hair above, so 88 keys at rest add no row to the constraint
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
    """Where a compiled model keeps the 88 keys, in order from A0 to C8. Each an int array of
    shape (88,)."""

    joint: np.ndarray
    qpos: np.ndarray
    dof: np.ndarray
    geom: np.ndarray


def key_names() -> list[str]:
    """Names of the 88 key bodies, joints and geoms (the same for all three): 'key/000_A0' ..
    'key/087_C8'."""
    return [f"key/{key:03d}_{pitch_name(key_to_pitch(key))}" for key in range(NUM_KEYS)]


def build_piano(
    params: PianoParameters, *, contype: int = 0, conaffinity: int = 1
) -> mujoco.MjSpec:
    """The keyboard with its case, to be compiled as it is or attached to a scene.

    `contype` and `conaffinity` are the keys' collision bits: two geoms collide when one's contype
    shares a bit with the other's conaffinity. With the defaults keys meet MuJoCo's ordinary geoms,
    and never each other. The case is for looks only. Lights, cameras, timestep and integrator are
    the scene's.
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
        _add_key(spec, params, geometry, key, name, contype, conaffinity)
    _add_case(spec, params, geometry)
    return spec


def find_keys(model: mujoco.MjModel, *, prefix: str = "") -> KeyAddresses:
    """The addresses of the 88 keys in a compiled model; `prefix` is the one the piano was attached
    with.

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
        joint, model.jnt_qposadr[joint].astype(int), model.jnt_dofadr[joint].astype(int), geom
    )


def press_force(params: PianoParameters, angle: np.ndarray | float) -> np.ndarray:
    """Force straight down on the front edge that holds each key at `angle` [rad]. Shape (88,) [N].

    The spring's torque over the lever from the hinge to where the front edge of the top then is.
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
    contype: int,
    conaffinity: int,
) -> None:
    """One key: a body whose frame lies on the hinge, a box reaching from there to the player."""
    black = bool(geometry.black[key])
    mass = params.black_mass if black else params.white_mass
    thickness = params.black_thickness if black else params.white_thickness
    width = float(geometry.width[key])
    length = float(geometry.length[key])

    body = spec.worldbody.add_body(
        name=name,
        pos=[float(geometry.x[key]), float(geometry.hinge_y[key]), float(geometry.hinge_z[key])],
    )
    # Inertia of a uniform bar about its end, mass centred on the hinge: gravity does no work on a
    # balanced key.
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
    body.add_geom(
        name=name,
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=[0.5 * width, 0.5 * length, 0.5 * thickness],
        pos=[0.0, -0.5 * length, 0.0],
        mass=0.0,
        contype=contype,
        conaffinity=conaffinity,
        friction=params.friction,
        solref=params.contact_solref,
        solimp=params.contact_solimp,
        material="piano/black" if black else "piano/white",
    )


def _add_case(spec: mujoco.MjSpec, params: PianoParameters, geometry: KeyboardGeometry) -> None:
    """Key bed, fallboard, key slip and cheeks: boxes without collision or mass, to look at."""
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
