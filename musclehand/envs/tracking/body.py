"""The body that follows: one hand on its forearm carrier, with or without the keyboard, in many
worlds.

The carrier's servos follow the clip's wrist, as the player's do; muscles are all that a policy has.
Everything that goes in and out is told as of a right hand (`envs.reference`), so a left hand is the
same to a policy.

A keyboard costs much of the time of a step, most of it for keys that nobody touches, so it is a
piece of one, and what is played elsewhere is moved there (`envs.tracking.cropped_keyboard`).
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
from musclehand.envs.tracking.cropped_keyboard import STRIP
from musclehand.piano.build import key_names
from musclehand.sim.backend_choice import BackendName, make_worlds
from musclehand.sim.scene import ForearmIndex, Scene, build_scene, scene_spec


class Proprioception(NamedTuple):
    """What n hands feel, as a right hand's.

    `angles` [rad], `speeds` [rad/s] (n, 23); `activation`, `length` [optimal fibre lengths],
    `velocity` [of the highest shortening speed], `force` [of the peak force, 0 and above] (n, m);
    `tips` [m] (n, 5, 3), world; `forearm` (n, 6) [m, rad].
    """

    angles: np.ndarray
    speeds: np.ndarray
    activation: np.ndarray
    length: np.ndarray
    velocity: np.ndarray
    force: np.ndarray
    tips: np.ndarray
    forearm: np.ndarray


class ProprioceptionReader:
    """Reads the senses of one hand out of a simulation's arrays."""

    def __init__(
        self, model: mujoco.MjModel, hand: HandIndex, carrier: ForearmIndex, side: Side
    ) -> None:
        self._hand = hand
        self._carrier = carrier
        self._params = muscle_parameters(model, hand.muscles)
        self._set = MuscleSet(self._params)
        self._turn, self._point = mirrors(side)

    def of(
        self, read: Callable[[str], np.ndarray], strength: np.ndarray | float = 1.0
    ) -> Proprioception:
        """Of n worlds.

        Args:
            read: gives their arrays of MuJoCo's names, after positions and velocities were
                computed. Shapes (n, ...).
            strength: factors on the muscles' peak force. Shape (n, m).
        """
        hand = self._hand
        params = self._params
        length, velocity = (
            read(f"actuator_{name}")[:, hand.muscles] for name in ("length", "velocity")
        )
        # Not MuJoCo's own, which is that of the step before.
        gain, bias = self._set.force(length, velocity)
        activation = read("act")[:, hand.act]
        return Proprioception(
            angles=read("qpos")[:, hand.qpos],
            speeds=read("qvel")[:, hand.dofs],
            activation=activation,
            length=(length - params.lts) / params.l0,
            velocity=velocity / (params.l0 * params.vmax),
            force=-strength * (gain * activation + bias) / params.f0,
            tips=read("site_xpos")[:, hand.tips] * self._point,
            forearm=read("qpos")[:, self._carrier.qpos] * self._turn,
        )


def read_proprioception(
    feelings: Sequence[ProprioceptionReader], read: Callable[[str], np.ndarray]
) -> Proprioception:
    """The senses of several hands of the same worlds, hand after hand; `read` as for
    `ProprioceptionReader.of`."""
    parts = [feeling.of(read) for feeling in feelings]
    return Proprioception(*(np.concatenate(rows) for rows in zip(*parts, strict=True)))


def forearm_inertia(model: mujoco.MjModel, dofs: np.ndarray) -> np.ndarray:
    """What accelerates with a carrier of these dofs, at the model's first posture [kg, kg m^2].
    Shape (6, 6)."""
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    mass = np.zeros((model.nv, model.nv))
    mujoco.mj_fullM(model, data, mass)
    return np.asarray(mass[np.ix_(dofs, dofs)])


class HandKinematics:
    """Where fingertips are in a posture."""

    def __init__(self, side: Side, design: HandDesign | None = None) -> None:
        self._model, self._hand, self._carrier = _load(side, False, design)
        self._data = mujoco.MjData(self._model)

    def tips(self, angles: np.ndarray, forearm: np.ndarray) -> np.ndarray:
        """Fingertips in the world [m]. Shape (5, 3).

        Args:
            angles: all joints [rad]. Shape (23,).
            forearm: its place [m, rad]. Shape (6,).
        """
        data = self._data
        data.qpos[self._hand.qpos], data.qpos[self._carrier.qpos] = angles, forearm
        mujoco.mj_kinematics(self._model, data)
        return np.array(data.site_xpos[self._hand.tips])


class TrackingBody:
    """Many worlds with one hand each.

    `model`, `hand`, `carrier`: of every world, `key_joints` of its keys; `muscles`: names without
    the side. `strength` (n, m), `mass` and `key_weight` (n,): factors that the worlds' bodies and
    keys have now.
    """

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
        """`design`: another hand than ours; `backend`: what simulates, on `num_threads` threads."""
        self.side = side
        self.keys = keys
        self.model, self.hand, self.carrier = _load(side, keys, design)
        self.backend = make_worlds(backend, self.model, num_envs, num_threads=num_threads)
        self.muscles = tuple(name.removesuffix(f"_{side.value}") for name in self.hand.muscle_names)
        self._feeling = ProprioceptionReader(self.model, self.hand, self.carrier, side)
        self.strength = np.ones((num_envs, len(self.muscles)))
        self.mass, self.key_weight = np.ones((2, num_envs))
        self._turn, self._point = mirrors(side)
        self._distal = self.model.site_bodyid[self.hand.tips]
        self._inertia = forearm_inertia(self.model, self.carrier.dofs)
        self._full = {
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
        for name in ("site_xpos", "actuator_length", "actuator_velocity", "qfrc_bias"):
            self.backend.read(name)

    def senses(self) -> Proprioception:
        """What the hands feel now."""
        return self._feeling.of(self.backend.read, self.strength)

    def place(self, envs: np.ndarray, references: ReferenceSet, frame: np.ndarray) -> None:
        """Puts hands where a reference is, moving as it does, and their muscles as active as they
        were then.

        Args:
            envs: which. Shape (count,).
            references: what is followed.
            frame: for each of them. Shape (count,).
        """
        backend = self.backend
        hand = self.hand
        backend.reset(envs, forward=False)
        qpos, qvel, act = (np.array(backend.read(name)[envs]) for name in ("qpos", "qvel", "act"))
        qpos[:, hand.qpos], qvel[:, hand.dofs] = references.angles[frame], references.speeds[frame]
        qpos[:, self.carrier.qpos] = references.forearm[frame] * self._turn
        qvel[:, self.carrier.dofs] = references.forearm_speed[frame] * self._turn
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
        """Controls of all actuators in each of `parts` parts of the way from one frame to another.

        Args:
            excitation: of the muscles. Shape (n, m).
            references: what is followed.
            frame: where the reference is. Shape (n,).
            goal: where it will be. Shape (n,).
            parts: how many.

        Returns:
            Shape (parts, n, nu).
        """
        carrier = self.carrier
        weight = self.backend.read("qfrc_bias")[:, carrier.dofs]
        push = (references.forearm_acceleration[goal] * self._turn) @ self._inertia + weight
        speed = references.forearm_speed[goal] * self._turn
        offset = (push + carrier.kd * speed) / carrier.kp
        here = references.forearm[frame] * self._turn
        there = references.forearm[goal] * self._turn
        ctrl = np.zeros((parts, len(frame), self.model.nu))
        ctrl[:, :, self.hand.muscles] = excitation
        share = np.arange(1, parts + 1)[:, None, None] / parts
        ctrl[:, :, carrier.actuators] = here + share * (there - here) + offset
        return ctrl

    def push(self, force: np.ndarray, finger: np.ndarray) -> None:
        """Forces on a fingertip's bone from now on [N], shape (n, 3), and on which finger, shape
        (n,)."""
        values = np.zeros((len(force), self.model.nbody, 6))
        values[np.arange(len(force)), self._distal[finger], :3] = force * self._point
        self.backend.write("xfrc_applied", values)

    def set_bodies(
        self, envs: np.ndarray, strength: np.ndarray, mass: np.ndarray, key_weight: np.ndarray
    ) -> None:
        """Gives hands other bodies, and other keys to play on.

        Args:
            envs: which. Shape (count,).
            strength: factors on the peak force of each muscle. Shape (count, m).
            mass: factors on all masses and inertias of the hand. Shape (count,).
            key_weight: factors on inertia and spring of the keys. Shape (count,).
        """
        for name in _STRENGTH:
            values = np.repeat(self._full[name][None], len(envs), axis=0)
            values[:, self.hand.muscles, 2] *= strength
            self.backend.set_field(name, values, envs)
        if (mass != self.mass[envs]).any() or (key_weight != self.key_weight[envs]).any():
            for name in _MASS + _KEY:
                full = self._full[name]
                factors = np.repeat(
                    mass[:, None] if name in _MASS else np.ones((len(envs), 1)), len(full), axis=1
                )
                factors[:, self._key_rows[name.partition("_")[0]]] = key_weight[:, None]
                self.backend.set_field(
                    name, full * factors.reshape(*factors.shape, *([1] * (full.ndim - 1))), envs
                )
        self.strength[envs], self.mass[envs], self.key_weight[envs] = strength, mass, key_weight


_STRENGTH = ("actuator_gainprm", "actuator_biasprm")
_MASS = ("body_mass", "body_inertia")
_KEY = ("jnt_stiffness", "dof_armature")
_KEY_PREFIX = "key/"


@lru_cache(maxsize=4)
def _load(
    side: Side, keys: bool, design: HandDesign | None
) -> tuple[mujoco.MjModel, HandIndex, ForearmIndex]:
    """Built once; worlds have copies of the model."""
    whole: Scene = build_scene(sides=(side,), design=design)
    spec = scene_spec(sides=(side,), design=design)
    stay = {side.name_of("forearm"), *(key_names()[STRIP] if keys else ())}
    for body in [body for body in spec.worldbody.bodies if body.name not in stay]:
        spec.delete(body)
    for geom in list(spec.worldbody.geoms):
        spec.delete(geom)
    with silence_mujoco():
        model = spec.compile()
    names = [
        whole.model.joint(int(joint)).name
        for joint in whole.model.dof_jntid[whole.carriers[side].dofs]
    ]
    carrier = ForearmIndex(
        dofs=np.array([model.joint(name).dofadr[0] for name in names]),
        qpos=np.array([model.joint(name).qposadr[0] for name in names]),
        actuators=np.array([model.actuator(name).id for name in names]),
        kp=whole.carriers[side].kp,
        kd=whole.carriers[side].kd,
    )
    return model, HandIndex.from_model(model, side, naming_of(design)), carrier
