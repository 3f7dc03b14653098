"""A learned planner plays: notes with fingers in, intentions for both hands out; no plan of the
motion is ever made.

Only where the hands begin is worked out as the player does it: over their first keys.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import mujoco
import numpy as np

from musclehand.body.anatomy import Side
from musclehand.body.conditions.fatigue import FatigueParameters
from musclehand.controllers.controller import Controller, HandReference
from musclehand.controllers.muscle import MuscleConfig, make_fatigue, plan_hands
from musclehand.envs.demonstrations.planned_motion import policy_config
from musclehand.envs.piano.body import SIDES, ForearmPath, ForearmServos
from musclehand.envs.piano.forearm import ForearmMove, move_of, moved
from musclehand.envs.piano.goals import Goals, GoalsMaker, hand_notes
from musclehand.envs.piano.observation import OwnView, PianoView
from musclehand.envs.reference import mirrors
from musclehand.envs.tracking.body import Proprioception, ProprioceptionReader, read_proprioception
from musclehand.music.score import Hand, Note, Score
from musclehand.piano.geometry import keyboard_geometry
from musclehand.planning.fingering.assign import assign_fingering
from musclehand.planning.lookahead import Reference
from musclehand.planning.strokes.motion import notes_of
from musclehand.policies.high_level import HighLevelPolicy, load_high_level_policy
from musclehand.sim.scene import Scene, build_scene

FIRST = 0.3
"""Notes of a hand that begin so soon after its first one tell where it begins [s]."""


class HighLevelController(Controller):
    """Plays `score` with two hands. Fingers are assigned where the score has none."""

    def __init__(
        self,
        score: Score,
        *,
        planner: HighLevelPolicy | Path | None = None,
        goals: GoalsMaker = Goals,
        lead_in: float = 1.0,
        tail: float = 0.5,
        config: MuscleConfig | None = None,
        scene: Scene | None = None,
        fatigue: FatigueParameters | None = None,
    ) -> None:
        """`planner`: to play with, or its file; by default the one that comes along. `goals`: how
        it is told of notes. The rest as `MuscleController`.

        Raises:
            FileError: the planner cannot be read, or is one for other hands.
        """
        self._planner = (
            planner if isinstance(planner, HighLevelPolicy) else load_high_level_policy(planner)
        )
        config = policy_config(config)
        skill = self._planner.skill
        self.scene = scene or build_scene()
        self.lead_in = lead_in
        self.sim_steps = skill.config.sim_steps
        self.score = assign_fingering(score, config=config.fingering)
        self._first = self._beginning(replace(config, sim_steps=self.sim_steps), tail)
        geometry = keyboard_geometry(self.scene.piano)
        notes = [
            hand_notes(notes_of(self.score.notes, side, lead_in=lead_in), side, geometry)
            for side in SIDES
        ]
        hand = self.scene.hands[Side.RIGHT]
        count = len(SIDES)
        muscles = len(hand.muscles)
        self._own = OwnView(skill, hand, count, muscles)
        self._view = PianoView(self._own.table, goals(notes))
        self._feelings = [
            ProprioceptionReader(
                self.scene.model, self.scene.hands[side], self.scene.carriers[side], side
            )
            for side in SIDES
        ]
        self._servos = [ForearmServos(self.scene, side) for side in SIDES]
        self._dt = self.sim_steps * self.scene.model.opt.timestep
        self._past = np.zeros((max(skill.config.past, 1), count, muscles))
        place = np.array([first[1] for first in self._first])
        self._path = ForearmPath(place, np.zeros_like(place), np.zeros_like(place))
        self._ceiling = np.ones((count, muscles))
        actuators = np.concatenate([self.scene.hands[side].muscles for side in SIDES])
        self.fatigue = (
            None
            if fatigue is None
            else make_fatigue(self.scene.model, actuators, fatigue, sim_steps=self.sim_steps)
        )
        self._z = np.zeros((count, skill.policy.latent))
        self._move: ForearmMove | None = None
        self._points = np.zeros((count, self.sim_steps, 1, 6))

    def reset(self, data: mujoco.MjData) -> None:
        """Both hands over their first keys, muscles at rest."""
        if self.fatigue is not None:
            self.fatigue.reset()
            self._ceiling = self.fatigue.capacity.reshape(self._ceiling.shape)
        for side, (angles, place) in zip(SIDES, self._first, strict=True):
            data.qpos[self.scene.hands[side].qpos] = angles
            data.qpos[self.scene.carriers[side].qpos[:3]] = place * mirrors(side)[0][:3]

    def control(self, data: mujoco.MjData, step: int) -> None:
        """A new intention, if the last one has ended; and what it means for all muscles."""
        senses = read_proprioception(self._feelings, lambda name: getattr(data, name)[None])
        skill = self._planner.skill.policy
        turn = step % skill.hold
        if turn == 0:
            self._intend(senses, step * self._dt)
        assert self._move is not None
        there = moved(self._move, (turn + 1) * self._dt)
        excitation = np.minimum(
            skill.act(self._own.observe(senses, there, self._past), self._z, turn), self._ceiling
        )
        for row, (side, servos) in enumerate(zip(SIDES, self._servos, strict=True)):
            data.ctrl[self.scene.hands[side].muscles] = excitation[row]
            here, goal = (
                ForearmPath(*(part[row : row + 1] for part in path)) for path in (self._path, there)
            )
            self._points[row] = servos.set_points(
                data.qfrc_bias[None, servos.carrier.dofs], here, goal, self.sim_steps
            )
        if self.fatigue is not None:
            self.fatigue.advance(excitation.ravel())
            self._ceiling = self.fatigue.capacity.reshape(excitation.shape)
        self._path = there
        self._past = np.concatenate([excitation[None], self._past[:-1]])

    def drive(self, data: mujoco.MjData, step: int, substep: int) -> None:
        """The set points of the forearm servos."""
        for row, servos in enumerate(self._servos):
            data.ctrl[servos.carrier.actuators] = self._points[row, substep, 0]

    def reference(self) -> dict[Side, HandReference]:
        """Nothing: a planner's hands follow no motion."""
        return {}

    def _intend(self, senses: Proprioception, time: float) -> None:
        skill = self._planner.skill.policy
        hands = np.arange(len(SIDES))
        own = self._own.observe(senses, self._path, self._past)
        seen = self._view.observe(own, senses, self._path, hands, np.full(len(hands), time))
        action = self._act(seen, senses, time)
        self._z = skill.reach * (2.0 * action[:, : skill.latent] - 1.0)
        self._move = move_of(action[:, skill.latent :], self._path, skill.hold * self._dt)

    def _act(self, seen: np.ndarray, senses: Proprioception, time: float) -> np.ndarray:
        """What both hands do: intentions and moves of the forearm, numbers from 0 to 1. Shape
        (2, numbers)."""
        return self._planner.policy.act(seen)

    def _beginning(self, config: MuscleConfig, tail: float) -> list[tuple[np.ndarray, np.ndarray]]:
        """Joint angles and the forearm's place, as a right one's, of each hand at first."""
        some: list[Note] = []
        for hand in Hand:
            notes = [note for note in self.score.notes if note.hand is hand]
            some += [
                note for note in notes if note.onset <= min(one.onset for one in notes) + FIRST
            ]
        motions = plan_hands(
            self.score.with_notes(some), self.scene, lead_in=self.lead_in, tail=tail, config=config
        )
        first = Reference(motions).at(0)
        sides = list(motions)
        places = [first.wrist[sides.index(side), 0] * mirrors(side)[0][:3] for side in SIDES]
        return [
            (first.qpos[sides.index(side)], place)
            for side, place in zip(SIDES, places, strict=True)
        ]
