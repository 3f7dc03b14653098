"""`musclehand validate`: puts hand models through all checks, and shows, writes and compares
what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from musclehand.core.errors import MusclehandError

if TYPE_CHECKING:
    from rich.text import Text

    from musclehand.body.build.tables import HandTables
    from musclehand.validate.check import Check, Specimen, Verdict
    from musclehand.validate.suite import Examination, OnCheck

PASSED = 0
FAILED = 1

SHOWN = 6
"""Offenders shown in the terminal before "and more"."""

_NO_DEFAULT = ""
_STYLES = {"pass": "green", "warn": "yellow", "fail": "bold red", "skip": "dim"}


@dataclass(frozen=True)
class ValidateArgs:
    """Check a hand model: is it anatomical, stable and strong enough?

    MODEL is an MJCF file with one hand or two, or a model that comes along: musclehand or myohand.
    Known names of joints and muscles are found by themselves; --map says which is which in other
    models. Exit code 0: no check of MODEL fails; 1: one does; 2: a model cannot be used.

    For example:
      musclehand validate musclehand
      musclehand validate my_hand.xml --against musclehand myohand --report report
      musclehand validate my_hand.xml --checks V12 V14 --side right
      musclehand validate musclehand --hand-length 165 --hand-breadth 72
    """

    model: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="MODEL")]]
    """MJCF file, or musclehand or myohand."""

    against: Annotated[
        tuple[str, ...], tyro.conf.arg(metavar="MODEL ...", help_behavior_hint=_NO_DEFAULT)
    ] = ()
    """Other models to put through the same checks and to show beside it."""

    report: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint=_NO_DEFAULT)] = (
        None
    )
    """Write a page with figures (validation.html) and the results (validation.json) into this
    folder."""

    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint=_NO_DEFAULT)] = (
        None
    )
    """Write the results to this file."""

    map: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint=_NO_DEFAULT)] = (
        None
    )
    """Which part of MODEL is which: a JSON file as in models/naming."""

    root: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")] = None
    """Folder that a model's includes and meshes may come from; by default the one it lies in."""

    side: Annotated[str, tyro.conf.arg(metavar="left|right|both")] = "both"
    """Which hands to check; both means those that a model has."""

    checks: Annotated[
        tuple[str, ...], tyro.conf.arg(metavar="V12 ...", help_behavior_hint=_NO_DEFAULT)
    ] = ()
    """Only these checks."""

    hand_length: Annotated[
        float | None, tyro.conf.arg(metavar="MM", help_behavior_hint=_NO_DEFAULT)
    ] = None
    """Check musclehand at this length, wrist to fingertip; by default 175 mm."""

    hand_breadth: Annotated[
        float | None, tyro.conf.arg(metavar="MM", help_behavior_hint=_NO_DEFAULT)
    ] = None
    """Check musclehand at this breadth across the knuckles; by default 77 mm."""

    strength: Annotated[float, tyro.conf.arg(metavar="X")] = 1.0
    """Check musclehand with all muscles X times as strong."""


def validate(args: ValidateArgs) -> int:
    """`musclehand validate`; returns 0 if the model passes and 1 if it does not.

    Raises:
        MusclehandError: a model, naming, check or path is not usable.
    """
    from musclehand.cli.console import open_console, say
    from musclehand.validate.report.write import write_json, write_report
    from musclehand.validate.specimen import open_specimens
    from musclehand.validate.suite import examine, select_checks

    checks = select_checks(args.checks)
    if args.model in args.against or len(set(args.against)) < len(args.against):
        raise MusclehandError("a model is compared with itself: name each only once")
    specimens = list(
        open_specimens(
            args.model,
            naming=args.map,
            root=args.root,
            side=args.side,
            tables=_tables(args),
            strength_scale=args.strength,
        )
    )
    for other in args.against:
        specimens += open_specimens(other, root=args.root, side=args.side)
    with _progress(len(checks) * len(specimens)) as show:
        examinations = examine(specimens, args.checks, show)
    written: list[Path] = []
    if args.report is not None:
        written += write_report(examinations, args.report)
    if args.json is not None:
        write_json(examinations, args.json)
        written.append(args.json)
    print_examinations(examinations, args.model)
    if written:
        say(open_console(), f"Written to {', '.join(map(str, written))}")
    own = [each for each in examinations if each.specimen.source == args.model]
    return PASSED if all(each.passed for each in own) else FAILED


def _tables(args: ValidateArgs) -> HandTables | None:
    """The tables of a hand of the size asked for; None where none is."""
    from musclehand.body.build.scaling import scale_tables
    from musclehand.body.build.tables import load_tables

    sized = args.hand_length is not None or args.hand_breadth is not None
    if (sized or args.strength != 1.0) and args.model != "musclehand":
        raise MusclehandError(
            f"size and strength are settings of the model musclehand, not of {args.model}"
        )
    length, breadth = (
        None if size is None else 1e-3 * size for size in (args.hand_length, args.hand_breadth)
    )
    return scale_tables(load_tables(), hand_length=length, hand_breadth=breadth) if sized else None


def print_examinations(examinations: Sequence[Examination], model: str) -> None:
    """A table of all verdicts, and below it what is wrong with `model`."""
    from rich.table import Table
    from rich.text import Text

    from musclehand.cli.console import open_console, say

    table = Table(title="Checks", title_justify="left")
    table.add_column("", no_wrap=True)
    table.add_column("check", max_width=30)
    for each in examinations:
        table.add_column(Text(each.name), ratio=1)
    for row in zip(*(each.results for each in examinations), strict=True):
        cells = [_cell(result.finding.verdict, result.finding.summary) for result in row]
        table.add_row(row[0].check.code, Text(row[0].check.title), *cells)
    console = open_console()
    console.print(table)
    _tell_offenders([each for each in examinations if each.specimen.source == model])
    for each in examinations:
        counts = dict.fromkeys(_STYLES, 0)
        for result in each.results:
            counts[result.finding.verdict.value] += 1
        say(
            console,
            f"{each.name}: "
            + ", ".join(f"{count} {word}" for word, count in counts.items() if count),
        )


def _tell_offenders(examinations: Sequence[Examination]) -> None:
    """What is wrong with one model; of its second hand only what is not wrong with the first one
    in the same way."""
    from musclehand.cli.console import open_console, say

    console = open_console()
    told: set[tuple[str, str]] = set()
    for each in examinations:
        for check, finding, _ in each.results:
            lines = [
                line
                for line in finding.offenders
                if (check.code, _sideless(line, each)) not in told
            ]
            told |= {(check.code, _sideless(line, each)) for line in lines}
            if finding.verdict.value not in {"fail", "warn"} or not lines:
                continue
            say(console, f"{each.name}, {check.code} {check.title} ({check.threshold}):")
            for line in lines[:SHOWN]:
                say(console, f"    {line}")
            if len(lines) > SHOWN:
                say(console, f"    and {len(lines) - SHOWN} more")


def _sideless(line: str, examination: Examination) -> str:
    """A line without what the model's names say about the side."""
    naming = examination.specimen.naming
    side = examination.specimen.hand.side
    return " ".join(naming.base_of(word.strip(",:;()"), side) or word for word in line.split())


def _cell(verdict: Verdict, summary: str) -> Text:
    from rich.text import Text as Words

    return Words.assemble((verdict.value.upper(), _STYLES[verdict.value]), f" {summary}")


@contextmanager
def _progress(total: int) -> Iterator[OnCheck]:
    """A bar on stderr, if that is a terminal, with the name of the check that is running."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar
    from rich.text import Text

    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}", markup=False))
    with Bar(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("", total=total)
        started = 0

        def show(specimen: Specimen, check: Check) -> None:
            nonlocal started
            name = (
                f"{specimen.source} {specimen.hand.side.name.lower()}: {check.code} {check.title}"
            )
            bar.update(task, completed=started, description=str(Text(name)))
            started += 1

        yield show
