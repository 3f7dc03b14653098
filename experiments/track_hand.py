"""Trains the policy that follows motion: warm start from computed muscle control, then PPO where that is weak.

    musclehand corpus corpus --hours 1
    python experiments/track_hand.py corpus
    python experiments/track_hand.py corpus --warm.iterations 3 --ppo.iterations 0 --envs 16 --out runs/try

Killed at any moment, the same command goes on and ends with the same bits. In the folder `--out`: `config.json`,
`metrics.csv` (a line each iteration), `warm/` and `ppo/` with checkpoints, `policy/`, and `scores.json`, how clips that
were not learnt from are followed. `--cold` leaves out the warm start.
"""

from __future__ import annotations

import csv
import json
import math
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from eval_tracking import score_table
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from musclehand.core.errors import MusclehandError
from musclehand.envs.disturbance import DisturbanceConfig
from musclehand.envs.evaluation import evaluate
from musclehand.envs.tracking import TrackingConfig, TrackingEnv
from musclehand.learning.distill import Distillation, DistillConfig
from musclehand.learning.policy import Policy
from musclehand.learning.reinforce import PpoConfig, Reinforcement
from musclehand.motion.dataset import open_corpus
from musclehand.sim.scene import SIM_DT
from musclehand.tracking_policy import identity_of, save_tracking_policy

ROUGH = DisturbanceConfig(
    strength=(0.8, 1.2), weak_muscles=1, push=3.0, push_rate=1.0, motor_noise=0.1, angle_noise=0.005, delay=0.0
)
"""What PPO learns to live with."""


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
    sim_steps: int = 4
    """of 2 ms in a step of the policy"""
    seed: int = 0
    """of all that is drawn"""
    cold: bool = False
    """no warm start"""
    smooth: bool = False
    """no disturbances in PPO"""
    delay: float = 0.0
    """of the senses [s]; a policy is then shown its last excitations"""
    warm: DistillConfig = field(default_factory=DistillConfig)
    ppo: PpoConfig = field(default_factory=PpoConfig)


class RunLog:
    """`metrics.csv` and a line of progress. Rows of iterations that are done over are replaced."""

    def __init__(self, path: Path, total: int, console: Console) -> None:
        """`total` iterations."""
        self._path, self._console = path, console
        self._rows: list[dict[str, Any]] = []
        if path.exists():
            with open(path, newline="") as file:
                self._rows = list(csv.DictReader(file))
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn(), console=console
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
        self._rows = [row for row in self._rows if row["stage"] != stage or int(row["iteration"]) < done]
        self._bar.advance(self._task, done)
        self._clock = time.perf_counter()

    def tell(self, stage: str, iteration: int, steps: int, numbers: dict[str, float]) -> None:
        """An iteration of `steps` steps in all environments."""
        now = time.perf_counter()
        took, self._clock = now - self._clock, now
        rate = steps / took
        self._rows.append({"stage": stage, "iteration": iteration, "seconds": took, "steps_s": rate, **numbers})
        names = list(dict.fromkeys(name for row in self._rows for name in row))
        part = self._path.with_name(f".{self._path.name}.part")
        with open(part, "w", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(self._rows)
        part.replace(self._path)
        tip = numbers.get("tip_error")
        error = "" if tip is None else f", fingertips {1e3 * tip:.2f} mm"
        self._bar.update(self._task, advance=1, description=f"{stage} {iteration + 1}: {rate:.0f} hand steps/s{error}")


def main(args: Args) -> None:
    """Trains, evaluates and writes the policy."""
    torch.set_num_threads(1)
    console = Console()
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "config.json").write_text(json.dumps(asdict(args), indent=1, default=str))
    corpus = open_corpus(args.corpus)
    config = config_of(args)
    env = TrackingEnv(corpus.clips("train"), config, seed=args.seed, bad_states=args.out / "bad_states")
    known = identity_of(env) | {"seed": args.seed}
    console.print(
        f"{len(env.references.names)} clips, {env.references.frames * env.step_dt / 60:.1f} min to learn from"
    )
    with RunLog(args.out / "metrics.csv", 0 if args.cold else args.warm.iterations, console) as log:
        policy = warm_start(env, args, known, log)
    if args.ppo.iterations > 0:
        rough = replace(DisturbanceConfig() if args.smooth else ROUGH, delay=args.delay)
        rough_env = TrackingEnv(env.references, replace(config, disturbance=rough), bad_states=args.out / "bad_states")
        with RunLog(args.out / "metrics.csv", args.ppo.iterations, console) as log:
            policy = reinforce(rough_env, policy, args, known, log)
    told = {"corpus": dict(corpus.index.plan), "config": json.loads(json.dumps(asdict(args), default=str))}
    save_tracking_policy(args.out / "policy", policy, env, told)
    clips = list(corpus.clips("validation"))
    scores = evaluate(clips, lambda seen, _: policy.act(seen), replace(config, num_envs=1))
    (args.out / "scores.json").write_text(json.dumps([score._asdict() for score in scores], indent=1))
    console.print(score_table("validation clips", scores))


def config_of(args: Args) -> TrackingConfig:
    """The environment of the warm start."""
    past = math.ceil(args.delay / (args.sim_steps * SIM_DT))
    return TrackingConfig(
        num_envs=args.envs,
        num_threads=args.threads,
        sim_steps=args.sim_steps,
        past=past,
        disturbance=DisturbanceConfig(delay=args.delay),
    )


def warm_start(env: TrackingEnv, args: Args, known: dict[str, Any], log: RunLog) -> Policy:
    """What the teacher has taught."""
    if args.cold:
        policy = Policy(env.num_observations, env.num_actions, args.warm.hidden, seed=args.seed)
        policy.normalise_by(np.concatenate([env.reset(seed=row) for row in range(20)]))
        return policy
    run = Distillation(env, replace(args.warm, seed=args.seed), args.out / "warm", known=known)
    log.begin("warm", run.done)
    steps = args.warm.steps * env.num_envs
    return run.run(
        lambda told: log.tell(
            "warm", told.iteration, steps, {"loss": told.loss, "labels": told.labels, **(told.terms or {})}
        )
    )


def reinforce(env: TrackingEnv, policy: Policy, args: Args, known: dict[str, Any], log: RunLog) -> Policy:
    """What reward has taught after that."""
    known = {**known, "disturbance": json.loads(json.dumps(asdict(env.config.disturbance)))}
    run = Reinforcement(env, policy, replace(args.ppo, seed=args.seed), args.out / "ppo", known=known)
    log.begin("ppo", run.done)
    return run.run(
        lambda told: log.tell(
            "ppo",
            told.iteration,
            args.ppo.steps * env.num_envs,
            {
                "reward": told.reward,
                "failures": told.failures,
                "noise": told.noise,
                **told.terms,
                **{f"loss_{name}": value for name, value in told.losses.items()},
            },
        )
    )


if __name__ == "__main__":
    try:
        main(tyro.cli(Args, description=__doc__))
    except MusclehandError as error:
        raise SystemExit(str(error)) from None
