"""Whether the slopes that policies learn from are right: what they promise of a small step, and
what it brings.

    python experiments/check_slopes.py corpus
    python experiments/check_slopes.py corpus runs/track_hand/policy/000001.json --fading 1 --steps 64

A policy follows clips in the air, and plans on keys. Its weights are moved a little along the
direction in which it would learn, there and back, the same is followed from the same states, and
the change of each of the reward's terms is told beside what the slopes promised: means over hands
but for the tenth to which most was promised (slopes of those are cut in learning, too), and how the
two go together over all of these hands.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
import tyro
from rich.console import Console
from rich.table import Table

from eval_tracking import Args as HeldOut
from eval_tracking import held_out
from musclehand.core.errors import MusclehandError
from musclehand.envs.reference import ReferenceSet, build_references
from musclehand.envs.tracking.body import TrackingBody
from musclehand.envs.tracking.disturbance import DisturbanceConfig
from musclehand.envs.tracking.env import TrackingConfig, TrackingEnv
from musclehand.envs.tracking.reward import RewardWeights
from musclehand.learning.apg import LARGEST
from musclehand.learning.policy import Policy
from musclehand.motion.dataset import open_corpus
from musclehand.policies.tracking import load_tracking_policy

TERMS = ("tip", "angle", "speed", "effort", "change")


@dataclass(frozen=True)
class Args:
    """What to check."""

    corpus: tyro.conf.Positional[Path]
    """folder of a corpus"""
    policy: tyro.conf.Positional[Path | None] = None
    """checkpoint of a tracking policy; the one that comes along by default"""
    envs: int = 64
    """hands at a time"""
    steps: int = 32
    """that slopes are followed through"""
    fading: float = 0.95
    """share of what an error costs later that a step has to answer for; below 1 more may be
    found than promised"""
    size: float = 0.01
    """length of the step among the policy's weights"""
    scores: int = 12
    """planned for the keys"""
    seed: int = 0
    """of where clips are begun"""


def main(args: Args) -> None:
    """Prints a table."""
    torch.set_num_threads(1)
    loaded = load_tracking_policy(args.policy)
    corpus = open_corpus(args.corpus)
    quiet = replace(loaded.config, num_envs=args.envs, disturbance=DisturbanceConfig())
    asked = HeldOut(args.corpus, split="train", most=1, scores=args.scores)
    planned = held_out(asked, corpus, replace(quiet, keys=True))
    clips = list(corpus.clips("train"))[::8]
    heads = ("", "term", "promised", "found", "correlation")
    table = Table(*heads, title="change of the reward for a step of length 1")
    for place, keys, references in (
        (
            "in the air",
            False,
            build_references(clips, dt=planned.dt, muscles=TrackingBody(1).muscles),
        ),
        ("on keys", True, planned),
    ):
        rows = check(loaded.policy, references, replace(quiet, keys=keys), args)
        for term, (promised, found) in rows.items():
            usual = promised < np.quantile(promised, 0.9)
            promised = promised[usual]
            found = found[usual]
            both = np.corrcoef(promised, found)[0, 1]
            table.add_row(
                place, term, f"{promised.mean():.3f}", f"{found.mean():.3f}", f"{both:.2f}"
            )
        table.add_section()
    Console().print(table)


def check(
    policy: Policy, references: ReferenceSet, config: TrackingConfig, args: Args
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Of each term of the reward, and of all: what slopes promise hands of a step of length 1
    and what is found."""
    env = TrackingEnv(references, config, seed=args.seed)
    # So that hands are on their way, not where the reference has put them.
    follow(env, policy, env.state(), args.steps)
    start = env.state()

    def slopes(weights: RewardWeights) -> tuple[torch.Tensor, np.ndarray]:
        env.config = replace(config, weights=weights)
        seen, _ = follow(env, policy, start, args.steps)
        return torch.from_numpy(seen), slopes_of(env, policy, seen, args.fading)

    seen, learnt = slopes(config.weights)
    learnt = np.clip(
        learnt / np.sqrt(np.median(np.mean(np.square(learnt), axis=2))), -LARGEST, LARGEST
    )
    parts = torch.autograd.grad(
        (torch.from_numpy(learnt) * policy(seen)).sum(), list(policy.parameters())
    )
    way = torch.cat([part.ravel() for part in parts])
    way = way / way.norm()
    ends = [moved(policy, sign * args.size * way) for sign in (1.0, -1.0)]
    more, less = (follow(env, end, start, args.steps)[1] for end in ends)
    with torch.no_grad():
        turned = ((ends[0](seen) - ends[1](seen)) / (2.0 * args.size)).numpy()
    none = dict.fromkeys(asdict(config.weights), 0.0)
    rows = {}
    for term in TERMS:
        weight = getattr(config.weights, term)
        _, alone = slopes(RewardWeights(**{**none, term: weight}))
        promised = (alone * turned).sum(axis=(0, 2)) / args.steps
        rows[term] = promised, weight * (more[term] - less[term]) / (2.0 * args.size)
    promised, found = np.sum(list(rows.values()), axis=0)
    return rows | {"all": (promised, found)}


def follow(
    env: TrackingEnv, policy: Policy, start: Mapping[str, np.ndarray], steps: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """What is seen, shape (steps, n, observations), and each hand's means of the reward's terms,
    (n,)."""
    observation = env.restore(start)
    env.watch()
    seen = []
    sums = dict.fromkeys(TERMS, np.zeros(env.num_envs))
    for _ in range(steps):
        seen.append(observation)
        result = env.step(policy.act(observation))
        observation = result.observation
        sums = {term: total + result.terms[term] / steps for term, total in sums.items()}
    return np.array(seen), sums


def slopes_of(env: TrackingEnv, policy: Policy, seen: np.ndarray, fading: float) -> np.ndarray:
    """How the reward changes with each logit of what was just followed. Shape (steps, n,
    actions)."""
    slopes = np.empty((*seen.shape[:2], env.num_actions), dtype=np.float32)
    by_seen = None
    for step in reversed(range(env.look_back(fading))):
        shown = torch.from_numpy(seen[step]).requires_grad_()
        logits = policy(shown)
        action = torch.sigmoid(logits).detach().numpy()
        slopes[step] = env.step_back(by_seen) * action * (1.0 - action)
        by_seen = torch.autograd.grad(logits, shown, torch.from_numpy(slopes[step]))[0].numpy()
    return slopes


def moved(policy: Policy, step: torch.Tensor) -> Policy:
    """A copy with other weights."""
    other = copy.deepcopy(policy)
    weights = torch.nn.utils.parameters_to_vector(other.parameters())
    torch.nn.utils.vector_to_parameters(weights + step, other.parameters())
    return other


if __name__ == "__main__":
    try:
        main(tyro.cli(Args, description=__doc__))
    except MusclehandError as error:
        raise SystemExit(str(error)) from None
