"""The plan of a performance as a value: hands, fingers, releases and reference motion for a score.

    plan = plan_performance(load_piece("ode_to_joy"))
    plan.metrics.frame_f1_micro, plan.score.remarks

Planning is model-based and needs no simulation. Fingers come from a search (`fingering.assign`),
wrist path, strokes and releases from `strokes.motion`, joint angles from `trajectory`. A plan
can be scored (`metrics`), drawn (`draw`), saved (`save`, `plan_file.load_plan`) and handed to any
controller, none of which changes it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mujoco
import numpy as np

from musclehand.body.anatomy import Side
from musclehand.body.build.hand import HandDesign
from musclehand.body.build.tables import load_tables
from musclehand.core import interrupts
from musclehand.core.atomic import write_file
from musclehand.core.dataclass_json import to_plain
from musclehand.core.errors import InvalidValue
from musclehand.core.time_steps import SIM_DT
from musclehand.motion.clip import MotionClip
from musclehand.motion.inverse_kinematics import HandIk
from musclehand.music.formats.score_json import score_to_dict
from musclehand.music.metrics import PerformanceMetrics, score_performance
from musclehand.music.score import Score, keyboard_score
from musclehand.piano.geometry import PianoParameters, keyboard_geometry, load_piano_parameters
from musclehand.planning.fingering.assign import assign_fingering
from musclehand.planning.fingering.cost import FingeringConfig
from musclehand.planning.fingering.pedalling import auto_pedal
from musclehand.planning.key_time import key_time_kept, plan_remarks
from musclehand.planning.strokes.bimanual import BimanualMotion
from musclehand.planning.strokes.corrections import Corrections
from musclehand.planning.strokes.motion import HandMotion, MotionConfig, notes_of
from musclehand.planning.strokes.person import PersonMotion, person_motions

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMAT, VERSION = "musclehand plan", 2
"""Of plans on disk."""

LEAD_IN = 1.0
"""[s] before the first note: hands settle over the keys."""

TAIL = 0.5
"""[s] after the last note: hands come up."""


@dataclass(frozen=True)
class PlanConfig:
    """Constants of planning.

    Raises:
        InvalidValue: `sim_steps` is out of range.
    """

    sim_steps: int = 2
    """Simulation steps in a control step: 250 decisions a second, chosen by
    `experiments/bench_rate.py`."""

    fingering: FingeringConfig = field(default_factory=lambda: FingeringConfig(release_early=True))
    """Search for fingers; its `hand_size` is multiplied by the span of the hand that plays."""

    motion: MotionConfig = field(default_factory=MotionConfig)
    """Wrist path, strokes, releases and trajectory."""

    def __post_init__(self) -> None:
        if not 1 <= self.sim_steps <= 100:
            raise InvalidValue("sim_steps", self.sim_steps, "1 to 100")


@dataclass(frozen=True)
class PerformancePlan:
    """What both hands should do to play a score. Made by `plan_performance`.

    Note times are on the score's clock; the simulation's is `lead_in` later.
    """

    target: Score
    """What one keyboard can be asked to play (`music.score.keyboard_score`): what is judged by."""

    score: Score
    """The target with hands, fingers, pedal and remarks; what no hand can play is left out."""

    planned: Score
    """The score with the ends that its keys have in the plan: a key is released where its hand has
    to leave."""

    piano: PianoParameters
    """Of the keyboard."""

    config: PlanConfig
    """Constants of planning."""

    sides: tuple[Side, ...]
    """Hands that play, in the order of the scene."""

    lead_in: float
    """[s] before the first note."""

    tail: float
    """[s] after the last note."""

    sim_dt: float
    """[s] simulation step."""

    corrections: Corrections
    """What was learnt in earlier runs."""

    hand_sha256: str
    """Hash of the compiled right hand that the plan was made for."""

    design: HandDesign = field(compare=False, repr=False)
    """The hands."""

    person: Mapping[Side, PersonMotion] = field(default_factory=dict, compare=False, repr=False)
    """A person's hands on the score's clock, which the motion follows; empty: nobody's."""

    _prepared: list[BimanualMotion] = field(
        default_factory=list, init=False, compare=False, repr=False
    )
    """The motion that planning has built, until the first call of `motion` takes it."""

    def __repr__(self) -> str:
        notes = f"{len(self.planned)} of {len(self.target)} notes"
        hands = " and ".join(side.name.lower() for side in self.sides)
        return f"<PerformancePlan of {self.target.title!r}: {notes}, {self.end:.1f} s, {hands}>"

    @property
    def control_dt(self) -> float:
        """Control step [s]."""
        return self.config.sim_steps * self.sim_dt

    @property
    def end(self) -> float:
        """Simulation time at which the plan ends [s]."""
        return self.lead_in + self.score.duration + self.tail

    @cached_property
    def metrics(self) -> PerformanceMetrics:
        """How well the plan itself matches the target: the ceiling of a performance that follows
        it."""
        return score_performance(self.target, self.planned)

    @property
    def key_time_kept(self) -> float | None:
        """Share of the written key time for which the plan holds keys down; None without notes."""
        return key_time_kept(self.target, self.planned)

    def as_dict(self) -> dict[str, Any]:
        """Everything that the plan follows from, and what came out, as plain data for JSON."""
        person = {side.value: motion.as_dict() for side, motion in self.person.items()}
        return {
            "format": FORMAT,
            "version": VERSION,
            "hand_sha256": self.hand_sha256,
            "sides": [side.value for side in self.sides],
            "lead_in_s": self.lead_in,
            "tail_s": self.tail,
            "sim_dt_s": self.sim_dt,
            "config": to_plain(self.config),
            "piano": to_plain(self.piano),
            "corrections": _plain(self.corrections),
            "target": score_to_dict(self.target),
            "score": score_to_dict(self.score),
            "planned": score_to_dict(self.planned),
            **({"person": person} if person else {}),
        }

    def save(self, path: str | PathLike[str]) -> Path:
        """Writes the plan as JSON, whole or not at all; `plan_file.load_plan` reads it.

        Raises:
            OutputError: it cannot be written.
        """
        write_file(path, json.dumps(self.as_dict(), indent=1))
        return Path(path)

    def draw(self, path: str | PathLike[str] | None = None) -> Figure:
        """Keys, fingers and wrists over time, as a matplotlib figure.

        Args:
            path: file to save the figure to, by its ending; None: it is only returned.

        Raises:
            OutputError: it cannot be written.
        """
        from musclehand.core.figure_file import save_figure
        from musclehand.planning.figure import draw_plan

        motion = self._prepared[0] if self._prepared else self.motion()
        wrists = {}
        for side, hand in motion.hands.items():
            times = hand.path.step * np.arange(len(hand.path.position))
            wrists[side] = (times - self.lead_in, hand.path.position)
        figure = draw_plan(self.target, self.planned, wrists, keyboard_geometry(self.piano))
        if path is not None:
            save_figure(figure, path)
        return figure

    def motion(self) -> BimanualMotion:
        """The reference motion from its beginning, for one performance; the same bits each time."""
        if self._prepared:
            return self._prepared.pop()
        return _plan_motion(self)

    def with_corrections(self, corrections: Corrections) -> PerformancePlan:
        """The same fingers, with strokes and releases moved by what earlier runs have shown."""
        return _with_motion(replace(self, corrections=corrections))

    def with_auto_pedal(self) -> PerformancePlan:
        """The sustain pedal added where keys are released early (`fingering.pedalling`)."""
        pedalled = auto_pedal(self.planned, self.target, leaps=False)
        plan = replace(
            self,
            score=replace(self.score, pedals=pedalled.pedals, remarks=pedalled.remarks),
            planned=replace(self.planned, pedals=pedalled.pedals, remarks=pedalled.remarks),
        )
        plan._prepared.extend(self._prepared)
        self._prepared.clear()
        return plan


def plan_performance(
    score: Score,
    *,
    design: HandDesign | None = None,
    piano: PianoParameters | None = None,
    config: PlanConfig | None = None,
    sides: Sequence[Side] = tuple(Side),
    lead_in: float = LEAD_IN,
    tail: float = TAIL,
    sim_dt: float = SIM_DT,
    corrections: Corrections | None = None,
    like: Mapping[Side, MotionClip] | None = None,
) -> PerformancePlan:
    """Plans a performance.

    Args:
        score: to play; hands and fingers are assigned where it has none.
        design: of the hands, by default the bundled one.
        piano: keyboard to play on, by default the bundled one.
        config: constants of planning.
        sides: hands that play.
        lead_in: time before the first note [s].
        tail: time after the last note [s].
        sim_dt: simulation step [s].
        corrections: from earlier runs, on the score's clock.
        like: a person's hands on the score's clock (`motion.person`), which the motion follows
            where the notes leave it free (`strokes.person`).

    Returns:
        The plan, which depends on nothing but the arguments.

    Raises:
        InvalidValue: there is no side, or a time is out of range.
        ModelError: the design is not one that can play.
    """
    target = keyboard_score(score)
    config = config or PlanConfig()
    ik = HandIk(design=design)
    size = config.fingering.hand_size * ik.playing.size.span
    return _plan(
        target,
        assign_fingering(target, config=replace(config.fingering, hand_size=size)),
        model=ik.model,
        design=design,
        piano=piano,
        config=config,
        sides=sides,
        lead_in=lead_in,
        tail=tail,
        sim_dt=sim_dt,
        corrections=corrections,
        person=person_motions(like or {}, ik),
    )


def plan_fingered(
    target: Score,
    score: Score,
    *,
    design: HandDesign | None = None,
    piano: PianoParameters | None = None,
    config: PlanConfig | None = None,
    sides: Sequence[Side] = tuple(Side),
    lead_in: float = LEAD_IN,
    tail: float = TAIL,
    sim_dt: float = SIM_DT,
    corrections: Corrections | None = None,
    person: Mapping[Side, PersonMotion] | None = None,
) -> PerformancePlan:
    """Plans the motion for hands and fingers that are decided already.

    Args:
        target: what the performance is judged by (`music.score.keyboard_score`).
        score: the same notes with hands and fingers; notes without a finger are not played.
        design: as for `plan_performance`, like all further arguments.
        piano: keyboard to play on.
        config: constants of planning; its fingering is not used.
        sides: hands that play.
        lead_in: time before the first note [s].
        tail: time after the last note [s].
        sim_dt: simulation step [s].
        corrections: from earlier runs.
        person: hands of a person on the score's clock, which the motion follows.

    Raises:
        InvalidValue: there is no side, or a time is out of range.
        ModelError: the design is not one that can play.
    """
    return _plan(
        target,
        score,
        model=None,
        design=design,
        piano=piano,
        config=config,
        sides=sides,
        lead_in=lead_in,
        tail=tail,
        sim_dt=sim_dt,
        corrections=corrections,
        person=person or {},
    )


def _plan(
    target: Score,
    score: Score,
    *,
    model: mujoco.MjModel | None,
    design: HandDesign | None,
    piano: PianoParameters | None,
    config: PlanConfig | None,
    sides: Sequence[Side],
    lead_in: float,
    tail: float,
    sim_dt: float,
    corrections: Corrections | None,
    person: Mapping[Side, PersonMotion],
) -> PerformancePlan:
    """Plans the motion; arguments as for `plan_fingered`.

    Args:
        target: what the performance is judged by.
        score: the same notes with hands and fingers.
        model: of a right hand of the design, if one is compiled already.
        design: of the hands.
        piano: keyboard to play on.
        config: constants of planning.
        sides: hands that play.
        lead_in: time before the first note [s].
        tail: time after the last note [s].
        sim_dt: simulation step [s].
        corrections: from earlier runs.
        person: hands of a person.
    """
    if not sides:
        raise InvalidValue("sides", tuple(sides), "one hand or two")
    for name, value in (("lead_in", lead_in), ("tail", tail)):
        if not 0.0 <= value <= 60.0:
            raise InvalidValue(name, value, "0 to 60 s")
    if not 1e-4 <= sim_dt <= 0.01:
        raise InvalidValue("sim_dt", sim_dt, "0.0001 to 0.01 s")
    return _with_motion(
        PerformancePlan(
            target=target,
            score=score,
            planned=score,
            piano=piano or load_piano_parameters(),
            config=config or PlanConfig(),
            sides=tuple(sides),
            lead_in=lead_in,
            tail=tail,
            sim_dt=sim_dt,
            corrections=corrections or Corrections(),
            hand_sha256="",
            design=design or load_tables(),
            person=person,
        ),
        model,
    )


def _with_motion(plan: PerformancePlan, model: mujoco.MjModel | None = None) -> PerformancePlan:
    """The plan with its motion prepared, and with the releases and the hand that this has.

    Args:
        plan: with everything else.
        model: of a right hand of its design, if one is compiled already.
    """
    motion = _plan_motion(plan, model)
    notes = [
        replace(note, onset=note.onset - plan.lead_in, offset=note.offset - plan.lead_in)
        for hand in motion.hands.values()
        for note in hand.notes
    ]
    model = next(iter(motion.hands.values())).ik.model
    planned = plan.score.with_notes(notes)
    remarks = plan_remarks(plan.score, planned, plan.target)
    plan = replace(
        plan,
        score=replace(plan.score, remarks=remarks),
        planned=replace(planned, remarks=remarks),
        hand_sha256=model_sha256(model),
    )
    plan._prepared.append(motion)
    return plan


def _plan_motion(plan: PerformancePlan, model: mujoco.MjModel | None = None) -> BimanualMotion:
    geometry = keyboard_geometry(plan.piano)
    corrections = plan.corrections.later(plan.lead_in)
    hands = dict[Side, HandMotion]()
    for side in plan.sides:
        interrupts.check()
        person = plan.person.get(side)
        hands[side] = HandMotion(
            notes_of(plan.score.notes, side, lead_in=plan.lead_in),
            side,
            end=plan.end,
            sim_dt=plan.sim_dt,
            sim_steps=plan.config.sim_steps,
            piano=plan.piano,
            geometry=geometry,
            design=plan.design,
            config=plan.config.motion,
            corrections=corrections,
            model=next((hand.ik.model for hand in hands.values()), model),
            person=None if person is None else person.later(plan.lead_in),
        )
    return BimanualMotion(hands)


def _plain(corrections: Corrections) -> dict[str, Any]:
    """Corrections as plain data for JSON."""
    return {
        "notes": [
            [onset, pitch, *correction] for (onset, pitch), correction in corrections.notes.items()
        ],
        "lifts": [
            [lift.side.value, int(lift.finger), lift.start, lift.end, lift.height]
            for lift in corrections.lifts
        ],
    }


def model_sha256(model: mujoco.MjModel) -> str:
    """Hash of a compiled model, as MuJoCo saves it."""
    content = np.empty(mujoco.mj_sizeModel(model), dtype=np.uint8)
    mujoco.mj_saveModel(model, None, content)
    return hashlib.sha256(content.tobytes()).hexdigest()
