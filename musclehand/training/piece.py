"""A planner learns one piece: the model-based player plans it, the planner plays it and is told
what it should do.

What it has learnt before stays the beginning of what it learns now, so minutes are enough.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from musclehand.core.errors import InvalidValue
from musclehand.envs.demonstrations.planned_pieces import keep_pieces, plan_pieces
from musclehand.envs.piano.env import PianoConfig, PianoEnv
from musclehand.envs.piano.goals import Goals, GoalsMaker
from musclehand.envs.piano.pieces import PlannedPieces
from musclehand.envs.piano.scattered import ScatteredPiano
from musclehand.music.score import Score
from musclehand.policies.high_level import HighLevelPolicy
from musclehand.sim.backend_choice import tell_backend

if TYPE_CHECKING:
    from musclehand.learning.dagger import Progress
    from musclehand.learning.high_level_distill import HighLevelConfig

WORLDS = 16
"""Pairs of hands that play the piece at a time, each from somewhere else on."""


def learning_config(iterations: int, *, seed: int = 0) -> HighLevelConfig:
    """How a planner that knows how to play learns a piece in so many iterations."""
    from musclehand.learning.high_level_distill import HighLevelConfig

    return HighLevelConfig(
        iterations=iterations,
        steps=60,
        updates=150,
        rate=3e-4,
        decay=max(iterations, 1),
        memory=max(iterations, 1),
        seed=seed,
    )


def learn_piece(
    score: Score,
    planner: HighLevelPolicy,
    folder: Path,
    config: HighLevelConfig,
    *,
    worlds: PianoConfig | None = None,
    tell: Callable[[Progress], None] | None = None,
) -> HighLevelPolicy:
    """The planner that has learnt a piece. A folder in which that has begun is gone on with, to the
    same bits.

    Args:
        score: to learn.
        planner: to begin with.
        folder: for the plan and for checkpoints.
        config: how.
        worlds: to learn in; `WORLDS` by default.
        tell: told of each iteration.

    Raises:
        CheckpointError, FileError: the folder holds something else, or something damaged.
        InvalidValue: a score without notes.
    """
    if not score.notes:
        raise InvalidValue("notes", 0, "1 or more")
    of_score = {"score": score_hash(score)}
    pieces = keep_pieces(folder / "plan", of_score, lambda: plan_pieces([("piece", score)]))
    return learn_planned(pieces, planner, folder, config, known=of_score, worlds=worlds, tell=tell)


def learn_planned(
    pieces: PlannedPieces,
    planner: HighLevelPolicy,
    folder: Path,
    config: HighLevelConfig,
    *,
    known: Mapping[str, str | None],
    goals: GoalsMaker = Goals,
    worlds: PianoConfig | None = None,
    tell: Callable[[Progress], None] | None = None,
) -> HighLevelPolicy:
    """As `learn_piece`, of pieces that are planned already; `known`: what they came of; `goals`:
    how notes are told."""
    from musclehand.learning.high_level_distill import HighLevelTraining

    worlds = worlds or PianoConfig(num_worlds=WORLDS)
    known = {**known, "planner": high_level_hash(planner)} | tell_backend(worlds.backend)
    env = PianoEnv(
        pieces,
        planner.skill,
        worlds,
        seed=config.seed,
        goals=goals,
        bad_states=folder / "bad_states",
    )
    still = ScatteredPiano(pieces, planner.skill, worlds, goals=goals)
    run = HighLevelTraining(
        env,
        planner.policy,
        replace(config, hidden=planner.policy.sizes[1:-1]),
        folder / "teach",
        known=known,
        fresh=False,
        still=still,
    )
    run.run(tell)
    return planner._replace(policy=run.policy, info={"stage": "piece", **known})


def score_hash(score: Score) -> str:
    """What makes a score the same: its notes."""
    notes = "\n".join(
        f"{note.onset:.6f} {note.offset:.6f} {note.pitch} {note.velocity}" for note in score.notes
    )
    return hashlib.sha256(notes.encode()).hexdigest()


def high_level_hash(planner: HighLevelPolicy) -> str:
    """What makes a planner the same: its numbers, and those of its latent space."""
    from musclehand.learning.torch_state import module_arrays

    arrays = {
        **module_arrays("policy", planner.policy),
        **module_arrays("latent", planner.skill.policy),
    }
    return hashlib.sha256(b"".join(arrays[name].tobytes() for name in sorted(arrays))).hexdigest()
