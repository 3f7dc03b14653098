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
from musclehand.planner.placement import WRIST_DEPTH, WRIST_HEIGHT


@dataclass(frozen=True)
class ReachConfig:
    """How the path weighs its wishes.

    `step` grid [s]; `jerk_time` [s] the time scale below which the path resists bending; `onset_weight` within
    `before`..`after` [s] of an onset against `hold_weight` later in the note; `idle_weight` keeps a hand that has
    nothing to do where it is. In a leap the hand rises by `lift` [m], as far as it is faster than `lift_speeds` [m/s]
    (none at the first, all at the second) over `lift_time` [s]; where a finger has a key down it does not, and comes
    down `settle` [s] before. It waits `aside` [m] from its first keys until `approach` [s] before the first note.
    """

    step: float = 0.01
    jerk_time: float = 0.025
    before: float = 0.10
    after: float = 0.05
    onset_weight: float = 1.0
    hold_weight: float = 0.08
    idle_weight: float = 1e-5
    lift: float = 0.035
    lift_speeds: tuple[float, float] = (0.3, 1.2)
    settle: float = 0.02
    aside: float = 0.05
    approach: float = 0.6
    lift_time: float = 0.02


@dataclass(frozen=True)
class WristPath:
    """The wrist over time, cubic between grid points `step` [s] apart: x, y, z [m], their velocity and acceleration.
    Arrays of shape (n, 3)."""

    step: float
    position: np.ndarray
    velocity: np.ndarray
    acceleration: np.ndarray

    @classmethod
    def through(cls, position: np.ndarray, step: float) -> WristPath:
        """The path through the given positions."""
        velocity = np.gradient(position, step, axis=0)
        return cls(step, position, velocity, np.gradient(velocity, step, axis=0))

    def at(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Position, velocity, acceleration at `times` [s], each of shape (len(times), 3); held beyond the ends."""
        grid = np.asarray(times) / self.step
        last = len(self.position) - 1
        low = np.clip(np.floor(grid).astype(int), 0, last - 1)
        s = np.clip(grid - low, 0.0, 1.0)[:, None]
        moving = ((grid >= 0) & (grid <= last))[:, None]
        p0, p1 = self.position[low], self.position[low + 1]
        m0, m1 = self.velocity[low] * self.step, self.velocity[low + 1] * self.step
        s2, s3 = s**2, s**3
        position = (2 * s3 - 3 * s2 + 1) * p0 + (s3 - 2 * s2 + s) * m0 + (3 * s2 - 2 * s3) * p1 + (s3 - s2) * m1
        velocity, acceleration = (
            ((1 - s) * values[low] + s * values[low + 1]) * moving for values in (self.velocity, self.acceleration)
        )
        return position, velocity, acceleration


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
    # Until it comes in, a hand waits beside its first keys, clear of the other.
    begin = int(max(notes[0].onset - config.approach, 0.0) / config.step) if notes else count
    weight[:begin] += config.onset_weight
    wish[:begin] += config.onset_weight * (home + np.array([side.mirror * config.aside, 0.0]))
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
    return WristPath.through(np.column_stack([xy, np.full(count, WRIST_HEIGHT)]), config.step)


def lift_in_leaps(path: WristPath, busy: np.ndarray, *, config: ReachConfig | None = None) -> WristPath:
    """The same path with the hand raised where it moves fast, so that no finger brushes a key on the way.

    Args:
        path: the path over the keyboard.
        busy: begin and end of the times when a finger has a key down [s]. Shape (n, 2).
    """
    config = config or ReachConfig()
    slow, fast = config.lift_speeds
    speed = np.linalg.norm(path.velocity[:, :2], axis=1)
    rise = config.lift * np.clip((speed - slow) / (fast - slow), 0.0, 1.0)
    weight = np.ones(len(speed))
    for begin, end in busy:
        first, last = int((begin - config.settle) / path.step), int(np.ceil(end / path.step))
        rise[first : last + 1], weight[first : last + 1] = 0.0, 100.0
    smooth = _smooth(weight, (weight * rise)[:, None], stiffness=(config.lift_time / path.step) ** 6)
    position = path.position.copy()
    position[:, 2] += np.maximum(smooth[:, 0], 0.0)
    return WristPath.through(position, path.step)


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
