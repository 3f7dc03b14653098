"""Planners that have to do without something: without being told fingers, or without a space of
skill.

Fingers: a planner is told of each finger's notes, where its keys are from that fingertip. Here it
is told of the same notes in turn, the first as if it were the thumb's, the next as the index
finger's and so on, whoever has to play them.

Space of skill: excitations of all muscles in place of intentions, held for as long, learnt from the
excitations that the plan, understood by the encoder, begins with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from musclehand.body.anatomy import DIGITS
from musclehand.envs.piano.goals import Goals, HandNotes
from musclehand.envs.tracking.env import TrackingConfig
from musclehand.learning.vae import LatentPolicy
from musclehand.policies.latent import LatentSpace


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
        self._teacher = teacher
        self.latent = teacher.actions
        self.hold = teacher.hold

    def act(self, observation: np.ndarray, z: np.ndarray, held: np.ndarray | int) -> np.ndarray:
        """As `LatentController`."""
        return np.asarray(np.clip(z + self.reach, 0.0, 1.0))

    def encode_mean(self, observation: np.ndarray) -> np.ndarray:
        """As `LatentController`."""
        return (
            self._teacher.act(observation, self._teacher.encode_mean(observation), 0) - self.reach
        )


class MuscleSkill(NamedTuple):
    """A `LatentSpaceLike` that is none."""

    policy: Muscles
    config: TrackingConfig


def muscle_skill(skill: LatentSpace) -> MuscleSkill:
    """Excitations in place of a space's intentions."""
    return MuscleSkill(Muscles(skill.policy), skill.config)
