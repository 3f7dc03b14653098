"""Where the hand goes: the path of each wrist over the keyboard, from the notes its fingers play.

Every note asks the wrist to be where its grip is at ease (`planning.strokes.placement`), and leaves
it room about that place: little when the key is struck, more while it is held, as far as the
fingers reach. The path is the one of least jerk inside these rooms: a banded least-squares problem
over the whole piece whose walls are soft, solved by a few Newton steps in time and memory
proportional to its length. Where nothing is played the hand is free: leaps and rests become
minimum-jerk motions by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.linalg import solveh_banded

from musclehand.body.anatomy import Side
from musclehand.music.score import Note
from musclehand.planning.strokes.placement import WRIST_DEPTH, WRIST_HEIGHT, WristPose

NEWTON_STEPS = 12
"""More than the walls of any piece tried needed to settle."""


@dataclass(frozen=True)
class ReachConfig:
    """How the path weighs its wishes.

    `step` grid [s]; `jerk_time` [s] the time scale below which the path resists bending. A note's
    room [m] about its place is `strike_room` from `before` [s] ahead of the onset until `after` [s]
    behind it, then `hold_room`: less up and down and for wide grips, down to a tenth at `full_span`
    [m], and the thumb's wider by `thumb_under` on the side of the fingers, under which it passes.
    Leaving it costs 1 per squared distance; being in it but not at ease, `ease`. `idle_weight`
    keeps a hand that has nothing to do where it is. In a leap the hand rises by `lift` [m], as far
    as it is faster than `lift_speeds` [m/s] (none at the first, all at the second) over `lift_time`
    [s]; where a finger has a key down it does not, and comes down `settle` [s] before. It waits
    `aside` [m] from its first keys until `approach` [s] before the first note. A leap takes as long
    as a minimum-jerk movement with the top acceleration `acceleration` [m/s^2].
    """

    step: float = 0.01
    jerk_time: float = 0.016
    before: float = 0.03
    after: float = 0.03
    strike_room: float = 0.006
    hold_room: float = 0.022
    full_span: float = 0.165
    thumb_under: float = 0.02
    ease: float = 0.02
    idle_weight: float = 1e-5
    lift: float = 0.035
    lift_speeds: tuple[float, float] = (0.3, 1.2)
    settle: float = 0.02
    aside: float = 0.05
    approach: float = 0.6
    lift_time: float = 0.02
    acceleration: float = 35.0

    def leap_time(self, distance: float) -> float:
        """How long a leap takes [s]."""
        return float(leap_time(distance, self.acceleration))


def leap_time(distance: np.ndarray | float, acceleration: float) -> np.ndarray | float:
    """Time of a minimum-jerk movement over `distance` [m] with that top acceleration [m/s^2]:
    10/sqrt(3) d/T^2 [s]."""
    return np.sqrt(10.0 / np.sqrt(3.0) * np.maximum(distance, 0.0) / acceleration)


class WristBounds(NamedTuple):
    """Where the wrist may be for each note: `place` at ease, and how far from it when striking
    and holding, x, y and z towards lower and upper values [m]. Shapes (n, 3) and (n, 2, 3):
    note, low or high, axis."""

    place: np.ndarray
    strike: np.ndarray
    hold: np.ndarray


def wrist_bounds(notes: list[Note], poses: list[WristPose], side: Side, config: ReachConfig) -> WristBounds:
    """The rooms of one hand's notes, given how it stands for each."""
    places = np.array([pose.wrist for pose in poses], dtype=float).reshape(-1, 3)
    ease = np.array([max(0.1, 1.0 - pose.span / config.full_span) for pose in poses])
    strike = np.tile(config.strike_room * ease[:, None, None], (1, 2, 3))
    hold = np.tile(config.hold_room * ease[:, None, None], (1, 2, 3))
    strike[:, :, 2] *= 0.5
    hold[:, :, 2] *= 0.3
    under = 0 if side is Side.RIGHT else 1
    room_under = config.thumb_under * ease * np.array([note.finger == 1 for note in notes])
    strike[:, under, 0] += room_under
    hold[:, under, 0] += room_under
    return WristBounds(places, strike, hold)


@dataclass(frozen=True)
class WristPath:
    """The wrist over time, cubic between grid points `step` [s] apart: x, y, z [m], their
    velocity and acceleration. Arrays of shape (n, 3)."""

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
        """Position, velocity, acceleration at `times` [s], each of shape (len(times), 3); held
        beyond the ends."""
        grid = np.asarray(times) / self.step
        last = len(self.position) - 1
        low = np.clip(np.floor(grid).astype(int), 0, last - 1)
        s = np.clip(grid - low, 0.0, 1.0)[:, None]
        moving = ((grid >= 0) & (grid <= last))[:, None]
        p0 = self.position[low]
        p1 = self.position[low + 1]
        m0 = self.velocity[low] * self.step
        m1 = self.velocity[low + 1] * self.step
        s2 = s**2
        s3 = s**3
        position = (
            (2 * s3 - 3 * s2 + 1) * p0
            + (s3 - 2 * s2 + s) * m0
            + (3 * s2 - 2 * s3) * p1
            + (s3 - s2) * m1
        )
        velocity, acceleration = (
            ((1 - s) * values[low] + s * values[low + 1]) * moving
            for values in (self.velocity, self.acceleration)
        )
        return position, velocity, acceleration


def plan_wrist(
    notes: list[Note],
    poses: list[WristPose],
    side: Side,
    *,
    end: float,
    config: ReachConfig | None = None,
) -> WristPath:
    """The wrist path of one hand from time 0 to `end` [s].

    Args:
        notes: the notes of this hand in order of onset.
        stands: how the hand stands for each of them.
        side: which hand; one without notes waits at its side of the keyboard.
        end: length of the path [s].
    """
    config = config or ReachConfig()
    count = max(8, int(np.ceil(end / config.step)) + 1)
    home = poses[0].wrist if notes else np.array([0.25 * side.mirror, WRIST_DEPTH, WRIST_HEIGHT])
    ease = np.full(count, config.idle_weight)
    wish = np.zeros((count, 3))
    wish += config.idle_weight * home
    # Until it comes in, a hand waits beside its first keys, clear of the other.
    waiting = int(max(notes[0].onset - config.approach, 0.0) / config.step) if notes else count
    ease[:waiting] += 1.0
    wish[:waiting] += home + np.array([side.mirror * config.aside, 0.0, 0.0])
    low = np.full((count, 3), -np.inf)
    high = np.full((count, 3), np.inf)
    room = wrist_bounds(notes, poses, side, config)
    for i, note in enumerate(notes):
        first, onset, stop = (
            int(np.clip(round(time / config.step), 0, count - 1))
            for time in (note.onset - config.before, note.onset + config.after, note.offset)
        )
        onset = min(onset, max(stop, first + 1))
        for begin, end_, wall in (
            (first, onset + 1, room.strike[i]),
            (onset + 1, stop + 1, room.hold[i]),
        ):
            np.maximum(low[begin:end_], room.place[i] - wall[0], out=low[begin:end_])
            np.minimum(high[begin:end_], room.place[i] + wall[1], out=high[begin:end_])
        ease[first : max(stop, onset) + 1] += config.ease
        wish[first : max(stop, onset) + 1] += config.ease * room.place[i]
    crossed = low > high
    low[crossed] = high[crossed] = 0.5 * (low[crossed] + high[crossed])
    stiffness = (config.jerk_time / config.step) ** 6
    axes = [_smooth_between(ease, wish[:, a], low[:, a], high[:, a], stiffness) for a in range(3)]
    return WristPath.through(np.column_stack(axes), config.step)


def _smooth_between(
    ease: np.ndarray, wish: np.ndarray, low: np.ndarray, high: np.ndarray, stiffness: float
) -> np.ndarray:
    """Minimises sum(ease (p - target)^2) + stiffness sum(third difference^2) + sum(squared distance
    outside low..high).

    `wish` is ease times the target; all of shape (count,). Newton's method on the walls that are
    leant against, which changes nothing more once the same ones are.
    """
    path = _smooth(ease, wish[:, None], stiffness=stiffness)[:, 0]
    leaning = np.zeros((2, len(ease)), dtype=bool)
    for _ in range(NEWTON_STEPS):
        now = np.stack([path < low, path > high])
        if np.array_equal(now, leaning):
            break
        leaning = now
        wall = np.where(leaning[0], low, 0.0) + np.where(leaning[1], high, 0.0)
        path = _smooth(ease + leaning.any(axis=0), (wish + wall)[:, None], stiffness=stiffness)[
            :, 0
        ]
    return path


def lift_in_leaps(
    path: WristPath, busy: np.ndarray, *, config: ReachConfig | None = None
) -> WristPath:
    """The same path with the hand raised where it moves fast, so that no finger brushes a key on
    the way.

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
        first = int((begin - config.settle) / path.step)
        last = int(np.ceil(end / path.step))
        rise[first : last + 1], weight[first : last + 1] = 0.0, 100.0
    smooth = _smooth(
        weight, (weight * rise)[:, None], stiffness=(config.lift_time / path.step) ** 6
    )
    position = path.position.copy()
    position[:, 2] += np.maximum(smooth[:, 0], 0.0)
    return WristPath.through(position, path.step)


def _smooth(weight: np.ndarray, wish: np.ndarray, *, stiffness: float) -> np.ndarray:
    """Minimises sum(w (p - target)^2) + stiffness sum(third difference^2); `wish` is w times the
    target."""
    count = len(weight)
    bands = np.zeros((4, count))
    bands[0] = weight
    difference = np.array([-1.0, 3.0, -3.0, 1.0])
    for i, a in enumerate(difference):
        for j, b in enumerate(difference[: i + 1]):
            bands[i - j, j : count - 3 + j] += stiffness * a * b
    return solveh_banded(bands, wish, lower=True)
