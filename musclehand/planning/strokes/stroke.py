"""Timelines of the fingers of a hand, and the targets of its fingertips that follow from them.

The timeline of a finger consists of its presses (`planning.strokes.press`) and of the movements
between them. While a finger presses, it stays with its key. Between presses it travels on
minimum-jerk movements relative to the moving hand (Flash & Hogan 1985, J Neurosci 5:1688). Where
there is time, it rests in the hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from musclehand.body.anatomy import Side
from musclehand.motion.playing_hand import PlayingHand
from musclehand.music.score import Note
from musclehand.piano.geometry import KeyboardGeometry, PianoParameters
from musclehand.planning.strokes.corrections import Corrections
from musclehand.planning.strokes.idle_lift import idle_height
from musclehand.planning.strokes.person import FollowedPerson, place_towards_keys
from musclehand.planning.strokes.placement import nominal_tip
from musclehand.planning.strokes.press import (
    Keyboard,
    KeyLoad,
    Press,
    ground_height,
    min_jerk,
    plan_presses,
)
from musclehand.planning.strokes.reach import ReachConfig, WristPath, lift_in_leaps
from musclehand.planning.strokes.strike import Descent, StrokeConfig

FINGER_SPACE = 0.013
"""[m] least distance between the middles of two neighbouring fingertips: a semitone, and a little
over their width."""

LOOK_BACK = 0.25
"""[s] before each note over which the hand's place is considered; longer than a strike takes."""

RAISED = 0.004
"""[m] an idle finger that practice raises by this much or more has all of `LIFT_WEIGHT`."""

LIFT_WEIGHT = 0.5
"""[share] weight of the height of an idle finger that practice raises, against that of a finger on
its key; chosen."""

FORCE_RISE = 0.02
"""[s] time before the bottom of a strike over which the holding force comes in; an assumption."""

_LOOK_BACK_STEP = 0.005
"""[s] between sampled times."""

_BEFORE_ALL = -1e3
_AFTER_ALL = 1e6
"""[s] times before and after any performance."""


class TipTargets(NamedTuple):
    """Targets of the five fingertips of a hand at n times, thumb first."""

    tips: np.ndarray
    """[m] positions relative to the wrist, mirrored for a left hand. Shape (n, 5, 3)."""

    weight: np.ndarray
    """Weights of their coordinates in the trajectory, 1 for a finger that presses. Shape
    (n, 5, 3)."""

    pressing: np.ndarray
    """Whether the finger presses a key. Shape (n, 5), bool."""

    press: np.ndarray
    """[N] force downwards. Shape (n, 5)."""

    key: np.ndarray
    """Index of the key that the finger presses, -1 for none. Shape (n, 5)."""

    key_mass: np.ndarray
    """[kg] effective mass of the key while the finger moves it, else 0. Shape (n, 5)."""

    key_damping: np.ndarray
    """[N s/m] damping of the key while the finger moves it, else 0. Shape (n, 5)."""


class _Tip(NamedTuple):
    """Targets of one fingertip at n times."""

    place: np.ndarray
    """[m] position in the world. Shape (n, 3)."""

    engagement: np.ndarray
    """0 at rest in the hand to 1 at a key. Shape (n,)."""

    sideways_weight: np.ndarray
    """[share] weight of an error in x. Shape (n,)."""

    height_weight: np.ndarray
    """[share] weight of an error in height. Shape (n,)."""

    pressing: np.ndarray
    """As in `TipTargets`, like all that follow. Shape (n,)."""

    press: np.ndarray
    """[N]"""

    key: np.ndarray
    """Index of the key."""

    key_mass: np.ndarray
    """[kg]"""

    key_damping: np.ndarray
    """[N s/m]"""


class _Waypoint(NamedTuple):
    """Place of a finger between its presses."""

    time: float
    """[s] time at which it has the height."""

    move: float
    """[s] time at which it has the place."""

    place: np.ndarray
    """[m] x and y relative to the wrist. Shape (2,)."""

    height: float
    """[m] of the fingertip's centre in the world."""

    engagement: float
    """0 at rest in the hand, 1 at a key."""

    sideways_weight: float
    """[share] weight of an error in x."""


class _WaitingPlace(NamedTuple):
    """Where a person's finger waits at n times."""

    place: np.ndarray
    """[m] x and y in the world. Shape (n, 2)."""

    share: np.ndarray
    """0 where the person was not seen to 1. Shape (n,)."""


class _Timeline:
    """One finger over time: its presses, and waypoints relative to the hand between them."""

    def __init__(
        self,
        presses: list[Press],
        path: WristPath,
        *,
        rest_place: np.ndarray,
        radius: float,
        config: StrokeConfig,
    ) -> None:
        """
        Args:
            presses: of the finger, in order.
            path: of the wrist.
            rest_place: x and y of the fingertip at rest, relative to the wrist [m]. Shape (2,).
            radius: of the fingertip [m].
            config: constants of strokes.
        """
        self.radius = radius
        self.config = config
        self.presses = _columns(presses)
        self._load = self.presses.load
        self._descent = self.presses.descent
        waypoints = self._between(presses, path, rest_place)
        self._times = np.array([point.time for point in waypoints])
        self._moves = np.array([point.move for point in waypoints])
        self._places = np.array([point.place for point in waypoints])
        self._others = np.array(
            [(point.height, point.engagement, point.sideways_weight) for point in waypoints]
        )

    def _between(
        self, presses: list[Press], path: WristPath, rest_place: np.ndarray
    ) -> list[_Waypoint]:
        """Waypoints: at rest, to each key and away from it, and at rest where there is time."""
        travel = self.config.travel_time

        def resting(time: float) -> _Waypoint:
            y = path.at(np.array([time]))[0][0, 1] + rest_place[1]
            height = float(ground_height(np.array(y))) + self.config.rest_hover + self.radius
            return _Waypoint(
                time=time,
                move=time,
                place=rest_place,
                height=height,
                engagement=0.0,
                sideways_weight=self.config.sideways_weight,
            )

        moves = np.array([(press.touch, press.leave) for press in presses]).ravel()
        wrists = iter(path.at(moves)[0][:, :2])
        waypoints = [resting(_BEFORE_ALL)]
        before = -np.inf
        for press in presses:
            start = float(press.descent.start)
            if start - before > 2 * travel:
                waypoints += [
                    resting(time) for time in (before + travel, start - travel) if np.isfinite(time)
                ]
            ends = (
                (start, press.touch, press.descent.high),
                (press.end, press.leave, press.release_height),
            )
            for time, move, height in ends:
                waypoints.append(
                    _Waypoint(
                        time=time,
                        move=move,
                        place=press.point - next(wrists),
                        height=float(height),
                        engagement=1.0,
                        sideways_weight=press.sideways_weight,
                    )
                )
            before = press.end
        last = resting(waypoints[-1].time + travel)
        return [*waypoints, last, last._replace(time=_AFTER_ALL, move=_AFTER_ALL)]

    def at(
        self,
        times: np.ndarray,
        wrist: np.ndarray,
        lift: np.ndarray,
        person: _WaitingPlace | None = None,
    ) -> _Tip:
        """The finger's targets.

        Args:
            times: at which to ask, ascending [s]. Shape (n,).
            wrist: its positions in the world then [m]. Shape (n, 3).
            lift: height by which leaps raise it above its path [m]. Shape (n,).
            person: where it waits, if it does so where a person's finger does.
        """
        count = len(times)
        place = np.empty((count, 3))
        place[:, :2] = wrist[:, :2] + _interpolate(self._moves, self._places, times)
        if person is not None:
            place[:, :2] += person.share[:, None] * (person.place - place[:, :2])
        height, engagement, sideways_weight = _interpolate(self._times, self._others, times).T
        ground = ground_height(place[:, 1]) + self.radius + self.config.clearance
        place[:, 2] = np.maximum(height, ground) + lift
        presses = self.presses
        if not presses.key.size:
            zeros = np.zeros(count)
            return _Tip(
                place=place,
                engagement=engagement,
                sideways_weight=sideways_weight,
                height_weight=np.ones(count),
                pressing=np.zeros(count, dtype=bool),
                press=zeros,
                key=np.full(count, -1),
                key_mass=zeros,
                key_damping=zeros,
            )
        j = np.maximum(np.searchsorted(self._descent.start, times, side="right") - 1, 0)
        descent = Descent(*(part[j] for part in self._descent))
        load = KeyLoad(*(part[j] for part in self._load))
        lift_time = presses.lift[j]
        surface = presses.surface[j]
        pressing = (times >= descent.start) & (times <= presses.end[j])
        striking = pressing & (times <= descent.bottom)
        rise = min_jerk((times - lift_time) / (presses.up[j] - lift_time))
        height = descent.height(times) + (presses.release_height[j] - descent.low) * rise
        fixed = pressing & (times >= presses.touch[j]) & (times <= presses.leave[j])
        place[fixed, :2] = presses.point[j][fixed]
        place[pressing, 2] = (height + np.where(fixed, 0.0, lift))[pressing]
        firm = min_jerk((times - descent.bottom + FORCE_RISE) / FORCE_RISE)
        spring = load.stiffness * np.clip(surface - height, 0.0, presses.dip[j])
        moving = striking & (height <= surface)
        return _Tip(
            place=place,
            engagement=engagement,
            sideways_weight=sideways_weight,
            height_weight=np.where(striking, self.config.height_weight, 1.0),
            pressing=pressing,
            press=(spring + self.config.press_force * firm) * (pressing & (times <= lift_time)),
            key=np.where(pressing, presses.key[j], -1),
            key_mass=moving * load.mass,
            key_damping=moving * load.damping,
        )


def _columns(presses: list[Press]) -> Press:
    """Presses as one, with an array in place of each number."""
    descents, loads = ([getattr(press, name) for press in presses] for name in ("descent", "load"))
    descent = Descent(
        *(np.array([part[i] for part in descents]) for i in range(len(Descent._fields)))
    )
    load = KeyLoad(*(np.array([part[i] for part in loads]) for i in range(len(KeyLoad._fields))))
    arrays = {
        name: np.array([getattr(press, name) for press in presses])
        for name in Press._fields
        if name not in ("descent", "load")
    }
    return Press(descent=descent, load=load, **arrays)


def _interpolate(knots: np.ndarray, values: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Minimum-jerk movements between values at knots. Shape (n, d).

    Args:
        knots: times of the values, ascending [s]. Shape (m,).
        values: to move between. Shape (m, d).
        times: at which to ask [s]. Shape (n,).
    """
    k = np.clip(np.searchsorted(knots, times, side="right") - 1, 0, len(knots) - 2)
    share = min_jerk((times - knots[k]) / np.maximum(knots[k + 1] - knots[k], 1e-6))[:, None]
    return np.asarray((1 - share) * values[k] + share * values[k + 1])


def _settled(notes: list[Note], path: WristPath, config: StrokeConfig) -> np.ndarray:
    """Time from the hand's arrival at its place to each onset, `LOOK_BACK` at most [s].

    Shape (n,).
    """
    back = np.arange(0.0, LOOK_BACK, _LOOK_BACK_STEP)
    onsets = np.array([note.onset for note in notes])
    places = path.at((onsets[:, None] - back).ravel())[0].reshape(len(notes), len(back), 3)
    distance = np.linalg.norm(places[:, :, :2] - places[:, :1, :2], axis=2)
    away = distance > config.arrival_distance
    return np.where(away.any(axis=1), back[np.argmax(away, axis=1)], LOOK_BACK)


class HandStrokes:
    """The timelines of one hand's fingers, evaluated in blocks of times.

    Attributes:
        timelines: of the fingers, thumb first.
        path: of the wrist, lifted in leaps.
        person: whose fingers those that wait follow, if there is one.
    """

    def __init__(
        self,
        notes: list[Note],
        points: np.ndarray,
        side: Side,
        path: WristPath,
        *,
        piano: PianoParameters,
        geometry: KeyboardGeometry,
        config: StrokeConfig,
        hand: PlayingHand | None = None,
        reach: ReachConfig | None = None,
        corrections: Corrections | None = None,
        person: FollowedPerson | None = None,
    ) -> None:
        """
        Args:
            notes: of the hand, with fingers, in order of onset.
            points: x and y at which each key is pressed [m]. Shape (n, 2).
            side: of the hand.
            path: of the wrist, without leaps.
            piano: parameters of the keys.
            geometry: places of the keys.
            config: constants of strokes.
            hand: its lengths, by default those of the bundled hand.
            reach: constants of leaps.
            corrections: from earlier runs.
            person: whose fingers those that wait follow; None: they wait in the hand.
        """
        self.side = side
        self.config = config
        hand = hand or PlayingHand()
        corrections = corrections or Corrections()
        self.timelines = []
        settled = _settled(notes, path, config) if notes else np.zeros(0)
        for finger in range(1, 6):
            indices = [i for i, note in enumerate(notes) if note.finger == finger]
            presses = plan_presses(
                [notes[i] for i in indices],
                points[indices],
                settled[indices],
                radius=float(hand.tip_radius[finger - 1]),
                keyboard=Keyboard(piano, geometry, config),
                corrections=corrections.notes,
            )
            timeline = _Timeline(
                presses,
                path,
                rest_place=nominal_tip(side, finger, hand),
                radius=float(hand.tip_radius[finger - 1]),
                config=config,
            )
            self.timelines.append(timeline)
        busy = [
            np.column_stack([line.presses.touch, line.presses.leave]) for line in self.timelines
        ]
        self._idle_lifts = [
            [lift for lift in corrections.lifts if (lift.side, lift.finger) == (side, finger)]
            for finger in range(1, 6)
        ]
        self._low_path = path
        self.path = lift_in_leaps(path, np.concatenate(busy), config=reach)
        self.person = person
        self._offsets = [] if person is None else self._key_offsets(person)

    def at(self, times: np.ndarray) -> TipTargets:
        """Targets of the fingertips at some times [s], which ascend. Shape (n,)."""
        wrist = self.path.at(times)[0]
        lift = wrist[:, 2] - self._low_path.at(times)[0][:, 2]
        waiting = self._waiting_places(times)
        fingers = [
            timeline.at(times, wrist, lift, place)
            for timeline, place in zip(self.timelines, waiting, strict=True)
        ]
        tip = _Tip(*(np.stack(column, axis=1) for column in zip(*fingers, strict=True)))
        tips = tip.place - wrist[:, None, :]
        raised = self._raised(times)
        tips[:, :, 2] += raised
        tips[:, :, 0] *= self.side.mirror
        _make_room(tips[:, :, 0], tip.engagement)
        idle = self.config.idle_weight
        weight = np.repeat((idle + (1.0 - idle) * tip.engagement)[:, :, None], 3, axis=2)
        weight[:, :, 0] *= tip.sideways_weight
        weight[:, :, 2] *= tip.height_weight
        weight[:, :, 2] = np.maximum(
            weight[:, :, 2], np.minimum(raised / RAISED, 1.0) * LIFT_WEIGHT
        )
        if self.person is not None:
            # The height of a waiting finger follows from the person's joints.
            free = self.person.at(times).seen[:, None] * (1.0 - tip.engagement)
            weight[:, :, 2] *= 1.0 - free * (raised == 0.0)
        return TipTargets(
            tips=tips,
            weight=weight,
            pressing=tip.pressing,
            press=tip.press,
            key=tip.key,
            key_mass=tip.key_mass,
            key_damping=tip.key_damping,
        )

    def _key_offsets(self, person: FollowedPerson) -> list[np.ndarray]:
        """From the person's fingertips to the keys' points where fingers meet and leave them [m].

        Shape (presses, 2, 2) for each finger.
        """
        offsets = []
        for finger, line in enumerate(self.timelines):
            edges = np.column_stack([line.presses.touch, line.presses.leave])
            tips = person.at(edges.ravel()).tips[:, finger, :2].reshape(-1, 2, 2)
            offsets.append(line.presses.point.reshape(-1, 1, 2) - tips)
        return offsets

    def _waiting_places(self, times: np.ndarray) -> Sequence[_WaitingPlace | None]:
        """Where the person's fingers wait, for each finger; None without a person."""
        if self.person is None:
            return [None] * len(self.timelines)
        state = self.person.at(times)
        return [
            _WaitingPlace(
                place_towards_keys(
                    times,
                    state.tips[:, finger, :2],
                    np.column_stack([line.presses.touch, line.presses.leave]),
                    self._offsets[finger],
                    approach=self.person.config.approach,
                ),
                state.seen,
            )
            for finger, line in enumerate(self.timelines)
        ]

    def _raised(self, times: np.ndarray) -> np.ndarray:
        """Height by which practice raises idle fingers [m]. Shape (n, 5)."""
        raised = np.zeros((len(times), 5))
        for finger, (line, lifts) in enumerate(zip(self.timelines, self._idle_lifts, strict=True)):
            busy = np.column_stack([line.presses.descent.start, line.presses.end])
            raised[:, finger] = idle_height(times, lifts, busy)
        return raised


def _make_room(x: np.ndarray, engagement: np.ndarray) -> None:
    """Moves waiting fingers aside so that index to little finger stay in order and apart, in place.

    A finger that plays far from its place would otherwise press against a neighbour that waits in
    its own. A finger gives way as far as it is not engaged. The thumb is left out: it passes under.

    Args:
        x: targets in a right hand [m]. Shape (n, 5).
        engagement: 0 for a finger at rest to 1 for a finger at its key. Shape (n, 5).
    """
    for i in (2, 3, 4):
        overlap = np.maximum(x[:, i - 1] + FINGER_SPACE - x[:, i], 0.0)
        x[:, i] += (1 - engagement[:, i]) * overlap
    for i in (3, 2, 1):
        overlap = np.minimum(x[:, i + 1] - FINGER_SPACE - x[:, i], 0.0)
        x[:, i] += (1 - engagement[:, i]) * overlap
