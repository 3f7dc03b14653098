"""The reference motion of one hand, step by step: the trajectory that follows its wrist path and
strokes.

Planning looks at the whole piece, but only times and places are kept for all of it. The trajectory
(`planning.trajectory`) is solved a window ahead of the simulation, so its memory does not grow with
the length of the piece.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import mujoco
import numpy as np

from musclehand.body.anatomy import Side
from musclehand.body.build.hand import HandDesign
from musclehand.motion.inverse_kinematics import HandIk, IkWeights
from musclehand.music.score import Hand, Note
from musclehand.piano.geometry import KeyboardGeometry, PianoParameters
from musclehand.planning.strokes.corrections import Corrections
from musclehand.planning.strokes.person import FollowedPerson, LikeConfig, PersonMotion
from musclehand.planning.strokes.placement import HandPlacement, PlacementConfig
from musclehand.planning.strokes.reach import ReachConfig, plan_wrist
from musclehand.planning.strokes.release import keep_within_reach, plan_releases
from musclehand.planning.strokes.strike import StrokeConfig
from musclehand.planning.strokes.stroke import HandStrokes, TipTargets
from musclehand.planning.trajectory.config import TrajectoryConfig
from musclehand.planning.trajectory.hand_trajectory import HandTrajectory

BLOCK_STEPS = 32
"""Control steps that are evaluated in one go."""

_MARGIN_STEPS = 4
"""Control steps beyond a block until which the trajectory has to be solved: velocities look one
step further, and interpolation one knot."""


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

    trajectory: TrajectoryConfig = field(default_factory=TrajectoryConfig)
    """Optimisation of the trajectory."""

    like: LikeConfig = field(default_factory=LikeConfig)
    """How closely a person's motion is followed, where there is one."""


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
    """[m, rad] position of the wrist, and yaw of the forearm about the vertical, after each
    simulation step in it. Shape (sim_steps, 4)."""

    wrist_velocity: np.ndarray
    """[m/s, rad/s] their velocities. Shape (sim_steps, 4)."""

    wrist_acceleration: np.ndarray
    """[m/s^2, rad/s^2] their accelerations. Shape (sim_steps, 4)."""


class HandMotion:
    """Plans one hand over the whole piece, and produces its `MotionStep`s in order.

    Attributes:
        notes: as planned, on simulation time: keys are released early where the hand has to leave.
        path: of the wrist, as planned before the trajectory is solved.
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
        person: PersonMotion | None = None,
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
            person: whose motion is followed where the notes leave the hand free, on simulation
                time.
        """
        self.side = side
        self.sim_dt = sim_dt
        self.sim_steps = sim_steps
        self.dt = sim_dt * sim_steps
        self.config = config
        self.ik = HandIk(weights=config.ik, design=design, model=model)
        follow = None if person is None else FollowedPerson(person, config.like)
        placement = HandPlacement(self.ik, geometry, config.placement)
        poses = placement.wrist_poses(list(notes), side, follow)
        points = np.array([pose.point for pose in poses]).reshape(-1, 2)
        hand = self.ik.playing
        reach = config.reach.for_hand(hand.size)
        held = plan_releases(list(notes), poses, side, config.stroke, reach)
        path = plan_wrist(held, poses, side, end=end, config=reach, hand=hand, person=follow)
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
            person=follow,
        )
        self.path = self.strokes.path
        self.trajectory = HandTrajectory(
            self.ik,
            self.strokes,
            side,
            geometry,
            config.trajectory,
            behind=(BLOCK_STEPS + _MARGIN_STEPS) * self.dt,
        )
        self._block = -1

    def at(self, step: int) -> MotionStep:
        """The reference of control step `step`, whose knots are solved.

        Args:
            step: not below that of the last call.
        """
        block, row = divmod(step, BLOCK_STEPS)
        if block != self._block:
            self._load_block(block)
        angles = self._angles[row]
        return MotionStep(
            qpos=self.ik.index.expand @ angles,
            next_qpos=self._angles[row + 1],
            next_qvel=(self._angles[row + 2] - angles) / (2 * self.dt),
            tips=self._tips[row],
            pressing=self._targets.pressing[row],
            press=self._targets.press[row + 1],
            key_mass=self._targets.key_mass[row + 1],
            key_damping=self._targets.key_damping[row + 1],
            wrist=self._wrist[0][row],
            wrist_velocity=self._wrist[1][row],
            wrist_acceleration=self._wrist[2][row],
        )

    def needs(self, step: int) -> float:
        """Time until which the trajectory has to be solved for a control step [s]."""
        return ((step // BLOCK_STEPS + 1) * BLOCK_STEPS + _MARGIN_STEPS) * self.dt

    def _load_block(self, block: int) -> None:
        """Evaluates a block of steps."""
        self._block = block
        steps = block * BLOCK_STEPS + np.arange(BLOCK_STEPS + 2)
        self._targets: TipTargets = self.strokes.at(steps * self.dt)
        self._angles = self.trajectory.angles(steps * self.dt)
        self._tips = self._targets.tips * [self.side.mirror, 1.0, 1.0]
        self._tips += self.path.at(steps * self.dt)[0][:, None]
        fine = (
            steps[:BLOCK_STEPS, None] * self.dt + self.sim_dt * np.arange(1, self.sim_steps + 1)
        ).ravel()
        self._wrist = [
            values.reshape(BLOCK_STEPS, self.sim_steps, 4)
            for values in self.trajectory.forearm(fine)
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
