"""The simulation loop of a performance: a controller acts in its scene, the keys' sensor hears
notes, and the hands are compared with their reference."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import mujoco
import numpy as np

from musclehand.body.anatomy import Side
from musclehand.controllers.body_sums import BodySums, BodyWatch
from musclehand.controllers.contact_log import ContactLog
from musclehand.controllers.controller import Controller, HandReference, selection
from musclehand.core import interrupts
from musclehand.core.errors import MusclehandError
from musclehand.core.progress import Progress
from musclehand.music.score import Score
from musclehand.piano.keys import KeySensor

UNSTABLE = (
    mujoco.mjtWarning.mjWARN_BADQPOS,
    mujoco.mjtWarning.mjWARN_BADQVEL,
    mujoco.mjtWarning.mjWARN_BADQACC,
)
"""MuJoCo's warnings of a simulation that it has reset."""

PROGRESS_STEPS = 50
"""Control steps between two reports of progress."""


class RowSink(Protocol):
    """Takes a row in every control step: a recording, or a list in memory."""

    def append(self, **row: np.ndarray | float) -> None:
        """Takes the values of all channels at one control step, by name."""


class SimulationError(MusclehandError):
    """The simulation became unstable: names the time and MuJoCo's warning."""


@dataclass(frozen=True)
class BodyMetrics:
    """How the hands moved, which the notes alone do not show; None without hands."""

    joint_rmse_deg: float | None
    """[deg] over all independent joints and control steps, against the reference."""

    fingertip_error_mm: float | None
    """[mm] mean distance of pressing fingertips from their targets, which lie below the key's
    stop."""

    mean_activation: float | None
    """Over all muscles and control steps."""


class Run:
    """One run through a piece, and the sums for the body metrics."""

    def __init__(
        self,
        player: Controller,
        *,
        end: float,
        progress: Progress | None = None,
        contacts: ContactLog | None = None,
    ) -> None:
        """
        Args:
            player: controller that plays, in one run at a time.
            end: of the run, simulation time [s].
            progress: called with simulated time and all of it [s].
            contacts: log of what fingers touch, which is to be kept; None: none is.
        """
        self.player = player
        self.progress = progress
        self.contacts = contacts
        self.scene = player.scene
        self.end = end
        self.data = mujoco.MjData(self.scene.model)
        self._warnings = {kind: self.data.warning[kind] for kind in UNSTABLE}
        self._body = BodyWatch(self.data, self.scene.hands)

    def play(self, writer: RowSink | None = None) -> Score:
        """Simulates the whole piece and returns the notes that sounded.

        Args:
            writer: gets a row in every control step, such as a recording.

        Raises:
            KeyboardInterrupt: within `core.interrupts.deferred`, between two control steps.
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

    def _play(self, sensor: KeySensor, writer: RowSink | None) -> None:
        model = self.scene.model
        data = self.data
        player = self.player
        dt = model.opt.timestep
        sim_steps = player.sim_steps
        angles = selection(self.scene.keys.qpos)
        speeds = selection(self.scene.keys.dof)
        player.reset(data)
        for step in range(math.ceil(self.end / (sim_steps * dt))):
            interrupts.check()
            mujoco.mj_step1(model, data)
            if self.contacts is not None:
                self.contacts.note(data)
            player.control(data, step)
            reference = player.reference()
            if reference:
                self._body.note(reference)
            if writer is not None:
                writer.append(**row_of(player, data, reference, data.time - player.lead_in))
            for substep in range(sim_steps):
                player.drive(data, step, substep)
                if substep == 0:
                    mujoco.mj_step2(model, data)
                else:
                    mujoco.mj_step(model, data)
                time = data.time
                moment = (step * sim_steps + substep + 1) * dt
                if time < moment - 0.5 * dt or substep == sim_steps - 1:
                    self._check(moment)
                sensor.update(time, data.qpos[angles], data.qvel[speeds], player.pedal(time))
            if self.progress is not None and step % PROGRESS_STEPS == 0:
                self.progress(data.time, self.end)

    def body_metrics(self) -> BodyMetrics:
        """Means over the performance so far."""
        return metrics_of(self._body.sums())

    def _check(self, moment: float) -> None:
        """Looks at MuJoCo's warning counters: it resets an unstable simulation silently, its clock
        included.

        Args:
            moment: simulation time that should have been reached [s].
        """
        for kind, warning in self._warnings.items():
            if warning.number:
                raise SimulationError(
                    f"the simulation became unstable before {moment:.3f} s ({kind.name})"
                )


def metrics_of(body: BodySums) -> BodyMetrics:
    """Means of what was added up."""

    def mean(total: float, count: int) -> float | None:
        return total / count if count else None

    square = mean(body.joint_sum, body.joint_count)
    tip = mean(body.tip_sum, body.tip_count)
    return BodyMetrics(
        joint_rmse_deg=None if square is None else math.degrees(math.sqrt(square)),
        fingertip_error_mm=None if tip is None else 1e3 * tip,
        mean_activation=mean(body.act_sum, body.act_count),
    )


def row_of(
    player: Controller, data: mujoco.MjData, reference: dict[Side, HandReference], time: float
) -> dict[str, np.ndarray | float]:
    """The row of a control step in a recording (`performance.record.open_recording`).

    Args:
        player: that plays.
        data: of the simulation of its scene.
        reference: of the control step; empty where no motion is followed.
        time: on the score's clock [s].
    """
    scene = player.scene
    row: dict[str, np.ndarray | float] = {
        "time": time,
        "qpos": data.qpos,
        "qvel": data.qvel,
        "key_angle": data.qpos[scene.keys.qpos],
    }
    hands = scene.hands.values()
    if hands:
        angles = [part.qpos for part in reference.values()]
        # Not a number where no motion is followed.
        angles = angles or [np.full(len(hand.qpos), np.nan) for hand in hands]
        row |= {
            "act": data.act,
            "ctrl": data.ctrl,
            "muscle_force": data.actuator_force[np.concatenate([h.muscles for h in hands])],
            "reference": np.concatenate(angles),
        }
    return row
