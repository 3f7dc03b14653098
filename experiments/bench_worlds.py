"""Surrogate worlds, screened: how well the player does in each as it comes, told nothing.

    python experiments/bench_worlds.py
    python experiments/bench_worlds.py --tiers t1 --seeds 20 --results

A world is of use to a calibration where the player, which believes in its own hands, keys and
nerves, does badly but not hopelessly. Worlds are drawn by seed, so that a choice made here can be
written down as a list of names. Results on file in `--out` are not computed again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from harness.kept_results import keep_results
from harness.results_page import markdown_table, write_results_page
from harness.script import command_of, run_script
from musclehand.controllers.world_run import Nerves
from musclehand.music.repertoire import load_piece
from musclehand.music.score import keyboard_score
from musclehand.performance.perform import perform
from musclehand.performance.players import PlanPlayer
from musclehand.performance.settings import PlayerSettings
from musclehand.world.names import TIERS, SurrogateName
from musclehand.world.surrogate import surrogate
from musclehand.world.world import WorldError

TITLE = "Surrogate worlds"

PROSE = """\
Onset F1 (50 ms) of the muscle controller in surrogate worlds, as it comes: it believes in its own
hands, keys and nerves, without delay. Worlds in bold are those with a mean from {low:g} to
{high:g}, where there is something to learn and something to build on."""

PIECES = ("twinkle_twinkle", "happy_birthday", "ode_to_joy", "are_you_sleeping")
"""Those of Learning to Play Piano in the Real World (arXiv 2503.15481)."""

KEPT = (0.3, 0.85)
"""Mean onset F1 of worlds that are of use."""


@dataclass(frozen=True)
class Args:
    """Which worlds, and what to play there."""

    tiers: tuple[str, ...] = TIERS
    """Tiers of worlds."""

    seeds: int = 10
    """Worlds of each tier, seeds from 0."""

    pieces: tuple[str, ...] = PIECES
    """Names from `musclehand play --list`."""

    seconds: float = 8.0
    """Of each piece, from its beginning."""

    out: Path = Path("runs/bench_worlds")
    """Folder of the results."""

    workers: int = 1
    """Processes; each has a world beside it."""

    results: bool = False
    """Write the results page."""


def play_one(piece: str, args: Args) -> dict[str, float | None]:
    """Onset F1 in every world, by its name; None where the simulation became unstable.

    Args:
        piece: its name.
        args: of the experiment.
    """
    score = load_piece(piece)
    score = score.clip(0.0, min(args.seconds, score.duration))
    player = PlanPlayer(keyboard_score(score), PlayerSettings(processes=1))
    figures: dict[str, float | None] = {}
    for tier in args.tiers:
        for seed in range(args.seeds):
            world = surrogate(tier, seed)
            try:
                result = perform(
                    score, player.controller(player.plan), world=world, nerves=Nerves()
                )
                figures[world.name] = float(result.metrics.onset_f1_50ms or 0.0)
            except WorldError:
                figures[world.name] = None
            finally:
                world.close()
    return figures


def main(args: Args) -> None:
    """Plays, prints, writes."""
    args.out.mkdir(parents=True, exist_ok=True)
    paths = {(piece,): args.out / f"{piece}.json" for piece in args.pieces}
    results = keep_results(paths, play_one, args, workers=args.workers, description="pieces")
    text = as_text({piece: results[piece,] for piece in args.pieces}, args)
    Console().print(text, markup=False)
    if args.results:
        write_results_page("worlds", TITLE, command_of(__file__, args), text)


def as_text(rows: Mapping[str, Mapping[str, float | None]], args: Args) -> str:
    """The page below its command, in Markdown.

    Args:
        rows: figures by piece and world.
        args: of the experiment.
    """
    low, high = KEPT
    lines = []
    kept: dict[str, list[int]] = {tier: [] for tier in args.tiers}
    for tier in args.tiers:
        for seed in range(args.seeds):
            name = str(SurrogateName(tier, seed))
            figures = [rows[piece][name] for piece in args.pieces]
            values = [0.0 if figure is None else figure for figure in figures]
            mean = float(np.mean(values))
            useful = low <= mean <= high and None not in figures
            if useful:
                kept[tier].append(seed)
            cells = ["unstable" if figure is None else f"{figure:.3f}" for figure in figures]
            mark = "**" if useful else ""
            lines.append([f"{mark}{name}{mark}", *cells, f"{mean:.3f}"])
    table = markdown_table(["world", *args.pieces, "mean"], lines)
    seeds = "\n".join(
        f"- {tier}: {', '.join(map(str, chosen)) or 'none'}" for tier, chosen in kept.items()
    )
    return f"{PROSE.format(low=low, high=high)}\n\n{table}\n\nSeeds of worlds in bold:\n\n{seeds}"


if __name__ == "__main__":
    run_script(main, Args, __doc__)
