"""A trained high-level policy plays: notes with fingers in, latent actions for both hands out.

No motion is planned: the policy acts in the latent space of a tracking policy at a low rate, and
the space's decoder turns its actions into excitations. Only the posture in which the hands begin,
over their first keys, comes from planning.
"""

from __future__ import annotations

from dataclasses import replace
from os import PathLike

import mujoco
import numpy as np
from typing_extensions import override

from musclehand.body.anatomy import Side
from musclehand.body.conditions.fatigue import FatigueParameters
from musclehand.body.conditions.mixing import DriveMixer, mixed_excitations
from musclehand.controllers.controller import Controller, HandReference
from musclehand.controllers.plan_follower import make_fatigue, shared_drives_of
from musclehand.envs.demonstrations.planned_motion import policy_plan_config
from musclehand.envs.piano.body import SIDES, ForearmServos, ForearmState
from musclehand.envs.piano.forearm import ForearmMove, decode_move, state_at
from musclehand.envs.piano.goals import Goals, GoalsMaker, hand_notes
from musclehand.envs.piano.observation import PianoObserver, TrackingObserver
from musclehand.envs.reference import mirrors
from musclehand.envs.tracking.body import Proprioception, ProprioceptionReader, read_proprioception
from musclehand.music.score import Hand, Note, Score
from musclehand.piano.geometry import keyboard_geometry
from musclehand.planning.fingering.assign import assign_fingering
from musclehand.planning.fingering.pedalling import auto_pedal
from musclehand.planning.plan import LEAD_IN, PlanConfig, plan_fingered
from musclehand.planning.strokes.motion import notes_of
from musclehand.policies.high_level import HighLevelPolicy, load_high_level_policy
from musclehand.sim.scene import Scene, build_scene

FIRST = 0.3
"""[s] notes of a hand within this time of its first one decide the posture in which it begins."""


class HighLevelController(Controller):
    """Plays a score at sight with two hands. Fingers are assigned where the score has none."""

    commands_only = True

    def __init__(
        self,
        score: Score,
        policy: HighLevelPolicy | str | PathLike[str] | None = None,
        *,
        goals: GoalsMaker = Goals,
        config: PlanConfig | None = None,
        pedal_auto: bool = False,
        lead_in: float = LEAD_IN,
        scene: Scene | None = None,
        fatigue: FatigueParameters | None = None,
    ) -> None:
        """
        Args:
            score: to play, one note a key at a time (`music.score.keyboard_score`).
            policy: to play with, or its file; by default the bundled one.
            goals: encoding of the notes that the policy was trained with.
            config: constants of planning, for fingers and for the first posture.
            pedal_auto: add the sustain pedal where keys are released early.
            lead_in: time before the first note [s].
            scene: to play in, by default the bundled hands and piano.
            fatigue: parameters of fatigue; None: muscles do not tire.

        Raises:
            FileError: the policy cannot be read, or was made for other hands.
        """
        self._policy = (
            policy if isinstance(policy, HighLevelPolicy) else load_high_level_policy(policy)
        )
        config = policy_plan_config(config)
        latent_space = self._policy.latent_space
        self.scene = scene or build_scene()
        self.lead_in = lead_in
        self.sim_steps = latent_space.config.sim_steps
        self.score = assign_fingering(score, config=config.fingering)
        if pedal_auto:
            self.score = auto_pedal(self.score, score)
        self._first = self._first_postures(replace(config, sim_steps=self.sim_steps))
        geometry = keyboard_geometry(self.scene.piano)
        notes = [
            hand_notes(notes_of(self.score.notes, side, lead_in=lead_in), side, geometry)
            for side in SIDES
        ]
        hand = self.scene.hands[Side.RIGHT]
        count = len(SIDES)
        muscles = len(hand.muscles)
        self._own = TrackingObserver(latent_space, hand, count, muscles)
        self._view = PianoObserver(self._own.table, goals(notes))
        self._readers = [
            ProprioceptionReader(
                self.scene.model, self.scene.hands[side], self.scene.forearms[side], side
            )
            for side in SIDES
        ]
        self._servos = [ForearmServos(self.scene, side) for side in SIDES]
        self._dt = self.sim_steps * self.scene.model.opt.timestep
        self._history = np.zeros((max(latent_space.config.action_history, 1), count, muscles))
        place = np.array([first[1] for first in self._first])
        self._first_forearm_state = ForearmState(place, np.zeros_like(place), np.zeros_like(place))
        self._forearm_state = self._first_forearm_state
        self._ceiling = np.ones((count, muscles))
        drives = shared_drives_of(self.scene.design)
        self._mixers = [
            DriveMixer(self.scene.hands[side].muscle_names, drives) for side in SIDES if drives
        ]
        actuators = np.concatenate([self.scene.hands[side].muscles for side in SIDES])
        self.fatigue = (
            None
            if fatigue is None
            else make_fatigue(self.scene.model, actuators, fatigue, sim_steps=self.sim_steps)
        )
        self._z = np.zeros((count, latent_space.policy.latent_size))
        self._move: ForearmMove | None = None
        self._points = np.zeros((count, self.sim_steps, 1, 6))

    @override
    def reset(self, data: mujoco.MjData) -> None:
        self._history = np.zeros_like(self._history)
        self._forearm_state = self._first_forearm_state
        if self.fatigue is not None:
            self.fatigue.reset()
            self._ceiling = self.fatigue.capacity.reshape(self._ceiling.shape)
        for side, (angles, place) in zip(SIDES, self._first, strict=True):
            data.qpos[self.scene.hands[side].qpos] = angles
            data.qpos[self.scene.forearms[side].qpos[:3]] = place * mirrors(side)[0][:3]

    @override
    def control(self, data: mujoco.MjData, step: int) -> None:
        proprioception = read_proprioception(self._readers, lambda name: getattr(data, name)[None])
        latent_policy = self._policy.latent_space.policy
        held = step % latent_policy.action_repeat
        if held == 0:
            self._choose_action(proprioception, step * self._dt)
        assert self._move is not None
        goal_state = state_at(self._move, (held + 1) * self._dt)
        command = latent_policy.act(
            self._own.observe(proprioception, goal_state, self._history), self._z, held
        )
        own = np.minimum(command, self._ceiling)
        excitation = mixed_excitations(self._mixers, command, self._ceiling)
        for row, (side, servos) in enumerate(zip(SIDES, self._servos, strict=True)):
            data.ctrl[self.scene.hands[side].muscles] = excitation[row]
            start, goal = (
                ForearmState(*(part[row : row + 1] for part in forearm_state))
                for forearm_state in (self._forearm_state, goal_state)
            )
            self._points[row] = servos.set_points(
                data.qfrc_bias[None, servos.forearm.dofs], start, goal, self.sim_steps
            )
        if self.fatigue is not None:
            self.fatigue.advance(excitation.ravel())
            self._ceiling = self.fatigue.capacity.reshape(self._ceiling.shape)
        self._forearm_state = goal_state
        self._history = np.concatenate([own[None], self._history[:-1]])

    @override
    def drive(self, data: mujoco.MjData, step: int, substep: int) -> None:
        for row, servos in enumerate(self._servos):
            data.ctrl[servos.forearm.actuators] = self._points[row, substep, 0]

    @override
    def reference(self) -> dict[Side, HandReference]:
        return {}

    def _choose_action(self, proprioception: Proprioception, time: float) -> None:
        latent_policy = self._policy.latent_space.policy
        hands = np.arange(len(SIDES))
        own = self._own.observe(proprioception, self._forearm_state, self._history)
        observation = self._view.observe(
            own, proprioception, self._forearm_state, hands, np.full(len(hands), time)
        )
        action = self._act(observation, proprioception, time)
        self._z = latent_policy.latent_bound * (2.0 * action[:, : latent_policy.latent_size] - 1.0)
        duration = latent_policy.action_repeat * self._dt
        self._move = decode_move(
            action[:, latent_policy.latent_size :], self._forearm_state, duration
        )

    def _act(
        self, observation: np.ndarray, proprioception: Proprioception, time: float
    ) -> np.ndarray:
        """Latent actions and moves of the forearms of both hands, scaled to 0 to 1. Shape (2,
        n)."""
        return self._policy.policy.act(observation)

    def _first_postures(self, config: PlanConfig) -> list[tuple[np.ndarray, np.ndarray]]:
        """Joint angles of each hand at first, and the place of its forearm base, as a right
        one's."""
        first_notes: list[Note] = []
        for hand in Hand:
            notes = [note for note in self.score.notes if note.hand is hand]
            begin = min((note.onset for note in notes), default=0.0)
            first_notes += [note for note in notes if note.onset <= begin + FIRST]
        plan = plan_fingered(
            self.score,
            self.score.with_notes(first_notes),
            design=self.scene.design,
            piano=self.scene.piano,
            config=config,
            sides=tuple(self.scene.hands),
            lead_in=self.lead_in,
            sim_dt=self.scene.model.opt.timestep,
        )
        first = dict(zip(plan.sides, plan.motion().at(0), strict=True))
        return [
            (first[side].qpos, first[side].wrist[0, :3] * mirrors(side)[0][:3]) for side in SIDES
        ]
