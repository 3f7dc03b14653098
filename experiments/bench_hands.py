"""Hand models through all checks of the validator: musclehand, MyoHand, MyoArm, and others.

    python experiments/bench_hands.py
    python experiments/bench_hands.py --music two_hands_ds6.5_muscle_driven.xml --results

The hand of this package is checked right and left, at its own size and at both extremes of `SIZES`.
MyoHand 0.2.3 and the arm that it is cut from come with the package myo-sim. Others are given by
name and file, and opened without a map of their names: MUSIC-Hand (github.com/xupei0610/music),
MyoHand 0.1.7 (in the wheel of myosuite 2.12.2), MuscleMimic's arms (musclemimic-models 1.0.6).
A third part after a second "=" is the folder that a file's includes lie in.
"""

from __future__ import annotations

import json
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from myo_sim.build.compose import build_spec

from harness.results_page import markdown_table, write_results_page
from harness.script import command_of, run_script
from musclehand.body.build.scaling import scale_tables
from musclehand.body.build.tables import load_tables
from musclehand.core.atomic import write_file
from musclehand.core.mujoco_warnings import silence_mujoco
from musclehand.validation.report.write import as_json
from musclehand.validation.specimen import open_specimens
from musclehand.validation.suite import CHECKS, examine

TITLE = "Hand models through all checks"

PROSE = """\
Hand models through every check of the validator: musclehand, MyoHand of MyoSim 0.2.3, and others
that were found on the way. All of them are opened without a map of their names. The six variants of
musclehand are the right and the left hand, each at its own size, as a small woman's and as a large
man's. A warning counts as a pass."""

OURS = "musclehand"
MYOHAND = "MyoHand 0.2.3"
MYOARM = "MyoArm 0.2.3"

MUSIC = "MUSIC-Hand"

TOLD = (OURS, MYOHAND, MUSIC)
"""Models whose findings are told in full; of the others the table has the verdicts."""

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

    peers: tuple[str, ...] = ()
    """Other models: NAME=FILE, or NAME=FILE=FOLDER with the folder of the files it includes."""

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
    sources[MYOARM] = (MYOARM, "right")
    roots: dict[str, str] = {}
    if args.music is not None:
        sources[MUSIC] = (str(args.music), "right")
    for peer in args.peers:
        name, file, *folder = peer.split("=")
        sources[name] = (file, "right")
        roots[name] = folder[0] if folder else ""
    with ProcessPoolExecutor(max_workers=args.workers) as pool:
        jobs = {
            name: pool.submit(examine_hand, *source, roots.get(name) or None)
            for name, source in sources.items()
        }
        findings = {name: job.result() for name, job in jobs.items()}
    write_file(args.out / "hands.json", json.dumps(findings, indent=1))
    tables = f"{check_table(findings)}\n\n{count_table(findings)}"
    print(tables)
    if args.results:
        body = f"{PROSE}\n\n{tables}"
        write_results_page("hands", TITLE, command_of(__file__, args), body)


def examine_hand(source: str, side: str, root: str | None = None) -> Findings:
    """All findings of a model.

    Args:
        source: model, a name of `SIZES`, or `MYOARM`.
        side: right, left or both.
        root: folder that the files included by a model lie in; by default the model's own.
    """
    tables = None
    model: Any = source
    if source in SIZES:
        length, breadth = SIZES[source]
        model = OURS
        tables = scale_tables(load_tables(), hand_length=length, hand_breadth=breadth)
    elif source == MYOARM:
        with silence_mujoco():
            model = build_spec("myoarm_r")
    results = as_json(examine(open_specimens(model, side=side, tables=tables, root=root)))
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
        ours, *peers = [
            VERDICTS[cell["verdict"]] + (f": {cell['summary']}" if name in TOLD else "")
            for name, cell in zip(names, results, strict=True)
        ]
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
