"""Probes of a latent space: what its dimensions do, what can be read out of it, what lies between.

Linear probes (Alain & Bengio 2016, arXiv 1610.01644) are fitted to latent actions on some clips and
judged on others, beside the same probes of the hand's own state, which need no latent space.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from musclehand.body.anatomy import DIGITS, HAND_JOINTS
from musclehand.envs.demonstrations.planned_motion import plan_references
from musclehand.envs.reference import still_clip
from musclehand.envs.tracking.env import TrackingEnv
from musclehand.learning.vae import LatentActor
from musclehand.motion.dataset import split_of
from musclehand.music.generate.patterns import pattern_scores

if TYPE_CHECKING:
    from musclehand.policies.latent import LatentSpace

__all__ = [
    "Interpolation",
    "draw_traversal",
    "interpolate_latent_actions",
    "probe_latent_actions",
    "traverse_latent_actions",
]

NEVER = 1e3
"""Limits that no episode reaches [m, rad, s]: hands may do whatever they do."""

SCORE_SEED = 7000
"""Seed of the scores of the probes: others than those of trainings and of their judgement."""

PROBE_SECONDS = 6.0
"""[s] Followed of each plan."""

LOOK_AHEAD = 4
"""Steps between a latent action and the motion that probes read out of it; 32 ms."""

LIMIT_MARGIN = 0.02
"""[rad] A joint is within its limits up to this far beyond them: limits are soft."""


class Interpolation(NamedTuple):
    """Postures under latent actions on the line between two samples of the prior."""

    stray: float
    """Median over pairs of the largest distance from the line between the two postures, as a share
    of that line's length."""

    within_limits: float
    """Share of joints within their limits."""


def probe_latent_actions(space: LatentSpace, scores: int) -> dict[str, Mapping[str, float]]:
    """How well linear probes read fingers and motion out of latent actions.

    Plans of generated scores are followed through the latent space; probes are fitted to half of
    the clips and judged on the other half.

    Args:
        space: to probe.
        scores: how many are planned.

    Returns:
        For each probe its score with the latent action (`z`) and with the hand's own state (`own`):
        balanced accuracy of a logistic regression of which finger presses, and R^2 of a ridge
        regression of the joints' motion.
    """
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.metrics import balanced_accuracy_score, r2_score

    data = _follow_plans(space, scores)
    fitted = data["clip"] % 2 == 0
    results: dict[str, dict[str, float]] = {}
    for name in ("z", "own"):
        fit = data[name][fitted]
        judge = data[name][~fitted]
        for finger, digit in enumerate(DIGITS):
            pressed = data["press"][fitted, finger]
            truth = data["press"][~fitted, finger]
            probe = LogisticRegression(max_iter=300, class_weight="balanced").fit(fit, pressed)
            score = balanced_accuracy_score(truth, probe.predict(judge))
            result = results.setdefault(f"{digit} presses, balanced accuracy", {})
            result[name] = round(float(score), 3)
        motion = Ridge(alpha=1.0).fit(fit, data["motion"][fitted])
        truth = data["motion"][~fitted]
        score = r2_score(truth, motion.predict(judge), multioutput="variance_weighted")
        result = results.setdefault("joint motion in the next 32 ms, R^2", {})
        result[name] = round(float(score), 3)
    return dict(results)


def traverse_latent_actions(
    space: LatentSpace, *, size: float = 1.5, seconds: float = 0.25
) -> np.ndarray:
    """How each dimension of a latent action turns the joints [rad]. Shape (dimensions, 25).

    Hands that hold a posture are given the encoder's latent action with one dimension raised or
    lowered; the rotation is half of the difference between the two.

    Args:
        space: to look at.
        size: by how much a dimension is moved.
        seconds: after which the postures are compared.
    """
    count = space.policy.latent_size
    env = _still_hands(space, 2 * count)
    observation = env.reset(seed=0)
    centre = space.policy.encode_mean(observation)
    moved = centre + size * np.concatenate([np.eye(count), -np.eye(count)])
    _hold(space, env, observation, moved, seconds)
    raised, lowered = np.split(env.body.proprioception().angles, 2)
    return np.asarray(0.5 * (raised - lowered))


def interpolate_latent_actions(
    space: LatentSpace, *, pairs: int = 32, points: int = 9, seconds: float = 0.3
) -> Interpolation:
    """What hands do under latent actions between two that were drawn from the prior.

    Args:
        space: to look at.
        pairs: how many pairs of samples.
        points: latent actions on the line between two samples, the ends included.
        seconds: for which each is held.
    """
    policy = space.policy
    env = _still_hands(space, pairs * points)
    observation = env.reset(seed=0)
    shape = (2, pairs, policy.latent_size)
    noise = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    with torch.inference_mode():
        prior = policy.prior_distribution(torch.from_numpy(observation[:pairs]))
        ends = [prior.sample(torch.from_numpy(part)).numpy() for part in noise]
    shares = np.linspace(0.0, 1.0, points)[:, None, None]
    between = (ends[0] + shares * (ends[1] - ends[0])).reshape(-1, policy.latent_size)
    _hold(space, env, observation, between, seconds)
    angles = env.body.proprioception().angles
    limits = env.body.hand.limits(env.body.model)
    postures = angles.reshape(points, pairs, -1)
    line = postures[0] + shares * (postures[-1] - postures[0])
    distance = np.linalg.norm(postures - line, axis=2).max(axis=0)
    stray = distance / np.linalg.norm(postures[-1] - postures[0], axis=1)
    above = angles > limits[:, 0] - LIMIT_MARGIN
    below = angles < limits[:, 1] + LIMIT_MARGIN
    return Interpolation(
        stray=round(float(np.median(stray)), 3),
        within_limits=round(float((above & below).mean()), 4),
    )


def draw_traversal(rotations: np.ndarray, path: Path) -> None:
    """Draws what `traverse_latent_actions` found, the dimensions that do most first.

    Args:
        rotations: of joints by dimensions [rad]. Shape (dimensions, 25).
        path: of the picture.
    """
    from matplotlib.figure import Figure

    order = np.argsort(-np.abs(rotations).max(axis=1))
    figure = Figure(figsize=(9, 6), layout="constrained")
    axes = figure.subplots()
    most = float(np.degrees(np.abs(rotations).max()))
    picture = axes.imshow(
        np.degrees(rotations[order]), cmap="RdBu_r", vmin=-most, vmax=most, aspect="auto"
    )
    axes.set_xticks(range(len(HAND_JOINTS)), HAND_JOINTS, rotation=90, fontsize=7)
    axes.set_yticks(range(len(order)), [str(number) for number in order], fontsize=6)
    axes.set_ylabel("dimension of the latent action")
    figure.colorbar(picture, label="rotation after 0.25 s [deg]")
    figure.savefig(path, dpi=130)


def _follow_plans(space: LatentSpace, scores: int) -> dict[str, np.ndarray]:
    """Latent actions, states and motion of hands that follow plans; a row for each step and
    hand."""
    generated = (score for score in pattern_scores(SCORE_SEED) if split_of(score.pattern) == "test")
    references = plan_references(islice(generated, scores))
    config = replace(
        space.config, num_envs=len(references.names), keys=True, fixed_starts=True, episode=8.0
    )
    env = TrackingEnv(references, config)
    observation = env.reset(seed=0)
    act = LatentActor(space.policy)
    state = space.policy.decoder_mask.numpy()
    names = ("z", "own", "press", "motion", "clip")
    rows: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for _ in range(round(PROBE_SECONDS / env.step_dt)):
        goal = env.references.ahead(env.frame, LOOK_AHEAD)
        rows["z"].append(space.policy.encode_mean(observation))
        rows["own"].append(observation[:, state])
        rows["press"].append(env.references.key_force[goal] > 0.0)
        rows["motion"].append(env.references.angles[goal] - env.body.proprioception().angles)
        rows["clip"].append(env.references.clip[env.frame])
        observation = env.step(act(observation, env)).observation
    return {name: np.concatenate(parts) for name, parts in rows.items()}


def _still_hands(space: LatentSpace, hands: int) -> TrackingEnv:
    """Hands in the air with nothing to follow but a posture."""
    config = replace(
        space.config,
        num_envs=hands,
        keys=False,
        fixed_starts=True,
        tip_limit=NEVER,
        angle_limit=NEVER,
        episode=NEVER,
    )
    return TrackingEnv([still_clip()], config)


def _hold(
    space: LatentSpace,
    env: TrackingEnv,
    observation: np.ndarray,
    latent_action: np.ndarray,
    seconds: float,
) -> None:
    """Holds latent actions, shape (n, dimensions), for some time."""
    policy = space.policy
    for step in range(round(seconds / env.step_dt)):
        action = policy.act(observation, latent_action, step % policy.action_repeat)
        observation = env.step(action).observation
