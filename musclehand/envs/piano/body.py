"""Batched simulation of two hands at a piano.

Arrays have one row for each hand: the left hands of all worlds first, then the right ones, all
mirrored to right hands. Servos move the forearms along paths that the high-level policy chooses.
"""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.anatomy import NUM_TIPS, Side
from musclehand.body.hand_index import HandIndex
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
from musclehand.sim.backend import Backend
from musclehand.sim.backend_choice import BackendName, make_worlds
from musclehand.sim.scene import ForearmIndex, Scene, build_scene

SIDES = (Side.LEFT, Side.RIGHT)
"""The hands, in the order of the rows."""


class ForearmState(NamedTuple):
    """State of motion of each forearm's base, mirrored to right hands: x, y and z in the keyboard's
    frame."""

    position: np.ndarray
    """[m] Position. Shape (n, 3)."""

    velocity: np.ndarray
    """[m/s] Velocity. Shape (n, 3)."""

    acceleration: np.ndarray
    """[m/s^2] Acceleration. Shape (n, 3)."""


class KeyState(NamedTuple):
    """State of all keys of all worlds."""

    sounding: np.ndarray
    """Whether the key's note sounds. Shape (worlds, 88), bool."""

    speed: np.ndarray
    """[m/s] Downward speed of the front edge. Shape (worlds, 88)."""


class ForearmServos:
    """Set points of the servos of one side's forearm."""

    forearm: ForearmIndex
    """Where the forearm is in the model."""

    def __init__(self, scene: Scene, side: Side) -> None:
        self.forearm = scene.forearms[side]
        self._mirror = mirrors(side)[0][:3]
        self._inertia = forearm_inertia(scene.model, self.forearm.dofs)

    def set_points(
        self, gravity: np.ndarray, start: ForearmState, end: ForearmState, parts: int
    ) -> np.ndarray:
        """Servo controls in `parts` steps of the simulation from one state to another: linearly
        interpolated positions, with feedforward of gravity, acceleration and damping.

        Args:
            gravity: `qfrc_bias` of the forearms' joints. Shape (n, 6).
            start: state of the forearms at the beginning of the step.
            end: planned state of the forearms at its end.
            parts: steps of the simulation.

        Returns:
            Shape (parts, n, 6).
        """
        forearm = self.forearm
        mirror = self._mirror
        first, last, speed, acceleration = np.zeros((4, *gravity.shape))
        first[:, :3] = start.position * mirror
        last[:, :3] = end.position * mirror
        speed[:, :3] = end.velocity * mirror
        acceleration[:, :3] = end.acceleration * mirror
        force = acceleration @ self._inertia + gravity + forearm.kd * speed
        shares = np.arange(1, parts + 1)[:, None, None] / parts
        return np.asarray(first + shares * (last - first) + force / forearm.kp)


class FingertipJacobian:
    """Fingertips by independent joint angles, of both hands, mirrored to right hands."""

    def __init__(self, scene: Scene) -> None:
        forearms = [scene.forearms[side].dofs for side in SIDES]
        self._reader = HandReader(scene.model, [scene.hands[side] for side in SIDES], forearms)
        self._mirror = np.array([np.tile(mirrors(side)[1], NUM_TIPS) for side in SIDES])[:, :, None]

    def of(self, data: mujoco.MjData | WorldData) -> np.ndarray:
        """The Jacobian in one world, with positions and velocities up to date [m/rad]. Shape (2,
        15, k)."""
        return np.asarray(self._reader.read(data).tips * self._mirror)


class PianoBody:
    """Many worlds, each with a piano and two hands."""

    scene: Scene
    """Hands and piano of every world."""

    model: mujoco.MjModel
    """Model of every world."""

    backend: Backend
    """The simulated worlds."""

    num_worlds: int
    """Number of worlds."""

    rows: int
    """Number of hands, two in each world."""

    hand: HandIndex
    """Where the right hand is in the model."""

    muscles: int
    """Number of muscles of a hand."""

    on_angle: np.ndarray
    """[rad] Angle at which each key sounds. Shape (88,)."""

    def __init__(
        self, num_worlds: int, *, num_threads: int = 1, backend: BackendName = "cpu"
    ) -> None:
        """
        Args:
            num_worlds: number of worlds.
            num_threads: of the simulation.
            backend: what simulates.
        """
        self.scene = build_scene(sides=SIDES)
        self.model = self.scene.model
        self.backend = make_worlds(backend, self.model, num_worlds, num_threads=num_threads)
        self.num_worlds = num_worlds
        self.rows = num_worlds * len(SIDES)
        self.hand = self.scene.hands[Side.RIGHT]
        self.muscles = len(self.hand.muscles)
        self._readers = [
            ProprioceptionReader(
                self.model, self.scene.hands[side], self.scene.forearms[side], side
            )
            for side in SIDES
        ]
        self._servos = [ForearmServos(self.scene, side) for side in SIDES]
        self._jacobian = FingertipJacobian(self.scene)
        self._keys = self.scene.keys
        geometry = keyboard_geometry(self.scene.piano)
        self.on_angle = geometry.on_angle
        self._off_angle = geometry.off_angle
        self._key_length = geometry.length
        # The first read of an array recomputes all worlds; later ones are cheap.
        for name in ("site_xpos", "actuator_length", "actuator_velocity", "qfrc_bias"):
            self.backend.read(name)

    def proprioception(self) -> Proprioception:
        """Current sensory feedback of all hands, exact and without delay."""
        return read_proprioception(self._readers, self.backend.read)

    def pressed(self) -> np.ndarray:
        """Which keys are below the depth at which they sound. Shape (worlds, 88), bool."""
        return np.asarray(self.backend.read("qpos")[:, self._keys.qpos] >= self.on_angle)

    def key_state(self, sounding: np.ndarray) -> KeyState:
        """Current state of the keys; a note that sounds ends when its key is above the damper's
        depth.

        Args:
            sounding: notes that sounded before. Shape (worlds, 88), bool.
        """
        angle = self.backend.read("qpos")[:, self._keys.qpos]
        speed = self.backend.read("qvel")[:, self._keys.dof] * self._key_length
        return KeyState(
            sounding=(angle >= self.on_angle) | (sounding & (angle >= self._off_angle)),
            speed=speed,
        )

    def struck(self, before: KeyState, after: KeyState) -> np.ndarray:
        """MIDI velocities of notes that began within a step of the muscles, 0 of others.

        `piano.keys`, which is updated in each step of the simulation, is more exact.

        Args:
            before: state of the keys at the beginning of the step.
            after: at its end.

        Returns:
            Shape (worlds, 88).
        """
        velocity = key_speed_to_velocity(self.scene.piano, np.maximum(before.speed, after.speed))
        return np.where(after.sounding & ~before.sounding, velocity, 0)

    def fingertip_jacobian(self) -> np.ndarray:
        """Fingertips by independent joint angles [m/rad]. Shape (rows, 15, k)."""
        arrays = [self.backend.read(name) for name in WorldData._fields]
        worlds = [self._jacobian.of(WorldData(*world)) for world in zip(*arrays, strict=True)]
        return np.stack(worlds, axis=1).reshape(self.rows, 3 * NUM_TIPS, -1)

    def reset_to(
        self,
        worlds: np.ndarray,
        angles: np.ndarray,
        speeds: np.ndarray,
        forearm_state: ForearmState,
    ) -> None:
        """Resets worlds to given postures, with muscles at rest and keys up.

        Args:
            worlds: which. Shape (count,).
            angles: of their hands, left ones first [rad]. Shape (2 count, 25).
            speeds: of the joints, in the same order [rad/s]. Shape (2 count, 25).
            forearm_state: of their forearms, in the same order. Shapes (2 count, 3).
        """
        backend = self.backend
        count = len(worlds)
        backend.reset(worlds, forward=False)
        qpos, qvel = (np.array(backend.read(name)[worlds]) for name in ("qpos", "qvel"))
        for number, side in enumerate(SIDES):
            hand = self.scene.hands[side]
            forearm = self.scene.forearms[side]
            rows = slice(number * count, None)
            mirror = mirrors(side)[0][:3]
            qpos[:, hand.qpos] = angles[rows][:count]
            qvel[:, hand.dofs] = speeds[rows][:count]
            qpos[:, forearm.qpos[:3]] = forearm_state.position[rows][:count] * mirror
            qvel[:, forearm.dofs[:3]] = forearm_state.velocity[rows][:count] * mirror
        backend.write("qpos", qpos, worlds)
        backend.write("qvel", qvel, worlds)
        backend.forward(worlds)

    def controls(
        self, excitation: np.ndarray, start: ForearmState, end: ForearmState, parts: int
    ) -> np.ndarray:
        """Controls of all actuators, in `parts` steps of the simulation.

        Args:
            excitation: of the muscles, constant. Shape (rows, m).
            start: state of the forearms at the beginning.
            end: planned state of the forearms at the end.
            parts: steps of the simulation.

        Returns:
            Shape (parts, worlds, nu).
        """
        count = self.num_worlds
        gravity = self.backend.read("qfrc_bias")
        ctrl = np.zeros((parts, count, self.model.nu))
        for number, (side, servos) in enumerate(zip(SIDES, self._servos, strict=True)):
            rows = slice(number * count, (number + 1) * count)
            forearm = servos.forearm
            ctrl[:, :, self.scene.hands[side].muscles] = excitation[rows]
            ctrl[:, :, forearm.actuators] = servos.set_points(
                gravity[:, forearm.dofs], state_rows(start, rows), state_rows(end, rows), parts
            )
        return ctrl


def state_rows(forearm_state: ForearmState, rows: slice) -> ForearmState:
    """States of some of the forearms.

    Args:
        forearm_state: of all forearms.
        rows: which of them.
    """
    return ForearmState(*(part[rows] for part in forearm_state))
