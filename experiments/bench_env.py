"""What an environment costs beyond its physics, and what training takes beside another library's.

    python experiments/bench_env.py corpus
    python experiments/bench_env.py corpus --peer           # also stable-baselines3 with MyoSuite's hand

First, hand steps a second of the tracking environment over those of its bare physics, MuJoCo's batch of the same
worlds with the same controls and nothing else; rounds of both take turns, and the best of each counts, as other
programs only ever slow things down. Then PPO end to end, acting and learning, per step and per physics step.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import tyro
from mujoco.batch import Batch
from rich.console import Console
from rich.table import Table

from musclehand.core.errors import MusclehandError
from musclehand.envs.tracking import TrackingConfig, TrackingEnv
from musclehand.learning.policy import Policy
from musclehand.learning.reinforce import PpoConfig, Reinforcement
from musclehand.motion.dataset import open_corpus

PEER = "myoHandPoseRandom-v0"


@dataclass(frozen=True)
class Args:
    """What to measure."""

    corpus: tyro.conf.Positional[Path]
    """folder of a corpus"""
    envs: int = 64
    """hands at a time"""
    threads: tuple[int, ...] = (1, 2)
    """of the simulation"""
    rounds: int = 8
    """of each, taking turns"""
    steps: int = 12
    """of the policy in a round"""
    peer: bool = False
    """stable-baselines3's PPO with MyoSuite's hand as well"""
    out: Path = Path("runs/bench_env.json")
    """the figures"""


class Share(NamedTuple):
    """Hand steps a second of the environment and of bare physics, on so many threads."""

    threads: int
    environment: float
    physics: float

    @property
    def ratio(self) -> float:
        """Of the two."""
        return self.environment / self.physics


class Training(NamedTuple):
    """PPO end to end: environment steps a second, and physics steps a second."""

    name: str
    steps: float
    physics_steps: float


def main(args: Args) -> None:
    """Measures, prints and writes."""
    torch.set_num_threads(1)
    clips = list(open_corpus(args.corpus).clips("train"))[:20]
    shares = [measure_share(clips, args, threads) for threads in args.threads]
    trainings = [train_ours(clips, args, threads) for threads in args.threads]
    if args.peer:
        trainings.append(train_peer())
    console = Console()
    table = Table("threads", "environment", "physics", "ratio", title="hand steps a second")
    for share in shares:
        table.add_row(str(share.threads), f"{share.environment:.0f}", f"{share.physics:.0f}", f"{share.ratio:.2f}")
    console.print(table)
    table = Table("PPO", "steps a second", "physics steps a second")
    for training in trainings:
        table.add_row(training.name, f"{training.steps:.0f}", f"{training.physics_steps:.0f}")
    console.print(table)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "shares": [{**share._asdict(), "ratio": share.ratio} for share in shares],
        "training": [training._asdict() for training in trainings],
    }
    args.out.write_text(json.dumps(content, indent=1))


def measure_share(clips: list[Any], args: Args, threads: int) -> Share:
    """The environment beside its physics."""
    env = TrackingEnv(clips, TrackingConfig(num_envs=args.envs, num_threads=threads))
    batch = Batch(env.body.model, args.envs, threads, persistent=True)
    taken = {"environment": np.inf, "physics": np.inf}
    for number in range(args.rounds):
        env.reset(seed=number)
        action = env.teacher_action()
        env.step(action)
        batch.state[:] = env.body.backend.state()
        start = time.perf_counter()
        for _ in range(args.steps):
            batch.step(nstep=env.config.sim_steps)
        taken["physics"] = min(taken["physics"], time.perf_counter() - start)
        start = time.perf_counter()
        for _ in range(args.steps):
            env.step(action)
        taken["environment"] = min(taken["environment"], time.perf_counter() - start)
    count = args.steps * args.envs
    return Share(threads, count / taken["environment"], count / taken["physics"])


def train_ours(clips: list[Any], args: Args, threads: int) -> Training:
    """Some iterations of PPO as `track_hand.py` does them, the first left out."""
    env = TrackingEnv(clips, TrackingConfig(num_envs=args.envs, num_threads=threads))
    policy = Policy(env.num_observations, env.num_actions)
    with tempfile.TemporaryDirectory() as folder:
        run = Reinforcement(env, policy, PpoConfig(critic_alone=0), Path(folder), known={})
        run.iterate()
        took = min(_seconds(run.iterate) for _ in range(3))
    steps = run.config.steps * args.envs / took
    return Training(f"musclehand, {threads} threads", steps, steps * env.config.sim_steps)


def train_peer() -> Training:
    """The same of stable-baselines3 with its own settings and MyoSuite's hand, one environment after the other."""
    import gymnasium
    from myosuite.utils import gym as _registered  # noqa: F401
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_util import make_vec_env

    env = make_vec_env(PEER, n_envs=8)
    skip = int(gymnasium.make(PEER).unwrapped.frame_skip)
    model = PPO("MlpPolicy", env, n_steps=256, batch_size=512, n_epochs=4, policy_kwargs={"net_arch": [256, 256]})
    model.learn(2048)
    took = min(_seconds(lambda: model.learn(2048)) for _ in range(3))
    return Training(f"stable-baselines3, {PEER}", 2048 / took, 2048 / took * skip)


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    try:
        main(tyro.cli(Args, description=__doc__))
    except MusclehandError as error:
        raise SystemExit(str(error)) from None
