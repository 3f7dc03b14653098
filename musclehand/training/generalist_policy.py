"""Training of the high-level policy that sight-reads: from notes to latent actions, for each hand.

It learns from scores that are generated for the purpose (`music.generate`) and from chorales by
Bach. No piece of the repertoire is among them: those judge it. The model-based player plans every
score. The first stage, behavioural cloning, labels perturbed states near the plan, without
simulation. In the second, DAgger, the policy plays, and the plan
labels the states that it has come to.

    run = generalist("runs/latent/policy/latent_space.json", out="runs/generalist")
    perform(score, HighLevelController(score, run.policy))

A run can be killed at any moment; the same call resumes it and ends with the same bits. Its folder
holds `pieces/` with the plans, `cloning/` and `dagger/` with checkpoints, `metrics.csv`, and the
policy in `policy/`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from musclehand.core.errors import InvalidValue
from musclehand.envs.demonstrations.planned_pieces import load_or_plan_pieces, plan_pieces
from musclehand.envs.piano.env import PianoConfig, PianoEnv
from musclehand.envs.piano.pieces import PlannedPieces
from musclehand.envs.piano.static_env import StaticPianoEnv
from musclehand.learning.high_level import HighLevelNetwork
from musclehand.learning.high_level_distill import HighLevelConfig, HighLevelTraining
from musclehand.motion.dataset import split_of
from musclehand.music.generate.accompaniment import FIGURES, accompaniment
from musclehand.music.generate.chorale import draw_chorale
from musclehand.music.generate.exercises import two_hand_texture
from musclehand.music.generate.patterns import pattern_scores
from musclehand.music.score import Score
from musclehand.policies.high_level import (
    HighLevelPolicy,
    load_high_level_policy,
    new_high_level_network,
    save_high_level_policy,
)
from musclehand.policies.latent import LatentSpace, load_latent_space
from musclehand.policies.start import START, Origin, start_high_level_network
from musclehand.sim.backend_choice import BackendChoice, describe_backend, resolve_backend
from musclehand.training.reporter import Reporter, SilentReporter
from musclehand.training.run_log import METRICS, RunLog, read_metrics
from musclehand.training.stages import run_stage

__all__ = ["GeneralistConfig", "GeneralistRun", "generalist", "training_scores"]

SCORE_SEED = 3000
"""Seed of the scores, to which the run's seed is added: tracking policies learn from others."""

MAX_COUNT = 1_000_000
"""Largest number of scores and worlds that a configuration may ask for."""

CHORALE_SECONDS = 24.0
"""[s] Of each chorale, from its beginning."""


@dataclass(frozen=True)
class GeneralistConfig:
    """How to train a high-level policy that plays at sight."""

    patterns: int = 90
    """Scores by pattern: scales, arpeggios, five-finger exercises, melodies (`patterns`)."""

    textures: int = 80
    """Scores for two hands, of all difficulties."""

    chorales: int = 30
    """Chorales by Bach; they need music21: `pip install 'musclehand[corpus]'`."""

    accompaniments: int = 120
    """Leaping basses and repeated chords under melodies."""

    worlds: int = 32
    """Pairs of hands that are simulated at a time."""

    threads: int = 1
    """Threads of the simulation."""

    backend: BackendChoice = "auto"
    """What simulates: the processor, or MuJoCo Warp on a GPU; auto is Warp where it is installed
    and finds a GPU."""

    seed: int = 0
    """Seed of everything that is drawn."""

    cloning: HighLevelConfig = field(
        default_factory=lambda: HighLevelConfig(
            iterations=80,
            steps=60,
            updates=150,
            learning_rate=1e-3,
            decay=80,
            buffer_iterations=20,
            static_steps=0,
        )
    )
    """Behavioural cloning of the plan from perturbed states; its seed is that of the run."""

    dagger: HighLevelConfig = field(
        default_factory=lambda: HighLevelConfig(
            iterations=64, updates=250, decay=64, buffer_iterations=64
        )
    )
    """DAgger: the policy plays, and the plan labels; its seed is that of the run."""

    def __post_init__(self) -> None:
        for name in ("patterns", "textures", "chorales", "accompaniments", "seed"):
            if not 0 <= getattr(self, name) <= MAX_COUNT:
                raise InvalidValue(name, getattr(self, name), f"0 to {MAX_COUNT:,}")
        if not 1 <= self.worlds <= MAX_COUNT:
            raise InvalidValue("worlds", self.worlds, f"1 to {MAX_COUNT:,}")


@dataclass(frozen=True)
class GeneralistRun:
    """A finished training of a high-level policy that plays at sight."""

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


def generalist(
    space: LatentSpace | str | PathLike[str] | None = None,
    out: str | PathLike[str] = "runs/generalist",
    config: GeneralistConfig | None = None,
    *,
    start: HighLevelPolicy | str | PathLike[str] | None = None,
    piano: PianoConfig | None = None,
    reporter: Reporter | None = None,
) -> GeneralistRun:
    """Trains a high-level policy that plays scores that it has not seen.

    Args:
        space: a latent space, or its JSON file (`musclehand train latent`); by default that of the
            bundled high-level policy.
        out: folder of the run; a run that is there is resumed.
        config: how to train.
        start: a high-level policy to continue from, in this latent space or another, or its JSON
            file; it may be for another hand with the same independent joints. It takes the place of
            behavioural cloning.
        piano: the environment; `num_worlds`, `num_threads` and `backend` are those of `config`.
        reporter: notified of stages and iterations.

    Raises:
        CheckpointError: the folder holds a run with another configuration.
        FileError: a file was made for another hand or observation.
        InvalidValue: the configuration cannot be.
        OutputError: the folder cannot be written to.
    """
    torch.set_num_threads(1)
    reporter = reporter or SilentReporter()
    config = config or GeneralistConfig()
    # Before all scores are planned: Warp that is missing would be found out after that.
    backend = resolve_backend(config.backend)
    config = replace(config, backend=backend)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    if not isinstance(space, LatentSpace):
        space = load_latent_space(space)
    begin = None if start is None else start_high_level_network(start, space)
    env_config = replace(
        piano or PianoConfig(episode=1.6),
        num_worlds=config.worlds,
        num_threads=config.threads,
        backend=backend,
    )
    try:
        pieces = _planned_pieces(out, config, reporter)
        seconds = pieces.hands[0].frames * pieces.hands[0].dt
        count = len(pieces.hands[0].names)
        reporter.message(f"{count} pieces, {seconds / 60:.1f} min to learn from")
        network = _train(pieces, space, begin, env_config, _Stages(config, out, reporter))
    finally:
        reporter.close()
    info = {"stage": "dagger", "config": _settings(config), **describe_backend(backend)}
    if begin is not None:
        info[START] = begin[1]
    path = save_high_level_policy(out / "policy", network, space, info)
    return GeneralistRun(out, load_high_level_policy(path), path)


def training_scores(config: GeneralistConfig) -> Iterator[tuple[str, Score]]:
    """The scores to learn from, with their names; the same for the same configuration."""
    generated = (
        score
        for score in pattern_scores(SCORE_SEED + config.seed)
        if split_of(score.pattern) == "train" and score.score.notes
    )
    for pattern_score in islice(generated, config.patterns):
        yield pattern_score.pattern, pattern_score.score
    rng = np.random.default_rng([SCORE_SEED + config.seed, 1])
    for number in range(config.textures):
        difficulty = float(rng.uniform(0.0, 0.9))
        seconds = float(rng.uniform(8.0, 16.0))
        yield f"texture {number}", two_hand_texture(rng, difficulty, seconds)
    for _ in range(config.chorales):
        name, score = draw_chorale(rng)
        yield f"chorale {name}", score.clip(0.0, min(CHORALE_SECONDS, score.duration))
    figures = list(FIGURES)
    for number in range(config.accompaniments):
        figure = figures[number % len(figures)]
        beats = float(rng.uniform(1.5, 5.0))
        difficulty = float(rng.uniform(0.0, 0.6))
        score = accompaniment(rng, figure, beats_per_second=beats, difficulty=difficulty)
        yield f"{figure} {number}", score


class _Stages(NamedTuple):
    """What all stages of a run share."""

    config: GeneralistConfig
    """Of the run."""

    out: Path
    """Folder of the run."""

    reporter: Reporter
    """Of the run."""


def _planned_pieces(out: Path, config: GeneralistConfig, reporter: Reporter) -> PlannedPieces:
    """The scores with their plans, which are kept on file."""
    counts = ("patterns", "textures", "chorales", "accompaniments")
    origin = {name: getattr(config, name) for name in (*counts, "seed")}

    def plan() -> PlannedPieces:
        reporter.begin("planning", sum(origin[name] for name in counts))
        return plan_pieces(_reported(training_scores(config), reporter))

    return load_or_plan_pieces(out / "pieces", origin, plan)


def _reported(
    scores: Iterator[tuple[str, Score]], reporter: Reporter
) -> Iterator[tuple[str, Score]]:
    for name, score in scores:
        yield name, score
        reporter.advance(name)


def _train(
    pieces: PlannedPieces,
    space: LatentSpace,
    begin: tuple[HighLevelNetwork, Origin] | None,
    env_config: PianoConfig,
    run: _Stages,
) -> HighLevelNetwork:
    """The network after both stages."""
    config = run.config
    identity: dict[str, Any] = {
        "seed": config.seed,
        "skill": str(space.info.get("model_sha256")),
        "pieces": len(pieces.hands[0].names),
        **describe_backend(env_config.backend),
    }
    if begin is not None:
        identity[START] = begin[1]["weights_sha256"]
    log = RunLog(run.out / METRICS, run.reporter)
    static_env = StaticPianoEnv(pieces, space, env_config, seed=config.seed)
    if begin is None:
        network = new_high_level_network(space, config.cloning.hidden, seed=config.seed)
        cloning = HighLevelTraining(
            static_env,
            network,
            _stage_config(config.cloning, network, config.seed),
            run.out / "cloning",
            identity=identity,
            fit_normalisation=True,
            static_env=None,
        )
        run_stage(cloning, "cloning", log)
        network = cloning.policy
    else:
        network, _ = begin
    bad_states = run.out / "bad_states"
    env = PianoEnv(pieces, space, env_config, seed=config.seed, bad_states=bad_states)
    dagger = HighLevelTraining(
        env,
        network,
        _stage_config(config.dagger, network, config.seed),
        run.out / "dagger",
        identity=identity,
        fit_normalisation=False,
        static_env=static_env,
    )
    run_stage(dagger, "dagger", log)
    return dagger.policy


def _stage_config(config: HighLevelConfig, network: HighLevelNetwork, seed: int) -> HighLevelConfig:
    return replace(config, seed=seed, hidden=network.sizes[1:-1])


def _settings(config: GeneralistConfig) -> dict[str, Any]:
    """The configuration as JSON, but for what depends on this machine."""
    settings: dict[str, Any] = json.loads(json.dumps(asdict(config), default=str))
    del settings["backend"]
    return settings
