"""Distils a tracking policy into a latent space of skill, and says what was lost and what the space
is like.

    python experiments/distill_latent.py corpus runs/track_hand/policy/000001.json
    python experiments/distill_latent.py corpus POLICY --latent.latent 8 --latent.hold 8 --out runs/latent_8
    python experiments/distill_latent.py corpus --shipped          # judges the one of the planner that comes along

The latent policy first learns to do as the policy does, then by the slope of the reward, in a world
like that in which the policy has learnt. Killed at any moment, the same command goes on and ends
with the same bits. In the folder `--out`: `run/` and `slope/` with checkpoints, `planned/`,
`skill/` with the latent policy, `sequences.csv`, how every held-out clip is followed by the policy
and through the latent space, the worst first, and `latent.json`: means, the worst sequences, and
what intentions drawn from the prior do.
"""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
import tyro
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from musclehand.core.errors import InvalidValue, MusclehandError
from musclehand.envs.reference import ReferenceSet, build_references
from musclehand.envs.tracking.env import TrackingConfig, TrackingEnv
from musclehand.envs.tracking.evaluation import evaluate
from musclehand.envs.tracking.observation import own_state
from musclehand.learning.apg import ApgProgress
from musclehand.learning.latent_apg import LatentApgConfig, LatentApgTraining
from musclehand.learning.latent_distill import LatentConfig, LatentDistillation, LatentProgress
from musclehand.learning.policy import Policy
from musclehand.learning.vae import LatentActor, LatentPolicy
from musclehand.motion.clip import MotionClip
from musclehand.motion.dataset import MotionCorpus, open_corpus
from musclehand.policies.high_level import load_high_level_policy
from musclehand.policies.latent import save_latent_space
from musclehand.policies.tracking import TrackingPolicy, identity_of, load_tracking_policy
from musclehand.sim.backend_choice import BackendChoice, resolve_backend
from readme_table import cells_table, put_table
from track_hand import ROUGH, references_of
from whole_files import write_whole

MARK = "sequences table"

BEYOND = 0.02
"""A joint is within its limits where it is no further beyond them than that [rad]: they are
soft."""


@dataclass(frozen=True)
class Args:
    """What to distil, from what."""

    corpus: tyro.conf.Positional[Path]
    """folder of a corpus"""
    policy: tyro.conf.Positional[Path | None] = None
    """checkpoint of a tracking policy, by its JSON file; the one that comes along by default"""
    out: Path = Path("runs/distill_latent")
    """folder of the run; one that is there is gone on with"""
    envs: int = 64
    """hands at a time"""
    backend: BackendChoice = "auto"
    """what simulates: the processor, or MuJoCo Warp on a GPU; auto is Warp where that and a GPU
    are there"""
    scores: int = 160
    """by pattern, planned to be followed beside the corpus"""
    clips: int = 24
    """held-out clips to judge by"""
    shipped: bool = False
    """distil nothing, but judge the space of the planner that comes along, into OUT/shipped"""
    readme: bool = False
    """put the table of sequences into README.md"""
    latent: LatentConfig = field(default_factory=LatentConfig)
    slope: LatentApgConfig = field(default_factory=LatentApgConfig)


def main(args: Args) -> None:
    """Distils, judges and writes."""
    torch.set_num_threads(1)
    console = Console()
    if args.shipped:
        args = replace(args, out=args.out / "shipped")
    args.out.mkdir(parents=True, exist_ok=True)
    begin = time.perf_counter()
    teacher = load_tracking_policy(args.policy)
    corpus = open_corpus(args.corpus)
    test = held_out(corpus, args.clips)
    policy = (
        load_high_level_policy().skill.policy
        if args.shipped
        else distil(corpus, teacher, args, console)
    )
    figures = judge(policy, teacher.policy.act, test, teacher.config, args.out / "sequences.csv")
    figures |= draw_at_random(policy, test, teacher.config) | {
        "minutes": (time.perf_counter() - begin) / 60
    }
    write_whole(args.out / "latent.json", json.dumps(figures, indent=1))
    console.print_json(json.dumps(figures))
    if args.readme:
        put_table(MARK, sequence_table(args.out / "sequences.csv"))


def distil(
    corpus: MotionCorpus, teacher: TrackingPolicy, args: Args, console: Console
) -> LatentPolicy:
    """What has learnt from the policy, then by slopes; it is written to `skill/`."""
    config = replace(teacher.config, num_envs=args.envs, backend=resolve_backend(args.backend))
    references = references_of(
        corpus,
        args.out / "planned",
        scores=args.scores if config.keys else 0,
        seed=args.latent.seed,
        sim_steps=config.sim_steps,
        console=console,
    )
    env = TrackingEnv(references, config, bad_states=args.out / "bad_states")
    state = own_state(env.table)
    run = LatentDistillation(
        env, teacher.policy, state, args.latent, args.out / "run", known=identity_of(env)
    )
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=args.latent.iterations, completed=run.done)

        def tell(told: LatentProgress) -> None:
            tip = (
                "" if told.terms is None else f", fingertips {1e3 * told.terms['tip_error']:.2f} mm"
            )
            said = f"{told.labels} labels, error {told.error:.2e}, {told.divergence:.1f} nats{tip}"
            bar.update(task, advance=1, description=said)

        policy = run.run(tell)
    policy = by_slope(references, policy, config, args, console)
    assert isinstance(policy, LatentPolicy)
    told = {
        "stage": "latent",
        "policy": dict(teacher.info),
        "config": json.loads(json.dumps(asdict(args.latent))),
    }
    save_latent_space(args.out / "skill", policy, env, told)
    return policy


def held_out(corpus: MotionCorpus, count: int) -> list[MotionClip]:
    """Clips to judge by, drawn the same way each time.

    Raises:
        InvalidValue: the corpus has none, or fewer than one is asked for.
    """
    test = list(corpus.clips("test"))
    if not (test and count >= 1):
        raise InvalidValue("held-out clips of the corpus, clips", (len(test), count), "1 or more")
    return [test[i] for i in np.random.default_rng(0).permutation(len(test))[:count]]


def by_slope(
    references: ReferenceSet, policy: Policy, config: TrackingConfig, args: Args, console: Console
) -> Policy:
    """What reward has taught after that."""
    assert isinstance(policy, LatentPolicy)
    if args.slope.iterations == 0:
        return policy
    env = TrackingEnv(
        references, replace(config, disturbance=ROUGH), bad_states=args.out / "bad_states"
    )
    known = identity_of(env) | {"distilled": json.loads(json.dumps(asdict(args.latent)))}
    run = LatentApgTraining(env, policy, args.slope, args.out / "slope", known=known)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=args.slope.iterations, completed=run.done)

        def tell(told: ApgProgress) -> None:
            said = (
                f"slope {told.steps} hand steps, fingertips {1e3 * told.terms['tip_error']:.2f} mm"
            )
            bar.update(task, advance=1, description=said)

        return run.run(tell)


def judge(
    policy: LatentPolicy, act: object, clips: list[MotionClip], config: TrackingConfig, path: Path
) -> dict[str, object]:
    """Every clip by the policy and through the latent space; means and the worst five."""
    direct = evaluate(clips, lambda seen, _: act(seen), config)  # type: ignore[operator]
    latent = evaluate(clips, LatentActor(policy), config)
    rows = [
        {
            "name": one.name,
            "kind": one.kind,
            "seconds": one.seconds,
            "survived": two.survived,
            "policy_mm": 1e3 * one.tip_mean,
            "latent_mm": 1e3 * two.tip_mean,
            "ratio": two.tip_mean / one.tip_mean,
            "policy_joints_deg": np.degrees(one.joint_rmse),
            "latent_joints_deg": np.degrees(two.joint_rmse),
        }
        for one, two in zip(direct, latent, strict=True)
    ]
    rows.sort(key=lambda row: -float(row["ratio"]))
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    write_whole(path, text.getvalue())
    weight = np.array([float(row["seconds"]) for row in rows])
    means = {
        name: float(weight @ [float(row[name]) for row in rows] / weight.sum())
        for name in ("policy_mm", "latent_mm")
    }
    return {
        **means,
        "ratio": means["latent_mm"] / means["policy_mm"],
        "survived": float(np.mean([two.survived for two in latent])),
        "worst": {
            f"{row['kind']} {row['name']}": round(float(row["ratio"]), 3) for row in rows[:5]
        },
    }


def sequence_table(path: Path) -> str:
    """What `judge` wrote, in Markdown."""
    with open(path, newline="") as file:
        rows = {f"{row['kind']} {row['name']}": row for row in csv.DictReader(file)}
    cells: list[tuple[str, Callable[[dict[str, str]], str]]] = [
        ("seconds", lambda row: f"{float(row['seconds']):.1f}"),
        ("policy: tips mm", lambda row: f"{float(row['policy_mm']):.2f}"),
        ("through intentions", lambda row: f"{float(row['latent_mm']):.2f}"),
        ("ratio", lambda row: f"{float(row['ratio']):.2f}"),
        ("policy: joints deg", lambda row: f"{float(row['policy_joints_deg']):.2f}"),
        ("through intentions", lambda row: f"{float(row['latent_joints_deg']):.2f}"),
    ]
    return cells_table("sequence, worst first", cells, rows)


def draw_at_random(
    policy: LatentPolicy, clips: list[MotionClip], config: TrackingConfig, *, seconds: float = 5.0
) -> dict[str, float]:
    """What hands do with intentions drawn from the prior, in the air: share of time that joints
    are within their limits and that a part of the hand touches another, and how fast they are,
    the last two beside the clips' own."""
    body = TrackingEnv(clips, replace(config, num_envs=1)).body
    references = build_references(
        clips, dt=config.sim_steps * body.model.opt.timestep, muscles=body.muscles
    )
    still = replace(
        config, num_envs=32, keys=False, tip_limit=10.0, angle_limit=10.0, episode=seconds + 1.0
    )
    env = TrackingEnv(references, still)
    limits = body.hand.limits(body.model)
    rng = np.random.default_rng(0)
    clips_touch = []
    for _ in range(100):
        env.body.place(
            np.arange(still.num_envs),
            references,
            rng.integers(references.frames, size=still.num_envs),
        )
        clips_touch.append((env.body.backend.read("ncon") > 0).mean())
    seen = env.reset(seed=0)
    within = []
    touch = []
    speeds = []
    for step in range(round(seconds / env.step_dt)):
        if step % policy.hold == 0:
            with torch.inference_mode():
                usual = policy.usual(torch.from_numpy(seen))
                z = usual.sample(
                    torch.from_numpy(rng.standard_normal(usual.mean.shape).astype(np.float32))
                ).numpy()
        seen = env.step(policy.act(seen, z, step % policy.hold)).observation
        senses = env.body.senses()
        inside = (senses.angles > limits[:, 0] - BEYOND) & (senses.angles < limits[:, 1] + BEYOND)
        within.append(inside.mean())
        touch.append((env.body.backend.read("ncon") > 0).mean())
        speeds.append(np.sqrt(np.mean(senses.speeds**2)))
    return {
        "prior_within_limits": float(np.mean(within)),
        "prior_touching": float(np.mean(touch)),
        "clips_touching": float(np.mean(clips_touch)),
        "prior_speed": float(np.mean(speeds)),
        "clips_speed": float(np.sqrt(np.mean(references.speeds**2))),
    }


if __name__ == "__main__":
    try:
        main(tyro.cli(Args, description=__doc__))
    except MusclehandError as error:
        raise SystemExit(str(error)) from None
