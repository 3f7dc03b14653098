"""Our hand, MyoHand and, where its path is given, MUSIC-Hand through all checks of the validator:
one table.

    python experiments/bench_hands.py --readme
    python experiments/bench_hands.py --music ~/music/assets/two_hands_ds6.5_muscle_driven.xml --readme

Our hand is checked right and left, at its own size and at both extremes of `SIZES`. MyoHand comes
with the package myo-sim. MUSIC-Hand is not ours to pass on: its repository is
github.com/xupei0610/music.
"""

from __future__ import annotations

import json
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro
from readme_table import put_table

from musclehand.body.build.scaling import scale_tables
from musclehand.body.build.tables import load_tables
from musclehand.validate.report.write import as_json
from musclehand.validate.specimen import open_specimens
from musclehand.validate.suite import CHECKS, examine

MARK = "hands table"

SIZES = {"5 % woman": (0.165, 0.072), "95 % man": (0.210, 0.096)}
"""Hand length and breadth [m] of a small woman and a large man (ANSUR II,
`models/reference/anthropometry.csv`)."""

WORDS = {"pass": "yes", "warn": "yes, but", "fail": "**no**", "skip": "-"}


@dataclass(frozen=True)
class Args:
    """What to check and where to keep the results."""

    music: Path | None = None
    """MJCF of MUSIC-Hand"""
    out: Path = Path("runs/bench_hands")
    """folder of the results"""
    workers: int = os.cpu_count() or 1
    """processes"""
    readme: bool = False
    """put the table into README.md"""


def main(args: Args) -> None:
    """Checks every hand, prints the table, and says what fails."""
    args.out.mkdir(parents=True, exist_ok=True)
    sources = {"musclehand": ("musclehand", "both"), **{size: (size, "both") for size in SIZES}}
    sources["MyoHand 0.2.3"] = ("myohand", "right")
    if args.music is not None:
        sources["MUSIC-Hand"] = (str(args.music), "right")
    with ProcessPoolExecutor(max_workers=args.workers) as pool:
        jobs = {name: pool.submit(examine_one, *what) for name, what in sources.items()}
        found = {name: job.result() for name, job in jobs.items()}
    (args.out / "hands.json").write_text(json.dumps(found, indent=1))
    table = render(found)
    print(table)
    if args.readme:
        put_table(MARK, table)


def examine_one(source: str, side: str) -> list[dict[str, dict[str, Any]]]:
    """All findings by check, one mapping a hand."""
    tables = None
    if source in SIZES:
        length, breadth = SIZES[source]
        source = "musclehand"
        tables = scale_tables(load_tables(), hand_length=length, hand_breadth=breadth)
    results = as_json(examine(open_specimens(source, side=side, tables=tables)))
    return [{check["code"]: check for check in hand["checks"]} for hand in results["models"]]


def render(found: dict[str, list[dict[str, dict[str, Any]]]]) -> str:
    """A line a check: what it asks, and what each hand gives; right hands, and how many of ours
    passed."""
    peers = [name for name in found if name not in SIZES and name != "musclehand"]
    ours = [hand for name in ("musclehand", *SIZES) for hand in found[name]]
    lines = [
        f"| check | asks | ours, right | all {len(ours)} of ours | {' | '.join(peers)} |",
        "|" + " --- |" * (4 + len(peers)),
    ]
    for check in CHECKS:
        passed = sum(hand[check.code]["verdict"] in ("pass", "warn") for hand in ours)
        cells = [found[name][0][check.code] for name in ("musclehand", *peers)]
        words = [f"{WORDS[cell['verdict']]}: {cell['summary']}" for cell in cells]
        lines.append(
            f"| {check.code} | {check.title} | {words[0]} | {passed} pass | {' | '.join(words[1:])} |"
        )
    for name in ("musclehand", *peers):
        hand = found[name][0]
        counts = [
            sum(hand[check.code]["verdict"] == verdict for check in CHECKS) for verdict in WORDS
        ]
        lines += ["", f"{name}: {counts[0] + counts[1]} pass, {counts[2]} fail."]
    return "\n".join(lines)


if __name__ == "__main__":
    main(tyro.cli(Args, description=__doc__))
