"""A latent space beside the tracking policy that it was distilled from, sequence by sequence.

    python experiments/bench_sequences.py corpus --clips 44
    python experiments/bench_sequences.py corpus --space SPACE.json --policy POLICY.json

Held-out clips are followed by the policy and through the latent space. In the folder `--out`:
`sequences.csv`, a row for each clip, the worst first, and `latent.json`, means and what samples of
the prior do.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import tyro
from rich.console import Console

from harness.results_page import cells_table, write_results_page
from harness.script import command_of, run_script
from musclehand.core.atomic import write_file
from musclehand.motion.dataset import open_corpus
from musclehand.policies.latent import load_latent_space
from musclehand.policies.tracking import load_tracking_policy
from musclehand.training.latent_evaluation import compare_sequences, held_out_clips, sample_prior
from musclehand.training.run_log import csv_text

TITLE = "Latent space, sequence by sequence"

PROSE = """\
Fingertip and joint errors of the tracking policy, and of the same motion through the latent
space that was distilled from it. Held-out clips over keys, worst ratio first."""


@dataclass(frozen=True)
class Args:
    """What to compare."""

    corpus: tyro.conf.Positional[Path]
    """Folder of a corpus."""

    space: Path | None = None
    """JSON file of a latent space; that of the bundled high-level policy by default."""

    policy: Path | None = None
    """JSON file of the tracking policy; the bundled one by default."""

    clips: int = 24
    """Held-out clips, at most."""

    out: Path = Path("runs/bench_sequences")
    """Folder of the results."""

    results: bool = False
    """Write the results page."""


def main(args: Args) -> None:
    """Compares, prints and writes."""
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    policy = load_tracking_policy(args.policy)
    space = load_latent_space(args.space)
    clips = held_out_clips(open_corpus(args.corpus), args.clips)
    sequences = compare_sequences(space.policy, policy.policy.act, clips, policy.config)
    write_file(args.out / "sequences.csv", csv_text(sequences.rows))
    figures = sequences.figures() | sample_prior(space.policy, clips, policy.config)
    write_file(args.out / "latent.json", json.dumps(figures, indent=1))
    Console().print_json(json.dumps(figures))
    if args.results:
        body = f"{PROSE}\n\n{sequence_table(sequences.rows)}"
        write_results_page("sequences", TITLE, command_of(__file__, args), body)


def sequence_table(rows: Sequence[dict[str, Any]]) -> str:
    """A line for each clip, in Markdown."""
    cells: list[tuple[str, Callable[[dict[str, Any]], str]]] = [
        ("seconds", lambda row: f"{row['seconds']:.1f}"),
        ("policy: fingertips mm", lambda row: f"{row['policy_mm']:.2f}"),
        ("latent space: fingertips mm", lambda row: f"{row['latent_mm']:.2f}"),
        ("ratio", lambda row: f"{row['ratio']:.2f}"),
        ("policy: joints deg", lambda row: f"{row['policy_joints_deg']:.2f}"),
        ("latent space: joints deg", lambda row: f"{row['latent_joints_deg']:.2f}"),
    ]
    named = {f"{row['kind']} {row['name']}": row for row in rows}
    return cells_table("sequence, worst first", cells, named)


if __name__ == "__main__":
    run_script(main, Args, __doc__)
