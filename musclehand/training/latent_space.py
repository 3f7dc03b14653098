"""Training of a latent space: a tracking policy distilled into encoder, prior and decoder.

The latent policy is a conditional variational autoencoder that acts (`learning.vae`), after Peng et
al. 2022 (ASE) and Luo et al. 2024 (PULSE). It is first distilled from a tracking policy by DAgger
(`learning.latent_distill`), then improved by analytic policy gradients with the disturbances of
`training.tracking`.

    run = latent("corpus", out="runs/latent", policy="runs/track/policy/tracking.json")
    run.space.policy

A run can be killed at any moment; the same call resumes it and ends with the same bits. Its folder
holds `metrics.csv`, `distillation/` and `apg/` with checkpoints, `planned/`, the latent policy in
`policy/`, and of held-out clips `sequences.csv` (how each is followed by the policy and through the
latent space, the worst first) and `latent.json` (means, and what latent actions drawn from the
prior do).
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import torch

from musclehand.core.atomic import write_file
from musclehand.envs.reference import ReferenceSet
from musclehand.envs.tracking.env import TrackingConfig, TrackingEnv
from musclehand.envs.tracking.observation import decoder_mask
from musclehand.learning.latent_apg import LatentApgConfig, LatentApgTraining
from musclehand.learning.latent_distill import LatentDistillConfig, LatentDistillTraining
from musclehand.learning.vae import LatentPolicy
from musclehand.motion.dataset import MotionCorpus, open_corpus
from musclehand.policies.fingerprint import identity_of
from musclehand.policies.latent import LatentSpace, load_latent_space, save_latent_space
from musclehand.policies.start import START, Origin, start_latent_policy
from musclehand.policies.tracking import TrackingPolicy, load_tracking_policy
from musclehand.sim.backend_choice import BackendChoice, resolve_backend
from musclehand.training.latent_evaluation import (
    compare_sequences,
    held_out_clips,
    sample_prior,
)
from musclehand.training.references import training_references
from musclehand.training.reporter import Reporter, SilentReporter
from musclehand.training.run_log import METRICS, RunLog, csv_text, read_metrics
from musclehand.training.stages import run_stage
from musclehand.training.tracking import TRAINING_DISTURBANCE

__all__ = ["LatentRun", "LatentRunConfig", "latent"]

SEQUENCES = "sequences.csv"
"""Name of the file of held-out clips in the folder of a run."""

FIGURES = "latent.json"
"""Name of the file of means in the folder of a run."""


@dataclass(frozen=True)
class LatentRunConfig:
    """How to distil a tracking policy into a latent space."""

    envs: int = 64
    """Hands that are simulated at a time."""

    backend: BackendChoice = "auto"
    """What simulates: the processor, or MuJoCo Warp on a GPU; auto is Warp where it is installed
    and finds a GPU."""

    scores: int = 160
    """Generated scores whose plans are followed beside the corpus, if the policy knows keys."""

    clips: int = 24
    """Held-out clips on which policy and latent space are compared."""

    distillation: LatentDistillConfig = field(default_factory=LatentDistillConfig)
    """The distillation; its seed is that of the run."""

    apg: LatentApgConfig = field(default_factory=LatentApgConfig)
    """Reinforcement by analytic policy gradients, after that."""


@dataclass(frozen=True)
class LatentRun:
    """A finished training of a latent space."""

    folder: Path
    """Folder of the run."""

    space: LatentSpace
    """The trained latent space."""

    space_path: Path
    """File of the latent space, for `load_latent_space` and `musclehand train generalist`."""

    figures: Mapping[str, Any]
    """What `latent.json` holds: fingertip errors [mm] of the policy and through the latent space,
    their ratio, and what samples of the prior do."""

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """The rows of `metrics.csv`, one for each iteration."""
        return read_metrics(self.folder / METRICS)


def latent(
    corpus: MotionCorpus | str | PathLike[str],
    out: str | PathLike[str] = "runs/latent",
    config: LatentRunConfig | None = None,
    *,
    policy: TrackingPolicy | str | PathLike[str] | None = None,
    start: LatentSpace | str | PathLike[str] | None = None,
    reporter: Reporter | None = None,
) -> LatentRun:
    """Distils a tracking policy into a latent space and compares the two on held-out clips.

    Args:
        corpus: a corpus of motion, or its folder (`musclehand corpus`).
        out: folder of the run; a run that is there is resumed.
        config: how to train.
        policy: a tracking policy, or its JSON file; the bundled one by default.
        start: a latent space to continue from, its JSON file, or that of a high-level policy; it
            may be for another hand with the same muscles. It takes the place of the distillation.
        reporter: notified of stages and iterations.

    Raises:
        CheckpointError: the folder holds a run with another configuration.
        CorpusError: there is no usable corpus.
        FileError: the policy was made for another hand or observation.
        InvalidValue: the configuration cannot be, or the corpus has no held-out clip.
        OutputError: the folder cannot be written to.
    """
    torch.set_num_threads(1)
    reporter = reporter or SilentReporter()
    config = config or LatentRunConfig()
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    begin = time.perf_counter()
    teacher = policy if isinstance(policy, TrackingPolicy) else load_tracking_policy(policy)
    if not isinstance(corpus, MotionCorpus):
        corpus = open_corpus(corpus)
    clips = held_out_clips(corpus, config.clips)
    # Before all scores are planned: a file that does not fit would be found out after that.
    started = None if start is None else start_latent_policy(start, teacher)
    try:
        student, path = _train(corpus, teacher, started, _Run(out, config, reporter))
        reporter.message(f"compares policy and latent space on {len(clips)} clips")
        sequences = compare_sequences(student, teacher.policy.act, clips, teacher.config)
    finally:
        reporter.close()
    write_file(out / SEQUENCES, csv_text(sequences.rows))
    figures = sequences.figures() | sample_prior(student, clips, teacher.config)
    figures |= {"minutes": (time.perf_counter() - begin) / 60}
    write_file(out / FIGURES, json.dumps(figures, indent=1))
    return LatentRun(out, load_latent_space(path), path, figures)


class _Run(NamedTuple):
    """What both stages of a run share."""

    out: Path
    """Folder of the run."""

    config: LatentRunConfig
    """Of the run."""

    reporter: Reporter
    """Of the run."""


def _train(
    corpus: MotionCorpus,
    teacher: TrackingPolicy,
    started: tuple[LatentPolicy, Origin] | None,
    run: _Run,
) -> tuple[LatentPolicy, Path]:
    """The trained latent policy and its file."""
    config = run.config
    backend = resolve_backend(config.backend)
    env_config = replace(teacher.config, num_envs=config.envs, backend=backend)
    references = training_references(
        corpus,
        run.out / "planned",
        scores=config.scores if env_config.keys else 0,
        seed=config.distillation.seed,
        sim_steps=env_config.sim_steps,
        reporter=run.reporter,
    )
    log = RunLog(run.out / METRICS, run.reporter)
    env = TrackingEnv(references, env_config, bad_states=run.out / "bad_states")
    settings = json.loads(json.dumps(asdict(config.distillation)))
    info = {"stage": "latent", "policy": dict(teacher.info)}
    if started is None:
        distillation = LatentDistillTraining(
            env,
            teacher.policy,
            decoder_mask(env.table),
            config.distillation,
            run.out / "distillation",
            identity=identity_of(env),
        )
        run_stage(distillation, "distillation", log)
        student = distillation.policy
        begun = {"distilled": settings}
        info |= {"config": settings}
    else:
        student, origin = started
        begun = {START: origin["weights_sha256"]}
        info |= {START: origin}
    student = _reinforce(student, references, env_config, begun, run, log)
    return student, save_latent_space(run.out / "policy", student, env, info)


def _reinforce(
    student: LatentPolicy,
    references: ReferenceSet,
    env_config: TrackingConfig,
    begun: Mapping[str, Any],
    run: _Run,
    log: RunLog,
) -> LatentPolicy:
    """The latent policy after reinforcement; `begun` says what it begins with."""
    config = run.config
    if config.apg.iterations == 0:
        return student
    disturbed = replace(env_config, disturbance=TRAINING_DISTURBANCE)
    env = TrackingEnv(references, disturbed, bad_states=run.out / "bad_states")
    identity: dict[str, Any] = {**identity_of(env), **begun}
    training = LatentApgTraining(env, student, config.apg, run.out / "apg", identity=identity)
    run_stage(training, "apg", log)
    return training.policy
