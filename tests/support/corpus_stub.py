"""A stand-in for the maker of a shard of a corpus."""

import time

import numpy as np

from musclehand.body.anatomy import Side
from musclehand.corpus.plan import ITEM_SECONDS, ITEMS_PER_JOB, CorpusPlan, ShardContent
from musclehand.motion.clip import MotionClip

JOB_HOURS = ITEMS_PER_JOB * ITEM_SECONDS / 3600


def stub(job, pause=0.0):
    """A job without physics: clips of noise; job 3 fails in part. `pause` [s] to be killed in."""
    rng = np.random.default_rng([job.seed, job.number])
    clips = []
    for number in range(2):
        time.sleep(pause)
        frames = int(rng.integers(50, 400))
        clip = MotionClip(
            name=f"{job.number}_{number}",
            kind="stub",
            pattern=f"pattern {job.number}",
            side=Side.RIGHT,
            dt=0.008,
            qpos=rng.normal(size=(frames, 25)),
            qvel=rng.normal(size=(frames, 25)),
            forearm=rng.normal(size=(frames, 6)),
            fingertips=rng.normal(size=(frames, 5, 3)),
            notes=np.zeros((number, 5)),
        )
        clips.append(clip)
    return ShardContent(tuple(clips), ("3 fell over",) if job.number == 3 else ())


PLAN = CorpusPlan(hours=8 * JOB_HOURS, seed=5)


def slow_stub(job):
    return stub(job, pause=0.08)
