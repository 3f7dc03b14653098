"""The trajectory of one hand over a piece, solved window by window together with the other hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from musclehand.body.anatomy import Side
from musclehand.motion.inverse_kinematics import HandIk
from musclehand.piano.geometry import KeyboardGeometry
from musclehand.planning.strokes.reach import WristPath
from musclehand.planning.strokes.stroke import HandStrokes
from musclehand.planning.trajectory.chain import chain_of, key_boxes
from musclehand.planning.trajectory.window import Tasks, Weights, Window


@dataclass(frozen=True)
class TrajectoryConfig:
    """Constants of trajectory optimisation."""

    knot: float = 0.008
    """[s] between knots."""

    block: int = 64
    """Knots that a window adds."""

    ahead: int = 40
    """Knots beyond them that it looks ahead."""

    iterations: int = 4
    rounds: int = 4
    first_rounds: int = 8

    claim: float = 0.03
    sideways: float = 1.0
    joint_jerk: float = 2000.0
    wrist_jerk: float = 5.0e4
    yaw_jerk: float = 3.0e4
    wrist_pull: float = 20.0
    yaw_pull: float = 1.0
    fingers: float = 0.25
    keys: float = 0.25
    order: float = 1.0
    hands: float = 1.0
    hand_margin: float = 0.01
    order_gap: float = 0.009
    finger_margin: float = 0.001
    key_margin: float = 0.002
    limit: float = 100.0
    damping: float = 1.0
    floor: float = 0.3
    lead: float = 0.0
    roll: float = 0.0
    posture: float = 1.0


class HandTrajectory:
    def __init__(
        self,
        ik: HandIk,
        strokes: HandStrokes,
        side: Side,
        geometry: KeyboardGeometry,
        config: TrajectoryConfig,
        *,
        control_dt: float,
    ) -> None:
        self.config = config
        self.mirror = side.mirror
        self._strokes = strokes
        self._flip = np.array([side.mirror, 1.0, 1.0])
        self._posture = np.concatenate([ik.posture, np.zeros(4)])
        n = len(ik.posture)
        self._joints = n
        chain = chain_of(ik.model, ik.index, ik._wrist)
        pull = np.concatenate(
            [config.posture * ik._pull, np.full(3, config.wrist_pull), [config.yaw_pull]]
        )
        big = np.full(4, 1e9)
        self.weights = Weights(
            tip=ik.weights.tip,
            fingers=config.fingers,
            keys=config.keys,
            order=config.order,
            hands=config.hands,
            hand_margin=config.hand_margin,
            order_gap=config.order_gap,
            finger_margin=config.finger_margin,
            key_margin=config.key_margin,
            pull=pull,
            limit=config.limit,
            lower=np.concatenate([ik.lower, -big]),
            upper=np.concatenate([ik.upper, big]),
        )
        max_step = np.concatenate([np.full(n, 0.35), np.full(3, 0.03), [0.1]])
        self._window = Window(
            chain, key_boxes(geometry, side.mirror), self.weights, config.roll,
            np.concatenate([np.ones(n), np.full(3, 50.0), [1.0]]), max_step,
        )
        self._jerk = np.concatenate(
            [np.full(n, config.joint_jerk), np.full(3, config.wrist_jerk), [config.yaw_jerk]]
        )
        self._start = 0
        self._u = np.zeros((0, n + 4))
        self._first = 0  # knot of the first row of _u
        self.ends: np.ndarray | None = None

    @property
    def solved_until(self) -> float:
        """Time until which the trajectory is final, with knots beyond it [s]."""
        return self._start * self.config.knot

    def begin(self) -> None:
        config = self.config
        self._damping = config.damping
        self._past = min(self._start, 3)
        self._from = self._start - self._past
        last = self._start + config.block + config.ahead
        times = config.knot * np.arange(self._from, last)
        self._tasks = self._make_tasks(times)
        known = self._u[self._from - self._first :]
        self._history = self._u[: max(self._from - self._first, 0)][-40:]
        self._work = np.vstack([known, self._tasks.home[len(known) :]])
        self._stiffness = np.tile(self._jerk, (len(self._work) - 3, 1))

    def improve(self, partner: np.ndarray | None) -> None:
        other = None if partner is None else partner * np.array([-1.0, 1.0, 1.0])
        self._work, self.ends, self._damping = self._window.improve(
            self._tasks, self._work, self._stiffness, self._past, other,
            self._damping, self.config.iterations,
        )

    def finish(self) -> None:
        self._first = self._from - len(self._history)
        self._u = np.vstack([self._history, self._work])
        self._start += self.config.block

    def _make_tasks(self, times: np.ndarray) -> Tasks:
        config = self.config
        targets = self._strokes.at(times)
        path = self._strokes.path.at(times)[0] * self._flip
        tips = targets.tips + path[:, None]
        claim = np.where(targets.pressing[:, :, None], 1.0, config.claim)
        weight = np.minimum(targets.weight, claim * np.array([1.0, 1.0, 1.0]))
        weight[..., 2] = np.where(targets.pressing, targets.weight[..., 2], weight[..., 2])
        weight[..., 0] = np.where(targets.pressing, np.maximum(weight[..., 0], config.sideways), weight[..., 0])
        home = np.tile(self._posture, (len(times), 1))
        home[:, self._joints : self._joints + 3] = path
        return Tasks(
            tips=tips,
            weight=weight,
            floor=tips[:, :, 2],
            floor_weight=np.where(targets.pressing, 0.0, config.floor),
            key=targets.key.astype(np.int64),
            home=home,
        )

    def _rows(self, times: np.ndarray) -> np.ndarray:
        """Unknowns at times, by cubic interpolation through four knots."""
        grid = times / self.config.knot - self._first
        low = np.clip(np.floor(grid + 1e-9).astype(int), 0, len(self._u) - 2)
        s = (grid - low)[:, None]
        before = np.maximum(low - 1, 0)
        after = np.minimum(low + 2, len(self._u) - 1)
        p0, p1, p2, p3 = (self._u[i] for i in (before, low, low + 1, after))
        return (
            p0 * (-s * (s - 1) * (s - 2) / 6)
            + p1 * ((s + 1) * (s - 1) * (s - 2) / 2)
            + p2 * (-(s + 1) * s * (s - 2) / 2)
            + p3 * ((s + 1) * s * (s - 1) / 6)
        )

    def angles(self, times: np.ndarray) -> np.ndarray:
        return self._rows(times)[:, : self._joints]

    def wrist(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        places = self._u[:, self._joints :] * np.append(self._flip, self.mirror)
        path = WristPath.through(places, self.config.knot)
        return path.at(times - self._first * self.config.knot)


def solve_window(hands: Sequence[HandTrajectory]) -> None:
    """Solves the next window of all hands together."""
    first = hands[0]._start == 0
    for hand in hands:
        hand.begin()
    ends: list[np.ndarray | None] = [None for _ in hands]
    count = hands[0].config.first_rounds if first else hands[0].config.rounds
    for _ in range(count):
        for i, hand in enumerate(hands):
            partner = ends[1 - i] if len(hands) == 2 else None
            hand.improve(partner)
            ends[i] = hand.ends
    for hand in hands:
        hand.finish()
