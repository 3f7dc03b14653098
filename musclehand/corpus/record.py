"""What the hands of a corpus do: play scores by pattern, and move without a piano; cut into clips,
one a hand.

The stream of a seed: each item is a score of `music.generate.patterns`, or a chorale where those
are wanted, or a motion of `motion.reference` that one hand follows with its elbow fixed (taps,
wrist, grasps, postures).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import mujoco
import numpy as np
from threadpoolctl import threadpool_limits

import musclehand
from musclehand.body.anatomy import FOREARM_AXES, HAND_JOINTS, Side
from musclehand.body.build.hand import load_hand
from musclehand.body.hand_index import HandIndex
from musclehand.control.tracking import track
from musclehand.core.errors import MusclehandError
from musclehand.core.recording_reader import Recording
from musclehand.core.time_steps import CONTROL_DT
from musclehand.corpus.plan import ITEMS_PER_JOB, CorpusJob, ShardContent
from musclehand.motion.clip import MotionClip
from musclehand.motion.reference import ReferenceMotion, common_limits, reference_motions
from musclehand.music.generate.chorale import draw_chorale
from musclehand.music.generate.patterns import PatternScore, pattern_score
from musclehand.music.score import Hand
from musclehand.performance.perform import SimulationError, perform
from musclehand.performance.players import PlayerSettings
from musclehand.sim.scene import Scene, build_scene, forearm_joint

FREE_SHARE = 0.15
CHORALE_SHARE = 0.1
"""Shares of the items that are motion without a piano, and, where they are wanted, chorales.
Chosen."""

FREE_KINDS = ("taps", "wrist", "grasps", "postures")

LEAD_KEPT = 0.5
"""A clip begins so long before the first note [s]."""

CHORALE_SECONDS = 40.0
"""Of a chorale only so much is played [s]."""

FREE_PLACE = {
    Side.RIGHT: (0.2, -0.12, 0.15, 0.0, 0.0, 0.0),
    Side.LEFT: (-0.2, -0.12, 0.15, 0.0, 0.0, 0.0),
}
"""Where the forearm is held that moves without a piano: over the keys, level [m, rad]."""

_SIDES = {Side.RIGHT: Hand.RIGHT, Side.LEFT: Hand.LEFT}


class FreeMotion(NamedTuple):
    """A motion without a piano, for one hand."""

    motion: ReferenceMotion
    side: Side


def make_shard(job: CorpusJob) -> ShardContent:
    """Does a job: its items one after the other. What cannot be simulated is left out and told."""
    clips: list[MotionClip] = []
    failures: list[str] = []
    first = ITEMS_PER_JOB * job.number
    with threadpool_limits(1):
        for number in range(first, first + ITEMS_PER_JOB):
            item = make_item(job.seed, number, chorales=job.chorales)
            name = f"{number:07d}"
            try:
                clips += (
                    play(item, name)
                    if isinstance(item, PatternScore)
                    else [follow(item, name, job.seed)]
                )
            except MusclehandError as error:
                what = item.pattern if isinstance(item, PatternScore) else item.motion.kind
                failures.append(f"{name} {what}: {error}")
    return ShardContent(tuple(clips), tuple(failures))


def make_item(seed: int, number: int, *, chorales: bool = False) -> PatternScore | FreeMotion:
    """Item `number` of the stream of `seed`; with chorales, some of the scores are others.

    Raises:
        MissingChorales: they are wanted and music21 is not installed.
    """
    rng = np.random.default_rng([seed, number, 1])
    draw = rng.random()
    if draw < FREE_SHARE:
        kind = FREE_KINDS[int(rng.integers(len(FREE_KINDS)))]
        side = (Side.RIGHT, Side.LEFT)[int(rng.integers(2))]
        made = reference_motions(
            free_limits(), seconds=240.0, dt=CONTROL_DT, seed=int(rng.integers(2**31))
        )
        some = [motion for motion in made if motion.kind == kind]
        return FreeMotion(some[int(rng.integers(len(some)))], side)
    if chorales and draw < FREE_SHARE + CHORALE_SHARE:
        name, score = draw_chorale(rng)
        return PatternScore(f"chorale {name}", "chorale", score.clip(0.0, CHORALE_SECONDS))
    return pattern_score(seed, number)


def play(made: PatternScore, name: str) -> list[MotionClip]:
    """Two muscle-driven hands play a score; a clip of each that has notes in it.

    Raises:
        SimulationError: the simulation became unstable.
        MusclehandError: the score cannot be played.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "recording.h5"
        performance = perform(made.score, PlayerSettings(processes=1), record=path)
        source = {
            "made": f"played by musclehand {musclehand.__version__} in simulation",
            "licence": "generated, no recording of a person",
            "music": "J. S. Bach, public domain; encoded in music21"
            if made.kind == "chorale"
            else "generated",
            "title": made.score.title,
            "model_sha256": str(performance.provenance["model_sha256"]),
            "onset_f1_50ms": f"{performance.metrics.onset_f1_50ms:.4f}",
        }
        with Recording.open(path) as recording:
            return cut_clips(recording, name, made.kind, made.pattern, source)


def cut_clips(
    recording: Recording, name: str, kind: str, pattern: str, source: Mapping[str, str]
) -> list[MotionClip]:
    """A clip for each hand of a recording that has notes, from `LEAD_KEPT` before time 0 on, named
    after hand and name.

    Raises:
        RecordingError: the recording is damaged.
        SimulationError: it has nothing after that time.
    """
    control_dt = float(recording.metadata["control_dt_s"])
    stride = max(1, round(CONTROL_DT / control_dt))
    time = np.asarray(recording["time"][:])
    first = int(np.searchsorted(time, -LEAD_KEPT - 1e-9))
    if first >= len(time):
        raise SimulationError("the recording ends before the music begins")
    rows = slice(first, None, stride)
    qpos, qvel, act = (
        np.asarray(recording[channel][:][rows]) for channel in ("qpos", "qvel", "act")
    )
    names = list(recording["qpos"].names)
    muscles = recording["act"].names
    table = recording.table("score")
    notes = table.values[
        :, [table.columns.index(c) for c in ("onset", "offset", "pitch", "velocity", "finger")]
    ]
    notes[:, :2] -= time[first]
    hands = table.values[:, table.columns.index("hand")]
    scene = full_scene()
    tips = fingertips(scene, names, qpos)
    clips = []
    for side, hand in _SIDES.items():
        if not (hands == hand).any():
            continue
        joints = [names.index(side.name_of(joint)) for joint in HAND_JOINTS]
        arm = [names.index(forearm_joint(side, axis)) for axis in FOREARM_AXES]
        own = {
            muscle.rpartition("_")[0]: i
            for i, muscle in enumerate(muscles)
            if muscle.endswith(f"_{side.value}")
        }
        clips.append(
            MotionClip(
                name=f"{name}_{side.value}",
                kind=kind,
                pattern=pattern,
                side=side,
                dt=stride * control_dt,
                qpos=qpos[:, joints],
                qvel=qvel[:, joints],
                forearm=qpos[:, arm],
                fingertips=tips[side],
                notes=notes[hands == hand],
                activations=act[:, list(own.values())],
                muscles=tuple(own),
                source=source,
            )
        )
    return clips


def follow(item: FreeMotion, name: str, seed: int) -> MotionClip:
    """One hand follows a motion with its muscles, its forearm held over the keys.

    Raises:
        SimulationError: the simulation became unstable.
    """
    motion, side = item
    model, hand = lone_hand(side)
    result = track(model, hand, motion.angles, motion.speeds, dt=motion.dt)
    if result.failure is not None or result.activations is None or len(result.angles) < 2:
        raise SimulationError(result.failure or "nothing was followed")
    scene = full_scene()
    joints = [side.name_of(joint) for joint in HAND_JOINTS]
    arm = [forearm_joint(side, axis) for axis in FOREARM_AXES]
    forearm = np.tile(FREE_PLACE[side], (len(result.angles), 1))
    return MotionClip(
        name=f"{name}_{side.value}",
        kind=motion.kind,
        pattern=f"{motion.kind} {seed}-{name}",
        side=side,
        dt=motion.dt,
        qpos=result.angles,
        qvel=np.gradient(result.angles, motion.dt, axis=0),
        forearm=forearm,
        fingertips=fingertips(scene, [*joints, *arm], np.hstack([result.angles, forearm]))[side],
        notes=np.zeros((0, 5)),
        activations=result.activations,
        muscles=tuple(muscle.removesuffix(f"_{side.value}") for muscle in hand.muscle_names),
        source={
            "made": f"followed by musclehand {musclehand.__version__} in simulation, elbow fixed, no gravity",
            "licence": "generated, no recording of a person",
        },
    )


def fingertips(scene: Scene, joints: list[str], qpos: np.ndarray) -> dict[Side, np.ndarray]:
    """Where the fingertips of both hands are, world [m].

    Args:
        scene: with both hands.
        joints: names of the columns of `qpos`; joints that are not among them stay at 0.
        qpos: joint positions [rad, m]. Shape (T, len(joints)).

    Returns:
        Shape (T, 5, 3) by side.
    """
    data = mujoco.MjData(scene.model)
    address = np.array([scene.model.joint(joint).qposadr[0] for joint in joints])
    tips = {side: np.empty((len(qpos), len(hand.tips), 3)) for side, hand in scene.hands.items()}
    for row, posture in enumerate(qpos):
        data.qpos[address] = posture
        mujoco.mj_kinematics(scene.model, data)
        for side, hand in scene.hands.items():
            tips[side][row] = data.site_xpos[hand.tips]
    return tips


@lru_cache(maxsize=1)
def full_scene() -> Scene:
    """The scene that scores are played in, built once."""
    return build_scene()


@lru_cache(maxsize=2)
def lone_hand(side: Side) -> tuple[mujoco.MjModel, HandIndex]:
    """One hand alone, its elbow fixed, built once."""
    model = load_hand(side)
    return model, HandIndex.from_model(model, side)


@lru_cache(maxsize=1)
def free_limits() -> np.ndarray:
    """The range of motion that the motions without a piano stay in [rad]. Shape (19, 2)."""
    return common_limits([lone_hand(Side.RIGHT)])
