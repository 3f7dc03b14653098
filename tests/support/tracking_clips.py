"""Small clips to follow, made in a moment: fingers that wave about a playing posture while the
forearm sways."""

from functools import lru_cache

import mujoco
import numpy as np

from musclehand.body.anatomy import (
    FOREARM_AXES,
    HAND_JOINTS,
    Side,
    coupled_joint,
    coupling_ratio,
)
from musclehand.body.posture import PLAYING_POSTURE_DEG
from musclehand.motion.clip import MotionClip, write_clips
from musclehand.motion.dataset import (
    CorpusIndex,
    ShardEntry,
    entry_of,
    file_sha256,
    split_of,
    write_index,
)
from musclehand.sim.scene import build_scene, forearm_joint

MIRROR = {"x": -1.0, "yaw": -1.0, "roll": -1.0}


@lru_cache(maxsize=2)
def _scene(side):
    return build_scene(sides=(side,))


def wave(seed, *, side=Side.RIGHT, seconds=1.6, dt=0.008, kind="wave", size=0.12):
    """A clip. The same seed gives each side the other's mirror image."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds / dt) + 1) * dt
    angles, speeds = np.zeros((2, len(time), len(HAND_JOINTS)))
    for column, joint in enumerate(HAND_JOINTS):
        driver = coupled_joint(joint)
        if driver is not None:
            source = HAND_JOINTS.index(driver)
            ratio = coupling_ratio(joint)
            angles[:, column], speeds[:, column] = (
                ratio * angles[:, source],
                ratio * speeds[:, source],
            )
            continue
        rate = 2 * np.pi * rng.uniform(0.4, 1.2)
        phase = rng.uniform(0, 2 * np.pi)
        middle = np.radians(PLAYING_POSTURE_DEG.get(joint, 0.0))
        angles[:, column] = middle + size * np.sin(rate * time + phase)
        speeds[:, column] = size * rate * np.cos(rate * time + phase)
    forearm = np.zeros((len(time), len(FOREARM_AXES)))
    forearm[:, 0], forearm[:, 1], forearm[:, 2] = 0.2 + 0.03 * np.sin(3 * time), -0.12, 0.15
    forearm[:, 3], forearm[:, 5] = 0.1 * np.sin(2 * time), 0.05
    forearm *= np.array(
        [MIRROR.get(axis, 1.0) if side is Side.LEFT else 1.0 for axis in FOREARM_AXES]
    )
    return MotionClip(
        name=f"{kind}_{seed}_{side.value}",
        kind=kind,
        pattern=f"{kind} {seed}",
        side=side,
        dt=dt,
        qpos=angles,
        qvel=speeds,
        forearm=forearm,
        fingertips=_fingertips(side, angles, forearm),
        notes=np.zeros((0, 5)),
    )


def write_small_corpus(folder):
    """A corpus of two clips to learn from and two to judge by, one of each split; the folder."""
    splits = ("train", "validation", "test")
    seeds = {split: [i for i in range(60) if split_of(f"wave {i}") == split] for split in splits}
    clips = [wave(seed) for seed in (*seeds["train"][:2], seeds["validation"][0], seeds["test"][0])]
    write_clips(folder / "shard_00000.h5", clips)
    entry = ShardEntry(file_sha256(folder / "shard_00000.h5"), tuple(map(entry_of, clips)))
    write_index(folder, CorpusIndex({}, {"shard_00000.h5": entry}, True))
    return folder


def _fingertips(side, angles, forearm):
    scene = _scene(side)
    data = mujoco.MjData(scene.model)
    hand = scene.hands[side]
    arm = [int(scene.model.joint(forearm_joint(side, axis)).qposadr[0]) for axis in FOREARM_AXES]
    tips = np.empty((len(angles), 5, 3))
    for row, (posture, place) in enumerate(zip(angles, forearm, strict=True)):
        data.qpos[hand.qpos], data.qpos[arm] = posture, place
        mujoco.mj_kinematics(scene.model, data)
        tips[row] = data.site_xpos[hand.tips]
    return tips
