"""What the player plans for its hands, as references for policies that follow motion: to learn
from, and to play from.

A policy follows what it is shown, so the plan is one that can be followed to the end: fingertips
are asked to go as far as their key lets them and hardly further. (Computed muscle control is asked
to go through the key, and stopped by it.)
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
from musclehand.music.generate.patterns import PatternScore
from musclehand.music.score import Score
from musclehand.planning.lookahead import HandsStep, ReferenceStream
from musclehand.planning.plan import PerformancePlan, PlanConfig, plan_performance
from musclehand.planning.strokes.motion import notes_of
from musclehand.sim.scene import Scene, build_scene

OVERTRAVEL = -0.001
"""How far below the key's stop a pressing fingertip is wanted [m]: the pulp takes the last
millimetre."""

LEAD_IN = 1.0
LEAD_KEPT = 0.5
TAIL = 0.5
"""Before the first note, how much of that is kept, and after the last note [s]."""


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
    """What one hand should have reached at the end of a control step, as a right hand's; fields
    of `ReferenceSet`."""

    angles: np.ndarray
    speeds: np.ndarray
    forearm: np.ndarray
    forearm_speed: np.ndarray
    forearm_acceleration: np.ndarray
    tips: np.ndarray
    press: np.ndarray
    key_mass: np.ndarray
    key_damping: np.ndarray


class FrameBuilder:
    """Makes frames of a plan's steps."""

    def __init__(self, hands: Mapping[Side, HandIndex]) -> None:
        """`hands` of the scene, in the order of the plan."""
        self._hands = [(hand, HandKinematics(side), *mirrors(side)) for side, hand in hands.items()]

    def of(self, step: HandsStep) -> list[PlannedFrame]:
        """A frame for each hand."""
        frames = []
        for row, (hand, kinematics, turn, point) in enumerate(self._hands):
            angles = hand.expand @ step.next_qpos[row]
            arm, speed, acceleration = np.zeros((3, len(FOREARM_AXES)))
            arm[:3], speed[:3] = step.wrist[row, -1], step.wrist_velocity[row, -1]
            acceleration[:3] = step.wrist_acceleration[row, -1]
            frames.append(
                PlannedFrame(
                    angles=angles,
                    speeds=hand.expand @ step.next_qvel[row],
                    forearm=arm * turn,
                    forearm_speed=speed * turn,
                    forearm_acceleration=acceleration * turn,
                    tips=kinematics.tips(angles, arm) * point,
                    press=np.array(step.press[row]),
                    key_mass=np.array(step.key_mass[row]),
                    key_damping=np.array(step.key_damping[row]),
                )
            )
        return frames


def plan_references(
    made: Iterable[PatternScore], *, config: PlanConfig | None = None, scene: Scene | None = None
) -> ReferenceSet:
    """Plans scores; a clip for each hand that has notes.

    Args:
        made: scores with their kinds.
        config: how to plan, by default for a policy.
        scene: that would be played in.

    Raises:
        InvalidValue: there is no note.
    """
    config = config or policy_plan_config()
    scene = scene or build_scene()
    frames = FrameBuilder(scene.hands)
    sets = list[ReferenceSet]()
    dt = config.sim_steps * scene.model.opt.timestep
    muscles = next(iter(scene.hands.values())).muscles
    for number, pattern in enumerate(made):
        plan, rows = plan_frames(pattern.score, scene, frames, config)
        for column, side in enumerate(plan.sides):
            if notes_of(plan.score.notes, side, lead_in=LEAD_IN):
                name = f"{number:05d}_{side.value}"
                hand_frames = [row[column] for row in rows]
                sets.append(clip_from_frames(hand_frames, name, pattern.kind, side, dt, len(muscles)))
    if not sets:
        raise InvalidValue("scores", "no notes", "some to play")
    return join(sets)


def plan_frames(
    score: Score, scene: Scene, frames: FrameBuilder, config: PlanConfig
) -> tuple[PerformancePlan, list[list[PlannedFrame]]]:
    """Plans a score, and makes frames of all hands from `LEAD_KEPT` before the first note on.

    Args:
        score: to plan; hands and fingers are assigned where it has none.
        scene: that would be played in.
        frames: maker of frames for the scene's hands.
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
    rows = [frames.of(stream.at(step)) for step in range(round(plan.end / plan.control_dt))]
    return plan, rows[round((LEAD_IN - LEAD_KEPT) / plan.control_dt) :]


def clip_from_frames(
    frames: list[PlannedFrame], name: str, kind: str, side: Side, dt: float, muscles: int
) -> ReferenceSet:
    """Frames, every `dt` [s], as a clip of a name and kind for a hand of so many muscles."""
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
    """The next frames of some hands. `references`: a `ReferenceSet` of one clip each, from the
    frame of now on, which goes on with every frame that comes."""

    def __init__(self, first: list[PlannedFrame], length: int, dt: float, muscles: int) -> None:
        """Begins with one frame for each hand, all over the window of `length` frames."""
        sets = [
            clip_from_frames([frame] * length, str(hand), "plan", Side.RIGHT, dt, muscles)
            for hand, frame in enumerate(first)
        ]
        self.references = join(sets)
        shape = len(first), length
        rows = (getattr(self.references, field) for field in PlannedFrame._fields)
        self._rows = [values.reshape(*shape, *values.shape[1:]) for values in rows]

    def push(self, frames: list[PlannedFrame]) -> None:
        """One frame more for each hand; the oldest ones go."""
        for rows, values in zip(self._rows, zip(*frames, strict=True), strict=True):
            rows[:, :-1] = rows[:, 1:]
            rows[:, -1] = values


def save_references(folder: Path, references: ReferenceSet, known: Mapping[str, Any]) -> None:
    """Keeps references on file; `known`: what they came of.

    Raises:
        OutputError: they cannot be written.
    """
    from musclehand.core.checkpoint import save_checkpoint

    told = {"dt": references.dt, "kinds": references.kinds, "names": references.names}
    told["sides"] = [side.value for side in references.sides]
    arrays = {
        field.name: getattr(references, field.name)
        for field in fields(references)
        if field.name not in told
    }
    save_checkpoint(folder, 1, arrays, {**told, **known})


def load_references(folder: Path, known: Mapping[str, Any]) -> ReferenceSet:
    """References that were kept.

    Raises:
        FileError: there are none, they are damaged, or came of something else than is `known`.
    """
    from musclehand.core.checkpoint import load_latest

    found = load_latest(folder, **known)
    if found is None:
        raise FileError(folder, "holds no references")
    try:
        kinds, names, sides = (
            tuple(map(str, found.info[name])) for name in ("kinds", "names", "sides")
        )
        told: dict[str, Any] = dict(found.arrays)
        return ReferenceSet(
            dt=float(found.info["dt"]),
            kinds=kinds,
            names=names,
            sides=tuple(Side(side) for side in sides),
            **told,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise FileError(folder, f"holds no references ({type(error).__name__}: {error})") from error
