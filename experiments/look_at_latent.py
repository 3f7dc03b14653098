"""What a latent space of skill is like: what its numbers do, what can be read out of it, and what
lies between.

    python experiments/look_at_latent.py runs/distill_latent/skill/000001.json
    python experiments/look_at_latent.py                           # the one of the planner that comes along

In the folder `--out`: `latent.png`, how joints turn when one number of an intention is moved, and
`look.json`: how well lines (ridge, logistic regression) read off intentions which finger presses
and how a hand is asked to move, on clips that they were not fitted to and beside what can be had
without intentions; and where hands go between two.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
import tyro
from matplotlib.figure import Figure
from rich.console import Console
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import balanced_accuracy_score, r2_score

from musclehand.body.anatomy import DIGITS, HAND_JOINTS
from musclehand.core.errors import MusclehandError
from musclehand.envs.demonstrations.planned_motion import plan_references
from musclehand.envs.tracking.env import TrackingEnv
from musclehand.learning.vae import LatentActor
from musclehand.motion.dataset import split_of
from musclehand.music.generate.patterns import pattern_scores
from musclehand.policies.high_level import load_high_level_policy
from musclehand.policies.latent import LatentSpace, load_latent_space
from musclehand.policies.tracking import still_clip
from readme_table import put_figure
from whole_files import write_whole

STILL = 1e3
"""Episodes are not to fail here, whatever hands do [m, rad, s]."""


@dataclass(frozen=True)
class Args:
    """What to look at."""

    skill: tyro.conf.Positional[Path | None] = None
    """latent space, by its JSON file; that of the planner that comes along by default"""
    scores: int = 12
    """planned, to read intentions off; half to fit lines, half to judge them"""
    out: Path = Path("runs/look_at_latent")
    """folder of the results"""
    readme: bool = False
    """put the picture beside README.md"""


def main(args: Args) -> None:
    """Looks, draws, writes."""
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    skill = load_high_level_policy().skill if args.skill is None else load_latent_space(args.skill)
    moved = traverse(skill)
    draw(moved, args.out / "latent.png")
    if args.readme:
        put_figure(args.out / "latent.png", "latent.png")
    figures = {"probes": probes(skill, args.scores), "between": between(skill)}
    figures["numbers_that_move_a_joint"] = int((np.abs(moved).max(axis=1) > np.radians(2.0)).sum())
    write_whole(args.out / "look.json", json.dumps(figures, indent=1))
    Console().print_json(json.dumps(figures))


def probes(skill: LatentSpace, count: int) -> dict[str, dict[str, float]]:
    """What lines read off intentions, on clips held out, and off the hand's own state alone."""
    made = islice((one for one in pattern_scores(7000) if split_of(one.pattern) == "test"), count)
    references = plan_references(made)
    hands = len(references.names)
    config = replace(skill.config, num_envs=hands, keys=True, fixed_starts=True, episode=8.0)
    env = TrackingEnv(references, config)
    seen = env.reset(seed=0)
    act = LatentActor(skill.policy)
    own = skill.policy.state.numpy()
    rows: dict[str, list[np.ndarray]] = {
        name: [] for name in ("z", "own", "press", "moves", "clip")
    }
    for _ in range(round(6.0 / env.step_dt)):
        goal = env.references.ahead(env.frame, 4)
        rows["z"].append(skill.policy.intend(seen))
        rows["own"].append(seen[:, own])
        rows["press"].append(env.references.press[goal] > 0.0)
        rows["moves"].append(env.references.angles[goal] - env.body.senses().angles)
        rows["clip"].append(env.references.clip[env.frame])
        seen = env.step(act(seen, env)).observation
    data = {name: np.concatenate(parts) for name, parts in rows.items()}
    fitted = data["clip"] % 2 == 0
    told: dict[str, dict[str, float]] = {}
    for name in ("z", "own"):
        fit = data[name][fitted]
        judge = data[name][~fitted]
        for finger, digit in enumerate(DIGITS):
            pressed = data["press"][fitted, finger]
            truth = data["press"][~fitted, finger]
            line = LogisticRegression(max_iter=300, class_weight="balanced").fit(fit, pressed)
            score = balanced_accuracy_score(truth, line.predict(judge))
            told.setdefault(f"{digit} presses, balanced accuracy", {})[name] = round(
                float(score), 3
            )
        turn = Ridge(alpha=1.0).fit(fit, data["moves"][fitted])
        score = r2_score(
            data["moves"][~fitted], turn.predict(judge), multioutput="variance_weighted"
        )
        told.setdefault("joints' way in 32 ms, R^2", {})[name] = round(float(score), 3)
    return told


def traverse(skill: LatentSpace, *, size: float = 1.5, seconds: float = 0.25) -> np.ndarray:
    """How far each joint is from where it would be, when one number of the usual intention is
    moved up rather than down [rad]. Shape (latent, 23)."""
    count = skill.policy.latent
    env = alone(skill, 2 * count)
    seen = env.reset(seed=0)
    usual = skill.policy.intend(seen)
    z = usual + size * np.concatenate([np.eye(count), -np.eye(count)])
    for step in range(round(seconds / env.step_dt)):
        seen = env.step(skill.policy.act(seen, z, step % skill.policy.hold)).observation
    up, down = np.split(env.body.senses().angles, 2)
    return np.asarray(0.5 * (up - down))


def between(
    skill: LatentSpace, *, pairs: int = 32, points: int = 9, seconds: float = 0.3
) -> dict[str, float]:
    """Hands that hold intentions on the line between two that were drawn from the prior: how far
    they stray from the line between the two postures, as a share of its length, and whether
    joints stay within their limits."""
    env = alone(skill, pairs * points)
    seen = env.reset(seed=0)
    noise = (
        np.random.default_rng(0).standard_normal((2, pairs, skill.policy.latent)).astype(np.float32)
    )
    with torch.inference_mode():
        usual = skill.policy.usual(torch.from_numpy(seen[:pairs]))
        ends = [usual.sample(torch.from_numpy(part)).numpy() for part in noise]
    shares = np.linspace(0.0, 1.0, points)[:, None, None]
    z = (ends[0] + shares * (ends[1] - ends[0])).reshape(-1, skill.policy.latent)
    for step in range(round(seconds / env.step_dt)):
        seen = env.step(skill.policy.act(seen, z, step % skill.policy.hold)).observation
    angles = env.body.senses().angles
    limits = env.body.hand.limits(env.body.model)
    postures = angles.reshape(points, pairs, -1)
    line = postures[0] + shares * (postures[-1] - postures[0])
    stray = np.linalg.norm(postures - line, axis=2).max(axis=0) / np.linalg.norm(
        postures[-1] - postures[0], axis=1
    )
    inside = (angles > limits[:, 0] - 0.02) & (angles < limits[:, 1] + 0.02)
    return {
        "stray": round(float(np.median(stray)), 3),
        "within_limits": round(float(inside.mean()), 4),
    }


def alone(skill: LatentSpace, hands: int) -> TrackingEnv:
    """Hands in the air with nothing to follow but a posture."""
    config = replace(skill.config, num_envs=hands, keys=False, fixed_starts=True)
    return TrackingEnv(
        [still_clip()], replace(config, tip_limit=STILL, angle_limit=STILL, episode=STILL)
    )


def draw(moved: np.ndarray, path: Path) -> None:
    """Joints by numbers of an intention, those that do most first."""
    order = np.argsort(-np.abs(moved).max(axis=1))
    figure = Figure(figsize=(9, 6), layout="constrained")
    axes = figure.subplots()
    most = float(np.degrees(np.abs(moved).max()))
    picture = axes.imshow(
        np.degrees(moved[order]), cmap="RdBu_r", vmin=-most, vmax=most, aspect="auto"
    )
    axes.set_xticks(range(len(HAND_JOINTS)), HAND_JOINTS, rotation=90, fontsize=7)
    axes.set_yticks(range(len(order)), [str(number) for number in order], fontsize=6)
    axes.set_ylabel("number of the intention")
    figure.colorbar(picture, label="joint turned after 0.25 s [deg]")
    figure.savefig(path, dpi=130)


if __name__ == "__main__":
    try:
        main(tyro.cli(Args, description=__doc__))
    except MusclehandError as error:
        raise SystemExit(str(error)) from None
