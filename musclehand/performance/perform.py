"""One performance: a score and a controller in, everything that happened out.

    result = perform(load_piece("ode_to_joy"))
    result.metrics.onset_f1_50ms, result.body.joint_rmse_deg

The performance is recorded as it goes where a path for it is given, and judged against what one
keyboard can be asked to play (`keyboard_score`). Same score, same seed, same machine: the same
result, whatever the thread count.
"""

from __future__ import annotations

import hashlib
import platform
import time as clock
from dataclasses import dataclass, replace
from importlib.metadata import version
from os import PathLike
from pathlib import Path

import mujoco
import numpy as np
from threadpoolctl import threadpool_limits

import musclehand
from musclehand.body.anatomy import HAND_JOINTS
from musclehand.body.build.hand import HandDesign
from musclehand.body.conditions.fatigue import FatigueParameters
from musclehand.controllers.controller import Controller
from musclehand.controllers.keyboard import KeyboardController
from musclehand.controllers.muscle import MuscleConfig, MuscleController
from musclehand.controllers.run import BodyMetrics, Progress, Run
from musclehand.controllers.run import SimulationError as SimulationError
from musclehand.core.errors import InvalidValue, UnknownName
from musclehand.core.helper_process import processors
from musclehand.core.recording import Channel, RecordingWriter
from musclehand.music.metrics import PerformanceMetrics, score_performance
from musclehand.music.score import Score, keyboard_score
from musclehand.planning.fingering.pedalling import auto_pedal
from musclehand.planning.strokes.rehearsal import rehearse
from musclehand.sim.scene import build_scene

CONTROLLERS = ("muscle", "policy", "planner", "keyboard")

PEDALS = ("written", "auto")

LEAD_IN = 1.0
"""Time before the first note [s]: hands settle over the keys."""

TAIL = 0.5
"""Time simulated after the last note [s]."""

TWO_PROCESSES_FROM = 5.0
"""Length of a score from which the second process is worth its start [s]."""

NOTE_COLUMNS = {
    "onset": "s",
    "offset": "s",
    "pitch": "MIDI",
    "velocity": "MIDI",
    "hand": "0/1",
    "finger": "1-5",
}


@dataclass(frozen=True)
class Performance:
    """What came of it. `score` is what was asked of the keyboard (with hands and fingers),
    `played` what sounded, `rehearsals` how the runs before it went."""

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
    config: MuscleConfig | None = None,
    record: str | PathLike[str] | None = None,
    pedal: str = "written",
    rehearsals: int = 0,
    processes: int | None = None,
    policy: str | PathLike[str] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Performance:
    """Plays a score.

    Args:
        score: any score; hands and fingers are assigned where it has none.
        controller: "muscle", "policy", "planner" (see `musclehand play --help`), "keyboard", or
            your own.
        design: the hands that the built-in controllers play with, by default ours.
        fatigue: how their muscles tire, if they do (see `body.conditions.condition`).
        config: how the hands plan and are controlled, such as the criterion of muscle sharing.
        record: file to write the recording to as the performance goes on.
        pedal: "written" as the score has it, or "auto": as a pianist frees a hand
            (`planning.fingering.pedalling`).
        rehearsals: runs before the one that counts, to learn timing and loudness
            (`planning.strokes.rehearsal`).
        processes: 2 to plan ahead in a second one, with the same result; None: where it pays.
        policy: file of the policy or planner, by default the one that comes along.
        seed: written to the recording; the built-in controllers do not draw random numbers.
        progress: called with simulated and total time [s].

    Raises:
        UnknownName, InvalidValue: an argument is none of those above.
        SimulationError: the simulation became unstable.
        OutputError, FileError, ModelError: no recording, a policy for other hands, hands for no
            keyboard.
    """
    if pedal not in PEDALS:
        raise UnknownName("pedal", pedal, PEDALS)
    begin = clock.perf_counter()
    with threadpool_limits(limits=1):
        target = keyboard_score(score)
        player = controller
        if isinstance(player, str):
            player = make_controller(
                player, target, design, fatigue, config, _processes(processes, target), policy
            )
        player, rehearsed = _rehearse(player, target, rehearsals, progress)
        if pedal == "auto" and isinstance(controller, str):
            _pedal(player, target)
        run = _run(player, target, _part(progress, rehearsals, rehearsals + 1))
        played = run.play() if record is None else _play_into(record, run, target, seed)
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


def _processes(wanted: int | None, score: Score) -> int:
    """As wanted, or by default two where there is another processor and the score is worth the
    second one's start."""
    if wanted not in (None, 1, 2):
        raise InvalidValue("processes", wanted, "1 or 2")
    return wanted or (2 if score.duration >= TWO_PROCESSES_FROM and processors() > 1 else 1)


def _rehearse(
    player: Controller, target: Score, count: int, progress: Progress | None
) -> tuple[Controller, tuple[PerformanceMetrics, ...]]:
    """The player after `count` runs, each learning from the one before, and how these went."""
    metrics = []
    for number in range(count):
        if not isinstance(player, MuscleController):
            raise InvalidValue("rehearsals", count, "0 for a controller that does not learn")
        played = _run(player, target, _part(progress, number, count + 1)).play()
        metrics.append(score_performance(target, played))
        player = player.again(rehearse(player.planned(), played, player.corrections))
    return player, tuple(metrics)


def _run(player: Controller, target: Score, progress: Progress | None) -> Run:
    """A run through the whole piece, a little longer than its last note."""
    end = player.lead_in + max(target.duration, player.score.duration) + TAIL
    return Run(player, end=end, progress=progress)


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
    """Notes as rows of `NOTE_COLUMNS`; -1 and 0 where hand and finger are not known. Shape
    (num_notes, 6)."""
    rows = [
        (
            n.onset,
            n.offset,
            n.pitch,
            n.velocity,
            -1 if n.hand is None else int(n.hand),
            int(n.finger or 0),
        )
        for n in score.notes
    ]
    return np.array(rows, dtype=float).reshape(-1, len(NOTE_COLUMNS))


def provenance(model: mujoco.MjModel, seed: int) -> dict[str, object]:
    """Versions, a hash of the compiled model, and the seed: what is needed to get the same
    result again."""
    content = np.empty(mujoco.mj_sizeModel(model), dtype=np.uint8)
    mujoco.mj_saveModel(model, None, content)
    packages = ("mujoco", "myo-sim", "numpy", "scipy", "daqp", "numba")
    return {
        "musclehand": musclehand.__version__,
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
        "model_sha256": hashlib.sha256(content.tobytes()).hexdigest(),
        "seed": seed,
    }


def make_controller(
    name: str,
    score: Score,
    design: HandDesign | None = None,
    fatigue: FatigueParameters | None = None,
    config: MuscleConfig | None = None,
    processes: int = 1,
    policy: str | PathLike[str] | None = None,
) -> Controller:
    """A built-in controller by its name; arguments and errors as for `perform`."""
    if name not in CONTROLLERS:
        raise UnknownName("controller", name, CONTROLLERS)
    if name == "keyboard":
        return KeyboardController(score)
    scene = None if design is None else build_scene(design=design)
    if name == "muscle":
        return MuscleController(
            score,
            lead_in=LEAD_IN,
            tail=TAIL,
            config=config,
            scene=scene,
            fatigue=fatigue,
            processes=processes,
        )
    # Load torch, which nobody else needs.
    if name == "planner":
        from musclehand.controllers.high_level import HighLevelController

        return HighLevelController(
            score,
            planner=None if policy is None else Path(policy),
            lead_in=LEAD_IN,
            tail=TAIL,
            config=config,
            scene=scene,
            fatigue=fatigue,
        )
    from musclehand.controllers.tracking_policy import TrackingPolicyController

    return TrackingPolicyController(
        score,
        policy=None if policy is None else Path(policy),
        lead_in=LEAD_IN,
        tail=TAIL,
        config=config,
        scene=scene,
        fatigue=fatigue,
        processes=processes,
    )


def _play_into(path: str | PathLike[str], run: Run, target: Score, seed: int) -> Score:
    """Plays with everything recorded; returns the notes that sounded."""
    with _open_recording(path, run.player, target, seed) as writer:
        played = run.play(writer)
        writer.extend_table("played", note_table(played))
    return played


def _open_recording(
    path: str | PathLike[str], player: Controller, target: Score, seed: int
) -> RecordingWriter:
    scene = player.scene
    model = player.scene.model
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
        muscles = tuple(
            side.name_of(name) for side, hand in scene.hands.items() for name in hand.muscle_names
        )
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
    writer = RecordingWriter(
        path, channels, tables={"score": NOTE_COLUMNS, "played": NOTE_COLUMNS}, metadata=metadata
    )
    writer.extend_table("score", note_table(player.score))
    return writer
