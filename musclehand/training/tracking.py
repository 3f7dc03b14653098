"""Training of a tracking policy: DAgger from computed muscle control, then reinforcement learning.

The warm start (DAgger, Ross, Gordon & Bagnell 2011, AISTATS) imitates computed muscle control in an
undisturbed world. Reinforcement continues from there with pushed hands, weak muscles, motor noise
and heavy keys: by analytic policy gradients (`learning.apg`), or by PPO.

    run = track("corpus", out="runs/track")
    run.policy.act(observation, env), run.scores[0].tip_mean

For a hand that was edited, reinforcement can begin with a policy for the hand as it was before
(`policies.start`), which takes the place of the warm start:

    run = track("corpus", out="runs/edited", start="tracking")

A run can be killed at any moment; the same call resumes it and ends with the same bits. Its folder
holds `config.json`, `metrics.csv` (a row for each iteration), `dagger/`, `apg/` and `ppo/` with
checkpoints, `planned/`, the policy in `policy/`, and `scores.json` with the errors on held-out
clips.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from musclehand.core.atomic import write_file
from musclehand.core.errors import InvalidValue
from musclehand.envs.tracking.disturbance import DisturbanceConfig
from musclehand.envs.tracking.env import TrackingConfig, TrackingEnv
from musclehand.envs.tracking.evaluation import ClipScore, evaluate
from musclehand.learning.apg import ApgConfig, ApgTraining
from musclehand.learning.dagger import DaggerConfig, DaggerTraining
from musclehand.learning.policy import Policy
from musclehand.learning.ppo import PpoConfig, PpoTraining
from musclehand.learning.shards import ShardedEnv
from musclehand.motion.dataset import MotionCorpus, open_corpus
from musclehand.policies.fingerprint import identity_of
from musclehand.policies.start import START, StartedPolicy, start_tracking_policy
from musclehand.policies.tracking import TrackingPolicy, load_tracking_policy, save_tracking_policy
from musclehand.sim.backend_choice import BackendChoice, BackendName, resolve_backend
from musclehand.training.placement import place_env
from musclehand.training.references import training_references
from musclehand.training.reporter import Reporter, SilentReporter
from musclehand.training.run_log import METRICS, RunLog, read_metrics
from musclehand.training.stages import run_stage

__all__ = ["TRAINING_DISTURBANCE", "TrackConfig", "TrackingRun", "track"]

SCORES = "scores.json"
"""Name of the file of held-out clips' scores in the folder of a run."""

TAKE_STRIDE = 1_000_000
"""Distance of the seeds of two takes of reinforcement."""

MAX_COUNT = 1_000_000
"""Largest number of hands, shards, scores and the like that a configuration may ask for."""

SHORT_DELAY = 0.008
"""[s] Shortest sensory delay of an episode that has one: a step of the policy at 125 Hz."""

DELAYED_SHARE = 0.4
"""Share of episodes with sensory delay; in the others the policy is to do as well as ever."""

TRAINING_DISTURBANCE = DisturbanceConfig(
    strength=(0.8, 1.2),
    weak_muscles=1,
    push=3.0,
    push_rate=1.0,
    motor_noise=0.05,
    key_weight=(0.8, 1.4),
)
"""Domain randomisation of reinforcement. Chosen."""


@dataclass(frozen=True)
class TrackConfig:
    """How to train a tracking policy. The defaults take twenty minutes on two cores."""

    envs: int = 64
    """Hands that are simulated at a time."""

    threads: int = 1
    """Threads of the simulation. Learning has one, which is faster on small machines."""

    backend: BackendChoice = "auto"
    """What simulates: the processor, or MuJoCo Warp on a GPU; auto is Warp where it is installed
    and finds a GPU."""

    sim_steps: int = 4
    """Simulation steps of 2 ms in a step of the policy; 4 makes 125 Hz."""

    seed: int = 0
    """Seed of everything that is drawn."""

    take: int = 0
    """Number of this run of reinforcement, if several start from the same warm start."""

    shards: int = 1
    """Number of shards that the hands of one training are divided into."""

    ray: tuple[str, ...] | None = None
    """Run shards or seeds on a Ray cluster: its address, or nothing for this machine's cores."""

    cold: bool = False
    """Leave out the warm start."""

    undisturbed: bool = False
    """Leave out the disturbances of reinforcement."""

    keys: bool = True
    """Train over a keyboard instead of in the air."""

    scores: int = 160
    """Generated scores whose plans are followed beside the corpus; only with keys."""

    sensory_delay: float = 0.0
    """[s] Longest delay of all senses, in two of five episodes. The policy observes the delay;
    it needs an action history to make up for it."""

    action_history: int = 0
    """Number of last excitations that the policy observes: 3 for delayed senses, else 0, which is
    steadier."""

    dagger: DaggerConfig = field(default_factory=DaggerConfig)
    """The warm start; its seed is that of the run."""

    apg: ApgConfig = field(default_factory=ApgConfig)
    """Reinforcement by analytic policy gradients; its seed is that of the run."""

    ppo: PpoConfig = field(default_factory=lambda: PpoConfig(iterations=0))
    """Reinforcement by PPO, after that; off by default. Its seed is that of the run."""

    def __post_init__(self) -> None:
        for name, least in (("envs", 1), ("shards", 1), ("scores", 0), ("seed", 0), ("take", 0)):
            if not least <= getattr(self, name) <= MAX_COUNT:
                raise InvalidValue(name, getattr(self, name), f"{least} to {MAX_COUNT:,}")
        for stage in ("dagger", "apg", "ppo"):
            stage_seed = getattr(self, stage).seed
            if stage_seed not in (0, self.seed):
                legal = "left out: the seed of the run is that of all its stages"
                raise InvalidValue(f"{stage}.seed", stage_seed, legal)


@dataclass(frozen=True)
class TrackingRun:
    """A finished training of a tracking policy."""

    folder: Path
    """Folder of the run."""

    policy: TrackingPolicy
    """The trained policy."""

    policy_path: Path
    """File of the policy, for `load_tracking_policy` and `musclehand track --policy`."""

    scores: tuple[ClipScore, ...]
    """How each clip of the corpus' validation split is followed, without disturbances."""

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """The rows of `metrics.csv`, one for each iteration."""
        return read_metrics(self.folder / METRICS)


def track(
    corpus: MotionCorpus | str | PathLike[str],
    out: str | PathLike[str] = "runs/track",
    config: TrackConfig | None = None,
    *,
    start: TrackingPolicy | str | PathLike[str] | None = None,
    reporter: Reporter | None = None,
) -> TrackingRun:
    """Trains a policy that follows reference motion.

    Args:
        corpus: a corpus of motion, or its folder (`musclehand corpus`).
        out: folder of the run; a run that is there is resumed.
        config: how to train.
        start: a tracking policy to continue from, its JSON file, or the name of a bundled one; it
            may be for another hand with the same muscles. It takes the place of the warm start.
        reporter: notified of stages, iterations and results.

    Raises:
        CheckpointError: the folder holds a run with another configuration.
        CorpusError: there is no usable corpus.
        FileError: training cannot begin with `start`, which has other muscles or another rate.
        InvalidValue: the configuration cannot be.
        MissingLearner: PPO needs `pip install 'musclehand[train]'`.
        OutputError: the folder cannot be written to.
        RayUnavailable: there is no such cluster.
    """
    torch.set_num_threads(1)
    reporter = reporter or SilentReporter()
    config = config or TrackConfig()
    config = replace(config, backend=resolve_run_backend(config))
    if not isinstance(corpus, MotionCorpus):
        corpus = open_corpus(corpus)
    # Before all scores are planned: a file that does not fit would be found out after that.
    started = None if start is None else start_tracking_policy(start, warm_start_env(config))
    try:
        return _track(corpus, Path(out), config, started, reporter)
    finally:
        reporter.close()


def _track(
    corpus: MotionCorpus,
    out: Path,
    config: TrackConfig,
    started: StartedPolicy | None,
    reporter: Reporter,
) -> TrackingRun:
    out.mkdir(parents=True, exist_ok=True)
    _write_config(out, corpus, config)
    env_config = warm_start_env(config)
    bad_states = out / "bad_states"
    # With shards, this environment is the pattern of theirs.
    pattern_config = env_config if config.shards == 1 else replace(env_config, num_envs=1)
    references = training_references(
        corpus,
        out / "planned",
        scores=config.scores if config.keys else 0,
        seed=config.seed,
        sim_steps=config.sim_steps,
        reporter=reporter,
    )
    pattern = TrackingEnv(references, pattern_config, seed=config.seed, bad_states=bad_states)
    identity: dict[str, Any] = identity_of(pattern) | {"seed": config.seed}
    if config.shards > 1:
        identity["shards"] = config.shards
    minutes = pattern.references.frames * pattern.step_dt / 60
    reporter.message(f"{len(pattern.references.names)} clips, {minutes:.1f} min to learn from")
    place = partial(
        place_env,
        pattern,
        seed=config.seed,
        shards=config.shards,
        ray=config.ray,
        bad_states=bad_states,
    )
    log = RunLog(out / METRICS, reporter)
    if started is not None:
        identity[START] = started.origin["weights_sha256"]
    with place(env_config) as env:
        policy = _first_policy(env, started, _Stages(config, out, identity, log))
    disturbance = reinforcement_disturbance(config)
    identity |= {"take": config.take, "disturbance": json.loads(json.dumps(asdict(disturbance)))}
    for stage in _reinforcement_stages(config):
        with place(replace(env_config, disturbance=disturbance)) as env:
            policy = _reinforce(stage, env, policy, _Stages(config, out, identity, log))
    info = _policy_info(corpus, config, started)
    path = save_tracking_policy(out / "policy", policy, pattern, info)
    scores = _judge(corpus, policy, replace(env_config, num_envs=1), reporter)
    write_file(out / SCORES, json.dumps([score._asdict() for score in scores], indent=1))
    return TrackingRun(out, load_tracking_policy(path), path, tuple(scores))


def _judge(
    corpus: MotionCorpus, policy: Policy, env_config: TrackingConfig, reporter: Reporter
) -> list[ClipScore]:
    """How the held-out clips are followed without disturbances; none if there are none."""
    clips = list(corpus.clips("validation"))
    if not clips:
        reporter.message(
            "The policy is not judged: the corpus has no clip in its validation split. More"
            " hours of the corpus would have some."
        )
        return []
    undisturbed = replace(env_config, disturbance=DisturbanceConfig())
    return evaluate(clips, lambda observation, _: policy.act(observation), undisturbed)


def stage_iterations(config: TrackConfig, *, started: bool = False) -> dict[str, int]:
    """Iterations of each stage, in order.

    Args:
        config: how to train.
        started: whether training begins with another policy.
    """
    warm_start = 0 if config.cold or started else config.dagger.iterations
    return {"dagger": warm_start, "apg": config.apg.iterations, "ppo": config.ppo.iterations}


def warm_start_env(config: TrackConfig) -> TrackingConfig:
    """The environment of the warm start; `config.backend` is resolved already."""
    return TrackingConfig(
        num_envs=config.envs,
        num_threads=config.threads,
        backend=config.backend,  # type: ignore[arg-type]
        sim_steps=config.sim_steps,
        action_history=config.action_history,
        keys=config.keys,
        disturbance=_sensory_delay(config),
    )


def reinforcement_disturbance(config: TrackConfig) -> DisturbanceConfig:
    """The disturbances of reinforcement."""
    delay = _sensory_delay(config)
    if config.undisturbed:
        return delay
    return replace(
        TRAINING_DISTURBANCE, delay=delay.delay, delay_probability=delay.delay_probability
    )


def resolve_run_backend(config: TrackConfig) -> BackendName:
    """What simulates on this machine. Machines of a cluster are not asked whether they have a GPU.

    Raises:
        InvalidValue: Warp is asked for on a cluster.
        MissingWarp: Warp is asked for and not installed.
    """
    if config.ray is None:
        return resolve_backend(config.backend)
    if config.backend == "warp":
        raise InvalidValue("backend", config.backend, "auto or cpu, with --ray")
    return "cpu"


def _sensory_delay(config: TrackConfig) -> DisturbanceConfig:
    """An undisturbed world but for sensory delay; the teacher's senses have none."""
    longest = config.sensory_delay
    return DisturbanceConfig(
        delay=(min(SHORT_DELAY, longest), longest), delay_probability=DELAYED_SHARE
    )


class _Stages(NamedTuple):
    """What all stages of a run share."""

    config: TrackConfig
    """Of the run."""

    out: Path
    """Folder of the run."""

    identity: dict[str, Any]
    """What checkpoints of the stage have to agree with."""

    log: RunLog
    """Of the run."""


def _first_policy(
    env: TrackingEnv | ShardedEnv, started: StartedPolicy | None, run: _Stages
) -> Policy:
    """The policy that reinforcement begins with."""
    config = run.config
    if started is not None:
        policy = started.policy
        policy.fit_normalisation(_first_observations(env), inputs=started.new_inputs)
        return policy
    if config.cold:
        hidden = config.dagger.hidden
        policy = Policy(env.num_observations, env.num_actions, hidden, seed=config.seed)
        policy.fit_normalisation(_first_observations(env))
        return policy
    dagger = replace(config.dagger, seed=config.seed)
    training = DaggerTraining(env, dagger, run.out / "dagger", identity=run.identity)
    return run_stage(training, "dagger", run.log)


def _first_observations(env: TrackingEnv | ShardedEnv) -> np.ndarray:
    """A sample of observations, by which inputs are normalised. Shape (n, num_observations)."""
    return np.concatenate([env.reset(seed=row) for row in range(20)])


def _reinforcement_stages(config: TrackConfig) -> list[str]:
    return [stage for stage in ("apg", "ppo") if stage_iterations(config)[stage] > 0]


def _reinforce(stage: str, env: TrackingEnv | ShardedEnv, policy: Policy, run: _Stages) -> Policy:
    config = run.config
    folder = run.out / stage
    seed = config.seed + TAKE_STRIDE * config.take
    training: ApgTraining | PpoTraining
    if stage == "apg":
        apg = replace(config.apg, seed=seed)
        training = ApgTraining(env, policy, apg, folder, identity=run.identity)
    else:
        ppo = replace(config.ppo, seed=seed)
        training = PpoTraining(env, policy, ppo, folder, identity=run.identity)
    return run_stage(training, stage, run.log)


def _write_config(out: Path, corpus: MotionCorpus, config: TrackConfig) -> None:
    content = {"corpus": str(corpus.folder), "out": str(out), **asdict(config)}
    write_file(out / "config.json", json.dumps(content, indent=1, default=str))


def _policy_info(
    corpus: MotionCorpus, config: TrackConfig, started: StartedPolicy | None
) -> dict[str, Any]:
    """What the file of the policy says of its training, but for where things were on this
    machine."""
    settings = json.loads(json.dumps(asdict(config), default=str))
    for name in ("ray", "backend"):
        del settings[name]
    stages = ["dagger" if started is None else START, *_reinforcement_stages(config)]
    info = {"stage": stages[-1], "corpus": dict(corpus.index.plan), "config": settings}
    return info if started is None else {**info, START: started.origin}
