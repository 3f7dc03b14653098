"""Ablations of the tracking policy: one thing changed at a time, everything else unchanged.

    python experiments/bench_learning.py corpus
    python experiments/bench_learning.py corpus --only default "500 Hz" --steps 100000

In the air, from a fifth of the corpus. Each training has a warm start of `--warm` steps and
reinforcement of `--steps`; without a warm start all steps are reinforcement. Judged on held-out
clips, undisturbed and pushed. Results on file in `--out` are not computed again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
import tyro
from rich.console import Console
from rich.progress import track

from bench_repertoire import PEER, peer_hand
from harness.results_page import cells_table, write_results_page
from harness.script import command_of, run_script
from musclehand.body.anatomy import Side
from musclehand.body.build.hand import HandDesign
from musclehand.core.atomic import write_file
from musclehand.core.errors import UnknownName
from musclehand.core.time_steps import SIM_DT
from musclehand.envs.reference import ReferenceSet, build_references
from musclehand.envs.tracking.body import HandKinematics, TrackingBody
from musclehand.envs.tracking.env import TrackingConfig, TrackingEnv
from musclehand.envs.tracking.evaluation import Actor, evaluate, follow_teacher
from musclehand.learning.apg import ApgConfig, ApgTraining
from musclehand.learning.dagger import DaggerConfig, DaggerTraining
from musclehand.learning.policy import Policy
from musclehand.learning.ppo import PpoConfig, PpoTraining
from musclehand.motion.clip import MotionClip
from musclehand.motion.dataset import open_corpus
from musclehand.training.evaluation import CONDITIONS, mean_tip_error
from musclehand.training.tracking import TRAINING_DISTURBANCE

TITLE = "Ablations of the tracking policy"

PROSE = """\
One thing changed at a time, in the air and on a fifth of the corpus, everything else and the
budget of steps unchanged. PPO needs `pip install 'musclehand[train]'`."""

DISTURBANCE = replace(TRAINING_DISTURBANCE, key_weight=(1.0, 1.0))
"""Of reinforcement, in the air."""

JUDGED = ("undisturbed", "pushes of up to 3 N")
"""Names of `training.evaluation.CONDITIONS` in which variants are judged."""


@dataclass(frozen=True)
class Variant:
    """What is changed."""

    sim_steps: int = 4
    """Simulation steps of 2 ms in a step of the policy."""

    warm: bool = True
    """Warm start by DAgger."""

    reinforcement: str = "apg"
    """Algorithm of reinforcement: apg, ppo or none."""

    hidden: tuple[int, ...] = (256, 256)
    """Sizes of the hidden layers."""

    myohand: bool = False
    """MyoHand with thumb muscles in place of our hand."""

    through_policy: bool = True
    """Propagate gradients through later actions."""

    discount: float = 1.0
    """Weight of a later error for an earlier action, for a step of 8 ms."""

    noise: float = 0.1
    """Standard deviation of the logits in PPO."""


VARIANTS = {
    "default": Variant(),
    "warm start alone": Variant(reinforcement="none"),
    "PPO, noise 0.1": Variant(reinforcement="ppo"),
    "PPO, noise 0.3": Variant(reinforcement="ppo", noise=0.3),
    "no warm start": Variant(warm=False),
    "no warm start, PPO": Variant(warm=False, reinforcement="ppo", noise=0.3),
    "500 Hz": Variant(sim_steps=1),
    "250 Hz": Variant(sim_steps=2),
    "62.5 Hz": Variant(sim_steps=8),
    "discount 0.9": Variant(discount=0.9),
    "no gradient through later actions": Variant(through_policy=False),
    "no gradient through later actions, discount 0.8": Variant(through_policy=False, discount=0.8),
    "hidden 512, 512": Variant(hidden=(512, 512)),
    PEER: Variant(myohand=True),
}


@dataclass(frozen=True)
class Args:
    """How much to train, and where to keep the results."""

    corpus: tyro.conf.Positional[Path]
    """Folder of a corpus."""

    warm: int = 64_000
    """Steps of the warm start, over all hands."""

    steps: int = 131_072
    """Steps of reinforcement; at other rates than 125 Hz as many more or fewer, so that the
    simulated time is the same."""

    envs: int = 64
    """Hands at a time."""

    only: tuple[str, ...] = field(default_factory=lambda: tuple(VARIANTS))
    """Names of variants."""

    clips: int = 16
    """Held-out clips."""

    seed: int = 0
    """Of everything that is drawn."""

    out: Path = Path("runs/bench_learning")
    """Folder of the results."""

    results: bool = False
    """Write the results page."""


def main(args: Args) -> None:
    """Trains, judges, prints."""
    for name in args.only:
        if name not in VARIANTS:
            raise UnknownName("variant", name, VARIANTS)
    torch.set_num_threads(1)
    console = Console()
    args.out.mkdir(parents=True, exist_ok=True)
    train, test = learnt_and_judged(args.corpus, args.seed, args.clips)
    for name in track(args.only, "trains", console=console):
        path = args.out / f"{name}.json"
        if not path.exists():
            figures = train_variant(VARIANTS[name], args, train, test, args.out / name)
            write_file(path, json.dumps(figures, indent=1))
    table = as_table(
        {name: json.loads((args.out / f"{name}.json").read_text()) for name in args.only}
    )
    console.print(table, markup=False)
    if args.results:
        body = f"{PROSE}\n\n{table}"
        write_results_page("learning", TITLE, command_of(__file__, args), body)


def learnt_and_judged(
    corpus: Path, seed: int, count: int
) -> tuple[list[MotionClip], list[MotionClip]]:
    """Clips to learn from and to judge by.

    Args:
        corpus: its folder.
        seed: of the choice.
        count: of held-out clips.

    Returns:
        A fifth of the training split, and clips of the test split.
    """
    clips = open_corpus(corpus)
    rng = np.random.default_rng(seed)
    train = list(clips.clips("train"))
    test = list(clips.clips("test"))
    learnt = sorted(rng.permutation(len(train))[: len(train) // 5])
    judged = sorted(rng.permutation(len(test))[:count])
    return [train[i] for i in learnt], [test[i] for i in judged]


def train_variant(
    variant: Variant, args: Args, train: list[MotionClip], test: list[MotionClip], folder: Path
) -> dict[str, float]:
    """Figures of one variant.

    Args:
        variant: what is changed.
        args: of the experiment.
        train: clips to learn from.
        test: clips to judge by.
        folder: of the training's checkpoints.
    """
    begin = time.perf_counter()
    design = peer_hand() if variant.myohand else None
    config = TrackingConfig(num_envs=args.envs, sim_steps=variant.sim_steps, design=design)
    env = TrackingEnv(references_of(train, variant, design), config, seed=args.seed)
    policy = learn(env, variant, args, folder)
    figures = {"minutes": (time.perf_counter() - begin) / 60.0}
    references = references_of(test, variant, design)
    actors: dict[str, Actor] = {
        "policy": lambda observation, _: policy.act(observation),
        "teacher": follow_teacher,
    }
    for actor, act in actors.items():
        for condition in JUDGED:
            disturbed = replace(config, disturbance=CONDITIONS[condition])
            scores = evaluate(references, act, disturbed, seed=args.seed)
            squares = [score.joint_rmse**2 for score in scores]
            figures[f"{actor}, {condition}"] = mean_tip_error(scores)
            figures[f"{actor}, {condition}, joints"] = float(np.degrees(np.sqrt(np.mean(squares))))
            survived = [score.survived for score in scores]
            figures[f"{actor}, {condition}, survived"] = float(np.mean(survived))
    return figures


def learn(env: TrackingEnv, variant: Variant, args: Args, folder: Path) -> Policy:
    """The policy of a variant, after warm start and reinforcement.

    Args:
        env: undisturbed environment.
        variant: of training.
        args: of the experiment.
        folder: of the run.
    """
    # The same simulated time at every rate, in steps of the default one.
    per_step = variant.sim_steps / 4
    policy = Policy(env.num_observations, env.num_actions, variant.hidden, seed=args.seed)
    steps = args.steps / per_step
    if variant.warm:
        steps_each = round(125 / per_step)
        count = max(1, round(args.warm / per_step / (steps_each * args.envs)))
        dagger = DaggerConfig(
            iterations=count,
            decay=count,
            steps=steps_each,
            hidden=variant.hidden,
            seed=args.seed,
        )
        policy = DaggerTraining(env, dagger, folder / "dagger", identity={}).run()
    else:
        steps += args.warm / per_step
        policy.fit_normalisation(np.concatenate([env.reset(seed=row) for row in range(20)]))
    disturbed = TrackingEnv(env.references, replace(env.config, disturbance=DISTURBANCE))
    if variant.reinforcement == "apg":
        steps_each = round(ApgConfig().steps / per_step)
        count = max(1, round(steps / (steps_each * args.envs)))
        apg = ApgConfig(
            iterations=count,
            steps=steps_each,
            decay=count,
            discount=variant.discount**per_step,
            through_policy=variant.through_policy,
            seed=args.seed,
        )
        return ApgTraining(disturbed, policy, apg, folder / "apg", identity={}).run()
    if variant.reinforcement == "ppo":
        count = max(1, round(steps / (PpoConfig().steps * args.envs)))
        ppo = PpoConfig(iterations=count, init_std=variant.noise, seed=args.seed)
        return PpoTraining(disturbed, policy, ppo, folder / "ppo", identity={}).run()
    return policy


def references_of(
    clips: list[MotionClip], variant: Variant, design: HandDesign | None
) -> ReferenceSet:
    """Clips at the rate of a variant; for another hand with the fingertips that it has in those
    postures.

    Args:
        clips: at any rate.
        variant: whose rate they get.
        design: the other hand.
    """
    muscles = TrackingBody(1, design=design).muscles
    references = build_references(clips, dt=variant.sim_steps * SIM_DT, muscles=muscles)
    if design is None:
        return references
    kinematics = HandKinematics(Side.RIGHT, design)
    tips = [
        kinematics.tips(*row) for row in zip(references.angles, references.forearm, strict=True)
    ]
    return replace(references, tips=np.array(tips))


def as_table(figures: dict[str, dict[str, float]]) -> str:
    """In Markdown."""
    cells: list[tuple[str, Callable[[dict[str, float]], str]]] = [
        (f"{condition}: fingertips mm", partial(_tip_error, condition)) for condition in JUDGED
    ]
    cells += [
        ("its teacher", lambda row: f"{row[f'teacher, {JUDGED[0]}']:.2f}"),
        ("joints deg", lambda row: f"{row[f'policy, {JUDGED[0]}, joints']:.2f}"),
        ("survived %", lambda row: f"{100 * row[f'policy, {JUDGED[0]}, survived']:.0f}"),
        ("minutes", lambda row: f"{row['minutes']:.0f}"),
    ]
    return cells_table("changed", cells, figures)


def _tip_error(condition: str, row: Mapping[str, float]) -> str:
    return f"{row[f'policy, {condition}']:.2f}"


if __name__ == "__main__":
    run_script(main, Args, __doc__)
