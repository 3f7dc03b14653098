"""Trained controllers at the piano, beside computed muscle control: the same scores.

    python experiments/bench_policy.py --seconds 12
    python experiments/bench_policy.py --policy POLICY.json --pieces ode_to_joy fuer_elise
    python experiments/bench_policy.py --controllers high-level --high-level POLICY.json
    python experiments/bench_policy.py --generated 30 --controllers muscle high-level --out runs/new

The tracking policy follows the same plan as computed muscle control; the high-level policy has no
plan and plays every piece at sight. Results on file in `--out` are not computed again; other
policies need another folder.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from bench_repertoire import SEED, generated_scores, repertoire_scores
from harness.kept_results import keep_results
from harness.results_page import markdown_table, write_results_page
from harness.script import command_of, run_script
from musclehand.cli.deprecated import Renamed
from musclehand.core.errors import UnknownName
from musclehand.music.score import Score
from musclehand.performance.perform import perform
from musclehand.performance.settings import PlayerSettings

TITLES = {
    "policy": "Controllers at the piano",
    "policy_generated": "Controllers on generated scores",
}

PROSE = {
    "policy": """\
The first {seconds:g} seconds of every piece of the repertoire by three controllers: computed
muscle control (muscle), the tracking policy that follows the same plan (policy), and the
high-level policy, which has no plan and plays every piece at sight (high-level). Real-time
factors are of two runs at a time on two cores, each in one process.""",
    "policy_generated": """\
{count} generated two-hand scores of rising difficulty that no network was trained on.""",
}

NAMES = {
    "muscle": "the muscle controller",
    "policy": "the tracking policy",
    "high-level": "the high-level policy",
}
"""Controllers, and their names in a sentence."""

COLUMNS = {
    "onset F1 50 ms": "onset_f1_50ms",
    "frame F1 micro": "frame_f1_micro",
    "onset error ms": "onset_error_ms_median",
    "velocity r": "velocity_correlation",
    "joints deg": "joint_rmse_deg",
    "activation": "mean_activation",
    "x real time": "realtime_factor",
}
"""Headings of the table, and the figures below them."""

LOSSES = 3
"""Number of pieces with the largest losses that are named."""


@dataclass(frozen=True)
class Args:
    """What to play."""

    pieces: tuple[str, ...] = ()
    """Names from `musclehand play --list`; all by default."""

    generated: int = 0
    """Play this many generated scores of rising difficulty in place of the repertoire."""

    seconds: float = 20.0
    """Of each score, from its beginning."""

    policy: Path | None = None
    """JSON file of a tracking policy; the bundled one by default."""

    high_level: Path | None = None
    """JSON file of a high-level policy; the bundled one by default."""

    controllers: tuple[str, ...] = tuple(NAMES)
    """Names of controllers; the first is what the others are compared with."""

    out: Path = Path("runs/bench_policy")
    """Folder of the results."""

    workers: int = os.cpu_count() or 1
    """Processes."""

    results: bool = False
    """Write the results page."""


def main(args: Args) -> None:
    """Plays, prints, writes."""
    for controller in args.controllers:
        if controller not in NAMES:
            raise UnknownName("controller", controller, NAMES)
    args.out.mkdir(parents=True, exist_ok=True)
    if args.generated:
        scores = generated_scores(args.generated, SEED)
    else:
        scores = repertoire_scores(args.pieces)
    scores = {
        name: score.clip(0.0, min(args.seconds, score.duration)) for name, score in scores.items()
    }
    paths = {
        (name, controller): args.out / f"{name}_{controller}.json"
        for name in scores
        for controller in args.controllers
    }
    rows = keep_results(paths, play_one, scores, args, workers=args.workers, description="plays")
    kind = "scores" if args.generated else "pieces"
    table = as_table(rows, tuple(scores), args.controllers, f"{len(scores)} {kind}, means")
    text = "\n\n".join([table, *losses(rows, tuple(scores), args.controllers)])
    Console().print(text, markup=False)
    if args.results:
        page = "policy_generated" if args.generated else "policy"
        prose = PROSE[page].format(seconds=args.seconds, count=len(scores))
        command = command_of(__file__, args)
        write_results_page(page, TITLES[page], command, f"{prose}\n\n{text}")


def play_one(
    name: str, controller: str, scores: Mapping[str, Score], args: Args
) -> dict[str, float | None]:
    """Figures of one performance.

    Args:
        name: of the score.
        controller: its name.
        scores: by name.
        args: of the experiment.
    """
    policy = {"policy": args.policy, "high-level": args.high_level}.get(controller)
    settings = PlayerSettings(controller, policy=policy, processes=1)
    result = perform(scores[name], settings)
    figures = {**result.metrics.as_dict(), **vars(result.body)}
    figures["realtime_factor"] = result.realtime_factor
    return {figure: figures[figure] for figure in COLUMNS.values()}


def as_table(
    rows: Mapping[tuple[str, str], Mapping[str, float | None]],
    pieces: Sequence[str],
    controllers: Sequence[str],
    first: str,
) -> str:
    """Means over all pieces, a row for each controller, in Markdown.

    Args:
        rows: figures of each performance.
        pieces: names of the scores.
        controllers: names of the controllers.
        first: heading of the first column.
    """
    lines = []
    for controller in controllers:
        cells = []
        for figure in COLUMNS.values():
            values = [rows[piece, controller][figure] for piece in pieces]
            numbers = [value for value in values if value is not None]
            cells.append(f"{np.mean(numbers):.3f}" if numbers else "")
        lines.append([controller, *cells])
    return markdown_table([first, *COLUMNS], lines)


def losses(
    rows: Mapping[tuple[str, str], Mapping[str, float | None]],
    pieces: Sequence[str],
    controllers: Sequence[str],
) -> list[str]:
    """For each controller but the first, a sentence on the pieces where it loses most.

    Args:
        rows: figures by piece and controller.
        pieces: names of the pieces.
        controllers: names; the others are compared with the first.
    """
    first = controllers[0]
    sentences = []
    for controller in controllers[1:]:
        differences = {
            piece: onset_f1(rows[piece, controller]) - onset_f1(rows[piece, first])
            for piece in pieces
        }
        worst = sorted(differences, key=lambda piece: differences[piece])[:LOSSES]
        named = ", ".join(f"{piece} {differences[piece]:+.3f}" for piece in worst)
        sentences.append(
            f"Largest losses of {NAMES[controller]} against {NAMES[first]}, onset F1: {named}."
        )
    return sentences


def onset_f1(row: Mapping[str, float | None]) -> float:
    """Onset F1 within 50 ms, 0 where there is none."""
    return row["onset_f1_50ms"] or 0.0


RENAMED = Renamed(
    options={"--planner": "--high-level"}, values={("--controllers", "planner"): "high-level"}
)

if __name__ == "__main__":
    run_script(main, Args, __doc__, renamed=RENAMED)
