"""Training of the high-level policy on a single piece, by DAgger.

The model-based player plans the piece; the policy plays it, and the plan labels the states that the
policy has come to. It starts from a policy that sight-reads, so that minutes are enough.

    run = piece(load_score("song.mid"), out="song")
    perform(score, HighLevelController(score, run.policy))

A run can be killed at any moment; the same call resumes it and ends with the same bits. Its folder
holds `plan/`, `dagger/` with checkpoints, `metrics.csv`, and the policy in `policy/`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import torch

from musclehand.core.errors import InvalidValue
from musclehand.envs.demonstrations.planned_pieces import load_or_plan_pieces, plan_pieces
from musclehand.envs.piano.env import PianoConfig, PianoEnv
from musclehand.envs.piano.goals import Goals, GoalsMaker
from musclehand.envs.piano.pieces import PlannedPieces
from musclehand.envs.piano.static_env import StaticPianoEnv
from musclehand.learning.high_level_distill import HighLevelConfig, HighLevelTraining
from musclehand.learning.torch_state import module_arrays
from musclehand.music.score import Score
from musclehand.music.sources import load_score
from musclehand.policies.high_level import (
    HighLevelPolicy,
    load_high_level_policy,
    save_high_level_policy,
)
from musclehand.policies.start import arrays_hash
from musclehand.sim.backend_choice import BackendChoice, describe_backend, resolve_backend
from musclehand.training.reporter import Reporter, SilentReporter
from musclehand.training.run_log import METRICS, RunLog, read_metrics
from musclehand.training.stages import run_stage

__all__ = ["PieceConfig", "PieceRun", "learn_planned", "piece", "piece_training"]

WORLDS = 16
"""Pairs of hands that play the piece at a time, each from another place of it."""


@dataclass(frozen=True)
class PieceConfig:
    """How to train a high-level policy on one piece."""

    iterations: int = 40
    """Each plays for some seconds in 16 places of the piece and learns from that, in about fifteen
    seconds."""

    threads: int = 1
    """Threads of the simulation."""

    backend: BackendChoice = "auto"
    """What simulates: the processor, or MuJoCo Warp on a GPU; auto is Warp where it is installed
    and finds a GPU."""

    seed: int = 0
    """Seed of everything that is drawn."""

    def __post_init__(self) -> None:
        if not 1 <= self.iterations <= 10_000:
            raise InvalidValue("iterations", self.iterations, "1 to 10,000")
        if self.seed < 0:
            raise InvalidValue("seed", self.seed, "0 or more")


@dataclass(frozen=True)
class PieceRun:
    """A finished training on one piece."""

    folder: Path
    """Folder of the run."""

    policy: HighLevelPolicy
    """The trained policy, with its latent space."""

    policy_path: Path
    """File of the policy, for `load_high_level_policy` and `musclehand play --policy`."""

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """The rows of `metrics.csv`, one for each iteration."""
        return read_metrics(self.folder / METRICS)


def piece(
    score: Score | str | PathLike[str],
    out: str | PathLike[str] = "runs/piece",
    config: PieceConfig | None = None,
    *,
    policy: HighLevelPolicy | str | PathLike[str] | None = None,
    clip: tuple[float, float] | None = None,
    reporter: Reporter | None = None,
) -> PieceRun:
    """Trains a high-level policy on one piece.

    Args:
        score: a score, a score file, or the name of a piece of the repertoire.
        out: folder of the run; a run that is there is resumed.
        config: how to train.
        policy: the policy to start from, or its JSON file; the bundled one by default.
        clip: [s] first and last time of the score that are learnt; all of it by default. Only for
            files and names.
        reporter: notified of stages and iterations.

    Raises:
        CheckpointError: the folder holds a run with another score, policy or configuration.
        FileError: the policy was made for another hand or observation.
        InvalidValue: the score has no notes.
        OutputError: the folder cannot be written to.
        ScoreError, UnknownName: the score cannot be read, or there is no such piece.
    """
    torch.set_num_threads(1)
    reporter = reporter or SilentReporter()
    config = config or PieceConfig()
    if not isinstance(score, Score):
        score = load_score(score, clip=clip)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    env_config = PianoConfig(
        num_worlds=WORLDS, num_threads=config.threads, backend=resolve_backend(config.backend)
    )
    if not isinstance(policy, HighLevelPolicy):
        policy = load_high_level_policy(policy)
    training = piece_training(config.iterations, seed=config.seed)
    try:
        reporter.message("plans the piece")
        trained = learn_piece(
            score, policy, out, training, env_config=env_config, log=RunLog(out / METRICS, reporter)
        )
    finally:
        reporter.close()
    path = save_high_level_policy(
        out / "policy", trained.policy, trained.latent_space, trained.info
    )
    return PieceRun(out, load_high_level_policy(path), path)


def piece_training(iterations: int, *, seed: int = 0) -> HighLevelConfig:
    """How a policy that can sight-read learns a piece.

    Args:
        iterations: in all.
        seed: of everything that is drawn.
    """
    return HighLevelConfig(
        iterations=iterations,
        steps=60,
        updates=150,
        learning_rate=3e-4,
        decay=max(iterations, 1),
        buffer_iterations=max(iterations, 1),
        seed=seed,
    )


def learn_piece(
    score: Score,
    policy: HighLevelPolicy,
    folder: Path,
    config: HighLevelConfig,
    *,
    env_config: PianoConfig | None = None,
    log: RunLog | None = None,
) -> HighLevelPolicy:
    """Plans a piece and trains a policy on it; a run in the folder is resumed.

    Args:
        score: to learn.
        policy: to start from.
        folder: for the plan and for checkpoints.
        config: of DAgger.
        env_config: of the environment; `WORLDS` pairs of hands by default.
        log: gets a row for each iteration.

    Raises:
        CheckpointError, FileError: the folder holds something else, or something damaged.
        InvalidValue: the score has no notes.
    """
    if not score.notes:
        raise InvalidValue("notes", 0, "1 or more")
    identity = {"score": score_hash(score)}
    pieces = load_or_plan_pieces(folder / "plan", identity, lambda: plan_pieces([("piece", score)]))
    return learn_planned(
        pieces, policy, folder, config, identity=identity, env_config=env_config, log=log
    )


def learn_planned(
    pieces: PlannedPieces,
    policy: HighLevelPolicy,
    folder: Path,
    config: HighLevelConfig,
    *,
    identity: Mapping[str, str | None],
    goals: GoalsMaker = Goals,
    env_config: PianoConfig | None = None,
    log: RunLog | None = None,
) -> HighLevelPolicy:
    """Trains a policy on pieces that are planned already; a run in the folder is resumed.

    Args:
        pieces: to learn, with their plans.
        policy: to start from.
        folder: for checkpoints.
        config: of DAgger.
        identity: what the pieces were made from; checkpoints have to agree with it.
        goals: how notes are represented in the observation.
        env_config: of the environment; `WORLDS` pairs of hands by default.
        log: gets a row for each iteration.

    Raises:
        CheckpointError, FileError: the folder holds something else, or something damaged.
    """
    env_config = env_config or PianoConfig(num_worlds=WORLDS)
    identity = {
        **identity,
        "planner": weights_hash(policy),
        **describe_backend(env_config.backend),
    }
    env = PianoEnv(
        pieces,
        policy.latent_space,
        env_config,
        seed=config.seed,
        goals=goals,
        bad_states=folder / "bad_states",
    )
    training = HighLevelTraining(
        env,
        policy.policy,
        replace(config, hidden=policy.policy.sizes[1:-1]),
        folder / "dagger",
        identity=identity,
        fit_normalisation=False,
        static_env=StaticPianoEnv(pieces, policy.latent_space, env_config, goals=goals),
    )
    if log is None:
        training.run()
    else:
        run_stage(training, "dagger", log)
    return policy._replace(policy=training.policy, info={"stage": "piece", **identity})


def score_hash(score: Score) -> str:
    """SHA-256 of the notes of a score."""
    notes = "\n".join(
        f"{note.onset:.6f} {note.offset:.6f} {note.pitch} {note.velocity}" for note in score.notes
    )
    return hashlib.sha256(notes.encode()).hexdigest()


def weights_hash(policy: HighLevelPolicy) -> str:
    """SHA-256 of the weights of a policy and of its latent space."""
    arrays = {
        **module_arrays("policy", policy.policy),
        **module_arrays("latent", policy.latent_space.policy),
    }
    return arrays_hash(arrays)
