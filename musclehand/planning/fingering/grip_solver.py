"""Grips that a hand can hold: fingertips on keys, with no finger in another finger or in a key.

`GripSolver` answers whether some fingers reach some keys together. Unknown are all joint angles and
the place of the wrist; fingers without a key may go anywhere. The capsules of all phalanges must
not overlap each other, nor the keys that their finger does not press. Pairs of phalanges count as
in the simulation, where neighbouring proximal phalanges may touch.

The solution is found by damped Gauss-Newton steps within the joints' ranges, from several starts.
Overlaps are penalties that act only while there is an overlap. A grip that is found is a proof that
the hand can hold it; one that is not found may still exist, so that the answer errs on the side of
caution. `GripSolver.easiest` says how strained a grip is: the share of the ranges of motion
about the playing posture that it needs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from musclehand.body.anatomy import NUM_TIPS
from musclehand.body.contact_geometry import excluded_bodies
from musclehand.core.quadratic import BoundedSolver
from musclehand.motion.inverse_kinematics import HandIk
from musclehand.motion.playing_hand import TIP_X
from musclehand.piano.geometry import KeyboardGeometry, keyboard_geometry, load_piano_parameters

LARGEST_MISS = 0.002
"""[m] largest distance of a fingertip from its place on the key; a finger 2 mm aside still has half
of a black key's width to either side."""

LARGEST_OVERLAP = 0.001
"""[m] largest depth of a finger in another one or in a key: the give of skin; chosen."""

DEPTH = 0.009
"""[m] depth of a fingertip's lowest point below the top of its key at rest: the middle of a stroke,
as in `planning.strokes.placement.GRIP_DEPTH`."""

WHITE_Y = (0.010, 0.053)
"""[m] y at which a finger may press a white key before the black keys: from a fingertip behind its
front edge to a fingertip before theirs."""

BLACK_Y = (0.066, 0.110)
"""[m] y at which a finger may press a black key, from a fingertip behind its front."""

DEEP_Y = (0.066, 0.100)
"""[m] y at which a finger may press a white key between black keys."""

IDLE_MARGIN = 0.002
"""[m] distance of fingers without a key from all keys, as in `planning.trajectory`."""

WRIST_DEG = {"pro_sup": (-40.0, 40.0), "deviation": (-30.0, 20.0), "flexion": (-40.0, 40.0)}
"""[deg] ranges of forearm and wrist with fingers on keys, about the palm held down; chosen, inside
of the joints' ranges: at these ends no finger strikes."""

SHARES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3)
"""Shares of the ranges of motion that `easiest` tries."""

STARTS = 7
"""Starting postures of a search; chosen."""

PATIENCE = 20
"""Gauss-Newton steps without progress after which a start is given up; chosen."""

ITERATIONS = 100
"""Gauss-Newton steps from each start; steps end earlier at a solution."""

ROOM_STEP = 0.004
"""[m] resolution of the wrist's room."""

MOST_ROOM = 0.1
"""[m] distance at which the search for the wrist's room ends."""

_POINTS = 4
"""Points along each phalanx that are compared with the keys."""

_TIP_WEIGHT = 3.0e4
"""[1/m^2] weight of a fingertip's error."""

_OVERLAP_WEIGHT = 1.2e5
"""[1/m^2] weight of an overlap: a millimetre of it counts as two millimetres of a miss."""

_POSTURE_WEIGHT = 3.0e-4
"""[1/rad^2] weight of the distance from the starting posture: it only decides between solutions."""

_DAMPING = 0.03
"""[1/rad^2] weight of the change of angles in a step, at first; it falls to a hundredth."""

_WRIST_DAMPING = 3.0
"""[1/m^2] the same for the wrist's place."""

_MARGIN = 0.0003
"""[m] distance that is asked for beyond touching, so that the penalties end inside the limits."""

_JOINT_STEP = 0.25
"""[rad] largest change of an angle in a step."""

_WRIST_STEP = 0.03
"""[m] largest change of the wrist's place in a step."""


class Grip(NamedTuple):
    """A posture of the hand with some fingers on keys."""

    qr: np.ndarray
    """[rad] independent joint angles. Shape (19,)."""

    wrist: np.ndarray
    """[m] place of the wrist, world frame of a right hand. Shape (3,)."""

    miss: float
    """[m] largest distance of a fingertip from its place."""

    overlap: float
    """[m] largest depth of a finger in another one or in a key that it does not press."""

    @property
    def holds(self) -> bool:
        """Whether a hand can hold it."""
        return self.miss <= LARGEST_MISS and self.overlap <= LARGEST_OVERLAP


@dataclass(frozen=True)
class _Task:
    """Where fingertips should be: n fingers that press keys."""

    digit: np.ndarray
    """Digits, 0 (thumb) to 4. Shape (n,)."""

    low: np.ndarray
    """[m] least x, y and z of each tip. Shape (n, 3)."""

    high: np.ndarray
    """[m] greatest x, y and z of each tip. Shape (n, 3)."""

    barred: np.ndarray
    """Whether a digit must not touch a key. Shape (5, num_near)."""

    box: np.ndarray
    """[m] left and right edge and top of the keys nearby. Shape (num_near, 3)."""

    margin: np.ndarray
    """[m] distance that each digit keeps from keys. Shape (5,)."""


class _State(NamedTuple):
    """Errors of a posture, and how they change with angles and the wrist's place."""

    error: np.ndarray
    """[m] displacements that are still needed. Shape (m,)."""

    jacobian: np.ndarray
    """[m/rad, 1] Shape (m, 22)."""

    miss: float
    """[m] as in `Grip`."""

    overlap: float
    """[m] as in `Grip`."""


class _Contacts(NamedTuple):
    """Overlaps of n points with keys or with other fingers, and points that almost touch."""

    body: np.ndarray
    """Ids of the bodies of the points. Shape (n,)."""

    place: np.ndarray
    """[m] Positions of the points, frame of the forearm base. Shape (n, 3)."""

    direction: np.ndarray
    """Unit vectors of the ways out. Shape (n, 3)."""

    depth: np.ndarray
    """[m] Depths. Shape (n,)."""

    other_body: np.ndarray = np.zeros(0, dtype=int)
    """Ids of the bodies of the other finger. Shape (n,)."""

    other_place: np.ndarray = np.zeros((0, 3))
    """[m] Positions on it. Shape (n, 3)."""


class GripSolver:
    """Finds grips of one hand, as a right hand, and the wrist's room while it holds them.

    Attributes:
        ik: inverse kinematics of the hand.
        geometry: places of the keys.
    """

    def __init__(self, ik: HandIk, geometry: KeyboardGeometry | None = None) -> None:
        """
        Args:
            ik: of the hand.
            geometry: places of the keys, by default those of the bundled piano.
        """
        self.ik = ik
        self.geometry = geometry or keyboard_geometry(load_piano_parameters())
        ends = ik.bone_points(2, bones=3)
        self._ends = ends
        self._points = ik.bone_points(_POINTS, bones=3)
        self._pairs = self._colliding_pairs()
        self._solver = BoundedSolver()
        self._lower = ik.lower.copy()
        self._upper = ik.upper.copy()
        joints = np.array(ik.index.joints)[ik.index.independent].tolist()
        for joint, (low, high) in WRIST_DEG.items():
            self._lower[joints.index(joint)] = np.deg2rad(low)
            self._upper[joints.index(joint)] = np.deg2rad(high)

    def _colliding_pairs(self) -> np.ndarray:
        """Pairs of capsules of different digits that collide in the simulation. Shape (2, n)."""
        model = self.ik.model
        body = self._ends.body[::2]
        digit = self._ends.digit[::2]
        excluded = excluded_bodies(model)
        first, second = np.triu_indices(len(body), 1)
        counts = [
            digit[i] != digit[j] and tuple(sorted((int(body[i]), int(body[j])))) not in excluded
            for i, j in zip(first, second, strict=True)
        ]
        return np.stack([first[counts], second[counts]])

    def solve(
        self,
        digits: tuple[int, ...],
        keys: tuple[int, ...],
        *,
        share: float = 1.0,
        near: Grip | None = None,
        starts: int = STARTS,
    ) -> Grip:
        """The best grip of some digits on some keys; it does not depend on earlier calls.

        White keys are pressed in front of the black keys. If that does not go, the fingers other
        than the thumb press them between the black keys.

        Args:
            digits: that press, 0 (thumb) to 4.
            keys: index of the key of each.
            share: of the ranges of motion about the playing posture that may be used, up to 1.
            near: a grip to start from, such as one of these digits on keys less far apart.
            starts: starting postures beside `near`.
        """
        self._solver = BoundedSolver()
        posture = self.ik.posture
        limits = posture + share * (np.stack([self._lower, self._upper]) - posture)
        best = self._best(self._task(digits, keys, deep=False), limits, near, starts)
        deep = any(
            digit > 0 and not self.geometry.black[key]
            for digit, key in zip(digits, keys, strict=True)
        )
        if not best.holds and deep:
            further_in = self._best(self._task(digits, keys, deep=True), limits, near, starts)
            best = min(best, further_in, key=_badness)
        return best

    def easiest(
        self, digits: tuple[int, ...], keys: tuple[int, ...], grip: Grip
    ) -> tuple[float, Grip]:
        """The least share of the ranges of motion with which the hand can hold some keys.

        Args:
            digits: that press.
            keys: of each.
            grip: of them, one that holds.

        Returns:
            The share, one of `SHARES`, and the grip with it.
        """
        least = SHARES[0]
        for share in SHARES[1:]:
            easier = self.solve(digits, keys, share=share, near=grip, starts=2)
            if not easier.holds:
                break
            least, grip = share, easier
        return least, grip

    def room(self, digits: tuple[int, ...], keys: tuple[int, ...], grip: Grip) -> np.ndarray:
        """How far the wrist can go along each axis while the fingertips stay [m]. Shape (3, 2).

        Distances towards low and high x, y and z from the wrist of the grip, each with the wrist
        fixed on the other axes.

        Args:
            digits: that press.
            keys: of each.
            grip: of them.
        """
        self.ik.qr = grip.qr.copy()
        tips = self.ik.tips()[list(digits)] + grip.wrist
        task = self._task(digits, keys, deep=bool((tips[:, 1] > WHITE_Y[1]).any()))
        task = replace(task, low=tips, high=tips)
        limits = np.stack([self._lower, self._upper])
        room = np.zeros((3, 2))
        for axis in range(3):
            for side, sign in enumerate((-1.0, 1.0)):
                qr = grip.qr
                distance = 0.0
                while distance < MOST_ROOM - 1e-9:
                    wrist = grip.wrist.copy()
                    wrist[axis] += sign * (distance + ROOM_STEP)
                    if wrist[2] < self.ik.playing.lowest_wrist:
                        break
                    moved = self._descend(task, limits, qr, wrist, fixed=True)
                    if not moved.holds:
                        break
                    qr = moved.qr
                    distance += ROOM_STEP
                room[axis, side] = distance
        return room

    def _task(self, digits: tuple[int, ...], keys: tuple[int, ...], *, deep: bool) -> _Task:
        """Places of the fingertips, and the keys that they must not touch.

        Args:
            digits: that press.
            keys: of each.
            deep: fingers press white keys between the black keys.
        """
        geometry = self.geometry
        low, high = np.zeros((2, len(digits), 3))
        for row, (digit, key) in enumerate(zip(digits, keys, strict=True)):
            inside = deep and digit > 0 and not geometry.black[key]
            x = float(geometry.back_x[key].mean() if inside else geometry.x[key])
            along = BLACK_Y if geometry.black[key] else DEEP_Y if inside else WHITE_Y
            z = float(geometry.top_z[key]) - DEPTH + float(self.ik.playing.tip_radius[digit])
            low[row] = x, along[0], z
            high[row] = x, along[1], z
        near = np.arange(max(min(keys) - 12, 0), min(max(keys) + 13, len(geometry.x)))
        half = 0.5 * geometry.width[near]
        box = np.column_stack(
            [
                geometry.x[near] - half,
                geometry.x[near] + half,
                geometry.top_z[near],
            ]
        )
        barred = np.ones((NUM_TIPS, len(near)), dtype=bool)
        barred[:, np.isin(near, keys)] = False
        margin = np.where(np.isin(np.arange(NUM_TIPS), digits), 0.0, IDLE_MARGIN)
        return _Task(np.array(digits), low, high, barred, box, margin)

    def _best(self, task: _Task, limits: np.ndarray, near: Grip | None, starts: int) -> Grip:
        """The best grip from all starts; the first that holds.

        Args:
            task: where the fingertips should be.
            limits: least and greatest joint angles [rad]. Shape (2, 19).
            near: a grip to start from.
            starts: starting postures beside it.
        """
        rng = np.random.default_rng(0)
        ik = self.ik
        middle = 0.5 * (task.low + task.high)
        guess = float(np.mean(middle[:, 0] - TIP_X[task.digit]))
        inward = float(np.max(task.low[:, 1])) - WHITE_Y[1]
        grips = []
        if near is not None:
            grips.append(self._descend(task, limits, np.clip(near.qr, *limits), near.wrist))
            if grips[0].holds:
                return grips[0]
        for start in range(starts):
            qr = ik.posture.copy()
            wrist = np.array([guess, ik.playing.wrist_depth, ik.playing.wrist_height])
            if start:
                wide = 0.25 * (limits[1] - limits[0])
                qr = np.clip(qr + rng.uniform(-wide, wide), *limits)
                wrist += rng.uniform([-0.04, 0.0, -0.01], [0.04, max(inward, 0.0) + 0.04, 0.03])
            grips.append(self._descend(task, limits, qr, wrist))
            if grips[-1].holds:
                break
        return min(grips, key=_badness)

    def _descend(
        self,
        task: _Task,
        limits: np.ndarray,
        qr: np.ndarray,
        wrist: np.ndarray,
        *,
        fixed: bool = False,
    ) -> Grip:
        """Damped Gauss-Newton steps from a posture.

        Args:
            task: where the fingertips should be.
            limits: least and greatest joint angles [rad]. Shape (2, 19).
            qr: independent joint angles to start from [rad].
            wrist: its place to start from [m].
            fixed: the wrist stays there.
        """
        ik = self.ik
        start = np.append(qr, wrist)
        present = start.copy()
        joints = len(qr)
        pull = np.full(joints + 3, _POSTURE_WEIGHT)
        pull[joints:] = 0.0
        damping = np.full(joints + 3, _DAMPING)
        damping[joints:] = 1e9 if fixed else _WRIST_DAMPING
        reach = np.full(joints + 3, _JOINT_STEP)
        reach[joints:] = 0.0 if fixed else _WRIST_STEP
        lower = np.append(limits[0], [-np.inf, -np.inf, ik.playing.lowest_wrist])
        upper = np.append(limits[1], np.full(3, np.inf))
        best = Grip(qr, wrist, np.inf, np.inf)
        improved = 0
        iterations = ITERATIONS // 3 if fixed else ITERATIONS
        for step in range(iterations + 1):
            state = self._state(task, present)
            grip = Grip(present[:joints], present[joints:], state.miss, state.overlap)
            if _badness(grip) < 0.99 * _badness(best):
                best, improved = grip, step
            if best.holds or step - improved > PATIENCE:
                break
            weighted = state.jacobian.T * _TIP_WEIGHT
            hessian = weighted @ state.jacobian
            hessian.reshape(-1)[:: joints + 4] += pull + damping * max(0.9**step, 0.01)
            gradient = pull * (present - start) - weighted @ state.error
            change = self._solver.solve(
                hessian,
                gradient,
                np.maximum(np.minimum(lower - present, 0.0), -reach),
                np.minimum(np.maximum(upper - present, 0.0), reach),
            )
            present = present + change
        return best

    def _state(self, task: _Task, present: np.ndarray) -> _State:
        """Errors at a posture.

        Args:
            task: where the fingertips should be.
            present: joint angles and the wrist's place. Shape (22,).
        """
        ik = self.ik
        ik.qr = present[:-3]
        wrist = present[-3:]
        tips = ik.tips()[task.digit]
        error = np.clip(tips + wrist, task.low, task.high) - wrist - tips
        body = ik.model.site_bodyid[ik.index.tips[task.digit]]
        axes = np.tile(np.eye(3), (len(tips), 1))
        touching = self._out_of_fingers()
        sunk = self._out_of_keys(task, wrist)
        away = sunk.direction
        moved = (np.repeat(body, 3), touching.body, touching.other_body, sunk.body)
        places = (np.repeat(tips, 3, axis=0), touching.place, touching.other_place, sunk.place)
        directions = (axes, touching.direction, -touching.direction, away)
        rows = ik.velocities(*map(np.concatenate, (moved, places, directions)))
        three, pairs = len(axes), len(touching.depth)
        apart = rows[three : three + pairs] + rows[three + pairs : three + 2 * pairs]
        share = np.sqrt(_OVERLAP_WEIGHT / _TIP_WEIGHT)
        jacobian = np.vstack(
            [
                np.hstack([rows[:three], axes]),
                share * np.hstack([apart, np.zeros((pairs, 3))]),
                share * np.hstack([rows[three + 2 * pairs :], away]),
            ]
        )
        depth = np.concatenate([touching.depth, sunk.depth])
        return _State(
            np.concatenate([error.ravel(), share * (depth + _MARGIN)]),
            jacobian,
            float(np.linalg.norm(error, axis=1).max()),
            float(depth.max(initial=0.0)),
        )

    def _out_of_fingers(self) -> _Contacts:
        """Overlaps of the capsules of two fingers."""
        ik = self.ik
        ends = ik.points(self._ends.body, self._ends.local).reshape(-1, 2, 3)
        first, second = self._pairs
        near, far = closest_points(ends[first], ends[second])
        apart = near - far
        distance = np.linalg.norm(apart, axis=1)
        radius = self._ends.radius[::2]
        depth = radius[first] + radius[second] - distance
        deep = np.flatnonzero(depth > -_MARGIN)
        direction = apart[deep] / np.maximum(distance[deep], 1e-6)[:, None]
        body = self._ends.body[::2]
        return _Contacts(
            body[first[deep]],
            near[deep],
            direction,
            depth[deep],
            other_body=body[second[deep]],
            other_place=far[deep],
        )

    def _out_of_keys(self, task: _Task, wrist: np.ndarray) -> _Contacts:
        """Overlaps of points with keys, by the nearest side.

        Keys count as if they went on towards the player, so that no finger hangs in front of them.

        Args:
            task: keys that must not be touched.
            wrist: its place [m].
        """
        points = self._points
        place = self.ik.points(points.body, points.local)
        world = (place + wrist)[:, None, :]
        radius = (points.radius + task.margin[points.digit])[:, None]
        left, right, top = task.box.T
        sides = np.stack(
            [
                world[..., 0] + radius - left,
                right - world[..., 0] + radius,
                top - world[..., 2] + radius,
            ],
            axis=-1,
        )
        depth = np.where(task.barred[points.digit], sides.min(axis=-1), -1.0)
        nearest = depth.argmax(axis=1)
        row = np.arange(len(place))
        deep = np.flatnonzero(depth[row, nearest] > -_MARGIN)
        side = sides[deep, nearest[deep]].argmin(axis=-1)
        return _Contacts(points.body[deep], place[deep], _OUT[side], depth[deep, nearest[deep]])


_OUT = np.array([[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
"""Ways out of a key: left, right, up."""


def _badness(grip: Grip) -> float:
    """How far a grip is from one that holds, 1 and less if it does."""
    return max(grip.miss / LARGEST_MISS, grip.overlap / LARGEST_OVERLAP)


def closest_points(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Closest points of pairs of segments (Ericson, Real-Time Collision Detection, 5.1.9).

    Args:
        first: both ends of the first segments, none of length 0. Shape (n, 2, 3).
        second: likewise the second segments. Shape (n, 2, 3).

    Returns:
        Points on the first and on the second segments, each of shape (n, 3).
    """
    along, across = first[:, 1] - first[:, 0], second[:, 1] - second[:, 0]
    between = first[:, 0] - second[:, 0]
    a = (along * along).sum(axis=1)
    e = (across * across).sum(axis=1)
    b = (along * across).sum(axis=1)
    c = (along * between).sum(axis=1)
    f = (across * between).sum(axis=1)
    denominator = a * e - b * b
    parallel = denominator < 1e-12 * a * e
    s = np.clip((b * f - c * e) / np.where(parallel, 1.0, denominator), 0.0, 1.0)
    s = np.where(parallel, 0.0, s)
    t = np.clip((b * s + f) / e, 0.0, 1.0)
    s = np.clip((b * t - c) / a, 0.0, 1.0)
    return first[:, 0] + s[:, None] * along, second[:, 0] + t[:, None] * across
