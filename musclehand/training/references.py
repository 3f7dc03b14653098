"""Reference motion for a training: clips of a corpus, and plans of generated scores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from musclehand.core.checkpoint import load_latest
from musclehand.core.time_steps import SIM_DT
from musclehand.envs.demonstrations.planned_motion import (
    load_references,
    plan_references,
    policy_plan_config,
    save_references,
)
from musclehand.envs.reference import ReferenceSet, build_references, join
from musclehand.envs.tracking.body import TrackingBody
from musclehand.motion.dataset import MotionCorpus, split_of
from musclehand.music.generate.patterns import PatternScore, pattern_scores
from musclehand.training.reporter import Reporter, SilentReporter

__all__ = ["training_references"]

PLAN_SEED = 1000
"""Seed of the planned scores, to which the run's seed is added: a corpus of the same seed has
other scores."""


def training_references(
    corpus: MotionCorpus,
    folder: Path,
    *,
    scores: int,
    seed: int,
    sim_steps: int,
    reporter: Reporter | None = None,
) -> ReferenceSet:
    """The clips of a corpus' training split, and plans of generated scores.

    Planning takes minutes, so that plans are kept in a folder and read from there the next time.

    Args:
        corpus: with clips of motion in the air.
        folder: of the plans.
        scores: how many generated scores are planned; the motion is that of hands on keys.
        seed: of the scores.
        sim_steps: simulation steps of 2 ms between frames.
        reporter: notified of each score that is planned.

    Raises:
        FileError: the folder holds plans of other scores, or damaged ones.
        InvalidValue: the corpus has no clip that is long enough.
    """
    muscles = TrackingBody(1).muscles
    clips = build_references(corpus.clips("train"), dt=sim_steps * SIM_DT, muscles=muscles)
    if not scores:
        return clips
    origin = {"scores": scores, "seed": seed, "sim_steps": sim_steps}
    if load_latest(folder) is None:
        reporter = reporter or SilentReporter()
        reporter.begin("planning", scores)
        config = replace(policy_plan_config(), sim_steps=sim_steps)
        planned = plan_references(
            _reported(_training_scores(seed, scores), reporter), config=config
        )
        save_references(folder, planned, origin)
    return join([clips, load_references(folder, origin)])


def _training_scores(seed: int, count: int) -> Iterator[PatternScore]:
    generated = (
        score for score in pattern_scores(PLAN_SEED + seed) if split_of(score.pattern) == "train"
    )
    return islice(generated, count)


def _reported(scores: Iterator[PatternScore], reporter: Reporter) -> Iterator[PatternScore]:
    for score in scores:
        yield score
        reporter.advance()
