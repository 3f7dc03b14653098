"""What an environment costs beyond its physics, and what training takes beside another library's.

    python experiments/bench_env.py corpus
    python experiments/bench_env.py corpus --peer           # also stable-baselines3 with MyoSuite's hand
    python experiments/bench_env.py corpus --backend warp --envs 256 4096 --threads 1    # on a GPU

First, hand steps a second of the tracking environment over those of its bare physics, MuJoCo's
batch (or Warp) of the same worlds from the same states on with the same controls and nothing else.
The environment is given what the policy that comes along did there; hands that get no sensible
action are soon lost, and half of the time goes into new beginnings. Rounds of both take turns, and
medians over rounds count, as other programs slow down what is beside them. Then PPO end to end,
acting and learning, per step and per physics step.
"""

from __future__ import annotations

import itertools
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
from readme_table import put_table
from rich.console import Console

from musclehand.core.errors import MusclehandError
from musclehand.envs.tracking.env import TrackingConfig, TrackingEnv
from musclehand.learning.policy import Policy
from musclehand.learning.ppo import PpoConfig, PpoTraining
from musclehand.motion.dataset import open_corpus
from musclehand.policies.tracking import load_tracking_policy
from musclehand.sim.backend_choice import BackendName, make_worlds

MARK = "environment table"
PEER = "myoHandPoseRandom-v0"


@dataclass(frozen=True)
class Args:
    """What to measure."""

    corpus: tyro.conf.Positional[Path]
    """folder of a corpus"""
    envs: tuple[int, ...] = (64, 256)
    """hands at a time; the more, the less of the time is Python's"""
    threads: tuple[int, ...] = (1, 2)
    """of the simulation"""
    backend: BackendName = "cpu"
    """what simulates: the processor, or MuJoCo Warp, on a GPU if there is one"""
    rounds: int = 20
    """of each, taking turns"""
    steps: int = 25
    """of the policy in a round"""
    peer: bool = False
    """stable-baselines3's PPO with MyoSuite's hand as well"""
    out: Path = Path("runs/bench_env.json")
    """the figures"""
    readme: bool = False
    """put the tables into README.md"""


class Share(NamedTuple):
    """Hand steps a second of the environment and of bare physics, of so many hands on so many
    threads, and the ratio of the two."""

    hands: int
    threads: int
    environment: float
    physics: float
    ratio: float


class Training(NamedTuple):
    """PPO end to end: environment steps a second, and physics steps a second."""

    name: str
    steps: float
    physics_steps: float


def main(args: Args) -> None:
    """Measures, prints and writes."""
    torch.set_num_threads(1)
    clips = list(open_corpus(args.corpus).clips("train"))[:20]
    kinds = list(itertools.product(args.envs, args.threads))
    shares = [measure_share(clips, args, *kind) for kind in kinds]
    trainings = [train_ours(clips, args.backend, *kind) for kind in kinds]
    if args.peer:
        trainings.append(train_peer())
    table = as_table(shares, trainings)
    Console().print(table, markup=False)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "shares": [share._asdict() for share in shares],
        "training": [training._asdict() for training in trainings],
    }
    args.out.write_text(json.dumps(content, indent=1))
    if args.readme:
        put_table(MARK, table)


def as_table(shares: list[Share], trainings: list[Training]) -> str:
    """Both parts in Markdown, rates a second."""
    lines = [
        "| hands, threads | steps of the environment | of bare physics | ratio |",
        f"|{' --- |' * 4}",
    ]
    for share in shares:
        rates = f"{share.environment:.0f} | {share.physics:.0f} | {share.ratio:.2f}"
        lines.append(f"| {share.hands}, {share.threads} | {rates} |")
    lines += ["", "| PPO, end to end | steps of hands | of physics |", f"|{' --- |' * 3}"]
    lines += [f"| {one.name} | {one.steps:.0f} | {one.physics_steps:.0f} |" for one in trainings]
    return "\n".join(lines)


def measure_share(clips: list[Any], args: Args, hands: int, threads: int) -> Share:
    """The environment beside its physics."""
    policy = load_tracking_policy()
    shown = {"sim_steps": policy.config.sim_steps, "look_ahead": policy.config.look_ahead}
    env = TrackingEnv(
        clips, TrackingConfig(num_envs=hands, num_threads=threads, backend=args.backend, **shown)
    )
    bare = bare_physics(env)
    taken = []
    for number in range(args.rounds):
        seen = env.reset(seed=number)
        begin = env.state()
        actions = []
        controls = []
        for _ in range(args.steps):
            actions.append(policy.policy.act(seen))
            seen = env.step(actions[-1]).observation
            controls.append(np.array(env.body.backend.read("ctrl")))
        env.restore(begin)
        start = time.perf_counter()
        for action in actions:
            env.step(action)
        acted = time.perf_counter() - start
        taken.append((acted, bare(begin["backend"], controls)))
    environment, physics = np.array(taken).T
    rates = (float(args.steps * hands / np.median(times)) for times in (environment, physics))
    return Share(hands, threads, *rates, float(np.median(physics / environment)))


def bare_physics(env: TrackingEnv) -> Callable[[np.ndarray, list[np.ndarray]], float]:
    """What steps other worlds like an environment's from a state with controls, and tells how
    long that took [s]."""
    config = env.config
    worlds = make_worlds(
        config.backend, env.body.model, config.num_envs, num_threads=config.num_threads
    )

    def step(state: np.ndarray, controls: list[np.ndarray]) -> float:
        worlds.restore(state)
        start = time.perf_counter()
        for control in controls:
            worlds.write("ctrl", control)
            worlds.step(config.sim_steps, forward=False)
        # A GPU is not waited for before something is read.
        worlds.read("time")
        return time.perf_counter() - start

    return step


def train_ours(clips: list[Any], backend: BackendName, hands: int, threads: int) -> Training:
    """Some iterations of PPO as `track_hand.py` does them, the first left out."""
    env = TrackingEnv(clips, TrackingConfig(num_envs=hands, num_threads=threads, backend=backend))
    policy = Policy(env.num_observations, env.num_actions)
    with tempfile.TemporaryDirectory() as folder:
        run = PpoTraining(env, policy, PpoConfig(critic_alone=0), Path(folder), known={})
        run.iterate()
        took = min(_seconds(run.iterate) for _ in range(3))
    steps = run.config.steps * hands / took
    where = f"{threads} thread{'s' * (threads > 1)}" if backend == "cpu" else backend
    name = f"musclehand, {hands} hands, {where}"
    return Training(name, steps, steps * env.config.sim_steps)


def train_peer() -> Training:
    """The same of stable-baselines3 with its own settings and MyoSuite's hand, one environment
    after the other."""
    import gymnasium
    from myosuite.utils import gym as _registered  # noqa: F401
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_util import make_vec_env

    env = make_vec_env(PEER, n_envs=8)
    skip = int(gymnasium.make(PEER).unwrapped.frame_skip)
    model = PPO(
        "MlpPolicy",
        env,
        n_steps=256,
        batch_size=512,
        n_epochs=4,
        policy_kwargs={"net_arch": [256, 256]},
    )
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
