"""
Train a tiny tracking policy
============================

A few iterations of DAgger on a tiny corpus. Real trainings take twenty minutes; see the tutorial.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import musclehand as mh
from musclehand.corpus.generate import generate_corpus
from musclehand.corpus.plan import CorpusPlan
from musclehand.learning.apg import ApgConfig
from musclehand.learning.dagger import DaggerConfig
from musclehand.training.tracking import TrackConfig

config = TrackConfig(
    envs=8,
    keys=False,
    dagger=DaggerConfig(iterations=2, steps=50, updates=50),
    apg=ApgConfig(iterations=2),
)
with TemporaryDirectory() as folder:
    generate_corpus(Path(folder, "corpus"), CorpusPlan(hours=0.01, seed=2))
    run = mh.training.track(Path(folder, "corpus"), out=Path(folder, "run"), config=config)
    score = run.scores[0]
    print(f"held-out clip {score.name}: fingertip error {1e3 * score.tip_mean:.1f} mm")
