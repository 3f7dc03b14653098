"""The scene of a performance: a piano and muscle-driven hands, each on a servo-driven forearm base.

The forearm base stands in for the arm. Its frame lies at the wrist's centre of rotation, and its
axes are the world's. Six position servos with bounded force or torque move it: x, y, z, then yaw,
pitch and roll about the wrist. Muscles alone move everything below the elbow: forearm rotation,
wrist and fingers. Gravity is on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mujoco
import numpy as np

from musclehand.body.anatomy import FOREARM_AXES, Side
from musclehand.body.build.hand import HandDesign, add_hands, hand_spec, naming_of
from musclehand.body.build.overlay import KEY_BIT
from musclehand.body.build.tables import load_tables
from musclehand.body.hand_index import HandIndex, wrist_centre
from musclehand.core.mujoco_warnings import silence_mujoco
from musclehand.core.time_steps import SIM_DT
from musclehand.piano.build import KeyAddresses, build_piano, find_keys
from musclehand.piano.geometry import PianoParameters, load_piano_parameters


def hand_to_world(side: Side) -> np.ndarray:
    """Rotation from the hand's root frame to the keyboard's world, palm down. Shape (3, 3).

    In the root frame fingers point along -y, the thumb along +x, and the back of the right hand
    along +z; the left hand is mirrored in z. In the world fingers point along +y and the back of
    the hand up.
    """
    return np.diag([-side.mirror, -1.0, side.mirror])


@dataclass(frozen=True)
class ForearmParameters:
    """Servos of the forearm base, each with a value for the three slides and one for the hinges.

    The bounds are those of an arm: shoulder and elbow give more at the wrist (Garner & Pandy 2001,
    Comput Methods Biomech Biomed Eng 4:93, have 50 to 100 N m at the joints).
    """

    kp: tuple[float, float] = (20000.0, 400.0)
    """[N/m, N m/rad] stiffness."""

    kd: tuple[float, float] = (400.0, 6.0)
    """[N s/m, N m s/rad] damping."""

    bound: tuple[float, float] = (150.0, 15.0)
    """[N, N m] largest force and torque."""

    armature: tuple[float, float] = (1.0, 0.005)
    """[kg, kg m^2] inertia of the servos themselves."""


@dataclass(frozen=True)
class ForearmIndex:
    """Addresses of one forearm base in the model, in the order of `FOREARM_AXES`."""

    dofs: np.ndarray
    """Degrees of freedom. Shape (6,), int."""

    qpos: np.ndarray
    """Entries of `qpos`. Shape (6,), int."""

    actuators: np.ndarray
    """Ids of the servos. Shape (6,), int."""

    kp: np.ndarray
    """[N/m, N m/rad] stiffness of the servos. Shape (6,)."""

    kd: np.ndarray
    """[N s/m, N m s/rad] damping of the servos. Shape (6,)."""


@dataclass(frozen=True)
class Scene:
    """A compiled scene and the addresses of its parts."""

    model: mujoco.MjModel
    """The compiled model."""

    piano: PianoParameters
    """The piano that was built."""

    design: HandDesign
    """The hand that was built: tables, or a model file."""

    hands: dict[Side, HandIndex]
    """Addresses of each hand."""

    forearms: dict[Side, ForearmIndex]
    """Addresses of each hand's forearm base."""

    keys: KeyAddresses
    """Addresses of the keys."""


def build_scene(
    *,
    sides: Sequence[Side] = tuple(Side),
    visual: bool = False,
    strength_scale: float = 1.0,
    piano: PianoParameters | None = None,
    design: HandDesign | None = None,
    forearm: ForearmParameters | None = None,
) -> Scene:
    """Builds and compiles the scene.

    Args:
        sides: the hands to put in; none for the piano alone.
        visual: with bone meshes, for pictures. Joints and actuators are the same either way.
        strength_scale: factor on the peak force of all muscles.
        piano: the piano; the bundled one where None.
        design: the hand, as tables or model file; the bundled one where None.
        forearm: servos of the forearm bases; the defaults where None.

    Raises:
        ModelError: a table is not usable.
        InvalidValue: a parameter is not usable.
    """
    piano = piano or load_piano_parameters()
    design = design or load_tables()
    forearm = forearm or ForearmParameters()
    spec = scene_spec(
        sides=sides,
        visual=visual,
        strength_scale=strength_scale,
        piano=piano,
        design=design,
        forearm=forearm,
    )
    with silence_mujoco():
        model = spec.compile()
    return Scene(
        model=model,
        piano=piano,
        design=design,
        hands={side: HandIndex.from_model(model, side, naming_of(design)) for side in sides},
        forearms={side: _forearm_index(model, side, forearm) for side in sides},
        keys=find_keys(model),
    )


def scene_spec(
    *,
    sides: Sequence[Side] = tuple(Side),
    visual: bool = False,
    strength_scale: float = 1.0,
    piano: PianoParameters | None = None,
    design: HandDesign | None = None,
    forearm: ForearmParameters | None = None,
) -> mujoco.MjSpec:
    """Builds the scene as a spec, which can be added to or written to a file.

    Args:
        sides: the hands to put in; none for the piano alone.
        visual: with bone meshes, for pictures.
        strength_scale: factor on the peak force of all muscles.
        piano: the piano; the bundled one where None.
        design: the hand, as tables or model file; the bundled one where None.
        forearm: servos of the forearm bases; the defaults where None.

    Raises:
        ModelError: a table is not usable.
        InvalidValue: a parameter is not usable.
    """
    piano = piano or load_piano_parameters()
    design = design or load_tables()
    forearm = forearm or ForearmParameters()
    spec = build_piano(piano, contype=KEY_BIT, conaffinity=0)
    spec.option.timestep = SIM_DT
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    # MuJoCo 4.0.0's sparse Newton solver sometimes does not converge on fingertips at the edges of
    # keys: 100 iterations, forces of kN, the hand flies off. The dense solver takes three or four
    # iterations on the same states.
    spec.option.jacobian = mujoco.mjtJacobian.mjJAC_DENSE
    spec.compiler.boundmass = 0.0
    spec.compiler.boundinertia = 0.0
    wrist = _wrist_centre(design) if sides else np.zeros(3)
    parents = {side: _add_forearm(spec, side, forearm, wrist) for side in sides}
    if parents:
        add_hands(spec, parents, visual=visual, strength_scale=strength_scale, design=design)
    if visual:
        _add_stage(spec)
    return spec


def forearm_joint(side: Side, axis: str) -> str:
    """Name of the joint and the servo of a forearm base, for an axis of `FOREARM_AXES`."""
    return side.name_of(f"forearm_{axis}")


def _wrist_centre(design: HandDesign) -> np.ndarray:
    """Position of the wrist in the right hand's root frame at the neutral posture [m]. Shape
    (3,)."""
    with silence_mujoco():
        model = hand_spec(Side.RIGHT, design=design).compile()
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    return wrist_centre(model, data, HandIndex.from_model(model, Side.RIGHT, naming_of(design)))


def _add_forearm(
    spec: mujoco.MjSpec, side: Side, params: ForearmParameters, wrist: np.ndarray
) -> mujoco.MjsFrame:
    body = spec.worldbody.add_body(name=side.name_of("forearm"))
    for i, axis in enumerate(FOREARM_AXES):
        turning = i >= 3
        name = forearm_joint(side, axis)
        direction = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1], [1, 0, 0], [0, 1, 0]][i]
        kind = mujoco.mjtJoint.mjJNT_HINGE if turning else mujoco.mjtJoint.mjJNT_SLIDE
        body.add_joint(name=name, type=kind, axis=direction, armature=params.armature[turning])
        actuator = spec.add_actuator(name=name, trntype=mujoco.mjtTrn.mjTRN_JOINT, target=name)
        actuator.set_to_position(kp=params.kp[turning], kv=params.kd[turning])
        actuator.forcelimited = mujoco.mjtLimited.mjLIMITED_TRUE
        actuator.forcerange = [-params.bound[turning], params.bound[turning]]
    centre = np.array([wrist[0], wrist[1], side.mirror * wrist[2]])
    quat = np.zeros(4)
    rotation = hand_to_world(side)
    mujoco.mju_mat2Quat(quat, rotation.ravel())
    return body.add_frame(pos=-rotation @ centre, quat=quat)


def _forearm_index(model: mujoco.MjModel, side: Side, params: ForearmParameters) -> ForearmIndex:
    names = [forearm_joint(side, axis) for axis in FOREARM_AXES]
    return ForearmIndex(
        dofs=np.array([model.joint(name).dofadr[0] for name in names]),
        qpos=np.array([model.joint(name).qposadr[0] for name in names]),
        actuators=np.array([model.actuator(name).id for name in names]),
        kp=np.repeat(params.kp, 3),
        kd=np.repeat(params.kd, 3),
    )


def _add_stage(spec: mujoco.MjSpec) -> None:
    """Floor, lights and background for pictures."""
    spec.visual.headlight.ambient = [0.35, 0.35, 0.35]
    spec.visual.headlight.diffuse = [0.4, 0.4, 0.4]
    spec.visual.map.shadowscale = 0.6
    spec.visual.quality.shadowsize = 4096
    spec.add_texture(
        name="sky",
        type=mujoco.mjtTexture.mjTEXTURE_SKYBOX,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_GRADIENT,
        rgb1=[0.82, 0.86, 0.90],
        rgb2=[0.45, 0.50, 0.56],
        width=256,
        height=256,
    )
    spec.worldbody.add_light(
        pos=[-0.4, -0.8, 1.4], dir=[0.25, 0.5, -0.85], castshadow=True, diffuse=[0.6, 0.6, 0.6]
    )
    spec.worldbody.add_light(
        pos=[0.8, 0.6, 1.2], dir=[-0.5, -0.4, -0.75], castshadow=False, diffuse=[0.3, 0.3, 0.3]
    )
