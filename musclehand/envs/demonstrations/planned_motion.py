"""Plans of the model-based player as reference motion for tracking policies.

A tracking policy follows its reference, so the plan has to be one that can be followed to the end:
fingertips go as far as their key lets them, and hardly further. (For computed muscle control, the
plan goes through the key's stop.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from musclehand.body.anatomy import FOREARM_AXES, Side
from musclehand.body.hand_index import HandIndex
from musclehand.core.errors import FileError, InvalidValue
from musclehand.core.time_steps import SIM_STEPS
from musclehand.envs.reference import ReferenceSet, join, mirrors
from musclehand.envs.tracking.body import HandKinematics
from musclehand.motion.clip import LEAD_KEPT
from musclehand.music.generate.patterns import PatternScore
from musclehand.music.score import Score
from musclehand.planning.lookahead import HandsStep, ReferenceStream
from musclehand.planning.plan import (
    LEAD_IN,
    TAIL,
    PerformancePlan,
    PlanConfig,
    plan_performance,
)
from musclehand.planning.strokes.motion import notes_of
from musclehand.sim.scene import Scene, build_scene

OVERTRAVEL = -0.001
"""[m] How far below the key's stop a pressing fingertip goes: the pulp takes the last
millimetre."""


def policy_plan_config(config: PlanConfig | None = None) -> PlanConfig:
    """Constants of planning for a policy: its control rate, and fingertips that hardly go further
    than the key's stop.

    Args:
        config: to start from, by default the constants for muscle control.
    """
    config = config or PlanConfig()
    stroke = replace(config.motion.stroke, overtravel=OVERTRAVEL)
    return replace(config, sim_steps=SIM_STEPS, motion=replace(config.motion, stroke=stroke))


class PlannedFrame(NamedTuple):
    """Plan of one hand at the end of a control step, mirrored to a right hand: one row of a
    `ReferenceSet`."""

    angles: np.ndarray
    """[rad] Joint angles. Shape (25,)."""

    speeds: np.ndarray
    """[rad/s] Joint velocities. Shape (25,)."""

    forearm: np.ndarray
    """[m, rad] Coordinates of the forearm's base. Shape (6,)."""

    forearm_speed: np.ndarray
    """[m/s, rad/s] Their velocities. Shape (6,)."""

    forearm_acceleration: np.ndarray
    """[m/s^2, rad/s^2] Their accelerations. Shape (6,)."""

    tips: np.ndarray
    """[m] Fingertips in the world. Shape (5, 3)."""

    key_force: np.ndarray
    """[N] Force of each finger on the key that it holds. Shape (5,)."""

    key_mass: np.ndarray
    """[kg] Effective mass of the key that each fingertip moves. Shape (5,)."""

    key_damping: np.ndarray
    """[N s/m] Effective damping of that key. Shape (5,)."""


class FrameBuilder:
    """Makes frames of a reference set from the steps of a plan."""

    def __init__(self, hands: Mapping[Side, HandIndex]) -> None:
        """
        Args:
            hands: of the scene, in the order of the plan.
        """
        self._hands = [(hand, HandKinematics(side), *mirrors(side)) for side, hand in hands.items()]

    def of(self, step: HandsStep) -> list[PlannedFrame]:
        """Frames of all hands at the end of a step, in the order of the plan."""
        frames = []
        for row, (hand, kinematics, forearm_mirror, point_mirror) in enumerate(self._hands):
            angles = hand.expand @ step.next_qpos[row]
            forearm, speed, acceleration = np.zeros((3, len(FOREARM_AXES)))
            forearm[:4] = step.wrist[row, -1]
            speed[:4] = step.wrist_velocity[row, -1]
            acceleration[:4] = step.wrist_acceleration[row, -1]
            frames.append(
                PlannedFrame(
                    angles=angles,
                    speeds=hand.expand @ step.next_qvel[row],
                    forearm=forearm * forearm_mirror,
                    forearm_speed=speed * forearm_mirror,
                    forearm_acceleration=acceleration * forearm_mirror,
                    tips=kinematics.tips(angles, forearm) * point_mirror,
                    key_force=np.array(step.press[row]),
                    key_mass=np.array(step.key_mass[row]),
                    key_damping=np.array(step.key_damping[row]),
                )
            )
        return frames


def plan_references(
    scores: Iterable[PatternScore], *, config: PlanConfig | None = None, scene: Scene | None = None
) -> ReferenceSet:
    """Plans scores; the result has a clip for each hand that has notes.

    Args:
        scores: with their kinds.
        config: constants of planning, by default those for a policy.
        scene: hands and piano of the plan, by default the built-in ones.

    Raises:
        InvalidValue: there is no note.
    """
    config = config or policy_plan_config()
    scene = scene or build_scene()
    builder = FrameBuilder(scene.hands)
    sets = list[ReferenceSet]()
    dt = config.sim_steps * scene.model.opt.timestep
    muscles = next(iter(scene.hands.values())).muscles
    for number, pattern in enumerate(scores):
        plan, rows = plan_frames(pattern.score, scene, builder, config)
        for column, side in enumerate(plan.sides):
            if notes_of(plan.score.notes, side, lead_in=LEAD_IN):
                sets.append(
                    clip_from_frames(
                        [row[column] for row in rows],
                        name=f"{number:05d}_{side.value}",
                        kind=pattern.kind,
                        side=side,
                        dt=dt,
                        muscles=len(muscles),
                    )
                )
    if not sets:
        raise InvalidValue("scores", "no notes", "some to play")
    return join(sets)


def plan_frames(
    score: Score, scene: Scene, builder: FrameBuilder, config: PlanConfig
) -> tuple[PerformancePlan, list[list[PlannedFrame]]]:
    """Plans a score, and makes frames of all hands from `LEAD_KEPT` before the first note on.

    Args:
        score: to plan; hands and fingers are assigned where it has none.
        scene: hands and piano of the plan.
        builder: for the scene's hands.
        config: constants of planning.

    Returns:
        The plan, and for each control step a frame of each hand.
    """
    plan = plan_performance(
        score,
        design=scene.design,
        piano=scene.piano,
        config=config,
        sides=tuple(scene.hands),
        lead_in=LEAD_IN,
        tail=TAIL,
        sim_dt=scene.model.opt.timestep,
    )
    stream = ReferenceStream(plan.motion())
    rows = [builder.of(stream.at(step)) for step in range(round(plan.end / plan.control_dt))]
    return plan, rows[round((LEAD_IN - LEAD_KEPT) / plan.control_dt) :]


def clip_from_frames(
    frames: list[PlannedFrame], *, name: str, kind: str, side: Side, dt: float, muscles: int
) -> ReferenceSet:
    """Frames of one hand as a reference set with one clip.

    Args:
        frames: in their order.
        name: of the clip.
        kind: of the clip.
        side: of the hand.
        dt: time between frames [s].
        muscles: number of muscles of the hand; activations are 0.
    """
    columns = zip(PlannedFrame._fields, zip(*frames, strict=True), strict=True)
    return ReferenceSet(
        dt=dt,
        activations=np.zeros((len(frames), muscles)),
        first=np.array([0]),
        last=np.array([len(frames) - 1]),
        clip=np.zeros(len(frames), dtype=int),
        kinds=(kind,),
        names=(name,),
        sides=(side,),
        **{field: np.array(values) for field, values in columns},
    )


class ReferenceWindow:
    """The next frames of several hands: a sliding window over a plan."""

    references: ReferenceSet
    """A clip for each hand, from the current frame on; changed in place by `push`."""

    def __init__(self, first: list[PlannedFrame], length: int, dt: float, muscles: int) -> None:
        """Fills the window with one frame for each hand.

        Args:
            first: frame of each hand.
            length: number of frames in the window.
            dt: time between frames [s].
            muscles: number of muscles of a hand.
        """
        sets = [
            clip_from_frames(
                [frame] * length,
                name=str(hand),
                kind="plan",
                side=Side.RIGHT,
                dt=dt,
                muscles=muscles,
            )
            for hand, frame in enumerate(first)
        ]
        self.references = join(sets)
        shape = len(first), length
        rows = (getattr(self.references, field) for field in PlannedFrame._fields)
        self._rows = [values.reshape(*shape, *values.shape[1:]) for values in rows]

    def push(self, frames: list[PlannedFrame]) -> None:
        """Adds a frame for each hand at the end, and drops the oldest ones."""
        for rows, values in zip(self._rows, zip(*frames, strict=True), strict=True):
            rows[:, :-1] = rows[:, 1:]
            rows[:, -1] = values


_FILE_NAMES = {"key_force": "press"}
"""Names of arrays on file that differ from those of the fields of `ReferenceSet`."""


def save_references(folder: Path, references: ReferenceSet, identity: Mapping[str, Any]) -> None:
    """Writes references to a folder.

    Args:
        folder: made if it is not there.
        references: to write.
        identity: what they were made from, to be checked when they are loaded; values of JSON.

    Raises:
        OutputError: they cannot be written.
    """
    from musclehand.core.checkpoint import save_checkpoint

    info = {"dt": references.dt, "kinds": references.kinds, "names": references.names}
    info["sides"] = [side.value for side in references.sides]
    arrays = {
        _FILE_NAMES.get(field.name, field.name): getattr(references, field.name)
        for field in fields(references)
        if field.name not in info
    }
    save_checkpoint(folder, 1, arrays, {**info, **identity})


def load_references(folder: Path, identity: Mapping[str, Any]) -> ReferenceSet:
    """Reads references that `save_references` wrote.

    Args:
        folder: of the references.
        identity: what they have to be made from.

    Raises:
        FileError: there are none, they are damaged, or were made from something else.
    """
    from musclehand.core.checkpoint import load_latest

    checkpoint = load_latest(folder, **identity)
    if checkpoint is None:
        raise FileError(folder, "holds no references")
    info = checkpoint.info
    try:
        kinds, names, sides = (tuple(map(str, info[name])) for name in ("kinds", "names", "sides"))
        field_names = {name: field for field, name in _FILE_NAMES.items()}
        arrays: dict[str, Any] = {
            field_names.get(name, name): values for name, values in checkpoint.arrays.items()
        }
        return ReferenceSet(
            dt=float(info["dt"]),
            kinds=kinds,
            names=names,
            sides=tuple(Side(side) for side in sides),
            **arrays,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise FileError(folder, f"holds no references ({type(error).__name__}: {error})") from error
