"""Two muscle-driven hands: planned motion, computed muscle control, carried by servo-driven
forearms."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import mujoco
import numpy as np

from musclehand.body.anatomy import Side
from musclehand.body.conditions.fatigue import Fatigue, FatigueParameters
from musclehand.control.forearm_control import ForearmControl
from musclehand.control.hand_state import HandState
from musclehand.control.muscle_control import ControlConfig, HandTarget, MuscleControl
from musclehand.controllers.controller import Controller, HandReference, selection
from musclehand.core.helper_process import HelperProcess
from musclehand.music.score import Score
from musclehand.piano.geometry import keyboard_geometry
from musclehand.planning.fingering.assign import FingeringConfig, assign_fingering
from musclehand.planning.lookahead import HandsStep, Reference
from musclehand.planning.strokes.motion import HandMotion, MotionConfig, notes_of
from musclehand.planning.strokes.rehearsal import Corrections
from musclehand.sim.scene import Scene, build_scene

LEAST_DRIVE = 1e-3
"""Muscles that get less of the excitation than this share do not tire."""


@dataclass(frozen=True)
class MuscleConfig:
    """How the hands play: simulation steps per control step, and the constants of planner and
    control.

    Muscles are decided on 250 times a second (`experiments/bench_rate.py`); an activation does half
    as much then as in an interval twice as long, and has half the price, chosen on generated
    scores.
    """

    sim_steps: int = 2
    fingering: FingeringConfig = field(default_factory=lambda: FingeringConfig(let_go_early=True))
    motion: MotionConfig = field(default_factory=MotionConfig)
    control: ControlConfig = field(default_factory=lambda: ControlConfig(effort=0.0065))


def plan_hands(
    score: Score,
    scene: Scene,
    *,
    lead_in: float,
    tail: float,
    config: MuscleConfig,
    corrections: Corrections | None = None,
) -> dict[Side, HandMotion]:
    """What the scene's hands should do to play a score.

    Args:
        score: with fingers.
        scene: that is played in.
        lead_in: before the first note [s].
        tail: after the last one [s].
        config: of planner and control.
        corrections: by simulation time, from runs before this one.
    """
    geometry = keyboard_geometry(scene.piano)
    motions = dict[Side, HandMotion]()
    for side in scene.hands:
        motions[side] = HandMotion(
            notes_of(score.notes, side, lead_in=lead_in),
            side,
            end=lead_in + score.duration + tail,
            sim_dt=scene.model.opt.timestep,
            sim_steps=config.sim_steps,
            piano=scene.piano,
            geometry=geometry,
            design=scene.design,
            config=config.motion,
            corrections=corrections,
            other=next(iter(motions.values()), None),
        )
    return motions


def make_fatigue(
    model: mujoco.MjModel, actuators: np.ndarray, parameters: FatigueParameters, *, sim_steps: int
) -> Fatigue:
    """How muscles tire. `actuators`: of the muscles, in order; `sim_steps`: of the simulation in
    a control step."""
    muscles = [model.actuator(int(i)).name.rpartition("_")[0] for i in actuators]
    return Fatigue(muscles, parameters, sim_steps * model.opt.timestep)


class MuscleController(Controller):
    """Plays `score` with two hands. Fingers are assigned where the score has none.

    `fatigue`: of all muscles of both hands, in the order of the hands, or None where muscles do not
    tire.
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
        processes: int = 1,
    ) -> None:
        """`tail` [s] after the last note, for the hands to come up; `fatigue`: how muscles tire,
        if they do; `corrections` by score time, from runs before this one; `processes`: 2 to
        have the reference worked out beside the simulation, which changes nothing but the time
        it takes."""
        helper = HelperProcess("musclehand.planning.lookahead") if processes > 1 else None
        self.corrections = corrections or {}
        self._asked = score, lead_in, tail, config, fatigue, processes
        learnt = {(onset + lead_in, pitch): one for (onset, pitch), one in self.corrections.items()}
        self.config = config = config or MuscleConfig()
        self.scene = scene or build_scene()
        self.sim_steps = config.sim_steps
        self.lead_in = lead_in
        self.score = assign_fingering(score, config=config.fingering)
        model = self.scene.model
        self._motions = plan_hands(
            self.score, self.scene, lead_in=lead_in, tail=tail, config=config, corrections=learnt
        )
        self._control = MuscleControl(
            model,
            list(self.scene.hands.values()),
            [carrier.dofs for carrier in self.scene.carriers.values()],
            sim_steps=config.sim_steps,
            config=config.control,
        )
        self._muscles = selection(self._control.muscles.ravel())
        self._drive = self._control.ceiling.ravel()
        count = len(self.scene.hands)
        self._carrier_acc = np.zeros((count, 6))
        self._forearms = selection(
            np.concatenate([carrier.actuators for carrier in self.scene.carriers.values()])
        )
        kp, kd = (
            np.array([getattr(one, gain) for one in self.scene.carriers.values()])
            for gain in ("kp", "kd")
        )
        self._steering = ForearmControl(kp, kd)
        self._goals = np.zeros((config.sim_steps, count, 6))
        self.fatigue = (
            None
            if fatigue is None
            else make_fatigue(
                model, self._control.muscles.ravel(), fatigue, sim_steps=self.sim_steps
            )
        )
        self._now: HandsStep | None = None
        self._reference = Reference(self._motions, helper)

    def planned(self) -> Score:
        """The score with the ends that its keys have in the plan, let go where the hand has to
        leave them."""
        notes = [
            replace(note, onset=note.onset - self.lead_in, offset=note.offset - self.lead_in)
            for motion in self._motions.values()
            for note in motion.notes
        ]
        return self.score.with_notes(notes)

    def again(self, corrections: Corrections) -> MuscleController:
        """The same hands for another run through the same score, with what was learnt from this
        one."""
        score, lead_in, tail, config, fatigue, processes = self._asked
        return type(self)(
            score,
            lead_in=lead_in,
            tail=tail,
            config=config,
            scene=self.scene,
            fatigue=fatigue,
            corrections=corrections,
            processes=processes,
            **self._more(),
        )

    def _more(self) -> dict[str, Any]:
        """What else the same hands are made with."""
        return {}

    def close(self) -> None:
        """Ends the second process, if there is one."""
        self._reference.close()

    def reset(self, data: mujoco.MjData) -> None:
        """Both hands over their first keys, muscles at rest."""
        if self.fatigue is not None:
            self.fatigue.reset()
            self._set_ceiling(self._drive * self.fatigue.capacity)
        first = self._reference.at(0)
        for row, side in enumerate(self.scene.hands):
            data.qpos[self.scene.hands[side].qpos] = first.qpos[row]
            data.qpos[self.scene.carriers[side].qpos[:3]] = first.wrist[row, 0]

    def control(self, data: mujoco.MjData, step: int) -> None:
        """Excitations that bring both hands to the reference at the end of the step."""
        now = self._now = self._reference_at(step)
        self._carrier_acc[:, :3] = now.wrist_acceleration[:, -1]
        state = self._control.reader.read(data)
        excitation = self._excite(data, state, now).ravel()
        data.ctrl[self._muscles] = excitation
        self._goals = self._steering.set_points(
            state, self._carrier_acc, now.wrist, now.wrist_velocity
        )
        if self.fatigue is not None:
            # The load is told in shares of the motor units that can be driven at all.
            self.fatigue.advance(excitation / np.maximum(self._drive, LEAST_DRIVE))
            self._set_ceiling(self._drive * self.fatigue.capacity)

    def drive(self, data: mujoco.MjData, step: int, substep: int) -> None:
        """The set points of the forearm servos."""
        data.ctrl[self._forearms] = self._goals[substep].ravel()

    def reference(self) -> dict[Side, HandReference]:
        """Joint angles and fingertips the hands should have now."""
        now = self._now
        if now is None:
            return {}
        return {
            side: HandReference(now.qpos[row], now.tips[row], now.pressing[row])
            for row, side in enumerate(self.scene.hands)
        }

    def _reference_at(self, step: int) -> HandsStep:
        """What the hands should do in a step."""
        return self._reference.at(step)

    def _excite(self, data: mujoco.MjData, state: HandState, now: HandsStep) -> np.ndarray:
        """Excitations of all muscles that bring the hands there. Shape (h, 46)."""
        target = HandTarget(
            now.next_qpos,
            now.next_qvel,
            now.press,
            self._carrier_acc,
            now.key_mass,
            now.key_damping,
        )
        return self._control.excitations_at(state, target)

    def _set_ceiling(self, ceiling: np.ndarray) -> None:
        """The highest excitation of every muscle from the next control step on. Shape
        (muscles,)."""
        self._control.ceiling = ceiling.reshape(self._control.ceiling.shape)
