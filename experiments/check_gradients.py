"""Gradients of the analytic policy gradient against finite differences, over a whole policy.

    python experiments/check_gradients.py corpus
    python experiments/check_gradients.py corpus POLICY.json --discount 1 --steps 64

A policy follows clips in the air, and plans on keys. Its weights are moved a little along its
gradient, there and back, the same motion is followed from the same states, and the change of each
term of the reward is compared with what the gradient promised. The table has means over hands,
without the tenth with the largest promise (learning clips those gradients, too), and the
correlation of the two over these hands.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import tyro
from rich.console import Console
from rich.table import Table

from harness.results_page import markdown_table, write_results_page
from harness.script import command_of, run_script
from musclehand.cli.deprecated import Renamed
from musclehand.envs.reference import ReferenceSet, build_references
from musclehand.envs.tracking.body import TrackingBody
from musclehand.envs.tracking.disturbance import DisturbanceConfig
from musclehand.envs.tracking.env import TrackingConfig, TrackingEnv
from musclehand.envs.tracking.reward import RewardWeights
from musclehand.learning.apg import GRADIENT_CLIP
from musclehand.learning.policy import Policy
from musclehand.motion.dataset import open_corpus
from musclehand.policies.tracking import load_tracking_policy
from musclehand.training.evaluation import held_out_references

TITLE = "Gradients against finite differences"

PROSE = """\
Change of the reward after a small step of the policy's weights along the gradient, promised by
the analytic policy gradient and measured in the simulation. Means over hands, without the tenth
of largest promise."""

TERMS = ("tip", "angle", "speed", "effort", "change")

ALL = "all"
"""Name of the sum of all terms."""

KEPT = 0.9
"""Share of hands, those with the smallest promises, that means are taken over."""


@dataclass(frozen=True)
class Args:
    """What to check."""

    corpus: tyro.conf.Positional[Path]
    """Folder of a corpus."""

    policy: tyro.conf.Positional[Path | None] = None
    """JSON file of a tracking policy; the bundled one by default."""

    envs: int = 64
    """Hands at a time."""

    steps: int = 32
    """Steps that gradients are propagated through."""

    discount: float = 0.95
    """Weight of a later error for an earlier step; below 1 the measured change may exceed the
    promised one."""

    size: float = 0.01
    """Length of the step in the space of the policy's weights."""

    scores: int = 12
    """Generated scores that are planned and followed on keys."""

    seed: int = 0
    """Of where clips begin."""

    results: bool = False
    """Write the results page."""


class Change(NamedTuple):
    """Change of a term of the reward for a step of length 1, for each hand. Shapes (n,)."""

    promised: np.ndarray
    """By the gradient."""

    measured: np.ndarray
    """By central differences."""

    def kept(self) -> Change:
        """Without the hands of the largest promises."""
        usual = self.promised < np.quantile(self.promised, KEPT)
        return Change(self.promised[usual], self.measured[usual])


def main(args: Args) -> None:
    """Prints a table."""
    torch.set_num_threads(1)
    loaded = load_tracking_policy(args.policy)
    corpus = open_corpus(args.corpus)
    quiet = replace(loaded.config, num_envs=args.envs, disturbance=DisturbanceConfig())
    planned = held_out_references(
        corpus, replace(quiet, keys=True), split="train", clips=1, scores=args.scores
    )
    clips = list(corpus.clips("train"))[::8]
    muscles = TrackingBody(1).muscles
    air = build_references(clips, dt=planned.dt, muscles=muscles)
    changes = {
        "in the air": check(loaded.policy, air, replace(quiet, keys=False), args),
        "on keys": check(loaded.policy, planned, replace(quiet, keys=True), args),
    }
    heads = ("", "term", "promised", "measured", "correlation")
    table = Table(*heads, title="change of the reward for a step of length 1")
    for place, terms in changes.items():
        for term, change in terms.items():
            promised, measured = change.kept()
            correlation = np.corrcoef(promised, measured)[0, 1]
            cells = (f"{promised.mean():.3f}", f"{measured.mean():.3f}", f"{correlation:.2f}")
            table.add_row(place, term, *cells)
        table.add_section()
    Console().print(table)
    if args.results:
        body = f"{PROSE}\n\n{change_table(changes)}"
        write_results_page("step_gradients", TITLE, command_of(__file__, args), body)


def change_table(changes: Mapping[str, Mapping[str, Change]]) -> str:
    """Means of the whole reward, by reference motion, in Markdown."""
    rows = []
    for place, terms in changes.items():
        change = terms[ALL].kept()
        rows.append([place, f"{change.promised.mean():.2f}", f"{change.measured.mean():.2f}"])
    return markdown_table(["reference motion", "promised", "measured"], rows)


def check(
    policy: Policy, references: ReferenceSet, config: TrackingConfig, args: Args
) -> dict[str, Change]:
    """Promised and measured changes of each term of the reward, and of all together.

    Args:
        policy: whose weights are moved.
        references: to follow.
        config: of the environment.
        args: of the experiment.
    """
    env = TrackingEnv(references, config, seed=args.seed)
    # So that hands are on their way, not where the reference has put them.
    follow(env, policy, env.state(), args.steps)
    start = env.state()

    def gradients(weights: RewardWeights) -> tuple[torch.Tensor, np.ndarray]:
        env.config = replace(config, weights=weights)
        observations, _ = follow(env, policy, start, args.steps)
        return torch.from_numpy(observations), logit_gradients(
            env, policy, observations, args.discount
        )

    observations, learnt = gradients(config.weights)
    learnt = np.clip(
        learnt / np.sqrt(np.median(np.mean(np.square(learnt), axis=2))),
        -GRADIENT_CLIP,
        GRADIENT_CLIP,
    )
    parts = torch.autograd.grad(
        (torch.from_numpy(learnt) * policy(observations)).sum(), list(policy.parameters())
    )
    direction = torch.cat([part.ravel() for part in parts])
    direction = direction / direction.norm()
    ends = [moved(policy, sign * args.size * direction) for sign in (1.0, -1.0)]
    forward, backward = (follow(env, end, start, args.steps)[1] for end in ends)
    with torch.no_grad():
        turned = ((ends[0](observations) - ends[1](observations)) / (2.0 * args.size)).numpy()
    no_weights = dict.fromkeys(asdict(config.weights), 0.0)
    changes = {}
    for term in TERMS:
        weight = getattr(config.weights, term)
        _, alone = gradients(RewardWeights(**{**no_weights, term: weight}))
        promised = (alone * turned).sum(axis=(0, 2)) / args.steps
        measured = weight * (forward[term] - backward[term]) / (2.0 * args.size)
        changes[term] = Change(promised, measured)
    promised, measured = np.sum(list(changes.values()), axis=0)
    return changes | {ALL: Change(promised, measured)}


def follow(
    env: TrackingEnv, policy: Policy, start: Mapping[str, np.ndarray], steps: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Has a policy follow motion from a state.

    Args:
        env: environment that is not recording.
        policy: that acts.
        start: state to begin with.
        steps: of the policy.

    Returns:
        Observations, shape (steps, n, observations), and means of the reward's terms for each
        hand, shape (n,).
    """
    observation = env.restore(start)
    env.start_recording()
    observations = []
    means = dict.fromkeys(TERMS, np.zeros(env.num_envs))
    for _ in range(steps):
        observations.append(observation)
        result = env.step(policy.act(observation))
        observation = result.observation
        means = {term: mean + result.terms[term] / steps for term, mean in means.items()}
    return np.array(observations), means


def logit_gradients(
    env: TrackingEnv, policy: Policy, observations: np.ndarray, discount: float
) -> np.ndarray:
    """Gradient of the summed reward with each logit of the steps just recorded. Shape (steps, n,
    actions).

    Args:
        env: environment that has recorded the steps.
        policy: that acted.
        observations: of the steps. Shape (steps, n, observations).
        discount: factor of rewards, a step.
    """
    gradients = np.empty((*observations.shape[:2], env.num_actions), dtype=np.float32)
    observation_gradient = None
    for step in reversed(range(env.begin_backward(discount))):
        observation = torch.from_numpy(observations[step]).requires_grad_()
        logits = policy(observation)
        action = torch.sigmoid(logits).detach().numpy()
        action_gradient = env.backward_step(observation_gradient)
        gradients[step] = action_gradient * action * (1.0 - action)
        observation_gradient = torch.autograd.grad(
            logits, observation, torch.from_numpy(gradients[step])
        )[0].numpy()
    return gradients


def moved(policy: Policy, step: torch.Tensor) -> Policy:
    """A copy of a policy whose weights, as one vector, are moved by a step."""
    copied = copy.deepcopy(policy)
    weights = torch.nn.utils.parameters_to_vector(copied.parameters())
    torch.nn.utils.vector_to_parameters(weights + step, copied.parameters())
    return copied


if __name__ == "__main__":
    run_script(main, Args, __doc__, renamed=Renamed(options={"--fading": "--discount"}))
