"""The reference of one hand, step by step: wrist path and strokes become joint angles as the piece
goes along.

Planning looks at the whole piece, but only times and places are kept for all of it; joint angles
are solved a few steps ahead of the simulation, so memory does not grow with the length of the
piece.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from musclehand.body.anatomy import Side
from musclehand.body.build.hand import HandDesign
from musclehand.motion.inverse_kinematics import HandIk, IkWeights, PointWishes
from musclehand.music.score import Hand, Note
from musclehand.piano.geometry import KeyboardGeometry, PianoParameters
from musclehand.planning.strokes.clearance import Clearance, ClearanceConfig, Skin
from musclehand.planning.strokes.placement import HandPlacement, PlacementConfig
from musclehand.planning.strokes.reach import ReachConfig, plan_wrist
from musclehand.planning.strokes.rehearsal import Corrections
from musclehand.planning.strokes.release import keep_within_reach, plan_releases
from musclehand.planning.strokes.strike import StrokeConfig
from musclehand.planning.strokes.stroke import HandStrokes, TipTargets

BLOCK_STEPS = 256

AHEAD = 16
"""Steps solved in one go: code and data of inverse kinematics then stay in the processor's
caches."""

_BEGINNING = 3
"""Steps that the first `at` of a hand needs, when the other may not be there yet."""


@dataclass(frozen=True)
class MotionConfig:
    """All constants of the planner."""

    placement: PlacementConfig = field(default_factory=PlacementConfig)
    reach: ReachConfig = field(default_factory=ReachConfig)
    stroke: StrokeConfig = field(default_factory=StrokeConfig)
    ik: IkWeights = field(default_factory=IkWeights)
    clearance: ClearanceConfig = field(default_factory=ClearanceConfig)


class MotionStep(NamedTuple):
    """The reference at one control step and the next.

    Joints now, independent joints and their velocities at the end of the step [rad, rad/s];
    fingertips now in the world [m] and whether they press; at its end, the force [N], and mass [kg]
    and damping [N s/m] of the keys that fingertips move; and for each simulation step in it the
    wrist's position [m], velocity and acceleration, shape (sim_steps, 3).
    """

    qpos: np.ndarray
    next_qpos: np.ndarray
    next_qvel: np.ndarray
    tips: np.ndarray
    pressing: np.ndarray
    press: np.ndarray
    key_mass: np.ndarray
    key_damping: np.ndarray
    wrist: np.ndarray
    wrist_velocity: np.ndarray
    wrist_acceleration: np.ndarray


class HandMotion:
    """Produces the `MotionStep`s of one hand in order.

    `notes`: as they are planned, on simulation time, let go where the hand has to leave them.
    """

    def __init__(
        self,
        notes: Sequence[Note],
        side: Side,
        *,
        end: float,
        sim_dt: float,
        sim_steps: int,
        piano: PianoParameters,
        geometry: KeyboardGeometry,
        design: HandDesign,
        config: MotionConfig,
        corrections: Corrections | None = None,
        other: HandMotion | None = None,
    ) -> None:
        """`notes` of this hand with fingers, and `corrections`, on simulation time; `end` of the
        performance [s]; `other`: the other hand, of the same design, with which it keeps clear."""
        self.side = side
        self.sim_dt = sim_dt
        self.sim_steps = sim_steps
        self._mirror = np.array([side.mirror, 1.0, 1.0])
        self.dt = sim_dt * sim_steps
        self.ik: HandIk = HandIk(
            weights=config.ik, design=design, model=None if other is None else other.ik.model
        )
        stands = HandPlacement(self.ik, geometry, config.placement).stands(list(notes), side)
        points = np.array([stand.point for stand in stands]).reshape(-1, 2)
        held = plan_releases(list(notes), stands, side, config.stroke, config.reach)
        path = plan_wrist(held, stands, side, end=end, config=config.reach)
        held = keep_within_reach(held, stands, path, config.stroke)
        self.notes = held
        self.strokes = HandStrokes(
            held, points, side, path, piano, geometry, config.stroke, config.reach, corrections
        )
        self.path = self.strokes.path
        self.other = other
        if other is not None:
            other.other = self
        self.ik.forget()
        self._clearance = Clearance(self.ik, geometry, side.mirror, config.clearance)
        self._block_start = -BLOCK_STEPS
        self._solved: deque[np.ndarray] = deque(maxlen=AHEAD + _BEGINNING + 1)
        self._coming = 0

    def at(self, step: int) -> MotionStep:
        """The reference of control step `step`; steps must come in order."""
        now, following, after = (self._angles(k) for k in (step, step + 1, step + 2))
        row = self._row(step)
        next_row = self._row(step + 1)
        wrist = self._wrist[0][row]
        tips = self._targets.tips[row] * self._mirror
        tips += self._path_now[row]
        return MotionStep(
            qpos=self.ik.index.expand @ now,
            next_qpos=following,
            next_qvel=(after - now) / (2 * self.dt),
            tips=tips,
            pressing=self._targets.pressing[row],
            press=self._targets.press[next_row],
            key_mass=self._targets.key_mass[next_row],
            key_damping=self._targets.key_damping[next_row],
            wrist=wrist,
            wrist_velocity=self._wrist[1][row],
            wrist_acceleration=self._wrist[2][row],
        )

    def _row(self, step: int) -> int:
        return step - self._block_start

    def _angles(self, step: int) -> np.ndarray:
        """Independent joint angles at a step, solved on demand, and some steps more while the
        processor is at it."""
        while step >= self._coming:
            together = (
                self._coming >= _BEGINNING
                and self.other is not None
                and self.other._coming == self._coming
            )
            for _ in range(AHEAD if together else 1):
                self._solve_next()
                if together and self.other is not None:
                    self.other._solve_next()
        return self._solved[step - self._coming]

    def _solve_next(self) -> None:
        """One step more, the hands in turn, so that each heeds where the other is."""
        self._load_block(self._coming)
        row = self._row(self._coming)
        first = self._coming == 0
        weight = np.ones((5, 3)) if first else self._targets.weight[row]
        wishes = None if first else self._wishes(row)
        self.ik.move(self._targets.tips[row], weight, iterations=30 if first else 1, wishes=wishes)
        self._solved.append(self.ik.qr)
        self._coming += 1

    def _wishes(self, row: int) -> PointWishes:
        other = None if self.other is None else self.other.skin
        return self._clearance.wishes(self.ik, self._path_now[row], self._targets.key[row], other)

    @property
    def skin(self) -> Skin | None:
        """Where this hand is at the step solved last, None before there is one."""
        return self._clearance.skin

    def _load_block(self, step: int) -> None:
        """Evaluates targets for a block of steps, with a few of the block before for those still
        in use."""
        if step < self._block_start + BLOCK_STEPS:
            return
        self._block_start = max(step - AHEAD - _BEGINNING - 1, 0)
        times = (self._block_start + np.arange(BLOCK_STEPS)) * self.dt
        fine = (times[:, None] + self.sim_dt * np.arange(1, self.sim_steps + 1)).ravel()
        self._targets: TipTargets = self.strokes.at(times)
        self._path_now = self.path.at(times)[0]
        self._wrist = [
            values.reshape(BLOCK_STEPS, self.sim_steps, 3) for values in self.path.at(fine)
        ]


def notes_of(notes: Sequence[Note], side: Side, *, lead_in: float) -> list[Note]:
    """One hand's notes, moved from score time to simulation time."""
    hand = Hand.RIGHT if side is Side.RIGHT else Hand.LEFT
    return [
        replace(note, onset=note.onset + lead_in, offset=note.offset + lead_in)
        for note in notes
        if note.hand is hand and note.finger is not None
    ]
