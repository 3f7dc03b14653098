"""What the fingers do: prepare, press, hold, release, as a timeline for each of the five fingers of a hand.

Each stroke is a minimum-jerk movement (Flash & Hogan 1985, J Neurosci 5:1688) timed so that the key crosses its
sounding point at the note's onset and its silent point at the offset. Between notes a finger travels relative to
the moving hand; while it presses, it stays with its key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from musclehand.body.anatomy import Side
from musclehand.music.score import Note
from musclehand.piano.geometry import KeyboardGeometry, PianoParameters, key_top_point
from musclehand.piano.keys import velocity_to_key_speed
from musclehand.planner.placement import nominal_tip
from musclehand.planner.reach import ReachConfig, WristPath, lift_in_leaps
from musclehand.planner.rehearsal import Correction, Corrections

TIP_RADIUS = np.array([6.0, 5.2, 5.2, 5.2, 4.8]) * 1e-3
"""Radius of the five fingertips [m], as in `models/hand/segments.csv` (a test holds them equal)."""


@dataclass(frozen=True)
class StrokeConfig:
    """Times [s] and distances [m] of a stroke.

    `hover` above the key before it is struck, less down to `least_hover` for a soft note, `rest_hover` for a finger
    that waits, all at least `clearance` above the black keys where the finger is between or close to them; `overtravel`
    of the reference below the key's stop, which makes contact firm; `press_times` shortest and longest of a stroke
    down, in between as the note's velocity asks for, `release_time` of one up; `travel_time` for moving to the next
    key; a finger lets go `same_key_gap` before it plays again, or as long as a leap takes, but keeps a key for at least
    `least_hold` of the time between its notes; `reach` [m]: a key is let go when the wrist is further than this from
    where it would hold it; `press_force` [N] beyond the key's spring; `idle_weight` of a waiting finger in the inverse
    kinematics, against 1; `delay`, `release_delay` [s]: strokes begin that much earlier than kinematics asks for, which
    is how late muscles and keys answer (measured on generated scores); an error `sideways`, along the keyboard, counts
    that much against one along a key or in height, but for a finger on a black key, hardly wider than its tip.
    """

    hover: float = 0.010
    least_hover: float = 0.003
    clearance: float = 0.004
    rest_hover: float = 0.012
    overtravel: float = 0.0035
    press_times: tuple[float, float] = (0.045, 0.11)
    release_time: float = 0.06
    travel_time: float = 0.25
    same_key_gap: float = 0.08
    least_hold: float = 0.4
    reach: float = 0.03
    press_force: float = 1.0
    idle_weight: float = 0.08
    delay: float = 0.01
    release_delay: float = 0.007
    sideways: float = 0.3


FINGER_SPACE = 0.013
"""Least distance of the middles of two neighbouring fingertips [m]: a semitone, and a little over their width."""

FORCE_RISE = 0.02
"""Time before the bottom of a stroke over which the holding force comes in [s]."""


class Press(NamedTuple):
    """One note of one finger with the times [s] of its stroke and the heights [m] of the tip's centre.

    `point` x, y on the keyboard; `sideways` what an error in x counts; down from `high` at `down` to `low` at `bottom`,
    up from `lift` until `up`. The tip stays on its point from `touch`, when it meets the key, to `leave`, when the key
    has fallen silent; between black keys as long as it is below their tops. Before and after it moves with the hand.
    """

    note: Note
    point: np.ndarray
    sideways: float
    high: float
    low: float
    force: float
    down: float
    touch: float
    bottom: float
    lift: float
    leave: float
    up: float


class TipTargets(NamedTuple):
    """Targets at n times: `tips` (n, 5, 3) relative to the wrist, mirrored for a left hand [m]; `weight` of their
    coordinates (n, 5, 3), 1 for a finger that presses; whether it does, (n, 5); `press` (n, 5) force down [N]; and the
    key it presses, -1 for none, (n, 5)."""

    tips: np.ndarray
    weight: np.ndarray
    pressing: np.ndarray
    press: np.ndarray
    key: np.ndarray


def min_jerk(share: np.ndarray) -> np.ndarray:
    """Position of a minimum-jerk movement from 0 to 1 at the given share of its time (clipped)."""
    s = np.clip(share, 0.0, 1.0)
    return s * s * s * (10.0 + s * (-15.0 + 6.0 * s))


def min_jerk_rate(share: float) -> float:
    """Speed of that movement, in its length over its time."""
    return float(30.0 * share**2 * (1.0 - share) ** 2)


_SHARE = np.linspace(0.0, 1.0, 201)
_PROGRESS = min_jerk(_SHARE)


def time_share(progress: np.ndarray | float) -> float:
    """The share of its time at which a minimum-jerk movement has come `progress` of its way."""
    return float(np.interp(progress, _PROGRESS, _SHARE))


class _Tip(NamedTuple):
    """One finger at n times: tip in the world [m], (n, 3); and, shape (n,): its claim to it, 0 at rest .. 1 at a key,
    what an error in x counts, whether it presses, with what force [N], and which key, -1 for none."""

    place: np.ndarray
    claim: np.ndarray
    sideways: np.ndarray
    pressing: np.ndarray
    force: np.ndarray
    key: np.ndarray


class _Timeline:
    """One finger over time: its presses, and waypoints relative to the hand for the time between them."""

    def __init__(self, presses: list[Press], finger: int, side: Side, path: WristPath, config: StrokeConfig) -> None:
        self.radius, self.clearance = TIP_RADIUS[finger - 1], config.clearance
        rest = nominal_tip(side, finger)
        self.down, self.touch, self.bottom, self.lift, self.leave, self.up, self.high, self.low, self.force = (
            np.array([getattr(p, name) for p in presses])
            for name in ("down", "touch", "bottom", "lift", "leave", "up", "high", "low", "force")
        )
        self.keys = np.array([p.note.key for p in presses], dtype=int)
        self.points = np.array([p.point for p in presses]).reshape(-1, 2)
        self.arrive = self.points - path.at(self.touch)[0][:, :2] if presses else np.zeros((0, 2))
        self.depart = self.points - path.at(self.leave)[0][:, :2] if presses else np.zeros((0, 2))
        times, places, heights = [-1e3], [rest], [self._rest_height(path, rest, -1e3, config)]
        claims, sideways = [0.0], [config.sideways]
        for i in range(len(presses)):
            before = self.up[i - 1] if i else -np.inf
            if self.down[i] - before > 2 * config.travel_time:
                for time in (before + config.travel_time, self.down[i] - config.travel_time):
                    if np.isfinite(time):
                        times.append(time)
                        places.append(rest)
                        heights.append(self._rest_height(path, rest, time, config))
                        claims.append(0.0)
                        sideways.append(config.sideways)
            times += [self.down[i], self.up[i]]
            places += [self.arrive[i], self.depart[i]]
            heights += [self.high[i], self.high[i]]
            claims += [1.0, 1.0]
            sideways += 2 * [presses[i].sideways]
        times += [times[-1] + config.travel_time, 1e6]
        places += [rest, rest]
        heights += 2 * [self._rest_height(path, rest, times[-2], config)]
        claims += [0.0, 0.0]
        sideways += 2 * [config.sideways]
        self.times, self.places, self.heights = np.array(times), np.array(places), np.array(heights)
        self.claims, self.sideways = np.array(claims), np.array(sideways)

    def _rest_height(self, path: WristPath, rest: np.ndarray, time: float, config: StrokeConfig) -> float:
        y = path.at(np.array([time]))[0][0, 1] + rest[1]
        return float(_ground(np.array(y))) + config.rest_hover + self.radius

    def at(self, times: np.ndarray, wrist: np.ndarray, lift: np.ndarray) -> _Tip:
        """The finger at `times` [s], given the wrist in the world, (n, 3), and how far leaps lift it, (n,) [m]."""
        count, xy = len(times), wrist[:, :2]
        k = np.clip(np.searchsorted(self.times, times, side="right") - 1, 0, len(self.times) - 2)
        share = min_jerk((times - self.times[k]) / np.maximum(self.times[k + 1] - self.times[k], 1e-6))[:, None]
        place = np.empty((count, 3))
        place[:, :2] = xy + (1 - share) * self.places[k] + share * self.places[k + 1]
        share = share[:, 0]
        height = (1 - share) * self.heights[k] + share * self.heights[k + 1]
        place[:, 2] = np.maximum(height, _ground(place[:, 1]) + self.radius + self.clearance) + lift
        claim = (1 - share) * self.claims[k] + share * self.claims[k + 1]
        sideways = (1 - share) * self.sideways[k] + share * self.sideways[k + 1]
        if not len(self.down):
            return _Tip(place, claim, sideways, np.zeros(count, dtype=bool), np.zeros(count), np.full(count, -1))
        j = np.maximum(np.searchsorted(self.down, times, side="right") - 1, 0)
        pressing = (times >= self.down[j]) & (times <= self.up[j])
        fall = min_jerk((times - self.down[j]) / (self.bottom[j] - self.down[j]))
        rise = min_jerk((times - self.lift[j]) / (self.up[j] - self.lift[j]))
        height = self.high[j] + (self.low[j] - self.high[j]) * (fall - rise)
        early, late = (times < self.touch[j])[:, None], (times > self.leave[j])[:, None]
        point = np.where(early, xy + self.arrive[j], np.where(late, xy + self.depart[j], self.points[j]))
        height += np.where((early | late)[:, 0], lift, 0.0)
        place[pressing, :2], place[pressing, 2] = point[pressing], height[pressing]
        firm = min_jerk((times - self.bottom[j] + FORCE_RISE) / FORCE_RISE) * (times <= self.lift[j])
        force = self.force[j] * firm * pressing
        return _Tip(place, claim, sideways, pressing, force, np.where(pressing, self.keys[j], -1))


class HandStrokes:
    """The timelines of one hand's fingers, evaluated in blocks of times, and `path`, the wrist path lifted in leaps."""

    def __init__(
        self,
        notes: list[Note],
        points: np.ndarray,
        side: Side,
        path: WristPath,
        piano: PianoParameters,
        geometry: KeyboardGeometry,
        config: StrokeConfig,
        reach: ReachConfig | None = None,
        corrections: Corrections | None = None,
    ) -> None:
        self.side, self.config = side, config
        self.timelines = []
        for finger in range(1, 6):
            mine = [i for i, note in enumerate(notes) if note.finger == finger]
            presses = _presses(
                [notes[i] for i in mine], points[mine], finger, piano, geometry, config, corrections or {}
            )
            self.timelines.append(_Timeline(presses, finger, side, path, config))
        busy = [np.column_stack([line.touch, line.leave]) for line in self.timelines]
        self._low_path = path
        self.path = lift_in_leaps(path, np.concatenate(busy), config=reach)

    def at(self, times: np.ndarray) -> TipTargets:
        """Targets at `times` [s]."""
        wrist = self.path.at(times)[0]
        lift = wrist[:, 2] - self._low_path.at(times)[0][:, 2]
        fingers = [timeline.at(times, wrist, lift) for timeline in self.timelines]
        place, claim, sideways, pressing, press, key = (
            np.stack(column, axis=1) for column in zip(*fingers, strict=True)
        )
        tips = place - wrist[:, None, :]
        tips[:, :, 0] *= self.side.mirror
        _make_room(tips[:, :, 0], claim)
        weight = np.repeat((self.config.idle_weight + (1.0 - self.config.idle_weight) * claim)[:, :, None], 3, axis=2)
        weight[:, :, 0] *= sideways
        return TipTargets(tips, weight, pressing, press, key)


def _make_room(x: np.ndarray, claim: np.ndarray) -> None:
    """Moves fingers that wait aside so that index to little finger stay in order and apart, in place.

    A finger that plays far from its place would otherwise press against a neighbour that waits in its own. A finger
    gives way as far as it has no claim to where it is. The thumb is left out: it passes under.

    Args:
        x: targets in a right hand [m]. Shape (n, 5).
        claim: 0 for a finger at rest .. 1 for one at its key. Shape (n, 5).
    """
    for i in (2, 3, 4):
        x[:, i] += (1 - claim[:, i]) * np.maximum(x[:, i - 1] + FINGER_SPACE - x[:, i], 0.0)
    for i in (3, 2, 1):
        x[:, i] += (1 - claim[:, i]) * np.minimum(x[:, i + 1] - FINGER_SPACE - x[:, i], 0.0)


def _ground(y: np.ndarray) -> np.ndarray:
    """Height to clear at depth `y` [m]: the white tops in front, the black ones further in."""
    return 0.0125 * min_jerk((y - 0.045) / 0.015)


class _Stroke(NamedTuple):
    """How a key goes down: heights of the tip's centre before and at the bottom [m], time from one to the other [s]."""

    high: float
    low: float
    time: float


def _stroke(
    top: float, sound: float, stop: float, ground: float, speed: float, radius: float, config: StrokeConfig
) -> _Stroke:
    """A stroke whose tip has the wanted speed [m/s] where the key sounds.

    A soft note starts closer to its key, as a pianist's does; a stroke from high above would take too long. Heights of
    the key under the finger at rest, sounding and at the stop, and of the ground: a finger that plays between black
    keys comes from above these [m].
    """
    shortest, longest = config.press_times
    low = stop - config.overtravel
    for hover in np.linspace(config.hover, config.least_hover, 8):
        high = max(top + float(hover), ground + config.clearance)
        time = (high - low) / speed * min_jerk_rate(time_share((high - sound) / (high - low)))
        if time <= longest:
            break
    return _Stroke(high + radius, low + radius, min(max(time, shortest), longest))


def _presses(
    notes: list[Note],
    points: np.ndarray,
    finger: int,
    piano: PianoParameters,
    geometry: KeyboardGeometry,
    config: StrokeConfig,
    corrections: Corrections,
) -> list[Press]:
    """Stroke times of one finger's notes, squeezed where two notes follow each other closely."""
    presses: list[Press] = []
    radius = TIP_RADIUS[finger - 1]
    for i, note in enumerate(notes):
        y, key = float(points[i, 1]), note.key
        top, sound, silent, stop = (
            float(key_top_point(geometry, key, y, angle)[2])
            for angle in (0.0, geometry.on_angle[key], geometry.off_angle[key], geometry.full_angle[key])
        )
        lever = float(geometry.hinge_y[key] - y)
        learnt = corrections.get((note.onset, note.pitch), Correction())
        velocity = min(max(note.velocity + learnt.velocity, 1.0), 127.0)
        speed = float(velocity_to_key_speed(piano, velocity)) * lever / float(geometry.length[key])
        ground = max(top, float(_ground(np.array(y))))
        high, low, press_time = _stroke(top, sound, stop, ground, speed, radius, config)
        room_before = note.onset - (notes[i - 1].offset if i else -np.inf)
        room_after = (notes[i + 1].onset if i + 1 < len(notes) else np.inf) - note.offset
        press_time = min(press_time, 0.7 * room_before)
        release_time = min(config.release_time, 0.7 * room_after)
        onset, offset = note.onset - config.delay - learnt.strike, note.offset - config.release_delay - learnt.release
        down = onset - time_share((high - sound - radius) / (high - low)) * press_time
        bottom = down + press_time
        lift = offset - time_share((silent + radius - low) / (high - low)) * release_time
        lift = max(lift, bottom)
        if presses and down < presses[-1].up:
            previous = presses[-1]
            down = min(max(down, previous.lift + 0.5 * (bottom - previous.lift)), bottom - 0.02)
            up = max(previous.lift + 0.01, min(previous.up, down))
            presses[-1] = previous._replace(up=up, leave=min(previous.leave, up))
        force = piano.stiffness * geometry.full_angle[key] / lever + config.press_force
        touch = down + time_share((high - ground - radius) / (high - low)) * (bottom - down)
        up = lift + release_time
        leave = lift + time_share(((ground if ground > top else silent) + radius - low) / (high - low)) * release_time
        sideways = 1.0 if geometry.black[key] else config.sideways
        presses.append(Press(note, points[i], sideways, high, low, float(force), down, touch, bottom, lift, leave, up))
    return presses
