"""Tracking policies on held-out motion, beside computed muscle control (the teacher).

    python experiments/bench_following.py corpus runs/track/policy/tracking.json
    python experiments/bench_following.py corpus                              # the teacher alone
    python experiments/bench_following.py corpus runs/*/policy/tracking.json --conditions all

Clips of a split of the corpus are followed in the air, and plans of generated scores of the same
split on keys, for ten seconds at most. `--out` gets the figures of every clip as CSV. Several
policies, of different seeds, are summarised by mean and 95 % interval. Pages: following, and with
`--page delayed` that of the policy for sensory delay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import tyro
from rich.console import Console

from harness.results_page import markdown_table, write_results_page
from harness.script import command_of, run_script
from musclehand.cli.deprecated import Renamed
from musclehand.cli.training_progress import score_table
from musclehand.core.atomic import write_file
from musclehand.core.errors import UnknownName
from musclehand.envs.tracking.evaluation import RAPID
from musclehand.policies.tracking import load_tracking_policy
from musclehand.training.evaluation import (
    CONDITIONS,
    TEACHER,
    TrackingEvaluation,
    evaluate_tracking,
)
from musclehand.training.run_log import csv_text
from musclehand.training.scale_out import estimate

WARM_START = "warm start"

TITLES = {
    "following": "Tracking policy on held-out motion",
    "delayed": "Tracking policy with sensory delay",
}

PROSE = {
    "following": """\
Fingertip error [mm] on held-out clips of the corpus: computed muscle control (the teacher), the
policy after DAgger alone (warm start) if it is given, and the policy after the analytic policy
gradient. Several policies are seeds of one training, with mean and 95 % interval; the first is the
bundled policy `tracking`.""",
    "delayed": """\
The bundled policy `tracking_delayed` is trained with sensory delays of up to 24 ms, gets the
delay and its last three excitations as inputs, and is judged like the [tracking
policy](following.md). Fingertip error [mm], with mean and 95 % interval over several seeds.""",
}


@dataclass(frozen=True)
class Args:
    """What to judge."""

    corpus: tyro.conf.Positional[Path]
    """Folder of a corpus."""

    policies: tyro.conf.Positional[tuple[Path, ...]] = ()
    """JSON files of policies of different seeds."""

    split: str = "test"
    """Of the corpus, and of the generated scores."""

    clips: int = 24
    """Clips of the corpus, at most."""

    scores: int = 8
    """Generated scores that are planned and followed on keys."""

    conditions: tuple[str, ...] = ("undisturbed",)
    """Names of `training.evaluation.CONDITIONS`, or "all" of them."""

    teacher: bool = True
    """Judge computed muscle control as well."""

    warm: Path | None = None
    """Policy of a warm start, which is judged by itself."""

    seed: int = 0
    """Of the disturbances, and of the choice of clips."""

    page: str = "following"
    """Results page: following or delayed."""

    out: Path = Path("runs/bench_following.csv")
    """Figures of every clip."""

    results: bool = False
    """Write the results page."""


def main(args: Args) -> None:
    """Judges, prints tables and writes the figures."""
    torch.set_num_threads(1)
    if args.page not in TITLES:
        raise UnknownName("page", args.page, TITLES)
    console = Console()
    paths = {f"policy {number}": path for number, path in enumerate(args.policies)}
    if args.warm is not None:
        paths = {WARM_START: args.warm, **paths}
    result = evaluate_tracking(
        {name: load_tracking_policy(path) for name, path in paths.items()},
        args.corpus,
        conditions=CONDITIONS if args.conditions == ("all",) else args.conditions,
        split=args.split,
        clips=args.clips,
        scores=args.scores,
        teacher=args.teacher,
        seed=args.seed,
    )
    actors = [*([TEACHER] if args.teacher else []), *paths]
    conditions = list(dict.fromkeys(condition for condition, _ in result.places()))
    for condition in conditions:
        for actor in actors:
            console.print(score_table(f"{actor}, {condition}", result.scores(actor, condition)))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    write_file(args.out, csv_text(result.rows()))
    tables = f"{error_table(result, actors)}\n\n{passage_table(result, actors, conditions[0])}"
    console.print(tables, markup=False)
    if args.results:
        body = f"{PROSE[args.page]}\n\n{tables}"
        write_results_page(args.page, TITLES[args.page], command_of(__file__, args), body)


def error_table(result: TrackingEvaluation, actors: Sequence[str]) -> str:
    """Mean fingertip errors by condition and place; policies by mean and 95 % interval."""
    alone = [name for name in actors if not name.startswith("policy")]
    seeds = [name for name in actors if name.startswith("policy")]
    count = "" if not seeds else f"; {len(seeds)} seed{'s' * (len(seeds) > 1)}"
    head = [f"fingertip error [mm]{count}", "", *alone]
    if seeds:
        head += ["policy", *(f"ratio to {name}" for name in alone)]
    rows = []
    for condition, place in result.places():
        errors = {name: result.tip_error(name, condition, place) for name in alone}
        cells = [condition, place, *(f"{error:.2f}" for error in errors.values())]
        if seeds:
            policy = estimate([result.tip_error(name, condition, place) for name in seeds])
            interval = "" if policy.interval is None else f" ± {policy.interval:.2f}"
            cells.append(f"{policy.mean:.2f}{interval}")
            cells += [f"{policy.mean / error:.2f}" for error in errors.values()]
        rows.append(cells)
    return markdown_table(head, rows)


def passage_table(result: TrackingEvaluation, actors: Sequence[str], condition: str) -> str:
    """Mean fingertip errors in rapid and in loaded passages, and the share of clips that are
    followed to their end.

    Args:
        result: of an evaluation.
        actors: columns.
        condition: that the figures are of.
    """
    passages = {
        "rapid": f"a joint above {RAPID:.0f} rad/s",
        "loaded": "fingers on keys",
    }
    first = result.scores(actors[0], condition)
    durations = {
        name: sum(getattr(score, f"{name}_seconds") for score in first) for name in passages
    }
    head = [f"{text}, {durations[name]:.0f} s" for name, text in passages.items()]
    rows = []
    for actor in actors:
        scores = result.scores(actor, condition)
        cells = [actor]
        for name in passages:
            seconds = np.array([getattr(score, f"{name}_seconds") for score in scores])
            errors = np.array([getattr(score, f"{name}_tip") for score in scores])
            cells.append(f"{1e3 * seconds @ errors / max(seconds.sum(), 1e-9):.2f}")
        survived = 100 * np.mean([score.survived for score in scores])
        rows.append([*cells, f"{survived:.1f}"])
    return markdown_table(["fingertip error [mm]", *head, "survived %"], rows)


RENAMED = Renamed(
    options={"--most": "--clips"},
    values={("--conditions", "senses 24 ms late"): "sensory delay 24 ms"},
)

if __name__ == "__main__":
    run_script(main, Args, __doc__, renamed=RENAMED)
