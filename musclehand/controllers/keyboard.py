"""The self-playing keyboard: forces on the keys in place of hands.

It plays any score perfectly, which tests everything around a player: reading, timing, keys,
detection of notes, and metrics.
"""

from __future__ import annotations

import mujoco
from typing_extensions import override

from musclehand.body.anatomy import Side
from musclehand.controllers.controller import Controller, HandReference
from musclehand.music.score import Score
from musclehand.piano.player import KeyboardPlayer
from musclehand.planning.plan import LEAD_IN
from musclehand.sim.scene import Scene, build_scene

CONTROL_STEPS = 4
"""Simulation steps between two rows of a recording."""


class KeyboardController(Controller):
    """Plays a score by generalized forces on the key joints."""

    def __init__(
        self, score: Score, *, lead_in: float = LEAD_IN, scene: Scene | None = None
    ) -> None:
        """
        Args:
            score: one note a key at a time (`music.score.keyboard_score`).
            lead_in: time before the first note [s].
            scene: to play in, by default a keyboard without hands.
        """
        self.scene = scene or build_scene(sides=())
        self.score = score
        self.lead_in = lead_in
        self.sim_steps = CONTROL_STEPS
        self._player = KeyboardPlayer(self.scene.model, self.scene.piano, score, start=lead_in)

    @override
    def reset(self, data: mujoco.MjData) -> None:
        return  # All keys are up.

    @override
    def control(self, data: mujoco.MjData, step: int) -> None:
        return  # The forces are planned; nothing is left to decide.

    @override
    def drive(self, data: mujoco.MjData, step: int, substep: int) -> None:
        self._player.apply(data)

    @override
    def reference(self) -> dict[Side, HandReference]:
        return {}

    @override
    def pedal(self, time: float) -> float:
        return self._player.pedal(time)
