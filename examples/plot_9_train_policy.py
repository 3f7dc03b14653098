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
    generate_corpus(CorpusPlan(hours=0.01), Path(folder, "corpus"))
    run = mh.training.track(Path(folder, "corpus"), out=Path(folder, "run"), config=config)
    print(run.scores[0])
