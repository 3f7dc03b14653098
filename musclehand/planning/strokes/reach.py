"""Wrist path: the path of least jerk of each wrist over the keyboard, within bounds for each note.

Each note has a wrist pose (`planning.strokes.placement`), and bounds on the wrist about that pose:
narrow while the key is struck, wider while it is held, as far as the fingers reach. The path
minimises its third differences within these bounds. This is a banded least-squares problem over the
whole piece, with quadratic penalties for leaving the bounds. A few Newton steps solve it, in time
and memory proportional to the length of the piece. Between notes the hand is free: leaps and rests
become minimum-jerk motions by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.linalg import solveh_banded

from musclehand.body.anatomy import Side
from musclehand.core.errors import InvalidValue
from musclehand.motion.playing_hand import HandSize, PlayingHand
from musclehand.music.score import Note
from musclehand.planning.strokes.person import FollowedPerson
from musclehand.planning.strokes.placement import WristPose, last_grip

NEWTON_STEPS = 12
"""Newton steps at most, more than any piece has needed in `experiments/bench_repertoire.py`."""

_BUSY_WEIGHT = 100.0
"""Weight of a hand that is not raised because a finger has a key down, against 1 for a free one; an
assumption."""


@dataclass(frozen=True)
class ReachConfig:
    """Bounds, weights and leaps of the wrist path.

    Lengths that follow from how far fingers reach are those of the bundled hand (`for_hand`).
    Weights count against leaving the bounds of a note, which costs 1 per squared distance. All were
    chosen by `experiments/bench_repertoire.py` (option `--generated`, and the repertoire) unless
    stated otherwise.

    Raises:
        InvalidValue: `step` is out of range.
    """

    step: float = 0.01
    """[s] between grid points of the path; an assumption."""

    jerk_time: float = 0.016
    """[s] time scale below which the path resists bending."""

    before: float = 0.015
    """[s] ahead of an onset from which the hand is at its place."""

    after: float = 0.03
    """[s] behind an onset until which the hand is at its place."""

    strike_room: float = 0.012
    """[m] distance from its pose that the wrist may have while a key is struck; half in height."""

    hold_room: float = 0.06
    """[m] distance from its pose that the wrist may have while a key is held; 0.3 of it in
    height."""

    full_span: float = 0.165
    """[m] span of a grip at which these distances are down to a tenth: seven white keys, an
    octave."""

    thumb_under: float = 0.02
    """[m] larger distance for the thumb on the side of the fingers, under which it passes."""

    pose_weight: float = 0.02
    """[share] weight of a distance from the pose within the bounds."""

    idle_weight: float = 1e-5
    """[share] weight that keeps an idle hand in place."""

    lift: float = 0.035
    """[m] height by which the hand rises in a fast leap."""

    lift_speeds: tuple[float, float] = (0.3, 1.2)
    """[m/s] speed of the hand from which it rises, and from which it rises all the way."""

    settle: float = 0.02
    """[s] before a finger has a key down, by which the hand has come down."""

    aside: float = 0.05
    """[m] distance from its first keys at which a hand waits, clear of the other hand."""

    approach: float = 0.6
    """[s] before its first note until which it waits there."""

    lift_time: float = 0.02
    """[s] time scale below which the lift resists bending."""

    acceleration: float = 60.0
    """[m/s^2] top acceleration in a leap, a minimum-jerk movement."""

    def __post_init__(self) -> None:
        if not 1e-3 <= self.step <= 0.1:
            raise InvalidValue("step of the wrist path", self.step, "0.001 to 0.1 s")

    def for_hand(self, size: HandSize) -> ReachConfig:
        """These constants for a hand of another size: what fingers reach grows with its span.

        Args:
            size: of the hand against the bundled one.
        """
        return replace(
            self,
            hold_room=self.hold_room * size.span,
            full_span=self.full_span * size.span,
            thumb_under=self.thumb_under * size.span,
        )

    def leap_time(self, distance: float) -> float:
        """Duration of a leap over a distance [m] in seconds."""
        return float(leap_time(distance, self.acceleration))


def leap_time(distance: np.ndarray | float, acceleration: float) -> np.ndarray | float:
    """Duration of a minimum-jerk movement with a given top acceleration [s].

    The top acceleration of a movement over a distance d in a time T is 10/sqrt(3) d/T^2.

    Args:
        distance: of the movement [m].
        acceleration: at the top [m/s^2].
    """
    return np.sqrt(10.0 / np.sqrt(3.0) * np.maximum(distance, 0.0) / acceleration)


class WristBounds(NamedTuple):
    """Bounds on the wrist for each of n notes."""

    place: np.ndarray
    """[m] wrist of the pose: x, y, z. Shape (n, 3)."""

    strike: np.ndarray
    """[m] distance from it while the key is struck: note, towards low or high, axis. Shape
    (n, 2, 3)."""

    hold: np.ndarray
    """[m] the same while the key is held. Shape (n, 2, 3)."""


def wrist_bounds(
    notes: list[Note], poses: list[WristPose], side: Side, config: ReachConfig
) -> WristBounds:
    """Bounds on the wrist for the notes of one hand, narrower for wide grips.

    Args:
        notes: of the hand, in order of onset.
        poses: of the wrist for each of them.
        side: of the hand.
        config: widths of the bounds.
    """
    places = np.array([pose.wrist for pose in poses], dtype=float).reshape(-1, 3)
    slack = np.array([max(0.1, 1.0 - pose.span / config.full_span) for pose in poses])
    strike = np.tile(config.strike_room * slack[:, None, None], (1, 2, 3))
    hold = np.tile(config.hold_room * slack[:, None, None], (1, 2, 3))
    strike[:, :, 2] *= 0.5
    hold[:, :, 2] *= 0.3
    under = 0 if side is Side.RIGHT else 1
    room_under = config.thumb_under * slack * np.array([note.finger == 1 for note in notes])
    strike[:, under, 0] += room_under
    hold[:, under, 0] += room_under
    return WristBounds(places, strike, hold)


@dataclass(frozen=True)
class WristPath:
    """The wrist over time: n grid points, and cubic polynomials between them."""

    step: float
    """[s] between grid points."""

    position: np.ndarray
    """[m] x, y, z. Shape (n, 3)."""

    velocity: np.ndarray
    """[m/s] Shape (n, 3)."""

    acceleration: np.ndarray
    """[m/s^2] Shape (n, 3)."""

    @classmethod
    def through(cls, position: np.ndarray, step: float) -> WristPath:
        """The path through given positions.

        Args:
            position: at the grid points [m]. Shape (n, 3).
            step: between them [s].
        """
        velocity = np.gradient(position, step, axis=0)
        return cls(step, position, velocity, np.gradient(velocity, step, axis=0))

    def at(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Position [m], velocity [m/s] and acceleration [m/s^2], each of shape (len(times), 3).

        Args:
            times: at which to ask [s]; beyond the ends of the path the wrist rests there.
        """
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
        # Cubic Hermite interpolation.
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
    hand: PlayingHand | None = None,
    person: FollowedPerson | None = None,
) -> WristPath:
    """Plans the wrist path of one hand from time 0 to the end.

    Args:
        notes: of the hand, in order of onset.
        poses: of the wrist for each of them.
        side: of the hand; without notes it waits at its side of the keyboard.
        end: length of the path [s].
        config: bounds and weights.
        hand: its lengths, by default those of the bundled hand.
        person: whose wrist is followed where the keys leave it free.
    """
    config = config or ReachConfig()
    hand = hand or PlayingHand()
    count = max(8, int(np.ceil(end / config.step)) + 1)
    beside = np.array([0.25 * side.mirror, hand.wrist_depth, hand.wrist_height])
    home = poses[0].wrist if notes else beside
    weight = np.full(count, config.idle_weight)
    target = np.zeros((count, 3))
    target += config.idle_weight * home
    # Until it comes in, a hand waits beside its first keys, clear of the other hand.
    waiting = int(max(notes[0].onset - config.approach, 0.0) / config.step) if notes else count
    weight[:waiting] += 1.0
    target[:waiting] += home + np.array([side.mirror * config.aside, 0.0, 0.0])
    if person is not None:
        state = person.at(config.step * np.arange(count))
        share = person.config.path * state.seen
        weight = weight * (1.0 - state.seen) + share
        target = target * (1.0 - state.seen)[:, None] + share[:, None] * state.wrist
    low = np.full((count, 3), -np.inf)
    high = np.full((count, 3), np.inf)
    bounds = wrist_bounds(notes, poses, side, config)
    for i, note in enumerate(notes):
        first, onset, stop = (
            int(np.clip(round(time / config.step), 0, count - 1))
            for time in (note.onset - config.before, note.onset + config.after, note.offset)
        )
        onset = min(onset, max(stop, first + 1))
        strike = slice(first, onset + 1)
        np.maximum(low[strike], bounds.place[i] - bounds.strike[i, 0], out=low[strike])
        np.minimum(high[strike], bounds.place[i] + bounds.strike[i, 1], out=high[strike])
        for begin, until, least, most in _hold_rooms(i, notes, poses, bounds):
            from_step, to_step = (round(time / config.step) for time in (begin, until))
            phase = slice(max(from_step, onset + 1), min(to_step, stop) + 1)
            np.maximum(low[phase], least, out=low[phase])
            np.minimum(high[phase], most, out=high[phase])
        played = slice(first, max(stop, onset) + 1)
        weight[played] += config.pose_weight
        target[played] += config.pose_weight * bounds.place[i]
    crossed = low > high
    low[crossed] = high[crossed] = 0.5 * (low[crossed] + high[crossed])
    stiffness = (config.jerk_time / config.step) ** 6
    axes = [
        _smooth_between(weight, target[:, a], low[:, a], high[:, a], stiffness) for a in range(3)
    ]
    return WristPath.through(np.column_stack(axes), config.step)


def _hold_rooms(
    i: int, notes: list[Note], poses: list[WristPose], bounds: WristBounds
) -> list[tuple[float, float, np.ndarray, np.ndarray]]:
    """Bounds on the wrist while a key is held, grip after grip of those that hold it.

    From one grip to the next the wrist may be anywhere in the rooms of both and between them.

    Args:
        i: index of the key's note.
        notes: of the hand.
        poses: of the wrist for each of them.
        bounds: on the wrist for each of them.

    Returns:
        Begin and end of each stage [s], and the lowest and highest place of the wrist [m].
    """
    low = bounds.place - bounds.hold[:, 0]
    high = bounds.place + bounds.hold[:, 1]
    stages = []
    last = last_grip(i, poses)
    for j in range(i, last):
        if notes[j + 1].onset > notes[j].onset:
            least, most = np.minimum(low[j], low[j + 1]), np.maximum(high[j], high[j + 1])
            stages.append((notes[j].onset, notes[j + 1].onset, least, most))
    stages.append((notes[last].onset, notes[i].offset, low[last], high[last]))
    return stages


def _smooth_between(
    weight: np.ndarray,
    weighted_target: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    stiffness: float,
) -> np.ndarray:
    """Minimises the weighted squares of p - target, third differences, and distances outside.

    The sum is that of weight (p - target)^2, stiffness (third difference of p)^2, and (distance of
    p outside low..high)^2. Newton's method on the active bounds (an active-set method): it has
    converged when these do not change any more.

    Args:
        weight: of the target. Shape (count,).
        weighted_target: weight times target. Shape (count,).
        low: lower bounds. Shape (count,).
        high: upper bounds. Shape (count,).
        stiffness: weight of third differences.
    """
    path = _smooth(weight, weighted_target[:, None], stiffness=stiffness)[:, 0]
    active = np.zeros((2, len(weight)), dtype=bool)
    for _ in range(NEWTON_STEPS):
        violated = np.stack([path < low, path > high])
        if np.array_equal(violated, active):
            break
        active = violated
        bound = np.where(active[0], low, 0.0) + np.where(active[1], high, 0.0)
        path = _smooth(
            weight + active.any(axis=0),
            (weighted_target + bound)[:, None],
            stiffness=stiffness,
        )[:, 0]
    return path


def lift_in_leaps(
    path: WristPath, busy: np.ndarray, *, config: ReachConfig | None = None
) -> WristPath:
    """Raises the hand where it moves fast, so that no finger brushes a key on the way.

    Args:
        path: over the keyboard.
        busy: begin and end of the times when a finger has a key down [s]. Shape (n, 2).
        config: height and speeds of the lift.
    """
    config = config or ReachConfig()
    slow, fast = config.lift_speeds
    speed = np.linalg.norm(path.velocity[:, :2], axis=1)
    rise = config.lift * np.clip((speed - slow) / (fast - slow), 0.0, 1.0)
    weight = np.ones(len(speed))
    for begin, end in busy:
        first = int((begin - config.settle) / path.step)
        last = int(np.ceil(end / path.step))
        rise[first : last + 1] = 0.0
        weight[first : last + 1] = _BUSY_WEIGHT
    stiffness = (config.lift_time / path.step) ** 6
    smooth = _smooth(weight, (weight * rise)[:, None], stiffness=stiffness)
    position = path.position.copy()
    position[:, 2] += np.maximum(smooth[:, 0], 0.0)
    return WristPath.through(position, path.step)


def _smooth(weight: np.ndarray, weighted_target: np.ndarray, *, stiffness: float) -> np.ndarray:
    """Minimises the sum of weight (p - target)^2 and of stiffness (third difference of p)^2.

    Args:
        weight: of the target. Shape (count,).
        weighted_target: weight times target, for d problems at once. Shape (count, d).
        stiffness: weight of third differences.
    """
    count = len(weight)
    bands = np.zeros((4, count))
    bands[0] = weight
    difference = np.array([-1.0, 3.0, -3.0, 1.0])
    for i, a in enumerate(difference):
        for j, b in enumerate(difference[: i + 1]):
            bands[i - j, j : count - 3 + j] += stiffness * a * b
    return solveh_banded(bands, weighted_target, lower=True)
