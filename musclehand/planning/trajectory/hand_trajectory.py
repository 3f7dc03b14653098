"""The trajectory of one hand over a piece, solved window by window together with the other hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from threadpoolctl import ThreadpoolController

from musclehand.body.anatomy import DIGITS, INDEPENDENT_JOINTS, Side, digit_joints
from musclehand.motion.inverse_kinematics import HandIk
from musclehand.piano.geometry import KeyboardGeometry
from musclehand.planning.strokes.person import FollowedPerson
from musclehand.planning.strokes.reach import WristPath
from musclehand.planning.strokes.stroke import HandStrokes
from musclehand.planning.trajectory.chain import chain_of
from musclehand.planning.trajectory.config import TrajectoryConfig
from musclehand.planning.trajectory.keys import key_boxes
from musclehand.planning.trajectory.problem import FOREARM_UNKNOWNS, Smoothness, Tasks, Weights
from musclehand.planning.trajectory.window import Window

PAST_KNOTS = 3
"""Knots before a window that are fixed: as many as third differences reach back."""

_KEPT_KNOTS = 40
"""Knots before these that are kept at least, to be read."""

_MAX_WRIST_STEP = 0.03
"""[m] largest change of the wrist's place in a step; an assumption."""

_MAX_YAW_STEP = 0.1
"""[rad] largest change of the yaw in a step; an assumption."""

_WRIST_SCALE = 50.0
"""[1/m^2] damping of the wrist's place, against 1/rad^2 of angles; an assumption."""

_NO_LIMIT = 1e9
"""[m, rad] limit of wrist and yaw, which have none."""

_JOINTS_OF_DIGITS = np.array(
    [[float(joint in digit_joints(digit)) for joint in INDEPENDENT_JOINTS] for digit in DIGITS]
)
"""1 for the joints of each digit, else 0. Shape (5, 19)."""


@dataclass
class Draft:
    """A window of one hand that is being solved: t knots, of which the first `past` are fixed."""

    tasks: Tasks
    """Of the knots."""

    u: np.ndarray
    """[rad, m] unknowns. Shape (t, n)."""

    past: int
    """Knots at the beginning that are fixed."""

    damping: float
    """To go on with."""

    ends: np.ndarray | None = None
    """[m] ends of the bones. Shape (t, c, 2, 3)."""


class HandTrajectory:
    """Joint angles, wrist and yaw of one hand at knots, of which those still asked for are kept.

    `solve_window` solves the next knots of all hands of a performance.

    Attributes:
        config: constants of the optimisation.
        weights: of the tasks.
    """

    def __init__(
        self,
        ik: HandIk,
        strokes: HandStrokes,
        side: Side,
        geometry: KeyboardGeometry,
        config: TrajectoryConfig,
        *,
        behind: float,
    ) -> None:
        """
        Args:
            ik: of the hand's design; its angles are not used.
            strokes: targets of the fingertips, and planned path of the wrist.
            side: of the hand.
            geometry: places of the keys.
            config: constants of the optimisation.
            behind: the trajectory is asked for at times from `solved_until` - `behind` on when
                another window has to be solved [s].
        """
        self.config = config
        self._strokes = strokes
        self._flip = np.array([side.mirror, 1.0, 1.0, side.mirror])
        self._posture = np.append(ik.posture, np.zeros(FOREARM_UNKNOWNS))
        self._joints = len(ik.posture)
        self._pull = _of_unknowns(ik.posture_weights, config.wrist_weight, config.yaw_weight)
        self.weights = _weights(ik, config)
        self._window = Window(
            chain=chain_of(ik.model, ik.index, ik.wrist),
            keys=key_boxes(geometry, side.mirror),
            weights=self.weights,
            smoothness=_smoothness(self._joints, config),
            scale=_of_unknowns(np.ones(self._joints), _WRIST_SCALE, 1.0),
            max_step=_of_unknowns(
                np.full(self._joints, ik.weights.max_step), _MAX_WRIST_STEP, _MAX_YAW_STEP
            ),
        )
        self._kept = max(_KEPT_KNOTS, int(np.ceil(behind / config.knot_time)) + PAST_KNOTS)
        self._solved = 0
        self._first = 0
        self._u = np.zeros((0, len(self._posture)))

    @property
    def solved_until(self) -> float:
        """Time until which the trajectory is final, with knots beyond it [s]."""
        return self._solved * self.config.knot_time

    @property
    def solved_knots(self) -> int:
        """Knots that are final, those that are not kept any more included."""
        return self._solved

    @property
    def kept_knots(self) -> int:
        """Knots that are kept."""
        return len(self._u)

    def draft(self) -> Draft:
        """The next window, to be solved: it begins from the last one where that looked ahead."""
        config = self.config
        past = min(self._solved, PAST_KNOTS)
        first = self._solved - past
        last = self._solved + config.window_knots + config.ahead_knots
        tasks = self._tasks(config.knot_time * np.arange(first, last))
        solved = self._u[first - self._first :]
        return Draft(
            tasks=tasks,
            u=np.vstack([solved, tasks.home[len(solved) :]]),
            past=past,
            damping=config.damping,
        )

    def improve(self, draft: Draft, partner: np.ndarray | None) -> None:
        """Improves a window, clear of the other hand where it is now.

        Args:
            draft: of this hand, changed in place.
            partner: ends of the other hand's bones, in its own frame [m]. Shape (t, c, 2, 3).
        """
        draft.u, draft.ends, draft.damping = self._window.improve(
            draft.tasks,
            draft.u,
            past=draft.past,
            other=None if partner is None else partner * np.array([-1.0, 1.0, 1.0]),
            damping=draft.damping,
            steps=self.config.steps,
        )

    def take(self, draft: Draft) -> None:
        """Takes a solved window, and forgets knots that are too old.

        Args:
            draft: solved.
        """
        first = self._solved - draft.past
        history = self._u[: first - self._first][-self._kept :]
        self._first = first - len(history)
        self._u = np.vstack([history, draft.u])
        self._solved += self.config.window_knots

    def angles(self, times: np.ndarray) -> np.ndarray:
        """Independent joint angles, by cubic interpolation through four knots [rad]. Shape (n, 19).

        Args:
            times: up to `solved_until` [s]. Shape (n,).
        """
        grid = times / self.config.knot_time - self._first
        low = np.clip(np.floor(grid + 1e-9).astype(int), 0, len(self._u) - 2)
        s = (grid - low)[:, None]
        before = np.maximum(low - 1, 0)
        after = np.minimum(low + 2, len(self._u) - 1)
        p0, p1, p2, p3 = (self._u[i, : self._joints] for i in (before, low, low + 1, after))
        return np.asarray(
            p0 * (-s * (s - 1) * (s - 2) / 6)
            + p1 * ((s + 1) * (s - 1) * (s - 2) / 2)
            + p2 * (-(s + 1) * s * (s - 2) / 2)
            + p3 * ((s + 1) * s * (s - 1) / 6)
        )

    def forearm(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Place of the wrist in the world and yaw [m, rad], velocities and accelerations.

        Args:
            times: up to `solved_until` [s]. Shape (n,).

        Returns:
            Three arrays of shape (n, 4).
        """
        path = WristPath.through(self._u[:, self._joints :] * self._flip, self.config.knot_time)
        return path.at(times - self._first * self.config.knot_time)

    def _tasks(self, times: np.ndarray) -> Tasks:
        """Tasks at some times."""
        config = self.config
        targets = self._strokes.at(times)
        path = self._strokes.path.at(times)[0] * self._flip[:3]
        tips = targets.tips + path[:, None]
        pressing = targets.pressing
        share = np.where(pressing, 1.0, config.waiting_weight)
        weight = np.minimum(targets.weight, share[:, :, None])
        weight[..., 2] = np.where(pressing, targets.weight[..., 2], weight[..., 2])
        sideways = np.maximum(weight[..., 0], config.sideways_weight)
        weight[..., 0] = np.where(pressing, sideways, weight[..., 0])
        home = np.tile(self._posture, (len(times), 1))
        home[:, self._joints : self._joints + 3] = path
        pull = np.tile(self._pull, (len(times), 1))
        if self._strokes.person is not None:
            self._follow(self._strokes.person, times, pressing, weight, home, pull)
        return Tasks(
            tips=tips,
            weight=weight,
            floor=tips[:, :, 2],
            floor_weight=np.where(pressing, 0.0, config.floor_weight),
            key=targets.key.astype(np.int64),
            home=home,
            pull=pull,
        )

    def _follow(
        self,
        person: FollowedPerson,
        times: np.ndarray,
        pressing: np.ndarray,
        weight: np.ndarray,
        home: np.ndarray,
        pull: np.ndarray,
    ) -> None:
        """Draws waiting fingers, joints, wrist and yaw towards a person's, in place.

        Args:
            person: to be followed.
            times: of the tasks [s]. Shape (t,).
            pressing: fingers that press a key. Shape (t, 5), bool.
            weight: of the fingertips' coordinates, changed. Shape (t, 5, 3).
            home: preferred unknowns, changed. Shape (t, n).
            pull: weights of distances from them, changed. Shape (t, n).
        """
        like = person.config
        state = person.at(times)
        seen = state.seen[:, None]
        waiting = np.maximum(weight[..., :2], (like.tips * seen)[:, :, None])
        weight[..., :2] = np.where(pressing[:, :, None], weight[..., :2], waiting)
        joints = self._joints
        home[:, :joints] += seen * (state.angles - home[:, :joints])
        home[:, -1] = state.seen * state.yaw * self._flip[-1]
        stronger = np.tile(
            _of_unknowns(np.full(joints, like.posture), like.wrist, like.yaw), (len(times), 1)
        )
        # Fingers on keys keep the joints that their tasks give them.
        stronger[:, :joints] *= 1.0 - pressing @ _JOINTS_OF_DIGITS
        pull += seen * np.maximum(stronger - pull, 0.0)


def solve_window(hands: Sequence[HandTrajectory]) -> None:
    """Solves the next window of all hands together: they take turns, each clear of the other.

    Linear algebra runs on one thread, as its rounding depends on their number.

    Args:
        hands: one, or two of different sides with the same constants, solved until the same time.
    """
    config = hands[0].config
    drafts = [hand.draft() for hand in hands]
    rounds = config.rounds if hands[0].solved_knots else config.first_rounds
    with _threads().limit(limits=1, user_api="blas"):
        for _ in range(rounds):
            for i, hand in enumerate(hands):
                partner = drafts[1 - i].ends if len(hands) == 2 else None
                hand.improve(drafts[i], partner)
    for hand, draft in zip(hands, drafts, strict=True):
        hand.take(draft)


@cache
def _threads() -> ThreadpoolController:
    """The threads of the libraries of linear algebra, which are loaded by then."""
    return ThreadpoolController()


def _of_unknowns(joints: np.ndarray, wrist: float, yaw: float) -> np.ndarray:
    """Values for all unknowns, from those of the joints, of the wrist's axes and of the yaw."""
    return np.concatenate([joints, np.full(3, wrist), [yaw]])


def _weights(ik: HandIk, config: TrajectoryConfig) -> Weights:
    """Weights of the tasks of a hand."""
    tip = ik.weights.tip
    return Weights(
        tip=tip,
        fingers=tip * config.finger_weight,
        finger_margin=config.finger_margin,
        order=tip * config.order_weight,
        order_gap=config.order_gap,
        hands=tip * config.hand_weight,
        hand_margin=config.hand_margin,
        keys=tip * config.key_weight,
        key_margin=config.key_margin,
        limit=config.limit_weight,
        lower=_of_unknowns(ik.lower, -_NO_LIMIT, -_NO_LIMIT),
        upper=_of_unknowns(ik.upper, _NO_LIMIT, _NO_LIMIT),
    )


def _smoothness(joints: int, config: TrajectoryConfig) -> Smoothness:
    """Smoothness of a hand with some independent joints."""
    accelerations = np.append(np.full(3, config.wrist_acceleration), config.yaw_acceleration)
    return Smoothness(
        jerk=_of_unknowns(
            np.full(joints, config.joint_jerk_weight),
            config.wrist_jerk_weight,
            config.yaw_jerk_weight,
        ),
        bend=accelerations * config.knot_time**2,
        bend_weight=config.acceleration_weight,
    )
