"""The body that follows: one hand on its forearm carrier, with or without the keyboard, in many worlds.

The carrier's servos follow the clip's wrist, as the player's do; muscles are all that a policy has. Everything that
goes in and out is told as of a right hand (`envs.reference`), so a left hand is the same to a policy.

The keyboard is whole where there is one: it costs two thirds of the time of a step (235 instead of 75 microseconds on
the machine it was measured on), most of it for keys that nobody touches, but clips go anywhere on it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.anatomy import DISTAL_BODIES, Side
from musclehand.body.hand_index import HandIndex
from musclehand.body.muscle import muscle_parameters
from musclehand.body.quiet import quiet_mujoco
from musclehand.control.muscle_set import MuscleSet
from musclehand.envs.reference import ReferenceSet, mirrors
from musclehand.sim.backend import Backend
from musclehand.sim.cpu import CpuBackend
from musclehand.sim.scene import CarrierIndex, Scene, build_scene, scene_spec

BackendMaker = Callable[[mujoco.MjModel, int], Backend]


class Senses(NamedTuple):
    """What n hands feel, as a right hand's.

    `angles` [rad], `speeds` [rad/s] (n, 23); `activation`, `length` [optimal fibre lengths], `velocity` [of the
    highest shortening speed], `force` [of the peak force, 0 and above] (n, m); `tips` [m] (n, 5, 3), world;
    `forearm` (n, 6) [m, rad].
    """

    angles: np.ndarray
    speeds: np.ndarray
    activation: np.ndarray
    length: np.ndarray
    velocity: np.ndarray
    force: np.ndarray
    tips: np.ndarray
    forearm: np.ndarray


class TrackingBody:
    """Many worlds with one hand each.

    `model`, `hand`, `carrier`: of every world; `muscles`: names without the side. `strength` (n, m) and `mass` (n,):
    factors that the worlds' bodies have now.
    """

    def __init__(
        self,
        num_envs: int,
        *,
        side: Side = Side.RIGHT,
        keys: bool = False,
        num_threads: int = 1,
        backend: BackendMaker | None = None,
    ) -> None:
        """`backend`: makes the worlds of a model; by default those of `sim.cpu` on `num_threads` threads."""
        self.side, self.keys = side, keys
        self.model, self.hand, self.carrier = _load(side, keys)
        make = backend or (lambda model, count: CpuBackend(model, count, num_threads=num_threads))
        self.backend = make(self.model, num_envs)
        self.muscles = tuple(name.removesuffix(f"_{side.value}") for name in self.hand.muscle_names)
        self.params = muscle_parameters(self.model, self.hand.muscles)
        self._set = MuscleSet(self.params)
        self.strength = np.ones((num_envs, len(self.muscles)))
        self.mass = np.ones(num_envs)
        self._turn, self._point = mirrors(side)
        self._distal = np.array([self.model.body(side.name_of(name)).id for name in DISTAL_BODIES])
        self._inertia = self._carrier_inertia()
        self._full = {name: np.array(getattr(self.model, name)) for name in _STRENGTH + _MASS}
        for name in ("site_xpos", "actuator_length", "actuator_velocity", "qfrc_bias"):
            self.backend.read(name)

    def senses(self) -> Senses:
        """What the hands feel now."""
        read, hand, params = self.backend.read, self.hand, self.params
        length, velocity = (read(f"actuator_{name}")[:, hand.muscles] for name in ("length", "velocity"))
        # Not MuJoCo's own, which is that of the step before.
        gain, bias = self._set.force(length, velocity)
        activation = read("act")[:, hand.act]
        return Senses(
            angles=read("qpos")[:, hand.qpos],
            speeds=read("qvel")[:, hand.dofs],
            activation=activation,
            length=(length - params.lts) / params.l0,
            velocity=velocity / (params.l0 * params.vmax),
            force=-self.strength * (gain * activation + bias) / params.f0,
            tips=read("site_xpos")[:, hand.tips] * self._point,
            forearm=read("qpos")[:, self.carrier.qpos] * self._turn,
        )

    def place(self, envs: np.ndarray, references: ReferenceSet, frame: np.ndarray) -> None:
        """Puts hands where a reference is, moving as it does, and their muscles as active as they were then.

        Args:
            envs: which. Shape (count,).
            references: what is followed.
            frame: for each of them. Shape (count,).
        """
        backend, hand = self.backend, self.hand
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
        self, excitation: np.ndarray, references: ReferenceSet, frame: np.ndarray, goal: np.ndarray, parts: int
    ) -> list[np.ndarray]:
        """Controls of all actuators in each of `parts` parts of the way from one frame to another.

        Args:
            excitation: of the muscles. Shape (n, m).
            references: what is followed.
            frame: where the reference is. Shape (n,).
            goal: where it will be. Shape (n,).
            parts: how many.

        Returns:
            Arrays of shape (n, nu).
        """
        carrier = self.carrier
        weight = self.backend.read("qfrc_bias")[:, carrier.dofs]
        push = (references.forearm_acceleration[goal] * self._turn) @ self._inertia + weight
        speed = references.forearm_speed[goal] * self._turn
        offset = (push + carrier.kd * speed) / carrier.kp
        here, there = references.forearm[frame] * self._turn, references.forearm[goal] * self._turn
        ctrl = np.zeros((len(frame), self.model.nu))
        ctrl[:, self.hand.muscles] = excitation
        made = []
        for part in range(1, parts + 1):
            row = ctrl.copy()
            row[:, carrier.actuators] = here + (part / parts) * (there - here) + offset
            made.append(row)
        return made

    def push(self, force: np.ndarray, finger: np.ndarray) -> None:
        """Forces on a fingertip's bone from now on [N], shape (n, 3), and on which finger, shape (n,)."""
        values = np.zeros((len(force), self.model.nbody, 6))
        values[np.arange(len(force)), self._distal[finger], :3] = force * self._point
        self.backend.write("xfrc_applied", values)

    def set_bodies(self, envs: np.ndarray, strength: np.ndarray, mass: np.ndarray) -> None:
        """Gives hands other bodies.

        Args:
            envs: which. Shape (count,).
            strength: factors on the peak force of each muscle. Shape (count, m).
            mass: factors on all masses and inertias. Shape (count,).
        """
        for name in _STRENGTH:
            values = np.repeat(self._full[name][None], len(envs), axis=0)
            values[:, self.hand.muscles, 2] *= strength
            self.backend.set_field(name, values, envs)
        if (mass != self.mass[envs]).any():
            for name in _MASS:
                full = self._full[name]
                self.backend.set_field(name, full * mass.reshape(-1, *([1] * full.ndim)), envs)
        self.strength[envs], self.mass[envs] = strength, mass

    def _carrier_inertia(self) -> np.ndarray:
        """What accelerates with the carrier, at the model's first posture [kg, kg m^2]. Shape (6, 6)."""
        data = mujoco.MjData(self.model)
        mujoco.mj_forward(self.model, data)
        mass = np.zeros((self.model.nv, self.model.nv))
        mujoco.mj_fullM(self.model, data, mass)
        return np.asarray(mass[np.ix_(self.carrier.dofs, self.carrier.dofs)])


_STRENGTH = ("actuator_gainprm", "actuator_biasprm")
_MASS = ("body_mass", "body_inertia")


@lru_cache(maxsize=4)
def _load(side: Side, keys: bool) -> tuple[mujoco.MjModel, HandIndex, CarrierIndex]:
    """Built once; worlds have copies of the model."""
    scene: Scene = build_scene(sides=(side,))
    if keys:
        return scene.model, scene.hands[side], scene.carriers[side]
    spec = scene_spec(sides=(side,))
    keep = side.name_of("forearm")
    for body in [body for body in spec.worldbody.bodies if body.name != keep]:
        spec.delete(body)
    for geom in list(spec.worldbody.geoms):
        spec.delete(geom)
    with quiet_mujoco():
        model = spec.compile()
    whole = scene.model
    names = [whole.joint(int(joint)).name for joint in whole.dof_jntid[scene.carriers[side].dofs]]
    carrier = CarrierIndex(
        dofs=np.array([model.joint(name).dofadr[0] for name in names]),
        qpos=np.array([model.joint(name).qposadr[0] for name in names]),
        actuators=np.array([model.actuator(name).id for name in names]),
        kp=scene.carriers[side].kp,
        kd=scene.carriers[side].kd,
    )
    return model, HandIndex.from_model(model, side), carrier
