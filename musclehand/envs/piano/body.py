"""Two muscle-driven hands at the piano, in many worlds: the body of planners.

Hands are rows: first the left hands of all worlds, then the right ones; all that goes in and out of
a row is told as of a right hand. Forearms are carried along paths that whoever plans has asked for.
"""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.anatomy import NUM_TIPS, Side
from musclehand.control.hand_state import HandReader
from musclehand.envs.reference import mirrors
from musclehand.envs.tracking.body import (
    Proprioception,
    ProprioceptionReader,
    forearm_inertia,
    read_proprioception,
)
from musclehand.envs.tracking.teacher import WorldData
from musclehand.piano.geometry import keyboard_geometry
from musclehand.piano.keys import key_speed_to_velocity
from musclehand.sim.backend_choice import BackendName, make_worlds
from musclehand.sim.scene import Scene, build_scene

SIDES = (Side.LEFT, Side.RIGHT)
"""In the order of the rows."""


class ForearmPath(NamedTuple):
    """Where forearms should be, as right ones: `place` [m], `speed` and `acceleration` in the
    keyboard's x, y and z. Shapes (n, 3)."""

    place: np.ndarray
    speed: np.ndarray
    acceleration: np.ndarray


class KeysNow(NamedTuple):
    """Which keys `sound`, bool, and how fast their front edges go down, `speed` [m/s]. Shapes
    (worlds, 88)."""

    sound: np.ndarray
    speed: np.ndarray


class ForearmServos:
    """Has the servos of one side's forearm follow paths."""

    def __init__(self, scene: Scene, side: Side) -> None:
        self.carrier = scene.forearms[side]
        self._turn = mirrors(side)[0][:3]
        self._inertia = forearm_inertia(scene.model, self.carrier.dofs)

    def set_points(
        self, weight: np.ndarray, here: ForearmPath, there: ForearmPath, parts: int
    ) -> np.ndarray:
        """What servos are told in each of `parts` parts of the way. Shape (parts, n, 6).

        Args:
            weight: `qfrc_bias` of their joints. Shape (n, 6).
            here: where forearms should be now, as right ones.
            there: and at the end.
            parts: how many.
        """
        carrier = self.carrier
        turn = self._turn
        start, place, speed, acceleration = np.zeros((4, *weight.shape))
        start[:, :3], place[:, :3] = here.place * turn, there.place * turn
        speed[:, :3], acceleration[:, :3] = there.speed * turn, there.acceleration * turn
        offset = (acceleration @ self._inertia + weight + carrier.kd * speed) / carrier.kp
        shares = np.arange(1, parts + 1)[:, None, None] / parts
        return np.asarray(start + shares * (place - start) + offset)


class FingertipJacobian:
    """How fingertips of both hands move with independent joints, as of right hands."""

    def __init__(self, scene: Scene) -> None:
        forearms = [scene.forearms[side].dofs for side in SIDES]
        self._reader = HandReader(scene.model, [scene.hands[side] for side in SIDES], forearms)
        self._mirror = np.array([np.tile(mirrors(side)[1], NUM_TIPS) for side in SIDES])[:, :, None]

    def of(self, data: mujoco.MjData | WorldData) -> np.ndarray:
        """With positions and velocities of now computed [m/rad]. Shape (2, 15, k)."""
        return np.asarray(self._reader.read(data).tips * self._mirror)


class PianoBody:
    """Worlds with a piano and two hands each. `rows`: hands in all."""

    def __init__(
        self, num_worlds: int, *, num_threads: int = 1, backend: BackendName = "cpu"
    ) -> None:
        """`backend`: what simulates, on `num_threads` threads."""
        self.scene: Scene = build_scene(sides=SIDES)
        self.model = self.scene.model
        self.backend = make_worlds(backend, self.model, num_worlds, num_threads=num_threads)
        self.num_worlds = num_worlds
        self.rows = num_worlds * len(SIDES)
        self.hand = self.scene.hands[Side.RIGHT]
        self.muscles = len(self.hand.muscles)
        self._feelings = [
            ProprioceptionReader(
                self.model, self.scene.hands[side], self.scene.forearms[side], side
            )
            for side in SIDES
        ]
        self._servos = [ForearmServos(self.scene, side) for side in SIDES]
        self._slopes = FingertipJacobian(self.scene)
        self._keys = self.scene.keys
        geometry = keyboard_geometry(self.scene.piano)
        self.on_angle = geometry.on_angle
        self._off_angle = geometry.off_angle
        self._key_length = geometry.length
        for name in ("site_xpos", "actuator_length", "actuator_velocity", "qfrc_bias"):
            self.backend.read(name)

    def senses(self) -> Proprioception:
        """What all hands feel now."""
        return read_proprioception(self._feelings, self.backend.read)

    def pressed(self) -> np.ndarray:
        """Which keys are down so far that they sound. Shape (worlds, 88), bool."""
        return np.asarray(self.backend.read("qpos")[:, self._keys.qpos] >= self.on_angle)

    def keys(self, sounded: np.ndarray) -> KeysNow:
        """Keys as they are now. `sounded`: those that did before, until they are let up. Shape
        (worlds, 88), bool."""
        angle = self.backend.read("qpos")[:, self._keys.qpos]
        sound = (angle >= self.on_angle) | (sounded & (angle >= self._off_angle))
        return KeysNow(sound, self.backend.read("qvel")[:, self._keys.dof] * self._key_length)

    def struck(self, before: KeysNow, now: KeysNow) -> np.ndarray:
        """MIDI velocities of the keys that sound now and did not a step of the muscles ago; 0 of
        others. Less exact than `piano.keys`, which looks at each step of the simulation. Shape
        (worlds, 88)."""
        velocity = key_speed_to_velocity(self.scene.piano, np.maximum(before.speed, now.speed))
        return np.where(now.sound & ~before.sound, velocity, 0)

    def tip_slopes(self) -> np.ndarray:
        """How fingertips move with independent joints [m/rad]. Shape (rows, 15, k)."""
        arrays = [self.backend.read(name) for name in WorldData._fields]
        slopes = [self._slopes.of(WorldData(*world)) for world in zip(*arrays, strict=True)]
        return np.stack(slopes, axis=1).reshape(self.rows, 3 * NUM_TIPS, -1)

    def place(
        self, worlds: np.ndarray, angles: np.ndarray, speeds: np.ndarray, path: ForearmPath
    ) -> None:
        """Puts hands somewhere, muscles at rest and keys up.

        Args:
            worlds: which. Shape (count,).
            angles: of their hands, left ones first [rad]. Shape (2 count, 23).
            speeds: likewise [rad/s].
            path: of their forearms. Shapes (2 count, 3).
        """
        backend = self.backend
        count = len(worlds)
        backend.reset(worlds, forward=False)
        qpos, qvel = (np.array(backend.read(name)[worlds]) for name in ("qpos", "qvel"))
        for number, side in enumerate(SIDES):
            hand = self.scene.hands[side]
            carrier = self.scene.forearms[side]
            rows = slice(number * count, None)
            turn = mirrors(side)[0][:3]
            qpos[:, hand.qpos], qvel[:, hand.dofs] = angles[rows][:count], speeds[rows][:count]
            qpos[:, carrier.qpos[:3]] = path.place[rows][:count] * turn
            qvel[:, carrier.dofs[:3]] = path.speed[rows][:count] * turn
        backend.write("qpos", qpos, worlds)
        backend.write("qvel", qvel, worlds)
        backend.forward(worlds)

    def controls(
        self, excitation: np.ndarray, here: ForearmPath, there: ForearmPath, parts: int
    ) -> np.ndarray:
        """Controls of all actuators in each of `parts` parts of the way of the forearms.

        Args:
            excitation: of the muscles. Shape (rows, m).
            here: where the forearms should be now.
            there: and at the end.
            parts: how many.

        Returns:
            Shape (parts, worlds, nu).
        """
        count = self.num_worlds
        weight = self.backend.read("qfrc_bias")
        ctrl = np.zeros((parts, count, self.model.nu))
        for number, (side, servos) in enumerate(zip(SIDES, self._servos, strict=True)):
            rows = slice(number * count, (number + 1) * count)
            carrier = servos.carrier
            ctrl[:, :, self.scene.hands[side].muscles] = excitation[rows]
            start, end = (ForearmPath(*(part[rows] for part in path)) for path in (here, there))
            ctrl[:, :, carrier.actuators] = servos.set_points(
                weight[:, carrier.dofs], start, end, parts
            )
        return ctrl
