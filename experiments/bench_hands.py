"""Hand models through all checks of the validator: musclehand, MyoHand, and MUSIC-Hand if given.

    python experiments/bench_hands.py
    python experiments/bench_hands.py --music two_hands_ds6.5_muscle_driven.xml --results

The hand of this package is checked right and left, at its own size and at both extremes of `SIZES`.
MyoHand comes with the package myo-sim. MUSIC-Hand is not distributed with this; its repository is
github.com/xupei0610/music.
"""

from __future__ import annotations

import json
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.results_page import markdown_table, write_results_page
from harness.script import command_of, run_script
from musclehand.body.build.scaling import scale_tables
from musclehand.body.build.tables import load_tables
from musclehand.core.atomic import write_file
from musclehand.validation.report.write import as_json
from musclehand.validation.specimen import open_specimens
from musclehand.validation.suite import CHECKS, examine

TITLE = "Hand models through all checks"

PROSE = """\
Three hand models through every check of the validator: musclehand, MyoHand of MyoSim 0.2.3, and
MUSIC-Hand (file `two_hands_ds6.5_muscle_driven.xml` of github.com/xupei0610/music; without the
file the table leaves its column out). The six variants of musclehand are the right and the left
hand, each at its own size, as a small woman's and as a large man's."""

OURS = "musclehand"
MYOHAND = "MyoHand 0.2.3"
MUSIC = "MUSIC-Hand"

SIZES = {"5 % woman": (0.165, 0.072), "95 % man": (0.210, 0.096)}
"""Hand length and breadth [m] of a small woman and a large man (ANSUR II,
`models/reference/anthropometry.csv`)."""

VERDICTS = {"pass": "pass", "warn": "warning", "fail": "**fail**", "skip": "skip"}
"""Words for the verdicts of a check."""

Findings = list[dict[str, dict[str, Any]]]
"""For each hand of a model its findings, by the code of the check."""


@dataclass(frozen=True)
class Args:
    """What to check and where to keep the results."""

    music: Path | None = None
    """MJCF of MUSIC-Hand."""

    out: Path = Path("runs/bench_hands")
    """Folder of the results."""

    workers: int = os.cpu_count() or 1
    """Processes."""

    results: bool = False
    """Write the results page."""


def main(args: Args) -> None:
    """Checks every hand and prints the tables."""
    args.out.mkdir(parents=True, exist_ok=True)
    sources = {OURS: (OURS, "both"), **{size: (size, "both") for size in SIZES}}
    sources[MYOHAND] = ("myohand", "right")
    if args.music is not None:
        sources[MUSIC] = (str(args.music), "right")
    with ProcessPoolExecutor(max_workers=args.workers) as pool:
        jobs = {name: pool.submit(examine_hand, *source) for name, source in sources.items()}
        findings = {name: job.result() for name, job in jobs.items()}
    write_file(args.out / "hands.json", json.dumps(findings, indent=1))
    tables = f"{check_table(findings)}\n\n{count_table(findings)}"
    print(tables)
    if args.results:
        body = f"{PROSE}\n\n{tables}"
        write_results_page("hands", TITLE, command_of(__file__, args), body)


def examine_hand(source: str, side: str) -> Findings:
    """All findings of a model.

    Args:
        source: model, or a name of `SIZES`.
        side: right, left or both.
    """
    tables = None
    if source in SIZES:
        length, breadth = SIZES[source]
        source = OURS
        tables = scale_tables(load_tables(), hand_length=length, hand_breadth=breadth)
    results = as_json(examine(open_specimens(source, side=side, tables=tables)))
    return [{check["code"]: check for check in hand["checks"]} for hand in results["models"]]


def check_table(findings: dict[str, Findings]) -> str:
    """A line for each check: what it is about, and what each right hand gives."""
    names = shown(findings)
    variants = [hand for name in (OURS, *SIZES) for hand in findings[name]]
    count = f"{len(variants)} variants of {OURS}"
    rows = []
    for check in CHECKS:
        passed = sum(hand[check.code]["verdict"] in ("pass", "warn") for hand in variants)
        results = [findings[name][0][check.code] for name in names]
        ours, *peers = [f"{VERDICTS[cell['verdict']]}: {cell['summary']}" for cell in results]
        rows.append([check.code, check.title, ours, f"{passed} pass", *peers])
    return markdown_table(["check", "title", f"{OURS}, right", count, *names[1:]], rows)


def count_table(findings: dict[str, Findings]) -> str:
    """How many checks each right hand passes and fails; a warning is a pass."""
    rows = []
    for name in shown(findings):
        verdicts = [findings[name][0][check.code]["verdict"] for check in CHECKS]
        passed = verdicts.count("pass") + verdicts.count("warn")
        rows.append([name, str(passed), str(verdicts.count("fail"))])
    return markdown_table(["hand", "pass", "fail"], rows)


def shown(findings: dict[str, Findings]) -> list[str]:
    """The models that have a column, that of this package first."""
    return [OURS, *(name for name in findings if name not in SIZES and name != OURS)]


if __name__ == "__main__":
    run_script(main, Args, __doc__)
