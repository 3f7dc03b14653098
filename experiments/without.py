"""Planners that have to do without something: without being told fingers, or without a space of skill.

Fingers: a planner is told of each finger's notes, where its keys are from that fingertip. Here it is told of the same
notes in turn, the first as if it were the thumb's, the next as the index finger's and so on, whoever has to play them.

Space of skill: excitations of all muscles in place of intentions, held for as long, learnt from the excitations
that the plan, understood by the encoder, begins with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np

from musclehand.body.anatomy import DIGITS
from musclehand.envs.goals import Goals, HandNotes
from musclehand.envs.piano import PianoConfig, PianoEnv
from musclehand.envs.pieces import PlannedPieces
from musclehand.envs.tracking import TrackingConfig
from musclehand.latent_skill import LatentSkill
from musclehand.learning.distill import Distillation, DistillConfig
from musclehand.learning.plan_distill import PlanDistillConfig
from musclehand.learning.planner import Planner
from musclehand.learning.vae import LatentPolicy
from musclehand.planner_policy import PlannerPolicy


def in_turn(notes: HandNotes) -> HandNotes:
    """The same notes, told of to one finger after the other."""
    return replace(notes, finger=np.arange(len(notes.finger)) % len(DIGITS))


def without_fingers(hands: Sequence[HandNotes]) -> Goals:
    """The notes of hands, told without saying who plays them."""
    return Goals([in_turn(notes) for notes in hands])


class Muscles:
    """Excitations as intentions: what is intended is done, as long as it is held."""

    reach = 0.5

    def __init__(self, teacher: LatentPolicy) -> None:
        """`teacher`: whose excitations are to be learnt."""
        self._teacher, self.latent, self.hold = teacher, teacher.actions, teacher.hold

    def act(self, observation: np.ndarray, z: np.ndarray, held: np.ndarray | int) -> np.ndarray:
        """As `Intender`."""
        return np.asarray(np.clip(z + self.reach, 0.0, 1.0))

    def intend(self, observation: np.ndarray) -> np.ndarray:
        """As `Intender`."""
        return self._teacher.act(observation, self._teacher.intend(observation), 0) - self.reach


class MuscleSkill(NamedTuple):
    """A `Skill` that is none."""

    policy: Muscles
    config: TrackingConfig


def learn_muscles(
    pieces: PlannedPieces,
    skill: LatentSkill,
    folder: Path,
    config: PlanDistillConfig,
    known: dict[str, Any],
    worlds: PianoConfig,
) -> PlannerPolicy:
    """Who says excitations and moves of the forearm, from nothing, in as many steps and updates as `config` has."""
    direct = MuscleSkill(Muscles(skill.policy), skill.config)
    env = PianoEnv(pieces, direct, worlds, seed=config.seed)
    same = {name: getattr(config, name) for name in ("iterations", "steps", "updates", "decay", "memory", "seed")}
    run = Distillation(env, DistillConfig(**same), folder, known=known)
    run.run()
    # It is played by what it does, which is the same as of a planner in a space.
    return PlannerPolicy(cast(Planner, run.policy), cast(LatentSkill, direct), {})
