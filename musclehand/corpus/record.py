"""Motion clips of simulated hands: two hands that play generated scores, and single hands that
track reference motions.

The stream of a seed consists of scores of `music.generate.patterns`, chorales if they are
requested, and motions of `motion.reference` (taps, wrist, grasps, postures), which one hand tracks
with its elbow fixed.
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
from musclehand.core.recording_reader import RECORDING, Recording
from musclehand.core.time_steps import CONTROL_DT
from musclehand.corpus.plan import ITEMS_PER_JOB, CorpusJob, ShardContent
from musclehand.motion.clip import LEAD_KEPT, NOTE_COLUMNS, MotionClip
from musclehand.motion.reference import ReferenceMotion, common_limits, reference_motions
from musclehand.music.generate.chorale import draw_chorale
from musclehand.music.generate.patterns import PatternScore, pattern_score
from musclehand.music.score import Hand
from musclehand.performance.perform import SimulationError, perform
from musclehand.performance.settings import PlayerSettings
from musclehand.sim.scene import Scene, build_scene, forearm_joint

FREE_SHARE = 0.15
"""Share of items that are motion without a piano; our own choice."""

CHORALE_SHARE = 0.1
"""Share of items that are chorales, if they are requested; our own choice."""

FREE_KINDS = ("taps", "wrist", "grasps", "postures")
"""Kinds of motion without a piano, keys of `motion.reference.SHARES`."""

CHORALE_SECONDS = 40.0
"""[s] Length of the beginning of a chorale that is played."""

FREE_FOREARM = {
    Side.RIGHT: (0.2, -0.12, 0.15, 0.0, 0.0, 0.0),
    Side.LEFT: (-0.2, -0.12, 0.15, 0.0, 0.0, 0.0),
}
"""[m, rad] Pose of the fixed forearm in motion without a piano: level, over the keys."""

_SIDES = {Side.RIGHT: Hand.RIGHT, Side.LEFT: Hand.LEFT}


class FreeMotion(NamedTuple):
    """A motion without a piano."""

    motion: ReferenceMotion
    """The reference to be tracked."""

    side: Side
    """Side of the hand that tracks it."""


def make_shard(job: CorpusJob) -> ShardContent:
    """Generate the clips of a job; items that cannot be simulated are listed as failures."""
    clips: list[MotionClip] = []
    failures: list[str] = []
    first = ITEMS_PER_JOB * job.number
    with threadpool_limits(1):
        for number in range(first, first + ITEMS_PER_JOB):
            item = make_item(job.seed, number, chorales=job.chorales)
            name = f"{number:07d}"
            try:
                if isinstance(item, PatternScore):
                    clips += play_score(item, name)
                else:
                    clips.append(track_motion(item, name, job.seed))
            except MusclehandError as error:
                label = item.pattern if isinstance(item, PatternScore) else item.motion.kind
                failures.append(f"{name} {label}: {error}")
    return ShardContent(tuple(clips), tuple(failures))


def make_item(seed: int, number: int, *, chorales: bool = False) -> PatternScore | FreeMotion:
    """Generate an item of the stream of a seed.

    Args:
        seed: seed of the stream, 0 or more.
        number: number of the item, from 0.
        chorales: replace some of the scores by chorales.

    Raises:
        MissingChorales: chorales are requested, and music21 is not installed.
    """
    rng = np.random.default_rng([seed, number, 1])
    draw = rng.random()
    if draw < FREE_SHARE:
        kind = FREE_KINDS[int(rng.integers(len(FREE_KINDS)))]
        side = (Side.RIGHT, Side.LEFT)[int(rng.integers(2))]
        motions = reference_motions(
            free_limits(), seconds=240.0, dt=CONTROL_DT, seed=int(rng.integers(2**31))
        )
        candidates = [motion for motion in motions if motion.kind == kind]
        return FreeMotion(candidates[int(rng.integers(len(candidates)))], side)
    if chorales and draw < FREE_SHARE + CHORALE_SHARE:
        name, score = draw_chorale(rng)
        return PatternScore(f"chorale {name}", "chorale", score.clip(0.0, CHORALE_SECONDS))
    return pattern_score(seed, number)


def play_score(item: PatternScore, name: str) -> list[MotionClip]:
    """Let two muscle-driven hands play a score, and cut a clip of each hand that has notes.

    Raises:
        SimulationError: the simulation became unstable.
        MusclehandError: the score cannot be played.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / RECORDING
        performance = perform(item.score, PlayerSettings(processes=1), record=path)
        source = {
            "made": f"played by musclehand {musclehand.__version__} in simulation",
            "licence": "generated, no recording of a person",
            "music": "J. S. Bach, public domain; encoded in music21"
            if item.kind == "chorale"
            else "generated",
            "title": item.score.title,
            "model_sha256": str(performance.provenance["model_sha256"]),
            "onset_f1_50ms": f"{performance.metrics.onset_f1_50ms:.4f}",
        }
        with Recording.open(path) as recording:
            return cut_clips(recording, name, kind=item.kind, pattern=item.pattern, source=source)


def cut_clips(
    recording: Recording, name: str, *, kind: str, pattern: str, source: Mapping[str, str]
) -> list[MotionClip]:
    """Cut a clip from a recording for each hand that has notes.

    The clips begin `LEAD_KEPT` before the score.

    Args:
        recording: an open recording of a performance.
        name: name of the clips; the letter of the hand is appended.
        kind: see `MotionClip.kind`.
        pattern: see `MotionClip.pattern`.
        source: see `MotionClip.source`.

    Raises:
        RecordingError: the recording is damaged.
        SimulationError: the recording ends before the beginning of the clip.
    """
    control_dt = float(recording.metadata["control_dt_s"])
    stride = max(1, round(CONTROL_DT / control_dt))
    time = np.asarray(recording["time"][:])
    first = int(np.searchsorted(time, -LEAD_KEPT - 1e-9))
    if first >= len(time):
        raise SimulationError("the recording ends before the music begins")
    rows = slice(first, None, stride)
    qpos = np.asarray(recording["qpos"][:][rows])
    qvel = np.asarray(recording["qvel"][:][rows])
    act = np.asarray(recording["act"][:][rows])
    names = list(recording["qpos"].names)
    table = recording.table("score")
    notes = table.values[:, [table.columns.index(column) for column in NOTE_COLUMNS]]
    notes[:, :2] -= time[first]
    hands = table.values[:, table.columns.index("hand")]
    scene = full_scene()
    tips = fingertips(scene, names, qpos)
    clips = []
    for side, hand in _SIDES.items():
        if not (hands == hand).any():
            continue
        joints = [names.index(side.name_of(joint)) for joint in HAND_JOINTS]
        forearm = [names.index(forearm_joint(side, axis)) for axis in FOREARM_AXES]
        muscles = {
            muscle.rpartition("_")[0]: column
            for column, muscle in enumerate(recording["act"].names)
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
                forearm=qpos[:, forearm],
                fingertips=tips[side],
                notes=notes[hands == hand],
                activations=act[:, list(muscles.values())],
                muscles=tuple(muscles),
                source=source,
            )
        )
    return clips


def track_motion(item: FreeMotion, name: str, seed: int) -> MotionClip:
    """Let a hand track a motion with its muscles, with its forearm fixed over the keys.

    Args:
        item: the motion and the side of the hand.
        name: name of the clip; the letter of the hand is appended.
        seed: seed of the stream, which becomes part of the pattern.

    Raises:
        SimulationError: the simulation became unstable.
    """
    motion, side = item
    model, hand = single_hand(side)
    result = track(model, hand, motion.angles, motion.speeds, dt=motion.dt)
    if result.failure is not None or result.activations is None or len(result.angles) < 2:
        raise SimulationError(result.failure or "nothing was followed")
    scene = full_scene()
    joints = [side.name_of(joint) for joint in HAND_JOINTS]
    arm = [forearm_joint(side, axis) for axis in FOREARM_AXES]
    forearm = np.tile(FREE_FOREARM[side], (len(result.angles), 1))
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
            "made": f"followed by musclehand {musclehand.__version__} in simulation, "
            "elbow fixed, no gravity",
            "licence": "generated, no recording of a person",
        },
    )


def fingertips(scene: Scene, joints: list[str], qpos: np.ndarray) -> dict[Side, np.ndarray]:
    """Fingertips of both hands by forward kinematics.

    Args:
        scene: scene with both hands.
        joints: names of the columns of `qpos`; all other joints stay at 0.
        qpos: joint positions [rad, m]. Shape (T, len(joints)).

    Returns:
        Fingertips of each side, world frame [m]. Shape (T, 5, 3).
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
    """The scene in which scores are played, built once per process."""
    return build_scene()


@lru_cache(maxsize=2)
def single_hand(side: Side) -> tuple[mujoco.MjModel, HandIndex]:
    """Model and indices of a single hand with its elbow fixed, built once per process."""
    model = load_hand(side)
    return model, HandIndex.from_model(model, side)


@lru_cache(maxsize=1)
def free_limits() -> np.ndarray:
    """Range of motion for motions without a piano [rad]. Shape (19, 2)."""
    return common_limits([single_hand(Side.RIGHT)])
