"""Where the hand goes: the path of each wrist over the keyboard, from the notes its fingers play.

Every note asks the wrist to be where its grip is at ease (`planner.placement`). The path is the one
that meets these wishes with the least jerk: a banded linear least-squares problem over the whole piece, solved at
once in time and memory proportional to its length. Around an onset a wish is strong, while a key is only held it
is weak, and where nothing is played the hand is free: leaps and rests become minimum-jerk motions by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solveh_banded

from musclehand.body.anatomy import Side
from musclehand.music.score import Note
from musclehand.planner.placement import WRIST_DEPTH


@dataclass(frozen=True)
class ReachConfig:
    """How the path weighs its wishes.

    `step` grid [s]; `jerk_time` [s] the time scale below which the path resists bending; `onset_weight` within
    `before`..`after` [s] of an onset against `hold_weight` later in the note; `idle_weight` keeps a hand that has
    nothing to do where it is.
    """

    step: float = 0.01
    jerk_time: float = 0.045
    before: float = 0.10
    after: float = 0.05
    onset_weight: float = 1.0
    hold_weight: float = 0.12
    idle_weight: float = 1e-5


@dataclass(frozen=True)
class WristPath:
    """The wrist's x and y over time: cubic between grid points. `xy` shape (n, 2) [m], from time `start` [s]."""

    start: float
    step: float
    xy: np.ndarray
    velocity: np.ndarray
    acceleration: np.ndarray

    def at(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Position, velocity, acceleration at `times` [s], each of shape (len(times), 2); held beyond the ends."""
        grid = (np.asarray(times) - self.start) / self.step
        low = np.clip(np.floor(grid).astype(int), 0, len(self.xy) - 2)
        share = np.clip(grid - low, 0.0, 1.0)[:, None]
        held = ((grid < 0) | (grid > len(self.xy) - 1))[:, None]

        def between(values: np.ndarray) -> np.ndarray:
            return (1 - share) * values[low] + share * values[low + 1]

        h = self.step
        p0, p1, m0, m1 = self.xy[low], self.xy[low + 1], self.velocity[low] * h, self.velocity[low + 1] * h
        s2, s3 = share**2, share**3
        position = (2 * s3 - 3 * s2 + 1) * p0 + (s3 - 2 * s2 + share) * m0 + (3 * s2 - 2 * s3) * p1 + (s3 - s2) * m1
        zero = np.zeros_like(position)
        return position, np.where(held, zero, between(self.velocity)), np.where(held, zero, between(self.acceleration))


def plan_wrist(
    notes: list[Note], wrists: np.ndarray, side: Side, *, end: float, config: ReachConfig | None = None
) -> WristPath:
    """The wrist path of one hand from time 0 to `end` [s].

    Args:
        notes: the notes of this hand in order of onset.
        wrists: where the wrist would like to be for each of them [m]. Shape (num_notes, 2).
        side: which hand; one without notes waits at its side of the keyboard.
        end: length of the path [s].
    """
    config = config or ReachConfig()
    count = max(8, int(np.ceil(end / config.step)) + 1)
    weight, wish = np.full(count, config.idle_weight), np.zeros((count, 2))
    home = wrists[0] if notes else np.array([0.25 * side.mirror, WRIST_DEPTH])
    wish += config.idle_weight * home
    for note, target in zip(notes, wrists, strict=True):
        first, onset, stop = (
            int(np.clip(round(time / config.step), 0, count - 1))
            for time in (note.onset - config.before, note.onset + config.after, note.offset)
        )
        weight[first : onset + 1] += config.onset_weight
        wish[first : onset + 1] += config.onset_weight * target
        if stop > onset:
            weight[onset + 1 : stop] += config.hold_weight
            wish[onset + 1 : stop] += config.hold_weight * target
    xy = _smooth(weight, wish, stiffness=(config.jerk_time / config.step) ** 6)
    velocity = np.gradient(xy, config.step, axis=0)
    return WristPath(0.0, config.step, xy, velocity, np.gradient(velocity, config.step, axis=0))


def _smooth(weight: np.ndarray, wish: np.ndarray, *, stiffness: float) -> np.ndarray:
    """Minimises sum(w (p - target)^2) + stiffness sum(third difference^2); `wish` is w times the target."""
    count = len(weight)
    bands = np.zeros((4, count))
    bands[0] = weight
    difference = np.array([-1.0, 3.0, -3.0, 1.0])
    for i, a in enumerate(difference):
        for j, b in enumerate(difference[: i + 1]):
            bands[i - j, j : count - 3 + j] += stiffness * a * b
    return solveh_banded(bands, wish, lower=True)
