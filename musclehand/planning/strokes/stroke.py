"""What the fingers do: prepare, press, hold, release, as a timeline for each of the five fingers of
a hand.

Strokes (`planning.strokes.press`) are timed so that the key crosses its sounding point at the
note's onset and its silent point at the offset. Between notes a finger travels relative to the
moving hand, on minimum-jerk movements (Flash & Hogan 1985, J Neurosci 5:1688); while it presses, it
stays with its key.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from musclehand.body.anatomy import Side
from musclehand.music.score import Note
from musclehand.piano.geometry import KeyboardGeometry, PianoParameters
from musclehand.planning.strokes.placement import nominal_tip
from musclehand.planning.strokes.press import (
    TIP_RADIUS,
    KeyLoad,
    Press,
    ground_height,
    min_jerk,
    plan_presses,
)
from musclehand.planning.strokes.reach import ReachConfig, WristPath, lift_in_leaps
from musclehand.planning.strokes.rehearsal import Corrections
from musclehand.planning.strokes.strike import Descent, StrokeConfig

FINGER_SPACE = 0.013
"""Least distance of the middles of two neighbouring fingertips [m]: a semitone, and a little
over their width."""

LOOK_BACK = 0.25
"""How long before a note the hand's place is looked at [s], which is longer than a stroke takes."""

FORCE_RISE = 0.02
"""Time before the bottom of a stroke over which the holding force comes in [s]."""


class TipTargets(NamedTuple):
    """Targets at n times: `tips` (n, 5, 3) relative to the wrist, mirrored for a left hand [m];
    `weight` of their coordinates (n, 5, 3), 1 for a finger that presses; and, shape (n, 5),
    whether it does, `press` the force down [N], `key` that it presses, -1 for none, and mass
    [kg] and damping [N s/m] of that key while the finger moves it."""

    tips: np.ndarray
    weight: np.ndarray
    pressing: np.ndarray
    press: np.ndarray
    key: np.ndarray
    key_mass: np.ndarray
    key_damping: np.ndarray


class _Tip(NamedTuple):
    """One finger at n times: tip in the world [m], (n, 3); and, shape (n,): its claim to it, 0
    at rest .. 1 at a key, what an error in x and in height counts, and the rest as in
    `TipTargets`."""

    place: np.ndarray
    claim: np.ndarray
    sideways: np.ndarray
    height_weight: np.ndarray
    pressing: np.ndarray
    press: np.ndarray
    key: np.ndarray
    key_mass: np.ndarray
    key_damping: np.ndarray


class _Waypoint(NamedTuple):
    """Where a finger is between its presses: at `time` in height, at `move` in place, x, y
    relative to the hand."""

    time: float
    move: float
    place: np.ndarray
    height: float
    claim: float
    sideways: float


class _Timeline:
    """One finger over time: its presses, and waypoints relative to the hand for the time between
    them."""

    def __init__(
        self, presses: list[Press], finger: int, side: Side, path: WristPath, config: StrokeConfig
    ) -> None:
        self.radius = TIP_RADIUS[finger - 1]
        self.config = config
        self.presses = _columns(presses)
        self._load = self.presses.load
        self._fall = self.presses.fall
        waypoints = self._between(presses, side, path, finger)
        self._times = np.array([point.time for point in waypoints])
        self._moves = np.array([point.move for point in waypoints])
        self._places = np.array([point.place for point in waypoints])
        self._others = np.array(
            [(point.height, point.claim, point.sideways) for point in waypoints]
        )

    def _between(
        self, presses: list[Press], side: Side, path: WristPath, finger: int
    ) -> list[_Waypoint]:
        """At rest in the hand, to each key and away from it, at rest again where there is time."""
        rest = nominal_tip(side, finger)
        travel = self.config.travel_time

        def resting(time: float) -> _Waypoint:
            y = path.at(np.array([time]))[0][0, 1] + rest[1]
            height = float(ground_height(np.array(y))) + self.config.rest_hover + self.radius
            return _Waypoint(time, time, rest, height, 0.0, self.config.sideways)

        moves = np.array([(press.touch, press.leave) for press in presses]).ravel()
        wrists = iter(path.at(moves)[0][:, :2])
        waypoints = [resting(-1e3)]
        before = -np.inf
        for press in presses:
            down = float(press.fall.down)
            if down - before > 2 * travel:
                waypoints += [
                    resting(time) for time in (before + travel, down - travel) if np.isfinite(time)
                ]
            ends = (down, press.touch, press.fall.high), (press.end, press.leave, press.risen)
            for time, move, height in ends:
                waypoints.append(
                    _Waypoint(
                        time, move, press.point - next(wrists), float(height), 1.0, press.sideways
                    )
                )
            before = press.end
        last = resting(waypoints[-1].time + travel)
        return [*waypoints, last, last._replace(time=1e6, move=1e6)]

    def at(self, times: np.ndarray, wrist: np.ndarray, above: np.ndarray) -> _Tip:
        """The finger at `times` [s]; the wrist in the world, (n, 3), which leaps lift it `above`
        its path, (n,) [m]."""
        count = len(times)
        place = np.empty((len(times), 3))
        place[:, :2] = wrist[:, :2] + _interpolate(self._moves, self._places, times)
        height, claim, sideways = _interpolate(self._times, self._others, times).T
        place[:, 2] = (
            np.maximum(height, ground_height(place[:, 1]) + self.radius + self.config.clearance)
            + above
        )
        presses = self.presses
        if not presses.key.size:
            none = np.zeros(count)
            plain = np.ones(count)
            return _Tip(
                place, claim, sideways, plain, none > 0, none, np.full(count, -1), none, none
            )
        j = np.maximum(np.searchsorted(self._fall.down, times, side="right") - 1, 0)
        fall = Descent(*(part[j] for part in self._fall))
        load = KeyLoad(*(part[j] for part in self._load))
        lift = presses.lift[j]
        surface = presses.surface[j]
        pressing = (times >= fall.down) & (times <= presses.end[j])
        rise = min_jerk((times - lift) / (presses.up[j] - lift))
        height = fall.height(times) + (presses.risen[j] - fall.low) * rise
        fixed = pressing & (times >= presses.touch[j]) & (times <= presses.leave[j])
        place[fixed, :2] = presses.point[j][fixed]
        place[pressing, 2] = (height + np.where(fixed, 0.0, above))[pressing]
        firm = min_jerk((times - fall.bottom + FORCE_RISE) / FORCE_RISE)
        spring = load.stiffness * np.clip(surface - height, 0.0, presses.dip[j])
        force = (spring + self.config.press_force * firm) * (pressing & (times <= lift))
        moving = pressing & (height <= surface) & (times <= fall.bottom)
        key = np.where(pressing, presses.key[j], -1)
        height_weight = np.where(pressing & (times <= fall.bottom), self.config.height_weight, 1.0)
        return _Tip(
            place,
            claim,
            sideways,
            height_weight,
            pressing,
            force,
            key,
            moving * load.mass,
            moving * load.damping,
        )


def _columns(presses: list[Press]) -> Press:
    """Presses as one, with an array in the place of each number."""
    falls, loads = ([getattr(press, name) for press in presses] for name in ("fall", "load"))
    fall = Descent(*(np.array([part[i] for part in falls]) for i in range(len(Descent._fields))))
    load = KeyLoad(*(np.array([part[i] for part in loads]) for i in range(len(KeyLoad._fields))))
    parts = {name: [getattr(press, name) for press in presses] for name in Press._fields}
    arrays = {name: np.array(part) for name, part in parts.items() if name not in ("fall", "load")}
    return Press(fall=fall, load=load, **arrays)


def _interpolate(knots: np.ndarray, values: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Minimum-jerk movements between `values` (m, d) at `knots` (m,), at `times` (n,) [s]. Shape
    (n, d)."""
    k = np.clip(np.searchsorted(knots, times, side="right") - 1, 0, len(knots) - 2)
    share = min_jerk((times - knots[k]) / np.maximum(knots[k + 1] - knots[k], 1e-6))[:, None]
    return np.asarray((1 - share) * values[k] + share * values[k + 1])


def _near(notes: list[Note], path: WristPath, config: StrokeConfig) -> np.ndarray:
    """For how long before each note the wrist is near its place there [s], as far as that
    matters. Shape (n,)."""
    back = np.arange(0.0, LOOK_BACK, 0.005)
    onsets = np.array([note.onset for note in notes])
    places = path.at((onsets[:, None] - back).ravel())[0].reshape(len(notes), len(back), 3)
    away = np.linalg.norm(places[:, :, :2] - places[:, :1, :2], axis=2) > config.near
    return np.where(away.any(axis=1), back[np.argmax(away, axis=1)], LOOK_BACK)


class HandStrokes:
    """The timelines of one hand's fingers, evaluated in blocks of times, and `path`, the wrist
    path lifted in leaps."""

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
        self.side = side
        self.config = config
        self.timelines = []
        near = _near(notes, path, config) if notes else np.zeros(0)
        for finger in range(1, 6):
            mine = [i for i, note in enumerate(notes) if note.finger == finger]
            presses = plan_presses(
                [notes[i] for i in mine],
                points[mine],
                finger,
                piano,
                geometry,
                config,
                corrections or {},
                near[mine],
            )
            self.timelines.append(_Timeline(presses, finger, side, path, config))
        busy = [
            np.column_stack([line.presses.touch, line.presses.leave]) for line in self.timelines
        ]
        self._low_path = path
        self.path = lift_in_leaps(path, np.concatenate(busy), config=reach)

    def at(self, times: np.ndarray) -> TipTargets:
        """Targets at `times` [s]."""
        wrist = self.path.at(times)[0]
        lift = wrist[:, 2] - self._low_path.at(times)[0][:, 2]
        fingers = [timeline.at(times, wrist, lift) for timeline in self.timelines]
        place, claim, sideways, height_weight, pressing, press, key, mass, damping = (
            np.stack(column, axis=1) for column in zip(*fingers, strict=True)
        )
        tips = place - wrist[:, None, :]
        tips[:, :, 0] *= self.side.mirror
        _make_room(tips[:, :, 0], claim)
        weight = np.repeat(
            (self.config.idle_weight + (1.0 - self.config.idle_weight) * claim)[:, :, None],
            3,
            axis=2,
        )
        weight[:, :, 0] *= sideways
        weight[:, :, 2] *= height_weight
        return TipTargets(tips, weight, pressing, press, key, mass, damping)


def _make_room(x: np.ndarray, claim: np.ndarray) -> None:
    """Moves fingers that wait aside so that index to little finger stay in order and apart, in
    place.

    A finger that plays far from its place would otherwise press against a neighbour that waits in
    its own. A finger gives way as far as it has no claim to where it is. The thumb is left out: it
    passes under.

    Args:
        x: targets in a right hand [m]. Shape (n, 5).
        claim: 0 for a finger at rest .. 1 for one at its key. Shape (n, 5).
    """
    for i in (2, 3, 4):
        x[:, i] += (1 - claim[:, i]) * np.maximum(x[:, i - 1] + FINGER_SPACE - x[:, i], 0.0)
    for i in (3, 2, 1):
        x[:, i] += (1 - claim[:, i]) * np.minimum(x[:, i + 1] - FINGER_SPACE - x[:, i], 0.0)
