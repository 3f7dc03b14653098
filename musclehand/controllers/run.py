"""The loop: a controller plays in its scene, the keys are heard, and the hands are held against their reference."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import mujoco
import numpy as np

from musclehand.body.anatomy import Side
from musclehand.body.hand_index import HandIndex
from musclehand.controllers.controller import Controller, HandReference
from musclehand.core.errors import MusclehandError
from musclehand.core.recording import RecordingWriter
from musclehand.music.score import Score
from musclehand.piano.keys import KeySensor

UNSTABLE = (
    mujoco.mjtWarning.mjWARN_BADQPOS,
    mujoco.mjtWarning.mjWARN_BADQVEL,
    mujoco.mjtWarning.mjWARN_BADQACC,
)

Progress = Callable[[float, float], None]


class SimulationError(MusclehandError):
    """The simulation became unstable: names the time and what MuJoCo found."""


@dataclass(frozen=True)
class BodyMetrics:
    """How the hands moved, which the notes alone do not tell; None without hands.

    `joint_rmse_deg` over all independent joints and steps against the reference; `fingertip_error_mm` mean
    distance of pressing fingertips from their targets (these lie 3.5 mm below the key's stop); `mean_activation`
    over all muscles and steps.
    """

    joint_rmse_deg: float | None
    fingertip_error_mm: float | None
    mean_activation: float | None


class Run:
    """One run through a piece, and the sums it keeps for the body metrics."""

    def __init__(self, player: Controller, *, end: float, progress: Progress | None = None) -> None:
        """`end` of the run, simulation time [s]; `progress` is called with simulated and total time [s]."""
        self.player, self.progress, self.scene, self.end = player, progress, player.scene, end
        self.data = mujoco.MjData(self.scene.model)
        self._warnings = {kind: self.data.warning[kind] for kind in UNSTABLE}
        self._errors = {side: _HandErrors(hand) for side, hand in self.scene.hands.items()}
        self._act_sum, self._steps = 0.0, 0
        muscles = [hand.muscles for hand in self.scene.hands.values()]
        self._muscles = np.concatenate(muscles) if muscles else np.zeros(0, dtype=int)
        self._act = np.concatenate([hand.act for hand in self.scene.hands.values()]) if muscles else self._muscles

    def play(self, writer: RecordingWriter | None = None) -> Score:
        """Simulates the whole piece and returns the notes that sounded.

        Raises:
            SimulationError: the simulation became unstable.
            OutputError: the recording cannot be written.
        """
        sensor = KeySensor(self.scene.piano, start=self.player.lead_in)
        try:
            self._play(sensor, writer)
        finally:
            self.player.close()
        if self.progress is not None:
            self.progress(self.end, self.end)
        return sensor.finish(self.data.time)

    def _play(self, sensor: KeySensor, writer: RecordingWriter | None) -> None:
        model, data, player = self.scene.model, self.data, self.player
        dt, sim_steps = model.opt.timestep, player.sim_steps
        key_qpos, key_dof = self.scene.keys.qpos, self.scene.keys.dof
        player.reset(data)
        for step in range(math.ceil(self.end / (sim_steps * dt))):
            mujoco.mj_step1(model, data)
            player.control(data, step)
            reference = player.reference()
            self._observe(reference)
            if writer is not None:
                writer.append(**self._row(reference))
            for substep in range(sim_steps):
                player.drive(data, step, substep)
                if substep == 0:
                    mujoco.mj_step2(model, data)
                else:
                    mujoco.mj_step(model, data)
                self._check((step * sim_steps + substep + 1) * dt)
                time = data.time
                sensor.update(time, data.qpos[key_qpos], data.qvel[key_dof], player.pedal(time))
            if self.progress is not None and step % 50 == 0:
                self.progress(data.time, self.end)

    def body_metrics(self) -> BodyMetrics:
        """Means over the performance so far."""

        def mean(total: float, count: int) -> float | None:
            return total / count if count else None

        errors = self._errors.values()
        square = mean(sum(one.joint_sum for one in errors), sum(one.joint_count for one in errors))
        tip = mean(sum(one.tip_sum for one in errors), sum(one.tip_count for one in errors))
        return BodyMetrics(
            joint_rmse_deg=None if square is None else math.degrees(math.sqrt(square)),
            fingertip_error_mm=None if tip is None else 1e3 * tip,
            mean_activation=mean(self._act_sum, self._steps * len(self._act)),
        )

    def _observe(self, reference: dict[Side, HandReference]) -> None:
        for side, wanted in reference.items():
            self._errors[side].add(self.data, wanted)
        if reference:
            self._act_sum += float(self.data.act[self._act].sum())
            self._steps += 1

    def _row(self, reference: dict[Side, HandReference]) -> dict[str, np.ndarray | float]:
        data = self.data
        row: dict[str, np.ndarray | float] = {
            "time": data.time - self.player.lead_in,
            "qpos": data.qpos,
            "qvel": data.qvel,
            "key_angle": data.qpos[self.scene.keys.qpos],
        }
        if self.scene.hands:
            row |= {
                "act": data.act,
                "ctrl": data.ctrl,
                "muscle_force": data.actuator_force[self._muscles],
                "reference": np.concatenate([wanted.qpos for wanted in reference.values()]),
            }
        return row

    def _check(self, moment: float) -> None:
        """MuJoCo resets an unstable simulation silently, its clock included; its warning counters tell.

        `moment`: the simulation time that should have been reached [s].
        """
        for kind, warning in self._warnings.items():
            if warning.number:
                raise SimulationError(f"the simulation became unstable before {moment:.3f} s ({kind.name})")


class _HandErrors:
    """Sums of one hand's distances from its reference: squared angles [rad^2] and fingertips that press [m]."""

    def __init__(self, hand: HandIndex) -> None:
        self._qpos, self._independent, self._tips = hand.qpos[hand.independent], hand.independent, hand.tips
        self.joint_sum, self.joint_count = 0.0, 0
        self.tip_sum, self.tip_count = 0.0, 0

    def add(self, data: mujoco.MjData, wanted: HandReference) -> None:
        """Takes in one control step."""
        error = data.qpos[self._qpos] - wanted.qpos[self._independent]
        self.joint_sum += float(error @ error)
        self.joint_count += error.size
        pressing = wanted.pressing.nonzero()[0]
        if pressing.size:
            apart = data.site_xpos[self._tips[pressing]] - wanted.tips[pressing]
            self.tip_sum += float(np.sqrt(np.einsum("ij,ij->i", apart, apart)).sum())
            self.tip_count += pressing.size
