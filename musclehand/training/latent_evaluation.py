"""Judging a latent space: clip by clip beside the policy it was distilled from, and its prior."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch

from musclehand.core.errors import InvalidValue
from musclehand.envs.reference import build_references
from musclehand.envs.tracking.env import TrackingConfig, TrackingEnv
from musclehand.envs.tracking.evaluation import evaluate
from musclehand.learning.vae import LatentActor, LatentPolicy
from musclehand.motion.clip import MotionClip
from musclehand.motion.dataset import MotionCorpus

__all__ = ["SequenceComparison", "compare_sequences", "held_out_clips", "sample_prior"]

LIMIT_MARGIN = 0.02
"""[rad] A joint is within its limits up to this far beyond them: limits are soft."""

WORST = 5
"""Number of clips that are named in the figures."""

PRIOR_HANDS = 32
"""Number of hands that act on samples of the prior."""

CLIP_POSTURES = 100
"""Number of draws of postures from the clips, with one for each hand."""


class SequenceComparison(NamedTuple):
    """How clips are followed by a tracking policy and through a latent space."""

    rows: list[dict[str, Any]]
    """One for each clip, by falling `ratio`: name, kind, seconds, survived (through the latent
    space), policy_mm and latent_mm (mean fingertip errors), ratio of the two, policy_joints_deg
    and latent_joints_deg (root mean square)."""

    survived: float
    """Share of clips that are followed to their end through the latent space."""

    def figures(self) -> dict[str, Any]:
        """Means over the clips by their durations, the share that survived, and the worst."""
        weight = np.array([float(row["seconds"]) for row in self.rows])
        means = {
            name: float(weight @ [float(row[name]) for row in self.rows] / weight.sum())
            for name in ("policy_mm", "latent_mm")
        }
        worst = {
            f"{row['kind']} {row['name']}": round(float(row["ratio"]), 3)
            for row in self.rows[:WORST]
        }
        ratio = means["latent_mm"] / means["policy_mm"]
        return {**means, "ratio": ratio, "survived": self.survived, "worst": worst}


def held_out_clips(corpus: MotionCorpus, count: int) -> list[MotionClip]:
    """Clips of the test split, in an order drawn from a fixed seed.

    Args:
        corpus: with a test split.
        count: how many at most.

    Raises:
        InvalidValue: the split is empty, or `count` is below 1.
    """
    clips = list(corpus.clips("test"))
    if not (clips and count >= 1):
        raise InvalidValue("held-out clips of the corpus, clips", (len(clips), count), "1 or more")
    return [clips[i] for i in np.random.default_rng(0).permutation(len(clips))[:count]]


def compare_sequences(
    policy: LatentPolicy,
    act: Callable[[np.ndarray], np.ndarray],
    clips: Sequence[MotionClip],
    config: TrackingConfig,
) -> SequenceComparison:
    """Has each clip followed by a tracking policy, and through a latent space.

    Args:
        policy: encoder, prior and decoder; the encoder's mean acts.
        act: the tracking policy, from observations to excitations.
        clips: to follow.
        config: of the environment.
    """
    direct = evaluate(clips, lambda observation, _: act(observation), config)
    through = evaluate(clips, LatentActor(policy), config)
    rows: list[dict[str, Any]] = [
        {
            "name": score.name,
            "kind": score.kind,
            "seconds": score.seconds,
            "survived": latent_score.survived,
            "policy_mm": 1e3 * score.tip_mean,
            "latent_mm": 1e3 * latent_score.tip_mean,
            "ratio": latent_score.tip_mean / score.tip_mean,
            "policy_joints_deg": np.degrees(score.joint_rmse),
            "latent_joints_deg": np.degrees(latent_score.joint_rmse),
        }
        for score, latent_score in zip(direct, through, strict=True)
    ]
    rows.sort(key=lambda row: -float(row["ratio"]))
    return SequenceComparison(rows, float(np.mean([score.survived for score in through])))


def sample_prior(
    policy: LatentPolicy,
    clips: Sequence[MotionClip],
    config: TrackingConfig,
    *,
    seconds: float = 5.0,
) -> dict[str, float]:
    """What hands in the air do with latent actions drawn from the prior.

    Args:
        policy: with the prior and the decoder.
        clips: to compare with.
        config: of the environment.
        seconds: simulated time.

    Returns:
        `prior_within_limits`: share of joints and time within the limits; `prior_touching`: share
        of time in which a part of the hand touches another, `prior_speed` [rad/s]: root mean
        square of joint speeds, and the same two of the clips, `clips_touching`, `clips_speed`.
    """
    body = TrackingEnv(clips, replace(config, num_envs=1)).body
    dt = config.sim_steps * body.model.opt.timestep
    references = build_references(clips, dt=dt, muscles=body.muscles)
    # Episodes are not to fail, whatever hands do.
    free = replace(
        config,
        num_envs=PRIOR_HANDS,
        keys=False,
        tip_limit=10.0,
        angle_limit=10.0,
        episode=seconds + 1.0,
    )
    env = TrackingEnv(references, free)
    limits = body.hand.limits(body.model)
    rng = np.random.default_rng(0)
    clips_touching = []
    for _ in range(CLIP_POSTURES):
        frames = rng.integers(references.frames, size=env.num_envs)
        env.body.reset_to(np.arange(env.num_envs), references, frames)
        clips_touching.append((env.body.backend.read("ncon") > 0).mean())
    observation = env.reset(seed=0)
    within_limits = []
    touching = []
    speeds = []
    for step in range(round(seconds / env.step_dt)):
        if step % policy.action_repeat == 0:
            latent_action = _sample(policy, observation, rng)
        action = policy.act(observation, latent_action, step % policy.action_repeat)
        observation = env.step(action).observation
        senses = env.body.proprioception()
        above = senses.angles > limits[:, 0] - LIMIT_MARGIN
        below = senses.angles < limits[:, 1] + LIMIT_MARGIN
        within_limits.append((above & below).mean())
        touching.append((env.body.backend.read("ncon") > 0).mean())
        speeds.append(np.sqrt(np.mean(senses.speeds**2)))
    return {
        "prior_within_limits": float(np.mean(within_limits)),
        "prior_touching": float(np.mean(touching)),
        "clips_touching": float(np.mean(clips_touching)),
        "prior_speed": float(np.mean(speeds)),
        "clips_speed": float(np.sqrt(np.mean(references.speeds**2))),
    }


def _sample(policy: LatentPolicy, observation: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    with torch.inference_mode():
        prior = policy.prior_distribution(torch.from_numpy(observation))
        noise = rng.standard_normal(prior.mean.shape).astype(np.float32)
        return prior.sample(torch.from_numpy(noise)).numpy()
