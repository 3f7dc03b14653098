"""Cost of the training environment beyond its physics, and of a training beside another library's.

    python experiments/bench_env.py corpus
    python experiments/bench_env.py corpus --peer     # also stable-baselines3 with MyoSuite's hand
    python experiments/bench_env.py corpus --backend warp --envs 256 4096 --threads 1  # on a GPU

First, hand steps a second of the tracking environment over those of its bare physics: MuJoCo's
batch (or Warp) of the same worlds, from the same states on, with the same controls and nothing
else. The environment gets the actions that the bundled policy chose there: hands without sensible
actions soon fail, and half of the time would go into new episodes. Rounds of both take turns, and
medians over rounds count, because other programs slow down what runs beside them. Then PPO end to
end, acting and learning, per step and per physics step.
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
from rich.console import Console

from harness.results_page import markdown_table, write_results_page
from harness.script import command_of, run_script
from musclehand.core.atomic import write_file
from musclehand.envs.tracking.env import TrackingConfig, TrackingEnv
from musclehand.learning.policy import Policy
from musclehand.learning.ppo import PpoConfig, PpoTraining
from musclehand.motion.dataset import open_corpus
from musclehand.policies.tracking import load_tracking_policy
from musclehand.sim.backend_choice import BackendName, make_worlds

TITLE = "Cost of the training environment"

PROSE = """\
Steps a second of the tracking environment and of the bare physics of the same worlds, and PPO
end to end beside stable-baselines3 with MyoSuite's hand (8 environments, its own settings)."""

PEER = "myoHandPoseRandom-v0"
"""MyoSuite's environment."""


@dataclass(frozen=True)
class Args:
    """What to measure."""

    corpus: tyro.conf.Positional[Path]
    """Folder of a corpus."""

    envs: tuple[int, ...] = (64, 256)
    """Numbers of hands; with more hands less of the time is Python's."""

    threads: tuple[int, ...] = (1, 2)
    """Numbers of threads of the simulation."""

    backend: BackendName = "cpu"
    """What simulates: the processor, or MuJoCo Warp, on a GPU if there is one."""

    rounds: int = 20
    """Rounds of environment and physics, which take turns."""

    steps: int = 25
    """Steps of the policy in a round."""

    peer: bool = False
    """Measure stable-baselines3's PPO with MyoSuite's hand as well."""

    out: Path = Path("runs/bench_env.json")
    """File of the figures."""

    results: bool = False
    """Write the results page."""


class Share(NamedTuple):
    """Speed of the environment beside that of its physics."""

    hands: int
    """Hands at a time."""

    threads: int
    """Threads of the simulation."""

    environment: float
    """[1/s] Hand steps of the environment."""

    physics: float
    """[1/s] Hand steps of bare physics."""

    ratio: float
    """Median over rounds of the environment's speed over that of physics."""


class Training(NamedTuple):
    """Speed of PPO end to end."""

    name: str
    """Library, hands and threads."""

    steps: float
    """[1/s] Hand steps."""

    physics_steps: float
    """[1/s] Steps of the simulation."""


def main(args: Args) -> None:
    """Measures, prints and writes."""
    torch.set_num_threads(1)
    clips = list(open_corpus(args.corpus).clips("train"))[:20]
    kinds = list(itertools.product(args.envs, args.threads))
    shares = [measure_share(clips, args, *kind) for kind in kinds]
    trainings = [train_ours(clips, args.backend, *kind) for kind in kinds]
    if args.peer:
        trainings.append(train_peer())
    tables = as_tables(shares, trainings)
    Console().print(tables, markup=False)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "shares": [share._asdict() for share in shares],
        "training": [training._asdict() for training in trainings],
    }
    write_file(args.out, json.dumps(content, indent=1))
    if args.results:
        body = f"{PROSE}\n\n{tables}"
        write_results_page("environment", TITLE, command_of(__file__, args), body)


def as_tables(shares: list[Share], trainings: list[Training]) -> str:
    """Both parts in Markdown."""
    first = markdown_table(
        ["hands, threads", "environment steps/s", "bare physics steps/s", "ratio"],
        [
            [
                f"{share.hands}, {share.threads}",
                f"{share.environment:.0f}",
                f"{share.physics:.0f}",
                f"{share.ratio:.2f}",
            ]
            for share in shares
        ],
    )
    second = markdown_table(
        ["PPO, end to end", "hand steps/s", "physics steps/s"],
        [
            [training.name, f"{training.steps:.0f}", f"{training.physics_steps:.0f}"]
            for training in trainings
        ],
    )
    return f"{first}\n\n{second}"


def measure_share(clips: list[Any], args: Args, hands: int, threads: int) -> Share:
    """The environment beside its physics.

    Args:
        clips: to follow.
        args: of the experiment.
        hands: at a time.
        threads: of the simulation.
    """
    policy = load_tracking_policy()
    config = TrackingConfig(
        num_envs=hands,
        num_threads=threads,
        backend=args.backend,
        sim_steps=policy.config.sim_steps,
        look_ahead=policy.config.look_ahead,
    )
    env = TrackingEnv(clips, config)
    bare = bare_physics(env)
    taken = []
    for number in range(args.rounds):
        observation = env.reset(seed=number)
        begin = env.state()
        actions = []
        controls = []
        for _ in range(args.steps):
            actions.append(policy.policy.act(observation))
            observation = env.step(actions[-1]).observation
            controls.append(np.array(env.body.backend.read("ctrl")))
        env.restore(begin)
        start = time.perf_counter()
        for action in actions:
            env.step(action)
        acted = time.perf_counter() - start
        taken.append((acted, bare(begin["backend"], controls)))
    environment, physics = np.array(taken).T
    return Share(
        hands=hands,
        threads=threads,
        environment=float(args.steps * hands / np.median(environment)),
        physics=float(args.steps * hands / np.median(physics)),
        ratio=float(np.median(physics / environment)),
    )


def bare_physics(env: TrackingEnv) -> Callable[[np.ndarray, list[np.ndarray]], float]:
    """A function that steps worlds like an environment's from a state with controls, and gives
    the time that it took [s]."""
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
        # Reading waits for a GPU.
        worlds.read("time")
        return time.perf_counter() - start

    return step


def train_ours(clips: list[Any], backend: BackendName, hands: int, threads: int) -> Training:
    """Some iterations of PPO as `musclehand train track` does them, without the first.

    Args:
        clips: that are followed.
        backend: what simulates.
        hands: number of environments.
        threads: of the simulation.
    """
    env = TrackingEnv(clips, TrackingConfig(num_envs=hands, num_threads=threads, backend=backend))
    policy = Policy(env.num_observations, env.num_actions)
    with tempfile.TemporaryDirectory() as folder:
        run = PpoTraining(env, policy, PpoConfig(critic_warm_up=0), Path(folder), identity={})
        run.iterate()
        took = min(_seconds(run.iterate) for _ in range(3))
    steps = run.config.steps * hands / took
    where = f"{threads} thread{'s' * (threads > 1)}" if backend == "cpu" else backend
    name = f"musclehand, {hands} hands, {where}"
    return Training(name, steps, steps * env.config.sim_steps)


def train_peer() -> Training:
    """PPO of stable-baselines3 with its own settings and MyoSuite's hand, one environment after
    the other."""
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
    run_script(main, Args, __doc__)
