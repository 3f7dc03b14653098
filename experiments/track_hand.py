"""Trains the policy that follows motion: a warm start from computed muscle control, then
reinforcement past it.

    musclehand corpus corpus --hours 1
    python experiments/track_hand.py corpus
    python experiments/track_hand.py corpus --warm.iterations 3 --slope.iterations 0 --envs 16 --out runs/try

Learns from the clips of a corpus and from what the player plans for scores by pattern, over a piece
of a keyboard. The warm start is in an undisturbed world; reinforcement, by the slope of the reward
(`learning.apg`) or, with `--ppo.iterations`, by PPO, is where hands are pushed, muscles weak and
keys heavy.

Killed at any moment, the same command goes on and ends with the same bits. In the folder `--out`:
`config.json`, `metrics.csv` (a line each iteration), `warm/`, `slope/` and `ppo/` with checkpoints,
`planned/`, `policy/`, and `scores.json`, how clips that were not learnt from are followed. `--cold`
leaves out the warm start.

    python experiments/track_hand.py corpus --seeds 0 1 2 --ray                   # three trainings, side by side
    python experiments/track_hand.py corpus --shards 4 --ray head:6379            # one, simulated by four machines

`--seeds` trains once with each, in `seed_N`, and tells mean and interval; `--shards` shares the
hands out. Both are done here, or with `--ray` (`pip install 'musclehand[ray]'`) by the cluster at
an address or else by all cores of this machine, to the same bits; the folders, and this repository,
have to be where all machines see them.
"""

from __future__ import annotations

import csv
import io
import json
import time
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from eval_tracking import score_table
from musclehand.core.checkpoint import load_latest
from musclehand.core.errors import InvalidValue, MusclehandError
from musclehand.envs.demonstrations.planned_motion import (
    load_references,
    plan_references,
    policy_config,
    save_references,
)
from musclehand.envs.reference import ReferenceSet, build_references, join
from musclehand.envs.tracking.body import TrackingBody
from musclehand.envs.tracking.disturbance import DisturbanceConfig
from musclehand.envs.tracking.env import TrackingConfig, TrackingEnv
from musclehand.envs.tracking.evaluation import evaluate
from musclehand.learning.apg import ApgConfig, ApgProgress, ApgTraining
from musclehand.learning.dagger import DaggerConfig, DaggerTraining
from musclehand.learning.policy import Policy
from musclehand.learning.ppo import PpoConfig, PpoProgress, PpoTraining
from musclehand.learning.shards import ShardedEnv
from musclehand.motion.dataset import MotionCorpus, open_corpus, split_of
from musclehand.music.generate.patterns import pattern_scores
from musclehand.policies.tracking import identity_of, save_tracking_policy
from musclehand.sim.backend_choice import BackendChoice, BackendName, resolve_backend
from musclehand.sim.scene import SIM_DT
from scale_out import hands, train_seeds
from whole_files import write_whole

TAKES = 1_000_000
"""Between the seeds of two takes."""

PLAN_SEED = 1000
"""Of the scores that are planned, with the run's seed added: others than a corpus of the same
seed has."""

ROUGH = DisturbanceConfig(
    strength=(0.8, 1.2),
    weak_muscles=1,
    push=3.0,
    push_rate=1.0,
    motor_noise=0.05,
    key_weight=(0.8, 1.4),
)
"""What reinforcement learns to live with."""


@dataclass(frozen=True)
class Args:
    """What to learn from, and how long."""

    corpus: tyro.conf.Positional[Path]
    """folder of a corpus (musclehand corpus)"""
    out: Path = Path("runs/track_hand")
    """folder of the run; one that is there is gone on with"""
    envs: int = 64
    """hands at a time"""
    threads: int = 1
    """for the simulation; learning has one, which is faster on small machines"""
    backend: BackendChoice = "auto"
    """what simulates: the processor, or MuJoCo Warp on a GPU; auto is Warp where that and a GPU
    are there"""
    sim_steps: int = 4
    """of 2 ms in a step of the policy"""
    seed: int = 0
    """of all that is drawn"""
    take: int = 0
    """number of this run of reinforcement, of several from the same warm start"""
    seeds: tuple[int, ...] = ()
    """a training with each of them in place of `seed`"""
    shards: int = 1
    """that the hands of one training are shared out to"""
    ray: tuple[str, ...] | None = None
    """trainings or shards on a Ray cluster: its address, or nothing for this machine's cores"""
    cold: bool = False
    """no warm start"""
    smooth: bool = False
    """no disturbances in reinforcement"""
    keys: bool = True
    """over keys, not in the air"""
    scores: int = 160
    """by pattern, planned to be followed beside the corpus; only with keys"""
    delay: float = 0.0
    """of the senses, at most, in two of five episodes [s]; the policy is told, and needs to see
    its `past`"""
    past: int = 0
    """of its last excitations that the policy is shown; 3 for senses that are late, else none is
    steadier"""
    warm: DaggerConfig = field(default_factory=DaggerConfig)
    slope: ApgConfig = field(default_factory=ApgConfig)
    ppo: PpoConfig = field(default_factory=lambda: PpoConfig(iterations=0))


class RunLog:
    """`metrics.csv` and a line of progress. Rows of iterations that are done over are replaced."""

    def __init__(self, path: Path, total: int, console: Console) -> None:
        """`total` iterations."""
        self._path = path
        self._console = console
        self._rows: list[dict[str, Any]] = []
        if path.exists():
            with open(path, newline="") as file:
                self._rows = list(csv.DictReader(file))
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
        )
        self._task = self._bar.add_task("", total=total)
        self._clock = time.perf_counter()

    def __enter__(self) -> RunLog:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def begin(self, stage: str, done: int) -> None:
        """A stage in which so many iterations are done already."""
        self._rows = [
            row for row in self._rows if row["stage"] != stage or int(row["iteration"]) < done
        ]
        self._bar.advance(self._task, done)
        self._clock = time.perf_counter()

    def tell(self, stage: str, iteration: int, steps: int, numbers: dict[str, float]) -> None:
        """An iteration of `steps` steps in all environments."""
        now = time.perf_counter()
        took = now - self._clock
        self._clock = now
        rate = steps / took
        self._rows.append(
            {"stage": stage, "iteration": iteration, "seconds": took, "steps_s": rate, **numbers}
        )
        names = list(dict.fromkeys(name for row in self._rows for name in row))
        text = io.StringIO()
        writer = csv.DictWriter(text, names)
        writer.writeheader()
        writer.writerows(self._rows)
        write_whole(self._path, text.getvalue())
        tip = numbers.get("tip_error")
        error = "" if tip is None else f", fingertips {1e3 * tip:.2f} mm"
        self._bar.update(
            self._task,
            advance=1,
            description=f"{stage} {iteration + 1}: {rate:.0f} hand steps/s{error}",
        )


def main(args: Args, console: Console | None = None) -> None:
    """Trains, evaluates and writes the policy; with each seed, if there are several."""
    torch.set_num_threads(1)
    console = console or Console()
    args = replace(args, backend=backend_of(args))
    if args.seeds:
        stages = {"warm": 0 if args.cold else args.warm.iterations}
        totals = stages | {"slope": args.slope.iterations, "ppo": args.ppo.iterations}
        train_seeds(main, args, totals, console)
        return
    args.out.mkdir(parents=True, exist_ok=True)
    write_whole(args.out / "config.json", json.dumps(asdict(args), indent=1, default=str))
    corpus = open_corpus(args.corpus)
    config = config_of(args)
    bad_states = args.out / "bad_states"
    # Where the hands are shared out, this one only says what they are.
    here = config if args.shards == 1 else replace(config, num_envs=1)
    references = references_of(
        corpus,
        args.out / "planned",
        scores=args.scores if args.keys else 0,
        seed=args.seed,
        sim_steps=args.sim_steps,
        console=console,
    )
    env = TrackingEnv(references, here, seed=args.seed, bad_states=bad_states)
    known = (
        identity_of(env) | {"seed": args.seed} | ({} if here is config else {"shards": args.shards})
    )
    place = partial(
        hands, env, seed=args.seed, shards=args.shards, ray=args.ray, bad_states=bad_states
    )
    console.print(
        f"{len(env.references.names)} clips, {env.references.frames * env.step_dt / 60:.1f} min to learn from"
    )
    total = 0 if args.cold else args.warm.iterations
    with place(config) as pupils, RunLog(args.out / "metrics.csv", total, console) as log:
        policy = warm_start(pupils, args, known, log)
    senses = late(args)
    disturbance = (
        senses if args.smooth else replace(ROUGH, delay=senses.delay, late_share=senses.late_share)
    )
    rough = replace(config, disturbance=disturbance)
    known |= {"take": args.take, "disturbance": json.loads(json.dumps(asdict(disturbance)))}
    for stage, settings in (("slope", args.slope), ("ppo", args.ppo)):
        if settings.iterations > 0:
            with (
                place(rough) as pupils,
                RunLog(args.out / "metrics.csv", settings.iterations, console) as log,
            ):
                policy = reinforce(stage, pupils, policy, args, known, log)
    stage = next((name for name in ("ppo", "slope") if getattr(args, name).iterations > 0), "warm")
    told = {
        "stage": stage,
        "corpus": dict(corpus.index.plan),
        # Where things lay on this machine is nobody's business.
        "config": {
            name: value
            for name, value in json.loads(json.dumps(asdict(args), default=str)).items()
            if name not in ("corpus", "out", "ray", "backend")
        },
    }
    save_tracking_policy(args.out / "policy", policy, env, told)
    clips = list(corpus.clips("validation"))
    quiet = replace(config, num_envs=1, disturbance=DisturbanceConfig())
    scores = evaluate(clips, lambda seen, _: policy.act(seen), quiet)
    write_whole(
        args.out / "scores.json", json.dumps([score._asdict() for score in scores], indent=1)
    )
    console.print(score_table("validation clips", scores))


def references_of(
    corpus: MotionCorpus, folder: Path, *, scores: int, seed: int, sim_steps: int, console: Console
) -> ReferenceSet:
    """What is to be followed: the corpus's clips, and plans of scores by pattern, which are kept
    in a folder."""
    muscles = TrackingBody(1).muscles
    clips = build_references(corpus.clips("train"), dt=sim_steps * SIM_DT, muscles=muscles)
    if not scores:
        return clips
    known = {"scores": scores, "seed": seed, "sim_steps": sim_steps}
    if load_latest(folder) is None:
        made = islice(
            (one for one in pattern_scores(PLAN_SEED + seed) if split_of(one.pattern) == "train"),
            scores,
        )
        with Progress(
            TextColumn("plans scores"), BarColumn(), TimeRemainingColumn(), console=console
        ) as bar:
            told = bar.track(made, total=scores)
            config = replace(policy_config(), sim_steps=sim_steps)
            save_references(folder, plan_references(told, config=config), known)
    return join([clips, load_references(folder, known)])


def config_of(args: Args) -> TrackingConfig:
    """The environment of the warm start; the backend is one that was chosen."""
    return TrackingConfig(
        num_envs=args.envs,
        num_threads=args.threads,
        backend=args.backend,
        sim_steps=args.sim_steps,
        past=args.past,
        keys=args.keys,
        disturbance=late(args),
    )


def backend_of(args: Args) -> BackendName:
    """What simulates. Machines of a cluster are not asked whether they have a GPU.

    Raises:
        InvalidValue: Warp is asked for on a cluster.
        MissingWarp: it is asked for and not installed.
    """
    if args.ray is None:
        return resolve_backend(args.backend)
    if args.backend == "warp":
        raise InvalidValue("backend", args.backend, "auto or cpu, with --ray")
    return "cpu"


def late(args: Args) -> DisturbanceConfig:
    """A world that is as it should be, but for senses that may be late; the teacher is always
    told in time."""
    return DisturbanceConfig(delay=(min(0.008, args.delay), args.delay), late_share=0.4)


def warm_start(
    env: TrackingEnv | ShardedEnv, args: Args, known: dict[str, Any], log: RunLog
) -> Policy:
    """What the teacher has taught."""
    if args.cold:
        policy = Policy(env.num_observations, env.num_actions, args.warm.hidden, seed=args.seed)
        policy.normalise_by(np.concatenate([env.reset(seed=row) for row in range(20)]))
        return policy
    run = DaggerTraining(env, replace(args.warm, seed=args.seed), args.out / "warm", known=known)
    log.begin("warm", run.done)
    steps = args.warm.steps * env.num_envs
    return run.run(
        lambda told: log.tell(
            "warm",
            told.iteration,
            steps,
            {"loss": told.loss, "labels": told.labels, **(told.terms or {})},
        )
    )


def reinforce(
    stage: str,
    env: TrackingEnv | ShardedEnv,
    policy: Policy,
    args: Args,
    known: dict[str, Any],
    log: RunLog,
) -> Policy:
    """What reward has taught after that."""
    seed = args.seed + TAKES * args.take
    run: ApgTraining | PpoTraining
    if stage == "slope":
        run = ApgTraining(
            env, policy, replace(args.slope, seed=seed), args.out / stage, known=known
        )
    else:
        run = PpoTraining(env, policy, replace(args.ppo, seed=seed), args.out / stage, known=known)
    log.begin(stage, run.done)

    def tell(told: ApgProgress | PpoProgress) -> None:
        more = told._asdict()
        numbers: dict[str, float] = {
            name: more[name] for name in ("reward", "failures", "noise", "slope") if name in more
        }
        losses = {f"loss_{name}": value for name, value in more.get("losses", {}).items()}
        log.tell(
            stage,
            told.iteration,
            run.config.steps * env.num_envs,
            {**numbers, **told.terms, **losses},
        )

    return run.run(tell)


if __name__ == "__main__":
    try:
        main(tyro.cli(Args, description=__doc__))
    except (MusclehandError, OSError) as error:
        raise SystemExit(str(error)) from None
