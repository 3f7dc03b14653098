"""What the fingers do: prepare, press, hold, release, as a timeline for each of the five fingers of a hand.

Strokes (`planner.press`) are timed so that the key crosses its sounding point at the note's onset and its silent point
at the offset. Between notes a finger travels relative to the moving hand, on minimum-jerk movements (Flash & Hogan
1985, J Neurosci 5:1688); while it presses, it stays with its key.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from musclehand.body.anatomy import Side
from musclehand.music.score import Note
from musclehand.piano.geometry import KeyboardGeometry, PianoParameters
from musclehand.planner.placement import nominal_tip
from musclehand.planner.press import TIP_RADIUS, Press, StrokeConfig, approach, ground_height, min_jerk, plan_presses
from musclehand.planner.reach import ReachConfig, WristPath, lift_in_leaps
from musclehand.planner.rehearsal import Corrections

FINGER_SPACE = 0.013
"""Least distance of the middles of two neighbouring fingertips [m]: a semitone, and a little over their width."""

FORCE_RISE = 0.02
"""Time before the bottom of a stroke over which the holding force comes in [s]."""


class TipTargets(NamedTuple):
    """Targets at n times: `tips` (n, 5, 3) relative to the wrist, mirrored for a left hand [m]; `weight` of their
    coordinates (n, 5, 3), 1 for a finger that presses; whether it does, (n, 5); `press` (n, 5) force down [N]; and the
    key it presses, -1 for none, (n, 5)."""

    tips: np.ndarray
    weight: np.ndarray
    pressing: np.ndarray
    press: np.ndarray
    key: np.ndarray


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
        self.press_force = config.press_force
        self.down, self.touch, self.meet, self.bottom, self.lift, self.leave, self.up = (
            np.array([getattr(p, name) for p in presses])
            for name in ("down", "touch", "meet", "bottom", "lift", "leave", "up")
        )
        self.high, self.surface, self.low, self.dip, self.stiffness = (
            np.array([getattr(p, name) for p in presses]) for name in ("high", "surface", "low", "dip", "stiffness")
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
        return float(ground_height(np.array(y))) + config.rest_hover + self.radius

    def at(self, times: np.ndarray, wrist: np.ndarray, lift: np.ndarray) -> _Tip:
        """The finger at `times` [s], given the wrist in the world, (n, 3), and how far leaps lift it, (n,) [m]."""
        count, xy = len(times), wrist[:, :2]
        k = np.clip(np.searchsorted(self.times, times, side="right") - 1, 0, len(self.times) - 2)
        share = min_jerk((times - self.times[k]) / np.maximum(self.times[k + 1] - self.times[k], 1e-6))[:, None]
        place = np.empty((count, 3))
        place[:, :2] = xy + (1 - share) * self.places[k] + share * self.places[k + 1]
        share = share[:, 0]
        height = (1 - share) * self.heights[k] + share * self.heights[k + 1]
        place[:, 2] = np.maximum(height, ground_height(place[:, 1]) + self.radius + self.clearance) + lift
        claim = (1 - share) * self.claims[k] + share * self.claims[k + 1]
        sideways = (1 - share) * self.sideways[k] + share * self.sideways[k + 1]
        if not len(self.down):
            return _Tip(place, claim, sideways, np.zeros(count, dtype=bool), np.zeros(count), np.full(count, -1))
        j = np.maximum(np.searchsorted(self.down, times, side="right") - 1, 0)
        pressing = (times >= self.down[j]) & (times <= self.up[j])
        above, below = self.high[j] - self.surface[j], self.surface[j] - self.low[j]
        fall = above * approach((times - self.down[j]) / (self.meet[j] - self.down[j]))
        fall += below * np.clip((times - self.meet[j]) / (self.bottom[j] - self.meet[j]), 0.0, 1.0)
        rise = min_jerk((times - self.lift[j]) / (self.up[j] - self.lift[j]))
        height = self.high[j] - fall + (self.high[j] - self.low[j]) * rise
        early, late = (times < self.touch[j])[:, None], (times > self.leave[j])[:, None]
        point = np.where(early, xy + self.arrive[j], np.where(late, xy + self.depart[j], self.points[j]))
        height += np.where((early | late)[:, 0], lift, 0.0)
        place[pressing, :2], place[pressing, 2] = point[pressing], height[pressing]
        firm = min_jerk((times - self.bottom[j] + FORCE_RISE) / FORCE_RISE)
        spring = self.stiffness[j] * np.clip(self.surface[j] - height, 0.0, self.dip[j])
        force = (spring + self.press_force * firm) * (times <= self.lift[j]) * pressing
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
            presses = plan_presses(
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
