"""Two muscle-driven hands: planned motion, computed muscle control, carried by servo-driven forearms."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import mujoco
import numpy as np

from musclehand.body.anatomy import Side
from musclehand.body.fatigue import Fatigue, FatigueParameters
from musclehand.body.muscle import excitation_ceiling, excitation_for, muscle_parameters
from musclehand.control.muscle_control import ControlConfig, HandTarget, MuscleControl, dense_dynamics
from musclehand.controllers.controller import Controller, HandReference
from musclehand.music.score import Score
from musclehand.piano.geometry import keyboard_geometry
from musclehand.planner.fingering import FingeringConfig, assign_fingering
from musclehand.planner.motion import HandMotion, MotionConfig, MotionStep, notes_of
from musclehand.planner.rehearsal import Corrections
from musclehand.sim.scene import Scene, build_scene

LEAST_DRIVE = 1e-3
"""Muscles that get less of the excitation than this share do not tire."""


@dataclass(frozen=True)
class MuscleConfig:
    """How the hands play: simulation steps per control step, and the constants of planner and control."""

    sim_steps: int = 4
    fingering: FingeringConfig = field(default_factory=lambda: FingeringConfig(let_go_early=True))
    motion: MotionConfig = field(default_factory=MotionConfig)
    control: ControlConfig = field(default_factory=ControlConfig)


class MuscleController(Controller):
    """Plays `score` with two hands. Fingers are assigned where the score has none.

    `fatigue`: of all muscles of both hands, in the order of the hands, or None where muscles do not tire.
    """

    def __init__(
        self,
        score: Score,
        *,
        lead_in: float = 1.0,
        tail: float = 0.5,
        config: MuscleConfig | None = None,
        scene: Scene | None = None,
        fatigue: FatigueParameters | None = None,
        corrections: Corrections | None = None,
    ) -> None:
        """`tail` [s] after the last note, for the hands to come up; `fatigue`: how muscles tire, if they do;
        `corrections` by score time, from runs before this one."""
        self.corrections = corrections or {}
        self._asked = score, lead_in, tail, config, fatigue
        learnt = {(onset + lead_in, pitch): one for (onset, pitch), one in self.corrections.items()}
        self.config = config = config or MuscleConfig()
        self.scene = scene or build_scene()
        self.sim_steps, self.lead_in = config.sim_steps, lead_in
        self.score = assign_fingering(score, config=config.fingering)
        model, sim_dt = self.scene.model, self.scene.model.opt.timestep
        geometry = keyboard_geometry(self.scene.piano)
        self._motions = {
            side: HandMotion(
                notes_of(self.score.notes, side, lead_in=lead_in),
                side,
                end=lead_in + self.score.duration + tail,
                sim_dt=sim_dt,
                sim_steps=config.sim_steps,
                piano=self.scene.piano,
                geometry=geometry,
                design=self.scene.design,
                config=config.motion,
                corrections=learnt,
            )
            for side in self.scene.hands
        }
        right, left = self._motions.values()
        right.other, left.other = left, right
        self._controls = {
            side: MuscleControl(
                model, hand, self.scene.carriers[side].dofs, sim_steps=config.sim_steps, config=config.control
            )
            for side, hand in self.scene.hands.items()
        }
        self._muscles = np.concatenate([hand.muscles for hand in self.scene.hands.values()])
        self._act = np.concatenate([hand.act for hand in self.scene.hands.values()])
        self._parameters = muscle_parameters(model, self._muscles)
        self._drive = self._ceiling = excitation_ceiling(model, self._muscles)
        self.fatigue = None if fatigue is None else self._make_fatigue(fatigue)
        self._steps: dict[Side, MotionStep] = {}
        self._carrier_force: dict[Side, np.ndarray] = {}

    def planned(self) -> Score:
        """The score with the ends that its keys have in the plan, let go where the hand has to leave them."""
        notes = [
            replace(note, onset=note.onset - self.lead_in, offset=note.offset - self.lead_in)
            for motion in self._motions.values()
            for note in motion.notes
        ]
        return self.score.with_notes(notes)

    def again(self, corrections: Corrections) -> MuscleController:
        """The same hands for another run through the same score, with what was learnt from this one."""
        score, lead_in, tail, config, fatigue = self._asked
        return MuscleController(
            score,
            lead_in=lead_in,
            tail=tail,
            config=config,
            scene=self.scene,
            fatigue=fatigue,
            corrections=corrections,
        )

    def reset(self, data: mujoco.MjData) -> None:
        """Both hands over their first keys, muscles at rest."""
        if self.fatigue is not None:
            self.fatigue.reset()
            self._set_ceiling(self._drive * self.fatigue.capacity)
        for side, motion in self._motions.items():
            first = motion.at(0)
            data.qpos[self.scene.hands[side].qpos] = first.qpos
            data.qpos[self.scene.carriers[side].qpos[:3]] = first.wrist[0]

    def control(self, data: mujoco.MjData, step: int) -> None:
        """Excitations that bring both hands to the reference at the end of the step."""
        mass, moment = dense_dynamics(self.scene.model, data)
        wanted = []
        for side, motion in self._motions.items():
            now = self._steps[side] = motion.at(step)
            carrier = self.scene.carriers[side]
            carrier_acc = np.zeros(6)
            carrier_acc[:3] = now.wrist_acceleration[-1]
            target = HandTarget(now.next_qpos, now.next_qvel, now.press, carrier_acc)
            wanted.append(self._controls[side].activations(data, mass, moment, target))
            inertia = mass[np.ix_(carrier.dofs, carrier.dofs)]
            self._carrier_force[side] = inertia @ carrier_acc + data.qfrc_bias[carrier.dofs]
        act = data.act[self._act]
        excitation = excitation_for(
            self._parameters, act, np.concatenate(wanted), self.scene.model.opt.timestep, self.sim_steps
        )
        data.ctrl[self._muscles] = excitation = np.minimum(excitation, self._ceiling)
        if self.fatigue is not None:
            # The load is told in shares of the motor units that can be driven at all.
            self.fatigue.advance(excitation / np.maximum(self._drive, LEAST_DRIVE))
            self._set_ceiling(self._drive * self.fatigue.capacity)

    def drive(self, data: mujoco.MjData, step: int, substep: int) -> None:
        """The forearm servos follow the wrist path; weight and inertia are fed forward through their set point."""
        for side, now in self._steps.items():
            carrier = self.scene.carriers[side]
            feed = self._carrier_force[side].copy()
            feed[:3] += carrier.kd[:3] * now.wrist_velocity[substep]
            goal = feed / carrier.kp
            goal[:3] += now.wrist[substep]
            data.ctrl[carrier.actuators] = goal

    def reference(self) -> dict[Side, HandReference]:
        """Joint angles and fingertips the hands should have now."""
        return {side: HandReference(now.qpos, now.tips, now.pressing) for side, now in self._steps.items()}

    def _make_fatigue(self, parameters: FatigueParameters) -> Fatigue:
        model = self.scene.model
        muscles = [model.actuator(int(i)).name.rpartition("_")[0] for i in self._muscles]
        return Fatigue(muscles, parameters, self.sim_steps * model.opt.timestep)

    def _set_ceiling(self, ceiling: np.ndarray) -> None:
        """The highest excitation of every muscle from the next control step on. Shape (muscles,)."""
        self._ceiling = ceiling
        count = 0
        for control in self._controls.values():
            control.ceiling = ceiling[count : count + len(control.ceiling)]
            count += len(control.ceiling)
