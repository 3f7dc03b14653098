"""The reference motion of one hand, step by step: inverse kinematics of its wrist path and strokes.

Planning looks at the whole piece, but only times and places are kept for all of it. Joint angles
are solved a few steps ahead of the simulation, so memory does not grow with the length of the
piece.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.anatomy import Side
from musclehand.body.build.hand import HandDesign
from musclehand.motion.inverse_kinematics import HandIk, IkWeights, PointTasks
from musclehand.music.score import Hand, Note
from musclehand.piano.geometry import KeyboardGeometry, PianoParameters
from musclehand.planning.strokes.clearance import Clearance, ClearanceConfig, Skin
from musclehand.planning.strokes.corrections import Corrections
from musclehand.planning.strokes.placement import HandPlacement, PlacementConfig
from musclehand.planning.strokes.reach import ReachConfig, plan_wrist
from musclehand.planning.strokes.release import keep_within_reach, plan_releases
from musclehand.planning.strokes.strike import StrokeConfig
from musclehand.planning.strokes.stroke import HandStrokes, TipTargets

BLOCK_STEPS = 256
"""Control steps whose fingertip targets are evaluated in one go."""

AHEAD = 16
"""Steps solved in one go: code and data of inverse kinematics then stay in the processor's
caches."""

BEGINNING = 3
"""Steps solved at first, one hand after the other: `HandMotion.at` needs a step and the two after
it."""


@dataclass(frozen=True)
class MotionConfig:
    """All constants of the reference motion."""

    placement: PlacementConfig = field(default_factory=PlacementConfig)
    """Wrist poses for grips."""

    reach: ReachConfig = field(default_factory=ReachConfig)
    """Path of the wrist."""

    stroke: StrokeConfig = field(default_factory=StrokeConfig)
    """Strokes and releases of the fingers."""

    ik: IkWeights = field(default_factory=IkWeights)
    """Inverse kinematics."""

    clearance: ClearanceConfig = field(default_factory=ClearanceConfig)
    """Distances kept from keys and other fingers."""


class MotionStep(NamedTuple):
    """The reference of one hand at one control step, and what it should have reached at the end.

    The same record holds h hands at a time in `planning.lookahead`, where each field has a leading
    axis of length h.
    """

    qpos: np.ndarray
    """[rad] all joint angles at the beginning of the step. Shape (25,)."""

    next_qpos: np.ndarray
    """[rad] independent joint angles at its end. Shape (19,)."""

    next_qvel: np.ndarray
    """[rad/s] velocities of these joints at its end. Shape (19,)."""

    tips: np.ndarray
    """[m] fingertips in the world at its beginning, thumb first. Shape (5, 3)."""

    pressing: np.ndarray
    """1 for fingers on a key that is held down or being struck, else 0. Shape (5,)."""

    press: np.ndarray
    """[N] force with which each fingertip presses at the end. Shape (5,)."""

    key_mass: np.ndarray
    """[kg] effective mass of the key that each fingertip moves, 0 without one. Shape (5,)."""

    key_damping: np.ndarray
    """[N s/m] damping of these keys at the fingertip. Shape (5,)."""

    wrist: np.ndarray
    """[m] position of the wrist after each simulation step in it. Shape (sim_steps, 3)."""

    wrist_velocity: np.ndarray
    """[m/s] its velocity. Shape (sim_steps, 3)."""

    wrist_acceleration: np.ndarray
    """[m/s^2] its acceleration. Shape (sim_steps, 3)."""


class HandMotion:
    """Plans one hand over the whole piece, and produces its `MotionStep`s in order.

    Attributes:
        notes: as planned, on simulation time: keys are released early where the hand has to leave.
        path: of the wrist.
        skin: outline of the hand at the step solved last, None before there is one.
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
        model: mujoco.MjModel | None = None,
    ) -> None:
        """
        Args:
            notes: of this hand, with fingers, on simulation time.
            side: of the hand.
            end: of the performance [s].
            sim_dt: simulation step [s].
            sim_steps: simulation steps in a control step.
            piano: parameters of its keys.
            geometry: where the keys are.
            design: of the hand.
            config: constants of the motion.
            corrections: from earlier runs, on simulation time.
            model: of a right hand of this design, if one is compiled already.
        """
        self.side = side
        self.sim_dt = sim_dt
        self.sim_steps = sim_steps
        self._mirror = np.array([side.mirror, 1.0, 1.0])
        self.dt = sim_dt * sim_steps
        self.ik = HandIk(weights=config.ik, design=design, model=model)
        poses = HandPlacement(self.ik, geometry, config.placement).wrist_poses(list(notes), side)
        points = np.array([pose.point for pose in poses]).reshape(-1, 2)
        hand = self.ik.playing
        reach = config.reach.for_hand(hand.size)
        held = plan_releases(list(notes), poses, side, config.stroke, reach)
        path = plan_wrist(held, poses, side, end=end, config=reach, hand=hand)
        within = config.stroke.hold_distance * hand.size.span
        held = keep_within_reach(held, poses, path, distance=within)
        self.notes = held
        self.strokes = HandStrokes(
            held,
            points,
            side,
            path,
            piano=piano,
            geometry=geometry,
            config=config.stroke,
            hand=hand,
            reach=reach,
            corrections=corrections,
        )
        self.path = self.strokes.path
        self.ik.reset_solver()
        self._clearance = Clearance(self.ik, geometry, side.mirror, config.clearance)
        self._block_start = -BLOCK_STEPS
        self._solved: deque[np.ndarray] = deque(maxlen=AHEAD + BEGINNING + 1)
        self._coming = 0

    def at(self, step: int) -> MotionStep:
        """The reference of control step `step`, which is solved together with the two after it.

        Args:
            step: not below that of the last call, and at most `AHEAD` below the one solved last.
        """
        angles, next_angles, later_angles = (self._angles(k) for k in (step, step + 1, step + 2))
        row = self._row(step)
        next_row = self._row(step + 1)
        tips = self._targets.tips[row] * self._mirror
        tips += self._path_now[row]
        return MotionStep(
            qpos=self.ik.index.expand @ angles,
            next_qpos=next_angles,
            next_qvel=(later_angles - angles) / (2 * self.dt),
            tips=tips,
            pressing=self._targets.pressing[row],
            press=self._targets.press[next_row],
            key_mass=self._targets.key_mass[next_row],
            key_damping=self._targets.key_damping[next_row],
            wrist=self._wrist[0][row],
            wrist_velocity=self._wrist[1][row],
            wrist_acceleration=self._wrist[2][row],
        )

    def solve_next(self, other_skin: Skin | None) -> None:
        """Solves the inverse kinematics of one step more.

        Args:
            other_skin: outline of the other hand, to keep clear of; None if there is no other hand.
        """
        self._load_block(self._coming)
        row = self._row(self._coming)
        first = self._coming == 0
        weight = np.ones((5, 3)) if first else self._targets.weight[row]
        tasks = None if first else self._clearance_tasks(row, other_skin)
        self.ik.move(self._targets.tips[row], weight, iterations=30 if first else 1, tasks=tasks)
        self._solved.append(self.ik.qr)
        self._coming += 1

    @property
    def skin(self) -> Skin | None:
        """Outline of this hand at the step solved last, None before there is one."""
        return self._clearance.skin

    def _row(self, step: int) -> int:
        return step - self._block_start

    def _angles(self, step: int) -> np.ndarray:
        """Independent joint angles at a step. Shape (19,)."""
        return self._solved[step - self._coming]

    def _clearance_tasks(self, row: int, other_skin: Skin | None) -> PointTasks:
        return self._clearance.tasks(
            self.ik, self._path_now[row], self._targets.key[row], other_skin
        )

    def _load_block(self, step: int) -> None:
        """Evaluates targets for a block of steps, with a few of the block before for those still
        in use."""
        if step < self._block_start + BLOCK_STEPS:
            return
        self._block_start = max(step - AHEAD - BEGINNING - 1, 0)
        times = (self._block_start + np.arange(BLOCK_STEPS)) * self.dt
        fine = (times[:, None] + self.sim_dt * np.arange(1, self.sim_steps + 1)).ravel()
        self._targets: TipTargets = self.strokes.at(times)
        self._path_now = self.path.at(times)[0]
        self._wrist = [
            values.reshape(BLOCK_STEPS, self.sim_steps, 3) for values in self.path.at(fine)
        ]


def notes_of(notes: Sequence[Note], side: Side, *, lead_in: float) -> list[Note]:
    """One hand's notes, moved from score time to simulation time.

    Args:
        notes: of a score; those without a finger are left out.
        side: of the hand.
        lead_in: simulation time at which the score begins [s].
    """
    hand = Hand.RIGHT if side is Side.RIGHT else Hand.LEFT
    return [
        replace(note, onset=note.onset + lead_in, offset=note.offset + lead_in)
        for note in notes
        if note.hand is hand and note.finger is not None
    ]
