"""High-level policies that learn one piece each: how well, after how many steps, and ablations.

    python experiments/bench_pieces.py --iterations 16 --every 8
    python experiments/bench_pieces.py --pieces ode_to_joy --variants pretrained from-scratch

The beginning of each piece is learnt and played every few iterations. The bundled policy goes on
learning (`pretrained`), or a new network starts untrained (`from-scratch`). Ablations differ from
the latter in one thing: no finger assignment (`no-fingering`), distances to the nearest keys in
place of notes (`nearest-keys`), excitations in place of latent actions (`no-latent-space`), latent
actions as direct outputs of a network for one hand (`direct-one-hand`) or for both
(`direct-both-hands`). PPO learns a residual policy for the bundled policy (`ppo-residual`) or for
the plan (`plan-residual`), in ten times as many steps. Results on file in `--out` are not computed
again. A step is one of the high-level policy, of one hand.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from rich.console import Console

from ablate_fingering import goals_without_fingers
from ablate_latent_space import excitation_space
from ablate_notes import CODES, NearestKeys, learn_code
from ablate_plan_residual import PlanController
from ablate_ppo_residual import learn_residual, with_residual
from ablate_shared_policy import learn_directly
from harness.kept_results import keep_results
from harness.results_page import markdown_table, write_figure, write_results_page
from harness.script import command_of, run_script
from musclehand.cli.deprecated import Renamed
from musclehand.controllers.controller import Controller
from musclehand.controllers.high_level import HighLevelController
from musclehand.core.errors import UnknownName
from musclehand.envs.demonstrations.planned_pieces import load_or_plan_pieces, plan_pieces
from musclehand.envs.piano.env import PianoConfig, PianoEnv
from musclehand.envs.piano.goals import Goals, GoalsMaker
from musclehand.envs.piano.pieces import LatentSpaceLike, PlannedPieces
from musclehand.learning.dagger import DaggerConfig
from musclehand.learning.high_level import HighLevelNetwork
from musclehand.learning.high_level_distill import HighLevelConfig
from musclehand.learning.policy import Policy
from musclehand.learning.ppo import PpoConfig
from musclehand.music.repertoire import load_piece
from musclehand.music.score import Score
from musclehand.performance.perform import perform
from musclehand.policies.high_level import (
    HighLevelPolicy,
    high_level_table,
    load_high_level_policy,
    new_high_level_network,
)
from musclehand.sim.backend_choice import BackendChoice, describe_backend, resolve_backend
from musclehand.training.piece_policy import (
    WORLDS,
    learn_planned,
    piece_training,
    score_hash,
    weights_hash,
)

PRETRAINED = "pretrained"
FROM_SCRATCH = "from-scratch"
NO_FINGERING = "no-fingering"
NEAREST_KEYS = "nearest-keys"
NO_LATENT_SPACE = "no-latent-space"
DIRECT_ONE_HAND = "direct-one-hand"
DIRECT_BOTH_HANDS = "direct-both-hands"
PPO_RESIDUAL = "ppo-residual"
PLAN_RESIDUAL = "plan-residual"

VARIANTS: Mapping[str, tuple[str, str]] = {
    PRETRAINED: ("pretrained", "the bundled policy goes on learning"),
    FROM_SCRATCH: ("from scratch", "the network starts untrained"),
    NO_FINGERING: (
        "no finger assignment",
        "notes are given to one finger after the other, whichever finger has to play them",
    ),
    NEAREST_KEYS: (
        "nearest-key field",
        "no notes: signed distances to the nearest wanted keys, now and soon, in 16 numbers of a "
        "linear autoencoder",
    ),
    NO_LATENT_SPACE: ("no latent space", "excitations of all muscles as actions"),
    DIRECT_ONE_HAND: (
        "latent actions directly, one hand",
        "latent actions as outputs, one network for either hand",
    ),
    DIRECT_BOTH_HANDS: (
        "latent actions directly, both hands",
        "latent actions as outputs, one network for both hands at once",
    ),
    PPO_RESIDUAL: (
        "PPO residual",
        "pretrained; PPO learns a residual policy, in ten times as many steps",
    ),
    PLAN_RESIDUAL: (
        "PPO residual on the plan",
        "no high-level policy: the encoder gets the model-based plan, and PPO learns a residual "
        "policy",
    ),
}
"""Variants, their names in tables, and what they are."""

DIRECT = (NO_LATENT_SPACE, DIRECT_ONE_HAND, DIRECT_BOTH_HANDS)
"""Variants that output actions; the others predict reference motion, which the encoder maps."""

RESIDUAL = (PPO_RESIDUAL, PLAN_RESIDUAL)
"""Variants that learn by PPO."""

PPO_FACTOR = 10
"""Iterations of PPO for each iteration of DAgger."""

PIECES = (
    "ode_to_joy",
    "mozart_k265_theme",
    "bach_prelude_in_c",
    "minuet_in_g",
    "chopin_prelude_in_e_minor",
    "fuer_elise",
    "clementi_sonatina",
    "wild_horseman",
)

FIGURES = ("onset_f1_50ms", "frame_f1_micro")

STYLES = (
    "-",
    ":",
    "--",
    "-.",
    (0, (1, 4)),
    (0, (6, 4)),
    (0, (4, 2, 1, 2, 1, 2)),
    (0, (9, 2)),
    (0, (2, 1)),
)
"""Line styles of the variants."""

TITLES = {
    "pieces": "Learning a piece from the high-level policy",
    "hard_pieces": "Learning the hardest pieces",
    "ablations": "Ablations of the high-level policy",
}
"""Results pages."""

PROSE = {
    "pieces": """\
The bundled high-level policy goes on learning one piece each: {iterations} iterations, {steps:,}
steps. "Before" is at sight. A step is one of the high-level policy, of one hand.""",
    "hard_pieces": """\
The pieces with the lowest onset F1 at sight: {iterations} iterations, {steps:,} steps,
{minutes:.0f} minutes each with two at a time.""",
    "ablations": """\
The same budget for variants of the high-level policy. "Before" is after {first:,} steps where a
variant acts only once it was trained.""",
}


@dataclass(frozen=True)
class Args:
    """What to learn."""

    pieces: tuple[str, ...] = PIECES
    """Names from `musclehand play --list`."""

    variants: tuple[str, ...] = (PRETRAINED,)
    """Names of variants."""

    seconds: float = 20.0
    """Of each piece, from its beginning."""

    iterations: int = 40
    """Iterations of each training."""

    every: int = 10
    """Iterations after which a piece is played."""

    seeds: tuple[int, ...] = (0,)
    """Of everything that is drawn."""

    policy: Path | None = None
    """JSON file of a high-level policy; the bundled one by default."""

    page: str | None = None
    """Results page: pieces, hard_pieces or ablations; by default by the variants."""

    backend: BackendChoice = "auto"
    """What simulates: the processor, or MuJoCo Warp on a GPU; auto is Warp where it is installed
    and finds a GPU."""

    out: Path = Path("runs/bench_pieces")
    """Folder of the results."""

    workers: int = os.cpu_count() or 1
    """Processes."""

    results: bool = False
    """Write the results page; that of the pretrained policy with learning curves."""


Job = tuple[str, str, int]
"""Piece, variant and seed."""

Rows = list[dict[str, Any]]
"""Figures of the performances of a job, the first before all learning."""


def main(args: Args) -> None:
    """Learns, plays, prints, writes."""
    for variant in args.variants:
        if variant not in VARIANTS:
            raise UnknownName("variant", variant, VARIANTS)
    page = args.page or ("pieces" if args.variants == (PRETRAINED,) else "ablations")
    if page not in TITLES:
        raise UnknownName("page", page, TITLES)
    command = command_of(__file__, args)
    args = replace(args, backend=resolve_backend(args.backend))
    args.out.mkdir(parents=True, exist_ok=True)
    jobs = {
        (piece, variant, seed): args.out / f"{piece}_{variant}_{seed}.json"
        for seed in args.seeds
        for piece in args.pieces
        for variant in args.variants
    }
    rows = keep_results(jobs, learn_one, args, workers=args.workers, description="learns")
    curves = args.out / "curves.png"
    draw(rows, curves)
    table = as_table(rows, args)
    Console().print(table, markup=False)
    if args.results:
        body = f"{prose(page, rows, args)}\n\n{table}"
        if page == "ablations":
            body = f"{prose(page, rows, args)}\n\n{meaning_table(args.variants)}\n\n{table}"
        write_results_page(page, TITLES[page], command, body)
        if page == "pieces":
            write_figure(curves, "pieces.png")


def prose(page: str, rows: Mapping[Job, Rows], args: Args) -> str:
    """The prose of a page with its numbers.

    Args:
        page: its name.
        rows: of each training.
        args: of the experiment.
    """
    last = [performances[-1] for performances in rows.values()]
    return PROSE[page].format(
        iterations=args.iterations,
        steps=last[0]["steps"],
        minutes=np.mean([row["minutes"] for row in last]),
        first=args.every * piece_training(args.iterations).steps * 2 * WORLDS,
    )


class Learner(NamedTuple):
    """A variant on a piece."""

    variant: str
    """Name of the variant."""

    score: Score
    """To play."""

    pieces: PlannedPieces
    """The score with its plan."""

    policy: HighLevelPolicy
    """To start from."""

    goals: GoalsMaker
    """How notes are represented."""

    env_config: PianoConfig
    """Of the environment."""

    folder: Path
    """For checkpoints."""

    identity: dict[str, str | None]
    """What checkpoints have to agree with."""

    def learn(self, config: HighLevelConfig) -> HighLevelPolicy | Policy:
        """The policy, or the residual policy, after the iterations of a configuration; resumes
        where the last call has ended."""
        if self.variant not in (*DIRECT, *RESIDUAL):
            return learn_planned(
                self.pieces,
                self.policy,
                self.folder,
                config,
                identity=self.identity,
                goals=self.goals,
                env_config=self.env_config,
            )
        space: LatentSpaceLike = self.policy.latent_space
        if self.variant == NO_LATENT_SPACE:
            space = excitation_space(self.policy.latent_space)
            config = replace(config, noise=DaggerConfig().noise)
        env = PianoEnv(self.pieces, space, self.env_config, seed=config.seed)
        identity: dict[str, Any] = {
            **self.identity,
            "planner": weights_hash(self.policy),
            **describe_backend(self.env_config.backend),
        }
        if self.variant in DIRECT:
            both_hands = self.variant == DIRECT_BOTH_HANDS
            return learn_directly(env, self.folder, config, identity, both_hands=both_hands)
        identity["weights"] = asdict(self.env_config.weights)
        act: Callable[[np.ndarray], np.ndarray] = self.policy.policy.act
        if self.variant == PLAN_RESIDUAL:
            act = lambda _: env.teacher_action()  # noqa: E731
        ppo = ppo_config(config)
        return learn_residual(env, act, self.policy, self.folder, ppo, identity=identity)

    def controller(self, learnt: HighLevelPolicy | Policy | None) -> Controller:
        """A controller that plays the piece.

        Args:
            learnt: given by `learn`; None before all learning.
        """
        if self.variant == PLAN_RESIDUAL:
            assert not isinstance(learnt, HighLevelPolicy)
            return PlanController(self.score, self.policy, self.pieces, learnt)
        policy = learnt or self.policy
        if not isinstance(policy, HighLevelPolicy):
            policy = with_residual(self.policy, policy)
        return HighLevelController(self.score, policy, goals=self.goals)


def learn_one(name: str, variant: str, seed: int, args: Args) -> Rows:
    """Figures of one piece after every few iterations.

    Args:
        name: of the piece.
        variant: its name.
        seed: of everything that is drawn.
        args: of the experiment.
    """
    torch.set_num_threads(1)
    score = load_piece(name)
    score = score.clip(0.0, min(args.seconds, score.duration))
    folder = args.out / f"{name}_{variant}_{seed}"
    config = piece_training(args.iterations, seed=seed)
    identity: dict[str, str | None] = {"score": score_hash(score)}
    pieces = load_or_plan_pieces(folder / "plan", identity, lambda: plan_pieces([("piece", score)]))
    policy = load_high_level_policy(args.policy)
    if variant in (FROM_SCRATCH, NO_FINGERING, NEAREST_KEYS):
        policy = policy._replace(policy=untrained(policy, seed))
    if variant == NEAREST_KEYS:
        normalise_codes(policy)
    learner = Learner(
        variant=variant,
        score=score,
        pieces=pieces,
        policy=policy,
        goals=goals_of(variant, pieces),
        env_config=PianoConfig(num_worlds=WORLDS, backend=resolve_backend(args.backend)),
        folder=folder,
        identity=identity,
    )
    factor = PPO_FACTOR if variant in RESIDUAL else 1
    # A network that outputs actions is made by learning.
    rows = [] if variant in DIRECT else [play(learner.controller(None), 0, 0.0)]
    minutes = 0.0
    for iterations in range(args.every, args.iterations + 1, args.every):
        start = time.perf_counter()
        learnt = learner.learn(replace(config, iterations=iterations))
        minutes += (time.perf_counter() - start) / 60.0
        steps = factor * iterations * config.steps * 2 * WORLDS
        rows.append(play(learner.controller(learnt), steps, minutes))
    return rows


def goals_of(variant: str, pieces: PlannedPieces) -> GoalsMaker:
    """How a variant represents notes."""
    if variant == NO_FINGERING:
        return goals_without_fingers
    if variant == NEAREST_KEYS:
        notes = [hand_notes for side in pieces.notes for hand_notes in side]
        return partial(NearestKeys, code=learn_code(notes))
    return Goals


def ppo_config(config: HighLevelConfig) -> PpoConfig:
    """PPO with steps of the same kind, and more of them."""
    return PpoConfig(
        iterations=PPO_FACTOR * config.iterations,
        steps=config.steps,
        init_std=0.2,
        seed=config.seed,
    )


def untrained(policy: HighLevelPolicy, seed: int) -> HighLevelNetwork:
    """A network with new weights for the same latent space, with the other's normalisation."""
    network = new_high_level_network(policy.latent_space, policy.policy.sizes[1:-1], seed=seed)
    for name in ("mean", "std", "target_mean", "target_std"):
        getattr(network, name).copy_(getattr(policy.policy, name))
    return network


def normalise_codes(policy: HighLevelPolicy) -> None:
    """Changes a policy's normalisation to that of `ablate_notes`, whose codes have variance 1."""
    first = high_level_table(policy.latent_space).slice("held").start
    policy.policy.mean[first : first + CODES] = 0.0
    policy.policy.std[first : first + CODES] = 1.0


def play(controller: Controller, steps: int, minutes: float) -> dict[str, Any]:
    """Figures of a performance.

    Args:
        controller: that plays.
        steps: of learning before it.
        minutes: of learning before it.
    """
    metrics = perform(controller.score, controller).metrics.as_dict()
    return {"steps": steps, "minutes": minutes, **{name: metrics[name] for name in FIGURES}}


def as_table(rows: Mapping[Job, Rows], args: Args) -> str:
    """Each piece before and after, in Markdown, and means of each variant."""
    lines = []
    for (piece, variant, seed), performances in rows.items():
        lines.append([piece, VARIANTS[variant][0], str(seed), *cells([performances])])
    for variant in args.variants:
        members = [performances for job, performances in rows.items() if job[1] == variant]
        lines.append(["mean", VARIANTS[variant][0], "", *cells(members)])
    head = (
        "piece",
        "start",
        "seed",
        "steps",
        "minutes",
        "onset F1 before",
        "after",
        "frame F1 before",
        "after",
    )
    return markdown_table(head, lines)


def cells(jobs: list[Rows]) -> list[str]:
    """Means over jobs: steps, minutes, and each figure of the first and the last performance."""
    steps = np.mean([performances[-1]["steps"] for performances in jobs])
    minutes = np.mean([performances[-1]["minutes"] for performances in jobs])
    means = [
        np.mean([performances[place][name] or 0.0 for performances in jobs])
        for name in FIGURES
        for place in (0, -1)
    ]
    return [f"{steps:,.0f}", f"{minutes:.1f}", *(f"{mean:.3f}" for mean in means)]


def meaning_table(variants: tuple[str, ...]) -> str:
    """Names of variants and what they are, in Markdown."""
    return markdown_table(["variant", "meaning"], [list(VARIANTS[name]) for name in variants])


def draw(rows: Mapping[Job, Rows], path: Path) -> None:
    """Draws learning curves.

    Args:
        rows: figures of each job.
        path: of the picture.
    """
    figure = Figure(figsize=(8, 4), layout="constrained")
    names = list(VARIANTS)
    pieces = list(dict.fromkeys(piece for piece, _, _ in rows))
    for axes, name in zip(figure.subplots(1, 2, sharex=True), FIGURES, strict=True):
        for (piece, variant, _), performances in rows.items():
            axes.plot(
                [row["steps"] for row in performances],
                [row[name] or 0.0 for row in performances],
                linestyle=STYLES[names.index(variant)],
                color=f"C{pieces.index(piece) % 10}",
                label=f"{piece}, {VARIANTS[variant][0]}",
            )
        axes.set(
            xlabel="steps of the high-level policy", ylabel=name.replace("_", " "), ylim=(0, 1.02)
        )
        axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=5, frameon=False)
    figure.savefig(path, dpi=150)


_OLD_NAMES = {
    "at_sight": PRETRAINED,
    "from_nothing": FROM_SCRATCH,
    "without_fingers": NO_FINGERING,
    "nearest_keys": NEAREST_KEYS,
    "without_space": NO_LATENT_SPACE,
    "either_hand": DIRECT_ONE_HAND,
    "both_hands": DIRECT_BOTH_HANDS,
    "by_reward": PPO_RESIDUAL,
    "on_the_plan": PLAN_RESIDUAL,
}

RENAMED = Renamed(
    options={"--planner": "--policy"},
    values={("--variants", old): new for old, new in _OLD_NAMES.items()},
)

if __name__ == "__main__":
    run_script(main, Args, __doc__, renamed=RENAMED)
