"""Batched simulation of one hand on its forearm base, with or without a cropped keyboard.

Servos move the forearm's base along the reference, as they do when the model-based player plays;
muscle excitations are all that a policy controls. Everything that is read or written is mirrored to
a right hand (`envs.reference`), so a policy need not know the side.

With a keyboard most of a step's time goes to keys that nothing touches. The simulation has only
four octaves, and motion is shifted there (`envs.tracking.cropped_keyboard`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.anatomy import Side
from musclehand.body.build.hand import HandDesign, naming_of
from musclehand.body.hand_index import HandIndex
from musclehand.body.muscle import muscle_parameters
from musclehand.control.muscle_set import MuscleSet
from musclehand.core.mujoco_warnings import silence_mujoco
from musclehand.envs.reference import ReferenceSet, mirrors
from musclehand.envs.tracking.cropped_keyboard import CROPPED_KEYS
from musclehand.piano.build import key_names
from musclehand.sim.backend import Backend
from musclehand.sim.backend_choice import BackendName, make_worlds
from musclehand.sim.scene import ForearmIndex, Scene, build_scene, scene_spec

ReadArray = Callable[[str], np.ndarray]
"""Gives an array of n worlds by its name in `MjData`. Shape (n, ...)."""


class Proprioception(NamedTuple):
    """Sensory feedback of n hands, mirrored to right hands; or gradients with respect to it."""

    angles: np.ndarray
    """[rad] Joint angles. Shape (n, 25)."""

    speeds: np.ndarray
    """[rad/s] Joint velocities. Shape (n, 25)."""

    activation: np.ndarray
    """Muscle activations, 0 to 1. Shape (n, m)."""

    length: np.ndarray
    """Fibre lengths, in optimal fibre lengths. Shape (n, m)."""

    velocity: np.ndarray
    """Fibre velocities, in maximal shortening velocities, lengthening positive. Shape (n, m)."""

    force: np.ndarray
    """Tendon forces, in peak isometric forces, 0 and above. Shape (n, m)."""

    tips: np.ndarray
    """[m] Fingertips in the world. Shape (n, 5, 3)."""

    forearm: np.ndarray
    """[m, rad] Coordinates of the forearm's base. Shape (n, 6)."""


class ProprioceptionReader:
    """Computes the proprioception of one hand from the arrays of a simulation."""

    def __init__(
        self, model: mujoco.MjModel, hand: HandIndex, forearm: ForearmIndex, side: Side
    ) -> None:
        """
        Args:
            model: of the simulation.
            hand: where the hand is in it.
            forearm: where its forearm's base is.
            side: of the hand.
        """
        self._hand = hand
        self._forearm = forearm
        self._params = muscle_parameters(model, hand.muscles)
        self._muscles = MuscleSet(self._params)
        self._forearm_mirror, self._point_mirror = mirrors(side)

    def read(self, read: ReadArray, strength: np.ndarray | float = 1.0) -> Proprioception:
        """Proprioception in n worlds.

        Args:
            read: gives the worlds' arrays, with positions and velocities up to date.
            strength: factors on the muscles' peak forces. Shape (n, m).
        """
        hand = self._hand
        params = self._params
        length = read("actuator_length")[:, hand.muscles]
        velocity = read("actuator_velocity")[:, hand.muscles]
        # Not MuJoCo's `actuator_force`, which is that of the step before.
        gain, bias = self._muscles.force(length, velocity)
        activation = read("act")[:, hand.act]
        return Proprioception(
            angles=read("qpos")[:, hand.qpos],
            speeds=read("qvel")[:, hand.dofs],
            activation=activation,
            length=(length - params.lts) / params.l0,
            velocity=velocity / (params.l0 * params.vmax),
            force=-strength * (gain * activation + bias) / params.f0,
            tips=read("site_xpos")[:, hand.tips] * self._point_mirror,
            forearm=read("qpos")[:, self._forearm.qpos] * self._forearm_mirror,
        )


def read_proprioception(readers: Sequence[ProprioceptionReader], read: ReadArray) -> Proprioception:
    """Proprioception of several hands in the same worlds: all worlds of the first hand first.

    Args:
        readers: of the hands.
        read: gives the worlds' arrays.
    """
    parts = [reader.read(read) for reader in readers]
    return Proprioception(*(np.concatenate(rows) for rows in zip(*parts, strict=True)))


def forearm_inertia(model: mujoco.MjModel, dofs: np.ndarray) -> np.ndarray:
    """Mass matrix of the forearm base's coordinates in the model's initial posture [kg, kg m^2].
    Shape (6, 6).

    Args:
        model: with the forearm.
        dofs: of the forearm's base. Shape (6,).
    """
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    mass = np.zeros((model.nv, model.nv))
    mujoco.mj_fullM(model, data, mass)
    return np.asarray(mass[np.ix_(dofs, dofs)])


class HandKinematics:
    """Forward kinematics of one hand, from joint angles to fingertips."""

    def __init__(self, side: Side, design: HandDesign | None = None) -> None:
        self._model, self._hand, self._forearm = tracking_model(side, False, design)
        self._data = mujoco.MjData(self._model)

    def tips(self, angles: np.ndarray, forearm: np.ndarray) -> np.ndarray:
        """Fingertips in the world [m], not mirrored. Shape (5, 3).

        Args:
            angles: of all joints [rad]. Shape (25,).
            forearm: coordinates of its base [m, rad]. Shape (6,).
        """
        data = self._data
        data.qpos[self._hand.qpos] = angles
        data.qpos[self._forearm.qpos] = forearm
        mujoco.mj_kinematics(self._model, data)
        return np.array(data.site_xpos[self._hand.tips])


class TrackingBody:
    """Many worlds with one hand each."""

    model: mujoco.MjModel
    """Model of every world."""

    hand: HandIndex
    """Where the hand is in the model."""

    forearm: ForearmIndex
    """Where the forearm's base is in the model."""

    side: Side
    """Side of the hand."""

    keys: bool
    """Whether there is the cropped keyboard."""

    key_joints: list[int]
    """Joints of the keys in the model, none without keys."""

    muscles: tuple[str, ...]
    """Names of the muscles, without the side."""

    backend: Backend
    """The simulated worlds."""

    strength: np.ndarray
    """Current factors on the peak force of each muscle. Shape (n, m)."""

    mass: np.ndarray
    """Current factors on masses and inertias of the hands. Shape (n,)."""

    key_weight: np.ndarray
    """Current factors on inertia and spring of the keys. Shape (n,)."""

    def __init__(
        self,
        num_envs: int,
        *,
        side: Side = Side.RIGHT,
        keys: bool = False,
        design: HandDesign | None = None,
        num_threads: int = 1,
        backend: BackendName = "cpu",
    ) -> None:
        """
        Args:
            num_envs: number of worlds, n.
            side: of the hand.
            keys: with the cropped keyboard.
            design: of another hand than the built-in one.
            num_threads: of the simulation.
            backend: what simulates.
        """
        self.side = side
        self.keys = keys
        self.model, self.hand, self.forearm = tracking_model(side, keys, design)
        self.backend = make_worlds(backend, self.model, num_envs, num_threads=num_threads)
        self.muscles = tuple(name.removesuffix(f"_{side.value}") for name in self.hand.muscle_names)
        self._reader = ProprioceptionReader(self.model, self.hand, self.forearm, side)
        self.strength = np.ones((num_envs, len(self.muscles)))
        self.mass, self.key_weight = np.ones((2, num_envs))
        self._forearm_mirror, self._point_mirror = mirrors(side)
        self._distal_bodies = self.model.site_bodyid[self.hand.tips]
        self._inertia = forearm_inertia(self.model, self.forearm.dofs)
        self._nominal = {
            name: np.array(getattr(self.model, name)) for name in (*_STRENGTH, *_MASS, *_KEY)
        }
        self.key_joints = joints = [
            i for i in range(self.model.njnt) if self.model.joint(i).name.startswith(_KEY_PREFIX)
        ]
        self._key_rows = {
            "body": self.model.jnt_bodyid[joints].astype(int),
            "jnt": np.array(joints, dtype=int),
            "dof": self.model.jnt_dofadr[joints].astype(int),
        }
        # The first read of an array recomputes all worlds; later ones are cheap.
        for name in ("site_xpos", "actuator_length", "actuator_velocity", "qfrc_bias"):
            self.backend.read(name)

    def proprioception(self) -> Proprioception:
        """Current sensory feedback of all hands, exact and without delay."""
        return self._reader.read(self.backend.read, self.strength)

    def reset_to(self, envs: np.ndarray, references: ReferenceSet, frame: np.ndarray) -> None:
        """Reference state initialisation: puts hands into the state of a frame, with its posture,
        velocities and muscle activations.

        Args:
            envs: which worlds. Shape (count,).
            references: reference motion.
            frame: for each of the worlds. Shape (count,).
        """
        backend = self.backend
        hand = self.hand
        backend.reset(envs, forward=False)
        qpos, qvel, act = (np.array(backend.read(name)[envs]) for name in ("qpos", "qvel", "act"))
        qpos[:, hand.qpos] = references.angles[frame]
        qvel[:, hand.dofs] = references.speeds[frame]
        qpos[:, self.forearm.qpos] = references.forearm[frame] * self._forearm_mirror
        qvel[:, self.forearm.dofs] = references.forearm_speed[frame] * self._forearm_mirror
        act[:, hand.act] = references.activations[frame]
        for name, values in (("qpos", qpos), ("qvel", qvel), ("act", act)):
            backend.write(name, values, envs)
        backend.forward(envs)

    def controls(
        self,
        excitation: np.ndarray,
        references: ReferenceSet,
        frame: np.ndarray,
        goal: np.ndarray,
        parts: int,
    ) -> np.ndarray:
        """Controls of all actuators, in `parts` steps of the simulation from a frame to another.

        Servos of the forearm get linearly interpolated positions, and forces for gravity,
        acceleration and damping in feedforward.

        Args:
            excitation: of the muscles, constant. Shape (n, m).
            references: reference motion.
            frame: current frames. Shape (n,).
            goal: frames at the end. Shape (n,).
            parts: steps of the simulation.

        Returns:
            Shape (parts, n, nu).
        """
        forearm = self.forearm
        mirror = self._forearm_mirror
        gravity = self.backend.read("qfrc_bias")[:, forearm.dofs]
        force = (references.forearm_acceleration[goal] * mirror) @ self._inertia + gravity
        speed = references.forearm_speed[goal] * mirror
        offset = (force + forearm.kd * speed) / forearm.kp
        start = references.forearm[frame] * mirror
        end = references.forearm[goal] * mirror
        ctrl = np.zeros((parts, len(frame), self.model.nu))
        ctrl[:, :, self.hand.muscles] = excitation
        share = np.arange(1, parts + 1)[:, None, None] / parts
        ctrl[:, :, forearm.actuators] = start + share * (end - start) + offset
        return ctrl

    def push(self, force: np.ndarray, finger: np.ndarray) -> None:
        """Sets external forces on the distal phalanx of one finger in each world.

        Args:
            force: [N]. Shape (n, 3).
            finger: on which finger, 0 to 4. Shape (n,).
        """
        values = np.zeros((len(force), self.model.nbody, 6))
        bodies = self._distal_bodies[finger]
        values[np.arange(len(force)), bodies, :3] = force * self._point_mirror
        self.backend.write("xfrc_applied", values)

    def set_bodies(
        self, envs: np.ndarray, strength: np.ndarray, mass: np.ndarray, key_weight: np.ndarray
    ) -> None:
        """Domain randomisation: sets the bodies of hands and keys.

        Args:
            envs: which worlds. Shape (count,).
            strength: factors on the peak force of each muscle. Shape (count, m).
            mass: factors on all masses and inertias of the hand. Shape (count,).
            key_weight: factors on inertia and spring of the keys. Shape (count,).
        """
        for name in _STRENGTH:
            values = np.repeat(self._nominal[name][None], len(envs), axis=0)
            values[:, self.hand.muscles, 2] *= strength
            self.backend.set_field(name, values, envs)
        if (mass != self.mass[envs]).any() or (key_weight != self.key_weight[envs]).any():
            for name in _MASS + _KEY:
                nominal = self._nominal[name]
                hand_factor = mass[:, None] if name in _MASS else np.ones((len(envs), 1))
                factors = np.repeat(hand_factor, len(nominal), axis=1)
                factors[:, self._key_rows[name.partition("_")[0]]] = key_weight[:, None]
                factors = factors.reshape(*factors.shape, *([1] * (nominal.ndim - 1)))
                self.backend.set_field(name, nominal * factors, envs)
        self.strength[envs] = strength
        self.mass[envs] = mass
        self.key_weight[envs] = key_weight


_STRENGTH = ("actuator_gainprm", "actuator_biasprm")
"""Fields of a model that hold the muscles' peak forces."""

_MASS = ("body_mass", "body_inertia")
"""Fields of a model that hold masses and inertias of hand and keys."""

_KEY = ("jnt_stiffness", "dof_armature")
"""Fields of a model that hold spring and added inertia of the keys."""

_KEY_PREFIX = "key/"
"""Prefix of the names of keys' joints."""


@lru_cache(maxsize=4)
def tracking_model(
    side: Side, keys: bool, design: HandDesign | None
) -> tuple[mujoco.MjModel, HandIndex, ForearmIndex]:
    """Model of one hand, without geometry that does not belong to it; built once in a process.

    Args:
        side: of the hand.
        keys: with the cropped keyboard.
        design: of another hand than the built-in one.

    Returns:
        The model, which must not be changed, and the places of the hand and of its forearm's base.
    """
    scene: Scene = build_scene(sides=(side,), design=design)
    spec = scene_spec(sides=(side,), design=design)
    kept = {side.name_of("forearm"), *(key_names()[CROPPED_KEYS] if keys else ())}
    for body in [body for body in spec.worldbody.bodies if body.name not in kept]:
        spec.delete(body)
    for geom in list(spec.worldbody.geoms):
        spec.delete(geom)
    with silence_mujoco():
        model = spec.compile()
    scene_forearm = scene.forearms[side]
    names = [
        scene.model.joint(int(joint)).name for joint in scene.model.dof_jntid[scene_forearm.dofs]
    ]
    forearm = ForearmIndex(
        dofs=np.array([model.joint(name).dofadr[0] for name in names]),
        qpos=np.array([model.joint(name).qposadr[0] for name in names]),
        actuators=np.array([model.actuator(name).id for name in names]),
        kp=scene_forearm.kp,
        kd=scene_forearm.kd,
    )
    return model, HandIndex.from_model(model, side, naming_of(design)), forearm
