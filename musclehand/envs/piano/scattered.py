"""Hands put somewhere near a plan, anew in each step: what a planner can learn where nothing moves.

Working out what a plan shows to a hand that is a little off it takes a tenth of the time of a step
of physics.
"""

from __future__ import annotations

import numpy as np

from musclehand.core.vec_env import StepResult
from musclehand.envs.piano.env import PianoEnv

ANGLES = (0.0, 0.01, 0.02, 0.04)
"""Hands are so far off the plan, as standard deviation of each joint [rad]; one of these is
drawn for each hand."""

SPEED_PER_ANGLE = 5.0
"""Standard deviation of joint speeds, for each of angles [1/s]."""

PLACES = (0.0, 0.001, 0.003, 0.008)
"""The same of forearms' places [m]."""

CARRIED = (0.0, 0.01, 0.05)
"""And of their speeds [m/s]."""


class StaticPianoEnv(PianoEnv):
    """As `PianoEnv`, but whatever is done, each step puts all hands elsewhere."""

    def step(self, action: np.ndarray) -> StepResult:
        """New states; no reward and no terms."""
        self._start(np.arange(self.config.num_worlds))
        seen = self._see(self.body.senses())
        none = np.zeros(self.num_envs)
        return StepResult(seen, none, none > 0.0, none == 0.0, seen, {})

    def _placed(self, frame: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        references = self.references
        rng = self._rng
        count = len(frame)
        angles = references.angles[frame]
        speeds = references.speeds[frame]
        far = rng.choice(ANGLES, size=(count, 1))
        angles = np.clip(angles + far * rng.standard_normal(angles.shape), *self._limits.T)
        speeds = speeds + SPEED_PER_ANGLE * far * rng.standard_normal(speeds.shape)
        place = references.forearm[frame, :3] + rng.choice(
            PLACES, size=(count, 1)
        ) * rng.standard_normal((count, 3))
        off = rng.choice(CARRIED, size=(count, 1)) * rng.standard_normal((count, 3))
        return angles, speeds, place, references.forearm_speed[frame, :3] + off
