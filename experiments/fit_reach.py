"""What two fingers of the bundled hand reach together: solves `models/hand/reach.csv` anew.

    python experiments/fit_reach.py --out models/hand/reach.csv
    python experiments/fit_reach.py --out runs/reach.csv --every 20

A row for each pair of fingers, colours of their keys, and distance between them, if the hand can
hold both keys, and a row for each finger alone. `planning.fingering.grip_solver` says what can be
held: no phalanx of any finger may be in another finger or in a key. The share of the ranges of
motion that the grip needs says how strained it is, and the wrist's room how far the hand may go
meanwhile. Run it after a change of the hand. A test solves a sample of the rows again.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness.script import run_script
from musclehand.core.atomic import write_file
from musclehand.motion.inverse_kinematics import HandIk
from musclehand.planning.fingering.grip_solver import GripSolver
from musclehand.planning.fingering.reach_table import COLUMNS, GripCase, grip_chains, solve_chain


@dataclass(frozen=True)
class Args:
    """Where the table goes."""

    out: Path = Path("runs/fit_reach/reach.csv")
    """The table."""

    every: int = 1
    """Solve one of so many chains of rows, for a quick look."""

    workers: int = 2
    """Processes."""


@cache
def solver() -> GripSolver:
    """The solver of a process."""
    return GripSolver(HandIk())


def rows_of(chain: tuple[GripCase, ...]) -> list[dict[str, str]]:
    """The rows of a chain."""
    return solve_chain(solver(), chain)


def rows(args: Args) -> Iterator[dict[str, str]]:
    """All rows, in the order of the cases."""
    chains = grip_chains(solver().geometry)[:: args.every]
    with ProcessPoolExecutor(args.workers) as pool:
        for solved in pool.map(rows_of, chains):
            for row in solved:
                print(",".join(row.values()), flush=True)
                yield row


def main(args: Args) -> None:
    """Solves and writes."""
    file = io.StringIO()
    table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(rows(args))
    write_file(args.out, file.getvalue())


if __name__ == "__main__":
    run_script(main, Args, __doc__)
