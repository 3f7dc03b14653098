"""A performance in a world that is not the controller's own model: senses in, commands out."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

import mujoco
import numpy as np

from musclehand.body.anatomy import Side
from musclehand.controllers.body_sums import BodyWatch
from musclehand.controllers.controller import Controller, HandReference
from musclehand.controllers.run import PROGRESS_STEPS, BodyMetrics, RowSink, metrics_of, row_of
from musclehand.core import interrupts
from musclehand.core.errors import InvalidValue
from musclehand.core.progress import Progress
from musclehand.music.score import Score
from musclehand.world.names import OBSERVER
from musclehand.world.predictor import Belief, Gains, LateBelief, StatePredictor
from musclehand.world.senses import BodyIndex, Delays, Senses, steps_of
from musclehand.world.world import Start, World


@dataclass(frozen=True)
class Nerves:
    """What a player believes of its nerves, and makes of it."""

    delays: Delays = field(default_factory=Delays)
    """That it reckons with."""

    predictor: str | None = OBSERVER
    """How it predicts its body (`world.predictor.PREDICTORS`); None: it takes late senses for the
    present."""

    gains: Gains | None = None
    """Of the predictor; None: the defaults."""


class WorldRun:
    """One run through a piece in a world, and the sums for the body metrics."""

    def __init__(
        self,
        player: Controller,
        world: World,
        *,
        end: float,
        nerves: Nerves | None = None,
        progress: Progress | None = None,
    ) -> None:
        """
        Args:
            player: controller that plays by muscles; its scene is its belief.
            world: to play in, one run at a time.
            end: of the run, time of the player's clock [s].
            nerves: what the player reckons with; None: senses without delay.
            progress: called with simulated time and all of it [s].

        Raises:
            InvalidValue: the controller moves something else than muscles and forearms.
        """
        if not player.commands_only:
            legal = "one that acts by muscles and forearm servos alone"
            raise InvalidValue("controller in another world", type(player).__name__, legal)
        nerves = nerves or Nerves()
        self.player = player
        self.world = world
        self.progress = progress
        self.end = end
        self._delays = nerves.delays
        self._scene = player.scene
        self._body = BodyIndex(self._scene)
        self._dt = self._scene.model.opt.timestep
        self._belief: Belief = (
            LateBelief(self._scene)
            if nerves.predictor is None
            else StatePredictor(
                self._scene, nerves.delays, method=nerves.predictor, gains=nerves.gains
            )
        )
        # The log as a body: what was there, in the player's model.
        self._log = mujoco.MjData(self._scene.model)
        self._watch = BodyWatch(self._log, self._scene.hands)
        lead = steps_of(self._delays.command, self._dt)
        self._lead = lead * self._dt
        self._references = deque[dict[Side, HandReference]](
            maxlen=round(lead / player.sim_steps) + 1
        )

    def play(self, writer: RowSink | None = None) -> Score:
        """Plays the whole piece and returns the notes that were heard.

        Args:
            writer: gets a row in every control step, such as a recording: of the world where it may
                be looked into, else of the belief.

        Raises:
            KeyboardInterrupt: within `core.interrupts.deferred`, between two control steps.
            WorldError: the world cannot go on.
            OutputError: the recording cannot be written.
        """
        try:
            self._play(writer)
            played = self.world.heard()
        finally:
            self.player.close()
        if self.progress is not None:
            self.progress(self.end, self.end)
        return played

    def body_metrics(self) -> BodyMetrics:
        """Means over the performance so far, from the world's log."""
        return metrics_of(self._watch.sums())

    def _play(self, writer: RowSink | None) -> None:
        player, world, belief = self.player, self.world, self._belief
        sim_steps, dt = player.sim_steps, self._dt
        start = self._start()
        world.begin(start)
        belief.begin(start)
        logged = Senses(start.angles, np.zeros(len(start.angles)), np.zeros(len(self._body.act)))
        commands = np.zeros((sim_steps, len(self._body.actuators)))
        pedal = np.zeros(sim_steps)
        time = 0.0
        for step in range(math.ceil(self.end / (sim_steps * dt))):
            interrupts.check()
            data = belief.estimate(world.sense())
            player.control(data, step)
            self._note(logged)
            if writer is not None:
                writer.append(**self._row(data, time))
            for substep in range(sim_steps):
                player.drive(data, step, substep)
                commands[substep] = data.ctrl[self._body.actuators]
                time += dt
                pedal[substep] = player.pedal(time)
            belief.sent(commands)
            logged = world.advance(commands, pedal)
            if self.progress is not None and step % PROGRESS_STEPS == 0:
                self.progress(time, self.end)

    def _start(self) -> Start:
        """The posture in which the player begins."""
        self.player.reset(self._log)
        return Start(
            angles=self._log.qpos[self._body.qpos],
            lead_in=self.player.lead_in,
            sim_steps=self.player.sim_steps,
            sim_dt=self._dt,
            command_lead=self._lead,
        )

    def _note(self, logged: Senses) -> None:
        """Compares the log with what the commands that arrive now were to do."""
        self._references.append(self.player.reference())
        reference = self._references[0]
        if not reference:
            return
        self._body.write(self._log, logged)
        mujoco.mj_kinematics(self._scene.model, self._log)
        self._watch.note(reference)

    def _row(self, data: mujoco.MjData, time: float) -> dict[str, np.ndarray | float]:
        """The world's row, which is as late as commands are believed to be; else the belief's."""
        time -= self.player.lead_in
        inside = self.world.inside()
        if inside is None or len(inside.qpos) != len(data.qpos):
            return row_of(self.player, data, self._references[-1], time)
        return row_of(self.player, inside, self._references[0], time - self._lead)
