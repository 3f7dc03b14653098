"""A world that is simulated in this process, from any scene whose body has the player's parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import mujoco
import numpy as np
from typing_extensions import override

from musclehand.core.errors import InvalidValue
from musclehand.core.mujoco_warnings import silence_mujoco
from musclehand.music.score import Score
from musclehand.piano.keys import KeySensor
from musclehand.sim.scene import Scene
from musclehand.world.senses import BodyIndex, DelayLine, Delays, SenseNoise, Senses, steps_of
from musclehand.world.world import Start, World, WorldError

UNSTABLE = (
    mujoco.mjtWarning.mjWARN_BADQPOS,
    mujoco.mjtWarning.mjWARN_BADQVEL,
    mujoco.mjtWarning.mjWARN_BADQACC,
)
"""MuJoCo's warnings of a simulation that it has reset."""

GRID = 1e-9
"""[s] Largest difference of a time from a whole number of simulation steps."""


class Ear(Protocol):
    """Hears notes: `piano.keys.KeySensor`, or the contacts of an electric piano."""

    def update(
        self, time: float, key_angles: np.ndarray, key_velocities: np.ndarray, pedal: float = 0.0
    ) -> None:
        """Takes the state after a simulation step.

        Args:
            time: of the simulation [s].
            key_angles: [rad]. Shape (88,).
            key_velocities: [rad/s]. Shape (88,).
            pedal: position of the sustain pedal, 0 to 1.
        """

    def finish(self, time: float) -> Score:
        """The notes until a time [s]."""


@dataclass(frozen=True)
class Nature:
    """What a simulated world has beside its scene."""

    delays: Delays = field(default_factory=Delays)
    """Of its nerves, rounded to simulation steps."""

    noise: SenseNoise = field(default_factory=SenseNoise)
    """Of its senses."""

    motor_noise: float = 0.0
    """Standard deviation of an excitation over its mean, drawn anew in every command."""

    key_torque: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    """Torques on the keys [N m], shape (88,), from their angles [rad] and velocities [rad/s]; None:
    the model has them all."""

    make_ear: Callable[[float], Ear] | None = None
    """Makes what hears, given the time at which the score begins [s]; None: the scene's own."""

    seed: int = 0
    """Of the noise."""


class SimulatedWorld(World):
    """A scene as a world: nerves with delays, noise, and a body that the player cannot read."""

    def __init__(self, scene: Scene, nature: Nature | None = None) -> None:
        """
        Args:
            scene: with the hands of the player; joints and muscles in the same order.
            nature: delays, noise, keys and ears; None: those of the scene alone.
        """
        self.scene = scene
        self.nature = nature or Nature()
        self._body = BodyIndex(scene)
        self._sd = self._body.noise(self.nature.noise)
        self._noisy = any(float(part.max(initial=0.0)) > 0.0 for part in self._sd)
        self._muscles = len(self._body.act)
        self._data = mujoco.MjData(scene.model)

    @override
    def begin(self, start: Start) -> None:
        model, nature = self.scene.model, self.nature
        dt = model.opt.timestep
        self._repeat = round(start.sim_dt / dt)
        if self._repeat < 1 or abs(self._repeat * dt - start.sim_dt) > GRID:
            legal = f"a whole number of the world's steps of {dt} s"
            raise InvalidValue("time step of commands", start.sim_dt, legal)
        if len(start.angles) != len(self._body.qpos):
            raise InvalidValue("joints", len(start.angles), f"{len(self._body.qpos)}, as here")
        data = self._data = mujoco.MjData(model)
        data.qpos[self._body.qpos] = start.angles
        self._rng = np.random.default_rng(nature.seed)
        self._held = steps_of(nature.delays.command, dt)
        self._commands = DelayLine[tuple[np.ndarray, float]](self._held)
        self._senses = DelayLine[Senses](steps_of(nature.delays.sensory, dt))
        self._state = self._senses.put(self._body.read(data))
        begin = start.lead_in + start.command_lead - self._held * dt
        make_ear = nature.make_ear or self._own_ear
        self._ear = make_ear(begin)
        self._angles, self._speeds = self.scene.keys.qpos, self.scene.keys.dof

    @override
    def sense(self) -> Senses:
        return self._with_noise(self._state) if self._noisy else self._state

    @override
    def advance(self, commands: np.ndarray, pedal: np.ndarray) -> Senses:
        with silence_mujoco():
            for command, down in zip(commands, pedal, strict=True):
                sent = (self._disturbed(command), float(down))
                for _ in range(self._repeat):
                    self._step(*self._commands.put(sent))
        for kind in UNSTABLE:
            if self._data.warning[kind].number:
                moment = f"{self._data.time:.3f} s"
                raise WorldError(f"the world became unstable before {moment} ({kind.name})")
        return self._body.read(self._data)

    @override
    def heard(self) -> Score:
        return self._ear.finish(self._data.time)

    @override
    def inside(self) -> mujoco.MjData | None:
        return self._data

    @override
    def close(self) -> None:
        return  # Nothing is held but memory.

    def _own_ear(self, start: float) -> Ear:
        return KeySensor(self.scene.piano, start=start)

    def _step(self, command: np.ndarray, pedal: float) -> None:
        """One simulation step; none as long as the first command is on its way."""
        data = self._data
        if self._held:
            self._held -= 1
        else:
            data.ctrl[self._body.actuators] = command
            if self.nature.key_torque is not None:
                data.qfrc_applied[self._speeds] = self.nature.key_torque(
                    data.qpos[self._angles], data.qvel[self._speeds]
                )
            mujoco.mj_step(self.scene.model, data)
            self._ear.update(data.time, data.qpos[self._angles], data.qvel[self._speeds], pedal)
        self._state = self._senses.put(self._body.read(data))

    def _disturbed(self, command: np.ndarray) -> np.ndarray:
        """A command with noise that grows with the excitation."""
        command = np.array(command)  # The caller may write the next one over it.
        if not self.nature.motor_noise:
            return command
        excitation = command[: self._muscles]
        factor = 1.0 + self.nature.motor_noise * self._rng.standard_normal(self._muscles)
        command[: self._muscles] = np.clip(excitation * factor, 0.0, 1.0)
        return command

    def _with_noise(self, senses: Senses) -> Senses:
        parts = [
            part + sd * self._rng.standard_normal(len(part))
            for part, sd in zip(senses, self._sd, strict=True)
        ]
        return Senses(parts[0], parts[1], np.clip(parts[2], 0.0, 1.0))
