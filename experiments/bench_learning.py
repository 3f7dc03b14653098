"""What matters in training a policy that follows motion: one thing changed at a time, all else and
the budget the same.

    python experiments/bench_learning.py corpus --readme
    python experiments/bench_learning.py corpus --only default "500 Hz" --steps 100000

In the air, from a fifth of the corpus. Each training has a warm start of `--warm` steps and
reinforcement of `--steps`; without a warm start all are reinforcement. Judged on clips that were
not learnt from, undisturbed and pushed. What is finished stays in `--out` and is not done again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
import tyro
from eval_tracking import CONDITIONS, mean_tip
from readme_table import cells_table, put_table
from rich.console import Console
from rich.progress import track
from track_hand import ROUGH

from bench_repertoire import peer_hand
from musclehand.body.anatomy import Side
from musclehand.body.build.hand import HandDesign
from musclehand.core.errors import MusclehandError
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

MARK = "learning table"
ROUGH_AIR = replace(ROUGH, key_weight=(1.0, 1.0))
JUDGED = ("undisturbed", "pushes of up to 3 N")
MYOHAND = "MyoHand with thumb muscles"


@dataclass(frozen=True)
class Variant:
    """What is changed: `sim_steps` in a step of the policy, `warm` start or none, the way of
    `reinforcement` (slope, ppo or none), `hidden` layers, MyoHand in place of our hand, later
    actions that `answer` to earlier ones and a share of what an error costs later (`discount`),
    noise of logits in PPO."""

    sim_steps: int = 4
    warm: bool = True
    reinforcement: str = "slope"
    hidden: tuple[int, ...] = (256, 256)
    myohand: bool = False
    through_policy: bool = True
    discount: float = 1.0
    noise: float = 0.1


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
    "fading 0.9": Variant(discount=0.9),
    "actions as they were": Variant(through_policy=False),
    "as they were, fading 0.8": Variant(through_policy=False, discount=0.8),
    "hidden 512, 512": Variant(hidden=(512, 512)),
    MYOHAND: Variant(myohand=True),
}


@dataclass(frozen=True)
class Args:
    """How much, and where to keep it."""

    corpus: tyro.conf.Positional[Path]
    """folder of a corpus"""
    warm: int = 64_000
    """steps of the warm start, over all hands"""
    steps: int = 131_072
    """steps of reinforcement; at other rates than 125 Hz as many more or fewer, so that the time
    lived is the same"""
    envs: int = 64
    """hands at a time"""
    only: tuple[str, ...] = field(default_factory=lambda: tuple(VARIANTS))
    """variants"""
    clips: int = 16
    """to be judged on"""
    seed: int = 0
    """of everything"""
    out: Path = Path("runs/bench_learning")
    """folder of the results"""
    readme: bool = False
    """put the table into README.md"""


def main(args: Args) -> None:
    """Trains, judges, prints."""
    torch.set_num_threads(1)
    console = Console()
    args.out.mkdir(parents=True, exist_ok=True)
    train, test = learnt_and_judged(args.corpus, args.seed, args.clips)
    for name in track(args.only, "trains", console=console):
        path = args.out / f"{name}.json"
        if not path.exists():
            path.write_text(
                json.dumps(train_one(VARIANTS[name], args, train, test, args.out / name), indent=1)
            )
    table = as_table(
        {name: json.loads((args.out / f"{name}.json").read_text()) for name in args.only}
    )
    console.print(table, markup=False)
    if args.readme:
        put_table(MARK, table)


def learnt_and_judged(
    corpus: Path, seed: int, count: int
) -> tuple[list[MotionClip], list[MotionClip]]:
    """A fifth of the clips to learn from, and so many held-out ones."""
    clips = open_corpus(corpus)
    rng = np.random.default_rng(seed)
    train = list(clips.clips("train"))
    test = list(clips.clips("test"))
    learnt = sorted(rng.permutation(len(train))[: len(train) // 5])
    judged = sorted(rng.permutation(len(test))[:count])
    return [train[i] for i in learnt], [test[i] for i in judged]


def train_one(
    variant: Variant, args: Args, train: list[MotionClip], test: list[MotionClip], folder: Path
) -> dict[str, float]:
    """Figures of one variant."""
    begin = time.perf_counter()
    design = peer_hand() if variant.myohand else None
    # As long a time at every rate, in steps of the default one.
    per_step = variant.sim_steps / 4
    config = TrackingConfig(num_envs=args.envs, sim_steps=variant.sim_steps, design=design)
    env = TrackingEnv(references_of(train, variant, design), config, seed=args.seed)
    policy = Policy(env.num_observations, env.num_actions, variant.hidden, seed=args.seed)
    steps = args.steps / per_step
    if variant.warm:
        each = round(125 / per_step)
        count = max(1, round(args.warm / per_step / (each * args.envs)))
        warm = DaggerConfig(
            iterations=count, decay=count, steps=each, hidden=variant.hidden, seed=args.seed
        )
        policy = DaggerTraining(env, warm, folder / "warm", known={}).run()
    else:
        steps += args.warm / per_step
        policy.fit_normalisation(np.concatenate([env.reset(seed=row) for row in range(20)]))
    rough = TrackingEnv(env.references, replace(config, disturbance=ROUGH_AIR))
    if variant.reinforcement == "slope":
        each = round(ApgConfig().steps / per_step)
        count = max(1, round(steps / (each * args.envs)))
        slope = ApgConfig(
            iterations=count,
            steps=each,
            decay=count,
            discount=variant.discount**per_step,
            through_policy=variant.through_policy,
            seed=args.seed,
        )
        policy = ApgTraining(rough, policy, slope, folder / "slope", known={}).run()
    elif variant.reinforcement == "ppo":
        count = max(1, round(steps / (PpoConfig().steps * args.envs)))
        ppo = PpoConfig(iterations=count, noise=variant.noise, seed=args.seed)
        policy = PpoTraining(rough, policy, ppo, folder / "ppo", known={}).run()
    taken = time.perf_counter() - begin
    figures = {"minutes": taken / 60.0}
    references = references_of(test, variant, design)
    actors: dict[str, Actor] = {
        "policy": lambda seen, _: policy.act(seen),
        "teacher": follow_teacher,
    }
    for actor, act in actors.items():
        for condition in JUDGED:
            scores = evaluate(
                references, act, replace(config, disturbance=CONDITIONS[condition]), seed=args.seed
            )
            figures[f"{actor}, {condition}"] = mean_tip(scores)
            figures[f"{actor}, {condition}, joints"] = float(
                np.degrees(np.sqrt(np.mean([score.joint_rmse**2 for score in scores])))
            )
            figures[f"{actor}, {condition}, survived"] = float(
                np.mean([score.survived for score in scores])
            )
    return figures


def references_of(
    clips: list[MotionClip], variant: Variant, design: HandDesign | None
) -> ReferenceSet:
    """Clips as the variant follows them; where another hand does, with the fingertips that it
    has in those postures."""
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
        (f"{condition}: tips mm", lambda row, c=condition: f"{row[f'policy, {c}']:.2f}")  # type: ignore[misc]
        for condition in JUDGED
    ]
    cells += [
        ("its teacher", lambda row: f"{row[f'teacher, {JUDGED[0]}']:.2f}"),
        ("joints deg", lambda row: f"{row[f'policy, {JUDGED[0]}, joints']:.2f}"),
        ("survived %", lambda row: f"{100 * row[f'policy, {JUDGED[0]}, survived']:.0f}"),
        ("minutes", lambda row: f"{row['minutes']:.0f}"),
    ]
    return cells_table("changed", cells, figures)


if __name__ == "__main__":
    try:
        main(tyro.cli(Args, description=__doc__))
    except MusclehandError as error:
        raise SystemExit(str(error)) from None
