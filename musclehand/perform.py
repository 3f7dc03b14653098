"""One performance: a score and a controller in, everything that happened out.

    result = perform(load_piece("ode_to_joy"))
    result.metrics.onset_f1_50ms, result.body.joint_rmse_deg

The performance is recorded as it goes where a path for it is given, and judged against what one keyboard can be
asked to play (`keyboard_score`). Same score, same seed, same machine: the same result, whatever the thread count.
"""

from __future__ import annotations

import hashlib
import math
import platform
import time as clock
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import version
from os import PathLike

import mujoco
import numpy as np
from threadpoolctl import threadpool_limits

import musclehand
from musclehand.body.anatomy import HAND_JOINTS
from musclehand.body.fatigue import FatigueParameters
from musclehand.body.hand import HandDesign
from musclehand.controllers.controller import Controller
from musclehand.controllers.keyboard import KeyboardController
from musclehand.controllers.muscle import MuscleController
from musclehand.core.errors import InvalidValue, MusclehandError, UnknownName
from musclehand.core.recording import Channel, RecordingWriter
from musclehand.music.metrics import PerformanceMetrics, score_performance
from musclehand.music.score import Score, keyboard_score
from musclehand.piano.keys import KeySensor
from musclehand.planner.pedalling import auto_pedal
from musclehand.planner.rehearsal import rehearse
from musclehand.sim.scene import Scene, build_scene

CONTROLLERS = {"keyboard": KeyboardController, "muscle": MuscleController}

PEDALS = ("written", "auto")

LEAD_IN = 1.0
"""Time before the first note [s]: hands settle over the keys."""

TAIL = 0.5
"""Time simulated after the last note [s]."""

NOTE_COLUMNS = {"onset": "s", "offset": "s", "pitch": "MIDI", "velocity": "MIDI", "hand": "0/1", "finger": "1-5"}

UNSTABLE = (
    mujoco.mjtWarning.mjWARN_BADQPOS,
    mujoco.mjtWarning.mjWARN_BADQVEL,
    mujoco.mjtWarning.mjWARN_BADQACC,
)

Progress = Callable[[float, float], None]


class SimulationError(MusclehandError):
    """The simulation became unstable: names the time and what MuJoCo found."""


@dataclass(frozen=True)
class BodyMetrics:
    """How the hands moved, which the notes alone do not tell; None without hands.

    `joint_rmse_deg` over all independent joints and steps against the reference; `fingertip_error_mm` mean
    distance of pressing fingertips from their targets (these lie 3.5 mm below the key's stop); `mean_activation`
    over all muscles and steps.
    """

    joint_rmse_deg: float | None
    fingertip_error_mm: float | None
    mean_activation: float | None


@dataclass(frozen=True)
class Performance:
    """What came of it. `score` is what was asked of the keyboard (with hands and fingers), `played` what sounded,
    `rehearsals` how the runs before it went."""

    score: Score
    played: Score
    metrics: PerformanceMetrics
    body: BodyMetrics
    controller: str
    wall_s: float
    remarks: tuple[str, ...]
    provenance: dict[str, object]
    rehearsals: tuple[PerformanceMetrics, ...] = ()

    @property
    def duration_s(self) -> float:
        """Length of the music [s]."""
        return self.score.duration

    @property
    def realtime_factor(self) -> float:
        """Seconds of music for each second of planning and simulation."""
        return self.duration_s / self.wall_s


def perform(
    score: Score,
    controller: str | Controller = "muscle",
    *,
    design: HandDesign | None = None,
    fatigue: FatigueParameters | None = None,
    record: str | PathLike[str] | None = None,
    pedal: str = "written",
    rehearsals: int = 0,
    seed: int = 0,
    progress: Progress | None = None,
) -> Performance:
    """Plays a score.

    Args:
        score: any score; hands and fingers are assigned where it has none.
        controller: "muscle" (two muscle-driven hands), "keyboard" (hands-free), or your own, who then decides.
        design: the hands that the built-in "muscle" controller plays with, by default ours.
        fatigue: how their muscles tire, if they do (see `body.conditions`).
        record: file to write the recording to as the performance goes on.
        pedal: "written" as the score has it, or "auto": with what a pianist would add to free a hand
            (`planner.pedalling`); not for your own controller.
        rehearsals: runs before the one that counts, to learn timing and loudness ("muscle" only, `planner.rehearsal`).
        seed: written to the recording; the two built-in controllers do not draw random numbers.
        progress: called with simulated and total time [s].

    Raises:
        UnknownName: no such controller, or way to pedal.
        SimulationError: the simulation became unstable.
        OutputError: the recording cannot be written.
        ModelError: the hands cannot be put to a keyboard.
    """
    if pedal not in PEDALS:
        raise UnknownName("pedal", pedal, PEDALS)
    begin = clock.perf_counter()
    with threadpool_limits(limits=1):
        target = keyboard_score(score)
        player = _make_controller(controller, target, design, fatigue) if isinstance(controller, str) else controller
        player, rehearsed = _rehearse(player, target, rehearsals, progress)
        if pedal == "auto" and isinstance(controller, str):
            _pedal(player, target)
        run = _Run(player, target, _part(progress, rehearsals, rehearsals + 1))
        if record is None:
            played = run.play(None)
        else:
            with _open_recording(record, player, target, seed) as writer:
                played = run.play(writer)
                writer.extend_table("played", note_table(played))
    wall = clock.perf_counter() - begin
    return Performance(
        score=player.score,
        played=played,
        metrics=score_performance(target, played),
        body=run.body_metrics(),
        controller=controller if isinstance(controller, str) else type(controller).__name__,
        wall_s=wall,
        remarks=player.score.remarks,
        provenance=provenance(player.scene.model, seed),
        rehearsals=rehearsed,
    )


def _rehearse(
    player: Controller, target: Score, count: int, progress: Progress | None
) -> tuple[Controller, tuple[PerformanceMetrics, ...]]:
    """The player after `count` runs, each learning from the one before, and how these went."""
    metrics = []
    for number in range(count):
        if not isinstance(player, MuscleController):
            raise InvalidValue("rehearsals", count, "0 for a controller that does not learn")
        played = _Run(player, target, _part(progress, number, count + 1)).play(None)
        metrics.append(score_performance(target, played))
        player = player.again(rehearse(player.planned(), played, player.corrections))
    return player, tuple(metrics)


def _pedal(player: Controller, target: Score) -> None:
    """Has the player hold over with the pedal what its hands let go early."""
    pedalled = auto_pedal(player.planned(), target)
    player.score = replace(player.score, pedals=pedalled.pedals, remarks=pedalled.remarks)


def _part(progress: Progress | None, number: int, count: int) -> Progress | None:
    """The progress of one run of several."""
    if progress is None or count == 1:
        return progress
    return lambda done, end: progress(done + number * end, count * end)


def note_table(score: Score) -> np.ndarray:
    """Notes as rows of `NOTE_COLUMNS`; -1 and 0 where hand and finger are not known. Shape (num_notes, 6)."""
    rows = [
        (n.onset, n.offset, n.pitch, n.velocity, -1 if n.hand is None else int(n.hand), int(n.finger or 0))
        for n in score.notes
    ]
    return np.array(rows, dtype=float).reshape(-1, len(NOTE_COLUMNS))


def provenance(model: mujoco.MjModel, seed: int) -> dict[str, object]:
    """Versions, a hash of the compiled model, and the seed: what is needed to get the same result again."""
    content = np.empty(mujoco.mj_sizeModel(model), dtype=np.uint8)
    mujoco.mj_saveModel(model, None, content)
    packages = ("mujoco", "myo-sim", "numpy", "scipy", "daqp")
    return {
        "musclehand": musclehand.__version__,
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
        "model_sha256": hashlib.sha256(content.tobytes()).hexdigest(),
        "seed": seed,
    }


def _make_controller(
    name: str, score: Score, design: HandDesign | None, fatigue: FatigueParameters | None
) -> Controller:
    if name not in CONTROLLERS:
        raise UnknownName("controller", name, CONTROLLERS)
    if name == "keyboard":
        return KeyboardController(score)
    return MuscleController(score, lead_in=LEAD_IN, tail=TAIL, scene=build_scene(design=design), fatigue=fatigue)


class _Run:
    """The loop, and the sums it keeps for the body metrics."""

    def __init__(self, player: Controller, target: Score, progress: Progress | None) -> None:
        self.player, self.progress = player, progress
        self.scene: Scene = player.scene
        self.data = mujoco.MjData(self.scene.model)
        self.end = player.lead_in + max(target.duration, player.score.duration) + TAIL
        self._joint_sum, self._joint_count = 0.0, 0
        self._tip_sum, self._tip_count = 0.0, 0
        self._act_sum, self._act_count = 0.0, 0

    def play(self, writer: RecordingWriter | None) -> Score:
        """Simulates the whole piece and returns the notes that sounded."""
        model, data, player = self.scene.model, self.data, self.player
        sensor = KeySensor(self.scene.piano, start=player.lead_in)
        player.reset(data)
        steps = math.ceil(self.end / (player.sim_steps * model.opt.timestep))
        for step in range(steps):
            mujoco.mj_step1(model, data)
            player.control(data, step)
            self._observe()
            if writer is not None:
                writer.append(**self._row())
            for substep in range(player.sim_steps):
                player.drive(data, step, substep)
                if substep == 0:
                    mujoco.mj_step2(model, data)
                else:
                    mujoco.mj_step(model, data)
                self._check((step * player.sim_steps + substep + 1) * model.opt.timestep)
                keys = self.scene.keys
                sensor.update(data.time, data.qpos[keys.qpos], data.qvel[keys.dof], player.pedal(data.time))
            if self.progress is not None and step % 50 == 0:
                self.progress(data.time, self.end)
        if self.progress is not None:
            self.progress(self.end, self.end)
        return sensor.finish(data.time)

    def body_metrics(self) -> BodyMetrics:
        """Means over the performance so far."""

        def mean(total: float, count: int) -> float | None:
            return total / count if count else None

        square, tip = mean(self._joint_sum, self._joint_count), mean(self._tip_sum, self._tip_count)
        return BodyMetrics(
            joint_rmse_deg=None if square is None else math.degrees(math.sqrt(square)),
            fingertip_error_mm=None if tip is None else 1e3 * tip,
            mean_activation=mean(self._act_sum, self._act_count),
        )

    def _observe(self) -> None:
        for side, wanted in self.player.reference().items():
            hand = self.scene.hands[side]
            error = (self.data.qpos[hand.qpos] - wanted.qpos)[hand.independent]
            self._joint_sum += float(error @ error)
            self._joint_count += error.size
            distance = np.linalg.norm(self.data.site_xpos[hand.tips] - wanted.tips, axis=1)[wanted.pressing]
            self._tip_sum += float(distance.sum())
            self._tip_count += distance.size
            self._act_sum += float(self.data.act[hand.act].sum())
            self._act_count += hand.act.size

    def _row(self) -> dict[str, np.ndarray | float]:
        data = self.data
        row: dict[str, np.ndarray | float] = {
            "time": data.time - self.player.lead_in,
            "qpos": data.qpos,
            "qvel": data.qvel,
            "key_angle": data.qpos[self.scene.keys.qpos],
        }
        if self.scene.hands:
            muscles = np.concatenate([hand.muscles for hand in self.scene.hands.values()])
            reference = self.player.reference()
            row |= {
                "act": data.act,
                "ctrl": data.ctrl,
                "muscle_force": data.actuator_force[muscles],
                "reference": np.concatenate([wanted.qpos for wanted in reference.values()]),
            }
        return row

    def _check(self, moment: float) -> None:
        """MuJoCo resets an unstable simulation, its clock included, silently; its warning counters tell.

        `moment`: the simulation time that should have been reached [s].
        """
        for kind in UNSTABLE:
            if self.data.warning[kind].number:
                raise SimulationError(f"the simulation became unstable before {moment:.3f} s ({kind.name})")


def _open_recording(path: str | PathLike[str], player: Controller, target: Score, seed: int) -> RecordingWriter:
    scene, model = player.scene, player.scene.model
    joints = tuple(model.joint(i).name for i in range(model.njnt))
    keys = tuple(model.joint(int(i)).name for i in scene.keys.joint)
    channels = {
        "time": Channel("s"),
        "qpos": Channel("rad or m", (model.nq,), joints, "f4"),
        "qvel": Channel("rad/s or m/s", (model.nv,), joints, "f4"),
        "key_angle": Channel("rad", (len(keys),), keys, "f4"),
    }
    if scene.hands:
        actuators = tuple(model.actuator(i).name for i in range(model.nu))
        muscles = tuple(side.name_of(name) for side, hand in scene.hands.items() for name in hand.muscle_names)
        joint_names = tuple(side.name_of(joint) for side in scene.hands for joint in HAND_JOINTS)
        channels |= {
            "act": Channel("1", (model.na,), muscles, "f4"),
            "ctrl": Channel("1; m, rad for forearms", (model.nu,), actuators, "f4"),
            "muscle_force": Channel("N, pull negative", (len(muscles),), muscles, "f4"),
            "reference": Channel("rad", (len(joint_names),), joint_names, "f4"),
        }
    metadata = {
        "title": target.title,
        "controller": type(player).__name__,
        "lead_in_s": player.lead_in,
        "control_dt_s": player.sim_steps * model.opt.timestep,
        **provenance(model, seed),
    }
    writer = RecordingWriter(path, channels, tables={"score": NOTE_COLUMNS, "played": NOTE_COLUMNS}, metadata=metadata)
    writer.extend_table("score", note_table(player.score))
    return writer
