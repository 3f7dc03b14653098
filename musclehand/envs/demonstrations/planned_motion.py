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
from musclehand.controllers.muscle import MuscleConfig, plan_hands
from musclehand.core.errors import FileError, InvalidValue
from musclehand.envs.reference import ReferenceSet, join, mirrors
from musclehand.envs.tracking.body import HandKinematics
from musclehand.music.generate.patterns import PatternScore
from musclehand.music.score import Score
from musclehand.planning.fingering.assign import assign_fingering
from musclehand.planning.lookahead import HandsStep, Reference
from musclehand.planning.strokes.motion import HandMotion
from musclehand.sim.scene import Scene, build_scene

OVERTRAVEL = -0.001
"""How far below the key's stop a pressing fingertip is wanted [m]: the pulp takes the last
millimetre."""

SIM_STEPS = 4
"""Simulation steps in a step of a policy."""

LEAD_IN = 1.0
LEAD_KEPT = 0.5
TAIL = 0.5
"""Before the first note, how much of that is kept, and after the last note [s]."""


def policy_config(config: MuscleConfig | None = None) -> MuscleConfig:
    """How to plan for a policy."""
    config = config or MuscleConfig()
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


class Frames:
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
    made: Iterable[PatternScore], *, config: MuscleConfig | None = None, scene: Scene | None = None
) -> ReferenceSet:
    """Plans scores; a clip for each hand that has notes.

    Args:
        made: scores with their kinds.
        config: how to plan, by default for a policy.
        scene: that would be played in.

    Raises:
        InvalidValue: there is no note.
    """
    config = config or policy_config()
    scene = scene or build_scene()
    frames = Frames(scene.hands)
    sets = list[ReferenceSet]()
    dt = config.sim_steps * scene.model.opt.timestep
    muscles = next(iter(scene.hands.values())).muscles
    for number, one in enumerate(made):
        _, motions, rows = plan_frames(one.score, scene, frames, config)
        for row, (side, motion) in enumerate(motions.items()):
            if motion.notes:
                one_hand = [pair[row] for pair in rows]
                sets.append(
                    clip_of(
                        one_hand, f"{number:05d}_{side.value}", one.kind, side, dt, len(muscles)
                    )
                )
    if not sets:
        raise InvalidValue("scores", "no notes", "some to play")
    return join(sets)


def plan_frames(
    score: Score, scene: Scene, frames: Frames, config: MuscleConfig
) -> tuple[Score, dict[Side, HandMotion], list[list[PlannedFrame]]]:
    """Plans a score: the score with fingers, the hands' motions, and frames of all hands, from
    `LEAD_KEPT` before the first note on."""
    dt = config.sim_steps * scene.model.opt.timestep
    score = assign_fingering(score, config=config.fingering)
    motions = plan_hands(score, scene, lead_in=LEAD_IN, tail=TAIL, config=config)
    reference = Reference(motions)
    steps = round((LEAD_IN + score.duration + TAIL) / dt)
    rows = [frames.of(reference.at(step)) for step in range(steps)]
    return score, motions, rows[round((LEAD_IN - LEAD_KEPT) / dt) :]


def clip_of(
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


class RollingWindow:
    """The next frames of some hands. `references`: a `ReferenceSet` of one clip each, from the
    frame of now on, which goes on with every frame that comes."""

    def __init__(self, first: list[PlannedFrame], length: int, dt: float, muscles: int) -> None:
        """Begins with one frame for each hand, all over the window of `length` frames."""
        sets = [
            clip_of([frame] * length, str(hand), "plan", Side.RIGHT, dt, muscles)
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
