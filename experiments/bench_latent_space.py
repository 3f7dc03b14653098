"""Probes of a latent space: what its dimensions do, what can be read out of it, what lies between.

    python experiments/bench_latent_space.py runs/latent/policy/latent_space.json
    python experiments/bench_latent_space.py             # that of the bundled high-level policy

In the folder `--out`: `latent.png`, how joints turn when a dimension of a latent action is moved,
and `look.json`: how well linear probes (logistic and ridge regression) read off which finger
presses and how a hand is about to move, and where hands go between two latent actions. With a
corpus (`--corpus`) also how held-out clips are followed through the latent space, and what samples
of its prior do.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from rich.console import Console

from harness.results_page import markdown_table, write_figure, write_results_page
from harness.script import command_of, run_script
from musclehand.core.atomic import write_file
from musclehand.motion.dataset import open_corpus
from musclehand.policies.latent import LatentSpace, load_latent_space
from musclehand.policies.tracking import load_tracking_policy
from musclehand.training.latent_evaluation import compare_sequences, held_out_clips, sample_prior
from musclehand.training.latent_probes import (
    draw_traversal,
    interpolate_latent_actions,
    probe_latent_actions,
    traverse_latent_actions,
)

TITLE = "Probes of the latent space"

PROSE = """\
What single latent numbers do, what linear probes read out of latent actions, and what samples
of the prior do, for the latent space of the bundled policy `sight_reading`."""

FIGURE = "![Joint rotation by each dimension of a latent action](../latent.png)"

LEAST_ROTATION = 2.0
"""[deg] A dimension turns a joint if it turns one by more than this."""


@dataclass(frozen=True)
class Args:
    """What to look at."""

    space: tyro.conf.Positional[Path | None] = None
    """JSON file of a latent space; that of the bundled high-level policy by default."""

    scores: int = 12
    """Scores that are planned for the probes; half to fit them, half to judge them."""

    corpus: Path | None = None
    """Folder of a corpus, for held-out clips and samples of the prior."""

    clips: int = 44
    """Held-out clips, at most."""

    out: Path = Path("runs/bench_latent_space")
    """Folder of the results."""

    results: bool = False
    """Write the results page and its picture."""


def main(args: Args) -> None:
    """Probes, draws and writes."""
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    space = load_latent_space(args.space)
    rotations = traverse_latent_actions(space)
    draw_traversal(rotations, args.out / "latent.png")
    turned = np.abs(rotations).max(axis=1) > np.radians(LEAST_ROTATION)
    figures: dict[str, Any] = {
        "probes": probe_latent_actions(space, args.scores),
        "between": interpolate_latent_actions(space)._asdict(),
        "dimensions_that_move_a_joint": int(turned.sum()),
        "dimensions": len(turned),
    }
    if args.corpus is not None:
        figures["held_out"] = judge(space, args.corpus, args.clips)
    write_file(args.out / "look.json", json.dumps(figures, indent=1))
    Console().print_json(json.dumps(figures))
    if args.results:
        write_figure(args.out / "latent.png", "latent.png")
        body = f"{PROSE}\n\n{tables(figures)}\n\n{FIGURE}"
        write_results_page("latent_space", TITLE, command_of(__file__, args), body)


def judge(space: LatentSpace, folder: Path, count: int) -> dict[str, Any]:
    """How held-out clips are followed, and what samples of the prior do.

    Args:
        space: to judge.
        folder: of the corpus.
        count: of clips and of samples.
    """
    policy = load_tracking_policy()
    clips = held_out_clips(open_corpus(folder), count)
    sequences = compare_sequences(space.policy, policy.policy.act, clips, policy.config)
    return sequences.figures() | sample_prior(space.policy, clips, policy.config)


def tables(figures: dict[str, Any]) -> str:
    """The two tables of the page."""
    probes = figures["probes"]
    presses = {name: probe for name, probe in probes.items() if "presses" in name}
    motion = next(probe for name, probe in probes.items() if name not in presses)
    cells = []
    for source in ("z", "own"):
        ranked = sorted((probe[source], name.split()[0]) for name, probe in presses.items())
        (lowest, weakest), (highest, strongest) = ranked[0], ranked[-1]
        cells.append(f"{lowest:.2f} ({weakest}) to {highest:.2f} ({strongest})")
    first = markdown_table(
        ["probe", "latent action", "hand state alone"],
        [
            ["which finger presses, balanced accuracy, lowest to highest finger", *cells],
            [
                "joint motion in the next 32 ms, R^2",
                *(f"{motion[source]:.2f}" for source in ("z", "own")),
            ],
        ],
    )
    return f"{first}\n\n{markdown_table(['property', 'value'], properties(figures))}"


def properties(figures: dict[str, Any]) -> list[list[str]]:
    """Rows of the table of properties."""
    moved = f"{figures['dimensions_that_move_a_joint']} of {figures['dimensions']}"
    rows = [
        ["dimensions that turn a joint by more than 2 degrees in 250 ms when moved by 1.5", moved],
        [
            "deviation from the line between two postures, latent actions interpolated",
            f"{100 * figures['between']['stray']:.0f} %",
        ],
    ]
    if "held_out" not in figures:
        return rows
    judged = figures["held_out"]
    shares = {
        "samples of the prior with all joints within their limits": "prior_within_limits",
        "self-contact of the hand, samples of the prior": "prior_touching",
        "self-contact of the hand, held-out clips": "clips_touching",
    }
    rows += [[label, f"{100 * judged[name]:.0f} %"] for label, name in shares.items()]
    speed = judged["prior_speed"] / judged["clips_speed"]
    return [
        *rows,
        ["speed of samples of the prior over that of held-out clips", f"{speed:.2f}"],
        ["fingertip error through the latent space [mm]", f"{judged['latent_mm']:.2f}"],
        ["fingertip error of the policy it was distilled from [mm]", f"{judged['policy_mm']:.2f}"],
        ["ratio of the two, weighted by the clips' lengths", f"{judged['ratio']:.2f}"],
    ]


if __name__ == "__main__":
    run_script(main, Args, __doc__)
